"""The processes of one trial talking to each other; one process alone is a group as well."""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from lamina_trainer.distributed.rank import Place
from lamina_trainer.errors import StoppedError
from lamina_trainer.host.stop import stop_requested

T = TypeVar("T")

RENDEZVOUS_SECONDS: Final = 900.0
"""How long processes on other nodes may take to appear: images are pulled meanwhile."""
_PATIENCE: Final = timedelta(hours=2)
"""Before a collective gives up. One process may be loading or evaluating for all; who dies is noticed at once."""
_TRY: Final = timedelta(seconds=5)


class Group:
    """What the processes agree on. All of them must call the same methods in the same order."""

    def __init__(self, place: Place | None = None) -> None:
        """Wait for the others; raises StoppedError if asked to stop meanwhile."""
        self.rank = 0 if place is None else place.rank
        self.world = 1 if place is None else place.world
        self.local_rank = None if place is None else place.local_rank
        self._talk: Any = None
        if place is not None:
            self._join(place)

    @property
    def first(self) -> bool:
        """Whether this process writes and reports for all."""
        return self.rank == 0

    def device(self) -> torch.device:
        """What this process computes on."""
        if not torch.cuda.is_available():
            return torch.device("cpu")
        return torch.device("cuda") if self.local_rank is None else torch.device("cuda", self.local_rank)

    def agree(self, flag: bool) -> bool:
        """Whether any process says so."""
        if self.world == 1:
            return flag
        value = torch.tensor([int(flag)])
        dist.all_reduce(value, op=dist.ReduceOp.MAX, group=self._talk)
        return bool(value.item())

    def sum(self, value: Tensor) -> Tensor:
        """Add up a tensor of the device in place."""
        if self.world > 1:
            dist.all_reduce(value)
        return value

    def gather(self, value: T) -> list[T]:
        """Everybody's value, by rank."""
        if self.world == 1:
            return [value]
        values: list[Any] = [None] * self.world
        dist.all_gather_object(values, value, group=self._talk)
        return values

    def tell(self, value: T) -> T:
        """The value of the first process, in all of them."""
        if self.world == 1:
            return value
        box: list[Any] = [value]
        dist.broadcast_object_list(box, src=0, group=self._talk)
        return box[0]  # type: ignore[no-any-return]

    def wait(self) -> None:
        """Until all are here."""
        if self.world > 1:
            dist.barrier(group=self._talk)

    def by_first(self, work: Callable[[], T]) -> T:
        """The result of work that the first process does for all."""
        return self.tell(work() if self.first else None)  # type: ignore[return-value]

    def close(self) -> None:
        """Leave together."""
        if self.world > 1:
            self.wait()
            dist.destroy_process_group()

    def _join(self, place: Place) -> None:
        cuda = torch.cuda.is_available()
        if cuda:
            torch.cuda.set_device(place.local_rank)
        if place.one_node:
            # The name of the machine need not resolve, and nobody else has to be reached.
            os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        store = _store(place)
        dist.init_process_group(
            "nccl" if cuda else "gloo", store=store, rank=place.rank, world_size=place.world, timeout=_PATIENCE
        )
        # Flags and plain values must not wait in the GPU's queue.
        self._talk = dist.new_group(backend="gloo", timeout=_PATIENCE) if cuda else None


def _store(place: Place) -> Any:
    give_up_at = time.monotonic() + RENDEZVOUS_SECONDS
    store = _connected(place, give_up_at)
    store.add("lamina/present", 1)
    while (present := store.add("lamina/present", 0)) < place.world:
        _stop_or_give_up(give_up_at, f"{present} of {place.world} processes came")
        time.sleep(0.05)
    store.set_timeout(_PATIENCE)
    return store


def _connected(place: Place, give_up_at: float) -> Any:
    host, port, world = place.address, place.port, place.world
    if place.rank == 0:
        return dist.TCPStore(  # type: ignore[attr-defined]
            host, port, world, is_master=True, timeout=_TRY, wait_for_workers=False, master_listen_fd=place.listening
        )
    while True:
        try:
            return dist.TCPStore(  # type: ignore[attr-defined]
                host, port, world, is_master=False, timeout=_TRY, wait_for_workers=False
            )
        except dist.DistError:
            _stop_or_give_up(give_up_at, f"{host}:{port} could not be reached")
            time.sleep(0.5)


def _stop_or_give_up(give_up_at: float, what: str) -> None:
    if stop_requested():
        raise StoppedError("Stopped while waiting for the other processes of the trial.")
    if time.monotonic() > give_up_at:
        raise dist.DistNetworkError(f"{what} within {RENDEZVOUS_SECONDS:.0f} s")

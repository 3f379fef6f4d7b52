"""The process group of one trial; a single process is a group of one."""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from lamina_trainer.distributed.rank import ProcessRank
from lamina_trainer.errors import StoppedError
from lamina_trainer.host.stop import stop_requested

T = TypeVar("T")

RENDEZVOUS_SECONDS: Final = 900.0
"""How long processes on other nodes may take to connect: their images may still be pulled."""
_COLLECTIVE_TIMEOUT: Final = timedelta(hours=2)
"""Timeout of a collective: one process may be loading or evaluating for all. A process that dies is noticed at once."""
_CONNECT_TIMEOUT: Final = timedelta(seconds=5)


class ProcessGroup:
    """Collectives over the processes of a trial. All of them must call the same methods in the same order."""

    def __init__(self, process: ProcessRank | None = None) -> None:
        """Wait for the others; raises StoppedError if asked to stop meanwhile."""
        self.rank = 0 if process is None else process.rank
        self.world_size = 1 if process is None else process.world_size
        self.local_rank = None if process is None else process.local_rank
        self._cpu_group: Any = None
        if process is not None:
            self._join(process)

    @property
    def is_main(self) -> bool:
        """Whether this process, rank 0, writes and reports for all."""
        return self.rank == 0

    def device(self) -> torch.device:
        """The device that this process computes on."""
        if not torch.cuda.is_available():
            return torch.device("cpu")
        return torch.device("cuda") if self.local_rank is None else torch.device("cuda", self.local_rank)

    def any_process(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        if self.world_size == 1:
            return flag
        value = torch.tensor([int(flag)])
        dist.all_reduce(value, op=dist.ReduceOp.MAX, group=self._cpu_group)
        return bool(value.item())

    def all_reduce_sum(self, value: Tensor) -> Tensor:
        """Add up a tensor over all processes, in place; it lies on the device."""
        if self.world_size > 1:
            dist.all_reduce(value)
        return value

    def all_gather(self, value: T) -> list[T]:
        """The values of all processes, ordered by rank."""
        if self.world_size == 1:
            return [value]
        values: list[Any] = [None] * self.world_size
        dist.all_gather_object(values, value, group=self._cpu_group)
        return values

    def broadcast(self, value: T) -> T:
        """The value of rank 0, in all processes."""
        if self.world_size == 1:
            return value
        box: list[Any] = [value]
        dist.broadcast_object_list(box, src=0, group=self._cpu_group)
        return box[0]  # type: ignore[no-any-return]

    def barrier(self) -> None:
        """Wait until all processes have come here."""
        if self.world_size > 1:
            dist.barrier(group=self._cpu_group)

    def run_on_main(self, work: Callable[[], T]) -> T:
        """The result of work that rank 0 does for all processes."""
        return self.broadcast(work() if self.is_main else None)  # type: ignore[return-value]

    def close(self) -> None:
        """Leave the group, together with all others."""
        if self.world_size > 1:
            self.barrier()
            dist.destroy_process_group()

    def _join(self, process: ProcessRank) -> None:
        cuda = torch.cuda.is_available()
        if cuda:
            torch.cuda.set_device(process.local_rank)
        if process.is_single_node:
            # The host name need not resolve, and no other node has to be reached.
            os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        store = _store(process)
        dist.init_process_group(
            "nccl" if cuda else "gloo",
            store=store,
            rank=process.rank,
            world_size=process.world_size,
            timeout=_COLLECTIVE_TIMEOUT,
        )
        # A group of its own: flags and plain values must not wait in the GPU's queue.
        self._cpu_group = dist.new_group(backend="gloo", timeout=_COLLECTIVE_TIMEOUT) if cuda else None


def _store(process: ProcessRank) -> Any:
    deadline = time.monotonic() + RENDEZVOUS_SECONDS
    store = _connected(process, deadline)
    store.add("lamina/present", 1)
    while (present := store.add("lamina/present", 0)) < process.world_size:
        _check_stop_and_deadline(deadline, f"{present} of {process.world_size} processes came")
        time.sleep(0.05)
    store.set_timeout(_COLLECTIVE_TIMEOUT)
    return store


def _connected(process: ProcessRank, deadline: float) -> Any:
    host, master_port, world_size = process.master_address, process.master_port, process.world_size
    if process.rank == 0:
        return dist.TCPStore(  # type: ignore[attr-defined]
            host,
            master_port,
            world_size,
            is_master=True,
            timeout=_CONNECT_TIMEOUT,
            wait_for_workers=False,
            master_listen_fd=process.listening_socket,
        )
    while True:
        try:
            return dist.TCPStore(  # type: ignore[attr-defined]
                host, master_port, world_size, is_master=False, timeout=_CONNECT_TIMEOUT, wait_for_workers=False
            )
        except dist.DistError:
            _check_stop_and_deadline(deadline, f"{host}:{master_port} could not be reached")
            time.sleep(0.5)


def _check_stop_and_deadline(deadline: float, what: str) -> None:
    if stop_requested():
        raise StoppedError("Stopped while waiting for the other processes of the trial.")
    if time.monotonic() > deadline:
        raise dist.DistNetworkError(f"{what} within {RENDEZVOUS_SECONDS:.0f} s")

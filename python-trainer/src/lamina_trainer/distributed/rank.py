"""Where a process stands among those that share a trial, found without importing torch."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lamina_trainer.errors import InvalidError

CPU_PROCESSES: Final = "LAMINA_CPU_PROCESSES"
"""Set to 1 it lets `gpus` count processes where there is no GPU, which is for tests."""
_DEFAULT_PORT: Final = 29500


@dataclass(frozen=True)
class Nodes:
    """The machines, or pods, of one trial."""

    count: int
    index: int
    address: str
    port: int


@dataclass(frozen=True)
class Place:
    """One process of a trial. Process 0 keeps the store through which the others find each other."""

    rank: int
    world: int
    local_rank: int
    local_world: int
    address: str
    port: int
    listening: int | None
    """Descriptor of a socket that listens for the store; None: bind the port."""

    @property
    def one_node(self) -> bool:
        """Whether all processes are on this machine."""
        return self.local_world == self.world


def nodes_from(env: Mapping[str, str]) -> Nodes:
    """Read LAMINA_NODES, LAMINA_NODE_RANK (or JOB_COMPLETION_INDEX), LAMINA_MASTER_ADDRESS, LAMINA_MASTER_PORT.

    Raises InvalidError if they do not fit together.
    """
    count = _whole(env, "LAMINA_NODES", 1, least=1)
    if count == 1:
        return Nodes(1, 0, "127.0.0.1", 0)
    which = "LAMINA_NODE_RANK" if env.get("LAMINA_NODE_RANK") else "JOB_COMPLETION_INDEX"
    index = _whole(env, which, None, least=0)
    if index >= count:
        raise InvalidError(f"{which} is {index}, but LAMINA_NODES is {count}; nodes are counted from 0.")
    address = env.get("LAMINA_MASTER_ADDRESS")
    if not address:
        raise InvalidError("LAMINA_MASTER_ADDRESS must name node 0 where LAMINA_NODES is more than 1.")
    return Nodes(count, index, address, _whole(env, "LAMINA_MASTER_PORT", _DEFAULT_PORT, least=1))


def places(gpus: int, nodes: Nodes) -> list[Place]:
    """The processes of this node, one for each of its share of the `gpus` of the trial."""
    if gpus % nodes.count:
        raise InvalidError(f"{gpus} GPUs cannot be divided evenly over {nodes.count} nodes.")
    local, port, listening = gpus // nodes.count, nodes.port, None
    if nodes.count == 1:
        # Bound here and inherited, so that no other process can take the port in between.
        listener = socket.create_server((nodes.address, 0))
        port, listening = listener.getsockname()[1], listener.detach()
    first = nodes.index * local
    return [
        Place(first + i, gpus, i, local, nodes.address, port, listening if first + i == 0 else None)
        for i in range(local)
    ]


def local_gpus(env: Mapping[str, str]) -> int:
    """How many GPUs this process may use, by CUDA_VISIBLE_DEVICES, else by the driver."""
    visible = env.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([name for name in visible.split(",") if name.strip() not in {"", "-1"}])
    import pynvml

    try:
        pynvml.nvmlInit()
        return int(pynvml.nvmlDeviceGetCount())
    except pynvml.NVMLError:
        return 0


def shares(gpus: int, env: Mapping[str, str]) -> list[Place]:
    """The processes that this node's part of the trial takes; empty where it runs in one.

    Raises InvalidError where the variables are wrong or there are fewer GPUs than asked for.
    """
    if gpus <= 1:
        return []
    nodes = nodes_from(env)
    present = local_gpus(env)
    if present == 0 and env.get(CPU_PROCESSES) == "1":
        return places(gpus, nodes)
    if present * nodes.count < gpus:
        where = "this machine" if nodes.count == 1 else f"this node, one of {nodes.count},"
        raise InvalidError(f"{gpus} GPUs were asked for; {where} has {present}.")
    return places(gpus, nodes)


def _whole(env: Mapping[str, str], name: str, default: int | None, *, least: int) -> int:
    value = env.get(name)
    if not value and default is not None:
        return default
    if not value or not value.isdigit() or int(value) < least:
        raise InvalidError(f"{name} must be a whole number of at least {least}, not '{value or ''}'.")
    return int(value)

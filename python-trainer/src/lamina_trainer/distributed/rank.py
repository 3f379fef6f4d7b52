"""The ranks of the processes that share a trial, found without importing torch."""

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
    master_address: str
    master_port: int


@dataclass(frozen=True)
class ProcessRank:
    """One process of a trial. Rank 0 serves the store through which all find each other."""

    rank: int
    world_size: int
    local_rank: int
    local_world_size: int
    master_address: str
    master_port: int
    listening_socket: int | None
    """Descriptor of a socket that listens for the store; None where the port is yet to be bound."""

    @property
    def is_single_node(self) -> bool:
        """Whether all processes are on this machine."""
        return self.local_world_size == self.world_size


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
    master_address = env.get("LAMINA_MASTER_ADDRESS")
    if not master_address:
        raise InvalidError("LAMINA_MASTER_ADDRESS must name node 0 where LAMINA_NODES is more than 1.")
    return Nodes(count, index, master_address, _whole(env, "LAMINA_MASTER_PORT", _DEFAULT_PORT, least=1))


def _ranks_of_node(gpus: int, nodes: Nodes) -> list[ProcessRank]:
    """The ranks of this node, one for each of its GPUs, of which the trial has `gpus` on all nodes."""
    if gpus % nodes.count:
        raise InvalidError(f"{gpus} GPUs cannot be divided evenly over {nodes.count} nodes.")
    local, master_port, listening_socket = gpus // nodes.count, nodes.master_port, None
    if nodes.count == 1:
        # Bound here and inherited, so that no other process can take the port in between.
        listener = socket.create_server((nodes.master_address, 0))
        master_port, listening_socket = listener.getsockname()[1], listener.detach()
    first = nodes.index * local
    return [
        ProcessRank(
            first + i, gpus, i, local, nodes.master_address, master_port, listening_socket if first + i == 0 else None
        )
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


def local_ranks(gpus: int, env: Mapping[str, str]) -> list[ProcessRank]:
    """The ranks that run on this node; empty for a trial of one process.

    Raises InvalidError where the variables are wrong or there are fewer GPUs than asked for.
    """
    if gpus <= 1:
        return []
    nodes = nodes_from(env)
    present = local_gpus(env)
    if present == 0 and env.get(CPU_PROCESSES) == "1":
        return _ranks_of_node(gpus, nodes)
    if present * nodes.count < gpus:
        where = "this machine" if nodes.count == 1 else f"this node, one of {nodes.count},"
        raise InvalidError(f"{gpus} GPUs were asked for; {where} has {present}.")
    return _ranks_of_node(gpus, nodes)


def _whole(env: Mapping[str, str], name: str, default: int | None, *, least: int) -> int:
    value = env.get(name)
    if not value and default is not None:
        return default
    if not value or not value.isdigit() or int(value) < least:
        raise InvalidError(f"{name} must be a whole number of at least {least}, not '{value or ''}'.")
    return int(value)

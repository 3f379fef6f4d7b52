"""Which modules of a model count as linear layers, and which of them are left as they are."""

from typing import Final

from torch import nn

_ROUTERS: Final = frozenset({"router", "gate", "shared_expert_gate"})


def is_linear(module: nn.Module) -> bool:
    """Whether adapters can be put on it: `nn.Linear` and its kinds, and GPT-2's, which keeps its weight transposed."""
    return isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"


def is_router(name: str) -> bool:
    """Whether a module, by its path, chooses the experts of a token.

    Routers are neither quantized nor adapted unless they are named: rounding one sends tokens to other experts.
    """
    parts = name.split(".")
    return parts[-1] in _ROUTERS or "router" in parts


def fused_parameters(layers: nn.ModuleList) -> int:
    """Parameters of experts that are one tensor with a matrix for each: no library holds those in few bits."""
    return sum(p.numel() for p in layers.parameters() if p.dim() == 3 and p.shape[1] > 1 and p.shape[2] > 1)

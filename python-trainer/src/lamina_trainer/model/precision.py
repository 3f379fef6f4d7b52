"""Precision: how base weights are stored, and the dtype they are multiplied in."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, get_args

import torch
from torch import nn

from lamina_trainer.contract.capabilities import capabilities, facts, is_quantized, lack, quantizes, version
from lamina_trainer.contract.vocabulary import ComputeDtype, Precision, ResolvedDtype
from lamina_trainer.errors import InvalidError
from lamina_trainer.host.device import cpu_capabilities
from lamina_trainer.model.linears import is_linear, is_router
from lamina_trainer.model.stored_weights import cast_on_use
from lamina_trainer.quantizers.interface import Target
from lamina_trainer.quantizers.packed_linear import PackedLinear
from lamina_trainer.quantizers.registry import quantizer_for
from lamina_trainer.quantizers.scratch import Scratch

DTYPES: dict[str, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
KBIT: tuple[Precision, ...] = tuple(precision for precision in get_args(Precision) if is_quantized(precision))
"""Over these adapters alone can be trained."""


@dataclass(frozen=True)
class Numerics:
    """The dtypes of a trial. `stored` is that of all weights which are not held in k bits."""

    precision: Precision
    stored: torch.dtype
    compute: torch.dtype
    compute_name: ResolvedDtype
    device: torch.device

    def autocast(self) -> AbstractContextManager[Any]:
        """Around every forward pass: fp32 weights multiplied in 16 bits is what autocast does."""
        if self.stored == torch.float32 and self.compute != torch.float32:
            return torch.autocast(self.device.type, dtype=self.compute)
        return nullcontext()


def resolve_numerics(
    precision: Precision, compute: ComputeDtype, device: torch.device, *, fast_16_bit: bool
) -> Numerics:
    """Decide the dtypes; raises InvalidError for what this device cannot do."""
    problem = lack(precision, _capability(device))
    if problem is not None:
        raise InvalidError(problem)
    name = _compute_name(precision, compute, device, fast_16_bit=fast_16_bit)
    if precision == "tf32" and name != "fp32":
        raise InvalidError(f"tf32 multiplies fp32 weights; computeDtype must be auto or fp32, not {name}")
    if precision in KBIT:
        # What is not quantized is stored in 16 bits on every device, so that rows have the same total bits.
        stored = torch.float16 if name == "fp16" else torch.bfloat16
    else:
        stored = DTYPES[facts(precision).dtype]
    return Numerics(precision, stored, DTYPES[name], name, device)


def _compute_name(
    precision: Precision, compute: ComputeDtype, device: torch.device, *, fast_16_bit: bool
) -> ResolvedDtype:
    if compute != "auto":
        return compute
    dtype = facts(precision).dtype
    # CPUs that multiply bf16 fast do not all have fp16.
    slow = not fast_16_bit or (dtype == "fp16" and device.type != "cuda")
    return "fp32" if slow else dtype


def _capability(device: torch.device) -> tuple[int, int] | None:
    return torch.cuda.get_device_capability(device) if device.type == "cuda" else None


def set_matmul_mode(numerics: Numerics) -> None:
    """Allow TF32 in fp32 products if, and only if, the precision is tf32."""
    allowed = numerics.precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def fast_16_bit(device: torch.device) -> bool:
    """Whether 16-bit products are at least as fast as those in fp32."""
    if device.type == "cuda":  # the device in use, which need not be the first one of the machine
        return torch.cuda.get_device_capability(device) >= version(capabilities().fast16_bit.compute_capability)
    return cpu_capabilities().fast16_bit


def make_deterministic(device: torch.device) -> None:
    """On CUDA choose kernels that give the same numbers again; on CPUs those of PyTorch do already."""
    if device.type != "cuda":
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def apply_precision(
    model: nn.Module, layers: nn.ModuleList, numerics: Numerics, *, move: bool = True
) -> tuple[str, ...]:
    """Quantize the decoder's linear layers if asked, store the rest; returns the linear layers left out.

    Without `move` the weights stay where they are: sharding moves them layer by layer.
    """
    skipped: tuple[str, ...] = ()
    if numerics.precision in KBIT:
        inside = {id(module) for module in layers.modules()}
        skipped = tuple(n for n, m in model.named_modules() if isinstance(m, nn.Linear) and id(m) not in inside)
    if quantizes(numerics.precision):
        _quantize(model, layers, numerics)
    if move:
        model.to(numerics.device)
    for module in model.modules():
        if isinstance(module, PackedLinear):
            module.compute = numerics.compute
    if numerics.stored not in (torch.float32, numerics.compute):
        cast_on_use(model, numerics.compute)
    return skipped


def _quantize(model: nn.Module, layers: nn.ModuleList, numerics: Numerics) -> None:
    """Replace every linear layer of the decoder by its quantized counterpart; the head stays as it is."""
    found = list(_linears(layers))
    if not found:
        transposed = any(is_linear(module) for module in layers.modules())
        kind = ": it keeps them transposed (Conv1D), which no library holds in few bits" if transposed else ""
        raise InvalidError(f"{type(model).__name__} has no linear layers in its decoder to quantize{kind}")
    quantizer = quantizer_for(numerics.precision)
    target = Target(numerics.precision, numerics.compute, numerics.device, Scratch())
    for parent, name, linear in found:
        setattr(parent, name, quantizer.quantize(linear, target))
    quantizer.finish(model, layers, numerics.precision)


def _linears(layers: nn.ModuleList) -> Iterator[tuple[nn.Module, str, nn.Linear]]:
    for path, parent in layers.named_modules():
        for name, child in parent.named_children():
            if type(child) is nn.Linear and not is_router(f"{path}.{name}"):
                yield parent, name, child

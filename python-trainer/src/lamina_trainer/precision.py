"""Precision: how base weights are stored, and the dtype they are multiplied in."""

import logging
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from lamina_trainer.device import device_capabilities
from lamina_trainer.document import ComputeDtype, Precision, ResolvedDtype
from lamina_trainer.errors import InvalidError
from lamina_trainer.stored import hold

DTYPES: dict[str, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
KBIT = ("int8", "nf4", "nf4-dq", "fp4", "fp4-dq")
INT8_OUTLIER_THRESHOLD = 6.0
"""Activation columns above it are multiplied unquantized (LLM.int8, arXiv 2208.07339, section 3.2)."""
BLOCK_SIZE = 64
"""Weights that share one scale in 4-bit storage (QLoRA, arXiv 2305.14314, section 3)."""


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
    if precision == "tf32":
        _require_tf32(device)
    name = _compute_name(precision, compute, device, fast_16_bit=fast_16_bit)
    if precision in ("fp32", "tf32"):
        stored = torch.float32
        if precision == "tf32" and name != "fp32":
            raise InvalidError(f"tf32 multiplies fp32 weights; computeDtype must be auto or fp32, not {name}")
    elif precision in KBIT:
        # What is not quantized is stored in 16 bits on every device, so that rows have the same total bits.
        stored = torch.float16 if name == "fp16" else torch.bfloat16
    else:
        stored = DTYPES[precision]
    return Numerics(precision, stored, DTYPES[name], name, device)


def _compute_name(
    precision: Precision, compute: ComputeDtype, device: torch.device, *, fast_16_bit: bool
) -> ResolvedDtype:
    if compute != "auto":
        return compute
    if precision in ("fp32", "tf32") or not fast_16_bit:
        return "fp32"
    if precision == "fp16":
        return "fp16" if device.type == "cuda" else "fp32"
    return "bf16"


def _require_tf32(device: torch.device) -> None:
    if device.type != "cuda":
        raise InvalidError("tf32 needs an NVIDIA GPU of the Ampere generation or later; this device is a CPU")
    major, minor = torch.cuda.get_device_capability(device)
    if major < 8:
        raise InvalidError(f"tf32 needs compute capability 8.0 or later; this GPU has {major}.{minor}")


def set_matmul_mode(numerics: Numerics) -> None:
    """Allow TF32 in fp32 products if, and only if, the precision is tf32."""
    allowed = numerics.precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def fast_16_bit(device: torch.device) -> bool:
    """Whether 16-bit products are at least as fast as those in fp32."""
    if device.type == "cuda":  # the device in use, which need not be the first one of the machine
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return device_capabilities().fast16_bit


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

    Without `move` the weights stay where they are, for whoever divides them.
    """
    skipped: tuple[str, ...] = ()
    if numerics.precision in KBIT:
        skipped = quantize(model, layers, numerics)
    if move:
        model.to(numerics.device)
    if numerics.stored not in (torch.float32, numerics.compute):
        hold(model, numerics.compute)
    return skipped


def quantize(model: nn.Module, layers: nn.ModuleList, numerics: Numerics) -> tuple[str, ...]:
    """Replace every linear layer of the decoder by its bitsandbytes counterpart; the head stays as it is."""
    inside = {id(module) for module in layers.modules()}
    skipped = tuple(n for n, m in model.named_modules() if isinstance(m, nn.Linear) and id(m) not in inside)
    found = list(_linears(layers))
    if not found:
        raise InvalidError(f"{type(model).__name__} has no linear layers in its decoder to quantize")
    for parent, name, linear in found:
        try:
            setattr(parent, name, _quantized(linear, numerics))
        except (RuntimeError, ValueError) as error:
            # On a GPU a RuntimeError may be exhausted memory or a lost device, which others can cure.
            if numerics.device.type == "cuda" and not isinstance(error, NotImplementedError):
                raise
            raise InvalidError(f"{numerics.precision} is not possible on this device: {error}") from error
    _share_tables(layers)
    # PEFT and transformers look at these to choose adapters and to refuse casts.
    flag = "is_loaded_in_8bit" if numerics.precision == "int8" else "is_loaded_in_4bit"
    setattr(model, flag, True)
    return skipped


def _share_tables(layers: nn.ModuleList) -> None:
    """Let all weights use one copy of the lookup tables, of which the library makes one per weight."""
    tables: dict[tuple[str, torch.device], torch.Tensor] = {}
    for parameter in layers.parameters():
        state = getattr(parameter, "quant_state", None)
        if state is None:
            continue
        state.code = tables.setdefault((state.quant_type, state.code.device), state.code)
        if state.nested:
            state.state2.code = tables.setdefault(("nested", state.state2.code.device), state.state2.code)


def _linears(layers: nn.ModuleList) -> Iterator[tuple[nn.Module, str, nn.Linear]]:
    for parent in layers.modules():
        for name, child in parent.named_children():
            if type(child) is nn.Linear:
                yield parent, name, child


def _quantized(linear: nn.Linear, numerics: Numerics) -> nn.Module:
    import bitsandbytes as bnb

    # bitsandbytes warns on every product that activations are cast to fp16: that is what int8 means.
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    has_bias = linear.bias is not None
    if numerics.precision == "int8":
        module = bnb.nn.Linear8bitLt(
            linear.in_features,
            linear.out_features,
            bias=has_bias,
            has_fp16_weights=False,
            threshold=INT8_OUTLIER_THRESHOLD,
            device="meta",
        )
        module.weight = bnb.nn.Int8Params(linear.weight.data, has_fp16_weights=False, requires_grad=False)
    else:
        module = bnb.nn.Linear4bit(
            linear.in_features,
            linear.out_features,
            bias=has_bias,
            compute_dtype=numerics.compute,
            compress_statistics=numerics.precision.endswith("-dq"),
            quant_type=numerics.precision.removesuffix("-dq"),
            device="meta",
        )
        module.weight = bnb.nn.Params4bit(
            linear.weight.data,
            requires_grad=False,
            quant_type=numerics.precision.removesuffix("-dq"),
            compress_statistics=numerics.precision.endswith("-dq"),
            blocksize=BLOCK_SIZE,
            module=module,
        )
        # On CPUs with AVX512-BF16 evaluation would repack the weights and round products to bf16,
        # whatever the compute dtype is.
        module.support_avx512bf16_for_cpu = False
    if has_bias:
        module.bias = linear.bias
    quantized: nn.Module = module.to(numerics.device)
    return quantized

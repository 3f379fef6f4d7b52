"""Quantization by bitsandbytes: 8-bit integers (LLM.int8), 4-bit floats with and without double quantization."""

import copy
import logging
from collections.abc import Iterator
from typing import Any, Final

import torch
from torch import Tensor, nn

from lamina_trainer.contract.vocabulary import Precision
from lamina_trainer.errors import InvalidError
from lamina_trainer.quantizers.interface import Quantizer, Target

INT8_OUTLIER_THRESHOLD: Final = 6.0
"""Activation columns above it are multiplied unquantized (LLM.int8, arXiv 2208.07339, section 3.2)."""
BLOCK_SIZE: Final = 64
"""Weights that share one scale in 4-bit storage (QLoRA, arXiv 2305.14314, section 3)."""


class BitsandbytesQuantizer(Quantizer):
    """`int8`, `nf4`, `fp4` and their doubly quantized forms."""

    def quantize(self, linear: nn.Linear, target: Target) -> nn.Module:
        """Make the library's counterpart of a linear layer."""
        try:
            made = _int8(linear) if target.precision == "int8" else _four_bit(linear, target)
            if linear.bias is not None:
                made.bias = linear.bias
            moved: nn.Module = made.to(target.device)
        except (RuntimeError, ValueError) as error:
            # On a GPU a RuntimeError may be exhausted memory or a lost device, which others can cure.
            if target.device.type == "cuda" and not isinstance(error, NotImplementedError):
                raise
            raise InvalidError(f"{target.precision} is not possible on this device: {error}") from error
        return moved

    def finish(self, causal: nn.Module, layers: nn.ModuleList, precision: Precision) -> None:
        """Let all weights use one copy of the lookup tables, of which the library makes one per weight."""
        tables: dict[tuple[str, torch.device], Tensor] = {}
        for parameter in layers.parameters():
            state = getattr(parameter, "quant_state", None)
            if state is None:
                continue
            state.code = tables.setdefault((state.quant_type, state.code.device), state.code)
            if state.nested:
                state.state2.code = tables.setdefault(("nested", state.state2.code.device), state.state2.code)
        # PEFT and transformers look at these to choose adapters and to refuse casts.
        setattr(causal, "is_loaded_in_8bit" if precision == "int8" else "is_loaded_in_4bit", True)

    def holds(self, module: nn.Module) -> bool:
        """Compare the name of the weight's class: importing the class would need the library."""
        return type(getattr(module, "weight", None)).__name__ in ("Params4bit", "Int8Params")

    def parameters(self, module: Any) -> int:
        """Count parameters by the shape before packing."""
        if _is_int8(module):
            return int(module.weight.numel())
        return int(torch.Size(module.weight.quant_state.shape).numel())

    def constants(self, module: Any) -> Iterator[Tensor]:
        """Row scales; or block scales, lookup table, and what these are quantized with."""
        if _is_int8(module):
            # The row scales move from the weight to the module's state at the first product.
            yield _row_scales(module)
            return
        state = module.weight.quant_state
        yield state.absmax
        yield state.code
        if state.nested:
            yield state.offset
            yield state.state2.absmax
            yield state.state2.code

    def weight(self, module: Any) -> Tensor:
        """Dequantize as the forward pass does."""
        if _is_int8(module):
            return module.weight.data.float() * (_row_scales(module).float()[:, None] / 127)  # type: ignore[no-any-return]
        from bitsandbytes import functional

        state = copy.copy(module.weight.quant_state)
        # The dtype of the result: as it is, values would be rounded to that of the unquantized weights,
        # which the library's forward pass does not do.
        state.dtype = torch.float32
        return functional.dequantize_4bit(module.weight.data, state)  # type: ignore[no-any-return]


def _is_int8(module: Any) -> bool:
    return type(module.weight).__name__ == "Int8Params"


def _row_scales(module: Any) -> Tensor:
    return module.weight.SCB if module.weight.SCB is not None else module.state.SCB  # type: ignore[no-any-return]


def _int8(linear: nn.Linear) -> Any:
    import bitsandbytes as bnb

    # bitsandbytes warns on every product that activations are cast to fp16: that is what int8 means.
    logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
    module = bnb.nn.Linear8bitLt(
        linear.in_features,
        linear.out_features,
        bias=linear.bias is not None,
        has_fp16_weights=False,
        threshold=INT8_OUTLIER_THRESHOLD,
        device="meta",
    )
    module.weight = bnb.nn.Int8Params(linear.weight.data, has_fp16_weights=False, requires_grad=False)
    return module


def _four_bit(linear: nn.Linear, target: Target) -> Any:
    import bitsandbytes as bnb

    double, kind = target.precision.endswith("-dq"), target.precision.removesuffix("-dq")
    module = bnb.nn.Linear4bit(
        linear.in_features,
        linear.out_features,
        bias=linear.bias is not None,
        compute_dtype=target.compute,
        compress_statistics=double,
        quant_type=kind,
        device="meta",
    )
    module.weight = bnb.nn.Params4bit(
        linear.weight.data,
        requires_grad=False,
        quant_type=kind,
        compress_statistics=double,
        blocksize=BLOCK_SIZE,
        module=module,
    )
    # On CPUs with AVX512-BF16 evaluation would repack the weights and round products to bf16,
    # whatever the compute dtype is.
    module.support_avx512bf16_for_cpu = False
    return module

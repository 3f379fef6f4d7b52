"""Models without values, in the form in which a trial holds them."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from lamina_trainer.contract.capabilities import facts, quantizes
from lamina_trainer.contract.vocabulary import Precision
from lamina_trainer.errors import InvalidError
from lamina_trainer.model.layer_settings import cut_settings
from lamina_trainer.model.loading import LoadedModel, describe
from lamina_trainer.model.precision import DTYPES
from lamina_trainer.model.stored_weights import cast_on_use
from lamina_trainer.quantizers.packed_linear import PackedLinear
from lamina_trainer.quantizers.scratch import Scratch

META = torch.device("meta")
ATTENTION = ("sdpa", "eager")
"""Implementations in the order in which loading tries them."""


def read_config(config: dict[str, Any]) -> Any:
    """What transformers makes of a config.json; raises InvalidError for a type that it does not know."""
    from transformers import AutoConfig

    fields = {name: value for name, value in config.items() if name not in ("quantization_config", "auto_map")}
    kind = fields.pop("model_type", None)
    while True:
        try:
            return AutoConfig.for_model(str(kind), **copy.deepcopy(fields))
        except Exception as error:  # classes refuse values each in its own way
            # A writer of JSON may have made 30 of 30.0, which strict fields refuse.
            named = re.search(r"field '(\w+)'", str(error))
            name = "" if named is None else named.group(1)
            if type(fields.get(name)) is not int:
                raise InvalidError(f"transformers reads no model of type '{kind}': {_first_line(error)}") from error
            fields[name] = float(fields[name])


def depth_of(read: Any) -> int:
    """Decoder layers of a configuration."""
    return int(read.get_text_config(decoder=True).num_hidden_layers)


def period_of(read: Any) -> tuple[int, int]:
    """How many layers at the start are unlike the others, and after how many the others repeat."""
    text = read.get_text_config(decoder=True)
    named = getattr(text, "layer_types", None) or getattr(text, "layers_block_type", None) or []
    # Which tokens attention sees changes nothing in what it keeps.
    kinds = ["attention" if str(kind).endswith("attention") and "linear" not in str(kind) else kind for kind in named]
    leading = int(getattr(text, "first_k_dense_replace", 0) or getattr(text, "num_dense_layers", 0) or 0)
    period = next((p for p in range(1, 13) if all(kinds[i] == kinds[i - p] for i in range(p, len(kinds)))), 1)
    names = ("decoder_sparse_step", "moe_layer_freq", "interleave_moe_layer_step")
    every = [getattr(text, name, None) for name in names]
    return leading, max([period, *(step for step in every if isinstance(step, int) and 0 < step < 13)])


def build(read: Any, layers: int, stored: torch.dtype) -> LoadedModel:
    """Make the first `layers` decoder layers of a configuration; raises InvalidError where there is no such model."""
    from transformers import AutoModelForCausalLM

    shorter = copy.deepcopy(read)
    text = shorter.get_text_config(decoder=True)
    wanted = cut_settings(text.to_dict(), list(range(layers)), depth_of(read))
    vars(text).update({k: v for k, v in vars(type(text).from_dict(wanted)).items() if not k.startswith("_")})
    failure: Exception | None = None
    for attention in ATTENTION:
        try:
            with META:
                causal = AutoModelForCausalLM.from_config(
                    copy.deepcopy(shorter), dtype=stored, attn_implementation=attention, trust_remote_code=False
                )
        except Exception as error:  # noqa: BLE001 - classes refuse values each in its own way
            failure = failure or error
            if "attention" not in str(error):
                break
            continue
        causal.requires_grad_(False)
        return describe(causal, attention)
    raise InvalidError(f"transformers builds no model of this configuration: {_first_line(failure)}") from failure


def _first_line(error: Exception | None) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def store(loaded: LoadedModel, precision: Precision, compute: torch.dtype) -> None:
    """Hold the weights as `apply_precision` does; packed ones in layers of the same sizes."""
    if facts(precision).bits < 16:
        scratch = Scratch()
        for parent, name, linear in list(_linears(loaded.layers)):
            setattr(parent, name, _packed(linear, precision, compute, scratch))
    stored = DTYPES["fp32"] if facts(precision).dtype == "fp32" else None
    if stored is None and compute == torch.float32:
        cast_on_use(loaded.causal, compute)
    if quantizes(precision):
        loaded.causal.is_loaded_in_4bit = facts(precision).bits < 8


def _linears(layers: nn.ModuleList) -> Iterator[tuple[nn.Module, str, nn.Linear]]:
    for parent in layers.modules():
        for name, child in parent.named_children():
            if type(child) is nn.Linear:
                yield parent, name, child


class _Packed(PackedLinear):
    """The bytes of a packed layer; what they mean is nothing."""

    keeps_input = False

    def dequantize(self, out: Tensor) -> Tensor:
        return out

    def forward(self, x: Tensor) -> Tensor:
        if self.keeps_input:
            x = _Kept.apply(x)
        return super().forward(x)


class _Kept(torch.autograd.Function):
    """LLM.int8 keeps the input of each product (bitsandbytes `MatMul8bitLt`)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        _ = ctx.saved_tensors
        return grads[0]


def _packed(linear: nn.Linear, precision: Precision, compute: torch.dtype, scratch: Scratch) -> nn.Module:
    table = facts(precision)
    outputs, inputs = linear.weight.shape
    bits = outputs * inputs * table.bits + outputs * (table.row_bits or 0)
    columns = inputs if table.bits >= 8 else -(-inputs // 2)
    held = torch.empty((outputs, columns), dtype=torch.int8, device=META)
    constants = torch.empty(max(0, round(bits / 8) - held.numel()), dtype=torch.uint8, device=META)
    module = _Packed("int8" if table.bits >= 8 else "int4", inputs, held, constants, bias=linear.bias, scratch=scratch)
    module.keeps_input = precision == "int8"
    module.compute = compute
    return module

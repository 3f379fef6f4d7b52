"""Reads checkpoints that are quantized already, GPTQ and AWQ, without the packages that wrote them.

Both keep 4-bit integers in int32 words with an fp16 scale and a 4-bit zero for each group of a column of inputs:
w = (q - zero) · scale. They differ in what lies where (AutoGPTQ's and AutoAWQ's formats).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn

from lamina_trainer.contract.capabilities import capabilities, facts
from lamina_trainer.contract.vocabulary import Precision
from lamina_trainer.errors import InvalidError
from lamina_trainer.quantizers.packed_linear import PackedLinear, pack
from lamina_trainer.quantizers.scratch import Scratch

_PARTS: Final = ("qweight", "qzeros", "scales", "g_idx")
_IN_A_WORD: Final = 8
_AWQ_ORDER: Final = (0, 4, 1, 5, 2, 6, 3, 7)
"""Where in its word AWQ keeps each of 8 neighbouring outputs (AutoAWQ, `packing_utils.py`)."""


@dataclass(frozen=True)
class Format:
    """What a config.json says of its weights."""

    method: Literal["gptq", "awq"]
    group: int | None
    """Inputs that share a scale; None: all of a row."""
    zeros_less_one: bool
    """GPTQ's first format keeps every zero less one."""


def stored_method(folder: Path) -> str | None:
    """How a model's weights are quantized on disk, as its config.json says; None where they are not."""
    config = _quantization(folder)
    return None if config is None else str(config.get("quant_method", "unknown"))


def check_checkpoint(folder: Path, precision: Precision) -> None:
    """Raise InvalidError where a model's files and the precision do not go together."""
    method, wanted = stored_method(folder), facts(precision).checkpoint
    if method == wanted:
        return
    name = folder.name
    if method is None:
        raise InvalidError(
            f"{precision} is a format of checkpoints, and {name} is not stored in it: name a model that is, "
            "or choose a precision that quantizes"
        )
    if any(row.checkpoint == method for row in capabilities().precisions.values()):
        raise InvalidError(
            f"{name} is a {method} checkpoint and cannot be had as {precision}: use precision {method}, "
            "or name the model that it was made of"
        )
    raise InvalidError(
        f"{name} is quantized already ({method}), which cannot be trained over: name the model that it was made of"
    )


def default_precision(folder: Path) -> Precision:
    """The precision of a model for which none was chosen: the one it is stored in if it is quantized, else fp32."""
    method = stored_method(folder)
    found = [name for name, row in capabilities().precisions.items() if method is not None and row.checkpoint == method]
    return found[0] if found else "fp32"


def read_format(folder: Path) -> Format | None:
    """The format of a checkpoint; None for a model that is not quantized. Raises InvalidError for one unknown here."""
    config = _quantization(folder)
    if config is None:
        return None
    method = config.get("quant_method")
    if method not in ("gptq", "awq"):
        raise InvalidError(f"{folder.name} is quantized already ({method}), which cannot be trained over.")
    known: Literal["gptq", "awq"] = method
    kind = config.get("checkpoint_format", "gptq") if method == "gptq" else config.get("version", "gemm")
    kind, bits, group = str(kind).lower(), config.get("bits", config.get("w_bit")), config.get("group_size", 128)
    if kind not in ("gptq", "gptq_v2", "gemm"):
        raise InvalidError(f"{folder.name} has the {method} format '{kind}'; gptq, gptq_v2 and AWQ's gemm can be read.")
    if bits != 4:
        raise InvalidError(f"{folder.name} has {bits} bits a weight; of {method} checkpoints those of 4 can be read.")
    return Format(known, None if group in (-1, None) else int(group), zeros_less_one=kind == "gptq")


def load_checkpoint(folder: Path, form: Format, dtype: torch.dtype, attention: str) -> Any:
    """The model with its linear layers packed as they are on disk, and everything else in `dtype`."""
    from accelerate import init_empty_weights
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    del config.quantization_config
    # Buffers are made for real: frequencies of positions and the like are in no file.
    with init_empty_weights(include_buffers=False):
        causal: Any = AutoModelForCausalLM.from_config(config, dtype=dtype, attn_implementation=attention)
    tensors = _read(folder)
    scratch = Scratch()
    paths = sorted(name.removesuffix(".qweight") for name in tensors if name.endswith(".qweight"))
    if not paths:
        raise InvalidError(f"{folder.name} says that it is a {form.method} checkpoint, but has no quantized weights.")
    for path in paths:
        parts = {part: tensors.pop(f"{path}.{part}") for part in _PARTS if f"{path}.{part}" in tensors}
        bias = tensors.pop(f"{path}.bias", None)
        try:
            parent = causal.get_submodule(path.rpartition(".")[0])
            linear = causal.get_submodule(path)
        except AttributeError as error:
            raise InvalidError(f"{folder.name} has weights of a layer {path}, which the model has not.") from error
        if not isinstance(linear, nn.Linear) or linear is causal.get_output_embeddings():
            raise InvalidError(f"{folder.name} has {path} quantized, which is no linear layer of the decoder.")
        layer = _layer(path, parts, bias, form, scratch, dtype)
        if (layer.out_features, layer.in_features) != (linear.out_features, linear.in_features):
            raise InvalidError(f"The weight of {path} in {folder.name} has not the shape that the model needs.")
        setattr(parent, path.rpartition(".")[2], layer)
    plain = {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    _fill(causal, plain, folder)
    return causal


def _fill(causal: Any, plain: Mapping[str, Tensor], folder: Path) -> None:
    causal.load_state_dict(plain, strict=False, assign=True)
    causal.tie_weights()
    missing = [name for name, parameter in causal.named_parameters() if parameter.is_meta]
    if missing:
        raise InvalidError(f"{folder.name} lacks the weights {', '.join(missing[:3])}.")


def _layer(
    path: str, parts: Mapping[str, Tensor], bias: Tensor | None, form: Format, scratch: Scratch, dtype: torch.dtype
) -> PackedLinear:
    values, zero = (_gptq if form.method == "gptq" else _awq)(parts["qweight"], parts["qzeros"])
    if form.zeros_less_one:
        zero = (zero + 1) & 15
    inputs, groups = values.shape[1], zero.shape[1]
    expected = torch.arange(inputs) // (inputs if form.group is None else form.group)
    order = parts.get("g_idx")
    if order is not None and not torch.equal(order.long(), expected):
        raise InvalidError(
            f"{path} has its inputs sorted by activation (desc_act), which cannot be read: "
            "use a checkpoint that was made without it"
        )
    if inputs % groups != 0 or groups != int(expected[-1]) + 1:
        raise InvalidError(f"{path} has {groups} groups of scales, which its {inputs} inputs do not fit.")
    return PackedLinear(
        "int4",
        inputs,
        pack(values),
        parts["scales"].t().contiguous(),
        zero=zero.to(torch.uint8).contiguous(),
        bias=None if bias is None else nn.Parameter(bias.to(dtype), requires_grad=False),
        scratch=scratch,
    )


def _gptq(weight: Tensor, zeros: Tensor) -> tuple[Tensor, Tensor]:
    """Words hold 8 neighbouring inputs of an output, and 8 neighbouring outputs' zeros; both as [outputs, …]."""
    values = _words(weight).transpose(1, 2).reshape(-1, weight.shape[1])
    return values.t(), _words(zeros).reshape(zeros.shape[0], -1).t()


def _awq(weight: Tensor, zeros: Tensor) -> tuple[Tensor, Tensor]:
    """Words hold 8 neighbouring outputs of an input, shuffled; zeros likewise."""
    order = torch.tensor(_AWQ_ORDER)
    values, zero = (_words(one)[..., order].reshape(one.shape[0], -1) for one in (weight, zeros))
    return values.t(), zero.t()


def _words(packed: Tensor) -> Tensor:
    """The 8 integers of each int32, lowest bits first, in a further dimension."""
    shifts = torch.arange(0, 4 * _IN_A_WORD, 4, dtype=torch.int32)
    return (packed[..., None] >> shifts) & 15


def _quantization(folder: Path) -> Mapping[str, Any] | None:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidError(f"The configuration of {folder} cannot be read: {error}") from error
    found = config.get("quantization_config")
    return found if isinstance(found, dict) else None


def _read(folder: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise InvalidError(f"{folder.name} has no weights in safetensors files.")
    return {name: tensor for file in files for name, tensor in load_file(str(file)).items()}

"""Writes tiny GPTQ and AWQ checkpoints the way the tools that made the formats do, from a plain model."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

ORDER = [0, 2, 4, 6, 1, 3, 5, 7]


def write_checkpoint(source: Path, folder: Path, method: str, group: int = 32, **quantization: object) -> Path:
    """Round the decoder's linear layers to 4 bits; the rest, tokenizer included, is copied."""
    folder.mkdir(parents=True)
    for file in source.iterdir():
        if file.suffix != ".safetensors":
            (folder / file.name).write_bytes(file.read_bytes())
    tensors: dict[str, Tensor] = {}
    for name, weight in load_file(str(source / "model.safetensors")).items():
        if not name.endswith("_proj.weight"):
            tensors[name] = weight.half()
            continue
        parts = _gptq(weight, group) if method == "gptq" else _awq(weight, group)
        tensors |= {name.replace("weight", part): tensor.contiguous() for part, tensor in parts.items()}
    save_file(tensors, str(folder / "model.safetensors"), metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    about = {"quant_method": method, "bits": 4, "group_size": group, **quantization}
    (folder / "config.json").write_text(json.dumps({**config, "quantization_config": about}))
    return folder


def rounded(weight: Tensor, group: int) -> tuple[Tensor, Tensor, Tensor]:
    """Integers [outputs, inputs], zeros and fp16 scales [outputs, groups]: w = (q - zero) · scale."""
    parts = weight.float().view(weight.shape[0], -1, group)
    low, high = parts.amin(-1).clamp(max=0), parts.amax(-1).clamp(min=0)
    scale = ((high - low) / 14).half()
    zero = torch.round(-low / scale.float()).clamp(1, 15)
    values = torch.round(parts / scale.float()[..., None] + zero[..., None]).clamp(0, 15)
    return values.view(weight.shape).int(), zero.int(), scale


def _gptq(weight: Tensor, group: int) -> dict[str, Tensor]:
    values, zero, scale = rounded(weight, group)
    return {
        "qweight": _words(values.t().reshape(-1, 8, weight.shape[0]).transpose(1, 2)),
        "qzeros": _words((zero - 1).t().reshape(zero.shape[1], -1, 8)),
        "scales": scale.t(),
        "g_idx": (torch.arange(weight.shape[1]) // group).int(),
    }


def _awq(weight: Tensor, group: int) -> dict[str, Tensor]:
    values, zero, scale = rounded(weight, group)
    return {
        "qweight": _words(values.t().reshape(weight.shape[1], -1, 8)[..., ORDER]),
        "qzeros": _words(zero.t().reshape(zero.shape[1], -1, 8)[..., ORDER]),
        "scales": scale.t(),
    }


def _words(values: Tensor) -> Tensor:
    """Eight 4-bit integers of the last dimension in one int32, the first in the lowest bits."""
    words = sum(values[..., i].long() << 4 * i for i in range(8))
    assert isinstance(words, Tensor)
    return torch.where(words >= 2**31, words - 2**32, words).int()

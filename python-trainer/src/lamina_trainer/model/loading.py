"""Loads models and finds the parts that the rest of the trainer works on."""

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lamina_trainer.errors import InvalidError
from lamina_trainer.quantizers.checkpoint import load_checkpoint, read_format

ATTENTION = ("sdpa", "eager")
"""Implementations that may be chosen, best first; which one it was is recorded."""


LISTS = ("layers", "h", "blocks")
"""Names of the list of decoder layers."""


@dataclass
class LoadedModel:
    """A causal language model and where its decoder layers hang."""

    causal: Any
    decoder: nn.Module
    layers_name: str
    text_config: Any
    layers_original: int
    attention: str
    adapter: Any = None
    """PEFT's model around `causal`, while it has adapters."""

    @property
    def layers(self) -> nn.ModuleList:
        """The decoder layers, after the cut those that are left."""
        layers = getattr(self.decoder, self.layers_name)
        assert isinstance(layers, nn.ModuleList)
        return layers

    @property
    def architecture(self) -> str:
        """Class name, as in the model's configuration."""
        return type(self.causal).__name__


def load_model(folder: Path, dtype: torch.dtype) -> LoadedModel:
    """Load from a folder with every biasing default set; raises InvalidError if it cannot be loaded."""
    from transformers import AutoModelForCausalLM
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    form = read_format(folder)
    failure: Exception | None = None
    for attention in ATTENTION:
        try:
            causal = (
                AutoModelForCausalLM.from_pretrained(
                    str(folder),
                    dtype=dtype,
                    attn_implementation=attention,
                    trust_remote_code=False,
                    local_files_only=True,
                )
                if form is None
                else load_checkpoint(folder, form, dtype, attention)
            )
        except (ValueError, OSError) as error:
            failure = failure or error
            if "attention" not in str(error):  # what refuses an implementation says so, each class in its own words
                break
            continue
        causal.eval()
        causal.requires_grad_(False)
        return describe(causal, attention)
    raise InvalidError(f"The model in {folder} cannot be loaded: {_first_line(failure)}") from failure


def describe(causal: Any, attention: str) -> LoadedModel:
    """Find the decoder layers of a causal language model; raises InvalidError where they are not in a list."""
    from transformers import PreTrainedModel

    # Some classes call their head the decoder, and some have it under a name that transformers does not look for.
    for decoder in (causal.get_decoder(), causal.base_model, getattr(causal, "model", None)):
        if decoder is causal or not isinstance(decoder, PreTrainedModel):
            continue
        for name in LISTS:
            if isinstance(getattr(decoder, name, None), nn.ModuleList):
                config = causal.config.get_text_config(decoder=True)
                config.use_cache = False
                return LoadedModel(causal, decoder, name, config, len(getattr(decoder, name)), attention)
    raise InvalidError(f"{type(causal).__name__} has no list of decoder layers that could be cut")


def weights_fingerprint(folder: Path) -> str:
    """SHA-256 over configuration, weight headers and samples of the weights' bytes."""
    digest = hashlib.sha256()
    for file in sorted([*folder.glob("config.json"), *folder.glob("*.safetensors.index.json")]):
        digest.update(file.name.encode() + file.read_bytes())
    for file in sorted(folder.glob("*.safetensors")):
        digest.update(file.name.encode() + _safetensors_identity(file))
    return digest.hexdigest()


def weight_file_bytes(folder: Path) -> int:
    """Size of a model's weights on disk."""
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))


def _safetensors_identity(file: Path) -> bytes:
    """Header (names, shapes, dtypes), size, and bytes from all over the file: cheap for many gigabytes."""
    size = file.stat().st_size
    sample = hashlib.sha256()
    with file.open("rb") as handle:
        (length,) = struct.unpack("<Q", handle.read(8))
        sample.update(handle.read(length))
        for i in range(64):
            handle.seek(8 + length + (size - 8 - length) * i // 64)
            sample.update(handle.read(4096))
    return json.dumps([size, sample.hexdigest()]).encode()


def _first_line(error: Exception | None) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__

"""Loads models and finds the parts that the rest of the trainer works on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from lamina_trainer.errors import InvalidError, ModelError, blamed_on
from lamina_trainer.model.weight_files import check_files, listed
from lamina_trainer.quantizers.checkpoint import load_checkpoint, read_format

Attention = Literal["sdpa", "eager"]
"""Implementations that may be chosen; which one it was is recorded."""

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
    """Load from a folder with every biasing default set.

    Raises ModelError where it cannot be loaded, or where its files do not hold exactly the weights that its
    configuration describes: transformers would make up what is missing.
    """
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    check_files(folder)
    form = read_format(folder)
    with blamed_on(ModelError, f"The model in {folder} cannot be loaded"):
        config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
        first: Exception | None = None
        for attention in _attentions(config):
            try:
                if form is None:
                    causal, found = AutoModelForCausalLM.from_pretrained(
                        str(folder),
                        dtype=dtype,
                        attn_implementation=attention,
                        trust_remote_code=False,
                        local_files_only=True,
                        output_loading_info=True,
                        # What has another shape is then listed, and refused below, in place of an error without names.
                        ignore_mismatched_sizes=True,
                    )
                    check_loaded(folder.name, causal, found)
                else:
                    causal = load_checkpoint(folder, form, dtype, attention)
            except ValueError as error:  # which is also what a part of a model says that lacks an implementation
                first = first or error
                continue
            causal.eval()
            causal.requires_grad_(False)
            return describe(causal, attention)
        assert first is not None
        raise first


def check_loaded(name: str, causal: Any, found: Mapping[str, Any]) -> None:
    """Raise ModelError unless every weight of a model came from its files, and every tensor in them was used.

    `found` is what transformers reports of a loading. It leaves out what is rightly absent: heads that are tied,
    and buffers that are computed.
    """
    missing, unexpected, reshaped = (found[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    shapes = {f"{key}: {_by(stored)} in place of {_by(wanted)}" for key, stored, wanted in reshaped}
    problems = [
        f"{len(names)} {what} ({listed(names)})"
        for names, what in (
            (missing, "missing"),
            (unexpected, "that no part of the model has"),
            (shapes, "of another shape"),
        )
        if names
    ]
    if problems:
        raise ModelError(
            f"The tensors of {name} are not those that its config.json describes: {'; '.join(problems)}. "
            "Correct config.json, or bring the files that belong to it."
        )
    head, embedding = causal.get_output_embeddings(), causal.get_input_embeddings()
    tied = getattr(causal.config.get_text_config(decoder=True), "tie_word_embeddings", False)
    if tied and head is not None and head.weight is not embedding.weight:
        raise ModelError(
            f"config.json of {name} says that embedding and head are one matrix (tie_word_embeddings), and its files "
            "hold two different ones: set tie_word_embeddings to false, or bring the files that belong to it."
        )


def _attentions(config: Any) -> Sequence[Attention]:
    """The implementations that the model's class says it has, best first."""
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING

    # What is in no list of the library is refused when it is loaded.
    kind = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), None)
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return ("sdpa", "eager") if all(getattr(one, "_supports_sdpa", False) for one in kinds) else ("eager",)


def _by(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))


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

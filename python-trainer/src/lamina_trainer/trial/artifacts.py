"""The artifacts of a trained model: adapter, merged model, and the checksums that prove the base unchanged."""

import gc
import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from lamina_trainer.contract.result import Artifact, BaseChecksums, MergeResult
from lamina_trainer.contract.settings import TrialSettings
from lamina_trainer.contract.vocabulary import ResolvedDtype
from lamina_trainer.errors import InvalidError
from lamina_trainer.host.files import open_to_readers
from lamina_trainer.model.adapter import base_checksum, save_adapter
from lamina_trainer.model.loading import LoadedModel, load_model
from lamina_trainer.model.merge import MergeDifferenceError, compare, copy_tokenizer, merge, probe
from lamina_trainer.model.precision import Numerics, apply_precision, resolve_numerics
from lamina_trainer.trial.gguf import FOLDER

ADAPTER: Final = "adapter"
MERGED: Final = "merged"
SAVED_TOLERANCE: Final = 1e-3
"""Largest relative difference of logits between a trained model and what was saved of it: the same weights."""


def needs_adapter(settings: TrialSettings) -> bool:
    """Whether the adapter is written down: to be kept, to be merged, or to be measured against the merged model."""
    return (settings.artifacts.adapter or _in_use(settings)) and settings.method != "full"


def needs_merge(settings: TrialSettings) -> bool:
    """Whether adapter and base are merged, if only to measure the merged model."""
    return needs_adapter(settings) and _in_use(settings)


def _in_use(settings: TrialSettings) -> bool:
    evaluation = settings.evaluation
    return settings.artifacts.merged or evaluation.inference is not None or evaluation.gguf is not None


def saves_model(settings: TrialSettings) -> bool:
    """Whether full training writes down the model, to be kept or to be made a GGUF file of."""
    return settings.method == "full" and (settings.artifacts.merged or settings.evaluation.gguf is not None)


def check_artifacts(settings: TrialSettings, *, sharded: bool) -> None:
    """Raise InvalidError for what cannot be kept, before anything is trained."""
    if needs_adapter(settings) and settings.lora is not None and settings.lora.bias != "none":
        raise InvalidError("an adapter that trains biases (lora.bias) cannot be kept or merged apart from its base")
    if sharded and _in_use(settings):
        raise InvalidError("weights that are divided over GPUs cannot be kept whole, nor measured in inference")


def save_trained(
    loaded: LoadedModel, folder: Path, settings: TrialSettings, numerics: Numerics, kept: Sequence[int], base: Path
) -> None:
    """Write the adapter, or after full training the model itself, into the attempt's folder."""
    if needs_adapter(settings):
        shutil.rmtree(folder / ADAPTER, ignore_errors=True)
        config = loaded.adapter.peft_config["default"]
        save_adapter(loaded, config, folder / ADAPTER, numerics.precision, numerics.compute_name, kept)
    elif saves_model(settings):
        shutil.rmtree(folder / MERGED, ignore_errors=True)
        loaded.causal.save_pretrained(str(folder / MERGED))
        copy_tokenizer(base, folder / MERGED)
        open_to_readers(folder / MERGED)


def remove_adapter(loaded: LoadedModel, before: str) -> BaseChecksums:
    """Remove the adapter and compute the base's checksum again."""
    loaded.adapter.unload()
    loaded.adapter = None
    return BaseChecksums(before=before, after=base_checksum(loaded.causal))


def merge_saved_adapter(folder: Path, base: Path, numerics: Numerics) -> MergeResult:
    """Merge the saved adapter and measure the difference; a merge that differs too much leaves no model."""
    release()
    shutil.rmtree(folder / MERGED, ignore_errors=True)
    began = time.perf_counter()
    try:
        report, accepted = merge(folder / ADAPTER, base, folder / MERGED, merged_dtype(numerics)), True
    except MergeDifferenceError as error:
        report, accepted = error.report, False
    return MergeResult(
        dtype=report.dtype,
        max_difference=report.difference.relative,
        tolerance=report.tolerance,
        divergence=report.difference.divergence,
        same_top=report.difference.same_top,
        accepted=accepted,
        seconds=time.perf_counter() - began,
    )


def load_merged(folder: Path, numerics: Numerics) -> tuple[LoadedModel, Numerics]:
    """The merged model, computing in the dtype that it was trained in."""
    release()
    name = merged_dtype(numerics)
    plain = resolve_numerics(name, numerics.compute_name, numerics.device, fast_16_bit=False)
    loaded = load_model(folder / MERGED, plain.stored)
    apply_precision(loaded.causal, loaded.layers, plain)
    return loaded, plain


def logits(loaded: LoadedModel, numerics: Numerics) -> Tensor:
    """What a model says after the same tokens every time: [tokens, vocabulary]."""
    with numerics.autocast():
        return probe(loaded.causal.eval())


def saved_difference(folder: Path, numerics: Numerics, expected: Tensor) -> float:
    """How far the saved model's logits are from the trained one's; a model that differs is deleted."""
    loaded, plain = load_merged(folder, numerics)
    difference = compare(expected, logits(loaded, plain)).relative
    if not difference <= SAVED_TOLERANCE:
        shutil.rmtree(folder / MERGED)
    return difference


def end_tokens(causal: Any) -> list[int]:
    """Ids of the tokens that end a generation of the model."""
    found = causal.generation_config.eos_token_id
    return [] if found is None else [found] if isinstance(found, int) else list(found)


def serve_as_trained(folder: Path, settings: TrialSettings, closing: int | None) -> None:
    """Give what was saved the template that it was trained with, and let a merged model stop where turns close."""
    template = settings.dataset.chat_template
    for saved in (folder / ADAPTER, folder / MERGED):
        if template is not None and saved.is_dir():
            (saved / "chat_template.jinja").write_text(template, encoding="utf-8")
    file = folder / MERGED / "generation_config.json"
    if closing is None or not (folder / MERGED).is_dir():
        return
    config = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    ends = config.get("eos_token_id")
    known = [] if ends is None else [ends] if isinstance(ends, int) else list(ends)
    if closing not in known:
        file.write_text(json.dumps({**config, "eos_token_id": [*known, closing]}, indent=2), encoding="utf-8")


def merged_dtype(numerics: Numerics) -> ResolvedDtype:
    """The dtype of the weights that were not quantized."""
    names: dict[torch.dtype, ResolvedDtype] = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}
    return names[numerics.stored]


def collect_artifacts(folder: Path, settings: TrialSettings) -> list[Artifact]:
    """Delete what only a measurement needed, and list the files that remain."""
    if not settings.artifacts.adapter:
        shutil.rmtree(folder / ADAPTER, ignore_errors=True)
    if not settings.artifacts.merged:
        shutil.rmtree(folder / MERGED, ignore_errors=True)
        shutil.rmtree(folder / FOLDER, ignore_errors=True)
    files = [
        file for name in (ADAPTER, MERGED, FOLDER) for file in sorted((folder / name).rglob("*")) if file.is_file()
    ]
    return [
        Artifact(name=str(file.relative_to(folder)), path=str(file.relative_to(folder)), bytes=file.stat().st_size)
        for file in files
    ]


def release() -> None:
    """Free the memory of models that are no longer referenced."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()

"""How fast a model generates: prefill, decode and memory, by batch size, as raw samples."""

import inspect
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lamina_trainer.contract.result import InferenceSamples
from lamina_trainer.contract.settings import InferenceSettings
from lamina_trainer.errors import InvalidError
from lamina_trainer.measure.process import peak_rss_bytes, reset_peak_rss
from lamina_trainer.model.loading import LoadedModel
from lamina_trainer.model.precision import Numerics


def check_inference(settings: InferenceSettings | None, loaded: LoadedModel) -> None:
    """Raise InvalidError where the model has no room for that many tokens."""
    limit = getattr(loaded.text_config, "max_position_embeddings", None)
    if settings is not None and limit is not None and settings.prompt_tokens + settings.new_tokens > limit:
        raise InvalidError(
            f"evaluation.inference asks for {settings.prompt_tokens} + {settings.new_tokens} tokens; "
            f"the model has room for {limit}"
        )


def measure_inference(
    loaded: LoadedModel, numerics: Numerics, settings: InferenceSettings, checkpoint: Callable[[], None]
) -> list[InferenceSamples]:
    """Generate greedily from pseudo-random prompts, the same for every model; `checkpoint` is called in between."""
    loaded.causal.eval()
    return [_measure_batch(loaded, numerics, settings, size, checkpoint) for size in settings.batch_sizes]


def _measure_batch(
    loaded: LoadedModel, numerics: Numerics, settings: InferenceSettings, size: int, checkpoint: Callable[[], None]
) -> InferenceSamples:
    cuda = numerics.device.type == "cuda"
    ids = prompts(loaded, size, settings.prompt_tokens).to(numerics.device)
    prefill: list[float] = []
    decode: list[float] = []
    if cuda:
        torch.cuda.reset_peak_memory_stats(numerics.device)
    fresh_peak = cuda or reset_peak_rss()
    for repetition in range(settings.warmup + settings.repetitions):
        checkpoint()
        _, first, rest = generate(loaded, ids, settings.new_tokens, numerics)
        if repetition >= settings.warmup:
            prefill.append(first)
            decode.append(rest)
    peak = torch.cuda.max_memory_allocated(numerics.device) if cuda else peak_rss_bytes()
    return InferenceSamples(
        batch_size=size,
        prefill_seconds=prefill,
        decode_seconds=decode,
        peak_memory_bytes=int(peak) if fresh_peak else None,
    )


def prompts(loaded: LoadedModel, size: int, tokens: int) -> Tensor:
    """Pseudo-random token ids [size, tokens]."""
    vocabulary = loaded.causal.get_input_embeddings().weight.shape[0]
    return torch.randint(0, vocabulary, (size, tokens), generator=torch.Generator().manual_seed(20))


def generate(loaded: LoadedModel, ids: Tensor, new_tokens: int, numerics: Numerics) -> tuple[Tensor, float, float]:
    """The first token and `new_tokens` after it [size, 1 + new_tokens]; seconds until the first, and for the others."""
    causal = loaded.causal
    # The other positions' logits would cost more than the rest of a small model.
    last: dict[str, Any] = {"logits_to_keep": 1} if "logits_to_keep" in _arguments(causal) else {}
    with torch.no_grad(), numerics.autocast():
        _wait(numerics.device)
        began = time.perf_counter()
        out = causal(input_ids=ids, use_cache=True, **last)
        tokens = [out.logits[:, -1].argmax(dim=-1, keepdim=True)]
        _wait(numerics.device)
        middle = time.perf_counter()
        for _ in range(new_tokens):
            out = causal(input_ids=tokens[-1], past_key_values=out.past_key_values, use_cache=True, **last)
            tokens.append(out.logits[:, -1].argmax(dim=-1, keepdim=True))
        _wait(numerics.device)
        ended = time.perf_counter()
    return torch.cat(tokens, dim=1), middle - began, ended - middle


def _arguments(causal: Any) -> set[str]:
    return set(inspect.signature(causal.forward).parameters)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)

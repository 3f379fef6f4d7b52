"""The GGUF table of one model: each type converted or quantized, timed, and scored against f16."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from lamina_trainer.contract.result import GgufResult
from lamina_trainer.contract.settings import GgufSettings, GgufType
from lamina_trainer.llama.bench import bench
from lamina_trainer.llama.build import is_built
from lamina_trainer.llama.convert import QUANTIZED_TYPES, WRITTEN_TYPES, convert, quantize
from lamina_trainer.llama.perplexity import Quality
from lamina_trainer.llama.scoring import Scoring
from lamina_trainer.llama.source import BUILD_COMMAND

REFERENCE = "f16"
MISSING = f"the tools of llama.cpp are not built; build them with: {BUILD_COMMAND}"

_log = logging.getLogger(__name__)


def measure_gguf(
    model: Path,
    text: str,
    settings: GgufSettings,
    folder: Path,
    *,
    threads: int,
    cache: Path,
    check_stop: Callable[[], None] = lambda: None,
) -> list[GgufResult]:
    """Leave the files of the chosen types in `folder` and return what was measured of each, in that order.

    `text` is scored in chunks of the context; without the compiled tools files are only written, and the
    results say what is missing. Raises InvalidError for a model that llama.cpp cannot convert.
    """
    folder.mkdir(parents=True, exist_ok=True)
    built = is_built(cache)
    wide, logits, scored = folder / f"model-{REFERENCE}.gguf", folder / ".reference.logits", folder / ".scored.txt"
    try:
        started = time.monotonic()
        convert(model, wide, REFERENCE, cache)
        convert_seconds = time.monotonic() - started
        scoring = None
        if built:
            scored.write_text(text, encoding="utf-8")
            scoring = Scoring(
                wide,
                scored,
                logits,
                context=settings.context_tokens,
                max_tokens=settings.max_tokens,
                threads=threads,
                cache=cache,
            )
        results = []
        for kind in settings.types:
            check_stop()
            file = folder / f"model-{kind}.gguf"
            if not built and kind not in WRITTEN_TYPES:
                results.append(unmeasured(kind, MISSING))
                continue
            started = time.monotonic()
            if kind == REFERENCE:
                seconds = convert_seconds
            elif built and kind in QUANTIZED_TYPES:
                quantize(wide, file, kind, threads, cache)
                seconds = time.monotonic() - started
            else:
                convert(model, file, kind, cache)
                seconds = time.monotonic() - started
            _log.info("Wrote %s in %.0f s.", file.name, seconds)
            results.append(_measured(kind, file, seconds, settings, scoring, threads, cache))
        return results
    finally:
        logits.unlink(missing_ok=True)
        scored.unlink(missing_ok=True)
        if REFERENCE not in settings.types:
            wide.unlink(missing_ok=True)


def _measured(
    kind: GgufType,
    file: Path,
    seconds: float,
    settings: GgufSettings,
    scoring: Scoring | None,
    threads: int,
    cache: Path,
) -> GgufResult:
    if scoring is None:
        return unmeasured(kind, MISSING).model_copy(
            update={"file_bytes": file.stat().st_size, "write_seconds": seconds}
        )
    speed = bench(
        file,
        prompt_tokens=settings.prompt_tokens,
        generated_tokens=settings.generated_tokens,
        repetitions=settings.repetitions,
        threads=threads,
        cache=cache,
    )
    bits = 8 * speed.tensor_bytes / speed.parameters if speed.tensor_bytes and speed.parameters else None
    quality = scoring.reference() if kind == REFERENCE else scoring.file(file)
    scored = {} if quality is None else _scored(quality)
    return unmeasured(kind, MISSING).model_copy(
        update={
            "missing": scoring.missing,
            "file_bytes": file.stat().st_size,
            "bits_per_weight": bits,
            "write_seconds": seconds,
            "prompt_tokens_per_second": speed.prompt,
            "generated_tokens_per_second": speed.generated,
            **scored,
        }
    )


def _scored(quality: Quality) -> dict[str, float | None]:
    return {
        "perplexity": quality.perplexity[0],
        "perplexity_standard_error": quality.perplexity[1],
        "perplexity_delta": quality.delta[0],
        "perplexity_delta_standard_error": quality.delta[1],
        "divergence": quality.divergence[0],
        "divergence_standard_error": quality.divergence[1],
        "same_top": quality.same_top[0],
        "same_top_standard_error": quality.same_top[1],
        "scored_tokens": quality.tokens,
    }


def unmeasured(kind: GgufType, missing: str) -> GgufResult:
    """A row that says why nothing was measured."""
    return GgufResult(
        type=kind,
        missing=missing,
        file_bytes=None,
        bits_per_weight=None,
        write_seconds=None,
        prompt_tokens_per_second=[],
        generated_tokens_per_second=[],
        perplexity=None,
        perplexity_standard_error=None,
        perplexity_delta=None,
        perplexity_delta_standard_error=None,
        divergence=None,
        divergence_standard_error=None,
        same_top=None,
        same_top_standard_error=None,
        scored_tokens=0,
    )

"""Quality of a GGUF file by llama-perplexity, against the logits of a reference file."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lamina_trainer.errors import InvalidError
from lamina_trainer.llama.build import tool
from lamina_trainer.llama.convert import run_tool

_NUMBER: Final = r"\s*(-?(?:[\d.]+(?:e[-+]?\d+)?|nan|inf))"
_LINES: Final = {
    "perplexity": re.compile(rf"^Mean PPL\(Q\)\s*:{_NUMBER}\s*±{_NUMBER}", re.MULTILINE),
    "delta": re.compile(rf"^Mean PPL\(Q\)-PPL\(base\)\s*:{_NUMBER}\s*±{_NUMBER}", re.MULTILINE),
    "divergence": re.compile(rf"^Mean\s+KLD:{_NUMBER}\s*±{_NUMBER}", re.MULTILINE),
    "same_top": re.compile(rf"^Same top p:{_NUMBER}\s*±{_NUMBER}\s*%", re.MULTILINE),
}
_HEADER: Final = re.compile(r"computing over (\d+) chunks, n_ctx=(\d+)")


@dataclass(frozen=True)
class Quality:
    """Means over scored tokens, each with its standard error, null where rounding leaves none.

    Divergence in nats a token; shares, not percent.
    """

    perplexity: tuple[float, float | None]
    delta: tuple[float, float | None]
    divergence: tuple[float, float | None]
    same_top: tuple[float, float | None]
    tokens: int


def save_reference(
    file: Path, text: Path, logits: Path, *, context: int, chunks: int, threads: int, cache: Path
) -> None:
    """Keep the reference's log probabilities (16 bits each) after the second half of each chunk of the text."""
    command = _command(file, context, threads, cache)
    run_tool(
        [*command, "-f", str(text), "--chunks", str(chunks), "--kl-divergence-base", str(logits)],
        f"Scoring {file.name}",
    )
    if not logits.is_file() or logits.stat().st_size <= 20:
        raise InvalidError(f"llama-perplexity scored nothing: the text has too few tokens for two times {context}.")


def score(file: Path, logits: Path, *, context: int, threads: int, cache: Path) -> Quality:
    """Score a file on the reference's tokens."""
    command = _command(file, context, threads, cache)
    return parse_quality(
        run_tool([*command, "--kl-divergence", "--kl-divergence-base", str(logits)], f"Scoring {file.name}")
    )


def parse_quality(output: str) -> Quality:
    """Read what the tool prints; raises InvalidError where it has scored fewer than 100 tokens."""
    found = {name: pattern.search(output) for name, pattern in _LINES.items()}
    header = _HEADER.search(output)
    values = {name: (float(match[1]), _finite(match[2])) for name, match in found.items() if match is not None}
    if header is None or len(values) != len(_LINES):
        raise InvalidError("llama-perplexity printed no statistics: it needs at least 100 scored tokens.")
    chunks, context = int(header[1]), int(header[2])
    share, error = values["same_top"]
    if not all(math.isfinite(mean) for mean, _ in values.values()):
        raise InvalidError("llama-perplexity found probabilities that are not finite.")
    return Quality(
        perplexity=values["perplexity"],
        delta=values["delta"],
        divergence=values["divergence"],
        same_top=(share / 100, None if error is None else error / 100),
        tokens=chunks * (context - 1 - context // 2),
    )


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _command(file: Path, context: int, threads: int, cache: Path) -> list[str]:
    # One chunk at a time: the logits of several would have to be held at once.
    size = ["-c", str(context), "-b", str(context)]
    return [str(tool(cache, "llama-perplexity")), "-m", str(file), "-t", str(threads), *size]

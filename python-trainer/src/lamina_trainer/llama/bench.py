"""Speed of a GGUF file by llama-bench."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamina_trainer.errors import InvalidError
from lamina_trainer.llama.build import tool
from lamina_trainer.llama.convert import run_tool


@dataclass(frozen=True)
class Speed:
    """Raw samples in tokens per second, and what llama.cpp counts in the file."""

    prompt: list[float]
    generated: list[float]
    parameters: int | None
    tensor_bytes: int | None


def bench(
    file: Path, *, prompt_tokens: int, generated_tokens: int, repetitions: int, threads: int, cache: Path
) -> Speed:
    """Time the prompt and the generation, each by itself, after a warm-up of the tool's own."""
    command = [str(tool(cache, "llama-bench")), "-m", str(file), "-o", "json", "-t", str(threads)]
    sizes = ["-p", str(prompt_tokens), "-n", str(generated_tokens), "-r", str(repetitions)]
    return parse_bench(run_tool([*command, *sizes], f"Timing {file.name}"))


def parse_bench(output: str) -> Speed:
    """Read the tool's JSON, whatever is printed around it and whichever further keys it has.

    Speeds come from `samples_ts`, else from `samples_ns` and the number of tokens.
    """
    tests = _json_list(output)
    return Speed(
        prompt=_samples(tests, "n_prompt", "n_gen"),
        generated=_samples(tests, "n_gen", "n_prompt"),
        parameters=_first(tests, "model_n_params"),
        tensor_bytes=_first(tests, "model_size"),
    )


def _json_list(output: str) -> list[dict[str, Any]]:
    decoder = json.JSONDecoder()
    for start, character in enumerate(output):
        if character != "[":
            continue
        try:
            found, _ = decoder.raw_decode(output, start)
        except ValueError:
            continue
        if isinstance(found, list) and found and all(isinstance(one, dict) for one in found):
            return found
    raise InvalidError("llama-bench printed no results.")


def _samples(tests: list[dict[str, Any]], has: str, lacks: str) -> list[float]:
    for test in tests:
        if not test.get(has) or test.get(lacks):
            continue
        if speeds := test.get("samples_ts"):
            return [float(one) for one in speeds]
        return [test[has] * 1e9 / one for one in test.get("samples_ns") or []]
    return []


def _first(tests: list[dict[str, Any]], key: str) -> int | None:
    return next((int(test[key]) for test in tests if test.get(key)), None)

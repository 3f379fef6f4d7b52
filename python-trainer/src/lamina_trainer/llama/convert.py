"""Model folders as GGUF files, of types that need no compiled tool and of those that do."""

import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Final

from lamina_trainer.errors import InvalidError
from lamina_trainer.llama import converter
from lamina_trainer.llama.build import tool
from lamina_trainer.llama.source import get_source

WRITTEN_TYPES: Final = ("f32", "f16", "bf16", "q8_0")
"""What the converter writes itself."""
QUANTIZED_TYPES: Final = ("q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_0", "q2_k")
"""What llama-quantize makes from a wider file."""


def convert(model: Path, target: Path, kind: str, cache: Path) -> None:
    """Write a model folder of transformers as a GGUF file of one of WRITTEN_TYPES.

    Raises InvalidError for a folder that llama.cpp cannot convert; leaves nothing half-written.
    """
    if kind not in WRITTEN_TYPES:
        raise InvalidError(f"The converter writes {', '.join(WRITTEN_TYPES)}, not {kind}.")
    for name in ("config.json", "tokenizer.json"):
        if not (model / name).is_file():
            raise InvalidError(f"{model} is no model with a tokenizer: {name} is missing.")
    source = get_source(cache)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = _beside(target)
    try:
        arguments = [str(source), str(model.resolve()), str(temporary.resolve()), kind]
        # Not `-m`: a process that imports the trainer would already have another version of `gguf`.
        run_tool([sys.executable, converter.__file__, *arguments], f"Converting {model}")
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def quantize(wide: Path, target: Path, kind: str, threads: int, cache: Path) -> None:
    """Make a file of one of QUANTIZED_TYPES from a wider GGUF file; raises InvalidError without the tools."""
    if kind not in QUANTIZED_TYPES:
        raise InvalidError(f"Files can be quantized to {', '.join(QUANTIZED_TYPES)}, not {kind}.")
    program = tool(cache, "llama-quantize")
    temporary = _beside(target)
    try:
        run_tool([str(program), str(wide), str(temporary), kind.upper(), str(threads)], f"Quantizing to {kind}")
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def run_tool(command: list[str], doing: str) -> str:
    """Run a program and return all it printed; raises InvalidError with its last words."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        env=environment,
    )
    if done.returncode != 0:
        last = [line for line in done.stdout.splitlines() if line.strip()][-1:] or ["no output"]
        raise InvalidError(f"{doing} failed: {last[0].strip()}")
    return done.stdout


def _beside(target: Path) -> Path:
    return target.with_name(f".{uuid.uuid4().hex}.{target.name}")

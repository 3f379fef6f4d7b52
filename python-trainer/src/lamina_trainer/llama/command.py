"""`lamina_trainer llama`: build, convert, measure, run."""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from lamina_trainer.errors import InvalidError
from lamina_trainer.llama.build import build, tool
from lamina_trainer.llama.convert import QUANTIZED_TYPES, WRITTEN_TYPES, convert, quantize
from lamina_trainer.llama.source import default_cache, get_source

TYPES = ("f32", "f16", "bf16", "q8_0", "q6_k", "q5_k_m", "q4_k_m", "q4_0", "q2_k")


def add_llama(commands: Any) -> None:
    """Add the command and its own commands to a parser."""
    add_llama_commands(commands.add_parser("llama", help="build llama.cpp; convert, measure and run models with it"))


def add_llama_commands(llama: argparse.ArgumentParser) -> None:
    """Add the commands of llama.cpp to a parser of their own."""
    inner = llama.add_subparsers(required=True, metavar="COMMAND")

    making = inner.add_parser("build", help="compile its tools, once on this machine")
    making.add_argument("--archive", type=Path, help="the source package, where there is no package index")
    making.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="compilers at once")
    making.add_argument("--source-only", action="store_true", help="no compiling: f32, f16, bf16 and q8_0 need no more")
    making.set_defaults(command=_build)

    converting = inner.add_parser("convert", help="write a model folder as a GGUF file")
    converting.add_argument("model", type=Path, help="folder of a model with its tokenizer")
    converting.add_argument("--type", choices=TYPES, default="f16")
    converting.add_argument("--to", type=Path, required=True, help="the file")
    converting.set_defaults(command=_convert)

    measuring = inner.add_parser("measure", help="convert, quantize, time and score a model folder; prints JSON")
    measuring.add_argument("model", type=Path, help="folder of a model with its tokenizer")
    measuring.add_argument("--text", type=Path, required=True, help="held-out text to score")
    measuring.add_argument("--to", type=Path, required=True, help="folder for the files")
    measuring.add_argument("--types", nargs="+", choices=TYPES[1:], default=["f16", *QUANTIZED_TYPES])
    measuring.add_argument("--repetitions", type=int, default=5)
    measuring.add_argument("--prompt-tokens", type=int, default=512)
    measuring.add_argument("--generated-tokens", type=int, default=128)
    measuring.add_argument("--context-tokens", type=int, default=512)
    measuring.add_argument("--max-tokens", type=int, default=4096)
    measuring.set_defaults(command=_measure)

    running = inner.add_parser("run", help="let a GGUF file answer a prompt")
    running.add_argument("model", type=Path, help="a GGUF file")
    running.add_argument("--prompt", required=True)
    running.add_argument("--tokens", type=int, default=128, help="at most this many (default 128)")
    running.add_argument("--seed", type=int, default=0, help="0: always the most likely token")
    running.set_defaults(command=_run)

    for parser in (making, converting, measuring, running):
        parser.add_argument("--cache", type=Path, default=None, help="where sources and tools are kept")
    for parser in (converting, measuring, running):
        parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)


def _cache(options: argparse.Namespace) -> Path:
    return options.cache or default_cache()


def _build(options: argparse.Namespace) -> int:
    cache = _cache(options)
    if options.source_only:
        print(get_source(cache, options.archive))
        return 0
    last = 0

    def on_progress(done: int, steps: int) -> None:
        nonlocal last
        percent = 100 * done // max(1, steps)
        if percent > last:
            last = percent
            print(f"{percent:3d} %  {done} of {steps} steps", file=sys.stderr, flush=True)

    print(build(cache, options.archive, options.jobs, on_progress))
    return 0


def _convert(options: argparse.Namespace) -> int:
    cache = _cache(options)
    if options.type in WRITTEN_TYPES:
        convert(options.model, options.to, options.type, cache)
    else:
        tool(cache, "llama-quantize")
        with tempfile.TemporaryDirectory(dir=options.to.resolve().parent) as folder:
            wide = Path(folder) / "wide.gguf"
            convert(options.model, wide, "f16", cache)
            quantize(wide, options.to, options.type, options.threads, cache)
    print(options.to)
    return 0


def _measure(options: argparse.Namespace) -> int:
    from lamina_trainer.contract.document import write_document
    from lamina_trainer.contract.settings import GgufSettings
    from lamina_trainer.host.logs import configure_logging
    from lamina_trainer.llama.measure import measure_gguf

    configure_logging()
    try:
        text = options.text.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidError(f"{options.text} cannot be read: {error}.") from error
    settings = GgufSettings(
        types=options.types,
        repetitions=options.repetitions,
        prompt_tokens=options.prompt_tokens,
        generated_tokens=options.generated_tokens,
        context_tokens=options.context_tokens,
        max_tokens=options.max_tokens,
    )
    for result in measure_gguf(
        options.model, text, settings, options.to, threads=options.threads, cache=_cache(options)
    ):
        print(write_document(result))
    return 0


def _run(options: argparse.Namespace) -> int:
    program = tool(_cache(options), "llama-completion")
    if not options.model.is_file():
        raise InvalidError(f"The model file {options.model} does not exist.")
    sampling = ["--temp", "0"] if options.seed == 0 else ["--seed", str(options.seed)]
    size = ["-n", str(options.tokens), "-t", str(options.threads)]
    command = [str(program), "-m", str(options.model), "-p", options.prompt, "-no-cnv", "--no-warmup"]
    # Takes the place of this process, so that an interrupt reaches it and nothing buffers its text.
    sys.stdout.flush()
    os.execv(program, [*command, *size, *sampling, "--log-verbosity", "0"])  # noqa: S606

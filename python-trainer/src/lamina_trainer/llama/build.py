"""The tools of llama.cpp, compiled once per machine."""

import hashlib
import json
import logging
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from filelock import FileLock

from lamina_trainer.errors import InvalidError
from lamina_trainer.llama.source import BUILD_COMMAND, SHA256, get_source

TOOLS: Final = ("llama-quantize", "llama-bench", "llama-perplexity", "llama-completion", "llama-server")
_OPTIONS: Final = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DBUILD_SHARED_LIBS=OFF",
    # One build runs on every node that shares it, in images too: x86-64 with AVX2, and none of what only some have.
    "-DGGML_NATIVE=OFF",
    "-DGGML_OPENMP=OFF",
    "-DGGML_CCACHE=OFF",
    "-DLLAMA_CURL=OFF",
    "-DLLAMA_OPENSSL=OFF",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
    "-DLLAMA_BUILD_APP=OFF",
    "-DLLAMA_BUILD_UI=OFF",
    "-DLLAMA_USE_PREBUILT_UI=OFF",
)
_PERPLEXITY_MAIN: Final = """\
#include "log.h"

int llama_perplexity(int argc, char ** argv);

int main(int argc, char ** argv) {
    const int code = llama_perplexity(argc, argv);
    common_log_flush(common_log_main());
    return code;
}
"""
"""The tool's own main ends without waiting for the thread that prints, and loses its last lines now and then."""
_PROGRESS: Final = re.compile(r"^\[(\d+)/(\d+)\]")

_log = logging.getLogger(__name__)


def tools_folder(cache: Path) -> Path:
    """Where the tools are, or will be: another folder for other sources, options or tools."""
    identity = json.dumps([SHA256, _OPTIONS, TOOLS, _PERPLEXITY_MAIN])
    return cache / f"llama-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"


def tool(cache: Path, name: str) -> Path:
    """Path of a built tool; raises InvalidError that says how to build it."""
    path = tools_folder(cache) / name
    if not path.is_file():
        raise InvalidError(f"{name} of llama.cpp is not built; build it with: {BUILD_COMMAND}")
    return path


def is_built(cache: Path) -> bool:
    """Whether every tool is there."""
    return all((tools_folder(cache) / name).is_file() for name in TOOLS)


def build(cache: Path, archive: Path | None, jobs: int, on_progress: Callable[[int, int], None]) -> Path:
    """Compile the tools (15 to 20 minutes on two cores, seconds once they are there); returns their folder.

    `on_progress` is called with finished and all steps. A build that was interrupted goes on where it was. Raises
    InvalidError where a compiler or CMake is missing, or where they fail.
    """
    target = tools_folder(cache)
    cache.mkdir(parents=True, exist_ok=True)
    work = target.with_name(f"{target.name}.work")
    with FileLock(target.with_name(f"{target.name}.lock")):
        if is_built(cache):
            return target
        cmake, ninja = _needed("cmake"), _needed("ninja")
        if shutil.which("c++") is None:
            raise InvalidError("There is no C++ compiler; install one (Debian: g++).")
        source = get_source(cache, archive)
        # The build writes next to the sources, and those are shared with the converter.
        if not (work / "source").is_dir():
            shutil.rmtree(work / "copying", ignore_errors=True)
            shutil.copytree(source, work / "copying", symlinks=True)
            (work / "copying").rename(work / "source")
        main = work / "source" / "tools" / "perplexity" / "main.cpp"
        if main.read_text(encoding="utf-8") != _PERPLEXITY_MAIN:
            main.write_text(_PERPLEXITY_MAIN, encoding="utf-8")
        _run([cmake, "-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={ninja}", *_directories(work), *_OPTIONS], work, None)
        targets = [part for name in TOOLS for part in ("--target", name)]
        _run([cmake, "--build", str(work / "build"), "-j", str(jobs), *targets], work, on_progress)
        _install(work / "build" / "bin", target)
        shutil.rmtree(work)
    return target


def _directories(work: Path) -> list[str]:
    return ["-S", str(work / "source"), "-B", str(work / "build")]


def _needed(program: str) -> str:
    found = shutil.which(program) or shutil.which(program, path=str(Path(sys.executable).parent))
    if found is None:
        raise InvalidError(
            f"{program} is missing; install it (Debian: {program}, or its wheel: pip install {program})."
        )
    return found


def _run(command: list[str], work: Path, on_progress: Callable[[int, int], None] | None) -> None:
    log = work / "build.log"
    started = time.monotonic()
    with (
        log.open("a", encoding="utf-8") as file,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as run,
    ):
        assert run.stdout is not None
        for line in run.stdout:
            file.write(line)
            if on_progress is not None and (found := _PROGRESS.match(line)):
                on_progress(int(found[1]), int(found[2]))
    if run.returncode != 0:
        raise InvalidError(f"Building llama.cpp failed; see {log}.")
    _log.debug("%s took %.0f s.", command[0], time.monotonic() - started)


def _install(built: Path, target: Path) -> None:
    temporary = target.with_name(f".{target.name}.new")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    for name in TOOLS:
        shutil.copy2(built / name, temporary / name)
    shutil.rmtree(target, ignore_errors=True)
    temporary.rename(target)

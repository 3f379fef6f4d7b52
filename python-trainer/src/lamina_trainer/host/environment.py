"""Provides what libraries expect and a container may lack: a home, a user name, a folder for temporary files."""

import os
import pwd
import sys
import tempfile
from pathlib import Path
from typing import Final

_CACHES: Final = {
    "TRITON_CACHE_DIR": "triton",
    "TORCHINDUCTOR_CACHE_DIR": "torchinductor",
    "CUDA_CACHE_PATH": "cuda",
    "MPLCONFIGDIR": "matplotlib",
}


def prepare_environment(cache: Path) -> None:
    """Point everything that libraries write at `cache` where the usual place cannot be written.

    For containers with a read-only root file system and a user id that no passwd file knows. On a
    machine with a home nothing but the writing of byte code changes. Call it before libraries are imported.
    """
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    if not _has_home():
        home = cache / "home"
        if not _made(home):
            return
        os.environ["HOME"] = str(home)
        for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            os.environ.pop(name, None)
        for name, folder in _CACHES.items():
            os.environ.setdefault(name, str(home / folder))
    if not _has_temporary_folder():
        temporary = cache / "tmp"
        if _made(temporary):
            os.environ["TMPDIR"] = str(temporary)
            tempfile.tempdir = None
    if not _has_name():
        os.environ.setdefault("USER", f"uid-{os.getuid()}")


def _has_home() -> bool:
    home = os.environ.get("HOME", "")
    # Container engines say "/" where the user has none.
    return home not in {"", "/"} and os.access(home, os.W_OK | os.X_OK)


def _has_temporary_folder() -> bool:
    try:
        # The current folder is the last resort of tempfile: it may be that of the sources.
        return tempfile.gettempdir() != str(Path.cwd())
    except OSError:
        return False


def _has_name() -> bool:
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        return False
    return True


def _made(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)

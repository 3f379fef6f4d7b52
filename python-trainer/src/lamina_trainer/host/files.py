"""Files that are written atomically, and folders that are built once per machine."""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from lamina_trainer.errors import InvalidError, StoppedError
from lamina_trainer.host.stop import stop_requested


def write_atomic(path: Path, text: str) -> None:
    """Write a file so that a reader, or a crash at any moment, sees the old content or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def require_writable(folder: Path) -> None:
    """Make the folder; raises InvalidError where this user cannot write into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        raise InvalidError(f"The folder {folder} cannot be made: {error.strerror} (user {os.getuid()}).") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InvalidError(f"The folder {folder} cannot be written to by user {os.getuid()}.")


def open_to_readers(folder: Path) -> None:
    """Let every user who may enter `folder` read the files in it.

    safetensors makes files that their user alone can read, whatever the umask; pods and services that share
    a cache or artifacts may be others.
    """
    mode = folder.stat().st_mode & 0o666
    for file in folder.iterdir():
        if file.is_file():
            file.chmod(mode)


def sha256_of_file(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remembered_sha256(path: Path, cache: Path) -> str:
    """Return `sha256_of_file`, computed once for each (path, size, modification time, inode).

    Processes that share `cache` wait for the one that reads the file. Raises StoppedError as `build_once` does.
    """
    stat = path.stat()
    identity = json.dumps([str(path.resolve()), stat.st_size, stat.st_mtime_ns, stat.st_ino])
    note = cache / "digests" / hashlib.sha256(identity.encode()).hexdigest()[:32]
    note.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(note.with_suffix(".lock"))
    if (known := _noted(note)) is not None:
        return known
    _acquire(lock, lambda: None)
    try:
        digest = _noted(note) or sha256_of_file(path)
        write_atomic(note, digest)
    finally:
        lock.release()
    return digest


def _noted(note: Path) -> str | None:
    try:
        digest = note.read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    return digest if len(digest) == 64 else None


def build_once(target: Path, build: Callable[[Path], None], *, waiting: Callable[[], None]) -> Path:
    """Return the folder `target`, calling `build(temporary folder)` if no process has finished it before.

    One process at a time builds; the others wait. The finished folder appears under its name in one
    rename, so that a killed builder leaves nothing that looks finished. `waiting` is called once if
    another process is at it. Raises StoppedError if a stop is requested while waiting.
    """
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(target.with_name(f"{target.name}.lock"))
    _acquire(lock, waiting)
    try:
        if target.is_dir():
            return target
        # The lock is ours, so whatever lies around under this prefix belongs to a dead process.
        for leftover in target.parent.glob(f".{target.name}.*"):
            shutil.rmtree(leftover, ignore_errors=True)
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        temporary.mkdir()
        try:
            build(temporary)
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    finally:
        lock.release()
    return target


def _acquire(lock: FileLock, waiting: Callable[[], None]) -> None:
    told = False
    while True:
        try:
            lock.acquire(timeout=0.5, poll_interval=0.1)
        except Timeout:
            if stop_requested():
                raise StoppedError("Stopped while another process was filling the cache.") from None
            if not told:
                waiting()
                told = True
        else:
            return

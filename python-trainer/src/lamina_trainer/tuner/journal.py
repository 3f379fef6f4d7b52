"""Studies as journals in a folder, one file each, for the processes of one machine."""

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend

from lamina_trainer.errors import InvalidError
from lamina_trainer.tuner.errors import StorageError
from lamina_trainer.tuner.studies import LOCK_SECONDS, OpenStudies


class JournalFolder:
    """A folder of journals. The lock of a study is one on its file, which the kernel releases when a process dies."""

    def __init__(self, folder: Path) -> None:
        """Make the folder; raises InvalidError if that is impossible."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidError(f"The tuner's folder {folder} cannot be made: {error.strerror}.") from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise InvalidError(f"The tuner's folder {folder} is not writable.")
        self._folder = folder
        self._open = OpenStudies()

    def describe(self) -> str:
        """The folder."""
        return str(self._folder)

    @contextmanager
    def study(self, name: str) -> Iterator[BaseStorage]:
        """Optuna's storage of a study under its lock."""
        path = self._folder / _file_name(name)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(f"{path} cannot be opened: {error.strerror}.") from error
        try:
            _lock(descriptor, name)
            _mend(descriptor)
            status = os.fstat(descriptor)
            key = (path, status.st_dev, status.st_ino)
            try:
                yield self._open.get(key, lambda: JournalStorage(_Journal(str(path))))
                os.fsync(descriptor)
            except OSError as error:
                self._open.forget(key)
                raise StorageError(f"{path} cannot be written: {error.strerror}.") from error
            except BaseException:
                self._open.forget(key)
                raise
        finally:
            os.close(descriptor)


class _Journal(JournalFileBackend):
    """The file of a study. It neither locks nor flushes: its writer holds the study's lock and flushes at the end."""

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        with open(self._file_path, "ab") as file:  # noqa: PTH123 - its path is text
            file.write(lines.encode())


def _file_name(study: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", study).strip("-.")[:80]
    return f"{readable}-{hashlib.sha256(study.encode()).hexdigest()[:12]}.journal"


def _lock(descriptor: int, study: str) -> None:
    give_up_at = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up_at:
                raise StorageError(f"Another process works on study {study} for {LOCK_SECONDS:.0f} s.") from None
            time.sleep(0.01)
        else:
            return


def _mend(descriptor: int) -> None:
    """Cut off a last line that a killed process has not finished: what follows on it could not be read."""
    size = os.fstat(descriptor).st_size
    if size > 0 and os.pread(descriptor, 1, size - 1) != b"\n":
        os.ftruncate(descriptor, os.pread(descriptor, size, 0).rfind(b"\n") + 1)

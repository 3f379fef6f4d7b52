"""Attempts as forked children: started once per folder, reaped into status.json."""

import fcntl
import json
import logging
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from lamina_trainer.errors import EXIT_CRASHED, InvalidError
from lamina_trainer.host.files import write_atomic

_log = logging.getLogger(__name__)

_RESET = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
"""The signals that the server handles and a child starts without."""


class ForkedAttempts:
    """The attempts of this server that are alive."""

    def __init__(self, run: Callable[[Path], int], release: Callable[[], None]) -> None:
        """Take the function a child runs, and one that closes what a child inherits from the server."""
        self._run = run
        self._release = release
        self._folders: dict[int, Path] = {}

    def __len__(self) -> int:
        return len(self._folders)

    def launch(self, folder: Path, env: Mapping[str, str]) -> int:
        """Start the attempt in `folder` unless one is alive there, also one of another server; returns its process id.

        Raises InvalidError if the folder holds no request.
        """
        if not folder.is_absolute() or not (folder / "request.json").is_file():
            raise InvalidError(f"{folder} is not the folder of an attempt: it has no request.json.")
        # The lock is taken before the fork and shared by it: it lives exactly as long as the child,
        # also when this server is killed between the fork and its next statement.
        lock = os.open(folder / "attempt.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return _running(folder)
            # Until the child has handlers of its own, a signal to it would be swallowed by the server's.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, _RESET)
            try:
                pid = os.fork()
                if pid == 0:
                    self._child(folder, env, lock)
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            self._folders[pid] = folder
            _write_identity(folder, pid)
            return pid
        finally:
            os.close(lock)

    def reap(self) -> None:
        """Write status.json for every child that has ended."""
        while self._folders:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            folder = self._folders.pop(pid, None)
            if folder is not None:
                _write_status(folder, status)

    def _child(self, folder: Path, env: Mapping[str, str], lock: int) -> NoReturn:
        code = EXIT_CRASHED
        try:
            os.setsid()
            os.set_inheritable(lock, True)
            _default_signals()
            self._release()
            _redirect(folder / "log.txt")
            os.environ.update(env)
            random.seed()
            code = self._run(folder / "request.json")
        except BaseException:  # noqa: BLE001 - nothing may escape into the server's stack
            traceback.print_exc()
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            # Not sys.exit: the server's exit handlers are not the child's.
            os._exit(code)


def _running(folder: Path) -> int:
    """Read the id of the process that holds the folder; it may be about to be written."""
    for _ in range(50):
        try:
            return int(json.loads((folder / "process.json").read_text(encoding="utf-8"))["pid"])
        except (OSError, ValueError, KeyError):
            time.sleep(0.02)
    raise InvalidError(f"{folder} is locked by a process that did not say who it is.")


def _write_identity(folder: Path, pid: int) -> None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        # The second field is the command in parentheses and may itself hold spaces and parentheses.
        start_ticks = int(stat.rpartition(")")[2].split()[19])
        write_atomic(folder / "process.json", json.dumps({"pid": pid, "startTicks": start_ticks}))
    except OSError as error:
        _log.warning("process.json of %s could not be written: %s", folder, error)


def _write_status(folder: Path, status: int) -> None:
    code = os.waitstatus_to_exitcode(status)
    document = {
        "code": code if code >= 0 else None,
        "signal": signal.Signals(-code).name if code < 0 else None,
        "endedAt": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    try:
        write_atomic(folder / "status.json", json.dumps(document))
    except OSError as error:
        _log.warning("status.json of %s could not be written: %s", folder, error)


def _default_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in _RESET:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())


def _redirect(log: Path) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    null = os.open(os.devnull, os.O_RDONLY)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(null, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.close(null)
    os.close(out)
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115 - lives to the end
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115

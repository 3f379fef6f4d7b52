"""Supervises the processes of an attempt: forwards signals to them, logs what they print, ends as they end.

As the first process of a container it also does what the kernel expects of one: signals without a
handler would be ignored there, and nobody else would collect orphans.
"""

import contextlib
import os
import resource
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from lamina_trainer.errors import EXIT_CRASHED
from lamina_trainer.host.parent_death import die_with_parent
from lamina_trainer.host.stop import stop_on_signals

_FORWARDED: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_CHUNK: Final = 1 << 16
_MESSAGE_BYTES: Final = 60_000
"""Fits the buffer of a pipe, which is not read before the child has ended."""


ChildFunction = Callable[[Callable[[bytes], None]], int]
"""Runs in a child: it may send the supervisor one message of up to 60 kB, and returns the exit code."""


@dataclass(frozen=True)
class ChildExit:
    """How a child ended."""

    code: int
    """The exit code, or the negative number of the signal that ended the process."""
    message: bytes
    killed_by_supervisor: bool
    """Whether the supervisor killed it because another child had failed."""


class Supervisor:
    """Runs functions in forked processes. Make it in a process that has neither threads nor large libraries."""

    def __init__(self, log: Path | None, *, grace_seconds: float = 10.0) -> None:
        """Take the log file; `grace_seconds` after one child failed the others are killed."""
        self._log = log
        self._grace_seconds = grace_seconds
        self._alive: set[int] = set()
        self._codes: dict[int, int] = {}
        self._killed: set[int] = set()
        self._output = -1

    def run(self, functions: Sequence[ChildFunction]) -> list[ChildExit]:
        """Run all functions and return how each child ended, in the order of the functions."""
        # Until a child has its own handlers, and we have ours, a signal waits.
        waiting = {*_FORWARDED, signal.SIGCHLD}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, waiting)
        log_pipe = None
        if self._log is not None:
            self._output, log_pipe = os.pipe()
        pipes = [os.pipe() for _ in functions]
        pids = [
            self._fork(function, log_pipe, message_pipe, before)
            for function, (_, message_pipe) in zip(functions, pipes, strict=True)
        ]
        for descriptor in (*([] if log_pipe is None else [log_pipe]), *(message_pipe for _, message_pipe in pipes)):
            os.close(descriptor)
        wake, wake_write = socket.socketpair()
        wake.setblocking(False)
        wake_write.setblocking(False)
        signal.set_wakeup_fd(wake_write.fileno(), warn_on_full_buffer=False)
        for number in _FORWARDED:
            signal.signal(number, self._forward)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._watch(wake)
        messages = []
        for reading, _ in pipes:
            os.set_blocking(reading, False)
            messages.append(_read(reading))
            os.close(reading)
        return [
            ChildExit(self._codes[pid], message, pid in self._killed)
            for pid, message in zip(pids, messages, strict=True)
        ]

    def _watch(self, wake: socket.socket) -> None:
        sinks = _LogSinks(self._log)
        kill_at: float | None = None
        with selectors.DefaultSelector() as selector:
            selector.register(wake, selectors.EVENT_READ)
            if self._log is not None:
                os.set_blocking(self._output, False)
                selector.register(self._output, selectors.EVENT_READ)
            while self._alive:
                wait = None if kill_at is None else max(0.0, kill_at - time.monotonic())
                for key, _ in selector.select(wait):
                    if key.fileobj is wake:
                        wake.recv(4096)
                    elif not self._copy_output(sinks):
                        selector.unregister(self._output)
                self._reap()
                if kill_at is None and any(self._codes.values()):
                    kill_at = time.monotonic() + self._grace_seconds
                elif kill_at is not None and time.monotonic() >= kill_at:
                    # They wait in a collective for a process that has ended.
                    self._killed |= self._alive
                    self._forward(signal.SIGKILL, None)
                    kill_at = time.monotonic() + self._grace_seconds
        # It does not wait for the end of the pipe: an orphan may keep the other end open.
        while self._log is not None and self._copy_output(sinks):
            pass

    def _fork(self, function: ChildFunction, log_pipe: int | None, message_pipe: int, mask: Iterable[int]) -> int:
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            _child(function, log_pipe, message_pipe, parent, mask)
        self._alive.add(pid)
        return pid

    def _forward(self, number: int, _frame: object) -> None:
        for pid in self._alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self._alive:
                self._alive.discard(pid)
                self._codes[pid] = os.waitstatus_to_exitcode(status)

    def _copy_output(self, sinks: "_LogSinks") -> bool:
        """Pass on what was printed; false if nothing is there now or the pipe has ended."""
        try:
            chunk = os.read(self._output, _CHUNK)
        except BlockingIOError:
            return False
        sinks.write(chunk)
        return chunk != b""


class _LogSinks:
    """Log file first, then standard output; one that fails is left out from then on."""

    def __init__(self, log: Path | None) -> None:
        self._descriptors = [1]
        if log is None:
            return
        try:
            self._descriptors.insert(0, os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644))
        except OSError as error:
            print(f"The log cannot be kept in {log}: {error.strerror}.", file=sys.stderr)

    def write(self, chunk: bytes) -> None:
        for descriptor in tuple(self._descriptors):
            left = memoryview(chunk)
            try:
                while left:
                    left = left[os.write(descriptor, left) :]
            except OSError:
                self._descriptors.remove(descriptor)


def _read(descriptor: int) -> bytes:
    parts = []
    with contextlib.suppress(BlockingIOError):
        while part := os.read(descriptor, _CHUNK):
            parts.append(part)
    return b"".join(parts)


def _child(
    function: ChildFunction, log_pipe: int | None, message_pipe: int, parent: int, mask: Iterable[int]
) -> NoReturn:
    code = EXIT_CRASHED
    try:
        stop_on_signals()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        die_with_parent(parent)
        if log_pipe is not None:
            os.dup2(log_pipe, 1)
            os.dup2(log_pipe, 2)
            os.close(log_pipe)
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        code = function(lambda message: _send_message(message_pipe, message))
    except BaseException:  # noqa: BLE001 - nothing may escape into the supervisor's stack
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def _send_message(descriptor: int, message: bytes) -> None:
    os.write(descriptor, message[:_MESSAGE_BYTES])


def exit_as(code: int) -> int:
    """Return the exit code of an ended child; if a signal ended it, end this process by the same signal."""
    if code >= 0:
        return code
    if os.getpid() != 1:  # the kernel protects the first process from its own signals
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return 128 - code

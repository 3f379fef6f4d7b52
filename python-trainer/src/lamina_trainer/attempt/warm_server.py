"""The warm server: libraries loaded once, one forked child per attempt.

It speaks newline-delimited JSON on a Unix socket: `{"op":"ping"}` and
`{"op":"launch","attemptDir":…,"env":{…}}`, answered by one line each, `{"error":…}` where it refuses.
It outlives the process that started it, and ends when it has had nothing to do for a while. SIGTERM ends it as
soon as its children have ended; they are not touched.
"""

import fcntl
import json
import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from lamina_trainer.attempt.forks import ForkedAttempts
from lamina_trainer.attempt.preload import forked_without_cuda, preload
from lamina_trainer.attempt.request_source import RequestSource
from lamina_trainer.attempt.run import run_attempt
from lamina_trainer.errors import InvalidError
from lamina_trainer.host.logs import configure_logging
from lamina_trainer.host.revision import trainer_revision
from lamina_trainer.host.stop import stop_on_signals
from lamina_trainer.trial.warm import Warm

_log = logging.getLogger(__name__)

_MAX_LINE: Final = 1 << 20
_OTHER_SERVER_SECONDS: Final = 120.0


def serve(path: Path, idle_seconds: float) -> int:
    """Serve until idle; returns 0 also if another server turns out to serve this socket already."""
    configure_logging()
    lock = _sole_server(path)
    if lock is None:
        _log.info("Another server answers on %s.", path)
        return 0
    import_seconds, threads = preload()
    _log.info("Libraries loaded in %.1f s; serving on %s.", import_seconds, path)
    server = _Server(path, lock, idle_seconds, _runner(Warm(import_seconds), threads))
    return server.run()


def _runner(warm: Warm, threads: int) -> Callable[[Path], int]:
    def run(request: Path) -> int:
        source = RequestSource.from_file(request)
        outline = source.outline()
        if forked_without_cuda() or (outline is not None and outline.gpus > 1):
            command = [sys.executable, "-m", "lamina_trainer", "run", "--request", str(request)]
            os.execv(sys.executable, command)  # noqa: S606 - without a shell on purpose
        stop_on_signals()
        return run_attempt(source, warm, threads)

    return run


def _sole_server(path: Path) -> int | None:
    """Take the lock that goes with the socket; None if its holder answers.

    A second server that comes while the first one is still loading waits for it, and takes over if that
    one dies.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    give_up_at = time.monotonic() + _OTHER_SERVER_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if _answers(path):
                os.close(lock)
                return None
            if time.monotonic() > give_up_at:
                raise InvalidError(f"Another server holds {path} but does not answer.") from None
            time.sleep(0.2)
        else:
            return lock


def _answers(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            client.connect(str(path))
            client.sendall(b'{"op":"ping"}\n')
            return client.recv(1) != b""
    except OSError:
        return False


class _Server:
    def __init__(self, path: Path, lock: int, idle_seconds: float, run: Callable[[Path], int]) -> None:
        self._path = path
        self._lock = lock
        self._idle_seconds = idle_seconds
        self._selector = selectors.DefaultSelector()
        self._received: dict[socket.socket, bytes] = {}
        self._children = ForkedAttempts(run, self._release)
        self._stopping = False
        self._listener = self._listen()
        self._wake_read, self._wake_write = socket.socketpair()

    def run(self) -> int:
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)
        signal.set_wakeup_fd(self._wake_write.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        busy_at = time.monotonic()
        while True:
            if self._children or self._received:
                busy_at = time.monotonic()
            idle_for = time.monotonic() - busy_at
            if not self._children and (self._stopping or idle_for >= self._idle_seconds):
                break
            # Children end with a SIGCHLD; the timeout only bounds the harm of a lost one.
            timeout = 5.0 if self._children or self._received else self._idle_seconds - idle_for
            for key, _ in self._selector.select(timeout=min(timeout, 5.0)):
                self._ready(key.fileobj)
            self._children.reap()
        self._path.unlink(missing_ok=True)
        self._release()
        _log.info("Nothing to do; ending.")
        return 0

    def _listen(self) -> socket.socket:
        # The lock is ours, so a socket that is there belongs to a dead server. The new one gets its name
        # once it listens: a client that sees it can connect.
        unready = self._path.with_name(f"{self._path.name}~")
        unready.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        try:
            listener.bind(str(unready))
        except OSError as error:
            raise InvalidError(f"Cannot listen on {self._path}: {error}.") from error
        unready.chmod(0o600)
        listener.listen(64)
        unready.rename(self._path)
        listener.setblocking(False)
        return listener

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _release(self) -> None:
        """Close everything of the server; in a child, where a copy of the lock would outlive it."""
        self._selector.close()
        for connection in (*self._received, self._listener, self._wake_read, self._wake_write):
            connection.close()
        os.close(self._lock)

    def _ready(self, source: Any) -> None:
        if source is self._listener:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(1.0)
            self._received[connection] = b""
            self._selector.register(connection, selectors.EVENT_READ)
        elif source is self._wake_read:
            self._wake_read.recv(4096)
        else:
            self._serve_client(source)

    def _serve_client(self, connection: socket.socket) -> None:
        try:
            chunk = connection.recv(65536)
        except OSError:
            chunk = b""
        received = self._received[connection] + chunk
        if not chunk or len(received) > _MAX_LINE:
            self._forget(connection)
            return
        *lines, self._received[connection] = received.split(b"\n")
        for line in lines:
            answer = json.dumps(self._answer(line)).encode() + b"\n"
            try:
                connection.sendall(answer)
            except OSError:
                self._forget(connection)
                return

    def _forget(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        del self._received[connection]
        connection.close()

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            question = json.loads(line)
            match question:
                case {"op": "ping"}:
                    return {"pid": os.getpid(), "children": len(self._children), "revision": trainer_revision()}
                case {"op": "launch", "attemptDir": str(folder)}:
                    if self._stopping:
                        return {"error": "the server is ending"}
                    env = {str(name): str(value) for name, value in dict(question.get("env") or {}).items()}
                    return {"pid": self._children.launch(Path(folder), env)}
                case _:
                    return {"error": "unknown question"}
        except (InvalidError, ValueError, TypeError, OSError) as error:
            return {"error": str(error) or type(error).__name__}

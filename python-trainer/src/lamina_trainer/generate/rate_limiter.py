"""Limits the rate of requests."""

import threading
import time


class RateLimiter:
    """Spaces requests evenly; a server that is overloaded can pause all of them. Thread-safe."""

    def __init__(self, requests_per_minute: float | None, stop: threading.Event) -> None:
        self._gap = 0.0 if requests_per_minute is None else 60.0 / requests_per_minute
        self._stop = stop
        self._lock = threading.Lock()
        self._next = 0.0
        self._open_at = 0.0

    def pause(self, seconds: float) -> None:
        """Send no request for that many seconds."""
        with self._lock:
            self._open_at = max(self._open_at, time.monotonic() + seconds)

    def wait(self) -> bool:
        """Wait for a turn; false where a stop came first."""
        while not self._stop.is_set():
            with self._lock:
                now = time.monotonic()
                at = max(self._next, self._open_at)
                if at <= now:
                    self._next = now + self._gap
                    return True
            self._stop.wait(at - now)
        return False

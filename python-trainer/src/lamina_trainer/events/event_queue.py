"""Queue of events that are not acknowledged: numbered without gaps; only step events may be dropped."""

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from threading import Condition
from typing import Any, Final

MAX_WAITING: Final = 100_000
"""Above this many waiting events every second step event is dropped; everything else is kept."""

Event = Mapping[str, Any]


class EventQueue:
    """A queue between the trial's thread and the sender's.

    A number is given when an event first leaves, and stays with it until it is acknowledged, so that
    resending is idempotent and thinning leaves no gap that the receiver would wait for.
    """

    def __init__(self, max_waiting: int = MAX_WAITING) -> None:
        self._changed = Condition()
        self._waiting: deque[Event] = deque()
        self._sent: list[Event] = []
        self._next_seq = 1
        self._max_waiting = max_waiting
        self._closed = False
        self.thinned = 0

    def put(self, kind: str, **fields: Any) -> None:
        """Add an event with the present time. Never blocks on the sender."""
        event = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "type": kind, **fields}
        with self._changed:
            self._waiting.append(event)
            if len(self._waiting) > self._max_waiting:
                self._thin()
            self._changed.notify()

    def close(self) -> None:
        """Tell the sender that nothing more will come."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        with self._changed:
            return self._closed

    @property
    def pending(self) -> int:
        """Events that are not acknowledged."""
        with self._changed:
            return len(self._waiting) + len(self._sent)

    def wait(self, seconds: float, *, for_event: bool) -> None:
        """Sleep until the time is over, the queue is closed, or (if asked) an event is there."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or (for_event and bool(self._waiting or self._sent)), timeout=seconds
            )

    def batch(self, limit: int) -> list[Event]:
        """Return the oldest unacknowledged events, at most `limit`, with their numbers."""
        with self._changed:
            while len(self._sent) < limit and self._waiting:
                self._sent.append({"seq": self._next_seq, **self._waiting.popleft()})
                self._next_seq += 1
            return self._sent[:limit]

    def acknowledge(self, last_seq: int) -> int:
        """Forget everything up to this number; returns how many events that were."""
        with self._changed:
            before = len(self._sent)
            self._sent = [event for event in self._sent if event["seq"] > last_seq]
            return before - len(self._sent)

    def drop_first(self) -> Event | None:
        """Give up on the oldest event, which the receiver refuses. Its number is used again."""
        with self._changed:
            if not self._sent:
                return None
            dropped, rest = self._sent[0], self._sent[1:]
            self._sent = [{**event, "seq": event["seq"] - 1} for event in rest]
            self._next_seq -= 1
            return dropped

    def _thin(self) -> None:
        kept: deque[Event] = deque()
        drop = False
        for event in self._waiting:
            if event["type"] == "step":
                drop = not drop
                if drop:
                    self.thinned += 1
                    continue
            kept.append(event)
        self._waiting = kept
        # A run that is all phases and evaluations must not be scanned again at every further event.
        self._max_waiting = max(self._max_waiting, 2 * len(kept))

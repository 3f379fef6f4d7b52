"""Posts events to the scheduler from a thread of its own; the trial never waits for it."""

import logging
import math
import random
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
from pydantic import ValidationError

from lamina_trainer.contract.trial import EventReceipt, PhaseName
from lamina_trainer.events.event_queue import EventQueue
from lamina_trainer.events.reporter import Stage

_log = logging.getLogger(__name__)

_REFUSED: Final = frozenset({400, 413, 422})
"""Status codes that refuse this batch and would refuse it again."""
_MIN_BUSY_SECONDS: Final = 0.002


@dataclass(frozen=True)
class Timings:
    """Durations of the sender, seconds."""

    heartbeat: float = 10.0
    gather: float = 0.5
    """How long a batch is collected before it is sent."""
    request: float = 10.0
    first_retry: float = 0.5
    longest_retry: float = 30.0


class HttpReporter:
    """A Reporter over HTTP: batched, retried with back-off, idempotent by sequence number.

    Create it in the process that trains: it starts a thread, which a fork does not take along.
    Heartbeats are sent only while this process uses its CPUs, so that one that hangs is seen to.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timings: Timings | None = None,
        batch_limit: int = 500,
        queue: EventQueue | None = None,
    ) -> None:
        self._url = url
        self._token = token
        self._timings = timings or Timings()
        self._limit = batch_limit
        self._queue = queue or EventQueue()
        self._retry = 0.0
        self._complained = False
        self._give_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lamina-events", daemon=True)
        self._thread.start()

    def phase(self, phase: PhaseName) -> None:
        """See Reporter."""
        self._queue.put("phase", phase=phase)

    def step(
        self,
        *,
        step: int,
        steps: int,
        loss: float | None,
        learning_rate: float,
        grad_norm: float | None,
        step_seconds: float,
        tokens_per_second: float,
        memory_bytes: int | None,
    ) -> None:
        """See Reporter."""
        self._queue.put(
            "step",
            step=step,
            steps=steps,
            loss=_finite(loss),
            learningRate=learning_rate,
            gradNorm=_finite(grad_norm),
            stepSeconds=step_seconds,
            tokensPerSecond=tokens_per_second,
            memoryBytes=memory_bytes,
        )

    def evaluation(self, *, stage: Stage, loss: float | None, perplexity: float | None, accuracy: float | None) -> None:
        """See Reporter."""
        self._queue.put(
            "evaluation",
            stage=stage,
            loss=_finite(loss),
            perplexity=_finite(perplexity),
            accuracy=_finite(accuracy),
        )

    def checkpoint(self, step: int) -> None:
        """See Reporter."""
        self._queue.put("checkpoint", step=step)

    def warning(self, message: str) -> None:
        """See Reporter."""
        self._queue.put("warning", message=message)

    def close(self, timeout: float = 5.0) -> int:
        """Send what is left, for at most `timeout` seconds; returns how many events were not acknowledged."""
        self._queue.close()
        self._thread.join(timeout)
        self._give_up.set()
        left = self._queue.pending
        if left:
            _log.warning("%d events could not be delivered.", left)
        return left

    def _run(self) -> None:
        verify = ssl.create_default_context() if self._url.startswith("https:") else False
        # No proxy: the address is that of our own scheduler.
        with httpx.Client(timeout=self._timings.request, verify=verify, trust_env=False) as client:
            beat = _Heartbeat(self._timings.heartbeat)
            while not self._give_up.is_set():
                if self._queue.pending == 0:
                    if self._queue.closed:
                        return
                    self._queue.wait(beat.remaining(), for_event=True)
                    if self._queue.pending == 0 and beat.due():
                        self._queue.put("heartbeat")
                    if self._queue.pending == 0:
                        continue
                self._queue.wait(self._timings.gather, for_event=False)
                if self._post(client, self._queue.batch(self._limit)):
                    beat.sent()
                    self._retry = 0.0
                else:
                    self._back_off()

    def _post(self, client: httpx.Client, events: Sequence[Mapping[str, Any]]) -> bool:
        """Send one batch; true if the receiver has moved forward."""
        try:
            answer = client.post(
                self._url,
                json={"events": events},
                headers={"authorization": f"Bearer {self._token}"},
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self._complain(f"{type(error).__name__}: {error}")
            return False
        if answer.status_code in _REFUSED:
            return self._refused(answer, len(events))
        if not answer.is_success:
            self._complain(f"answer {answer.status_code}")
            self._retry = max(self._retry, _retry_after(answer))
            return False
        try:
            receipt = EventReceipt.model_validate_json(answer.content, by_alias=True, by_name=False)
        except ValidationError:
            self._complain("the answer is not a receipt")
            return False
        self._limit = min(500, self._limit * 2)
        moved = self._queue.acknowledge(receipt.last_seq) > 0
        if moved and self._complained:
            _log.info("Events are delivered again.")
            self._complained = False
        return moved

    def _refused(self, answer: httpx.Response, count: int) -> bool:
        if count > 1:
            # One of them is wrong, or they are too large together: find it.
            self._limit = max(1, count // 2)
            return True
        dropped = self._queue.drop_first()
        kind = dropped["type"] if dropped else "none"
        _log.warning("An event (%s) was refused with answer %d and dropped.", kind, answer.status_code)
        return True

    def _complain(self, reason: str) -> None:
        if not self._complained:
            _log.warning("Events cannot be delivered for now (%s); they are kept and sent later.", reason)
            self._complained = True

    def _back_off(self) -> None:
        timings = self._timings
        self._retry = min(max(self._retry * 2, timings.first_retry), timings.longest_retry)
        # Jitter: a thousand trainers must not come back at the same moment.
        seconds = self._retry * random.uniform(0.5, 1.0)  # noqa: S311
        if self._queue.closed:
            self._give_up.wait(min(seconds, 0.2))
        else:
            self._queue.wait(seconds, for_event=False)


class _Heartbeat:
    """When a heartbeat is due: nothing was sent for a while, and the process has been working."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._last = time.monotonic()
        self._cpu = _cpu_of_others()

    def remaining(self) -> float:
        return max(0.0, self._last + self._interval - time.monotonic())

    def due(self) -> bool:
        if self.remaining() > 0:
            return False
        cpu = _cpu_of_others()
        worked = cpu - self._cpu > _MIN_BUSY_SECONDS
        self._cpu = cpu
        if not worked:
            self._last = time.monotonic()
        return worked

    def sent(self) -> None:
        self._last = time.monotonic()


def _cpu_of_others() -> float:
    """CPU seconds of this process without the calling thread."""
    return time.process_time() - time.thread_time()


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _retry_after(answer: httpx.Response) -> float:
    value = answer.headers.get("retry-after", "")
    return float(value) / 2 if value.isdigit() else 0.0

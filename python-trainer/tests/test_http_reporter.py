"""The reporter against a real server that fails, refuses, restarts and is slow."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from lamina_trainer.contract.document import parse_document
from lamina_trainer.contract.trial import EventBatch
from lamina_trainer.events.event_queue import EventQueue
from lamina_trainer.events.http_reporter import HttpReporter, Timings, _Heartbeat
from receiver import Receiver

QUICK = Timings(heartbeat=60, gather=0.02, request=2, first_retry=0.02, longest_retry=0.1)
TOKEN = "secret-of-the-attempt"


@pytest.fixture(name="receiver")
def receiver_fixture() -> Iterator[Receiver]:
    receiver = Receiver()
    receiver.start()
    yield receiver
    receiver.stop()


def train(reporter: HttpReporter, steps: int) -> None:
    reporter.phase("training")
    for step in range(1, steps + 1):
        reporter.step(
            step=step,
            steps=steps,
            loss=float("nan") if step == 2 else 2.5,
            learning_rate=1e-4,
            grad_norm=float("inf"),
            step_seconds=0.1,
            tokens_per_second=640.0,
            memory_bytes=None,
        )
    reporter.evaluation(stage="trained", loss=2.4, perplexity=11.0, accuracy=0.5)
    reporter.checkpoint(steps)
    reporter.warning("mind the gap")


def wait_for(condition, seconds: float = 20.0) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, "waited in vain"
        time.sleep(0.01)


def complete(receiver: Receiver, steps: int) -> bool:
    expected = ["phase", *["step"] * steps, "evaluation", "checkpoint", "warning"]
    return sorted(receiver.stored) == list(range(1, steps + 5)) and receiver.kinds() == expected


def test_everything_arrives_in_order_and_is_valid(receiver: Receiver):
    reporter = HttpReporter(receiver.url, TOKEN, timings=QUICK)
    train(reporter, 20)
    assert reporter.close() == 0
    assert complete(receiver, 20)
    assert receiver.tokens == {f"Bearer {TOKEN}"}
    assert receiver.stored[3]["loss"] is None
    assert receiver.stored[2]["gradNorm"] is None
    parse_document(EventBatch, json.dumps({"events": list(receiver.stored.values())}))


def test_failing_answers_are_retried(receiver: Receiver):
    receiver.failures = [500, 503, 429, 401]
    reporter = HttpReporter(receiver.url, TOKEN, timings=QUICK)
    train(reporter, 5)
    wait_for(lambda: complete(receiver, 5))
    assert reporter.close() == 0
    assert len(receiver.posts) >= 5


def test_an_answer_that_was_lost_doubles_nothing(receiver: Receiver):
    receiver.lose_answers = 1
    reporter = HttpReporter(receiver.url, TOKEN, timings=QUICK)
    train(reporter, 5)
    assert reporter.close() == 0
    assert complete(receiver, 5)
    sent = [seq for post in receiver.posts for seq in post]
    assert len(sent) > len(set(sent))


def test_a_restart_of_the_receiver_loses_nothing(receiver: Receiver):
    reporter = HttpReporter(receiver.url, TOKEN, timings=QUICK, batch_limit=7)
    for round_ in range(3):
        reporter.phase("training")
        wait_for(lambda expected=round_ * 11 + 1: receiver.last_contiguous() >= expected)
        receiver.stop()
        for step in range(10):
            reporter.checkpoint(step)
        time.sleep(0.2)
        receiver.start()
        wait_for(lambda expected=(round_ + 1) * 11: receiver.last_contiguous() == expected)
    assert reporter.close() == 0
    assert receiver.kinds() == ["phase", *["checkpoint"] * 10] * 3


def test_an_event_that_is_refused_does_not_hold_up_the_others(receiver: Receiver):
    receiver.refuse_kind = "warning"
    reporter = HttpReporter(receiver.url, TOKEN, timings=QUICK)
    reporter.phase("training")
    reporter.warning("nobody wants to hear this")
    for step in range(30):
        reporter.checkpoint(step)
    wait_for(lambda: receiver.last_contiguous() == 31)
    assert reporter.close() == 0
    assert receiver.kinds() == ["phase", *["checkpoint"] * 30]


def test_a_batch_that_is_too_large_is_split(receiver: Receiver):
    receiver.refuse_above = 5
    reporter = HttpReporter(receiver.url, TOKEN, timings=QUICK)
    train(reporter, 40)
    wait_for(lambda: complete(receiver, 40))
    assert reporter.close() == 0


def test_a_slow_receiver_never_blocks_the_trial(receiver: Receiver):
    receiver.delay = 1.0
    reporter = HttpReporter(receiver.url, TOKEN, timings=QUICK)
    started = time.monotonic()
    train(reporter, 2000)
    assert time.monotonic() - started < 0.9
    started = time.monotonic()
    left = reporter.close(timeout=0.2)
    assert time.monotonic() - started < 0.9
    assert left > 0


def test_closing_is_bounded_where_nobody_listens(receiver: Receiver, caplog: pytest.LogCaptureFixture):
    receiver.stop()
    with caplog.at_level(logging.INFO):
        reporter = HttpReporter(receiver.url, TOKEN, timings=QUICK)
        train(reporter, 3)
        started = time.monotonic()
        assert reporter.close(timeout=0.5) == 7
    assert time.monotonic() - started < 2
    messages = [record.getMessage() for record in caplog.records]
    assert any("cannot be delivered" in message for message in messages)
    assert any("7 events could not be delivered" in message for message in messages)
    assert TOKEN not in " ".join(messages)
    receiver.start()


def test_events_written_at_the_end_are_flushed(receiver: Receiver):
    slow_gather = Timings(heartbeat=60, gather=30, request=2, first_retry=0.02, longest_retry=0.1)
    reporter = HttpReporter(receiver.url, TOKEN, timings=slow_gather)
    train(reporter, 3)
    assert reporter.close(timeout=5) == 0
    assert complete(receiver, 3)


def busy(seconds: float) -> None:
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        sum(range(1000))


def test_a_working_process_sends_heartbeats(receiver: Receiver):
    timings = Timings(heartbeat=0.1, gather=0.01, request=2, first_retry=0.02, longest_retry=0.1)
    reporter = HttpReporter(receiver.url, TOKEN, timings=timings)
    busy(0.6)
    assert reporter.close() == 0
    assert receiver.kinds().count("heartbeat") >= 2


def test_a_process_that_hangs_sends_none():
    # As in the reporter, the question is asked by a thread of its own, whose own work does not count.
    with ThreadPoolExecutor(1) as sender:
        beat = sender.submit(_Heartbeat, 0.05).result()
        busy(0.2)
        assert sender.submit(beat.due).result()
        time.sleep(0.2)
        sender.submit(beat.due).result()
        time.sleep(0.2)
        assert not sender.submit(beat.due).result()
        busy(0.2)
        assert sender.submit(beat.due).result()


def test_many_threads_may_speak(receiver: Receiver):
    reporter = HttpReporter(receiver.url, TOKEN, timings=QUICK, queue=EventQueue())
    speakers = [threading.Thread(target=lambda: [reporter.checkpoint(step) for step in range(200)]) for _ in range(4)]
    for speaker in speakers:
        speaker.start()
    for speaker in speakers:
        speaker.join()
    assert reporter.close() == 0
    assert receiver.last_contiguous() == 800

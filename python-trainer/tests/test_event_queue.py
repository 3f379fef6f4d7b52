"""Numbering without gaps, whatever happens to the events."""

from lamina_trainer.events.event_queue import EventQueue


def filled(count: int, **options: int) -> EventQueue:
    queue = EventQueue(**options)
    for step in range(1, count + 1):
        queue.put("step", step=step)
    return queue


def numbers(queue: EventQueue, limit: int = 1000) -> list[int]:
    return [event["seq"] for event in queue.batch(limit)]


def test_a_number_stays_with_its_event_until_it_is_acknowledged():
    queue = filled(5)
    assert numbers(queue, 2) == [1, 2]
    assert numbers(queue, 3) == [1, 2, 3]
    assert queue.acknowledge(2) == 2
    assert numbers(queue, 2) == [3, 4]
    assert queue.acknowledge(2) == 0
    assert queue.pending == 3
    assert [event["step"] for event in queue.batch(9)] == [3, 4, 5]


def test_a_refused_event_gives_its_number_to_the_next():
    queue = filled(3)
    queue.batch(2)
    dropped = queue.drop_first()
    assert dropped is not None
    assert dropped["step"] == 1
    assert [(event["seq"], event["step"]) for event in queue.batch(9)] == [(1, 2), (2, 3)]
    assert EventQueue().drop_first() is None


def test_only_steps_are_thinned_and_no_number_is_missing():
    queue = EventQueue(max_waiting=100)
    for step in range(1, 1001):
        queue.put("step", step=step)
        if step % 50 == 0:
            queue.put("evaluation", stage="raw")
        if step % 100 == 0:
            queue.put("checkpoint", step=step)
    events = []
    while batch := queue.batch(7):
        events += batch
        queue.acknowledge(batch[-1]["seq"])
    kinds = [event["type"] for event in events]
    assert kinds.count("evaluation") == 20
    assert kinds.count("checkpoint") == 10
    assert queue.thinned > 0
    assert kinds.count("step") == 1000 - queue.thinned
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    steps = [event["step"] for event in events if event["type"] == "step"]
    assert steps == sorted(steps)
    assert steps[-1] == 1000


def test_important_events_alone_are_all_kept():
    queue = EventQueue(max_waiting=10)
    for _ in range(1000):
        queue.put("phase", phase="training")
    assert queue.pending == 1000
    assert queue.thinned == 0

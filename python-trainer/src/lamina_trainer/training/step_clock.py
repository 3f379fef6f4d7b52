"""Times the parts of an optimizer step: forward, backward, optimizer."""

import time
from typing import Any, Literal, NamedTuple

import torch

StepPart = Literal["forward", "backward", "optimizer", "rest"]


class PartSeconds(NamedTuple):
    """Seconds of one step; what is in none of them is data, waiting for other processes, and bookkeeping."""

    forward: float
    backward: float
    optimizer: float


class StepClock:
    """Marks the ends of parts: with events in the GPU's queue, which nobody waits for, or on a CPU by the clock."""

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._began: Any = None
        self._marks: list[tuple[StepPart, Any]] = []

    def begin(self) -> None:
        """Start with a step's first part."""
        self._began, self._marks = self._now(), []

    def end_of(self, part: StepPart) -> None:
        """Count the time since the mark before to this part."""
        self._marks.append((part, self._now()))

    def seconds(self) -> PartSeconds:
        """Add up the step. On a GPU call it once the step is over there too."""
        spent: dict[StepPart, float] = dict.fromkeys(("forward", "backward", "optimizer", "rest"), 0.0)
        before = self._began
        for part, mark in self._marks:
            spent[part] += before.elapsed_time(mark) / 1000 if self._cuda else mark - before
            before = mark
        return PartSeconds(spent["forward"], spent["backward"], spent["optimizer"])

    def _now(self) -> Any:
        if not self._cuda:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        return event

"""The protocol by which a trial reports its progress; the trial never waits for a listener."""

from typing import Literal, Protocol

from lamina_trainer.contract.trial import PhaseName

Stage = Literal["raw", "trained"]


class Reporter(Protocol):
    """Receives what happens in a trial. Calls return at once and never raise."""

    def phase(self, phase: PhaseName) -> None:
        """Enter a phase."""

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
        """Record one optimizer step (counted from 1). A loss or norm that is not finite is sent as null."""

    def evaluation(self, *, stage: Stage, loss: float | None, perplexity: float | None, accuracy: float | None) -> None:
        """Record a finished evaluation."""

    def checkpoint(self, step: int) -> None:
        """Record that a complete checkpoint of this step is on disk."""

    def warning(self, message: str) -> None:
        """Say something the user should know, in one sentence."""


class NullReporter:
    """Discards everything: for attempts without an events address and for tests."""

    def phase(self, phase: PhaseName) -> None:
        """Ignore."""

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
        """Ignore."""

    def evaluation(self, *, stage: Stage, loss: float | None, perplexity: float | None, accuracy: float | None) -> None:
        """Ignore."""

    def checkpoint(self, step: int) -> None:
        """Ignore."""

    def warning(self, message: str) -> None:
        """Ignore."""

"""Reports the steps and evaluations of a running trial as events and as scalars."""

from collections.abc import Callable
from typing import Any

import torch

from lamina_trainer.contract.result import EvaluationResult
from lamina_trainer.events.reporter import Reporter
from lamina_trainer.events.scalars import Scalars
from lamina_trainer.measure.device_meter import DeviceMeter
from lamina_trainer.measure.process import current_memory_bytes
from lamina_trainer.training.trainer import StepReport


def step_reporter(
    reporter: Reporter, scalars: Scalars | None, meter: DeviceMeter, steps: int, device: torch.device
) -> Callable[[StepReport], None]:
    """Return a hook that reports the steps, of `steps`, that `logEvery` selects, and samples the device's meter."""

    def report_step(report: StepReport) -> None:
        meter.sample()
        if scalars is not None:
            scalars.step(report)
        reporter.step(
            step=report.step,
            steps=steps,
            loss=report.loss,
            learning_rate=report.learning_rate,
            grad_norm=report.grad_norm,
            step_seconds=report.seconds,
            tokens_per_second=report.tokens / report.seconds,
            memory_bytes=current_memory_bytes(device),
        )

    return report_step


def report_evaluation(
    reporter: Reporter, scalars: Scalars | None, stage: Any, result: EvaluationResult | None, step: int
) -> None:
    """Report an evaluation; `result` is None where the loss was not finite."""
    if result is None:
        reporter.evaluation(stage=stage, loss=None, perplexity=None, accuracy=None)
        return
    if scalars is not None:
        scalars.evaluation(step, result)
    reporter.evaluation(stage=stage, loss=result.loss, perplexity=result.perplexity, accuracy=result.accuracy)

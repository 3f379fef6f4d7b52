"""Parts of a trial's result that are put together from measurements alone."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lamina_trainer.contract import ModelResult, StepLoss, TrainingResult
from lamina_trainer.measure import Storage
from lamina_trainer.models import LoadedModel
from lamina_trainer.train import TrainOutcome


@dataclass
class Clock:
    """Seconds by phase; a phase that did not happen has none."""

    began: float = field(default_factory=time.perf_counter)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time spent inside to the phase."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began

    def total(self) -> float:
        """Seconds since the trial began."""
        return time.perf_counter() - self.began


def model_result(loaded: LoadedModel, kept: list[int], storage: Storage, trainable: int) -> ModelResult:
    """The model as it was trained."""
    quantized = storage.quantized_parameters
    return ModelResult(
        architecture=loaded.architecture,
        layers_original=loaded.layers_original,
        layers_kept=kept,
        parameters=storage.parameters,
        trainable_parameters=trainable,
        weight_bytes=storage.weight_bytes,
        quantized_parameters=quantized,
        quantized_bytes=storage.quantized_bytes,
        bits_per_parameter=8 * storage.weight_bytes / storage.parameters,
        quantized_bits_per_parameter=8 * storage.quantized_bytes / quantized if quantized else None,
        disk_bytes=None,
    )


def training_result(outcome: TrainOutcome, samples_per_step: int) -> TrainingResult:
    """What training did; the speed leaves warm-up steps out."""
    seconds = sum(outcome.step_seconds)
    return TrainingResult(
        steps=outcome.steps_done,
        tokens=outcome.tokens,
        samples=outcome.samples,
        losses=[StepLoss(step=step, loss=loss) for step, loss in outcome.losses],
        step_seconds=outcome.step_seconds,
        step_tokens=outcome.step_tokens,
        warmup_step_seconds=outcome.warmup_step_seconds,
        tokens_per_second=sum(outcome.step_tokens) / seconds if outcome.step_seconds else None,
        samples_per_second=len(outcome.step_seconds) * samples_per_step / seconds if outcome.step_seconds else None,
        resumed_from_step=outcome.resumed_from,
        step_parts=None,
        dequantization_share=None,
    )

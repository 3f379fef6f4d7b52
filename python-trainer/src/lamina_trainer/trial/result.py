"""Builds the parts of a trial's result from measurements."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from lamina_trainer.contract.result import Environment, ModelResult, PhaseSeconds, StepLoss, StepParts, TrainingResult
from lamina_trainer.data.prepared import PreparedData
from lamina_trainer.host.revision import trainer_revision
from lamina_trainer.measure.device_meter import DeviceMeter
from lamina_trainer.measure.environment import device_name, library_versions, python_version
from lamina_trainer.measure.storage import Storage
from lamina_trainer.model.loading import LoadedModel
from lamina_trainer.training.trainer import TrainOutcome


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


def model_result(
    loaded: LoadedModel, kept: list[int], storage: Storage, trainable: int, disk_bytes: int
) -> ModelResult:
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
        disk_bytes=disk_bytes,
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
        largest_gradient_norm=outcome.largest_gradient_norm,
        clipped_steps=outcome.clipped_steps,
        step_parts=StepParts(
            forward=[parts.forward for parts in outcome.step_parts],
            backward=[parts.backward for parts in outcome.step_parts],
            optimizer=[parts.optimizer for parts in outcome.step_parts],
        )
        if outcome.step_parts
        else None,
        dequantization_share=None,
    )


def environment_result(
    device: torch.device, data: PreparedData, weights: str, meter: DeviceMeter, loaded: LoadedModel
) -> Environment:
    """Where the trial runs and on what."""
    return Environment(
        device=device_name(device),
        device_kind="cuda" if device.type == "cuda" else "cpu",
        driver=meter.driver(),
        threads=torch.get_num_threads(),
        python=python_version(),
        libraries={**library_versions(), "attention": loaded.attention},
        trainer_revision=trainer_revision(),
        dataset_fingerprint=data.dataset_fingerprint,
        evaluation_fingerprint=data.evaluation_fingerprint,
        weights_fingerprint=weights,
    )


def phase_seconds(clock: Clock, imports: float | None) -> PhaseSeconds:
    """Where the time went up to now."""
    spent = clock.seconds
    return PhaseSeconds(
        imports=imports,
        tokenizer=spent.get("tokenizer"),
        data=spent.get("data"),
        load=spent.get("load"),
        quantize=spent.get("quantize"),
        evaluate_raw=spent.get("evaluateRaw"),
        train=spent.get("train"),
        evaluate=spent.get("evaluate"),
        total=clock.total(),
    )

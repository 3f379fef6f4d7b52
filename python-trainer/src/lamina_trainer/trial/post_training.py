"""Post-training: inference and tasks are measured, artifacts saved and merged, the base's checksum compared."""

from collections.abc import Callable
from pathlib import Path

from torch import Tensor, nn

from lamina_trainer.contract.result import (
    Artifact,
    BaseChecksums,
    GgufResult,
    InferenceResult,
    InferenceSamples,
    MergeResult,
    TaskResult,
    TrialResult,
)
from lamina_trainer.contract.trial import TrialRequest
from lamina_trainer.data.blocks import Blocks
from lamina_trainer.data.prepared import PreparedData
from lamina_trainer.distributed.process_group import ProcessGroup
from lamina_trainer.events.reporter import Reporter
from lamina_trainer.measure.dequantization import dequantization_share
from lamina_trainer.measure.inference import check_inference, measure_inference
from lamina_trainer.measure.tasks import Tasks
from lamina_trainer.model.adapter import base_checksum
from lamina_trainer.model.loading import LoadedModel
from lamina_trainer.model.precision import KBIT, Numerics
from lamina_trainer.trial.artifacts import (
    MERGED,
    SAVED_TOLERANCE,
    collect_artifacts,
    load_merged,
    logits,
    merge_saved_adapter,
    needs_adapter,
    needs_merge,
    remove_adapter,
    save_trained,
    saved_difference,
    saves_model,
    serve_as_trained,
)
from lamina_trainer.trial.gguf import trial_gguf


class PostTraining:
    """Post-training of one trial; rank 0 does all of it while the others wait."""

    def __init__(
        self, request: TrialRequest, base: Path, numerics: Numerics, reporter: Reporter, group: ProcessGroup
    ) -> None:
        self._request, self._settings, self._base = request, request.settings, base
        self._numerics, self._reporter, self._group = numerics, reporter, group
        self._output = Path(request.paths.output)
        self._checksum: str | None = None
        self._checksums: BaseChecksums | None = None
        self._share: float | None = None
        self._trained: list[InferenceSamples] | None = None
        self._kept = False
        self._held_out: Blocks | None = None
        self._logits: Tensor | None = None
        tasks = self._settings.evaluation.tasks
        self._tasks = None if tasks is None else Tasks(tasks, base, numerics, group)
        self._scored: list[TaskResult] = []

    def before_training(self, loaded: LoadedModel, stop: Callable[[], None]) -> None:
        """Compute the base's checksum and score tasks untrained; raises InvalidError for what cannot be done later."""
        check_inference(self._settings.evaluation.inference, loaded)
        if self._tasks is not None and self._settings.evaluation.before_training:
            self._scored += self._tasks.score("raw", loaded, stop)
        if self._group.is_main and needs_adapter(self._settings):
            self._checksum = base_checksum(loaded.causal)

    def with_model(
        self, loaded: LoadedModel, forward: nn.Module, layers: list[int], data: PreparedData, stop: Callable[[], None]
    ) -> None:
        """Measure and save the trained model, then remove the adapter; `stop` may raise StoppedError."""
        stop()
        if not self._group.is_main:
            return
        self._held_out = data.evaluation
        numerics, inference = self._numerics, self._settings.evaluation.inference
        if self._tasks is not None or inference is not None:
            self._reporter.phase("measuring")
        if self._tasks is not None:
            self._scored += self._tasks.score("trained", loaded, stop)
        if inference is not None:
            self._trained = measure_inference(
                loaded, numerics, inference, stop if self._group.world_size == 1 else _go_on
            )
        if self._group.world_size == 1 and numerics.precision in KBIT:
            micro_batch = self._request.plan.micro_batch
            self._share = dequantization_share(forward, data.train, micro_batch, numerics)
        if saves_model(self._settings):
            self._logits = logits(loaded, numerics)
        save_trained(loaded, self._output, self._settings, numerics, layers, self._base)
        self._kept = True
        if self._checksum is not None:
            self._checksums = remove_adapter(loaded, self._checksum)
            if self._checksums.before != self._checksums.after:
                self._reporter.warning("The base weights are not what they were before training.")

    def finish(self, result: TrialResult) -> TrialResult:
        """Merge, and measure the merged model, after the trained one is freed; all processes must call it."""
        merge: MergeResult | None = None
        merged: list[InferenceSamples] | None = None
        artifacts: list[Artifact] = []
        gguf: list[GgufResult] | None = None
        if self._group.is_main and self._kept:
            if needs_merge(self._settings):
                self._reporter.phase("merging")
                merge = merge_saved_adapter(self._output, self._base, self._numerics)
                if merge.accepted:
                    merged = self._measure_merged()
                else:
                    self._reporter.warning(
                        f"The merged model's logits differ by {merge.max_difference:.2g}, more than "
                        f"{merge.tolerance:g}: it was not kept."
                    )
            same = self._saved_as_trained()
            closing = None if result.counting is None else result.counting.closing_id
            serve_as_trained(self._output, self._settings, closing)
            gguf = self._gguf(same and (merge is None or merge.accepted))
            artifacts = collect_artifacts(self._output, self._settings)
        self._group.barrier()
        return result.model_copy(
            update={
                "training": result.training.model_copy(update={"dequantization_share": self._share}),
                "base": self._checksums,
                "merge": merge,
                "inference": self._inference(merged),
                "gguf": gguf,
                "tasks": None if self._tasks is None else self._scored,
                "artifacts": [*result.artifacts, *artifacts],
            }
        )

    def _saved_as_trained(self) -> bool:
        """Load what full training has saved, and compare."""
        if self._logits is None:
            return True
        difference = saved_difference(self._output, self._numerics, self._logits)
        if difference <= SAVED_TOLERANCE:
            return True
        self._reporter.warning(
            f"The saved model's logits differ from the trained one's by {difference:.2g}, more than "
            f"{SAVED_TOLERANCE:g}: it was not kept."
        )
        return False

    def _gguf(self, whole: bool) -> list[GgufResult] | None:
        settings = self._settings.evaluation.gguf
        if settings is None or self._held_out is None:
            return None
        self._reporter.phase("converting")
        model = self._output / MERGED if whole else None
        return trial_gguf(model, self._held_out, settings, self._output, self._reporter)

    def _measure_merged(self) -> list[InferenceSamples] | None:
        inference = self._settings.evaluation.inference
        if inference is None:
            return None
        self._reporter.phase("measuring")
        loaded, numerics = load_merged(self._output, self._numerics)
        return measure_inference(loaded, numerics, inference, _go_on)

    def _inference(self, merged: list[InferenceSamples] | None) -> InferenceResult | None:
        settings = self._settings.evaluation.inference
        if settings is None or self._trained is None:
            return None
        return InferenceResult(
            prompt_tokens=settings.prompt_tokens,
            new_tokens=settings.new_tokens,
            trained=self._trained,
            merged=merged,
        )


def _go_on() -> None:
    """Never stops: the other processes wait for this one and cannot agree to stop."""

"""One trial from a request: load, cut, quantize, evaluate, train, evaluate, measure."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from lamina_trainer.contract.capabilities import quantizes
from lamina_trainer.contract.result import EvaluationResult, TrialResult
from lamina_trainer.contract.trial import TrialRequest
from lamina_trainer.data.prepared import PreparedData, blocks_fingerprint, counting_warnings, prepare_data
from lamina_trainer.data.tokenizer import LazyTokenizer, check_rows, load_tokenizer
from lamina_trainer.distributed.fsdp import check_sharding, shard
from lamina_trainer.distributed.process_group import ProcessGroup
from lamina_trainer.errors import InvalidError, ModelError, StoppedError
from lamina_trainer.events.reporter import Reporter
from lamina_trainer.events.reporting import report_evaluation, step_reporter
from lamina_trainer.events.scalars import Scalars
from lamina_trainer.host.revision import trainer_revision
from lamina_trainer.host.stop import stop_requested
from lamina_trainer.measure.device_meter import DeviceMeter, largest_memory
from lamina_trainer.measure.energy import EnergySpan, idle_watts, total
from lamina_trainer.measure.environment import device_name, library_versions
from lamina_trainer.measure.evaluation import EvaluationCache, evaluate, shared_evaluation
from lamina_trainer.measure.memory_limit import MemoryLimit, requested_limit
from lamina_trainer.measure.process import process_seconds, reset_peak_rss
from lamina_trainer.measure.storage import Storage, measure_storage, trainable_count
from lamina_trainer.model.angular_distance import (
    CALIBRATION_SEQUENCES,
    DistanceCache,
    angular_distances,
    layer_states,
)
from lamina_trainer.model.cut import cut
from lamina_trainer.model.forward import ForwardPass
from lamina_trainer.model.layers import kept_indices, needs_calibration
from lamina_trainer.model.linears import fused_parameters
from lamina_trainer.model.loading import LoadedModel, load_model
from lamina_trainer.model.precision import (
    Numerics,
    apply_precision,
    fast_16_bit,
    make_deterministic,
    resolve_numerics,
    set_matmul_mode,
)
from lamina_trainer.model.source import model_folder
from lamina_trainer.model.weight_files import model_fingerprint, vocabulary_size, weight_file_bytes
from lamina_trainer.quantizers.checkpoint import check_checkpoint
from lamina_trainer.training.checkpoint import Checkpoint, CheckpointFolder
from lamina_trainer.training.methods import apply_method, check_method
from lamina_trainer.training.trainer import Trainer, TrainHooks, TrainOutcome, process_seed
from lamina_trainer.trial.artifacts import check_artifacts, end_tokens
from lamina_trainer.trial.post_training import PostTraining
from lamina_trainer.trial.result import Clock, environment_result, model_result, phase_seconds, training_result
from lamina_trainer.trial.warm import Warm

T = TypeVar("T")


def run_trial(
    request: TrialRequest, reporter: Reporter, warm: Warm | None, group: ProcessGroup | None = None
) -> TrialResult:
    """Run one trial, or this rank's part of it, and measure it.

    Raises InvalidError for what no retry can help, StoppedError once the stop flag is seen (after saving
    whatever can be resumed from), and whatever else goes wrong as it is.
    """
    return _Trial(request, reporter, warm, group or ProcessGroup()).run()


class _Trial:
    def __init__(self, request: TrialRequest, reporter: Reporter, warm: Warm | None, group: ProcessGroup) -> None:
        self._request, self._settings, self._reporter, self._warm = request, request.settings, reporter, warm
        self._group = group
        self._sharded = group.world_size > 1 and request.settings.method == "full"
        self._clock = Clock()
        self._imports: float | None = None
        self._cache = Path(request.paths.cache)
        self._device = group.device()
        self._disk_bytes = 0
        self._limit = MemoryLimit(self._device, requested_limit())

    def run(self) -> TrialResult:
        settings, reporter, clock = self._settings, self._reporter, self._clock
        if self._warm is None:
            self._imports = process_seconds()
        check_method(settings.method, settings.precision, settings.lora)
        check_artifacts(settings, sharded=self._sharded)
        self._check_processes()
        numerics = self._numerics()
        make_deterministic(self._device)
        folder = model_folder(settings.model, self._cache)
        check_checkpoint(folder, settings.precision)
        data = self._data(folder)
        self._check_stop()

        reporter.phase("loading")
        weights, self._disk_bytes = model_fingerprint(folder, self._cache), weight_file_bytes(folder)
        with clock.phase("load"):
            loaded, kept = self._load_cut(folder, weights, data, numerics)
        for warning in counting_warnings(data.counting, end_tokens(loaded.causal)):
            reporter.warning(warning)
        if quantizes(settings.precision):
            reporter.phase("quantizing")
        with clock.phase("quantize" if quantizes(settings.precision) else "load"):
            apply_precision(loaded.causal, loaded.layers, numerics, move=not self._sharded)
            storage = measure_storage(loaded.causal)
            self._warn_of_fused_experts(loaded, storage)
            forward = ForwardPass(loaded)
            if self._sharded:
                apply_method(loaded, settings.method, settings.lora)
                shard(forward, loaded.layers, self._device, self._group.world_size)
        self._check_stop()

        scalars = Scalars(Path(self._request.paths.output)) if self._group.is_main else None
        post_training = PostTraining(self._request, folder, numerics, reporter, self._group)
        try:
            result = self._measure(loaded, forward, kept, data, numerics, storage, weights, scalars, post_training)
        finally:
            if scalars is not None:
                scalars.close()
        del loaded, forward  # merging loads the base again
        return post_training.finish(result).model_copy(update={"seconds": phase_seconds(self._clock, self._imports)})

    def _measure(
        self,
        loaded: LoadedModel,
        forward: ForwardPass,
        kept: list[int],
        data: PreparedData,
        numerics: Numerics,
        storage: Storage,
        weights: str,
        scalars: Scalars | None,
        post_training: PostTraining,
    ) -> TrialResult:
        settings, plan, reporter, clock = self._settings, self._request.plan, self._reporter, self._clock
        raw = trained = None
        outcome = TrainOutcome()
        if settings.evaluation.before_training:
            reporter.phase("evaluating-raw")
            with clock.phase("evaluateRaw"):
                raw = self._evaluate_raw(loaded, forward, kept, data, numerics, weights)
            report_evaluation(reporter, scalars, "raw", raw, 0)
            if raw is None:
                outcome.diverged_at = 0
        post_training.before_training(loaded, self._check_stop)
        torch.manual_seed(settings.seed)
        parameters = apply_method(loaded, settings.method, settings.lora)
        trainable = trainable_count(loaded.causal)
        meter = DeviceMeter(self._device, alone=self._group.world_size == 1)
        idle, energy = idle_watts(meter.energy_joules), EnergySpan(meter.energy_joules)
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        reset_peak_rss()
        self._limit.training_begins()
        memory = meter.memory()
        if outcome.diverged_at is None:
            reporter.phase("training")
            checkpoints = CheckpointFolder(
                Path(self._request.paths.checkpoints), self._request.trial_id, reporter.warning
            )
            trainer = self._trainer(loaded, forward, parameters, data, numerics, checkpoints, scalars, meter)
            with clock.phase("train"), energy:
                outcome = trainer.run()
            memory = meter.memory()
            if outcome.diverged_at is None:
                reporter.phase("evaluating")
                with clock.phase("evaluate"):
                    trained = self._evaluate_trained(forward, data, numerics, trainer, checkpoints)
                report_evaluation(reporter, scalars, "trained", trained, outcome.steps_done)
                if trained is None:
                    outcome.diverged_at = outcome.steps_done
                else:
                    self._or_save_checkpoint(
                        trainer,
                        checkpoints,
                        lambda: post_training.with_model(loaded, forward, kept, data, self._check_stop),
                    )
        reporter.phase("saving")
        shares = self._group.all_gather((memory, energy.joules, idle))
        return TrialResult(
            contract=self._request.contract,
            trial_id=self._request.trial_id,
            attempt_id=self._request.attempt_id,
            status="succeeded" if outcome.diverged_at is None else "diverged",
            diverged_at_step=outcome.diverged_at,
            model=model_result(loaded, kept, storage, trainable, self._disk_bytes),
            compute_dtype=numerics.compute_name,
            raw=raw,
            trained=trained,
            training=training_result(outcome, plan.micro_batch * plan.accumulation * self._group.world_size),
            memory=largest_memory([one for one, _, _ in shares]),
            energy_joules=total([joules for _, joules, _ in shares]),
            energy_source=meter.energy_source(),
            idle_watts=total([watts for _, _, watts in shares]),
            base=None,
            merge=None,
            inference=None,
            gguf=None,
            tasks=None,
            counting=data.counting,
            environment=environment_result(self._device, data, weights, meter, loaded),
            data=data.read,
            artifacts=[] if scalars is None else scalars.close(),
            seconds=phase_seconds(self._clock, self._imports),
        )

    def _check_processes(self) -> None:
        settings, plan = self._settings, self._request.plan
        gpus, processes = max(settings.gpus, plan.gpus, 1), self._group.world_size
        if gpus != processes:
            raise InvalidError(f"{gpus} GPUs were asked for, but the trial runs in {processes} process(es).")
        if processes > 1:
            check_sharding(settings.method, settings.training)

    def _warn_of_fused_experts(self, loaded: LoadedModel, storage: Storage) -> None:
        fused = fused_parameters(loaded.layers)
        if quantizes(self._settings.precision) and fused > storage.quantized_parameters / 10:
            self._reporter.warning(
                f"{storage.quantized_parameters / storage.parameters:.0%} of the parameters are held in "
                f"{self._settings.precision}: the experts of {loaded.architecture} are one tensor a layer, and are not "
                f"quantized; {fused / storage.parameters:.0%} of the parameters stay in 16 bits with them."
            )

    def _numerics(self) -> Numerics:
        numerics = resolve_numerics(
            self._settings.precision, self._settings.compute_dtype, self._device, fast_16_bit=fast_16_bit(self._device)
        )
        set_matmul_mode(numerics)
        return numerics

    def _data(self, folder: Path) -> PreparedData:
        settings, clock = self._settings, self._clock
        before = clock.total()

        def load() -> Any:
            with clock.phase("tokenizer"):
                tokenizer, rows = load_tokenizer(folder), vocabulary_size(folder)
            if rows is not None:
                check_rows(tokenizer, rows, folder)
            return tokenizer

        data = prepare_data(
            settings.dataset,
            LazyTokenizer(folder, load),
            settings.training.max_length,
            settings.training.packing,
            settings.evaluation,
            self._cache,
            lambda: self._reporter.phase("tokenizing"),
        )
        if data.read.skipped_records > 0:
            self._reporter.warning(
                f"{data.read.skipped_records} records were skipped; the first: {data.read.first_skipped}"
            )
        clock.seconds["data"] = clock.total() - before - clock.seconds.get("tokenizer", 0.0)
        return data

    def _load_cut(
        self, folder: Path, weights: str, data: PreparedData, numerics: Numerics
    ) -> tuple[LoadedModel, list[int]]:
        loaded = load_model(folder, numerics.stored)
        self._check_tokens(loaded, data)
        choice, total = self._settings.layers, loaded.layers_original
        kept = kept_indices(choice, total, [0.0] * total)
        if needs_calibration(choice, total):
            kept = kept_indices(choice, total, self._distances(folder, weights, data, total - len(kept)))
        cut(loaded, kept)
        return loaded, kept

    def _check_tokens(self, loaded: LoadedModel, data: PreparedData) -> None:
        """Raise ModelError for text that the embedding has no row for, which would end in an index out of range."""
        rows = loaded.causal.get_input_embeddings().weight.shape[0]
        highest = max(int(data.train.tokens.max()), int(data.evaluation.tokens.max()))
        if highest >= rows:
            raise ModelError(
                f"The text holds token {highest}, and the embedding of the model has {rows} rows, from 0 on: "
                "resize the embedding, or bring the model's own tokenizer."
            )

    def _distances(self, folder: Path, weights: str, data: PreparedData, length: int) -> list[float]:
        """Measured on the uncut model stored in bf16, whatever the cell's precision, so that cells agree."""
        numerics = resolve_numerics("bf16", "auto", self._device, fast_16_bit=fast_16_bit(self._device))
        cache = DistanceCache(
            self._cache,
            {
                "weights": weights,
                "calibration": blocks_fingerprint(data.train[:CALIBRATION_SEQUENCES]),
                "length": length,
                "compute": numerics.compute_name,
                "device": device_name(self._device),
                "revision": trainer_revision(),
            },
        )

        def measured() -> list[float]:
            known = cache.get()
            if known is not None:
                return known
            whole = load_model(folder, numerics.stored)
            apply_precision(whole.causal, whole.layers, numerics)
            distances = angular_distances(layer_states(whole, data.train, numerics), length)
            cache.put(distances)
            return distances

        return self._group.run_on_main(measured)

    def _evaluate_raw(
        self,
        loaded: LoadedModel,
        forward: ForwardPass,
        kept: list[int],
        data: PreparedData,
        numerics: Numerics,
        weights: str,
    ) -> EvaluationResult | None:
        micro_batch = self._settings.evaluation.micro_batch
        key = {
            "weights": weights,
            "layers": kept,
            "precision": numerics.precision,
            "compute": numerics.compute_name,
            "device": device_name(self._device),
            "threads": torch.get_num_threads(),
            "evaluation": data.evaluation_fingerprint,
            "records": data.read.scored_records,
            "microBatch": micro_batch,
            "attention": loaded.attention,
            "libraries": library_versions(),
            "revision": trainer_revision(),
        }
        group = self._group

        def together() -> EvaluationResult | None:
            return evaluate(
                forward, data.evaluation, micro_batch, numerics, group, self._check_stop, data.read.scored_records
            )

        return shared_evaluation(group, EvaluationCache(self._cache), key, together)

    def _evaluate_trained(
        self,
        forward: ForwardPass,
        data: PreparedData,
        numerics: Numerics,
        trainer: Trainer,
        checkpoints: CheckpointFolder,
    ) -> EvaluationResult | None:
        micro_batch = self._settings.evaluation.micro_batch
        return self._or_save_checkpoint(
            trainer,
            checkpoints,
            lambda: evaluate(
                forward,
                data.evaluation,
                micro_batch,
                numerics,
                self._group,
                self._check_stop,
                data.read.scored_records,
            ),
        )

    def _or_save_checkpoint(self, trainer: Trainer, checkpoints: CheckpointFolder, work: Callable[[], T]) -> T:
        """Do work that may be stopped; save a checkpoint if it is, so that no training is lost."""
        try:
            return work()
        except StoppedError:
            self._save(trainer.snapshot(), checkpoints)
            raise

    def _save(self, checkpoint: Checkpoint, checkpoints: CheckpointFolder) -> None:
        """Save on rank 0 for all processes, which wait until it has."""
        if self._group.is_main:
            checkpoints.save(checkpoint)
            self._reporter.checkpoint(checkpoint.step)
        self._group.barrier()

    def _trainer(
        self,
        loaded: LoadedModel,
        forward: ForwardPass,
        parameters: list[nn.Parameter],
        data: PreparedData,
        numerics: Numerics,
        checkpoints: CheckpointFolder,
        scalars: Scalars | None,
        meter: DeviceMeter,
    ) -> Trainer:
        settings = self._settings
        report_step = step_reporter(self._reporter, scalars, meter, settings.training.steps, self._device)
        torch.manual_seed(process_seed(settings.seed, self._group.rank))
        trainer = Trainer(
            loaded,
            forward,
            parameters,
            data.train,
            settings.training,
            self._request.plan,
            numerics,
            settings.seed,
            TrainHooks(report_step, lambda made: self._save(made, checkpoints), stop_requested, self._limit.check),
            self._group,
        )
        if self._request.resume:
            self._resume(trainer, checkpoints)
        return trainer

    def _resume(self, trainer: Trainer, checkpoints: CheckpointFolder) -> None:
        device = torch.device("cpu") if self._sharded else self._device
        found = checkpoints.newest(device) if self._group.is_main else None
        step = self._group.broadcast(None if found is None else found.step)
        if step is not None:
            trainer.restore(found or checkpoints.at(step, device))

    def _check_stop(self) -> None:
        if self._group.any_process(stop_requested()):
            raise StoppedError("Stopped; the next attempt continues from the newest checkpoint.")

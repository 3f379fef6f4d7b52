"""The training loop: every setting explicit, every step timed, resumable at any step."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

from lamina_trainer.contract.settings import TrainingSettings
from lamina_trainer.contract.trial import Plan
from lamina_trainer.data.blocks import Blocks
from lamina_trainer.data.padding import pad
from lamina_trainer.distributed.fsdp import full_tensors, local_shard
from lamina_trainer.distributed.process_group import ProcessGroup
from lamina_trainer.errors import InvalidError, StoppedError
from lamina_trainer.model.loading import LoadedModel
from lamina_trainer.model.precision import DTYPES, Numerics
from lamina_trainer.training.checkpoint import Checkpoint
from lamina_trainer.training.optimizer import DataOrder, MasterWeights, build_optimizer, learning_rate
from lamina_trainer.training.step_clock import PartSeconds, StepClock


@dataclass(frozen=True)
class StepReport:
    """One optimizer step, counted from 1."""

    step: int
    loss: float
    learning_rate: float
    grad_norm: float | None
    seconds: float
    tokens: int
    parts: PartSeconds


@dataclass
class TrainOutcome:
    """What this attempt did. `losses` includes those of the attempts before it."""

    losses: list[tuple[int, float | None]] = field(default_factory=list)
    step_seconds: list[float] = field(default_factory=list)
    step_tokens: list[int] = field(default_factory=list)
    step_parts: list[PartSeconds] = field(default_factory=list)
    warmup_step_seconds: list[float] = field(default_factory=list)
    steps_done: int = 0
    tokens: int = 0
    samples: int = 0
    resumed_from: int | None = None
    diverged_at: int | None = None
    largest_gradient_norm: float | None = None
    clipped_steps: int | None = None
    """None where gradients are not clipped."""


@dataclass(frozen=True)
class TrainHooks:
    """Callbacks of the loop between steps."""

    step: Callable[[StepReport], None]
    save: Callable[[Checkpoint], None]
    stop_requested: Callable[[], bool]
    check_memory: Callable[[], None]
    """Called after every forward and backward pass; may raise torch.OutOfMemoryError."""


class Trainer:
    """Trains one model. `run` may raise StoppedError, after a checkpoint was saved."""

    def __init__(
        self,
        loaded: LoadedModel,
        forward: nn.Module,
        parameters: Sequence[nn.Parameter],
        blocks: Blocks,
        settings: TrainingSettings,
        plan: Plan,
        numerics: Numerics,
        seed: int,
        hooks: TrainHooks,
        group: ProcessGroup,
    ) -> None:
        """Take the model and its forward pass, which is sharded already where that is wanted."""
        self._parameters, self._blocks, self._group = list(parameters), blocks, group
        self._order = DataOrder(len(blocks), seed)
        self._settings, self._plan, self._numerics, self._seed, self._hooks = (
            settings,
            plan,
            numerics,
            seed,
            hooks,
        )
        fp16 = settings.mixed_precision == "fp16"
        if fp16 and any(p.dtype == torch.float16 for p in parameters):
            raise InvalidError(
                "fp16 mixed precision cannot train weights stored in fp16: their gradients cannot be scaled"
            )
        self._masters = MasterWeights(self._parameters) if settings.master_weights == "fp32" else None
        self._trained = self._parameters if self._masters is None else self._masters.weights
        self._optimizer = build_optimizer(self._trained, settings)
        self._optimized = [p for group in self._optimizer.param_groups for p in group["params"]]
        self._scaler = torch.amp.GradScaler(numerics.device.type, enabled=fp16)
        self.outcome = TrainOutcome()
        self._clock = StepClock(numerics.device)
        if plan.checkpointing:
            loaded.causal.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
        self._forward = self._replicated(forward)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Continue from a checkpoint, bit for bit as if there had been no interruption."""
        state = checkpoint.state
        with torch.no_grad():
            for parameter, saved in zip(self._trained, state["parameters"], strict=True):
                parameter.copy_(local_shard(saved, parameter))
        if self._masters is not None:
            self._masters.write_back()
        self._optimizer.load_state_dict(self._sharded(state["optimizer"]))
        if self._scaler.is_enabled():
            self._scaler.load_state_dict(state["scaler"])
        self._restore_generators(state, checkpoint.step)
        self.outcome.steps_done = checkpoint.step
        self.outcome.resumed_from = checkpoint.step
        self.outcome.losses = list(checkpoint.losses)

    def snapshot(self) -> Checkpoint:
        """The state after the steps done so far, gathered from all processes where it is sharded."""
        generators: dict[str, Tensor] = {"rng": torch.get_rng_state()}
        if self._numerics.device.type == "cuda":
            generators["cudaRng"] = torch.cuda.get_rng_state(self._numerics.device)
        state: dict[str, Any] = {
            "parameters": full_tensors([p.detach() for p in self._trained]),
            "optimizer": full_tensors(self._optimizer.state_dict()),
            "scaler": self._scaler.state_dict(),
            "generators": self._group.all_gather(generators),
        }
        return Checkpoint(self.outcome.steps_done, state, list(self.outcome.losses))

    def run(self) -> TrainOutcome:
        """Make the remaining steps, or fewer if the loss stops being finite."""
        settings, outcome = self._settings, self.outcome
        self._forward.train()
        for index in range(outcome.steps_done, settings.steps):
            if self._group.any_process(self._hooks.stop_requested()):
                self._hooks.save(self.snapshot())
                raise StoppedError(f"Stopped after step {index}; a checkpoint was saved.")
            report = self._timed_step(index, self._batch(index))
            self._record(report)
            if outcome.diverged_at is not None:
                break
            every = settings.checkpoint_every
            if every is not None and report.step % every == 0:
                self._hooks.save(self.snapshot())
        return outcome

    def _record(self, report: StepReport) -> None:
        outcome = self.outcome
        outcome.steps_done = report.step
        outcome.tokens += report.tokens
        outcome.samples += self._samples_each() * self._group.world_size
        if len(outcome.warmup_step_seconds) < self._settings.warmup_measurements:
            outcome.warmup_step_seconds.append(report.seconds)
        else:
            outcome.step_seconds.append(report.seconds)
            outcome.step_tokens.append(report.tokens)
            outcome.step_parts.append(report.parts)
        if report.grad_norm is not None and math.isfinite(report.grad_norm):
            outcome.largest_gradient_norm = max(outcome.largest_gradient_norm or 0.0, report.grad_norm)
            clipped = report.grad_norm > (self._settings.max_grad_norm or math.inf)
            outcome.clipped_steps = (outcome.clipped_steps or 0) + clipped
        finite = math.isfinite(report.loss)
        # With fp16 mixed precision the scaler skips steps whose gradients overflow: that is no divergence.
        norm_fine = report.grad_norm is None or math.isfinite(report.grad_norm) or self._scaler.is_enabled()
        if not (finite and norm_fine):
            outcome.diverged_at = report.step
        last = report.step == self._settings.steps or outcome.diverged_at is not None
        if report.step == 1 or last or report.step % self._settings.log_every == 0:
            outcome.losses.append((report.step, report.loss if finite else None))
            self._hooks.step(report)

    def _batch(self, index: int) -> Blocks:
        """The sequences of all processes in one step; reading them is no part of the step's time."""
        samples = self._samples_each() * self._group.world_size
        return self._blocks.pick(self._order.take(index * samples, samples))

    def _timed_step(self, index: int, batch: Blocks) -> StepReport:
        began = time.perf_counter()
        settings = self._settings
        rate = learning_rate(index, settings.steps, settings.learning_rate, settings.schedule, settings.warmup_steps)
        for parameters in self._optimizer.param_groups:
            parameters["lr"] = rate
        group, micro, each = self._group, self._plan.micro_batch, self._samples_each()
        targets = sum(batch.targets())
        total = torch.zeros((), device=self._numerics.device)
        mine = batch[group.rank * each : (group.rank + 1) * each]
        clock = self._clock
        clock.begin()
        for start in range(0, each, micro):
            with self._exchange(last=start + micro >= each):
                # Each token that counts weighs the same, however the batch is split over passes and processes.
                with self._autocast():
                    ids, counted = pad(mine[start : start + micro], self._numerics.device)
                    loss = self._forward(ids, counted, scores=False) / targets
                clock.end_of("forward")
                # Gradients are averaged over processes; what is wanted is their sum.
                self._scaler.scale(loss * group.world_size).backward()
                if self._masters is not None:
                    self._masters.take_gradients()
            clock.end_of("backward")
            total += loss.detach()
            self._hooks.check_memory()
            clock.end_of("rest")
        group.all_reduce_sum(total)
        clock.end_of("rest")
        norm = self._update()
        clock.end_of("optimizer")
        values = torch.stack([total] if norm is None else [total, norm.to(total.dtype)]).tolist()
        seconds = time.perf_counter() - began  # tolist() has waited for the device
        tokens = len(batch.tokens)
        norm_value = None if norm is None else values[1]
        return StepReport(index + 1, values[0], rate, norm_value, seconds, tokens, clock.seconds())

    def _update(self) -> Tensor | None:
        norm = None
        if self._settings.max_grad_norm is not None:
            self._scaler.unscale_(self._optimizer)
            norm = full_tensors(nn.utils.clip_grad_norm_(self._trained, self._settings.max_grad_norm))
        self._scaler.step(self._optimizer)
        self._scaler.update()
        if self._masters is not None:
            self._masters.write_back()
        self._optimizer.zero_grad(set_to_none=True)
        return norm

    def _autocast(self) -> AbstractContextManager[Any]:
        if self._settings.mixed_precision == "none":
            return self._numerics.autocast()
        return torch.autocast(self._numerics.device.type, dtype=DTYPES[self._settings.mixed_precision])

    def _samples_each(self) -> int:
        return self._plan.micro_batch * self._plan.accumulation

    def _replicated(self, forward: nn.Module) -> nn.Module:
        """Average gradients over processes, unless the weights are sharded, which does it already."""
        if self._group.world_size == 1 or any(isinstance(p, DTensor) for p in self._parameters):
            return forward
        # Every process has loaded the same weights and drawn the same adapters: there is nothing to copy.
        return DistributedDataParallel(
            forward, forward_sync_buffers=False, init_sync=False, gradient_as_bucket_view=True
        )

    def _exchange(self, *, last: bool) -> AbstractContextManager[Any]:
        """Context of a forward and backward pass: replicas reduce gradients only after the last micro-batch."""
        if last or not isinstance(self._forward, DistributedDataParallel):
            return nullcontext()
        return self._forward.no_sync()

    def _sharded(self, state: dict[str, Any]) -> dict[str, Any]:
        """The full optimizer state as this process holds it: sharded like its parameters."""
        held = {
            index: {
                name: local_shard(value, self._optimized[index]) if isinstance(value, Tensor) else value
                for name, value in values.items()
            }
            for index, values in state["state"].items()
        }
        return {**state, "state": held}

    def _restore_generators(self, state: dict[str, Any], step: int) -> None:
        """Restore random generators; with another number of processes dropout goes on with new masks."""
        saved, device = state["generators"], self._numerics.device
        if len(saved) != self._group.world_size:
            torch.manual_seed(process_seed(self._seed, self._group.rank) + step)
            return
        own = saved[self._group.rank]
        torch.set_rng_state(own["rng"].cpu())
        if device.type == "cuda":
            torch.cuda.set_rng_state(own["cudaRng"].cpu(), device)


def process_seed(seed: int, rank: int) -> int:
    """Seed of a process's dropout masks; that of the first one is the trial's."""
    return seed + 1_000_003 * rank

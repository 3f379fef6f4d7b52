"""Optimizers and learning-rate schedules, every setting explicit."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from lamina_trainer.contract.settings import TrainingSettings
from lamina_trainer.contract.vocabulary import LrSchedule
from lamina_trainer.errors import InvalidError


def build_optimizer(parameters: Sequence[nn.Parameter], settings: TrainingSettings) -> torch.optim.Optimizer:
    """Weight decay acts on matrices; vectors (norms, biases) are left alone. SGD has no momentum."""
    groups: list[dict[str, Any]] = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    lr = settings.learning_rate
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=lr, momentum=0.0, dampening=0.0, nesterov=False)
    betas = (settings.adam_beta1, settings.adam_beta2)
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=lr, betas=betas, eps=settings.adam_epsilon, amsgrad=False, fused=True)
    import bitsandbytes as bnb

    kind = bnb.optim.AdamW8bit if settings.optimizer == "adamw-8bit" else bnb.optim.PagedAdamW8bit
    try:
        optimizer: torch.optim.Optimizer = kind(groups, lr=lr, betas=betas, eps=settings.adam_epsilon)
    except (RuntimeError, NotImplementedError) as error:
        raise InvalidError(f"{settings.optimizer} is not possible on this device: {error}") from error
    return optimizer


class MasterWeights:
    """fp32 weights of parameters that are stored in 16 bits: updates are added to them, and the sum is rounded.

    Micikevicius et al., Mixed Precision Training (arXiv 1710.03740, section 3.1): bf16 has 8 significant bits, so an
    update of less than a 512th of a weight would leave it as it is.
    """

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self._pairs = [
            (parameter, nn.Parameter(parameter.detach().float()) if parameter.element_size() < 4 else parameter)
            for parameter in parameters
        ]

    @property
    def weights(self) -> list[nn.Parameter]:
        """What the optimizer is given, in the order of the parameters; one that is in fp32 is its own."""
        return [master for _, master in self._pairs]

    def take_gradients(self) -> None:
        """Add the gradients of a backward pass to those of the fp32 weights, and drop them."""
        for parameter, master in self._pairs:
            if parameter is master or parameter.grad is None:
                continue
            grad = parameter.grad.float()
            master.grad = grad if master.grad is None else master.grad.add_(grad)
            parameter.grad = None

    @torch.no_grad()
    def write_back(self) -> None:
        """Round the fp32 weights into the stored ones."""
        for parameter, master in self._pairs:
            if parameter is not master:
                parameter.copy_(master)


def learning_rate(step: int, steps: int, peak: float, schedule: LrSchedule, warmup: int) -> float:
    """Rate of the step with this index, counted from 0; the formulas of transformers' `get_scheduler`."""
    if step < warmup:
        return peak * step / warmup
    if schedule == "constant":
        return peak
    progress = (step - warmup) / max(1, steps - warmup)
    if schedule == "linear":
        return peak * max(0.0, 1 - progress)
    return peak * max(0.0, 0.5 * (1 + math.cos(math.pi * progress)))


class DataOrder:
    """An endless stream of sequence indices, shuffled in each epoch by the seed."""

    def __init__(self, total: int, seed: int) -> None:
        self._total, self._seed = total, seed
        self._epoch: int | None = None
        self._permutation = torch.zeros(0, dtype=torch.int64)

    def take(self, first: int, count: int) -> list[int]:
        """Indices of the samples `first` to `first + count`. An epoch is shuffled once, when it begins."""
        order: list[int] = []
        position = first
        while len(order) < count:
            epoch, offset = divmod(position, self._total)
            if epoch != self._epoch:
                generator = torch.Generator().manual_seed(self._seed * 1_000_003 + epoch)
                self._permutation = torch.randperm(self._total, generator=generator)
                self._epoch = epoch
            taken = self._permutation[offset : offset + count - len(order)].tolist()
            order += taken
            position += len(taken)
        return order

"""Profiles which share of a training pass is spent on dequantizing k-bit weights."""

import time
from collections.abc import Iterable, Sequence
from typing import Any, Final

import torch
from torch import nn
from torch.autograd.profiler import profile as operator_profile
from torch.profiler import ProfilerActivity, profile

from lamina_trainer.data.blocks import Blocks
from lamina_trainer.data.padding import pad
from lamina_trainer.model.precision import Numerics

PASSES: Final = 3
"""Forward and backward passes that are profiled, after one that is not."""


def dequantization_share(forward: nn.Module, blocks: Blocks, micro_batch: int, numerics: Numerics) -> float | None:
    """Time in dequantization over all time of the passes, on the device. None where the profiler sees none of it.

    Kernels that dequantize and multiply in one cannot be told apart; they do not occur in training passes.
    Gradients are thrown away; weights stay as they are.
    """
    cuda = numerics.device.type == "cuda"
    ids, counted = pad(blocks[:micro_batch], numerics.device)
    forward.train()

    def make() -> None:
        with numerics.autocast():
            loss = forward(ids, counted, scores=False)
        loss.backward()
        for parameter in forward.parameters():
            parameter.grad = None
        if cuda:
            torch.cuda.synchronize(numerics.device)

    try:
        make()
        with _profiler(cuda=cuda) as found:
            began = time.perf_counter()
            for _ in range(PASSES):
                make()
            seconds = time.perf_counter() - began
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        return None
    finally:
        forward.eval()
    if cuda:
        kernels = [(e.name, e.time_range.elapsed_us()) for e in found.events() if e.device_type.name == "CUDA"]
        return share_of_kernels(kernels)
    return share_of_operators(
        [(e.name(), e.start_ns(), e.duration_ns()) for e in found.kineto_results.events()], seconds
    )


def share_of_kernels(kernels: Sequence[tuple[str, float]]) -> float | None:
    """Time of the kernels named after dequantization over that of all of them."""
    whole = sum(spent for _, spent in kernels)
    part = sum(spent for name, spent in kernels if _dequantizes(name))
    return part / whole if part > 0 else None


def share_of_operators(operators: Iterable[tuple[str, int, int]], seconds: float) -> float | None:
    """Time of the operators (name, start, duration; nanoseconds) named after dequantization over that of the passes.

    One that another of them called is a part of that one.
    """
    spent = until = 0
    for start, duration in sorted((s, d) for name, s, d in operators if _dequantizes(name)):
        if start >= until:
            spent, until = spent + duration, start + duration
    return spent / 1e9 / seconds if spent > 0 else None


def _dequantizes(name: str) -> bool:
    return "dequant" in name.lower()


def _profiler(*, cuda: bool) -> Any:
    if cuda:
        return profile(activities=[ProfilerActivity.CUDA])
    # The names and times of a CPU's operators are enough: building their tree would take longer than the passes.
    return operator_profile(use_kineto=False)

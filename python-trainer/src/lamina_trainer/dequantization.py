"""What share of a training pass goes into turning k-bit weights back into numbers, by the profiler."""

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from lamina_trainer.evaluate import pad
from lamina_trainer.precision import Numerics

PASSES: Final = 3
"""Forward and backward passes that are profiled, after one that is not."""


def dequantization_share(
    passes: nn.Module, blocks: Sequence[Any], micro_batch: int, numerics: Numerics
) -> float | None:
    """Time in dequantization over all time of the passes, on the device. None where the profiler sees none of it.

    Kernels that dequantize and multiply in one cannot be told apart; they do not occur in training passes.
    Gradients are thrown away; weights stay as they are.
    """
    cuda = numerics.device.type == "cuda"
    ids, has_next = pad(list(blocks[:micro_batch]), numerics.device)
    passes.train()

    def make() -> None:
        with numerics.autocast():
            loss = passes(ids, has_next, scores=False)
        loss.backward()
        for parameter in passes.parameters():
            parameter.grad = None
        if cuda:
            torch.cuda.synchronize(numerics.device)

    try:
        make()
        with profile(activities=[ProfilerActivity.CUDA if cuda else ProfilerActivity.CPU]) as found:
            for _ in range(PASSES):
                make()
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        return None
    finally:
        passes.eval()
    spans = _kernels(found) if cuda else _operators(found)
    return share(spans)


def share(spans: Sequence[tuple[str, float]]) -> float | None:
    """Share of the time of spans, none inside another, that is spent in those named after dequantization."""
    whole = sum(spent for _, spent in spans)
    part = sum(spent for name, spent in spans if "dequant" in name.lower())
    return part / whole if part > 0 else None


def _kernels(found: Any) -> list[tuple[str, float]]:
    return [(event.name, event.time_range.elapsed_us()) for event in found.events() if event.device_type.name == "CUDA"]


def _operators(found: Any) -> list[tuple[str, float]]:
    """Time that each operator spent outside of operators that it called; in dequantization with them."""
    spans = []
    for event in found.events():
        name, inside = event.name, event.cpu_parent
        while inside is not None:
            if "dequant" in inside.name.lower():
                name = inside.name
            inside = inside.cpu_parent
        spans.append((name, event.self_cpu_time_total))
    return spans

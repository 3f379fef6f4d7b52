"""A step's memory by depth and micro-batch, from four small traces."""

from typing import Any

from lamina_trainer.contract.document import Document
from lamina_trainer.memory_trace.meta_model import depth_of, period_of, read_config
from lamina_trainer.memory_trace.step import Traced, TracedRun, trace_step

SKIPPED = "layers-between"
"""Between the last layer and the first nothing is higher than at both of them."""


class Plane(Document):
    """Bytes: fixed + layer × layers + batch × micro-batch + both × layers × micro-batch."""

    fixed: float
    layer: float
    batch: float
    both: float


class MomentPlanes(Document):
    """What is alive at a moment of the step, and those bytes of it that are gradients."""

    alive: Plane
    gradients: Plane


class Profile(Document):
    """What an estimate needs of a model; optimizer states are not among what is alive."""

    layers: int
    fused: bool
    parameters: Plane
    trainable: Plane
    weights: Plane
    adapters: Plane
    gradients: Plane
    moments: dict[str, MomentPlanes]


def profile(config: dict[str, Any], run: TracedRun, micro_batch: int) -> Profile:
    """Trace two depths with two micro-batches; exact for layers that are alike, or repeat after a period.

    Raises InvalidError where transformers builds no such model, or its step cannot run without values.
    """
    read = read_config(config)
    total = depth_of(read)
    leading, period = period_of(read)
    deep = min(total, leading + max(3, 2 * period))
    shallow = max(1, min(leading + max(2, period), deep - 1))
    other = 1 if micro_batch > 1 else 2
    corners = {
        (layers, batch): trace_step(read, run, layers, batch)
        for layers in {shallow, deep}
        for batch in (micro_batch, other)
    }

    def plane(value: Any) -> Plane:
        return _plane({at: float(value(traced)) for at, traced in corners.items()})

    names = [name for name in corners[deep, micro_batch].moments if name != SKIPPED]
    return Profile(
        layers=total,
        fused=corners[deep, micro_batch].fused,
        parameters=plane(lambda traced: traced.parameters),
        trainable=plane(lambda traced: traced.trainable),
        weights=plane(lambda traced: traced.weights),
        adapters=plane(lambda traced: traced.adapters),
        gradients=plane(lambda traced: traced.gradients),
        moments={
            name: MomentPlanes(
                alive=plane(lambda traced, name=name: _at(traced, name)[0]),
                gradients=plane(lambda traced, name=name: _at(traced, name)[1]),
            )
            for name in names
        },
    )


def _at(traced: Traced, name: str) -> tuple[int, int]:
    return traced.moments.get(name, (0, 0))


def _plane(corners: dict[tuple[int, int], float]) -> Plane:
    (low, high), (one, more) = (sorted({at[i] for at in corners}) for i in (0, 1))
    if low == high:
        high = low + 1
    v = corners
    at = {(d, b): v.get((d, b), v[low, b]) for d in (low, high) for b in (one, more)}
    both = (at[high, more] - at[high, one] - at[low, more] + at[low, one]) / ((high - low) * (more - one))
    layer = (at[high, one] - at[low, one]) / (high - low) - both * one
    batch = (at[low, more] - at[low, one]) / (more - one) - both * low
    fixed = at[low, one] - layer * low - batch * one - both * low * one
    return Plane(fixed=fixed, layer=layer, batch=batch, both=both)

"""Chooses the decoder layers that are kept."""

import math
from collections.abc import Sequence

from lamina_trainer.contract.settings import (
    AllLayers,
    AngularLayers,
    DropLastLayers,
    EvenLayers,
    FirstLayers,
    LayerChoice,
    ListedLayers,
)
from lamina_trainer.errors import InvalidError

Distances = Sequence[float]
"""Angular distance of a block by the index of its first layer, for one block length."""


def even_indices(total: int, keep: int) -> list[int]:
    """`keep` indices spread over the whole depth, first and last layer among them."""
    if keep == 1:
        return [0]
    return [math.floor(i * (total - 1) / (keep - 1) + 0.5) for i in range(keep)]


def without_block(total: int, start: int, length: int) -> list[int]:
    """All indices but `length` from `start` on."""
    return [i for i in range(total) if not start <= i < start + length]


def closest_block(distances: Distances) -> int:
    """First layer of the block whose input and output are closest; the earliest of equals."""
    return min(range(len(distances)), key=lambda start: (distances[start], start))


def _keep(choice: LayerChoice, total: int) -> int:
    match choice:
        case AllLayers():
            return total
        case DropLastLayers(drop=drop):
            if drop >= total:
                raise InvalidError(f"cannot drop the last {drop} layers: the model has {total}")
            return total - drop
        case ListedLayers(indices=indices):
            if len(set(indices)) != len(indices):
                raise InvalidError(f"layer indices are listed twice: {list(indices)}")
            if max(indices) >= total:
                raise InvalidError(f"layer {max(indices)} was asked for: the model has {total} layers, counted from 0")
            return len(indices)
        case FirstLayers(keep=keep) | EvenLayers(keep=keep) | AngularLayers(keep=keep):
            if keep > total:
                raise InvalidError(f"{keep} layers were asked for: the model has {total}")
            return keep


def needs_calibration(choice: LayerChoice, total: int) -> bool:
    """Whether the choice depends on the distances between the layers' inputs and outputs."""
    return isinstance(choice, AngularLayers) and _keep(choice, total) < total


def kept_indices(choice: LayerChoice, total: int, distances: Distances | None = None) -> list[int]:
    """Original indices of the layers that stay, ascending. `distances` are for `total - keep` layers."""
    keep = _keep(choice, total)
    match choice:
        case AllLayers() | FirstLayers() | DropLastLayers():
            return list(range(keep))
        case EvenLayers():
            return even_indices(total, keep)
        case ListedLayers(indices=indices):
            return sorted(indices)
        case AngularLayers():
            if keep == total:
                return list(range(total))
            if distances is None:
                raise ValueError("an angular choice needs distances")
            return without_block(total, closest_block(distances), total - keep)

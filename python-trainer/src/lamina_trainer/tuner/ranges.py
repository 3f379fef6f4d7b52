"""Ranges of parameters: drawing from them, and their points on a grid."""

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from optuna.trial import Trial

from lamina_trainer.contract.search import Choices, FloatRange, IntRange, Scalar, SearchRange, StudySpec

GRID_LIMIT: Final = 100_000
"""Points of the largest grid: the sampler lists them all at every suggestion."""


def draw(trial: Trial, name: str, among: SearchRange) -> None:
    """Let the trial have a value for a parameter; one that it has already stays."""
    match among:
        case FloatRange():
            trial.suggest_float(name, among.low, among.high, log=among.log, step=among.step)
        case IntRange():
            trial.suggest_int(name, among.low, among.high, log=among.log, step=among.step)
        case Choices():
            trial.suggest_categorical(name, among.choices)


def points(among: SearchRange) -> list[Scalar]:
    """The values of a range on a grid. A float range must have a step."""
    match among:
        case Choices():
            return list(among.choices)
        case IntRange():
            return list(range(among.low, among.high + 1, among.step))
        case FloatRange():
            # Decimal, so that 0.1 + 2 × 0.1 is 0.3, as the user would write it and as Optuna counts steps.
            low, step = Decimal(str(among.low)), Decimal(str(among.step or 0))
            return [float(low + step * index) for index in range(_count(among))]


def grid_size(study: StudySpec) -> int:
    """How many suggestions a grid holds."""
    return math.prod(_count(among) for among in study.parameters.values())


def wrong_range(among: SearchRange, sampler: str) -> Iterator[str]:
    """What is wrong with a range, each as `field: what and what to do`."""
    if isinstance(among, Choices):
        # Equality of Python, by which Optuna finds a choice again: 1, 1.0 and true are one.
        if len(set(among.choices)) < len(among.choices):
            yield "choices: every choice may be listed once (true and 1, false and 0 count as the same)"
        return
    if among.low > among.high:
        yield f"low: {among.low} is above high, {among.high}"
    if among.log and among.low <= 0:
        yield "low: a logarithmic range must start above 0"
    if among.log and among.step != (1 if isinstance(among, IntRange) else None):
        yield "step: a logarithmic range has no steps"
    if sampler == "grid" and isinstance(among, FloatRange) and among.step is None and among.low < among.high:
        yield "step: a grid needs steps, or a list of choices instead of a range"


def _count(among: SearchRange) -> int:
    match among:
        case Choices():
            return len(among.choices)
        case IntRange():
            return (among.high - among.low) // among.step + 1
        case FloatRange():
            if among.step is None:
                return 1
            return int((Decimal(str(among.high)) - Decimal(str(among.low))) / Decimal(str(among.step))) + 1

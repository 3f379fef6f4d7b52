"""Checks what the types of the contract cannot express: mistakes that no retry can mend."""

from collections.abc import Iterator, Sequence
from typing import Final

from lamina_trainer.contract.search import AdvanceStudyInput, StudySpec, Told
from lamina_trainer.errors import InvalidError
from lamina_trainer.tuner.ranges import GRID_LIMIT, grid_size, wrong_range

_NAME_LIMIT: Final = 512
"""Characters of names in Optuna's tables."""


def check(wanted: AdvanceStudyInput) -> None:
    """Raise InvalidError with every mistake and its path."""
    refuse([*_wrong_study(wanted), *_wrong_ends(wanted)])


def refuse(mistakes: list[str]) -> None:
    """Raise InvalidError with these mistakes, if there are any."""
    if mistakes:
        raise InvalidError(f"AdvanceStudyInput is not valid: {'; '.join(mistakes)}")


def _wrong_study(wanted: AdvanceStudyInput) -> Iterator[str]:
    study = wanted.study
    if len(study.name) > _NAME_LIMIT:
        yield f"study.name: at most {_NAME_LIMIT} characters"
    if not study.parameters:
        yield "study.parameters: there is nothing to search"
    mistakes = [
        f"study.parameters.{name}.{mistake}"
        for name, among in study.parameters.items()
        for mistake in wrong_range(among, study.sampler)
    ]
    yield from mistakes
    yield from (
        f"study.parameters.{name[:40]}…: names have at most {_NAME_LIMIT} characters"
        for name in study.parameters
        if len(name) > _NAME_LIMIT
    )
    if study.sampler == "cma-es" and len(study.directions) > 1:
        yield "study.sampler: cma-es has one direction; take nsga-ii or tpe for several"
    yield from _wrong_pruner(study)
    if study.sampler == "grid" and not mistakes:
        yield from _wrong_grid(study, wanted.asked)


def _wrong_pruner(study: StudySpec) -> Iterator[str]:
    if study.pruner is None:
        return
    if len(study.directions) > 1:
        yield "study.pruner: pruning compares one value; a search in several directions has none"
    first = max(study.pruner.every, study.pruner.warmup_steps)
    if study.pruner.kind == "hyperband" and study.pruner.max_steps < first:
        yield f"study.pruner.maxSteps: {study.pruner.max_steps} steps end before the first look, at {first}"


def _wrong_grid(study: StudySpec, asked: Sequence[int]) -> Iterator[str]:
    size = grid_size(study)
    if size > GRID_LIMIT:
        yield f"study.parameters: a grid of {size} points; at most {GRID_LIMIT} are possible, take larger steps"
        return
    for index, number in enumerate(asked):
        if number >= size:
            yield f"asked.{index}: suggestion {number} of a grid that holds {size}, numbers 0 to {size - 1}"


def _wrong_ends(wanted: AdvanceStudyInput) -> Iterator[str]:
    directions = len(wanted.study.directions)
    for index, end in enumerate(wanted.told):
        yield from (f"told.{index}.{mistake}" for mistake in _wrong_end(end, directions))


def _wrong_end(end: Told, directions: int) -> Iterator[str]:
    if end.state == "complete":
        if end.values is None or len(end.values) != directions:
            yield f"values: a complete suggestion has {directions}, one per direction"
    elif end.values is not None:
        yield f"values: a {end.state} suggestion has none"

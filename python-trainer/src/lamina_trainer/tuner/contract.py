"""The contract with the search workflow, as in domain/contract/search.ts."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

from pydantic import Field

from lamina_trainer.contract.document import Count, Document, Integer, Positive, Text

ADVANCE_STUDY: Final = "advance_study"

Sampler = Literal["tpe", "random", "grid", "cma-es", "nsga-ii"]
Scalar = str | bool | int | float


class FloatRange(Document):
    """A real number; `log`: drawn evenly over its logarithm; `step`: multiples from `low` on."""

    kind: Literal["float"]
    low: float
    high: float
    log: bool
    step: Annotated[float, Field(gt=0)] | None


class IntRange(Document):
    """A whole number."""

    kind: Literal["int"]
    low: Integer
    high: Integer
    log: bool
    step: Positive


class Choices(Document):
    """One of several values."""

    kind: Literal["categorical"]
    choices: Annotated[Sequence[Scalar], Field(min_length=1)]


SearchRange = Annotated[FloatRange | IntRange | Choices, Field(discriminator="kind")]


class PrunerSettings(Document):
    """When suggestions are given up early. Steps are training steps."""

    kind: Literal["median", "asha", "hyperband"]
    every: Positive
    warmup_steps: Count
    startup_trials: Count
    reduction_factor: Annotated[Integer, Field(ge=2)]
    max_steps: Positive


class StudySpec(Document):
    """What is searched, and how; never changes for a name."""

    name: Text
    sampler: Sampler
    seed: Count
    directions: Annotated[Sequence[Literal["minimize", "maximize"]], Field(min_length=1)]
    parameters: Mapping[str, SearchRange]
    pruner: PrunerSettings | None


class Told(Document):
    """A suggestion that has ended; one value per direction, null unless complete."""

    number: Count
    state: Literal["complete", "pruned", "failed"]
    values: Sequence[float] | None


class Report(Document):
    """A value on the way, of a suggestion that still runs."""

    number: Count
    step: Positive
    value: float


class AdvanceStudyInput(Document):
    """What is new, and the numbers of the suggestions that are wanted."""

    study: StudySpec
    told: Sequence[Told]
    reports: Sequence[Report]
    asked: Sequence[Count]


class Suggestion(Document):
    """A value for every parameter."""

    number: Count
    parameters: Mapping[str, Scalar]


class Finished(Document):
    """How many suggestions have ended, by state."""

    complete: Integer
    pruned: Integer
    failed: Integer


class AdvanceStudyOutput(Document):
    """The suggestions asked for, and those that are not worth going on with."""

    suggestions: Sequence[Suggestion]
    prune: Sequence[Count]
    finished: Finished

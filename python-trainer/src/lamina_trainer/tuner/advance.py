"""One step of a study: ends and reports go in, suggestions come out. May be repeated at any point.

The storage is Optuna's; the caller holds the lock of the study. Everything is known by the number of a suggestion,
which the storage gives out without gaps. A worker may be killed between any two writes:

- A suggestion that was made but not drawn to the end is drawn to the end by the next request for it.
- An end or a value that is stored already stays as it is.
- That a suggestion is to be pruned is stored as well, since a pruner answers only once per look. If the kill falls
  between the pruner's own note and ours, the suggestion goes on to its next look.
"""

from collections.abc import Mapping
from typing import Final

import optuna
from optuna.samplers import BaseSampler, RandomSampler
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from lamina_trainer.contract.search import AdvanceStudyInput, AdvanceStudyOutput, Finished, StudySpec, Suggestion
from lamina_trainer.tuner.check import refuse
from lamina_trainer.tuner.errors import StorageError
from lamina_trainer.tuner.pruners import pruner_of
from lamina_trainer.tuner.ranges import draw
from lamina_trainer.tuner.samplers import sampler_for

_SPEC: Final = "lamina:spec"
"""Attribute of a study: the settings it was made with."""
_PRUNE: Final = "lamina:prune"
"""Attribute of a suggestion: the step at which it was found not worth going on with."""

_STATES: Final = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}

Trials = Mapping[int, FrozenTrial]


def advance(storage: BaseStorage, wanted: AdvanceStudyInput) -> AdvanceStudyOutput:
    """Take in what is new and answer what is asked.

    Raises InvalidError where the input does not fit what is stored, StorageError where another process writes to the
    study in spite of the lock.
    """
    study = _open(storage, wanted.study)
    trials = _trials(study)
    refuse(_unknown(wanted, trials))
    # First what was seen on the way: an end would close a suggestion for it, and others are compared with it.
    prune = _look(study, wanted) if wanted.study.pruner is not None else []
    for end in wanted.told:
        if not trials[end.number].state.is_finished():
            study.tell(end.number, values=end.values, state=_STATES[end.state], skip_if_finished=True)
    ended = {end.number for end in wanted.told}
    prune = [number for number in prune if number not in ended]
    for number in sorted(set(wanted.asked)):
        if number not in trials or not _drawn(trials[number], wanted.study):
            _draw(storage, wanted.study, number, trials.get(number))
    return _answer(wanted, _trials(study), prune)


def _open(storage: BaseStorage, spec: StudySpec) -> Study:
    """The study, made if it is new, with a sampler that is not asked."""
    try:
        study = _load(storage, spec, RandomSampler(seed=0))
    except KeyError:
        optuna.create_study(study_name=spec.name, storage=storage, directions=list(spec.directions))
        study = _load(storage, spec, RandomSampler(seed=0))
    made_with = study.user_attrs.get(_SPEC)
    if made_with is None:
        study.set_user_attr(_SPEC, _settings(spec))
    elif made_with != _settings(spec):
        different = [field for field, value in _settings(spec).items() if made_with.get(field) != value]
        refuse([f"study.{field}: study {spec.name} was begun with another value" for field in different])
    return study


def _load(storage: BaseStorage, spec: StudySpec, sampler: BaseSampler) -> Study:
    return optuna.load_study(study_name=spec.name, storage=storage, sampler=sampler, pruner=pruner_of(spec.pruner))


def _settings(spec: StudySpec) -> dict[str, object]:
    return spec.model_dump(mode="json", by_alias=True)


def _trials(study: Study) -> dict[int, FrozenTrial]:
    return {trial.number: trial for trial in study.get_trials(deepcopy=False)}


def _drawn(trial: FrozenTrial, spec: StudySpec) -> bool:
    return spec.parameters.keys() <= trial.params.keys()


def _unknown(wanted: AdvanceStudyInput, trials: Trials) -> list[str]:
    count = len(trials)
    gap = f"study {wanted.study.name} has {count} suggestions"
    mistakes = [f"told.{i}.number: {gap}" for i, end in enumerate(wanted.told) if end.number >= count]
    mistakes += [f"reports.{i}.number: {gap}" for i, report in enumerate(wanted.reports) if report.number >= count]
    asked = set(wanted.asked)
    for index, number in enumerate(wanted.asked):
        trial = trials.get(number)
        if not asked.issuperset(range(count, number)):
            mistakes.append(f"asked.{index}: numbers have no gaps, and {gap}")
        elif trial is not None and trial.state.is_finished() and not _drawn(trial, wanted.study):
            mistakes.append(f"asked.{index}: suggestion {number} ended before it was ever drawn")
    return mistakes


def _look(study: Study, wanted: AdvanceStudyInput) -> list[int]:
    """Store what was reported, in the order of steps, and let the pruner look at each.

    The last step of a suggestion is looked at again when it is repeated: the answer to the first look may be lost.
    """
    trials = _trials(study)
    running = {
        number: Trial(study, trials[number]._trial_id)
        for number in {report.number for report in wanted.reports}
        if not trials[number].state.is_finished()
    }
    steps = {number: set(trials[number].intermediate_values) for number in running}
    prune = {number for number in running if _PRUNE in trials[number].user_attrs}
    for report in sorted(wanted.reports, key=lambda each: (each.step, each.number)):
        if report.number not in running:
            continue
        trial, seen = running[report.number], steps[report.number]
        if report.step not in seen:
            trial.report(report.value, report.step)
            seen.add(report.step)
        if report.number not in prune and report.step == max(seen) and trial.should_prune():
            trial.set_user_attr(_PRUNE, report.step)
            prune.add(report.number)
    return sorted(prune)


def _draw(storage: BaseStorage, spec: StudySpec, number: int, begun: FrozenTrial | None) -> None:
    study = _load(storage, spec, sampler_for(spec, number))
    trial = study.ask() if begun is None else Trial(study, begun._trial_id)
    if trial.number != number:
        raise StorageError(f"Another process adds to study {spec.name}: {trial.number} was given out for {number}.")
    for name in sorted(spec.parameters):
        draw(trial, name, spec.parameters[name])


def _answer(wanted: AdvanceStudyInput, trials: Trials, prune: list[int]) -> AdvanceStudyOutput:
    states = [trial.state for trial in trials.values()]
    return AdvanceStudyOutput(
        suggestions=[
            Suggestion(
                number=number, parameters={name: trials[number].params[name] for name in wanted.study.parameters}
            )
            for number in sorted(set(wanted.asked))
        ],
        prune=prune,
        finished=Finished(
            complete=states.count(TrialState.COMPLETE),
            pruned=states.count(TrialState.PRUNED),
            failed=states.count(TrialState.FAIL),
        ),
    )

"""What pruners say of curves worked out by hand."""

import itertools
import zlib
from typing import Any

import pytest

from lamina_trainer.tuner.storage import open_storage
from lamina_trainer.tuner.studies import Storage
from tuner_studies import complete, report, step, study

pytest_plugins = ["tuner_storages"]
# A busy machine is no failure.
pytestmark = pytest.mark.timeout(600)


def pruned_by(kind: str, **fields: Any) -> dict[str, Any]:
    settings = {"every": 10, "warmupSteps": 0, "startupTrials": 0, "reductionFactor": 2, "maxSteps": 80}
    return study(pruner={"kind": kind, **settings, **fields})


@pytest.mark.parametrize(("direction", "sign"), [("minimize", 1), ("maximize", -1)])
def test_median(direction: str, sign: int, storage: Storage):
    of = pruned_by("median", startupTrials=3, warmupSteps=20) | {"directions": [direction]}
    step(storage, of, asked=range(6))

    def curve(number: int, values: dict[int, float]) -> list[int]:
        return step(storage, of, reports=[report(number, at, sign * value) for at, value in values.items()])["prune"]

    for number in range(2):
        assert curve(number, {10: 5.0, 20: number + 1.0, 30: number + 1.0}) == []
        step(storage, of, told=[complete(number, sign * (number + 1.0))])
    assert curve(2, {20: 9.0}) == [], "two have finished, three must have"
    step(storage, of, told=[complete(2, sign * 3.0)])
    # Finished: 1, 2 and 9 at step 20, so the median is 2; 1 and 2 at step 30.
    assert curve(3, {10: 99.0}) == [], "nothing is pruned before step 20"
    assert curve(3, {20: 2.5}) == [3]
    assert curve(4, {20: 1.5}) == []
    assert curve(4, {30: 1.6}) == [], "its best, 1.5, is not worse than the median of 1 and 2"
    assert curve(5, {20: 2.0}) == [], "as good as the median"
    assert curve(5, {30: 7.0}) == [5]


def test_a_suggestion_that_ends_between_two_looks_counts_with_what_it_was_on_the_way(storage: Storage):
    of = pruned_by("median", startupTrials=1)
    step(storage, of, asked=range(3))
    seen = step(storage, of, reports=[report(0, 10, 1.0)], told=[complete(0, 1.0)])
    assert seen["prune"] == []
    # Worse than the one before it, and through all the same: there is nothing left to stop.
    assert step(storage, of, reports=[report(1, 10, 9.0)], told=[complete(1, 9.0)])["prune"] == []
    assert step(storage, of, reports=[report(2, 10, 6.0)])["prune"] == [2], "the median of 1 and 9 is 5"
    assert step(storage, of)["finished"] == {"complete": 2, "pruned": 0, "failed": 0}


def test_asha(storage: Storage):
    of = pruned_by("asha", warmupSteps=10)
    step(storage, of, asked=range(6))
    reports = [report(number, 10, value) for number, value in enumerate([4.0, 3.0, 2.0, 1.0])]
    assert step(storage, of, reports=reports)["prune"] == [], "each is the best of those before it"
    # The better half of 1, 2, 2.5, 3, 4 (two of five) ends at 2.
    assert step(storage, of, reports=[report(4, 10, 2.5)])["prune"] == [4]
    assert step(storage, of, reports=[report(5, 5, 99.0)])["prune"] == [], "the first look is at step 10"
    # Of 1, 2, 2.5, 3, 4, 1.5 three go on.
    assert step(storage, of, reports=[report(5, 10, 1.5)])["prune"] == []
    # Next looks at 20 and 40: one alone at each goes on, the second must be the best.
    assert step(storage, of, reports=[report(3, 20, 1.0), report(3, 40, 1.0)])["prune"] == []
    assert step(storage, of, reports=[report(5, 20, 1.4)])["prune"] == [5]


def test_hyperband_gives_each_suggestion_a_bracket_by_its_number(storage: Storage):
    of = pruned_by("hyperband", every=1, maxSteps=4)
    # Three brackets with first looks at 1, 2 and 4. Shares ⌈3·2^s/(s+1)⌉ for s = 2, 1, 0: 4, 3 and 3 of 10.
    brackets = [(0, 0, 0, 0, 1, 1, 1, 2, 2, 2)[zlib.crc32(f"study_{number}".encode()) % 10] for number in range(20)]
    assert set(brackets) == {0, 1, 2}
    step(storage, of, asked=range(20))
    good = {brackets.index(bracket) for bracket in range(3)}
    assert step(storage, of, reports=[report(n, at, 1.0) for n in good for at in (1, 2, 3, 4)])["prune"] == []
    alive = set(range(20)) - good
    for at, looked_at in [(1, {0}), (2, {1}), (3, set()), (4, {2})]:
        expected = sorted(n for n in alive if brackets[n] in looked_at)
        assert step(storage, of, reports=[report(n, at, 9.0 + n) for n in sorted(alive)])["prune"] == expected
        step(storage, of, told=[{"number": n, "state": "pruned", "values": None} for n in expected])
        alive -= set(expected)
    assert step(storage, of)["finished"] == {"complete": 0, "pruned": 17, "failed": 0}


@pytest.mark.parametrize("sampler", ["tpe", "random", "cma-es", "nsga-ii"])
def test_samplers_and_hyperband_agree_after_restarts(sampler: str, tmp_path):
    of = pruned_by("hyperband", every=1, maxSteps=9, reductionFactor=3) | {"sampler": sampler}

    def run(stores: Any) -> list[Any]:
        answers: list[Any] = []
        told: list[Any] = []
        for number in range(14):
            answers.append(step(next(stores), of, told=told, asked=[number]))
            rank = answers[-1]["suggestions"][0]["parameters"]["lora.r"]
            pruned = step(next(stores), of, reports=[report(number, at, rank) for at in (1, 3, 9)])["prune"]
            answers.append(pruned)
            told = [{"number": number, "state": "pruned", "values": None} if pruned else complete(number, rank)]
        return answers

    answers = run(open_storage(str(tmp_path / "restarted")) for _ in itertools.count())
    assert answers == run(itertools.repeat(open_storage(str(tmp_path / "one"))))
    assert answers[-2]["finished"]["pruned"] > 0
    assert answers[-2]["finished"]["complete"] > 0


@pytest.mark.parametrize("kind", ["median", "asha", "hyperband"])
def test_reports_and_answers_may_be_repeated(kind: str, storage: Storage):
    of = pruned_by(kind)
    step(storage, of, asked=range(8))
    good = [report(0, at, 1.0) for at in (10, 20, 40, 80)]
    for reports in (good, good):
        assert step(storage, of, reports=reports)["prune"] == []
    step(storage, of, told=[complete(0, 1.0)])
    pruned = []
    for number in range(1, 8):
        reports = [report(number, at, 1.0 + number) for at in (10, 20, 40, 80)]
        first = step(storage, of, reports=reports)["prune"]
        # The answer was lost, and the same is told again; then with other values.
        assert step(storage, of, reports=reports)["prune"] == first
        other = [{**each, "value": 0.5} for each in reports]
        assert step(storage, of, reports=other)["prune"] == first
        step(storage, of, told=[{"number": number, "state": "pruned", "values": None}])
        assert step(storage, of, reports=reports)["prune"] == [], "it has ended"
        pruned += first
    if kind == "hyperband":
        assert 0 < len(pruned) < 7, "the first of another bracket has nobody to be worse than"
    else:
        assert pruned == list(range(1, 8))
    assert step(storage, of)["finished"] == {"complete": 1, "pruned": 7, "failed": 0}


def test_without_a_pruner_nothing_is_pruned(storage: Storage):
    step(storage, study(), asked=[0, 1])
    assert step(storage, study(), reports=[report(0, 1, 1.0), report(1, 1, 9.0)])["prune"] == []

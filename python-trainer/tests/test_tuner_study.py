"""Studies advance by number, exactly once, and the same way every time; on journals and on Postgres."""

import copy
import itertools
from typing import Any

import optuna
import pytest

from lamina_trainer.errors import InvalidError
from lamina_trainer.tuner.storage import open_storage
from lamina_trainer.tuner.studies import Storage
from tuner_studies import LEARNING_RATE, PARAMETERS, PRECISION, RANK, complete, report, step, study

pytest_plugins = ["tuner_storages"]
# A busy machine is no failure.
pytestmark = pytest.mark.timeout(600)

STEPPED = {**PARAMETERS, "training.learningRate": {"kind": "float", "low": 0.1, "high": 0.3, "log": False, "step": 0.1}}
STUDIES = {
    "tpe": study("tpe"),
    "tpe in two directions": study("tpe2", directions=["minimize", "maximize"]),
    "random": study("random", sampler="random"),
    "grid": study("grid", sampler="grid", parameters=STEPPED),
    "cma-es": study("cma", sampler="cma-es"),
    "nsga-ii": study("nsga", sampler="nsga-ii", directions=["minimize", "maximize"]),
    "nsga-ii in one direction": study("nsga1", sampler="nsga-ii"),
}


def loss(parameters: dict[str, Any]) -> float:
    return parameters["lora.r"] * parameters["training.learningRate"] + (parameters["precision"] == "nf4")


def ends(of: dict[str, Any], suggestions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [complete(each["number"], *[loss(each["parameters"])] * len(of["directions"])) for each in suggestions]


def run(stores: Any, of: dict[str, Any], count: int, together: int = 6) -> list[dict[str, Any]]:
    """Ask for so many, some at a time, and tell their loss; each step with the next of the storages."""
    suggestions: list[dict[str, Any]] = []
    told: list[dict[str, Any]] = []
    for first in range(0, count, together):
        answer = step(next(stores), of, told=told, asked=range(first, min(count, first + together)))
        suggestions += answer["suggestions"]
        told = ends(of, answer["suggestions"])
    answer = step(next(stores), of, told=told)
    assert answer["finished"] == {"complete": count, "pruned": 0, "failed": 0}
    return suggestions


def stored(storage: Storage, name: str) -> list[optuna.trial.FrozenTrial]:
    with storage.study(name) as opened:
        return optuna.load_study(study_name=name, storage=opened).get_trials()


@pytest.mark.parametrize("of", STUDIES.values(), ids=STUDIES)
def test_suggestions_lie_within_their_ranges_and_survive_restarts(of: dict[str, Any], location: str, tmp_path):
    in_one_process = run(itertools.repeat(open_storage(str(tmp_path / "one"))), of, 18)
    restarted = run((open_storage(location) for _ in itertools.count()), of, 18)
    assert restarted == in_one_process
    assert [each["number"] for each in restarted] == list(range(18))
    for each in restarted:
        values = each["parameters"]
        rate = of["parameters"]["training.learningRate"]
        assert rate["low"] <= values["training.learningRate"] <= rate["high"]
        assert type(values["lora.r"]) is int
        assert values["lora.r"] in range(4, 65, 4)
        assert values["precision"] in {"bf16", "nf4"}
    another = run(itertools.repeat(open_storage(str(tmp_path / "two"))), {**of, "seed": 8}, 6)
    assert [each["parameters"] for each in another] != [each["parameters"] for each in in_one_process[:6]]


def test_types_of_choices_survive(storage: Storage):
    choices = {
        "flag": {"kind": "categorical", "choices": [True, False]},
        "count": {"kind": "categorical", "choices": [8, 0.5, "8"]},
    }
    seen = step(storage, study(sampler="random", parameters=choices), asked=range(20))["suggestions"]
    assert {(type(each["parameters"]["flag"]), each["parameters"]["flag"]) for each in seen} == {
        (bool, True),
        (bool, False),
    }
    assert {(type(each["parameters"]["count"]), each["parameters"]["count"]) for each in seen} == {
        (int, 8),
        (float, 0.5),
        (str, "8"),
    }


def test_what_exists_is_answered_as_it_is(storage: Storage):
    first = step(storage, study(), asked=[0, 1, 2])["suggestions"]
    told = [complete(0, 1.0), {"number": 1, "state": "failed", "values": None}]
    again = step(storage, study(), told=told, asked=[2, 1, 0, 1, 3])["suggestions"]
    assert again[:3] == first
    assert [each["number"] for each in again] == [0, 1, 2, 3]
    assert len(stored(storage, "study")) == 4


def test_an_end_that_was_told_stays(storage: Storage):
    step(storage, study(), asked=[0, 1])
    told = [complete(0, 1.5), {"number": 1, "state": "pruned", "values": None}]
    assert step(storage, study(), told=told)["finished"] == {"complete": 1, "pruned": 1, "failed": 0}
    other = [{"number": 0, "state": "failed", "values": None}, complete(1, 3.0), complete(1, 4.0)]
    assert step(storage, study(), told=other)["finished"] == {"complete": 1, "pruned": 1, "failed": 0}
    assert [trial.values for trial in stored(storage, "study")] == [[1.5], None]


@pytest.mark.parametrize(("kind", "drawn"), [("tpe", 0), *((kind, 1) for kind in ("tpe", "grid", "cma-es", "nsga-ii"))])
def test_a_suggestion_that_a_killed_worker_began_is_drawn_to_the_end(kind: str, drawn: int, storage: Storage):
    of = STUDIES[kind]
    begun = run(itertools.repeat(storage), of, 14, together=14)
    values = {"lora.r": 40}
    with storage.study(of["name"]) as opened:
        half = optuna.load_study(study_name=of["name"], storage=opened, sampler=optuna.samplers.RandomSampler()).ask()
        for name in list(values)[:drawn]:
            fixed = optuna.distributions.IntDistribution(4, 64, step=4)
            opened.set_trial_param(half._trial_id, name, fixed.to_internal_repr(values[name]), fixed)
    answer = step(storage, of, asked=range(16))
    assert answer["suggestions"][:14] == begun
    assert len(answer["suggestions"][14]["parameters"]) == 3
    if drawn == 1:
        assert answer["suggestions"][14]["parameters"]["lora.r"] == 40
    trials = stored(storage, of["name"])
    assert [trial.number for trial in trials] == list(range(16))
    assert all(len(trial.params) == 3 for trial in trials)


def test_suggestions_asked_for_in_parallel_differ(storage: Storage):
    run(itertools.repeat(storage), study(), 12, together=12)
    together = step(storage, study(), asked=range(12, 20))["suggestions"]
    assert len({each["parameters"]["training.learningRate"] for each in together}) == 8


def test_a_grid_is_gone_through_once_in_an_order_of_its_seed(storage: Storage):
    ranks = {**RANK, "high": 16}
    of = study("grid", sampler="grid", parameters={"a": STEPPED["training.learningRate"], "b": ranks, "c": PRECISION})
    size = 3 * 4 * 2
    seen = [tuple(each["parameters"].values()) for each in step(storage, of, asked=range(size))["suggestions"]]
    assert sorted(seen) == sorted(itertools.product([0.1, 0.2, 0.3], range(4, 17, 4), ["bf16", "nf4"]))
    assert seen != sorted(seen)
    # Ends do not move it, the last one included.
    finished = step(storage, of, told=[complete(number, 0.0) for number in range(size)])["finished"]
    assert finished["complete"] == size
    with pytest.raises(InvalidError, match=r"asked\.1: suggestion 24 of a grid that holds 24, numbers 0 to 23"):
        step(storage, of, asked=[23, 24])
    other = step(storage, {**of, "name": "other", "seed": 8}, asked=range(size))["suggestions"]
    assert [tuple(each["parameters"].values()) for each in other] != seen


def test_cma_es_comes_closer(tmp_path):
    storage = open_storage(str(tmp_path))
    axis = {"kind": "float", "low": -5.0, "high": 5.0, "log": False, "step": None}
    of = study("sphere", sampler="cma-es", parameters={"x": axis, "y": axis, "kind": PRECISION})
    told: list[dict[str, Any]] = []
    distances = []
    for number in range(80):
        values = step(storage, of, told=told, asked=[number])["suggestions"][0]["parameters"]
        distances.append((values["x"] - 3) ** 2 + (values["y"] + 2) ** 2)
        told = [complete(number, distances[-1])]
    assert sum(distances[-20:]) / 20 < 0.2 * sum(distances[:20]) / 20


INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "nothing to search": ({"parameters": {}}, r"study\.parameters: there is nothing to search"),
    "an empty range": ({"parameters": {"a": {**RANK, "low": 65}}}, r"study\.parameters\.a\.low: 65 is above high, 64"),
    "a logarithm of 0": ({"parameters": {"a": {**LEARNING_RATE, "low": 0}}}, r"a\.low: a logarithmic range must start"),
    "logarithmic steps": (
        {"parameters": {"a": {**LEARNING_RATE, "step": 1.0}}},
        r"a\.step: a logarithmic range has no",
    ),
    "logarithmic int steps": ({"parameters": {"a": {**RANK, "log": True}}}, r"a\.step: a logarithmic range has no"),
    "a choice twice": (
        {"parameters": {"a": {"kind": "categorical", "choices": [True, 1]}}},
        r"study\.parameters\.a\.choices: every choice may be listed once",
    ),
    "a grid without steps": ({"sampler": "grid"}, r"training\.learningRate\.step: a grid needs steps"),
    "a grid too large": (
        {"sampler": "grid", "parameters": {name: {**RANK, "step": 1} for name in "abc"}},
        r"study\.parameters: a grid of 226981 points; at most 100000",
    ),
    "cma-es with two directions": (
        {"sampler": "cma-es", "directions": ["minimize", "minimize"]},
        r"study\.sampler: cma-es has one direction",
    ),
    "pruning with two directions": (
        {
            "sampler": "nsga-ii",
            "directions": ["minimize", "minimize"],
            "pruner": {
                "kind": "median",
                "every": 1,
                "warmupSteps": 0,
                "startupTrials": 1,
                "reductionFactor": 2,
                "maxSteps": 4,
            },
        },
        r"study\.pruner: pruning compares one value",
    ),
    "hyperband shorter than a look": (
        {
            "pruner": {
                "kind": "hyperband",
                "every": 5,
                "warmupSteps": 9,
                "startupTrials": 1,
                "reductionFactor": 2,
                "maxSteps": 8,
            }
        },
        r"study\.pruner\.maxSteps: 8 steps end before the first look, at 9",
    ),
    "a long name": ({"name": "n" * 513}, r"study\.name: at most 512 characters"),
    "a long parameter": ({"parameters": {"p" * 513: RANK}}, r"study\.parameters\.p+…: names have at most 512"),
    "another kind of sampler": ({"sampler": "bayes"}, r"study\.sampler: Input should be"),
}


@pytest.mark.parametrize(("fields", "words"), INVALID.values(), ids=INVALID)
def test_mistakes_are_named_with_their_path(fields: dict[str, Any], words: str, tmp_path):
    with pytest.raises(InvalidError, match=words):
        step(open_storage(str(tmp_path)), study(**fields), asked=[0])


def test_ends_must_fit_what_is_stored(storage: Storage):
    step(storage, study(), asked=[0])
    for fields, words in [
        ({"told": [complete(1, 1.0)]}, r"told\.0\.number: study study has 1 suggestions"),
        ({"reports": [report(4, 1, 1.0)]}, r"reports\.0\.number: study study has 1 suggestions"),
        ({"asked": [0, 2]}, r"asked\.1: numbers have no gaps, and study study has 1 suggestions"),
        ({"told": [complete(0, 1.0, 2.0)]}, r"told\.0\.values: a complete suggestion has 1"),
        ({"told": [complete(0) | {"values": None}]}, r"told\.0\.values: a complete suggestion has 1"),
        ({"told": [complete(0, 1.0) | {"state": "failed"}]}, r"told\.0\.values: a failed suggestion has none"),
    ]:
        with pytest.raises(InvalidError, match=words):
            step(storage, study(), **fields)
    # Nothing of a refused step was stored.
    assert step(storage, study())["finished"] == {"complete": 0, "pruned": 0, "failed": 0}
    assert len(stored(storage, "study")) == 1


def test_a_study_keeps_its_settings(storage: Storage):
    step(storage, study(), asked=[0])
    changed = copy.deepcopy(study(seed=8))
    changed["parameters"]["lora.r"]["high"] = 128
    with pytest.raises(InvalidError, match=r"study\.seed: study study was begun with another value.*study\.parameters"):
        step(storage, changed, asked=[0])


def test_studies_do_not_meet(storage: Storage):
    names = ["a/b", "a-b", "a b", "a"]
    for name in names:
        step(storage, study(name), asked=[0, 1])
    assert [len(stored(storage, name)) for name in names] == [2, 2, 2, 2]

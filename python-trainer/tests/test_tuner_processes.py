"""Several processes at one study, and processes killed in the middle of a write."""

import itertools
import json
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import optuna
import pytest

from lamina_trainer.tuner.errors import StorageError
from lamina_trainer.tuner.storage import open_storage
from tuner_studies import complete, step, study

pytest_plugins = ["tuner_storages"]
# A busy machine is no failure.
pytestmark = pytest.mark.timeout(600)

FORK = multiprocessing.get_context("fork")


def ask_all(location: str, count: int, answers: Path) -> None:
    """Ask for every number so far, one more each time, and note the answers."""
    storage = open_storage(location)
    last = 0
    while last < count:
        try:
            suggestions = step(storage, study(), asked=range(last + 1))["suggestions"]
        except StorageError:
            continue  # the lock was held for long, as on a busy machine: Temporal would repeat the step
        answers.write_text(json.dumps(suggestions))
        last += 1


def search(location: str, count: int, answers: Path) -> None:
    """Ask and tell to the end, whatever was done before; every answer is noted."""
    storage = open_storage(location)
    with answers.open("a") as notes:
        told: list[dict[str, Any]] = []
        for number in range(count):
            suggestion = step(storage, study(), told=told, asked=[number])["suggestions"][0]
            notes.write(json.dumps(suggestion) + "\n")
            notes.flush()
            told = [complete(number, suggestion["parameters"]["lora.r"])]
        step(storage, study(), told=told)


def trials_of(location: str) -> list[optuna.trial.FrozenTrial]:
    with open_storage(location).study("study") as opened:
        return optuna.load_study(study_name="study", storage=opened).get_trials()


def test_processes_that_ask_at_once_get_the_same_answers(location: str, tmp_path: Path):
    processes = [FORK.Process(target=ask_all, args=(location, 12, tmp_path / f"{index}.json")) for index in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    answers = [json.loads((tmp_path / f"{index}.json").read_text()) for index in range(4)]
    assert all(answer == answers[0] for answer in answers)
    assert [each["number"] for each in answers[0]] == list(range(12))
    trials = trials_of(location)
    assert [{"number": trial.number, "parameters": trial.params} for trial in trials] == answers[0]


def test_kills_at_any_write_neither_lose_nor_double(location: str, tmp_path: Path):
    moments = random.Random(3)
    notes = tmp_path / "answers"
    count = 20
    for _ in range(12):
        process = FORK.Process(target=search, args=(location, count, notes))
        process.start()
        # Let it come a little further than the last, and kill it wherever it then is.
        seen = len(notes.read_text().splitlines()) if notes.exists() else 0
        give_up_at = time.monotonic() + 60
        while process.is_alive() and (not notes.exists() or len(notes.read_text().splitlines()) < seen + 3):
            assert time.monotonic() < give_up_at
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 0.1))
        process.kill()
        process.join()
    last = FORK.Process(target=search, args=(location, count, notes))
    last.start()
    last.join()
    assert last.exitcode == 0
    trials = trials_of(location)
    assert [trial.number for trial in trials] == list(range(count))
    assert {trial.state.name for trial in trials} == {"COMPLETE"}
    assert [trial.value for trial in trials] == [trial.params["lora.r"] for trial in trials]
    answered: dict[int, Any] = {}
    for line in notes.read_text().splitlines():
        answer = json.loads(line)
        assert answered.setdefault(answer["number"], answer["parameters"]) == answer["parameters"]
    assert answered == {trial.number: trial.params for trial in trials}


def hold(location: str, held: Any) -> None:
    with open_storage(location).study("study"):
        held.set()
        time.sleep(600)


def test_the_lock_of_a_killed_process_is_free_at_once(location: str):
    step(open_storage(location), study(), asked=[0])
    held = FORK.Event()
    process = FORK.Process(target=hold, args=(location, held))
    process.start()
    assert held.wait(60)
    # Another study is not held up.
    step(open_storage(location), study("other"), asked=[0])
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    assert len(step(open_storage(location), study(), asked=[0, 1])["suggestions"]) == 2


@pytest.mark.parametrize("kept", [0, 1, 25, -1])
def test_a_line_that_was_cut_off_is_dropped(kept: int, tmp_path: Path):
    """The last write of a killed process may be missing in part; everything before it holds."""
    first = step(open_storage(str(tmp_path)), study(), asked=[0, 1])["suggestions"]
    (journal,) = tmp_path.glob("*.journal")
    *whole, last = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(whole) + last[:kept])
    again = step(open_storage(str(tmp_path)), study(), asked=[0, 1, 2])["suggestions"]
    assert again[0] == first[0]
    assert again[1]["parameters"].pop("training.learningRate") > 0, "what was missing is drawn again"
    assert again[1]["parameters"].items() < first[1]["parameters"].items()
    assert len(again) == 3


def test_a_journal_that_was_removed_starts_empty(tmp_path: Path):
    storage = open_storage(str(tmp_path))
    first = step(storage, study(), asked=[0, 1])["suggestions"]
    for journal in tmp_path.glob("*.journal"):
        journal.rename(tmp_path / "away")
    assert step(storage, study(), asked=[0])["suggestions"] == first[:1]
    assert step(open_storage(str(tmp_path)), study(), asked=[0, 1])["suggestions"] == first


def test_tables_stand_in_a_schema_of_their_own(database: str):
    import psycopg

    with psycopg.connect(database) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS trials (id int)")
        connection.commit()
        step(open_storage(database), study(), asked=[0])
        rows = connection.execute("SELECT schemaname, count(*) FROM pg_tables WHERE tablename = 'trials' GROUP BY 1")
        assert sorted(rows) == [("lamina_tuner", 1), ("public", 1)]


def test_a_database_that_does_not_answer_is_named_without_its_password(database: str):
    wrong = database.replace("/postgres", "/missing")
    storage = open_storage(wrong)
    assert "s3cret" not in storage.describe()
    with pytest.raises(StorageError, match=r"database: .*missing") as error, storage.study("study"):
        pass
    assert "s3cret" not in str(error.value)


def test_connections_that_were_cut_are_made_again(database: str):
    import psycopg

    storage = open_storage(database)
    first = step(storage, study(), asked=[0, 1])["suggestions"]
    with psycopg.connect(database, autocommit=True) as connection:
        cut = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'lamina-tuner'"
        assert set(connection.execute(cut)) == {(True,)}
    with pytest.raises(StorageError, match="terminat"):
        step(storage, study(), asked=[2])
    assert step(storage, study(), asked=[0, 1, 2])["suggestions"][:2] == first


def test_many_studies_are_open_at_once(tmp_path: Path):
    """More than are kept in memory; each goes on where it was."""
    storage = open_storage(str(tmp_path))
    random_ = [study(f"study {index}", sampler="random") for index in range(40)]
    first = [step(storage, of, asked=[0])["suggestions"] for of in random_]
    for of, suggestions in zip(random_, first, strict=True):
        assert step(storage, of, asked=[0, 1])["suggestions"][:1] == suggestions
    assert len({json.dumps(each) for each in itertools.chain(*first)}) == 1, "one seed, one beginning"

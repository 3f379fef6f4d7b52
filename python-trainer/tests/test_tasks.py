"""Tasks of lm-evaluation-harness from local files: tiny models, the shipped examples, and what is refused."""

import importlib.util
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from lamina_trainer.contract.settings import TaskFile, TaskSettings
from lamina_trainer.distributed.process_group import ProcessGroup
from lamina_trainer.errors import InvalidError
from lamina_trainer.measure.task_file import read_task
from lamina_trainer.measure.tasks import Tasks
from lamina_trainer.model.loading import describe
from lamina_trainer.model.precision import resolve_numerics
from lamina_trainer.trial.run import run_trial
from tiny import EVALUATION, Recorder, llama_config, make_request, random_model, save_model, save_texts

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "tasks"
NUMERICS = resolve_numerics("fp32", "fp32", torch.device("cpu"), fast_16_bit=False)
TASK = """
task: words
dataset_path: json
dataset_kwargs: {data_files: {test: words.jsonl}}
output_type: multiple_choice
test_split: test
doc_to_text: "{{text}}"
doc_to_choice: [w1, w2, w3]
doc_to_target: "{{answer}}"
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
metadata: {version: 2.0}
"""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shelf")
    save_model(root / "llama", llama_config(3))
    save_texts(root / "texts.jsonl")
    rows = [{"text": f"w{10 + i} w{20 + i} w{30 + i}", "answer": i % 3} for i in range(12)]
    (root / "words.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    (root / "words.yaml").write_text(TASK)
    return root


def settings(*files: Path, **limits: Any) -> TaskSettings:
    listed = [TaskFile(path=str(file), fingerprint=None, data=[]) for file in files]
    return TaskSettings(**{"files": listed, "max_samples": None, "few_shot": None, "batch_size": 4, **limits})


def test_accuracy_is_the_share_of_questions_whose_likeliest_answer_is_right(shelf: Path):
    model = random_model(llama_config(3))
    (result,) = Tasks(settings(shelf / "words.yaml"), shelf / "llama", NUMERICS, ProcessGroup()).score(
        "raw", describe(model, "sdpa"), lambda: None
    )
    right = 0
    for i in range(12):
        # The tokenizer has no special tokens of its own; ids are those of the words after four special ones.
        ids = torch.tensor([[4 + 10 + i, 4 + 20 + i, 4 + 30 + i]])
        with torch.no_grad():
            answers = model(input_ids=ids).logits[0, -1, [5, 6, 7]]
        right += int(answers.argmax()) == i % 3
    share = right / 12
    assert result.value == pytest.approx(share)
    assert result.standard_error == pytest.approx(math.sqrt(share * (1 - share) / 11))
    assert (result.task, result.metric, result.version, result.samples, result.few_shot) == (
        "words",
        "acc",
        "2.0",
        12,
        0,
    )
    assert result.higher_is_better
    assert len(result.file_sha256) == len(result.data_sha256) == 64


def test_limits_are_kept_and_random_numbers_left_alone(shelf: Path):
    model = describe(random_model(llama_config(3)), "sdpa")
    limited = Tasks(
        settings(shelf / "words.yaml", max_samples=5, few_shot=0), shelf / "llama", NUMERICS, ProcessGroup()
    )
    torch.manual_seed(3)
    before = torch.get_rng_state()
    (result,) = limited.score("raw", model, lambda: None)
    assert result.samples == 5
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("precision", "method"), [("bf16", "lora"), ("nf4", "qlora")])
def test_a_trial_scores_as_cut_and_as_trained_and_its_training_is_the_same(
    tmp_path: Path, shelf: Path, precision: str, method: str
):
    asked = settings(shelf / "words.yaml").model_dump(mode="json", by_alias=True)
    base = {"precision": precision, "method": method}
    with_tasks = make_request(
        tmp_path / "a", shelf / "llama", shelf / "texts.jsonl", evaluation={**EVALUATION, "tasks": asked}, **base
    )
    result = run_trial(with_tasks, Recorder(), None)
    assert result.tasks is not None
    assert [(one.stage, one.task) for one in result.tasks] == [("raw", "words"), ("trained", "words")]
    plain = run_trial(make_request(tmp_path / "b", shelf / "llama", shelf / "texts.jsonl", **base), Recorder(), None)
    assert plain.tasks is None
    assert [step.loss for step in plain.training.losses] == [step.loss for step in result.training.losses]


@pytest.mark.parametrize(("name", "questions"), [("ko_quiz", 20), ("ko_boolq", 20)])
def test_the_shipped_tasks_are_whole(name: str, questions: int):
    task = read_task(TaskFile(path=str(EXAMPLES / f"{name}.yaml"), fingerprint=None, data=[]))
    records = task.records["test"]
    assert len(records) == questions
    assert len({record["question"] for record in records}) == questions
    answers = [record.get("answer", record.get("label")) for record in records]
    counts = {answer: answers.count(answer) for answer in answers}
    assert len(set(counts.values())) == 1, "every answer is right equally often"


def test_examples_stand_in_front_of_the_question(shelf: Path):
    model = describe(random_model(llama_config(3)), "sdpa")
    tasks = Tasks(
        settings(EXAMPLES / "ko_quiz.yaml", few_shot=2, max_samples=3), shelf / "llama", NUMERICS, ProcessGroup()
    )
    (result,) = tasks.score("raw", model, lambda: None)
    assert (result.few_shot, result.samples) == (2, 3)


def test_data_is_read_from_where_it_was_put(tmp_path: Path, shelf: Path):
    (tmp_path / "words.yaml").write_text(TASK)
    moved = tmp_path / "elsewhere.jsonl"
    moved.write_bytes((shelf / "words.jsonl").read_bytes())
    data = [{"name": "words.jsonl", "path": str(moved), "fingerprint": "x"}]
    file = TaskFile.model_validate(
        {"path": str(tmp_path / "words.yaml"), "fingerprint": None, "data": data}, by_alias=True
    )
    plain = read_task(TaskFile(path=str(shelf / "words.yaml"), fingerprint=None, data=[]))
    assert read_task(file) == plain


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TASK.replace("task: words\n", ""), "'task' must name"),
        (TASK + "process_docs: !function utils.shout\n", "!function are not supported"),
        (TASK + "include: other.yaml\n", "'include' is not supported"),
        (TASK.replace("dataset_path: json", "dataset_path: HAERAE-HUB/KMMLU"), "must be json"),
        (TASK.replace("words.jsonl", "nowhere.jsonl"), "nowhere.jsonl cannot be read"),
        (TASK.replace("{test: words.jsonl}", "words.jsonl"), "files by split"),
        (TASK.replace("{test: words.jsonl}", "{test: [1]}"), "a file or a list"),
        (TASK.replace("words.jsonl", "empty.jsonl"), "has no records"),
        (TASK.replace("words.jsonl", "broken.jsonl"), "line 2 is not a JSON object"),
        (TASK.replace("test_split: test", "test_split: dev"), "names 'dev'"),
        (TASK.replace("multiple_choice", "poem"), "unknown output_type"),
        ("- a list", "must be a mapping"),
        ("task: [", "is not YAML"),
    ],
)
def test_a_file_that_cannot_be_a_task_says_why(tmp_path: Path, text: str, message: str):
    (tmp_path / "words.jsonl").write_text('{"text": "w1", "answer": 0}')
    (tmp_path / "empty.jsonl").write_text("\n")
    (tmp_path / "broken.jsonl").write_text('{}\n["no object"]\n')
    (tmp_path / "task.yaml").write_text(text)
    with pytest.raises(InvalidError, match=message):
        read_task(TaskFile(path=str(tmp_path / "task.yaml"), fingerprint=None, data=[]))


def test_a_question_that_the_harness_cannot_ask_is_invalid(tmp_path: Path, shelf: Path):
    (tmp_path / "words.jsonl").write_text('{"text": "w1"}')
    (tmp_path / "task.yaml").write_text(TASK.replace("{{answer}}", "{{answer + 1}}"))
    tasks = Tasks(settings(tmp_path / "task.yaml"), shelf / "llama", NUMERICS, ProcessGroup())
    with pytest.raises(InvalidError, match="The task words cannot be run"):
        tasks.score("raw", describe(random_model(llama_config(3)), "sdpa"), lambda: None)


def test_two_tasks_of_one_name_and_a_missing_harness_are_invalid(shelf: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(InvalidError, match="same task name"):
        Tasks(settings(shelf / "words.yaml", shelf / "words.yaml"), shelf / "llama", NUMERICS, ProcessGroup())
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "lm_eval" else found(name))
    with pytest.raises(InvalidError, match=r"requirements-lm-eval\.txt"):
        Tasks(settings(shelf / "words.yaml"), shelf / "llama", NUMERICS, ProcessGroup())

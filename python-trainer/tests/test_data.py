"""Records from files, and blocks that are made once and read by every later trial."""

import json
from pathlib import Path
from typing import Any

import pytest

from lamina_trainer.contract.settings import EvaluationSettings, FileDataset, HfDataset, PromptFields, TextField
from lamina_trainer.data.prepared import PreparedData, prepare_data
from lamina_trainer.data.rendering import load_texts
from lamina_trainer.data.tokenizer import LazyTokenizer
from lamina_trainer.errors import InvalidError
from lamina_trainer.host.files import sha256_of_file
from tiny import save_texts, save_tokenizer

EVALUATION = EvaluationSettings(
    fraction=0.3, max_tokens=64, micro_batch=1, before_training=True, inference=None, gguf=None, tasks=None
)


def dataset(path: Path, *, fields: Any = None, kind: Any = "jsonl", fingerprint: str | None = None) -> FileDataset:
    return FileDataset(
        source="file",
        path=str(path),
        format=kind,
        fields=fields or TextField(text="text"),
        fingerprint=fingerprint,
    )


@pytest.fixture(name="tokenizer")
def tokenizer_fixture(tmp_path: Path) -> LazyTokenizer:
    save_tokenizer(tmp_path / "tokenizer")
    return LazyTokenizer(tmp_path / "tokenizer")


@pytest.fixture(name="texts")
def texts_fixture(tmp_path: Path) -> Path:
    return save_texts(tmp_path / "texts.jsonl")


def prepare(texts: Path, tokenizer: Any, cache: Path, **changes: Any) -> PreparedData:
    settings = {"max_length": 16, "packing": True, "evaluation": EVALUATION, **changes}
    return prepare_data(dataset(texts), tokenizer, cache=cache, **settings)


def test_text_files_are_paragraphs(tmp_path: Path):
    file = tmp_path / "book.txt"
    file.write_text("\n\none\ntwo\r\n\n  \nthree\n", encoding="utf-8")
    assert load_texts(dataset(file, kind="text")) == ["one\ntwo", "three"]


def test_prompt_and_completion_follow_each_other(tmp_path: Path):
    file = tmp_path / "pairs.jsonl"
    file.write_text('{"q":"Why? ","a":"Because."}\n\n', encoding="utf-8")
    assert load_texts(dataset(file, fields=PromptFields(prompt="q", completion="a"))) == ["Why? Because."]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"text":"a"}\n{"body":"b","title":"c"}\n', r"Line 2 .* no column 'text'; its columns are: body, title\."),
        ('{"text":"a"}\n{"text":', r"Line 2 .* is not JSON"),
        ("[1]\n", r"Line 1 .* is not a JSON object"),
        ('{"text":5}\n', r"column 'text' holds a number, not text"),
        ("", r"holds no text"),
        ('{"text":"  "}\n', r"holds no text"),
    ],
)
def test_wrong_files_are_told_precisely(tmp_path: Path, content: str, message: str):
    file = tmp_path / "wrong.jsonl"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidError, match=message):
        load_texts(dataset(file))


def test_missing_and_binary_files(tmp_path: Path):
    with pytest.raises(InvalidError, match="does not exist"):
        load_texts(dataset(tmp_path / "nowhere.jsonl"))
    binary = tmp_path / "binary.jsonl"
    binary.write_bytes(b'{"text":"\xff\xfe"}')
    with pytest.raises(InvalidError, match="not UTF-8"):
        load_texts(dataset(binary))


def test_a_hub_data_set_without_a_network_fails_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    wanted = HfDataset(
        source="hf", id="nobody/nothing", config=None, revision="main", split="train", fields=TextField(text="text")
    )
    with pytest.raises(InvalidError, match="not in the local hub cache"):
        load_texts(wanted)


def test_blocks_come_from_the_cache_without_loading_the_tokenizer(
    texts: Path, tokenizer: LazyTokenizer, tmp_path: Path
):
    first = prepare(texts, tokenizer, tmp_path / "cache")

    def must_not_load() -> Any:
        raise AssertionError("the tokenizer was loaded again")

    second = prepare(texts, LazyTokenizer(tokenizer.folder, must_not_load), tmp_path / "cache")
    assert first.train.tokens.tolist() == second.train.tokens.tolist()
    assert first.evaluation_fingerprint == second.evaluation_fingerprint
    assert first.dataset_fingerprint == second.dataset_fingerprint


def test_training_and_held_out_tokens_do_not_meet(texts: Path, tokenizer: LazyTokenizer, tmp_path: Path):
    data = prepare(texts, tokenizer, tmp_path / "cache", packing=False, max_length=64)
    trained = {tuple(block[:-1].tolist()) for block in data.train}
    held = data.evaluation.tokens.tolist()
    assert len(data.train) > 0
    for record in trained:
        joined = ",".join(map(str, record))
        assert f",{joined}," not in f",{','.join(map(str, held))},"


def test_packing_and_seedless_settings_do_not_change_what_is_scored(
    texts: Path, tokenizer: LazyTokenizer, tmp_path: Path
):
    packed = prepare(texts, tokenizer, tmp_path / "cache")
    single = prepare(texts, tokenizer, tmp_path / "cache", packing=False)
    assert packed.evaluation_fingerprint == single.evaluation_fingerprint
    assert len(packed.evaluation) * 16 <= EVALUATION.max_tokens
    assert [len(block) for block in packed.train] == [16] * len(packed.train)
    assert any(len(block) > 1 for block in single.train)


def test_changed_data_is_another_data_set(texts: Path, tokenizer: LazyTokenizer, tmp_path: Path):
    before = prepare(texts, tokenizer, tmp_path / "cache")
    lines = texts.read_text().splitlines()
    texts.write_text("\n".join([*lines, json.dumps({"text": "w1 w2 w3"})]))
    after = prepare(texts, tokenizer, tmp_path / "cache")
    assert before.dataset_fingerprint != after.dataset_fingerprint


def test_a_file_that_changed_after_submission_is_refused(texts: Path, tokenizer: LazyTokenizer, tmp_path: Path):
    submitted = dataset(texts, fingerprint=sha256_of_file(texts))
    settings = (tokenizer, 16, True, EVALUATION, tmp_path / "cache")
    prepare_data(submitted, *settings)
    texts.write_text(texts.read_text() + "\n" + json.dumps({"text": "w5"}))
    with pytest.raises(InvalidError, match="has changed since"):
        prepare_data(submitted, *settings)


def test_too_little_data_is_told(tmp_path: Path, tokenizer: LazyTokenizer):
    file = tmp_path / "small.jsonl"
    file.write_text('{"text":"w1 w2"}\n{"text":"w1 w2"}\n')
    with pytest.raises(InvalidError, match="too few different records"):
        prepare(file, tokenizer, tmp_path / "cache")
    # What has failed leaves nothing behind that looks finished.
    assert [path for path in (tmp_path / "cache" / "tokenized").iterdir() if path.is_dir()] == []
    file.write_text('{"text":"w1 w2"}\n{"text":"w3 w4"}\n')
    with pytest.raises(InvalidError, match=r"has 3 training tokens, .*: too few for one block"):
        prepare(file, tokenizer, tmp_path / "cache", max_length=64)

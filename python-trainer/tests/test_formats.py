"""The same records in every format are the same data; what is wrong with a file is told with its line."""

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lamina_trainer.contract.settings import (
    EvaluationSettings,
    FileDataset,
    FileEvaluation,
    GroupEvaluation,
    HfDataset,
    PromptFields,
    SplitEvaluation,
)
from lamina_trainer.data.prepared import PreparedData, prepare_data
from lamina_trainer.data.records import BadRecordError, read_records
from lamina_trainer.data.rendering import load_texts
from lamina_trainer.data.tokenizer import LazyTokenizer
from lamina_trainer.errors import InvalidError, StoppedError
from lamina_trainer.host.stop import clear_stop, request_stop
from tiny import save_tokenizer

RECORDS = [{"text": f'w{i % 40} w{(i * 7) % 40}\nw{(i * 3) % 40} , é "w1"', "id": str(i)} for i in range(60)]
SCORING = EvaluationSettings(
    fraction=0.3, max_tokens=64, micro_batch=1, before_training=True, inference=None, gguf=None, tasks=None
)


def json_lines(records: Any = RECORDS) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def delimited(delimiter: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, ["id", "text"], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(RECORDS)
    return text.getvalue().encode()


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(RECORDS), sink, row_group_size=13)
    return sink.getvalue()


def arrow(kind: Callable[..., Any]) -> bytes:
    table, sink = pa.Table.from_pylist(RECORDS), io.BytesIO()
    with kind(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=17)
    return sink.getvalue()


def zstd(data: bytes) -> bytes:
    return pa.Codec("zstd").compress(data, asbytes=True)


FILES: dict[str, Callable[[], bytes]] = {
    "a.jsonl": json_lines,
    "a.ndjson": lambda: b"\xef\xbb\xbf" + json_lines().replace(b"\n", b"\r\n"),
    "utf16.jsonl": lambda: json_lines().decode().encode("utf-16"),
    "a.json": lambda: json.dumps(RECORDS, indent=1).encode(),
    "lines.json": json_lines,
    "a.csv": lambda: delimited(","),
    "bom.csv": lambda: b"\xef\xbb\xbf" + delimited(","),
    "a.tsv": lambda: delimited("\t"),
    "a.parquet": parquet,
    "a.arrow": lambda: arrow(pa.ipc.new_file),
    "stream.arrow": lambda: arrow(pa.ipc.new_stream),
    "unnamed": parquet,
    "a.jsonl.gz": lambda: gzip.compress(json_lines()),
    "two-members.jsonl.gz": lambda: gzip.compress(json_lines(RECORDS[:9])) + gzip.compress(json_lines(RECORDS[9:])),
    "a.jsonl.zst": lambda: zstd(json_lines()),
    "two-frames.jsonl.zst": lambda: zstd(json_lines(RECORDS[:9])) + zstd(json_lines(RECORDS[9:])),
    "a.csv.zst": lambda: zstd(delimited(",")),
    "packed-without-saying.jsonl": lambda: gzip.compress(json_lines()),
    "a.json.bz2": lambda: bz2.compress(json.dumps(RECORDS).encode()),
    "a.jsonl.xz": lambda: lzma.compress(json_lines()),
}


def dataset(path: Path | str, **changes: Any) -> FileDataset:
    return FileDataset(source="file", path=str(path), **changes)


@pytest.fixture(name="tokenizer", scope="module")
def tokenizer_fixture(tmp_path_factory: pytest.TempPathFactory) -> LazyTokenizer:
    folder = tmp_path_factory.mktemp("tokenizer")
    save_tokenizer(folder)
    return LazyTokenizer(folder)


@pytest.fixture(name="expected", scope="module")
def expected_fixture(tokenizer: LazyTokenizer, tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    folder = tmp_path_factory.mktemp("expected")
    (folder / "a.jsonl").write_bytes(json_lines())
    return prepared(dataset(folder / "a.jsonl"), tokenizer, folder)


def prepared(data: Any, tokenizer: LazyTokenizer, folder: Path) -> PreparedData:
    return prepare_data(data, tokenizer, 16, True, SCORING, folder / "cache")


def same(one: PreparedData, other: PreparedData) -> bool:
    assert one.read == other.read
    return (
        one.train.tokens.tolist() == other.train.tokens.tolist()
        and one.dataset_fingerprint == other.dataset_fingerprint
        and one.evaluation_fingerprint == other.evaluation_fingerprint
    )


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_data(name: str, tokenizer: LazyTokenizer, expected: PreparedData, tmp_path: Path):
    (tmp_path / name).write_bytes(FILES[name]())
    assert same(prepared(dataset(tmp_path / name), tokenizer, tmp_path), expected)


def test_shards_follow_each_other_by_name(tokenizer: LazyTokenizer, expected: PreparedData, tmp_path: Path):
    shards = tmp_path / "shards"
    shards.mkdir()
    (shards / "README.md").write_text("not a shard")
    for name, part in (("b.jsonl", RECORDS[20:]), ("a.jsonl.gz", RECORDS[:20])):
        data = json_lines(part)
        (shards / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    assert same(prepared(dataset(shards), tokenizer, tmp_path), expected)
    assert same(prepared(dataset(shards / "*.jsonl*"), tokenizer, tmp_path), expected)
    (shards / "c.csv").write_bytes(delimited(","))
    with pytest.raises(InvalidError, match=r"several formats, such as c\.csv and a\.jsonl\.gz"):
        list(read_records(dataset(shards)))
    with pytest.raises(InvalidError, match=r"No file matches the pattern .*\*\.tsv"):
        list(read_records(dataset(shards / "*.tsv")))
    with pytest.raises(InvalidError, match=r"name one of the folders in it: cache, shards"):
        list(read_records(dataset(tmp_path)))


GOOD = b'{"text":"w1"}\n'
FAULTS = [
    ("a.jsonl", GOOD * 60 + b'{"text":"w1 \\ud83d"}\n', r"Line 61 of .*a\.jsonl.* half a surrogate pair \(\\ud83d\)"),
    ("a.jsonl", GOOD * 50 + b'{"text":null}\n', r"Line 51 of .*'text' holds null, not text"),
    ("a.jsonl", GOOD * 70 + b'{"text":"w', r"Line 71 of .* is not JSON"),
    ("a.jsonl", GOOD + b'{"text":"w\\u0000"}\n', r"Line 2 of .* holds the character NUL"),
    ("a.jsonl", GOOD + b'{"text":"caf\xe9"}\n', r"Line 2 of .* the byte 0xe9, which is not UTF-8"),
    ("a.jsonl", b"[" * 100_000, r"Line 1 of .* is nested too deeply"),
    ("a.json", b'[{"text":"w1"}, {"text":}, {"text":"w2"}]', r"Record 2 of .* is not JSON"),
    ("a.json", b'[{"text":"w1"}, 5]', r"Record 2 of .* is not a JSON object"),
    ("a.json", b'"w1"', r"does not begin with \["),
    ("a.csv", b"text,id\r\nw1,1\r\nw2\r\n", r"Line 3 of .* has 1 cells, the header has 2"),
    ("a.csv", b'text,id\r\n"w1,1\r\n', r"Line 2 of .* is not CSV"),
    ("a.csv", b"text,text\r\nw1,1\r\n", r"names the column 'text' twice"),
    ("a.csv", b"body\r\nw1\r\n", r"Line 2 of .* no column 'text'; its columns are: body"),
    ("a.parquet", b"PAR1 no table PAR1", r"a\.parquet cannot be read as Parquet"),
    ("a.arrow", b"ARROW1 no table", r"a\.arrow cannot be read as Arrow"),
    ("a.jsonl.gz", gzip.compress(GOOD * 999)[:-20], r"cut off or damaged"),
    ("a.jsonl.zst", zstd(GOOD * 999)[:-20], r"cut off or damaged"),
    ("a.jsonl", GOOD.decode().encode("utf-16-le"), r"UTF-16 text without a byte order mark"),
    ("a.jsonl", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", r"Git LFS pointer"),
    ("a.jsonl", b"PK\x03\x04 and more", r"zip archive"),
    ("a.bin", b"anything", r"The format of .*a\.bin is not known; say dataset\.format: .*parquet"),
    ("a.txt", b"\n \n", r"holds no text"),
]


@pytest.mark.parametrize(("name", "content", "message"), FAULTS)
def test_what_is_wrong_with_a_file_is_told_with_its_place(name: str, content: bytes, message: str, tmp_path: Path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidError, match=message):
        load_texts(dataset(tmp_path / name))


def test_text_that_no_table_can_hold_is_one_bad_row(tmp_path: Path):
    broken = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0"), pa.py_buffer(b"a\xff")]
    )
    pq.write_table(pa.table({"text": broken}), tmp_path / "a.parquet")
    with pytest.raises(BadRecordError, match=r"Row 2 of .*a\.parquet: column 'text' is not UTF-8"):
        load_texts(dataset(tmp_path / "a.parquet"))


def test_bad_records_are_skipped_where_that_is_asked_for(tokenizer: LazyTokenizer, tmp_path: Path):
    file = tmp_path / "a.jsonl"
    bad = b'{"text":null}\n' + b"{\n" + b"[]\n" + b'{"text":"\\udc00"}\n' + b'{"text":" "}\n'
    file.write_bytes(json_lines() + bad)
    with pytest.raises(BadRecordError, match="Line 61"):
        prepared(dataset(file), tokenizer, tmp_path)
    found = prepared(dataset(file, on_bad_record="skip"), tokenizer, tmp_path)
    assert (found.read.records, found.read.skipped_records, found.read.empty_records) == (60, 4, 1)
    assert found.read.first_skipped is not None
    assert found.read.first_skipped.startswith(f"Line 61 of {file}")
    file.write_bytes(bad)
    with pytest.raises(InvalidError, match=r"holds no text: 4 records were skipped, the first because: Line 1"):
        prepared(dataset(file, on_bad_record="skip"), tokenizer, tmp_path)


def trained_on(found: PreparedData) -> set[str]:
    return {",".join(map(str, block.tolist())) for block in found.train}


def test_a_file_of_its_own_is_scored_and_nothing_of_it_is_trained_on(tokenizer: LazyTokenizer, tmp_path: Path):
    (tmp_path / "a.jsonl").write_bytes(json_lines())
    # What is scored stands twice in the data.
    again = [{"text": f"  {record['text'].upper()} "} for record in RECORDS[:5]]
    (tmp_path / "held.jsonl").write_bytes(json_lines([*again, {"text": "w39 w38 w37"}]))
    scored = FileEvaluation(path=str(tmp_path / "held.jsonl"))
    found = prepared(dataset(tmp_path / "a.jsonl", evaluation=scored), tokenizer, tmp_path)
    assert (found.read.records, found.read.held_out_records, found.read.overlapping_records) == (
        56,
        6,
        10,
    )
    (tmp_path / "held.jsonl").write_bytes(json_lines([{"text": "w39 w38 w37"}]))
    other = prepared(dataset(tmp_path / "a.jsonl", evaluation=scored), tokenizer, tmp_path)
    assert (other.read.held_out_records, other.read.overlapping_records) == (1, 0)


def test_a_group_is_never_on_both_sides(tokenizer: LazyTokenizer, tmp_path: Path):
    rows = [{"text": f"w{i % 30} w{i % 7}", "author": i % 6} for i in range(60)]
    (tmp_path / "a.jsonl").write_bytes(json_lines(rows))
    data = dataset(tmp_path / "a.jsonl", evaluation=GroupEvaluation(group="author"))
    found = prepared(data, tokenizer, tmp_path)
    assert found.read.held_out_records % 10 == 0
    assert 0 < found.read.held_out_records < 60
    missing = dataset(tmp_path / "a.jsonl", evaluation=GroupEvaluation(group="writer"))
    with pytest.raises(InvalidError, match=r"Line 1 of .* has no column 'writer', which dataset\.evaluation\.group"):
        prepared(missing, tokenizer, tmp_path)


def test_the_same_question_with_another_answer_is_on_the_same_side(tokenizer: LazyTokenizer, tmp_path: Path):
    pairs = [{"q": f"w{i % 20} ?", "a": f"w{i}"} for i in range(60)]
    (tmp_path / "a.jsonl").write_bytes(json_lines(pairs))
    data = dataset(tmp_path / "a.jsonl", fields=PromptFields(prompt="q", completion="a"))
    assert prepared(data, tokenizer, tmp_path).read.held_out_records % 3 == 0


def test_splits_and_slices_of_a_hub_data_set(tokenizer: LazyTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "hf")
    monkeypatch.chdir(tmp_path)
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    (shelf / "train.jsonl").write_bytes(json_lines())
    (shelf / "test.jsonl").write_bytes(json_lines(RECORDS[:3]))
    data = HfDataset(source="hf", id="shelf", split="train[:40]", evaluation=SplitEvaluation(split="test"))
    found = prepared(data, tokenizer, tmp_path)
    assert (found.read.records, found.read.held_out_records, found.read.overlapping_records) == (40, 3, 3)
    assert same(prepared(data, tokenizer, tmp_path), found)


def test_a_stop_is_heard_while_tokenizing(tokenizer: LazyTokenizer, tmp_path: Path):
    (tmp_path / "a.jsonl").write_bytes(json_lines())
    request_stop()
    try:
        with pytest.raises(StoppedError):
            prepared(dataset(tmp_path / "a.jsonl"), tokenizer, tmp_path)
    finally:
        clear_stop()
    assert prepared(dataset(tmp_path / "a.jsonl"), tokenizer, tmp_path).read.records == 60

"""Records of a data set, and the fingerprint of where they came from."""

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from lamina_trainer.contract.settings import (
    DatasetRef,
    FileDataset,
    FileEvaluation,
    HfDataset,
    SplitEvaluation,
    TextField,
)
from lamina_trainer.data.sources import format_of, open_text, shards_of
from lamina_trainer.errors import DatasetError, InvalidError
from lamina_trainer.host.files import remembered_sha256
from lamina_trainer.host.hub import hub_offline

if TYPE_CHECKING:  # importing pyarrow starts a thread, and the warm server forks
    import pyarrow as pa

_ROWS: Final = 1024
"""Rows of a table that are decoded at once."""
_LETTERS: Final = 1 << 20
"""Letters of a JSON array that are read at once."""


class BadRecordError(DatasetError):
    """One record that cannot be used; the sentence says where it stands."""


@dataclass(frozen=True)
class Record:
    """A record as it was read; `where` begins a sentence about it, such as "Line 61 of notes.jsonl"."""

    where: str
    fields: Mapping[str, Any]


class BadRecords:
    """What becomes of records that cannot be used: the first one is an error, or all are counted."""

    def __init__(self, *, skip: bool) -> None:
        self._skip = skip
        self.count = 0
        self.first: str | None = None

    def __call__(self, error: BadRecordError) -> None:
        """Raise the error, or count it."""
        if not self._skip:
            raise error
        self.count += 1
        self.first = self.first or str(error)


Bad = Callable[[BadRecordError], None]


def read_records(dataset: DatasetRef, bad: Bad | None = None) -> Iterator[Record]:
    """All records of the data set, in its order; a paragraph of plain text is in the column of the text.

    Memory does not grow with the data set. `bad` is told of a broken record, and by default raises its
    BadRecordError. Raises InvalidError for a file or network that is missing, and for a file that is damaged.
    """
    told = bad or BadRecords(skip=False)
    return _file_records(dataset, told) if isinstance(dataset, FileDataset) else _hub_records(dataset)


def evaluation_source(dataset: DatasetRef) -> DatasetRef | None:
    """The data set that is scored, where it is one of its own."""
    asked = dataset.evaluation
    if isinstance(dataset, FileDataset) and isinstance(asked, FileEvaluation):
        changes = {"path": asked.path, "format": asked.format, "fingerprint": asked.fingerprint, "evaluation": None}
        return dataset.model_copy(update=changes)
    if isinstance(dataset, HfDataset) and isinstance(asked, SplitEvaluation):
        return dataset.model_copy(update={"split": asked.split, "evaluation": None})
    return None


def describe(dataset: DatasetRef) -> str:
    """Name a data set in a sentence."""
    return dataset.path if isinstance(dataset, FileDataset) else f"{dataset.id} (split {dataset.split})"


def source_key(dataset: DatasetRef, cache: Path) -> list[Any]:
    """Everything that decides what `read_records` gives, for a cache key: files by their content.

    Raises InvalidError if a file's content is not the one that was submitted.
    """
    if isinstance(dataset, HfDataset):
        return [dataset.id, dataset.config, dataset.revision, dataset.split, _hub_table(dataset)._fingerprint]
    shards = shards_of(dataset.path)
    kind = format_of(dataset.path, shards, dataset.format)
    content = files_fingerprint(shards, cache)
    if dataset.fingerprint is not None and dataset.fingerprint.removeprefix("sha256:") != content:
        raise InvalidError(f"The data set {dataset.path} has changed since the experiment was submitted; submit again.")
    return [kind, content]


def files_fingerprint(shards: list[Path], cache: Path) -> str:
    """SHA-256 of a file's bytes; of several, over theirs in hex, a line each. The server computes the same."""
    digests = [remembered_sha256(shard, cache) for shard in shards]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(f"{digest}\n" for digest in digests).encode()).hexdigest()


def bytes_of(dataset: DatasetRef) -> int | None:
    """Size of its files on disk; None for the hub."""
    if isinstance(dataset, HfDataset):
        return None
    return sum(shard.stat().st_size for shard in shards_of(dataset.path))


def _file_records(dataset: FileDataset, bad: Bad) -> Iterator[Record]:
    shards = shards_of(dataset.path)
    kind = format_of(dataset.path, shards, dataset.format)
    for shard in shards:
        if kind in {"parquet", "arrow"}:
            yield from _table_rows(shard, kind)
            continue
        with open_text(shard, "" if kind in {"csv", "tsv"} else None) as file:
            if kind == "text":
                column = dataset.fields.text if isinstance(dataset.fields, TextField) else "text"
                for number, paragraph in enumerate(_paragraphs(file), start=1):
                    yield Record(f"Paragraph {number} of {shard}", {column: paragraph})
            elif kind == "json":
                yield from _json_records(file, shard, bad)
            elif kind == "jsonl":
                yield from _json_lines(file, shard, bad)
            else:
                yield from _csv_rows(file, shard, "\t" if kind == "tsv" else ",", bad)


def _paragraphs(lines: Iterable[str]) -> Iterator[str]:
    paragraph: list[str] = []
    for line in lines:
        if line.strip():
            paragraph.append(line.rstrip("\r\n"))
        elif paragraph:
            yield "\n".join(paragraph)
            paragraph = []
    if paragraph:
        yield "\n".join(paragraph)


def _json_lines(lines: Iterable[str], shard: Path, bad: Bad) -> Iterator[Record]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"Line {number} of {shard}"
        try:
            record = json.loads(line)
        except ValueError as error:
            bad(BadRecordError(f"{where} is not JSON: {getattr(error, 'msg', error)}."))
            continue
        except RecursionError:
            bad(BadRecordError(f"{where} is nested too deeply."))
            continue
        if isinstance(record, dict):
            yield Record(where, record)
        else:
            bad(BadRecordError(f"{where} is not a JSON object."))


def _json_records(file: IO[str], shard: Path, bad: Bad) -> Iterator[Record]:
    """Records of an array, without reading all of it; JSON Lines in a file called .json are read too."""
    buffer, ended = file.read(_LETTERS).lstrip(), False
    if buffer.startswith("{"):
        yield from _json_lines(_lines(buffer, file), shard, bad)
        return
    if not buffer.startswith("["):
        raise InvalidError(f"{shard} is no JSON array of records: it does not begin with [.")
    decoder, number, at, wanted = json.JSONDecoder(), 0, 1, _LETTERS
    while True:
        while at < len(buffer) and buffer[at] in " \t\r\n,":
            at += 1
        if buffer.startswith("]", at):
            return
        try:
            value, at = decoder.raw_decode(buffer, at)
        except json.JSONDecodeError as error:
            cut_off = error.pos >= len(buffer) - 16 or error.msg.startswith("Unterminated")
            if ended or not cut_off:
                raise InvalidError(f"Record {number + 1} of {shard} is not JSON: {error.msg}.") from error
            # It may only be cut off. Reading twice as much each time keeps a long record from being parsed often.
            more = file.read(wanted)
            buffer, at, wanted, ended = buffer[at:] + more, 0, wanted * 2, not more
            continue
        number, wanted = number + 1, _LETTERS
        if isinstance(value, dict):
            yield Record(f"Record {number} of {shard}", value)
        else:
            bad(BadRecordError(f"Record {number} of {shard} is not a JSON object."))


def _lines(start: str, file: IO[str]) -> Iterator[str]:
    *whole, rest = start.split("\n")
    yield from whole
    yield rest + file.readline()
    yield from file


def _csv_rows(file: IO[str], shard: Path, delimiter: str, bad: Bad) -> Iterator[Record]:
    csv.field_size_limit(2**31 - 1)
    rows = csv.reader(file, delimiter=delimiter, strict=True)
    names: list[str] | None = None
    while True:
        where = f"Line {rows.line_num + 1} of {shard}"
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            bad(BadRecordError(f"{where} is not {'TSV' if delimiter == chr(9) else 'CSV'}: {error}."))
            continue
        if not cells:
            continue
        if names is None:
            names = [name.strip() for name in cells]
            twice = [one for one, other in pairwise(sorted(names)) if one == other]
            if twice:
                raise InvalidError(f"{where}, the header, names the column '{twice[0]}' twice.")
        elif len(cells) == len(names):
            yield Record(where, dict(zip(names, cells, strict=True)))
        else:
            bad(BadRecordError(f"{where} has {len(cells)} cells, the header has {len(names)}."))


class _Row(Mapping[str, Any]):
    """A row of a table, decoded where it is asked for."""

    def __init__(self, batch: "pa.RecordBatch | pa.Table", index: int, where: str) -> None:
        self._batch, self._index, self._where = batch, index, where

    def __getitem__(self, column: str) -> Any:
        if column not in self._batch.schema.names:
            raise KeyError(column)
        try:
            return self._batch.column(column)[self._index].as_py()
        except UnicodeDecodeError as error:
            raise BadRecordError(f"{self._where}: column '{column}' is not UTF-8 text.") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._batch.schema.names)

    def __len__(self) -> int:
        return len(self._batch.schema.names)


def _table_rows(shard: Path, kind: str) -> Iterator[Record]:
    import pyarrow as pa

    number = 0
    try:
        for batch in _parquet_batches(shard) if kind == "parquet" else _arrow_batches(shard):
            for index in range(batch.num_rows):
                number += 1
                where = f"Row {number} of {shard}"
                yield Record(where, _Row(batch, index, where))
    except (pa.ArrowException, OSError) as error:
        name = {"parquet": "Parquet", "arrow": "Arrow"}[kind]
        raise InvalidError(f"{shard} cannot be read as {name}: {str(error).splitlines()[0]}.") from error


def _parquet_batches(shard: Path) -> "Iterator[pa.RecordBatch]":
    import pyarrow.parquet as pq

    with pq.ParquetFile(shard, memory_map=True) as file:
        yield from file.iter_batches(batch_size=_ROWS)


def _arrow_batches(shard: Path) -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa

    with pa.memory_map(str(shard)) as source:
        if source.read(6) == b"ARROW1":
            file = pa.ipc.open_file(source)
            yield from (file.get_batch(index) for index in range(file.num_record_batches))
        else:
            source.seek(0)
            yield from pa.ipc.open_stream(source)


def _hub_records(dataset: HfDataset) -> Iterator[Record]:
    number, name = 0, _hub_name(dataset)
    for batch in _hub_table(dataset).with_format("arrow").iter(batch_size=_ROWS):
        for index in range(batch.num_rows):
            number += 1
            where = f"Record {number} of the {name}"
            yield Record(where, _Row(batch, index, where))


def _hub_name(dataset: HfDataset) -> str:
    return f"data set {dataset.id}" + (f" ({dataset.config})" if dataset.config else "")


def _hub_table(dataset: HfDataset) -> Any:
    offline = hub_offline()
    import datasets

    name = _hub_name(dataset)
    try:
        return datasets.load_dataset(dataset.id, dataset.config, revision=dataset.revision, split=dataset.split)
    except Exception as error:
        # The library raises a dozen unrelated types here; none of them can be cured by a retry of ours.
        if offline:
            raise InvalidError(
                f"The {name} is not in the local hub cache, and the hub cannot be asked without a network."
            ) from error
        raise InvalidError(f"The {name} cannot be loaded from the hub: {error}") from error

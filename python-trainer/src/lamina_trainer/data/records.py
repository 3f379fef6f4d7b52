"""Records of a data set, and the fingerprint of where they came from."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamina_trainer.contract.document import write_document
from lamina_trainer.contract.settings import DatasetRef, FileDataset, HfDataset, TextField
from lamina_trainer.errors import InvalidError
from lamina_trainer.host.files import remembered_sha256
from lamina_trainer.host.hub import hub_offline


class BadRecordError(InvalidError):
    """One record that cannot be used; the sentence says where it stands."""


@dataclass(frozen=True)
class Record:
    """A record as it was read; `where` begins a sentence about it, such as "Line 61 of notes.jsonl"."""

    where: str
    fields: Mapping[str, Any]


def read_records(dataset: DatasetRef) -> Iterator[Record]:
    """All records of the data set, in its order; a paragraph of plain text is in the column of the text.

    Raises BadRecordError for a broken record, InvalidError for a file or network that is missing.
    """
    return _file_records(dataset) if isinstance(dataset, FileDataset) else _hub_records(dataset)


def describe(dataset: DatasetRef) -> str:
    """Name a data set in a sentence."""
    return dataset.path if isinstance(dataset, FileDataset) else f"{dataset.id} (split {dataset.split})"


def dataset_fingerprint(dataset: DatasetRef, cache: Path) -> str:
    """SHA-256 over the file's bytes and how they are read; for the hub over the records themselves.

    Raises InvalidError if a file's content is not the one that was submitted.
    """
    digest = hashlib.sha256()
    fields = "null" if dataset.fields is None else write_document(dataset.fields)
    if isinstance(dataset, FileDataset):
        content = remembered_sha256(_existing(dataset), cache)
        if dataset.fingerprint is not None and dataset.fingerprint.removeprefix("sha256:") != content:
            raise InvalidError(
                f"The data set {dataset.path} has changed since the experiment was submitted; submit again."
            )
        how = f"{dataset.format}\n{fields}\n{content}"
        digest.update(how.encode())
    else:
        for record in read_records(dataset):
            encoded = json.dumps(record.fields, sort_keys=True, default=str).encode()
            digest.update(len(encoded).to_bytes(8, "big"))
            digest.update(encoded)
        digest.update(fields.encode())
    asked = {
        name: value
        for name in ("loss", "chat_template", "special_tokens")
        if (value := getattr(dataset, name)) is not None
    }
    if asked:
        digest.update(json.dumps(asked, sort_keys=True).encode())
    return digest.hexdigest()


def _existing(dataset: FileDataset) -> Path:
    path = Path(dataset.path)
    if not path.is_file():
        raise InvalidError(f"The data set {dataset.path} does not exist or is not a file.")
    return path


def _file_records(dataset: FileDataset) -> Iterator[Record]:
    path = _existing(dataset)
    try:
        with path.open(encoding="utf-8") as file:
            if dataset.format == "text":
                column = dataset.fields.text if isinstance(dataset.fields, TextField) else "text"
                for number, paragraph in enumerate(_paragraphs(file), start=1):
                    yield Record(f"Paragraph {number} of {dataset.path}", {column: paragraph})
            else:
                yield from _json_lines(file, dataset.path)
    except UnicodeDecodeError as error:
        raise InvalidError(f"The data set {dataset.path} is not UTF-8 text: {error.reason}.") from error
    except OSError as error:
        raise InvalidError(f"The data set {dataset.path} cannot be read: {error.strerror}.") from error


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


def _json_lines(lines: Iterable[str], path: str) -> Iterator[Record]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"Line {number} of {path}"
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise BadRecordError(f"{where} is not JSON: {error.msg}.") from error
        if not isinstance(record, dict):
            raise BadRecordError(f"{where} is not a JSON object.")
        yield Record(where, record)


def _hub_records(dataset: HfDataset) -> Iterator[Record]:
    offline = hub_offline()
    import datasets

    name = f"data set {dataset.id}" + (f" ({dataset.config})" if dataset.config else "")
    try:
        table = datasets.load_dataset(dataset.id, dataset.config, revision=dataset.revision, split=dataset.split)
    except Exception as error:
        # The library raises a dozen unrelated types here; none of them can be cured by a retry of ours.
        if offline:
            raise InvalidError(
                f"The {name} is not in the local hub cache, and the hub cannot be asked without a network."
            ) from error
        raise InvalidError(f"The {name} cannot be loaded from the hub: {error}") from error
    for number, record in enumerate(table, start=1):
        yield Record(f"Record {number} of the {name}", record)

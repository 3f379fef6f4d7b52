"""Records of a data set as texts, and the fingerprint of where they came from."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lamina_trainer.contract.document import write_document
from lamina_trainer.contract.settings import DatasetRef, FileDataset, HfDataset, TextField, TextFields
from lamina_trainer.errors import InvalidError
from lamina_trainer.host.files import remembered_sha256
from lamina_trainer.host.hub import hub_offline


def load_texts(dataset: DatasetRef) -> list[str]:
    """All non-empty texts of the data set, in its order.

    With `prompt` and `completion` the text is the one followed directly by the other. Raises
    InvalidError for a missing file, column or network, a wrong line, or a data set without text.
    """
    texts = _file_texts(dataset) if isinstance(dataset, FileDataset) else _hub_texts(dataset)
    kept = [text for text in texts if text.strip()]
    if not kept:
        raise InvalidError(f"The data set {describe(dataset)} holds no text.")
    return kept


def describe(dataset: DatasetRef) -> str:
    """Name a data set in a sentence."""
    return dataset.path if isinstance(dataset, FileDataset) else f"{dataset.id} (split {dataset.split})"


def dataset_fingerprint(dataset: DatasetRef, cache: Path) -> str:
    """SHA-256 over the file's bytes and how they are read; for the hub over the texts themselves.

    Raises InvalidError if a file's content is not the one that was submitted.
    """
    digest = hashlib.sha256()
    if isinstance(dataset, FileDataset):
        content = remembered_sha256(_existing(dataset), cache)
        if dataset.fingerprint is not None and dataset.fingerprint.removeprefix("sha256:") != content:
            raise InvalidError(
                f"The data set {dataset.path} has changed since the experiment was submitted; submit again."
            )
        how = f"{dataset.format}\n{write_document(dataset.fields)}\n{content}"
        digest.update(how.encode())
    else:
        for text in load_texts(dataset):
            encoded = text.encode()
            digest.update(len(encoded).to_bytes(8, "big"))
            digest.update(encoded)
    return digest.hexdigest()


def _existing(dataset: FileDataset) -> Path:
    path = Path(dataset.path)
    if not path.is_file():
        raise InvalidError(f"The data set {dataset.path} does not exist or is not a file.")
    return path


def _file_texts(dataset: FileDataset) -> Iterator[str]:
    path = _existing(dataset)
    try:
        with path.open(encoding="utf-8") as file:
            if dataset.format == "text":
                yield from _paragraphs(file)
            else:
                yield from _json_lines(file, dataset)
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


def _json_lines(lines: Iterable[str], dataset: FileDataset) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"Line {number} of {dataset.path}"
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise InvalidError(f"{where} is not JSON: {error.msg}.") from error
        if not isinstance(record, dict):
            raise InvalidError(f"{where} is not a JSON object.")
        yield _text_of(record, dataset.fields, where)


def _columns(fields: TextFields) -> tuple[str, ...]:
    return (fields.text,) if isinstance(fields, TextField) else (fields.prompt, fields.completion)


def _text_of(record: Mapping[str, Any], fields: TextFields, where: str) -> str:
    parts: list[str] = []
    for column in _columns(fields):
        if column not in record:
            present = ", ".join(sorted(record)) or "none"
            raise InvalidError(f"{where} has no column '{column}'; its columns are: {present}.")
        value = record[column]
        if not isinstance(value, str):
            raise InvalidError(f"{where}: column '{column}' holds {type(value).__name__}, not text.")
        parts.append(value)
    return "".join(parts)


def _hub_texts(dataset: HfDataset) -> Iterator[str]:
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
    missing = [column for column in _columns(dataset.fields) if column not in table.column_names]
    if missing:
        raise InvalidError(
            f"The {name} has no column '{missing[0]}'; its columns are: {', '.join(table.column_names)}."
        )
    for index, record in enumerate(table):
        yield _text_of(record, dataset.fields, f"Record {index} of the {name}")

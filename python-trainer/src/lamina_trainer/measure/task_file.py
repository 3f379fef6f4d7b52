"""A task file of lm-evaluation-harness and its data, read without running anything that they name."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from lamina_trainer.contract.settings import TaskFile
from lamina_trainer.errors import InvalidError

KINDS: Final = ("multiple_choice", "loglikelihood", "loglikelihood_rolling", "generate_until")
_CODE: Final = ("include", "group", "dataset_name", "custom_dataset", "process_docs", "process_results")
"""What would bring in something that the fingerprint does not cover, or run code of its own."""


@dataclass(frozen=True)
class TaskDefinition:
    """One task: its settings for the harness, its records by split, and what they were read from."""

    name: str
    config: Mapping[str, Any]
    records: Mapping[str, Sequence[Mapping[str, Any]]]
    file_sha256: str
    data_sha256: str


def read_task(source: TaskFile) -> TaskDefinition:
    """Read a task and the data it names; raises InvalidError for what needs a network or code of its own."""
    path = Path(source.path)
    content = _bytes(path)
    config = _parse(path, content)
    name = config.get("task")
    if not isinstance(name, str) or not name:
        raise InvalidError(f"{path}: 'task' must name the task.")
    for key in _CODE:
        if key in config:
            raise InvalidError(f"{path}: '{key}' is not supported; a task is one file with data of its own.")
    if config.get("output_type", "generate_until") not in KINDS:
        raise InvalidError(f"{path}: unknown output_type '{config['output_type']}'; known: {', '.join(KINDS)}.")
    if config.get("dataset_path") != "json":
        raise InvalidError(f"{path}: 'dataset_path' must be json, with local files in dataset_kwargs.data_files.")
    records: dict[str, list[Mapping[str, Any]]] = {}
    digest = hashlib.sha256()
    where = {data.name: Path(data.path) for data in source.data}
    for split, files in _data_files(path, config).items():
        for file in files:
            found = where.get(file, path.parent / file)
            data = _bytes(found)
            digest.update(f"{split}\n{hashlib.sha256(data).hexdigest()}\n".encode())
            records.setdefault(split, []).extend(_records(found, data))
    scored = config.get("test_split") or config.get("validation_split")
    if scored not in records:
        raise InvalidError(f"{path}: test_split names '{scored}', and data_files has {', '.join(records)}.")
    kept = {key: value for key, value in config.items() if key not in ("dataset_path", "dataset_kwargs")}
    return TaskDefinition(name, kept, records, hashlib.sha256(content).hexdigest(), digest.hexdigest())


def _parse(path: Path, content: bytes) -> dict[str, Any]:
    try:
        config = yaml.safe_load(content)
    except yaml.constructor.ConstructorError as error:
        raise InvalidError(f"{path}: {error.problem}: tags such as !function are not supported.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidError(f"{path} is not YAML: {error}") from error
    if not isinstance(config, dict):
        raise InvalidError(f"{path} is not a task file: it must be a mapping.")
    return config


def _data_files(path: Path, config: Mapping[str, Any]) -> dict[str, list[str]]:
    kwargs = config.get("dataset_kwargs")
    files = kwargs.get("data_files") if isinstance(kwargs, dict) and set(kwargs) == {"data_files"} else None
    if not isinstance(files, dict) or not files:
        raise InvalidError(f"{path}: dataset_kwargs must be data_files alone: files by split, as {{test: test.jsonl}}.")
    found: dict[str, list[str]] = {}
    for split, names in files.items():
        listed = names if isinstance(names, list) else [names]
        if not all(isinstance(name, str) and name for name in listed):
            raise InvalidError(f"{path}: data_files.{split} must be a file or a list of files.")
        found[str(split)] = listed
    return found


def _records(path: Path, content: bytes) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for number, line in enumerate(content.decode(errors="replace").splitlines(), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            raise InvalidError(f"{path}: line {number} is not a JSON object.")
        found.append(record)
    if not found:
        raise InvalidError(f"{path} has no records.")
    return found


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidError(f"{path} cannot be read: {error.strerror}.") from error

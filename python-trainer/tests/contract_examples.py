"""Example documents, as the tests of the scheduler read them: a valid one per contract, and changes to it."""

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).resolve().parents[2] / "tests" / "contract" / "examples"


@dataclass(frozen=True)
class Example:
    """A row of the table that the scheduler's tests go through as well."""

    kind: str
    name: str
    document: Any
    read: Any
    """The document as it is read where it is accepted."""
    wrong: list[str]
    """JSON pointers to what is wrong, sorted; empty: the document is accepted."""


def examples_of(kind: str) -> list[Example]:
    table = json.loads((_FOLDER / f"{kind}.json").read_text())
    examples = []
    for case in [{"name": "base"}, *table["cases"]]:
        document = changed(table["base"], case)
        read = changed(document, {"set": case.get("reads", {})})
        examples.append(Example(kind, case["name"], document, read, sorted(case.get("wrong", []))))
    return examples


def changed(base: Any, case: dict[str, Any]) -> Any:
    document = copy.deepcopy(base)
    for pointer, value in case.get("set", {}).items():
        parent, key = resolve(document, pointer)
        parent[key] = value
    for pointer in case.get("remove", []):
        parent, key = resolve(document, pointer)
        del parent[key]
    return document


def resolve(document: Any, pointer: str) -> tuple[Any, Any]:
    """What holds the value that a pointer names, and the last key."""
    *way, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    node = document
    for part in way:
        node = node[int(part) if isinstance(node, list) else part]
    return node, int(last) if isinstance(node, list) else last


def example(kind: str, name: str) -> Any:
    """The document of one row."""
    return next(row.document for row in examples_of(kind) if row.name == name)


def without_nulls(document: Any, named: Any) -> Any:
    """A document without the nulls that reading filled in and the other does not name: no example has to name them."""
    if isinstance(document, list) and isinstance(named, list):
        return [without_nulls(one, named[at] if at < len(named) else None) for at, one in enumerate(document)]
    if not isinstance(document, dict) or not isinstance(named, dict):
        return document
    kept = {key: value for key, value in document.items() if value is not None or key in named}
    return {key: without_nulls(value, named.get(key)) for key, value in kept.items()}

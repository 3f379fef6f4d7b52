"""The pydantic models and the JSON Schemas generated from the scheduler's side say yes and no alike."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from contract_examples import Example, examples_of, without_nulls
from lamina_trainer.contract import result, trial
from lamina_trainer.contract.document import Document, parse_document, problems, write_document
from lamina_trainer.contract.generation import GenerateRequest, GenerationResult
from lamina_trainer.contract.search import AdvanceStudyInput, AdvanceStudyOutput
from lamina_trainer.errors import InvalidError

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "python-trainer" / "contracts"
KINDS: dict[str, type[Document]] = {
    "trial-request": trial.TrialRequest,
    "generate-request": GenerateRequest,
    "generation-result": GenerationResult,
    "trial-result": result.TrialResult,
    "trial-exit": trial.TrialExit,
    "event-batch": trial.EventBatch,
    "event-receipt": trial.EventReceipt,
    "advance-study-input": AdvanceStudyInput,
    "advance-study-output": AdvanceStudyOutput,
}
DISCRIMINATORS = ("kind", "source", "strategy", "type")
VALIDATORS = {kind: Draft202012Validator(json.loads((SCHEMAS / f"{kind}.schema.json").read_text())) for kind in KINDS}


def wrong_in(kind: str, document: Any) -> list[str]:
    """JSON pointers to what pydantic finds wrong, sorted. What fits no member of a union is wrong as a whole."""
    try:
        KINDS[kind].model_validate_json(json.dumps(document), by_alias=True, by_name=False)
    except ValidationError as error:
        return sorted({pointer_of(document, item) for item in problems(error)})
    return []


def pointer_of(document: Any, item: ErrorDetails) -> str:
    """The path of one error. Its location also names the chosen member of a union, which is no part of the document."""
    parts: list[str] = []
    node = document
    chosen = None
    for part in item["loc"]:
        if isinstance(node, dict) and node is not chosen and part in (node.get(name) for name in DISCRIMINATORS):
            chosen = node
            continue
        if isinstance(node, list) and isinstance(part, int):
            node = node[part]
        elif isinstance(node, dict) and (part in node or item["type"] == "missing"):
            if part not in node and part is not item["loc"][-1]:
                break
            node = node.get(part)
        else:
            break
        parts.append(str(part).replace("~", "~0").replace("/", "~1"))
    if item["type"].startswith("union_tag"):
        parts.append(item["ctx"]["discriminator"].strip("'"))
    return "".join(f"/{part}" for part in parts)


TABLE = {kind: examples_of(kind) for kind in KINDS}
ACCEPTED = [example for examples in TABLE.values() for example in examples if not example.wrong]
EVERY = [example for examples in TABLE.values() for example in examples]


def accepts(kind: str, document: Any) -> bool:
    return wrong_in(kind, document) == []


def title(example: Example) -> str:
    return f"{example.kind}: {example.name}"


@pytest.mark.parametrize("example", EVERY, ids=title)
def test_models_and_schemas_answer_as_the_table_says(example: Example):
    assert wrong_in(example.kind, example.document) == example.wrong
    assert VALIDATORS[example.kind].is_valid(example.document) == (example.wrong == [])


@pytest.mark.parametrize("example", ACCEPTED, ids=title)
def test_accepted_documents_are_written_as_the_table_says_they_are_read(example: Example):
    read = parse_document(KINDS[example.kind], json.dumps(example.document))
    assert without_nulls(json.loads(write_document(read)), example.read) == example.read


def mutations(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every single change to a document: a field gone, a field more, a value of another type or sign."""

    def changed(at: tuple[Any, ...], change: Any) -> Any:
        result = copy.deepcopy(root)
        node = result
        for part in at[:-1]:
            node = node[part]
        change(node, at[-1])
        return result

    root = document

    def walk(node: Any, at: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, value in items:
            here = (*at, key)
            name = ".".join(map(str, here))
            if isinstance(node, dict):
                yield f"without {name}", changed(here, lambda parent, last: parent.pop(last))
            for other in (None, True, -1, 0, 0.5, 10**17, "", "other", [], {}):
                yield (
                    f"{name} = {other!r}",
                    changed(here, lambda parent, last, other=other: parent.__setitem__(last, other)),
                )
            yield from walk(value, here)
        if isinstance(node, dict) and at:
            yield (
                f"more in {'.'.join(map(str, at))}",
                changed((*at, "surplus"), lambda parent, last: parent.__setitem__(last, 1)),
            )

    yield from walk(root, path)


@pytest.mark.parametrize("example", ACCEPTED, ids=title)
def test_models_and_schema_agree_on_every_single_change(example: Example):
    kind = example.kind
    seen = {True: 0, False: 0}
    disagreements = []
    for name, mutant in mutations(example.document):
        by_schema = VALIDATORS[kind].is_valid(mutant)
        seen[by_schema] += 1
        if accepts(kind, mutant) != by_schema:
            disagreements.append(f"{name}: schema says {by_schema}")
    assert disagreements == []
    assert seen[False] > 10


def test_every_wrong_field_is_named_at_once():
    document = copy.deepcopy(TABLE["trial-request"][0].document)
    document["attempt"] = 0
    del document["settings"]["training"]["steps"]
    with pytest.raises(InvalidError, match=r"attempt.*settings\.training\.steps|steps.*attempt"):
        parse_document(trial.TrialRequest, json.dumps(document))


def test_documents_are_immutable():
    receipt = trial.EventReceipt(accepted=1, last_seq=1)
    assert isinstance(receipt, BaseModel)
    with pytest.raises(ValueError, match="frozen"):
        receipt.last_seq = 2  # type: ignore[misc]

"""The pydantic models and the JSON Schemas generated from the scheduler's side say yes and no alike."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from lamina_trainer.contract import trial as contract
from lamina_trainer.contract.document import parse_document, write_document
from lamina_trainer.errors import EXIT_CODES, InvalidError
from lamina_trainer.generate.contract import GenerateRequest, GenerationResult
from lamina_trainer.tuner.contract import AdvanceStudyInput, AdvanceStudyOutput

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "python-trainer" / "contracts"
EXAMPLES = ROOT / "tests" / "contract" / "examples"
KINDS: dict[str, type[contract.Document]] = {
    "trial-request": contract.TrialRequest,
    "generate-request": GenerateRequest,
    "generation-result": GenerationResult,
    "trial-result": contract.TrialResult,
    "trial-exit": contract.TrialExit,
    "event-batch": contract.EventBatch,
    "event-receipt": contract.EventReceipt,
    "advance-study-input": AdvanceStudyInput,
    "advance-study-output": AdvanceStudyOutput,
}
VALIDATORS = {kind: Draft202012Validator(json.loads((SCHEMAS / f"{kind}.schema.json").read_text())) for kind in KINDS}
VALID = sorted((EXAMPLES / "valid").glob("*.json"))
INVALID = sorted((EXAMPLES / "invalid").glob("*.json"))


def kind_of(file: Path) -> str:
    return file.name.split(".")[0]


def accepts(kind: str, document: Any) -> bool:
    try:
        parse_document(KINDS[kind], json.dumps(document))
    except InvalidError:
        return False
    return True


def test_there_are_examples_of_every_kind():
    assert {kind_of(file) for file in VALID} == set(KINDS)
    assert {kind_of(file) for file in INVALID} == set(KINDS)


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_valid_examples_survive_a_round_trip(file: Path):
    kind = kind_of(file)
    document = json.loads(file.read_text())
    VALIDATORS[kind].validate(document)
    assert json.loads(write_document(parse_document(KINDS[kind], file.read_bytes()))) == document


@pytest.mark.parametrize("file", INVALID, ids=lambda file: file.stem)
def test_invalid_examples_are_refused_by_both(file: Path):
    kind = kind_of(file)
    document = json.loads(file.read_text())
    assert not VALIDATORS[kind].is_valid(document)
    assert not accepts(kind, document)


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


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_models_and_schema_agree_on_every_single_change(file: Path):
    kind = kind_of(file)
    document = json.loads(file.read_text())
    seen = {True: 0, False: 0}
    disagreements = []
    for name, changed in mutations(document):
        by_schema = VALIDATORS[kind].is_valid(changed)
        seen[by_schema] += 1
        if accepts(kind, changed) != by_schema:
            disagreements.append(f"{name}: schema says {by_schema}")
    assert disagreements == []
    assert seen[False] > 10


def test_exit_codes_are_the_schedulers():
    assert json.loads((SCHEMAS / "exit-codes.json").read_text()) == EXIT_CODES


def test_every_wrong_field_is_named_at_once():
    file = next(file for file in VALID if kind_of(file) == "trial-request")
    document = json.loads(file.read_text())
    document["attempt"] = 0
    del document["settings"]["training"]["steps"]
    with pytest.raises(InvalidError, match=r"attempt.*settings\.training\.steps|steps.*attempt"):
        parse_document(contract.TrialRequest, json.dumps(document))


def test_documents_are_immutable():
    receipt = contract.EventReceipt(accepted=1, last_seq=1)
    assert isinstance(receipt, BaseModel)
    with pytest.raises(ValueError, match="frozen"):
        receipt.last_seq = 2  # type: ignore[misc]

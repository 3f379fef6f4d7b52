"""Studies to test the tuner with."""

import json
from typing import Any

from lamina_trainer.contract.document import parse_document
from lamina_trainer.contract.search import AdvanceStudyInput
from lamina_trainer.tuner.advance import advance
from lamina_trainer.tuner.check import check
from lamina_trainer.tuner.studies import Storage

LEARNING_RATE = {"kind": "float", "low": 1e-5, "high": 1e-1, "log": True, "step": None}
RANK = {"kind": "int", "low": 4, "high": 64, "log": False, "step": 4}
PRECISION = {"kind": "categorical", "choices": ["bf16", "nf4"]}
PARAMETERS = {"training.learningRate": LEARNING_RATE, "lora.r": RANK, "precision": PRECISION}


def study(name: str = "study", **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "sampler": "tpe",
        "seed": 7,
        "directions": ["minimize"],
        "parameters": PARAMETERS,
        "pruner": None,
        **fields,
    }


def complete(number: int, *values: float) -> dict[str, Any]:
    return {"number": number, "state": "complete", "values": list(values)}


def report(number: int, step: int, value: float) -> dict[str, Any]:
    return {"number": number, "step": step, "value": value}


def step(storage: Storage, of: dict[str, Any], told: Any = (), reports: Any = (), asked: Any = ()) -> dict[str, Any]:
    """One activity, without Temporal; documents in and out."""
    document = {"study": of, "told": list(told), "reports": list(reports), "asked": list(asked)}
    wanted = parse_document(AdvanceStudyInput, json.dumps(document))
    check(wanted)
    with storage.study(wanted.study.name) as opened:
        return advance(opened, wanted).model_dump(mode="json", by_alias=True)

"""What the scheduler asks of a generation and gets back, as in domain/contract/generation.ts."""

import json
from collections.abc import Mapping
from typing import Any, Literal

from lamina_trainer.contract.document import Bytes, Count, Document, Positive
from lamina_trainer.contract.settings import Plan
from lamina_trainer.generate.report import Report
from lamina_trainer.generate.spec import GenerationSpec


class GeneratePaths(Document):
    """Folders of an attempt; `checkpoints` holds the answers that were paid for, for all experiments."""

    output: str
    checkpoints: str
    cache: str
    datasets: str
    """Data sets, each in a folder named by the SHA-256 of its content."""


class GenerateRequest(Document):
    """Asks for a data set."""

    contract: Literal["lamina/v1"]
    kind: Literal["generate"]
    experiment_id: str
    trial_id: str
    attempt: Positive
    attempt_id: str
    spec: GenerationSpec
    plan: Plan
    paths: GeneratePaths
    events_url: str | None


class GeneratedFile(Document):
    """Where the data set is, below the folder of data sets."""

    path: str
    sha256: str
    bytes: Bytes
    records: Count


class GenerationResult(Document):
    """What a finished generation leaves behind."""

    contract: Literal["lamina/v1"]
    kind: Literal["generation"]
    trial_id: str
    attempt_id: str
    status: Literal["succeeded"]
    dataset: GeneratedFile
    report: Report


def asks_for_data(text: bytes) -> bool:
    """Whether a request is of this kind; of a text that is no request, validation will say more."""
    try:
        document: Any = json.loads(text)
    except ValueError:
        return False
    return isinstance(document, Mapping) and document.get("kind") == "generate"

"""Answers questions for profiles, a line of JSON each."""

import json
import sys
import time
from typing import Any, TextIO

from lamina_trainer.contract.document import Document
from lamina_trainer.errors import InvalidError
from lamina_trainer.memory_trace.profile import profile
from lamina_trainer.memory_trace.step import TracedRun


class Question(Document):
    """A model's configuration, a run of it, and the micro-batch it was asked for with."""

    id: int
    config: dict[str, Any]
    run: TracedRun
    micro_batch: int


def serve(questions: TextIO, answers: TextIO) -> int:
    """Answer until the input ends. Every answer names its question; one that failed says why."""
    import peft  # noqa: F401 - loaded before the first question is timed
    import transformers

    transformers.logging.set_verbosity_error()
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in questions:
        if line.strip():
            print(json.dumps(answer(line)), file=answers, flush=True)
    return 0


def answer(line: str) -> dict[str, Any]:
    """Answer one question; models that transformers cannot build, or follow without values, are an error text."""
    began = time.perf_counter()
    number = None
    try:
        fields = json.loads(line)
        number = fields.get("id")
        question = Question.model_validate(fields)
        found = profile(question.config, question.run, question.micro_batch)
    except InvalidError as error:
        return {"id": number, "error": str(error)}
    except Exception as error:  # noqa: BLE001 - modeling code fails in its own ways where there are no values
        text = (str(error).strip().splitlines() or [""])[0]
        return {"id": number, "error": f"its step cannot be followed: {type(error).__name__}: {text}"[:300]}
    return {"id": number, "profile": found.model_dump(by_alias=True), "seconds": time.perf_counter() - began}


def main() -> int:
    """Serve standard input and output; what libraries print goes to standard error."""
    answers, sys.stdout = sys.stdout, sys.stderr
    return serve(sys.stdin, answers)

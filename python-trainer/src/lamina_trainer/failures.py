"""The scheduler's registry of failures (`npm run generate` writes the file from `domain/failures/registry.ts`)."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_REGISTRY: Final[Any] = json.loads(Path(__file__).with_name("failures.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Failure:
    """One class of failure that the trainer can end with."""

    exit: str
    """The name of the exit code."""
    words: str
    """What happened; the cause is quoted after it."""
    signs: Sequence[re.Pattern[str]]
    """Any of them in an exception's words names this cause."""


EXIT_CODES: Final[Mapping[str, int]] = _REGISTRY["exitCodes"]
"""Exit codes by the names that exit.json gives as its reason."""

FAILURES: Final[Sequence[Failure]] = tuple(
    Failure(one["exit"], one["words"], tuple(re.compile(sign, re.IGNORECASE) for sign in one["signs"]))
    for one in _REGISTRY["failures"]
)
"""In order of precedence."""


def named_by(error: BaseException) -> Failure | None:
    """Find the failure that an exception's type or words name."""
    kinds = type(error).__mro__
    # Also as torch writes them: this module must not import torch to know them.
    names = [kind.__name__ for kind in kinds] + [f"{kind.__module__}.{kind.__qualname__}" for kind in kinds]
    text = "\n".join([*names, str(error)])
    return next((one for one in FAILURES if any(sign.search(text) for sign in one.signs)), None)

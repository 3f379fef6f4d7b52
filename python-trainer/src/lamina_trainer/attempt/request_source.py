"""Where an attempt's request comes from: a file, or a variable of the environment."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lamina_trainer.errors import InvalidError


@dataclass(frozen=True)
class Outline:
    """The fields of a request that are needed before anything large is imported."""

    output: Path
    cache: Path
    gpus: int


@dataclass(frozen=True)
class RequestSource:
    """A request's text, or the reason why there is none."""

    text: bytes
    failure: str | None
    folder: Path | None
    """Folder of exit.json until the request has named one; None: it is not written."""

    @classmethod
    def from_file(cls, file: Path) -> Self:
        """Read a file."""
        try:
            return cls(file.read_bytes(), None, file.parent)
        except OSError as error:
            return cls(b"", f"The request {file} cannot be read: {error.strerror}.", file.parent)

    @classmethod
    def from_environment(cls, name: str) -> Self:
        """Take a variable out of the environment: what the trial starts does not need it."""
        text = os.environ.pop(name, None)
        if text is None:
            return cls(b"", f"The variable {name}, which should hold the request, is not set.", None)
        return cls(text.encode(errors="surrogateescape"), None, None)

    def read(self) -> bytes:
        """The text; raises InvalidError if there is none."""
        if self.failure is not None:
            raise InvalidError(self.failure)
        return self.text

    def outline(self) -> Outline | None:
        """The few fields needed early; None where they cannot be found, which validation will explain."""
        try:
            document = json.loads(self.text)
            paths = document["paths"]
            return Outline(Path(paths["output"]), Path(paths["cache"]), int(document["plan"]["gpus"]))
        except (ValueError, KeyError, TypeError):
            return None

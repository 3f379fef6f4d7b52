"""A journal of answers that were paid for, which survives crashes and power cuts."""

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lamina_trainer.errors import InvalidError


@dataclass(frozen=True)
class Answer:
    """What the endpoint said. Tokens as it counted them, null where it does not say."""

    text: str
    finish: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    model: str | None


class Journal:
    """A file that only grows: a line when a request leaves, a line, synced to the disk, when it is answered.

    One process at a time. A line that a crash cut off is overwritten by the next, as its answer was never
    reported as there.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self.answers: dict[str, Answer] = {}
        self.sent: dict[str, int] = {}
        """How often each request left, in all runs."""
        self._file = path.open("a+b")
        try:
            self._read(path)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._file.close()

    def send(self, key: str) -> None:
        """Note that a request is about to leave, so that one without an answer is known to have been paid perhaps."""
        with self._lock:
            self._append({"sent": key})
            self.sent[key] = self.sent.get(key, 0) + 1

    def answer(self, key: str, answer: Answer) -> None:
        """Keep an answer; when this returns it survives a power cut."""
        with self._lock:
            self._append({"answered": key, **asdict(answer)})
            os.fsync(self._file.fileno())
            self.answers.setdefault(key, answer)

    def _append(self, entry: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        self._file.flush()

    def _read(self, path: Path) -> None:
        self._file.seek(0)
        content = self._file.read()
        whole = content.rfind(b"\n") + 1
        for number, line in enumerate(content[:whole].split(b"\n")[:-1], start=1):
            try:
                entry = json.loads(line)
                if "sent" in entry:
                    self.sent[entry["sent"]] = self.sent.get(entry["sent"], 0) + 1
                else:
                    self.answers.setdefault(entry.pop("answered"), Answer(**entry))
            except (ValueError, TypeError, KeyError) as error:
                raise InvalidError(
                    f"Line {number} of {path} is damaged; remove that line, and its answer will be asked for again."
                ) from error
        if whole < len(content):
            self._file.truncate(whole)

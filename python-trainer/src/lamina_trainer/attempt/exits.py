"""Turns an exception into an exit code and one sentence for the user."""

import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lamina_trainer.contract.document import Document, write_document
from lamina_trainer.contract.result import TrialResult
from lamina_trainer.contract.trial import TrialExit
from lamina_trainer.errors import EXIT_RESUMABLE, InvalidError, StoppedError, Subject
from lamina_trainer.failures import EXIT_CODES, named_by
from lamina_trainer.host.files import write_atomic

_log = logging.getLogger(__name__)

_TERMINATION_BYTES: Final = 4096
"""The size at which Kubernetes cuts a termination message."""
_MESSAGE_LETTERS: Final = 1000

_LOST_PEER: Final = ("gloo/", "connection closed by peer", "connection reset by peer")


@dataclass(frozen=True)
class Ending:
    """How an attempt ended: the name of an exit code and a sentence."""

    reason: str
    message: str
    lost_peer: bool = False
    """Whether this process failed only because another process of the trial was lost."""
    subject: Subject | None = None
    """What is at fault, where that is not this trial's settings."""

    @property
    def code(self) -> int:
        """The exit code."""
        return EXIT_CODES[self.reason]


@dataclass(frozen=True)
class Conclusion:
    """How an attempt ended, and where that is to be written."""

    ending: Ending
    folder: Path | None
    result_sha256: str | None


def classify(error: BaseException) -> Ending:
    """Name the exit for an exception; it distinguishes only what the scheduler treats differently."""
    if isinstance(error, InvalidError):
        return Ending("invalid", str(error), subject=error.subject)
    if isinstance(error, StoppedError):
        return Ending("resumable", str(error))
    text = f"{type(error).__name__}: {error}"
    lowered = text.lower()
    if isinstance(error, PermissionError) and "permission denied" in lowered:
        # Every attempt runs as the same user.
        file = "A file" if error.filename is None else f"The file {error.filename}"
        return Ending("invalid", f"{file} may not be used by user {os.getuid()}: permission denied.")
    if any(kind.__name__ == "DistError" for kind in type(error).__mro__) or any(part in lowered for part in _LOST_PEER):
        return Ending("crashed", f"Another process of the trial was lost: {_sentence(str(error))}", lost_peer=True)
    failure = named_by(error)
    if failure is None:
        return Ending("crashed", f"The trainer failed with {_sentence(text)}")
    return Ending(failure.exit, f"{failure.words}: {_sentence(str(error)) or type(error).__name__}")


def finished(result: TrialResult) -> Ending:
    """Say how a trial with a result ended."""
    if result.status == "diverged":
        return Ending("succeeded", f"Training diverged at step {result.diverged_at_step}.")
    loss = result.trained.loss if result.trained is not None else None
    return Ending("succeeded", "Finished." if loss is None else f"Finished with a held-out loss of {loss:.4f}.")


def write_result(result: Document, folder: Path) -> str:
    """Write result.json and return the SHA-256 of its bytes."""
    text = write_document(result)
    write_atomic(folder / "result.json", text)
    return hashlib.sha256(text.encode()).hexdigest()


def write_exit(ending: Ending, folder: Path | None, result_sha256: str | None) -> None:
    """Write exit.json, and the termination message where LAMINA_TERMINATION_LOG names its file.

    The termination message is written first: the folder may be full or gone.
    """
    document = TrialExit(
        code=ending.code,
        reason=ending.reason,
        message=ending.message[:_MESSAGE_LETTERS],
        resumable=ending.code == EXIT_RESUMABLE,
        result_sha256=result_sha256,
        subject=ending.subject,
    )
    _write_termination(document)
    if folder is not None:
        write_atomic(folder / "exit.json", write_document(document))


def _write_termination(document: TrialExit) -> None:
    termination = os.environ.get("LAMINA_TERMINATION_LOG")
    if not termination:
        return
    text = write_document(document)
    if len(text.encode()) > _TERMINATION_BYTES:
        text = write_document(document.model_copy(update={"message": document.message[:500]}))
    try:
        # Not a rename: Kubernetes mounts this very file.
        Path(termination).write_text(text, encoding="utf-8")
    except OSError as error:
        _log.warning("The termination message could not be written: %s", error)


def _sentence(text: str) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line[:400]

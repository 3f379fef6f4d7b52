"""Exceptions with a meaning for the scheduler, and the exit codes they end in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Final, Literal

from lamina_trainer.failures import EXIT_CODES, named_by

EXIT_SUCCEEDED: Final = EXIT_CODES["succeeded"]
EXIT_CRASHED: Final = EXIT_CODES["crashed"]
EXIT_INVALID: Final = EXIT_CODES["invalid"]
EXIT_RESUMABLE: Final = EXIT_CODES["resumable"]


class TrainerError(Exception):
    """An error with one sentence for the user."""


Subject = Literal["model", "dataset"]


class InvalidError(TrainerError):
    """Bad configuration, missing model or column: no retry can help."""

    subject: ClassVar[Subject | None] = None
    """What is at fault, where every trial that shares it would end alike; None where it may be this trial alone."""


class ModelError(InvalidError):
    """The model's files are at fault, whatever is to be done with them."""

    subject = "model"


class DatasetError(InvalidError):
    """The dataset is at fault, whatever is to be trained on it."""

    subject = "dataset"


class StoppedError(TrainerError):
    """The trial was asked to stop (SIGTERM); whatever can be resumed from has been saved."""


@contextmanager
def blamed_on(kind: type[InvalidError], what: str) -> Iterator[None]:
    """Turn what a library raises over a user's files into an error of `kind` that begins with `what`.

    Libraries raise a dozen unrelated types for one bad file, and would raise them again. What the machine is to blame
    for passes as it is: memory, disks, devices, and system calls that fail otherwise than over a missing file.
    """
    try:
        yield
    except InvalidError as error:
        if error.subject is not None:
            raise
        raise kind(str(error)) from error
    except (TrainerError, MemoryError):
        raise
    except Exception as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError)
        if (isinstance(error, OSError) and error.errno is not None and not missing) or named_by(error) is not None:
            raise
        lines = str(error).strip().splitlines()
        said = f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
        raise kind(f"{what}: {said}") from error

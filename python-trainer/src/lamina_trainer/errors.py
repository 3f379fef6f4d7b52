"""Exceptions with a meaning for the scheduler, and the exit codes they end in."""

from typing import Final

from lamina_trainer.failures import EXIT_CODES

EXIT_SUCCEEDED: Final = EXIT_CODES["succeeded"]
EXIT_CRASHED: Final = EXIT_CODES["crashed"]
EXIT_INVALID: Final = EXIT_CODES["invalid"]
EXIT_RESUMABLE: Final = EXIT_CODES["resumable"]


class TrainerError(Exception):
    """An error with one sentence for the user."""


class InvalidError(TrainerError):
    """Bad configuration, missing model or column: no retry can help."""


class StoppedError(TrainerError):
    """The trial was asked to stop (SIGTERM); whatever can be resumed from has been saved."""

"""Exceptions with a meaning for the scheduler, and the exit codes they end in."""

from typing import Final

EXIT_SUCCEEDED: Final = 0
EXIT_CRASHED: Final = 1
EXIT_INVALID: Final = 64
EXIT_GPU_OUT_OF_MEMORY: Final = 65
EXIT_HOST_OUT_OF_MEMORY: Final = 66
EXIT_GPU_FAULT: Final = 67
EXIT_RESUMABLE: Final = 75

EXIT_CODES: Final = {
    "succeeded": EXIT_SUCCEEDED,
    "crashed": EXIT_CRASHED,
    "invalid": EXIT_INVALID,
    "gpuOutOfMemory": EXIT_GPU_OUT_OF_MEMORY,
    "hostOutOfMemory": EXIT_HOST_OUT_OF_MEMORY,
    "gpuFault": EXIT_GPU_FAULT,
    "resumable": EXIT_RESUMABLE,
}
"""Names as in EXIT_CODES of domain/contract/trial.ts."""


class TrainerError(Exception):
    """An error with one sentence for the user."""


class InvalidError(TrainerError):
    """Bad configuration, missing model or column: no retry can help."""


class StoppedError(TrainerError):
    """The trial was asked to stop (SIGTERM); whatever can be resumed from has been saved."""

"""Errors of the tuner apart from invalid input."""

from lamina_trainer.errors import TrainerError


class StorageError(TrainerError):
    """The storage cannot be used now: worth trying again."""

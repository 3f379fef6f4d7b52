"""What can keep the tuner from answering, apart from input that is not valid."""

from lamina_trainer.errors import TrainerError


class StorageError(TrainerError):
    """The storage cannot be used now: worth trying again."""

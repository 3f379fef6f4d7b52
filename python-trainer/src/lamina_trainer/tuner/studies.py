"""What the storages of studies have in common."""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Lock
from typing import Final, Protocol

from optuna.storages import BaseStorage

LOCK_SECONDS: Final = 30.0
"""How long to wait for another worker that advances the same study."""
CONCURRENT: Final = 4
"""Studies that a worker advances at the same time."""
_OPEN_STUDIES: Final = 32


class Storage(Protocol):
    """Studies by name."""

    def study(self, name: str) -> AbstractContextManager[BaseStorage]:
        """Optuna's storage of a study, under the study's lock; what was written is durable when the context ends.

        Raises StorageError if the storage cannot be used or the lock is held for long.
        """

    def describe(self) -> str:
        """The location, without secrets."""


class OpenStudies:
    """The storages of the studies used last: each knows the suggestions it has read, and reads what is new."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._by_key: OrderedDict[object, BaseStorage] = OrderedDict()

    def get(self, key: object, make: Callable[[], BaseStorage]) -> BaseStorage:
        """The storage of a study, made if it is not among them. The caller holds the study's lock."""
        with self._lock:
            known = self._by_key.pop(key, None)
        storage = make() if known is None else known
        with self._lock:
            self._by_key[key] = storage
            while len(self._by_key) > _OPEN_STUDIES:
                self._by_key.popitem(last=False)
        return storage

    def forget(self, key: object) -> None:
        """Read the study afresh next time, as after an error."""
        with self._lock:
            self._by_key.pop(key, None)

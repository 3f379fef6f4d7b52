"""Studies in a Postgres database, in a schema of their own."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, RDBStorage
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from lamina_trainer.errors import InvalidError
from lamina_trainer.tuner.errors import StorageError
from lamina_trainer.tuner.studies import CONCURRENT, LOCK_SECONDS, OpenStudies

SCHEMA: Final = "lamina_tuner"
"""Optuna's tables have names like `trials`, which others have as well."""
_CONNECTIONS: Final = 2 * CONCURRENT
"""One that holds the lock of a study and one that works, for every study advanced at the same time."""


class Postgres:
    """A database. The lock of a study is an advisory lock of a transaction: it ends with its connection."""

    def __init__(self, url: str) -> None:
        """Read the URL; the database is connected to when it is needed. Raises InvalidError without quoting it."""
        try:
            parsed = make_url(url).set(drivername="postgresql+psycopg")
        except (SQLAlchemyError, ValueError):
            raise InvalidError("The tuner's storage is no valid postgresql:// URL.") from None
        self._url: URL = parsed
        self._setup = Lock()
        self._rdb: RDBStorage | None = None
        self._open = OpenStudies()

    def describe(self) -> str:
        """The URL without its password and options."""
        return self._url.set(query={}, password="***" if self._url.password else None).render_as_string(
            hide_password=False
        )

    @contextmanager
    def study(self, name: str) -> Iterator[BaseStorage]:
        """Optuna's storage of a study under its lock."""
        try:
            rdb = self._connected()
            with _locked(rdb.engine, f"study {name}"):
                try:
                    # Makes a cache of a study's suggestions, which reads what is new.
                    yield self._open.get(name, lambda: optuna.storages.get_storage(rdb))
                except BaseException:
                    self._open.forget(name)
                    raise
        except (SQLAlchemyError, StorageInternalError) as error:
            raise StorageError(f"The tuner's database: {self._plain(error)}") from None

    def _connected(self) -> RDBStorage:
        with self._setup:
            if self._rdb is None:
                self._rdb = self._set_up()
            return self._rdb

    def _set_up(self) -> RDBStorage:
        """Make schema and tables if they are missing; workers that start together take turns."""
        options = f"{self._url.query.get('options', '')} -csearch_path={SCHEMA}".strip()
        arguments = {"connect_args": {"options": options, "connect_timeout": 10, "application_name": "lamina-tuner"}}
        waiting = create_engine(self._url, poolclass=NullPool, **arguments)
        with _locked(waiting, "schema") as connection:
            known = connection.scalar(text("SELECT 1 FROM pg_namespace WHERE nspname = :name"), {"name": SCHEMA})
            if known is None:
                with waiting.begin() as other:
                    other.execute(text(f"CREATE SCHEMA {SCHEMA}"))
            # Optuna fills in braces of the URL.
            url = self._url.render_as_string(hide_password=False).replace("{", "{{").replace("}", "}}")
            return RDBStorage(url, engine_kwargs={"pool_size": _CONNECTIONS, "max_overflow": 0, **arguments})

    def _plain(self, error: BaseException) -> str:
        """The database's own words, on one line and without the password."""
        while not isinstance(error, SQLAlchemyError) and error.__cause__ is not None:
            error = error.__cause__
        words = " ".join(str(getattr(error, "orig", None) or error).split())
        secret = self._url.password
        return words.replace(secret, "***") if secret else words


@contextmanager
def _locked(engine: Engine, what: str) -> Iterator[Connection]:
    key = int.from_bytes(hashlib.sha256(f"lamina-tuner {what}".encode()).digest()[:8], "big", signed=True)
    with engine.begin() as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS:.0f}s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
        yield connection

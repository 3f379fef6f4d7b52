"""Opens where studies are kept: a folder of journals on one machine, or a Postgres database."""

from pathlib import Path

from lamina_trainer.errors import InvalidError
from lamina_trainer.tuner.journal import JournalFolder
from lamina_trainer.tuner.studies import Storage


def open_storage(location: str) -> Storage:
    """The storage at a `postgresql://` URL or in a folder, which is made; raises InvalidError if it cannot be one."""
    scheme, separator, _ = location.partition("://")
    if not separator:
        return JournalFolder(Path(location).absolute())
    if scheme not in {"postgres", "postgresql"}:
        raise InvalidError(f"The tuner's storage is a postgresql:// URL or a folder, not {scheme}://.")
    # SQLAlchemy is loaded only where a database is used: a tuner over a folder stays small.
    from lamina_trainer.tuner.postgres import Postgres

    return Postgres(location)

"""Both kinds of storage, as fixtures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lamina_trainer.tuner.storage import open_storage
from lamina_trainer.tuner.studies import Storage
from tuner_postgres import MISSING, Postgres, binaries, running_postgres

EMPTY = """DO $$ BEGIN
    IF to_regclass('lamina_tuner.studies') IS NOT NULL THEN TRUNCATE lamina_tuner.studies CASCADE; END IF;
END $$"""


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    if binaries() is None:
        pytest.skip(MISSING)
    with running_postgres() as server:
        yield server


@pytest.fixture
def database(postgres: Postgres) -> str:
    """The URL of a database without studies."""
    postgres.query("postgres", EMPTY)
    return postgres.url("postgres")


@pytest.fixture(params=["journal", "postgres"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where studies can be kept."""
    return str(tmp_path / "tuner") if request.param == "journal" else str(request.getfixturevalue("database"))


@pytest.fixture
def storage(location: str) -> Storage:
    return open_storage(location)

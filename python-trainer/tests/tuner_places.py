"""Both kinds of storage, as fixtures."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from lamina_trainer.tuner.storage import Storage, open_storage
from tuner_postgres import MISSING, binaries, running_postgres


@pytest.fixture(scope="session")
def databases() -> Iterator[Iterator[str]]:
    """URLs of databases that do not exist before they are asked for."""
    if binaries() is None:
        pytest.skip(MISSING)
    with running_postgres() as postgres:

        def fresh() -> Iterator[str]:
            for index in itertools.count():
                postgres.query("postgres", f"CREATE DATABASE tuner{index}")
                yield postgres.url(f"tuner{index}")

        yield fresh()


@pytest.fixture(params=["journal", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Any) -> str:
    """Where studies can be kept."""
    return str(tmp_path / "tuner") if request.param == "journal" else next(request.getfixturevalue("databases"))


@pytest.fixture
def storage(place: str) -> Storage:
    return open_storage(place)

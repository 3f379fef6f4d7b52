"""A Postgres server of its own, in a temporary folder."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEBIAN_FOLDER = Path("/usr/lib/postgresql")
MISSING = (
    "no PostgreSQL server is installed; enable with: apt-get install postgresql (Debian), "
    "brew install postgresql (macOS)"
)


def binaries() -> Path | None:
    """The folder with initdb and postgres: of Debian's newest package, or from PATH."""
    installed = sorted(DEBIAN_FOLDER.glob("*/bin"), key=lambda folder: -int(folder.parent.name))
    folders = [*installed, *(Path(entry) for entry in os.get_exec_path())]
    return next(
        (folder for folder in folders if all((folder / name).exists() for name in ("initdb", "postgres"))), None
    )


class Postgres:
    """A running server."""

    def __init__(self, folder: Path, port: int) -> None:
        self._psql = folder / "psql"
        self.port = port

    def url(self, database: str) -> str:
        return f"postgresql://lamina:s3cret@127.0.0.1:{self.port}/{database}"

    def query(self, database: str, sql: str) -> str:
        command = [str(self._psql), self.url(database), "-qtAX", "-v", "ON_ERROR_STOP=1", "-c", sql]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start one, as user postgres if this is root, which the server refuses to be."""
    folder = binaries()
    assert folder is not None, MISSING
    base = Path(tempfile.mkdtemp(prefix="lamina-postgres-"))
    base.chmod(0o777)
    user = pwd.getpwnam("postgres").pw_uid if os.getuid() == 0 else None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = base / "data"
    initdb = [str(folder / "initdb"), "-D", str(data), "-U", "lamina", "--auth=trust", "--no-sync", "-E", "UTF8"]
    subprocess.run(initdb, check=True, capture_output=True, cwd=base, user=user)
    command = [
        str(folder / "postgres"),
        "-D",
        str(data),
        "-p",
        str(port),
        "-h",
        "127.0.0.1",
        "-k",
        str(base),
        "-c",
        "fsync=off",
    ]
    with (base / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=base, user=user, stdout=log, stderr=log)
    try:
        postgres = Postgres(folder, port)
        give_up_at = time.monotonic() + 60
        while True:
            try:
                postgres.query("postgres", "SELECT 1")
                break
            except subprocess.CalledProcessError:
                assert server.poll() is None, (base / "log").read_text()
                assert time.monotonic() < give_up_at, "the server does not answer"
                time.sleep(0.1)
        yield postgres
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)
        shutil.rmtree(base, ignore_errors=True)

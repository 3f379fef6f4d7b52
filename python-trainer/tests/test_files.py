"""Files and folders under real competition and real kills."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from lamina_trainer.errors import StoppedError
from lamina_trainer.host.files import build_once, open_to_readers, remembered_sha256, sha256_of_file, write_atomic
from lamina_trainer.host.stop import clear_stop, request_stop

FORK = multiprocessing.get_context("fork")


def nothing() -> None:
    pass


def slow_build(target: Path, journal: Path, seconds: float) -> None:
    def build(folder: Path) -> None:
        with journal.open("a") as file:
            file.write(f"{os.getpid()}\n")
        (folder / "half").write_text("half")
        time.sleep(seconds)
        (folder / "whole").write_text("whole")

    build_once(target, build, waiting=nothing)


def wait_for(condition, seconds: float = 20.0) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, "waited in vain"
        time.sleep(0.02)


def test_two_processes_build_once(tmp_path: Path):
    target, journal = tmp_path / "built", tmp_path / "journal"
    processes = [FORK.Process(target=slow_build, args=(target, journal, 0.3)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(journal.read_text().splitlines()) == 1
    assert (target / "whole").read_text() == "whole"


def test_a_killed_builder_leaves_nothing_that_looks_finished(tmp_path: Path):
    target, journal = tmp_path / "built", tmp_path / "journal"
    first = FORK.Process(target=slow_build, args=(target, journal, 60))
    first.start()
    wait_for(lambda: any(path.name == "half" for path in tmp_path.rglob("half")))
    os.kill(first.pid, signal.SIGKILL)
    first.join(10)
    assert not target.exists()
    slow_build(target, journal, 0)
    assert (target / "whole").exists()
    assert len(journal.read_text().splitlines()) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["built", "built.lock", "journal"]


def test_a_builder_that_fails_lets_the_next_one_try(tmp_path: Path):
    def fail(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        build_once(tmp_path / "built", fail, waiting=nothing)
    slow_build(tmp_path / "built", tmp_path / "journal", 0)
    assert (tmp_path / "built" / "whole").exists()


def test_waiting_ends_with_a_stop(tmp_path: Path):
    target = tmp_path / "built"
    builder = FORK.Process(target=slow_build, args=(target, tmp_path / "journal", 60))
    builder.start()
    told: list[int] = []
    try:
        wait_for((tmp_path / "journal").exists)
        request_stop()
        with pytest.raises(StoppedError):
            build_once(target, lambda _: None, waiting=lambda: told.append(1))
        clear_stop()
        assert told == []
    finally:
        clear_stop()
        builder.kill()
        builder.join(10)


def test_atomic_write_replaces_and_leaves_no_temporary(tmp_path: Path):
    file = tmp_path / "new" / "file.json"
    write_atomic(file, "one")
    write_atomic(file, "two")
    assert file.read_text() == "two"
    assert list(file.parent.iterdir()) == [file]


def test_a_remembered_digest_follows_the_file(tmp_path: Path):
    file = tmp_path / "file"
    file.write_text("one")
    assert remembered_sha256(file, tmp_path / "cache") == sha256_of_file(file)
    note = next(entry for entry in (tmp_path / "cache" / "digests").iterdir() if entry.suffix != ".lock")
    note.write_text("f" * 64)
    assert remembered_sha256(file, tmp_path / "cache") == "f" * 64
    file.write_text("other")
    assert remembered_sha256(file, tmp_path / "cache") == sha256_of_file(file)


@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o755, 0o644), (0o777, 0o666), (0o700, 0o600)])
def test_files_are_as_open_as_their_folder(tmp_path: Path, folder_mode: int, file_mode: int):
    secret = tmp_path / "a.safetensors"
    secret.touch(mode=0o600)
    tmp_path.chmod(folder_mode)
    open_to_readers(tmp_path)
    assert secret.stat().st_mode & 0o777 == file_mode

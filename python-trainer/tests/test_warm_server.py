"""The warm server: real sockets, real forks, real kills.

Most tests replace what a child does by a short function, so that they need none of the libraries; the
last ones start the real server and run real trials.
"""

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lamina_trainer.attempt.warm_server import _Server, _sole_server
from lamina_trainer.errors import InvalidError
from tiny import llama_config, make_request, save_model, save_texts

FORK = multiprocessing.get_context("fork")
SOURCES = Path(__file__).resolve().parents[1] / "src"


def wait_for(condition: Callable[[], Any], seconds: float = 30.0) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, "waited in vain"
        time.sleep(0.02)


def child(request: Path) -> int:
    """What a child does here: as the request says."""
    command = json.loads(request.read_text())
    print("hello from", os.getpid(), os.environ.get("WORD"))
    if command.get("raise"):
        raise RuntimeError("an exception on purpose")
    if command.get("forks"):
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(60)"])
    time.sleep(command.get("sleep", 0))
    return command.get("code", 0)


def server_process(path: Path, idle_seconds: float) -> None:
    lock = _sole_server(path)
    if lock is None:
        os._exit(7)
    os._exit(_Server(path, lock, idle_seconds, child).run())


class Server:
    def __init__(self, path: Path, idle_seconds: float = 60.0) -> None:
        self.path = path
        self.process = FORK.Process(target=server_process, args=(path, idle_seconds))
        self.process.start()
        wait_for(self.answers)

    def answers(self) -> bool:
        try:
            return "pid" in self.ask({"op": "ping"})
        except OSError:
            return False

    def ask(self, question: Any) -> dict[str, Any]:
        return ask(self.path, question)

    def launch(self, folder: Path, **env: str) -> int:
        return self.ask({"op": "launch", "attemptDir": str(folder), "env": env})["pid"]

    def kill(self) -> None:
        self.process.kill()
        # Not join: it waits for a pipe that a living child of the server has inherited.
        wait_for(lambda: not alive(self.process.pid))


def ask(path: Path, question: Any) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(str(path))
        text = question if isinstance(question, bytes) else json.dumps(question).encode() + b"\n"
        client.sendall(text)
        received = b""
        while not received.endswith(b"\n"):
            chunk = client.recv(4096)
            if not chunk:
                raise ConnectionResetError
            received += chunk
        return json.loads(received)


def flood(client: socket.socket) -> None:
    for _ in range(64):
        client.sendall(b"x" * 65536)


def attempt(tmp_path: Path, name: str, **command: Any) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "request.json").write_text(json.dumps(command))
    return folder


def status(folder: Path) -> dict[str, Any]:
    wait_for((folder / "status.json").exists)
    return json.loads((folder / "status.json").read_text())


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture(name="server")
def server_fixture(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "s.sock")
    yield server
    server.kill()


def test_a_child_runs_in_its_own_session_with_its_own_log(server: Server, tmp_path: Path):
    folder = attempt(tmp_path, "a", sleep=1, code=64)
    pid = server.launch(folder, WORD="quartz")
    until = time.monotonic() + 60
    while os.getsid(pid) != pid:  # it says so of itself, once it runs
        assert time.monotonic() < until
        time.sleep(0.01)
    assert os.getpgid(pid) == pid
    identity = json.loads((folder / "process.json").read_text())
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    assert identity == {"pid": pid, "startTicks": ticks}
    ended = status(folder)
    assert (ended["code"], ended["signal"]) == (64, None)
    assert ended["endedAt"].endswith("Z")
    assert f"hello from {pid} quartz" in (folder / "log.txt").read_text()


def test_launching_twice_gives_the_living_child(server: Server, tmp_path: Path):
    folder = attempt(tmp_path, "a", sleep=2)
    pid = server.launch(folder)
    assert server.launch(folder) == pid
    status(folder)
    assert (folder / "log.txt").read_text().count("hello") == 1


def test_a_killed_child_is_reported_with_its_signal(server: Server, tmp_path: Path):
    folder = attempt(tmp_path, "a", sleep=60)
    pid = server.launch(folder)
    os.kill(pid, signal.SIGKILL)
    assert status(folder)["signal"] == "SIGKILL"
    assert status(folder)["code"] is None
    assert server.ask({"op": "ping"})["children"] == 0


def test_children_have_the_default_handlers(server: Server, tmp_path: Path):
    # Many times: the signal must count also when it arrives before the child's first instruction.
    for index in range(20):
        folder = attempt(tmp_path, f"a{index}", sleep=60)
        os.kill(server.launch(folder), signal.SIGTERM)
        assert status(folder)["signal"] == "SIGTERM"
    assert server.answers()


def test_an_exception_ends_the_child_alone(server: Server, tmp_path: Path):
    folder = attempt(tmp_path, "a", **{"raise": True})
    server.launch(folder)
    assert status(folder)["code"] == 1
    assert "an exception on purpose" in (folder / "log.txt").read_text()
    assert server.answers()


def test_many_at_once(server: Server, tmp_path: Path):
    folders = [attempt(tmp_path, f"a{index}", sleep=0.2, code=index) for index in range(12)]
    for folder in folders:
        server.launch(folder)
    assert [status(folder)["code"] for folder in folders] == list(range(12))


@pytest.mark.parametrize(
    "question",
    [
        b"not json\n",
        b"[]\n",
        b"\xff\n",
        {"op": "dance"},
        {"op": "launch"},
        {"op": "launch", "attemptDir": "relative"},
        {"op": "launch", "attemptDir": "/nowhere"},
        {"op": "launch", "attemptDir": "/tmp", "env": 5},
    ],
    ids=str,
)
def test_wrong_questions_are_refused(server: Server, question: Any):
    assert "error" in server.ask(question)
    assert server.answers()


def test_clients_that_vanish_or_flood_do_no_harm(server: Server, tmp_path: Path):
    folder = attempt(tmp_path, "a", sleep=0.2)
    for text in (b"", b'{"op":"pi', b'{"op":"ping"}\n' * 200):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(server.path))
            client.sendall(text)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(server.path))
        client.sendall(json.dumps({"op": "launch", "attemptDir": str(folder)}).encode() + b"\n")
    assert status(folder)["code"] == 0
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(server.path))
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            flood(client)
    assert server.answers()


def test_a_child_outlives_a_killed_server_and_is_not_doubled_by_the_next(server: Server, tmp_path: Path):
    folder = attempt(tmp_path, "a", sleep=60)
    pid = server.launch(folder)
    server.kill()
    assert alive(pid)
    assert server.path.exists()
    following = Server(server.path)
    try:
        assert following.launch(folder) == pid
        assert (folder / "log.txt").read_text().count("hello") == 1
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: following.launch(folder) != pid)
    finally:
        following.kill()


def test_the_hold_on_the_folder_survives_an_exec(server: Server, tmp_path: Path):
    folder = attempt(tmp_path, "a", forks=True)
    pid = server.launch(folder)
    wait_for(lambda: "-c" in Path(f"/proc/{pid}/cmdline").read_text())
    assert server.launch(folder) == pid
    os.kill(pid, signal.SIGKILL)
    assert status(folder)["signal"] == "SIGKILL"


def test_a_second_server_leaves_the_first_alone(server: Server):
    second = FORK.Process(target=server_process, args=(server.path, 60.0))
    second.start()
    second.join(20)
    assert second.exitcode == 7
    assert server.answers()


def test_a_second_server_takes_over_from_one_that_dies_while_loading(tmp_path: Path):
    path = tmp_path / "s.sock"
    silent = FORK.Process(target=lambda: (_sole_server(path), time.sleep(60)))
    silent.start()
    wait_for(Path(f"{path}.lock").exists)
    time.sleep(0.2)
    second = FORK.Process(target=server_process, args=(path, 60.0))
    second.start()
    time.sleep(0.5)
    assert second.is_alive()
    assert not path.exists()
    silent.kill()
    silent.join(10)
    wait_for(path.exists)
    assert "pid" in ask(path, {"op": "ping"})
    second.kill()
    second.join(10)


def test_it_ends_when_idle_and_not_before(tmp_path: Path):
    server = Server(tmp_path / "s.sock", idle_seconds=0.5)
    folder = attempt(tmp_path, "a", sleep=1.5)
    server.launch(folder)
    time.sleep(1)
    assert server.process.is_alive()
    server.process.join(10)
    assert server.process.exitcode == 0
    assert status(folder)["code"] == 0
    assert not server.path.exists()


def test_sigterm_lets_the_children_finish(tmp_path: Path):
    server = Server(tmp_path / "s.sock")
    folder = attempt(tmp_path, "a", sleep=1)
    server.launch(folder)
    server.process.terminate()
    wait_for(lambda: "error" in server.ask({"op": "launch", "attemptDir": str(folder)}) or True)
    server.process.join(10)
    assert server.process.exitcode == 0
    assert status(folder)["code"] == 0


def test_a_path_that_is_too_long_is_told(tmp_path: Path):
    path = tmp_path / ("s" * 120)
    lock = _sole_server(path)
    assert lock is not None
    with pytest.raises(InvalidError, match="Cannot listen"):
        _Server(path, lock, 1.0, child)
    os.close(lock)


@pytest.fixture(name="real", scope="module")
def real_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("real") / "s.sock"
    with (path.parent / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "lamina_trainer", "serve", "--socket", str(path), "--idle-seconds", "300"],
            env={**os.environ, "PYTHONPATH": str(SOURCES)},
            stdout=log,
            stderr=log,
        )
    wait_for(path.exists, 90)
    yield path
    process.terminate()
    assert process.wait(30) == 0


def trial(root: Path, name: str, **changes: Any) -> Path:
    model, texts = root / "model", root / "texts.jsonl"
    if not texts.exists():
        save_model(model, llama_config(2))
        save_texts(texts)
    request = make_request(root, changes.pop("model", model), texts, trial=name, **changes)
    folder = Path(request.paths.output)
    (folder / "request.json").write_text(request.model_dump_json(by_alias=True))
    return folder


def test_the_loaded_server_has_a_single_thread(real: Path):
    pid = ask(real, {"op": "ping"})["pid"]
    assert [task.name for task in Path(f"/proc/{pid}/task").iterdir()] == [str(pid)]


def test_warm_trials_give_the_numbers_of_a_cold_one(real: Path, tmp_path: Path):
    warm, cold = trial(tmp_path, "warm"), trial(tmp_path, "cold")
    ask(real, {"op": "launch", "attemptDir": str(warm), "env": {"LAMINA_THREADS": "2"}})
    assert status(warm)["code"] == 0, (warm / "log.txt").read_text()
    finished = subprocess.run(
        [sys.executable, "-m", "lamina_trainer", "run", "--request", str(cold / "request.json")],
        env={**os.environ, "PYTHONPATH": str(SOURCES), "LAMINA_THREADS": "2"},
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr.decode()
    results = [json.loads((folder / "result.json").read_text()) for folder in (warm, cold)]
    assert [result["environment"]["threads"] for result in results] == [2, 2]
    assert results[0]["trained"]["loss"] == results[1]["trained"]["loss"]
    assert results[0]["training"]["losses"] == results[1]["training"]["losses"]


def test_an_invalid_trial_ends_with_its_code(real: Path, tmp_path: Path):
    folder = trial(tmp_path, "invalid", model=tmp_path / "nowhere")
    ask(real, {"op": "launch", "attemptDir": str(folder), "env": {}})
    assert status(folder)["code"] == 64
    assert json.loads((folder / "exit.json").read_text())["reason"] == "invalid"


def test_sigterm_reaches_a_warm_trial(real: Path, tmp_path: Path):
    folder = trial(tmp_path, "long", training={"steps": 100_000, "checkpointEvery": 1})
    pid = ask(real, {"op": "launch", "attemptDir": str(folder), "env": {}})["pid"]
    wait_for(lambda: any((tmp_path / "long" / "checkpoints").glob("step-*")), 60)
    os.killpg(pid, signal.SIGTERM)
    assert status(folder)["code"] == 75
    assert json.loads((folder / "exit.json").read_text())["resumable"] is True

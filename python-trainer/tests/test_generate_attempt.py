"""A generation as an attempt of an experiment: a request like a trial's, a result, a log, an exit code."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract_examples import example
from lamina_trainer.errors import EXIT_CRASHED, EXIT_INVALID, EXIT_SUCCEEDED
from lamina_trainer.host.files import sha256_of_file
from openai_server import OpenAiServer, topics

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "python-trainer" / "src"


@pytest.fixture
def server() -> Iterator[OpenAiServer]:
    running = OpenAiServer()
    yield running
    running.stop()


def request(folder: Path, url: str, attempt: int = 1, count: int = 12, **spec: Any) -> dict[str, Any]:
    document: dict[str, Any] = example("generate-request", "topics and a model file")
    output = folder / "attempts" / str(attempt)
    document["attempt"] = attempt
    document["eventsUrl"] = None
    document["spec"] = {
        "prompts": {"source": "topics", "topics": list(topics(count)), "templates": ["Write about {topic}."]},
        "endpoint": {"baseUrl": url, "model": "writer", "apiKeyVariable": "WRITER_KEY"},
        "limits": {"requestsPerMinute": None, "concurrency": 2, "firstRetrySeconds": 0.01, "attempts": 2},
        **spec,
    }
    document["paths"] = {
        "output": str(output),
        "checkpoints": str(folder / "generated"),
        "cache": str(folder / "cache"),
        "datasets": str(folder / "datasets"),
    }
    output.mkdir(parents=True)
    return document


def start(document: dict[str, Any], **env: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "lamina_trainer", "run", "--request-env", "LAMINA_REQUEST"],
        env={**os.environ, "PYTHONPATH": str(SOURCES), "LAMINA_REQUEST": json.dumps(document), **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def left(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(document["paths"]["output"]) / name).read_text())
    return found


def test_a_request_for_data_ends_with_a_file_named_by_its_content(tmp_path: Path, server: OpenAiServer):
    document = request(tmp_path, server.url)
    assert start(document, WRITER_KEY="key-that-nobody-writes").wait(timeout=120) == EXIT_SUCCEEDED
    result = left(document, "result.json")
    data = tmp_path / "datasets" / result["dataset"]["path"]
    assert sha256_of_file(data) == result["dataset"]["sha256"] == data.parent.name
    assert data.stat().st_size == result["dataset"]["bytes"]
    assert len(data.read_text().splitlines()) == result["dataset"]["records"] == result["report"]["counts"]["records"]
    ended = left(document, "exit.json")
    assert ended["reason"] == "succeeded"
    assert "records of 12 answers" in ended["message"]
    assert server.keys == {"Bearer key-that-nobody-writes"}
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(b"key-that-nobody-writes" not in path.read_bytes() for path in written)


def test_what_a_killed_attempt_paid_for_is_there_for_the_next(tmp_path: Path, server: OpenAiServer):
    server.delay = 0.1
    first = request(tmp_path, server.url)
    process = start(first, WRITER_KEY="key")
    until = time.monotonic() + 60
    while sum(server.asked.values()) < 5 and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    second = request(tmp_path, server.url, attempt=2)
    assert start(second, WRITER_KEY="key").wait(timeout=120) == EXIT_SUCCEEDED
    concurrency = second["spec"]["limits"]["concurrency"]
    assert len(server.asked) == 12
    assert sum(server.asked.values()) <= 12 + concurrency, "only what was under way is asked for twice"


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (
            {"endpoint": {"baseUrl": "http://127.0.0.1:9/v1", "model": "writer"}},
            EXIT_CRASHED,
            "gave no answer in 2 tries",
        ),
        ({"filters": {"minWords": 10_000}}, EXIT_INVALID, "No record to train on is left"),
        ({"samples": 0}, EXIT_INVALID, "samples"),
    ],
)
def test_failures_say_what_to_do(tmp_path: Path, server: OpenAiServer, change: dict[str, Any], code: int, says: str):
    document = request(tmp_path, server.url, **change)
    # A request that cannot be read names no folder: its log goes where it came from.
    where = Path(document["paths"]["output"]) / "request.json"
    where.write_text(json.dumps(document))
    command = [sys.executable, "-m", "lamina_trainer", "run", "--request", str(where)]
    env = {**os.environ, "PYTHONPATH": str(SOURCES), "WRITER_KEY": "key"}
    ended = subprocess.run(command, env=env, capture_output=True, check=False, timeout=120)
    assert ended.returncode == code, ended.stderr.decode()[-2000:]
    assert says in left(document, "exit.json")["message"]

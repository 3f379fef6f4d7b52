"""Generation against llama.cpp's own server with a real model, where both are there."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from lamina_trainer.errors import InvalidError
from lamina_trainer.generate.run import generate
from lamina_trainer.generate.spec import read_spec
from lamina_trainer.llama.build import tools_folder
from lamina_trainer.llama.source import default_cache
from test_generate import write_spec

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / ".lamina" / "models" / "gemma-3-270m-q4_k_m.gguf"
SERVER = tools_folder(default_cache()) / "llama-server"
needs_model = pytest.mark.skipif(
    not SERVER.exists() or not MODEL.exists(),
    reason="llama-server or the offline model is not there; get them with: npm run setup, lamina_trainer llama build",
)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not SERVER.exists():
        pytest.skip("llama-server is not built; build it with: python -m lamina_trainer llama build")
    if not MODEL.exists():
        pytest.skip("the offline model is not there; get it with: npm run setup")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("llama") / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                SERVER,
                "-m",
                MODEL,
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
                "--parallel",
                "2",
                "-c",
                "1024",
                "-t",
                "2",
                "--api-key",
                "local-key",
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        until = time.monotonic() + 400
        while True:
            assert process.poll() is None, log.read_text(errors="replace")[-2000:]
            assert time.monotonic() < until, "llama-server did not start in 400 s"
            try:
                if httpx.get(f"{url}/health").status_code == 200:
                    break
            except httpx.TransportError:
                pass
            time.sleep(0.2)
        yield f"{url}/v1"
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.mark.parametrize("api", ["completions", "chat"])
def test_a_real_model_writes_a_data_set(tmp_path: Path, llama: str, api: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOCAL_KEY", "local-key")
    spec = read_spec(
        write_spec(
            tmp_path,
            llama,
            4,
            endpoint={"api": api, "apiKeyVariable": "LOCAL_KEY"},
            sampling={"maxTokens": 12},
            limits={"concurrency": 2, "timeoutSeconds": 100},
            filters={"truncated": "keep"},
            prices={"inputPerMillion": 1.0, "outputPerMillion": 1.0},
        )
    )
    report = generate(spec, tmp_path / "made")
    dropped = sum(report.counts.dropped.values())
    assert report.counts.answers == 4 == report.counts.records + dropped
    assert report.counts.records >= 1
    assert report.usage.answers_without_usage == 0
    assert 4 <= (report.usage.completion_tokens or 0) <= 4 * 12
    assert report.usage.cost == pytest.approx(
        ((report.usage.prompt_tokens or 0) + (report.usage.completion_tokens or 0)) / 1e6
    )
    assert generate(spec, tmp_path / "made") == report


def test_a_wrong_key_is_told_by_a_real_server(tmp_path: Path, llama: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOCAL_KEY", "wrong")
    spec = read_spec(write_spec(tmp_path, llama, 1, endpoint={"apiKeyVariable": "LOCAL_KEY"}))
    with pytest.raises(InvalidError, match="check the key in the variable LOCAL_KEY"):
        generate(spec, tmp_path / "made")


def gguf_spec(folder: Path, **endpoint: object) -> Path:
    document = {
        "prompts": {"source": "topics", "topics": ["rain", "bread", "trains"], "templates": ["Write about {topic}."]},
        "endpoint": {"gguf": str(MODEL), "api": "completions", "contextTokens": 256, **endpoint},
        "sampling": {"maxTokens": 12},
        "limits": {"requestsPerMinute": None, "concurrency": 2, "timeoutSeconds": 100},
        "filters": {"truncated": "keep"},
        "contamination": {"fraction": None},
    }
    path = folder / "spec.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@needs_model
def test_a_model_file_is_served_for_as_long_as_it_is_asked(tmp_path: Path):
    before = psutil.Process().children()
    spec = read_spec(gguf_spec(tmp_path))
    first = generate(spec, tmp_path / "one")
    again = generate(spec, tmp_path / "two")
    assert first.counts.answers == 3
    assert first.data_sha256 == again.data_sha256, "the same answers for every client at any time"
    assert psutil.Process().children() == before


@needs_model
def test_a_broken_model_file_is_named(tmp_path: Path):
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\0" * 64)
    with pytest.raises(InvalidError, match=r"llama-server does not take .*broken\.gguf"):
        generate(read_spec(gguf_spec(tmp_path, gguf=str(broken))), tmp_path / "made")


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ({"gguf": None}, "needs either baseUrl"),
        ({"baseUrl": "http://127.0.0.1:1/v1"}, "needs either baseUrl"),
        ({"model": "writer"}, "needs model together with baseUrl"),
        ({"apiKeyVariable": "KEY"}, "no use for apiKeyVariable"),
    ],
)
def test_an_endpoint_is_one_server(tmp_path: Path, endpoint: dict[str, object], message: str):
    with pytest.raises(InvalidError, match=message):
        read_spec(gguf_spec(tmp_path, **endpoint))

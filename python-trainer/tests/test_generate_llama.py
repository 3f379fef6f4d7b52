"""Generation against llama.cpp's own server with a real model, where both are there."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from lamina_trainer.generate.run import generate
from lamina_trainer.generate.spec import read_spec
from test_generate import write_spec

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / ".lamina" / "models" / "gemma-3-270m-q4_k_m.gguf"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lamina"


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    servers = sorted(CACHE.glob("llama-*/llama-server"))
    if not servers:
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
                servers[0],
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
        until = time.monotonic() + 90
        while True:
            assert process.poll() is None, log.read_text(errors="replace")[-2000:]
            assert time.monotonic() < until, "llama-server did not start in 90 s"
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
    from lamina_trainer.errors import InvalidError

    monkeypatch.setenv("LOCAL_KEY", "wrong")
    spec = read_spec(write_spec(tmp_path, llama, 1, endpoint={"apiKeyVariable": "LOCAL_KEY"}))
    with pytest.raises(InvalidError, match="check the key in the variable LOCAL_KEY"):
        generate(spec, tmp_path / "made")

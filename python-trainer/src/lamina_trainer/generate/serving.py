"""Serves a model file by llama.cpp's server for as long as data are generated."""

import os
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import httpx

from lamina_trainer.contract.generation import Endpoint, RemoteEndpoint
from lamina_trainer.errors import InvalidError, StoppedError, TrainerError
from lamina_trainer.host.parent_death import die_with_parent
from lamina_trainer.host.stop import stop_requested
from lamina_trainer.llama.build import tool
from lamina_trainer.llama.source import default_cache

_START_SECONDS: Final = 300.0
_KEY_VARIABLE: Final = "LAMINA_SERVED_KEY"


@contextmanager
def serving(endpoint: Endpoint) -> Iterator[RemoteEndpoint]:
    """Start the server of an endpoint that names a file, and give the endpoint it can be asked at.

    One answer at a time and no cache of earlier prompts: then an answer follows from its request alone, and
    generation that was killed goes on with the answers it would have had. Raises InvalidError where
    llama-server is not built or does not take the file.
    """
    if isinstance(endpoint, RemoteEndpoint):
        yield endpoint
        return
    program, port, key = tool(default_cache(), "llama-server"), _free_port(), secrets.token_hex(16)
    command = [str(program), "-m", endpoint.gguf, "--host", "127.0.0.1", "--port", str(port)]
    settings = ["-c", str(endpoint.context_tokens), "-np", "1", "--no-cache-prompt", "-cram", "0"]
    threads = ["-t", str(os.cpu_count() or 1)]
    with tempfile.TemporaryFile() as log, _running([*command, *settings, *threads], key, log) as server:
        _await(server, port, endpoint.gguf, log)
        os.environ[_KEY_VARIABLE] = key
        try:
            yield RemoteEndpoint(
                base_url=f"http://127.0.0.1:{port}/v1",
                model=Path(endpoint.gguf).stem,
                context_tokens=endpoint.context_tokens,
                api=endpoint.api,
                api_key_variable=_KEY_VARIABLE,
            )
        finally:
            del os.environ[_KEY_VARIABLE]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(command: list[str], key: str, log: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    parent = os.getpid()
    server = subprocess.Popen(
        command,
        env={**os.environ, "LLAMA_API_KEY": key},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        preexec_fn=lambda: die_with_parent(parent),  # noqa: PLW1509
    )
    try:
        yield server
    finally:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _await(server: subprocess.Popen[bytes], port: int, model: str, log: IO[bytes]) -> None:
    until = time.monotonic() + _START_SECONDS
    while True:
        if server.poll() is not None:
            raise InvalidError(f"llama-server does not take {model}: {_last_line(log)}")
        if stop_requested():
            raise StoppedError("Asked to stop while the model was loading.")
        if time.monotonic() > until:
            raise TrainerError(f"llama-server did not load {model} in {_START_SECONDS:.0f} s.")
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").split("\n")
    told = [line.strip() for line in lines if "error" in line.lower()] or [line for line in lines if line.strip()]
    return told[0][:300] if told else "it ended without a word"

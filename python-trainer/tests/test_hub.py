"""Whether there is a hub is found out in seconds, in a fresh process each time."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lamina_trainer.host import hub
from receiver import Receiver

SOURCES = Path(__file__).resolve().parents[1] / "src"
ASK = """
import os
import huggingface_hub.constants as constants
before = constants.HF_HUB_OFFLINE
from lamina_trainer.host.hub import hub_offline
print(before, hub_offline(), hub_offline(), constants.HF_HUB_OFFLINE, os.environ.get("HF_HUB_OFFLINE"))
"""


def ask(**env: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    finished = subprocess.run(
        [sys.executable, "-c", ASK],
        env={**inherited, "PYTHONPATH": str(SOURCES), "NO_PROXY": "127.0.0.1", **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return finished.stdout.strip()


def test_without_a_network_the_libraries_go_offline():
    assert ask(HF_ENDPOINT="http://127.0.0.1:9") == "False True True True 1"


def test_with_a_hub_that_answers_they_stay_online():
    receiver = Receiver()
    receiver.start()
    try:
        endpoint = receiver.url.removesuffix("/events")
        # It does not know HEAD and says so, which is an answer.
        assert ask(HF_ENDPOINT=endpoint) == "False False False False None"
    finally:
        receiver.stop()


def test_the_variable_decides_without_asking(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(hub, "_probe", lambda: pytest.fail("asked"))
    started = time.monotonic()
    assert hub.hub_offline()
    assert time.monotonic() - started < 1

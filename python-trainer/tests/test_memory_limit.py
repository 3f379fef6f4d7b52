"""The cap that tests and shared machines set: smaller micro-batches really help, and change no number."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lamina_trainer.contract.document import parse_document
from lamina_trainer.contract.result import TrialResult
from lamina_trainer.errors import InvalidError
from lamina_trainer.measure.memory_limit import MemoryLimit, requested_limit
from lamina_trainer.measure.process import reset_peak_rss
from tiny import LORA, llama_config, make_request, save_model, save_texts

SOURCES = Path(__file__).resolve().parents[1] / "src"


def attempt(root: Path, model: Path, texts: Path, micro_batch: int, accumulation: int) -> tuple[int, Path]:
    request = make_request(
        root,
        model,
        texts,
        trial=f"t-{micro_batch}",
        training={"steps": 2, "microBatch": 8, "maxLength": 128},
        plan={"microBatch": micro_batch, "accumulation": accumulation},
        lora={**LORA, "dropout": 0.0},
    )
    file = Path(request.paths.output) / "request.json"
    file.write_text(request.model_dump_json(by_alias=True))
    # In a process of its own: growth does not show where an earlier test has left memory to use again.
    command = [sys.executable, "-m", "lamina_trainer", "run", "--request", str(file)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    return subprocess.run(command, env=environment, check=False, capture_output=True).returncode, file.parent


def test_a_smaller_micro_batch_fits_where_a_larger_one_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    model, texts = save_model(tmp_path / "model", llama_config(8)), save_texts(tmp_path / "texts.jsonl", 300)
    monkeypatch.setenv("LAMINA_GPU_MEMORY_LIMIT", str(48_000_000))
    code, folder = attempt(tmp_path, model, texts, 8, 1)
    assert code == 65, (folder / "exit.json").read_text()
    assert json.loads((folder / "exit.json").read_text())["reason"] == "gpuOutOfMemory"
    code, folder = attempt(tmp_path, model, texts, 2, 4)
    assert code == 0, (folder / "exit.json").read_text()
    capped = parse_document(TrialResult, (folder / "result.json").read_bytes())
    monkeypatch.delenv("LAMINA_GPU_MEMORY_LIMIT")
    code, folder = attempt(tmp_path / "free", model, texts, 8, 1)
    assert code == 0
    free = parse_document(TrialResult, (folder / "result.json").read_bytes())
    assert capped.trained is not None
    assert free.trained is not None
    assert capped.trained.loss == pytest.approx(free.trained.loss, abs=1e-4)
    for left, right in zip(capped.training.losses, free.training.losses, strict=True):
        assert left.loss == pytest.approx(right.loss, abs=1e-4)


def test_growth_is_measured_from_when_training_begins():
    limit = MemoryLimit(torch.device("cpu"), 50_000_000)
    kept = torch.ones(25_000_000)
    reset_peak_rss()
    limit.training_begins()
    limit.check()
    more = torch.ones(25_000_000)
    with pytest.raises(torch.OutOfMemoryError, match="limit is 50,000,000 bytes"):
        limit.check()
    del kept, more


def test_a_limit_that_is_no_number_is_invalid(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LAMINA_GPU_MEMORY_LIMIT", "4Gi")
    with pytest.raises(InvalidError, match="bytes, not '4Gi'"):
        requested_limit()

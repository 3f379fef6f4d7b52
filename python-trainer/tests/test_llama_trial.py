"""A trial that makes GGUF files of what it trained."""

import json
import random
from pathlib import Path

import pytest

from lamina_trainer.llama.build import is_built
from lamina_trainer.trial.run import run_trial
from llama_tools import CACHE, LETTERS, needs_source, save_gemma
from tiny import EVALUATION, Recorder, gemma_config, make_request, save_model, save_texts

pytestmark = [needs_source, pytest.mark.timeout(600)]

GGUF = {
    "types": ["f16", "q8_0", "q4_0"],
    "repetitions": 2,
    "promptTokens": 16,
    "generatedTokens": 8,
    "contextTokens": 64,
    "maxTokens": 256,
}


def save_letters(file: Path) -> Path:
    chance = random.Random(2)
    words = ["".join(chance.choice(LETTERS) for _ in range(4)) for _ in range(3000)]
    lines = [json.dumps({"text": " ".join(words[start : start + 30])}) for start in range(0, 3000, 30)]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


@pytest.mark.parametrize(("method", "precision"), [("qlora", "nf4"), ("full", "fp32")])
def test_a_cut_and_trained_model_is_converted_and_measured(tmp_path: Path, method: str, precision: str):
    save_gemma(tmp_path / "model", 6, full=[2, 5])
    request = make_request(
        tmp_path,
        tmp_path / "model",
        save_letters(tmp_path / "letters.jsonl"),
        method=method,
        precision=precision,
        layers={"strategy": "list", "indices": [0, 2, 5]},
        artifacts={"adapter": False, "merged": True},
        evaluation={**EVALUATION, "maxTokens": 1024, "gguf": GGUF},
        **({"lora": None} if method == "full" else {}),
    )
    recorder = Recorder()
    result = run_trial(request, recorder, None)
    assert recorder.phases[-2:] == (["saving", "converting"] if method == "full" else ["merging", "converting"])
    assert result.gguf is not None
    f16, q8, q4 = result.gguf
    assert [row.type for row in result.gguf] == GGUF["types"]
    assert f16.file_bytes > q8.file_bytes
    kept = {artifact.name for artifact in result.artifacts}
    assert {"gguf/model-f16.gguf", "gguf/model-q8_0.gguf"} <= kept
    assert not [name for name in kept if "reference" in name or name.endswith(".txt")]
    if not is_built(CACHE):
        assert {row.missing for row in result.gguf} == {f16.missing}
        assert "llama build" in f16.missing
        return
    assert {row.missing for row in result.gguf} == {None}
    assert f16.bits_per_weight > q8.bits_per_weight > q4.bits_per_weight
    assert f16.divergence <= q8.divergence < q4.divergence


def test_a_model_that_cannot_be_converted_is_still_a_result(tmp_path: Path):
    save_model(tmp_path / "model", gemma_config(2))  # its tokenizer knows words only
    request = make_request(
        tmp_path,
        tmp_path / "model",
        save_texts(tmp_path / "texts.jsonl"),
        evaluation={**EVALUATION, "gguf": GGUF},
    )
    recorder = Recorder()
    result = run_trial(request, recorder, None)
    assert result.status == "succeeded"
    assert result.trained is not None
    assert [row.file_bytes for row in result.gguf] == [None, None, None]
    assert any("GGUF files were not measured" in warning for warning in recorder.warnings)
    assert not (Path(request.paths.output) / "gguf").exists()
    assert not (Path(request.paths.output) / "merged").exists()

"""A trial trains on generated data as on any file, and holds out what generation kept clear of the rest."""

import math
import random
from pathlib import Path

from lamina_trainer.data.blocks import held_out_order
from lamina_trainer.data.rendering import load_texts
from lamina_trainer.generate.run import generate
from lamina_trainer.generate.spec import read_spec
from lamina_trainer.trial.run import run_trial
from openai_server import OpenAiServer
from test_generate import write_spec
from tiny import EVALUATION, WORDS, Recorder, llama_config, make_request, save_model


def write_in_vocabulary(prompt: str) -> str:
    return " ".join(random.Random(prompt).choices(WORDS, k=30))


def test_a_trial_trains_on_generated_data(tmp_path: Path):
    server = OpenAiServer(write_in_vocabulary)
    try:
        spec = read_spec(write_spec(tmp_path, server.url, 60, contamination={"fraction": 0.3, "ngram": 5}))
        report = generate(spec, tmp_path / "made")
    finally:
        server.stop()
    dataset = {
        "source": "file",
        "path": str(tmp_path / "made" / "datasets" / report.data),
        "format": "jsonl",
        "fields": {"text": "completion"},
        "fingerprint": f"sha256:{report.data_sha256}",
    }
    model = save_model(tmp_path / "model", llama_config(2))
    request = make_request(tmp_path, model, Path(), dataset=dataset, evaluation={**EVALUATION, "fraction": 0.3})
    result = run_trial(request, Recorder(), None)
    assert result.status == "succeeded"
    assert result.trained is not None
    assert math.isfinite(result.trained.loss)
    _, held = held_out_order(load_texts(request.settings.dataset), 0.3)
    assert report.contamination.held_out_records == len(held) > 0

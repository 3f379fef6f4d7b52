"""After training: what is kept, merged, restored and measured, with its proof."""

import json
from pathlib import Path

import pytest
import torch

from lamina_trainer.errors import InvalidError
from lamina_trainer.measure.inference import generate, prompts
from lamina_trainer.model.adapter import read_about
from lamina_trainer.model.cut import cut
from lamina_trainer.model.loading import load_model
from lamina_trainer.model.merge import compare, probe, verify
from lamina_trainer.model.precision import apply_precision, resolve_numerics
from lamina_trainer.trial.run import run_trial
from tiny import EVALUATION, LORA, Recorder, gemma_config, llama_config, make_request, save_model, save_texts

INFERENCE = {"batchSizes": [1, 3], "promptTokens": 12, "newTokens": 5, "repetitions": 3, "warmup": 1}
KEEP_ALL = {"adapter": True, "merged": True}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shelf")
    save_model(root / "gemma", gemma_config(4))
    save_model(root / "llama", llama_config(4))
    save_texts(root / "texts.jsonl")
    return root


def request(root: Path, shelf: Path, model: str = "llama", inference=None, **changes):
    evaluation = {**EVALUATION, "inference": inference}
    return make_request(root, shelf / model, shelf / "texts.jsonl", evaluation=evaluation, **changes)


@pytest.mark.parametrize(
    ("model", "precision", "method"),
    [
        ("llama", "bf16", "lora"),
        ("gemma", "nf4-dq", "qlora"),
        ("llama", "int8", "qlora"),
        ("llama", "int4-hqq", "qlora"),
    ],
)
def test_a_trial_keeps_adapter_and_merged_model_and_leaves_its_base_as_it_was(
    tmp_path, shelf, model, precision, method
):
    asked = request(
        tmp_path,
        shelf,
        model,
        precision=precision,
        method=method,
        artifacts=KEEP_ALL,
        layers={"strategy": "even", "keep": 3},
    )
    result = run_trial(asked, Recorder(), None)
    folder = Path(asked.paths.output)
    about = read_about(folder / "adapter")
    assert result.base is not None
    assert result.merge is not None
    assert about is not None
    assert result.base.before == result.base.after == about.checksum
    assert result.merge.accepted
    assert 0 < result.merge.max_difference <= result.merge.tolerance
    assert result.merge.dtype == "bf16"
    again = verify(folder / "adapter", shelf / model, folder / "merged")
    assert again is not None
    assert again.relative == pytest.approx(result.merge.max_difference)
    names = {artifact.name for artifact in result.artifacts}
    assert {"adapter/adapter_model.safetensors", "adapter/lamina.json", "merged/model.safetensors"} <= names
    for artifact in result.artifacts:
        assert (folder / artifact.path).stat().st_size == artifact.bytes
    base = load_model(shelf / model, torch.float32)
    cut(base, result.model.layers_kept)
    merged = load_model(folder / "merged", torch.float32)
    assert compare(probe(base.causal), probe(merged.causal)).relative > result.merge.tolerance
    assert result.inference is None


def test_without_asking_nothing_is_kept_and_nothing_measured(tmp_path, shelf):
    asked = request(tmp_path, shelf)
    result = run_trial(asked, Recorder(), None)
    assert (result.base, result.merge, result.inference) == (None, None, None)
    assert not (Path(asked.paths.output) / "adapter").exists()


def test_asking_for_more_changes_no_figure_of_the_training(tmp_path, shelf):
    plain = run_trial(request(tmp_path, shelf, trial="plain"), Recorder(), None)
    more = run_trial(request(tmp_path, shelf, trial="more", artifacts=KEEP_ALL, inference=INFERENCE), Recorder(), None)
    assert [one.loss for one in plain.training.losses] == [one.loss for one in more.training.losses]
    assert plain.trained is not None
    assert more.trained is not None
    assert plain.trained.loss == more.trained.loss


def test_after_full_training_the_model_itself_is_the_merged_one(tmp_path, shelf):
    asked = request(tmp_path, shelf, precision="fp32", method="full", lora=None, artifacts=KEEP_ALL)
    result = run_trial(asked, Recorder(), None)
    assert (result.base, result.merge) == (None, None)
    merged = load_model(Path(asked.paths.output) / "merged", torch.float32)
    base = load_model(shelf / "llama", torch.float32)
    assert compare(probe(base.causal), probe(merged.causal)).relative > 0.01
    assert (Path(asked.paths.output) / "merged" / "tokenizer.json").exists()


def test_a_model_that_is_not_saved_as_it_was_trained_is_not_kept(tmp_path, shelf, monkeypatch):
    from transformers import PreTrainedModel

    save = PreTrainedModel.save_pretrained

    def damage(self, folder, *arguments, **named):
        self.model.layers[0].mlp.up_proj.weight.data += 0.1
        save(self, folder, *arguments, **named)

    monkeypatch.setattr(PreTrainedModel, "save_pretrained", damage)
    recorder = Recorder()
    asked = request(tmp_path, shelf, precision="bf16", method="full", lora=None, artifacts=KEEP_ALL)
    run_trial(asked, recorder, None)
    assert [text for text in recorder.warnings if "differ from the trained one's" in text]
    assert not (Path(asked.paths.output) / "merged").exists()


def test_a_merge_above_the_tolerance_is_a_figure_and_no_model(tmp_path, shelf, monkeypatch):
    monkeypatch.setattr("lamina_trainer.model.merge.TOLERANCE", {"fp32": 1e-9, "bf16": 1e-9, "fp16": 1e-9})
    recorder = Recorder()
    asked = request(tmp_path, shelf, artifacts=KEEP_ALL, inference=INFERENCE)
    result = run_trial(asked, recorder, None)
    assert result.status == "succeeded"
    assert result.merge is not None
    assert result.inference is not None
    assert not result.merge.accepted
    assert result.merge.max_difference > result.merge.tolerance == 1e-9
    assert result.inference.merged is None
    assert not (Path(asked.paths.output) / "merged").exists()
    assert any("was not kept" in warning for warning in recorder.warnings)


def test_inference_is_measured_with_and_without_the_adapter_as_raw_samples(tmp_path, shelf):
    asked = request(tmp_path, shelf, precision="nf4", method="qlora", inference=INFERENCE)
    recorder = Recorder()
    result = run_trial(asked, recorder, None)
    assert recorder.phases[-5:] == ["evaluating", "measuring", "saving", "merging", "measuring"]
    assert result.inference is not None
    assert result.inference.merged is not None
    assert (result.inference.prompt_tokens, result.inference.new_tokens) == (12, 5)
    for measured in (result.inference.trained, result.inference.merged):
        assert [one.batch_size for one in measured] == [1, 3]
        for one in measured:
            assert len(one.prefill_seconds) == len(one.decode_seconds) == 3
            assert min(*one.prefill_seconds, *one.decode_seconds) > 0
    assert result.merge is not None
    assert result.merge.accepted
    assert [artifact for artifact in result.artifacts if artifact.name.startswith(("adapter", "merged"))] == []
    assert not (Path(asked.paths.output) / "merged").exists()
    assert result.training.dequantization_share is not None


@pytest.mark.parametrize("model", ["gemma", "llama"])
def test_generation_with_a_cache_finds_the_tokens_that_whole_passes_find(shelf, model):
    loaded = load_model(shelf / model, torch.float32)
    cut(loaded, [0, 2, 3])
    numerics = resolve_numerics("fp32", "fp32", torch.device("cpu"), fast_16_bit=False)
    apply_precision(loaded.causal, loaded.layers, numerics)
    ids = prompts(loaded, 2, 10)
    tokens, _, _ = generate(loaded, ids, 6, numerics)
    known = ids
    for _ in range(7):
        with torch.no_grad():
            logits = loaded.causal(input_ids=known, use_cache=False).logits
        known = torch.cat([known, logits[:, -1].argmax(dim=-1, keepdim=True)], dim=1)
    assert tokens.tolist() == known[:, 10:].tolist()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"artifacts": KEEP_ALL, "lora": {**LORA, "bias": "all"}}, "trains biases"),
        ({"inference": {**INFERENCE, "promptTokens": 120, "newTokens": 9}}, "the model has room for 128"),
    ],
)
def test_what_cannot_be_kept_or_measured_is_said_before_training(tmp_path, shelf, changes, message):
    recorder = Recorder()
    with pytest.raises(InvalidError, match=message):
        run_trial(request(tmp_path, shelf, **changes), recorder, None)
    assert recorder.steps == []


def test_the_result_is_a_document_of_the_contract(tmp_path, shelf):
    from jsonschema import Draft202012Validator

    from lamina_trainer.contract.document import write_document

    schema = Path(__file__).resolve().parents[1] / "contracts" / "trial-result.schema.json"
    result = run_trial(request(tmp_path, shelf, artifacts=KEEP_ALL, inference=INFERENCE), Recorder(), None)
    Draft202012Validator(json.loads(schema.read_text())).validate(json.loads(write_document(result)))

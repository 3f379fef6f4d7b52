"""GPTQ and AWQ checkpoints as bases: read exactly, trained over, merged, restored; others are refused with reasons."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from lamina_trainer.cli import main
from lamina_trainer.errors import InvalidError
from lamina_trainer.model.loading import load_model
from lamina_trainer.model.merge import compare, plain, probe
from lamina_trainer.quantizers.checkpoint import check_checkpoint
from lamina_trainer.quantizers.registry import quantizer_of
from lamina_trainer.trial.run import run_trial
from quantized_checkpoints import rounded, write_checkpoint
from tiny import Recorder, gemma_config, llama_config, make_request, save_model, save_texts


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("checkpoints")
    save_model(root / "llama", llama_config(4))
    save_model(root / "gemma", gemma_config(4))
    write_checkpoint(root / "llama", root / "gptq", "gptq", checkpoint_format="gptq", desc_act=False)
    write_checkpoint(root / "gemma", root / "awq", "awq", version="gemm", zero_point=True)
    save_texts(root / "texts.jsonl")
    return root


@pytest.mark.parametrize(("method", "source"), [("gptq", "llama"), ("awq", "gemma")])
def test_weights_are_those_of_the_checkpoint(shelf, method, source):
    loaded = load_model(shelf / method, torch.bfloat16)
    exact = load_file(str(shelf / source / "model.safetensors"))
    checked = 0
    for name, module in loaded.causal.named_modules():
        quantizer = quantizer_of(module)
        if quantizer is None:
            continue
        values, zero, scale = rounded(exact[f"{name}.weight"], 32)
        expected = (values.view(*zero.shape, -1) - zero[..., None]) * scale.float()[..., None]
        torch.testing.assert_close(quantizer.weight(module), expected.flatten(1), rtol=1e-6, atol=0)
        checked += 1
    assert checked == 4 * 7
    assert type(loaded.causal.get_output_embeddings()) is nn.Linear
    assert {p.dtype for p in loaded.causal.parameters() if p.is_floating_point()} == {torch.bfloat16}
    plain(loaded)
    whole = load_model(shelf / source, torch.float32)
    assert 0.01 < compare(probe(whole.causal), probe(loaded.causal)).relative < 0.4


@pytest.mark.parametrize("method", ["gptq", "awq"])
def test_a_trial_over_a_checkpoint_trains_merges_and_leaves_it_as_it_was(tmp_path, shelf, method, capsys):
    asked = make_request(
        tmp_path,
        shelf / method,
        shelf / "texts.jsonl",
        precision=method,
        method="qlora",
        layers={"strategy": "even", "keep": 3},
        training={"steps": 12, "learningRate": 0.03},
        artifacts={"adapter": True, "merged": True},
    )
    recorder = Recorder()
    result = run_trial(asked, recorder, None)
    assert result.status == "succeeded"
    assert result.trained.loss < result.raw.loss
    assert result.seconds.quantize is None
    assert "quantizing" not in recorder.phases
    # 4 + (16 + 8)/32: the zero is kept in a byte.
    assert result.model.quantized_bits_per_parameter == pytest.approx(4.75)
    assert result.base.before == result.base.after
    assert result.merge.accepted
    merged = Path(asked.paths.output) / "merged"
    assert "quantization_config" not in json.loads((merged / "config.json").read_text())
    adapter = str(Path(asked.paths.output) / "adapter")
    assert main(["restore", adapter, "--base", str(shelf / method)]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["identical"] is True


def test_a_trial_in_another_precision_than_the_checkpoint_s_is_invalid_before_anything_is_loaded(tmp_path, shelf):
    recorder = Recorder()
    asked = make_request(tmp_path, shelf / "gptq", shelf / "texts.jsonl", precision="nf4", method="qlora")
    with pytest.raises(InvalidError, match="use precision gptq"):
        run_trial(asked, recorder, None)
    assert recorder.phases == []


def spoil(folder: Path, how: str) -> None:
    file = folder / "model.safetensors"
    tensors = load_file(str(file))
    first = "model.layers.0.self_attn.q_proj"
    match how:
        case "inputs sorted":
            tensors[f"{first}.g_idx"] = tensors[f"{first}.g_idx"].flip(0)
        case "a group missing":
            tensors[f"{first}.qzeros"] = tensors[f"{first}.qzeros"][:1].clone()
        case "an unknown layer":
            tensors["model.layers.9.self_attn.q_proj.qweight"] = tensors[f"{first}.qweight"].clone()
        case "no embedding":
            del tensors["model.embed_tokens.weight"]
        case "another width":
            for part in ("qweight", "qzeros", "scales"):
                tensors[f"{first}.{part}"] = tensors[f"{first}.{part}"][:, :8].contiguous()
        case "head":
            for part in ("qweight", "qzeros", "scales", "g_idx"):
                tensors[f"lm_head.{part}"] = tensors[f"{first}.{part}"].clone()
    save_file(tensors, str(file), metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("inputs sorted", "desc_act"),
        ("a group missing", "groups of scales"),
        ("an unknown layer", "which the model has not"),
        ("no embedding", r"lacks the weights model\.embed_tokens\.weight"),
        ("another width", "has not the shape"),
        ("head", "lm_head quantized, which is no linear layer of the decoder"),
    ],
)
def test_a_checkpoint_that_is_not_as_it_should_be_is_refused(tmp_path, shelf, how, message):
    folder = write_checkpoint(shelf / "llama", tmp_path / "spoilt", "gptq")
    spoil(folder, how)
    with pytest.raises(InvalidError, match=message):
        load_model(folder, torch.bfloat16)


@pytest.mark.parametrize(
    ("quantization", "message"),
    [
        ({"quant_method": "fp8"}, r"quantized already \(fp8\)"),
        ({"bits": 8}, "8 bits a weight"),
        ({"quant_method": "awq", "version": "gemv"}, "format 'gemv'"),
    ],
)
def test_formats_that_cannot_be_read_say_why(tmp_path, shelf, quantization, message):
    folder = write_checkpoint(shelf / "llama", tmp_path / "other", "gptq", **quantization)
    with pytest.raises(InvalidError, match=message):
        load_model(folder, torch.bfloat16)


def test_a_checkpoint_without_quantized_weights_is_refused(tmp_path):
    folder = save_model(tmp_path / "model", llama_config(1))
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "gptq", "bits": 4, "group_size": 32}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InvalidError, match="has no quantized weights"):
        load_model(folder, torch.bfloat16)


@pytest.mark.parametrize(
    ("stored", "precision", "message"),
    [
        ("gptq", "bf16", "gptq is a gptq checkpoint and cannot be had as bf16: use precision gptq"),
        ("awq", "gptq", "use precision awq"),
        ("llama", "gptq", "gptq is a format of checkpoints, and llama is not stored in it"),
        ("gptq", "gptq", None),
        ("llama", "nf4", None),
    ],
)
def test_precision_and_checkpoint_must_agree(shelf, stored, precision, message):
    if message is None:
        check_checkpoint(shelf / stored, precision)
        return
    with pytest.raises(InvalidError, match=message):
        check_checkpoint(shelf / stored, precision)


def test_an_adapter_of_another_tool_over_a_checkpoint_is_read_over_it(tmp_path, shelf, capsys):
    asked = make_request(
        tmp_path,
        shelf / "gptq",
        shelf / "texts.jsonl",
        precision="gptq",
        method="qlora",
        artifacts={"adapter": True, "merged": False},
    )
    run_trial(asked, Recorder(), None)
    adapter = Path(asked.paths.output) / "adapter"
    (adapter / "lamina.json").unlink()
    assert main(["verify", str(adapter), "--base", str(shelf / "gptq")]) == 0
    assert "whole" in capsys.readouterr().out

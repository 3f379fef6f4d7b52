"""Adapters are merged within a stated tolerance and taken off without a trace; what is wrong with one is said."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from lamina_trainer.cli import main
from lamina_trainer.contract.settings import LoraSettings
from lamina_trainer.model.adapter import save_adapter
from lamina_trainer.model.cut import cut
from lamina_trainer.model.loading import load_model
from lamina_trainer.model.merge import compare, copy_tokenizer, merge, probe
from lamina_trainer.model.precision import apply_precision, resolve_numerics
from lamina_trainer.training.methods import apply_method
from tiny import LORA, gemma_config, llama_config, save_model

KEPT = [0, 1, 3]


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("bases")
    return {
        "llama": save_model(root / "llama", llama_config(4)),
        "gemma": save_model(root / "gemma", gemma_config(4)),
        "shallow": save_model(root / "shallow", llama_config(2)),
    }


def make_adapter(
    base: Path, folder: Path, precision="nf4", method="qlora", compute="fp32", targets="all-linear"
) -> Path:
    numerics = resolve_numerics(precision, compute, torch.device("cpu"), fast_16_bit=False)
    loaded = load_model(base, numerics.stored)
    cut(loaded, KEPT)
    apply_precision(loaded.causal, loaded.layers, numerics)
    torch.manual_seed(3)
    for parameter in apply_method(loaded, method, LoraSettings(**{**LORA, "dropout": 0.0, "targets": targets})):
        parameter.data.normal_(std=0.1)  # as if trained: the second factor starts as zeros
    save_adapter(loaded, loaded.causal.peft_config["default"], folder, precision, compute, KEPT)
    return folder


@pytest.mark.parametrize(
    ("base", "precision", "method"),
    [
        ("llama", "fp32", "lora"),
        ("gemma", "bf16", "lora"),
        ("gemma", "int8", "qlora"),
        ("llama", "nf4", "qlora"),
        ("gemma", "nf4-dq", "qlora"),
        ("llama", "fp4", "qlora"),
        ("gemma", "fp8", "qlora"),
        ("llama", "int8-wo", "qlora"),
        ("gemma", "int4-wo", "qlora"),
        ("llama", "int4-hqq", "qlora"),
    ],
)
def test_a_merged_model_says_what_the_adapter_says(tmp_path, bases, capsys, base, precision, method):
    adapter = make_adapter(bases[base], tmp_path / "adapter", precision, method)
    common = [str(adapter), "--base", str(bases[base])]
    assert main(["merge", *common, "--to", str(tmp_path / "merged"), "--dtype", "fp32"]) == 0
    for weights in (adapter / "adapter_model.safetensors", tmp_path / "merged" / "model.safetensors"):
        assert weights.stat().st_mode & 0o077, "all who fetch artifacts may read them"
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["difference"]["relative"] <= (6e-2 if precision == "int8" else 1e-4)
    assert report["difference"]["sameTop"] > 0.9
    merged = load_model(tmp_path / "merged", torch.float32)
    assert merged.layers_original == len(KEPT)
    plain = load_model(bases[base], torch.float32)
    cut(plain, KEPT)
    assert compare(probe(plain.causal), probe(merged.causal)).relative > 0.2
    assert main(["restore", *common]) == 0
    restored = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert restored["identical"] is True
    assert restored["before"] == json.loads((adapter / "lamina.json").read_text())["checksum"]
    assert main(["verify", *common, "--merged", str(tmp_path / "merged")]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == report["difference"]


def test_rounding_to_16_bits_stays_within_the_stated_tolerance(tmp_path, bases, capsys):
    adapter = make_adapter(bases["llama"], tmp_path / "adapter")
    arguments = ["merge", str(adapter), "--base", str(bases["llama"]), "--to", str(tmp_path / "merged")]
    assert main(arguments) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert 1e-4 < report["difference"]["relative"] <= report["tolerance"] == 3e-2
    assert load_model(tmp_path / "merged", torch.bfloat16).causal.dtype == torch.bfloat16
    assert main(arguments) == 64
    assert "exists already" in capsys.readouterr().err


def test_a_merge_that_differs_too_much_leaves_nothing(tmp_path, bases, capsys, monkeypatch):
    monkeypatch.setitem(__import__("lamina_trainer.model.merge").model.merge.TOLERANCE, "bf16", 1e-9)
    monkeypatch.setitem(__import__("lamina_trainer.model.merge").model.merge.TOLERANCE, "fp32", 1e-9)
    adapter = make_adapter(bases["llama"], tmp_path / "adapter")
    assert main(["merge", str(adapter), "--base", str(bases["llama"]), "--to", str(tmp_path / "merged")]) == 64
    assert "differ by" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"adapter"}


def spoil(adapter: Path, how: str) -> None:
    weights = adapter / "adapter_model.safetensors"
    content = weights.read_bytes()
    match how:
        case "one bit":
            weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        case "half, without a note":
            weights.write_bytes(content[: len(content) // 2])
            (adapter / "lamina.json").unlink()
        case "no weights":
            weights.unlink()
        case "no configuration":
            (adapter / "adapter_config.json").unlink()
        case "fewer layers, without a note":
            (adapter / "lamina.json").unlink()


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("one bit", "damaged: the checksum"),
        ("half, without a note", "damaged"),
        ("no weights", "adapter_model.safetensors is missing"),
        ("no configuration", "adapter_config.json is missing"),
        ("fewer layers, without a note", "does not fit this base"),
    ],
)
def test_a_spoilt_adapter_is_refused_with_its_reason(tmp_path, bases, capsys, how, message):
    adapter = make_adapter(bases["llama"], tmp_path / "adapter", "fp32", "lora")
    spoil(adapter, how)
    for command in (["verify"], ["restore"], ["merge", "--to", str(tmp_path / "merged")]):
        assert main([*command, str(adapter), "--base", str(bases["llama"])]) == 64
        assert message in capsys.readouterr().err
    assert not (tmp_path / "merged").exists()


@pytest.mark.parametrize("other", ["gemma", "shallow", "one weight"])
def test_another_base_is_refused(tmp_path, bases, capsys, other):
    adapter = make_adapter(bases["llama"], tmp_path / "adapter")
    base = bases.get(other)
    if base is None:
        base = tmp_path / "changed"
        shutil.copytree(bases["llama"], base)
        model = load_model(base, torch.float32).causal
        model.model.layers[3].mlp.up_proj.weight.data[5, 5] += 1
        model.save_pretrained(str(base))
    assert main(["restore", str(adapter), "--base", str(base)]) == 64
    assert "belongs to another base" in capsys.readouterr().err


def test_an_adapter_of_another_tool_needs_no_note(tmp_path, bases, capsys):
    adapter = tmp_path / "adapter"
    loaded = load_model(bases["shallow"], torch.float32)
    apply_method(loaded, "lora", LoraSettings(**{**LORA, "dropout": 0.0}))
    save_adapter(loaded, loaded.causal.peft_config["default"], adapter, "fp32", "fp32", [0, 1])
    (adapter / "lamina.json").unlink()
    assert main(["verify", str(adapter), "--base", str(bases["shallow"])]) == 0
    assert "whole" in capsys.readouterr().out


def test_the_difference_of_logits_by_hand():
    first = torch.tensor([[1.0, 0.0, -1.0]])
    assert compare(first, first + 5).relative == pytest.approx(0)
    found = compare(first, torch.tensor([[0.0, 1.0, -1.0]]))
    assert found.relative == pytest.approx(1.0)
    assert found.same_top == 0
    p = torch.softmax(first[0], 0)
    assert found.divergence == pytest.approx(float(p[0] - p[1]), abs=1e-6)


@pytest.mark.parametrize("targets", [["embed_tokens"], ["lm_head"], ["embed_tokens", "q_proj"]])
@pytest.mark.parametrize("base", ["gemma", "llama"])
def test_adapters_of_embeddings_load_under_any_name_and_merge(tmp_path, bases, capsys, base, targets):
    """Gemma multiplies its embedding's rows, and its head is the same matrix."""
    from peft import PeftModel

    adapter = make_adapter(bases[base], tmp_path / "adapter", "bf16", "lora", targets=targets)
    loaded = load_model(bases[base], torch.float32)
    cut(loaded, KEPT)
    plain = probe(loaded.causal)
    model = PeftModel.from_pretrained(loaded.causal, str(adapter), adapter_name="other")
    assert compare(plain, probe(model)).relative > 0.02
    assert (
        main(["merge", str(adapter), "--base", str(bases[base]), "--to", str(tmp_path / "m"), "--dtype", "fp32"]) == 0
    )
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["difference"]["relative"] < 1e-4


def test_tied_heads_are_stored_once_whatever_they_were_multiplied_in(tmp_path, bases):
    sizes = set()
    for compute in ("fp32", "bf16"):
        adapter = make_adapter(bases["gemma"], tmp_path / compute, "bf16", "lora", compute)
        merge(adapter, bases["gemma"], tmp_path / f"merged-{compute}", "bf16")
        sizes.add((tmp_path / f"merged-{compute}" / "model.safetensors").stat().st_size)
        assert json.loads((tmp_path / f"merged-{compute}" / "config.json").read_text())["tie_word_embeddings"] is True
    assert len(sizes) == 1


def test_every_file_of_a_tokenizer_is_copied(tmp_path):
    base, target = tmp_path / "base", tmp_path / "target"
    base.mkdir()
    target.mkdir()
    kept = {"vocab.json", "merges.txt", "tokenizer.model", "added_tokens.json", "chat_template.jinja"}
    for name in (*kept, "config.json", "pytorch_model.bin", "model.safetensors.index.json", ".gitattributes"):
        (base / name).write_text("base")
    (target / "config.json").write_text("target")
    copy_tokenizer(base, target)
    assert {file.name for file in target.iterdir()} == {*kept, "config.json"}
    assert (target / "config.json").read_text() == "target"

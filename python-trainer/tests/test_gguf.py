"""A small GGUF file, written with the format's own library, becomes a folder that loads to the same values."""

import logging
import multiprocessing
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch

from lamina_trainer.errors import InvalidError, ModelError
from lamina_trainer.host.files import sha256_of_file
from lamina_trainer.model.gguf import converted_gguf

HIDDEN, HEADS, LAYERS, FEED_FORWARD = 64, 2, 2, 128
TOKENS = ["<unk>", "<s>", "</s>", *[f"<0x{byte:02X}>" for byte in range(256)], "▁", "a", "b", "ab", "▁a", "▁ab"]


def write_llama(path: Path, without: str = "nothing") -> dict[str, np.ndarray]:
    """A random llama with Q8_0 matrices; returns the values that the file stands for, by GGUF name."""
    chance = np.random.default_rng(5)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(128)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_vocab_size(len(TOKENS))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(TOKENS)
    writer.add_token_scores([-float(index) for index in range(len(TOKENS))])
    kinds = [2, 3, 3] + [6] * 256 + [1] * (len(TOKENS) - 259)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    shapes = {"token_embd.weight": (len(TOKENS), HIDDEN), "output.weight": (len(TOKENS), HIDDEN)}
    for layer in range(LAYERS):
        for name, shape in {
            "attn_q": (HIDDEN, HIDDEN),
            "attn_k": (HIDDEN, HIDDEN),
            "attn_v": (HIDDEN, HIDDEN),
            "attn_output": (HIDDEN, HIDDEN),
            "ffn_gate": (FEED_FORWARD, HIDDEN),
            "ffn_up": (FEED_FORWARD, HIDDEN),
            "ffn_down": (HIDDEN, FEED_FORWARD),
        }.items():
            shapes[f"blk.{layer}.{name}.weight"] = shape
        shapes[f"blk.{layer}.attn_norm.weight"] = (HIDDEN,)
        shapes[f"blk.{layer}.ffn_norm.weight"] = (HIDDEN,)
    shapes["output_norm.weight"] = (HIDDEN,)
    # Frequencies that llama.cpp scales positions with, computed from the configuration here.
    writer.add_tensor("rope_freqs.weight", np.ones(HIDDEN // HEADS // 2, dtype=np.float32))
    values = {}
    for name, shape in shapes.items():
        if without in name:
            continue
        data = chance.normal(0, 0.3, shape).astype(np.float32)
        if len(shape) == 1:
            writer.add_tensor(name, data)
            values[name] = data
            continue
        packed = gguf.quantize(data, gguf.GGMLQuantizationType.Q8_0)
        writer.add_tensor(name, packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        values[name] = gguf.dequantize(packed, gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return values


@pytest.fixture(name="converted", scope="module")
def converted_fixture(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, np.ndarray], Path, Path]:
    root = tmp_path_factory.mktemp("gguf")
    file = root / "tiny.gguf"
    values = write_llama(file)
    reader = gguf.GGUFReader
    folder = converted_gguf(file, root / "cache")
    assert gguf.GGUFReader is reader
    return file, values, folder, root / "cache"


def test_the_folder_loads_to_the_files_values(converted):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    _, values, folder, _ = converted
    assert (folder / "model.safetensors").stat().st_mode & 0o077, "other users of the cache may read it"
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", local_files_only=True)
    assert model.dtype == torch.float32
    assert getattr(model.config, "quantization_config", None) is None
    state = model.state_dict()
    pairs = {
        "model.embed_tokens.weight": "token_embd.weight",
        "lm_head.weight": "output.weight",
        "model.layers.1.mlp.down_proj.weight": "blk.1.ffn_down.weight",
        "model.layers.0.self_attn.v_proj.weight": "blk.0.attn_v.weight",
        "model.layers.1.input_layernorm.weight": "blk.1.attn_norm.weight",
    }
    for name, original in pairs.items():
        assert torch.equal(state[name], torch.from_numpy(values[original])), name
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    assert len(tokenizer) == len(TOKENS)
    assert tokenizer.bos_token_id == 1
    with torch.no_grad():
        logits = model(torch.tensor([tokenizer("ab a").input_ids])).logits
    assert torch.isfinite(logits).all()


def test_it_is_the_model_that_transformers_reads_itself(converted):
    from transformers import AutoModelForCausalLM

    file, _, folder, _ = converted
    direct = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.float32, local_files_only=True
    )
    ours = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", local_files_only=True)
    ids = torch.arange(3, 40).unsqueeze(0)
    with torch.no_grad():
        assert torch.equal(direct(ids).logits, ours(ids).logits)


def test_a_file_that_lacks_a_tensor_is_refused(tmp_path: Path):
    write_llama(tmp_path / "other.gguf", without="blk.1.ffn_up")
    with pytest.raises(ModelError, match=r"1 missing \(model.layers.1.mlp.up_proj.weight\)"):
        converted_gguf(tmp_path / "other.gguf", tmp_path / "cache")


def test_the_second_call_finds_it(converted, caplog: pytest.LogCaptureFixture):
    file, _, folder, cache = converted
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    with caplog.at_level(logging.INFO):
        assert converted_gguf(file, cache) == folder
    assert caplog.records == []
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    copy = file.with_name("renamed.gguf")
    copy.write_bytes(file.read_bytes())
    assert converted_gguf(copy, cache) == folder


def test_a_fingerprint_is_held_against_the_file(converted):
    file, _, folder, cache = converted
    assert converted_gguf(file, cache, f"sha256:{sha256_of_file(file)}") == folder
    with pytest.raises(InvalidError, match="has changed since"):
        converted_gguf(file, cache, "0" * 64)


def test_wrong_files_are_refused(tmp_path: Path):
    with pytest.raises(InvalidError, match="does not exist"):
        converted_gguf(tmp_path / "no.gguf", tmp_path / "cache")
    (tmp_path / "text.gguf").write_text("hello there")
    with pytest.raises(InvalidError, match="is not a GGUF file"):
        converted_gguf(tmp_path / "text.gguf", tmp_path / "cache")
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\x03\x00\x00\x00" + b"\x00" * 40)
    with pytest.raises(InvalidError, match="cannot be read"):
        converted_gguf(broken, tmp_path / "cache")
    assert [path for path in (tmp_path / "cache" / "gguf").iterdir() if path.is_dir()] == []


def test_two_processes_share_one_conversion(tmp_path: Path):
    file = tmp_path / "tiny.gguf"
    write_llama(file)
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=converted_gguf, args=(file, tmp_path / "cache")) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(100)
    assert [process.exitcode for process in processes] == [0, 0]
    assert sorted(path.suffix for path in (tmp_path / "cache" / "gguf").iterdir()) == ["", ".lock"]

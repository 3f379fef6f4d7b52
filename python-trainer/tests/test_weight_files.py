"""What is loaded is what the files and the configuration say, or nothing is."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from lamina_trainer.contract.settings import PathModel
from lamina_trainer.data.tokenizer import check_rows, load_tokenizer
from lamina_trainer.errors import ModelError
from lamina_trainer.model.loading import load_model
from lamina_trainer.model.source import model_folder
from lamina_trainer.model.weight_files import model_fingerprint, vocabulary_size
from tiny import VOCABULARY, gemma_config, llama_config, random_model, save_model, save_tokenizer

LAYERS = 3


def _sizes() -> dict[str, Any]:
    return {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "max_position_embeddings": 64,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }


def _families() -> dict[str, Callable[[], Any]]:
    import transformers as tf

    return {
        "llama": lambda: llama_config(LAYERS),
        "llama-tied": lambda: tf.LlamaConfig(**_sizes(), tie_word_embeddings=True),
        "gemma2": lambda: tf.Gemma2Config(**_sizes(), sliding_window=8, query_pre_attn_scalar=16),
        "gemma3": lambda: gemma_config(LAYERS),
        "qwen3": lambda: tf.Qwen3Config(**_sizes()),
        "gpt2": lambda: tf.GPT2Config(
            vocab_size=VOCABULARY, n_embd=32, n_layer=LAYERS, n_head=2, n_positions=64, bos_token_id=1, eos_token_id=2
        ),
        "mixtral": lambda: tf.MixtralConfig(**_sizes(), num_local_experts=3, num_experts_per_tok=2),
        "bloom": lambda: tf.BloomConfig(vocab_size=VOCABULARY, hidden_size=32, n_layer=LAYERS, n_head=2),
    }


FAMILIES = ("llama", "llama-tied", "gemma2", "gemma3", "qwen3", "gpt2", "mixtral", "bloom")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders of models, each made when it is first asked for."""
    root, configs = tmp_path_factory.mktemp("families"), _families()

    def folder(name: str) -> Path:
        return root / name if (root / name).is_dir() else save_model(root / name, configs[name]())

    return folder


@pytest.fixture
def copied(shelf: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    return lambda name: Path(shutil.copytree(shelf(name), tmp_path / name))


def change(folder: Path, **fields: Any) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


def rewrite(folder: Path, edit: Callable[[dict[str, torch.Tensor]], None]) -> None:
    file = folder / "model.safetensors"
    tensors = load_file(str(file))
    edit(tensors)
    save_file(tensors, str(file), metadata={"format": "pt"})


def without(*parts: str) -> Callable[[Path], None]:
    def edit(tensors: dict[str, torch.Tensor]) -> None:
        for name in [name for name in tensors if any(part in name for part in parts)]:
            del tensors[name]

    return lambda folder: rewrite(folder, edit)


def with_tensor(name: str, *shape: int) -> Callable[[Path], None]:
    return lambda folder: rewrite(folder, lambda tensors: tensors.update({name: torch.ones(shape)}))


def sharded(folder: Path) -> dict[str, str]:
    """Split the weights over two files; returns which tensor is in which."""
    tensors = load_file(str(folder / "model.safetensors"))
    (folder / "model.safetensors").unlink()
    shards = ("a.safetensors", "b.safetensors")
    held = {name: shards[i % 2] for i, name in enumerate(sorted(tensors))}
    for shard in shards:
        save_file({name: tensors[name] for name in held if held[name] == shard}, str(folder / shard))
    index = {"metadata": {}, "weight_map": held}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return held


@pytest.mark.parametrize("family", FAMILIES)
def test_whole_models_are_loaded_as_they_were_saved(family: str, shelf: Callable[[str], Path]):
    """Heads that are tied and buffers that are computed are in no file, and nothing is missing for that."""
    loaded = load_model(shelf(family), torch.float32)
    assert loaded.attention == ("eager" if family in {"gemma2", "bloom"} else "sdpa")
    ids = torch.arange(4, 20)[None]
    expected = random_model(_families()[family]())
    with torch.no_grad():
        assert torch.allclose(loaded.causal(ids).logits, expected(ids).logits, atol=1e-3)


def test_pickled_and_sharded_weights_are_the_same_model(copied: Callable[[str], Path]):
    whole, pickled = copied("llama"), copied("llama-tied")
    before = load_model(whole, torch.float32).causal.state_dict()
    sharded(whole)
    after = load_model(whole, torch.float32).causal.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    # torch keeps both names of a tied matrix.
    tied = load_model(pickled, torch.float32).causal
    torch.save(tied.state_dict(), pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    assert torch.equal(load_model(pickled, torch.float32).causal.lm_head.weight, tied.lm_head.weight)


def _pointer(name: str) -> Callable[[Path], object]:
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"
    return lambda folder: (folder / name).write_text(text)


def _cut(name: str, keep: float) -> Callable[[Path], object]:
    def edit(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(len(content) * keep)])

    return edit


def _without_shard(folder: Path) -> None:
    sharded(folder)
    (folder / "b.safetensors").unlink()


def _stale_index(folder: Path) -> None:
    held = sharded(folder)
    gone = next(name for name in held if "layers.1.mlp.up_proj" in name)
    tensors = load_file(str(folder / held[gone]))
    del tensors[gone]
    save_file(tensors, str(folder / held[gone]))


def _broken_pickle(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"PK\3\4 and no more")


def _code_in_pickle(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({"lm_head.weight": Path("/")}, folder / "pytorch_model.bin")


FAULTS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "tensors missing": ("llama", without("layers.1.mlp"), r"3 missing \(model.layers.1.mlp.down_proj"),
    "norm missing": ("gemma3", without("model.norm"), r"1 missing \(model.norm.weight"),
    "embedding and head missing": ("llama-tied", without("embed_tokens"), r"missing \(.*embed_tokens"),
    "deeper than the files": (
        "qwen3",
        lambda f: change(f, num_hidden_layers=5, layer_types=None),
        r"22 missing \(model.layers.3",
    ),
    "shallower than the files": ("llama", lambda f: change(f, num_hidden_layers=2), r"9 that no part of the model has"),
    "shallower, GPT-2": ("gpt2", lambda f: change(f, n_layer=2), r"11 that no part of the model has \(transformer.h.2"),
    "another vocabulary": ("llama", lambda f: change(f, vocab_size=128), r"lm_head.weight: 96×64 in place of 128×64"),
    "a head of its own": ("llama-tied", with_tensor("lm_head.weight", VOCABULARY, 32), "tie_word_embeddings"),
    "a tensor too many": ("llama", with_tensor("v_head.weight", 1, 64), r"no part of the model has \(v_head.weight"),
    "part of an expert missing": (
        "mixtral",
        without("1.block_sparse_moe.experts.2.w1"),
        r"1 tensors missing \(.*experts.2.w1",
    ),
    "experts missing": ("mixtral", without("layers.1.block_sparse_moe.experts"), r"2 missing \(model.layers.1.mlp.exp"),
    "pointer": ("llama", _pointer("model.safetensors"), r"model.safetensors is a Git LFS pointer.*git lfs pull"),
    "pointer of the tokenizer": ("llama", _pointer("tokenizer.json"), r"tokenizer.json is a Git LFS pointer"),
    "pointer of the configuration": ("llama", _pointer("config.json"), r"config.json is a Git LFS pointer"),
    "cut off": ("llama", _cut("model.safetensors", 0.5), r"has \d+ bytes, and its header describes \d+"),
    "cut off in the header": ("llama", _cut("model.safetensors", 0.001), r"cut off within its header"),
    "empty": ("llama", _cut("model.safetensors", 0), r"model.safetensors is empty"),
    "not JSON": ("llama", _cut("config.json", 0.5), r"config.json is not JSON"),
    "no weights": ("llama", lambda f: (f / "model.safetensors").unlink(), r"has no weights"),
    "a shard missing": ("llama", _without_shard, r"lacks b.safetensors"),
    "a shard of another model": ("llama", _stale_index, r"1 tensors missing \(model.layers.1.mlp.up_proj"),
    "pickle cut off": ("llama", _broken_pickle, r"cannot be loaded"),
    "pickle with code": ("llama", _code_in_pickle, r"cannot be loaded"),
    "an adapter in the folder": ("llama", lambda f: (f / "adapter_config.json").write_text("{}"), r"an adapter"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named_before_anything_is_trained(fault: str, copied: Callable[[str], Path]):
    family, harm, words = FAULTS[fault]
    folder = copied(family)
    harm(folder)
    with pytest.raises(ModelError, match=words):
        load_model(folder, torch.float32)


def _slow(folder: Path) -> None:
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps(vocabulary))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda folder: (folder / "tokenizer.json").unlink(), "has no tokenizer"),
        (_slow, "has no tokenizer"),
        (_cut("tokenizer.json", 0.5), r"tokenizer in .* cannot be read: JSONDecodeError"),
    ],
    ids=["none", "without merges", "cut off"],
)
def test_a_model_without_a_tokenizer_is_refused(harm: Callable[[Path], object], words: str, tmp_path: Path):
    save_tokenizer(tmp_path)
    harm(tmp_path)
    with pytest.raises(ModelError, match=words):
        load_tokenizer(tmp_path)


def test_a_tokenizer_is_not_longer_than_the_embedding(copied: Callable[[str], Path]):
    folder = copied("gemma3")
    rows = vocabulary_size(folder)
    tokenizer = load_tokenizer(folder)
    assert rows == VOCABULARY
    spare = VOCABULARY - len(tokenizer)
    tokenizer.add_tokens([f"spare{i}" for i in range(spare)])
    # As Gemma 3's: <image_soft_token> comes after the last row of the models that see no images.
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    check_rows(tokenizer, rows, folder)
    tokenizer.add_tokens(["note", "habit"])
    with pytest.raises(
        ModelError, match=r"has 99 entries, and the model's embedding 96 rows: none for 'habit', 'note'"
    ):
        check_rows(tokenizer, rows, folder)


def test_a_fingerprint_is_of_the_whole_content(copied: Callable[[str], Path], tmp_path: Path):
    cache = tmp_path / "cache"
    folder = copied("llama")
    first = model_fingerprint(folder, cache)
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    assert model_fingerprint(other, cache) == first
    content = bytearray((other / "model.safetensors").read_bytes())
    content[len(content) // 2 + 5] ^= 1
    (other / "model.safetensors").write_bytes(content)
    edited = model_fingerprint(other, cache)
    assert edited != first
    torch.save({}, other / "pytorch_model.bin")
    assert model_fingerprint(other, cache) == edited, "safetensors are preferred, the pickle is not loaded"
    (other / "model.safetensors").unlink()
    pickled = model_fingerprint(other, cache)
    torch.save({"a": torch.ones(1)}, other / "pytorch_model.bin")
    assert len({edited, pickled, model_fingerprint(other, cache)}) == 3
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    assert model_fingerprint(folder, cache) != first


def test_a_fingerprint_is_the_one_that_the_service_makes(tmp_path: Path):
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "pytorch_model.bin").write_text("not loaded where there are safetensors")
    expected = "files:fa3469133e1e2f4415ccc6aef96ebe7aa3bb37a46aee3fa17517d9d05e23c70e"
    assert model_fingerprint(tmp_path, tmp_path / "cache") == expected


def test_a_folder_that_has_changed_since_the_submission_is_refused(copied: Callable[[str], Path], tmp_path: Path):
    folder, cache = copied("llama"), tmp_path / "cache"
    submitted = PathModel(source="path", path=str(folder), fingerprint=model_fingerprint(folder, cache))
    assert model_folder(submitted, cache) == folder
    rewrite(folder, lambda tensors: tensors["lm_head.weight"].add_(1e-3))
    with pytest.raises(ModelError, match="has changed since the experiment was submitted"):
        model_folder(submitted, cache)
    # Fingerprints of earlier releases were made of samples: they name no scheme that could be compared.
    assert model_folder(submitted.model_copy(update={"fingerprint": "0" * 64}), cache) == folder

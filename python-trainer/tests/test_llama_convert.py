"""Models as GGUF files: values, layers and vocabulary as they were."""

from pathlib import Path

import numpy as np
import pytest

from lamina_trainer.contract.settings import GgufSettings
from lamina_trainer.errors import InvalidError
from lamina_trainer.llama.convert import convert
from lamina_trainer.llama.measure import MISSING, measure_gguf
from llama_tools import CACHE, needs_source, save_gemma

pytestmark = needs_source


@pytest.fixture(name="cut", scope="module")
def cut_fixture(tmp_path_factory: pytest.TempPathFactory):
    """Layers 0, 2, 5 of six and a full one among the first: no pattern that repeats every sixth layer."""
    folder = tmp_path_factory.mktemp("llama") / "model"
    return folder, save_gemma(folder, 3, full=[1])


def read(file: Path):
    import gguf

    reader = gguf.GGUFReader(file)
    return reader, {tensor.name: tensor for tensor in reader.tensors}


def test_values_and_layer_kinds_of_a_cut_model_survive(cut, tmp_path: Path):
    folder, model = cut
    convert(folder, tmp_path / "a.gguf", "f32", CACHE)
    reader, tensors = read(tmp_path / "a.gguf")
    assert reader.get_field("gemma3.block_count").contents() == 3
    assert reader.get_field("gemma3.attention.sliding_window_pattern").contents() == [True, False, True]
    assert reader.get_field("tokenizer.ggml.model").contents() == "llama"
    weight = model.model.layers[2].mlp.down_proj.weight.detach().numpy()
    np.testing.assert_array_equal(np.asarray(tensors["blk.2.ffn_down.weight"].data), weight)
    embedding = model.get_input_embeddings().weight.detach().numpy()
    np.testing.assert_array_equal(np.asarray(tensors["token_embd.weight"].data), embedding)


@pytest.mark.parametrize(("kind", "bits"), [("f16", 16), ("bf16", 16), ("q8_0", 8.5)])
def test_types_that_need_no_tool(cut, tmp_path: Path, kind: str, bits: float):
    convert(cut[0], tmp_path / "a.gguf", kind, CACHE)
    _, tensors = read(tmp_path / "a.gguf")
    weight = tensors["blk.0.ffn_up.weight"]
    assert 8 * int(weight.n_bytes) / int(weight.n_elements) == bits
    assert [file.name for file in tmp_path.iterdir()] == ["a.gguf"]


def test_a_folder_without_a_tokenizer_is_refused(cut, tmp_path: Path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InvalidError, match=r"tokenizer\.json is missing"):
        convert(tmp_path, tmp_path / "a.gguf", "f16", CACHE)


def test_an_unknown_architecture_is_refused_and_leaves_nothing(tmp_path: Path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text('{"architectures": ["NobodyForCausalLM"], "model_type": "nobody"}')
    (model / "tokenizer.json").write_text("{}")
    with pytest.raises(InvalidError, match=r"Converting .* failed: .*NobodyForCausalLM"):
        convert(model, tmp_path / "a.gguf", "f16", CACHE)
    assert [file.name for file in tmp_path.iterdir()] == ["model"]


def test_without_tools_files_are_written_and_the_rest_says_what_is_missing(
    cut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("lamina_trainer.llama.measure.is_built", lambda _cache: False)
    settings = GgufSettings(
        types=["f16", "q8_0", "q2_k"],
        repetitions=1,
        prompt_tokens=4,
        generated_tokens=4,
        context_tokens=32,
        max_tokens=64,
    )
    f16, q8, q2 = measure_gguf(cut[0], "a", settings, tmp_path / "files", threads=1, cache=CACHE)
    assert sorted(file.name for file in (tmp_path / "files").iterdir()) == ["model-f16.gguf", "model-q8_0.gguf"]
    assert f16.file_bytes > q8.file_bytes > 0
    assert q2.file_bytes is None
    assert {row.missing for row in (f16, q8, q2)} == {MISSING}

"""GGUF files in llama.cpp itself: the same tokens, the same answers, a table that makes sense."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from lamina_trainer.contract.settings import GgufSettings
from lamina_trainer.llama.build import tool
from lamina_trainer.llama.convert import convert, quantize, run_tool
from lamina_trainer.llama.measure import measure_gguf
from lamina_trainer.llama.perplexity import save_reference, score
from llama_tools import CACHE, LETTERS, VOCABULARY, needs_tools, save_gemma
from reference_logits import read_tokens, write_reference

pytestmark = [needs_tools, pytest.mark.timeout(600)]

GEMMA = sorted((CACHE / "trainer-cache" / "gguf").glob("*/model.safetensors"))


def letters(count: int) -> str:
    chance = random.Random(5)
    words = ["".join(chance.choice(LETTERS) for _ in range(chance.randrange(1, 6))) for _ in range(count)]
    return " ".join(words)


@pytest.fixture(name="cut", scope="module")
def cut_fixture(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("llama")
    model = save_gemma(folder / "model", 4, full=[0, 3])
    convert(folder / "model", folder / "f16.gguf", "f16", CACHE)
    return folder, model


def test_a_cut_model_says_the_same_in_llama_cpp(cut, tmp_path: Path):
    from transformers import AutoTokenizer

    folder, model = cut
    (tmp_path / "text").write_text(letters(400))
    save_reference(
        folder / "f16.gguf", tmp_path / "text", tmp_path / "own", context=64, chunks=8, threads=1, cache=CACHE
    )
    tokens = read_tokens(tmp_path / "own")
    ids = AutoTokenizer.from_pretrained(str(folder / "model"))((tmp_path / "text").read_text()).input_ids
    assert tokens.flatten().tolist() == ids[: tokens.size]

    write_reference(tmp_path / "theirs", model, tokens, bos=2)
    quality = score(folder / "f16.gguf", tmp_path / "theirs", context=64, threads=1, cache=CACHE)
    assert quality.tokens == 8 * 31
    assert abs(quality.divergence[0]) < 1e-3
    assert quality.same_top[0] > 0.98


def test_other_layers_would_be_noticed(cut, tmp_path: Path):
    _, model = cut
    tokens = np.random.default_rng(3).integers(260, VOCABULARY, (8, 64))
    write_reference(tmp_path / "whole", model, tokens, bos=2)
    kinds = list(model.config.layer_types)
    other = save_gemma(tmp_path / "model", 4, full=[])
    other.load_state_dict(model.state_dict())
    other.save_pretrained(str(tmp_path / "model"))
    convert(tmp_path / "model", tmp_path / "f16.gguf", "f16", CACHE)
    assert kinds != other.config.layer_types
    assert score(tmp_path / "f16.gguf", tmp_path / "whole", context=64, threads=1, cache=CACHE).divergence[0] > 1e-3


def test_the_table_of_a_model(cut, tmp_path: Path):
    settings = GgufSettings(
        types=["f16", "q8_0", "q6_k", "q4_0", "q2_k"],
        repetitions=2,
        prompt_tokens=16,
        generated_tokens=8,
        context_tokens=64,
        max_tokens=512,
    )
    rows = measure_gguf(cut[0] / "model", letters(400), settings, tmp_path, threads=1, cache=CACHE)
    assert [row.type for row in rows] == settings.types
    assert {row.missing for row in rows} == {None}
    bits = [row.bits_per_weight for row in rows]
    assert bits == sorted(bits, reverse=True)
    sizes = [row.file_bytes for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    assert all(len(row.prompt_tokens_per_second) == len(row.generated_tokens_per_second) == 2 for row in rows)
    f16, q8, *_, q2 = rows
    assert abs(f16.divergence) < 1e-3
    assert f16.divergence < q8.divergence < q2.divergence
    assert (f16.perplexity_delta, f16.perplexity_delta_standard_error) == (0, None)
    for row in rows:
        assert row.perplexity_delta == row.perplexity - f16.perplexity
    assert q8.perplexity_delta_standard_error > 0
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(f"model-{kind}.gguf" for kind in settings.types)


def test_a_text_that_is_too_short_is_not_scored(cut, tmp_path: Path):
    settings = GgufSettings(
        types=["q8_0"], repetitions=1, prompt_tokens=8, generated_tokens=4, context_tokens=512, max_tokens=512
    )
    [row] = measure_gguf(cut[0] / "model", "ab", settings, tmp_path, threads=1, cache=CACHE)
    assert row.missing == "the held-out text is too short for llama-perplexity"
    assert row.perplexity is None
    assert row.bits_per_weight > 8
    assert [file.name for file in tmp_path.iterdir()] == ["model-q8_0.gguf"]


def test_a_quantized_file_answers(cut, tmp_path: Path):
    quantize(cut[0] / "f16.gguf", tmp_path / "q4.gguf", "q4_k_m", 1, CACHE)
    command = [str(tool(CACHE, "llama-completion")), "-m", str(tmp_path / "q4.gguf"), "-p", "abc", "-n", "4"]
    run_tool([*command, "-no-cnv", "--no-warmup", "-t", "1", "--log-verbosity", "0"], "Answering")


# Not a skipped test: where the weights of Gemma 3 270M were never converted there is nothing to miss.
if GEMMA:

    def test_gemma_says_the_same_in_llama_cpp(tmp_path: Path):
        from transformers import AutoModelForCausalLM, AutoTokenizer

        folder = GEMMA[0].parent
        convert(folder, tmp_path / "f16.gguf", "f16", CACHE)
        text = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
        (tmp_path / "text").write_text(text, encoding="utf-8")
        save_reference(
            tmp_path / "f16.gguf", tmp_path / "text", tmp_path / "own", context=256, chunks=2, threads=2, cache=CACHE
        )
        tokens = read_tokens(tmp_path / "own")
        ids = AutoTokenizer.from_pretrained(str(folder))(text).input_ids
        assert tokens.flatten().tolist() == ids[: tokens.size]
        model = AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.float32).eval()
        write_reference(tmp_path / "theirs", model, tokens, bos=2)
        quality = score(tmp_path / "f16.gguf", tmp_path / "theirs", context=256, threads=2, cache=CACHE)
        assert abs(quality.divergence[0]) < 1e-3

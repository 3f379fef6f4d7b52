"""llama.cpp without its tools: what is said where something is missing, and how output is read."""

import dataclasses
import json
from pathlib import Path

import pytest

from lamina_trainer.cli import main
from lamina_trainer.errors import EXIT_INVALID, InvalidError
from lamina_trainer.llama.bench import parse_bench
from lamina_trainer.llama.build import TOOLS, build, is_built, tool, tools_folder
from lamina_trainer.llama.converter import adds_prefix, is_sentencepiece, sentencepiece_vocabulary
from lamina_trainer.llama.perplexity import Quality, parse_quality
from lamina_trainer.llama.scoring import against
from lamina_trainer.llama.source import get_source, source_folder

STATISTICS = """kl_divergence: computing over 3 chunks, n_ctx=64, batch_size=64, n_seq=1
   1      12.0000 ±    1.0000       0.00100 ±    0.00010       0.00001 ±    0.00000
====== Perplexity statistics ======
Mean PPL(Q)                   :  25.500000 ±   1.250000
Mean PPL(base)                :  24.000000 ±   1.200000
Mean PPL(Q)-PPL(base)         :   1.500000 ±   0.125000

====== KL divergence statistics ======
Mean    KLD:   0.031250 ±   0.002000
Maximum KLD:   0.500000
====== Token probability statistics ======
Mean    Δp: -0.100 ± 0.200 %
Same top p: 91.250 ± 1.500 %
"""


def test_a_missing_tool_names_the_command(tmp_path: Path):
    with pytest.raises(InvalidError, match=r"llama-bench of llama\.cpp is not built.*lamina_trainer llama build"):
        tool(tmp_path, "llama-bench")


def test_what_is_built_is_found_at_once(tmp_path: Path):
    folder = tools_folder(tmp_path)
    folder.mkdir()
    for name in TOOLS[1:]:
        (folder / name).touch()
    assert not is_built(tmp_path)
    (folder / TOOLS[0]).touch()
    assert build(tmp_path, None, 1, lambda _done, _steps: pytest.fail("compiled again")) == folder
    assert tool(tmp_path, "llama-bench") == folder / "llama-bench"


def test_a_machine_without_cmake_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(InvalidError, match="cmake is missing"):
        build(tmp_path / "cache", None, 1, lambda _done, _steps: None)


def test_another_archive_than_the_pinned_one_is_refused(tmp_path: Path):
    archive = tmp_path / "llama.tar.gz"
    archive.write_bytes(b"something else")
    with pytest.raises(InvalidError, match="its checksum differs"):
        get_source(tmp_path / "cache", archive)
    assert not source_folder(tmp_path / "cache").exists()


def test_speeds_are_read_from_any_version(capsys: pytest.CaptureFixture[str]):
    tests = [
        {"n_prompt": 512, "n_gen": 0, "samples_ts": [100.5, 99.5], "model_size": 300, "model_n_params": 200, "new": 1},
        {"n_prompt": 0, "n_gen": 128, "samples_ns": [2_000_000_000, 4_000_000_000]},
    ]
    speed = parse_bench(f"warning: [cpu] busy\n{json.dumps(tests)}\ndone\n")
    assert speed.prompt == [100.5, 99.5]
    assert speed.generated == [64.0, 32.0]
    assert (speed.tensor_bytes, speed.parameters) == (300, 200)


def test_no_speeds_is_an_error():
    with pytest.raises(InvalidError, match="no results"):
        parse_bench("[cpu] failed []")


def test_statistics_are_read():
    quality = parse_quality(STATISTICS)
    assert quality.perplexity == (25.5, 1.25)
    assert quality.delta == (1.5, 0.125)
    assert quality.divergence == (0.03125, 0.002)
    assert quality.same_top == (0.9125, 0.015)
    assert quality.tokens == 3 * 31


def test_an_error_that_rounding_leaves_none_of_is_null():
    quality = parse_quality(STATISTICS.replace("1.500000 ±   0.125000", "0.000000 ±       -nan"))
    assert quality.delta == (0.0, None)
    with pytest.raises(InvalidError, match="not finite"):
        parse_quality(STATISTICS.replace("KLD:   0.031250", "KLD:        nan"))


def test_too_few_tokens_are_no_statistics():
    with pytest.raises(InvalidError, match="at least 100"):
        parse_quality(STATISTICS.partition("=====")[0])


def test_pieces_score_by_the_order_of_their_merges():
    tokenizer = {
        "model": {
            "type": "BPE",
            "byte_fallback": True,
            "unk_token": "<unk>",
            "vocab": {"<unk>": 0, "<0x0A>": 1, "a": 2, "b": 3, "ab": 4, "abb": 5, "<mask>": 6},
            "merges": [["a", "b"], "ab b"],
        },
        "added_tokens": [{"id": 6, "content": "<mask>", "special": True}],
        "normalizer": {"type": "Replace"},
        "pre_tokenizer": {"type": "Split"},
    }
    assert is_sentencepiece(tokenizer)
    assert not adds_prefix(tokenizer)
    texts, scores, kinds = sentencepiece_vocabulary(tokenizer, 8)
    assert texts == ["<unk>", "<0x0A>", "a", "b", "ab", "abb", "<mask>", "[PAD7]"]
    assert scores[4] > scores[5] > scores[2]
    assert kinds == [2, 6, 1, 1, 1, 1, 3, 5]


def test_a_space_in_front_is_seen():
    assert adds_prefix({"normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend"}, {"type": "Replace"}]}})
    assert adds_prefix({"pre_tokenizer": {"type": "Metaspace", "prepend_scheme": "first"}})
    assert not adds_prefix({"pre_tokenizer": {"type": "Metaspace", "prepend_scheme": "never"}})


def test_the_command_line_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    arguments = ["llama", "run", str(tmp_path / "a.gguf"), "--prompt", "hello", "--cache", str(tmp_path)]
    assert main(arguments) == EXIT_INVALID
    assert "python -m lamina_trainer llama build" in capsys.readouterr().err


def test_a_change_of_perplexity_is_taken_from_the_reference_itself():
    kept = {"divergence": (0.0, None), "same_top": (1.0, None), "tokens": 254}
    reference = Quality(perplexity=(77.2, 9.0), delta=(0.01, 0.02), **kept)
    worse = Quality(perplexity=(80.2, 9.5), delta=(3.01, 0.7), **kept)
    assert against(reference, reference).delta == (0, None)
    assert against(worse, reference).delta == (pytest.approx(3.0), 0.7)
    # The kept probabilities end too early for this text: the tool's own difference is of another number.
    clipped = dataclasses.replace(reference, delta=(4.36, 1.0))
    assert against(worse, clipped).delta == (pytest.approx(3.0), None)

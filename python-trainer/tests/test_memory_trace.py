"""The tracer of memory: what is alive in a step on tensors without values."""

import io
import json

import pytest

from lamina_trainer.contract.settings import LoraSettings
from lamina_trainer.errors import InvalidError
from lamina_trainer.memory_trace.meta_model import period_of, read_config
from lamina_trainer.memory_trace.profile import Plane, profile
from lamina_trainer.memory_trace.serve import serve
from lamina_trainer.memory_trace.step import TracedRun, trace_step

LLAMA = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 176,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 1000,
    "tie_word_embeddings": False,
}
LORA = LoraSettings(r=4, alpha=4, dropout=0.1, targets="all-linear", bias="none", rslora=False)


def run_of(**changes):
    plain = {
        "precision": "bf16",
        "compute_dtype": "bf16",
        "autocast": False,
        "method": "full",
        "lora": None,
        "longest": 32,
        "checkpointing": False,
        "evaluation_batch": 1,
    }
    return TracedRun(**{**plain, **changes})


def at(plane: Plane, layers: int, batch: int) -> float:
    return plane.fixed + plane.layer * layers + plane.batch * batch + plane.both * layers * batch


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"checkpointing": True},
        {"method": "lora", "lora": LORA},
        {"method": "qlora", "lora": LORA, "precision": "nf4", "checkpointing": True},
        {"precision": "fp32", "autocast": True},
    ],
)
def test_a_profile_of_small_cuts_is_exact_for_the_whole_model(changes):
    run = run_of(**changes)
    found = profile(LLAMA, run, 2)
    whole = trace_step(read_config(LLAMA), run, 6, 2)
    assert at(found.weights, 6, 2) == pytest.approx(whole.weights)
    for name, planes in found.moments.items():
        assert at(planes.alive, 6, 2) == pytest.approx(whole.moments[name][0], rel=1e-3), name


def test_weights_adapters_and_gradients_are_counted_to_the_byte():
    whole = trace_step(read_config(LLAMA), run_of(), 6, 1)
    layer = 64 * 64 * 2 + 2 * 64 * 32 + 3 * 64 * 176 + 2 * 64
    parameters = 6 * layer + 64 + 2 * 1000 * 64
    assert whole.parameters == whole.trainable == parameters
    assert whole.gradients == 2 * parameters
    adapted = trace_step(read_config(LLAMA), run_of(method="lora", lora=LORA), 6, 1)
    rank = 4 * (2 * (64 + 64) + 2 * (64 + 32) + 3 * (64 + 176))
    assert adapted.adapters == 4 * adapted.trainable == 4 * 6 * rank
    packed = trace_step(read_config(LLAMA), run_of(method="qlora", lora=LORA, precision="nf4"), 6, 1)
    linear = 6 * (layer - 2 * 64)
    assert packed.weights == pytest.approx(whole.weights - 2 * linear + linear * 4.5 / 8, rel=1e-4)


def test_checkpointing_keeps_less_and_dropout_keeps_a_mask_of_one_byte():
    plain, kept = (profile(LLAMA, run_of(checkpointing=on), 2).moments["loss"].alive.both for on in (False, True))
    assert kept == 32 * 64 * 2 < plain
    lora = LORA.model_copy(update={"dropout": 0.0})
    without, with_dropout = (
        profile(LLAMA, run_of(method="lora", lora=one), 2).moments["loss"].alive.both for one in (lora, LORA)
    )
    assert with_dropout > without


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "gpt_bigcode", "n_embd": 64, "n_layer": 4, "n_head": 4, "vocab_size": 1000},
        {
            "model_type": "qwen3_moe",
            "hidden_size": 64,
            "intermediate_size": 128,
            "moe_intermediate_size": 32,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 16,
            "num_experts": 8,
            "num_experts_per_tok": 2,
            "vocab_size": 1000,
        },
        {
            "model_type": "deepseek_v3",
            "hidden_size": 64,
            "intermediate_size": 128,
            "moe_intermediate_size": 32,
            "num_hidden_layers": 5,
            "first_k_dense_replace": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 4,
            "q_lora_rank": 32,
            "kv_lora_rank": 16,
            "qk_rope_head_dim": 8,
            "qk_nope_head_dim": 8,
            "v_head_dim": 16,
            "n_routed_experts": 8,
            "n_group": 2,
            "topk_group": 1,
            "num_experts_per_tok": 2,
            "vocab_size": 1000,
        },
    ],
    ids=lambda config: config["model_type"],
)
def test_models_without_formulas_are_followed(config):
    # PEFT has no dropout for experts that are one tensor.
    run = run_of(method="lora", lora=LORA.model_copy(update={"dropout": 0.0}))
    found = profile(config, run, 2)
    depth = found.layers
    whole = trace_step(read_config(config), run, depth, 2)
    assert set(found.moments) == {"loss", "last-layer", "first-layer", "optimizer-step", "evaluation"}
    assert at(found.weights, depth, 2) == pytest.approx(whole.weights)
    assert at(found.moments["loss"].alive, depth, 2) == pytest.approx(whole.moments["loss"][0], rel=1e-2)


def test_layers_that_are_unlike_the_others_are_found():
    leading, period = period_of(read_config({"model_type": "deepseek_v3", "first_k_dense_replace": 2}))
    assert (leading, period) == (2, 1)
    kinds = ["linear_attention", "linear_attention", "linear_attention", "full_attention"] * 2
    assert period_of(read_config({"model_type": "qwen3_next", "num_hidden_layers": 8, "layer_types": kinds}))[1] == 4


def test_what_is_no_decoder_says_so_and_whole_numbers_become_the_fractions_that_they_were():
    with pytest.raises(InvalidError, match="no list of decoder layers"):
        profile({"model_type": "bert"}, run_of(), 1)
    with pytest.raises(InvalidError, match="no model of type 'nothing'"):
        profile({"model_type": "nothing"}, run_of(), 1)
    assert read_config({"model_type": "gemma2", "final_logit_softcapping": 30}).final_logit_softcapping == 30.0


def test_the_server_answers_every_line_and_goes_on_after_a_bad_one():
    run = json.loads(run_of().model_dump_json(by_alias=True))
    question = {"id": 2, "config": LLAMA, "run": run, "microBatch": 2}
    answers = io.StringIO()
    serve(io.StringIO(f'{{"id": 1}}\n{json.dumps(question)}\n'), answers)
    ready, bad, good = (json.loads(line) for line in answers.getvalue().splitlines())
    assert ready == {"ready": True}
    assert bad["id"] == 1
    assert "error" in bad
    assert good["id"] == 2
    assert good["profile"]["layers"] == 6

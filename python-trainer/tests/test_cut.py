"""What is kept of a cut model loads as what was cut; what a configuration cannot say is refused."""

import json

import pytest
import torch

from lamina_trainer.errors import InvalidError
from lamina_trainer.model.cut import cut
from lamina_trainer.model.layer_settings import cut_settings
from lamina_trainer.model.loading import load_model
from lamina_trainer.model.merge import compare, probe
from lamina_trainer.trial.tiny_models import tiny_config
from tiny import llama_config, random_model


def saved(tmp_path, config):
    random_model(config).save_pretrained(str(tmp_path / "whole"))
    return load_model(tmp_path / "whole", torch.float32)


def assert_loads_the_same(tmp_path, loaded):
    before = probe(loaded.causal, 64)
    loaded.causal.save_pretrained(str(tmp_path / "cut"))
    again = load_model(tmp_path / "cut", torch.float32)
    assert len(again.layers) == len(loaded.layers)
    assert compare(before, probe(again.causal, 64)).relative < 1e-5
    return json.loads((tmp_path / "cut" / "config.json").read_text())


@pytest.mark.parametrize(
    ("model_type", "kept", "says"),
    [
        ("qwen3_moe", [1, 2, 4, 5], {"mlp_only_layers": [1, 2], "decoder_sparse_step": 1}),
        ("deepseek_v3", [1, 2, 4], {"first_k_dense_replace": 2}),
        ("jamba", [1, 2, 4, 5], {"attn_layer_period": 2, "attn_layer_offset": 0}),
        ("bamba", [0, 4, 5], {"attn_layer_indices": [1]}),
        ("smollm3", [1, 2, 3], {"no_rope_layers": [1, 0, 1]}),
        ("qwen2", [1, 2, 4], {"max_window_layers": 2}),
        ("gemma3n_text", [1, 2, 3, 5], {"num_kv_shared_layers": 1}),
        ("gemma4_text", [0, 1, 2, 5], {"num_kv_shared_layers": 1}),
        ("gpt_neo", [1, 3], {"attention_types": [[["local"], 1], [["local"], 1]]}),
        ("minicpm3", [0, 5], {"num_hidden_layers": 2}),
        ("bart", [0, 2, 5], {"decoder_layers": 3, "encoder_layers": 2}),
        ("llama4_text", [1, 2, 4], {"moe_layers": [0]}),
    ],
)
def test_a_cut_is_said_in_the_configuration(tmp_path, model_type, kept, says):
    loaded = saved(tmp_path, tiny_config(model_type))
    cut(loaded, kept)
    config = assert_loads_the_same(tmp_path, loaded)
    assert {name: config[name] for name in says} == says


def test_a_list_that_is_as_long_as_the_model_is_deep_need_not_be_about_layers(tmp_path):
    config = llama_config(3)
    config.eos_token_id = [1, 2, 3]
    loaded = saved(tmp_path, config)
    cut(loaded, [0, 2])
    assert assert_loads_the_same(tmp_path, loaded)["eos_token_id"] == [1, 2, 3]


@pytest.mark.parametrize(
    ("model_type", "kept", "reason"),
    [
        ("jamba", [0, 2, 3, 5], "expert_layer_period and expert_layer_offset"),
        ("gemma4_text", [0, 1, 2], "reads layer_types"),
        ("gemma3n_text", [3, 4, 5], "producing a cache"),
        ("diffllama", [0, 2, 3], "layer 2 .self_attn. has lambda_init"),
        ("modernbert-decoder", [1, 2, 3], "layer 1 .attn_norm. would be a Identity"),
    ],
)
def test_what_a_configuration_cannot_say_is_refused(tmp_path, model_type, kept, reason):
    loaded = saved(tmp_path, tiny_config(model_type))
    with pytest.raises(InvalidError, match=reason):
        cut(loaded, kept)


def test_kinds_of_keys():
    settings = {
        "num_hidden_layers": 6,
        "per_layer_config": {1: {"head_dim": 8}, 4: {"head_dim": 16}},
        "hybrid_override_pattern": "M-M*M-",
        "block_types": ["recurrent", "attention"],
        "ple_layer_ids": [2, 6],
        "loop_layer_index_start": 1,
        "loop_layer_index_end": 4,
        "num_key_value_heads": 6,
    }
    assert cut_settings(settings, [1, 2, 4, 5], 6) == {
        "num_hidden_layers": 4,
        "per_layer_config": {0: {"head_dim": 8}, 2: {"head_dim": 16}},
        "hybrid_override_pattern": "-MM-",
        "block_types": ["attention", "recurrent", "recurrent", "attention"],
        "ple_layer_ids": [1, 4],
        "loop_layer_index_start": 0,
        "loop_layer_index_end": 2,
        "num_key_value_heads": 6,
    }

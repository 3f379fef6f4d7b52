"""A tiny instance of every causal model class that the installed transformers have: sizes by name, few exceptions."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

VOCABULARY: Final = 96
LAYERS: Final = 6
_HIDDEN: Final = 64

_SIZES: Final[Sequence[tuple[str, int]]] = (
    (r"(.*_)?vocab_size(_per_layer_input)?", VOCABULARY),
    (r"pad_token_id", 0),
    (r"bos_token_id|.*start_token_id", 1),
    (r"eos_token_id|forced_eos_token_id|.*end_token_id|sep_token_id", 2),
    (r".*(token_id|token_index)", 3),
    (r"num_hidden_layers|n_layers?|num_layers|decoder_layers", LAYERS),
    (r"encoder_layers|num_(encoder|decoder)_layers|depth|num_hidden_layers_.*", 2),
    (r"(max_position_embeddings|n_positions|n_ctx|max_seq_len|max_sequence_length)", 128),
    (
        r"hidden_size|d_model|n_embd|embedding_size|word_embed_proj_dim|emb_dim|embed_dim|cross_attention_hidden_size",
        _HIDDEN,
    ),
    (r"intermediate_size.*|(encoder_|decoder_)?ffn_dim|dim_ff|dff|n_inner|ffn_hidden_size|ffn_size", 2 * _HIDDEN),
    (r".*(expert|shared|moe).*(intermediate|hidden)_size|moe_intermediate_size|.*intermediate_size", _HIDDEN),
    (
        r"num_attention_heads|n_heads?|num_heads|(encoder|decoder)_attention_heads|(encoder|decoder)_num_attention_heads",
        4,
    ),
    (r".*num_key_value_heads|num_kv_heads|num_key_value_heads_.*", 2),
    (r".*_num_attention_heads|.*num_(key|value)_heads|.*n_heads|.*_num_heads", 4),
    (r"(.*_)?(head_dim|d_head|dim_head|kv_channels|v_head_dim|qk_nope_head_dim)", 16),
    (r"qk_rope_head_dim|rotary_dim", 8),
    (r".*lora_rank|.*_rank", 16),
    (r"(n|num|moe_num|num_local)_(routed_)?experts|num_experts", 4),
    (r".*(experts_per_tok|experts_per_token|top_k|topk_experts|moe_k|moe_topk|top_k_experts)", 2),
    (r"n_group|topk_group|num_nextn_predict_layers|num_mtp_layers|n_groups|.*_n_groups", 1),
    (r".*shared_experts", 1),
    (r"index_topk", 8),
    (r"(sliding_window(_size)?|attention_chunk_size|chunk_size|block_size|window_size|.*chunk_size)", 16),
    (r"(state_size|mamba_d_state|ssm_state_size)", 8),
)
_COMPILED: Final = tuple((re.compile(pattern), size) for pattern, size in _SIZES)

_MIXED: Final = ["sliding_attention", "sliding_attention", "full_attention"] * 2
_SHARED_CACHE: Final[Mapping[str, Any]] = {
    "num_kv_shared_layers": 2,
    "hidden_size_per_layer_input": 16,
    "layer_types": ["sliding_attention", "full_attention"] * 3,
}

_ZAMBA: Final = ["linear_attention", "linear_attention", "hybrid", "linear_attention", "hybrid", "linear_attention"]

# What the rules above do not say: values that a class checks against each other, and settings without which a tiny
# model would have only one kind of layer.
_SPECIAL: Final[Mapping[str, Mapping[str, Any]]] = {
    "bailing_hybrid": {"layer_group_size": 3},
    "bamba": {"attn_layer_indices": [1, 4]},
    "dbrx": {
        "attn_config": {"kv_n_heads": 2, "clip_qkv": 8.0, "rope_theta": 1e4},
        "ffn_config": {"ffn_hidden_size": 64, "moe_num_experts": 4, "moe_top_k": 2},
    },
    "deepseek_v2": {"first_k_dense_replace": 2},
    "dory": {"n_input_layers": 2, "n_recurrent_layers": 2, "n_output_layers": 2},
    "dots3_note_text": {"num_key_value_heads": 4},
    "gemma3_text": {"layer_types": _MIXED},
    "gemma3n_text": {
        **_SHARED_CACHE,
        "altup_num_inputs": 2,
        "laurel_rank": 8,
        "activation_sparsity_pattern": [0.9, 0.9, 0.0, 0.0, 0.0, 0.0],
    },
    "gemma4_text": {**_SHARED_CACHE, "global_head_dim": 32},
    "gemma4_unified_text": {"layer_types": _MIXED},
    "gpt_neo": {"attention_types": [[["global", "local"], 3]]},
    "jamba": {"attn_layer_period": 3, "attn_layer_offset": 1, "expert_layer_period": 2, "expert_layer_offset": 1},
    "lfm2_moe": {"num_dense_layers": 2},
    "llama4_text": {"interleave_moe_layer_step": 2, "no_rope_layer_interval": 3},
    "mamba2": {"num_heads": 8, "n_groups": 1},
    "nemotron_h": {"layers_block_type": ["mamba", "moe", "mamba", "attention", "moe", "mamba"]},
    "qwen2": {"use_sliding_window": True, "max_window_layers": 3},
    "qwen2_moe": {"decoder_sparse_step": 2, "mlp_only_layers": [3]},
    "qwen3_moe": {"decoder_sparse_step": 2, "mlp_only_layers": [3]},
    "recurrent_gemma": {"block_types": ["recurrent", "recurrent", "attention"]},
    "smollm3": {"no_rope_layer_interval": 3},
    "zamba": {"layers_block_type": _ZAMBA},
    "zamba2": {"layers_block_type": _ZAMBA},
    "zaya": {"num_experts_per_tok": 1},
}
_NAMED: Final[Sequence[str]] = (
    "num_experts_per_tok",
    "n_shared_experts",
    "n_routed_experts",
    "head_dim",
    "num_key_value_heads",
    "intermediate_size",
)
"""Sizes that some classes leave open, and then cannot be built."""


def tiny_config(model_type: str) -> Any:
    """The configuration of a model of this type whose sizes are small; raises what the class raises on bad sizes."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    return _shrunk(CONFIG_MAPPING[model_type])


def _shrunk(kind: Any) -> Any:
    names = {field.name: field.default for field in dataclasses.fields(kind)}
    chosen: dict[str, Any] = {}
    for name, default in names.items():
        given = isinstance(default, int) and not isinstance(default, bool)
        if given or (default is None and name in _NAMED):
            size = next((size for pattern, size in _COMPILED if pattern.fullmatch(name)), None)
            chosen |= {} if size is None else {name: size}
    if "kv_lora_rank" in names and "num_key_value_heads" in chosen:
        chosen["num_key_value_heads"] = chosen["num_attention_heads"]  # latent attention has as many as there are
    for name, sub in (getattr(kind, "sub_configs", None) or {}).items():
        if dataclasses.is_dataclass(sub):
            chosen[name] = _shrunk(sub)
    return kind(**{**chosen, **_SPECIAL.get(kind.model_type, {})})

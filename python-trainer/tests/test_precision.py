import pytest
import torch
from torch import nn

from lamina_trainer.contract.settings import LoraSettings
from lamina_trainer.errors import InvalidError
from lamina_trainer.measure.storage import measure_storage, trainable_count
from lamina_trainer.model.linears import fused_parameters
from lamina_trainer.model.loading import describe
from lamina_trainer.model.precision import apply_precision, resolve_numerics
from lamina_trainer.model.stored_weights import Scratch, StoredEmbedding, StoredLinear
from lamina_trainer.training.methods import apply_method, check_method
from lamina_trainer.trial.tiny_models import tiny_config
from tiny import LORA, gemma_config, llama_config, random_model

CPU = torch.device("cpu")


def numerics(precision, compute="fp32", fast=False):
    return resolve_numerics(precision, compute, CPU, fast_16_bit=fast)


def stored_model(config, precision, compute="fp32"):
    chosen = numerics(precision, compute)
    model = random_model(config)
    for parameter in model.parameters():  # not .to(): rotary frequencies stay fp32, as they do when loading
        parameter.data = parameter.data.to(chosen.stored)
    loaded = describe(model, "sdpa")
    skipped = apply_precision(loaded.causal, loaded.layers, chosen)
    return loaded, skipped


@pytest.mark.parametrize(
    ("precision", "compute", "fast", "expected"),
    [
        ("fp32", "auto", True, "fp32"),
        ("bf16", "auto", True, "bf16"),
        ("bf16", "auto", False, "fp32"),
        ("fp16", "auto", True, "fp32"),  # no CPU here multiplies fp16 fast
        ("nf4", "auto", True, "bf16"),
        ("int8", "auto", False, "fp32"),
        ("nf4", "fp16", False, "fp16"),
    ],
)
def test_auto_computes_in_16_bits_only_where_that_is_fast(precision, compute, fast, expected):
    assert numerics(precision, compute, fast).compute_name == expected


def test_tf32_on_a_cpu_is_invalid_and_says_why():
    with pytest.raises(InvalidError, match=r"Ampere.*CPU"):
        numerics("tf32")


@pytest.mark.parametrize(("precision", "dtype"), [("bf16", torch.bfloat16), ("fp16", torch.float16)])
@pytest.mark.parametrize("config", [gemma_config, llama_config])
def test_weights_are_really_stored_in_16_bits(config, precision, dtype):
    loaded, _ = stored_model(config(), precision)
    assert {p.dtype for p in loaded.causal.parameters()} == {dtype}
    storage = measure_storage(loaded.causal)
    assert storage.weight_bytes == 2 * storage.parameters
    assert isinstance(loaded.layers[0].mlp.up_proj, StoredLinear)
    assert isinstance(loaded.decoder.embed_tokens, StoredEmbedding)
    tied = loaded.causal.lm_head.weight is loaded.decoder.embed_tokens.weight
    assert tied == loaded.causal.config.tie_word_embeddings
    assert len({p.data_ptr() for p in loaded.causal.parameters()}) == len(list(loaded.causal.parameters()))


@pytest.mark.parametrize("config", [gemma_config, llama_config])
def test_stored_in_bf16_and_computed_in_fp32_equals_fp32_on_rounded_weights(config):
    """Outputs and, for every weight, gradients."""
    rounded = random_model(config())
    with torch.no_grad():
        for parameter in rounded.parameters():
            parameter.copy_(parameter.bfloat16())
    loaded, _ = stored_model(config(), "bf16")
    ids = torch.randint(3, 90, (2, 12))
    for model in (rounded, loaded.causal):
        model.requires_grad_(True)
    expected, actual = rounded(input_ids=ids).logits, loaded.causal(input_ids=ids).logits
    assert actual.dtype == torch.float32
    torch.testing.assert_close(actual, expected)
    expected.square().mean().backward()
    actual.square().mean().backward()
    named = dict(loaded.causal.named_parameters())
    for name, parameter in rounded.named_parameters():
        gradient = named[name].grad
        assert gradient.dtype == torch.bfloat16
        scale = parameter.grad.abs().max()
        torch.testing.assert_close(gradient.float() / scale, parameter.grad / scale, rtol=0, atol=0.02)


def test_no_cast_copy_outlives_the_forward_pass():
    saved = []
    layer = StoredLinear(nn.Linear(32, 48, dtype=torch.bfloat16).requires_grad_(False), torch.float32, Scratch())
    x = torch.randn(3, 32, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t):
        y = layer(x)
    assert all(t.dtype == torch.bfloat16 and t.data_ptr() == layer.weight.data_ptr() for t in saved)
    y.sum().backward()
    torch.testing.assert_close(x.grad, layer.weight.float().sum(0).expand(3, -1))


@pytest.mark.parametrize(
    ("precision", "bits"),
    [("int8", 8.0), ("nf4", 4.5), ("fp4", 4.5), ("nf4-dq", 4.127), ("fp4-dq", 4.127)],
)
def test_bits_per_parameter_are_measured_from_the_tensors(precision, bits):
    config = gemma_config(3)
    config.hidden_size, config.intermediate_size = 512, 1024
    loaded, skipped = stored_model(config, precision)
    storage = measure_storage(loaded.causal)
    assert storage.quantized_parameters == sum(
        p.numel() for n, p in random_model(config).named_parameters() if n.endswith("_proj.weight")
    )
    slack = 0.1 if precision == "int8" else 0.005  # int8: one fp32 scale per row; 4 bits: the shared tables
    assert 8 * storage.quantized_bytes / storage.quantized_parameters == pytest.approx(bits, abs=slack)
    assert skipped == ("lm_head",)
    assert loaded.causal.lm_head.weight.dtype == torch.bfloat16


def test_logical_parameters_do_not_depend_on_storage():
    counts = {p: measure_storage(stored_model(llama_config(), p)[0].causal).parameters for p in ("fp32", "nf4", "int8")}
    assert len(set(counts.values())) == 1


@pytest.mark.parametrize("precision", ["int8", "nf4", "nf4-dq"])
def test_quantized_models_stay_close_and_storage_is_the_same_after_use(precision):
    loaded, _ = stored_model(llama_config(), precision)
    before = measure_storage(loaded.causal)
    ids = torch.randint(3, 90, (2, 12))
    with torch.no_grad():
        exact = random_model(llama_config())(input_ids=ids).logits
        logits = loaded.causal.eval()(input_ids=ids).logits
    assert measure_storage(loaded.causal) == before
    error = (logits - exact).norm() / exact.norm()
    assert 0 < error < (0.1 if precision == "int8" else 0.5)


def test_evaluation_and_training_multiply_4_bit_weights_alike():
    """On CPUs with AVX512-BF16 the library would otherwise round to bf16 in evaluation alone."""
    loaded, _ = stored_model(llama_config(), "nf4")
    ids = torch.randint(3, 90, (1, 8))
    with torch.no_grad():
        evaluated = loaded.causal.eval()(input_ids=ids).logits
        trained = loaded.causal.train()(input_ids=ids).logits
    assert torch.equal(evaluated, trained)


@pytest.mark.parametrize("precision", ["bf16", "fp32", "nf4", "int8"])
def test_adapters_are_fp32_and_only_they_are_trained(precision):
    loaded, _ = stored_model(gemma_config(2), precision)
    parameters = apply_method(loaded, "lora", LoraSettings.model_validate(LORA, by_alias=True))
    assert {p.dtype for p in parameters} == {torch.float32}
    names = [n for n, p in loaded.causal.named_parameters() if p.requires_grad]
    assert len(names) == 2 * 7 * 2  # layers, projections, A and B
    assert all("lora_" in n and ".layers." in n for n in names)
    widths = {
        "q": (64, 64),
        "k": (64, 32),
        "v": (64, 32),
        "o": (64, 64),
        "g": (64, 128),
        "u": (64, 128),
        "d": (128, 64),
    }
    assert trainable_count(loaded.causal) == 2 * 4 * sum(a + b for a, b in widths.values())


def test_named_targets_and_unknown_ones():
    settings = LoraSettings.model_validate({**LORA, "targets": ["q_proj", "v_proj"]}, by_alias=True)
    loaded, _ = stored_model(llama_config(2), "bf16")
    assert len(apply_method(loaded, "lora", settings)) == 2 * 2 * 2
    wrong = LoraSettings.model_validate({**LORA, "targets": ["no_such"]}, by_alias=True)
    with pytest.raises(InvalidError, match="no_such"):
        apply_method(stored_model(llama_config(2), "bf16")[0], "lora", wrong)


def test_full_training_trains_everything_in_its_stored_dtype():
    loaded, _ = stored_model(gemma_config(2), "bf16")
    apply_method(loaded, "full", None)
    assert trainable_count(loaded.causal) == measure_storage(loaded.causal).parameters
    assert {p.dtype for p in loaded.causal.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize(
    ("method", "precision"), [("full", "nf4"), ("lora", "int8"), ("qlora", "bf16"), ("lora", "bf16")]
)
def test_combinations_that_mean_nothing_are_invalid(method, precision):
    lora = None if (method, precision) == ("lora", "bf16") else LoraSettings.model_validate(LORA, by_alias=True)
    with pytest.raises(InvalidError):
        check_method(method, precision, lora)


def test_modules_of_their_own_kind_are_stored_in_16_bits_and_read_in_fp32():
    """Experts and routers that are raw tensors, and GPT-2's transposed layers."""
    for kind in ("mixtral", "gpt2", "opt"):
        loaded, _ = stored_model(tiny_config(kind), "bf16")
        assert {p.dtype for n, p in loaded.causal.named_parameters() if p.dim() > 1} == {torch.bfloat16}
        rounded = random_model(tiny_config(kind))
        with torch.no_grad():
            for parameter in rounded.parameters():
                parameter.copy_(parameter.bfloat16())
        ids = torch.randint(3, 90, (2, 12))
        torch.testing.assert_close(loaded.causal.eval()(input_ids=ids).logits, rounded(input_ids=ids).logits)


def test_routers_are_neither_adapted_nor_quantized_and_fused_experts_are_counted():
    loaded, _ = stored_model(tiny_config("qwen2_moe"), "nf4")
    assert fused_parameters(loaded.layers) > 0
    apply_method(loaded, "qlora", LoraSettings.model_validate(LORA, by_alias=True))
    names = [n for n, p in loaded.causal.named_parameters() if p.requires_grad]
    assert any(".shared_expert.up_proj." in name for name in names)
    assert not any("gate." in name and "gate_proj" not in name for name in names)


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_targets_that_mean_nothing_name_the_linear_layers(kind):
    wrong = LoraSettings.model_validate({**LORA, "targets": ["q_proj", "w_qkv"]}, by_alias=True)
    with pytest.raises(InvalidError, match=r"its linear layers are .*(c_attn|down_proj)"):
        apply_method(stored_model(tiny_config(kind), "fp32")[0], "lora", wrong)


def test_transposed_layers_get_adapters_and_are_not_quantized():
    loaded, _ = stored_model(tiny_config("gpt2"), "bf16")
    apply_method(loaded, "lora", LoraSettings.model_validate(LORA, by_alias=True))
    assert any("c_attn.lora_A" in n for n, _ in loaded.causal.named_parameters())
    with pytest.raises(InvalidError, match=r"GPT2LMHeadModel .*Conv1D"):
        stored_model(tiny_config("gpt2"), "nf4")

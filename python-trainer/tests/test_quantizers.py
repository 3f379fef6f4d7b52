"""Every way of holding weights: its values, its size, its gradients, and that adapters can be trained over it."""

import pytest
import torch
from torch import nn

from lamina_trainer.contract.capabilities import capabilities, facts
from lamina_trainer.errors import InvalidError
from lamina_trainer.measure.storage import measure_storage
from lamina_trainer.model.adapter import base_checksum
from lamina_trainer.model.loading import describe
from lamina_trainer.model.precision import apply_precision, resolve_numerics
from lamina_trainer.quantizers.interface import Target
from lamina_trainer.quantizers.packed_linear import PackedLinear
from lamina_trainer.quantizers.registry import quantizer_for, quantizer_of
from lamina_trainer.quantizers.scratch import Scratch
from tiny import llama_config, random_model

CPU = torch.device("cpu")
PACKED = ["fp8", "int8-wo", "int4-wo", "int4-hqq", "mxfp4"]


def quantized(precision: str, linear: nn.Linear) -> PackedLinear:
    made = quantizer_for(precision).quantize(linear, Target(precision, torch.float32, CPU, Scratch()))
    assert isinstance(made, PackedLinear)
    return made


def plain(inputs=256, outputs=128, *, bias=False) -> nn.Linear:
    torch.manual_seed(3)
    linear = nn.Linear(inputs, outputs, bias=bias).requires_grad_(False)
    linear.weight.data.normal_(std=0.02)
    return linear.to(torch.bfloat16)


def relative(found: torch.Tensor, exact: torch.Tensor) -> float:
    return float((found.float() - exact.float()).norm() / exact.float().norm())


# Errors of one rounding, for normal weights: uniform steps of max/127 over a row; 4 significant bits; 16 levels for 64.
@pytest.mark.parametrize(("precision", "least", "most"), [("int8-wo", 0.004, 0.012), ("fp8", 0.015, 0.035)])
def test_8_bits_keep_weights_within_their_step(precision, least, most):
    linear = plain()
    made = quantized(precision, linear)
    assert least < relative(quantizer_of(made).weight(made), linear.weight) < most


def test_4_bit_values_are_torchao_s_and_hqq_is_no_worse_than_min_and_max():
    from torchao.quantization import quant_primitives as primitives

    linear = plain()
    errors = {}
    for precision in ("int4-wo", "int4-hqq"):
        made = quantized(precision, linear)
        dense = quantizer_of(made).weight(made)
        errors[precision] = relative(dense, linear.weight)
        integers = torch.stack((made.weight & 15, made.weight >> 4), dim=-1).flatten(1)
        expected = primitives._dequantize_affine_tinygemm(
            integers.int(), (1, 64), made.scale.float(), made.offset.float(), torch.int32, 0, 15,
            output_dtype=torch.float32,
        )  # fmt: skip
        torch.testing.assert_close(dense, expected)
    assert 0.05 < errors["int4-hqq"] < errors["int4-wo"] < 0.12


def test_8_bit_values_are_torchao_s():
    from torchao.quantization import Float8WeightOnlyConfig, Int8WeightOnlyConfig, quantize_

    for precision, config in (("int8-wo", Int8WeightOnlyConfig()), ("fp8", Float8WeightOnlyConfig())):
        theirs = nn.Sequential(plain())
        quantize_(theirs, config)
        ours = quantized(precision, plain())
        expected = theirs[0].weight.dequantize(torch.float32)
        torch.testing.assert_close(quantizer_of(ours).weight(ours), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_mxfp4_values_are_torchao_s(dtype):
    from torchao.prototype.mx_formats.mx_tensor import MXTensor

    linear = plain().to(dtype)
    made = quantized("mxfp4", linear)
    dense = quantizer_of(made).weight(made)
    theirs = MXTensor.to_mx(linear.weight.float(), torch.float4_e2m1fn_x2, 32)
    assert torch.equal(dense, theirs.dequantize(torch.float32))
    # Half the largest step of 4-bit floats is a sixth of the largest value, and scales are powers of two.
    assert 0.08 < relative(dense, linear.weight) < 0.16
    rounded = made.dequantize(torch.empty(128, 256, dtype=torch.bfloat16))
    assert torch.equal(rounded.float(), dense), "values of 2 significant bits lose nothing in bf16"


@pytest.mark.parametrize("compute", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("precision", PACKED)
def test_products_and_gradients_are_those_of_the_dequantized_layer(precision, compute):
    linear = plain(bias=True)
    made = quantized(precision, linear)
    made.compute = compute
    dense = nn.Linear(256, 128).requires_grad_(False)
    dense.weight.data = quantizer_of(made).weight(made)
    dense.bias.data = linear.bias.data.float()
    xs = [torch.randn(3, 5, 256, generator=torch.Generator().manual_seed(1)).requires_grad_() for _ in range(2)]
    outputs = [made(xs[0]), dense(xs[1])]
    for output in outputs:
        output.float().square().sum().backward()
    slack = 1e-5 if compute == torch.float32 else 0.02
    assert outputs[0].dtype == compute
    assert relative(outputs[0], outputs[1]) < slack
    assert relative(xs[0].grad, xs[1].grad) < slack


@pytest.mark.parametrize("precision", PACKED)
def test_nothing_dequantized_outlives_a_pass_nor_do_weights_change(precision):
    saved = []
    made = quantized(precision, plain())
    before = made.weight.clone()
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t):
        made(torch.randn(2, 256, requires_grad=True)).sum().backward()
    assert saved == []
    assert torch.equal(made.weight, before)


# An fp32 scale for each row is added below; 16 bits of scale and of offset for 64 weights make 4.5, 8 for 32 make 4.25.
@pytest.mark.parametrize(
    ("precision", "bits"), [("fp8", 8.0), ("int8-wo", 8.0), ("int4-wo", 4.5), ("int4-hqq", 4.5), ("mxfp4", 4.25)]
)
def test_bits_are_measured_from_the_tensors(precision, bits):
    numerics = resolve_numerics(precision, "fp32", CPU, fast_16_bit=False)
    model = random_model(llama_config(2)).to(torch.bfloat16)
    loaded = describe(model, "sdpa")
    assert apply_precision(loaded.causal, loaded.layers, numerics) == ("lm_head",)
    storage = measure_storage(loaded.causal)
    whole = random_model(llama_config(2))
    assert storage.parameters == sum(p.numel() for p in whole.parameters())
    linears = [m for m in whole.model.layers.modules() if isinstance(m, nn.Linear)]
    assert storage.quantized_parameters == sum(m.weight.numel() for m in linears)
    rows = 32 * sum(m.out_features for m in linears) / storage.quantized_parameters if bits == 8 else 0
    assert 8 * storage.quantized_bytes / storage.quantized_parameters == pytest.approx(bits + rows)
    checksum = base_checksum(loaded.causal)
    layer = loaded.layers[1].mlp.up_proj
    layer.scale[3, 0] *= 2
    assert base_checksum(loaded.causal) != checksum


@pytest.mark.parametrize("precision", [p for p, row in capabilities().precisions.items() if row.cpu is None])
def test_weights_take_the_bits_that_memory_is_estimated_from(precision):
    row = facts(precision)
    if row.checkpoint is not None:
        assert row.bits == 4 + 24 / 128, "a scale of 16 bits and a zero of 8 for 128 weights"
        return
    numerics = resolve_numerics(precision, "fp32", CPU, fast_16_bit=False)
    loaded = describe(random_model(llama_config(2)).to(numerics.stored), "sdpa")
    apply_precision(loaded.causal, loaded.layers, numerics)
    linears = [m for layer in loaded.layers for m in layer.modules() if isinstance(m, nn.Linear)]
    estimated = sum(m.in_features * m.out_features * row.bits + m.out_features * row.row_bits for m in linears)
    storage = measure_storage(loaded.causal)
    measured = 8 * (storage.quantized_bytes if row.quantized else sum(m.weight.nbytes for m in linears))
    # bitsandbytes has tables of 16 and 256 fp32 numbers for all its weights together.
    tables = 32 * (16 + 256 + 2) if row.library == "bitsandbytes" else 0
    assert estimated <= measured <= 1.005 * estimated + tables


def test_inputs_that_groups_do_not_fit_are_refused_with_what_would_do():
    with pytest.raises(InvalidError, match=r"multiple of 64; one of this model has 96: use nf4"):
        quantized("int4-wo", plain(96))
    with pytest.raises(InvalidError, match=r"mxfp4 needs layers whose inputs are a multiple of 32; one .* has 80"):
        quantized("mxfp4", plain(80))


def test_a_model_with_biases_is_quantized_by_every_library():
    from transformers import Qwen2Config

    config = Qwen2Config(
        vocab_size=96, hidden_size=64, intermediate_size=128, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=64,
    )  # fmt: skip
    exact = random_model(config)(input_ids=torch.tensor([[5, 6, 7]])).logits
    for precision in (name for name, row in capabilities().precisions.items() if row.quantized and not row.checkpoint):
        loaded = describe(random_model(config).to(torch.bfloat16), "sdpa")
        numerics = resolve_numerics(precision, "fp32", CPU, fast_16_bit=False)
        apply_precision(loaded.causal, loaded.layers, numerics)
        with torch.no_grad():
            assert relative(loaded.causal(input_ids=torch.tensor([[5, 6, 7]])).logits, exact) < 0.5, precision


def test_the_table_says_of_every_precision_what_the_trainer_does():
    for precision, row in capabilities().precisions.items():
        assert row.quantized == (row.library != "PyTorch")
        if row.cpu is None:
            stored = resolve_numerics(precision, "fp32", CPU, fast_16_bit=False).stored
            assert row.quantized == (precision not in ("fp32", "bf16", "fp16")), stored
        else:
            with pytest.raises(InvalidError, match="use fp32"):
                resolve_numerics(precision, "fp32", CPU, fast_16_bit=False)
    assert facts("int4-hqq").group == 64

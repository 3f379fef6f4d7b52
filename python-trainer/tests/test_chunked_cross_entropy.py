import pytest
import torch
from torch.nn import functional

from lamina_trainer.model import chunked_cross_entropy as head_module
from lamina_trainer.model.chunked_cross_entropy import Head, find_head, score, summed_loss
from lamina_trainer.model.loading import describe
from lamina_trainer.model.precision import apply_precision, resolve_numerics
from tiny import gemma_config, llama_config, random_model

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(head_module, "CHUNK_CPU", 7)
    monkeypatch.setattr(head_module, "TOKEN_BLOCK", 5)


def case(softcap=None, bias=False, dtype=torch.float32):
    torch.manual_seed(0)
    hidden = torch.randn(13, 24, requires_grad=True)
    weight = torch.nn.Parameter((torch.randn(50, 24)).to(dtype))
    offset = torch.randn(50) if bias else None
    targets = torch.randint(0, 50, (13,))
    return hidden, weight, offset, targets, Head(weight, offset, softcap, torch.float32)


def plain(hidden, weight, offset, targets, softcap):
    logits = functional.linear(hidden, weight.float(), offset)
    if softcap is not None:
        logits = torch.tanh(logits / softcap) * softcap
    return functional.cross_entropy(logits, targets, reduction="none"), logits


@pytest.mark.parametrize("softcap", [None, 3.0])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_loss_and_gradients_are_those_of_the_plain_formula(softcap, bias, dtype):
    hidden, weight, offset, targets, head = case(softcap, bias, dtype)
    expected = plain(hidden, weight, offset, targets, softcap)[0].sum()
    expected_hidden, expected_weight = torch.autograd.grad(expected, (hidden, weight))
    loss = summed_loss(head, hidden, targets)
    grad_hidden, grad_weight = torch.autograd.grad(loss / 3, (hidden, weight))
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(grad_hidden * 3, expected_hidden)
    assert grad_weight.dtype == dtype
    torch.testing.assert_close(grad_weight.float() * 3, expected_weight.float(), rtol=1e-2, atol=1e-2)


def test_a_frozen_head_needs_no_second_pass(monkeypatch):
    hidden, weight, _, targets, head = case()
    weight.requires_grad_(False)
    monkeypatch.setattr(head_module, "_weight_gradient", None)
    (gradient,) = torch.autograd.grad(summed_loss(head, hidden, targets), (hidden,))
    (expected,) = torch.autograd.grad(plain(hidden, weight, None, targets, None)[0].sum(), (hidden,))
    torch.testing.assert_close(gradient, expected)


def test_extreme_logits_neither_overflow_nor_vanish():
    hidden, weight, _, targets, head = case()
    large = (hidden.detach() * 1e3).requires_grad_()
    nll, logits = plain(large, weight, None, targets, None)
    scored, _ = score(head, large.detach(), targets)
    torch.testing.assert_close(scored, nll.detach())
    assert logits.abs().max() > 1e3
    (gradient,) = torch.autograd.grad(summed_loss(head, large, targets), (large,))
    (expected,) = torch.autograd.grad(nll.sum(), (large,))
    torch.testing.assert_close(gradient, expected)


def test_a_hidden_state_that_is_not_finite_gives_a_loss_that_is_not_finite():
    hidden, _, _, targets, head = case()
    with torch.no_grad():
        hidden[3, 2] = float("nan")
    assert torch.isnan(summed_loss(head, hidden, targets))
    assert torch.isnan(score(head, hidden.detach(), targets)[0][3])


def test_scores_say_which_predictions_are_right():
    hidden, weight, _, _, head = case()
    likely = (hidden.detach() @ weight.detach().T).argmax(dim=1)
    targets = likely.clone()
    targets[::2] = (targets[::2] + 1) % 50
    _, right = score(head, hidden.detach(), targets)
    assert right.tolist() == [i % 2 == 1 for i in range(13)]


@pytest.mark.parametrize("config", [gemma_config, llama_config])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_head_gives_the_loss_of_the_models_own_forward(config, precision):
    loaded = describe(random_model(config()), "sdpa")
    numerics = resolve_numerics(precision, "fp32", CPU, fast_16_bit=False)
    loaded.causal.to(numerics.stored)
    apply_precision(loaded.causal, loaded.layers, numerics)
    ids = torch.randint(3, 90, (2, 12))
    with torch.no_grad():
        logits = loaded.causal(input_ids=ids).logits[:, :-1].float()
        hidden = loaded.decoder(input_ids=ids).last_hidden_state[:, :-1]
        found = find_head(loaded.causal)
        assert found is not None
        nll, _ = score(found, hidden.flatten(0, 1), ids[:, 1:].flatten())
    expected = functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    torch.testing.assert_close(nll, expected)


def test_a_head_with_an_adapter_is_left_to_the_model():
    from peft import LoraConfig, get_peft_model

    model = random_model(llama_config(1))
    assert find_head(model) is not None
    get_peft_model(model, LoraConfig(r=2, target_modules=["lm_head"]))
    assert find_head(model) is None

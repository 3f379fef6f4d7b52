import math

import pytest
import torch

from lamina_trainer.data.blocks import Blocks
from lamina_trainer.data.padding import pad
from lamina_trainer.distributed.process_group import ProcessGroup
from lamina_trainer.measure.evaluation import evaluate, summarize
from lamina_trainer.model.forward import ForwardPass
from lamina_trainer.model.loading import describe
from lamina_trainer.model.precision import resolve_numerics
from tiny import gemma_config, random_model

CPU = torch.device("cpu")


def test_mean_standard_error_and_perplexity_by_hand():
    result = summarize([2.0, 6.0, 4.0], [2, 2, 4], right=3, seconds=1.0)
    assert result.loss == 1.5
    # residuals: 2 - 3, 6 - 3, 4 - 6; sqrt((1 + 9 + 4) * 3 / 2) / 8
    assert result.loss_standard_error == pytest.approx(math.sqrt(21) / 8)
    assert result.perplexity == math.exp(1.5)
    assert result.perplexity_standard_error == pytest.approx(math.exp(1.5) * math.sqrt(21) / 8)
    assert result.accuracy == 3 / 8
    assert (result.tokens, result.sequences) == (8, 3)


def test_with_equal_lengths_the_standard_error_is_that_of_the_mean():
    sums = [3.0, 5.0, 7.0, 6.0]
    means = [s / 4 for s in sums]
    mean = sum(means) / 4
    deviation = math.sqrt(sum((m - mean) ** 2 for m in means) / 3)
    assert summarize(sums, [4] * 4, 0, 0.0).loss_standard_error == pytest.approx(deviation / 2)


def test_one_sequence_has_no_standard_error():
    assert summarize([2.0], [2], 1, 0.0).loss_standard_error is None
    assert summarize([2.0, 3.0], [2, 2], 1, 0.0, records=1).loss_standard_error is None
    assert summarize([2.0, 3.0], [2, 2], 1, 0.0, records=2).loss_standard_error is not None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e6])
def test_what_is_no_number_is_no_result(value):
    assert summarize([value], [1], 0, 0.0) is None


def test_the_batch_size_does_not_change_the_scores():
    loaded = describe(random_model(gemma_config()), "sdpa")
    numerics = resolve_numerics("fp32", "fp32", CPU, fast_16_bit=False)
    torch.manual_seed(1)
    blocks = Blocks.of([torch.randint(3, 90, (length,)).tolist() for length in (12, 12, 7, 2, 12)])
    alone = evaluate(ForwardPass(loaded), blocks, 1, numerics, ProcessGroup(), lambda: None)
    together = evaluate(ForwardPass(loaded), blocks, 5, numerics, ProcessGroup(), lambda: None)
    assert together.loss == pytest.approx(alone.loss, abs=1e-6)
    assert together.loss_standard_error == pytest.approx(alone.loss_standard_error, abs=1e-6)
    assert together.tokens == alone.tokens == 11 + 11 + 6 + 1 + 11
    logits = loaded.causal(input_ids=torch.tensor([blocks[0].tolist()])).logits[0, :-1]
    by_hand = torch.nn.functional.cross_entropy(logits, torch.tensor(blocks[0][1:].tolist())).item()
    assert evaluate(ForwardPass(loaded), blocks[:1], 1, numerics, ProcessGroup(), lambda: None).loss == pytest.approx(
        by_hand, abs=1e-6
    )


def test_padding_has_no_next_token():
    ids, counted = pad(Blocks.of([[5, 6, 7], [8, 9]]), CPU)
    assert ids.tolist() == [[5, 6, 7], [8, 9, 0]]
    assert counted.tolist() == [[True, True], [True, False]]


def test_heads_that_are_no_plain_product_go_through_the_models_forward(monkeypatch):
    from lamina_trainer.model import forward as module

    loaded = describe(random_model(gemma_config()), "sdpa")
    numerics = resolve_numerics("fp32", "fp32", CPU, fast_16_bit=False)
    blocks = Blocks.of([[4, 5, 6, 7, 8]] * 2)
    fast = evaluate(ForwardPass(loaded), blocks, 2, numerics, ProcessGroup(), lambda: None)
    monkeypatch.setattr(module, "find_head", lambda _: None)
    assert evaluate(ForwardPass(loaded), blocks, 2, numerics, ProcessGroup(), lambda: None).loss == pytest.approx(
        fast.loss, abs=1e-6
    )


def test_only_tokens_that_count_are_scored_and_trained_on():
    loaded = describe(random_model(gemma_config()), "sdpa")
    numerics = resolve_numerics("fp32", "fp32", CPU, fast_16_bit=False)
    sequences = [[5, 6, 7, 0], [8, 2, 9, 2]]  # padding's id and the end of a text count where they are said to
    masks = [[True, False, True, True], [False, True, False, True]]
    blocks = Blocks.of([[*sequences[0], 11, 12], sequences[1]], [[*masks[0], False, False], masks[1]])
    labels = [[-100, -100, 7, 0, -100, -100], [-100, 2, -100, 2, -100, -100]]
    ids = torch.tensor([[*sequences[0], 11, 12], [*sequences[1], 0, 0]])
    logits = loaded.causal(input_ids=ids).logits[:, :-1].flatten(0, 1)
    by_hand = torch.nn.functional.cross_entropy(logits, torch.tensor(labels)[:, 1:].flatten(), ignore_index=-100)
    for micro_batch in (1, 2):
        found = evaluate(ForwardPass(loaded), blocks, micro_batch, numerics, ProcessGroup(), lambda: None)
        assert found.loss == pytest.approx(by_hand.item(), abs=1e-6)
        assert found.perplexity == pytest.approx(math.exp(by_hand.item()), rel=1e-5)
        assert found.tokens == 4
    summed = ForwardPass(loaded)(*pad(blocks, CPU), scores=False)
    assert summed.item() / sum(blocks.targets()) == pytest.approx(by_hand.item(), abs=1e-6)

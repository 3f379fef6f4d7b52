import pytest
import torch
from pydantic import TypeAdapter

from lamina_trainer.contract.settings import LayerChoice
from lamina_trainer.errors import InvalidError
from lamina_trainer.model.angular_distance import angular_distances, layer_states
from lamina_trainer.model.cut import cut
from lamina_trainer.model.layers import kept_indices, needs_calibration
from lamina_trainer.model.loading import describe
from lamina_trainer.model.precision import resolve_numerics
from tiny import gemma_config, llama_config, random_model

CPU = torch.device("cpu")
FP32 = resolve_numerics("fp32", "fp32", CPU, fast_16_bit=False)


def choice(strategy, **values):
    return TypeAdapter(LayerChoice).validate_python({"strategy": strategy, **values})


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        (choice("all"), [0, 1, 2, 3, 4, 5]),
        (choice("first", keep=2), [0, 1]),
        (choice("drop-last", drop=2), [0, 1, 2, 3]),
        (choice("even", keep=1), [0]),
        (choice("even", keep=2), [0, 5]),
        (choice("even", keep=3), [0, 3, 5]),
        (choice("even", keep=6), [0, 1, 2, 3, 4, 5]),
        (choice("list", indices=[4, 0, 2]), [0, 2, 4]),
        (choice("angular", keep=6), [0, 1, 2, 3, 4, 5]),
    ],
)
def test_strategies_keep_these_of_six(wanted, kept):
    assert kept_indices(wanted, 6) == kept


def test_angular_drops_the_block_with_the_smallest_distance():
    wanted = choice("angular", keep=4)
    assert needs_calibration(wanted, 6)
    assert not needs_calibration(wanted, 4)
    assert kept_indices(wanted, 6, [0.5, 0.4, 0.1, 0.3, 0.2]) == [0, 1, 4, 5]
    assert kept_indices(wanted, 6, [0.1, 0.4, 0.1, 0.3, 0.2]) == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (choice("first", keep=7), ("7", "6")),
        (choice("even", keep=9), ("9", "6")),
        (choice("angular", keep=8), ("8", "6")),
        (choice("drop-last", drop=6), ("6", "6")),
        (choice("list", indices=[0, 6]), ("6", "6")),
        (choice("list", indices=[1, 1]), ("1", "1")),
    ],
)
def test_impossible_choices_name_the_numbers(wanted, numbers):
    with pytest.raises(InvalidError) as caught:
        kept_indices(wanted, 6)
    for number in numbers:
        assert number in str(caught.value)


@pytest.mark.parametrize("config", [gemma_config, llama_config])
def test_a_cut_keeps_the_weights_and_renumbers_the_cache(config):
    original = random_model(config())
    loaded = describe(random_model(config()), "sdpa")
    kept = [0, 2, 5]
    cut(loaded, kept)
    assert loaded.layers_original == 6
    assert len(loaded.layers) == 3
    assert loaded.causal.config.num_hidden_layers == 3
    for position, index in enumerate(kept):
        before, after = original.model.layers[index].state_dict(), loaded.layers[position].state_dict()
        assert all(torch.equal(before[name], after[name]) for name in before)
        assert loaded.layers[position].self_attn.layer_idx == position
    types = getattr(original.config, "layer_types", None)
    if types is not None:
        assert loaded.text_config.layer_types == [types[i] for i in kept]


@pytest.mark.parametrize("config", [gemma_config, llama_config])
def test_a_cut_model_predicts_what_the_kept_layers_compute(config):
    """The reference leaves the dropped layers in place and makes each of them pass its input on."""
    reference = random_model(config())
    kept = [0, 2, 5]
    for index, layer in enumerate(reference.model.layers):
        if index not in kept:
            layer.forward = lambda hidden_states, **_: hidden_states
    loaded = describe(random_model(config()), "sdpa")
    cut(loaded, kept)
    ids = torch.randint(3, 90, (2, 20))
    with torch.no_grad():
        expected = reference(input_ids=ids, use_cache=False).logits
        torch.testing.assert_close(loaded.causal(input_ids=ids, use_cache=False).logits, expected)
        # With a cache, token by token: wrong cache positions would show here.
        cache, steps = None, []
        for position in range(ids.shape[1]):
            out = loaded.causal(input_ids=ids[:, position : position + 1], past_key_values=cache, use_cache=True)
            cache = out.past_key_values
            steps.append(out.logits)
    torch.testing.assert_close(torch.cat(steps, dim=1), expected, rtol=1e-4, atol=1e-4)


def test_distances_are_smallest_around_layers_that_do_nothing():
    loaded = describe(random_model(llama_config()), "sdpa")
    with torch.no_grad():
        for index in (2, 3):  # a layer whose output projections are zero passes its input on
            loaded.layers[index].self_attn.o_proj.weight.zero_()
            loaded.layers[index].mlp.down_proj.weight.zero_()
    blocks = [torch.randint(3, 90, (12,)).tolist() for _ in range(4)]
    states = layer_states(loaded, blocks, FP32)
    assert [tuple(s.shape) for s in states] == [(4, 64)] * 7
    distances = angular_distances(states, 2)
    assert len(distances) == 5
    assert distances[2] == pytest.approx(0, abs=1e-4)
    assert min(d for i, d in enumerate(distances) if i != 2) > 0.01
    assert kept_indices(choice("angular", keep=4), 6, distances) == [0, 1, 4, 5]


def test_angular_distance_is_the_angle_over_pi():
    states = [torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]]), torch.tensor([[-1.0, 0.0]])]
    assert angular_distances(states, 1) == pytest.approx([0.5, 0.5])
    assert angular_distances(states, 2) == pytest.approx([1.0])

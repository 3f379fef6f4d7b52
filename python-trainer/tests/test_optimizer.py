import pytest
import torch

from lamina_trainer.training.optimizer import DataOrder, MasterWeights, learning_rate


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
@pytest.mark.parametrize("warmup", [0, 3])
def test_schedules_are_those_of_transformers(schedule, warmup):
    from transformers import get_scheduler

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    name = "constant_with_warmup" if schedule == "constant" else schedule
    reference = get_scheduler(name, optimizer, num_warmup_steps=warmup, num_training_steps=10)
    for step in range(10):
        assert learning_rate(step, 10, 0.5, schedule, warmup) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        reference.step()


def test_every_epoch_is_another_permutation_of_everything():
    order = DataOrder(7, seed=3).take(0, 21)
    epochs = [order[:7], order[7:14], order[14:]]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_a_part_of_the_stream_is_the_same_wherever_one_starts():
    whole = DataOrder(5, seed=1).take(0, 17)
    assert [i for first in range(0, 17, 4) for i in DataOrder(5, seed=1).take(first, min(4, 17 - first))] == whole
    assert DataOrder(5, seed=2).take(0, 17) != whole


def test_updates_below_a_rounding_step_add_up_in_master_weights():
    parameters = [torch.nn.Parameter(torch.ones(4, dtype=torch.bfloat16)), torch.nn.Parameter(torch.zeros(2))]
    masters = MasterWeights(parameters)
    assert masters.weights[1] is parameters[1]
    optimizer = torch.optim.SGD(masters.weights, lr=0.001)
    for step in range(8):
        for _ in range(2):  # two backward passes of one step
            for parameter in parameters:
                parameter.grad = torch.full_like(parameter, 0.5)
            masters.take_gradients()
        assert parameters[0].grad is None
        assert torch.equal(masters.weights[0].grad, torch.ones(4))
        optimizer.step()
        masters.write_back()
        optimizer.zero_grad(set_to_none=True)
        assert parameters[0][0] == torch.tensor(1 - 0.001 * (step + 1)).bfloat16()
    assert parameters[0][0] < 1
    alone = torch.ones(1, dtype=torch.bfloat16)
    for _ in range(8):
        alone -= 0.001
    assert alone == 1

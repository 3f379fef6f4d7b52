import pytest
import torch

from lamina_trainer.training.optimizer import data_order, learning_rate


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
    order = data_order(7, 0, 21, seed=3)
    epochs = [order[:7], order[7:14], order[14:]]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_a_part_of_the_stream_is_the_same_wherever_one_starts():
    whole = data_order(5, 0, 17, seed=1)
    assert [i for first in range(0, 17, 4) for i in data_order(5, first, min(4, 17 - first), seed=1)] == whole
    assert data_order(5, 0, 17, seed=2) != whole

"""The formulas of a result, worked by hand."""

from types import SimpleNamespace
from typing import Any, cast

from lamina_trainer.measure.storage import Storage
from lamina_trainer.training.trainer import TrainOutcome
from lamina_trainer.trial.result import model_result, training_result


def test_bits_are_eight_times_the_bytes_of_what_they_belong_to():
    loaded = cast("Any", SimpleNamespace(architecture="tiny", layers_original=3))
    result = model_result(loaded, [0, 2], Storage(1000, 1250, 800, 450), 7, 4000)
    assert result.bits_per_parameter == 10
    assert result.quantized_bits_per_parameter == 4.5
    plain = model_result(loaded, [0, 2], Storage(1000, 2000, 0, 0), 7, 4000)
    assert (plain.bits_per_parameter, plain.quantized_bits_per_parameter) == (16, None)


def test_speeds_are_those_of_the_measured_steps_alone():
    outcome = TrainOutcome(
        losses=[(1, 2.0)],
        step_seconds=[0.5, 1.5],
        step_tokens=[100, 60],
        warmup_step_seconds=[9.0],
        steps_done=3,
        tokens=1000,
        samples=12,
    )
    result = training_result(outcome, 4)
    assert (result.tokens_per_second, result.samples_per_second) == (80, 4)
    none = training_result(TrainOutcome(warmup_step_seconds=[1.0], tokens=5, samples=4), 4)
    assert (none.tokens_per_second, none.samples_per_second, none.step_parts) == (None, None, None)


def test_the_largest_gradient_norm_is_that_of_the_loop_and_missing_where_nothing_was_clipped():
    assert training_result(TrainOutcome(largest_gradient_norm=3.5), 4).largest_gradient_norm == 3.5
    assert training_result(TrainOutcome(), 4).largest_gradient_norm is None

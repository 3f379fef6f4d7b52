"""What quantization costs: parts of a step, dequantization, energy."""

import time
from pathlib import Path

import pytest
import torch

from lamina_trainer.measure.dequantization import share_of_kernels, share_of_operators
from lamina_trainer.measure.energy import EnergySpan, RaplCounter, idle_watts, total
from lamina_trainer.training.step_clock import StepClock
from lamina_trainer.trial.run import run_trial
from tiny import Recorder, llama_config, make_request, save_model, save_texts


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shelf")
    save_model(root / "llama", llama_config(3))
    save_texts(root / "texts.jsonl")
    return root


@pytest.mark.parametrize(
    ("precision", "method"),
    [("bf16", "lora"), ("nf4", "qlora"), ("int8", "qlora"), ("fp8", "qlora"), ("int4-wo", "qlora")],
)
def test_every_measured_step_has_its_parts_and_only_k_bit_weights_a_dequantization_share(
    tmp_path, shelf, precision, method
):
    training = {"accumulation": 2}
    asked = make_request(
        tmp_path, shelf / "llama", shelf / "texts.jsonl", precision=precision, method=method, training=training
    )
    result = run_trial(asked, Recorder(), None)
    parts = result.training.step_parts
    assert parts is not None
    steps = zip(parts.forward, parts.backward, parts.optimizer, result.training.step_seconds, strict=True)
    for forward, backward, optimizer, whole in steps:
        assert min(forward, backward, optimizer) > 0
        assert forward + backward + optimizer <= whole
    assert len(parts.forward) == 4
    found = result.training.dequantization_share
    if precision in ("nf4", "fp8", "int4-wo"):
        assert found is not None
        assert 0 < found < 1
    else:
        assert precision == "int8" or found is None
    assert result.model.disk_bytes == (shelf / "llama" / "model.safetensors").stat().st_size


def test_parts_add_up_what_lies_between_the_marks(monkeypatch):
    times = iter([10.0, 11.0, 13.0, 13.5, 14.5, 17.5, 18.0, 22.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(times))
    clock = StepClock(torch.device("cpu"))
    clock.begin()
    for part in ("forward", "backward", "rest", "forward", "backward", "rest", "optimizer"):
        clock.end_of(part)
    assert clock.seconds() == (2.0, 5.0, 4.0)


def test_the_share_of_dequantization_is_that_of_its_time():
    kernels = [("gemm", 60.0), ("kDequantizeBlockwise<float>", 30.0), ("elementwise", 10.0)]
    assert share_of_kernels(kernels) == pytest.approx(0.3)
    assert share_of_kernels(kernels[:1]) is None
    assert share_of_kernels([]) is None


def test_dequantization_inside_dequantization_counts_once():
    outer, inner, later = (
        ("bnb::dequantize_4bit", 100, 50),
        ("bnb::dequantize_blockwise", 110, 20),
        ("dequant", 150, 25),
    )
    operators = [("aten::mm", 0, 90), inner, outer, later]
    assert share_of_operators(operators, 300e-9) == pytest.approx(0.25)
    assert share_of_operators(operators[:1], 300e-9) is None


def packages(root: Path, *values: int) -> None:
    for index, value in enumerate(values):
        for name, label in ((f"intel-rapl:{index}", f"package-{index}"), (f"intel-rapl:{index}:0", "core")):
            zone = root / name
            zone.mkdir(exist_ok=True)
            (zone / "name").write_text(label)
            (zone / "energy_uj").write_text(str(value))
            (zone / "max_energy_range_uj").write_text("100000000")


def test_rapl_counts_every_package_once_and_through_an_overflow(tmp_path):
    packages(tmp_path, 90_000_000, 5_000_000)
    counter = RaplCounter(tmp_path)
    assert counter.joules() == 0
    packages(tmp_path, 97_000_000, 6_000_000)
    assert counter.joules() == pytest.approx(8)
    packages(tmp_path, 2_000_000, 6_000_000)
    assert counter.joules() == pytest.approx(13)


def test_without_a_readable_counter_there_is_no_energy(tmp_path):
    assert RaplCounter(tmp_path).joules() is None
    packages(tmp_path, 1)
    (tmp_path / "intel-rapl:0" / "energy_uj").unlink()
    assert RaplCounter(tmp_path).joules() is None
    assert idle_watts(lambda: None, 3600) is None


def test_idle_power_is_energy_over_time(monkeypatch):
    now = [50.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    assert idle_watts(lambda: 3 * now[0], 2.0) == pytest.approx(3)


def test_energy_of_a_span_is_what_was_used_within_it():
    counter = iter([70.0, 82.5])
    span = EnergySpan(lambda: next(counter))
    with span:
        assert span.joules is None
    assert span.joules == 12.5
    unread = EnergySpan(lambda: None)
    with unread:
        pass
    assert unread.joules is None


def test_energy_of_several_processes_is_known_if_that_of_each_is():
    assert total([1.5, 2.5]) == 4
    assert total([1.5, None]) is None

import math

import pytest
import torch

from lamina_trainer.errors import InvalidError, StoppedError
from lamina_trainer.host.stop import clear_stop, request_stop
from lamina_trainer.trial import run as trial_module
from lamina_trainer.trial.run import run_trial
from tiny import Recorder, gemma_config, llama_config, make_request, save_model, save_texts


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    root = tmp_path_factory.mktemp("shelf")
    return {
        "gemma": save_model(root / "gemma", gemma_config()),
        "llama": save_model(root / "llama", llama_config()),
        "texts": save_texts(root / "texts.jsonl"),
    }


@pytest.fixture(autouse=True)
def lowered_flag():
    clear_stop()
    yield
    clear_stop()


def run(root, shelf, model="gemma", recorder=None, **changes):
    return run_trial(make_request(root, shelf[model], shelf["texts"], **changes), recorder or Recorder(), None)


def numbers(result):
    """All that must not depend on when and how often a trial ran."""
    return (
        [(point.step, point.loss) for point in result.training.losses],
        result.raw.loss,
        result.raw.accuracy,
        result.trained.loss,
        result.trained.loss_standard_error,
        result.trained.accuracy,
    )


COMBINATIONS = [
    ("fp32", "full"),
    ("bf16", "full"),
    ("bf16", "lora"),
    ("fp16", "lora"),
    ("fp8", "qlora"),
    ("int8", "qlora"),
    ("int8-wo", "qlora"),
    ("int4-wo", "qlora"),
    ("nf4", "qlora"),
    ("nf4-dq", "qlora"),
    ("fp4", "qlora"),
    ("fp4-dq", "qlora"),
]


@pytest.mark.parametrize(("precision", "method"), COMBINATIONS)
def test_every_precision_and_method_trains_and_is_measured(tmp_path, shelf, precision, method):
    recorder = Recorder()
    result = run(
        tmp_path,
        shelf,
        recorder=recorder,
        precision=precision,
        method=method,
        layers={"strategy": "first", "keep": 3},
        training={"steps": 12, "learningRate": 0.003 if method == "full" else 0.03},
    )
    assert result.status == "succeeded"
    assert result.trained.loss < result.raw.loss
    assert result.raw.perplexity == math.exp(result.raw.loss)
    assert result.trained.perplexity == math.exp(result.trained.loss)
    assert result.trained.perplexity_standard_error == pytest.approx(
        result.trained.perplexity * result.trained.loss_standard_error
    )
    assert result.compute_dtype == "fp32"
    assert result.model.layers_kept == [0, 1, 2]
    assert result.model.layers_original == 6
    assert result.training.steps == 12
    assert result.training.samples == 24
    assert result.training.tokens == 24 * 16
    assert len(result.training.warmup_step_seconds) == 2
    assert len(result.training.step_seconds) == 10
    assert result.training.tokens_per_second == pytest.approx(
        sum(result.training.step_tokens) / sum(result.training.step_seconds)
    )
    assert result.memory.peak_allocated_bytes is None
    assert result.memory.peak_rss_bytes > 50e6
    assert result.energy_joules is None
    quantizing = ["quantizing"] if method == "qlora" else []
    assert [phase for phase in recorder.phases if phase != "tokenizing"] == [
        "loading",
        *quantizing,
        "evaluating-raw",
        "training",
        "evaluating",
        "saving",
    ]
    assert (result.seconds.quantize is None) == (method != "qlora")
    assert [s["step"] for s in recorder.steps] == list(range(1, 13))
    (artifact,) = result.artifacts
    assert (tmp_path / "t-tiny" / "1" / artifact.path).stat().st_size == artifact.bytes > 0


def test_the_same_seed_gives_the_same_numbers_and_another_seed_does_not(tmp_path, shelf):
    first = run(tmp_path / "a", shelf)
    assert numbers(run(tmp_path / "b", shelf)) == numbers(first)
    other = run(tmp_path / "a", shelf, seed=2)
    assert numbers(other)[0] != numbers(first)[0]
    assert other.trained.loss != first.trained.loss


def test_the_raw_evaluation_is_taken_from_the_cache_bit_for_bit(tmp_path, shelf):
    first = run(tmp_path, shelf, seed=1, trial="t-1")
    second = run(tmp_path, shelf, seed=2, trial="t-2")
    apart = run(tmp_path / "elsewhere", shelf, seed=2, trial="t-2")
    assert (first.raw.cached, second.raw.cached, apart.raw.cached) == (False, True, False)
    assert second.raw.model_dump(exclude={"cached"}) == first.raw.model_dump(exclude={"cached"})
    assert apart.raw.loss == second.raw.loss
    assert numbers(apart) == numbers(second)
    deeper = run(tmp_path, shelf, layers={"strategy": "first", "keep": 5}, trial="t-3")
    assert not deeper.raw.cached
    assert not run(tmp_path, shelf, precision="fp32", trial="t-4").raw.cached


class StopAt(Recorder):
    """Asks for a stop while a step is made."""

    def __init__(self, step):
        super().__init__()
        self.at = step

    def step(self, **values):
        super().step(**values)
        if values["step"] == self.at:
            request_stop()


@pytest.mark.parametrize(
    ("precision", "method", "training"),
    [
        ("bf16", "lora", {}),
        ("bf16", "full", {"learningRate": 0.001}),
        ("bf16", "full", {"learningRate": 0.001, "masterWeights": "fp32", "accumulation": 2}),
        ("nf4-dq", "qlora", {"schedule": "cosine"}),
        ("fp32", "lora", {"optimizer": "sgd", "learningRate": 1.0, "schedule": "constant"}),
        ("fp32", "full", {"optimizer": "adamw-8bit", "learningRate": 0.001}),
        ("fp32", "lora", {"mixedPrecision": "bf16", "accumulation": 2}),
        ("fp32", "lora", {"mixedPrecision": "fp16"}),
        ("bf16", "lora", {"packing": False, "microBatch": 3}),
    ],
)
def test_a_resumed_trial_has_the_numbers_of_an_undisturbed_one(tmp_path, shelf, precision, method, training):
    settings = {"precision": precision, "method": method, "training": training}
    undisturbed = run(tmp_path / "whole", shelf, **settings)
    recorder = StopAt(3)
    with pytest.raises(StoppedError):
        run(tmp_path / "halves", shelf, recorder=recorder, **settings)
    assert recorder.checkpoints == [3]
    clear_stop()
    resumed = run(tmp_path / "halves", shelf, attempt=2, resume=True, **settings)
    assert resumed.training.resumed_from_step == 3
    assert undisturbed.training.resumed_from_step is None
    assert numbers(resumed) == numbers(undisturbed)
    assert len(resumed.training.losses) == 6
    assert resumed.training.samples == undisturbed.training.samples / 2


def test_master_weights_learn_what_fp32_learns(tmp_path, shelf):
    """At this rate most updates are below a rounding step of a bf16 weight."""
    training = {"steps": 12, "learningRate": 3e-5, "schedule": "constant", "warmupSteps": 0}

    def gain(trial, precision, masters):
        result = run(tmp_path, shelf, trial=trial, precision=precision, method="full", training=training | masters)
        return result.raw.loss - result.trained.loss

    exact = gain("fp32", "fp32", {})
    kept = gain("kept", "bf16", {"masterWeights": "fp32"})
    lost = gain("lost", "bf16", {})
    assert kept == pytest.approx(exact, rel=0.25)
    assert abs(lost - exact) > 0.4 * exact


def test_a_resume_under_another_plan_sees_the_same_samples(tmp_path, shelf):
    training = {"microBatch": 4, "accumulation": 1}
    lora = {"r": 4, "alpha": 8, "dropout": 0.0, "bias": "none", "targets": "all-linear", "rslora": False}
    undisturbed = run(tmp_path / "whole", shelf, training=training, lora=lora)
    with pytest.raises(StoppedError):
        run(tmp_path / "halves", shelf, recorder=StopAt(3), training=training, lora=lora)
    clear_stop()
    smaller = {"microBatch": 1, "accumulation": 4, "checkpointing": True}
    resumed = run(tmp_path / "halves", shelf, training=training, lora=lora, plan=smaller, attempt=2, resume=True)
    assert resumed.trained.loss == pytest.approx(undisturbed.trained.loss, abs=1e-4)
    for left, right in zip(resumed.training.losses, undisturbed.training.losses, strict=True):
        assert left.loss == pytest.approx(right.loss, abs=1e-4)


def test_periodic_checkpoints_are_resumed_from_after_a_crash(tmp_path, shelf):
    class Crash(Recorder):
        def step(self, **values):
            if values["step"] == 5:
                raise RuntimeError("power cut")

    training = {"checkpointEvery": 2}
    with pytest.raises(RuntimeError, match="power cut"):
        run(tmp_path / "halves", shelf, recorder=Crash(), training=training)
    resumed = run(tmp_path / "halves", shelf, attempt=2, resume=True, training=training)
    assert resumed.training.resumed_from_step == 4
    assert numbers(resumed) == numbers(run(tmp_path / "whole", shelf, training=training))


def test_without_resume_a_checkpoint_is_not_used(tmp_path, shelf):
    training = {"checkpointEvery": 2}
    first = run(tmp_path, shelf, training=training)
    again = run(tmp_path, shelf, training=training, attempt=2, resume=False)
    assert again.training.resumed_from_step is None
    assert numbers(again) == numbers(first)


def test_a_stop_during_the_last_evaluation_keeps_the_training(tmp_path, shelf):
    with pytest.raises(StoppedError):
        run(tmp_path, shelf, recorder=StopAt(6))
    clear_stop()
    resumed = run(tmp_path, shelf, attempt=2, resume=True)
    assert resumed.training.resumed_from_step == 6
    assert resumed.training.tokens == 0
    assert resumed.training.tokens_per_second is None
    assert numbers(resumed) == numbers(run(tmp_path / "whole", shelf))


def test_a_loss_that_is_not_finite_is_a_result(tmp_path, shelf):
    result = run(
        tmp_path,
        shelf,
        precision="fp32",
        method="full",
        training={
            "optimizer": "sgd",
            "learningRate": 1e30,
            "schedule": "constant",
            "warmupSteps": 0,
            "maxGradNorm": None,
        },
    )
    assert result.status == "diverged"
    assert result.diverged_at_step in (2, 3)
    assert result.trained is None
    assert result.raw is not None
    assert result.training.losses[-1].step == result.diverged_at_step
    assert result.training.losses[-1].loss is None
    assert result.training.losses[0].loss is not None


@pytest.mark.parametrize(("limit", "clipped"), [(1e-6, 6), (1e6, 0), (None, None)])
def test_steps_that_were_clipped_are_counted(tmp_path, shelf, limit, clipped):
    result = run(tmp_path, shelf, precision="fp32", training={"maxGradNorm": limit})
    assert result.training.clipped_steps == clipped


def test_accumulation_weighs_every_token_the_same(tmp_path, shelf):
    """Records of different lengths: a mean of means would differ."""
    lora = {"r": 4, "alpha": 8, "dropout": 0.0, "bias": "none", "targets": "all-linear", "rslora": False}
    texts = tmp_path / "uneven.jsonl"
    words = "w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12"
    texts.write_text("\n".join(f'{{"text": "{words[: 6 + 3 * (i % 11)]} w{20 + i}"}}' for i in range(40)))
    uneven = {**shelf, "texts": texts}
    one = run(tmp_path / "one", uneven, training={"packing": False, "microBatch": 4}, lora=lora)
    four = run(tmp_path / "four", uneven, training={"packing": False, "microBatch": 1, "accumulation": 4}, lora=lora)
    assert one.training.tokens == four.training.tokens
    for left, right in zip(one.training.losses, four.training.losses, strict=True):
        assert left.loss == pytest.approx(right.loss, abs=2e-5)


def test_activation_checkpointing_changes_no_number(tmp_path, shelf):
    plain = run(tmp_path / "a", shelf)
    checkpointed = run(tmp_path / "b", shelf, training={"checkpointing": True})
    for left, right in zip(plain.training.losses, checkpointed.training.losses, strict=True):
        assert left.loss == pytest.approx(right.loss, abs=1e-5)


def test_angular_cuts_agree_between_precisions_and_are_measured_once(tmp_path, shelf, monkeypatch):
    layers = {"strategy": "angular", "keep": 4}
    first = run(tmp_path, shelf, model="llama", layers=layers, trial="t-1")
    assert len(first.model.layers_kept) == 4
    monkeypatch.setattr(trial_module, "layer_states", None)
    second = run(tmp_path, shelf, model="llama", layers=layers, precision="nf4", method="qlora", trial="t-2")
    assert second.model.layers_kept == first.model.layers_kept


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": {"strategy": "first", "keep": 9}}, "9 layers.*6"),
        ({"precision": "tf32"}, "tf32"),
        ({"precision": "nf4"}, "qlora"),
        ({"method": "full", "precision": "fp16", "training": {"mixedPrecision": "fp16"}}, "fp16"),
        ({"gpus": 2}, "2 GPUs .* 1 process"),
    ],
)
def test_what_cannot_be_run_is_invalid_and_says_why(tmp_path, shelf, changes, message):
    with pytest.raises(InvalidError, match=message):
        run(tmp_path, shelf, **changes)


def test_a_missing_model_is_invalid(tmp_path, shelf):
    with pytest.raises(InvalidError, match="nowhere"):
        run(tmp_path, {**shelf, "gemma": tmp_path / "nowhere"})


def test_fp32_weights_computed_in_bf16_use_autocast(tmp_path, shelf):
    result = run(tmp_path, shelf, precision="fp32", computeDtype="bf16")
    exact = run(tmp_path, shelf, precision="fp32", computeDtype="fp32", trial="t-2")
    assert result.compute_dtype == "bf16"
    assert result.raw.loss != exact.raw.loss
    assert result.raw.loss == pytest.approx(exact.raw.loss, rel=0.02)
    assert result.model.bits_per_parameter == 32


def test_16_bit_weights_computed_in_the_other_16_bit_dtype(tmp_path, shelf):
    exact = run(tmp_path, shelf, precision="bf16", trial="t-1")
    other = run(tmp_path, shelf, precision="bf16", computeDtype="fp16", trial="t-2")
    assert other.compute_dtype == "fp16"
    assert other.raw.loss == pytest.approx(exact.raw.loss, rel=0.02)


def test_the_attempt_does_not_touch_the_global_generator_before_its_seed(tmp_path, shelf):
    torch.manual_seed(11)
    first = run(tmp_path / "a", shelf)
    torch.manual_seed(12)
    assert numbers(run(tmp_path / "b", shelf)) == numbers(first)

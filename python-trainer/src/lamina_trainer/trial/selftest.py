"""What this device can train: every precision, method and compute dtype on a tiny random model."""

import json
import logging
import math
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

import torch

from lamina_trainer.contract.capabilities import facts
from lamina_trainer.contract.document import Document
from lamina_trainer.contract.settings import LoraSettings, TrainingSettings
from lamina_trainer.contract.trial import Plan
from lamina_trainer.contract.vocabulary import ComputeDtype, Method, Precision, ResolvedDtype
from lamina_trainer.data.blocks import Blocks
from lamina_trainer.distributed.process_group import ProcessGroup
from lamina_trainer.errors import InvalidError
from lamina_trainer.measure.environment import device_name
from lamina_trainer.model.forward import ForwardPass
from lamina_trainer.model.loading import load_model
from lamina_trainer.model.precision import apply_precision, resolve_numerics, set_matmul_mode
from lamina_trainer.training.methods import apply_method, check_method
from lamina_trainer.training.trainer import Trainer, TrainHooks

Mixed = Literal["none", "bf16", "fp16"]

STEPS: Final = 10
_VOCABULARY: Final = 96
_LENGTH: Final = 24
_LORA: Final = LoraSettings(r=4, alpha=8, dropout=0.0, bias="none", targets="all-linear", rslora=False)


@dataclass(frozen=True)
class Combination:
    """One row of the table."""

    precision: Precision
    method: Method
    compute: ComputeDtype
    mixed: Mixed


class Row(Document):
    """What came of a combination."""

    precision: Precision
    method: Method
    compute_dtype: ResolvedDtype
    mixed_precision: Mixed
    outcome: Literal["trains", "refused", "fails"]
    """Refused: the trainer says beforehand that it is not possible. Fails: it tried and should not have."""
    first_loss: float | None
    last_loss: float | None
    reason: str | None


class SelfTest(Document):
    """The support table of a device."""

    device: str
    rows: Sequence[Row]


def combinations() -> Iterator[Combination]:
    """Every precision, method and compute dtype, and mixed precision over what computes in fp32.

    Precisions that only a checkpoint can have are left out: a random model has none.
    """
    for precision in get_args(Precision):
        if facts(precision).checkpoint is not None:
            continue
        for method in get_args(Method):
            for compute in get_args(ResolvedDtype):
                yield Combination(precision, method, compute, "none")
            for mixed in ("bf16", "fp16"):
                yield Combination(precision, method, "fp32", mixed)


def self_test() -> SelfTest:
    """Try them all on the first GPU, else on the CPU."""
    device = ProcessGroup().device()
    with tempfile.TemporaryDirectory(prefix="lamina-selftest-") as folder:
        _save_model(Path(folder))
        rows = [_try(one, Path(folder), device) for one in combinations()]
    return SelfTest(device=device_name(device), rows=rows)


def print_self_test(*, as_json: bool) -> int:
    """Print the table; returns 1 if something failed that was not refused."""
    logging.disable(logging.WARNING)
    found = self_test()
    if as_json:
        print(json.dumps(found.model_dump(by_alias=True)))
    else:
        print(table(found))
    return 1 if any(row.outcome == "fails" for row in found.rows) else 0


def table(found: SelfTest) -> str:
    """For people: what trains, then what does not and why, each reason once."""
    lines = [f"Device: {found.device}", "", f"{'precision':10}{'method':8}{'compute':9}{'mixed':7}loss"]
    for row in found.rows:
        if row.outcome == "trains":
            lines.append(f"{_name(row)}{row.first_loss:.3f} -> {row.last_loss:.3f}")
    for outcome, title in (("refused", "Not possible"), ("fails", "FAILED")):
        reasons: dict[str, list[Row]] = {}
        for row in found.rows:
            if row.outcome == outcome and row.reason is not None:
                reasons.setdefault(row.reason, []).append(row)
        if reasons:
            lines += ["", f"{title}:"]
        lines += [f"  {', '.join(_names(rows))}: {reason}" for reason, rows in reasons.items()]
    return "\n".join(lines)


def _names(rows: Sequence[Row]) -> list[str]:
    """Without dtypes where they make no difference."""
    every = len(list(combinations())) // len({(one.precision, one.method) for one in combinations()})
    counts = Counter((row.precision, row.method) for row in rows)
    names = [
        f"{row.precision} {row.method}" if counts[row.precision, row.method] == every else " ".join(_name(row).split())
        for row in rows
    ]
    return list(dict.fromkeys(names))


def _name(row: Row) -> str:
    return f"{row.precision:10}{row.method:8}{row.compute_dtype:9}{row.mixed_precision:7}"


def _try(one: Combination, folder: Path, device: torch.device) -> Row:
    outcome: Literal["trains", "refused", "fails"] = "fails"
    losses: list[float] = []
    reason: str | None = None
    try:
        losses = _train(one, folder, device)
        reason = _complaint(losses)
        outcome = "trains" if reason is None else "fails"
    except InvalidError as error:
        outcome, reason = "refused", str(error)
    except Exception as error:  # noqa: BLE001 - the next combination may work
        reason = f"{type(error).__name__}: {(str(error).strip() or 'no message').splitlines()[0][:200]}"
    finite = [loss if math.isfinite(loss) else None for loss in losses]
    return Row(
        precision=one.precision,
        method=one.method,
        compute_dtype=one.compute,  # type: ignore[arg-type]
        mixed_precision=one.mixed,
        outcome=outcome,
        first_loss=finite[0] if finite else None,
        last_loss=finite[-1] if finite else None,
        reason=reason,
    )


def _complaint(losses: Sequence[float]) -> str | None:
    if not all(math.isfinite(loss) for loss in losses):
        return "the loss is not finite"
    if losses[-1] >= losses[0]:
        return "the loss does not fall"
    return None


def _train(one: Combination, folder: Path, device: torch.device) -> list[float]:
    check_method(one.method, one.precision, _LORA)
    numerics = resolve_numerics(one.precision, one.compute, device, fast_16_bit=False)
    set_matmul_mode(numerics)
    loaded = load_model(folder, numerics.stored)
    apply_precision(loaded.causal, loaded.layers, numerics)
    torch.manual_seed(1)
    parameters = apply_method(loaded, one.method, _LORA)
    losses: list[float] = []
    hooks = TrainHooks(
        step=lambda report: losses.append(report.loss),
        save=lambda _: None,
        stop_requested=lambda: False,
        check_memory=lambda: None,
    )
    settings, plan = _settings(one)
    trainer = Trainer(
        loaded, ForwardPass(loaded), parameters, _blocks(), settings, plan, numerics, 1, hooks, ProcessGroup()
    )
    trainer.run()
    return losses


def _settings(one: Combination) -> tuple[TrainingSettings, Plan]:
    training = TrainingSettings(
        steps=STEPS,
        micro_batch=4,
        accumulation=1,
        max_length=_LENGTH,
        packing=True,
        learning_rate=0.002 if one.method == "full" else 0.02,
        schedule="constant",
        warmup_steps=0,
        optimizer="adamw",
        weight_decay=0.0,
        adam_beta1=0.9,
        adam_beta2=0.999,
        adam_epsilon=_epsilon(one),
        max_grad_norm=1.0,
        mixed_precision=one.mixed,
        checkpointing=False,
        checkpoint_every=None,
        log_every=1,
        warmup_measurements=0,
    )
    plan = Plan(
        gpu_class=None,
        gpus=0,
        micro_batch=4,
        accumulation=1,
        checkpointing=False,
        memory_bytes=None,
        excluded_nodes=[],
    )
    return training, plan


def _epsilon(one: Combination) -> float:
    """In fp16 the square of a gradient below 2.4e-4 is zero, and dividing by a smaller epsilon would be a leap."""
    return 3e-4 if one.method == "full" and one.precision == "fp16" else 1e-6


def _blocks() -> Blocks:
    """Four sequences that count upwards: every step sees them all, so the loss must fall."""
    return Blocks.of([[(start + i) % _VOCABULARY for i in range(_LENGTH)] for start in range(4, 84, 20)])


def _save_model(folder: Path) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    config: Any = LlamaConfig(
        vocab_size=_VOCABULARY,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        max_position_embeddings=64,
        tie_word_embeddings=False,
    )
    torch.manual_seed(7)
    LlamaForCausalLM(config).save_pretrained(str(folder))

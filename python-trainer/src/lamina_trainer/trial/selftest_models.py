"""What can be done with every causal model class of the installed transformers, each on a tiny random instance."""

import json
import logging
import math
import multiprocessing
import tempfile
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Literal, get_args

import torch

from lamina_trainer.contract.document import Document
from lamina_trainer.contract.settings import LoraSettings
from lamina_trainer.contract.vocabulary import Precision
from lamina_trainer.distributed.process_group import ProcessGroup
from lamina_trainer.errors import InvalidError
from lamina_trainer.model.adapter import save_adapter
from lamina_trainer.model.cut import cut
from lamina_trainer.model.forward import ForwardPass
from lamina_trainer.model.loading import LoadedModel, load_model
from lamina_trainer.model.merge import compare, merge, probe
from lamina_trainer.model.precision import apply_precision, resolve_numerics
from lamina_trainer.training.methods import apply_method
from lamina_trainer.trial.tiny_models import VOCABULARY, tiny_config

Stage = Literal["train", "cut first", "cut even", "cut list", "nf4", "int8", "lora"]
STAGES: Final[Sequence[Stage]] = get_args(Stage)
_KEPT: Final[dict[Stage, list[int]]] = {"cut first": [0, 1, 2, 3], "cut even": [0, 2, 3, 5], "cut list": [1, 2, 4, 5]}
_LORA: Final = LoraSettings(r=4, alpha=8, dropout=0.0, bias="none", targets="all-linear", rslora=False)
_SAME: Final = 1e-4
LIMIT: Final = 120.0
"""Seconds for all stages of one class."""


class StageResult(Document):
    """What came of a stage."""

    outcome: Literal["yes", "refused", "fails"]
    """Refused: the trainer says beforehand that it is not possible, and why. Fails: it should not have."""
    reason: str | None


class ClassResult(Document):
    """One model type."""

    model_type: str
    architecture: str
    built: str | None
    """Why no tiny instance could be made or loaded, so that nothing was tried; None where one was."""
    stages: dict[Stage, StageResult]


class ModelTest(Document):
    """The table of one transformers version."""

    transformers: str
    classes: Sequence[ClassResult]


def try_models(model_types: Sequence[str] | None) -> ModelTest:
    """Try each class in a forked process, so that a crash or an endless loop costs its row alone."""
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as NAMES

    _try_class("llama")  # loads what all classes need, once, before the forks
    chosen = list(NAMES) if model_types is None else list(model_types)
    return ModelTest(transformers=transformers.__version__, classes=[_forked(one, str(NAMES[one])) for one in chosen])


def print_models(model_types: Sequence[str] | None, *, as_json: bool) -> int:
    """Print the table; returns 1 if something failed that was not refused."""
    logging.disable(logging.WARNING)
    found = try_models(model_types)
    print(json.dumps(found.model_dump(by_alias=True)) if as_json else models_table(found))
    return 1 if any(stage.outcome == "fails" for row in found.classes for stage in row.stages.values()) else 0


def models_table(found: ModelTest) -> str:
    """Markdown: what works, then every reason once with the classes that it holds for."""
    tried = [row for row in found.classes if row.built is None]
    lines = [
        f"transformers {found.transformers}: {len(tried)} of {len(found.classes)} causal model types tried, each on a "
        "tiny random instance of six layers.",
        "",
        f"| model type | class | {' | '.join(STAGES)} |",
        f"|---|---|{'---|' * len(STAGES)}",
    ]
    notes: dict[str, list[str]] = {}
    for row in tried:
        cells = []
        for stage in STAGES:
            one = row.stages[stage]
            cells.append("yes" if one.outcome == "yes" else "no" if one.outcome == "refused" else "**fails**")
            if one.reason is not None:
                notes.setdefault(one.reason, []).append(f"{row.model_type} ({stage})")
        lines.append(f"| `{row.model_type}` | {row.architecture} | {' | '.join(cells)} |")
    lines += ["", "Why not:", ""]
    lines += [f"- {', '.join(names)}: {reason}" for reason, names in notes.items()]
    lines += ["", "Not tried, because no tiny instance can be made or loaded:", ""]
    lines += [f"- `{row.model_type}`: {row.built}" for row in found.classes if row.built is not None]
    return "\n".join(lines) + "\n"


def _forked(model_type: str, architecture: str) -> ClassResult:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_answer, args=(model_type, theirs))
    child.start()
    theirs.close()
    built, stages = "it takes too long", dict[Stage, StageResult]()
    try:
        if ours.poll(LIMIT):
            built, stages = ours.recv()
    except EOFError:
        built = "its process crashed"
    finally:
        child.kill()
        child.join()
        ours.close()
    return ClassResult(model_type=model_type, architecture=architecture, built=built, stages=stages)


def _answer(model_type: str, pipe: Connection) -> None:
    torch.set_num_threads(1)
    pipe.send(_try_class(model_type))
    pipe.close()


def _try_class(model_type: str) -> tuple[str | None, dict[Stage, StageResult]]:
    with tempfile.TemporaryDirectory(prefix="lamina-models-") as folder:
        base, work = Path(folder, "base"), Path(folder)
        try:
            _save(model_type, base)
            load_model(base, torch.float32)
        except Exception as error:  # noqa: BLE001 - classes refuse sizes each in its own way
            return _line(error), {}
        return None, {stage: _try(lambda stage=stage: _stage(stage, base, work)) for stage in STAGES}  # type: ignore[misc]


def _save(model_type: str, base: Path) -> None:
    from transformers import AutoModelForCausalLM

    torch.manual_seed(7)
    model: Any = AutoModelForCausalLM.from_config(
        tiny_config(model_type), dtype=torch.float32, attn_implementation="eager"
    )
    with torch.no_grad():  # the default initialisation is so small that all layers do alike
        for parameter in model.parameters():
            if parameter.dim() >= 2:
                parameter.mul_(3)
    model.save_pretrained(str(base))


def _try(work: Callable[[], str | None]) -> StageResult:
    try:
        complaint = work()
    except InvalidError as error:
        return StageResult(outcome="refused", reason=_line(error))
    except Exception as error:  # noqa: BLE001 - the next stage may work
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return StageResult(outcome="fails", reason=f"{_line(error)} ({Path(frame.filename).name})")
    return StageResult(outcome="yes" if complaint is None else "fails", reason=complaint)


def _stage(stage: Stage, base: Path, work: Path) -> str | None:
    """Do one thing; the complaint where it goes wrong without an error."""
    if stage == "train":
        return _train(load_model(base, torch.float32))
    if stage in _KEPT:
        return _cut_and_reload(base, work / stage.replace(" ", "-"), _KEPT[stage])
    if stage == "lora":
        return _adapt_and_merge(base, work)
    return _quantize(base, "int8" if stage == "int8" else "nf4")


def _train(loaded: LoadedModel) -> str | None:
    parameters = [p for p in loaded.causal.requires_grad_(True).parameters() if p.requires_grad]
    return _steps(loaded, parameters, 1e-3)


def _steps(loaded: LoadedModel, parameters: Sequence[Any], rate: float) -> str | None:
    forward = ForwardPass(loaded)
    optimizer = torch.optim.AdamW(parameters, lr=rate)
    ids = torch.arange(48).reshape(2, 24) % (VOCABULARY - 8) + 4
    has_next = torch.ones(2, 23, dtype=torch.bool)
    losses = []
    for _ in range(3):
        loss = forward(ids, has_next, scores=False) / has_next.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    if not all(math.isfinite(loss) for loss in losses):
        return "the loss is not finite"
    return None if losses[-1] < losses[0] else "the loss does not fall"


def _cut_and_reload(base: Path, folder: Path, kept: list[int]) -> str | None:
    loaded = load_model(base, torch.float32)
    if len(loaded.layers) <= max(kept):
        raise InvalidError("it has fewer layers than are kept here")
    cut(loaded, kept)
    before = probe(loaded.causal, 64)
    loaded.causal.save_pretrained(str(folder))
    difference = compare(before, probe(load_model(folder, torch.float32).causal, 64)).relative
    return None if difference <= _SAME else f"what is saved differs by {difference:.2g}"


def _quantize(base: Path, precision: Precision) -> str | None:
    numerics = resolve_numerics(precision, "fp32", ProcessGroup().device(), fast_16_bit=False)
    loaded = load_model(base, numerics.stored)
    apply_precision(loaded.causal, loaded.layers, numerics)
    torch.manual_seed(1)
    return _steps(loaded, apply_method(loaded, "qlora", _LORA), 1e-2)


def _adapt_and_merge(base: Path, work: Path) -> str | None:
    numerics = resolve_numerics("fp32", "fp32", ProcessGroup().device(), fast_16_bit=False)
    loaded = load_model(base, numerics.stored)
    apply_precision(loaded.causal, loaded.layers, numerics)
    torch.manual_seed(1)
    complaint = _steps(loaded, apply_method(loaded, "lora", _LORA), 1e-2)
    kept = range(len(loaded.layers))
    save_adapter(loaded, loaded.adapter.peft_config["default"], work / "adapter", "fp32", "fp32", kept)
    del loaded
    merge(work / "adapter", base, work / "merged", "fp32")
    return complaint


def _line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[-1] if isinstance(error, ValueError) and len(lines) > 1 else (lines or [type(error).__name__])[0]
    return text[:220]

"""Scores a model on tasks with lm-evaluation-harness, which is installed only where tasks are wanted."""

import importlib.util
import logging
import os
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch

from lamina_trainer.contract.result import TaskResult, TaskStage
from lamina_trainer.contract.settings import TaskSettings
from lamina_trainer.data.tokenizer import load_tokenizer
from lamina_trainer.distributed.process_group import ProcessGroup
from lamina_trainer.errors import InvalidError
from lamina_trainer.measure.task_file import TaskDefinition, read_task
from lamina_trainer.model.loading import LoadedModel
from lamina_trainer.model.precision import Numerics

MISSING: Final = (
    "evaluation.tasks needs lm-evaluation-harness, which is not installed; install it into the trainer's environment "
    "with: uv pip install --require-hashes -r python-trainer/requirements-lm-eval.txt"
)
_SEED: Final = 1234
"""Seed for the examples in front of a question: the same for all cells and seeds of a trial."""
_DRAWS: Final = 1000
"""Resamples of the bootstrap, for metrics whose standard error has no closed form."""

_log = logging.getLogger(__name__)


class Tasks:
    """The tasks of one trial; all are read at once, so that a mistake in one is found before training."""

    def __init__(self, settings: TaskSettings, tokenizer_folder: Path, numerics: Numerics, group: ProcessGroup) -> None:
        if importlib.util.find_spec("lm_eval") is None:
            raise InvalidError(MISSING)
        if group.world_size > 1:
            raise InvalidError(f"evaluation.tasks runs in one process, and this trial in {group.world_size}.")
        self._settings, self._folder, self._numerics = settings, tokenizer_folder, numerics
        self._tasks = [read_task(file) for file in settings.files]
        names = [task.name for task in self._tasks]
        if len(set(names)) < len(names):
            raise InvalidError(f"evaluation.tasks: two files have the same task name: {', '.join(names)}.")

    def score(self, stage: TaskStage, loaded: LoadedModel, check_stop: Callable[[], None]) -> list[TaskResult]:
        """One result per task and metric."""
        with _as_it_was(loaded.causal), torch.no_grad(), self._numerics.autocast():
            results: list[TaskResult] = []
            for task in self._tasks:
                check_stop()
                results += self._score(stage, task, loaded.causal)
        return results

    def _score(self, stage: TaskStage, task: TaskDefinition, causal: Any) -> list[TaskResult]:
        from datasets import Dataset
        from lm_eval.evaluator import evaluate
        from lm_eval.models.huggingface import HFLM
        from lm_eval.tasks import TaskManager

        records = {split: Dataset.from_list(list(rows)) for split, rows in task.records.items()}
        try:
            found = TaskManager(include_defaults=False).load([{**task.config, "custom_dataset": lambda **_: records}])
            one = found["tasks"][task.name]
            if self._settings.few_shot is not None or one.get_config("num_fewshot") is None:
                one.set_config(key="num_fewshot", value=self._settings.few_shot or 0)
            one.set_fewshot_seed(seed=_SEED)
            answers = evaluate(
                lm=HFLM(
                    pretrained=causal,
                    tokenizer=load_tokenizer(self._folder),
                    batch_size=self._settings.batch_size,
                    softmax_dtype="float32",
                ),
                task_dict=found,
                limit=self._settings.max_samples,
                bootstrap_iters=_DRAWS,
                log_samples=False,
            )
        except torch.OutOfMemoryError:
            raise
        except Exception as error:
            raise InvalidError(f"The task {task.name} cannot be run: {type(error).__name__}: {error}") from error
        _log.info("Scored %s.", task.name)
        return _results(stage, task, answers, int(one.get_config("num_fewshot")))


def _results(stage: TaskStage, task: TaskDefinition, answers: Mapping[str, Any], few_shot: int) -> list[TaskResult]:
    values = answers["results"][task.name]
    higher = answers["higher_is_better"].get(task.name, {})
    metrics = [key for key in values if "," in key and not key.partition(",")[0].endswith("_stderr")]
    results = []
    for key in metrics:
        metric, _, chosen = key.partition(",")
        error = values.get(f"{metric}_stderr,{chosen}")
        results.append(
            TaskResult(
                stage=stage,
                task=task.name,
                version=str(answers["versions"].get(task.name, "")),
                metric=metric if chosen == "none" else f"{metric} ({chosen})",
                value=float(values[key]),
                standard_error=float(error) if isinstance(error, int | float) else None,
                higher_is_better=higher.get(metric) is not False,
                samples=int(answers["n-samples"][task.name]["effective"]),
                few_shot=few_shot,
                file_sha256=task.file_sha256,
                data_sha256=task.data_sha256,
            )
        )
    if not results:
        raise InvalidError(f"The task {task.name} names no metric.")
    return results


@contextmanager
def _as_it_was(causal: Any) -> Iterator[None]:
    """Let the harness change neither the random numbers of what follows nor the model's mode."""
    training, state, generator = causal.training, random.getstate(), torch.get_rng_state()
    before = os.environ.get("DISABLE_MULTIPROC")
    # Its bootstrap would fork a process that holds a model.
    os.environ["DISABLE_MULTIPROC"] = "1"
    try:
        yield
    finally:
        causal.train(training)
        random.setstate(state)
        torch.set_rng_state(generator)
        if before is None:
            del os.environ["DISABLE_MULTIPROC"]

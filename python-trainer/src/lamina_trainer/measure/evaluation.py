"""Held-out scores over the tokens that count: mean negative log likelihood, its error, perplexity, accuracy."""

import hashlib
import json
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import nn

from lamina_trainer.contract.document import write_document
from lamina_trainer.contract.result import EvaluationResult
from lamina_trainer.data.blocks import Blocks
from lamina_trainer.data.padding import pad
from lamina_trainer.distributed.fsdp import reshard
from lamina_trainer.distributed.process_group import ProcessGroup
from lamina_trainer.host.files import build_once
from lamina_trainer.model.precision import Numerics

_log = logging.getLogger(__name__)


def summarize(
    sums: Sequence[float], counts: Sequence[int], right: int, seconds: float, records: int | None = None
) -> EvaluationResult | None:
    """Mean over tokens; None where it is not finite.

    The standard error is that of a ratio estimator over sequences (Cochran, Sampling Techniques,
    section 6.4): residuals of each sequence's sum from mean × its length. There is none for the sequences of
    one record, which say nothing of another; `records` None: as many as sequences.
    """
    tokens = sum(counts)
    loss = math.fsum(sums) / tokens
    if not math.isfinite(loss) or loss > 700:  # exp(loss) would not be a number
        return None
    error = None
    n = len(sums)
    if n > 1 and (records is None or records > 1):
        residuals = math.fsum((s - loss * c) ** 2 for s, c in zip(sums, counts, strict=True))
        error = math.sqrt(residuals * n / (n - 1)) / tokens
    perplexity = math.exp(loss)
    return EvaluationResult(
        loss=loss,
        loss_standard_error=error,
        perplexity=perplexity,
        perplexity_standard_error=None if error is None else perplexity * error,
        accuracy=right / tokens,
        tokens=tokens,
        sequences=n,
        seconds=seconds,
        cached=False,
    )


def evaluate(
    forward: nn.Module,
    blocks: Blocks,
    micro_batch: int,
    numerics: Numerics,
    group: ProcessGroup,
    checkpoint: Callable[[], None],
    records: int | None = None,
) -> EvaluationResult | None:
    """Score all blocks, which are from so many records; None where the loss is not finite.

    `checkpoint` is called before every batch.
    Batches are dealt out to the processes of the group in turn, and all of them get the result.
    """
    forward.eval()
    batches = [blocks[start : start + micro_batch] for start in range(0, len(blocks), micro_batch)]
    mine: dict[int, tuple[list[float], list[int], int]] = {}
    began = time.perf_counter()
    with torch.no_grad(), numerics.autocast():
        for first in range(0, len(batches), group.world_size):
            checkpoint()
            index = first + group.rank
            # Sharded weights are gathered by all processes or by none: one without a batch repeats another one.
            batch = batches[index if index < len(batches) else first]
            ids, counted = pad(batch, numerics.device)
            nll, correct = forward(ids, counted, scores=True)
            if index < len(batches):
                counts = batch.targets()
                sums = [one.double().sum().item() for one in torch.split(nll, counts)]
                mine[index] = (sums, counts, int(correct.sum().item()))
    reshard(forward)
    found = {index: scored for one in group.all_gather(mine) for index, scored in one.items()}
    scored = [found[index] for index in range(len(batches))]
    return summarize(
        [value for sums, _, _ in scored for value in sums],
        [count for _, counts, _ in scored for count in counts],
        sum(right for _, _, right in scored),
        time.perf_counter() - began,
        records,
    )


class EvaluationCache:
    """Results of earlier evaluations, by everything that can change one.

    One process at a time evaluates; others that want the same result wait for it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "evaluations"

    def get_or_evaluate(
        self, key: Mapping[str, Any], run: Callable[[], EvaluationResult | None]
    ) -> EvaluationResult | None:
        """The stored result, marked as cached, or that of `run`."""
        text = json.dumps(key, sort_keys=True)
        fresh: list[EvaluationResult | None] = []

        def build(folder: Path) -> None:
            fresh.append(run())
            document = "null" if fresh[0] is None else write_document(fresh[0])
            (folder / "key.json").write_text(text, encoding="utf-8")
            (folder / "result.json").write_text(document, encoding="utf-8")

        folder = build_once(
            self._folder / hashlib.sha256(text.encode()).hexdigest()[:32],
            build,
            waiting=lambda: _log.info("Another process evaluates the same weights; waiting for it."),
        )
        if fresh:
            return fresh[0]
        try:
            content = (folder / "result.json").read_bytes()
            if content == b"null":
                return None
            stored = EvaluationResult.model_validate_json(content, by_alias=True, by_name=False)
        except (OSError, ValidationError):
            _log.warning("Ignored a damaged evaluation in the cache: %s", folder)
            return run()
        return stored.model_copy(update={"cached": True})


def shared_evaluation(
    group: ProcessGroup, cache: EvaluationCache, key: Mapping[str, Any], together: Callable[[], EvaluationResult | None]
) -> EvaluationResult | None:
    """Let the first process look into the cache, and all of them evaluate where it holds nothing."""
    if group.is_main:
        asked: list[bool] = []

        def call() -> EvaluationResult | None:
            asked.append(group.broadcast(True))
            return together()

        result = cache.get_or_evaluate(key, call)
        if not asked:
            group.broadcast(False)
        return group.broadcast(result)
    if group.broadcast(False):
        together()
    return group.broadcast(None)

"""Held-out scores: mean negative log likelihood per token, its standard error, perplexity, accuracy."""

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
from torch import Tensor

from lamina_trainer.contract import EvaluationResult
from lamina_trainer.document import write_document
from lamina_trainer.files import build_once
from lamina_trainer.head import find_head, score
from lamina_trainer.models import LoadedModel
from lamina_trainer.precision import Numerics

_log = logging.getLogger(__name__)


def pad(sequences: Sequence[Any], device: torch.device) -> tuple[Tensor, Tensor]:
    """Token ids padded at the end, and a mask of the positions that have a next token.

    Attention is causal, so what follows a token, padding included, cannot change its prediction.
    """
    longest = max(len(sequence) for sequence in sequences)
    ids = torch.zeros((len(sequences), longest), dtype=torch.long)
    has_next = torch.zeros((len(sequences), longest - 1), dtype=torch.bool)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = torch.as_tensor(sequence, dtype=torch.long)
        has_next[row, : len(sequence) - 1] = True
    return ids.to(device), has_next.to(device)


def token_scores(loaded: LoadedModel, ids: Tensor, has_next: Tensor) -> tuple[Tensor, Tensor]:
    """Per predicted token: negative log likelihood, and whether the prediction is right."""
    targets = ids[:, 1:][has_next]
    head = find_head(loaded.causal)
    if head is not None:
        hidden = loaded.decoder(input_ids=ids, use_cache=False).last_hidden_state
        return score(head, hidden[:, :-1][has_next], targets)
    logits = loaded.causal(input_ids=ids, use_cache=False).logits[:, :-1][has_next].float()
    nll = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    return nll, logits.argmax(dim=-1) == targets


def summarize(sums: Sequence[float], counts: Sequence[int], right: int, seconds: float) -> EvaluationResult | None:
    """Mean over tokens; None where it is not finite.

    The standard error is that of a ratio estimator over sequences (Cochran, Sampling Techniques,
    section 6.4): residuals of each sequence's sum from mean × its length.
    """
    tokens = sum(counts)
    loss = math.fsum(sums) / tokens
    if not math.isfinite(loss) or loss > 700:  # exp(loss) would not be a number
        return None
    error = None
    n = len(sums)
    if n > 1:
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
    loaded: LoadedModel,
    blocks: Sequence[Any],
    micro_batch: int,
    numerics: Numerics,
    checkpoint: Callable[[], None],
) -> EvaluationResult | None:
    """Score all blocks; None where the loss is not finite. `checkpoint` is called before every batch."""
    loaded.causal.eval()
    sums: list[float] = []
    counts: list[int] = []
    right = 0
    began = time.perf_counter()
    with torch.no_grad(), numerics.autocast():
        for start in range(0, len(blocks), micro_batch):
            checkpoint()
            batch = [blocks[i] for i in range(start, min(start + micro_batch, len(blocks)))]
            ids, has_next = pad(batch, numerics.device)
            nll, correct = token_scores(loaded, ids, has_next)
            lengths = [len(sequence) - 1 for sequence in batch]
            sums += [part.double().sum().item() for part in torch.split(nll, lengths)]
            counts += lengths
            right += int(correct.sum().item())
    return summarize(sums, counts, right, time.perf_counter() - began)


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

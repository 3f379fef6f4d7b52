"""Quality of the GGUF files of one model on one text, each against the reference file."""

import dataclasses
import logging
from pathlib import Path
from typing import Final

from lamina_trainer.errors import InvalidError
from lamina_trainer.llama.perplexity import Quality, save_reference, score

_EXACT: Final = 1e-3
"""Share of the reference's perplexity by which the tool's own figure for it may be off."""

_log = logging.getLogger(__name__)


class Scoring:
    """Scores files on the tokens of a reference, whose log probabilities lie in a file meanwhile."""

    def __init__(
        self, reference: Path, text: Path, logits: Path, *, context: int, max_tokens: int, threads: int, cache: Path
    ) -> None:
        self._logits, self._threads, self._cache = logits, threads, cache
        self._reference: Quality | None = None
        self._missing: str | None = None
        self._context = self._save(reference, text, context, max_tokens)
        if self._context == 0:
            self._missing = "the held-out text is too short for llama-perplexity"
            return
        try:
            self._reference = score(reference, logits, context=self._context, threads=threads, cache=cache)
        except InvalidError as error:
            if "at least 100" not in str(error):
                raise
            self._missing = "fewer than 100 tokens were scored"

    @property
    def missing(self) -> str | None:
        """Why nothing can be scored; null where it can."""
        return self._missing

    def reference(self) -> Quality | None:
        """Score the reference: it does not differ from itself."""
        return None if self._reference is None else against(self._reference, self._reference)

    def file(self, file: Path) -> Quality | None:
        """Score another file; null where `missing` says why not."""
        if self._reference is None:
            return None
        scored = score(file, self._logits, context=self._context, threads=self._threads, cache=self._cache)
        return against(scored, self._reference)

    def _save(self, reference: Path, text: Path, context: int, max_tokens: int) -> int:
        """Keep the reference's probabilities in the largest context that the text fills twice; 0 for none."""
        while context >= 32:
            try:
                chunks = max(1, max_tokens // context)
                save_reference(
                    reference,
                    text,
                    self._logits,
                    context=context,
                    chunks=chunks,
                    threads=self._threads,
                    cache=self._cache,
                )
            except InvalidError as error:
                if "too few tokens" not in str(error) and "tokenizes to only" not in str(error):
                    raise
                context //= 2
            else:
                return context
        _log.warning("The held-out text is too short for llama-perplexity.")
        return 0


def against(scored: Quality, reference: Quality) -> Quality:
    """Take the change of perplexity from the reference's own score.

    llama-perplexity takes it from the kept probabilities, which end 16 nats below the most likely token: it
    flatters the reference where a text holds tokens as unlikely as that. The standard error, which is of the
    tool's difference, counts only where both agree; the reference's difference from itself has none.
    """
    exact = abs(reference.delta[0]) <= _EXACT * reference.perplexity[0]
    error = scored.delta[1] if exact and scored is not reference else None
    return dataclasses.replace(scored, delta=(scored.perplexity[0] - reference.perplexity[0], error))

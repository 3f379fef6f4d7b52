"""Finds texts that duplicate an earlier one, exactly or nearly."""

import hashlib
import re
from collections.abc import Sequence
from typing import Any, Final, Literal

from datasketch import MinHash, MinHashLSH

from lamina_trainer.contract.generation import Duplicates

Kind = Literal["exact", "near"]

_BLANK: Final = re.compile(r"\s+")
_SEED: Final = 1


def duplicates_of(texts: Sequence[str], settings: Duplicates) -> dict[int, tuple[Kind, int]]:
    """For each duplicate how it is one, and the index of the earlier text that stays.

    Case and blank make no difference. MinHash finds candidates, of which those count whose Jaccard index
    over shingles of `settings.shingle` characters, computed exactly, reaches the threshold. Candidates are
    sought with more care for misses than for false finds, which the exact index sorts out.
    """
    found: dict[int, tuple[Kind, int]] = {}
    kept: dict[bytes, int] = {}
    plain_texts: dict[int, str] = {}
    near = settings.threshold < 1
    index: Any = (
        MinHashLSH(threshold=settings.threshold, num_perm=settings.permutations, weights=(0.1, 0.9)) if near else None
    )
    for position, text in enumerate(texts):
        plain = _BLANK.sub(" ", text).strip().casefold()
        key = hashlib.sha256(plain.encode()).digest()
        if key in kept:
            found[position] = ("exact", kept[key])
            continue
        if near:
            shingles = _shingles(plain, settings.shingle)
            sketch = MinHash(num_perm=settings.permutations, seed=_SEED)
            sketch.update_batch(sorted(shingles))
            alike = [
                other
                for other in sorted(index.query(sketch))
                if jaccard(shingles, _shingles(plain_texts[other], settings.shingle)) >= settings.threshold
            ]
            if alike:
                found[position] = ("near", alike[0])
                continue
            index.insert(position, sketch)
            plain_texts[position] = plain
        kept[key] = position
    return found


def jaccard(one: set[bytes], other: set[bytes]) -> float:
    """Shared elements over all elements; two empty sets are equal."""
    return len(one & other) / len(one | other) if one or other else 1.0


def _shingles(text: str, length: int) -> set[bytes]:
    return {text[start : start + length].encode() for start in range(max(1, len(text) - length + 1))}

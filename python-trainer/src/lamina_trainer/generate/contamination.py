"""Measures how much of a text occurs in what the trained model will be scored on."""

import re
from collections.abc import Iterable
from typing import Final

Gram = tuple[str, ...]

# Chinese and Japanese are written without blanks between words: there a character counts as one.
_WORD: Final = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\W\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")


def words(text: str) -> list[str]:
    """The words of a text, without case or punctuation."""
    return _WORD.findall(text.casefold())


def grams(text: str, length: int) -> set[Gram]:
    """Runs of `length` words; of a shorter text all its words as one."""
    found = words(text)
    if not found:
        return set()
    return {tuple(found[start : start + length]) for start in range(max(1, len(found) - length + 1))}


class Scored:
    """The n-grams of all texts that are scored."""

    def __init__(self, texts: Iterable[str], length: int) -> None:
        self._length = length
        self._grams: set[Gram] = set()
        for text in texts:
            self._grams |= grams(text, length)

    def share_of(self, text: str) -> float:
        """Share of the text's distinct n-grams that stand in a scored text; 0 for a text without words."""
        found = grams(text, self._length)
        return len(found & self._grams) / len(found) if found else 0.0

"""Cleans an answer into text to train on, without I/O."""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from lamina_trainer.contract.generation import Cleaning

_REASONING: Final = re.compile(r"\A\s*<think>.*?(?:</think>|\Z)", re.DOTALL)
_FENCED: Final = re.compile(r"\A\s*```[^\n`]*\n(.*?)\n?```\s*\Z", re.DOTALL)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2060\ufeff]")
_LINE_END: Final = re.compile(r"[ \t]+$", re.MULTILINE)
_GAPS: Final = re.compile(r"\n{3,}")


def cleaner(cleaning: Cleaning) -> Callable[[str], str]:
    """A function that cleans: the same text for the same answer.

    Text comes in NFC with line feeds, without control characters, blank at line ends, or more than one
    empty line in a row.
    """
    expressions = [re.compile(expression) for expression in cleaning.remove]

    def clean(text: str) -> str:
        text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
        text = _CONTROL.sub("", text)
        if cleaning.reasoning:
            text = _REASONING.sub("", text)
        if cleaning.fences and (fenced := _FENCED.match(text)) and "```" not in fenced.group(1):
            text = fenced.group(1)
        for expression in expressions:
            text = expression.sub("", text)
        return _GAPS.sub("\n\n", _LINE_END.sub("", text)).strip()

    return clean

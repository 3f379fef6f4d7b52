"""How a record becomes text and tokens: the one place that knows the shapes of records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from lamina_trainer.contract.settings import DatasetRef, PromptFields, TextField, TextFields
from lamina_trainer.data.blocks import Encoded
from lamina_trainer.data.records import BadRecordError, Record, describe, read_records
from lamina_trainer.data.tokenizer import special_pattern
from lamina_trainer.errors import InvalidError


@dataclass(frozen=True)
class Rendered:
    """A record as text."""

    text: str
    question: str
    """What decides the record's side of the split: records that ask the same are held out together."""
    written_out: Sequence[str] = ()
    """Special tokens of the tokenizer that the record writes out."""


class Rendering(Protocol):
    """Turns records of one shape into text, and that into tokens."""

    special_as_text: bool
    """Whether special tokens that a record writes out are text."""
    closing: str | None
    """The special token that closes the assistant's turns; known once a record is rendered."""
    bos: int | None
    """The token that a sequence starts with; known once a record is rendered."""

    def render(self, record: Record) -> Rendered:
        """Return the record's text; blank where it holds none. Raises BadRecordError for one of another shape."""

    def encode(self, batch: Sequence[Rendered]) -> Sequence[Encoded]:
        """Tokenize on all cores; one result for each."""


class PlainRendering:
    """Text as it is; a prompt followed directly by its completion."""

    def __init__(
        self, fields: TextFields, tokenizer: Any, *, answers: bool = False, special_as_text: bool = False
    ) -> None:
        """With `answers` only completions count, else all tokens do."""
        self._fields, self._tokenizer = fields, tokenizer
        self._answers, self.special_as_text = answers, special_as_text
        self.closing: str | None = None
        self._special = special_pattern(tokenizer)
        self.bos = starting_mark(tokenizer)

    def render(self, record: Record) -> Rendered:
        """Read the columns; the question is the prompt, or the whole text."""
        found = render_plain(record, self._fields)
        return replace(found, written_out=self._special.findall(found.text))

    def encode(self, batch: Sequence[Rendered]) -> Sequence[Encoded]:
        """Tokenize, and end each record with the tokenizer's `eos`, unless its text does."""
        eos = self._tokenizer.eos_token_id
        prompts = self._tokenized([rendered.question for rendered in batch]) if self._answers else None
        encoded = []
        for index, ids in enumerate(self._tokenized([rendered.text for rendered in batch])):
            complete = ids if eos is None or ids[-1:] == [eos] else [*ids, eos]
            counted = None
            if prompts is not None:
                # A token of both counts: without it the beginning of the completion would never be learned.
                asked = _common(prompts[index], ids)
                counted = [False] * asked + [True] * (len(complete) - asked)
            elif self.bos is not None and ids[:1] == [self.bos]:
                counted = [False] + [True] * (len(complete) - 1)
            encoded.append(Encoded(complete, counted))
        return encoded

    def _tokenized(self, texts: list[str]) -> list[list[int]]:
        # verbose=False: records longer than the model's context are cut into blocks afterwards.
        # Some classes take no argument that they do not need.
        split = {"split_special_tokens": True} if self.special_as_text else {}
        found: list[list[int]] = self._tokenizer(texts, add_special_tokens=False, verbose=False, **split).input_ids
        return found


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens both begin with."""
    pairs = zip(first, second, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second)))


def starting_mark(tokenizer: Any) -> int | None:
    """The token that the tokenizer starts every text with, where it does."""
    starts: list[int] = tokenizer("a").input_ids[:1]
    bos: int | None = tokenizer.bos_token_id
    return bos if bos is not None and starts == [bos] else None


def render_plain(record: Record, fields: TextFields) -> Rendered:
    """Render a record of one text, or of prompt and completion, without a tokenizer."""
    if isinstance(fields, TextField):
        text = text_of(record, fields.text)
        return Rendered(text, text)
    prompt = text_of(record, fields.prompt)
    return Rendered(prompt + text_of(record, fields.completion), prompt)


def load_texts(dataset: DatasetRef) -> list[str]:
    """All texts of a small data set that are not blank, in its order. Raises InvalidError where there is none."""
    fields = dataset.fields if isinstance(dataset.fields, TextField | PromptFields) else TextField(text="text")
    texts = [render_plain(record, fields).text for record in read_records(dataset)]
    kept = [text for text in texts if text.strip()]
    if not kept:
        raise InvalidError(f"The data set {describe(dataset)} holds no text.")
    return kept


def text_of(record: Record, column: str) -> str:
    """Return the text in a column. Raises BadRecordError where there is none, or one that is no Unicode text."""
    if column not in record.fields:
        present = ", ".join(sorted(map(str, record.fields))) or "none"
        raise BadRecordError(f"{record.where} has no column '{column}'; its columns are: {present}.")
    return checked_text(record.fields[column], f"{record.where}: column '{column}'")


def checked_text(value: Any, where: str) -> str:
    """Return `value` if it is text that can be tokenized; `where` begins the sentence of BadRecordError."""
    if not isinstance(value, str):
        kind = "null" if value is None else _KINDS.get(type(value), type(value).__name__)
        raise BadRecordError(f"{where} holds {kind}, not text.")
    if "\0" in value:
        raise BadRecordError(f"{where} holds the character NUL (U+0000).")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            letter = ord(value[error.start])
            if 0xDC80 <= letter <= 0xDCFF:  # what reading makes of a byte that is none of UTF-8
                raise BadRecordError(
                    f"{where} holds the byte {letter - 0xDC00:#04x}, which is not UTF-8, or half a surrogate pair."
                ) from error
            half = f"\\u{letter:04x}"
            raise BadRecordError(f"{where} holds half a surrogate pair ({half}).") from error
    return value


_KINDS: Mapping[type, str] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}

"""How a record becomes text and tokens: the one place that knows the shapes of records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lamina_trainer.contract.settings import DatasetRef, TextField, TextFields
from lamina_trainer.data.blocks import Encoded
from lamina_trainer.data.records import BadRecordError, Record, describe, read_records
from lamina_trainer.errors import InvalidError


@dataclass(frozen=True)
class Rendered:
    """A record as text."""

    text: str
    question: str
    """What decides the record's side of the split: records that ask the same are held out together."""


class Rendering(Protocol):
    """Turns records of one shape into text, and that into tokens."""

    def render(self, record: Record) -> Rendered:
        """Return the record's text; blank where it holds none. Raises BadRecordError for one of another shape."""

    def encode(self, batch: Sequence[Rendered]) -> Sequence[Encoded]:
        """Tokenize on all cores; one result for each."""


class PlainRendering:
    """Text as it is; a prompt followed directly by its completion, and both of them count."""

    def __init__(self, fields: TextFields, tokenizer: Any) -> None:
        self._fields, self._tokenizer = fields, tokenizer

    def render(self, record: Record) -> Rendered:
        """Read the columns; the question is the prompt, or the whole text."""
        return render_plain(record, self._fields)

    def encode(self, batch: Sequence[Rendered]) -> Sequence[Encoded]:
        """Tokenize, and end each record with the tokenizer's `eos`."""
        tokenizer = self._tokenizer
        end = [] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id]
        # verbose=False: records longer than the model's context are cut into blocks afterwards.
        texts = [rendered.text for rendered in batch]
        found: list[list[int]] = tokenizer(texts, add_special_tokens=False, verbose=False).input_ids
        return [Encoded(ids + end) for ids in found]


def rendering_of(fields: TextFields, tokenizer: Any) -> Rendering:
    """Choose the rendering for records with these fields; `tokenizer` is loaded."""
    return PlainRendering(fields, tokenizer)


def render_plain(record: Record, fields: TextFields) -> Rendered:
    """Render a record of one text, or of prompt and completion, without a tokenizer."""
    if isinstance(fields, TextField):
        text = text_of(record, fields.text)
        return Rendered(text, text)
    prompt = text_of(record, fields.prompt)
    return Rendered(prompt + text_of(record, fields.completion), prompt)


def load_texts(dataset: DatasetRef) -> list[str]:
    """All texts of a small data set that are not blank, in its order. Raises InvalidError where there is none."""
    texts = [render_plain(record, dataset.fields).text for record in read_records(dataset)]
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
            half = f"\\u{ord(value[error.start]):04x}"
            raise BadRecordError(f"{where} holds half a surrogate pair ({half}).") from error
    return value


_KINDS: Mapping[type, str] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}

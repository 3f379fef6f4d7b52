"""The shapes of records: which one a data set has, and what renders it."""

from typing import Any

from lamina_trainer.contract.settings import DatasetRef, MessageFields, PromptFields, RecordFields, TextField
from lamina_trainer.data.chat import ChatRendering
from lamina_trainer.data.records import Record, describe, read_records
from lamina_trainer.data.rendering import PlainRendering, Rendering
from lamina_trainer.errors import InvalidError


def rendering_of(dataset: DatasetRef, tokenizer: Any) -> Rendering:
    """Choose what renders the data set's records; `tokenizer` is loaded.

    Raises InvalidError where the records' columns do not say what they are, where the data set asks for
    what its shape has not, and where messages find no chat template.
    """
    fields = fields_of(dataset)
    if isinstance(fields, MessageFields):
        return ChatRendering(
            fields,
            tokenizer,
            dataset.chat_template,
            answers=dataset.loss != "all",
            special_as_text=dataset.special_tokens != "tokens",
        )
    if isinstance(fields, TextField) and dataset.loss == "answers":
        raise InvalidError(
            "dataset.loss is answers, but the records are texts, which have none; name the columns of prompts "
            "and completions, or of messages, in dataset.fields."
        )
    if dataset.chat_template is not None:
        raise InvalidError("dataset.chatTemplate is given, but only messages are rendered by a template.")
    return PlainRendering(
        fields, tokenizer, answers=dataset.loss == "answers", special_as_text=dataset.special_tokens == "text"
    )


def fields_of(dataset: DatasetRef) -> RecordFields:
    """The data set's columns: those that are named, or those that its first record has."""
    if dataset.fields is not None:
        return dataset.fields
    first = next(iter(read_records(dataset)), None)
    if first is None:
        raise InvalidError(f"The data set {describe(dataset)} has no records.")
    return _fields_in(first)


def _fields_in(record: Record) -> RecordFields:
    """The same rule as at submission, `services/platform/src/application/submission/record-shape.ts`."""
    columns = record.fields
    if "text" in columns:
        return TextField(text="text")
    shapes: list[RecordFields] = []
    if "prompt" in columns and "completion" in columns:
        shapes.append(PromptFields(prompt="prompt", completion="completion"))
    shapes += [MessageFields(messages=name) for name in ("messages", "conversations") if name in columns]
    if len(shapes) == 1:
        return shapes[0]
    what = "do not say what a record is" if not shapes else "fit several shapes"
    raise InvalidError(
        f"{record.where}: the columns {what}; they are: {', '.join(map(str, columns)) or 'none'}. Write "
        "dataset.fields: {text: COLUMN}, {prompt: COLUMN, completion: COLUMN} or {messages: COLUMN}."
    )

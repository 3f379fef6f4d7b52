"""Conversations as tokens, and which of them the assistant says."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamina_trainer.contract.settings import MessageFields
from lamina_trainer.data.blocks import Encoded
from lamina_trainer.data.chat_template import ChatTemplate, RenderedChat, Span
from lamina_trainer.data.conversation import conversation_of
from lamina_trainer.data.records import Record
from lamina_trainer.data.rendering import Rendered
from lamina_trainer.errors import InvalidError


@dataclass(frozen=True, kw_only=True)
class RenderedMessages(Rendered):
    """A conversation as text, with what its tokens are made from."""

    chat: RenderedChat


class ChatRendering:
    """Conversations by a chat template, which writes all marks itself; by choice only the assistant's turns count."""

    def __init__(
        self, fields: MessageFields, tokenizer: Any, template: str | None, *, answers: bool, special_as_text: bool
    ) -> None:
        """Take the columns, and the template that goes before the tokenizer's. Raises InvalidError without one."""
        self._fields, self._tokenizer = fields, tokenizer
        self._answers, self.special_as_text = answers, special_as_text
        self._template = ChatTemplate(tokenizer, template)
        self.bos: int | None = None
        self.closing: str | None = None

    def render(self, record: Record) -> RenderedMessages:
        """Render the conversation; it is held out with those that ask the same."""
        conversation = conversation_of(record, self._fields)
        chat = self._template.render(conversation, record.where, answers=self._answers, literal=self.special_as_text)
        start = self._tokenizer.bos_token
        if start and chat.text.startswith(start):
            self.bos = self._tokenizer.bos_token_id
        self.closing = self.closing or self._template.closing(chat)
        written = self._template.special.findall(json.dumps(list(conversation.messages), ensure_ascii=False))
        return RenderedMessages(text=chat.text, question=conversation.question(), written_out=written, chat=chat)

    def encode(self, batch: Sequence[Rendered]) -> Sequence[Encoded]:
        """Tokenize; nothing is added to what the template writes."""
        chats = [rendered.chat for rendered in batch if isinstance(rendered, RenderedMessages)]
        return encode_chats(self._tokenizer, chats, answers=self._answers)


def encode_chats(tokenizer: Any, chats: Sequence[RenderedChat], *, answers: bool) -> Sequence[Encoded]:
    """Tokenize rendered conversations, one result for each; with `answers` only what the assistant says counts.

    Raises InvalidError for a tokenizer that does not say which text its tokens stand for.
    """
    if not getattr(tokenizer, "is_fast", False):
        raise InvalidError(
            f"The tokenizer {type(tokenizer).__name__} does not say where its tokens stand in a text, so that "
            "messages cannot be trained on; use a model with a tokenizer.json."
        )
    plain = [chat.text for chat in chats if not chat.literals]
    # verbose=False: records longer than the model's context are cut into blocks afterwards.
    found = tokenizer(plain, add_special_tokens=False, return_offsets_mapping=True, verbose=False) if plain else {}
    in_order = iter(zip(found["input_ids"], found["offset_mapping"], strict=True) if plain else ())
    encoded = []
    for chat in chats:
        ids, offsets = _with_literals(tokenizer, chat) if chat.literals else next(in_order)
        counted = _within(np.asarray(offsets, dtype=np.int64).reshape(-1, 2), chat.answers) if answers else None
        encoded.append(Encoded(ids, counted))
    return encoded


def _within(offsets: NDArray[np.int64], spans: Sequence[Span]) -> list[bool]:
    """Of each token, whether it stands for a part of one of the spans; an empty one stands for what ends there."""
    starts, ends = offsets[:, 0], offsets[:, 1]
    inside = np.zeros(len(offsets), dtype=np.bool_)
    for start, end in spans:
        inside |= (ends > start) & np.where(starts == ends, ends <= end, starts < end)
    return inside.tolist()


@dataclass
class _Pieces:
    """Token ids and their offsets, piece by piece of one text."""

    ids: list[int]
    offsets: list[Span]

    def add(self, tokenizer: Any, piece: str, at: int, *, as_text: bool) -> list[int]:
        """Tokenize the piece that begins at `at`, and return its tokens.

        A newline goes before all but the first, and its tokens out again: tokenizers in the manner of
        SentencePiece put a blank before what they think begins a text. `transformers` does the same.
        """
        for head in ("\n", "") if at > 0 else ("",):
            before = tokenizer(head, add_special_tokens=False).input_ids if head else []
            found = tokenizer(
                head + piece,
                add_special_tokens=False,
                return_offsets_mapping=True,
                split_special_tokens=as_text,
                verbose=False,
            )
            if found.input_ids[: len(before)] == before:
                break
        ids: list[int] = found.input_ids[len(before) :]
        shift = at - len(head)
        self.ids += ids
        self.offsets += [(start + shift, end + shift) for start, end in found.offset_mapping[len(before) :]]
        return ids


def _with_literals(tokenizer: Any, chat: RenderedChat) -> tuple[list[int], list[Span]]:
    """Tokenize a text in which some special tokens are text, and the others tokens."""
    pieces, at = _Pieces([], []), 0
    for start, end in chat.literals:
        if start > at:
            pieces.add(tokenizer, chat.text[at:start], at, as_text=False)
        literal = chat.text[start:end]
        if tokenizer.convert_tokens_to_ids(literal) in pieces.add(tokenizer, literal, start, as_text=True):
            raise InvalidError(
                f"The tokenizer makes the special token {literal} of its text; set dataset.specialTokens to tokens."
            )
        at = end
    if at < len(chat.text):
        pieces.add(tokenizer, chat.text[at:], at, as_text=False)
    return pieces.ids, pieces.offsets

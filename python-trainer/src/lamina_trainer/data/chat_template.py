"""A chat template: a conversation as text, and the spans of it that the assistant says."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from lamina_trainer.data.conversation import ASSISTANT, Conversation, Message
from lamina_trainer.data.records import BadRecordError
from lamina_trainer.data.tokenizer import special_pattern
from lamina_trainer.errors import InvalidError

Span = tuple[int, int]

TODAY: Final = date(2024, 7, 26)
"""What templates that write today's date are told, so that the same data give the same tokens on every day."""

_GENERATION: Final = re.compile(r"\{%-?\s*generation\s*-?%\}")
_DATE: Final = re.compile(r"""strftime_now\(\s*(['"])(.*?)\1\s*\)""")
_ADVICE: Final = (
    "give dataset.chatTemplate a template that marks what the assistant says with {% generation %} and "
    "{% endgeneration %}, or set dataset.loss to all"
)


@dataclass(frozen=True)
class RenderedChat:
    """A conversation as text, without the marks that told written-out special tokens apart."""

    text: str
    answers: Sequence[Span]
    """What the assistant says, with the special token that closes its turn: ascending, from and to."""
    literals: Sequence[Span]
    """Special tokens that the messages write out, to be read as text."""


class ChatTemplate:
    """The template of a tokenizer, or one that is given instead."""

    def __init__(self, tokenizer: Any, given: str | None) -> None:
        """Take the tokenizer and the document's template. Raises InvalidError where there is none."""
        self._tokenizer, self._given = tokenizer, given
        if given is None and not tokenizer.chat_template:
            raise InvalidError(
                "The model's tokenizer has no chat template, which messages are rendered by: take the model's "
                "instruction-tuned version, or write a Jinja template into dataset.chatTemplate."
            )
        self.special = special_pattern(tokenizer)
        """Matches a special token that stands in a text."""

    def render(self, conversation: Conversation, where: str, *, answers: bool, literal: bool) -> RenderedChat:
        """Render one conversation; `where` begins the sentence of an error.

        With `answers` the assistant's spans are found, else there are none; with `literal` special tokens
        that the messages write out stay text. Raises BadRecordError for a conversation that the template
        refuses, InvalidError for a template whose assistant cannot be told from the rest.
        """
        marks = _Marks(conversation, self.special) if literal else None
        messages = list(conversation.messages) if marks is None else marks.put(list(conversation.messages))
        tools = conversation.tools if marks is None or conversation.tools is None else marks.put(conversation.tools)
        template = self._template(tools)
        text, marked = self._rendered(template, messages, tools, where)
        if not answers:
            spans: Sequence[Span] = []
        elif _GENERATION.search(template) is not None:
            spans = _learned(marked, conversation, where)
        else:
            spans = _learned(self._between_prefixes(template, messages, tools, text, where), conversation, where)
        literals: Sequence[Span] = []
        if marks is not None:
            text, spans, literals = marks.taken_out(text, spans)
        ends_with_answer = messages[-1]["role"] == ASSISTANT
        closing = self.special.match(text, spans[-1][1]) if spans and ends_with_answer else None
        return RenderedChat(text, [self._closed(text, span, closing and closing[0]) for span in spans], literals)

    def closing(self, chat: RenderedChat) -> str | None:
        """The special token that ends the last answer; None where it ends in text."""
        said = chat.text[slice(*chat.answers[-1])].rstrip() if chat.answers else ""
        return next((found[0] for found in self.special.finditer(said) if found.end() == len(said)), None)

    def _template(self, tools: Any) -> str:
        try:
            template = str(self._tokenizer.get_chat_template(self._given, tools))
        except ValueError as error:
            raise InvalidError(f"The tokenizer's chat templates have no default one: {error}") from error
        return _DATE.sub(lambda found: repr(TODAY.strftime(found[2])), template)

    def _rendered(
        self, template: str, messages: Sequence[Message], tools: Any, where: str, *, prompt: bool = False
    ) -> tuple[str, Sequence[Span]]:
        from jinja2 import TemplateError, TemplateSyntaxError
        from transformers.utils.chat_template_utils import render_jinja_template

        try:
            texts, spans = render_jinja_template(
                [list(messages)],
                tools=tools,
                chat_template=template,
                return_assistant_tokens_mask=_GENERATION.search(template) is not None,
                add_generation_prompt=prompt,
                date_string=TODAY.strftime("%d %b %Y"),
                **self._tokenizer.special_tokens_map,
            )
        except TemplateSyntaxError as error:
            raise InvalidError(f"The chat template is wrong in line {error.lineno}: {error.message}.") from error
        except (TemplateError, LookupError, TypeError, ValueError) as error:
            raise BadRecordError(f"{where} cannot be rendered by the chat template: {error}.") from error
        return texts[0], spans[0] if spans else []

    def _between_prefixes(
        self, template: str, messages: Sequence[Message], tools: Any, text: str, where: str
    ) -> Sequence[Span]:
        """Find each answer between what is rendered before it, with its header, and what is rendered up to its end."""
        spans = []
        for index, message in enumerate(messages):
            if message["role"] != ASSISTANT:
                continue
            before, _ = self._rendered(template, messages[:index], tools, where, prompt=True)
            is_last = index == len(messages) - 1
            upto = text if is_last else self._rendered(template, messages[: index + 1], tools, where)[0]
            if not (text.startswith(upto) and upto.startswith(before)):
                raise InvalidError(
                    f"{where}: the chat template renders a conversation otherwise when it goes on, so that message "
                    f"{index + 1} cannot be found in it; {_ADVICE}."
                )
            answer = upto[len(before) :]
            closed = re.search(f"({self.special.pattern})\\s*$", answer)
            spans.append((len(before), len(before) + (closed.end(1) if closed else len(answer))))
        return spans

    def _closed(self, text: str, span: Span, closing: str | None) -> Span:
        """The span with the special token that closes the turn, which is what follows the last answer too."""
        start, end = span
        return (start, end + len(closing)) if closing and text.startswith(closing, end) else span


def _learned(spans: Sequence[Span], conversation: Conversation, where: str) -> Sequence[Span]:
    """The spans of answers that do not weigh 0."""
    if conversation.learned and not spans:
        raise InvalidError(f"{where}: the chat template marks nothing of what the assistant says; {_ADVICE}.")
    if all(conversation.learned):
        return spans
    if len(spans) != len(conversation.learned):
        raise BadRecordError(f"{where}: the chat template does not mark each answer by itself, so none can weigh 0.")
    return [span for span, counts in zip(spans, conversation.learned, strict=True) if counts]


class _Marks:
    """Private characters around special tokens that messages write out, so that they can be found once rendered."""

    def __init__(self, conversation: Conversation, special: re.Pattern[str]) -> None:
        content = repr(conversation)
        free = (chr(code) for code in range(0xE000, 0xF8FF) if chr(code) not in content)
        self._start, self._end = next(free), next(free)
        self._special = special

    def put(self, value: Any) -> Any:
        """The same value with marks in all of its texts; roles and names of fields have none."""
        if isinstance(value, str):
            return self._special.sub(f"{self._start}\\g<0>{self._end}", value)
        if isinstance(value, dict):
            return {key: item if key == "role" else self.put(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.put(item) for item in value]
        return value

    def taken_out(self, text: str, spans: Sequence[Span]) -> tuple[str, Sequence[Span], Sequence[Span]]:
        """The text without marks, its spans moved along, and the spans that were marked."""
        marked = re.compile(f"{self._start}({self._special.pattern}){self._end}")
        at = [found.start() for found in re.finditer(f"[{self._start}{self._end}]", text)]
        if not at:
            return text, spans, []

        def moved(position: int) -> int:
            return position - sum(index < position for index in at)

        literals = [(moved(found.start(1)), moved(found.end(1))) for found in marked.finditer(text)]
        clean = text.replace(self._start, "").replace(self._end, "")
        return clean, [(moved(start), moved(end)) for start, end in spans], literals

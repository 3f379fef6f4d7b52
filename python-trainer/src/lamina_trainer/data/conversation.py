"""Conversations as records hold them, OpenAI's {role, content} or ShareGPT's {from, value}, made alike."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lamina_trainer.contract.settings import MessageFields
from lamina_trainer.data.records import BadRecordError, Record
from lamina_trainer.data.rendering import checked_text

Message = dict[str, Any]

ASSISTANT: Final = "assistant"
ROLES: Final[Mapping[str, str]] = {
    **{role: role for role in ("system", "developer", "user", ASSISTANT, "tool", "function", "ipython")},
    **dict.fromkeys(("human", "prompter"), "user"),
    **dict.fromkeys(("gpt", "chatgpt", "bing", "bard", "model", "bot"), ASSISTANT),
    **dict.fromkeys(("observation", "function_response", "tool_response"), "tool"),
    "function_call": ASSISTANT,
}
"""Roles as templates know them, by the names that data sets have for them."""


@dataclass(frozen=True)
class Conversation:
    """Messages as a chat template reads them, with the tools that it may describe."""

    messages: Sequence[Message]
    tools: Sequence[Any] | None
    learned: Sequence[bool]
    """Of each message of the assistant, whether it may count: OpenAI's `weight` is not 0."""

    def question(self) -> str:
        """Return what decides the side of the split: all that is said before the assistant speaks first."""
        roles = [message["role"] for message in self.messages]
        end = roles.index(ASSISTANT) if ASSISTANT in roles else len(roles)
        return json.dumps(list(self.messages[: end or len(roles)]), sort_keys=True, ensure_ascii=False)


def conversation_of(record: Record, fields: MessageFields) -> Conversation:
    """Read a record's conversation. Raises BadRecordError for one that cannot be rendered.

    `content` may be a list of texts, which are joined; the arguments of tool calls may be JSON in text, as
    OpenAI has them, and become objects, as templates want them; what is null is left out.
    """
    listed = _listed(record, fields.messages)
    where = f"{record.where}: column '{fields.messages}'"
    if not listed:
        raise BadRecordError(f"{where} has no messages.")
    messages, learned = [], []
    for number, value in enumerate(listed, start=1):
        message, counts = _message(value, f"{where}, message {number}")
        messages.append(message)
        if message["role"] == ASSISTANT:
            learned.append(counts)
    return Conversation(messages, _tools(record, fields.tools), learned)


def _listed(record: Record, column: str) -> Sequence[Any]:
    if column not in record.fields:
        present = ", ".join(sorted(map(str, record.fields))) or "none"
        raise BadRecordError(f"{record.where} has no column '{column}'; its columns are: {present}.")
    value = record.fields[column]
    if not isinstance(value, list | tuple):
        kind = "null" if value is None else type(value).__name__
        raise BadRecordError(f"{record.where}: column '{column}' holds {kind}, not a list of messages.")
    return value


def _message(value: Any, where: str) -> tuple[Message, bool]:
    if not isinstance(value, Mapping):
        raise BadRecordError(f"{where} is not an object with role and content.")
    given = {str(key): item for key, item in value.items() if item is not None}
    counts = given.pop("weight", 1) != 0
    role, content = ("role", "content") if "role" in given else ("from", "value")
    if role not in given:
        raise BadRecordError(f"{where} has neither 'role' nor 'from'; it has: {', '.join(given) or 'nothing'}.")
    named = given.pop(role)
    if named not in ROLES:
        raise BadRecordError(f"{where}: the role '{named}' is not known; known are: {', '.join(ROLES)}.")
    message: Message = {"role": ROLES[named], **{key: item for key, item in given.items() if key != content}}
    text = _text(given.get(content), where)
    if named == "function_call" and text is not None:
        message["tool_calls"], text = [_called(text, where)], None
    if "tool_calls" in message:
        message["tool_calls"] = [_tool_call(call, where) for call in _sequence(message["tool_calls"], where)]
    elif text is None:
        raise BadRecordError(f"{where} has no '{content}'.")
    # Templates read the content of every message; one that only calls tools says nothing.
    message["content"] = text or ""
    return message, counts


def _text(content: Any, where: str) -> str | None:
    if content is None:
        return None
    if isinstance(content, str):
        return checked_text(content, where)
    parts = []
    for part in _sequence(content, where):
        text = part.get("text") if isinstance(part, Mapping) and part.get("type", "text") == "text" else part
        if not isinstance(text, str):
            raise BadRecordError(f"{where} holds something else than text; models here read text alone.")
        parts.append(checked_text(text, where))
    return "".join(parts)


def _sequence(value: Any, where: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise BadRecordError(f"{where} holds {type(value).__name__} where a list is wanted.")
    return value


def _tool_call(call: Any, where: str) -> Any:
    """The call with its arguments as an object; a template writes them as JSON."""
    if not isinstance(call, Mapping):
        raise BadRecordError(f"{where}: a tool call is not an object.")
    found = {key: item for key, item in call.items() if item is not None}
    if isinstance(found.get("function"), Mapping):
        return {**found, "function": _with_arguments(found["function"], where)}
    return _with_arguments(found, where)


def _with_arguments(function: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    arguments = function.get("arguments")
    return {**function, "arguments": _object(arguments, where)} if isinstance(arguments, str) else function


def _called(text: str, where: str) -> Mapping[str, Any]:
    """A tool call from ShareGPT's `function_call`: {"name", "arguments"} as JSON."""
    function = _object(text, where)
    if not isinstance(function, Mapping) or "name" not in function:
        raise BadRecordError(f"{where}: a function_call is JSON with name and arguments.")
    return {"type": "function", "function": function}


def _object(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise BadRecordError(f"{where}: the arguments of a tool call are not JSON: {error.msg}.") from error


def _tools(record: Record, column: str | None) -> Sequence[Any] | None:
    value = None if column is None else record.fields.get(column)
    if value is None:
        return None
    where = f"{record.where}: column '{column}'"
    tools = _sequence(_object(value, where) if isinstance(value, str) else value, where)
    return tools or None

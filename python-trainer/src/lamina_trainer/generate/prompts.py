"""Derives requests from a spec; reads no file but that of the prompts."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any, Final

from lamina_trainer.contract.generation import FilePrompts, GenerationSpec, TopicPrompts
from lamina_trainer.errors import InvalidError

_FORMAT: Final = 1
"""Part of every request's hash: raise it when equal requests come to mean something else."""


@dataclass(frozen=True)
class Request:
    """One call of the endpoint: `body` is what is posted, `key` its hash together with where it goes."""

    key: str
    prompt: str
    body: Mapping[str, Any]


def requests_of(spec: GenerationSpec) -> list[Request]:
    """Every request once, in the order of prompts and samples; raises InvalidError for a wrong template or file."""
    prompts = _from_file(spec.prompts) if isinstance(spec.prompts, FilePrompts) else _from_topics(spec.prompts)
    found: dict[str, Request] = {}
    for prompt in prompts:
        for sample in range(spec.samples):
            request = _request(spec, prompt, sample)
            found.setdefault(request.key, request)
    if not found:
        raise InvalidError("There are no prompts; the file given in prompts.path holds no records.")
    return list(found.values())


def _request(spec: GenerationSpec, prompt: str, sample: int) -> Request:
    body: dict[str, Any] = {
        "model": spec.endpoint.model,
        "max_tokens": spec.sampling.max_tokens,
        "temperature": spec.sampling.temperature,
        "top_p": spec.sampling.top_p,
    }
    if spec.sampling.seed is not None:
        body["seed"] = spec.sampling.seed + sample
    if spec.endpoint.api == "chat":
        system = [] if spec.system is None else [{"role": "system", "content": spec.system}]
        body["messages"] = [*system, {"role": "user", "content": prompt}]
    else:
        body["prompt"] = prompt if spec.system is None else f"{spec.system}\n\n{prompt}"
    identity = [_FORMAT, spec.endpoint.base_url, spec.endpoint.api, sample, body]
    return Request(hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest(), prompt, body)


def _from_topics(prompts: TopicPrompts) -> Iterator[str]:
    for template in prompts.templates:
        names = _names(template, "prompts.templates")
        if names != {"topic"}:
            raise InvalidError(f"The template '{template}' must have {{topic}} in it, and no other field.")
        for topic in prompts.topics:
            yield _fill(template, {"topic": topic})


def _from_file(prompts: FilePrompts) -> Iterator[str]:
    names = _names(prompts.template, "prompts.template")
    if not names:
        raise InvalidError(f"The template '{prompts.template}' has no field in it, such as {{prompt}}.")
    for number, record in _records(Path(prompts.path)):
        missing = sorted(names - record.keys())
        if missing:
            raise InvalidError(
                f"Line {number} of {prompts.path} has no field '{missing[0]}'; "
                f"its fields are: {', '.join(sorted(record)) or 'none'}."
            )
        values = {name: record[name] for name in names}
        for name, value in values.items():
            if not isinstance(value, str | int | float):
                raise InvalidError(f"Line {number} of {prompts.path}: field '{name}' holds neither text nor a number.")
        yield _fill(prompts.template, values)


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        lines: Sequence[str] = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise InvalidError(f"The prompts {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InvalidError(f"The prompts {path} are not UTF-8 text: {error.reason}.") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise InvalidError(f"Line {number} of {path} is not JSON: {error.msg}.") from error
        if not isinstance(record, dict):
            raise InvalidError(f"Line {number} of {path} is not a JSON object.")
        yield number, record


def _names(template: str, where: str) -> set[str]:
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise InvalidError(
            f"The template '{template}' ({where}) is wrong: {error}; write {{{{ and }}}} for braces."
        ) from error
    names = {name for _, name, _, _ in parts if name is not None}
    for _, name, form, conversion in parts:
        if name is not None and (not name.replace("-", "_").isidentifier() or form or conversion):
            raise InvalidError(
                f"The template '{template}' ({where}) has the field '{{{name}}}', which is no plain name; "
                "write {{ and }} for braces."
            )
    return names


def _fill(template: str, values: Mapping[str, Any]) -> str:
    return "".join(
        literal + ("" if name is None else str(values[name])) for literal, name, _, _ in Formatter().parse(template)
    )

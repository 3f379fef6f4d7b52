"""What is to be generated: the document that `lamina_trainer generate` reads.

Everything but `limits` and the name of the key's variable can change the data or its report, and is part of
the spec's hash.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from lamina_trainer.contract.document import Count, Document, Positive, Text, parse_document
from lamina_trainer.contract.settings import TextField, TextFields
from lamina_trainer.errors import InvalidError
from lamina_trainer.host.files import sha256_of_file

Share = Annotated[float, Field(ge=0, le=1)]
Price = Annotated[float, Field(ge=0)]


class FilePrompts(Document):
    """One prompt a record of a JSONL file: the template with the record's fields in it."""

    source: Literal["file"]
    path: Text
    template: Text = "{prompt}"
    fingerprint: str | None = None
    """SHA-256 of the content that was submitted; null: whatever it holds now."""


class TopicPrompts(Document):
    """Every template with every topic in the place of `{topic}`."""

    source: Literal["topics"]
    topics: Annotated[Sequence[Text], Field(min_length=1)]
    templates: Annotated[Sequence[Text], Field(min_length=1)]


class SecretReference(Document):
    """An entry of a Kubernetes Secret."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")]
    key: Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]{1,253}$")]


class Endpoint(Document):
    """An OpenAI-compatible server: one that runs at `baseUrl`, or llama.cpp's, started for the file `gguf`.

    The key itself stands in an environment variable, never in a document.
    """

    base_url: Text | None = None
    """With the version in its path, as `https://host/v1`."""
    model: Text | None = None
    """The model's name at the server `baseUrl`."""
    gguf: Text | None = None
    """A model file that the generation serves to itself."""
    gguf_fingerprint: str | None = None
    context_tokens: Positive = 2048
    """Tokens of a prompt and its answer together, where `gguf` is served."""
    api: Literal["chat", "completions"] = "chat"
    """`completions` for base models, which know no roles."""
    api_key_variable: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    api_key_secret: SecretReference | None = None
    """Where the scheduler finds the key in a cluster; it sets `apiKeyVariable` and that variable."""

    @field_validator("base_url")
    @classmethod
    def _plain_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("is no http address; write one such as https://host/v1")
        if parts.username is not None or parts.password is not None or parts.query:
            raise ValueError("holds credentials or a query; put the key into a variable and name it in apiKeyVariable")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _one_server(self) -> Self:
        if (self.base_url is None) == (self.gguf is None):
            raise ValueError("needs either baseUrl, of a server that runs, or gguf, a model file to serve")
        if (self.base_url is None) != (self.model is None):
            raise ValueError("needs model together with baseUrl, and not with gguf")
        if self.gguf is None and self.gguf_fingerprint is not None:
            raise ValueError("has no use for ggufFingerprint without gguf")
        if self.gguf is not None and (self.api_key_variable is not None or self.api_key_secret is not None):
            raise ValueError("has no use for apiKeyVariable with gguf: that server is its own")
        return self


class Sampling(Document):
    """How the model chooses its words. `seed` is sent plus the number of the sample; null: none is sent."""

    temperature: Annotated[float, Field(ge=0, le=2)] = 0.8
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: Positive = 512
    seed: Count | None = 0


class Limits(Document):
    """How fast and how patiently the endpoint is asked; no effect on the data."""

    requests_per_minute: Annotated[float, Field(gt=0)] | None = 60.0
    """Retries count; null: as fast as the answers come."""
    concurrency: Annotated[int, Field(ge=1, le=256)] = 4
    timeout_seconds: Annotated[float, Field(gt=0)] = 120.0
    attempts: Annotated[int, Field(ge=1, le=100)] = 6
    """Tries of one request."""
    first_retry_seconds: Annotated[float, Field(gt=0)] = 1.0
    longest_wait_seconds: Annotated[float, Field(gt=0)] = 300.0
    """A server that asks for a longer pause ends the run, which can be continued later."""


class Prices(Document):
    """Prices of a million tokens, in any currency; null: no cost is computed."""

    input_per_million: Price | None = None
    output_per_million: Price | None = None


class Cleaning(Document):
    """What is taken out of answers. Control characters and surplus blank always are."""

    reasoning: bool = True
    """Drop a leading `<think>…</think>`."""
    fences: bool = True
    """Unwrap an answer that is one fenced block."""
    remove: Sequence[str] = ()
    """Regular expressions; what they match is removed."""

    @field_validator("remove")
    @classmethod
    def _expressions(cls, value: Sequence[str]) -> Sequence[str]:
        for expression in value:
            try:
                re.compile(expression)
            except re.error as error:
                raise ValueError(f"'{expression}' is no regular expression: {error}") from error
        return value


class Filters(Document):
    """Which cleaned answers stay."""

    min_characters: Count = 1
    max_characters: Positive | None = None
    min_words: Count = 0
    max_words: Positive | None = None
    truncated: Literal["drop", "keep"] = "drop"
    """Answers that ended at `sampling.maxTokens`."""


class Duplicates(Document):
    """Keeps the first of several similar answers. Similarity is the Jaccard index over character shingles."""

    threshold: Annotated[float, Field(gt=0, le=1)] = 0.8
    """1: only equal answers are duplicates."""
    shingle: Positive = 5
    permutations: Annotated[int, Field(ge=16, le=1024)] = 128


class EvaluationFile(Document):
    """Texts that the trained model will be scored on."""

    path: Text
    format: Literal["jsonl", "text"] = "jsonl"
    fields: TextFields = TextField(text="text")
    fingerprint: str | None = None


class Contamination(Document):
    """Overlap with what is scored: the trainer's own held-out share of this data set, and other files."""

    fraction: Annotated[float, Field(gt=0, lt=1)] | None = 0.1
    """`evaluation.fraction` of the experiment; null: only `files` count."""
    files: Sequence[EvaluationFile] = ()
    ngram: Positive = 13
    """Words."""
    max_share: Share = 0.0
    """Largest share of an answer's n-grams that may occur there."""


class GenerationSpec(Document):
    """A data set to be written by a model."""

    prompts: Annotated[FilePrompts | TopicPrompts, Field(discriminator="source")]
    system: str | None = None
    samples: Annotated[int, Field(ge=1, le=1000)] = 1
    """Answers asked for each prompt."""
    endpoint: Endpoint
    sampling: Sampling = Sampling()
    limits: Limits = Limits()
    prices: Prices = Prices()
    cleaning: Cleaning = Cleaning()
    filters: Filters = Filters()
    duplicates: Duplicates = Duplicates()
    contamination: Contamination = Contamination()
    fields: TextFields = TextField(text="completion")
    """How trials will read the records, which have `prompt` and `completion`: it decides what is held out."""

    @field_validator("fields")
    @classmethod
    def _known_columns(cls, value: TextFields) -> TextFields:
        unknown = sorted(set(value.model_dump().values()) - {"prompt", "completion"})
        if unknown:
            raise ValueError(f"names '{unknown[0]}'; records have prompt and completion")
        return value


def read_spec(path: Path) -> GenerationSpec:
    """Read a spec, its paths made absolute; raises InvalidError that names what is wrong."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidError(f"{path} cannot be read: {error.strerror}.") from error
    spec = parse_document(GenerationSpec, content)
    base = path.resolve().parent
    files = tuple(
        file.model_copy(update={"path": str(base / Path(file.path).expanduser())}) for file in spec.contamination.files
    )
    changed: dict[str, Any] = {"contamination": spec.contamination.model_copy(update={"files": files})}
    if spec.endpoint.gguf is not None:
        model = str(base / Path(spec.endpoint.gguf).expanduser())
        changed["endpoint"] = spec.endpoint.model_copy(update={"gguf": model})
    if isinstance(spec.prompts, FilePrompts):
        absolute = str(base / Path(spec.prompts.path).expanduser())
        changed["prompts"] = spec.prompts.model_copy(update={"path": absolute})
    return spec.model_copy(update=changed)


_NO_EFFECT: Final[dict[str, Any]] = {
    "limits": True,
    "endpoint": {"api_key_variable", "api_key_secret", "gguf_fingerprint"},
    "prompts": {"fingerprint"},
    "contamination": {"files": {"__all__": {"fingerprint"}}},
}
"""Files count by content themselves."""


def spec_hash(spec: GenerationSpec) -> str:
    """SHA-256 over what the data follows from: files count by content, not by where they lie."""
    identity = spec.model_dump(mode="json", exclude=_NO_EFFECT)
    if isinstance(spec.prompts, FilePrompts):
        identity["prompts"]["path"] = _content(spec.prompts.path, spec.prompts.fingerprint)
    for file, stored in zip(spec.contamination.files, identity["contamination"]["files"], strict=True):
        stored["path"] = _content(file.path, file.fingerprint)
    identity["endpoint"] |= answers_from(spec.endpoint)
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def answers_from(endpoint: Endpoint) -> dict[str, str]:
    """What tells one endpoint's answers from another's: address and model, or the content of the model file."""
    if endpoint.gguf is not None:
        return {"gguf": _content(endpoint.gguf, endpoint.gguf_fingerprint)}
    return {"base_url": str(endpoint.base_url), "model": str(endpoint.model)}


def _content(path: str, submitted: str | None) -> str:
    try:
        content = sha256_of_file(Path(path))
    except OSError as error:
        raise InvalidError(f"{path} cannot be read: {error.strerror}.") from error
    if submitted is not None and submitted != content:
        raise InvalidError(f"{path} has changed since it was submitted; submit again.")
    return content

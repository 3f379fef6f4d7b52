"""Documents of the contract with the scheduler: what they have in common, and the words they use.

Attributes are snake_case, documents camelCase. Construct by attribute name; read documents with
`parse_document`, which accepts the camelCase names alone.
"""

from typing import Annotated, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from lamina_trainer.errors import InvalidError

CONTRACT_VERSION: Final = "lamina/v1"
MAX_SAFE: Final = 2**53 - 1

Integer = Annotated[int, Field(ge=-MAX_SAFE, le=MAX_SAFE)]
Count = Annotated[int, Field(ge=0, le=MAX_SAFE)]
Positive = Annotated[int, Field(ge=1, le=MAX_SAFE)]
Bytes = Count
Seconds = Annotated[float, Field(ge=0)]
Text = Annotated[str, StringConstraints(min_length=1)]
Timestamp = Annotated[
    str,
    StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$"),
]

ResolvedDtype = Literal["fp32", "bf16", "fp16"]
PhaseName = Literal[
    "starting",
    "generating",
    "loading",
    "quantizing",
    "evaluating-raw",
    "training",
    "evaluating",
    "measuring",
    "saving",
    "merging",
    "converting",
]


class Document(BaseModel):
    """Strict, immutable, without unknown fields."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


DocumentT = TypeVar("DocumentT", bound=Document)


def parse_document(kind: type[DocumentT], text: str | bytes) -> DocumentT:
    """Read a JSON document; raises InvalidError that names every wrong field."""
    try:
        return kind.model_validate_json(text, by_alias=True, by_name=False)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or 'document'}: {item['msg']}"
            for item in error.errors(include_url=False, include_input=False)
        )
        raise InvalidError(f"{kind.__name__} is not valid: {wrong}") from error


def write_document(document: Document) -> str:
    """Serialize with the names of the contract."""
    return document.model_dump_json(by_alias=True)

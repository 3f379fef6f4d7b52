"""Documents of the contract with the scheduler: what they have in common.

Attributes are snake_case, documents camelCase. Construct by attribute name; read documents with
`parse_document`, which accepts the camelCase names alone.
"""

from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from lamina_trainer.errors import InvalidError

CONTRACT_VERSION: Final = "lamina/v1"
MAX_SAFE: Final = 2**53 - 1


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
            f"{'.'.join(str(part) for part in item['loc']) or 'document'}: {item['msg']}" for item in problems(error)
        )
        raise InvalidError(f"{kind.__name__} is not valid: {wrong}") from error


def problems(error: ValidationError) -> list[ErrorDetails]:
    """Say what is wrong. Of a union, only what is wrong with the one member that was clearly meant.

    That is the only one whose fields are all there and of the right type. pydantic names every problem with every
    member, and the member in the location.
    """
    found = error.errors(include_url=False, include_input=False)
    members = {kind.__name__ for kind in Document.__subclasses__()}
    unions: dict[tuple[int | str, ...], dict[int | str, list[ErrorDetails]]] = {}
    for item in found:
        at = next((index for index, part in enumerate(item["loc"]) if part in members), None)
        if at is not None:
            unions.setdefault(item["loc"][:at], {}).setdefault(item["loc"][at], []).append(item)
    for where, by_member in unions.items():
        meant = [name for name, items in by_member.items() if not any(map(_is_other, items))]
        if len(meant) != 1:
            continue
        others = [item for name, items in by_member.items() if name not in meant for item in items]
        found = [item for item in found if item not in others]
        for item in by_member[meant[0]]:
            item["loc"] = where + item["loc"][len(where) + 1 :]
    return found


def _is_other(item: ErrorDetails) -> bool:
    """Whether a field is absent or has a value of another kind."""
    return item["type"] in {"missing", "literal_error", "none_required"} or item["type"].endswith("_type")


def write_document(document: Document) -> str:
    """Serialize with the names of the contract."""
    return document.model_dump_json(by_alias=True)

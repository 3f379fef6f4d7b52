"""What each precision is and needs: the scheduler's own table, so that both judge alike."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, Literal

from lamina_trainer.contract.document import Document, parse_document
from lamina_trainer.contract.vocabulary import Precision, ResolvedDtype

_TABLE: Final = Path(__file__).with_name("capabilities.json")


class PrecisionFacts(Document):
    """One row; the meaning of each field is said in `domain/vocabulary/precisions.ts`, which writes the file."""

    quantized: bool
    library: Literal["PyTorch", "bitsandbytes", "torchao", "checkpoint"]
    stored: str
    group: int | None
    cpu: str | None
    compute_capability: str | None
    checkpoint: str | None
    dtype: ResolvedDtype
    bits: float
    row_bits: int


class Fast16Bit(Document):
    """What multiplies 16-bit numbers at least as fast as fp32."""

    cpu_features: Sequence[str]
    compute_capability: str


class Capabilities(Document):
    """The whole table."""

    precisions: Mapping[Precision, PrecisionFacts]
    fast16_bit: Fast16Bit


@cache
def capabilities() -> Capabilities:
    """Read the table."""
    return parse_document(Capabilities, _TABLE.read_bytes())


def facts(precision: Precision) -> PrecisionFacts:
    """The row of a precision."""
    return capabilities().precisions[precision]


def is_quantized(precision: Precision) -> bool:
    """Whether adapters alone can be trained over weights stored like this."""
    return facts(precision).quantized


def quantizes(precision: Precision) -> bool:
    """Whether weights are quantized once they are loaded; a checkpoint's are already."""
    return is_quantized(precision) and facts(precision).checkpoint is None


def lack(precision: Precision, compute_capability: tuple[int, int] | None) -> str | None:
    """Why a device cannot have a precision (None for `compute_capability`: a CPU); None where it can."""
    row = facts(precision)
    if compute_capability is None:
        return row.cpu
    needed = row.compute_capability
    if needed is None or compute_capability >= version(needed):
        return None
    major, minor = compute_capability
    return f"{precision} needs compute capability {needed}; this GPU has {major}.{minor}"


def version(text: str) -> tuple[int, int]:
    """'8.0' as (8, 0)."""
    major, _, minor = text.partition(".")
    return int(major), int(minor)

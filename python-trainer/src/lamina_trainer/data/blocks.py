"""Splits records and packs their token ids into blocks, without I/O."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, overload

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.int32]

_SALT: Final = b"lamina-held-out-1\x00"


class Blocks(Sequence[Tokens]):
    """Token sequences, kept as one array and the offsets of its parts."""

    def __init__(self, tokens: Tokens, offsets: NDArray[np.int64]) -> None:
        self.tokens = tokens
        self.offsets = offsets

    @classmethod
    def of(cls, sequences: Sequence[Sequence[int] | Tokens]) -> "Blocks":
        """Build from separate sequences."""
        offsets = np.zeros(len(sequences) + 1, dtype=np.int64)
        np.cumsum([len(sequence) for sequence in sequences], out=offsets[1:])
        parts = [np.asarray(sequence, dtype=np.int32) for sequence in sequences]
        tokens = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)
        return cls(tokens, offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> Tokens: ...
    @overload
    def __getitem__(self, index: slice) -> "Blocks": ...
    def __getitem__(self, index: int | slice) -> "Tokens | Blocks":
        if isinstance(index, slice):
            return Blocks.of([self[position] for position in range(*index.indices(len(self)))])
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]

    def __iter__(self) -> Iterator[Tokens]:
        return (self[index] for index in range(len(self)))


@dataclass(frozen=True)
class Marks:
    """Special tokens: `bos` where the tokenizer starts a text with one, `eos` where the model has one."""

    bos: int | None
    eos: int | None


def held_out_order(texts: Sequence[str], fraction: float) -> tuple[list[int], list[int]]:
    """Split records by the hash of their content: (indices to train on, indices held out).

    The position of a record does not matter, nor do the other records: equal texts land on the same
    side, and a record keeps its side when others are added. Training records keep their order; held-out
    records are sorted by hash. If chance leaves a side empty, the record nearest to the border moves.
    """
    keys = [hashlib.sha256(_SALT + text.encode()).digest() for text in texts]
    border = int(fraction * 2**64)
    held = {key for key in keys if int.from_bytes(key[:8], "big") < border}
    distinct = sorted(set(keys))
    if len(distinct) > 1:
        if not held:
            held = {distinct[0]}
        elif len(held) == len(distinct):
            held.discard(distinct[-1])
    train = [index for index, key in enumerate(keys) if key not in held]
    evaluation = [index for index, key in enumerate(keys) if key in held]
    evaluation.sort(key=lambda index: (keys[index], index))
    return train, evaluation


def pack(records: Sequence[Sequence[int]], length: int, marks: Marks) -> Blocks:
    """Cut records, joined by `eos`, into blocks of exactly `length` tokens, each starting with `bos`.

    With a `bos`, every token of the records is a prediction target exactly once. The rest that does not
    fill a block is left out.
    """
    stream: list[int] = []
    for record in records:
        stream.extend(record)
        if marks.eos is not None:
            stream.append(marks.eos)
    head = [] if marks.bos is None else [marks.bos]
    body = length - len(head)
    count = len(stream) // body
    return Blocks.of([head + stream[index * body : (index + 1) * body] for index in range(count)])


def one_each(records: Sequence[Sequence[int]], length: int, marks: Marks) -> Blocks:
    """Make one sequence per record, `bos` first, `eos` last, cut at `length`; those without a target go."""
    head = [] if marks.bos is None else [marks.bos]
    tail = [] if marks.eos is None else [marks.eos]
    sequences = [(head + list(record) + tail)[:length] for record in records]
    return Blocks.of([sequence for sequence in sequences if len(sequence) >= 2])


def evaluation_blocks(records: Sequence[Sequence[int]], length: int, max_tokens: int, marks: Marks) -> Blocks:
    """Held-out blocks of equal length, at most `max_tokens` tokens in all.

    They are packed whether or not training is, so that cells that differ in packing are scored on the
    same tokens. With less text than one block there is one shorter block.
    """
    length = min(length, max_tokens)
    packed = pack(records, length, marks)
    if len(packed) == 0:
        available = sum(len(record) + (marks.eos is not None) for record in records)
        shorter = available + (marks.bos is not None)
        return pack(records, shorter, marks) if shorter >= 2 and available > 0 else packed
    return packed[: max_tokens // length]

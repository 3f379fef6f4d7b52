"""Splits records and packs their token ids into blocks, without I/O."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, overload

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.int32]
Counted = NDArray[np.bool_]

_SALT: Final = b"lamina-held-out-1\x00"


class Blocks(Sequence[Tokens]):
    """Token sequences, kept as one array and the offsets of its parts.

    `counted` says of each token whether it counts in the loss when it is predicted; None: all of them do.
    """

    def __init__(self, tokens: Tokens, offsets: NDArray[np.int64], counted: Counted | None = None) -> None:
        self.tokens = tokens
        self.offsets = offsets
        self.counted = counted

    @classmethod
    def of(
        cls, sequences: Sequence[Sequence[int] | Tokens], counted: Sequence[Sequence[bool] | Counted] | None = None
    ) -> "Blocks":
        """Build from separate sequences."""
        offsets = np.zeros(len(sequences) + 1, dtype=np.int64)
        np.cumsum([len(sequence) for sequence in sequences], out=offsets[1:])
        parts = [np.asarray(sequence, dtype=np.int32) for sequence in sequences]
        tokens = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int32)
        if counted is None:
            return cls(tokens, offsets)
        masks = [np.asarray(mask, dtype=np.bool_) for mask in counted]
        return cls(tokens, offsets, np.concatenate(masks) if masks else np.zeros(0, dtype=np.bool_))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> Tokens: ...
    @overload
    def __getitem__(self, index: slice) -> "Blocks": ...
    def __getitem__(self, index: int | slice) -> "Tokens | Blocks":
        if isinstance(index, slice):
            chosen = range(*index.indices(len(self)))
            masks = None if self.counted is None else [self.counted_in(position) for position in chosen]
            return Blocks.of([self[position] for position in chosen], masks)
        return self.tokens[self._range(index)]

    def counted_in(self, index: int) -> Counted:
        """Of each token of one sequence, whether it counts; the first one has no prediction either way."""
        where = self._range(index)
        if self.counted is None:
            return np.ones(where.stop - where.start, dtype=np.bool_)
        return self.counted[where]

    def __iter__(self) -> Iterator[Tokens]:
        return (self[index] for index in range(len(self)))

    def _range(self, index: int) -> slice:
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(index)
        return slice(int(self.offsets[index]), int(self.offsets[index + 1]))


@dataclass(frozen=True)
class Encoded:
    """A record as tokens: without the mark that starts a text, with the one that ends it."""

    ids: Sequence[int]
    counted: Sequence[bool] | None = None
    """Which of `ids` count in the loss when they are predicted, one for each; None: all of them."""


def held_out_order(questions: Sequence[str], fraction: float) -> tuple[list[int], list[int]]:
    """Split records by the hash of what they ask: (indices to train on, indices held out).

    The position of a record does not matter, nor do the other records: equal questions land on the same
    side, and a record keeps its side when others are added. Training records keep their order; held-out
    records are sorted by hash. If chance leaves a side empty, the record nearest to the border moves.
    """
    keys = [hashlib.sha256(_SALT + question.encode()).digest() for question in questions]
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


def pack(records: Sequence[Encoded], length: int, bos: int | None) -> Blocks:
    """Cut records that follow each other into blocks of exactly `length` tokens, each starting with `bos`.

    With a `bos`, every token of the records is predicted exactly once. The rest that does not fill a
    block is left out.
    """
    head = [] if bos is None else [bos]
    body = length - len(head)
    stream = [token for record in records for token in record.ids]
    starts = range(0, len(stream) // body * body, body)
    masks = None
    if any(record.counted is not None for record in records):
        marks = [mark for record in records for mark in _marks(record)]
        masks = [[False] * len(head) + marks[start : start + body] for start in starts]
    return Blocks.of([head + stream[start : start + body] for start in starts], masks)


def one_each(records: Sequence[Encoded], length: int, bos: int | None) -> Blocks:
    """Make one sequence per record, `bos` first, cut at `length`; those without a prediction go."""
    head = [] if bos is None else [bos]
    kept = [record for record in records if len(head) + len(record.ids) >= 2]
    masks = None
    if any(record.counted is not None for record in kept):
        masks = [([False] * len(head) + _marks(record))[:length] for record in kept]
    return Blocks.of([(head + list(record.ids))[:length] for record in kept], masks)


def evaluation_blocks(records: Sequence[Encoded], length: int, max_tokens: int, bos: int | None) -> Blocks:
    """Held-out blocks of equal length, at most `max_tokens` tokens in all.

    They are packed whether or not training is, so that cells that differ in packing are scored on the
    same tokens. With less text than one block there is one shorter block.
    """
    length = min(length, max_tokens)
    packed = pack(records, length, bos)
    if len(packed) == 0:
        shorter = sum(len(record.ids) for record in records) + (bos is not None)
        return pack(records, shorter, bos) if shorter >= 2 else packed
    return packed[: max_tokens // length]


def _marks(record: Encoded) -> list[bool]:
    return [True] * len(record.ids) if record.counted is None else list(record.counted)

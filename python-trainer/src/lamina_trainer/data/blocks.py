"""Splits records and packs their token ids into blocks, without I/O."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
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
        self.left_out = 0
        """Sequences that were left out, because no token of them counts."""
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
            return self.pick(range(*index.indices(len(self))))
        return self.tokens[self._range(index)]

    def counted_in(self, index: int) -> Counted:
        """Of each token of one sequence, whether it counts; the first one has no prediction either way."""
        where = self._range(index)
        if self.counted is None:
            return np.ones(where.stop - where.start, dtype=np.bool_)
        return self.counted[where]

    def targets(self) -> list[int]:
        """Of each sequence, how many of its tokens are predicted and count."""
        if self.counted is None:
            return [max(0, int(length) - 1) for length in np.diff(self.offsets)]
        return [int(np.count_nonzero(self.counted_in(index)[1:])) for index in range(len(self))]

    def pick(self, indices: Iterable[int]) -> "Blocks":
        """Sequences by their index, in that order."""
        chosen = list(indices)
        masks = None if self.counted is None else [self.counted_in(index) for index in chosen]
        return Blocks.of([self[index] for index in chosen], masks)

    def with_targets(self) -> "Blocks":
        """The sequences that anything can be learned from: at least one of their tokens is predicted and counts."""
        targets = self.targets()
        if all(targets):
            return self
        kept = self.pick(index for index, count in enumerate(targets) if count)
        kept.left_out = len(self) - len(kept)
        return kept

    def counted_tokens(self) -> int:
        """How many tokens are predicted and count, in all sequences."""
        return sum(self.targets())

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
    """A record as tokens, with the mark that ends it; with the one that starts a text where it writes it."""

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

    With a `bos`, every token of the records is predicted exactly once. Where a block happens to start with
    a record that writes its own `bos`, none is put before it. The rest that does not fill a block is left
    out, and so are blocks of which no token counts.
    """
    stream = [token for record in records for token in record.ids]
    marks = [mark for record in records for mark in _marks(record)] if _any_masked(records) else None
    sequences: list[list[int]] = []
    masks: list[list[bool]] = []
    start = 0
    while start < len(stream):
        head = [] if bos is None or stream[start] == bos else [bos]
        end = start + length - len(head)
        if end > len(stream):
            break
        sequences.append(head + stream[start:end])
        if marks is not None:
            masks.append([False] * len(head) + marks[start:end])
        start = end
    return Blocks.of(sequences, None if marks is None else masks).with_targets()


def one_each(records: Sequence[Encoded], length: int, bos: int | None) -> Blocks:
    """Make one sequence per record, starting with one `bos`, cut at `length`; those of which no token counts go."""
    heads = [[] if bos is None or list(record.ids[:1]) == [bos] else [bos] for record in records]
    sequences = [(head + list(record.ids))[:length] for head, record in zip(heads, records, strict=True)]
    masks = None
    if _any_masked(records):
        masks = [([False] * len(head) + _marks(record))[:length] for head, record in zip(heads, records, strict=True)]
    return Blocks.of(sequences, masks).with_targets()


def evaluation_blocks(records: Sequence[Encoded], length: int, max_tokens: int, bos: int | None) -> Blocks:
    """Held-out blocks of equal length, at most `max_tokens` tokens in all.

    They are packed whether or not training is, so that cells that differ in packing are scored on the
    same tokens. With less text than one block there is one shorter block.
    """
    length = min(length, max_tokens)
    ids = [token for record in records for token in record.ids]
    whole = len(ids) + (bos is not None and ids[:1] != [bos])
    return pack(records, min(length, whole), bos)[: max_tokens // length] if whole >= 2 else Blocks.of([])


def _any_masked(records: Sequence[Encoded]) -> bool:
    return any(record.counted is not None for record in records)


def _marks(record: Encoded) -> list[bool]:
    return [True] * len(record.ids) if record.counted is None else list(record.counted)

"""Splits records and packs their token ids into blocks, without I/O."""

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.int32]
Counted = NDArray[np.bool_]

_SALT: Final = b"lamina-held-out-1\x00"


class Blocks(Sequence[Tokens]):
    """Token sequences, cut from one array when they are asked for; the array may be a file mapped into memory.

    `cuts` gives the start and the end (exclusive) of each sequence in the array. `bos`, where there is one, is
    put before a sequence that does not write it itself, and the whole is cut at `longest` tokens. `counted` says
    of each token of the array whether it counts in the loss when it is predicted; None: all of them do.
    """

    def __init__(
        self,
        tokens: Tokens,
        cuts: Sequence[tuple[int, int]],
        counted: Counted | None = None,
        bos: int | None = None,
        longest: int | None = None,
    ) -> None:
        self.tokens, self.counted = tokens, counted
        self._cuts, self._bos, self._longest = cuts, bos, longest
        self.left_out = 0
        """Sequences that were left out, because no token of them counts."""

    @classmethod
    def of(
        cls, sequences: Sequence[Sequence[int] | Tokens], counted: Sequence[Sequence[bool] | Counted] | None = None
    ) -> "Blocks":
        """Build from separate sequences."""
        ends = np.cumsum([0, *(len(sequence) for sequence in sequences)]).tolist()
        tokens = _joined(sequences, np.int32)
        return cls(tokens, list(pairwise(ends)), None if counted is None else _joined(counted, np.bool_))

    def __len__(self) -> int:
        return len(self._cuts)

    @overload
    def __getitem__(self, index: int) -> Tokens: ...
    @overload
    def __getitem__(self, index: slice) -> "Blocks": ...
    def __getitem__(self, index: int | slice) -> "Tokens | Blocks":
        if isinstance(index, slice):
            return self.pick(range(*index.indices(len(self))))
        start, end, headed = self._cut(index)
        return _joined([[self._bos], self.tokens[start:end]], np.int32) if headed else self.tokens[start:end]

    def counted_in(self, index: int) -> Counted:
        """Of each token of one sequence, whether it counts; the first one has no prediction either way."""
        start, end, headed = self._cut(index)
        if self.counted is None:
            return np.ones(end - start + headed, dtype=np.bool_)
        return np.concatenate([[False], self.counted[start:end]]) if headed else self.counted[start:end]

    def span(self, index: int) -> tuple[int, int]:
        """Start and end of a sequence in the array."""
        start, end, _ = self._cut(index)
        return start, end

    def targets(self) -> list[int]:
        """Of each sequence, how many of its tokens are predicted and count."""
        return [self._targets_in(index) for index in range(len(self))]

    def pick(self, indices: Iterable[int]) -> "Blocks":
        """Copy sequences by their index, in that order."""
        chosen = list(indices)
        masks = None if self.counted is None else [self.counted_in(index) for index in chosen]
        return Blocks.of([self[index] for index in chosen], masks)

    def with_targets(self) -> "Blocks":
        """The sequences that anything can be learned from: at least one of their tokens is predicted and counts."""
        kept = np.fromiter((self._targets_in(index) > 0 for index in range(len(self))), np.bool_, len(self))
        if kept.all():
            return self
        chosen = _Chosen(self._cuts, np.flatnonzero(kept))
        found = Blocks(self.tokens, chosen, self.counted, self._bos, self._longest)
        found.left_out = len(self) - len(found)
        return found

    def size(self) -> int:
        """Tokens of all sequences."""
        return sum(end - start + headed for start, end, headed in map(self._cut, range(len(self))))

    def counted_tokens(self) -> int:
        """How many tokens are predicted and count, in all sequences."""
        return sum(self.targets())

    def __iter__(self) -> Iterator[Tokens]:
        return (self[index] for index in range(len(self)))

    def _targets_in(self, index: int) -> int:
        start, end, headed = self._cut(index)
        if self.counted is None:
            return max(0, end - start + headed - 1)
        return int(np.count_nonzero(self.counted[start if headed else start + 1 : end]))

    def _cut(self, index: int) -> tuple[int, int, bool]:
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(index)
        start, end = self._cuts[index]
        headed = self._bos is not None and (start == end or int(self.tokens[start]) != self._bos)
        return start, end if self._longest is None else min(end, start + self._longest - headed), headed


class _Even(Sequence[tuple[int, int]]):
    """`count` pieces of `length` tokens, one after the other."""

    def __init__(self, length: int, count: int) -> None:
        self._length, self._count = length, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        return index * self._length, (index + 1) * self._length


class _Records(Sequence[tuple[int, int]]):
    """Pieces that follow each other; `ends` are the ends of all of them."""

    def __init__(self, ends: NDArray[np.int64]) -> None:
        self._ends = ends

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: Any) -> Any:
        return int(self._ends[index - 1]) if index > 0 else 0, int(self._ends[index])


class _Chosen(Sequence[tuple[int, int]]):
    """Some of the pieces, by their index."""

    def __init__(self, cuts: Sequence[tuple[int, int]], chosen: NDArray[np.int64]) -> None:
        self._cuts, self._indices = cuts, chosen

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: Any) -> Any:
        return self._cuts[int(self._indices[index])]


def _joined(parts: Sequence[Any], dtype: Any) -> NDArray[Any]:
    arrays = [np.asarray(part, dtype=dtype) for part in parts]
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype=dtype)


@dataclass(frozen=True)
class Encoded:
    """A record as tokens, with the mark that ends it; with the one that starts a text where it writes it."""

    ids: Sequence[int]
    counted: Sequence[bool] | None = None
    """Which of `ids` count in the loss when they are predicted, one for each; None: all of them."""


def split_key(question: str) -> int:
    """Return a number in [0, 2**64) that follows from what a record asks, and from nothing else.

    Spelling that people do not see as a difference has no part in it: Unicode compatibility forms (NFKC), case,
    and how words are spaced.
    """
    if question.isascii():
        plain = question.lower()
    else:
        # Folding case can undo the normal form.
        plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", question).casefold())
    digest = hashlib.sha256(_SALT + " ".join(plain.split()).encode()).digest()
    return int.from_bytes(digest[:8], "big")


def border_of(fraction: float) -> int:
    """Keys below this number are held out."""
    return int(fraction * 2**64)


def held_out_order(questions: Sequence[str], fraction: float) -> tuple[list[int], list[int]]:
    """Split records by the key of what they ask: (indices to train on, indices held out).

    The position of a record does not matter, nor do the other records: equal questions land on the same
    side, and a record keeps its side when others are added. Training records keep their order; held-out
    records are sorted by key. If chance leaves a side empty, the record nearest to the border moves.
    """
    keys = [split_key(question) for question in questions]
    held = {key for key in keys if key < border_of(fraction)}
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


@dataclass(frozen=True)
class TokenStream:
    """Records as tokens, one after the other; `ends` are where each of them ends."""

    tokens: Tokens
    ends: NDArray[np.int64]
    counted: Counted | None = None
    writes_bos: bool = False
    """Whether the mark that starts a text stands anywhere in the records."""

    @classmethod
    def of(cls, records: Sequence[Encoded], bos: int | None) -> "TokenStream":
        """Build from separate records."""
        masks = None
        if any(record.counted is not None for record in records):
            masks = _joined([_marks(record) for record in records], np.bool_)
        ends = np.cumsum([len(record.ids) for record in records], dtype=np.int64)
        tokens = _joined([record.ids for record in records], np.int32)
        return cls(tokens, ends, masks, bos is not None and bool((tokens == bos).any()))


def pack(stream: TokenStream, length: int, bos: int | None) -> Blocks:
    """Cut records that follow each other into blocks of exactly `length` tokens, each starting with `bos`.

    With a `bos`, every token of the records is predicted exactly once. Where a block happens to start with
    a record that writes its own `bos`, none is put before it. The rest that does not fill a block is left
    out, and so are blocks of which no token counts.
    """
    tokens, size = stream.tokens, len(stream.tokens)
    if not stream.writes_bos and stream.counted is None:
        body = length - (bos is not None)
        return Blocks(tokens, _Even(body, size // body), None, bos)
    ends: list[int] = []
    end = 0
    while end < size:
        end += length - (bos is not None and int(tokens[end]) != bos)
        if end <= size:
            ends.append(end)
    return Blocks(tokens, _Records(np.asarray(ends, dtype=np.int64)), stream.counted, bos).with_targets()


def one_each(stream: TokenStream, length: int, bos: int | None) -> Blocks:
    """Make one sequence per record, starting with one `bos`, cut at `length`; those of which no token counts go."""
    return Blocks(stream.tokens, _Records(stream.ends), stream.counted, bos, length).with_targets()


def evaluation_blocks(stream: TokenStream, length: int, max_tokens: int, bos: int | None) -> tuple[Blocks, int]:
    """Held-out blocks of equal length, at most `max_tokens` tokens in all, and how many records they are from.

    They are packed whether or not training is, so that cells that differ in packing are scored on the
    same tokens. With less text than one block there is one shorter block.
    """
    length = min(length, max_tokens)
    ids = stream.tokens
    whole = len(ids) + (bos is not None and ids[:1].tolist() != [bos])
    if whole < 2:
        return Blocks.of([]), 0
    packed = pack(stream, min(length, whole), bos)
    chosen = range(min(len(packed), max_tokens // length))
    spans = np.asarray([packed.span(index) for index in chosen], dtype=np.int64).reshape(-1, 2)
    first, last = (np.searchsorted(stream.ends, spans[:, side] - side, side="right") for side in (0, 1))
    pairs = zip(first.tolist(), last.tolist(), strict=True)
    records = {record for one, other in pairs for record in range(one, other + 1)}
    return packed.pick(chosen), len(records)


def _marks(record: Encoded) -> list[bool]:
    return [True] * len(record.ids) if record.counted is None else list(record.counted)

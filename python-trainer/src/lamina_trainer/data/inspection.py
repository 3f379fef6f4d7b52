"""What a data set trains on, before anything is trained: shapes, lengths, duplicates, and the tokens that count."""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from lamina_trainer.contract.document import Document
from lamina_trainer.contract.settings import DatasetRef, MessageFields, RecordFields
from lamina_trainer.data.blocks import Encoded, TokenStream, held_out_order, one_each
from lamina_trainer.data.records import describe, read_records
from lamina_trainer.data.rendering import Rendered
from lamina_trainer.data.shapes import fields_of, rendering_of
from lamina_trainer.errors import InvalidError

SHARED_WORDS: Final = 13
"""Words in a row that two records must share to overlap, as in the contamination check of generated data."""

_BATCH: Final = 1000


class Piece(Document):
    """Neighbouring tokens of a record that count alike."""

    text: str
    counts: bool


class Lengths(Document):
    """Tokens of records: quantiles, and how many records are in each range up to twice the one before."""

    shortest: int
    median: int
    longest: int
    up_to: Sequence[tuple[int, int]]
    """Upper end of a range, and the records in it; empty ranges at either end are left out."""


class Inspection(Document):
    """What a trial would make of a data set."""

    data_set: str
    fields: RecordFields
    records: int
    held_out_records: int
    duplicates: int
    """Records whose text is that of an earlier one."""
    overlapping_records: int
    """Held-out records that share 13 words in a row with one that is trained on."""
    tokens: int
    """Of all records, with what ends each."""
    counted_tokens: int
    """Those of them that the loss counts."""
    lengths: Lengths
    max_length: int
    cut_records: int
    """Records that are longer than a sequence, and cut there unless they are packed."""
    without_target: int
    """Records of which no token counts, or none before the cut; they are left out unless they are packed."""
    special_tokens: str
    """What special tokens become that records write out: text or tokens."""
    written_out: dict[str, int]
    """How often each of them is written out."""
    samples: Sequence[Sequence[Piece]]


def inspect(dataset: DatasetRef, tokenizer: Any, max_length: int, fraction: float, samples: int) -> Inspection:
    """Read the whole data set as a trial would; `tokenizer` is loaded, lengths are in tokens.

    Raises InvalidError for data that a trial would refuse.
    """
    rendering = rendering_of(dataset, tokenizer)
    rendered = [one for one in map(rendering.render, read_records(dataset)) if one.text.strip()]
    if not rendered:
        raise InvalidError(f"The data set {describe(dataset)} holds no text.")
    encoded = [one for batch in _batches(rendered) for one in rendering.encode(batch)]
    train, held = held_out_order([one.question for one in rendered], fraction)
    starts = rendering.bos is not None
    lengths = [len(one.ids) + (starts and list(one.ids[:1]) != [rendering.bos]) for one in encoded]
    fields = fields_of(dataset)
    written_out = Counter(name for one in rendered for name in one.written_out)
    return Inspection(
        data_set=describe(dataset),
        fields=fields,
        records=len(rendered),
        held_out_records=len(held),
        duplicates=len(rendered) - len({one.text for one in rendered}),
        overlapping_records=_overlapping([rendered[at].text for at in train], [rendered[at].text for at in held]),
        tokens=sum(len(one.ids) for one in encoded),
        counted_tokens=sum(len(one.ids) if one.counted is None else sum(one.counted) for one in encoded),
        lengths=_lengths(lengths),
        max_length=max_length,
        cut_records=sum(length > max_length for length in lengths),
        without_target=len(encoded) - len(one_each(TokenStream.of(encoded, rendering.bos), max_length, rendering.bos)),
        special_tokens=dataset.special_tokens or ("text" if isinstance(fields, MessageFields) else "tokens"),
        written_out=dict(written_out.most_common()),
        samples=[_pieces(tokenizer, one) for one in encoded[:samples]],
    )


def _batches(rendered: Sequence[Rendered]) -> Iterable[Sequence[Rendered]]:
    return (rendered[start : start + _BATCH] for start in range(0, len(rendered), _BATCH))


def _lengths(lengths: Sequence[int]) -> Lengths:
    ordered = sorted(lengths)
    ranges = Counter(max(0, (length - 1).bit_length()) for length in ordered)
    up_to = [(2**power, ranges[power]) for power in range(min(ranges), max(ranges) + 1)]
    return Lengths(shortest=ordered[0], median=ordered[len(ordered) // 2], longest=ordered[-1], up_to=up_to)


def _overlapping(train: Iterable[str], held: Iterable[str]) -> int:
    seen = {run for text in train for run in _runs(text)}
    return sum(any(run in seen for run in _runs(text)) for text in held)


def _runs(text: str) -> Iterable[int]:
    words = text.casefold().split()
    return (hash(tuple(words[at : at + SHARED_WORDS])) for at in range(len(words) - SHARED_WORDS + 1))


def _pieces(tokenizer: Any, record: Encoded) -> Sequence[Piece]:
    counted = [True] * len(record.ids) if record.counted is None else record.counted
    pairs = zip(counted, record.ids, strict=True)
    return [
        Piece(text=tokenizer.decode([token for _, token in group]), counts=bool(counts))
        for counts, group in itertools.groupby(pairs, key=lambda pair: pair[0])
    ]


def inspection_text(found: Inspection, *, color: bool) -> str:
    """The inspection for people: what counts is green, or stands between ▸ and ◂."""
    share = found.counted_tokens / found.tokens
    lines = [
        f"{found.data_set}: {found.records} records, {found.held_out_records} of them held out",
        f"read as {found.fields.model_dump(exclude_none=True)}",
        f"{found.tokens} tokens, of which {found.counted_tokens} count ({share:.1%})",
        f"{found.duplicates} duplicates; {found.overlapping_records} held-out records share {SHARED_WORDS} words in a "
        "row with a training record",
        f"longer than maxLength ({found.max_length}): {found.cut_records} records; nothing to learn from: "
        f"{found.without_target} (both unless packed)",
    ]
    if found.written_out:
        written = ", ".join(f"{name} {count}×" for name, count in found.written_out.items())
        lines.append(f"special tokens written out, read as {found.special_tokens}: {written}")
    lengths = found.lengths
    lines += ["", f"tokens of a record: {lengths.shortest} to {lengths.longest}, median {lengths.median}"]
    most = max(count for _, count in lengths.up_to)
    for end, count in lengths.up_to:
        lines.append(f"  {end // 2 + 1 if end > 1 else 0:>7} to {end:<7} {'█' * round(40 * count / most):<40} {count}")
    start, stop = ("\x1b[32m", "\x1b[0m") if color else ("▸", "◂")
    for number, sample in enumerate(found.samples, start=1):
        pieces = (f"{start}{piece.text}{stop}" if piece.counts else piece.text for piece in sample)
        lines += ["", f"record {number}, what counts {'in green' if color else 'between ▸ and ◂'}:", "".join(pieces)]
    return "\n".join(lines)

"""Turns answers into records: each answer is kept, or dropped for one reason that is counted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lamina_trainer.contract.generation import Columns, Contamination, Filters, GenerationSpec, TextColumn
from lamina_trainer.data.blocks import held_out_order
from lamina_trainer.generate.clean import cleaner
from lamina_trainer.generate.contamination import Scored, words
from lamina_trainer.generate.duplicates import duplicates_of
from lamina_trainer.generate.journal import Answer


@dataclass(frozen=True)
class Record:
    """A line of the data set."""

    prompt: str
    completion: str


@dataclass(frozen=True)
class Overlap:
    """What the check against scored texts found."""

    scored_files: int
    """Texts of the files in `contamination.files`."""
    held_out: int
    """Records on the held-out side."""
    trained_on: int
    """Records on the other, those that were dropped not counted."""
    checked: int
    dropped_by_files: int
    dropped_by_held_out: int
    largest_share: float | None
    """Findings on the records that are kept for training; null where nothing was compared."""


@dataclass(frozen=True)
class Refined:
    """Records in the order of their requests, and how many were dropped for what."""

    records: Sequence[Record]
    dropped: dict[str, int]
    overlap: Overlap


def refine(asked: Sequence[tuple[str, Answer]], spec: GenerationSpec, scored: Sequence[str]) -> Refined:
    """Clean, filter, deduplicate, and drop what overlaps with `scored` texts or the data set's held-out share.

    Stages: truncated, empty, tooShort and tooLong, exactDuplicate and nearDuplicate (of completions),
    contaminated.
    """
    clean = cleaner(spec.cleaning)
    dropped: Counter[str] = Counter()
    records: list[Record] = []
    for prompt, answer in asked:
        text = clean(answer.text)
        reason = _filtered(text, answer, spec.filters)
        if reason is None:
            records.append(Record(prompt, text))
        else:
            dropped[reason] += 1
    twice = duplicates_of([record.completion for record in records], spec.duplicates)
    dropped.update(f"{kind}Duplicate" for kind, _ in twice.values())
    records = [record for position, record in enumerate(records) if position not in twice]
    kept, overlap = _uncontaminated(records, spec.contamination, spec.fields, scored)
    if len(kept) < len(records):
        dropped["contaminated"] = len(records) - len(kept)
    return Refined(kept, dict(sorted(dropped.items())), overlap)


def _filtered(text: str, answer: Answer, filters: Filters) -> str | None:
    if answer.finish == "length" and filters.truncated == "drop":
        return "truncated"
    if not text:
        return "empty"
    count = len(words(text))
    if len(text) < filters.min_characters or count < filters.min_words:
        return "tooShort"
    if filters.max_characters is not None and len(text) > filters.max_characters:
        return "tooLong"
    if filters.max_words is not None and count > filters.max_words:
        return "tooLong"
    return None


def _uncontaminated(
    records: Sequence[Record], settings: Contamination, fields: Columns, scored: Sequence[str]
) -> tuple[list[Record], Overlap]:
    files = Scored(scored, settings.ngram)
    by_files = {at for at, record in enumerate(records) if files.share_of(record.completion) > settings.max_share}
    rest = [at for at in range(len(records)) if at not in by_files]
    held: set[int] = set()
    # Sides follow from each record's own content, so that leaving training records out moves no other.
    if settings.fraction is not None and rest:
        _, chosen = held_out_order([question_of(records[at], fields) for at in rest], settings.fraction)
        held = {rest[index] for index in chosen}
    own = Scored((records[at].completion for at in held), settings.ngram)
    train = [at for at in rest if at not in held]
    by_own = {at for at in train if own.share_of(records[at].completion) > settings.max_share}
    shares = [
        max(files.share_of(records[at].completion), own.share_of(records[at].completion))
        for at in train
        if at not in by_own
    ]
    overlap = Overlap(
        scored_files=len(scored),
        held_out=len(held),
        trained_on=len(train) - len(by_own),
        checked=len(records),
        dropped_by_files=len(by_files),
        dropped_by_held_out=len(by_own),
        largest_share=max(shares) if shares and (held or scored) else None,
    )
    return [records[at] for at in rest if at not in by_own], overlap


def question_of(record: Record, fields: Columns) -> str:
    """What decides for the trainer whether a record is held out: the same as in `data/rendering.py`."""
    column = fields.text if isinstance(fields, TextColumn) else fields.prompt
    return record.prompt if column == "prompt" else record.completion

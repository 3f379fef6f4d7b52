"""Reports what a data set consists of and what it cost."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lamina_trainer.contract.document import Count, Document, parse_document
from lamina_trainer.errors import InvalidError
from lamina_trainer.generate.journal import Answer
from lamina_trainer.generate.refine import Overlap
from lamina_trainer.generate.spec import Prices
from lamina_trainer.host.files import sha256_of_file


class Counts(Document):
    """How many of what, stage by stage."""

    requests: Count
    answers: Count
    refused: Count
    """Requests that the endpoint turned down, each for a reason of its own."""
    dropped: Mapping[str, Count]
    """Count of records for each reason."""
    records: Count


class Usage(Document):
    """Tokens as the endpoint counted them, over answers that say; null where none does."""

    prompt_tokens: Count | None
    completion_tokens: Count | None
    answers_without_usage: Count
    unanswered_sends: Count
    """Tries that ended without an answer, by a failure or a kill: they may have been paid for, and are in no cost."""
    cost: float | None
    """Null without both prices, or where an answer has no usage."""


class ContaminationReport(Document):
    """How much of the data stands in texts that are scored."""

    ngram: Count
    max_share: float
    scored_texts: Count
    """The files that `contamination.files` names."""
    held_out_records: Count
    checked: Count
    dropped_by_files: Count
    dropped_by_held_out: Count
    largest_share_kept: float | None
    """Findings on the training records; null where nothing was compared."""


class Report(Document):
    """Written next to every data set, and returned when the same spec is asked for again."""

    spec_sha256: str
    data_sha256: str
    data: str
    """The file's name in the folder of data sets."""
    models: Sequence[str]
    """The model's name in the endpoint's answers."""
    counts: Counts
    usage: Usage
    contamination: ContaminationReport
    refusals: Sequence[str]
    """The first few, in the endpoint's words."""


def usage_of(answers: Sequence[Answer], sends: int, prices: Prices) -> Usage:
    """Sum up. Cost in the prices' currency, which are per million tokens."""
    told = [
        (answer.prompt_tokens, answer.completion_tokens)
        for answer in answers
        if answer.prompt_tokens is not None and answer.completion_tokens is not None
    ]
    prompt = sum(first for first, _ in told if first is not None) if told else None
    completion = sum(second for _, second in told if second is not None) if told else None
    cost = None
    if (
        prompt is not None
        and completion is not None
        and len(told) == len(answers)
        and prices.input_per_million is not None
        and prices.output_per_million is not None
    ):
        cost = (prompt * prices.input_per_million + completion * prices.output_per_million) / 1e6
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        answers_without_usage=len(answers) - len(told),
        unanswered_sends=max(0, sends - len(answers)),
        cost=cost,
    )


def contamination_report(overlap: Overlap, ngram: int, max_share: float) -> ContaminationReport:
    """The check's findings together with its settings."""
    return ContaminationReport(
        ngram=ngram,
        max_share=max_share,
        scored_texts=overlap.scored_files,
        held_out_records=overlap.held_out,
        checked=overlap.checked,
        dropped_by_files=overlap.dropped_by_files,
        dropped_by_held_out=overlap.dropped_by_held_out,
        largest_share_kept=overlap.largest_share,
    )


def stored_report(path: Path, datasets: Path) -> Report | None:
    """The report of an earlier run whose data are still what they were."""
    try:
        report = parse_document(Report, path.read_bytes())
        whole = sha256_of_file(datasets / report.data) == report.data_sha256
    except (FileNotFoundError, InvalidError):
        return None
    return report if whole else None

"""Reports what a data set consists of and what it cost."""

from collections.abc import Sequence
from pathlib import Path

from lamina_trainer.contract.document import parse_document
from lamina_trainer.contract.generation import ContaminationReport, GenerationReport, GenerationUsage, Prices
from lamina_trainer.errors import InvalidError
from lamina_trainer.generate.journal import Answer
from lamina_trainer.generate.refine import Overlap
from lamina_trainer.host.files import sha256_of_file


def usage_of(answers: Sequence[Answer], sends: int, prices: Prices) -> GenerationUsage:
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
    return GenerationUsage(
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


def stored_report(path: Path, datasets: Path) -> GenerationReport | None:
    """The report of an earlier run whose data are still what they were."""
    try:
        report = parse_document(GenerationReport, path.read_bytes())
        whole = sha256_of_file(datasets / report.data) == report.data_sha256
    except (FileNotFoundError, InvalidError):
        return None
    return report if whole else None

"""A generation as an attempt of an experiment: into the folder of data sets, with a result next to its log."""

from pathlib import Path
from typing import Final

from lamina_trainer.contract.document import CONTRACT_VERSION
from lamina_trainer.contract.generation import GeneratedFile, GenerateRequest, GenerationResult
from lamina_trainer.events.reporter import Reporter
from lamina_trainer.generate.run import generate
from lamina_trainer.host.files import require_writable, write_atomic

_FILE: Final = "generated.jsonl"


def run_generation(request: GenerateRequest, reporter: Reporter) -> GenerationResult:
    """Make the data set, or find it made. Raises what `generate` raises."""
    answers, datasets = Path(request.paths.checkpoints), Path(request.paths.datasets)
    require_writable(datasets)
    reporter.phase("generating")
    # An endpoint that thinks for long leaves this process idle: answers are its signs of life.
    report = generate(request.spec, answers, reporter.checkpoint)
    reporter.phase("saving")
    path = Path(report.data_sha256) / _FILE
    content = (answers / "datasets" / report.data).read_text(encoding="utf-8")
    write_atomic(datasets / path, content)
    return GenerationResult(
        contract=CONTRACT_VERSION,
        kind="generation",
        trial_id=request.trial_id,
        attempt_id=request.attempt_id,
        status="succeeded",
        dataset=GeneratedFile(
            path=str(path), sha256=report.data_sha256, bytes=len(content.encode()), records=report.counts.records
        ),
        report=report,
    )

"""Runs one attempt from its request to its exit code."""

import json
import logging
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lamina_trainer.attempt.exits import Conclusion, Ending, classify, finished, write_exit, write_result
from lamina_trainer.attempt.request_source import RequestSource
from lamina_trainer.contract.document import parse_document
from lamina_trainer.contract.generation import GenerateRequest
from lamina_trainer.contract.trial import TrialRequest
from lamina_trainer.distributed.rank import ProcessRank
from lamina_trainer.events.http_reporter import HttpReporter
from lamina_trainer.events.reporter import NullReporter, Reporter
from lamina_trainer.host.files import require_writable
from lamina_trainer.host.hub import switch_offline
from lamina_trainer.host.logs import configure_logging
from lamina_trainer.host.threads import apply_threads
from lamina_trainer.trial.warm import Warm

_log = logging.getLogger(__name__)

TOKEN_VARIABLE = "LAMINA_ATTEMPT_TOKEN"  # noqa: S105 - a name, not a secret


def run_attempt(source: RequestSource, warm: Warm | None = None, default_threads: int | None = None) -> int:
    """Run the trial, write result.json and exit.json into its output folder, return the exit code.

    Never raises. If the request cannot be read, exit.json is written where it came from. Signals must
    raise the stop flag already.
    """
    configure_logging()
    ended = _conclude(source, warm, default_threads, None)
    try:
        write_exit(ended.ending, ended.folder, ended.result_sha256)
    except OSError as error:
        _log.error("exit.json could not be written: %s", error)
    return ended.ending.code


def run_rank(source: RequestSource, process: ProcessRank) -> Conclusion:
    """Run one rank of a trial; the supervisor writes down how all of them ended."""
    configure_logging(f"[{process.rank}] ")
    cores = len(os.sched_getaffinity(0))
    return _conclude(source, None, max(1, cores // process.local_world_size), process)


def _conclude(
    source: RequestSource, warm: Warm | None, default_threads: int | None, process: ProcessRank | None
) -> Conclusion:
    folder = source.folder
    digest: str | None = None
    try:
        text = source.read()
        if _asks_for_data(text):
            asked = parse_document(GenerateRequest, text)
            folder = Path(asked.paths.output)
            ending, digest = _generate(asked, folder)
        else:
            request = parse_document(TrialRequest, text)
            folder = Path(request.paths.output)
            ending, digest = _run(request, folder, warm, default_threads, process)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the scheduler has to be told
        ending = classify(error)
        if ending.reason in {"invalid", "resumable"}:
            _log.info("%s", ending.message)
        else:
            _log.exception("%s", ending.message)
    return Conclusion(ending, folder, digest)


def _run(
    request: TrialRequest, folder: Path, warm: Warm | None, default_threads: int | None, process: ProcessRank | None
) -> tuple[Ending, str | None]:
    for needed in (folder, Path(request.paths.checkpoints), Path(request.paths.cache)):
        require_writable(needed)
    if os.environ.get("HF_HUB_OFFLINE") == "1":
        switch_offline()
    with ExitStack() as stack:
        reporter = _reporter(request, stack, process)
        reporter.phase("starting")
        apply_threads(default_threads)
        from lamina_trainer.distributed.process_group import ProcessGroup
        from lamina_trainer.trial.run import run_trial

        group = ProcessGroup(process)
        result = run_trial(request, reporter, warm, group)
        group.close()
    return finished(result), write_result(result, folder) if group.is_main else None


def _generate(request: GenerateRequest, folder: Path) -> tuple[Ending, str | None]:
    from lamina_trainer.generate.attempt import run_generation
    from lamina_trainer.generate.endpoint import UnavailableError

    for needed in (folder, Path(request.paths.checkpoints), Path(request.paths.cache)):
        require_writable(needed)
    with ExitStack() as stack:
        reporter = _reporter(request, stack, None)
        reporter.phase("starting")
        try:
            result = run_generation(request, reporter)
        except UnavailableError as error:
            return Ending("crashed", str(error)), None
    records, answers = result.dataset.records, result.report.counts.answers
    return Ending("succeeded", f"{records} records of {answers} answers."), write_result(result, folder)


def _reporter(request: TrialRequest | GenerateRequest, stack: ExitStack, process: ProcessRank | None) -> Reporter:
    # Taken out of the environment: nothing that the trial starts or records needs it.
    token = os.environ.pop(TOKEN_VARIABLE, "")
    if request.events_url is None or (process is not None and process.rank > 0):
        return NullReporter()
    reporter = HttpReporter(request.events_url, token)
    stack.callback(reporter.close)
    return reporter


def _asks_for_data(text: bytes) -> bool:
    """Whether a request is of this kind; of a text that is no request, validation will say more."""
    try:
        document: Any = json.loads(text)
    except ValueError:
        return False
    return isinstance(document, Mapping) and document.get("kind") == "generate"

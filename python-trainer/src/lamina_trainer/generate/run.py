"""Generates a data set into a folder: the shell around what is asked, kept and refined."""

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

from filelock import FileLock, Timeout

from lamina_trainer.contract.document import write_document
from lamina_trainer.contract.generation import GenerationCounts, GenerationReport, GenerationSpec
from lamina_trainer.contract.settings import FileDataset
from lamina_trainer.data.rendering import load_texts
from lamina_trainer.errors import InvalidError, StoppedError
from lamina_trainer.generate.endpoint import OpenAiClient, RefusedError
from lamina_trainer.generate.journal import Answer, Journal
from lamina_trainer.generate.prompts import Request, requests_of
from lamina_trainer.generate.refine import Refined, refine
from lamina_trainer.generate.report import contamination_report, stored_report, usage_of
from lamina_trainer.generate.serving import serving
from lamina_trainer.generate.spec import answers_from, spec_hash
from lamina_trainer.host.files import require_writable, write_atomic
from lamina_trainer.host.stop import stop_requested

_log = logging.getLogger(__name__)

_SAY_EVERY_SECONDS: Final = 10.0


def generate(spec: GenerationSpec, folder: Path, answered: Callable[[int], None] = lambda _: None) -> GenerationReport:
    """Make the data set, or find it made: `datasets/<sha>.jsonl` and `reports/<spec>.json` in `folder`.

    Answers go into `answers/<endpoint>.jsonl`, shared by all specs with the same endpoint: other filters
    cost no request. `answered` hears every few seconds how many requests have an answer.

    Raises InvalidError where no retry can help, UnavailableError where the endpoint does not answer,
    StoppedError after a stop; after the last two the same call continues.
    """
    require_writable(folder)
    key = spec_hash(spec)
    datasets, report_file = folder / "datasets", folder / "reports" / f"{key[:32]}.json"
    found = stored_report(report_file, datasets)
    if found is not None:
        _log.info("The data set is there: %s", datasets / found.data)
        return found
    requests = requests_of(spec)
    scored = [
        text
        for file in spec.contamination.files
        for text in load_texts(
            FileDataset(source="file", path=file.path, format=file.format, fields=file.fields, fingerprint=None)
        )
    ]
    endpoint = "\n".join(answers_from(spec.endpoint).values())
    journal_path = folder / "answers" / f"{hashlib.sha256(endpoint.encode()).hexdigest()[:32]}.jsonl"
    journal_path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(journal_path), Journal(journal_path) as journal:
        refusals = _ask(spec, requests, journal, answered)
        answers = {request.key: journal.answers[request.key] for request in requests if request.key in journal.answers}
        sends = sum(journal.sent.get(request.key, 0) for request in requests) - len(refusals)
    if not answers:
        raise InvalidError(f"{spec.endpoint.base_url or 'The model'} turned down every request: {refusals[0]}")
    refined = refine(
        [(request.prompt, answers[request.key]) for request in requests if request.key in answers], spec, scored
    )
    if refined.overlap.trained_on == 0:
        raise InvalidError(
            f"No record to train on is left of {len(answers)} answers: {_reasons(refined)}. They are kept, and "
            "asked for again only where sampling or prompts change; loosen filters, duplicates or contamination."
        )
    data = "".join(
        json.dumps({"prompt": record.prompt, "completion": record.completion}, ensure_ascii=False) + "\n"
        for record in refined.records
    )
    digest = hashlib.sha256(data.encode()).hexdigest()
    report = GenerationReport(
        spec_sha256=key,
        data_sha256=digest,
        data=f"{digest[:32]}.jsonl",
        models=sorted({answer.model for answer in answers.values() if answer.model is not None}),
        counts=GenerationCounts(
            requests=len(requests),
            answers=len(answers),
            refused=len(refusals),
            dropped=refined.dropped,
            records=len(refined.records),
        ),
        usage=usage_of(list(answers.values()), sends, spec.prices),
        contamination=contamination_report(
            refined.overlap, spec.contamination.ngram, float(spec.contamination.max_share)
        ),
        refusals=refusals[:5],
    )
    write_atomic(datasets / report.data, data)
    write_atomic(report_file, write_document(report) + "\n")
    return report


def _reasons(refined: Refined) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in refined.dropped.items())


@contextmanager
def _alone(journal: Path) -> Iterator[None]:
    """Hold the journal; waits for another process that asks the same endpoint: it may ask what we want."""
    lock = FileLock(journal.with_suffix(".lock"))
    told = False
    while True:
        try:
            lock.acquire(timeout=0.5, poll_interval=0.1)
        except Timeout:
            if stop_requested():
                raise StoppedError("Asked to stop while another process generates.") from None
            if not told:
                _log.info("Another process is asking the same endpoint; waiting for it.")
                told = True
        else:
            break
    try:
        yield
    finally:
        lock.release()


def _ask(
    spec: GenerationSpec, requests: Sequence[Request], journal: Journal, answered: Callable[[int], None]
) -> list[str]:
    """Ask for what has no answer yet; returns what the endpoint said to requests that it turned down."""
    open_requests = [request for request in requests if request.key not in journal.answers]
    _log.info("%d of %d requests are answered already.", len(requests) - len(open_requests), len(requests))
    if not open_requests:
        return []
    stop = threading.Event()
    refused: dict[str, str] = {}
    with serving(spec.endpoint) as endpoint, OpenAiClient(endpoint, spec.limits, stop) as client:

        def ask(request: Request) -> None:
            if stop.is_set():
                raise StoppedError("Asked to stop.")
            try:
                answer: Answer = client.ask(request, lambda: journal.send(request.key))
            except RefusedError as error:
                refused[request.key] = str(error)
            else:
                journal.answer(request.key, answer)

        with ThreadPoolExecutor(spec.limits.concurrency, thread_name_prefix="lamina-generate") as pool:
            try:
                _follow([pool.submit(ask, request) for request in open_requests], len(requests), answered)
            except BaseException:
                # What is in flight is still waited for and kept: it is paid for.
                stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
    return [refused[request.key] for request in open_requests if request.key in refused]


def _follow(futures: Sequence[Future[None]], total: int, answered: Callable[[int], None]) -> None:
    finished: SimpleQueue[Future[None]] = SimpleQueue()
    for future in futures:
        future.add_done_callback(finished.put)
    said, done = time.monotonic(), total - len(futures)
    while done < total:
        with suppress(Empty):
            finished.get(timeout=0.5).result()
            done += 1
        if stop_requested():
            raise StoppedError("Asked to stop; the answers so far are kept, and the same command continues.")
        if time.monotonic() - said >= _SAY_EVERY_SECONDS:
            said = time.monotonic()
            _log.info("%d of %d requests answered.", done, total)
            answered(done)

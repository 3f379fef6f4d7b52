"""Data sets written by a model: from a spec to a file, whatever the endpoint and the machine do."""

import json
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from lamina_trainer.contract.generation import GenerationReport
from lamina_trainer.contract.settings import FileDataset, TextField
from lamina_trainer.data.rendering import load_texts
from lamina_trainer.errors import EXIT_INVALID, EXIT_RESUMABLE, InvalidError, StoppedError
from lamina_trainer.generate.endpoint import UnavailableError
from lamina_trainer.generate.journal import Answer, Journal
from lamina_trainer.generate.rate_limiter import RateLimiter
from lamina_trainer.generate.run import generate
from lamina_trainer.generate.spec import read_spec
from lamina_trainer.host.files import sha256_of_file
from lamina_trainer.host.stop import clear_stop, request_stop
from openai_server import OpenAiServer, says, topics

SOURCES = Path(__file__).resolve().parents[1] / "src"
FAST = {"requestsPerMinute": None, "concurrency": 4, "firstRetrySeconds": 0.01, "timeoutSeconds": 10}


@pytest.fixture
def server() -> Iterator[OpenAiServer]:
    running = OpenAiServer()
    yield running
    running.stop()


def write_spec(folder: Path, url: str, count: int = 12, **changes: Any) -> Path:
    endpoint = {"baseUrl": url, "model": "writer", **changes.pop("endpoint", {})}
    document = {
        "prompts": {"source": "topics", "topics": list(topics(count)), "templates": ["Write about {topic}."]},
        "endpoint": endpoint,
        "limits": {**FAST, **changes.pop("limits", {})},
        "contamination": {"fraction": None},
        **changes,
    }
    path = folder / "spec.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def make(folder: Path, url: str, count: int = 12, **changes: Any) -> GenerationReport:
    return generate(read_spec(write_spec(folder, url, count, **changes)), folder / "made")


def command(spec: Path, folder: Path, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "lamina_trainer", "generate", str(spec), "--to", str(folder)],
        env={**os.environ, "PYTHONPATH": str(SOURCES), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_spec_becomes_a_file_the_trainer_reads(tmp_path: Path, server: OpenAiServer):
    prices = {"inputPerMillion": 1.0, "outputPerMillion": 4.0}
    report = make(tmp_path, server.url, prices=prices)
    data = tmp_path / "made" / "datasets" / report.data
    assert report.data_sha256 == sha256_of_file(data)
    texts = load_texts(
        FileDataset(
            source="file",
            path=str(data),
            format="jsonl",
            fields=TextField(text="completion"),
            fingerprint=f"sha256:{report.data_sha256}",
        )
    )
    prompts = [f"Write about {topic}." for topic in topics(12)]
    assert texts == [server.write(prompt) for prompt in prompts]
    assert report.counts.records == report.counts.answers == report.counts.requests == 12
    assert report.usage.prompt_tokens == sum(len(prompt.split()) for prompt in prompts)
    assert report.usage.completion_tokens == sum(len(text.split()) for text in texts)
    assert report.usage.cost == pytest.approx((report.usage.prompt_tokens + 4 * report.usage.completion_tokens) / 1e6)
    assert report.models == ("writer-1",) or list(report.models) == ["writer-1"]


def test_the_same_spec_asks_nothing_and_other_filters_ask_nothing_either(tmp_path: Path, server: OpenAiServer):
    first = make(tmp_path, server.url)
    assert make(tmp_path, server.url, limits={"concurrency": 1}) == first
    stricter = make(tmp_path, server.url, filters={"maxWords": 1000})
    assert stricter.data_sha256 == first.data_sha256
    assert stricter.spec_sha256 != first.spec_sha256
    data = tmp_path / "made" / "datasets" / first.data
    data.write_text("damaged", encoding="utf-8")
    assert make(tmp_path, server.url) == first
    assert sha256_of_file(data) == first.data_sha256
    assert set(server.asked.values()) == {1}
    larger = make(tmp_path, server.url, 15)
    assert (larger.counts.requests, sum(server.asked.values())) == (15, 15)


def test_prompts_come_from_a_file_beside_the_spec(tmp_path: Path, server: OpenAiServer):
    lines = [{"title": "Tides", "words": 40}, {"title": "Moss", "words": 50}]
    (tmp_path / "prompts.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    prompts = {"source": "file", "path": "prompts.jsonl", "template": "{title} in {words} words"}
    first = make(tmp_path, server.url, prompts=prompts, endpoint={"api": "completions"}, system="Be plain.")
    assert set(server.asked) == {"Be plain.\n\nTides in 40 words", "Be plain.\n\nMoss in 50 words"}
    (tmp_path / "prompts.jsonl").write_text(json.dumps(lines[0]), encoding="utf-8")
    second = make(tmp_path, server.url, prompts=prompts, endpoint={"api": "completions"}, system="Be plain.")
    assert (first.counts.records, second.counts.records, sum(server.asked.values())) == (2, 1, 2)
    with pytest.raises(InvalidError, match=r"Line 1 of .* has no field 'name'; its fields are: title, words"):
        make(tmp_path, server.url, prompts={**prompts, "template": "{name}"})


def test_passing_failures_cost_tries_and_no_record(tmp_path: Path, server: OpenAiServer):
    at = format_datetime(datetime.now(UTC) - timedelta(seconds=5), usegmt=True)
    server.faults = [
        (429, {"retry-after": "0"}, says("slow down")),
        (500, {}, "oops"),
        "cut",
        "malformed",
        (503, {"retry-after": at}, says("busy")),
        (200, {}, "<html>a proxy</html>"),
        (200, {}, json.dumps({"choices": []})),
    ]
    report = make(tmp_path, server.url)
    assert (report.counts.records, report.usage.unanswered_sends) == (12, 7)
    assert sum(server.asked.values()) == 19


def test_a_pause_that_the_server_asks_for_holds_every_thread_back(tmp_path: Path, server: OpenAiServer):
    rate_limiter = RateLimiter(None, threading.Event())
    rate_limiter.pause(0.3)
    started = time.monotonic()
    assert rate_limiter.wait()
    assert time.monotonic() - started >= 0.29
    server.faults = [(429, {"retry-after": "1"}, says("slow down"))]
    started = time.monotonic()
    make(tmp_path, server.url, 1, limits={"concurrency": 1})
    assert time.monotonic() - started >= 0.99
    server.faults = [(429, {"retry-after": "9999"}, says("tomorrow"))]
    with pytest.raises(UnavailableError, match=r"pause of 9999 s, longer than limits\.longestWaitSeconds"):
        make(tmp_path, server.url, limits={"concurrency": 1})


def test_requests_are_spaced_and_a_stop_ends_the_wait():
    stop = threading.Event()
    rate_limiter = RateLimiter(600, stop)
    started = time.monotonic()
    assert all(rate_limiter.wait() for _ in range(4))
    assert time.monotonic() - started >= 0.29
    rate_limiter.pause(1000)
    threading.Timer(0.05, stop.set).start()
    assert not rate_limiter.wait()


def test_no_more_requests_are_under_way_than_allowed(tmp_path: Path, server: OpenAiServer):
    server.delay = 0.02
    make(tmp_path, server.url, 20, limits={"concurrency": 3})
    assert server.most_alive == 3


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ((401, {}, says("bad key")), r"refuses access \(401\): bad key; name the variable"),
        ((404, {}, says("no such model")), r"'writer' .*its models are: writer, writer-large"),
        ((429, {}, json.dumps({"error": {"message": "pay", "code": "insufficient_quota"}})), "quota .* is used up"),
        ((302, {"location": "https://elsewhere/"}, ""), r"answered 302: .*check endpoint\.baseUrl"),
        ((400, {}, says("temperature must be 1")), "turned down every request: 400: temperature must be 1"),
    ],
)
def test_what_no_retry_can_help_ends_at_once_with_the_fix(
    tmp_path: Path, server: OpenAiServer, fault: Any, message: str
):
    server.always = fault
    with pytest.raises(InvalidError, match=message):
        make(tmp_path, server.url)
    assert set(server.asked.values()) == {1}


def test_a_request_that_is_turned_down_is_counted_and_the_rest_goes_on(tmp_path: Path, server: OpenAiServer):
    server.faults = [(400, {}, says("too long for the context"))]
    report = make(tmp_path, server.url)
    assert (report.counts.refused, report.counts.records, report.usage.unanswered_sends) == (1, 11, 0)
    assert list(report.refusals) == ["400: too long for the context"]


def test_an_endpoint_that_is_down_is_named_and_the_run_continues_later(tmp_path: Path, server: OpenAiServer):
    gone = OpenAiServer()
    gone.stop()
    with pytest.raises(UnavailableError, match=r"gave no answer in 2 tries \(ConnectError.*See that it runs"):
        make(tmp_path, gone.url, limits={"attempts": 2})
    finished = command(write_spec(tmp_path, gone.url, limits={"attempts": 1}), tmp_path / "made")
    output, errors = finished.communicate(timeout=60)
    assert (finished.returncode, output) == (EXIT_RESUMABLE, "")
    assert "the same command continues" in errors


def test_no_record_left_says_what_took_them(tmp_path: Path, server: OpenAiServer):
    server.finish = "length"
    with pytest.raises(InvalidError, match="No record to train on is left of 12 answers: 12 truncated"):
        make(tmp_path, server.url)
    assert make(tmp_path, server.url, filters={"truncated": "keep"}).counts.records == 12
    assert sum(server.asked.values()) == 12


def test_without_usage_no_tokens_and_no_cost_are_made_up(tmp_path: Path, server: OpenAiServer):
    server.usage = False
    usage = make(tmp_path, server.url, prices={"inputPerMillion": 1.0, "outputPerMillion": 1.0}).usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cost, usage.answers_without_usage) == (
        None,
        None,
        None,
        12,
    )


def test_the_key_comes_from_its_variable_and_goes_nowhere_else(tmp_path: Path, server: OpenAiServer):
    key = "sk-5e1f0a77c0ffee"
    spec = write_spec(tmp_path, server.url, endpoint={"apiKeyVariable": "WRITER_KEY"})
    server.faults = [(500, {}, f"the key {key} met an error")]
    process = command(spec, tmp_path / "made", WRITER_KEY=key)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, server.keys) == (0, {f"Bearer {key}"})
    server.always = (401, {}, says(f"Incorrect API key provided: {key}"))
    refused = command(
        write_spec(tmp_path, server.url, 13, endpoint={"apiKeyVariable": "WRITER_KEY"}),
        tmp_path / "made",
        WRITER_KEY=key,
    )
    refused_output, refused_errors = refused.communicate(timeout=60)
    assert refused.returncode == EXIT_INVALID
    assert "check the key in the variable WRITER_KEY" in refused_errors
    written = "".join(path.read_text("utf-8") for path in (tmp_path / "made").rglob("*") if path.is_file())
    assert key not in output + errors + refused_output + refused_errors + written
    assert "met an error" in errors
    unset = command(spec.with_name("spec.json"), tmp_path / "other")
    assert "WRITER_KEY, which endpoint.apiKeyVariable names, is not set" in unset.communicate(timeout=60)[1]


def test_a_stop_keeps_what_was_answered(tmp_path: Path, server: OpenAiServer, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    server.delay = 0.05
    threading.Timer(0.3, request_stop).start()
    try:
        with pytest.raises(StoppedError, match="same command continues"):
            make(tmp_path, server.url, 60)
    finally:
        clear_stop()
    answered = sum(server.asked.values())
    assert 0 < answered < 60
    assert make(tmp_path, server.url, 60).counts.records == 60
    assert set(server.asked.values()) == {1}
    assert f"{answered} of 60 requests are answered already" in caplog.text


def test_killed_again_and_again_it_pays_for_nothing_twice_but_what_was_under_way(tmp_path: Path, server: OpenAiServer):
    undisturbed = make(tmp_path, server.url, 80)
    server.asked.clear()
    server.delay = 0.05
    spec, folder = write_spec(tmp_path, server.url, 80), tmp_path / "killed"
    chance = random.Random(20)
    kills = 0
    while kills < 6:
        before = sum(server.asked.values())
        process = command(spec, folder)
        # It is asking; the moment of the kill is any.
        while sum(server.asked.values()) == before and process.poll() is None:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        kills += 1
    process = command(spec, folder)
    output, _ = process.communicate(timeout=60)
    report = GenerationReport.model_validate_json(output)
    assert report.data_sha256 == undisturbed.data_sha256
    assert report.counts == undisturbed.counts
    twice = sum(server.asked.values()) - 80
    assert 0 <= twice <= kills * FAST["concurrency"]
    # Every try that was perhaps paid for in vain is told.
    assert report.usage.unanswered_sends >= twice


def test_two_at_once_share_their_answers(tmp_path: Path, server: OpenAiServer):
    server.delay = 0.02
    spec, folder = write_spec(tmp_path, server.url, 40), tmp_path / "made"
    both = [command(spec, folder) for _ in range(2)]
    reports = [GenerationReport.model_validate_json(process.communicate(timeout=60)[0]) for process in both]
    assert reports[0] == reports[1]
    assert set(server.asked.values()) == {1}


def test_a_journal_cut_anywhere_loses_at_most_its_last_line(tmp_path: Path):
    path = tmp_path / "answers.jsonl"
    with Journal(path) as journal:
        for index in range(3):
            journal.send(f"k{index}")
            journal.answer(f"k{index}", Answer(f"tëxt\n{index}", "stop", 1, 2, "m"))
    whole = path.read_bytes()
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        complete = whole[:length].count(b"\n")
        with Journal(path) as journal:
            assert len(journal.answers) == complete // 2
            journal.answer("new", Answer("x", None, None, None, None))
        with Journal(path) as journal:
            assert len(journal.answers) == complete // 2 + 1
            assert all(journal.answers[f"k{index}"].text == f"tëxt\n{index}" for index in range(complete // 2))
    path.write_bytes(b'{"other": 1}\n' + whole)
    with pytest.raises(InvalidError, match=r"Line 1 of .* is damaged"):
        Journal(path)

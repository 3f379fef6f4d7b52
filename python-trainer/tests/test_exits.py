"""Every kind of ending becomes an exit code and one sentence."""

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lamina_trainer.attempt.exits import Ending, classify, write_exit
from lamina_trainer.attempt.request_source import RequestSource
from lamina_trainer.attempt.run import run_attempt
from lamina_trainer.errors import InvalidError, StoppedError
from lamina_trainer.failures import EXIT_CODES
from tiny import llama_config, make_request, save_model, save_texts

SOURCES = Path(__file__).resolve().parents[1] / "src"


class OutOfMemoryError(RuntimeError):
    """By its name the one of torch."""


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (InvalidError("No column 'text'."), 64, "invalid"),
        (StoppedError("Stopped at step 3."), 75, "resumable"),
        (OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), 65, "gpuOutOfMemory"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), 65, "gpuOutOfMemory"),
        (MemoryError(), 66, "hostOutOfMemory"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory"),
            66,
            "hostOutOfMemory",
        ),
        (OSError(12, "Cannot allocate memory"), 66, "hostOutOfMemory"),
        (RuntimeError("CUDA error: uncorrectable ECC error encountered\nCompile with"), 67, "gpuFault"),
        (RuntimeError("CUDA error: unspecified launch failure"), 67, "gpuFault"),
        (RuntimeError("CUDA error: device-side assert triggered"), 1, "crashed"),
        (PermissionError(13, "Permission denied", "/models/a.safetensors"), 64, "invalid"),
        (PermissionError("Permission denied (os error 13)"), 64, "invalid"),
        (PermissionError(1, "Operation not permitted"), 1, "crashed"),
        (KeyError("lm_head"), 1, "crashed"),
        (KeyboardInterrupt(), 1, "crashed"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_exceptions_are_told_apart(error: BaseException, code: int, reason: str):
    ending = classify(error)
    assert (ending.code, ending.reason) == (code, reason)
    assert ending.message
    assert "\n" not in ending.message


CASES = json.loads((SOURCES.parents[1] / "domain" / "failures" / "testing" / "cases.json").read_text())
"""What both runners are tested with, too."""


@pytest.mark.parametrize(
    ("failure_class", "line"),
    [(name, line) for name, case in CASES.items() for line in case["lines"] if "Warning:" not in line],
)
def test_the_words_of_an_exception_are_read_as_runners_read_a_log(failure_class: str, line: str):
    ending = classify(RuntimeError(line))
    assert ending.code == (CASES[failure_class]["exit"] or EXIT_CODES["crashed"])
    named = not ending.message.startswith("The trainer failed with")
    assert named == (failure_class != "crashed")


def test_exit_codes_are_those_of_the_schedulers_classes():
    codes = {case["exit"] for case in CASES.values() if case["exit"] is not None}
    assert codes | {0} == set(EXIT_CODES.values())


def test_an_exception_without_words_is_known_by_its_type():
    assert classify(MemoryError()).message == "The host's memory was not enough: MemoryError"


def test_torchs_own_exception_is_known():
    import torch

    assert classify(torch.OutOfMemoryError("CUDA out of memory.")).reason == "gpuOutOfMemory"
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60, dtype=torch.uint8)
    assert classify(raised.value).reason == "hostOutOfMemory"


def test_exit_goes_to_the_termination_message_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    termination = tmp_path / "termination-log"
    termination.touch()
    monkeypatch.setenv("LAMINA_TERMINATION_LOG", str(termination))
    write_exit(Ending("crashed", "ä" * 5000), tmp_path, None)
    assert len(termination.read_bytes()) <= 4096
    assert json.loads(termination.read_text())["code"] == 1
    assert json.loads((tmp_path / "exit.json").read_text())["reason"] == "crashed"
    monkeypatch.setenv("LAMINA_TERMINATION_LOG", str(tmp_path / "no" / "such" / "folder"))
    write_exit(Ending("succeeded", "Finished."), tmp_path, "0" * 64)
    assert json.loads((tmp_path / "exit.json").read_text())["resultSha256"] == "0" * 64


@pytest.mark.parametrize("content", [None, "not json", "{}"], ids=["missing", "broken", "empty"])
def test_a_bad_request_is_invalid_and_says_so_beside_it(tmp_path: Path, content: str | None):
    request = tmp_path / "request.json"
    if content is not None:
        request.write_text(content)
    assert run_attempt(RequestSource.from_file(request)) == 64
    exit_document = json.loads((tmp_path / "exit.json").read_text())
    assert exit_document["reason"] == "invalid"
    assert exit_document["resumable"] is False


def test_a_request_in_the_environment_is_taken_out_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LAMINA_REQUEST", '{"ä": 1}')
    source = RequestSource.from_environment("LAMINA_REQUEST")
    assert "LAMINA_REQUEST" not in os.environ
    assert source.read() == '{"ä": 1}'.encode()
    termination = tmp_path / "termination-log"
    monkeypatch.setenv("LAMINA_TERMINATION_LOG", str(termination))
    assert run_attempt(source) == 64
    assert "contract" in json.loads(termination.read_text())["message"]
    assert run_attempt(RequestSource.from_environment("LAMINA_REQUEST")) == 64
    assert "LAMINA_REQUEST" in json.loads(termination.read_text())["message"]


@pytest.mark.parametrize("name", ["output", "checkpoints", "cache"])
def test_a_folder_that_cannot_be_made_is_invalid(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "file").touch()
    request = make_request(tmp_path, tmp_path, tmp_path)
    paths = request.paths.model_copy(update={name: str(tmp_path / "file" / "folder")})
    text = request.model_copy(update={"paths": paths}).model_dump_json(by_alias=True).encode()
    assert run_attempt(RequestSource(text, None, None)) == 64
    assert f"{tmp_path}/file/folder cannot be made" in capsys.readouterr().err


def write_request(tmp_path: Path, **changes) -> Path:
    model = save_model(tmp_path / "model", llama_config(2))
    texts = save_texts(tmp_path / "texts.jsonl")
    request = make_request(tmp_path, model, texts, **changes)
    file = Path(request.paths.output) / "request.json"
    file.write_text(request.model_dump_json(by_alias=True))
    return file


def start(request: Path) -> subprocess.Popen[bytes]:
    log = (request.parent / "log.txt").open("wb")
    return subprocess.Popen(
        [sys.executable, "-m", "lamina_trainer", "run", "--request", str(request)],
        env={**os.environ, "PYTHONPATH": str(SOURCES), "LAMINA_ATTEMPT_TOKEN": "a-secret-token"},
        stdout=log,
        stderr=subprocess.STDOUT,
    )


def test_a_trial_in_a_process_of_its_own(tmp_path: Path):
    request = write_request(tmp_path)
    assert start(request).wait(100) == 0
    folder = request.parent
    exit_document = json.loads((folder / "exit.json").read_text())
    result = (folder / "result.json").read_bytes()
    assert exit_document["resultSha256"] == hashlib.sha256(result).hexdigest()
    loss = json.loads(result)["trained"]["loss"]
    assert exit_document["message"] == f"Finished with a held-out loss of {loss:.4f}."
    for file in folder.iterdir():
        if file.is_file():
            assert b"a-secret-token" not in file.read_bytes()


def test_sigterm_in_training_is_resumable(tmp_path: Path):
    request = write_request(tmp_path, training={"steps": 100_000, "checkpointEvery": 1})
    process = start(request)
    checkpoints = tmp_path / "t-tiny" / "checkpoints"
    give_up_at = time.monotonic() + 60
    while not any(path.name.startswith("step-") for path in checkpoints.glob("*")):
        assert process.poll() is None, (request.parent / "log.txt").read_text()
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    process.terminate()
    assert process.wait(30) == 75
    exit_document = json.loads((request.parent / "exit.json").read_text())
    assert exit_document["resumable"] is True
    assert exit_document["reason"] == "resumable"
    assert not (request.parent / "result.json").exists()

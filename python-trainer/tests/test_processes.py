"""Several processes train as one does: the same samples, the same losses, the same files."""

import json
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from lamina_trainer.attempt.launch import launch
from lamina_trainer.attempt.preload import preload
from lamina_trainer.attempt.request_source import RequestSource
from lamina_trainer.contract.document import parse_document
from lamina_trainer.contract.result import TrialResult
from tiny import LORA, llama_config, make_request, save_model, save_texts

NO_DROPOUT = {**LORA, "dropout": 0.0}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    preload()
    root = tmp_path_factory.mktemp("shelf")
    return {
        "model": save_model(root / "model", llama_config(3)),
        "texts": save_texts(root / "texts.jsonl"),
        "cache": root,
    }


class Forked:
    """A process that has the libraries already; otherwise each test would spend its time importing them."""

    def __init__(self, source: RequestSource, env: dict[str, str]) -> None:
        self._code: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
            os.environ.update(env)
            os._exit(launch(source))

    def poll(self) -> int | None:
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code

    def wait(self, timeout: float) -> int:
        give_up_at = time.monotonic() + timeout
        while (code := self.poll()) is None:
            assert time.monotonic() < give_up_at
            time.sleep(0.02)
        return code

    def terminate(self) -> None:
        os.kill(self.pid, signal.SIGTERM)


def start(
    root: Path, shelf: dict[str, Path], processes: int, env: dict[str, str] | None = None, **changes: Any
) -> tuple[Forked, Path]:
    plan = {"gpus": processes, **changes.pop("plan", {})}
    request = make_request(root, shelf["model"], shelf["texts"], plan=plan, **{"lora": NO_DROPOUT, **changes})
    source = RequestSource(request.model_dump_json(by_alias=True).encode(), None, None)
    return Forked(source, {"LAMINA_CPU_PROCESSES": "1", **(env or {})}), Path(request.paths.output)


def finish(root: Path, shelf: dict[str, Path], processes: int, **changes: Any) -> TrialResult:
    process, output = start(root, shelf, processes, **changes)
    assert process.wait(100) == 0, (output / "log.txt").read_text()
    return parse_document(TrialResult, (output / "result.json").read_bytes())


METHODS = [
    ("fp32", "full", {"learningRate": 0.003, "checkpointing": True}),
    ("bf16", "lora", {"maxGradNorm": None}),
    ("nf4-dq", "qlora", {}),
]


@pytest.mark.parametrize(("precision", "method", "training"), METHODS, ids=[m for _, m, _ in METHODS])
def test_two_processes_have_the_numbers_of_one(tmp_path: Path, shelf: dict[str, Path], precision, method, training):
    settings = {"precision": precision, "method": method, "evaluation": EVALUATION}
    one = finish(tmp_path / "1", shelf, 1, training={**training, "microBatch": 4}, **settings)
    plan = {"microBatch": 1, "accumulation": 2}
    two = finish(tmp_path / "2", shelf, 2, training={**training, "microBatch": 4}, plan=plan, **settings)
    assert two.raw is not None
    assert one.raw is not None
    assert two.trained is not None
    assert one.trained is not None
    assert two.raw.loss == pytest.approx(one.raw.loss, abs=1e-6)
    assert two.trained.loss == pytest.approx(one.trained.loss, abs=1e-3)
    assert two.trained.loss_standard_error == pytest.approx(one.trained.loss_standard_error, abs=1e-3)
    assert two.trained.tokens == one.trained.tokens
    for left, right in zip(two.training.losses, one.training.losses, strict=True):
        assert left.loss == pytest.approx(right.loss, abs=1e-3)
    assert (two.training.tokens, two.training.samples) == (one.training.tokens, one.training.samples)
    assert two.training.step_tokens == one.training.step_tokens
    assert two.model == one.model


EVALUATION = {
    "fraction": 0.3,
    "maxTokens": 144,
    "microBatch": 2,
    "beforeTraining": True,
    "inference": None,
    "gguf": None,
    "tasks": None,
}
"""Nine blocks in five batches: an odd number for two processes."""


def wait_for_checkpoint(process: Forked, output: Path) -> None:
    give_up_at = time.monotonic() + 60
    while not any(path.name.startswith("step-") for path in (output.parent / "checkpoints").glob("*")):
        assert process.poll() is None, (output / "log.txt").read_text()
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def test_a_stop_saves_and_another_number_of_processes_goes_on(tmp_path: Path, shelf: dict[str, Path]):
    settings = {"precision": "fp32", "method": "full"}
    training = {"steps": 100_000, "checkpointEvery": 1, "microBatch": 4, "learningRate": 1e-5}
    process, output = start(tmp_path, shelf, 2, training=training, plan={"microBatch": 2}, **settings)
    wait_for_checkpoint(process, output)
    process.terminate()
    assert process.wait(60) == 75, (output / "log.txt").read_text()
    assert json.loads((output / "exit.json").read_text())["reason"] == "resumable"
    stopped_after = max(int(path.name[5:]) for path in (output.parent / "checkpoints").glob("step-*"))
    training["steps"] = stopped_after + 2
    alone = finish(tmp_path, shelf, 1, training=training, attempt=2, resume=True, **settings)
    assert alone.training.resumed_from_step == stopped_after
    training["steps"] += 2
    together = finish(tmp_path, shelf, 2, training=training, plan={"microBatch": 2}, attempt=3, resume=True, **settings)
    assert together.training.resumed_from_step is not None
    assert together.training.resumed_from_step >= stopped_after


def test_a_process_that_fails_ends_all_with_its_reason(tmp_path: Path, shelf: dict[str, Path]):
    process, output = start(tmp_path, shelf, 2, training={"steps": 3}, env={"LAMINA_GPU_MEMORY_LIMIT": "1"})
    assert process.wait(60) == 65, (output / "log.txt").read_text()
    assert json.loads((output / "exit.json").read_text())["reason"] == "gpuOutOfMemory"


def children(process: Forked) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_all_as_it_ended(tmp_path: Path, shelf: dict[str, Path], rank: int):
    process, output = start(tmp_path, shelf, 2, training={"steps": 100_000, "checkpointEvery": 1})
    wait_for_checkpoint(process, output)
    processes = children(process)
    os.kill(processes[rank], signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    assert not (output / "exit.json").exists()
    assert not any(Path(f"/proc/{pid}").exists() for pid in processes)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def nodes(index: int, port: int, which: str = "LAMINA_NODE_RANK") -> dict[str, str]:
    return {
        "LAMINA_NODES": "2",
        which: str(index),
        "LAMINA_MASTER_ADDRESS": "127.0.0.1",
        "LAMINA_MASTER_PORT": str(port),
    }


def test_two_nodes_train_as_one_process(tmp_path: Path, shelf: dict[str, Path]):
    port = free_port()
    changes = {"training": {"microBatch": 2}, "plan": {"microBatch": 1}}
    second, output = start(tmp_path, shelf, 2, env=nodes(1, port, "JOB_COMPLETION_INDEX"), **changes)
    first, _ = start(tmp_path, shelf, 2, env=nodes(0, port), **changes)
    assert (first.wait(60), second.wait(60)) == (0, 0), (output / "log.txt").read_text()
    two = parse_document(TrialResult, (output / "result.json").read_bytes())
    assert json.loads((output / "exit.json").read_text())["resultSha256"]
    one = finish(tmp_path / "alone", shelf, 1, training={"microBatch": 2})
    for left, right in zip(two.training.losses, one.training.losses, strict=True):
        assert left.loss == pytest.approx(right.loss, abs=1e-3)


def test_what_goes_wrong_on_another_node_is_what_is_told(tmp_path: Path, shelf: dict[str, Path]):
    port = free_port()
    limited = {**nodes(1, port), "LAMINA_GPU_MEMORY_LIMIT": "1"}
    second, output = start(tmp_path, shelf, 2, env=limited, plan={"microBatch": 1})
    first, _ = start(tmp_path, shelf, 2, env=nodes(0, port), plan={"microBatch": 1})
    assert (first.wait(60), second.wait(60)) == (1, 65), (output / "log.txt").read_text()
    assert json.loads((output / "exit.json").read_text())["reason"] == "gpuOutOfMemory"


def test_a_stop_while_waiting_for_the_other_node_is_resumable(tmp_path: Path, shelf: dict[str, Path]):
    process, output = start(tmp_path, shelf, 2, env=nodes(0, free_port()))
    give_up_at = time.monotonic() + 30
    while not (output / "log.txt").exists():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    process.terminate()
    assert process.wait(30) == 75, (output / "log.txt").read_text()


def test_without_enough_gpus_several_are_invalid(tmp_path: Path, shelf: dict[str, Path]):
    process, output = start(tmp_path, shelf, 2, env={"LAMINA_CPU_PROCESSES": "0", "CUDA_VISIBLE_DEVICES": "0"})
    assert process.wait(30) == 64
    assert json.loads((output / "exit.json").read_text())["message"] == "2 GPUs were asked for; this machine has 1."

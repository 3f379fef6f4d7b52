"""The GPUs of a machine, as a stand-in for NVML shows them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from lamina_trainer.contract.document import parse_document
from lamina_trainer.host.device import cpu_capabilities, device_capabilities
from lamina_trainer.host.gpus import GpuReport
from lamina_trainer.measure.environment import device_name

ROOT = Path(__file__).resolve().parents[2]
GIB = 2**30
H100 = {"name": "NVIDIA H100 80GB HBM3", "total": 80 * GIB}


def ask(command: str, tmp_path: Path, machine: dict[str, Any], visible: str | None = None) -> str:
    file = tmp_path / "gpus.json"
    file.write_text(json.dumps({"driver": "580.65.06", **machine}))
    env = {**os.environ, "FAKE_GPUS": str(file)}
    env["PYTHONPATH"] = f"{ROOT / 'tests/support/nvml'}:{ROOT / 'python-trainer/src'}"
    env.pop("CUDA_VISIBLE_DEVICES", None)
    if visible is not None:
        env["CUDA_VISIBLE_DEVICES"] = visible
    finished = subprocess.run(
        [sys.executable, "-m", "lamina_trainer", command],
        env=env,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return finished.stdout


def report(tmp_path: Path, machine: dict[str, Any], visible: str | None = None) -> GpuReport:
    return parse_document(GpuReport, ask("gpus", tmp_path, machine, visible))


def test_every_gpu_with_its_memory_and_the_processes_that_hold_it(tmp_path: Path):
    own = os.getpid()
    held = {**H100, "uuid": "GPU-b", "used": 20 * GIB, "processes": [[own, 19 * GIB]], "eccErrors": 2}
    found = report(tmp_path, {"gpus": [{**H100, "uuid": "GPU-a"}, held]})
    assert (found.driver, found.problem) == ("580.65.06", None)
    free, used = found.gpus
    assert (free.uuid, free.index, free.name) == ("GPU-a", "0", H100["name"])
    assert (free.free_bytes, free.processes, free.uncorrected_errors) == (80 * GIB, [], None)
    assert (used.free_bytes, used.uncorrected_errors, used.compute_capability) == (60 * GIB, 2, "9.0")
    (process,) = used.processes
    assert (process.pid, process.memory_bytes) == (own, 19 * GIB)
    assert process.name == Path("/proc/self/comm").read_text().strip()


def test_slices_take_the_place_of_their_gpu(tmp_path: Path):
    slices = [{"uuid": f"MIG-{name}", "profile": "3g.40gb", "total": 40 * GIB} for name in "xy"]
    found = report(tmp_path, {"gpus": [{**H100, "uuid": "GPU-a", "slices": slices}, {**H100, "uuid": "GPU-b"}]})
    assert [(gpu.uuid, gpu.index, gpu.mig) for gpu in found.gpus] == [
        ("MIG-x", "0:0", "3g.40gb"),
        ("MIG-y", "0:1", "3g.40gb"),
        ("GPU-b", "1", None),
    ]
    assert found.gpus[0].name == "NVIDIA H100 80GB HBM3 MIG 3g.40gb"


def test_a_lost_gpu_is_not_listed_and_hides_no_other(tmp_path: Path):
    found = report(tmp_path, {"gpus": [{**H100, "uuid": "GPU-a", "lost": True}, {**H100, "uuid": "GPU-b"}]})
    assert [gpu.uuid for gpu in found.gpus] == ["GPU-b"]


def test_memory_that_nvml_does_not_count_is_not_a_problem(tmp_path: Path):
    (gpu,) = report(tmp_path, {"gpus": [{"name": "NVIDIA GB10", "uuid": "GPU-a"}]}).gpus
    assert (gpu.memory_bytes, gpu.free_bytes, gpu.problem) == (None, None, None)


@pytest.mark.parametrize(
    ("visible", "expected"),
    [(None, "abc"), ("", ""), ("2,0", "ca"), ("GPU-b", "b"), ("1,9,0", "b"), ("-1,0", ""), ("GPU-", "")],
    ids=str,
)
def test_only_gpus_that_the_variable_names(tmp_path: Path, visible: str | None, expected: str):
    gpus = [{**H100, "uuid": f"GPU-{name}"} for name in "abc"]
    found = report(tmp_path, {"gpus": gpus}, visible)
    assert [gpu.uuid for gpu in found.gpus] == [f"GPU-{name}" for name in expected]


def test_a_driver_that_refuses_is_told_from_no_driver(tmp_path: Path):
    assert report(tmp_path, {"error": 12, "gpus": []}).problem is None
    assert report(tmp_path, {"error": 18, "gpus": []}).problem == "Driver/library version mismatch"


def test_the_capabilities_are_those_of_the_first_gpu_that_may_be_used(tmp_path: Path):
    old = {"name": "Tesla T4", "uuid": "GPU-t", "total": 15 * GIB, "capability": [7, 5]}
    machine = {"gpus": [{**H100, "uuid": "GPU-h"}, old]}
    assert json.loads(ask("device", tmp_path, machine))["fast16Bit"] is True
    assert json.loads(ask("device", tmp_path, machine, "1")) == {
        "kind": "cuda",
        "name": "Tesla T4",
        "computeCapability": "7.5",
        "fast16Bit": False,
        "features": [],
        "memoryBytes": 15 * GIB,
    }
    assert json.loads(ask("device", tmp_path, machine, ""))["kind"] == "cpu"


def test_a_result_names_what_pytorch_computes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "gpus.json"
    file.write_text(json.dumps({"driver": "580.65.06", "gpus": [{**H100, "uuid": "GPU-a"}]}))
    monkeypatch.setenv("FAKE_GPUS", str(file))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.syspath_prepend(str(ROOT / "tests/support/nvml"))
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    assert device_capabilities().name == H100["name"]
    assert device_name(torch.device("cpu")) == cpu_capabilities().name != H100["name"]
    monkeypatch.delitem(sys.modules, "pynvml")

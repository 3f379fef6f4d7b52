"""The supervisor changes neither exit codes nor signals, and keeps what was printed to the last byte."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[1] / "src"


def supervised(log: Path, body: str, *prefix: str, stdout=subprocess.PIPE) -> subprocess.Popen[str]:
    program = (
        "import os, signal, sys, time\nfrom pathlib import Path\n"
        "from lamina_trainer.distributed.supervisor import Supervisor, exit_as\n"
        "from lamina_trainer.host.stop import stop_requested\n"
        f"def body(tell):\n    {body}\n"
        f"sys.exit(exit_as(Supervisor(Path({str(log)!r})).run([body])[0].code))\n"
    )
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        stdout=stdout,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(text: str, log: Path) -> None:
    give_up_at = time.monotonic() + 30
    while not (log.exists() and text in log.read_text()):
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


def test_what_python_and_native_code_print_is_kept_and_passed_on(tmp_path: Path):
    log = tmp_path / "log.txt"
    log.write_text("before\n")
    body = "print('python'); os.system('echo native; echo wrong >&2'); print('x' * 300000); return 7"
    process = supervised(log, body)
    printed, _ = process.communicate(timeout=30)
    assert process.returncode == 7
    assert printed == "python\nnative\nwrong\n" + "x" * 300000 + "\n"
    assert log.read_text() == "before\n" + printed


def test_an_exception_is_printed_and_a_crash(tmp_path: Path):
    process = supervised(tmp_path / "log.txt", "raise KeyError('lm_head')")
    assert process.wait(30) == 1
    assert "KeyError: 'lm_head'" in (tmp_path / "log.txt").read_text()


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT], ids=lambda n: n.name)
def test_death_by_a_signal_is_passed_on_with_the_last_words(tmp_path: Path, number: signal.Signals):
    log = tmp_path / "log.txt"
    body = f"os.write(2, b'last words\\n'); os.kill(os.getpid(), {int(number)})"
    assert supervised(log, body).wait(30) == -number
    assert log.read_text() == "last words\n"


def test_a_stop_reaches_the_child_as_the_flag(tmp_path: Path):
    log = tmp_path / "log.txt"
    body = "print('ready')\n    while not stop_requested(): time.sleep(0.02)\n    print('stopping'); return 75"
    process = supervised(log, body)
    wait_for("ready", log)
    process.terminate()
    assert process.wait(30) == 75
    assert log.read_text() == "ready\nstopping\n"


def test_a_killed_supervisor_takes_the_child_along(tmp_path: Path):
    log = tmp_path / "log.txt"
    process = supervised(log, "print(os.getpid()); time.sleep(600)")
    wait_for("\n", log)
    child = int(log.read_text())
    process.kill()
    process.wait(30)
    give_up_at = time.monotonic() + 30
    while Path(f"/proc/{child}").exists():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


def test_an_orphan_that_holds_the_output_does_not_hold_the_end(tmp_path: Path):
    body = "os.system('sleep 600 & echo $!'); return 3"
    process = supervised(tmp_path / "log.txt", body, stdout=subprocess.DEVNULL)
    assert process.wait(30) == 3
    os.kill(int((tmp_path / "log.txt").read_text()), signal.SIGKILL)


def test_a_reader_that_went_away_and_a_log_without_room_do_not_end_it(tmp_path: Path):
    log = tmp_path / "log.txt"
    process = supervised(log, "time.sleep(0.5); print('still here'); return 5")
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(30) == 5
    assert log.read_text() == "still here\n"
    process = supervised(Path("/dev/full"), "print('on the terminal'); return 5")
    printed, _ = process.communicate(timeout=30)
    assert (process.returncode, printed) == (5, "on the terminal\n")

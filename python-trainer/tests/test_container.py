"""As in a pod: the first process, a read-only root, a user without name or home, the request in a variable."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tiny import llama_config, make_request, save_model, save_texts

SOURCES = Path(__file__).resolve().parents[1] / "src"
USER = 12345
NAMESPACES = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]


def namespaces_missing() -> str | None:
    if not all(map(shutil.which, ("unshare", "setpriv", "mount"))):
        return "needs unshare, setpriv and mount (Linux)"
    tried = subprocess.run([*NAMESPACES, "true"], capture_output=True, text=True, check=False)
    return None if tried.returncode == 0 else "needs the right to make namespaces: run the tests as root"


pytestmark = pytest.mark.skipif(namespaces_missing() is not None, reason=str(namespaces_missing()))


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that the user may write to; those of pytest are private."""
    folder = Path(tempfile.mkdtemp(prefix="lamina-pod-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def closed_ancestor(path: str) -> Path | None:
    """The uppermost folder over `path` that others may not enter."""
    return next((p for p in reversed(Path(path).parents) if not p.stat().st_mode & 0o001), None)


def script(place: Path) -> str:
    """Shell commands that open the way to the interpreter, write-protect everything, and change the user."""
    needed = sorted({sys.prefix, sys.base_prefix})
    closed = {p for p in map(closed_ancestor, needed) if p is not None}
    lines = ["set -e", f"mkdir {place}/hold", f"mount --bind {place} {place}"]
    lines += [f"mkdir {place}/hold/{i}; mount --bind {path} {place}/hold/{i}" for i, path in enumerate(needed)]
    lines += [f"mount -t tmpfs -o mode=755 none {path}" for path in closed]
    lines += [f"mkdir -p {path}; mount --bind {place}/hold/{i} {path}" for i, path in enumerate(needed)]
    lines += ["cd /", "mount -o remount,bind,ro /", *(f"mount -o remount,ro {path}" for path in closed)]
    lines.append(f'exec setpriv --reuid {USER} --regid {USER} --clear-groups --no-new-privs --inh-caps=-all "$@"')
    return "\n".join(lines)


def start(place: Path, request: str, *command: str) -> subprocess.Popen[str]:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": "/",
        "TMPDIR": "/tmp",
        "PYTHONPATH": str(SOURCES),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "LAMINA_REQUEST": request,
        "LAMINA_TERMINATION_LOG": str(place / "termination-log"),
    }
    return subprocess.Popen(
        [*NAMESPACES, "sh", "-c", script(place), "sh", sys.executable, *command],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def first_process(process: subprocess.Popen[str]) -> int:
    """Seen from here, the id of the first process of the namespace."""
    return int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])


def open_up(place: Path) -> None:
    for path in place.rglob("*"):
        os.chown(path, USER, USER)


def test_a_stopped_pod_leaves_a_checkpoint_and_the_next_one_goes_on(place: Path):
    model, texts = save_model(place / "model", llama_config(2)), save_texts(place / "texts.jsonl")
    request = make_request(place, model, texts, training={"steps": 200_000, "checkpointEvery": 1})
    (place / "termination-log").touch()
    open_up(place)
    process = start(
        place, request.model_dump_json(by_alias=True), "-m", "lamina_trainer", "run", "--request-env", "LAMINA_REQUEST"
    )
    checkpoints = Path(request.paths.checkpoints)
    give_up_at = time.monotonic() + 60
    while not any(path.name.startswith("step-") for path in checkpoints.glob("*")):
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    os.kill(first_process(process), signal.SIGTERM)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 75, printed
    output = Path(request.paths.output)
    assert (output / "log.txt").read_text() == printed
    assert "Stopped after step" in printed
    message = (place / "termination-log").read_bytes()
    assert len(message) <= 4096
    assert json.loads(message) == json.loads((output / "exit.json").read_text())
    assert json.loads(message)["resumable"] is True
    assert {path.name for path in output.iterdir()} <= {"exit.json", "log.txt", "tensorboard"}


def test_libraries_find_a_home_and_a_place_for_temporary_files(place: Path):
    probe = (
        "import os, sys, tempfile; from pathlib import Path\n"
        "from lamina_trainer.host.environment import prepare_environment\n"
        f"prepare_environment(Path('{place}/cache'))\n"
        "import getpass, torch._inductor.runtime.cache_dir_utils as inductor\n"
        "print(os.getpid(), os.getuid(), Path.home(), getpass.getuser(), tempfile.mkdtemp(), inductor.cache_dir())"
    )
    printed, _ = start(place, "{}", "-c", probe).communicate(timeout=60)
    pid, user, home, name, temporary, inductor = printed.split()
    assert (pid, user, name) == ("1", str(USER), f"uid-{USER}")
    assert home == f"{place}/cache/home"
    assert temporary.startswith(f"{place}/cache/tmp/")
    assert inductor == f"{place}/cache/home/torchinductor"

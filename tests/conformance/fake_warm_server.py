"""The trainer's own warm server, with the fake trainer in its forks."""

import os
import sys
from pathlib import Path

from lamina_trainer.attempt.warm_server import _Server, _sole_server

FAKE_TRAINER = Path(__file__).with_name("fake-trainer.sh")


def run(request: Path) -> int:
    os.chdir(request.parent)
    os.execv("/bin/sh", ["sh", str(FAKE_TRAINER), "--request", str(request)])  # noqa: S606


socket = Path(sys.argv[sys.argv.index("--socket") + 1])
lock = _sole_server(socket)
if lock is not None:
    sys.exit(_Server(socket, lock, 3.0, run).run())

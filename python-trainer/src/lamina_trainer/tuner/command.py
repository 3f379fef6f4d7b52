"""`lamina_trainer tuner`: the worker's command."""

import argparse
import os
from typing import Any, Final

from lamina_trainer.errors import InvalidError
from lamina_trainer.tuner import TASK_QUEUE

STORAGE_VARIABLE: Final = "LAMINA_TUNER_STORAGE"


def add_tuner(commands: Any) -> None:
    """Add the command to a parser."""
    tuner = commands.add_parser("tuner", help="answer searches: a Temporal worker that asks Optuna")
    tuner.add_argument("--temporal", metavar="HOST:PORT", default="127.0.0.1:7233", help="the Temporal server")
    tuner.add_argument("--namespace", default="default")
    tuner.add_argument("--task-queue", default=TASK_QUEUE)
    tuner.add_argument(
        "--storage",
        metavar="URL-or-PATH",
        help=f"postgresql:// or a folder; put a URL with a password into {STORAGE_VARIABLE}",
    )
    tuner.add_argument("--exit-with-parent", action="store_true", help="end when the process that started this ends")
    tuner.set_defaults(command=_tuner)


def _tuner(options: argparse.Namespace) -> int:
    location = options.storage or os.environ.get(STORAGE_VARIABLE)
    if not location:
        raise InvalidError(f"Say where studies are kept, with --storage or {STORAGE_VARIABLE}.")
    # Asked before the imports, which take seconds: a parent that dies meanwhile must not be taken for another.
    parent = os.getppid() if options.exit_with_parent else None
    from lamina_trainer.tuner.storage import open_storage
    from lamina_trainer.tuner.worker import Server, run_worker

    server = Server(options.temporal, options.namespace, options.task_queue)
    return run_worker(server, open_storage(location), parent)

"""Starts an attempt: in this process, or in child processes under a supervisor."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lamina_trainer.attempt.request_source import Outline, RequestSource
from lamina_trainer.distributed.rank import ProcessRank, local_ranks, nodes_from
from lamina_trainer.distributed.supervisor import ChildFunction, Supervisor, exit_as
from lamina_trainer.errors import InvalidError
from lamina_trainer.host.environment import prepare_environment
from lamina_trainer.host.stop import stop_on_signals


def launch(source: RequestSource) -> int:
    """Run the attempt and return its exit code.

    What it prints, native code included, also goes to log.txt in its output folder. If standard output
    is that file already and one process is enough, the attempt runs in this process.
    """
    outline = source.outline()
    log = None
    processes: list[ProcessRank] = []
    if outline is not None:
        prepare_environment(outline.cache)
        log = _log_file(outline)
        try:
            processes = local_ranks(outline.gpus, os.environ)
        except InvalidError as error:
            source = replace(source, failure=str(error), folder=outline.output)
    if processes:
        return _in_several_processes(source, processes, log)
    if log is None:
        stop_on_signals()
        return _in_one_process(source)
    return exit_as(Supervisor(log).run([lambda _: _in_one_process(source)])[0].code)


def _in_one_process(source: RequestSource) -> int:
    from lamina_trainer.attempt.run import run_attempt

    return run_attempt(source)


def _in_several_processes(source: RequestSource, processes: list[ProcessRank], log: Path | None) -> int:
    began = time.time()
    ended = Supervisor(log).run([_child_of_rank(source, process) for process in processes])
    from lamina_trainer.attempt.joint_exit import write_joint_exit

    return exit_as(write_joint_exit(ended, nodes_from(os.environ).index, began))


def _child_of_rank(source: RequestSource, process: ProcessRank) -> ChildFunction:
    def run(send_message: Callable[[bytes], None]) -> int:
        from lamina_trainer.attempt.joint_exit import encode
        from lamina_trainer.attempt.run import run_rank

        conclusion = run_rank(source, process)
        send_message(encode(conclusion))
        return conclusion.ending.code

    return run


def _log_file(outline: Outline) -> Path | None:
    """Where the log goes; None if it goes there anyway, or cannot."""
    file = outline.output / "log.txt"
    try:
        outline.output.mkdir(parents=True, exist_ok=True)
        if file.exists() and os.path.samestat(os.fstat(1), file.stat()):
            return None
    except OSError as error:
        print(f"The log cannot be kept in {file}: {error.strerror}.", file=sys.stderr)
        return None
    return file

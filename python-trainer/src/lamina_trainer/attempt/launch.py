"""Starts an attempt: in this process, or in processes of its own under a supervisor."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lamina_trainer.attempt.request_source import Outline, RequestSource
from lamina_trainer.distributed.rank import Place, nodes_from, shares
from lamina_trainer.distributed.supervisor import Body, Supervisor, end_as
from lamina_trainer.errors import InvalidError
from lamina_trainer.host.environment import settle
from lamina_trainer.host.stop import stop_on_signals


def launch(source: RequestSource) -> int:
    """Run the attempt and return its exit code.

    What it prints, native code included, also goes to log.txt in its output folder. Where standard
    output is that file already, and one process is enough, the attempt runs in this very process.
    """
    outline = source.outline()
    log = None
    processes: list[Place] = []
    if outline is not None:
        settle(outline.cache)
        log = _log_file(outline)
        try:
            processes = shares(outline.gpus, os.environ)
        except InvalidError as error:
            source = replace(source, failure=str(error), folder=outline.output)
    if processes:
        return _together(source, processes, log)
    if log is None:
        stop_on_signals()
        return _alone(source)
    return end_as(Supervisor(log).run([lambda _: _alone(source)])[0].code)


def _alone(source: RequestSource) -> int:
    from lamina_trainer.attempt.run import run_attempt

    return run_attempt(source)


def _together(source: RequestSource, processes: list[Place], log: Path | None) -> int:
    began = time.time()
    ended = Supervisor(log).run([_share(source, place) for place in processes])
    from lamina_trainer.attempt.verdict import conclude

    return end_as(conclude(ended, nodes_from(os.environ).index, began))


def _share(source: RequestSource, place: Place) -> Body:
    def run(tell: Callable[[bytes], None]) -> int:
        from lamina_trainer.attempt.run import run_share
        from lamina_trainer.attempt.verdict import encode

        conclusion = run_share(source, place)
        tell(encode(conclusion))
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

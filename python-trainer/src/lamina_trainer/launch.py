"""Starts an attempt: in this process, or in processes of its own under a supervisor."""

import os
import sys
from pathlib import Path

from lamina_trainer.request_source import Outline, RequestSource
from lamina_trainer.stop import stop_on_signals
from lamina_trainer.supervise import Supervisor
from lamina_trainer.surroundings import settle


def launch(source: RequestSource) -> int:
    """Run the attempt and return its exit code.

    What it prints, native code included, also goes to log.txt in its output folder. Where standard
    output is that file already, the attempt runs in this very process.
    """
    outline = source.outline()
    log = None
    if outline is not None:
        settle(outline.cache)
        log = _log_file(outline)
    if log is None:
        stop_on_signals()
        return _attempt(source)
    return Supervisor(log).run([lambda: _attempt(source)])


def _attempt(source: RequestSource) -> int:
    from lamina_trainer.attempt import run_attempt

    return run_attempt(source)


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

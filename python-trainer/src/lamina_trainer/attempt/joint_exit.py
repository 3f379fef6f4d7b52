"""Derives the one exit of an attempt from the exits of its processes."""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lamina_trainer.attempt.exits import Conclusion, Ending, write_exit
from lamina_trainer.distributed.supervisor import ChildExit
from lamina_trainer.failures import EXIT_CODES, FAILURES

_LAST: Final = ("killed", "crashed", "resumable")
_PRECEDENCE: Final = (*(one.exit for one in FAILURES if one.exit not in _LAST), *_LAST)
"""Precedence where processes ended differently: the first of these that any of them ended with."""
_OTHER_NODE_SECONDS: Final = 3.0


def encode(conclusion: Conclusion) -> bytes:
    """Encode a conclusion as the message to the supervisor."""
    ending, folder = conclusion.ending, conclusion.folder
    return json.dumps(
        {
            "reason": ending.reason,
            "message": ending.message[:2000],
            "lostPeer": ending.lost_peer,
            "subject": ending.subject,
            "folder": None if folder is None else str(folder),
            "digest": conclusion.result_sha256,
        }
    ).encode()


def write_joint_exit(ended: Sequence[ChildExit], node: int, began: float) -> int:
    """Write down how the attempt ended; returns its exit code, or the negative number of a signal.

    A process that a signal killed left no message. This process then ends by the same signal, which its parent
    sees, and nothing is written. Several nodes write one exit.json: node 0 that of a whole attempt, the others only
    what went wrong on them. What lies there from before `began` (seconds since the epoch) is that of an
    earlier start of the same attempt.
    """
    by_precedence = sorted((_decoded(one) for one in ended), key=lambda pair: _precedence(*pair))
    conclusion, one = by_precedence[0]
    if conclusion is None:
        return one.code
    ending, folder = conclusion.ending, conclusion.folder
    if node > 0:
        elsewhere = ending.lost_peer or ending.reason in {"succeeded", "resumable"}
    else:
        elsewhere = ending.lost_peer and folder is not None and _written_elsewhere(folder / "exit.json", began)
    folder = None if elsewhere else folder
    digest = next((c.result_sha256 for c, _ in by_precedence if c is not None and c.result_sha256 is not None), None)
    try:
        write_exit(ending, folder, digest if ending.reason == "succeeded" else None)
    except OSError as error:
        print(f"exit.json could not be written: {error}", file=sys.stderr)
    return ending.code


def _decoded(one: ChildExit) -> tuple[Conclusion | None, ChildExit]:
    if not one.message or one.code < 0:
        return None, one
    document = json.loads(one.message)
    ending = Ending(document["reason"], document["message"], document["lostPeer"], document["subject"])
    folder = document["folder"]
    return Conclusion(ending, None if folder is None else Path(folder), document["digest"]), one


def _precedence(conclusion: Conclusion | None, one: ChildExit) -> int:
    if one.killed_by_supervisor:
        return len(_PRECEDENCE) + 1
    if conclusion is None:
        return _PRECEDENCE.index("killed")
    if conclusion.ending.lost_peer:
        return len(_PRECEDENCE)
    if conclusion.ending.code == EXIT_CODES["succeeded"]:
        return len(_PRECEDENCE) + 2
    return _PRECEDENCE.index(conclusion.ending.reason)


def _written_elsewhere(file: Path, began: float) -> bool:
    """Whether another node writes what went wrong within a few seconds."""
    give_up_at = time.monotonic() + _OTHER_NODE_SECONDS
    while not (file.exists() and file.stat().st_mtime >= began):
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.1)
    return True

"""The stop flag: raised by SIGTERM, looked at by the training loop between steps."""

import signal
import threading
from types import FrameType

_requested = threading.Event()


def stop_requested() -> bool:
    """Whether the trial should save a checkpoint and raise StoppedError at the next step boundary."""
    return _requested.is_set()


def request_stop() -> None:
    """Raise the flag."""
    _requested.set()


def clear_stop() -> None:
    """Lower the flag."""
    _requested.clear()


def stop_on_signals() -> None:
    """Let SIGTERM and SIGINT raise the flag, which is lowered, instead of ending the process. Main thread only."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        request_stop()

    clear_stop()
    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)

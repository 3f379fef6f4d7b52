"""Logging of a service: one plain line an entry."""

import logging
import sys


class OneLine(logging.Formatter):
    """Formats a message and, for an exception, its last line."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Without traceback and line breaks."""
        error = record.exc_info[1] if record.exc_info else None
        plain = logging.makeLogRecord({**record.__dict__, "exc_info": None, "exc_text": None, "stack_info": None})
        words = super().format(plain)
        if error is not None:
            words = f"{words}: {type(error).__name__}: {error}"
        return " ".join(words.split())


def log_in_lines() -> None:
    """Log to standard error from here on; Optuna says only what is wrong."""
    import optuna

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger("temporalio").setLevel(logging.WARNING)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    optuna.logging.disable_default_handler()
    optuna.logging.enable_propagation()

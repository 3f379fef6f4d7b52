"""Configures logging to standard error."""

import logging
import sys


def configure_logging(prefix: str = "") -> None:
    """Log to standard error, one line an entry; the HTTP library's own lines are left out."""
    logging.basicConfig(
        level=logging.INFO,
        format=f"%(asctime)s {prefix}%(levelname)s %(message)s",
        stream=sys.stderr,
        force=True,
    )
    for noisy in ("httpx", "httpcore", "filelock"):
        logging.getLogger(noisy).setLevel(logging.WARNING)

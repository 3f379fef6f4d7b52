"""What a warm server hands to the trials it forks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Warm:
    """What was there before the trial."""

    import_seconds: float
    """Time the libraries took to import in the server; the trial itself spent none."""

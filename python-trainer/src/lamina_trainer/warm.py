"""What a warm server hands to the trials it forks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Warm:
    """Facts about the process that was there before the trial."""

    import_seconds: float
    """Time the libraries took to import in the server; the trial itself spent none."""

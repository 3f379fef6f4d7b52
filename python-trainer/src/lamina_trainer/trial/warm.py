"""What a warm server hands to the trials it forks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Warm:
    """What the server had done before the trial began."""

    import_seconds: float
    """Time the libraries took to import in the server; the trial itself spent none."""

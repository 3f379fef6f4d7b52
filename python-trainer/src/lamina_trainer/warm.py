"""What a warm server holds for the trials it forks: they see it by copy-on-write."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Warm:
    """Objects loaded before the fork. A trial only reads from it, or adds for its own use."""

    import_seconds: float | None = None
    """Time the libraries took to import in the server."""
    tokenizers: dict[str, Any] = field(default_factory=dict)
    """Loaded tokenizers by the resolved path of their folder."""

"""The tuner: a Temporal worker that asks Optuna what to try next."""

from typing import Final

TASK_QUEUE: Final = "lamina-tuner"
"""The name in domain/contract/search.ts."""

"""The tuner: a Temporal worker that asks Optuna what to try next."""

from typing import Final

TASK_QUEUE: Final = "lamina-tuner"
"""As in domain/contract/search.ts."""

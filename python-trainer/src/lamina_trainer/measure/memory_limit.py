"""A cap on the memory that training takes, for machines shared with others and for tests of what exceeds it."""

import os
from typing import Final

import torch

from lamina_trainer.errors import InvalidError
from lamina_trainer.measure.process import peak_rss_bytes

VARIABLE: Final = "LAMINA_GPU_MEMORY_LIMIT"


def requested_limit() -> int | None:
    """Bytes asked for by LAMINA_GPU_MEMORY_LIMIT; None if it is not set."""
    value = os.environ.get(VARIABLE)
    if not value:
        return None
    if not value.isdigit() or int(value) < 1:
        raise InvalidError(f"{VARIABLE} must be a number of bytes, not '{value}'.")
    return int(value)


class MemoryLimit:
    """On a GPU the allocator keeps the limit, weights included, from when this is made.

    A CPU has no such allocator. There the growth of the process over what it held when training began
    is measured, and exceeding the limit raises what the GPU's allocator would.
    """

    def __init__(self, device: torch.device, limit: int | None) -> None:
        self._limit = limit if device.type == "cpu" else None
        self._before = 0
        if device.type == "cuda" and limit is not None:
            total = torch.cuda.get_device_properties(device).total_memory
            torch.cuda.set_per_process_memory_fraction(min(1.0, limit / total), device)

    def training_begins(self) -> None:
        """Call after `reset_peak_rss`."""
        self._before = peak_rss_bytes()

    def check(self) -> None:
        """Raise torch.OutOfMemoryError if the process has grown over the limit since training began."""
        if self._limit is None:
            return
        grown = peak_rss_bytes() - self._before
        if grown > self._limit:
            raise torch.OutOfMemoryError(f"Training took {grown:,} bytes; the limit is {self._limit:,} bytes.")

"""How many threads a trial computes with."""

import os

from lamina_trainer.errors import InvalidError


def yield_while_waiting() -> None:
    """Let waiting OpenMP threads sleep instead of spin. Call it before torch is imported.

    Spinning threads that share cores with anything else, another trial included, keep the thread they
    wait for from running: with a busy machine a step took eight times as long. The variable wins if set.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def requested_threads() -> int | None:
    """Threads asked for by LAMINA_THREADS, else by OMP_NUM_THREADS; None if neither is set."""
    for name in ("LAMINA_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(name)
        if value:
            if not value.isdigit() or int(value) < 1:
                raise InvalidError(f"{name} must be a whole number of threads, not '{value}'.")
            return int(value)
    return None


def apply_threads(default: int | None) -> int:
    """Set torch's thread count and return it. `default` None leaves torch's own choice."""
    import torch

    threads = requested_threads() or default
    if threads is not None:
        torch.set_num_threads(threads)
    return int(torch.get_num_threads())

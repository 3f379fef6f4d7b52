"""Memory and age of this process as the kernel counts them. What cannot be measured is None."""

import contextlib
import ctypes
import os
import resource
import sys
from pathlib import Path

import torch


def peak_rss_bytes() -> int:
    """Peak resident set of this process since the last `reset_peak_rss`."""
    value = _status_bytes("VmHWM")
    if value is not None:
        return value
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def reset_peak_rss() -> bool:
    """Reset the peak (Linux) after giving freed memory back to the system (glibc); returns whether it was reset.

    Without it the peak would be that of loading, in which all precisions and depths look alike.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def current_memory_bytes(device: torch.device) -> int | None:
    """Allocated on the device, or resident on the CPU."""
    if device.type == "cuda":
        return int(torch.cuda.memory_allocated(device))
    return _status_bytes("VmRSS")


def _status_bytes(key: str) -> int | None:
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return None
    return None


def process_seconds() -> float | None:
    """Age of this process: at the start of a trial without a warm server, what its imports took (Linux)."""
    try:
        fields = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        uptime = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return None
    return max(0.0, uptime - int(fields[19]) / os.sysconf("SC_CLK_TCK"))

"""Energy counters: NVML on GPUs, RAPL on CPUs where the kernel lets this user read it. Else None."""

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

EnergySource = Literal["nvml", "rapl"]

RAPL_ROOT: Final = Path("/sys/class/powercap")
IDLE_SECONDS: Final = 1.0
"""How long idle power is measured. NVML's counter moves about ten times a second."""


class RaplCounter:
    """Energy of all processor packages, used by any process (Linux, Documentation/power/powercap)."""

    def __init__(self, root: Path = RAPL_ROOT) -> None:
        """Packages are the zones directly under the control type; those below are parts of them."""
        zones = sorted(zone for zone in root.glob("intel-rapl:*") if zone.name.count(":") == 1)
        self._zones = [zone for zone in zones if _name(zone).startswith("package")]
        self._last = [_read(zone / "energy_uj") for zone in self._zones]
        self._joules = 0.0

    def joules(self) -> float | None:
        """Energy since this counter was made. Must be asked before a counter overflows twice: every few minutes."""
        if not self._zones or any(value is None for value in self._last):
            return None
        for index, zone in enumerate(self._zones):
            now, last = _read(zone / "energy_uj"), self._last[index]
            if now is None or last is None:
                return None
            if now < last:
                overflow = _read(zone / "max_energy_range_uj")
                if overflow is None:
                    return None
                last -= overflow
            self._joules += (now - last) / 1e6
            self._last[index] = now
        return self._joules


def idle_watts(joules: Callable[[], float | None], seconds: float = IDLE_SECONDS) -> float | None:
    """Power while this process does nothing; None, at once, where no counter can be read."""
    before = joules()
    if before is None:
        return None
    began = time.perf_counter()
    time.sleep(seconds)
    after = joules()
    return None if after is None else max(0.0, after - before) / (time.perf_counter() - began)


def total(shares: Sequence[float | None]) -> float | None:
    """Sum over the processes' GPUs; None if any of them was not measured."""
    measured = [share for share in shares if share is not None]
    return math.fsum(measured) if len(measured) == len(shares) else None


class EnergySpan:
    """Energy used between entering and leaving, in `joules`."""

    def __init__(self, joules: Callable[[], float | None]) -> None:
        self._read = joules
        self._before: float | None = None
        self.joules: float | None = None

    def __enter__(self) -> Self:
        self._before = self._read()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        after = self._read()
        if self._before is not None and after is not None:
            self.joules = after - self._before


def _name(zone: Path) -> str:
    try:
        return (zone / "name").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _read(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None

"""Memory and energy by the counters of the device. What cannot be measured is None."""

import os
from collections.abc import Sequence
from typing import Any

import torch

from lamina_trainer.contract.result import MemoryMeasurement
from lamina_trainer.measure.energy import EnergySource, RaplCounter
from lamina_trainer.measure.process import peak_rss_bytes


class DeviceMeter:
    """Counters of the driver and the allocator of one GPU; on a CPU resident memory and, where readable, energy."""

    def __init__(self, device: torch.device, *, alone: bool = True) -> None:
        """With other processes on the same packages (not `alone`), a CPU's energy would count several times."""
        self._device = device
        self._handle: Any = None
        self._peak_process: int | None = None
        self._rapl: RaplCounter | None = None
        if device.type == "cuda":
            self._handle = _nvml_handle(device)
        elif alone:
            self._rapl = RaplCounter()

    def sample(self) -> None:
        """Sample the process's device memory, whose peak is the largest sample; read counters before they overflow."""
        if self._rapl is not None:
            self._rapl.joules()
        if self._handle is None:
            return
        import pynvml

        try:  # cuda-only
            for process in pynvml.nvmlDeviceGetComputeRunningProcesses(self._handle):
                if process.pid == os.getpid() and process.usedGpuMemory is not None:
                    self._peak_process = max(self._peak_process or 0, int(process.usedGpuMemory))
        except pynvml.NVMLError:
            return

    def energy_joules(self) -> float | None:
        """Energy up to now, since any time; only differences mean something."""
        if self._rapl is not None:
            return self._rapl.joules()
        if self._handle is None:
            return None
        import pynvml

        try:  # cuda-only
            return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(self._handle)) / 1000
        except pynvml.NVMLError:
            return None

    def energy_source(self) -> EnergySource | None:
        """Where `energy_joules` comes from; None where it is None."""
        if self.energy_joules() is None:
            return None
        return "nvml" if self._rapl is None else "rapl"

    def driver(self) -> str | None:
        """Driver version."""
        if self._handle is None:
            return None
        import pynvml

        value = pynvml.nvmlSystemGetDriverVersion()
        return value if isinstance(value, str) else value.decode()

    def memory(self) -> MemoryMeasurement:
        """All peaks so far."""
        self.sample()
        cuda = self._device.type == "cuda"
        return MemoryMeasurement(
            peak_allocated_bytes=int(torch.cuda.max_memory_allocated(self._device)) if cuda else None,
            peak_reserved_bytes=int(torch.cuda.max_memory_reserved(self._device)) if cuda else None,
            peak_process_bytes=self._peak_process,
            peak_rss_bytes=peak_rss_bytes(),
        )


def largest_memory(shares: Sequence[MemoryMeasurement]) -> MemoryMeasurement:
    """Return, for each peak, the largest of all processes: each has a GPU of its own, which must hold that much."""

    def largest(values: Sequence[int | None]) -> int | None:
        measured = [value for value in values if value is not None]
        return max(measured) if len(measured) == len(values) else None

    return MemoryMeasurement(
        peak_allocated_bytes=largest([one.peak_allocated_bytes for one in shares]),
        peak_reserved_bytes=largest([one.peak_reserved_bytes for one in shares]),
        peak_process_bytes=largest([one.peak_process_bytes for one in shares]),
        peak_rss_bytes=largest([one.peak_rss_bytes for one in shares]),
    )


def _nvml_handle(device: torch.device) -> Any:  # cuda-only
    import pynvml

    try:
        pynvml.nvmlInit()
        # By UUID: NVML counts all GPUs, CUDA only the visible ones.
        uuid = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
        return pynvml.nvmlDeviceGetHandleByUUID(uuid)
    except (pynvml.NVMLError, AttributeError):
        return None

"""Measurements: parameters, storage, memory, energy, environment. What cannot be measured is None."""

import contextlib
import ctypes
import os
import platform
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lamina_trainer.contract.trial import MemoryMeasurement
from lamina_trainer.host.device import device_capabilities
from lamina_trainer.measure.energy import EnergySource, RaplCounter
from lamina_trainer.quantizers.registry import quantization_constants, quantizer_of_parameter

LIBRARIES = (
    "torch",
    "transformers",
    "peft",
    "bitsandbytes",
    "torchao",
    "accelerate",
    "safetensors",
    "tokenizers",
    "numpy",
)


@dataclass(frozen=True)
class Storage:
    """The base weights of a model: adapters excluded, tied weights counted once."""

    parameters: int
    weight_bytes: int
    quantized_parameters: int
    quantized_bytes: int


def measure_storage(causal: nn.Module) -> Storage:
    """Count logical parameters and measure their bytes, with quantization constants, from the tensors.

    Lookup tables that belong to a format and not to a weight (the 16 values of NF4) are counted once
    per tensor in memory, as they are shared.
    """
    parameters = weight_bytes = quantized_parameters = quantized_bytes = 0
    tables: set[int] = set()
    seen: set[int] = set()
    for name, parameter in causal.named_parameters():
        if "lora_" in name or id(parameter) in seen:
            continue
        seen.add(id(parameter))
        held = quantizer_of_parameter(causal, name)
        constants = [c for c in quantization_constants(causal, name) if not _known(c, tables)]
        size = _nbytes(parameter) + sum(_nbytes(c) for c in constants)
        count = parameter.numel() if held is None else held[0].parameters(held[1])
        parameters += count
        weight_bytes += size
        if held is not None:
            quantized_parameters += count
            quantized_bytes += size
    return Storage(parameters, weight_bytes, quantized_parameters, quantized_bytes)


def _nbytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _known(tensor: Tensor, seen: set[int]) -> bool:
    pointer = tensor.data_ptr()
    if pointer in seen:
        return True
    seen.add(pointer)
    return False


def trainable_count(causal: nn.Module) -> int:
    """Number of parameters that are trained."""
    return sum(p.numel() for p in causal.parameters() if p.requires_grad)


def peak_rss_bytes() -> int:
    """Peak resident set of this process since the last `reset_peak_rss`."""
    value = _status_bytes("VmHWM")
    if value is not None:
        return value
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def reset_peak_rss() -> bool:
    """Let the peak start anew (Linux), after giving freed memory back to the system (glibc); whether it does.

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


class DeviceMeter:
    """Driver-level counters of the GPU in use; on a CPU energy alone, where it can be read."""

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
        """Look at the process's device memory, its peak is that of all looks, and at counters that overflow."""
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
    """Peak by peak the largest over processes: that is what one GPU must have."""

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


def device_name(device: torch.device) -> str:
    """Product name of the GPU or CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return device_capabilities().name


def library_versions() -> dict[str, str]:
    """Versions of what can change a number."""
    versions: dict[str, str] = {}
    for name in LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def python_version() -> str:
    """Version of the interpreter."""
    return platform.python_version()

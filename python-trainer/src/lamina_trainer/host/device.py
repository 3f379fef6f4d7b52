"""Describes the device of this machine without importing torch."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from lamina_trainer.contract.capabilities import capabilities, version
from lamina_trainer.contract.document import Document
from lamina_trainer.host.gpus import gpu_report


class DeviceCapabilities(Document):
    """The facts by which the scheduler drops cells that cannot run and resolves the compute dtype."""

    kind: Literal["cpu", "cuda"]
    name: str
    compute_capability: str | None
    fast16_bit: bool
    """Whether bf16 products are at least as fast as fp32 ones."""
    features: Sequence[str]
    """Those features of the CPU that the table of capabilities names; empty for a GPU."""
    memory_bytes: int | None
    """Memory of the GPU; None for a CPU, whose memory all processes share."""


def device_capabilities() -> DeviceCapabilities:
    """Describe the first GPU that this process may use, else the CPU."""
    return _gpu() or cpu_capabilities()


def cpu_capabilities() -> DeviceCapabilities:
    """Describe the CPU, also where there is a GPU that PyTorch cannot use."""
    return _cpu(Path("/proc/cpuinfo"))


def capabilities_json() -> str:
    """The capabilities as one line of JSON."""
    return json.dumps(device_capabilities().model_dump(by_alias=True))


def _gpu() -> DeviceCapabilities | None:
    gpus = [gpu for gpu in gpu_report().gpus if gpu.compute_capability is not None]
    if not gpus:
        return None
    gpu = gpus[0]
    capability = gpu.compute_capability or ""
    return DeviceCapabilities(
        kind="cuda",
        name=gpu.name,
        compute_capability=capability,
        fast16_bit=version(capability) >= version(capabilities().fast16_bit.compute_capability),
        features=[],
        memory_bytes=gpu.memory_bytes,
    )


def _cpu(cpuinfo: Path) -> DeviceCapabilities:
    import platform

    fields: dict[str, str] = {}
    try:
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    except OSError:
        pass
    flags = set((fields.get("flags") or fields.get("Features") or "").split())
    features = [feature for feature in capabilities().fast16_bit.cpu_features if feature in flags]
    return DeviceCapabilities(
        kind="cpu",
        name=fields.get("model name") or platform.processor() or platform.machine(),
        compute_capability=None,
        fast16_bit=bool(features),
        features=features,
        memory_bytes=None,
    )

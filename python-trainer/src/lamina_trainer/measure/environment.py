"""The device and the library versions that a trial was measured with."""

import platform
from importlib.metadata import PackageNotFoundError, version

import torch

from lamina_trainer.host.device import cpu_capabilities

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


def device_name(device: torch.device) -> str:
    """Product name of the GPU or CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return cpu_capabilities().name


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

"""Stands in for NVML in tests: in front of the real module on PYTHONPATH it shows the GPUs of the file in FAKE_GPUS.

The file is `{"driver": …, "error": number or absent, "gpus": [{"uuid", "name", "capability", "total", "used",
"processes": [[pid, bytes]], "eccErrors", "lost": true, "slices": [{"uuid", "profile", "total", "used"}]}]}`.
Nothing but this module reads the variable.
"""

import json
import os
from pathlib import Path
from types import SimpleNamespace

NVML_ERROR_NOT_SUPPORTED = 3
NVML_ERROR_DRIVER_NOT_LOADED = 9
NVML_ERROR_LIBRARY_NOT_FOUND = 12
NVML_ERROR_GPU_IS_LOST = 15
NVML_MEMORY_ERROR_TYPE_UNCORRECTED = 1
NVML_VOLATILE_ECC = 0
NVML_DEVICE_MIG_ENABLE = 1

_WORDS = {3: "Not Supported", 15: "GPU is lost", 18: "Driver/library version mismatch"}


class NVMLError(Exception):
    def __init__(self, value):
        super().__init__(_WORDS.get(value, f"error {value}"))
        self.value = value


def _machine():
    return json.loads(Path(os.environ["FAKE_GPUS"]).read_text(encoding="utf-8"))


def nvmlInit():
    if (error := _machine().get("error")) is not None:
        raise NVMLError(error)


def nvmlShutdown():
    pass


def nvmlSystemGetDriverVersion():
    return _machine()["driver"]


def nvmlDeviceGetCount():
    return len(_machine()["gpus"])


def nvmlDeviceGetHandleByIndex(index):
    gpu = _machine()["gpus"][index]
    if gpu.get("lost"):
        raise NVMLError(NVML_ERROR_GPU_IS_LOST)
    return gpu


def nvmlDeviceGetHandleByUUID(uuid):
    return next(gpu for gpu in _machine()["gpus"] if gpu["uuid"] == uuid)


def nvmlDeviceGetMigMode(gpu):
    if "slices" not in gpu:
        raise NVMLError(NVML_ERROR_NOT_SUPPORTED)
    return [1, 1]


def nvmlDeviceGetMaxMigDeviceCount(gpu):
    return 7


def nvmlDeviceGetMigDeviceHandleByIndex(gpu, number):
    if number >= len(gpu["slices"]):
        raise NVMLError(NVML_ERROR_NOT_SUPPORTED)
    part = gpu["slices"][number]
    return {"name": f"{gpu['name']} MIG {part['profile']}", **part}


def nvmlDeviceGetName(gpu):
    return gpu["name"]


def nvmlDeviceGetUUID(gpu):
    return gpu["uuid"]


def nvmlDeviceGetCudaComputeCapability(gpu):
    return gpu.get("capability", [9, 0])


def nvmlDeviceGetMemoryInfo(gpu):
    if gpu.get("total") is None:
        raise NVMLError(NVML_ERROR_NOT_SUPPORTED)
    used = gpu.get("used", 0)
    return SimpleNamespace(total=gpu["total"], used=used, free=gpu["total"] - used)


def nvmlDeviceGetTotalEccErrors(gpu, kind, counter):
    if "eccErrors" not in gpu:
        raise NVMLError(NVML_ERROR_NOT_SUPPORTED)
    return gpu["eccErrors"]


def nvmlDeviceGetComputeRunningProcesses(gpu):
    return [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in gpu.get("processes", [])]


def nvmlDeviceGetGraphicsRunningProcesses(gpu):
    return []

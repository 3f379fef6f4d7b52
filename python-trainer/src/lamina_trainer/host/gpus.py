"""The GPUs of this machine by NVML: who holds what. Without importing torch."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from lamina_trainer.contract.document import Document

_MIG_PROFILE: Final = re.compile(r"\bMIG (\S+)$")


class GpuProcess(Document):
    """A process that holds memory of a GPU."""

    pid: int
    name: str | None
    """None for a process of another process namespace, whose name cannot be read."""
    memory_bytes: int | None


class Gpu(Document):
    """A whole GPU, or a MIG slice of one: what `CUDA_VISIBLE_DEVICES` can name."""

    uuid: str
    index: str
    """As nvidia-smi counts; a slice has its GPU's and its own, as in "0:1"."""
    name: str
    mig: str | None
    """Profile of a slice, such as "3g.20gb"."""
    compute_capability: str | None
    memory_bytes: int | None
    """None where memory is shared with the host and NVML does not count it."""
    free_bytes: int | None
    processes: Sequence[GpuProcess]
    uncorrected_errors: int | None
    """Uncorrected ECC errors since the driver was loaded; None where the GPU does not count them."""
    problem: str | None
    """Why the GPU cannot be used; None where nothing is known against it."""


class GpuReport(Document):
    """What NVML says of the GPUs that this process may use."""

    driver: str | None
    gpus: Sequence[Gpu]
    problem: str | None
    """Why nothing could be listed although there is a driver; None where it could, or there is none."""


def gpu_report() -> GpuReport:
    """List the GPUs, less those that `CUDA_VISIBLE_DEVICES` hides; its numbers count as those of nvidia-smi."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        absent = {pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, pynvml.NVML_ERROR_DRIVER_NOT_LOADED}
        return GpuReport(driver=None, gpus=[], problem=None if error.value in absent else str(error))
    try:
        driver = _text(pynvml.nvmlSystemGetDriverVersion())
        gpus = [gpu for index in range(pynvml.nvmlDeviceGetCount()) for gpu in _gpus_at(index)]
        return GpuReport(driver=driver, gpus=_visible(gpus, os.environ.get("CUDA_VISIBLE_DEVICES")), problem=None)
    except pynvml.NVMLError as error:
        return GpuReport(driver=None, gpus=[], problem=str(error))
    finally:
        pynvml.nvmlShutdown()


def _gpus_at(index: int) -> Iterator[Gpu]:
    """The GPU with this index, or its slices; nothing where not even its identity can be read."""
    import pynvml

    handle = _read(pynvml.nvmlDeviceGetHandleByIndex, index)
    if handle is None:
        return
    slices = list(_slices(handle))
    if slices or _mig_is_on(handle):
        for number, part in slices:
            yield _gpu(part, f"{index}:{number}", handle)
    else:
        yield _gpu(handle, str(index), handle)


def _mig_is_on(handle: Any) -> bool:
    import pynvml

    mode = _read(pynvml.nvmlDeviceGetMigMode, handle)
    return mode is not None and mode[0] == pynvml.NVML_DEVICE_MIG_ENABLE


def _slices(handle: Any) -> Iterator[tuple[int, Any]]:
    import pynvml

    if not _mig_is_on(handle):
        return
    for number in range(_read(pynvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0):
        part = _read(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, number)
        if part is not None:
            yield number, part


def _gpu(handle: Any, index: str, whole: Any) -> Gpu:
    """Describe a GPU or slice; `whole` is its GPU, which has the properties that a slice does not tell."""
    import pynvml

    problem = None
    try:
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    except pynvml.NVMLError as error:
        memory = None
        problem = None if error.value == pynvml.NVML_ERROR_NOT_SUPPORTED else str(error)
    name = _text(_read(pynvml.nvmlDeviceGetName, handle) or "NVIDIA GPU")
    profile = _MIG_PROFILE.search(name)
    capability = _read(pynvml.nvmlDeviceGetCudaComputeCapability, whole)
    errors = _read(
        pynvml.nvmlDeviceGetTotalEccErrors,
        whole,
        pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED,
        pynvml.NVML_VOLATILE_ECC,
    )
    return Gpu(
        uuid=_text(_read(pynvml.nvmlDeviceGetUUID, handle) or f"GPU-at-{index}"),
        index=index,
        name=name,
        mig=profile[1] if profile else None,
        compute_capability=f"{capability[0]}.{capability[1]}" if capability else None,
        memory_bytes=int(memory.total) if memory else None,
        free_bytes=int(memory.free) if memory else None,
        processes=_processes(handle),
        uncorrected_errors=None if errors is None else int(errors),
        problem=problem,
    )


def _processes(handle: Any) -> list[GpuProcess]:
    import pynvml

    found: dict[int, GpuProcess] = {}
    for ask in (pynvml.nvmlDeviceGetComputeRunningProcesses, pynvml.nvmlDeviceGetGraphicsRunningProcesses):
        for process in _read(ask, handle) or ():
            used = process.usedGpuMemory
            found[process.pid] = GpuProcess(
                pid=int(process.pid), name=_process_name(process.pid), memory_bytes=None if used is None else int(used)
            )
    return [found[pid] for pid in sorted(found)]


def _process_name(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None


def _visible(gpus: list[Gpu], variable: str | None) -> list[Gpu]:
    """Those that the variable names, in its order; like CUDA it ends at the first name that is unknown."""
    if variable is None:
        return gpus
    chosen: list[Gpu] = []
    for wanted in (part.strip() for part in variable.split(",")):
        matching = [
            gpu
            for gpu in gpus
            if gpu.index.split(":")[0] == wanted or (len(wanted) > 4 and gpu.uuid.startswith(wanted))
        ]
        if not matching:
            break
        chosen.extend(gpu for gpu in matching if gpu not in chosen)
    return chosen


def _read(ask: Any, *arguments: Any) -> Any:
    """The answer of NVML, or None where it has none."""
    import pynvml

    try:
        return ask(*arguments)
    except pynvml.NVMLError:
        return None


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()

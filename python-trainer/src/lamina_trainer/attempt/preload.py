"""Imports what trials need, without starting a thread pool or touching a GPU: a fork must be able to follow."""

import importlib
import logging
import os
import sys
import time
from functools import cache
from typing import Final

from lamina_trainer.host.device import device_capabilities
from lamina_trainer.host.revision import trainer_revision

_log = logging.getLogger(__name__)

_MODULES: Final = (
    "torch",
    "torch.utils.tensorboard",
    "safetensors.torch",
    "tokenizers",
    "transformers",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.modeling_utils",
    "accelerate",
)
_CUDA_TOUCHING: Final = (
    # bitsandbytes asks the GPU for its capability when it is imported, and peft imports bitsandbytes.
    "transformers.integrations.bitsandbytes",
    "peft",
    "peft.tuners.lora",
    "bitsandbytes",
    "bitsandbytes.nn",
    "bitsandbytes.optim",
    "torchao.quantization",
    "lamina_trainer.attempt.run",
    "lamina_trainer.trial.run",
)
_ARCHITECTURES: Final = ("gemma3", "llama", "qwen2", "qwen3", "mistral")
"""Model classes that transformers would import lazily, in every trial again."""

_SINGLE_THREADED: Final = {
    # Pools that are created on import or on first use do not survive a fork.
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # Otherwise asking for a GPU creates a CUDA context, and no forked child could use CUDA.
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
}


def preload() -> tuple[float, int]:
    """Import everything; returns (seconds, thread count that torch would have chosen).

    Afterwards this process computes with one thread, so that no pool comes into being before the forks.
    Where there is a GPU, what would initialise CUDA is left for the children to import.
    """
    started = time.monotonic()
    for name, value in _SINGLE_THREADED.items():
        os.environ.setdefault(name, value)
    import torch

    threads = int(torch.get_num_threads())
    torch.set_num_threads(1)
    for module in _MODULES if _gpu_present() else (*_MODULES, *_CUDA_TOUCHING):
        _import(module)
    for architecture in _ARCHITECTURES:
        _import(f"transformers.models.{architecture}.modeling_{architecture}")
    trainer_revision()
    return time.monotonic() - started, threads


def forked_without_cuda() -> bool:
    """Whether this forked process can no longer use a GPU that is there, because its parent has."""
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda._is_in_bad_fork()) and _gpu_present()


@cache
def _gpu_present() -> bool:
    return device_capabilities().kind == "cuda"


def _import(module: str) -> None:
    try:
        importlib.import_module(module)
    except ImportError as error:
        # A trial that needs it will fail with the reason; the others must not.
        _log.warning("Could not preload %s: %s", module, error)

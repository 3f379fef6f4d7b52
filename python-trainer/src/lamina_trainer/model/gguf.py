"""GGUF files as folders that transformers loads in a second, converted once per machine.

The weights are saved as fp32. A K-quant's values are products of an fp16 scale, a 6-bit scale and a
4-bit integer, which transformers dequantizes in fp32; in bf16 88 % of those of Gemma 3 270M would
change, and the `fp32` and `bf16` cells of a matrix would start from the same rounded numbers. At fp32
nothing is lost, the file is twice as large (1.07 GB there), and it is read through the page cache.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

from lamina_trainer.errors import ModelError, blamed_on
from lamina_trainer.host.files import build_once, open_to_readers, remembered_sha256
from lamina_trainer.model.loading import check_loaded
from lamina_trainer.model.weight_files import refuse_pointer

_FORMAT: Final = 1
"""Version in the folder's name: increase it when the same file converts differently."""

_log = logging.getLogger(__name__)


def converted_gguf(path: Path, cache_folder: Path, fingerprint: str | None = None) -> Path:
    """Return the folder with safetensors, configuration and tokenizer of a GGUF file.

    The first call on a machine converts it (about a minute for 270 M parameters), others wait for it.
    Raises ModelError if the file is missing, is no GGUF, has an architecture that transformers cannot
    read, or is not the file with `fingerprint` (SHA-256 of its bytes).
    """
    if not path.is_file():
        raise ModelError(f"The model file {path} does not exist or is not a file.")
    refuse_pointer(path)
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise ModelError(f"The model file {path} is not a GGUF file.")
    digest = remembered_sha256(path, cache_folder)
    if fingerprint is not None and fingerprint.removeprefix("sha256:") != digest:
        raise ModelError(f"The model file {path} has changed since the experiment was submitted; submit again.")
    return build_once(
        cache_folder / "gguf" / f"{digest[:32]}-{_FORMAT}",
        lambda folder: _convert(path, folder),
        waiting=lambda: _log.info("Another process is converting %s; waiting for it.", path.name),
    )


def _convert(path: Path, folder: Path) -> None:
    started = time.monotonic()
    _log.info("Converting %s to safetensors (once on this machine).", path.name)
    with blamed_on(ModelError, f"The model file {path} cannot be read"), _one_quick_reader():
        _convert_tokenizer(path, folder)
        _log.info("Converted the tokenizer after %.0f s.", time.monotonic() - started)
        _convert_weights(path, folder)
        open_to_readers(folder)
    _log.info("Converted %s in %.0f s.", path.name, time.monotonic() - started)


@contextmanager
def _one_quick_reader() -> Iterator[None]:
    """Let transformers parse the file's header once instead of three times, and on plain arrays.

    With a vocabulary of 262,144 entries nearly all of the time goes into slicing a numpy memmap, whose
    slices are objects of a Python class.
    """
    import gguf
    import numpy as np

    original = gguf.GGUFReader

    class PlainReader(original):  # type: ignore[misc, valid-type]
        @property
        def data(self) -> Any:
            return self._plain

        @data.setter
        def data(self, mapped: Any) -> None:
            self._plain = np.asarray(mapped)

    gguf.GGUFReader = cache(PlainReader)
    try:
        yield
    finally:
        gguf.GGUFReader = original


def _convert_tokenizer(path: Path, folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name, local_files_only=True)
    tokenizer.save_pretrained(str(folder))


def _convert_weights(path: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    quantized: Any
    quantized, found = AutoModelForCausalLM.from_pretrained(
        str(path.parent),
        gguf_file=path.name,
        dtype=torch.float32,
        local_files_only=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
    )
    check_loaded(path.name, quantized, found)
    config = quantized.config
    # The loaded model remembers its quantizer and refuses to be saved; a fresh one does not know of it.
    del config.quantization_config
    with torch.device("meta"):
        fresh: Any = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    fresh.load_state_dict(quantized.state_dict(), assign=True)
    fresh.tie_weights()
    fresh.save_pretrained(str(folder))

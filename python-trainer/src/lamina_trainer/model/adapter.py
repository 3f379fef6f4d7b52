"""Adapters as files: saved together with what identifies their base, loaded only onto that base."""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn

from lamina_trainer.contract.document import Document, parse_document, write_document
from lamina_trainer.contract.settings import ListedLayers
from lamina_trainer.contract.vocabulary import Precision, ResolvedDtype
from lamina_trainer.errors import InvalidError
from lamina_trainer.host.files import open_to_readers, sha256_of_file, write_atomic
from lamina_trainer.model.cut import cut
from lamina_trainer.model.loading import LoadedModel, load_model
from lamina_trainer.model.precision import apply_precision, resolve_numerics, set_matmul_mode
from lamina_trainer.quantizers.checkpoint import check_checkpoint, default_precision
from lamina_trainer.quantizers.registry import quantization_constants

ABOUT: Final = "lamina.json"
WEIGHTS: Final = "adapter_model.safetensors"


class AdapterBase(Document):
    """What an adapter was trained over."""

    format: Literal[1]
    checksum: str
    """Checksum of the base's tensors as they were in memory: cut, stored and quantized."""
    adapter_sha256: str
    precision: Precision
    compute_dtype: ResolvedDtype
    layers: ListedLayers


def base_checksum(causal: nn.Module) -> str:
    """SHA-256 over every base tensor with its name and dtype, quantization constants included, adapters left out."""
    digest = hashlib.sha256()
    for name, parameter in sorted(causal.named_parameters(), key=lambda item: _base_name(item[0])):
        if "lora_" in name:
            continue
        for tensor in (parameter, *quantization_constants(causal, name)):
            digest.update(f"{_base_name(name)} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            plain = tensor.detach().as_subclass(Tensor).cpu().contiguous()
            digest.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def save_adapter(
    loaded: LoadedModel, config: Any, folder: Path, precision: Precision, compute: ResolvedDtype, kept: Sequence[int]
) -> None:
    """Write PEFT's own format, so that other tools read it, and last the note that makes it complete."""
    from safetensors.torch import save_file

    if config.bias != "none":
        raise InvalidError("an adapter that trains biases cannot be saved apart from its base")
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"base_model.model.{_stored_name(name)}": parameter.detach().cpu().contiguous()
        for name, parameter in loaded.causal.named_parameters()
        if "lora_" in name
    }
    config.save_pretrained(str(folder))
    save_file(tensors, str(folder / WEIGHTS), metadata={"format": "pt"})
    about = AdapterBase(
        format=1,
        checksum=base_checksum(loaded.causal),
        adapter_sha256=sha256_of_file(folder / WEIGHTS),
        precision=precision,
        compute_dtype=compute,
        layers=ListedLayers(strategy="list", indices=list(kept)),
    )
    open_to_readers(folder)
    write_atomic(folder / ABOUT, write_document(about))


def read_about(folder: Path) -> AdapterBase | None:
    """The note of an adapter; None for one that another tool has made.

    Raises InvalidError where the adapter is not whole.
    """
    for name in ("adapter_config.json", WEIGHTS):
        if not (folder / name).is_file():
            raise InvalidError(f"{folder} is not a whole adapter: {name} is missing.")
    if not (folder / ABOUT).is_file():
        return None
    about = parse_document(AdapterBase, (folder / ABOUT).read_bytes())
    if sha256_of_file(folder / WEIGHTS) != about.adapter_sha256:
        raise InvalidError(f"The adapter in {folder} is damaged: the checksum of {WEIGHTS} differs.")
    return about


def load_base(folder: Path, about: AdapterBase | None, device: torch.device) -> LoadedModel:
    """The base as it was trained over; for an adapter without a note whole, in fp32 or as its files are quantized.

    Raises InvalidError if it is another one.
    """
    precision = default_precision(folder) if about is None else about.precision
    check_checkpoint(folder, precision)
    numerics = resolve_numerics(precision, "auto" if about is None else about.compute_dtype, device, fast_16_bit=False)
    set_matmul_mode(numerics)
    loaded = load_model(folder, numerics.stored)
    if about is not None:
        if max(about.layers.indices) >= loaded.layers_original:
            raise InvalidError(f"The adapter belongs to another base: {folder} has {loaded.layers_original} layers.")
        cut(loaded, about.layers.indices)
    apply_precision(loaded.causal, loaded.layers, numerics)
    if about is not None and base_checksum(loaded.causal) != about.checksum:
        raise InvalidError(f"The adapter belongs to another base: the checksum of the weights in {folder} differs.")
    return loaded


def attach(causal: Any, folder: Path) -> Any:
    """Put an adapter onto its base; raises InvalidError where it does not fit."""
    from peft import PeftModel
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(folder / WEIGHTS), framework="pt") as file:
            stored = set(file.keys())
        model = PeftModel.from_pretrained(causal, str(folder), is_trainable=False)
    except SafetensorError as error:
        raise InvalidError(f"The adapter in {folder} is damaged: {error}.") from error
    except (RuntimeError, ValueError, KeyError, TypeError, json.JSONDecodeError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InvalidError(f"The adapter in {folder} does not fit this base: {first}") from error
    expected = {_stored_name(name) for name, _ in model.named_parameters() if "lora_" in name}
    if {name for name in stored if "lora_" in name} != expected:
        raise InvalidError(f"The adapter in {folder} does not fit this base: its layers are not those of the model.")
    return model.eval()


def _stored_name(name: str) -> str:
    """A parameter's name in the file: without that of the adapter, which follows a module, or ends an embedding's."""
    return re.sub(r"\.default(?=\.|$)", "", name)


def _base_name(name: str) -> str:
    return name.removeprefix("base_model.model.").replace(".base_layer", "")

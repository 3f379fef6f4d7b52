"""Files of a model folder: which weights are loaded, whether they are whole, and what identifies their content."""

import hashlib
import json
import re
import struct
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from lamina_trainer.errors import ModelError
from lamina_trainer.host.files import remembered_sha256

FINGERPRINT_SCHEME: Final = "files:"
"""Begins fingerprints over the whole content. Older ones, without it, were made of samples, and are not compared."""

_LFS: Final = b"version https://git-lfs.github.com/spec/"
_SMALL: Final = re.compile(r".\.(json|jinja|model|tiktoken)$|^(vocab|merges)\.txt$")
"""Names of what says how weights and text are read."""
_LONGEST_HEADER: Final = 100_000_000
"""The limit of the safetensors library, in bytes."""
_EXPERT: Final = re.compile(r"^(.*\.experts)\.(\d+)\.(.+)$")


def weight_files(folder: Path) -> list[Path]:
    """The files that a model's weights are loaded from, in transformers' order of preference.

    Raises ModelError where there are none, or where an index names files that are not there.
    """
    config = _read_json(folder / "config.json")
    if isinstance(config.get("quantization_config"), Mapping):
        found = sorted(folder.glob("*.safetensors"))
    else:
        found = _preferred(folder)
    if not found:
        raise ModelError(
            f"{folder} has no weights: bring model.safetensors, or its shards with model.safetensors.index.json."
        )
    absent = [file.name for file in found if not file.is_file()]
    if absent:
        raise ModelError(f"{folder} lacks {listed(absent)}, which its index of weights names.")
    return found


def _preferred(folder: Path) -> list[Path]:
    for whole, index in (
        ("model.safetensors", "model.safetensors.index.json"),
        ("pytorch_model.bin", "pytorch_model.bin.index.json"),
    ):
        if (folder / whole).is_file():
            return [folder / whole]
        if (folder / index).is_file():
            return [folder / shard for shard in sorted(set(_weight_map(folder / index).values()))]
    return []


def _weight_map(index: Path) -> dict[str, str]:
    """Read which shard holds which tensor."""
    read = _read_json(index)
    shards = read.get("weight_map")
    if not isinstance(shards, dict) or not all(isinstance(shard, str) for shard in shards.values()):
        raise ModelError(f"{index} is no index of weights: it has no weight_map of tensors and files.")
    if not isinstance(read.get("metadata"), dict):
        raise ModelError(f"{index} is no index of weights: it has no metadata.")
    return shards


def check_files(folder: Path) -> None:
    """Raise ModelError for files that were not fetched, are cut off, or lack tensors that others of them need."""
    for file in _small_files(folder):
        refuse_pointer(file)
    names: set[str] = set()
    for file in weight_files(folder):
        refuse_pointer(file)
        if file.stat().st_size == 0:
            raise ModelError(f"{file} is empty: fetch it again.")
        if file.suffix == ".safetensors":
            names |= _tensors(file)
    index = folder / "model.safetensors.index.json"
    if names and index.is_file() and not (folder / "model.safetensors").is_file():
        _check_present(folder, set(_weight_map(index)) - names)
    _check_present(folder, _absent_experts(names))
    if (folder / "adapter_config.json").is_file():
        raise ModelError(
            f"{folder} holds a model and an adapter (adapter_config.json), which transformers would put onto it "
            "unasked: merge the two, or move the adapter into a folder of its own."
        )


def model_fingerprint(folder: Path, cache: Path) -> str:
    """Identify everything that can change what a model says: configuration, tokenizer, templates and weights, whole.

    SHA-256 over the names and the SHA-256 of these files; each file is read once for each time that it changes.
    The service makes the same of a folder when an experiment is submitted (`fingerprints.ts`).
    """
    digest = hashlib.sha256()
    files = {file.relative_to(folder).as_posix(): file for file in (*_small_files(folder), *weight_files(folder))}
    for name in sorted(files):
        digest.update(f"{name}\0{remembered_sha256(files[name], cache)}\0".encode())
    return FINGERPRINT_SCHEME + digest.hexdigest()


def check_unchanged(folder: Path, fingerprint: str | None, cache: Path) -> None:
    """Raise ModelError for a folder that is not what it was when an experiment was submitted.

    Fingerprints of earlier releases, without the scheme, were made of samples: these are not compared.
    """
    if fingerprint is None or not fingerprint.startswith(FINGERPRINT_SCHEME):
        return
    if model_fingerprint(folder, cache) != fingerprint:
        raise ModelError(f"The model in {folder} has changed since the experiment was submitted; submit again.")


def vocabulary_size(folder: Path) -> int | None:
    """Rows of the embedding, as config.json says; None where it does not."""
    config = _read_json(folder / "config.json")
    text = config.get("text_config")
    size = config.get("vocab_size", text.get("vocab_size") if isinstance(text, dict) else None)
    return size if isinstance(size, int) else None


def weight_file_bytes(folder: Path) -> int:
    """Size of a model's weights on disk."""
    return sum(file.stat().st_size for file in weight_files(folder))


def listed(names: Iterable[str], most: int = 3) -> str:
    """The first few names, and how many there are."""
    known = sorted(names)
    few = ", ".join(known[:most])
    return few if len(known) <= most else f"{few} and {len(known) - most} more"


def _small_files(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if _SMALL.search(file.name) and file.is_file()]


def refuse_pointer(file: Path) -> None:
    """Raise ModelError for what Git leaves in place of a large file that it has not fetched."""
    with file.open("rb") as opened:
        if opened.read(len(_LFS)) == _LFS:
            raise ModelError(f"{file} is a Git LFS pointer, not the file itself: run `git lfs pull` in its repository.")


def _tensors(file: Path) -> set[str]:
    """Names of the tensors in a safetensors file. Its size has to be the one that its header describes."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        start = opened.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else _LONGEST_HEADER + 1
        text = opened.read(length) if length <= min(_LONGEST_HEADER, size) else b""
    try:
        header: Any = json.loads(text)
        ends = {name: int(entry["data_offsets"][1]) for name, entry in header.items() if name != "__metadata__"}
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise ModelError(
            f"{file} is not a safetensors file, or is cut off within its header: fetch it again."
        ) from error
    needed = 8 + length + max(ends.values(), default=0)
    if size != needed:
        raise ModelError(f"{file} has {size} bytes, and its header describes {needed}: fetch it again.")
    return set(ends)


def _absent_experts(names: Iterable[str]) -> set[str]:
    """Tensors that one expert of a layer has and another has not: transformers would fail to stack them."""
    layers: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name in names:
        if found := _EXPERT.match(name):
            layers[found[1]][found[3]].add(found[2])
    return {
        f"{layer}.{expert}.{part}"
        for layer, parts in layers.items()
        for part, having in parts.items()
        for expert in set().union(*parts.values()) - having
    }


def _check_present(folder: Path, absent: set[str]) -> None:
    if absent:
        raise ModelError(f"The weights in {folder} are not whole: {len(absent)} tensors missing ({listed(absent)}).")


def _read_json(file: Path) -> dict[str, Any]:
    refuse_pointer(file)
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{file} is not JSON: {error}.") from error
    if not isinstance(read, dict):
        raise ModelError(f"{file} is not a JSON object.")
    return read

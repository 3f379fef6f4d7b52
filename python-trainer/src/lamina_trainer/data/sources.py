"""Files of a data set: which there are, what they hold, and how they are opened."""

import bz2
import glob
import gzip
import io
import lzma
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from lamina_trainer.contract.settings import DataFormat
from lamina_trainer.errors import InvalidError

FORMATS: Final[Mapping[str, DataFormat]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".txt": "text",
    ".md": "text",
}
"""Formats by the ending of a name, in small letters."""

_PACKED: Final = (".gz", ".zst", ".zstd", ".bz2", ".xz")
_UNREAD: Final = ("readme.md", "license.txt", "license.md", "dataset_info.json", "dataset_infos.json", "state.json")
"""Files that stand next to shards and hold no records."""


def _zstd(raw: IO[bytes]) -> Any:
    import pyarrow as pa  # here, because it starts a thread, and the warm server forks

    return io.BufferedReader(pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd"))


_OPENERS: Final[Mapping[bytes, Callable[[Any], Any]]] = {
    b"\x1f\x8b": lambda raw: gzip.GzipFile(fileobj=raw),
    b"\x28\xb5\x2f\xfd": _zstd,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
"""What undoes a compression, by the first bytes of the file."""

_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_POINTER: Final = b"version https://git-lfs.github.com"


def _damage() -> tuple[type[BaseException], ...]:
    import pyarrow as pa

    return EOFError, gzip.BadGzipFile, lzma.LZMAError, pa.ArrowException


def shards_of(path: str) -> list[Path]:
    """Files that `path` names, sorted by name: itself, those in the folder, or those that match the pattern.

    Raises InvalidError where there is none.
    """
    place = Path(path)
    if place.is_file():
        return [place]
    if place.is_dir():
        found = [file for file in place.iterdir() if file.is_file() and not file.name.startswith((".", "_"))]
        found = [file for file in found if file.name.lower() not in _UNREAD]
        if not found:
            folders = ", ".join(sorted(inner.name for inner in place.iterdir() if inner.is_dir())[:5])
            raise InvalidError(
                f"The data set {path} is a folder without files"
                + (f"; name one of the folders in it: {folders}." if folders else ".")
            )
    elif glob.has_magic(path):
        found = [Path(file) for file in glob.glob(path, recursive=True) if Path(file).is_file()]  # noqa: PTH207
        if not found:
            raise InvalidError(f"No file matches the pattern {path}.")
    else:
        raise InvalidError(f"The data set {path} does not exist or is not a file.")
    return sorted(found, key=str)


def format_of(path: str, shards: list[Path], given: DataFormat | None) -> DataFormat:
    """Return the format of all shards: the one given, or by name, or by the first bytes.

    Raises InvalidError where it cannot be told, or is not the same for all.
    """
    if given is not None:
        return given
    found = {shard: _format_by_name(shard) or _format_by_content(shard) for shard in shards}
    formats = set(found.values())
    if None in formats:
        unknown = next(shard for shard, kind in found.items() if kind is None)
        raise InvalidError(f"The format of {unknown} is not known; say dataset.format: {', '.join(_names())}.")
    if len(formats) > 1:
        names = [next(shard.name for shard in shards if found[shard] == kind) for kind in sorted(map(str, formats))]
        examples = " and ".join(names)
        raise InvalidError(f"The data set {path} has files of several formats, such as {examples}; name those of one.")
    kind = formats.pop()
    assert kind is not None
    return kind


def _names() -> list[str]:
    return sorted(set(FORMATS.values()))


def _format_by_name(shard: Path) -> DataFormat | None:
    name = shard.name.lower()
    for ending in _PACKED:
        name = name.removesuffix(ending)
    return FORMATS.get(Path(name).suffix)


def _format_by_content(shard: Path) -> DataFormat | None:
    with shard.open("rb") as file:
        magic = file.read(6)
    if magic.startswith(b"PAR1"):
        return "parquet"
    if magic.startswith(b"ARROW1"):
        return "arrow"
    with open_text(shard) as lines:
        first = lines.read(1000).lstrip()[:1]
    return {"{": "jsonl", "[": "json"}.get(first)  # type: ignore[return-value]


@contextmanager
def open_text(shard: Path, newline: str | None = None) -> Iterator[io.TextIOWrapper]:
    """Open a file of text, compressed or not, in UTF-8 or, with a byte order mark, in UTF-16.

    Bytes that are not UTF-8 come as half surrogate pairs (U+DC80 to U+DCFF), so that the record that holds
    them can be named. Raises InvalidError for a file that is damaged, or no text.
    """
    try:
        with shard.open("rb") as raw:
            start = raw.peek(64)[:64]
            opener = next((opener for magic, opener in _OPENERS.items() if start.startswith(magic)), None)
            binary = raw if opener is None else io.BufferedReader(opener(raw))
            encoding, errors = _encoding(binary.peek(64)[:64], shard)
            yield io.TextIOWrapper(binary, encoding=encoding, errors=errors, newline=newline)
    except UnicodeDecodeError as error:
        raise InvalidError(f"{shard} begins like UTF-16 text and is not: {error.reason}.") from error
    except _damage() as error:
        raise InvalidError(f"{shard} is cut off or damaged: its compressed data cannot be read.") from error
    except OSError as error:
        reason = error.strerror or "it is cut off or damaged"
        raise InvalidError(f"The data set {shard} cannot be read: {reason}.") from error


def _encoding(start: bytes, shard: Path) -> tuple[str, str]:
    if start.startswith(_UTF_16):
        return "utf-16", "strict"
    if start.startswith(_POINTER):
        raise InvalidError(f"{shard} is a Git LFS pointer, not the file itself; run: git lfs pull.")
    if start.startswith(b"PK\x03\x04"):
        raise InvalidError(f"{shard} is a zip archive; unpack it, or compress its file with gzip or zstd.")
    if len(start) >= 4 and (not any(start[1:40:2]) or not any(start[0:40:2])):
        raise InvalidError(f"{shard} is UTF-16 text without a byte order mark; save it as UTF-8.")
    return "utf-8-sig", "surrogateescape"

"""A data set as token files: read and tokenized once, in one pass, with memory that does not grow with it."""

import hashlib
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lamina_trainer.contract.settings import DatasetRef, GroupEvaluation
from lamina_trainer.data.blocks import Encoded, TokenStream, border_of, split_key
from lamina_trainer.data.records import (
    BadRecordError,
    BadRecords,
    Record,
    bytes_of,
    describe,
    evaluation_source,
    read_records,
)
from lamina_trainer.data.rendering import Rendered, Rendering
from lamina_trainer.errors import DatasetError, InvalidError, StoppedError
from lamina_trainer.host.stop import stop_requested

_BATCH_LETTERS: Final = 2 << 20
_BATCH_RECORDS: Final = 8192
"""What is tokenized in one call: enough to keep all cores busy, little enough to hear a stop within seconds."""
_SAY_EVERY_SECONDS: Final = 10.0

_log = logging.getLogger(__name__)


@dataclass
class Counts:
    """What was read."""

    records: int = 0
    """With text, on both sides."""
    skipped: int = 0
    first_skipped: str | None = None
    empty: int = 0
    held_out: int = 0
    overlapping: int = 0
    """Left out of training, because what they ask is scored."""
    written_out: dict[str, int] = field(default_factory=dict)
    """How often training records write out special tokens, by their names."""


class Side:
    """The records of one side, as files in a folder."""

    def __init__(self, folder: Path, name: str, bos: int | None, *, writes_bos: bool) -> None:
        self._folder, self._name, self._bos, self._writes_bos = folder, name, bos, writes_bos

    def stream(self) -> TokenStream:
        """Map the files into memory."""
        counted = self._map("counted", np.bool_) if self._path("counted").exists() else None
        return TokenStream(self._map("tokens", np.int32), self._map("ends", np.int64), counted, self._writes_bos)

    def first(self, tokens: int) -> tuple[TokenStream, bool]:
        """Records in the order of their keys, until there are so many tokens; and whether these are all."""
        whole, order = self.stream(), np.argsort(self._map("keys", np.uint64), kind="stable")
        taken: list[Encoded] = []
        for record in order:
            start, end = int(whole.ends[record - 1]) if record > 0 else 0, int(whole.ends[record])
            counted = None if whole.counted is None else whole.counted[start:end].tolist()
            taken.append(Encoded(whole.tokens[start:end].tolist(), counted))
            tokens -= end - start
            if tokens <= 0:
                break
        return TokenStream.of(taken, self._bos), len(taken) == len(order)

    def _path(self, kind: str) -> Path:
        return self._folder / f"{self._name}.{kind}"

    def _map(self, kind: str, dtype: Any) -> NDArray[Any]:
        path = self._path(kind)
        # An empty file cannot be mapped.
        return np.memmap(path, dtype=dtype, mode="r") if path.stat().st_size > 0 else np.zeros(0, dtype=dtype)


class _Writer:
    """Appends records to the files of one side."""

    def __init__(self, folder: Path, name: str, files: ExitStack) -> None:
        self._counted_path = folder / f"{name}.counted"
        self._files = files
        self._tokens, self._ends, self._keys = (
            files.enter_context((folder / f"{name}.{kind}").open("wb")) for kind in ("tokens", "ends", "keys")
        )
        self._counted: Any = None
        self._written = 0
        self.writes_bos = False

    def add(self, records: Sequence[Encoded], keys: Sequence[int], bos: int | None) -> None:
        if not records:
            return
        stream = TokenStream.of(records, bos)
        self.writes_bos |= stream.writes_bos
        if stream.counted is not None and self._counted is None:
            self._counted = self._files.enter_context(self._counted_path.open("wb"))
            _fill(self._counted, self._written)
        self._tokens.write(stream.tokens.tobytes())
        self._ends.write((stream.ends + self._written).tobytes())
        self._keys.write(np.asarray(keys, dtype=np.uint64).tobytes())
        if self._counted is not None:
            mask = np.ones(len(stream.tokens), dtype=np.bool_) if stream.counted is None else stream.counted
            self._counted.write(mask.tobytes())
        self._written += len(stream.tokens)


def _fill(file: Any, count: int) -> None:
    """Write that all tokens before count."""
    while count > 0:
        part = min(count, 1 << 24)
        file.write(b"\1" * part)
        count -= part


@dataclass(frozen=True)
class _Item:
    """A rendered record with its side."""

    rendered: Rendered
    key: int
    held: bool


class _Pass:
    """One pass over the records of a data set: reads, renders, chooses sides and counts."""

    def __init__(self, dataset: DatasetRef, rendering: Rendering, fraction: float, moved: int | None) -> None:
        self._dataset, self._rendering = dataset, rendering
        self._border, self._moved = border_of(fraction), moved
        self._bad = BadRecords(skip=dataset.on_bad_record == "skip")
        asked = dataset.model_dump(mode="json", include={"loss", "chat_template", "special_tokens"}, exclude_none=True)
        self._digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode())
        self._scored: set[int] | None = None
        self.counts = Counts()
        self.writes_bos: list[str] = []
        self.lowest: int | None = None
        self.highest: int | None = None

    def items(self) -> Iterator[_Item]:
        """Records of a scored source first, then those to train on; raises InvalidError for a wrong one."""
        source = evaluation_source(self._dataset)
        if source is not None:
            self._scored = set()
            for rendered, key in self._rendered(source):
                self._scored.add(key)
                yield _Item(rendered, key, held=True)
            self._digest.update(b"\0")
        for rendered, key in self._rendered(self._dataset):
            if self._scored is not None and key in self._scored:
                self.counts.overlapping += 1
                continue
            yield _Item(rendered, key, self._held(key))
        self.counts.skipped, self.counts.first_skipped = self._bad.count, self._bad.first

    def fingerprint(self) -> str:
        """See TokenizedData."""
        return self._digest.hexdigest()

    def _held(self, key: int) -> bool:
        if self._scored is not None:
            return False
        return (key < self._border) != (key == self._moved)

    def _rendered(self, dataset: DatasetRef) -> Iterator[tuple[Rendered, int]]:
        group = dataset.evaluation.group if isinstance(dataset.evaluation, GroupEvaluation) else None
        for record in read_records(dataset, self._bad):
            try:
                rendered = self._rendering.render(record)
                asked = rendered.question if group is None else _group_of(record, group)
            except BadRecordError as error:
                self._bad(error)
                continue
            if not rendered.text.strip():
                self.counts.empty += 1
                continue
            encoded, question = rendered.text.encode(), asked.encode()
            self._digest.update(b"%d %d " % (len(encoded), len(question)))
            self._digest.update(encoded)
            self._digest.update(question)
            key = split_key(asked)
            self.lowest = key if self.lowest is None else min(self.lowest, key)
            self.highest = key if self.highest is None else max(self.highest, key)
            yield rendered, key


def _group_of(record: Record, column: str) -> str:
    value = record.fields.get(column)
    if not isinstance(value, str | int) or isinstance(value, bool):
        problem = "has no column" if column not in record.fields else "holds neither text nor a whole number in column"
        raise BadRecordError(f"{record.where} {problem} '{column}', which dataset.evaluation.group names.")
    return str(value)


@dataclass(frozen=True)
class TokenizedData:
    """What `tokenize` has left in a folder."""

    train: Side
    held: Side
    bos: int | None
    """The token that sequences start with."""
    counts: Counts
    fingerprint: str
    """SHA-256 of the records and how they are rendered, whatever the files that they were read from look like."""

    @classmethod
    def read(cls, folder: Path) -> "TokenizedData":
        """Read the description of the files; they are mapped into memory when they are asked for."""
        document = json.loads((folder / "read.json").read_text(encoding="utf-8"))
        bos = document["bos"]
        train, held = (Side(folder, name, bos, writes_bos=name in document["writesBos"]) for name in ("train", "held"))
        return cls(train, held, bos, Counts(**document["counts"]), document["fingerprint"])


def tokenize(
    dataset: DatasetRef, rendering: Rendering, fraction: float, folder: Path, said: Callable[[], None]
) -> None:
    """Write the records of both sides and what was read into `folder`.

    The next batch is read while one is tokenized, which all cores do. `said` is called every few seconds.
    Raises InvalidError for a wrong record, or a data set that cannot be split; StoppedError within seconds
    of a stop.
    """
    done = _tokenize(dataset, rendering, fraction, folder, said, None)
    counts = done.counts
    if counts.records == 0:
        raise InvalidError(f"The data set {describe(dataset)} holds no text{_left_out(counts)}.")
    if evaluation_source(dataset) is None and done.lowest != done.highest and _one_side(counts):
        # Chance has left a side empty: the record nearest to the border moves.
        moved = done.lowest if counts.held_out == 0 else done.highest
        done = _tokenize(dataset, rendering, fraction, folder, said, moved)
        counts = done.counts
    if _one_side(counts):
        raise DatasetError(
            f"The data set {describe(dataset)} has too few different records ({counts.records} in all): "
            "at least one to train on and one to hold out are needed."
        )
    document = {
        "counts": asdict(counts),
        "fingerprint": done.fingerprint(),
        "bos": rendering.bos,
        "writesBos": done.writes_bos,
    }
    (folder / "read.json").write_text(json.dumps(document), encoding="utf-8")


def _one_side(counts: Counts) -> bool:
    return counts.held_out in {0, counts.records}


def _left_out(counts: Counts) -> str:
    if counts.skipped == 0:
        return ""
    return f": {counts.skipped} records were skipped, the first because: {counts.first_skipped}"


def _tokenize(
    dataset: DatasetRef,
    rendering: Rendering,
    fraction: float,
    folder: Path,
    said: Callable[[], None],
    moved: int | None,
) -> _Pass:
    reading = _Pass(dataset, rendering, fraction, moved)
    began = told = time.monotonic()
    size = bytes_of(dataset)
    written_out: Counter[str] = Counter()
    with ExitStack() as stack:
        sides = {held: _Writer(folder, name, stack) for held, name in ((False, "train"), (True, "held"))}
        pool = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="lamina-tokenize"))
        waiting: tuple[Future[Sequence[Encoded]], list[_Item]] | None = None

        def write(future: Future[Sequence[Encoded]], batch: list[_Item]) -> None:
            encoded = list(zip(future.result(), batch, strict=True))
            for held, side in sides.items():
                chosen = [(one, item.key) for one, item in encoded if item.held is held]
                side.add([one for one, _ in chosen], [key for _, key in chosen], rendering.bos)
            reading.counts.records += len(batch)
            reading.counts.held_out += sum(item.held for item in batch)
            written_out.update(name for item in batch if not item.held for name in item.rendered.written_out)

        for batch in _batches(reading.items()):
            if stop_requested():
                raise StoppedError("Stopped while tokenizing; the next attempt begins with the data again.")
            future = pool.submit(rendering.encode, [item.rendered for item in batch])
            if waiting is not None:
                write(*waiting)
            waiting = future, batch
            if time.monotonic() - told >= _SAY_EVERY_SECONDS:
                told = time.monotonic()
                records = reading.counts.records
                whole = "" if size is None else f" of {size / 1e6:.0f} MB"
                _log.info("Tokenized %d records%s in %.0f s.", records, whole, told - began)
                said()
        if waiting is not None:
            write(*waiting)
        named = {"train": sides[False], "held": sides[True]}
        reading.counts.written_out = dict(written_out.most_common())
        reading.writes_bos = [name for name, side in named.items() if side.writes_bos]
    return reading


def _batches(items: Iterator[_Item]) -> Iterator[list[_Item]]:
    batch: list[_Item] = []
    letters = 0
    for item in items:
        batch.append(item)
        letters += len(item.rendered.text)
        if letters >= _BATCH_LETTERS or len(batch) >= _BATCH_RECORDS:
            yield batch
            batch, letters = [], 0
    if batch:
        yield batch

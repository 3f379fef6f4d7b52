"""Training and held-out blocks of a trial: tokenized once per machine, the same for every cell."""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from lamina_trainer.contract.document import parse_document, write_document
from lamina_trainer.contract.result import CountingResult
from lamina_trainer.contract.settings import DatasetRef, EvaluationSettings
from lamina_trainer.data.blocks import Blocks, evaluation_blocks, held_out_order, one_each, pack
from lamina_trainer.data.records import dataset_fingerprint, describe, read_records
from lamina_trainer.data.rendering import Rendering
from lamina_trainer.data.shapes import rendering_of
from lamina_trainer.data.tokenizer import LazyTokenizer, tokenizer_fingerprint
from lamina_trainer.errors import DatasetError, InvalidError, blamed_on
from lamina_trainer.host.files import build_once

_FORMAT: Final = 3
"""Version in the cache key: increase it when the same input gives other blocks."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PreparedData:
    """Blocks of token ids, with fingerprints of what they were made from.

    `evaluation` is scored by every cell; `evaluation_fingerprint` is the SHA-256 of its token ids and of
    which of them count, so that two losses can be compared exactly if theirs is equal.
    """

    train: Blocks
    evaluation: Blocks
    dataset_fingerprint: str
    evaluation_fingerprint: str
    counting: CountingResult


def prepare_data(
    dataset: DatasetRef,
    tokenizer: Any,
    max_length: int,
    packing: bool,
    evaluation: EvaluationSettings,
    cache: Path,
) -> PreparedData:
    """Tokenize, split and cut a data set, or read what an earlier trial has left in the cache.

    `tokenizer` is a tokenizer of transformers or a LazyTokenizer, which is then loaded only if the
    cache does not have the blocks. Raises InvalidError for data that gives no training or no held-out
    block.
    """
    with _dataset_to_blame(dataset):
        fingerprint = dataset_fingerprint(dataset, cache)
    key = json.dumps(
        {
            "format": _FORMAT,
            "dataset": fingerprint,
            "tokenizer": tokenizer_fingerprint(tokenizer),
            "maxLength": max_length,
            "packing": packing,
            "fraction": evaluation.fraction,
            "maxTokens": evaluation.max_tokens,
        },
        sort_keys=True,
    )

    def build(folder: Path) -> None:
        loaded = tokenizer.load() if isinstance(tokenizer, LazyTokenizer) else tokenizer
        train, held, counting = _make_blocks(dataset, loaded, max_length, packing=packing, evaluation=evaluation)
        (folder / "counting.json").write_text(write_document(counting), encoding="utf-8")
        np.savez(folder / "blocks.npz", **_stored("train", train), **_stored("held", held))
        (folder / "key.json").write_text(key, encoding="utf-8")

    name = hashlib.sha256(key.encode()).hexdigest()[:32]
    folder = build_once(
        cache / "tokenized" / name,
        build,
        waiting=lambda: _log.info("Another process is tokenizing %s; waiting for it.", describe(dataset)),
    )
    with np.load(folder / "blocks.npz") as stored:
        train, held = _read("train", stored), _read("held", stored)
    counting = parse_document(CountingResult, (folder / "counting.json").read_bytes())
    return PreparedData(train, held, fingerprint, blocks_fingerprint(held), counting)


def _dataset_to_blame(dataset: DatasetRef) -> AbstractContextManager[None]:
    return blamed_on(DatasetError, f"The data set {describe(dataset)} cannot be read")


def blocks_fingerprint(blocks: Blocks) -> str:
    """SHA-256 over the token ids and where blocks begin."""
    digest = hashlib.sha256()
    for index, block in enumerate(blocks):
        digest.update(len(block).to_bytes(8, "little"))
        digest.update(block.astype("<i4").tobytes())
        if blocks.counted is not None:
            digest.update(np.packbits(blocks.counted_in(index)).tobytes())
    return digest.hexdigest()


def _make_blocks(
    dataset: DatasetRef, tokenizer: Any, max_length: int, *, packing: bool, evaluation: EvaluationSettings
) -> tuple[Blocks, Blocks, CountingResult]:
    name = describe(dataset)
    rendering = rendering_of(dataset, tokenizer)
    with _dataset_to_blame(dataset):
        rendered = [one for one in map(rendering.render, read_records(dataset)) if one.text.strip()]
        if not rendered:
            raise InvalidError(f"The data set {name} holds no text.")
        train_indices, held_indices = held_out_order([one.question for one in rendered], evaluation.fraction)
    if not train_indices or not held_indices:
        raise DatasetError(
            f"The data set {name} has too few different records ({len({one.question for one in rendered})}): "
            "at least one to train on and one to hold out are needed."
        )
    bos = rendering.bos
    with _dataset_to_blame(dataset):
        train_records = rendering.encode([rendered[index] for index in train_indices])
        held_records = rendering.encode([rendered[index] for index in held_indices])
    cut = pack if packing else one_each
    train = cut(train_records, max_length, bos)
    if len(train) == 0 and train.left_out:
        raise InvalidError(
            f"In none of the {train.left_out} training sequences of {name} counts a token; choose a longer "
            f"training.maxLength than {max_length}, or set dataset.loss to all."
        )
    if len(train) == 0:
        tokens = sum(len(record.ids) for record in train_records)
        raise InvalidError(
            f"The data set {name} has {tokens} training tokens, ends of records included: too few for one block "
            f"of training.maxLength = {max_length} tokens; choose a shorter one or turn training.packing off."
        )
    held = evaluation_blocks(held_records, max_length, evaluation.max_tokens, bos)
    if len(held) == 0:
        raise InvalidError(
            f"The data set {name} has no held-out text to score; raise evaluation.fraction "
            f"({evaluation.fraction}) or add records."
        )
    _log.info(
        "Tokenized %d records of %s: %d training sequences, %d held-out blocks.",
        len(rendered),
        name,
        len(train),
        len(held),
    )
    written = Counter(name for index in train_indices for name in rendered[index].written_out)
    closing = None if rendering.closing is None else int(tokenizer.convert_tokens_to_ids(rendering.closing))
    return train, held, _counting(train, held, dict(written.most_common()), rendering, closing, packing=packing)


def _counting(
    train: Blocks,
    held: Blocks,
    written_out: dict[str, int],
    rendering: Rendering,
    closing: int | None,
    *,
    packing: bool,
) -> CountingResult:
    return CountingResult(
        training_tokens=len(train.tokens),
        training_counted=train.counted_tokens(),
        held_out_tokens=len(held.tokens),
        held_out_counted=held.counted_tokens(),
        across_records=packing,
        left_out_sequences=train.left_out,
        written_out=written_out,
        written_out_as="text" if rendering.special_as_text else "tokens",
        closing=rendering.closing,
        closing_id=closing,
    )


def counting_warnings(counting: CountingResult, ends: Collection[int]) -> list[str]:
    """What a person should know of what counts; `ends` are the ids that end a generation of the model."""
    warnings = []
    if counting.left_out_sequences:
        warnings.append(
            f"{counting.left_out_sequences} training sequences are left out, because none of their tokens counts; "
            "a longer training.maxLength may keep them."
        )
    if counting.written_out:
        names = ", ".join(f"{name} {count} times" for name, count in counting.written_out.items())
        other = "tokens" if counting.written_out_as == "text" else "text"
        warnings.append(
            f"Training records write out special tokens ({names}); they are read as {counting.written_out_as} "
            f"(dataset.specialTokens: {other} for the other way)."
        )
    if counting.closing_id is not None and counting.closing_id not in ends:
        warnings.append(
            f"The assistant's turns end with {counting.closing}, which is none of the tokens that end a generation of "
            "the model. A merged model is told to stop there; what serves an adapter must be told."
        )
    return warnings


def _stored(name: str, blocks: Blocks) -> dict[str, Any]:
    arrays: dict[str, Any] = {f"{name}_tokens": blocks.tokens, f"{name}_offsets": blocks.offsets}
    return arrays if blocks.counted is None else {**arrays, f"{name}_counted": blocks.counted}


def _read(name: str, stored: Any) -> Blocks:
    counted = stored.get(f"{name}_counted", None)
    return Blocks(stored[f"{name}_tokens"], stored[f"{name}_offsets"], counted)

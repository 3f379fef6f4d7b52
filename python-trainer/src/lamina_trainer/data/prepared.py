"""Training and held-out blocks of a trial: tokenized once per machine, the same for every cell."""

import hashlib
import json
import logging
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from lamina_trainer.contract.document import parse_document, write_document
from lamina_trainer.contract.result import CountingResult, DataResult
from lamina_trainer.contract.settings import DatasetRef, EvaluationSettings
from lamina_trainer.data.blocks import Blocks, evaluation_blocks, one_each, pack
from lamina_trainer.data.records import describe, evaluation_source, source_key
from lamina_trainer.data.shapes import rendering_of
from lamina_trainer.data.tokenized import TokenizedData, tokenize
from lamina_trainer.data.tokenizer import LazyTokenizer, tokenizer_fingerprint
from lamina_trainer.errors import DatasetError, InvalidError, blamed_on
from lamina_trainer.host.files import build_once

_FORMAT: Final = 4
"""Version in the cache key: increase it when the same input gives other tokens or another split."""

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
    read: DataResult
    counting: CountingResult


def prepare_data(
    dataset: DatasetRef,
    tokenizer: Any,
    max_length: int,
    packing: bool,
    evaluation: EvaluationSettings,
    cache: Path,
    tokenizing: Callable[[], None] = lambda: None,
) -> PreparedData:
    """Tokenize, split and cut a data set, or use the tokens that an earlier trial has left in the cache.

    Tokens stay in files, which are mapped into memory; blocks are cut when they are asked for. `tokenizer`
    is a tokenizer of transformers or a LazyTokenizer, which is then loaded only if the cache does not have
    the tokens. `tokenizing` is called when it does not, and every few seconds while they are made. Raises
    InvalidError for data that gives no training or no held-out block.
    """
    with _dataset_to_blame(dataset):
        key = _key(dataset, tokenizer, evaluation.fraction, cache)

    def build(folder: Path) -> None:
        tokenizing()
        loaded = tokenizer.load() if isinstance(tokenizer, LazyTokenizer) else tokenizer
        with _dataset_to_blame(dataset):
            rendering = rendering_of(dataset, loaded)
            tokenize(dataset, rendering, evaluation.fraction, folder, tokenizing)
        closing = rendering.closing
        marks = {
            "writtenOutAs": "text" if rendering.special_as_text else "tokens",
            "closing": closing,
            "closingId": None if closing is None else int(loaded.convert_tokens_to_ids(closing)),
        }
        (folder / "marks.json").write_text(json.dumps(marks), encoding="utf-8")
        (folder / "key.json").write_text(key, encoding="utf-8")

    name = hashlib.sha256(key.encode()).hexdigest()[:32]
    folder = build_once(
        cache / "tokenized" / name,
        build,
        waiting=lambda: _log.info("Another process is tokenizing %s; waiting for it.", describe(dataset)),
    )
    return _cut(describe(dataset), folder, cache, max_length, packing=packing, evaluation=evaluation)


def _key(dataset: DatasetRef, tokenizer: Any, fraction: float, cache: Path) -> str:
    """Everything that decides the tokens and their sides."""
    asked = dataset.model_dump(mode="json", include={"fields", "loss", "chat_template", "special_tokens"})
    scored = evaluation_source(dataset)
    return json.dumps(
        {
            "format": _FORMAT,
            "dataset": source_key(dataset, cache),
            "asked": asked,
            "onBadRecord": dataset.on_bad_record,
            "evaluation": source_key(scored, cache)
            if scored is not None
            else dataset.evaluation and write_document(dataset.evaluation),
            "tokenizer": tokenizer_fingerprint(tokenizer),
            "fraction": fraction,
        },
        sort_keys=True,
    )


def _dataset_to_blame(dataset: DatasetRef) -> AbstractContextManager[None]:
    return blamed_on(DatasetError, f"The data set {describe(dataset)} cannot be read")


def _cut(
    name: str, folder: Path, cache: Path, max_length: int, *, packing: bool, evaluation: EvaluationSettings
) -> PreparedData:
    data = TokenizedData.read(folder)
    stream = data.train.stream()
    train = (pack if packing else one_each)(stream, max_length, data.bos)
    if len(train) == 0 and train.left_out:
        raise InvalidError(
            f"In none of the {train.left_out} training sequences of {name} counts a token; choose a longer "
            f"training.maxLength than {max_length}, or set dataset.loss to all."
        )
    if len(train) == 0:
        raise InvalidError(
            f"The data set {name} has {len(stream.tokens)} training tokens, ends of records included: too few for "
            f"one block of training.maxLength = {max_length} tokens; choose a shorter one or turn training.packing off."
        )
    held, scored = _held_blocks(data, max_length, evaluation.max_tokens)
    if len(held) == 0:
        raise InvalidError(
            f"The data set {name} has no held-out text to score; raise evaluation.fraction "
            f"({evaluation.fraction}) or add records."
        )
    counts = data.counts
    read = DataResult(
        records=counts.records,
        skipped_records=counts.skipped,
        first_skipped=counts.first_skipped,
        empty_records=counts.empty,
        held_out_records=counts.held_out,
        overlapping_records=counts.overlapping,
        scored_records=scored,
    )
    _log.info(
        "%d records of %s: %d training sequences, %d held-out blocks of %d records.",
        counts.records,
        name,
        len(train),
        len(held),
        scored,
    )
    how = json.dumps([folder.name, max_length, packing, evaluation.max_tokens])

    def count(target: Path) -> None:
        counting = _counting(
            train, held, counts.written_out, json.loads((folder / "marks.json").read_text()), packing=packing
        )
        (target / "counting.json").write_text(write_document(counting), encoding="utf-8")

    counted = build_once(
        cache / "counted" / hashlib.sha256(how.encode()).hexdigest()[:32],
        count,
        waiting=lambda: _log.info("Another process counts the same tokens."),
    )
    counting = parse_document(CountingResult, (counted / "counting.json").read_bytes())
    return PreparedData(train, held, data.fingerprint, blocks_fingerprint(held), read, counting)


def _counting(
    train: Blocks, held: Blocks, written_out: dict[str, int], marks: dict[str, Any], *, packing: bool
) -> CountingResult:
    return CountingResult(
        training_tokens=train.size(),
        training_counted=train.counted_tokens(),
        held_out_tokens=held.size(),
        held_out_counted=held.counted_tokens(),
        across_records=packing,
        left_out_sequences=train.left_out,
        written_out=written_out,
        written_out_as=marks["writtenOutAs"],
        closing=marks["closing"],
        closing_id=marks["closingId"],
    )


def _held_blocks(data: TokenizedData, max_length: int, max_tokens: int) -> tuple[Blocks, int]:
    """Blocks of the records with the smallest keys; of blocks of which no token counts others take the place."""
    wanted, taken = max_tokens // min(max_length, max_tokens), max_tokens
    while True:
        stream, complete = data.held.first(taken)
        blocks, records = evaluation_blocks(stream, max_length, max_tokens, data.bos)
        if complete or len(blocks) >= wanted:
            return blocks, records
        taken *= 2


def blocks_fingerprint(blocks: Blocks) -> str:
    """SHA-256 over the token ids and where blocks begin."""
    digest = hashlib.sha256()
    for index, block in enumerate(blocks):
        digest.update(len(block).to_bytes(8, "little"))
        digest.update(block.astype("<i4").tobytes())
        if blocks.counted is not None:
            digest.update(np.packbits(blocks.counted_in(index)).tobytes())
    return digest.hexdigest()


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

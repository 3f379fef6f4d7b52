"""Training and held-out blocks of a trial: tokenized once per machine, the same for every cell."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from lamina_trainer.contract.settings import DatasetRef, EvaluationSettings
from lamina_trainer.data.blocks import Blocks, Marks, evaluation_blocks, held_out_order, one_each, pack
from lamina_trainer.data.records import dataset_fingerprint, describe, load_texts
from lamina_trainer.data.tokenizer import LazyTokenizer, tokenizer_fingerprint
from lamina_trainer.errors import InvalidError
from lamina_trainer.host.files import build_once

_FORMAT: Final = 1
"""Version in the cache key: increase it when the same input gives other blocks."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PreparedData:
    """Blocks of token ids, with fingerprints of what they were made from.

    `evaluation` is scored by every cell; `evaluation_fingerprint` is the SHA-256 of its token ids, so
    that two losses can be compared exactly if theirs is equal.
    """

    train: Blocks
    evaluation: Blocks
    dataset_fingerprint: str
    evaluation_fingerprint: str


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
        train, held = _make_blocks(dataset, loaded, max_length, packing=packing, evaluation=evaluation)
        np.savez(
            folder / "blocks.npz",
            train_tokens=train.tokens,
            train_offsets=train.offsets,
            held_tokens=held.tokens,
            held_offsets=held.offsets,
        )
        (folder / "key.json").write_text(key, encoding="utf-8")

    name = hashlib.sha256(key.encode()).hexdigest()[:32]
    folder = build_once(
        cache / "tokenized" / name,
        build,
        waiting=lambda: _log.info("Another process is tokenizing %s; waiting for it.", describe(dataset)),
    )
    with np.load(folder / "blocks.npz") as stored:
        train = Blocks(stored["train_tokens"], stored["train_offsets"])
        held = Blocks(stored["held_tokens"], stored["held_offsets"])
    return PreparedData(train, held, fingerprint, _blocks_fingerprint(held))


def _blocks_fingerprint(blocks: Blocks) -> str:
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(len(block).to_bytes(8, "little"))
        digest.update(block.astype("<i4").tobytes())
    return digest.hexdigest()


def _make_blocks(
    dataset: DatasetRef, tokenizer: Any, max_length: int, *, packing: bool, evaluation: EvaluationSettings
) -> tuple[Blocks, Blocks]:
    texts = load_texts(dataset)
    train_indices, held_indices = held_out_order(texts, evaluation.fraction)
    name = describe(dataset)
    if not train_indices or not held_indices:
        raise InvalidError(
            f"The data set {name} has too few different records ({len(set(texts))}): "
            "at least one to train on and one to hold out are needed."
        )
    marks = _marks(tokenizer)
    train_ids = _tokenize(tokenizer, [texts[index] for index in train_indices])
    held_ids = _tokenize(tokenizer, [texts[index] for index in held_indices])
    cut = pack if packing else one_each
    train = cut(train_ids, max_length, marks)
    if len(train) == 0:
        tokens = sum(len(ids) for ids in train_ids)
        raise InvalidError(
            f"The data set {name} has {tokens} training tokens, too few for one block of "
            f"training.maxLength = {max_length} tokens; choose a shorter one or turn training.packing off."
        )
    held = evaluation_blocks(held_ids, max_length, evaluation.max_tokens, marks)
    if len(held) == 0:
        raise InvalidError(
            f"The data set {name} has no held-out text to score; raise evaluation.fraction "
            f"({evaluation.fraction}) or add records."
        )
    _log.info(
        "Tokenized %d records of %s: %d training sequences, %d held-out blocks.",
        len(texts),
        name,
        len(train),
        len(held),
    )
    return train, held


def _marks(tokenizer: Any) -> Marks:
    starts: list[int] = tokenizer("a").input_ids[:1]
    bos = tokenizer.bos_token_id
    return Marks(bos=bos if bos is not None and starts == [bos] else None, eos=tokenizer.eos_token_id)


def _tokenize(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    # verbose=False: records longer than the model's context are cut into blocks afterwards.
    ids: list[list[int]] = tokenizer(list(texts), add_special_tokens=False, verbose=False).input_ids
    return ids

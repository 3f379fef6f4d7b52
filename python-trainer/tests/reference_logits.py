"""A model of transformers as the reference of llama-perplexity: its file of log probabilities."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch


def write_reference(file: Path, model: Any, tokens: np.ndarray, bos: int | None) -> None:
    """Log probabilities in llama-perplexity's format, in 16 bits, after the second half of each row of `tokens`."""
    chunks, context = tokens.shape
    first = context // 2
    with file.open("wb") as out:
        vocabulary = int(model.config.vocab_size)
        out.write(b"_logits_" + struct.pack("<Iii", context, vocabulary, chunks))
        out.write(tokens.astype("<i4").tobytes())
        for row in tokens:
            ids = torch.tensor(row.astype(np.int64))[None].clone()
            if bos is not None:
                ids[0, 0] = bos
            with torch.no_grad():
                logits = model(input_ids=ids, use_cache=False).logits[0, first : context - 1].float()
            for logs in torch.log_softmax(logits, dim=-1).numpy():
                out.write(_packed(logs))


def read_tokens(file: Path) -> np.ndarray:
    """The tokens that llama-perplexity has made of a text, one row a chunk."""
    with file.open("rb") as stored:
        assert stored.read(8) == b"_logits_"
        context, _vocabulary, chunks = struct.unpack("<Iii", stored.read(12))
        return np.frombuffer(stored.read(4 * context * chunks), dtype="<i4").reshape(chunks, context)


def _packed(logs: np.ndarray) -> bytes:
    low, high = max(float(logs.min()), float(logs.max()) - 16), float(logs.max())
    scale = (high - low) / 65535
    steps = np.round((np.maximum(logs, low) - low) / scale).astype("<u2")
    return struct.pack("<ff", scale, low) + steps.tobytes() + b"\0\0" * (len(logs) % 2)

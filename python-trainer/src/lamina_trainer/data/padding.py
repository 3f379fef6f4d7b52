"""Pads sequences to one batch of tensors."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def pad(sequences: Sequence[Any], device: torch.device) -> tuple[Tensor, Tensor]:
    """Token ids padded at the end, and a mask of the positions that have a next token.

    Attention is causal, so what follows a token, padding included, cannot change its prediction.
    """
    longest = max(len(sequence) for sequence in sequences)
    ids = torch.zeros((len(sequences), longest), dtype=torch.long)
    has_next = torch.zeros((len(sequences), longest - 1), dtype=torch.bool)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = torch.as_tensor(sequence, dtype=torch.long)
        has_next[row, : len(sequence) - 1] = True
    return ids.to(device), has_next.to(device)

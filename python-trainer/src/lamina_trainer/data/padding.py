"""Pads sequences to one batch of tensors."""

import torch
from torch import Tensor

from lamina_trainer.data.blocks import Blocks


def pad(batch: Blocks, device: torch.device) -> tuple[Tensor, Tensor]:
    """Token ids padded at the end [sequences, longest], and which of their next tokens count [sequences, longest - 1].

    Attention is causal, so what follows a token, padding included, cannot change its prediction. Padding is
    told by its place, never by its id: a token that is also the end of a text counts like any other.
    """
    longest = max(len(sequence) for sequence in batch)
    ids = torch.zeros((len(batch), longest), dtype=torch.long)
    counted = torch.zeros((len(batch), longest - 1), dtype=torch.bool)
    for row, sequence in enumerate(batch):
        ids[row, : len(sequence)] = torch.as_tensor(sequence, dtype=torch.long)
        counted[row, : len(sequence) - 1] = torch.as_tensor(batch.counted_in(row)[1:])
    return ids.to(device), counted.to(device)

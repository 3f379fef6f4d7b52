"""A reused buffer for the cast or dequantized weight of the layer that computes."""

import torch
from torch import Tensor

SCRATCH_LIMIT_BYTES = 64 * 2**20
"""Larger weights (output heads) are cast into a temporary, so that the scratch stays small."""


class Scratch:
    """One flat buffer per device and dtype, as large as the largest weight that was put into it."""

    def __init__(self) -> None:
        self._buffers: dict[tuple[torch.device, torch.dtype], Tensor] = {}

    def space(self, shape: torch.Size, dtype: torch.dtype, device: torch.device) -> Tensor:
        """An uninitialised tensor; valid until the next call."""
        numel = shape.numel()
        if numel * dtype.itemsize > SCRATCH_LIMIT_BYTES:
            return torch.empty(shape, dtype=dtype, device=device)
        key = (device, dtype)
        buffer = self._buffers.get(key)
        if buffer is None or buffer.numel() < numel:
            buffer = torch.empty(numel, dtype=dtype, device=device)
            self._buffers[key] = buffer
        return buffer[:numel].view(shape)

    def cast(self, weight: Tensor, dtype: torch.dtype) -> Tensor:
        """`weight` in `dtype`; valid until the next call."""
        if weight.dtype == dtype:
            return weight
        return self.space(weight.shape, dtype, weight.device).copy_(weight)

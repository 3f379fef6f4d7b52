"""What a GPU's kernels keep, in place of what the same calls would keep on tensors without values."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional


class _Attention(torch.autograd.Function):
    """A fused kernel: keeps queries, keys, values, the output and one log-sum-exp for each query (arXiv 2205.14135)."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        out = query.new_empty((*query.shape[:-1], value.shape[-1]))
        logsumexp = query.new_empty(query.shape[:-1], dtype=torch.float32)
        ctx.save_for_backward(query, key, value, out, logsumexp)
        return out

    @staticmethod
    def backward(ctx: Any, *_grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        query, key, value, _, _ = ctx.saved_tensors
        return torch.empty_like(query), torch.empty_like(key), torch.empty_like(value)


class CudaKernels:
    """Fused attention and dropout as on a GPU; with a dtype also autocast, which tensors without values do not have.

    Functions are replaced, not intercepted: a `TorchFunctionMode` is not there when checkpointed layers run again.
    """

    def __init__(self, autocast: torch.dtype | None) -> None:
        self._autocast = autocast
        self._casts: dict[int, tuple[Tensor, Tensor]] = {}

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Replace the functions for the time of a step; of autocast also what layers ask PyTorch about it."""
        replaced: dict[tuple[Any, str], Any] = {
            (torch, "is_autocast_enabled"): lambda *_: self._autocast is not None,
            (torch, "get_autocast_dtype"): lambda *_: self._autocast or torch.float32,
            (torch, "autocast"): lambda *_, **__: nullcontext(),
            (functional, "scaled_dot_product_attention"): self._attention,
            (functional, "dropout"): _dropout,
        }
        if self._autocast is not None:
            for where, name in ((functional, "linear"), (torch, "matmul"), (torch, "bmm"), (torch, "addmm")):
                replaced[where, name] = self._casting(getattr(where, name))
        before = {(where, name): getattr(where, name) for where, name in replaced}
        try:
            for (where, name), function in replaced.items():
                setattr(where, name, function)
            yield
        finally:
            for (where, name), function in before.items():
                setattr(where, name, function)

    def end_of_forward(self) -> None:
        """Autocast forgets its copies of weights after each forward pass."""
        self._casts.clear()

    def _attention(self, query: Tensor, key: Tensor, value: Tensor, *_: Any, **__: Any) -> Tensor:
        made = _Attention.apply(self._cast(query), self._cast(key), self._cast(value))
        return cast("Tensor", made)

    def _casting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return function(
                *(self._cast(value) for value in args), **{name: self._cast(value) for name, value in kwargs.items()}
            )

        return call

    def _cast(self, value: Any) -> Any:
        dtype = self._autocast
        if dtype is None or not isinstance(value, Tensor) or not value.is_floating_point() or value.dtype == dtype:
            return value
        if not (value.is_leaf and value.requires_grad):
            return value.to(dtype)
        known = self._casts.get(id(value))
        if known is None:
            known = self._casts[id(value)] = (value, value.to(dtype))
        return known[1]


def _dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:  # noqa: A002, ARG001
    return torch.native_dropout(input, p, True)[0] if training and p > 0 else input

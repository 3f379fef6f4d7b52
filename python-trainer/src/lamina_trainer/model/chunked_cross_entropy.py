"""The output head: cross-entropy without the logits of a whole batch.

The vocabulary is worked through in chunks with a running maximum and sum, as in FlashAttention
(arXiv 2205.14135, section 3.1, applied to log-sum-exp). A chunk of a weight stored in 16 bits is cast
where it is used, so no full copy of the head exists in the compute dtype.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from lamina_trainer.model.stored_weights import StoredLinear

TOKEN_BLOCK = 2048
CHUNK_CPU = 8192
"""Rows of the head per product: small enough for a CPU's cache (measured best of 1,024 to 16,384)."""
CHUNK_CUDA = 32768

PLAIN_HEADS = frozenset(
    {
        "gemma", "gemma2", "gemma3", "gemma3_text", "llama", "mistral", "olmo", "olmo2", "phi3",
        "qwen2", "qwen3", "smollm3", "stablelm",
    }
)  # fmt: skip
"""Model types whose logits are softcap(head(last hidden state)); others go through their own forward."""


@dataclass(frozen=True)
class Head:
    """A linear output layer over the vocabulary."""

    weight: Tensor
    bias: Tensor | None
    softcap: float | None
    dtype: torch.dtype | None
    """Dtype of the products; None: that of the weight, or of autocast."""

    def compute_dtype(self) -> torch.dtype:
        """Dtype of the products made now."""
        kind = self.weight.device.type
        if torch.is_autocast_enabled(kind):
            return torch.get_autocast_dtype(kind)
        return self.dtype or self.weight.dtype


def find_head(causal: Any) -> Head | None:
    """The head of a model, or None where its logits are not a plain product or the head has an adapter."""
    layer = causal.get_output_embeddings()
    config = causal.config.get_text_config(decoder=True)
    if causal.config.model_type not in PLAIN_HEADS or type(layer) not in (nn.Linear, StoredLinear):
        return None
    if layer.bias is not None and layer.bias.requires_grad:
        return None
    dtype = layer.dtype if isinstance(layer, StoredLinear) else None
    return Head(layer.weight, layer.bias, getattr(config, "final_logit_softcapping", None), dtype)


def _chunks(head: Head) -> list[tuple[int, int]]:
    size = CHUNK_CPU if head.weight.device.type == "cpu" else CHUNK_CUDA
    rows = head.weight.shape[0]
    return [(start, min(start + size, rows)) for start in range(0, rows, size)]


class _Cast:
    """Casts chunks of a weight into one reused buffer."""

    def __init__(self, weight: Tensor, dtype: torch.dtype, rows: int) -> None:
        self._weight, self._dtype = weight, dtype
        self._buffer = None if weight.dtype == dtype else weight.new_empty((rows, weight.shape[1]), dtype=dtype)

    def rows(self, start: int, end: int) -> Tensor:
        part = self._weight[start:end]
        return part if self._buffer is None else self._buffer[: end - start].copy_(part)


def _logits(head: Head, hidden: Tensor, part: Tensor, start: int, end: int) -> Tensor:
    logits = (hidden @ part.T).float()
    if head.bias is not None:
        logits += head.bias[start:end].float()
    return logits if head.softcap is None else torch.tanh(logits / head.softcap) * head.softcap


@dataclass
class Scores:
    """Per token: negative log likelihood, most likely entry, log-sum-exp, gradient by the hidden state."""

    nll: Tensor
    best: Tensor
    logsumexp: Tensor
    grad_hidden: Tensor | None


def score_block(head: Head, hidden: Tensor, targets: Tensor, *, gradient: bool) -> Scores:
    """Score tokens in one pass over the vocabulary. `hidden` is [tokens, width]."""
    dtype = head.compute_dtype()
    x = hidden.to(dtype)
    count = x.shape[0]
    maximum = torch.full((count,), -torch.inf, device=x.device)
    best = torch.zeros(count, dtype=torch.long, device=x.device)
    total = torch.zeros(count, device=x.device)
    target_logit = torch.zeros(count, device=x.device)
    slope = torch.ones(count, device=x.device)
    mean = torch.zeros(x.shape, device=x.device) if gradient else None
    chunks = _chunks(head)
    weights = _Cast(head.weight, dtype, chunks[0][1])
    for start, end in chunks:
        part = weights.rows(start, end)
        logits = _logits(head, x, part, start, end)
        chunk_max, chunk_best = logits.max(dim=1)
        best = torch.where(chunk_max > maximum, chunk_best + start, best)
        new_max = torch.where(chunk_max > maximum, chunk_max, maximum)
        new_max = torch.where(torch.isnan(chunk_max), chunk_max, new_max)
        inside = (targets >= start) & (targets < end)
        own = logits.gather(1, (targets - start).clamp(0, end - start - 1)[:, None])[:, 0]
        target_logit = torch.where(inside, own, target_logit)
        shrink = torch.exp(maximum - new_max)
        capped = None if head.softcap is None or mean is None else 1 - (logits / head.softcap) ** 2
        probabilities = logits.sub_(new_max[:, None]).exp_()
        total = total * shrink + probabilities.sum(dim=1)
        if mean is not None:
            weighted = probabilities if capped is None else probabilities.mul_(capped)
            mean.mul_(shrink[:, None]).add_(weighted.to(dtype) @ part)
        maximum = new_max
    logsumexp = maximum + torch.log(total)
    if mean is not None:
        if head.softcap is not None:
            slope = 1 - (target_logit / head.softcap) ** 2
        rows = head.weight[targets].float() * slope[:, None]
        mean = mean.div_(total[:, None]).sub_(rows)
    return Scores(logsumexp - target_logit, best, logsumexp, mean)


def _token_blocks(hidden: Tensor, targets: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    for start in range(0, len(targets), TOKEN_BLOCK):
        yield hidden[start : start + TOKEN_BLOCK], targets[start : start + TOKEN_BLOCK]


def score(head: Head, hidden: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Negative log likelihood of each target, and whether it was the most likely entry."""
    blocks = [score_block(head, x, t, gradient=False) for x, t in _token_blocks(hidden, targets)]
    return torch.cat([b.nll for b in blocks]), torch.cat([b.best for b in blocks]) == targets


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, head: Head, targets: Tensor) -> Tensor:
        need_hidden, need_weight = ctx.needs_input_grad[:2]
        blocks = [score_block(head, x, t, gradient=need_hidden) for x, t in _token_blocks(hidden, targets)]
        ctx.head, ctx.hidden_dtype, ctx.compute = head, hidden.dtype, head.compute_dtype()
        ctx.grad_hidden = torch.cat([cast("Tensor", b.grad_hidden) for b in blocks]) if need_hidden else None
        kept = (hidden, weight, targets, torch.cat([b.logsumexp for b in blocks])) if need_weight else ()
        ctx.save_for_backward(*kept)
        return torch.cat([b.nll for b in blocks]).sum()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        grad = grads[0]
        grad_hidden = None if ctx.grad_hidden is None else (ctx.grad_hidden * grad).to(ctx.hidden_dtype)
        if not ctx.needs_input_grad[1]:
            return grad_hidden, None, None, None
        hidden, weight, targets, logsumexp = ctx.saved_tensors
        return grad_hidden, _weight_gradient(ctx, hidden, weight, targets, logsumexp, grad), None, None


def _weight_gradient(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, lse: Tensor, grad: Tensor) -> Tensor:
    head: Head = ctx.head
    x = hidden.to(ctx.compute)
    result = torch.empty_like(weight)
    chunks = _chunks(head)
    weights = _Cast(weight, ctx.compute, chunks[0][1])
    rows = torch.arange(len(targets), device=x.device)
    for start, end in chunks:
        logits = _logits(head, x, weights.rows(start, end), start, end)
        slope = None if head.softcap is None else 1 - (logits / head.softcap) ** 2
        error = logits.sub_(lse[:, None]).exp_()
        inside = (targets >= start) & (targets < end)
        error[rows[inside], targets[inside] - start] -= 1
        if slope is not None:
            error *= slope
        result[start:end] = (error * grad).to(ctx.compute).T @ x
    return result


def summed_loss(head: Head, hidden: Tensor, targets: Tensor) -> Tensor:
    """Sum of the negative log likelihoods, differentiable by the hidden states and, if trained, the head."""
    return cast("Tensor", _Loss.apply(hidden, head.weight, head, targets))

"""Weights kept in 16 bits and multiplied in another dtype.

A module here owns its parameter in the stored dtype and casts it for each use. The cast copy lives in a
scratch buffer that all modules share, so neither the forward nor the backward pass keeps one alive.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from lamina_trainer.errors import InvalidError
from lamina_trainer.quantizers.packed_linear import PackedLinear
from lamina_trainer.quantizers.scratch import Scratch


class _StoredMatmul(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, dtype: torch.dtype, scratch: Scratch
    ) -> Tensor:
        ctx.dtype, ctx.scratch, ctx.input_dtype = dtype, scratch, x.dtype
        ctx.bias_dtype = None if bias is None else bias.dtype
        x = x.to(dtype)
        ctx.save_for_backward(x if ctx.needs_input_grad[1] else None, weight)
        return functional.linear(x, scratch.cast(weight, dtype), None if bias is None else bias.to(dtype))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None]:
        x, weight = ctx.saved_tensors
        grad = grads[0].to(ctx.dtype)
        grad_x = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_x = (grad @ ctx.scratch.cast(weight, ctx.dtype)).to(ctx.input_dtype)
        rows = grad.reshape(-1, grad.shape[-1])
        if ctx.needs_input_grad[1]:
            grad_weight = (rows.T @ x.reshape(-1, x.shape[-1])).to(weight.dtype)
        if ctx.needs_input_grad[2]:
            grad_bias = rows.sum(0).to(ctx.bias_dtype)
        return grad_x, grad_weight, grad_bias, None, None


class StoredLinear(nn.Linear):
    """A linear layer whose weight stays in its stored dtype."""

    def __init__(self, source: nn.Linear, dtype: torch.dtype, scratch: Scratch) -> None:
        super().__init__(source.in_features, source.out_features, source.bias is not None, device="meta")
        self.weight = source.weight
        self.bias = source.bias
        self.dtype = dtype
        self.scratch = scratch

    def forward(self, x: Tensor) -> Tensor:
        """Multiply in the autocast dtype where autocast is on, else in the module's."""
        kind = x.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else self.dtype
        result = _StoredMatmul.apply(x, self.weight, self.bias, dtype, self.scratch)
        return cast("Tensor", result)


class StoredEmbedding(nn.Embedding):
    """An embedding whose rows are cast after they are looked up, and scaled where the model scales them."""

    def __init__(self, source: nn.Embedding, dtype: torch.dtype) -> None:
        super().__init__(source.num_embeddings, source.embedding_dim, source.padding_idx, device="meta")
        self.weight = source.weight
        self.dtype = dtype
        self.scale = embedding_scale(source)
        if self.scale is not None:  # PEFT looks for it, to scale what its adapter adds
            self.register_buffer("embed_scale", torch.tensor(self.scale, device=self.weight.device), persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Look up and cast."""
        rows = functional.embedding(ids, self.weight, self.padding_idx).to(self.dtype)
        return rows if self.scale is None else rows * self.scale


def embedding_scale(embedding: nn.Embedding) -> float | None:
    """The factor that some models multiply an embedding's rows with; they name it in two ways."""
    named = getattr(embedding, "scalar_embed_scale", getattr(embedding, "embed_scale", None))
    return None if named is None else float(named)


def cast_on_use(model: nn.Module, dtype: torch.dtype) -> None:
    """Let every linear and embedding layer that is stored in another dtype than `dtype` cast per use.

    Tied parameters stay tied. Other modules that keep matrices (experts, routers, GPT-2's transposed layers) get
    them cast wherever they read them, and keep that copy for the backward pass. Raises InvalidError for convolutions.
    """
    scratch = Scratch()
    for parent, name, child in list(_children(model)):
        if isinstance(child, StoredLinear | StoredEmbedding | PackedLinear) or not _stored_elsewhere(child, dtype):
            continue
        if type(child) is nn.Linear:
            setattr(parent, name, StoredLinear(child, dtype, scratch))
        elif type(child) is nn.Embedding or (isinstance(child, nn.Embedding) and embedding_scale(child) is not None):
            setattr(parent, name, StoredEmbedding(child, dtype))
        elif any(p.dim() > 1 and p.is_floating_point() for p in child.parameters(recurse=False)):
            if isinstance(child, nn.modules.conv._ConvNd):  # mixers with convolutions read weights of other layers
                raise InvalidError(
                    f"{type(model).__name__} has convolutions, and cannot be stored in 16 bits and multiplied in "
                    f"{str(dtype).removeprefix('torch.')} here; set computeDtype to the stored precision"
                )
            _cast_where_read(child, dtype)
        elif isinstance(child, nn.LayerNorm) or dtype != torch.float32:
            # Vectors: a 16-bit one times a wider activation is fp32 by promotion, which is wanted for fp32
            # and not otherwise. LayerNorm's kernel takes one dtype only.
            for parameter in child.parameters(recurse=False):
                parameter.data = parameter.data.to(dtype)


def _cast_where_read(module: nn.Module, dtype: torch.dtype) -> None:
    """Make a module read its parameters in another dtype than they are stored in."""
    kind = type(module)
    names = [name for name, p in module.named_parameters(recurse=False) if p.is_floating_point()]
    reads = {name: property(partial(_read, name=name, dtype=dtype)) for name in names}
    module.__class__ = type(kind.__name__, (kind,), {**reads, "__module__": kind.__module__, "stored_kind": kind})


def _read(module: nn.Module, name: str, dtype: torch.dtype) -> Tensor:
    parameter = module._parameters.get(name)
    if parameter is None:  # PEFT takes experts out to put adapters on them, and asks whether they are gone
        raise AttributeError(name)
    return parameter.to(dtype)


def read_as_stored(model: nn.Module) -> None:
    """Undo the casts of modules that are neither linear layers nor embeddings."""
    for module in model.modules():
        kind = getattr(type(module), "stored_kind", None)
        if kind is not None:
            module.__class__ = kind


def _children(model: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Module]]:
    for parent in model.modules():
        for name, child in parent.named_children():
            yield parent, name, child


def _stored_elsewhere(module: nn.Module, dtype: torch.dtype) -> bool:
    return any(p.is_floating_point() and p.dtype != dtype for p in module.parameters(recurse=False))

"""Weights kept in 8 or 4 bits with their constants, and dequantized for each use.

Neither the forward nor the backward pass keeps a dequantized copy: it lives in a scratch buffer that all layers share.
The kernels that multiply packed weights directly have no backward pass, and so cannot train anything below them.
"""

from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.autograd.profiler import record_function
from torch.nn import functional

from lamina_trainer.quantizers.scratch import Scratch

Form = Literal["int8", "float8", "int4", "mxfp4"]
MIDDLE = 8
"""The middle of the 16 values of a 4-bit integer, which an offset is relative to."""
_E2M1 = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0)
_E2M1_PAIRS = torch.tensor([(_E2M1[byte & 15], _E2M1[byte >> 4]) for byte in range(256)])
"""By the byte that holds them: the two values of 4-bit floats."""


class PackedLinear(nn.Linear):
    """A frozen linear layer whose weight is q · scale, (q - zero) · scale or (q - 8) · scale + offset.

    `weight` is int8; or uint8 with the bits of an 8-bit float; or uint8 with two 4-bit integers or floats, the one of
    the even column in the lower bits. `scale` is [outputs, groups], and so is the `zero` (integers) or `offset`
    (numbers). That of 4-bit floats is uint8: an exponent of two, plus 127.
    """

    scale: Tensor
    zero: Tensor | None
    offset: Tensor | None

    def __init__(
        self,
        form: Form,
        inputs: int,
        weight: Tensor,
        scale: Tensor,
        *,
        zero: Tensor | None = None,
        offset: Tensor | None = None,
        bias: nn.Parameter | None = None,
        scratch: Scratch,
    ) -> None:
        super().__init__(inputs, weight.shape[0], bias is not None, device="meta")
        self.weight = nn.Parameter(weight, requires_grad=False)
        if bias is not None:
            self.bias = bias
        self.register_buffer("scale", scale)
        self.register_buffer("zero", zero)
        self.register_buffer("offset", offset)
        self.form: Form = form
        self.compute = torch.float32
        self.scratch = scratch

    def forward(self, x: Tensor) -> Tensor:
        """Multiply in the autocast dtype where autocast is on, else in the layer's."""
        kind = x.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else self.compute
        return cast("Tensor", _PackedMatmul.apply(x, self.bias, self, dtype))

    def dequantize(self, out: Tensor) -> Tensor:
        """Write the weight into `out` [outputs, inputs]; every value is rounded once to its dtype."""
        with record_function("lamina::dequantize"):
            if self.form == "int4":
                self._unpack(out)
            elif self.form == "mxfp4":
                self._look_up(out)
            else:
                stored = self.weight if self.form == "int8" else self.weight.view(torch.float8_e4m3fn)
                out.copy_(stored).mul_(self.scale)
        return out

    def _unpack(self, out: Tensor) -> None:
        pairs = out.view(self.out_features, -1, 2)
        pairs[..., 0].copy_(self.weight & 15)
        pairs[..., 1].copy_(self.weight >> 4)
        groups, scale = out.view(*self.scale.shape, -1), self.scale[..., None]
        if self.offset is None:
            assert self.zero is not None
            groups.sub_(self.zero[..., None]).mul_(scale)
        else:
            offset = self.offset[..., None].to(out.dtype)
            torch.addcmul(offset, groups.sub_(MIDDLE), scale.to(out.dtype), out=groups)

    def _look_up(self, out: Tensor) -> None:
        pairs = _E2M1_PAIRS.to(out.device, out.dtype)
        torch.index_select(pairs, 0, self.weight.flatten().int(), out=out.view(-1, 2))
        scale = self.scale.view(torch.float8_e8m0fnu).to(out.dtype)
        out.view(*scale.shape, -1).mul_(scale[..., None])


class _PackedMatmul(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, bias: Tensor | None, layer: PackedLinear, dtype: torch.dtype) -> Tensor:
        ctx.layer, ctx.dtype, ctx.input_dtype = layer, dtype, x.dtype
        ctx.bias_dtype = None if bias is None else bias.dtype
        return functional.linear(x.to(dtype), _weight(layer, dtype), None if bias is None else bias.to(dtype))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        grad = grads[0].to(ctx.dtype)
        grad_x = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_x = (grad @ _weight(ctx.layer, ctx.dtype)).to(ctx.input_dtype)
        if ctx.needs_input_grad[1]:
            grad_bias = grad.reshape(-1, grad.shape[-1]).sum(0).to(ctx.bias_dtype)
        return grad_x, grad_bias, None, None


def _weight(layer: PackedLinear, dtype: torch.dtype) -> Tensor:
    shape = torch.Size((layer.out_features, layer.in_features))
    return layer.dequantize(layer.scratch.space(shape, dtype, layer.weight.device))


def pack(values: Tensor) -> Tensor:
    """Two 4-bit integers [outputs, inputs] in a byte."""
    values = values.to(torch.uint8)
    return values[:, 0::2] | values[:, 1::2] << 4

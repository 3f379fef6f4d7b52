"""Quantization by torchao's algorithms: 8-bit integers and floats by row, 4-bit ones by group.

Its values are those of torchao's own weight-only tensors. They are held in `PackedLinear`, because torchao has a
packing of 4-bit integers for NVIDIA GPUs alone, and kernels for it that cannot be trained through.
"""

from typing import Final

import torch
from torch import Tensor, nn

from lamina_trainer.contract.capabilities import facts
from lamina_trainer.errors import InvalidError
from lamina_trainer.quantizers.interface import Target
from lamina_trainer.quantizers.packed_linear import PackedLinear, pack
from lamina_trainer.quantizers.packed_quantizer import PackedQuantizer

HIGHEST: Final = 15


class TorchaoQuantizer(PackedQuantizer):
    """`fp8`, `int8-wo`, `int4-wo`, `int4-hqq` and `mxfp4`."""

    def quantize(self, linear: nn.Linear, target: Target) -> PackedLinear:
        """Quantize on the target's device."""
        weight = linear.weight.data.to(target.device)
        bias = None if linear.bias is None else nn.Parameter(linear.bias.data.to(target.device), requires_grad=False)
        if target.precision == "int8-wo":
            values, scale = _int8(weight)
            return PackedLinear("int8", linear.in_features, values, scale, bias=bias, scratch=target.scratch)
        if target.precision == "fp8":
            values, scale = _float8(weight)
            return PackedLinear("float8", linear.in_features, values, scale, bias=bias, scratch=target.scratch)
        group = facts(target.precision).group
        assert group is not None
        if linear.in_features % group != 0:
            raise InvalidError(
                f"{target.precision} needs layers whose inputs are a multiple of {group}; "
                f"one of this model has {linear.in_features}: use nf4"
            )
        if target.precision == "mxfp4":
            values, scale = _mxfp4(weight, group)
            return PackedLinear("mxfp4", linear.in_features, values, scale, bias=bias, scratch=target.scratch)
        make = _hqq if target.precision == "int4-hqq" else _min_max
        values, scale, offset = make(weight, group)
        shape = (linear.out_features, linear.in_features // group)
        return PackedLinear(
            "int4",
            linear.in_features,
            pack(values),
            scale.reshape(shape).contiguous(),
            offset=offset.reshape(shape).contiguous(),
            bias=bias,
            scratch=target.scratch,
        )


def _int8(weight: Tensor) -> tuple[Tensor, Tensor]:
    from torchao.quantization import Int8Tensor, PerRow

    made = Int8Tensor.from_hp(weight, PerRow())
    return made.qdata, made.scale.float()


def _float8(weight: Tensor) -> tuple[Tensor, Tensor]:
    from torchao.quantization import Float8Tensor, PerRow
    from torchao.quantization.quantize_.common import KernelPreference

    # Kernels of other packages would be used where they happen to be installed, and give other values.
    made = Float8Tensor.from_hp(weight, granularity=PerRow(), kernel_preference=KernelPreference.TORCH)
    return made.qdata.view(torch.uint8), made.scale.float()


def _mxfp4(weight: Tensor, group: int) -> tuple[Tensor, Tensor]:
    from torchao.prototype.mx_formats.mx_tensor import MXTensor

    exact = weight if weight.dtype == torch.bfloat16 else weight.float()
    made = MXTensor.to_mx(exact, torch.float4_e2m1fn_x2, group)
    return made.qdata, made.scale.view(torch.uint8)


def _min_max(weight: Tensor, group: int) -> tuple[Tensor, Tensor, Tensor]:
    from torchao.quantization import quant_primitives as primitives

    block = (1, group)
    scale, offset = primitives._choose_qparams_affine_tinygemm(
        weight,
        primitives.MappingType.ASYMMETRIC,
        block,
        torch.int32,
        0,
        HIGHEST,
        scale_dtype=weight.dtype,
        zero_point_dtype=weight.dtype,
    )
    values = primitives._quantize_affine_tinygemm(weight, block, scale, offset, torch.int32, 0, HIGHEST)
    return values, scale, offset


def _hqq(weight: Tensor, group: int) -> tuple[Tensor, Tensor, Tensor]:
    from torchao.quantization import quant_primitives as primitives

    values, scale, offset, _ = primitives._choose_qparams_and_quantize_affine_hqq(
        weight, nbits=4, group_size=group, axis=1, compute_dtype=weight.dtype, device=weight.device
    )
    return values.reshape(weight.shape), scale, offset

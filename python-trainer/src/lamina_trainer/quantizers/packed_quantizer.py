"""Base of the quantizers that hold their weights in `PackedLinear`."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from lamina_trainer.quantizers.interface import Quantizer
from lamina_trainer.quantizers.packed_linear import PackedLinear


class PackedQuantizer(Quantizer):
    """Reads layers whose weight is packed; subclasses make them."""

    def holds(self, module: nn.Module) -> bool:
        """Whether it is a packed layer."""
        return isinstance(module, PackedLinear)

    def parameters(self, module: PackedLinear) -> int:
        """Outputs × inputs."""
        return module.out_features * module.in_features

    def constants(self, module: PackedLinear) -> Iterator[Tensor]:
        """Scales, and zeros or offsets."""
        yield from (tensor for tensor in (module.scale, module.zero, module.offset) if tensor is not None)

    def weight(self, module: PackedLinear) -> Tensor:
        """Dequantize into a tensor of its own."""
        shape = (module.out_features, module.in_features)
        return module.dequantize(torch.empty(shape, dtype=torch.float32, device=module.weight.device))

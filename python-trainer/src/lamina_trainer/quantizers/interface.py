"""The interface of quantizers; the rest of the trainer works with any of them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lamina_trainer.contract.vocabulary import Precision
from lamina_trainer.quantizers.scratch import Scratch


@dataclass(frozen=True)
class Target:
    """How a layer is to be held."""

    precision: Precision
    compute: torch.dtype
    device: torch.device
    scratch: Scratch


class Quantizer(ABC):
    """Holds the weight of a linear layer in fewer bits. Has no state: what belongs to a layer is in the layer."""

    @abstractmethod
    def quantize(self, linear: nn.Linear, target: Target) -> nn.Module:
        """The layer that takes the place of `linear`, on the target's device.

        Raises InvalidError for a layer that cannot be held like this.
        """

    def finish(self, causal: nn.Module, layers: nn.ModuleList, precision: Precision) -> None:  # noqa: B027
        """After all layers of a model: share what can be shared, and leave the marks that other libraries look for."""

    @abstractmethod
    def holds(self, module: nn.Module) -> bool:
        """Whether a layer was made by this quantizer."""

    @abstractmethod
    def parameters(self, module: Any) -> int:
        """How many weights a layer has, however they are packed."""

    @abstractmethod
    def constants(self, module: Any) -> Iterator[Tensor]:
        """Scales, offsets and lookup tables of a layer: stored apart from `module.weight`, and a part of its size."""

    @abstractmethod
    def weight(self, module: Any) -> Tensor:
        """The values that the layer multiplies with, in fp32 and in the shape of a plain layer's weight."""

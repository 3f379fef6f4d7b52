"""Which library makes the quantized layers of a precision, and which made a given layer."""

from collections.abc import Iterator
from typing import Final

from torch import Tensor, nn

from lamina_trainer.contract.capabilities import facts
from lamina_trainer.contract.vocabulary import Precision
from lamina_trainer.quantizers.bitsandbytes import BitsandbytesQuantizer
from lamina_trainer.quantizers.interface import Quantizer
from lamina_trainer.quantizers.torchao import TorchaoQuantizer

_BY_LIBRARY: Final[dict[str, Quantizer]] = {
    "bitsandbytes": BitsandbytesQuantizer(),
    "torchao": TorchaoQuantizer(),
}


def quantizer_for(precision: Precision) -> Quantizer:
    """What makes the layers of a precision."""
    return _BY_LIBRARY[facts(precision).library]


def quantizer_of(module: nn.Module) -> Quantizer | None:
    """What made a layer; None for a plain one. Packed layers of both libraries are read alike."""
    return next((one for one in _BY_LIBRARY.values() if one.holds(module)), None)


def quantizer_of_parameter(model: nn.Module, name: str) -> tuple[Quantizer, nn.Module] | None:
    """What quantized a parameter, by its name, and its layer; None for a plain one, as the bias always is."""
    path, _, leaf = name.rpartition(".")
    if leaf != "weight":
        return None
    module = model.get_submodule(path)
    found = quantizer_of(module)
    return None if found is None else (found, module)


def quantization_constants(causal: nn.Module, name: str) -> Iterator[Tensor]:
    """Scales and lookup tables that belong to a parameter; none for one that is not quantized."""
    held = quantizer_of_parameter(causal, name)
    if held is not None:
        quantizer, module = held
        yield from quantizer.constants(module)

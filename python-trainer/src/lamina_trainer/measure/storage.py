"""How many parameters a model has, and how many bytes its weights take."""

from dataclasses import dataclass

from torch import Tensor, nn

from lamina_trainer.quantizers.registry import quantization_constants, quantizer_of_parameter


@dataclass(frozen=True)
class Storage:
    """The base weights of a model: adapters excluded, tied weights counted once."""

    parameters: int
    weight_bytes: int
    quantized_parameters: int
    quantized_bytes: int


def measure_storage(causal: nn.Module) -> Storage:
    """Count logical parameters and measure their bytes, with quantization constants, from the tensors.

    Lookup tables that belong to a format and not to a weight (the 16 values of NF4) are counted once
    per tensor in memory, as they are shared.
    """
    parameters = weight_bytes = quantized_parameters = quantized_bytes = 0
    tables: set[int] = set()
    seen: set[int] = set()
    for name, parameter in causal.named_parameters():
        if "lora_" in name or id(parameter) in seen:
            continue
        seen.add(id(parameter))
        held = quantizer_of_parameter(causal, name)
        constants = [c for c in quantization_constants(causal, name) if not _known(c, tables)]
        size = _nbytes(parameter) + sum(_nbytes(c) for c in constants)
        count = parameter.numel() if held is None else held[0].parameters(held[1])
        parameters += count
        weight_bytes += size
        if held is not None:
            quantized_parameters += count
            quantized_bytes += size
    return Storage(parameters, weight_bytes, quantized_parameters, quantized_bytes)


def _nbytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _known(tensor: Tensor, seen: set[int]) -> bool:
    pointer = tensor.data_ptr()
    if pointer in seen:
        return True
    seen.add(pointer)
    return False


def trainable_count(causal: nn.Module) -> int:
    """Number of parameters that are trained."""
    return sum(p.numel() for p in causal.parameters() if p.requires_grad)

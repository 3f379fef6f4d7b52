"""Methods: what is trained over the base weights."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from lamina_trainer.contract.capabilities import is_quantized
from lamina_trainer.contract.settings import LoraSettings
from lamina_trainer.contract.vocabulary import Method, Precision
from lamina_trainer.errors import InvalidError
from lamina_trainer.model.linears import is_linear, is_router
from lamina_trainer.model.loading import LoadedModel


def check_method(method: Method, precision: Precision, lora: LoraSettings | None) -> None:
    """Raise InvalidError for combinations that mean nothing."""
    if method == "full" and is_quantized(precision):
        raise InvalidError(f"full training cannot update weights stored as {precision}; use qlora")
    if method == "lora" and is_quantized(precision):
        raise InvalidError(f"lora over {precision} weights is qlora; say so")
    if method == "qlora" and not is_quantized(precision):
        raise InvalidError(f"qlora needs k-bit weights, not {precision}; use lora")
    if method != "full" and lora is None:
        raise InvalidError(f"{method} needs the lora settings")


def apply_method(loaded: LoadedModel, method: Method, lora: LoraSettings | None) -> list[nn.Parameter]:
    """Make the model trainable; returns what is trained, in a fixed order."""
    causal = loaded.causal
    if method == "full":
        causal.requires_grad_(True)
    else:
        assert lora is not None
        loaded.adapter = _add_adapters(causal, loaded.layers, lora)
    return [p for p in causal.parameters() if p.requires_grad]


def _add_adapters(causal: Any, layers: nn.ModuleList, lora: LoraSettings) -> Any:
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        bias=lora.bias,
        target_modules=_targets(causal, layers, lora.targets),
        use_rslora=lora.rslora,
        init_lora_weights=True,
    )
    try:
        adapter = get_peft_model(causal, config, autocast_adapter_dtype=True)
    except ValueError as error:
        raise InvalidError(f"lora.targets do not fit this model: {error}") from error
    for name, parameter in causal.named_parameters():
        if "lora_" in name and parameter.dtype != torch.float32:
            parameter.data = parameter.data.float()
    return adapter


def _targets(causal: Any, layers: nn.ModuleList, targets: str | Sequence[str]) -> list[str]:
    """Names of the modules that get adapters; raises InvalidError where one of `targets` means none."""
    linear = {name: module for name, module in causal.named_modules() if is_linear(module)}
    if targets == "all-linear":
        inside = {id(module) for module in layers.modules()}
        found = [name for name, m in linear.items() if id(m) in inside and not is_router(name)]
        if not found:
            raise InvalidError(f"{type(causal).__name__} has no linear layers in its decoder that could get adapters")
        return found
    embeddings = [name for name, module in causal.named_modules() if isinstance(module, nn.Embedding)]
    for target in targets:
        if not any(name == target or name.endswith(f".{target}") for name in (*linear, *embeddings)):
            known = ", ".join(sorted({name.rpartition(".")[2] for name in linear}))
            name = type(causal).__name__
            raise InvalidError(
                f"lora.targets names {target}, which {name} does not have; its linear layers are {known}"
            )
    return list(targets)

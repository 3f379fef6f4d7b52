"""Cuts a model to some of its layers, so that what is saved of it loads as what was trained."""

import copy
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import torch
from torch import nn

from lamina_trainer.errors import InvalidError
from lamina_trainer.model.layer_settings import KEYS, cut_settings
from lamina_trainer.model.loading import LoadedModel
from lamina_trainer.quantizers.packed_linear import PackedLinear

PLACE: Final = frozenset(
    {"layer_idx", "layer_id", "layer_number", "layer_index", "is_kv_shared_layer", "store_full_length_kv"}
    | {"kv_sharing_mode", "kv_shared_layer_index"}
)
"""Attributes that say where in the model a layer is, and from which other it reuses keys and values."""
PER_LAYER_TABLES: Final[Mapping[str, int]] = {
    "embed_tokens_per_layer.weight": 1,
    "per_layer_model_projection.weight": 0,
}
"""Weights outside of the layers that hold a part for each, by the dimension that the parts are laid along."""


def cut(loaded: LoadedModel, kept: Sequence[int]) -> None:
    """Keep these layers, and change in the configuration what it says layer by layer.

    The class then builds a model from the changed configuration, without weights, and every kept layer is compared
    with the one at its place. Raises InvalidError where the configuration cannot say what the layers are.
    """
    total = len(loaded.layers)
    if list(kept) == list(range(total)):
        return
    _change(loaded, kept, total)
    setattr(loaded.decoder, loaded.layers_name, nn.ModuleList(loaded.layers[i] for i in kept))
    _slice_tables(loaded, kept, total)
    reference = _reference(loaded)
    _adopt(loaded, reference, kept)
    if _aliases(loaded.causal) != _aliases(reference):
        raise _impossible(loaded, "other weights would be shared between layers")


def _change(loaded: LoadedModel, kept: Sequence[int], total: int) -> None:
    config = loaded.text_config
    wanted = cut_settings(config.to_dict(), kept, total)
    # What a file would say: classes derive values from one another when they read it, and change some.
    try:
        made = type(config).from_dict(copy.deepcopy(wanted))
    except Exception as error:  # classes refuse values each in its own way
        raise _impossible(loaded, f"{type(config).__name__} refuses it: {_first_line(error)}") from error
    read = made.to_dict()
    for name, value in wanted.items():
        if name in KEYS and name in read and _plain(read[name]) != _plain(value):
            raise _impossible(loaded, f"{type(config).__name__} reads {name} {value} as {read[name]}")
    held = vars(config)
    for name, value in vars(made).items():
        if not name.startswith(("_attn_", "_experts_", "_name_", "_commit")) and name != "dtype":
            held[name] = value
    config.use_cache = False


def _plain(value: Any) -> Any:
    """As a file would have it: tuples are lists there, and keys are text."""
    return json.loads(json.dumps(value, default=str))


def _slice_tables(loaded: LoadedModel, kept: Sequence[int], total: int) -> None:
    for name, parameter in list(loaded.decoder.named_parameters()):
        dimension = next((where for end, where in PER_LAYER_TABLES.items() if name.endswith(end)), None)
        if dimension is None:
            continue
        width = parameter.shape[dimension] // total
        order = torch.cat([torch.arange(i * width, (i + 1) * width) for i in kept]).to(parameter.device)
        module = loaded.decoder.get_submodule(name.rpartition(".")[0])
        module.weight = nn.Parameter(parameter.data.index_select(dimension, order), requires_grad=False)
        if isinstance(module, nn.Embedding):
            module.embedding_dim = width * len(kept)
        elif isinstance(module, nn.Linear):
            module.out_features = width * len(kept)


def _reference(loaded: LoadedModel) -> Any:
    causal = loaded.causal
    try:
        config = type(causal.config).from_dict(copy.deepcopy(causal.config.to_dict()))
        config._attn_implementation = loaded.attention
        with torch.device("meta"):
            return type(causal)(config)
    except Exception as error:  # classes refuse values each in its own way
        raise _impossible(loaded, f"no model can be built from it: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _adopt(loaded: LoadedModel, reference: Any, kept: Sequence[int]) -> None:
    """Compare with what the configuration describes, and take over the places of layers from it."""
    there = dict(reference.named_modules())
    prefix = next(name for name, module in loaded.causal.named_modules() if module is loaded.layers)
    held = dict(loaded.causal.named_modules())
    if held.keys() != there.keys():
        name = min(held.keys() ^ there.keys())
        raise _impossible(loaded, f"{_where(name, prefix, kept)} is {'missing' if name in held else 'more'} there")
    for name, module in held.items():
        expected = there[name]
        where = _where(name, prefix, kept)
        if type(module) is not type(expected) and not isinstance(module, PackedLinear):
            raise _impossible(loaded, f"{where} would be a {type(expected).__name__}")
        if not isinstance(module, PackedLinear) and _shapes(module) != _shapes(expected):
            raise _impossible(loaded, f"{where} would have other shapes")
        inside = name.startswith(f"{prefix}.")
        for attribute, value in _scalars(expected):
            mine = getattr(module, attribute, None)
            if mine == value or _close(mine, value):
                continue
            if inside and attribute not in PLACE:
                raise _impossible(loaded, f"{where} has {attribute} {mine}, and would have {value}")
            setattr(module, attribute, value)


def _close(one: Any, other: Any) -> bool:
    """Whether two numbers differ by rounding alone: a factor's root is taken in another order."""
    return isinstance(one, float) and isinstance(other, float) and math.isclose(one, other, rel_tol=1e-12)


def _where(name: str, prefix: str, kept: Sequence[int]) -> str:
    if not name.startswith(f"{prefix}."):
        return name or "the model"
    position, _, rest = name.removeprefix(f"{prefix}.").partition(".")
    return f"layer {kept[int(position)]}{f' ({rest})' if rest else ''}" if int(position) < len(kept) else name


def _impossible(loaded: LoadedModel, reason: str) -> InvalidError:
    return InvalidError(
        f"These layers of {loaded.architecture} cannot be kept by themselves: its configuration cannot say what they "
        f"are, and {reason}. Keep its first layers, or others."
    )


def _shapes(module: nn.Module) -> dict[str, torch.Size]:
    return {name: p.shape for name, p in module.named_parameters(recurse=False)}


def _scalars(module: nn.Module) -> Iterator[tuple[str, Any]]:
    for name, value in vars(module).items():
        if name != "training" and not name.startswith("_") and isinstance(value, bool | int | float | str | None):
            yield name, value


def _aliases(causal: nn.Module) -> set[frozenset[str]]:
    """Sets of names that mean one parameter."""
    names: dict[int, set[str]] = {}
    for name, parameter in causal.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), set()).add(name)
    return {frozenset(group) for group in names.values() if len(group) > 1}

"""What a model's configuration says layer by layer, and what it says of the layers that a cut keeps.

transformers has no one way to say that layers differ: lists with an entry a layer, lists of the layers that are
special, counts of first or last ones, periods. `KEYS` and `PERIODS` declare each key with its kind; a key that is not
here is copied as it is, however long its list.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from lamina_trainer.errors import InvalidError

Kind = Literal["each", "indices", "indices-from-1", "first", "last", "cycle", "root-of-depth"]
"""each: an entry for every layer (a list, a string of letters, or a mapping from the layer's index).
indices: a list of layers, counted from 0, or from 1. first, last: how many layers at that end are special.
cycle: a pattern that is repeated over the depth. root-of-depth: a factor that the class divides by √depth."""

KEYS: Final[Mapping[str, Kind]] = {
    "activation_sparsity_pattern": "each",
    "attention_layers": "each",
    "attn_layer_indices": "indices",
    "block_types": "cycle",
    "first_k_dense_replace": "first",
    "full_attn_idxs": "indices",
    "hybrid_layer_ids": "indices",
    "hybrid_override_pattern": "each",
    "indexer_types": "each",
    "intermediate_size": "each",
    "layer_rope_theta": "each",
    "layer_types": "each",
    "layers_block_type": "each",
    "local_layer_ids": "indices",
    "loop_layer_index_end": "first",
    "loop_layer_index_start": "first",
    "max_window_layers": "first",
    "mlp_layer_types": "each",
    "mlp_only_layers": "indices",
    "moe_layers": "indices",
    "n_input_layers": "first",
    "n_output_layers": "last",
    "no_rope_layers": "each",
    "num_attention_heads_per_layer": "each",
    "num_dense_layers": "first",
    "num_kv_shared_layers": "last",
    "per_layer_config": "each",
    "ple_layer_ids": "indices-from-1",
    "scale_depth": "root-of-depth",
}

DEPTH: Final = ("decoder_layers", "num_decoder_layers", "num_layers", "n_layers", "n_layer", "num_hidden_layers")
"""Names of the depth. A class that has an encoder too says it first, and means the decoder."""


@dataclass(frozen=True)
class Periods:
    """Keys that say together, by arithmetic on a layer's index, which layers are special."""

    keys: Sequence[str]
    special: Callable[..., bool]
    """Of the layer's index and the values of the keys, in their order."""
    values: Callable[[int], Iterable[tuple[int, ...]]]
    """Values that may be written for a depth, plainest first."""
    unless: str = ""
    """A list that the class writes out from them, and reads in their place."""


def _period_and_offset(depth: int) -> Iterable[tuple[int, ...]]:
    return ((period, offset) for period in range(1, depth + 2) for offset in range(period))


def _interval_and_ends(depth: int) -> Iterable[tuple[int, ...]]:
    return itertools.product(range(1, depth + 2), range(depth), range(-1, depth))


PERIODS: Final[Sequence[Periods]] = (
    Periods(
        ("attn_layer_period", "attn_layer_offset"),
        lambda layer, period, offset: layer % period == offset,
        _period_and_offset,
        unless="layers_block_type",
    ),
    Periods(
        ("expert_layer_period", "expert_layer_offset"),
        lambda layer, period, offset: layer % period == offset,
        _period_and_offset,
    ),
    Periods(
        ("moe_layer_interval", "moe_layer_start_index", "moe_layer_end_index"),
        lambda layer, interval, start, end: (layer + 1) % interval == 0 and start <= layer <= end,
        _interval_and_ends,
    ),
)


def cut_settings(settings: Mapping[str, Any], kept: Sequence[int], total: int) -> dict[str, Any]:
    """The settings of a configuration, as its `to_dict` gives them, for the layers `kept` of `total`.

    Raises InvalidError where the class has no way to say which of them are special.
    """
    made = dict(settings)
    for name, kind in KEYS.items():
        if made.get(name) is not None:
            made[name] = _cut_value(made[name], kind, kept, total)
    if made.get("attention_types") is not None and made.get("attention_layers") is not None:
        made["attention_types"] = [[[kind], 1] for kind in made["attention_layers"]]
    if made.get("n_recurrent_layers") is not None:
        made["n_recurrent_layers"] = len(kept) - made["n_input_layers"] - made["n_output_layers"]
    _cut_steps(made, settings, kept)
    for periods in PERIODS:
        _cut_periods(made, periods, kept)
    depths = [name for name in DEPTH if settings.get(name) == total]
    for name in depths[:1] if depths and "decoder" in depths[0] else depths:
        made[name] = len(kept)
    return made


def _cut_value(value: Any, kind: Kind, kept: Sequence[int], total: int) -> Any:
    """Change a value as its kind says; one of another type is no setting of layers, and stays."""
    made = value
    if isinstance(value, int | float):
        if kind == "first":
            made = sum(layer < value for layer in kept)
        elif kind == "last":
            made = sum(layer >= total - value for layer in kept)
        elif kind == "root-of-depth":
            made = value * math.sqrt(len(kept) / total)
    elif kind == "each" and isinstance(value, Mapping):
        by_layer = {int(layer): one for layer, one in value.items()}
        made = {position: by_layer[layer] for position, layer in enumerate(kept) if layer in by_layer}
    elif kind == "each" and len(value) == total:
        made = "".join(value[layer] for layer in kept) if isinstance(value, str) else [value[layer] for layer in kept]
    elif kind == "cycle":
        made = [value[layer % len(value)] for layer in kept]
    elif kind in ("indices", "indices-from-1"):
        first = 1 if kind == "indices-from-1" else 0
        made = [position + first for position, layer in enumerate(kept) if layer + first in value]
    return made


def _cut_steps(made: dict[str, Any], settings: Mapping[str, Any], kept: Sequence[int]) -> None:
    """Say with `mlp_only_layers` alone which layers have no experts: not every cut has a step."""
    step = settings.get("decoder_sparse_step")
    if step is None or step == 1 or "mlp_only_layers" not in settings:
        return
    plain = settings["mlp_only_layers"] or []
    made["decoder_sparse_step"] = 1
    made["mlp_only_layers"] = [
        position for position, layer in enumerate(kept) if layer in plain or (layer + 1) % step != 0
    ]


def _cut_periods(made: dict[str, Any], periods: Periods, kept: Sequence[int]) -> None:
    given = [made.get(name) for name in periods.keys]
    if any(value is None for value in given) or made.get(periods.unless) is not None:
        return
    wanted = [periods.special(layer, *given) for layer in kept]
    for values in itertools.chain([tuple(given)], periods.values(len(kept))):
        if [periods.special(position, *values) for position in range(len(kept))] == wanted:
            made.update(zip(periods.keys, values, strict=True))
            return
    raise InvalidError(
        f"The layers {list(kept)} cannot be kept: the configuration says by {' and '.join(periods.keys)} which layers "
        "are special, and no values fit these. Keep the first layers, or ones at even distances."
    )

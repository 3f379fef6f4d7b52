"""Angular distances between what goes into a block of layers and what comes out of it.

Gromov et al., The Unreasonable Ineffectiveness of the Deeper Layers (arXiv 2403.17887, section 3.2):
d(l, l + n) = arccos(cosine similarity at the last token) / pi, averaged over sequences.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lamina_trainer.host.files import write_atomic
from lamina_trainer.model.loading import LoadedModel
from lamina_trainer.model.precision import Numerics

CALIBRATION_SEQUENCES = 16
"""The first training sequences: never held-out text, and the same for every seed."""

_FORMAT = 2


def layer_states(loaded: LoadedModel, blocks: Sequence[Any], numerics: Numerics) -> list[Tensor]:
    """For every layer its input, and the output of the last, at the last token: [sequences, width] each."""
    collected: list[list[Tensor]] = [[] for _ in range(len(loaded.layers) + 1)]

    def into(position: int, value: Any) -> None:
        state = value[0] if isinstance(value, tuple) else value
        collected[position].append(state[:, -1].detach().float().cpu())

    hooks = []
    for position, layer in enumerate(loaded.layers):
        hooks.append(
            layer.register_forward_pre_hook(
                lambda _module, args, kwargs, p=position: into(p, args or kwargs["hidden_states"]),
                with_kwargs=True,
            )
        )
    hooks.append(loaded.layers[-1].register_forward_hook(lambda _module, _args, out: into(len(loaded.layers), out)))
    try:
        with torch.no_grad(), numerics.autocast():
            for block in blocks[:CALIBRATION_SEQUENCES]:
                ids = torch.as_tensor(block, dtype=torch.long, device=numerics.device)[None]
                loaded.decoder(input_ids=ids, use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    return [torch.cat(states) for states in collected]


def angular_distances(states: Sequence[Tensor], length: int) -> list[float]:
    """d(l, l + length) for every possible first layer l."""
    distances = []
    for start in range(len(states) - length):
        cosine = torch.nn.functional.cosine_similarity(states[start].double(), states[start + length].double(), dim=-1)
        distances.append(float(torch.arccos(cosine.clamp(-1, 1)).mean()) / math.pi)
    return distances


class DistanceCache:
    """Distances measured before on this machine, by model and calibration text."""

    def __init__(self, folder: Path, key: dict[str, Any]) -> None:
        text = json.dumps({"format": _FORMAT, "sequences": CALIBRATION_SEQUENCES, **key}, sort_keys=True)
        self._file = folder / "distances" / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"

    def get(self) -> list[float] | None:
        """Return the distances that an earlier trial has measured, or None."""
        try:
            return [float(value) for value in json.loads(self._file.read_text(encoding="utf-8"))]
        except FileNotFoundError:
            return None

    def put(self, distances: Sequence[float]) -> None:
        """Keep them for later trials."""
        write_atomic(self._file, json.dumps(list(distances)))

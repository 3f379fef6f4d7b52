"""Follows every live storage while operations run on meta tensors."""

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_SHAPES_BY_VALUE = (torch.ops.aten.index.Tensor, torch.ops.aten.index_put_.default, torch.ops.aten.index_put.default)


class LiveStorages(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of all storages that are alive, and calls `on_change` after each that appears."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0
        self._on_change = on_change
        self._known: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.ops.aten.nonzero.default:
            # How many are true is not known without values: all.
            result: Any = args[0].new_empty((args[0].numel(), max(args[0].dim(), 1)), dtype=torch.long)
        elif func in _SHAPES_BY_VALUE:
            result = func(args[0], _indices(args[1]), *args[2:], **kwargs)
        elif func is torch.ops.aten._local_scalar_dense.default:
            result = 1.0 if args[0].is_floating_point() else 1
        else:
            result = func(*args, **kwargs)
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self.add(leaf)
        return result

    def add(self, tensor: Tensor) -> None:
        """Count a tensor that was made outside of this mode as well."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._known:
            return
        size = storage.nbytes()
        self.bytes += size

        def gone(_: Any) -> None:
            self.bytes -= size
            self._known.pop(key, None)

        self._known[key] = weakref.ref(storage, gone)
        self._on_change()


def _indices(indices: Any) -> list[Any]:
    """Masks as the positions of all their entries, which is the most that they can select."""
    found: list[Any] = []
    for index in indices:
        if isinstance(index, Tensor) and index.dtype == torch.bool:
            found += [index.new_zeros(index.numel(), dtype=torch.long) for _ in range(index.dim())]
        else:
            found.append(index)
    return found

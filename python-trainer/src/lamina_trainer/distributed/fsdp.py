"""Full training over several processes: every weight, gradient and optimizer state divided among them (FSDP)."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from lamina_trainer.contract.settings import TrainingSettings
from lamina_trainer.contract.vocabulary import Method
from lamina_trainer.errors import InvalidError


def check_division(method: Method, training: TrainingSettings) -> None:
    """Raise InvalidError for what full training over several processes cannot do."""
    if method != "full":
        return
    if training.optimizer not in {"adamw", "sgd"}:
        raise InvalidError(
            f"{training.optimizer} scales its states in blocks that cannot be divided over several GPUs; use adamw"
        )
    if training.mixed_precision == "fp16":
        raise InvalidError("fp16 mixed precision is not possible for full training over several GPUs; use bf16")


def divide(passes: nn.Module, layers: Iterable[nn.Module], device: torch.device, world: int) -> None:
    """Divide in place: layer by layer, what is left of the model as one more group.

    Weights that are not on the device yet are moved there group by group, so that no GPU has to hold all.
    Gradients are added up in fp32, whatever the weights are stored in.
    """
    mesh = init_device_mesh(device.type, (world,))
    policy = MixedPrecisionPolicy(reduce_dtype=torch.float32, cast_forward_inputs=False)
    for layer in layers:
        fully_shard(layer, mesh=mesh, mp_policy=policy)
    fully_shard(passes, mesh=mesh, mp_policy=policy)


def reshard(passes: nn.Module) -> None:
    """Give back what an evaluation has put together: without a backward pass nothing else does."""
    if isinstance(passes, FSDPModule):
        passes.reshard()


def whole(value: Any) -> Any:
    """Put divided tensors together, also inside of lists and dictionaries; all processes must call it."""
    if isinstance(value, DTensor):
        return value.full_tensor().detach().cpu()
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    return [whole(item) for item in value] if isinstance(value, list) else value


def part(saved: Tensor, like: Tensor) -> Tensor:
    """This process's part of a whole tensor, if `like` is divided."""
    if not isinstance(like, DTensor) or saved.shape != like.shape:
        return saved
    return distribute_tensor(saved.to(like.device), like.device_mesh, like.placements, src_data_rank=None)

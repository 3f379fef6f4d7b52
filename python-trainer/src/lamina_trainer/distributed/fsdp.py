"""Full training over several processes: weights, gradients and optimizer states are sharded over them (FSDP2)."""

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


def check_sharding(method: Method, training: TrainingSettings) -> None:
    """Raise InvalidError for what full training over several processes cannot do."""
    if method != "full":
        return
    if training.optimizer not in {"adamw", "sgd"}:
        raise InvalidError(
            f"{training.optimizer} scales its states in blocks that cannot be divided over several GPUs; use adamw"
        )
    if training.mixed_precision == "fp16":
        raise InvalidError("fp16 mixed precision is not possible for full training over several GPUs; use bf16")


def shard(forward: nn.Module, layers: Iterable[nn.Module], device: torch.device, world_size: int) -> None:
    """Shard in place, layer by layer; all parameters outside of layers form one more FSDP unit.

    Weights that are not on the device yet are moved there unit by unit, so that no GPU has to hold all.
    Gradients are reduced in fp32, whatever dtype the weights are stored in.
    """
    mesh = init_device_mesh(device.type, (world_size,))
    policy = MixedPrecisionPolicy(reduce_dtype=torch.float32, cast_forward_inputs=False)
    for layer in layers:
        fully_shard(layer, mesh=mesh, mp_policy=policy)
    fully_shard(forward, mesh=mesh, mp_policy=policy)


def reshard(forward: nn.Module) -> None:
    """Free the parameters that an evaluation has gathered: without a backward pass nothing else does."""
    if isinstance(forward, FSDPModule):
        forward.reshard()


def full_tensors(value: Any) -> Any:
    """Gather sharded tensors, also inside of lists and dictionaries; all processes must call it."""
    if isinstance(value, DTensor):
        return value.full_tensor().detach().cpu()
    if isinstance(value, dict):
        return {key: full_tensors(item) for key, item in value.items()}
    return [full_tensors(item) for item in value] if isinstance(value, list) else value


def local_shard(saved: Tensor, like: Tensor) -> Tensor:
    """This process's shard of a full tensor, if `like` is sharded."""
    if not isinstance(like, DTensor) or saved.shape != like.shape:
        return saved
    return distribute_tensor(saved.to(like.device), like.device_mesh, like.placements, src_data_rank=None)

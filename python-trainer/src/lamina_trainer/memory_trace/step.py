"""One training step on tensors without values, and what is alive at each of its moments."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lamina_trainer.contract.document import Document
from lamina_trainer.contract.settings import LoraSettings
from lamina_trainer.contract.vocabulary import Method, Precision
from lamina_trainer.memory_trace.cuda_kernels import CudaKernels
from lamina_trainer.memory_trace.meta_model import META, build, store
from lamina_trainer.memory_trace.storages import LiveStorages
from lamina_trainer.model.chunked_cross_entropy import find_head
from lamina_trainer.model.forward import ForwardPass
from lamina_trainer.model.loading import LoadedModel
from lamina_trainer.model.precision import DTYPES
from lamina_trainer.training.methods import apply_method


class TracedRun(Document):
    """What decides the memory of a step, besides depth and micro-batch."""

    precision: Precision
    compute_dtype: str
    """fp32, bf16 or fp16."""
    autocast: bool
    method: Method
    lora: LoraSettings | None = None
    longest: int
    """Tokens of a sequence."""
    checkpointing: bool
    evaluation_batch: int
    """Sequences of a scoring pass; 0: none."""


@dataclass
class _Peak:
    bytes: int = 0
    gradients: int = 0


Moments = dict[str, tuple[int, int]]
"""By moment: bytes alive, and those of them that are gradients."""


@dataclass
class Traced:
    """A traced step without optimizer states. Bytes, where nothing else is said."""

    fused: bool
    """Whether the loss is fused with the head, so that no logits of a whole batch exist."""
    parameters: int
    trainable: int
    weights: int
    adapters: int
    gradients: int
    moments: Moments


def trace_step(read: Any, run: TracedRun, layers: int, micro_batch: int) -> Traced:
    """Follow one step, as the training loop makes it; raises InvalidError where the model cannot be built."""
    stored = DTYPES["fp32"] if run.precision in ("fp32", "tf32") else DTYPES["bf16"]
    compute = DTYPES[run.compute_dtype]
    loaded = build(read, layers, stored)
    parameters = sum(p.numel() for p in loaded.causal.parameters())
    store(loaded, run.precision, compute)
    base = _bytes_of(loaded.causal)
    trained = apply_method(loaded, run.method, run.lora)
    if run.checkpointing:
        loaded.causal.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
    return _Step(loaded, trained, run, compute).run(micro_batch, parameters, base)


class _Step:
    def __init__(self, loaded: LoadedModel, trained: list[nn.Parameter], run: TracedRun, compute: torch.dtype) -> None:
        self._loaded, self._trained, self._run = loaded, trained, run
        self._forward = ForwardPass(loaded)
        self._kernels = CudaKernels(compute if run.autocast else None)
        self._live = LiveStorages(self._changed)
        self._peaks: dict[str, _Peak] = {}
        self._moment = "loss"
        self._gradients = 0
        self._training = False

    def run(self, micro_batch: int, parameters: int, base: int) -> Traced:
        gradient_bytes = sum(p.numel() * p.element_size() for p in self._trained)
        for tensor in [*self._loaded.causal.parameters(), *self._loaded.causal.buffers()]:
            self._live.add(tensor)
        for parameter in self._trained:
            parameter.register_post_accumulate_grad_hook(self._accumulated)  # type: ignore[no-untyped-call]
        self._mark_layers()
        self._peaks.clear()
        with self._kernels.installed(), self._live:
            self._train(micro_batch)
            self._moment = "optimizer-step"
            self._changed()
            for parameter in self._trained:
                parameter.grad = None
            self._gradients = 0
            if self._run.evaluation_batch > 0:
                self._evaluate(self._run.evaluation_batch)
        everything = _bytes_of(self._loaded.causal)
        return Traced(
            fused=find_head(self._loaded.causal) is not None,
            parameters=parameters,
            trainable=sum(p.numel() for p in self._trained),
            weights=base,
            adapters=everything - base,
            gradients=gradient_bytes,
            moments={name: (peak.bytes, peak.gradients) for name, peak in self._peaks.items()},
        )

    def _train(self, micro_batch: int) -> None:
        self._forward.train()
        ids = torch.zeros((micro_batch, self._run.longest), dtype=torch.long, device=META)
        has_next = torch.ones((micro_batch, self._run.longest - 1), dtype=torch.bool, device=META)
        self._training = True
        loss = self._forward(ids, has_next, scores=False) / 2
        self._kernels.end_of_forward()
        self._training = False
        loss.backward()

    def _evaluate(self, batch: int) -> None:
        self._moment = "evaluation"
        self._forward.eval()
        ids = torch.zeros((batch, self._run.longest), dtype=torch.long, device=META)
        has_next = torch.ones((batch, self._run.longest - 1), dtype=torch.bool, device=META)
        with torch.no_grad():
            self._forward(ids, has_next, scores=True)
        self._kernels.end_of_forward()

    def _mark_layers(self) -> None:
        """Moments of the backward pass end where the gradient of what a layer reads is known."""
        layers = self._loaded.layers

        def reads(name: str) -> Any:
            def hook(_: nn.Module, args: Any, kwargs: Any) -> None:
                states = args[0] if args else kwargs.get("hidden_states")
                if self._training and isinstance(states, Tensor) and states.requires_grad:
                    states.register_hook(lambda _: self._enter(name))  # type: ignore[no-untyped-call]

            return hook

        def read_by_head(_: nn.Module, __: Any, output: Any) -> None:
            states = output[0] if isinstance(output, tuple) else getattr(output, "last_hidden_state", output)
            if self._training and isinstance(states, Tensor) and states.requires_grad:
                states.register_hook(lambda _: self._enter("last-layer"))  # type: ignore[no-untyped-call]

        self._loaded.decoder.register_forward_hook(read_by_head)
        if len(layers) > 2:
            layers[-1].register_forward_pre_hook(reads("layers-between"), with_kwargs=True)
        if len(layers) > 1:
            layers[1].register_forward_pre_hook(reads("first-layer"), with_kwargs=True)

    def _enter(self, moment: str) -> None:
        self._moment = moment
        self._changed()

    def _accumulated(self, parameter: Tensor) -> None:
        self._gradients += parameter.numel() * parameter.element_size()

    def _changed(self) -> None:
        peak = self._peaks.setdefault(self._moment, _Peak())
        if self._live.bytes > peak.bytes:
            peak.bytes, peak.gradients = self._live.bytes, self._gradients


def _bytes_of(model: nn.Module) -> int:
    tensors = [*model.parameters(), *model.buffers()]
    storages = {t.untyped_storage()._cdata: t.untyped_storage().nbytes() for t in tensors}
    return sum(storages.values())

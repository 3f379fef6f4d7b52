"""Merging adapters into their base, and taking them off again, each with its proof."""

import json
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from lamina_trainer.contract.document import Document
from lamina_trainer.contract.vocabulary import ResolvedDtype
from lamina_trainer.distributed.process_group import ProcessGroup
from lamina_trainer.errors import InvalidError
from lamina_trainer.host.files import open_to_readers
from lamina_trainer.model.adapter import AdapterBase, attach, base_checksum, load_base, read_about
from lamina_trainer.model.loading import LoadedModel, load_model
from lamina_trainer.model.precision import DTYPES
from lamina_trainer.model.stored_weights import StoredLinear, read_as_stored
from lamina_trainer.quantizers.registry import quantizer_of

TOLERANCE: Final = {"fp32": 1e-4, "fp16": 5e-3, "bf16": 3e-2}
"""Largest relative difference of logits after a merge, by the coarser of two dtypes: that of the merged weights, and
that of training, to which some models round constants (Gemma the scale of its embeddings)."""

WEIGHT_FILES: Final = frozenset({".safetensors", ".bin", ".pt", ".pth", ".gguf", ".h5", ".msgpack", ".onnx"})


class Difference(Document):
    """How far the logits of two models are apart on the same tokens."""

    relative: float
    """Root mean square of the difference over that of the logits, both after subtracting each token's mean."""
    divergence: float
    """Mean Kullback-Leibler divergence of the second from the first, nats a token."""
    same_top: float
    """Share of tokens after which both find the same one most likely."""


class MergeReport(Document):
    """What a merge did."""

    merged: str
    dtype: ResolvedDtype
    difference: Difference
    tolerance: float


class MergeDifferenceError(InvalidError):
    """A merged model that does not say what the adapter says."""

    def __init__(self, report: MergeReport) -> None:
        super().__init__(
            f"The merged model's logits differ by {report.difference.relative:.2g}, more than {report.tolerance:g}; "
            "nothing was written."
        )
        self.report = report


class RestoreReport(Document):
    """Whether the base was left as it was."""

    before: str
    after: str
    identical: bool


def compare(first: Tensor, second: Tensor) -> Difference:
    """Compare logits [tokens, vocabulary]."""
    first, second = first.double(), second.double()
    # Adding a constant to all logits of a token changes nothing that a model says.
    centred = first - first.mean(dim=-1, keepdim=True)
    apart = centred - (second - second.mean(dim=-1, keepdim=True))
    a, b = torch.log_softmax(first, dim=-1), torch.log_softmax(second, dim=-1)
    return Difference(
        relative=float(apart.square().mean().sqrt() / centred.square().mean().sqrt()),
        divergence=max(0.0, float((a.exp() * (a - b)).sum(dim=-1).mean())),
        same_top=float((first.argmax(dim=-1) == second.argmax(dim=-1)).double().mean()),
    )


def merge(adapter: Path, base: Path, target: Path, dtype: ResolvedDtype) -> MergeReport:
    """Write the base with the adapter in its weights as a plain model folder.

    k-bit weights are dequantized first: rounding a sum back to 4 bits would undo the adapter. Both models
    are compared in fp32: what the rounding of products adds in training is none of the merge. Raises
    MergeDifferenceError, and leaves nothing, if the logits differ by more than the tolerance.
    """
    if target.exists():
        raise InvalidError(f"{target} exists already.")
    about = read_about(adapter)
    model, expected = _in_fp32(base, about, adapter)
    _untie_adapted(model)
    merged = model.merge_and_unload(safe_merge=True)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        merged.to(DTYPES[dtype]).save_pretrained(str(temporary))
        copy_tokenizer(base, temporary)
        open_to_readers(temporary)
        difference = compare(expected, probe(_stored(temporary)))
        tolerance = max(TOLERANCE[dtype], 0 if about is None else TOLERANCE[about.compute_dtype])
        report = MergeReport(merged=str(target), dtype=dtype, difference=difference, tolerance=tolerance)
        if not difference.relative <= tolerance:
            raise MergeDifferenceError(report)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return report


def copy_tokenizer(base: Path, target: Path) -> None:
    """Put the base's tokenizer into another model folder: every file that is no weight, no configuration, no text.

    Classes name their files as they like (vocab.json, merges.txt, spiece.model, …).
    """
    for file in base.iterdir():
        if (
            file.is_file()
            and not file.name.startswith(".")
            and not _is_weight(file)
            and not (target / file.name).exists()
        ):
            shutil.copyfile(file, target / file.name)


def _is_weight(file: Path) -> bool:
    return file.suffix in WEIGHT_FILES or file.name.endswith(".index.json")


def _untie_adapted(model: Any) -> None:
    """Give the head a matrix of its own where an adapter is on the embedding alone, or on the head alone.

    Adding the adapter to a matrix that both use would change both.
    """
    causal = model.get_base_model()
    ends = [causal.get_input_embeddings(), causal.get_output_embeddings()]
    if any(end is None for end in ends) or not any(hasattr(end, "base_layer") for end in ends):
        return
    inner, outer = (getattr(end, "base_layer", end) for end in ends)
    if inner.weight is outer.weight:
        outer.weight = nn.Parameter(outer.weight.detach().clone(), requires_grad=False)
        causal.config.tie_word_embeddings = False
        causal.config.get_text_config(decoder=True).tie_word_embeddings = False


def verify(adapter: Path, base: Path, merged: Path | None) -> Difference | None:
    """Check that an adapter is whole and fits its base; with `merged` also how far that model is from both."""
    _, expected = _in_fp32(base, read_about(adapter), adapter)
    if merged is None:
        return None
    return compare(expected, probe(_stored(merged)))


def _stored(folder: Path) -> Any:
    """Load a model in the dtype it is stored in, with constants rounded as in use, to multiply in fp32."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    dtype = getattr(torch, str(config.get("dtype") or config.get("torch_dtype") or "float32"))
    return load_model(folder, dtype).causal.float().to(ProcessGroup().device())


def _in_fp32(base: Path, about: AdapterBase | None, adapter: Path) -> tuple[Any, Tensor]:
    loaded = load_base(base, about, ProcessGroup().device())
    plain(loaded)
    model = attach(loaded.causal, adapter)
    return model, probe(model)


def restore(adapter: Path, base: Path) -> RestoreReport:
    """Put the adapter on, use it, take it off, and compare the base bit for bit."""
    about = read_about(adapter)
    loaded = load_base(base, about, ProcessGroup().device())
    before = base_checksum(loaded.causal)
    model = attach(loaded.causal, adapter)
    probe(model)
    after = base_checksum(model.unload())
    return RestoreReport(before=before, after=after, identical=before == after)


def probe(model: Any, tokens: int = 128) -> Tensor:
    """Logits after pseudo-random tokens, the same ones every time."""
    generator = torch.Generator().manual_seed(20)
    vocabulary = model.get_input_embeddings().weight.shape[0]
    ids = torch.randint(0, vocabulary, (4, tokens // 4), generator=generator).to(model.device)
    with torch.no_grad():
        logits: Tensor = model(input_ids=ids, use_cache=False).logits
    return logits.float().flatten(0, 1).cpu()


def plain(loaded: LoadedModel) -> None:
    """Turn a base into ordinary fp32 layers with exactly the values it computes with."""
    read_as_stored(loaded.causal)
    _replace(loaded.causal, _plain_linear)
    loaded.causal.float()
    for flag in ("is_loaded_in_8bit", "is_loaded_in_4bit"):
        if getattr(loaded.causal, flag, False):
            setattr(loaded.causal, flag, False)


def _replace(module: nn.Module, change: Callable[[nn.Module], nn.Module | None]) -> None:
    for name, child in module.named_children():
        changed = change(child)
        if changed is None:
            _replace(child, change)
        else:
            setattr(module, name, changed)


def _plain_linear(module: nn.Module) -> nn.Module | None:
    if not isinstance(module, nn.Linear) or type(module) is nn.Linear:
        return None
    linear = nn.Linear(module.in_features, module.out_features, module.bias is not None, device="meta")
    # A weight that is only stored in 16 bits may be the embedding's too, and stays the same parameter.
    held = isinstance(module, StoredLinear)
    linear.weight = module.weight if held else nn.Parameter(_weight(module), requires_grad=False)
    if module.bias is not None:
        linear.bias = nn.Parameter(module.bias.detach().float(), requires_grad=False)
    return linear


def _weight(module: nn.Linear) -> Tensor:
    quantizer = quantizer_of(module)
    return module.weight.detach().float() if quantizer is None else quantizer.weight(module)

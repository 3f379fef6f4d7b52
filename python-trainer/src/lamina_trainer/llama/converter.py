"""Runs inside a process of its own: llama.cpp's converter, with what it lacks for the models that are made here.

Arguments: folder of the sources, model folder, target file, type. The module imports nothing of the
trainer, because the sources bring a `gguf` package of their own version.
"""

import json
import sys
from pathlib import Path
from typing import Any

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6
"""Kinds of token, as in llama.cpp's llama_token_type."""


def sentencepiece_vocabulary(tokenizer: dict[str, Any], size: int) -> tuple[list[str], list[float], list[int]]:
    """Texts, scores and kinds from a tokenizer.json that stands for a SentencePiece model of merges.

    llama.cpp joins the pair with the highest score first, merges are applied in their order: a piece
    scores the negative rank of the first merge that makes it.
    """
    model = tokenizer["model"]
    ranks: dict[str, int] = {}
    for rank, merge in enumerate(model["merges"]):
        ranks.setdefault("".join(merge.split(" ") if isinstance(merge, str) else merge), rank)
    texts = [f"[PAD{index}]" for index in range(size)]
    scores, kinds = [-1e9] * size, [5] * size
    for text, index in model["vocab"].items():
        texts[index], scores[index], kinds[index] = text, float(-ranks.get(text, len(ranks))), NORMAL
        if len(text) == 6 and text.startswith("<0x") and text.endswith(">"):
            kinds[index] = BYTE
    for added in tokenizer["added_tokens"]:
        index = added["id"]
        if index < size:
            texts[index] = added["content"]
            scores[index], kinds[index] = -1000.0, CONTROL if added["special"] else USER_DEFINED
    unknown = model.get("unk_token")
    if unknown in model["vocab"]:
        kinds[model["vocab"][unknown]] = UNKNOWN
    return texts, scores, kinds


def is_sentencepiece(tokenizer: dict[str, Any]) -> bool:
    """Merges over pieces that fall back to bytes: what SentencePiece models become in transformers."""
    model = tokenizer.get("model", {})
    return model.get("type") == "BPE" and bool(model.get("byte_fallback"))


def adds_prefix(tokenizer: dict[str, Any]) -> bool:
    """Whether a text is read as if a space stood before it."""
    steps = tokenizer.get("normalizer") or {}
    before = tokenizer.get("pre_tokenizer") or {}
    listed = steps.get("normalizers", [steps])
    metaspace = before.get("type") == "Metaspace" and before.get("prepend_scheme", "always") != "never"
    return metaspace or any(step.get("type") == "Prepend" for step in listed)


def main(arguments: list[str]) -> None:
    """Convert one model folder."""
    source, model, target, kind = arguments
    sys.path.insert(0, source)
    sys.path.insert(0, str(Path(source) / "gguf-py"))
    import conversion  # type: ignore[import-not-found]
    import gguf
    import torch

    kinds = {
        "f32": gguf.LlamaFileType.ALL_F32,
        "f16": gguf.LlamaFileType.MOSTLY_F16,
        "bf16": gguf.LlamaFileType.MOSTLY_BF16,
        "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
    }
    folder = Path(model)
    hparams = conversion.ModelBase.load_hparams(folder, False)
    architecture = conversion.get_model_architecture(hparams, conversion.ModelType.TEXT)
    original = conversion.get_model_class(architecture)
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))

    class Converter(original):  # type: ignore[misc, valid-type]
        model_arch = original.model_arch

        def set_vocab(self) -> None:
            if (folder / "tokenizer.model").is_file() or not is_sentencepiece(tokenizer):
                super().set_vocab()
                return
            texts, scores, types = sentencepiece_vocabulary(tokenizer, self.hparams["vocab_size"])
            self.gguf_writer.add_tokenizer_model("llama")
            self.gguf_writer.add_tokenizer_pre("default")
            self.gguf_writer.add_token_list(texts)
            self.gguf_writer.add_token_scores(scores)
            self.gguf_writer.add_token_types(types)
            self.gguf_writer.add_add_space_prefix(adds_prefix(tokenizer))
            gguf.SpecialVocab(folder, n_vocab=len(texts)).add_to_gguf(self.gguf_writer)

        def set_gguf_parameters(self) -> None:
            super().set_gguf_parameters()
            # llama.cpp takes every sixth layer to be a full one, which is wrong once layers were cut out.
            types = self.hparams.get("layer_types")
            if self.model_arch == gguf.MODEL_ARCH.GEMMA3 and types:
                self.gguf_writer.add_sliding_window_pattern([one == "sliding_attention" for one in types])

    with torch.inference_mode():
        Converter(folder, kinds[kind], Path(target), eager=False).write()


if __name__ == "__main__":
    main(sys.argv[1:])

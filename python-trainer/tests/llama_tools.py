"""What tests of llama.cpp need: its tools where they are built, and a tokenizer that it can read."""

from pathlib import Path
from typing import Any

import pytest

from lamina_trainer.llama.build import is_built
from lamina_trainer.llama.source import BUILD_COMMAND, default_cache, source_folder

CACHE = default_cache()

needs_source = pytest.mark.skipif(
    not source_folder(CACHE).is_dir(), reason=f"no sources of llama.cpp here: {BUILD_COMMAND} --source-only"
)
needs_tools = pytest.mark.skipif(not is_built(CACHE), reason=f"llama.cpp is not built here: {BUILD_COMMAND}")

LETTERS = "abcdefghij"


def save_piece_tokenizer(folder: Path) -> None:
    """Merges over letters, with bytes to fall back to, as SentencePiece models become in transformers."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    pairs = [("▁", "a"), ("b", "c"), ("bc", "d"), ("▁a", "bcd"), ("e", "f"), ("▁", "ef"), ("g", "h"), ("gh", "i")]
    pieces = ["<pad>", "<eos>", "<bos>", "<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *LETTERS]
    pieces += [first + second for first, second in pairs]
    model = models.BPE(
        {piece: index for index, piece in enumerate(pieces)},
        pairs,
        unk_token="<unk>",
        byte_fallback=True,
        fuse_unk=True,
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("\n"), "isolated")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 2)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>", unk_token="<unk>"
    ).save_pretrained(str(folder))


VOCABULARY = 4 + 256 + 1 + len(LETTERS) + 8


def save_gemma(folder: Path, layers: int, full: list[int]) -> Any:
    """A random Gemma 3 of a size that llama.cpp can quantize; layers in `full` see the whole context."""
    from tiny import gemma_config, random_model

    config = gemma_config(layers)
    config.vocab_size = VOCABULARY
    config.hidden_size = 256
    config.intermediate_size = 256
    config.layer_types = ["full_attention" if index in full else "sliding_attention" for index in range(layers)]
    config.pad_token_id, config.eos_token_id, config.bos_token_id = 0, 1, 2
    model = random_model(config)
    model.save_pretrained(str(folder))
    save_piece_tokenizer(folder)
    return model

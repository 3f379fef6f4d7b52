"""A byte-level tokenizer with ChatML's special tokens, templates with and without marks, and the project's chats."""

import json
from pathlib import Path
from typing import Any

CHATS = Path(__file__).parents[2] / "examples" / "data" / "chat.jsonl"
SPECIAL = ["<|begin_of_text|>", "<|end_of_text|>", "<|im_start|>", "<|im_end|>", "<|pad|>"]

_SAID = (
    "{{- message.content }}"
    "{%- for call in message.tool_calls or [] %}{{- '<call>' + call.function | tojson + '</call>' }}{%- endfor %}"
    "{{- '<|im_end|>' }}"
)
_BEFORE = (
    "{%- if tools %}{{- '<|im_start|>tools\\n' + tools | tojson + '<|im_end|>\\n' }}{%- endif %}"
    "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' }}"
)
_AFTER = "{{- '\\n' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
CHATML = _BEFORE + _SAID + _AFTER
"""Marks nothing, and renders the beginning of a conversation as the beginning of the whole."""
MARKED = (
    _BEFORE
    + "{%- if message.role == 'assistant' %}{%- generation %}"
    + _SAID
    + "{%- endgeneration %}{%- else %}"
    + _SAID
    + "{%- endif %}"
    + _AFTER
)


def chats() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CHATS.read_text(encoding="utf-8").splitlines()]


def chat_tokenizer(template: str | None = CHATML, *, eos: str = "<|im_end|>") -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    texts = [message["content"] or "" for chat in chats() for message in chat["messages"]]
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", 0)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=SPECIAL[0], eos_token=eos, pad_token=SPECIAL[4]
    )
    fast.chat_template = template
    return fast

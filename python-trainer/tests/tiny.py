"""Tiny random models, a word tokenizer and requests, so that tests need neither a network nor weights."""

import json
import random
from pathlib import Path
from typing import Any

import torch

from lamina_trainer.contract.trial import TrialRequest
from lamina_trainer.events.reporter import NullReporter

WORDS = [f"w{i}" for i in range(90)]
VOCABULARY = 96
HIDDEN = 64


def save_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: i for i, word in enumerate(["<pad>", "<s>", "</s>", "<unk>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(str(folder))


def gemma_config(layers: int = 6) -> Any:
    from transformers import Gemma3TextConfig

    return Gemma3TextConfig(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        intermediate_size=128,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        max_position_embeddings=128,
        sliding_window=8,
        layer_types=["full_attention" if i % 3 == 2 else "sliding_attention" for i in range(layers)],
        query_pre_attn_scalar=32,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        tie_word_embeddings=True,
    )


def llama_config(layers: int = 6) -> Any:
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        intermediate_size=128,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        max_position_embeddings=128,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        tie_word_embeddings=False,
    )


def random_model(config: Any) -> Any:
    from transformers import AutoModelForCausalLM

    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():  # the default initialisation is so small that all rows predict alike
        for name, parameter in model.named_parameters():
            if parameter.dim() == 2:
                parameter.mul_(4 if "embed" not in name else 2)
    return model.eval()


def save_model(folder: Path, config: Any) -> Path:
    random_model(config).save_pretrained(str(folder))
    save_tokenizer(folder)
    return folder


def save_texts(file: Path, records: int = 60) -> Path:
    chance = random.Random(3)
    lines = []
    for _ in range(records):
        start = chance.randrange(len(WORDS))
        words = [WORDS[(start + 3 * i + chance.randrange(2)) % len(WORDS)] for i in range(30)]
        lines.append(json.dumps({"text": " ".join(words)}))
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


TRAINING: dict[str, Any] = {
    "steps": 6,
    "microBatch": 2,
    "accumulation": 1,
    "maxLength": 16,
    "packing": True,
    "learningRate": 0.01,
    "schedule": "linear",
    "warmupSteps": 1,
    "optimizer": "adamw",
    "weightDecay": 0.01,
    "adamBeta1": 0.9,
    "adamBeta2": 0.999,
    "adamEpsilon": 1e-8,
    "maxGradNorm": 1.0,
    "mixedPrecision": "none",
    "checkpointing": False,
    "checkpointEvery": None,
    "logEvery": 1,
    "warmupMeasurements": 2,
}
LORA: dict[str, Any] = {
    "r": 4,
    "alpha": 8,
    "dropout": 0.1,
    "bias": "none",
    "targets": "all-linear",
    "rslora": False,
}

EVALUATION: dict[str, Any] = {
    "fraction": 0.3,
    "maxTokens": 128,
    "microBatch": 2,
    "beforeTraining": True,
    "inference": None,
    "gguf": None,
    "tasks": None,
}


def make_request(root: Path, model: Path, texts: Path, **changes: Any) -> TrialRequest:
    """A request for `model`; `training` and `plan` are merged into the defaults, the rest replaces settings."""
    training = {**TRAINING, **changes.pop("training", {})}
    attempt = changes.pop("attempt", 1)
    resume = changes.pop("resume", False)
    trial = changes.pop("trial", "t-tiny")
    plan = {
        "gpuClass": None,
        "gpus": 0,
        "microBatch": training["microBatch"],
        "accumulation": training["accumulation"],
        "checkpointing": training["checkpointing"],
        "memoryBytes": None,
        "excludedNodes": [],
        **changes.pop("plan", {}),
    }
    settings = {
        "model": {"source": "path", "path": str(model), "fingerprint": None},
        "layers": {"strategy": "all"},
        "precision": "bf16",
        "computeDtype": "fp32",
        "method": "lora",
        "dataset": {
            "source": "file",
            "path": str(texts),
            "format": "jsonl",
            "fields": {"text": "text"},
            "fingerprint": None,
        },
        "training": training,
        "lora": LORA,
        "evaluation": EVALUATION,
        "artifacts": {"adapter": False, "merged": False},
        "seed": 1,
        "gpuClass": None,
        "gpus": 0,
        **changes,
    }
    output = root / trial / str(attempt)
    output.mkdir(parents=True, exist_ok=True)
    document = {
        "contract": "lamina/v1",
        "experimentId": "e",
        "trialId": trial,
        "attempt": attempt,
        "attemptId": f"{trial}-{attempt}",
        "settings": settings,
        "plan": plan,
        "resume": resume,
        "paths": {
            "output": str(output),
            "checkpoints": str(root / trial / "checkpoints"),
            "cache": str(root / "cache"),
        },
        "eventsUrl": None,
    }
    return TrialRequest.model_validate_json(json.dumps(document), by_alias=True, by_name=False)


class Recorder(NullReporter):
    """Keeps what a trial says."""

    def __init__(self) -> None:
        self.phases: list[str] = []
        self.steps: list[dict[str, Any]] = []
        self.warnings: list[str] = []
        self.checkpoints: list[int] = []

    def phase(self, phase: Any) -> None:
        self.phases.append(phase)

    def step(self, **values: Any) -> None:
        self.steps.append(values)

    def checkpoint(self, step: int) -> None:
        self.checkpoints.append(step)

    def warning(self, message: str) -> None:
        self.warnings.append(message)

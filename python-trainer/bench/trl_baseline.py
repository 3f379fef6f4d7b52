"""A plain TRL script: what one would write without Lamina, on the same blocks with the same settings.

Prints one line of JSON: tokens per second, warm-up steps left out, with the raw step times.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, TrainerCallback
from trl import SFTConfig, SFTTrainer

from lamina_trainer.data.tokenizer import load_tokenizer

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class StepTimes(TrainerCallback):  # type: ignore[misc]
    """Times optimizer steps: forward passes, backward passes and the update, without fetching the batch."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._began = 0.0

    def on_step_begin(self, *_args: Any, **_kwargs: Any) -> None:
        """Start the clock."""
        self._began = time.perf_counter()

    def on_step_end(self, *_args: Any, **_kwargs: Any) -> None:
        """Stop it."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.seconds.append(time.perf_counter() - self._began)


def load(options: argparse.Namespace) -> Any:
    """Load the model as TRL's documentation does, with the dtype written out."""
    quantization = None
    if options.precision == "nf4":
        quantization = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=DTYPES[options.compute]
        )
    dtype = DTYPES.get(options.precision, torch.bfloat16)
    return AutoModelForCausalLM.from_pretrained(
        options.model, dtype=dtype, attn_implementation="sdpa", quantization_config=quantization
    )


def main() -> None:
    """Train and print the speed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="folder")
    parser.add_argument("--blocks", required=True, type=Path, help="token ids, one sequence a row (.npy)")
    parser.add_argument("--output", required=True)
    parser.add_argument("--precision", choices=["fp32", "bf16", "nf4"], required=True)
    parser.add_argument("--compute", choices=["fp32", "bf16"], required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--warmup", type=int, required=True)
    parser.add_argument("--micro-batch", type=int, required=True)
    parser.add_argument("--accumulation", type=int, required=True)
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    blocks = np.load(options.blocks)
    times = StepTimes()
    trainer = SFTTrainer(
        model=load(options),
        args=SFTConfig(
            output_dir=options.output,
            max_steps=options.steps,
            per_device_train_batch_size=options.micro_batch,
            gradient_accumulation_steps=options.accumulation,
            max_length=blocks.shape[1],
            learning_rate=1e-3,
            lr_scheduler_type="constant",
            optim="adamw_torch_fused",
            weight_decay=0.0,
            max_grad_norm=1.0,
            bf16=False,
            fp16=False,
            gradient_checkpointing=False,
            logging_steps=1,
            report_to="none",
            save_strategy="no",
            seed=1,
            disable_tqdm=True,
            use_cpu=not torch.cuda.is_available(),
        ),
        train_dataset=Dataset.from_dict({"input_ids": blocks.tolist()}),
        processing_class=load_tokenizer(Path(options.model)),
        peft_config=LoraConfig(
            task_type="CAUSAL_LM",
            r=options.rank,
            lora_alpha=2 * options.rank,
            lora_dropout=0.0,
            target_modules="all-linear",
        ),
        callbacks=[times],
    )
    trainer.train()
    seconds = times.seconds[options.warmup :]
    tokens = blocks.shape[1] * options.micro_batch * options.accumulation
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    print(
        json.dumps(
            {
                "tokensPerSecond": tokens * len(seconds) / sum(seconds),
                "stepSeconds": seconds,
                "losses": losses,
                "trainableParameters": sum(p.numel() for p in trainer.model.parameters() if p.requires_grad),
            }
        )
    )


if __name__ == "__main__":
    main()

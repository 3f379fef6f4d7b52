"""Tokens per second of this trainer next to a plain TRL script of the same settings, interleaved.

Both train LoRA on the same blocks of the same weights, each run in a process of its own, in alternation,
so that a slow minute of the machine hits both. The last line printed is JSON with figures and ratio.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from lamina_trainer.contract.settings import EvaluationSettings, FileDataset, TextField
from lamina_trainer.data.prepared import prepare_data
from lamina_trainer.data.tokenizer import LazyTokenizer
from lamina_trainer.model.gguf import converted_gguf

HERE = Path(__file__).resolve().parent
RANK = 8


def request(options: argparse.Namespace, folder: Path, model: Path, number: int) -> dict[str, Any]:
    """The TrialRequest with the settings of the TRL script."""
    plan = {"microBatch": options.micro_batch, "accumulation": options.accumulation, "checkpointing": False}
    output = folder / f"lamina-{number}"
    output.mkdir()
    return {
        "contract": "lamina/v1",
        "experimentId": "bench",
        "trialId": f"bench-{number}",
        "attempt": 1,
        "attemptId": f"bench-{number}-1",
        "settings": {
            "model": {"source": "path", "path": str(model), "fingerprint": None},
            "layers": {"strategy": "all"},
            "precision": options.precision,
            "computeDtype": options.compute,
            "method": "lora" if options.precision in ("fp32", "bf16") else "qlora",
            "dataset": {
                "source": "file",
                "path": str(options.data),
                "format": "jsonl",
                "fields": {"text": "text"},
                "fingerprint": None,
            },
            "training": {
                "steps": options.steps,
                "microBatch": options.micro_batch,
                "accumulation": options.accumulation,
                "maxLength": options.max_length,
                "packing": True,
                "learningRate": 1e-3,
                "schedule": "constant",
                "warmupSteps": 0,
                "optimizer": "adamw",
                "weightDecay": 0.0,
                "adamBeta1": 0.9,
                "adamBeta2": 0.999,
                "adamEpsilon": 1e-8,
                "maxGradNorm": 1.0,
                "mixedPrecision": "none",
                "checkpointing": False,
                "checkpointEvery": None,
                "logEvery": 1,
                "warmupMeasurements": options.warmup,
            },
            "lora": {
                "r": RANK,
                "alpha": 2 * RANK,
                "dropout": 0.0,
                "bias": "none",
                "targets": "all-linear",
                "rslora": False,
            },
            "evaluation": {
                "fraction": 0.1,
                "maxTokens": 64,
                "microBatch": 1,
                "beforeTraining": False,
                "inference": None,
                "gguf": None,
                "tasks": None,
            },
            "artifacts": {"adapter": False, "merged": False},
            "seed": 1,
            "gpuClass": None,
            "gpus": 0,
        },
        "plan": {"gpuClass": None, "gpus": 0, **plan, "memoryBytes": None, "excludedNodes": []},
        "resume": False,
        "paths": {
            "output": str(output),
            "checkpoints": str(output / "checkpoints"),
            "cache": str(options.cache),
        },
        "eventsUrl": None,
    }


def run(arguments: list[str], threads: int) -> str:
    """Run Python with these arguments; what it says on standard error is shown if it fails."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments[:3])} failed:\n{done.stderr[-3000:]}")
    return done.stdout


def run_lamina(options: argparse.Namespace, folder: Path, model: Path, number: int) -> dict[str, Any]:
    """One run of this trainer."""
    document = request(options, folder, model, number)
    output = Path(document["paths"]["output"])
    file = output / "request.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    run(["-m", "lamina_trainer", "run", "--request", str(file)], options.threads)
    result = json.loads((output / "result.json").read_text(encoding="utf-8"))
    return {
        "tokensPerSecond": result["training"]["tokensPerSecond"],
        "stepSeconds": result["training"]["stepSeconds"],
        "losses": [point["loss"] for point in result["training"]["losses"]],
        "trainableParameters": result["model"]["trainableParameters"],
    }


def run_trl(options: argparse.Namespace, folder: Path, model: Path, blocks: Path, number: int) -> dict[str, Any]:
    """One run of the TRL script."""
    arguments = {
        "model": model,
        "blocks": blocks,
        "output": folder / f"trl-{number}",
        "precision": options.precision,
        "compute": options.compute,
        "steps": options.steps,
        "warmup": options.warmup,
        "micro-batch": options.micro_batch,
        "accumulation": options.accumulation,
        "rank": RANK,
        "threads": options.threads,
    }
    flags = [part for name, value in arguments.items() for part in (f"--{name}", str(value))]
    lines = run([str(HERE / "trl_baseline.py"), *flags], options.threads).strip().splitlines()
    parsed: dict[str, Any] = json.loads(lines[-1])
    return parsed


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Median of the runs' speeds, with the runs."""
    return {
        "tokensPerSecond": statistics.median(r["tokensPerSecond"] for r in runs),
        "runs": [r["tokensPerSecond"] for r in runs],
        "medianStepSeconds": statistics.median(s for r in runs for s in r["stepSeconds"]),
        "trainableParameters": runs[0]["trainableParameters"],
        "lastLoss": runs[0]["losses"][-1],
    }


def main() -> None:
    """Run both in turn and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, type=Path, help="folder, or a GGUF file")
    parser.add_argument("--data", required=True, type=Path, help="JSONL with a column text")
    parser.add_argument("--cache", required=True, type=Path)
    # TRL cannot keep weights in bf16 and multiply in fp32, so both dtypes are the same here.
    parser.add_argument("--precision", choices=["fp32", "bf16", "nf4"], default="fp32")
    parser.add_argument("--compute", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--micro-batch", type=int, default=2)
    parser.add_argument("--accumulation", type=int, default=1)
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    if options.precision == "bf16" and options.compute != "bf16":
        parser.error("a plain script multiplies bf16 weights in bf16: give --compute bf16")
    model = converted_gguf(options.model, options.cache) if options.model.is_file() else options.model
    data = prepare_data(
        FileDataset(
            source="file",
            path=str(options.data),
            format="jsonl",
            fields=TextField(text="text"),
            fingerprint=None,
        ),
        LazyTokenizer(model),
        options.max_length,
        True,
        EvaluationSettings(
            fraction=0.1, max_tokens=64, micro_batch=1, before_training=False, inference=None, gguf=None, tasks=None
        ),
        options.cache,
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "blocks.npy", np.stack(list(data.train)))
        lamina, trl = [], []
        for number in range(options.rounds):
            lamina.append(run_lamina(options, folder, model, number))
            trl.append(run_trl(options, folder, model, folder / "blocks.npy", number))
            print(
                f"round {number + 1}: {lamina[-1]['tokensPerSecond']:.1f} tokens/s here, "
                f"{trl[-1]['tokensPerSecond']:.1f} with TRL",
                file=sys.stderr,
            )
    ours, theirs = summary(lamina), summary(trl)
    figures = {
        "benchmark": "trainer",
        "precision": options.precision,
        "computeDtype": options.compute,
        "threads": options.threads,
        "tokensPerStep": options.micro_batch * options.accumulation * options.max_length,
        "lamina": ours,
        "trl": theirs,
        "ratio": ours["tokensPerSecond"] / theirs["tokensPerSecond"],
        "ratioOfMedianSteps": theirs["medianStepSeconds"] / ours["medianStepSeconds"],
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

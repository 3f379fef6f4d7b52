"""Makes the GGUF files of a trial from its merged model and measures them on its held-out split."""

from pathlib import Path
from typing import Final

import torch

from lamina_trainer.contract.result import GgufResult
from lamina_trainer.contract.settings import GgufSettings
from lamina_trainer.data.blocks import Blocks
from lamina_trainer.data.tokenizer import load_tokenizer
from lamina_trainer.errors import InvalidError
from lamina_trainer.events.reporter import Reporter
from lamina_trainer.llama.measure import measure_gguf, unmeasured
from lamina_trainer.llama.source import default_cache

FOLDER: Final = "gguf"


def trial_gguf(
    model: Path | None, held_out: Blocks, settings: GgufSettings, output: Path, reporter: Reporter
) -> list[GgufResult]:
    """Measure the model in the folder `model`, None where a merge was not accepted.

    A model that was trained and scored is a result, whatever llama.cpp makes of it: what cannot be
    converted or measured is a warning and a row that says why.
    """
    if model is None:
        return [unmeasured(kind, "the merged model differs too much from the trained one") for kind in settings.types]
    try:
        text = held_out_text(model, held_out)
        return measure_gguf(
            model, text, settings, output / FOLDER, threads=torch.get_num_threads(), cache=default_cache()
        )
    except InvalidError as error:
        reporter.warning(f"The GGUF files were not measured: {error}")
        return [unmeasured(kind, str(error)) for kind in settings.types]


def held_out_text(model: Path, held_out: Blocks) -> str:
    """The held-out blocks as text, one after the other; llama.cpp makes its own tokens of it."""
    tokenizer = load_tokenizer(model)
    return "\n".join(tokenizer.decode(block.tolist(), skip_special_tokens=True) for block in held_out)

"""The command `data`: what a data set trains on, without training."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lamina_trainer.errors import InvalidError

if TYPE_CHECKING:
    from lamina_trainer.contract.settings import FileDataset

_CACHE: Final = Path.home() / ".cache" / "lamina" / "trainer-cache"


def add_data(commands: Any) -> None:
    """Add the command `data` to the command line."""
    data = commands.add_parser("data", help="show what a data set trains on: tokens that count, lengths, duplicates")
    data.add_argument("file", type=Path, help="a file of records")
    data.add_argument("--model", required=True, help="folder, .gguf file or hub id of the model that reads it")
    data.add_argument("--fields", help='columns as JSON, such as {"messages": "chat"}; else as the first record says')
    data.add_argument("--loss", choices=("all", "answers"), help="which tokens count")
    data.add_argument("--chat-template", type=Path, help="file with a Jinja template, in place of the tokenizer's")
    data.add_argument("--special-tokens", choices=("tokens", "text"), help="what written-out special tokens become")
    data.add_argument("--max-length", type=int, default=512, help="training.maxLength (default 512)")
    data.add_argument("--fraction", type=float, default=0.1, help="evaluation.fraction (default 0.1)")
    data.add_argument("--samples", type=int, default=3, help="records to show (default 3)")
    data.add_argument("--cache", type=Path, default=_CACHE, help=f"folder of converted models (default {_CACHE})")
    data.add_argument("--color", action="store_true", help="colour what counts")
    data.add_argument("--json", action="store_true", help="print everything as one line of JSON")
    data.set_defaults(command=_inspect)


def _inspect(options: argparse.Namespace) -> int:
    from lamina_trainer.contract.document import write_document
    from lamina_trainer.data.inspection import inspect, inspection_text
    from lamina_trainer.data.tokenizer import load_tokenizer
    from lamina_trainer.model.source import model_folder, model_named

    _check_numbers(options)
    dataset = _dataset(options)
    given = Path(options.model)
    # A tokenizer is enough: a folder needs no weights.
    tokenizer = load_tokenizer(given if given.is_dir() else model_folder(model_named(options.model), options.cache))
    found = inspect(dataset, tokenizer, options.max_length, options.fraction, options.samples)
    print(write_document(found) if options.json else inspection_text(found, color=options.color))
    return 0


def _check_numbers(options: argparse.Namespace) -> None:
    if not 0 < options.fraction < 1:
        raise InvalidError(f"--fraction {options.fraction} is not between 0 and 1.")
    if options.max_length < 2:
        raise InvalidError(f"--max-length {options.max_length} is too short: a sequence has at least 2 tokens.")
    if options.samples < 0:
        raise InvalidError(f"--samples {options.samples} is below 0.")


def _dataset(options: argparse.Namespace) -> "FileDataset":
    from lamina_trainer.contract.document import parse_document
    from lamina_trainer.contract.settings import FileDataset

    template = options.chat_template
    try:
        fields = None if options.fields is None else json.loads(options.fields)
        given = None if template is None else template.read_text(encoding="utf-8")
    except json.JSONDecodeError as error:
        raise InvalidError(f"--fields is not JSON: {error.msg}.") from error
    except OSError as error:
        raise InvalidError(f"{template} cannot be read: {error.strerror}.") from error
    document = {
        "source": "file",
        "path": str(options.file),
        "fields": fields,
        "loss": options.loss,
        "chatTemplate": given,
        "specialTokens": options.special_tokens,
    }
    return parse_document(FileDataset, json.dumps(document))

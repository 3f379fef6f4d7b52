"""Entry point of `python -m lamina_trainer.llama`: the command alone, without the rest of the trainer."""

import argparse
import sys

from lamina_trainer.errors import EXIT_INVALID, InvalidError
from lamina_trainer.llama.command import add_llama_commands

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="lamina_trainer.llama", description="Builds, converts with and runs llama.cpp."
    )
    add_llama_commands(parser)
    options = parser.parse_args()
    try:
        sys.exit(options.command(options))
    except InvalidError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(EXIT_INVALID)

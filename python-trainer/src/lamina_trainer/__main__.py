"""Entry point of `python -m lamina_trainer`."""

import sys

from lamina_trainer.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

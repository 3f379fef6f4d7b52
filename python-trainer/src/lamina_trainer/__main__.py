"""Entry point of `python -m lamina_trainer`."""

import os
import sys

from lamina_trainer.cli import main

if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Taking down an interpreter with these libraries takes seconds, in which a signal would change the
    # exit code; everything that has to be written has been.
    os._exit(code)

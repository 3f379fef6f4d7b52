"""What `lamina_trainer generate` does."""

import sys
from pathlib import Path

from lamina_trainer.contract.document import write_document
from lamina_trainer.errors import EXIT_RESUMABLE, EXIT_SUCCEEDED, StoppedError
from lamina_trainer.generate.endpoint import UnavailableError
from lamina_trainer.generate.run import generate
from lamina_trainer.generate.spec import read_spec
from lamina_trainer.host.logs import configure_logging
from lamina_trainer.host.stop import stop_on_signals


def generate_command(spec: Path, folder: Path) -> int:
    """Generate and print the report as JSON; exit code 75 where the same command continues later."""
    configure_logging()
    stop_on_signals()
    try:
        report = generate(read_spec(spec), folder)
    except (StoppedError, UnavailableError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_RESUMABLE
    print(write_document(report))
    return EXIT_SUCCEEDED

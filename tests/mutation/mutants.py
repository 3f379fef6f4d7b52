"""Plants one mutation after another into a copy of the trainer, and runs the tests that guard it.

Libraries are imported once; every run is a fork. Reads `{"root": folder, "mutants": [{"file", "find", "replace",
"tests"}]}` from standard input and writes a line of JSON for each: pytest's exit code and what it printed.
"""

import importlib
import json
import os
import sys
import tempfile
from pathlib import Path

LIBRARIES = (
    "torch",
    "transformers",
    "transformers.models.gemma3.modeling_gemma3",
    "transformers.models.llama.modeling_llama",
    "peft",
    "bitsandbytes",
    "pytest",
)


def run(root: Path, tests: list[str]) -> tuple[int, str]:
    """Run tests of the copy in a fork; what is read there is not yet imported here."""
    with tempfile.TemporaryFile() as output:
        pid = os.fork()
        if pid == 0:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            os.chdir(root)
            sys.path[:0] = [str(root / "src"), str(root / "tests")]
            import pytest

            code = int(pytest.main(["-x", "--no-header", "-p", "no:cacheprovider", *tests]))
            sys.stdout.flush()
            os._exit(code)
        _, status = os.waitpid(pid, 0)
        output.seek(0)
        return os.waitstatus_to_exitcode(status), output.read().decode(errors="replace")


def main() -> None:
    # A module that was compiled within the same second, with as many bytes, would be taken for the mutated one.
    sys.dont_write_bytecode = True
    order = json.load(sys.stdin)
    root = Path(order["root"])
    for name in LIBRARIES:
        importlib.import_module(name)
    importlib.import_module("torch").set_num_threads(1)
    for mutant in order["mutants"]:
        file = root / "src" / "lamina_trainer" / mutant["file"]
        original = file.read_text(encoding="utf-8")
        file.write_text(original.replace(mutant["find"], mutant["replace"]), encoding="utf-8")
        try:
            code, output = run(root, mutant["tests"])
        finally:
            file.write_text(original, encoding="utf-8")
        print(json.dumps({"code": code, "output": output}), flush=True)


main()

"""The trainer's revision: what code and which libraries made a number."""

import hashlib
from functools import cache
from pathlib import Path


@cache
def trainer_revision() -> str:
    """16 hex digits over the package's sources and tables and the pinned requirements.

    Computed once per process, so that a warm server keeps naming the code it has loaded.
    """
    package = Path(__file__).resolve().parents[1]
    sources = sorted([*package.rglob("*.py"), *package.rglob("*.json")])
    requirements = package.parents[1] / "requirements.txt"
    if requirements.is_file():
        sources.append(requirements)
    digest = hashlib.sha256()
    for source in sources:
        name = source.relative_to(package).as_posix() if source.is_relative_to(package) else source.name
        content = source.read_bytes()
        digest.update(f"{name}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:16]

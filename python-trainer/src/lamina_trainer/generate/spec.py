"""What is to be generated: the document that `lamina_trainer generate` reads.

Everything but `limits` and the name of the key's variable can change the data or its report, and is part of
the spec's hash.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from lamina_trainer.contract.document import parse_document
from lamina_trainer.contract.generation import Endpoint, FilePrompts, GenerationSpec
from lamina_trainer.errors import InvalidError
from lamina_trainer.host.files import sha256_of_file


def read_spec(path: Path) -> GenerationSpec:
    """Read a spec, its paths made absolute; raises InvalidError that names what is wrong."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidError(f"{path} cannot be read: {error.strerror}.") from error
    spec = parse_document(GenerationSpec, content)
    base = path.resolve().parent
    files = tuple(
        file.model_copy(update={"path": str(base / Path(file.path).expanduser())}) for file in spec.contamination.files
    )
    changed: dict[str, Any] = {"contamination": spec.contamination.model_copy(update={"files": files})}
    if spec.endpoint.gguf is not None:
        model = str(base / Path(spec.endpoint.gguf).expanduser())
        changed["endpoint"] = spec.endpoint.model_copy(update={"gguf": model})
    if isinstance(spec.prompts, FilePrompts):
        absolute = str(base / Path(spec.prompts.path).expanduser())
        changed["prompts"] = spec.prompts.model_copy(update={"path": absolute})
    return spec.model_copy(update=changed)


_NO_EFFECT: Final[dict[str, Any]] = {
    "limits": True,
    "endpoint": {"api_key_variable", "api_key_secret", "gguf_fingerprint"},
    "prompts": {"fingerprint"},
    "contamination": {"files": {"__all__": {"fingerprint"}}},
}
"""Files count by content themselves."""


def spec_hash(spec: GenerationSpec) -> str:
    """SHA-256 over what the data follows from: files count by content, not by where they lie."""
    identity = spec.model_dump(mode="json", exclude=_NO_EFFECT)
    if isinstance(spec.prompts, FilePrompts):
        identity["prompts"]["path"] = _content(spec.prompts.path, spec.prompts.fingerprint)
    for file, stored in zip(spec.contamination.files, identity["contamination"]["files"], strict=True):
        stored["path"] = _content(file.path, file.fingerprint)
    identity["endpoint"] |= answers_from(spec.endpoint)
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def answers_from(endpoint: Endpoint) -> dict[str, str]:
    """What tells one endpoint's answers from another's: address and model, or the content of the model file."""
    if endpoint.gguf is not None:
        return {"gguf": _content(endpoint.gguf, endpoint.gguf_fingerprint)}
    return {"base_url": str(endpoint.base_url), "model": str(endpoint.model)}


def _content(path: str, submitted: str | None) -> str:
    try:
        content = sha256_of_file(Path(path))
    except OSError as error:
        raise InvalidError(f"{path} cannot be read: {error.strerror}.") from error
    if submitted is not None and submitted != content:
        raise InvalidError(f"{path} has changed since it was submitted; submit again.")
    return content

"""Resolves a reference to a model to its folder."""

from pathlib import Path

from lamina_trainer.contract.settings import GgufModel, HfModel, ModelRef, PathModel
from lamina_trainer.errors import InvalidError
from lamina_trainer.host.hub import hub_offline
from lamina_trainer.model.gguf import converted_gguf

_FILES = ["*.json", "*.safetensors", "*.model", "*.txt"]
"""No pickled weights, no code."""


def model_folder(model: ModelRef, cache: Path) -> Path:
    """The folder with configuration, weights and tokenizer; raises InvalidError if there is none."""
    match model:
        case PathModel(path=path):
            folder = Path(path)
            if not (folder / "config.json").is_file():
                raise InvalidError(f"The model folder {path} does not exist or has no config.json.")
            return folder
        case GgufModel(path=path, fingerprint=fingerprint):
            return converted_gguf(Path(path), cache, fingerprint)
        case HfModel():
            return _snapshot(model)


def _snapshot(model: HfModel) -> Path:
    offline = hub_offline()
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        folder = snapshot_download(model.id, revision=model.revision, allow_patterns=_FILES, local_files_only=offline)
    except LocalEntryNotFoundError as error:
        raise InvalidError(
            f"The model {model.id} ({model.revision}) is not in the local hub cache, "
            "and the hub cannot be asked without a network."
        ) from error
    except (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError) as error:
        # Other errors of the hub may pass: they end the attempt, and the next one tries again.
        raise InvalidError(f"The hub has no model {model.id} ({model.revision}): {error}") from error
    return Path(folder)

"""Resolves a reference to a model to its folder."""

from pathlib import Path

from lamina_trainer.contract.settings import GgufModel, HfModel, ModelRef, PathModel
from lamina_trainer.errors import ModelError
from lamina_trainer.host.hub import hub_offline
from lamina_trainer.model.gguf import converted_gguf
from lamina_trainer.model.weight_files import check_files, check_unchanged

_FILES = ["*.json", "*.jinja", "*.safetensors", "*.model", "*.txt"]
"""No pickled weights, no code."""


def model_folder(model: ModelRef, cache: Path) -> Path:
    """The folder with configuration, weights and tokenizer.

    Raises ModelError if there is none, if its files are not whole, or if they are not those that were submitted.
    """
    match model:
        case PathModel(path=path, fingerprint=fingerprint):
            folder = Path(path)
            if not (folder / "config.json").is_file():
                raise ModelError(f"The model folder {path} does not exist or has no config.json.")
            check_files(folder)
            check_unchanged(folder, fingerprint, cache)
            return folder
        case GgufModel(path=path, fingerprint=fingerprint):
            return converted_gguf(Path(path), cache, fingerprint)
        case HfModel():
            folder = _snapshot(model)
            check_files(folder)
            return folder


def model_named(name: str) -> ModelRef:
    """A model as people name it: a .gguf file, a folder, else an id of the hub."""
    if name.endswith(".gguf"):
        return GgufModel(source="gguf", path=name)
    is_path = name.startswith(("/", ".", "~")) or Path(name).is_dir()
    return PathModel(source="path", path=name) if is_path else HfModel(source="hf", id=name)


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
        raise ModelError(
            f"The model {model.id} ({model.revision}) is not in the local hub cache, "
            "and the hub cannot be asked without a network."
        ) from error
    except (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError) as error:
        # Other errors of the hub may pass: they end the attempt, and the next one tries again.
        raise ModelError(f"The hub has no model {model.id} ({model.revision}): {error}") from error
    return Path(folder)

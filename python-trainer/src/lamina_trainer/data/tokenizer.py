"""Tokenizers, loaded only when needed and fingerprinted by their files."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from lamina_trainer.errors import ModelError, blamed_on

_FILES: Final = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.model",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "chat_template.jinja",
    "chat_template.json",
)


class LazyTokenizer:
    """A tokenizer in a folder. Loading a vocabulary of 262,144 entries takes seconds; its hash does not."""

    def __init__(self, folder: Path, load: Callable[[], Any] | None = None) -> None:
        self.folder = folder
        self._load = load
        self._loaded: Any = None

    def load(self) -> Any:
        """Load once."""
        if self._loaded is None:
            self._loaded = self._load() if self._load is not None else load_tokenizer(self.folder)
        return self._loaded

    def fingerprint(self) -> str:
        """SHA-256 over the tokenizer's files."""
        return folder_fingerprint(self.folder) or tokenizer_fingerprint(self.load())


def load_tokenizer(folder: Path) -> Any:
    """Load a tokenizer of transformers from a folder, without asking any hub.

    Raises ModelError where there is none: of a class without its files the library makes one that knows no word.
    """
    from transformers import AutoTokenizer

    if not _has_vocabulary(folder):
        raise ModelError(
            f"{folder} has no tokenizer: bring its tokenizer.json, or tokenizer.model, or vocab.json and merges.txt."
        )
    with blamed_on(ModelError, f"The tokenizer in {folder} cannot be read"):
        return AutoTokenizer.from_pretrained(str(folder), local_files_only=True)


def check_rows(tokenizer: Any, rows: int, folder: Path) -> None:
    """Raise ModelError for a tokenizer with entries that text may contain and that have no row in the embedding.

    Special tokens beyond the embedding are let through: Gemma 3's small models have one, which no text holds.
    """
    added = tokenizer.added_tokens_decoder
    beyond = {token: at for token, at in tokenizer.get_vocab().items() if at >= rows}
    lost = sorted(token for token, at in beyond.items() if at not in added or not added[at].special)
    if lost:
        more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
        raise ModelError(
            f"The tokenizer in {folder} has {len(tokenizer)} entries, and the model's embedding {rows} rows: none "
            f"for {', '.join(map(repr, lost[:3]))}{more}. Resize the embedding, or bring the tokenizer made for it."
        )


def _has_vocabulary(folder: Path) -> bool:
    names = {file.name for file in folder.iterdir()}
    if names & {"tokenizer.json", "vocab.txt", "tekken.json"} or {"vocab.json", "merges.txt"} <= names:
        return True
    return any(name.endswith((".model", ".tiktoken")) for name in names)


def special_pattern(tokenizer: Any) -> re.Pattern[str]:
    """Match a special token that stands in a text, the longest first; added tokens that are not special are text."""
    special = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    names = sorted(special | set(tokenizer.all_special_tokens), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, names)) or "(?!)")


def folder_fingerprint(folder: Path) -> str | None:
    """SHA-256 over the tokenizer files in a folder; None if there are none."""
    present = [name for name in _FILES if (folder / name).is_file()]
    if not present:
        return None
    digest = hashlib.sha256()
    for name in present:
        content = (folder / name).read_bytes()
        digest.update(f"{name}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def tokenizer_fingerprint(tokenizer: Any) -> str:
    """SHA-256 that identifies a tokenizer: over its files where it came from a folder, else over itself."""
    if isinstance(tokenizer, LazyTokenizer):
        return tokenizer.fingerprint()
    folder = Path(str(getattr(tokenizer, "name_or_path", "") or ""))
    if folder.is_dir() and (found := folder_fingerprint(folder)) is not None:
        return found
    backend = getattr(tokenizer, "backend_tokenizer", None)
    content = backend.to_str() if backend is not None else repr(sorted(tokenizer.get_vocab().items()))
    special = [tokenizer.bos_token_id, tokenizer.eos_token_id]
    return hashlib.sha256(f"{special}\n{content}".encode()).hexdigest()

"""Checkpoints are written atomically as folders; the newest complete one is resumed from."""

import json
import logging
import os
import re
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lamina_trainer.host.files import sha256_of_file

_log = logging.getLogger(__name__)

FORMAT = 2
KEPT = 2
"""Complete checkpoints that stay: if the newest proves damaged there is another."""


@dataclass(frozen=True)
class Checkpoint:
    """State after `step` optimizer steps."""

    step: int
    state: dict[str, Any]
    """Tensors and plain values: trained parameters, optimizer, gradient scaler, random generators."""
    losses: list[tuple[int, float | None]]


class CheckpointFolder:
    """The checkpoints of one trial, shared by its attempts, of which one runs at a time."""

    def __init__(self, folder: Path, trial_id: str, warn: Callable[[str], None]) -> None:
        self._folder = folder
        self._trial_id = trial_id
        self._warn = warn

    def save(self, checkpoint: Checkpoint) -> None:
        """Write to a temporary folder, sync, rename; then drop all but the newest."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for leftover in self._folder.glob(".step-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        name = _name(checkpoint.step)
        temporary = self._folder / f".{name}.{uuid.uuid4().hex}"
        temporary.mkdir()
        torch.save(checkpoint.state, temporary / "state.pt")
        about = {
            "format": FORMAT,
            "trialId": self._trial_id,
            "step": checkpoint.step,
            "losses": checkpoint.losses,
            "stateSha256": sha256_of_file(temporary / "state.pt"),
        }
        (temporary / "checkpoint.json").write_text(json.dumps(about), encoding="utf-8")
        for path in (*temporary.iterdir(), temporary):
            _sync(path)
        target = self._folder / name
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
        _sync(self._folder)
        for old in self._complete()[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)

    def newest(self, device: torch.device) -> Checkpoint | None:
        """The newest checkpoint that can be read; damaged ones are skipped with a warning."""
        for folder in self._complete():
            try:
                return self._read(folder, device)
            except (OSError, ValueError, KeyError, RuntimeError, EOFError) as error:
                self._warn(f"The checkpoint {folder.name} is damaged and was skipped: {error}")
        return None

    def at(self, step: int, device: torch.device) -> Checkpoint:
        """The checkpoint of this step, which another process has found to be whole."""
        return self._read(self._folder / _name(step), device)

    def _complete(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return sorted((p for p in self._folder.iterdir() if re.fullmatch(r"step-\d{9}", p.name)), reverse=True)

    def _read(self, folder: Path, device: torch.device) -> Checkpoint:
        about = json.loads((folder / "checkpoint.json").read_text(encoding="utf-8"))
        if about["format"] != FORMAT or about["trialId"] != self._trial_id:
            raise ValueError("it belongs to another trial or trainer")
        if about["stateSha256"] != sha256_of_file(folder / "state.pt"):
            raise ValueError("its checksum differs")
        state = torch.load(folder / "state.pt", map_location=device, weights_only=True)
        return Checkpoint(about["step"], state, [(step, loss) for step, loss in about["losses"]])


def _name(step: int) -> str:
    return f"step-{step:09d}"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

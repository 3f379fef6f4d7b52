"""Scalars for TensorBoard, as an artifact of the attempt."""

from pathlib import Path

from lamina_trainer.contract.result import Artifact, EvaluationResult
from lamina_trainer.training.trainer import StepReport


class Scalars:
    """Writes event files into the attempt's folder."""

    def __init__(self, output: Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._output = output
        self._folder = output / "tensorboard"
        self._writer = SummaryWriter(str(self._folder))

    def step(self, report: StepReport) -> None:
        """Add one optimizer step."""
        values = {
            "train/loss": report.loss,
            "train/learning_rate": report.learning_rate,
            "train/tokens_per_second": report.tokens / report.seconds,
        }
        if report.grad_norm is not None:
            values["train/grad_norm"] = report.grad_norm
        for name, value in values.items():
            self._writer.add_scalar(name, value, report.step)

    def evaluation(self, step: int, result: EvaluationResult) -> None:
        """Add an evaluation after this many steps."""
        for name, value in (
            ("loss", result.loss),
            ("perplexity", result.perplexity),
            ("accuracy", result.accuracy),
        ):
            self._writer.add_scalar(f"evaluation/{name}", value, step)

    def close(self) -> list[Artifact]:
        """Finish the files and name them."""
        self._writer.close()
        return [
            Artifact(name="tensorboard", path=str(file.relative_to(self._output)), bytes=file.stat().st_size)
            for file in sorted(self._folder.glob("events.out.tfevents.*"))
        ]

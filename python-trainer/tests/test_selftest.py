"""On this device every combination trains, or says why it cannot."""

import pytest

from lamina_trainer.cli import main
from lamina_trainer.contract.capabilities import capabilities
from lamina_trainer.contract.document import parse_document
from lamina_trainer.trial import selftest
from lamina_trainer.trial.selftest import Combination, SelfTest, combinations, table


@pytest.mark.timeout(900)  # some 200 trainings
def test_every_combination_trains_or_names_its_reason(capsys: pytest.CaptureFixture[str]):
    assert main(["selftest", "--json"]) == 0
    found = parse_document(SelfTest, capsys.readouterr().out)
    made_here = {name: row for name, row in capabilities().precisions.items() if row.checkpoint is None}
    assert len(found.rows) == len(list(combinations())) == len(made_here) * 3 * 5
    for row in found.rows:
        if row.outcome == "trains":
            assert row.first_loss is not None
            assert row.last_loss is not None
            assert row.last_loss < row.first_loss
        else:
            assert row.reason
    trains = {(row.precision, row.method) for row in found.rows if row.outcome == "trains"}
    expected = {(p, m) for p in ("fp32", "bf16", "fp16") for m in ("full", "lora")}
    expected |= {(name, "qlora") for name, row in made_here.items() if row.quantized}
    assert trains >= expected
    scaled = [row for row in found.rows if row.precision == "nf4" and row.mixed_precision == "fp16"]
    assert {row.method: row.outcome for row in scaled} == {"full": "refused", "lora": "refused", "qlora": "trains"}
    shown = table(found)
    assert "\n  bf16 qlora: qlora needs k-bit weights, not bf16; use lora\n" in shown
    assert "\n  fp16 full fp32 fp16: fp16 mixed precision cannot train" in shown
    assert "FAILED" not in shown


def test_a_loss_that_does_not_fall_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def training(one: Combination, *_: object) -> list[float]:
        return [2.0, 3.0] if (one.precision, one.method, one.mixed) == ("nf4", "qlora", "bf16") else [3.0, 2.0]

    monkeypatch.setattr(selftest, "_train", training)
    assert main(["selftest"]) == 1
    assert "FAILED:\n  nf4 qlora fp32 bf16: the loss does not fall" in capsys.readouterr().out

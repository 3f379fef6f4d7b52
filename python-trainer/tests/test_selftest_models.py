"""Every causal model class can be tried, and none of them ends the run."""

import os
import time

import pytest

from lamina_trainer.cli import main
from lamina_trainer.contract.document import parse_document
from lamina_trainer.errors import InvalidError
from lamina_trainer.trial import selftest_models
from lamina_trainer.trial.selftest_models import ModelTest


def test_classes_train_are_cut_and_quantized_or_say_why_not(capfd: pytest.CaptureFixture[str]):
    assert main(["selftest", "--json", "--models", "qwen3_moe", "diffllama", "bert"]) == 0
    found = parse_document(ModelTest, capfd.readouterr().out.splitlines()[-1])
    moe, diff, bert = found.classes
    assert {stage.outcome for stage in moe.stages.values()} == {"yes"}
    assert [name for name, stage in diff.stages.items() if stage.outcome == "refused"] == ["cut even", "cut list"]
    assert "lambda_init" in str(diff.stages["cut even"].reason)
    assert bert.built == "BertLMHeadModel has no list of decoder layers that could be cut"


def test_a_crash_a_refusal_and_an_endless_loop_are_rows(monkeypatch, capsys):
    def work(model_type):
        if model_type == "gpt2":
            os._exit(9)
        if model_type == "opt":
            time.sleep(60)
        stages = dict.fromkeys(selftest_models.STAGES, selftest_models._try(lambda: None))
        return None, {**stages, "nf4": selftest_models._try(refuse), "lora": selftest_models._try(lambda: "differs")}

    def refuse():
        raise InvalidError("no room")

    monkeypatch.setattr(selftest_models, "_try_class", work)
    monkeypatch.setattr(selftest_models, "LIMIT", 1.0)
    assert main(["selftest", "--models", "llama", "gpt2", "opt"]) == 1
    shown = capsys.readouterr().out
    assert "| `llama` | LlamaForCausalLM | yes | yes | yes | yes | no | yes | **fails** |" in shown
    assert "- llama (nf4): no room" in shown
    assert "- `gpt2`: its process crashed" in shown
    assert "- `opt`: it takes too long" in shown

"""A tiny model learns conversations: what counts, what it is told, and that the merged model stops by itself."""

import json

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig

from lamina_trainer.errors import InvalidError
from lamina_trainer.trial.run import run_trial
from tiny import EVALUATION, LORA, Recorder, make_request, random_model
from tiny_chat import CHATML, chat_tokenizer

WORDS = ["one", "two", "three", "four", "five", "six"]


@pytest.fixture(name="shelf")
def shelf_fixture(tmp_path):
    """A base model: no template, and it ends with the end of a text."""
    tokenizer = chat_tokenizer(None, eos="<|end_of_text|>")
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        max_position_embeddings=128,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=4,
    )
    random_model(config).save_pretrained(str(tmp_path / "model"))
    tokenizer.save_pretrained(str(tmp_path / "model"))
    records = [
        {"messages": [{"role": "user", "content": f"Say {word}"}, {"role": "assistant", "content": f"{word} <|pad|>"}]}
        for word in WORDS
    ]
    (tmp_path / "chat.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return tmp_path


def trial(shelf, recorder, max_length=64, steps=60, split=(4, 1), merged=True, **dataset):
    request = make_request(
        shelf,
        shelf / "model",
        shelf / "chat.jsonl",
        dataset={
            "source": "file",
            "path": str(shelf / "chat.jsonl"),
            "format": "jsonl",
            "fields": None,
            "chatTemplate": CHATML,
            **dataset,
        },
        precision="fp32",
        lora={**LORA, "r": 32, "alpha": 64, "dropout": 0.0},
        training={
            "steps": steps,
            "packing": False,
            "maxLength": max_length,
            "microBatch": split[0],
            "accumulation": split[1],
            "learningRate": 0.01,
            "schedule": "constant",
        },
        evaluation={**EVALUATION, "beforeTraining": False},
        artifacts={"adapter": False, "merged": merged},
    )
    return run_trial(request, recorder, None)


def test_a_model_that_was_trained_on_conversations_stops_by_itself(shelf):
    recorder = Recorder()
    result = trial(shelf, recorder)
    assert result.training.losses[-1].loss < result.training.losses[0].loss / 3
    counting = result.counting
    assert (counting.closing, counting.closing_id, counting.written_out_as) == ("<|im_end|>", 3, "text")
    assert set(counting.written_out) == {"<|pad|>"}
    assert 0 < counting.training_counted < counting.training_tokens / 2
    assert result.trained.tokens == counting.held_out_counted
    said = " ".join(recorder.warnings)
    assert "<|pad|>" in said
    assert "turns end with <|im_end|>" in said
    (merged,) = (shelf / "t-tiny" / "1").rglob("merged")
    model, tokenizer = AutoModelForCausalLM.from_pretrained(merged), AutoTokenizer.from_pretrained(merged)
    assert model.generation_config.eos_token_id == [1, 3]
    for word in WORDS:
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": f"Say {word}"}], add_generation_prompt=True, return_tensors="pt"
        )
        length = prompt["input_ids"].shape[1]
        answer = model.generate(**prompt, max_new_tokens=24, do_sample=False)[0][length:].tolist()
        assert answer.index(3) == len(answer) - 1 < 23


def test_conversations_that_are_cut_before_the_assistant_speaks_are_told(shelf):
    with pytest.raises(InvalidError, match=r"In none of the \d training sequences .*longer training\.maxLength than 8"):
        trial(shelf, Recorder(), max_length=8)


def test_each_token_that_counts_weighs_the_same_however_a_batch_is_split(shelf):
    records = [
        {
            "messages": [
                {"role": "user", "content": f"Say {at}"},
                {"role": "assistant", "content": " ".join(WORDS[: at + 1])},
            ]
        }
        for at in range(6)
    ]
    (shelf / "chat.jsonl").write_text("".join(json.dumps(record) + "\n" for record in [*records, *records]))
    losses = [
        [point.loss for point in trial(shelf, Recorder(), steps=3, split=split, merged=False).training.losses]
        for split in ((4, 1), (1, 4))
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)

"""What of a conversation counts: against masks made by hand, TRL's, and what transformers makes of the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from lamina_trainer.contract.settings import EvaluationSettings, FileDataset, MessageFields, PromptFields
from lamina_trainer.data.blocks import Encoded
from lamina_trainer.data.chat import ChatRendering
from lamina_trainer.data.conversation import conversation_of
from lamina_trainer.data.prepared import prepare_data
from lamina_trainer.data.records import BadRecordError, Record
from lamina_trainer.data.shapes import fields_of, rendering_of
from lamina_trainer.errors import InvalidError
from tiny_chat import CHATML, CHATS, MARKED, chat_tokenizer, chats

FIELDS = MessageFields(messages="messages")
USER = {"role": "user", "content": "Hi"}
ASSISTANT = {"role": "assistant", "content": "Ho"}


def encode(records: list[dict[str, Any]], tokenizer: Any, fields: MessageFields = FIELDS, **choices: Any):
    rendering = ChatRendering(fields, tokenizer, None, **{"answers": True, "special_as_text": True, **choices})
    return rendering.encode([rendering.render(Record(f"Line {at}", one)) for at, one in enumerate(records, 1)])


def counted_texts(tokenizer: Any, encoded: Encoded) -> list[str]:
    """The runs of tokens that count, as text."""
    runs: list[list[int]] = []
    before = False
    for token, counts in zip(encoded.ids, encoded.counted, strict=True):
        if counts:
            runs = runs if before else [*runs, []]
            runs[-1].append(token)
        before = counts
    return [tokenizer.decode(run) for run in runs]


def dataset(path: Path, **settings: Any) -> FileDataset:
    return FileDataset(source="file", path=str(path), format="jsonl", **{"fields": None, **settings})


def written(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


@pytest.mark.parametrize("template", [CHATML, MARKED])
def test_what_counts_is_what_the_assistant_says_and_the_token_that_closes_its_turn(template):
    tokenizer = chat_tokenizer(template)
    for record, encoded in zip(chats(), encode(chats(), tokenizer), strict=True):
        by_hand = [
            (message["content"] or "")
            + "".join(
                f'<call>{{"name": "{call["function"]["name"]}", "arguments": {call["function"]["arguments"]}}}</call>'
                for call in message.get("tool_calls", [])
            )
            + "<|im_end|>"
            for message in record["messages"]
            if message["role"] == "assistant"
        ]
        assert counted_texts(tokenizer, encoded) == by_hand


def test_the_masks_are_those_of_trl(tmp_path):
    from datasets import Dataset
    from transformers import LlamaConfig, LlamaForCausalLM
    from trl import SFTConfig, SFTTrainer

    tokenizer = chat_tokenizer(MARKED)
    records = [
        {"messages": list(conversation_of(Record("x", one), FIELDS).messages)} for one in chats() if "tools" not in one
    ]
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1
    )
    arguments = SFTConfig(
        output_dir=str(tmp_path),
        assistant_only_loss=True,
        packing=False,
        bf16=False,
        use_cpu=True,
        report_to="none",
        max_length=None,
        loss_type="nll",
    )
    trainer = SFTTrainer(
        LlamaForCausalLM(config), arguments, train_dataset=Dataset.from_list(records), processing_class=tokenizer
    )
    prepared = [(row["input_ids"], row["labels"]) for row in trainer.train_dataset]
    ours = encode(records, tokenizer, MessageFields(messages="messages"), special_as_text=False)
    labels = [[token if counts else -100 for token, counts in zip(one.ids, one.counted, strict=True)] for one in ours]
    assert prepared == [(list(one.ids), mask) for one, mask in zip(ours, labels, strict=True)]


def test_sharegpt_gives_the_same_tokens_masks_and_sides_of_the_split(tmp_path):
    names = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}
    shared = []
    for record in chats():
        turns = []
        for message in record["messages"]:
            for call in message.get("tool_calls", []):
                function = call["function"]
                value = {"name": function["name"], "arguments": json.loads(function["arguments"])}
                turns.append({"from": "function_call", "value": json.dumps(value)})
            if message["content"] is not None:
                turns.append({"from": names[message["role"]], "value": message["content"]})
        shared.append({"conversations": turns, **({"tools": json.dumps(record["tools"])} if "tools" in record else {})})
    tokenizer = chat_tokenizer()
    one, other = CHATS, written(tmp_path / "shared.jsonl", shared)
    assert fields_of(dataset(other)) == MessageFields(messages="conversations")
    scoring = EvaluationSettings(
        fraction=0.2, max_tokens=512, micro_batch=1, before_training=True, inference=None, gguf=None, tasks=None
    )
    found = [prepare_data(dataset(path), tokenizer, 64, False, scoring, tmp_path / "cache") for path in (one, other)]
    for ours, theirs in ((found[0].train, found[1].train), (found[0].evaluation, found[1].evaluation)):
        assert ours.tokens.tolist() == theirs.tokens.tolist()
        assert ours.counted.tolist() == theirs.counted.tolist()
    assert found[0].evaluation_fingerprint == found[1].evaluation_fingerprint


def test_special_tokens_that_are_written_out_are_text_as_transformers_makes_them():
    tokenizer = chat_tokenizer()
    for record, encoded in zip(chats(), encode(chats(), tokenizer), strict=True):
        messages = conversation_of(Record("x", record), FIELDS).messages
        clean = tokenizer.apply_chat_template(
            list(messages), tools=record.get("tools"), sanitize_control_tokens=True, return_dict=False
        )
        assert list(encoded.ids) == clean
    told = [{"messages": [{"role": "user", "content": "a<|im_end|>b"}, {"role": "assistant", "content": "<|im_end|>"}]}]
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    (text,), (tokens,) = encode(told, tokenizer), encode(told, tokenizer, special_as_text=False)
    assert (list(text.ids).count(end), list(tokens.ids).count(end)) == (2, 4)
    assert counted_texts(tokenizer, text) == ["<|im_end|><|im_end|>"]


def test_the_whole_conversation_counts_where_it_is_wanted_and_a_weight_of_0_takes_an_answer_out():
    tokenizer = chat_tokenizer()
    turns = [USER, {**ASSISTANT, "weight": 0}, USER, {**ASSISTANT, "weight": 1}]
    assert encode([{"messages": turns}], tokenizer, answers=False)[0].counted is None
    (encoded,) = encode([{"messages": turns}], tokenizer)
    assert counted_texts(tokenizer, encoded) == ["Ho<|im_end|>"]
    assert encoded.counted.index(True) > len(encoded.ids) // 2


def test_a_mark_that_leaves_the_end_of_the_turn_out_is_extended_to_it():
    template = (
        "{% for m in messages %}<|im_start|>{{ m.role }} "
        "{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}<|im_end|>"
        "{% else %}{{ m.content }}<|im_end|>{% endif %}{% endfor %}"
    )
    tokenizer = chat_tokenizer(template)
    (encoded,) = encode([{"messages": [USER, ASSISTANT, USER, ASSISTANT]}], tokenizer)
    assert counted_texts(tokenizer, encoded) == ["Ho<|im_end|>", "Ho<|im_end|>"]


def test_dates_in_templates_do_not_change_the_tokens_from_day_to_day():
    tokenizer = chat_tokenizer("{{ strftime_now('%d %b %Y') }} {{ date_string }}" + CHATML)
    rendering = ChatRendering(FIELDS, tokenizer, None, answers=True, special_as_text=True)
    assert rendering.render(Record("x", {"messages": [USER, ASSISTANT]})).text.startswith("26 Jul 2024 26 Jul 2024<")


BREAKS_PREFIXES = CHATML.replace("{{- message.content }}", "{{- message.content if loop.last else 'past' }}")
MARKS_NOTHING = CHATML + "{% if false %}{% generation %}{% endgeneration %}{% endif %}"
REFUSES = "{{ raise_exception('roles must alternate') }}"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (None, r"no chat template.*dataset\.chatTemplate"),
        (BREAKS_PREFIXES, r"Line 1: .*message 2 cannot be found.*\{% generation %\}.*dataset\.loss to all"),
        (MARKS_NOTHING, r"Line 1: .*marks nothing.*dataset\.chatTemplate"),
        (REFUSES, r"Line 1 cannot be rendered.*roles must alternate"),
        ("{% for m in messages %}", r"template is wrong in line 1"),
    ],
)
def test_a_template_that_cannot_be_used_says_what_to_do(template, message):
    with pytest.raises(InvalidError, match=message):
        encode([{"messages": [USER, ASSISTANT, USER, ASSISTANT]}], chat_tokenizer(template))


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ([], "has no messages"),
        ("Hi", "holds str, not a list of messages"),
        (["Hi"], "message 1 is not an object"),
        ([{"content": "Hi"}], "message 1 has neither 'role' nor 'from'; it has: content"),
        (
            [USER, {"role": "asistant", "content": "Ho"}],
            "message 2: the role 'asistant' is not known; .*user",
        ),
        ([{"role": "user", "content": None}], "message 1 has no 'content'"),
        ([{"role": "user", "content": 5}], "message 1 holds int where a list is wanted"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "something else than text"),
        ([{"from": "human", "value": "\ud800"}], "half a surrogate pair"),
        ([{"from": "function_call", "value": "look"}], "arguments of a tool call are not JSON"),
    ],
)
def test_a_conversation_that_cannot_be_used_says_which_message(messages, problem):
    with pytest.raises(BadRecordError, match=f"Line 3.*{problem}"):
        conversation_of(Record("Line 3 of chat.jsonl", {"messages": messages}), FIELDS)


def test_texts_in_parts_are_joined():
    content = [{"type": "text", "text": "Hi "}, {"type": "text", "text": "there"}]
    found = conversation_of(Record("x", {"messages": [{"role": "user", "content": content}]}), FIELDS)
    assert found.messages == [{"role": "user", "content": "Hi there"}]


def test_text_that_was_rendered_before_has_one_start_and_one_end(tmp_path):
    tokenizer = chat_tokenizer(eos="<|end_of_text|>")
    text = "<|begin_of_text|><|im_start|>user\nQuestion {}<|im_end|>\n<|im_start|>assistant\nAnswer<|im_end|>{}"
    records = [{"text": text.format(at, "<|end_of_text|>" if at % 2 else "")} for at in range(40)]
    data = dataset(written(tmp_path / "rendered.jsonl", records))
    scoring = EvaluationSettings(
        fraction=0.2, max_tokens=512, micro_batch=1, before_training=True, inference=None, gguf=None, tasks=None
    )
    whole = prepare_data(data, tokenizer, 128, False, scoring, tmp_path / "cache")
    for block in whole.train:
        tokens = block.tolist()
        assert (tokens.count(0), tokens.count(1), tokens[0], tokens[-1]) == (1, 1, 0, 1)
    packed = prepare_data(data, tokenizer, 32, True, scoring, tmp_path / "cache").train
    assert all(block.tolist()[:2] != [0, 0] and block[0] == 0 for block in packed)
    as_text = dataset(Path(data.path), special_tokens="text")
    other = prepare_data(as_text, tokenizer, 256, False, scoring, tmp_path / "cache")
    assert other.dataset_fingerprint != whole.dataset_fingerprint
    for block in other.train:
        assert (block.tolist().count(0), block.tolist().count(1), block.tolist().count(3)) == (1, 1, 0)


def test_of_prompts_and_completions_all_counts_unless_answers_are_asked_for(tmp_path):
    tokenizer = chat_tokenizer(eos="<|end_of_text|>")
    path = written(tmp_path / "pairs.jsonl", [{"prompt": "A lock is only as good as the ", "completion": "habit."}])
    assert fields_of(dataset(path)) == PromptFields(prompt="prompt", completion="completion")
    record = Record("Line 1", {"prompt": "A lock is only as good as the ", "completion": "habit."})
    found = {}
    for loss in (None, "all", "answers"):
        rendering = rendering_of(dataset(path, loss=loss), tokenizer)
        (found[loss],) = rendering.encode([rendering.render(record)])
    assert found[None] == found["all"]
    assert found["all"].counted is None
    assert list(found["answers"].ids) == list(found["all"].ids)
    (counted,) = counted_texts(tokenizer, found["answers"])
    assert counted.strip() == "habit.<|end_of_text|>"


@pytest.mark.parametrize(
    ("record", "settings", "message"),
    [
        ({"a": "x", "b": "y"}, {}, r"Line 1 .*do not say what a record is; they are: a, b.*\{messages: COLUMN\}"),
        ({"prompt": "", "completion": "", "messages": []}, {}, "fit several shapes"),
        ({"text": "x"}, {"loss": "answers"}, "texts, which have none"),
        ({"text": "x"}, {"chat_template": "x"}, "only messages are rendered"),
    ],
)
def test_columns_and_settings_that_do_not_fit_each_other(tmp_path, record, settings, message):
    path = written(tmp_path / "odd.jsonl", [record])
    with pytest.raises(InvalidError, match=message):
        rendering_of(dataset(path, **settings), chat_tokenizer())


def test_an_inspection_says_what_is_trained_on(tmp_path, capsys):
    from lamina_trainer.cli import main

    chat_tokenizer().save_pretrained(str(tmp_path / "model"))
    wide = " ".join(f"word{at}" for at in range(20))
    records = [{"chat": [{"role": "user", "content": f"{at} {wide}"}, ASSISTANT]} for at in range(20)]
    told = {"chat": [{"role": "user", "content": "What is <|im_end|>?"}, ASSISTANT]}
    path = written(tmp_path / "chat.jsonl", [*records, told, told])
    words = [str(path), "--model", str(tmp_path / "model"), "--fields", '{"messages": "chat"}', "--max-length", "60"]
    assert main(["data", *words, "--fraction", "0.3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["records"], found["duplicates"], found["cutRecords"], found["withoutTarget"]) == (22, 1, 20, 20)
    assert found["overlappingRecords"] > 0
    assert found["heldOutRecords"] - found["overlappingRecords"] in {0, 2}  # the two that share no run of words
    assert found["countedTokens"] == 22 * len(chat_tokenizer()("Ho<|im_end|>", add_special_tokens=False).input_ids)
    assert (found["specialTokens"], found["writtenOut"]) == ("text", {"<|im_end|>": 2})
    assert sum(count for _, count in found["lengths"]["upTo"]) == 22
    assert [piece["counts"] for piece in found["samples"][0]] == [False, True, False]
    assert main(["data", *words, "--samples", "1"]) == 0
    assert "<|im_start|>assistant\n▸Ho<|im_end|>◂" in capsys.readouterr().out
    assert main(["data", *words, "--fraction", "nan"]) != 0
    assert "--fraction nan is not between 0 and 1" in capsys.readouterr().err
    table = tmp_path / "table.csv"
    table.write_text('text\n"one, two"\nthree\n', encoding="utf-8")
    assert main(["data", str(table), "--model", str(tmp_path / "model"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["records"] == 2
    assert main(["data", *words[:3], "--fields", "{"]) != 0
    assert "--fields is not JSON" in capsys.readouterr().err

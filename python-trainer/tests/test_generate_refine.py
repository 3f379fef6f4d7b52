"""What becomes of answers: cleaned, filtered, deduplicated, free of what is scored."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lamina_trainer.contract.document import parse_document
from lamina_trainer.contract.generation import Cleaning, Duplicates, GenerationSpec, Prices
from lamina_trainer.data.blocks import held_out_order
from lamina_trainer.errors import InvalidError
from lamina_trainer.generate.clean import cleaner
from lamina_trainer.generate.contamination import Scored, grams, words
from lamina_trainer.generate.duplicates import duplicates_of
from lamina_trainer.generate.journal import Answer
from lamina_trainer.generate.prompts import requests_of
from lamina_trainer.generate.refine import refine
from lamina_trainer.generate.report import usage_of
from openai_server import essay


def spec(**changes: Any) -> GenerationSpec:
    document = {
        "prompts": {"source": "topics", "topics": ["rain"], "templates": ["On {topic}."]},
        "endpoint": {"baseUrl": "http://127.0.0.1:9/v1", "model": "writer"},
        **changes,
    }
    return parse_document(GenerationSpec, json.dumps(document))


def answer(text: str, finish: str = "stop") -> Answer:
    return Answer(text, finish, 1, 1, None)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  one\r\ntwo  \n\n\n\n three\x00\ufeff ", "one\ntwo\n\n three"),
        ("<think>hm\nhm</think>\n\nso", "so"),
        ("<think>never ended", ""),
        ("```text\ninside\n```", "inside"),
        ("before\n```\ninside\n```", "before\n```\ninside\n```"),
        ("```\na\n```\nand\n```\nb\n```", "```\na\n```\nand\n```\nb\n```"),
        ("cafe\u0301", "caf\u00e9"),
        ("Sure, here it is: text", "text"),
    ],
)
def test_answers_are_cleaned(text: str, cleaned: str):
    assert cleaner(Cleaning(remove=("^Sure, here it is:",)))(text) == cleaned


def test_cleaning_can_be_turned_off():
    assert cleaner(Cleaning(reasoning=False, fences=False))("<think>a</think>\n```\nb\n```").startswith("<think>")


def test_duplicates_are_found_by_exact_likeness():
    base = essay("a")
    near = base.replace("river", "rivers", 1)
    texts = [base, essay("b"), base.upper() + "  ", near, essay("c")]
    assert duplicates_of(texts, Duplicates()) == {2: ("exact", 0), 3: ("near", 0)}
    assert duplicates_of(texts, Duplicates(threshold=1.0)) == {2: ("exact", 0)}


def test_a_pair_just_below_the_threshold_stays_and_one_just_above_goes():
    # Shingles of one character: {a…h} and {a…g, z} share 7 of 9.
    pair = ["abcdefgh", "abcdefgz"]
    for threshold, expected in ((7 / 9 - 0.01, {1: ("near", 0)}), (7 / 9 + 0.01, {})):
        assert duplicates_of(pair, Duplicates(threshold=threshold, shingle=1, permutations=256)) == expected


def test_words_of_languages_without_blanks_are_characters():
    assert words("Don't stop, 東京へ!") == ["don", "t", "stop", "東", "京", "へ"]
    assert words("비가 온다") == ["비가", "온다"]


def test_the_share_counts_distinct_n_grams():
    scored = Scored(["one two three four"], 2)
    assert scored.share_of("One two, one two! Six") == pytest.approx(1 / 3)
    assert scored.share_of("one two three four") == 1
    assert scored.share_of("...") == 0
    assert grams("only two", 5) == {("only", "two")}


def test_every_answer_is_kept_or_counted_once():
    given = [
        ("p", answer(essay("kept 1"))),
        ("p", answer(essay("kept 1"))),
        ("p", answer(essay("kept 1") + ".")),
        ("p", answer("cut off", "length")),
        ("p", answer("<think>only thoughts</think>")),
        ("p", answer("too short")),
        ("p", answer("long " * 200)),
        ("p", answer("scored text in the middle " + essay("x"))),
        ("p", answer(essay("kept 2"))),
    ]
    wanted = spec(
        filters={"minWords": 3, "maxCharacters": 900},
        contamination={"ngram": 4, "fraction": None},
    )
    refined = refine(given, wanted, ["this is a scored text in the middle of a file"])
    assert refined.dropped == {
        "contaminated": 1,
        "empty": 1,
        "exactDuplicate": 1,
        "nearDuplicate": 1,
        "tooLong": 1,
        "tooShort": 1,
        "truncated": 1,
    }
    assert [record.completion for record in refined.records] == [essay("kept 1"), essay("kept 2")]
    assert sum(refined.dropped.values()) + len(refined.records) == len(given)
    kept = refine(given[3:4], spec(filters={"truncated": "keep"}), [])
    assert [record.completion for record in kept.records] == ["cut off"]


def test_nothing_that_trains_shares_an_n_gram_with_what_the_trainer_holds_out():
    # Twelve-word halves from a small pool: many records share one.
    halves = [" ".join(essay(f"half {index}").split()[:12]) for index in range(30)]
    texts = [f"{halves[index % 30]} {halves[(index * 7 + 3) % 30]} n{index}" for index in range(120)]
    settings = spec(contamination={"ngram": 8, "fraction": 0.1}, duplicates={"threshold": 1})
    refined = refine([("p", answer(text)) for text in texts], settings, [])
    kept = [record.completion for record in refined.records]
    train, held = held_out_order(kept, 0.1)
    before_train, before_held = held_out_order(texts, 0.1)
    scored = Scored([kept[at] for at in held], 8)
    assert {kept[at] for at in held} == {texts[at] for at in before_held}
    assert max(scored.share_of(kept[at]) for at in train) == 0 == refined.overlap.largest_share
    assert 0 < refined.overlap.dropped_by_held_out == len(before_train) - len(train)


def test_cost_needs_prices_and_the_usage_of_every_answer():
    prices = Prices(input_per_million=2.0, output_per_million=10.0)
    told = [Answer("", None, 1000, 500, None), Answer("", None, 3000, 700, None)]
    usage = usage_of(told, 5, prices)
    assert (usage.prompt_tokens, usage.completion_tokens, usage.unanswered_sends) == (4000, 1200, 3)
    assert usage.cost == pytest.approx((4000 * 2 + 1200 * 10) / 1e6)
    assert usage_of(told, 2, Prices(input_per_million=2.0)).cost is None
    silent = usage_of([*told, Answer("", None, None, None, None)], 3, prices)
    assert (silent.cost, silent.answers_without_usage, silent.prompt_tokens) == (None, 1, 4000)
    assert usage_of([Answer("", None, None, None, None)], 1, prices).prompt_tokens is None


def test_prompts_fill_templates_once_each():
    wanted = spec(
        prompts={"source": "topics", "topics": ["rain", "rain", "snow"], "templates": ["{{x}} {topic}", "On {topic}."]},
        samples=2,
    )
    requests = requests_of(wanted)
    assert Counter(request.prompt for request in requests) == Counter(
        {"{x} rain": 2, "{x} snow": 2, "On rain.": 2, "On snow.": 2}
    )
    assert [request.body["seed"] for request in requests[:2]] == [0, 1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompts": {"source": "topics", "topics": ["a"], "templates": ["no field"]}}, "must have {topic}"),
        ({"prompts": {"source": "topics", "topics": ["a"], "templates": ["{topic.__class__}"]}}, "no plain name"),
        ({"prompts": {"source": "topics", "topics": ["a"], "templates": ["{topic"]}}, "write {{ and }}"),
        ({"fields": {"text": "body"}}, "records have prompt and completion"),
        ({"cleaning": {"remove": ["("]}}, "no regular expression"),
        ({"endpoint": {"baseUrl": "http://me:secret@host/v1", "model": "m"}}, "apiKeyVariable"),
        ({"endpoint": {"baseUrl": "host/v1", "model": "m"}}, "https://host/v1"),
        ({"sampels": 3}, "sampels"),
    ],
)
def test_mistakes_in_a_spec_are_named(changes: dict[str, Any], message: str):
    with pytest.raises(InvalidError, match=message.replace("{", r"\{").replace("}", r"\}")) as raised:
        requests_of(spec(**changes))
    assert "secret" not in str(raised.value)


def test_the_spec_in_the_guide_is_one():
    guide = Path(__file__).resolve().parents[2] / "docs" / "guide" / "generated-data.md"
    shown = guide.read_text("utf-8").split("```json\n")[1].split("```")[0]
    wanted = parse_document(GenerationSpec, shown)
    assert len(requests_of(wanted)) == 3 * 2 * 4


def test_samples_are_requests_of_their_own_even_where_no_seed_is_sent():
    requests = requests_of(spec(samples=3, sampling={"seed": None}))
    assert len({request.key for request in requests}) == 3
    assert all("seed" not in request.body for request in requests)


def test_sides_are_those_of_what_the_files_leave():
    texts = [f"{essay(str(index))} n{index}" for index in range(40)]
    settings = spec(contamination={"ngram": 8, "fraction": 0.1})
    _, held = held_out_order(texts, 0.1)
    # Every record that would be held out stands in a file: the trainer then holds out another one.
    refined = refine([("p", answer(text)) for text in texts], settings, [texts[at] for at in held])
    assert refined.overlap.dropped_by_files >= len(held) > 0
    train, now_held = held_out_order([record.completion for record in refined.records], 0.1)
    assert (refined.overlap.held_out, refined.overlap.trained_on) == (len(now_held), len(train))
    assert len(now_held) == 1


def test_an_ending_that_every_record_shares_leaves_nothing_to_train_on():
    texts = [f"{essay(str(index))} and a shared ending of exactly eight words" for index in range(40)]
    settings = spec(contamination={"ngram": 8, "fraction": 0.1}, duplicates={"threshold": 1})
    refined = refine([("p", answer(text)) for text in texts], settings, [])
    assert refined.overlap.trained_on == 0 < refined.overlap.held_out == len(refined.records)

"""The split and the packing, with small numbers that can be checked by eye."""

import random
from typing import Any

import pytest

from lamina_trainer.data import blocks as under_test
from lamina_trainer.data.blocks import Blocks, Encoded, TokenStream, held_out_order

BOS, EOS = 1, 2


def as_lists(blocks: Blocks) -> list[list[int]]:
    return [block.tolist() for block in blocks]


def pack(records: list[Encoded], length: int, bos: int | None) -> Blocks:
    return under_test.pack(TokenStream.of(records, bos), length, bos)


def one_each(records: list[Encoded], length: int, bos: int | None) -> Blocks:
    return under_test.one_each(TokenStream.of(records, bos), length, bos)


def evaluation_blocks(records: list[Encoded], length: int, max_tokens: int, bos: int | None) -> Blocks:
    return under_test.evaluation_blocks(TokenStream.of(records, bos), length, max_tokens, bos)[0]


def texts(count: int) -> list[str]:
    return [f"record {index}" for index in range(count)]


def test_blocks_are_a_sequence():
    blocks = Blocks.of([[1, 2], [], [3]])
    assert as_lists(blocks) == [[1, 2], [], [3]]
    assert blocks[-1].tolist() == [3]
    assert as_lists(blocks[:2]) == [[1, 2], []]
    assert len(Blocks.of([])) == 0
    with pytest.raises(IndexError):
        blocks[3]


def encoded(*records: list[int], end: list[int] | None = None) -> list[Encoded]:
    return [Encoded([*ids, *([EOS] if end is None else end)]) for ids in records]


def test_packing_makes_every_token_a_target_once():
    blocks = as_lists(pack(encoded([10, 11, 12], [20], [30, 31, 32, 33]), 4, BOS))
    assert all(len(block) == 4 and block[0] == 1 for block in blocks)
    targets = [token for block in blocks for token in block[1:]]
    assert targets == [10, 11, 12, 2, 20, 2, 30, 31, 32]


def test_packing_without_marks_cuts_the_plain_stream():
    assert as_lists(pack(encoded([1, 2, 3], [4, 5], end=[]), 2, None)) == [[1, 2], [3, 4]]


def test_one_record_a_sequence_is_cut_and_dropped_without_a_target():
    assert as_lists(one_each(encoded([5, 6, 7], [8], []), 3, BOS)) == [[1, 5, 6], [1, 8, 2], [1, 2]]
    assert as_lists(one_each(encoded([5], [6, 7], end=[]), 3, None)) == [[6, 7]]


@pytest.mark.parametrize("cut", [pack, one_each])
def test_what_counts_goes_with_its_tokens(cut: Any):
    records = [Encoded([10, 11, EOS], [False, True, True]), Encoded([20, EOS]), Encoded([30, EOS], [False, True])]
    blocks = cut(records, 3, BOS)
    counting = [
        token
        for index, block in enumerate(blocks)
        for token, counts in zip(block.tolist(), blocks.counted_in(index).tolist(), strict=True)
        if counts
    ]
    assert counting == ([11, 2, 20, 2] if cut is pack else [11, 20, 2, 2])
    assert [blocks[1:].counted_in(0).tolist()] == [blocks.counted_in(1).tolist()]
    assert cut(encoded([10, 11]), 2, BOS).counted is None


def test_evaluation_blocks_stay_within_the_limit_and_are_equally_long():
    records = encoded(list(range(100, 200)))
    blocks = evaluation_blocks(records, 16, 70, BOS)
    assert [len(block) for block in blocks] == [16, 16, 16, 16]
    assert [len(block) for block in evaluation_blocks(records, 64, 10, BOS)] == [10]


def test_evaluation_of_less_text_than_a_block_is_one_shorter_block():
    assert as_lists(evaluation_blocks(encoded([7, 8]), 64, 64, BOS)) == [[1, 7, 8, 2]]
    assert len(evaluation_blocks([], 64, 64, BOS)) == 0


@pytest.mark.parametrize(("max_tokens", "records"), [(4, 1), (8, 2), (12, 3), (999, 4)])
def test_scored_blocks_know_how_many_records_they_are_from(max_tokens: int, records: int):
    stream = TokenStream.of(encoded([5, 6, 7], [8], [9, 10, 11, 12, 13], [14, 15]), BOS)
    assert under_test.evaluation_blocks(stream, 4, max_tokens, BOS)[1] == records


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is it?", "what  IS\nit? "),
        ("Stra\u00dfe", "STRASSE"),
        ("e\u0301t\u00e9", "\u00c9T\u00c9"),
        ("a\r\nb", "A b"),
        ("\uff21", "a"),
    ],
)
def test_spelling_that_nobody_sees_has_no_part_in_the_split(one: str, other: str):
    assert under_test.split_key(one) == under_test.split_key(other)
    assert under_test.split_key(one) != under_test.split_key(one + "x")


def test_the_split_does_not_depend_on_position():
    ordered = texts(300)
    shuffled = random.Random(1).sample(ordered, len(ordered))
    held_of = {}
    for name, records in (("ordered", ordered), ("shuffled", shuffled)):
        train, held = held_out_order(records, 0.2)
        assert sorted(train + held) == list(range(300))
        held_of[name] = [records[index] for index in held]
    assert held_of["ordered"] == held_of["shuffled"]
    assert 30 <= len(held_of["ordered"]) <= 90


def test_a_record_keeps_its_side_when_others_are_added():
    few, many = texts(100), texts(300)
    held_few = {few[index] for index in held_out_order(few, 0.2)[1]}
    held_many = {many[index] for index in held_out_order(many, 0.2)[1]}
    assert held_few == held_many & set(few)


def test_a_larger_fraction_only_adds():
    records = texts(300)
    small, large = (set(held_out_order(records, fraction)[1]) for fraction in (0.1, 0.3))
    assert small < large


def test_equal_texts_land_on_the_same_side():
    records = texts(50) * 2
    train, held = held_out_order(records, 0.3)
    assert {records[index] for index in train}.isdisjoint(records[index] for index in held)


@pytest.mark.parametrize("fraction", [1e-9, 1 - 1e-9])
def test_both_sides_get_something_if_there_are_two_records(fraction: float):
    train, held = held_out_order(["a", "b"], fraction)
    assert len(train) == len(held) == 1


def test_one_record_cannot_be_split():
    train, held = held_out_order(["a", "a"], 0.5)
    assert not train or not held


def test_a_record_that_writes_its_own_start_gets_no_second_one():
    own = [Encoded([1, 5, 6, 2]), Encoded([1, 7, 2])]
    assert as_lists(one_each(own, 9, 1)) == [[1, 5, 6, 2], [1, 7, 2]]
    assert as_lists(pack(own, 4, 1)) == [[1, 5, 6, 2]]
    assert as_lists(pack(own, 3, 1)) == [[1, 5, 6], [1, 2, 1], [1, 7, 2]]
    assert as_lists(evaluation_blocks(own, 64, 64, 1)) == [[1, 5, 6, 2, 1, 7, 2]]


def test_sequences_of_which_no_token_counts_are_left_out():
    records = [Encoded([5, 6, 7, 8], [True, False, False, False]), Encoded([9, 10], [False, True])]
    assert as_lists(one_each(records, 9, None)) == [[9, 10]]
    assert as_lists(pack(records, 2, None)) == [[9, 10]]
    assert as_lists(evaluation_blocks(records, 2, 64, None)) == [[9, 10]]
    kept = one_each(records, 9, 1)
    assert (as_lists(kept), kept.targets()) == ([[1, 5, 6, 7, 8], [1, 9, 10]], [1, 1])

"""Words as people write them in a field, and as programs give them."""

from __future__ import annotations

import pytest

from sam2_demo.detection.words import MAX_WORDS, check_words, split_words
from sam2_demo.errors import InputError


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("dog, red ball", ["dog", "red ball"]),
        (" dog ,, Dog;\tred \n ball,", ["dog", "red", "ball"]),
        ("狗、红球，猫", ["狗", "红球", "猫"]),
        ("كلب، كرة", ["كلب", "كرة"]),
        ("Hund", ["Hund"]),
        ("dog\x00s", ["dog s"]),
    ],
)
def test_fields_are_split_where_people_separate(field: str, words: list[str]) -> None:
    assert split_words(field) == words


@pytest.mark.parametrize("field", ["", "  ", ",;,", "\x00", "x" * 101, "a," * 5000, "x" * 10_000])
def test_empty_and_endless_fields_are_refused_in_words(field: str) -> None:
    if field == "a," * 5000:
        with pytest.raises(InputError, match="10000 characters"):
            split_words(field)
    else:
        with pytest.raises(InputError, match=r"no word|letters"):
            split_words(field)


def test_phrases_of_programs_keep_their_commas() -> None:
    assert check_words(["small, red ball", "dog"]) == ["small, red ball", "dog"]


def test_a_single_text_too_many_words_and_other_types_are_refused() -> None:
    with pytest.raises(InputError, match="list"):
        check_words("dog")
    with pytest.raises(InputError, match=f"up to {MAX_WORDS}"):
        check_words([str(index) for index in range(MAX_WORDS + 1)])
    with pytest.raises(InputError, match="int"):
        check_words([3])

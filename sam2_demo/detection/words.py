"""The words that a person looks for: read from a field, checked, bounded."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sam2_demo.errors import InputError

MAX_WORDS = 64
MAX_LETTERS = 100  # of one word or phrase; the longest names of COCO and LVIS classes have fewer than 40
_SEPARATORS = re.compile("[,;\n\u3001\u060c\uff0c\uff1b]")  # commas as Chinese, Japanese and Arabic write them too


def split_words(text: str) -> list[str]:
    """The words or phrases of a field such as "dog, red ball", checked as by `check_words`."""
    if len(text) > MAX_WORDS * (MAX_LETTERS + 2):
        raise InputError(f"{len(text)} characters of words; accepted: {MAX_WORDS} words of {MAX_LETTERS} letters")
    return check_words(_SEPARATORS.split(text))


def check_words(words: Sequence[str]) -> list[str]:
    """Words or phrases as they are looked for: blanks trimmed, empty and repeated ones (whatever their case) gone.

    A phrase of a sequence may hold commas. InputError: none is left, there are too many, or one is too long.
    """
    if isinstance(words, str):
        raise InputError('give words as a list, such as ["dog", "red ball"]')
    distinct: dict[str, str] = {}
    for word in words:
        if not isinstance(word, str):
            raise InputError(f"a word is {type(word).__name__}; accepted: text")
        clean = " ".join("".join(letter if letter.isprintable() else " " for letter in word).split())
        if len(clean) > MAX_LETTERS:
            raise InputError(f"{clean[:40]!r}... has {len(clean)} letters; accepted: up to {MAX_LETTERS} a word")
        if clean:
            distinct.setdefault(clean.casefold(), clean)
    if not distinct:
        raise InputError('no word was given; write what to find, such as "dog, red ball"')
    if len(distinct) > MAX_WORDS:
        raise InputError(f"{len(distinct)} words; accepted: up to {MAX_WORDS}")
    return list(distinct.values())

"""The last word of a text that is cut to a length: a whole one of as many letters, not the start of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, join_texts, numpy_of
from fixturesynth.randomness import below, hashed
from fixturesynth.rules.vocabulary import ADJECTIVES, NOUNS

__all__ = ["whole_words"]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_TORN = r"(?s)^(?P<head>(?:.*\s)?)(?P<last>\pL+\s?)$"
_BEFORE = r"(?s)^(?P<head>(?:.*\s)?)(?P<last>\pL+\s\pL+\s?)$"
FIRST = 4  # letters of the first of two words
LEAST = 3  # letters of a last word; fewer go together with the word before them


def whole_words(
    texts: pa.Array, torn: Flags, ranks: Integers, own: Sequence[str] = (), *, alone: bool = True
) -> pa.Array:
    """Texts whose last word was torn, (n,), with a whole one instead, of as many letters and as large; all (n,).

    A blank behind the last word counts as a letter of it.

    ``own``: words that the column itself has, which come first. What has no word of its length stays as it is, and,
    unless ``alone``, texts of one word with a capital: there are many more names of places than plain words.

    >>> cut = pa.array(["narrow win", "BIG HA", "all of it"])
    >>> whole_words(cut, np.array([True, True, False]), np.arange(3), ["SMALL", "LARGE", "sea"]).to_pylist()
    ['narrow sea', 'HIDDEN', 'all of it']
    >>> whole_words(pa.array(["specia", "Specia"]), np.array([True, True]), np.arange(2), alone=False).to_pylist()
    ['office', 'Specia']
    """
    shelf = _by_length(own)
    free = numpy_of(pc.match_substring_regex(texts, r"\S\s+\S|^\p{Ll}")) | alone
    for shape, least in ((_TORN, LEAST), (_BEFORE, 0)):
        parts = pc.extract_regex(texts, shape)
        if not torn.any() or parts.null_count == len(parts):
            continue
        head, last = (pc.struct_field(parts, i) for i in (0, 1))
        sizes = numpy_of(fill_null(pc.utf8_length(last), 0)).astype(np.int64)
        for size in np.unique(sizes[torn & (sizes >= least)]).tolist():
            rows = torn & (sizes == size) & free
            if not rows.any():
                continue
            words = _words(shelf, size, ranks[rows])
            if words is None:
                continue
            words = _as_large(words, last.filter(array_of(rows)))
            made = join_texts(head.filter(array_of(rows)), words)
            texts = pc.replace_with_mask(texts, array_of(rows), made)
            torn = torn & ~rows
    return texts


def _words(shelf: Mapping[int, Sequence[str]], size: int, ranks: Integers) -> pa.Array | None:
    """A word for each rank that has so many letters, else two."""
    if size in shelf:
        known = shelf[size]
        return array_of(known).take(array_of(below(hashed(ranks, 0, "last word"), len(known))))
    if size - FIRST - 1 not in shelf or FIRST not in shelf:
        return None
    pair = [_words(shelf, n, ranks) for n in (FIRST, size - FIRST - 1)]
    return join_texts(*pair, separator=" ")


def _by_length(own: Sequence[str]) -> dict[int, list[str]]:
    """Words by their letters: the column's own where there are any, else plain English."""
    plain = [*NOUNS, *ADJECTIVES]
    shelves: list[dict[int, list[str]]] = [{}, {}]
    for shelf, words in zip(shelves, (plain, own), strict=True):
        for word in dict.fromkeys(words):
            if word.isalpha():
                shelf.setdefault(len(word), []).append(word)
    return shelves[0] | shelves[1]


def _as_large(words: pa.Array, last: pa.Array) -> pa.Array:
    """Words in capitals, with a capital first, or as they are, as what they stand for began."""
    capital = pc.match_substring_regex(last, r"^\p{Lu}")
    all_large = pc.match_substring_regex(last, r"^\p{Lu}{2}[\p{Lu}\s]*$")
    small = pc.match_substring_regex(last, r"^[\p{Ll}\s]+$")
    words = pc.if_else(capital, pc.utf8_capitalize(words), words)
    words = pc.if_else(all_large, pc.utf8_upper(words), words)
    return pc.if_else(small, pc.utf8_lower(words), words)

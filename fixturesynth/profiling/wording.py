"""Where words stand in texts: with which they begin and end, which stand in the middle alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.profiling.protection import Protector
from fixturesynth.profiling.texts import EDGE_MARKS, WORD_ROWS, Coded

__all__ = ["find_places"]

Integers = npt.NDArray[np.int64]

THOUSAND: Final = 1000
EDGE: Final = 0.5  # of its places in texts of several words, that a word has at their end (or start) to belong there
SELDOM: Final = 0.02  # of its places, that one has there which belongs in the middle
LEAST: Final = 20  # places by which that is told
MOST: Final = 60  # words of each kind
BETWEEN: Final = 0.5  # words of a text that are neither, on average
LONGEST: Final = 16  # words in the mean text: longer ones have no such places


def find_places(coded: Coded, words: Sequence[tuple[str, int]]) -> tuple[Mapping[str, Any], dict[str, int]]:
    """Habits of texts of several words, and how many places of the known ``words`` these take.

    begins, ends: [text, thousandths of the texts, word, rows] of words that mostly stand there, in the brackets or
    quotes that they mostly have; inside: the words that hardly ever begin a text, and those that hardly ever end one.
    """
    rows = np.arange(coded.codes.size)
    rows = rows[:: rows.size // WORD_ROWS + 1]
    texts = coded.distinct.take(pa.array(coded.codes[rows]))
    lists = pc.utf8_split_whitespace(pc.utf8_trim_whitespace(texts))
    sizes = np.asarray(pc.list_value_length(lists).to_numpy(zero_copy_only=False), dtype=np.int64)
    several = sizes > 1
    if not words or several.sum() < LEAST or sizes.mean() > LONGEST:
        return {}, {}
    raw = pc.utf8_rtrim(pc.list_flatten(lists), characters=".,;:!?")  # which habits of their own tell
    flat = pc.utf8_trim(raw, characters=EDGE_MARKS)
    codes = pc.fill_null(pc.index_in(flat, value_set=pa.array([w for w, _ in words], flat.type)), -1)
    codes = np.asarray(codes.to_numpy(zero_copy_only=False), dtype=np.int64)
    stops = np.cumsum(sizes)
    inner = np.repeat(several, sizes) & (codes >= 0)
    places = np.bincount(codes[inner], minlength=len(words))
    protector = coded.protector.of_rows(rows)
    found_habits: dict[str, Any] = {}
    taken: dict[str, int] = {}
    inside: list[list[str]] = []
    for name, at in (("begins", stops - sizes), ("ends", stops - 1)):
        own = np.flatnonzero(several & (codes[np.minimum(at, codes.size - 1)] >= 0))
        counts, written = _at_edge(raw.take(pa.array(at[own])), codes[at[own]], words, protector.of_rows(own))
        there = np.flatnonzero((counts > EDGE * places) & (counts * THOUSAND >= rows.size))
        there = there[np.argsort(-counts[there], kind="stable")][:MOST]
        if there.size:
            shares = {i: round(int(counts[i]) * THOUSAND / rows.size) for i in there.tolist()}
            found_habits[name] = [[written[i], n, words[i][0], int(counts[i])] for i, n in shares.items()]
            taken |= {words[i][0]: int(counts[i]) for i in there.tolist()}
        never = np.flatnonzero((counts <= SELDOM * places) & (places >= LEAST))
        inside.append([words[i][0] for i in never[np.argsort(-places[never], kind="stable")][:MOST].tolist()])
    if sum(taken.values()) > sizes[several].sum() - BETWEEN * several.sum():
        return ({"inside": inside} if any(inside) else {}), {}  # nothing would be left to stand between them
    if any(inside):
        found_habits["inside"] = inside
    return found_habits, taken


def _at_edge(
    raw: pa.Array, codes: Integers, words: Sequence[tuple[str, int]], protector: Protector
) -> tuple[Integers, dict[int, str]]:
    """How many texts have each of ``words`` at one edge, 0 for those that too few have there, (words,), and how these
    are mostly written. ``raw``, ``codes``: the word of each text there as it is written, and its number, (n,)."""
    enough = protector.supporters(codes, len(words)) >= protector.protection
    tokens = raw.dictionary_encode()
    forms = np.asarray(tokens.indices.to_numpy(zero_copy_only=False), dtype=np.int64)
    shared = protector.supporters(forms, len(tokens.dictionary)) >= protector.protection
    written = {}
    for i in np.flatnonzero(enough).tolist():
        most = np.bincount(forms[codes == i], minlength=shared.size) * shared
        written[i] = tokens.dictionary[int(most.argmax())].as_py() if most.any() else words[i][0]
    return np.where(enough, np.bincount(codes, minlength=len(words)), 0), written

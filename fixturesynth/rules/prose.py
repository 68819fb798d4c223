"""Rules for running text: sentences from a vocabulary, with lengths drawn along quantiles."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, join_texts, numpy_of, scalar_of
from fixturesynth.randomness import below, hashed
from fixturesynth.rules import vocabulary
from fixturesynth.rules.contract import WANTED_LENGTH, ColumnContext, Integers, Space, Words
from fixturesynth.rules.grammar import Bits, Limits, Number, Phrase, Pool, fold, guide, limits_of, phrase_space
from fixturesynth.rules.numbers import along

Flags = npt.NDArray[np.bool_]

__all__ = [
    "MAKERS", "between_places", "edge_words", "framed", "has_places", "in_places", "inside_frame", "text", "word_text",
    "words",
]  # fmt: skip

_LENGTHS: Final = (20, 36, 48, 60, 72, 86, 100, 120, 140, 165, 190, 220, 260, 300, 350, 420, 600)
LEAST_PLAIN: Final = 50  # thousandths
LEAST_BETWEEN: Final = 4  # characters between the words that a text begins and ends with
_FAR: Final = 2**40  # from its goal: no place for a text to end
_BLOCK: Final = 16_384  # rows made at a time, so that their words stay in the cache


# What the words of a sentence are, one letter each: a determiner, adjective, noun, modal, verb, preposition. Texts go
# through the three in turn, beginning with any.
_SENTENCES: Final = ("danmvdn", "dnmvdnpdn", "dnmvdan")


@lru_cache(maxsize=1)
def _english() -> dict[str, dict[str, int]]:
    """Words of plain sentences with weights, by what they are."""
    falling = {
        "n": vocabulary.NOUNS,
        "a": vocabulary.ADJECTIVES,
        "v": vocabulary.TRANSITIVE,
    }
    found = {kind: {w: 20 + 6000 // (i + 60) for i, w in enumerate(words)} for kind, words in falling.items()}
    return {"d": vocabulary.DETERMINERS, "m": vocabulary.MODALS, "p": vocabulary.PREPOSITIONS, **found}


def text(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Sentences, ``lengths`` (ascending quantiles of characters) long, from ``words`` or plain English.

    Any text ends with a whole word inside the column's length; columns too short for sentences get words.
    """
    limits = limits_of(options, context)
    given = options.get("words")
    lengths = [int(n) for n in options.get("lengths", _LENGTHS)]
    sentences = bool(options.get("sentences", True))
    if given:
        return _prose(*_split(given), lengths, limits, context, sentences=sentences)
    english = _english()
    plain = {word: weight for words in english.values() for word, weight in words.items()}
    return _prose([*plain], [*plain.values()], lengths, limits, context, sentences=sentences, grammar=english)


def word_text(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Words as they were seen: ``words`` is [[word, count], ...], ``lengths`` ascending quantiles of characters.

    ``plain``: thousandths of the words that are plain English instead, beginning with a capital where most of the
    words do. ``marks``, ``final``: [[mark, thousandths], ...] of the words inside, and of the texts, that end with
    it; ``lead``, ``trail``: thousandths of the texts with a blank in front, behind. ``values``: how many unique ones
    are needed at the most; fewer need fewer words to tell them apart. ``frame``: what all texts begin and end with.
    ``joint``: what stands in the place of blanks. ``begins``, ``ends``: [[text, thousandths of the texts, word, rows],
    ...] with which texts of several words begin and end, but unique ones; ``between``: thousandths of the others that
    are of ``words``; ``inside``: words that begin no text, and words that end none; ``large``: whether plain English
    has capitals.
    """
    front, back = framed(options)
    if front or back:
        return _framed(front, back, inside_frame(options, context), context)
    if joint := str(options.get("joint", "")):
        space = word_text({k: v for k, v in options.items() if k not in ("joint", "lead", "trail")}, context)

        def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
            return pc.replace_substring(space.at(indices, given), " ", joint)

        return Space(space.size, at, block=space.block)
    if not context.unique and has_places(options):
        return _placed(options, context)
    texts, weights = _split(options["words"])
    plain = int(options.get("plain", 0))
    if not texts and not plain:
        raise ValueError("words must not be empty")
    if plain:
        texts, weights = _mixed(texts, weights, plain, options.get("large"))
    lengths = [int(n) for n in options.get("lengths") or (1, 20, 40)]
    habits = {k: [(str(m), int(n)) for m, n in options.get(k) or ()] for k in ("marks", "final")}
    blanks = {k: [(" ", int(options[k]))] for k in ("lead", "trail") if options.get(k) and not context.unique}
    limits = limits_of(options, context)
    needed = int(options.get("values", 2**62))
    return _prose(texts, weights, lengths, limits, context, sentences=False, habits={**habits, **blanks}, needed=needed)


def framed(options: Mapping[str, Any]) -> tuple[str, str]:
    """What all texts of a rule begin and end with."""
    front, back = options.get("frame") or ("", "")
    return str(front), str(back)


def inside_frame(options: Mapping[str, Any], context: ColumnContext) -> dict[str, Any]:
    """The options of what stands between the two; as they are but for the frame where a column has no room for it."""
    inner = {k: v for k, v in options.items() if k not in ("frame", "lead", "trail")}
    size, limits = sum(map(len, framed(options))), limits_of(options, context)
    inner["lengths"] = [max(int(n) - size, 1) for n in options.get("lengths") or (1, 20, 40)]
    if limits.maximum is not None:
        inner["max_length"] = max(limits.maximum - size, 1)
    return inner


def _framed(front: str, back: str, inner: Mapping[str, Any], context: ColumnContext) -> Space:
    space, size = word_text(inner, context), len(front) + len(back)

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        asked = given.get(WANTED_LENGTH)
        less = {} if asked is None else {WANTED_LENGTH: pc.max_element_wise(pc.subtract(asked, size), 1)}
        return join_texts(front, space.at(indices, {**given, **less}), back)

    return Space(space.size, at, block=space.block)


PLACES: Final = ("begins", "ends", "inside", "between")


def has_places(options: Mapping[str, Any]) -> bool:
    """Whether words of a rule have places of their own."""
    return any(options.get(name) for name in ("begins", "ends", "inside"))


def between_places(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of what stands between the words that texts begin and end with."""
    inner = {k: v for k, v in options.items() if k not in PLACES}
    taken: dict[str, int] = {}
    for _, _, word, rows in (*(options.get("begins") or ()), *(options.get("ends") or ())):
        taken[word] = taken.get(word, 0) + int(rows)
    if taken:
        left = [(str(w), int(n) - taken.get(str(w), 0)) for w, n in options["words"]]
        inner["words"] = [[w, n] for w, n in left if n > 0]
        plain = 1000 - int(options.get("between", 1000)) if inner["words"] else 1000
        inner |= {"plain": plain if plain >= LEAST_PLAIN else 0}
    return inner


def edge_words(options: Mapping[str, Any], ranks: Integers, wanted: Integers | None) -> tuple[pa.Array, pa.Array]:
    """The words that each text begins and ends with, with a blank between; empty where ``wanted`` leaves no room."""
    found, room = [], None if wanted is None else wanted.copy()
    for name, form in (("ends", " {}"), ("begins", "{} ")):
        known = [(form.format(w), int(n)) for w, n, *_ in options.get(name) or ()]
        drawn, _ = _drawn_marks(ranks, known, f"word that {name}")
        sizes = numpy_of(pc.utf8_length(drawn)).astype(np.int64)
        if room is not None:
            fits = room - sizes >= LEAST_BETWEEN
            drawn = pc.if_else(array_of(fits), drawn, scalar_of("", drawn.type))
            room = room - np.where(fits, sizes, 0)
        found.append(drawn)
    return found[1], found[0]


def in_places(texts: pa.Array, options: Mapping[str, Any]) -> pa.Array:
    """Texts whose first or last word never stands there, with that and the one beside it exchanged."""
    never_first, never_last = [*(options.get("inside") or ()), [], []][:2]
    for _ in range(2):  # what comes to stand there may be such a word, too
        if never_last:
            words = "|".join(re.escape(str(w)) for w in never_last)
            texts = pc.replace_substring_regex(texts, rf"(\S+)\s({words})([.,;:!?]?)$", r"\2 \1\3")
        if never_first:
            words = "|".join(re.escape(str(w)) for w in never_first)
            texts = pc.replace_substring_regex(texts, rf"^({words})\s(\S+)", r"\2 \1")
    return texts


def _placed(options: Mapping[str, Any], context: ColumnContext) -> Space:
    space = word_text(between_places(options), context)

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        asked = given.get(WANTED_LENGTH)
        wanted = None if asked is None else numpy_of(asked).astype(np.int64)
        if wanted is None and limits_of(options, context).maximum is not None:
            return in_places(space.at(indices, given), options)  # how long texts are is not known before
        front, back = edge_words(options, indices, wanted)
        sizes = (numpy_of(pc.utf8_length(side)).astype(np.int64) for side in (front, back))
        less = {} if wanted is None else {WANTED_LENGTH: array_of(np.maximum(wanted - sum(sizes), 1))}
        return join_texts(front, in_places(space.at(indices, {**given, **less}), options), back)

    return Space(space.size, at, block=space.block)


def _mixed(
    texts: list[str], weights: list[int], plain: int, capitals: bool | None = None
) -> tuple[list[str], list[int]]:
    """The words, and plain English in so many thousandths; ``capitals``: whether it has any, None: as most words do."""
    large = sum(n for t, n in zip(texts, weights, strict=True) if t[:1].isupper())
    capitals = not texts or 2 * large > sum(weights) if capitals is None else capitals
    small = set(texts)
    more = [w.capitalize() if capitals else w for w in dict.fromkeys((*vocabulary.NOUNS, *vocabulary.ADJECTIVES))]
    more = [w for w in more if w not in small]
    share = max(sum(weights), 1) * max(plain, 1)
    each = max(share // max(1000 - plain, 1), 1) if texts else 1
    # Every weight times the number of plain words keeps shares whole.
    return [*texts, *more], [*(n * len(more) for n in weights), *([each] * len(more))]


_Habits = Mapping[str, Sequence[tuple[str, int]]]
_Grammar = Mapping[str, Mapping[str, int]]  # words with weights, by what they are


def _drawn_marks(indices: Integers, marks: Sequence[tuple[str, int]], address: str) -> tuple[pa.Array, Integers]:
    """A mark, or nothing, for every index by thousandths, and how long it is."""
    ends = np.cumsum([n for _, n in marks], dtype=np.int64)
    which = np.searchsorted(ends, below(hashed(indices, 0, "prose", address), 1000), side="right")
    known = array_of([*(m for m, _ in marks), ""])
    return known.take(array_of(which)), np.where(which < len(marks), 1, 0)


def _split(entries: Sequence[Any]) -> tuple[list[str], list[int]]:
    pairs = [(e, 1) if isinstance(e, str) else (str(e[0]), int(e[1])) for e in entries]
    counted: dict[str, int] = {}
    for word, count in pairs:
        cleaned = " ".join(word.split())
        if cleaned and count > 0:
            counted[cleaned] = counted.get(cleaned, 0) + count
    return list(counted), list(counted.values())


def words(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """One to three plain words (``count``) for short texts."""
    count = int(options.get("count", 2))
    pool = vocabulary.words()
    phrases: list[tuple[int, Phrase]] = []
    for number in range(1, count + 1):
        parts: list[Pool | str] = [pool]
        for _ in range(number - 1):
            parts += [" ", pool]
        phrases.append((number, tuple(parts)))
    return phrase_space(phrases, limits_of(options, context), unique=context.unique)


def _prose(
    texts: list[str],
    weights: list[int],
    lengths: Sequence[int],
    limits: Limits,
    context: ColumnContext,
    *,
    sentences: bool,
    habits: _Habits = MappingProxyType({}),
    needed: int = 2**62,
    grammar: _Grammar | None = None,
) -> Space:
    longest = min(limits.maximum if limits.maximum is not None else 2**31, max(*lengths, limits.minimum, 1))
    floor = min(limits.minimum, longest)
    changed = {"lower": str.lower, "upper": str.upper}.get(limits.case or "", str)
    sentences = sentences and limits.case is None
    # A word counts with the blank or full stop behind it.
    weighed = {changed(w): n for w, n in zip(texts, weights, strict=True) if _size(w, limits) < longest}
    if context.unique:
        weighed = {w: weighed[w] for w in {fold(w).rstrip("."): w for w in reversed(weighed)}.values()}
    if not weighed or longest < 12:
        pool = Pool.of(list(weighed), list(weighed.values())) if weighed else None
        return phrase_space([(1, (pool, Number(" ")))] if pool else [], limits, unique=context.unique)
    if context.unique and needed < 2**62:
        weighed = _short_enough(weighed, limits, longest, needed)
    plain = list(weighed)
    count = len(plain)
    # Four forms of every word: as it is, at the start of a sentence, at its end, and both.
    upper = [w[:1].upper() + w[1:] for w in plain]
    forms = array_of([*plain, *upper, *(f"{w}." for w in plain), *(f"{w}." for w in upper)], pa.string())
    sizes = np.array([_size(w, limits) for w in plain], np.int64)
    table = guide(np.array(list(weighed.values()), np.int64))
    goals = np.clip(np.array(sorted(lengths), np.int64), 2, longest)
    mean = max(1, int(sizes[table].sum()) // len(table) + 1)
    order = _Order.of(plain, grammar, changed) if grammar else None
    opening, base = _opening(sizes, longest, needed) if context.unique else (0, 1)

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        asked = given.get(WANTED_LENGTH)
        wanted = None if asked is None else numpy_of(asked).astype(np.int64)
        cuts = [slice(i, i + _BLOCK) for i in range(0, max(len(indices), 1), _BLOCK)]
        return pa.concat_arrays([block(indices[cut], None if wanted is None else wanted[cut]) for cut in cuts])

    def block(indices: Integers, wanted: Integers | None) -> pa.Array:
        goal = along(goals.tolist(), Bits(hashed(indices, 0, "prose length"))) if wanted is None else wanted
        goal = np.clip(goal, max(floor, 2), longest)
        edges = {k: _drawn_marks(indices, habits[k], k) for k in ("lead", "final", "trail") if habits.get(k)}
        taken = sum((width for _, width in edges.values()), np.zeros(len(indices), np.int64))
        goal, most = np.maximum(goal - taken, 2), longest - taken
        counts = np.maximum(goal * 5 // (mean * 4) + 3, opening)
        row = np.repeat(np.arange(len(indices)), counts)
        starts = np.cumsum(counts) - counts
        place = np.arange(len(row)) - starts[row]
        draws = hashed(indices[row] * 4096 + place, 0, "prose word")
        picks = table[(draws >> np.uint64(48)).astype(np.int64)]
        stops = ((draws & np.uint64(15)) == 0) & (place > max(3, opening)) if sentences else np.zeros(len(row), bool)
        closes = np.zeros(len(row), np.int64)
        if order is not None:
            picks, ends_sentence, closes = order(draws, hashed(indices, 0, "prose order")[row], place)
            stops = ends_sentence & sentences
        _write_index(picks, indices, starts, opening, base)
        marked, width = _drawn_marks(indices[row] * 4096 + place, habits.get("marks", ()), "mark")
        ends = np.cumsum(sizes[picks] + 1 + stops + width)
        before = np.concatenate([[0], ends])[starts]
        if sentences or context.unique:
            stays = ends - before[row] <= goal[row] + (not sentences)
        else:  # to the nearest word, so that texts are as long as asked on the average
            stays = (ends - sizes[picks] // 2 - before[row] <= goal[row]) & (ends - 1 - before[row] <= most[row])
        stays |= place < max(1, opening)
        if order is None and not context.unique and not sentences and count > 1:
            stays[1:] &= (picks[1:] != picks[:-1]) | (place[1:] == 0)  # no word comes twice in a row
        if order is not None:
            size = ends - before[row]  # with one sign after the last word
            far = np.where((size <= longest) & (size - stops >= floor), np.abs(size - goal[row]), _FAR)
            stays = _to_the_best(closes, far, stays, row, place, len(indices)) | (place < max(1, opening))
        picks, stops, row, place = picks[stays], stops[stays], row[stays], place[stays]
        offsets = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(indices)))]).astype(np.int32)
        if sentences and len(picks):
            stops[offsets[1:] - 1] = True
            begins = np.concatenate([[True], stops[:-1]]) | (place == 0)
            picks = picks + count * (begins + 2 * stops.astype(np.int64))
        values = forms.take(array_of(picks))
        if habits.get("marks"):
            inner = np.ones(len(picks), bool)
            inner[offsets[1:] - 1] = False
            kept = pc.if_else(array_of(inner), marked.filter(array_of(stays)), scalar_of(""))
            values = join_texts(values, kept)
        joined = pc.binary_join(pa.ListArray.from_arrays(array_of(offsets), values), scalar_of(" "))
        if edges:
            parts = [edges[k][0] if k in edges else "" for k in ("lead", "final", "trail")]
            joined = join_texts(parts[0], joined, parts[1], parts[2])
        return pc.utf8_rpad(joined, width=floor, padding=".") if floor else joined

    return Space(min(2**62, base**opening) if context.unique else 2**62, at)


@dataclass(frozen=True, eq=False)
class _Order:
    """Which kind of word stands where: ``tables`` (kinds, 65536) of word numbers, ``kinds`` along all sentences."""

    tables: Integers
    kinds: Integers
    ends: Flags  # of a sentence
    closes: Integers  # 2: a clause is complete here, 1: a noun, at which a text may end as well
    begins: Integers

    @classmethod
    def of(
        cls, plain: Sequence[str], grammar: Mapping[str, Mapping[str, int]], changed: Callable[[str], str]
    ) -> _Order:
        number = {word: i for i, word in enumerate(plain)}
        letters = list(grammar)
        tables = []
        for words in grammar.values():
            known = {number[changed(w)]: n for w, n in words.items() if changed(w) in number}
            known = known or dict.fromkeys(range(len(plain)), 1)
            tables.append(np.array(list(known))[guide(np.array(list(known.values()), np.int64))])
        along_all = "".join(_SENTENCES)
        begins = np.cumsum([0, *(len(s) for s in _SENTENCES)])
        ends = np.zeros(len(along_all), bool)
        ends[begins[1:] - 1] = True
        kinds = np.array([letters.index(c) for c in along_all])
        closes = [int(c == "n") + int(c == "n" and "v" in s[:i]) for s in _SENTENCES for i, c in enumerate(s)]
        return cls(np.stack(tables), kinds, ends, np.array(closes), begins[:-1])

    def __call__(self, draws: Words, turns: Words, place: Integers) -> tuple[Integers, Flags, Integers]:
        """Words, whether a sentence ends with each, and how well a text may; each shape (words,)."""
        slot = (place + self.begins[below(turns, len(self.begins))]) % len(self.kinds)
        picks = self.tables[self.kinds[slot], (draws >> np.uint64(48)).astype(np.int64)]
        return picks, self.ends[slot], self.closes[slot]


def _to_the_best(closes: Integers, far: Integers, stays: Flags, row: Integers, place: Integers, rows: int) -> Flags:
    """Words up to the one that closes its row best and lies next to its goal, (words,); else those of ``stays``."""
    nearest = np.full((3, rows), _FAR << 20, np.int64)
    np.minimum.at(nearest, (closes, row), (np.minimum(far, _FAR) << 20) + place)
    best = np.where(nearest[2] >> 20 < _FAR, nearest[2], nearest[1])
    return np.where((best >> 20 < _FAR)[row], place <= (best & 0xFFFFF)[row], stays)


def _size(word: str, limits: Limits) -> int:
    return len(word.encode()) if limits.octets else len(word)


def _short_enough(weighed: dict[str, int], limits: Limits, longest: int, needed: int) -> dict[str, int]:
    """The words, without the longest ones where so few fit into a text that these cannot tell all of them apart."""
    sizes = np.array([_size(w, limits) for w in weighed], np.int64)
    opening, base = _opening(sizes, longest, needed)
    if base**opening >= needed:
        return weighed
    for count in range(2, longest // 2):
        short = {
            w: n for (w, n), size in zip(weighed.items(), sizes.tolist(), strict=True) if (size + 1) * count <= longest
        }
        if len(short) ** count >= 2 * needed:
            return short
    return weighed


def _opening(sizes: Integers, longest: int, needed: int) -> tuple[int, int]:
    """How many words at the start of a text count its index, and in which base, within ``longest`` characters."""
    base = len(sizes)
    enough = next((k for k in range(1, 63) if base**k >= min(16 * needed, 2**62)), 62)
    return max(1, min(longest // (int(sizes.max()) + 1), enough)), base


def _write_index(picks: Integers, indices: Integers, starts: Integers, opening: int, base: int) -> None:
    rest = indices
    for i in range(opening):
        upper = rest // base
        picks[starts + i] = rest - upper * base
        rest = upper


MAKERS: Final[Mapping[str, Callable[[Mapping[str, Any], ColumnContext], Space]]] = {
    "text": text,
    "word_text": word_text,
    "words": words,
}

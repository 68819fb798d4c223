"""Stand-ins for categories too rare to be stored: written as the stored ones are, whatever the column is called."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import islice, product
from typing import Any

from fixturesynth.planning.plan import RuleCall
from fixturesynth.planning.written import SHORT_CODE
from fixturesynth.profiling.profile import ColumnProfile
from fixturesynth.profiling.texts import EDGE_MARKS

__all__ = ["as_signs", "in_their_style", "stand_ins"]

BORNE_OUT = 0.5  # share of the stored values that a rule's own must hold
FEWEST = 2  # stored values that show a style
LONGEST = 64  # characters of a value with a shape
MOST_OF_A_SHAPE = 12  # made-up codes of one shape
MOST_TRIED = 200
MOST_WORDS = 200
ROOMY = 2  # values of a shape for each row
SELDOM = 2  # rows of each rare value on average, up to which some of as many stand-ins would not be drawn
SIGNS = "\\/_#+*<>=^~|@$%&"  # which words do not have
_DIGIT, _LARGE, _SMALL = re.compile(r"[0-9]"), re.compile(r"[A-Z]"), re.compile(r"[a-z]")


def in_their_style(
    seen: ColumnProfile, call: RuleCall, named: RuleCall | None, made: Collection[str], trusted: bool
) -> RuleCall:
    """The rule for what stands in for rare categories.

    ``call``: what the column's habits say; ``named``: what its name says, and ``made`` some of its values. The name is
    right where the stored values are among those, or where they are words and it is ``trusted``. Codes get the shapes
    of the stored ones, words their words.
    """
    stored = [(str(value), rows) for value, rows in seen.values if isinstance(value, str) and value.strip()]
    if len(stored) < FEWEST or call.name == "mail" or (call.name == "full_name" and named is None):
        return call
    known = {m.casefold() for m in made}
    if named is not None and sum(v.strip().casefold() in known for v, _ in stored) >= BORNE_OUT * len(stored):
        return named
    by_name = named is not None and {**call.options, "case": 0} == {**named.options, "case": 0}
    by_habit = call.name in ("pattern", "numbered", "word_text") and not by_name
    if by_habit or max(len(value) for value, _ in stored) > LONGEST:
        return call
    if 2 * sum(_is_code(v) for v, _ in stored) > len(stored):
        return _alike(stored) or call
    if trusted or not call.name or any(not v.isascii() for v, _ in stored):
        return call
    words: Counter[str] = Counter()
    for value, rows in stored:
        words.update({w: rows for part in value.split() if (w := part.strip(EDGE_MARKS))})
    case = {k: v for k, v in (seen.writing or {}).items() if k == "case"}
    kept = [list(w) for w in words.most_common(MOST_WORDS)]
    return RuleCall("word_text", {"words": kept, "lengths": list(seen.lengths), **case})


def _is_code(value: str) -> bool:
    """Digits or signs that words do not have, a few capitals, or two letters.

    >>> [_is_code(v) for v in ("H0-A", "lv_rural", "EC", "B-", "Ne", "Ball Receipt*", "out of stock")]
    [True, True, True, True, True, False, False]
    """
    if " " in value.strip():
        return bool(_DIGIT.search(value))
    letters = [c for c in value if c.isalpha()]
    short = len(value) <= 2 or (all(c.isupper() for c in letters) and len(value) <= SHORT_CODE)
    return short or bool(_DIGIT.search(value)) or any(c in SIGNS for c in value) or not value[-1:].isalpha()


def _alike(stored: Sequence[tuple[str, int]]) -> RuleCall | None:
    """Codes as the stored ones: other digits where some differ, in short ones letters as others have them there.

    >>> _alike([("H0-A", 9), ("H1-L", 5), ("Ne", 2), ("Li", 1)]).options["values"]
    ['H0-L', 'H1-A', 'H2-A', 'H2-L', 'H3-A', 'H3-L', 'H4-A', 'H4-L', 'H5-A', 'H5-L', 'H6-A', 'H6-L', 'Le', 'Ni']
    """
    found: dict[str, list[str]] = {}
    for value, _ in stored:
        shape = _DIGIT.sub("9", value)
        few = sum(c.isalpha() for c in value) <= SHORT_CODE
        found.setdefault(_SMALL.sub("a", _LARGE.sub("A", shape)) if few else shape, []).append(value)
    known = {value for value, _ in stored}
    values: list[str] = []
    for members in found.values():
        seen = [sorted(set(place)) for place in zip(*members, strict=True)]
        places = [_digits(seen, i) if _varies(p, len(members)) else p for i, p in enumerate(seen)]
        made = ("".join(value) for value in islice(product(*places), MOST_TRIED))
        values += sorted(islice((v for v in made if v not in known), MOST_OF_A_SHAPE))
    if values:
        return RuleCall("choices", {"values": values})
    short = all(len(value) <= SHORT_CODE for value, _ in stored)
    return RuleCall("pattern", {"patterns": _shapes(stored)}) if short else None


def _shapes(stored: Sequence[tuple[str, int]]) -> list[list[Any]]:
    """[shape, rows] of the values: any letters and digits where they have some."""
    found: Counter[str] = Counter()
    for value, rows in stored:
        found[_SMALL.sub("a", _LARGE.sub("A", _DIGIT.sub("9", value.replace("\\", "\\\\"))))] += rows
    return [list(entry) for entry in found.most_common()]


def _digits(places: Sequence[Sequence[str]], at: int) -> str:
    """The digits that a place may have: numbers of several begin with 0 only where some of them do."""
    first = at == 0 or not places[at - 1][0].isdigit()
    several = at + 1 < len(places) and places[at + 1][0].isdigit()
    return "123456789" if first and several and "0" not in places[at] else "0123456789"


def _varies(place: Sequence[str], members: int) -> bool:
    return "0" <= place[0] <= "9" and (len(place) > 1 or members == 1)


def stand_ins(wanted: int, rows: int, most: int) -> int:
    """How many stand-ins there must be for ``rows`` to show ``wanted`` different ones, the first of which come most.

    Each row takes the lower of two drawn evenly: p of them show p (1 - (1 - exp(-2r)) / 2r) in rp rows.

    >>> stand_ins(50, 5_000, 2_000), stand_ins(300, 500, 2_000), stand_ins(600, 600, 2_000)
    (50, 565, 2000)
    """
    low, high = max(1, min(wanted, most)), most
    if not wanted <= rows < SELDOM * wanted:  # what comes often enough shows anyway
        return low
    while low < high:
        pool = (low + high) // 2
        twice = 2 * rows / pool
        if pool * (1 + math.expm1(-twice) / twice) < wanted:
            low = pool + 1
        else:
            high = pool
    return low


def as_signs(call: RuleCall, seen: ColumnProfile, rows: int) -> RuleCall:
    """A unique rule of hexadecimal digits, of the signs and the length that the rows' own texts have, where all of
    them are of hexadecimal or of decimal digits and ``rows`` find room."""
    signs = (seen.writing or {}).get("signs")
    if signs is None or not seen.lengths:
        return call
    if signs == "hex" and seen.lengths[0] == seen.lengths[-1] and 16 ** seen.lengths[0] >= ROOMY * rows:
        return RuleCall(call.name, {**call.options, "length": int(seen.lengths[0])}, unique=call.unique)
    if signs == "digits" and 10 ** seen.lengths[-1] >= ROOMY * rows:
        shapes = [["9" * size, held] for size, held in sorted(Counter(int(n) for n in seen.lengths).items())]
        return RuleCall("pattern", {"patterns": shapes}, unique=call.unique)
    return call

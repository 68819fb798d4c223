"""What rows of a category never have: most nutrients were never studied, an airport's flights are short or long.

A tree stops splitting where rows are few, so a leaf mixes what belongs to several categories. Each mistake is rare; yet
of the rows of one category together it shows at once, in the least, the largest, and in what was NULL in all of them.
So what no row of a category has is not drawn for it, where its leaves would give it often. The leaves' weights are made
so that the codes come as often as they did: what one category does not take, the others of its leaf do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.contract import Codes, Variable, Words
from fixturesynth.generators.drawing import Distributions, count_distributions, draw
from fixturesynth.randomness import hashed

__all__ = [
    "Confines",
    "confines_from",
    "count_entities",
    "draw_within",
    "find_confines",
    "tells_kinds",
    "weighed",
    "within",
]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MOST_PAIRS = 500_000  # codes of both, multiplied
HELD = ("codes", "running", "ends")  # of distributions
LEAST_CODES = 3  # of the earlier variable
FEW_CODES = 24  # of an ordered one, that it is taken for a category
LEAST_ROWS = 100  # of a category
SOME = 20_000  # rows in which most categories are found with several root entities
ENDS = 2  # of a range
LEAST_OUTSIDE, LEAST_SHARE = 10, 0.00002  # rows, and of all rows
EARLY, LATE = 4, 12  # draws of a row that had what its category has not
MOST_CONFINES = 4  # of one variable
ROUNDS = 5  # of fitting weights
MOST_CELLS = 8_000_000  # leaves by category and code
SCALE = 64  # weights for each row of a leaf


@dataclass(frozen=True)
class Confines:
    """``allowed``: (earlier codes, codes), what rows of each code of the ``earlier`` variable have; all True where its
    leaves may stand as they are. ``instead``: what rows of each code have, for those whose leaves give nothing that is
    allowed; without it they keep what the leaves give."""

    earlier: int
    allowed: Flags
    instead: Distributions | None = None

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """For a State; ``confines_from`` reads them."""
        found: dict[str, npt.NDArray[Any]] = {f"confines.{self.earlier}": np.packbits(self.allowed, axis=1)}
        if self.instead is not None:
            found |= {f"instead.{self.earlier}.{part}": getattr(self.instead, part) for part in HELD}
        return found


def confines_from(
    arrays: Mapping[str, npt.NDArray[Any]], prefix: str, earlier: Sequence[int], size: int
) -> list[Confines]:
    """Confines of ``Confines.arrays``, of a variable with ``size`` codes; ``prefix``: before their names."""
    found = []
    for j in earlier:
        allowed = np.unpackbits(arrays[f"{prefix}confines.{j}"], axis=1, count=size).astype(bool)
        held = [arrays[name] for part in HELD if (name := f"{prefix}instead.{j}.{part}") in arrays]
        found.append(Confines(j, allowed, Distributions(*held) if held else None))
    return found


def find_confines(
    variables: Sequence[Variable],
    codes: Codes,
    earlier: Sequence[int],
    own: Codes,
    variable: Variable,
    drawn: Codes,
    groups: Integers | None,
    least_groups: int,
) -> list[Confines]:
    """Earlier categories by which ``drawn`` lies where no row of the same category does, and what each has; the most
    telling ones, each by what those before it let pass.

    ``codes``: (n, variables), ``own`` and ``drawn``: (n,), real codes and such as the leaves of the same rows give. A
    category that is confined stands on ``least_groups`` root entities, as a leaf does.
    """
    least = max(LEAST_OUTSIDE, LEAST_SHARE * own.size)
    found: list[tuple[int, int, Flags, Flags]] = []  # rows outside, variable, what is allowed, which rows are outside
    for j in earlier:
        size = variables[j].size
        if size < LEAST_CODES or size * variable.size > MOST_PAIRS or not tells_kinds(variables[j], codes[:, j]):
            continue
        category = codes[:, j].astype(np.int64)
        table = np.bincount(category * variable.size + own, minlength=size * variable.size).reshape(size, -1)
        allowed = _held(table, variable)
        out = ~allowed[category, drawn]
        if int(out.sum()) < least:
            continue
        telling = _more_than_unseen(table, variable, category[out], drawn[out])
        telling &= table.sum(axis=1) >= LEAST_ROWS
        out &= telling[category]
        found.append((int(out.sum()), j, allowed | ~telling[:, None], out))
    confines: list[Confines] = []
    passed = np.ones(own.size, dtype=bool)
    for _, j, allowed, out in sorted(found, key=lambda one: -one[0]):
        if len(confines) < MOST_CONFINES and int((out & passed).sum()) >= least:
            several = _several(codes[:, j].astype(np.int64), groups, variables[j].size, least_groups)
            allowed = np.asarray(allowed | ~several[:, None])
            out &= several[codes[:, j]]
            if int((out & passed).sum()) >= least:
                confines.append(Confines(j, allowed, _instead(codes[:, j], own, allowed, variable)))
                passed &= ~out
    return confines


def _instead(category: Codes, own: Codes, allowed: Flags, variable: Variable) -> Distributions | None:
    """What rows of the confined categories have, of a variable that is a number: what is missing in a leaf for one
    number is there for those around it, while a category that is missing goes with all else that a row has."""
    if not variable.ordered:
        return None
    free: Flags = np.asarray(allowed.all(axis=1))
    rows = np.flatnonzero(~free[category])
    return count_distributions(category[rows].astype(np.int64), own[rows], len(allowed), variable.size)


def tells_kinds(variable: Variable, codes: Codes) -> bool:
    """Whether codes (n,) are categories: those of a parent are, also where they are ordered, if only few are there."""
    if not variable.ordered:
        return True
    return variable.context and int(np.count_nonzero(np.bincount(codes))) <= FEW_CODES


def _held(table: Integers, variable: Variable) -> Flags:
    """Codes that rows of each category have, (categories, codes); of ordered ones also all between, but for the last,
    which may be NULL. ``table``: of the same shape, how often they come."""
    held: Flags = table > 0
    if variable.ordered:
        inner = held[:, :-1]
        below = np.logical_or.accumulate(inner, axis=1)
        above = np.logical_or.accumulate(inner[:, ::-1], axis=1)[:, ::-1]
        held[:, :-1] = below & above
    return held


def _more_than_unseen(table: Integers, variable: Variable, category: Integers, drawn: Codes) -> Flags:
    """Categories, (categories,), of which more rows (n,) were ``drawn`` outside of what they have than would have what
    was never seen. Those are as many as codes seen once (Good, 1953); of a range as many as it has ends."""
    size = len(table)
    if not variable.ordered:
        more: Flags = np.bincount(category, minlength=size) > (table == 1).sum(axis=1)
        return more
    last = drawn == variable.size - 1
    ends = np.bincount(category[~last], minlength=size) > ENDS
    return ends | (np.bincount(category[last], minlength=size) > 0)


def _several(category: Integers, groups: Integers | None, size: int, least: int) -> Flags:
    """Categories that rows of at least ``least`` root entities have, (size,)."""
    if groups is None:
        return np.bincount(category, minlength=size) >= least
    # A few rows are enough for most of them; only those of the rest are all looked at.
    several = count_entities(category[:SOME], groups[:SOME], size) >= least
    rest = np.flatnonzero(~several[category])
    return several | (count_entities(category[rest], groups[rest], size) >= least)


def count_entities(category: Integers, groups: Integers, size: int) -> Integers:
    """How many root entities the rows of each category belong to, (size,)."""
    wide = int(groups.max(initial=0)) + 1
    many: Integers = np.bincount(np.unique(category * wide + groups) // wide, minlength=size)
    return many


def weighed(
    held: Distributions,
    owner: Integers,
    categories: Sequence[Codes],
    drawn: Codes,
    confines: Sequence[Confines],
    size: int,
) -> Distributions:
    """``held`` with weights by which rows that take only what their categories have take each code as often as it came.

    ``owner``, ``drawn``, and each of ``categories``, (n,) each, are of the rows that were counted. Iterative
    proportional fitting (Deming and Stephan, 1940), for the distributions from which something was drawn that the
    categories leave out.
    """
    concerned = np.unique(owner[~within(confines, categories, drawn)])
    rows = np.flatnonzero(np.isin(owner, concerned))
    key = np.searchsorted(concerned, owner[rows])
    for one, category in _both(confines, categories):
        key = key * len(one.allowed) + category[rows]
    _, first, counts = np.unique(key, return_index=True, return_counts=True)
    first = rows[first]
    if not first.size or first.size * size > MOST_CELLS:
        return held
    place = np.searchsorted(concerned, owner[first])
    allowed = np.ones((first.size, size), dtype=bool)
    for one, category in _both(confines, categories):
        allowed &= one.allowed[category[first]]
    weights = np.diff(held.running, prepend=0)
    whose = np.searchsorted(held.ends, held.running, side="left")
    theirs = np.isin(whose, concerned)
    at = np.searchsorted(concerned, whose[theirs])
    wanted = np.zeros((concerned.size, size))
    wanted[at, held.codes[theirs]] = weights[theirs]
    fitted = wanted.copy()
    begin = np.searchsorted(place, np.arange(concerned.size))
    for _ in range(ROUNDS):
        share = fitted[place] * allowed
        share *= (counts / np.maximum(share.sum(axis=1), 1e-12))[:, None]
        fitted *= wanted / np.maximum(np.add.reduceat(share, begin, axis=0), 1e-12)
        fitted *= (wanted.sum(axis=1) / np.maximum(fitted.sum(axis=1), 1e-12))[:, None]
    out = weights * SCALE
    out[theirs] = np.maximum(np.rint(fitted[at, held.codes[theirs]] * SCALE), 1).astype(np.int64)
    running = np.cumsum(out)
    return replace(held, running=running, ends=running[np.searchsorted(held.running, held.ends, side="left")])


def draw_within(
    confines: Sequence[Confines],
    categories: Sequence[Codes],
    drawn: Codes,
    words: Words,
    again: Callable[[Integers, Words, bool], Codes],
) -> Codes:
    """``drawn`` (n,), but where rows of one of their ``categories``, (n,) each, never have it: there drawn ``again``
    (rows, words, late). What gives nothing they have either is left: it goes with all else that the row has; of numbers
    the category says what there is ``instead``."""
    wrong = _outside(confines, categories, drawn, np.arange(drawn.size))
    if not wrong.size:
        return drawn
    out = drawn.copy()
    for late, tries in ((False, EARLY), (True, LATE)):
        rows = np.repeat(wrong, tries)
        turn = np.tile(np.arange(tries), wrong.size)
        tried = again(rows, hashed(words[rows] + turn.astype(np.uint64), 0, "cart", "confined", int(late)), late)
        fits = within(confines, [category[rows] for category in categories], tried).reshape(-1, tries)
        good, best = fits.any(axis=1), fits.argmax(axis=1)
        out[wrong[good]] = tried.reshape(-1, tries)[good, best[good]]
        wrong = wrong[~good]
        if not wrong.size:
            return out
    for one, category in _both(confines, categories):
        here = wrong[~one.allowed[category[wrong], out[wrong]]]
        if one.instead is None or not here.size:
            continue
        rows, turn = np.repeat(here, LATE), np.tile(np.arange(LATE, dtype=np.uint64), here.size)
        tried = draw(one.instead, category[rows].astype(np.int64), hashed(words[rows] + turn, 0, "cart", "instead"))
        fits = within(confines, [known[rows] for known in categories], tried).reshape(-1, LATE)
        good, best = fits.any(axis=1), fits.argmax(axis=1)
        out[here[good]] = tried.reshape(-1, LATE)[good, best[good]]
        wrong = _outside(confines, categories, out, wrong)
    return out


def _outside(confines: Sequence[Confines], categories: Sequence[Codes], drawn: Codes, rows: Integers) -> Integers:
    """Which of ``rows`` have what rows of one of their categories never have."""
    return rows[~within(confines, [category[rows] for category in categories], drawn[rows])]


def within(confines: Sequence[Confines], categories: Sequence[Codes], drawn: Codes) -> Flags:
    """Whether rows of all the ``categories``, (n,) each, are known to have what was ``drawn``, (n,)."""
    inside = np.ones(drawn.size, dtype=bool)
    for one, category in _both(confines, categories):
        inside &= one.allowed[category, drawn]
    return inside


def _both(confines: Sequence[Confines], categories: Sequence[Codes]) -> Iterator[tuple[Confines, Codes]]:
    return zip(confines, categories, strict=True)

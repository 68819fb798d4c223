"""Codes as steps from the sibling before: a year that goes up by one, an age that stays or rises.

Where neighbouring codes are neighbouring values and a family moves in small steps, the step is far easier to learn
than where it leads to. Steps are classes of a target of their own; codes further off keep classes as they are.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.contract import Codes, Words
from fixturesynth.generators.drawing import Distributions, draw
from fixturesynth.randomness import below, hashed

__all__ = [
    "REACH", "STEP_CODES", "classes", "code_length", "draw_steps", "leap_bits", "repeats", "step_classes",
    "step_feature",
]  # fmt: skip

Integers = npt.NDArray[np.int64]

REACH = 24  # longest step that has a class
NEAR = 8  # longest step that later variables see
STEP_CODES = 2 * NEAR + 2
REPEATS = 0.3  # on a scale from 0 (by chance) to 1 (always), how often a code is that of the sibling before
LEAST_REPEATS = 50
SURE_REPEATS = 4.0  # standard errors


def _reach(size: int) -> int:
    return min(REACH, size - 1)


def classes(size: int, leaping: bool = False) -> int:
    """Number of classes of a variable with ``size`` codes: its steps, then its codes, then its leaps."""
    return 2 * _reach(size) + 1 + size + (2 * _leaps(size).size if leaping else 0)


def _leaps(size: int) -> Integers:
    """The shortest leap of each class of them: where steps end, and on by half as much again."""
    found, length = list[int](), _reach(size) + 1
    while length < size:
        found.append(length)
        length += max(length // 2, 1)
    return np.array(found, dtype=np.int64)


def step_classes(codes: Codes, before: Codes, size: int, leaping: bool = False) -> Codes:
    """Classes of codes (n,) after those of the sibling before (n,), from ``size`` on: there is none.

    The last code may stand for NULL, to which nothing is near: no step but that of 0 leads to it or from it. With
    ``leaping``, codes further off are so and so far from the sibling before as well, not where they are.

    >>> step_classes(np.array([3, 3, 9, 0]), np.array([2, 10, 8, 0]), 10).tolist()
    [10, 22, 28, 9]
    """
    reach = _reach(size)
    step = codes.astype(np.int64) - before
    near = (before < size) & (np.abs(step) <= reach)
    near &= ((codes != size - 1) & (before != size - 1)) | (step == 0)
    out = np.where(near, step + reach, codes + 2 * reach + 1)
    if leaping and (far := (before < size - 1) & (codes != size - 1) & ~near).any():
        leaps = _leaps(size)
        which = np.searchsorted(leaps, np.abs(step[far]), side="right") - 1
        out[far] = classes(size) + which + np.where(step[far] > 0, leaps.size, 0)
    return out.astype(np.int32)


def leap_bits(own: Codes, size: int) -> npt.NDArray[np.float64]:
    """Bits that are left of each row, (n,), when its class ``own`` (n,) is known."""
    leaps = _leaps(size)
    long = own >= classes(size)
    which = (own - classes(size)) % max(leaps.size, 1)
    widths = np.diff(leaps, append=size)
    return np.where(long, np.log2(widths[which]) if leaps.size else 0.0, 0.0)


def draw_steps(
    distributions: Distributions, owner: Integers, words: Words, before: Codes, size: int, leaping: bool = False
) -> Codes:
    """Codes, (n,), by classes drawn from the distribution ``owner``; steps beyond the ends stop there.

    Rows without a sibling before get one of the codes that their distribution holds as such, if it does.
    """
    reach = _reach(size)
    first = 2 * reach + 1
    drawn = draw(distributions, owner, words)
    alone = np.flatnonzero((before >= size) & ((drawn < first) | (drawn >= classes(size))))
    if alone.size:
        drawn[alone] = _whole(distributions, owner[alone], words[alone], first, size, classes(size, leaping))
    step = drawn.astype(np.int64) - reach
    if leaping and (far := drawn >= classes(size)).any():
        leaps = _leaps(size)
        which = drawn[far] - classes(size)
        length = leaps[which % leaps.size]
        width = np.append(leaps, size)[which % leaps.size + 1] - length
        length = length + below(hashed(words[far], 0, "leap"), width)
        step[far] = np.where(which >= leaps.size, length, -length)
        drawn = np.where(far, 0, drawn)
    start = np.where(before < size, before, size // 2)
    moved = np.where(step == 0, start, np.clip(start + step, 0, max(size - 2, 0)))
    return np.where(drawn < first, moved, drawn - first).astype(np.int32)


def _whole(distributions: Distributions, owner: Integers, words: Words, first: int, size: int, wide: int) -> Codes:
    """Classes from ``first`` on, of ``size`` codes, of distributions that hold other ones of ``wide`` as well, in their
    shares; others where there are none."""
    begin = np.where(owner > 0, distributions.ends[owner - 1], 0)
    holder = np.searchsorted(distributions.ends, distributions.running, side="left")
    keys = holder * np.int64(wide) + distributions.codes
    edges = np.searchsorted(keys, owner * np.int64(wide) + np.array([[first], [first + size]]))
    start, end = np.where(edges > 0, distributions.running[edges - 1], 0)
    start, end = np.maximum(start, begin), np.maximum(end, begin)
    some = end > start
    start, left = np.where(some, start, begin), np.where(some, end, distributions.ends[owner])
    left = left - start
    half = np.uint64(32)
    spot = start + (((words >> half) * left.astype(np.uint64)) >> half).astype(np.int64)
    return distributions.codes[np.searchsorted(distributions.running, spot, side="right")]


def step_feature(codes: Codes, before: Codes, size: int) -> Codes:
    """The step as later variables see it, (n,), in ``range(STEP_CODES)``: long ones as one, the last code is none.

    >>> step_feature(np.array([3, 99, 5]), np.array([2, 2, 100]), 100).tolist()
    [9, 16, 17]
    """
    step = np.clip(codes.astype(np.int64) - before, -NEAR, NEAR) + NEAR
    return np.where(before < size, step, STEP_CODES - 1).astype(np.int32)


def code_length(leaf: Integers, target: npt.NDArray[np.signedinteger], size: int) -> float:
    """Mean bits that a row's class (n,) costs after its leaf (n,), each row left out of what its leaf says."""
    n = target.size
    share = np.bincount(target, minlength=size)[target] / n
    _, place, counts = np.unique(leaf * np.int64(size) + target, return_inverse=True, return_counts=True)
    rows = np.bincount(leaf)
    return float(-np.log2((counts[place] - 1 + share) / rows[leaf]).mean())


def repeats(codes: Codes, before: Codes, size: int) -> bool:
    """Whether rows have the code of the sibling before clearly more often than by chance."""
    seen = before < size
    codes, before = codes[seen], before[seen]
    if codes.size < LEAST_REPEATS:
        return False
    shares = np.bincount(codes, minlength=size) / codes.size
    # The most frequent code comes again and again by itself: the others must as well.
    for rows in (np.arange(codes.size), np.flatnonzero(before != int(shares.argmax()))):
        same, chance = codes[rows] == before[rows], shares[before[rows]]
        excess = float(same.sum() - chance.sum())
        sure = SURE_REPEATS * float((chance * (1 - chance)).sum()) ** 0.5
        if rows.size < LEAST_REPEATS or excess <= max(REPEATS * float((1 - chance).sum()), sure):
            return False
    return True

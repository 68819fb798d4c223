"""Dealing children to parents again, so that each has children such as its kind of parent has.

Two parents that may exchange children put theirs together and divide them anew, each child by chance, but the sooner
to one of them the better it goes with it. Whoever meets whom is drawn anew in each round. This is Gibbs sampling of
who belongs to whom, given what each parent's children are like; no parent gains or loses a child.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fixturesynth.randomness import hashed

__all__ = ["UNIT", "Leaning", "redeal"]

Integers = npt.NDArray[np.int64]

UNIT = 64  # scores in one natural logarithm
STEPS = 4_096  # of chance
MOST_SCORE = 2**15


def _logistic() -> Integers:
    """Quantiles of the logistic distribution in UNIT: how much chance adds to a difference of scores."""
    middle = np.arange(STEPS) + 0.5
    found: Integers = np.rint(UNIT * np.log(middle / (STEPS - middle))).astype(np.int64)
    return found


CHANCE = _logistic()


class Leaning:
    """What children of one column are worth to each parent: ``kinds`` (parents,), ``scores`` (kinds, classes) in UNIT,
    ``classes`` (children,)."""

    def __init__(self, kinds: Integers, scores: npt.NDArray[np.int32], classes: Integers) -> None:
        self.start = (kinds * scores.shape[1]).astype(np.int32)
        self.scores = np.ascontiguousarray(scores, dtype=np.int32).reshape(-1)
        self.classes = classes.astype(np.int32)

    def gain(self, rows: Integers, first: Integers, second: Integers) -> npt.NDArray[np.int32]:
        """How much better each of ``rows`` goes with ``first`` than with ``second``, all (rows,)."""
        own = self.classes[rows]
        found: npt.NDArray[np.int32] = self.scores.take(self.start.take(first) + own)
        found -= self.scores.take(self.start.take(second) + own)
        return found

    def worth(self, owner: Integers) -> int:
        """Scores of all children with their parents, summed."""
        return int(self.scores.take(self.start.take(owner) + self.classes).sum(dtype=np.int64))


def redeal(
    owner: Integers,
    blocks: Integers,
    leanings: Sequence[Leaning],
    turn: int,
    seed: int,
    *address: str | int,
) -> Integers:
    """``owner`` (children,) after one round, ``turn``; parents meet inside of ``blocks`` (parents,) alone.

    >>> to_each = Leaning(np.array([0, 1]), np.array([[900, 0], [0, 900]]), np.array([1, 1, 0, 0]))
    >>> redeal(np.array([0, 1, 0, 1]), np.zeros(2, dtype=np.int64), [to_each], 0, 7).tolist()
    [1, 1, 0, 0]
    """
    parents = blocks.size
    order = np.lexsort((hashed(np.arange(parents), seed, *address, "meet", turn), blocks))
    first, second = order[turn % 2 : -1 : 2], order[turn % 2 + 1 :: 2]
    meet = blocks[first] == blocks[second]
    first, second = first[meet], second[meet]
    pair = np.full(parents, -1, dtype=np.int64)
    pair[first] = pair[second] = np.arange(first.size)
    rows = np.flatnonzero(pair[owner] >= 0)
    if not rows.size:
        return owner
    both = pair[owner[rows]]
    one, other = first[both], second[both]
    score = np.zeros(rows.size, dtype=np.int64)
    for leaning in leanings:
        score += leaning.gain(rows, one, other)
    words = hashed(rows, seed, *address, "chance", turn)
    score += CHANCE[(words >> np.uint64(52)).astype(np.int64)]
    place = MOST_SCORE - 1 - np.clip(score, -MOST_SCORE, MOST_SCORE - 1)
    ranked = np.argsort(both * (2 * MOST_SCORE) + place, kind="stable")
    degrees = np.bincount(owner, minlength=parents)
    sizes = np.bincount(both, minlength=first.size)
    number = np.arange(rows.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    out = owner.copy()
    group = both[ranked]
    out[rows[ranked]] = np.where(number < degrees[first][group], first[group], second[group])
    return out

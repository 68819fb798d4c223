"""What a family has been like so far: of each variable, the mean of all earlier siblings, and the last other one.

The sibling before alone forgets: a customer who mostly buys books, a plane that two airlines share. A mean keeps
levels apart, the code that came before the last change keeps pairs together. Both are integers, so that they are the
same on every machine, and a step from one sibling to the next costs the same however long the family is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.context import previous_name
from fixturesynth.generators.contract import Variable

__all__ = ["Memory", "Remembering", "choose_memories", "memory_variable", "names_of_siblings", "remember"]

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

LEVELS = 64  # in which a mean is seen, at least as many as there are codes
LEAST_ROWS = 50
LEAST_FAMILIES = 100  # of three and more: of few families a mean is a fingerprint, and tells where in them a row stood
LEAST_SHARE = 0.01  # of the variance that a mean explains beyond the sibling before
LEAST_EXCESS = 0.05  # of rows that have the last other code, beyond chance
MUCH_MORE = 3.0  # times as often a code changes where it has changed before, to be told by that
SURE = 4.0  # standard errors


@dataclass(frozen=True)
class Memory:
    """``variable``: whose codes, as the next sibling sees them (``size`` of them). ``kind``: ``mean`` of those seen so
    far but ``null`` (-1: there is none), or ``other``, the last one that differs from the sibling before."""

    kind: Literal["mean", "other"]
    variable: str
    size: int
    null: int = -1

    @property
    def scale(self) -> int:
        """Steps of the mean between two neighbouring codes."""
        return max(1, (LEVELS - 1) // max(self.size - 1, 1))

    @property
    def none(self) -> int:
        """The code before there is anything to remember."""
        return (self.size - 1) * self.scale + 1 if self.kind == "mean" else self.size


def memory_variable(memory: Memory) -> Variable:
    """The context variable that holds a memory."""
    return Variable(f"{memory.kind} {memory.variable}", memory.none + 1, memory.kind == "mean", context=True)


def names_of_siblings(names: Iterable[str]) -> set[str]:
    """Context variables that hold what siblings before had of the variables ``names``."""
    return {name for own in names for name in (previous_name(own), f"mean {own}", f"other {own}")}


class Remembering:
    """Memories of rows that are drawn one sibling after the other; rows of one parent stand together in order.

    ``places``: the column of each memory's variable among the shown codes.
    """

    def __init__(self, memories: Sequence[Memory], places: Sequence[int], rows: int) -> None:
        self._memories, self._places = memories, places
        shape = (len(memories), rows)
        # Of a mean the sum and the count, of the last other code the last one and it.
        self._first, self._second = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)

    def begin(self, rows: Integers) -> Codes:
        """Codes of the memories of first siblings, (rows, memories)."""
        for k, memory in enumerate(self._memories):
            start = 0 if memory.kind == "mean" else memory.none
            self._first[k, rows] = self._second[k, rows] = start
        return np.tile(np.array([m.none for m in self._memories], dtype=np.int32), (rows.size, 1))

    def follow(self, rows: Integers, shown: Codes) -> Codes:
        """Codes of the memories of rows after each one's sibling before, whose shown codes are ``shown``."""
        out = np.empty((rows.size, len(self._memories)), dtype=np.int32)
        for k, (memory, place) in enumerate(zip(self._memories, self._places, strict=True)):
            codes = shown[:, place].astype(np.int64)
            first, second = self._first[k, rows - 1], self._second[k, rows - 1]
            if memory.kind == "mean":
                counts = codes != memory.null
                first, second = first + np.where(counts, codes, 0), second + counts
                out[:, k] = np.where(second > 0, first * memory.scale // np.maximum(second, 1), memory.none)
            else:
                changed = (first != codes) & (first != memory.none)
                first, second = codes, np.where(changed, first, second)
                out[:, k] = second
            self._first[k, rows], self._second[k, rows] = first, second
        return out


def remember(memories: Sequence[Memory], places: Sequence[int], shown: Codes, position: Integers) -> Codes:
    """Codes of the memories of whole families, (n, memories). ``shown``: (n, variables), ``position``: (n,).

    >>> codes = np.array([[0], [2], [2], [1]], dtype=np.int32)
    >>> both = [Memory("mean", "a", 3), Memory("other", "a", 3)]
    >>> remember(both, [0, 0], codes, np.arange(4)).tolist()
    [[63, 3], [0, 3], [31, 0], [41, 0]]
    """
    keeper = Remembering(memories, places, position.size)
    out = np.zeros((position.size, len(memories)), dtype=np.int32)
    order = np.argsort(position, kind="stable")
    bounds = np.searchsorted(position[order], np.arange(int(position.max(initial=0)) + 2))
    for step in range(bounds.size - 1):
        rows = order[bounds[step] : bounds[step + 1]]
        out[rows] = keeper.follow(rows, shown[rows - 1]) if step else keeper.begin(rows)
    return out


def choose_memories(
    variables: Sequence[Variable], nulls: Sequence[int], shown: Codes, before: Codes, position: Integers
) -> list[Memory]:
    """The memories that surely say more of the next sibling than the sibling before does.

    ``variables``, ``nulls``, ``shown``, ``before``: what the next sibling sees, their code of NULL (-1: none), (n,
    variables) codes of each row and of the sibling before, one code more where there is none.
    """
    found: list[Memory] = []
    if int((position == 2).sum()) < LEAST_FAMILIES:
        return found
    for i, (variable, null) in enumerate(zip(variables, nulls, strict=True)):
        memory = Memory("mean" if variable.ordered else "other", variable.name, variable.size, null)
        past = remember([memory], [i], shown, position)[:, 0]
        own, last = shown[:, i], before[:, i]
        if variable.ordered:
            tells = _mean_tells(memory, own, last, past)
        else:
            tells = _other_tells(memory, own, last, past) or _changes_again(memory, own, last, past)
        if variable.size > 1 and tells:
            found.append(memory)
    return found


def _mean_tells(memory: Memory, own: Codes, before: Codes, past: Codes) -> bool:
    """Whether rows go with the mean of all earlier siblings where the one before says nothing."""
    rows = np.flatnonzero((past != memory.none) & (before < memory.size) & (own != memory.null))
    rows = rows[(before[rows] != memory.null)]
    if rows.size < LEAST_ROWS:
        return False
    with np.errstate(invalid="ignore", divide="ignore"):  # a constant goes with nothing
        table = np.asarray(np.corrcoef(np.stack([own[rows], before[rows], past[rows]]).astype(np.float64)))
    if not np.isfinite(table).all():
        return False
    with_before, with_past, between = table[0, 1], table[0, 2], table[1, 2]
    room = (1 - with_before**2) * (1 - between**2)
    if room < 1e-9:
        return False
    partial = float((with_past - with_before * between) / np.sqrt(room))
    # What the sibling before explains needs no memory, however surely the rest goes with it.
    return bool(partial**2 * (1 - with_before**2) > LEAST_SHARE and abs(partial) * rows.size**0.5 > SURE)


def _other_tells(memory: Memory, own: Codes, before: Codes, past: Codes) -> bool:
    """Whether rows that differ from the sibling before have the last other code more often than by chance."""
    rows = np.flatnonzero((past != memory.none) & (own != before))
    if rows.size < LEAST_ROWS:
        return False
    shares = np.bincount(own[rows], minlength=memory.size) / rows.size
    chance = shares[past[rows]] / np.maximum(1 - shares[before[rows]], 1e-9)
    chance = np.minimum(chance, 1.0)
    excess = float((own[rows] == past[rows]).sum() - chance.sum())
    sure = SURE * float((chance * (1 - chance)).sum()) ** 0.5
    return bool(excess > max(LEAST_EXCESS * rows.size, sure))


def _changes_again(memory: Memory, own: Codes, before: Codes, past: Codes) -> bool:
    """Whether families are of one code or of several: where none has changed so far, hardly any does later."""
    rows = np.flatnonzero(before < memory.size)
    changes, changed = own[rows] != before[rows], past[rows] != memory.none
    some, none = int(changed.sum()), int((~changed).sum())
    if min(some, none) < LEAST_ROWS:
        return False
    often, seldom = float(changes[changed].mean()), float(changes[~changed].mean())
    whole = float(changes.mean())
    spread = (whole * (1 - whole) * (1 / some + 1 / none)) ** 0.5
    return bool(often > MUCH_MORE * seldom and often - seldom > SURE * spread)

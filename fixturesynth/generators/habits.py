"""Habits of parents: what the children of a kind of parent are like, column by column.

A plane flies from few airports, over some distances, in a part of the year. A block of parents (generators.blocks) says
what their children are on the average; a habit says how the children of one parent are spread over a column's classes.
Each column has kinds of its own, so that few kinds, each of which stands on several parents, tell a lot together. The
parents' model draws a kind for each column; children are dealt by them when they are there (sampling.habits).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.generators.clusters import cut_across, supported
from fixturesynth.generators.context import HABIT
from fixturesynth.generators.encoding import Encoding, encode, fit_encoding
from fixturesynth.generators.offsets import offset_facts
from fixturesynth.generators.redealing import UNIT, Leaning, redeal
from fixturesynth.planning.hanging import hanging_on_parent, may_exchange
from fixturesynth.planning.plan import Derived, Modelled, Plan, Reference, Source, TablePlan
from fixturesynth.randomness import hashed
from fixturesynth.schema.model import Schema

__all__ = ["Habit", "Habits", "classes_of", "find_habits", "habits_of", "plain_kind"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MOST_CLASSES = 24
MOST_KINDS = 64
LEAST_PARENTS = 10  # of a kind
MOST_PARENTS = 200_000
LEAST_CHILDREN = 2.0  # a parent must have on the average
SURE = 6.0  # standard errors by which families must differ more than by chance
MOST_ROWS = 400_000  # that weights are found with
MIXING, TURNS = 6, 24
STEP = 0.4
LEAST_WEIGHT = 0.1
MOST_WEIGHT = 1.5
BESIDE = 1e-4  # of a kind's children may be anything
SMOOTH = 2.0  # children like all others', that are added to each parent's and each kind's own


@dataclass(frozen=True)
class Habit:
    """Of one column of the child. ``classes`` (codes,): class of each code of ``encoding``. ``variable``: the parent's,
    its kind. ``scores`` (kinds, classes): how well a child goes with a kind, in redealing.UNIT; the last kind is that
    of parents that had no children."""

    column: str
    variable: str
    encoding: Encoding
    classes: npt.NDArray[np.int32]
    scores: npt.NDArray[np.int32]


Habits = tuple[Habit, ...]


def classes_of(habit: Habit, values: pa.Array) -> Integers:
    """Class of every value, (n,)."""
    found: Integers = habit.classes[encode(habit.encoding, values)].astype(np.int64)
    return found


def plain_kind(values: pa.Array) -> str:
    """The encoding that suits values of which nothing else is known."""
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
        return "numeric"
    return "temporal" if offset_facts(values, "temporal") is not None else "categorical"


@dataclass
class _Found:
    column: str
    encoding: Encoding
    classes: npt.NDArray[np.int32]
    own: Integers  # class of each child, (n,)
    kinds: Integers  # of each parent, (parents,)
    shares: Floats  # (kinds + 1, classes), natural logarithms


def habits_of(
    plan: Plan,
    schema: Schema,
    child: str,
    foreign_key: str,
    column: Callable[[str], pa.Array],
    parents: Integers,
    blocks: Integers,
    groups: Integers | None,
    parent_groups: Integers,
    protection: int,
    seed: int,
) -> list[tuple[Habit, Integers]]:
    """Habits of the parents of ``child`` through ``foreign_key``, with the kind of every parent, (parents,).

    ``column``: by name, the child's values, (n,); ``parents`` (n,): row of each child's parent, -1 for none. The rest
    is as in ``find_habits``.
    """
    own, table = plan[child], schema[child]
    if table.foreign_key(foreign_key).parent == child or not may_exchange(own, foreign_key):
        return []
    hanging = hanging_on_parent(own, table, foreign_key)
    alone = {u.columns[0] for u in own.uniques if len(u.columns) == 1}
    has = np.flatnonzero(parents >= 0)
    shown = []
    for one in own.columns:
        if one.name not in hanging | alone and isinstance(one.source, Modelled | Derived | Reference):
            values = column(one.name)
            if _says_something(plan, own, one.source, values):
                shown.append((one.name, values.take(pa.array(has))))
    found = find_habits(
        shown, parents[has], blocks, None if groups is None else groups[has], parent_groups, protection, seed,
        child, foreign_key,
    )  # fmt: skip
    return [(replace(h, variable=f"{HABIT}{child}.{foreign_key}.{h.column}"), kinds) for h, kinds in found]


def _says_something(plan: Plan, own: TablePlan, source: Source, values: pa.Array) -> bool:
    """Whether values are more than names of rows: references to lists that are kept alone are, and moments."""
    if pa.types.is_nested(values.type) or pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
        return False
    if isinstance(source, Reference):
        kept = plan[own.reference(source.foreign_key).parent].mode == "verbatim"
        return kept or plain_kind(values) == "temporal"
    return True


def find_habits(
    columns: Sequence[tuple[str, pa.Array]],
    owner: Integers,
    blocks: Integers,
    groups: Integers | None,
    parent_groups: Integers,
    protection: int,
    seed: int,
    *address: str,
) -> list[tuple[Habit, Integers]]:
    """Habits of the parents, each with the kind of every parent, (parents,); the variable's name is the column's.

    ``columns``: of the children, (n,); ``owner`` (n,): their parents; ``blocks`` (parents,): of generators.blocks;
    ``groups`` (n,), ``parent_groups`` (parents,): root entities. A kind stands on at least ``protection`` of them.
    """
    size = blocks.size
    degrees = np.bincount(owner, minlength=size)
    live = int((degrees > 0).sum())
    if live < 2 * LEAST_PARENTS or size > MOST_PARENTS or owner.size < LEAST_CHILDREN * live:
        return []
    found = []
    for name, values in columns:
        kind = plain_kind(values)
        encoding = fit_encoding(values, kind, protection=protection, groups=groups, max_codes=MOST_CLASSES)
        codes = encode(encoding, values)
        classes = _classes(encoding, codes)
        own = classes[codes].astype(np.int64)
        width = int(classes.max(initial=0)) + 1
        table = np.bincount(owner * width + own, minlength=size * width).reshape(size, width).astype(np.float64)
        if width < 2 or not _telling(table):
            continue
        kinds = _kinds(table, parent_groups, protection)
        if kinds[degrees > 0].max() > 0:
            found.append(_Found(name, encoding, classes, own, kinds, _shares(table, kinds)))
    weights = _weights(found, owner, blocks, degrees, seed, *address)
    return [
        (Habit(f.column, f.column, f.encoding, f.classes, _scores(f.shares, w)), f.kinds)
        for f, w in zip(found, weights, strict=True)
        if w >= LEAST_WEIGHT
    ]


def _classes(encoding: Encoding, codes: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Class of each code: NULL one of its own, neighbouring codes of about equal shares, or the most frequent ones."""
    counts = np.bincount(codes, minlength=encoding.size).astype(np.int64)
    out = np.zeros(encoding.size, dtype=np.int64)
    whole = np.ones(encoding.size, dtype=bool)
    if encoding.null_code is not None and encoding.null_code >= 0:
        whole[encoding.null_code] = False
    at = np.flatnonzero(whole)
    if encoding.ordered:
        running = np.cumsum(counts[at]) - counts[at] / 2
        out[at] = running * (MOST_CLASSES - 1) // max(int(counts[at].sum()), 1)
    else:
        order = at[np.argsort(-counts[at], kind="stable")]
        out[order] = np.minimum(np.arange(order.size), MOST_CLASSES - 2)
    out[~whole] = MOST_CLASSES
    return np.unique(out, return_inverse=True)[1].astype(np.int32)


def _telling(table: Floats) -> bool:
    """Whether families, (parents, classes), differ by more than chance."""
    table = table[:, table.sum(axis=0) > 0]
    degrees = table.sum(axis=1)
    table, degrees = table[degrees > 1], degrees[degrees > 1]
    shares = table.sum(axis=0) / max(table.sum(), 1)
    table, shares = table[:, shares > 0], shares[shares > 0]
    if table.shape[0] < 2 * LEAST_PARENTS or table.shape[1] < 2:
        return False
    expected = degrees[:, None] * shares
    square = float(((table - expected) ** 2 / expected).sum())
    freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
    # Variance of the statistic for small expectations: Haldane, 1937.
    spread = 2 * freedom + float(((1 / shares).sum() - 2 * shares.size - shares.size**2 + 2) * (1 / degrees).sum())
    return bool(square - freedom > SURE * max(spread, 2.0 * freedom) ** 0.5)


def _kinds(table: Floats, groups: Integers, protection: int) -> Integers:
    """Kind of each parent, (parents,), by how its children spread over the classes, (parents, classes); the last kind
    has no children."""
    degrees = table.sum(axis=1)
    live = np.flatnonzero(degrees > 0)
    held = table[live]
    common = held.sum(axis=0) / held.sum()
    weight = np.minimum(degrees[live], 50.0)
    even = np.sqrt((held + SMOOTH * common) / (degrees[live, None] + SMOOTH))
    kinds = cut_across(even, weight, min(MOST_KINDS, live.size // LEAST_PARENTS), LEAST_PARENTS)
    for _ in range(12):
        chances = _logarithms(_summed(held * (weight / degrees[live])[:, None], kinds), common)
        prior = np.log(np.maximum(np.bincount(kinds, minlength=len(chances)), 0.5))
        worth = held @ chances.T + prior
        now = worth.argmax(axis=1)
        if np.array_equal(now, kinds):
            break
        kinds = now
    kinds = supported(worth, kinds, groups[live], LEAST_PARENTS, protection)
    out = np.full(degrees.size, int(kinds.max()) + 1, dtype=np.int64)
    out[live] = kinds
    return out


def _summed(table: Floats, kinds: Integers) -> Floats:
    out = np.zeros((int(kinds.max()) + 1, table.shape[1]))
    np.add.at(out, kinds, table)
    return out


def _logarithms(sums: Floats, common: Floats) -> Floats:
    """Logarithms of each kind's shares, (kinds, classes), a little of what is common to all among them."""
    shares = (sums + SMOOTH * common) / (sums.sum(axis=1, keepdims=True) + SMOOTH)
    logarithms: Floats = np.log((1 - BESIDE) * shares + BESIDE / common.size)
    return logarithms


def _shares(table: Floats, kinds: Integers) -> Floats:
    sums = _summed(table, kinds)
    common = table.sum(axis=0) / table.sum()
    if not sums[-1].any():
        return _logarithms(sums, common)  # the last are parents without children
    return _logarithms(np.vstack([sums, np.zeros(common.size)]), common)


def _scores(shares: Floats, weight: float) -> npt.NDArray[np.int32]:
    return np.rint(UNIT * weight * shares).astype(np.int32)


def _weights(
    found: Sequence[_Found], owner: Integers, blocks: Integers, degrees: Integers, seed: int, *address: str
) -> list[float]:
    """How much each column's scores count, so that children dealt by them are as like their siblings as the real ones
    are: columns that say the same twice must not count twice, and a kind's few classes must not make all its parents
    alike."""
    if not found:
        return []
    rows = np.arange(owner.size)
    if owner.size > MOST_ROWS:  # whole blocks of parents, as many as are needed
        order = np.unique(blocks)
        order = order[np.argsort(hashed(order, seed, *address, "blocks"), kind="stable")]
        sizes = np.bincount(blocks[owner], minlength=int(order.max()) + 1)[order]
        rows = np.flatnonzero(np.isin(blocks[owner], order[np.cumsum(sizes) - sizes < MOST_ROWS]))
    real = owner[rows]
    dealt = real.copy()
    held = np.array([_alike(real, f.own[rows], degrees) for f in found])
    weights, chance = np.zeros(len(found)), held
    for turn in range(MIXING + TURNS):
        now = [Leaning(f.kinds, _scores(f.shares, w), f.own[rows]) for f, w in zip(found, weights, strict=True)]
        dealt = redeal(dealt, blocks, now, turn, seed, *address)
        met = np.array([_alike(dealt, f.own[rows], degrees) for f in found])
        if turn < MIXING:
            chance = met
            continue
        short = (held - met) / np.maximum(held - chance, 1e-9)
        weights = np.clip(weights + STEP * np.clip(short, -1, 1), 0, MOST_WEIGHT)
    return [float(w) for w in weights]


def _alike(owner: Integers, classes: Integers, degrees: Integers) -> float:
    """How many siblings of a child are of its class, in shares of all its siblings, summed over the children."""
    width = int(classes.max(initial=0)) + 1
    table = np.bincount(owner * width + classes, minlength=degrees.size * width).reshape(-1, width).astype(np.float64)
    pairs = (table * (table - 1)).sum(axis=1)
    return float((pairs / np.maximum(table.sum(axis=1) - 1, 1)).sum())

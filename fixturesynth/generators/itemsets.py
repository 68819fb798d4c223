"""Item sets: which rows of a kept list each family has, where it has each at most once.

A food is measured for some of all nutrients, a student takes some of the courses. Drawn row by row, a family comes to
the same item twice and has to take another one, which knows nothing of the row's own values. So families are of kinds,
by what items they have; their parents' model draws the kind, and the items of a whole family are dealt out before all
else of its rows: each item is in by its log-odds in the kind and a logistic chance, and as many as the family has rows
are taken from the top, which is the Bernoulli model of the kind held to the family's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.clusters import cut_across, supported
from fixturesynth.generators.redealing import CHANCE, UNIT
from fixturesynth.planning.plan import Plan, ReferencePlan, TablePlan
from fixturesynth.randomness import hashed
from fixturesynth.schema.model import Schema

__all__ = [
    "KIND",
    "Itemset",
    "deal_items",
    "families_held",
    "find_kinds",
    "item_places",
    "item_reference",
    "kind_scores",
    "kind_variable",
]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

KIND = "kind "  # begins the names of variables that say of which kind a row's children are
LEAST_FAMILIES = 20
LEAST_SIZE = 2.0  # rows of a family, on the average
TRIED = (1, 2, 4, 8, 16, 32, 64, 128)  # kinds
APART = 5  # one entity in so many is set apart while they are counted
LEAST_OF_A_KIND = 10  # families
ROUNDS = 12
SMOOTH = 0.2  # families like all others, that are added to each kind's own
CELLS = 2**23  # pairs of a family and an item that are looked at together
CALIBRATING, STEP = 12, 0.7
MOST_SCORE = 2**15
_TIE = np.int64(2**20 - 1)


@dataclass(frozen=True)
class Itemset:
    """``foreign_key``: the child's, to the list. ``variable``: of the parent, its kind. ``scores`` (kinds + 1, items):
    log-odds in redealing.UNIT, the last for parents of no kind. ``places`` (items,): where items stand in a family,
    () where they stand in no order."""

    foreign_key: str
    variable: str
    scores: npt.NDArray[np.int32]
    places: Integers


def kind_variable(child: str, foreign_key: str) -> str:
    return f"{KIND}{child}.{foreign_key}"


def item_reference(plan: Plan, schema: Schema, child: str) -> ReferencePlan | None:
    """The reference to a kept list that is unique beside the context's key, by which families are item sets."""
    own, table = plan[child], schema[child]
    if own.context is None:
        return None
    key = table.foreign_key(own.context).columns
    for reference in own.references:
        columns = table.foreign_key(reference.foreign_key).columns
        if (
            reference.how == "matched"
            and plan[reference.parent].mode == "verbatim"
            and not reference.asked
            and not reference.null_share
            and reference.decided_by is None
            and not set(columns) & set(key)
            and _each_once(own, {*key, *columns})
        ):
            return reference
    return None


def _each_once(plan: TablePlan, columns: set[str]) -> bool:
    return any(u.how == "by_pairs" and set(u.columns) == columns for u in plan.uniques)


def find_kinds(held: Mask, groups: Integers, protection: int) -> Integers | None:
    """Kind of each family, (families,), by the items it has, ``held`` (families, items); the last kind has none.

    ``groups``: root entity of each family. None where families are too few or too small to be told apart, or where
    there are too many pairs to look at.
    """
    sizes = held.sum(axis=1)
    live = np.flatnonzero(sizes)
    if live.size < LEAST_FAMILIES or held.shape[1] < 2 or sizes.sum() < LEAST_SIZE * live.size:
        return None
    if held.size > 16 * CELLS:
        return None
    points = held[live].astype(np.float64)
    most = live.size // LEAST_OF_A_KIND
    tried = [k for k in TRIED if k <= most]
    # As many kinds as tell most of families that they were not made from.
    entities = np.unique(groups[live], return_inverse=True)[1]
    aside = entities % APART == 0
    if len(tried) > 1 and aside.any() and not aside.all():
        told = [_told(points[aside], *_mixture(points[~aside], k)[:2]) for k in tried]
        tried = [tried[int(np.argmax(told))]]
    kinds, worth = _mixture(points, tried[-1])[2:]
    kinds = supported(worth, kinds, groups[live], LEAST_OF_A_KIND, protection)
    out = np.full(sizes.size, int(kinds.max()) + 1, dtype=np.int64)
    out[live] = kinds
    return out


def _mixture(points: Floats, many: int) -> tuple[Floats, Floats, Integers, Floats]:
    """Of at most ``many`` kinds the shares of items, (kinds, items), and the logarithms of their own shares, (kinds,);
    the kind of each family, (families,), and how well each goes with it, (families, kinds)."""
    kinds = cut_across(points, np.ones(len(points)), many, LEAST_OF_A_KIND)
    for _ in range(ROUNDS):
        shares = _shares(points, kinds)
        prior = np.log(np.maximum(np.bincount(kinds, minlength=len(shares)), 0.5) / len(points))
        worth = _worth(points, shares, prior)
        now = worth.argmax(axis=1)
        if np.array_equal(now, kinds):
            break
        kinds = now
    return shares, prior, kinds, worth


def _worth(points: Floats, shares: Floats, prior: Floats) -> Floats:
    found: Floats = points @ _odds(shares).T + np.log1p(-shares).sum(axis=1) + prior
    return found


def _told(points: Floats, shares: Floats, prior: Floats) -> float:
    """Logarithm of the likelihood of families under a mixture."""
    worth = _worth(points, shares, prior)
    most = worth.max(axis=1)
    return float((most + np.log(np.exp(worth - most[:, None]).sum(axis=1))).sum())


def kind_scores(held: Mask, kinds: Integers, protection: int, seed: int, *address: str) -> npt.NDArray[np.int32]:
    """Log-odds of every item in every kind, (kinds + 1, items), so that dealing by them to the families, (families,),
    gives each item as many of them as have it. What fewer than ``protection`` families of a kind have is as in all."""
    points = held.astype(np.float64)
    live = np.flatnonzero(held.any(axis=1))
    counts = _counts(points[live], kinds[live], int(kinds.max()) + 1)
    known = np.where(counts >= protection, counts, 0.0)
    sizes = np.bincount(kinds[live], minlength=len(known)).astype(np.float64)
    common = points[live].mean(axis=0)
    odds = UNIT * _odds(np.vstack([_smoothed(known, sizes, common), common]))
    rows = live if live.size * held.shape[1] <= CELLS else live[: CELLS // held.shape[1]]
    wanted = held[rows].sum(axis=0)
    for turn in range(CALIBRATING):
        scores = np.rint(np.clip(odds, -MOST_SCORE, MOST_SCORE)).astype(np.int32)
        dealt, _ = _top(scores, kinds[rows], held[rows].sum(axis=1), 0, seed, *address, "calibrated", turn)
        odds = odds + UNIT * STEP * np.log((wanted + 0.5) / (dealt.sum(axis=0) + 0.5))
    return np.rint(np.clip(odds, -MOST_SCORE, MOST_SCORE)).astype(np.int32)


def deal_items(
    itemset: Itemset, kinds: Integers, sizes: Integers, kept: Integers, seed: int, *address: str
) -> Integers:
    """An item for every row of every family, each once in a family, in the families' order: (rows,).

    ``kinds``, ``sizes``: (families,), no size above the number of items; ``kept`` (items,): how often each item is to
    come, in proportion, which is met as far as families differ in what they could have instead.
    """
    many = itemset.scores.shape[1]
    known = np.minimum(kinds, len(itemset.scores) - 1)
    step = max(1, CELLS // many)
    upto = np.concatenate(([0], np.cumsum(sizes)))
    total = max(int(kept.sum()), 1)
    out = []
    for low in range(0, sizes.size, step):
        high = min(low + step, sizes.size)
        held, keys = _top(itemset.scores, known[low:high], sizes[low:high], low, seed, *address)
        wanted = kept * upto[high] // total - kept * upto[low] // total
        _level(held, keys, wanted)
        if itemset.places.size:
            place = np.broadcast_to(itemset.places, held.shape)
        else:  # any order will do
            place = keys & _TIE
        family, item = np.nonzero(held)
        out.append(item[np.lexsort((place[family, item], family))])
    return np.concatenate(out) if out else np.zeros(0, dtype=np.int64)


def _top(
    scores: npt.NDArray[np.int32], kinds: Integers, sizes: Integers, first: int, seed: int, *address: str | int
) -> tuple[Mask, Integers]:
    """The ``sizes`` best items of each family, (families, items), and the keys they are chosen by, higher is better."""
    many = scores.shape[1]
    cells = np.arange(first * many, (first + kinds.size) * many)
    drawn = hashed(cells, seed, *address, "items").reshape(kinds.size, many)
    keys = scores[kinds].astype(np.int64) + CHANCE[(drawn >> np.uint64(52)).astype(np.int64)]
    keys = (keys << 20) | (drawn.astype(np.int64) & _TIE)
    order = np.argsort(-keys, axis=1, kind="stable")
    held = np.zeros(keys.shape, dtype=bool)
    np.put_along_axis(held, order, np.arange(many) < sizes[:, None], axis=1)
    return held, keys


def _level(held: Mask, keys: Integers, wanted: Integers) -> None:
    """Items that too many families have give way to those that too few have, where it matters least; in place."""
    missing = wanted - held.sum(axis=0)
    lowest = np.iinfo(np.int64).max
    stuck: set[int] = set()
    while True:
        short = [j for j in np.argsort(-missing, kind="stable").tolist() if missing[j] > 0 and j not in stuck]
        if not short:
            return
        item = short[0]
        families = np.flatnonzero(~held[:, item])
        ready = held[families] & (missing < 0)
        giving = np.where(ready, keys[families], lowest).argmin(axis=1)
        able = ready[np.arange(families.size), giving]
        families, giving = families[able], giving[able]
        order = np.argsort(keys[families, giving] - keys[families, item], kind="stable")
        families, giving = families[order], giving[order]
        by_item = np.argsort(giving, kind="stable")
        place = np.empty(giving.size, dtype=np.int64)
        place[by_item] = np.arange(giving.size) - np.searchsorted(giving[by_item], giving[by_item], side="left")
        chosen = np.flatnonzero(place < -missing[giving])[: missing[item]]
        if not chosen.size:
            stuck.add(item)
            continue
        held[families[chosen], giving[chosen]] = False
        held[families[chosen], item] = True
        missing[item] -= chosen.size
        missing += np.bincount(giving[chosen], minlength=missing.size)


def _counts(points: Floats, kinds: Integers, size: int) -> Floats:
    out = np.zeros((size, points.shape[1]))
    np.add.at(out, kinds, points)
    return out


def _shares(points: Floats, kinds: Integers) -> Floats:
    """Share of the families of each kind that have each item, (kinds, items)."""
    counts = _counts(points, kinds, int(kinds.max()) + 1)
    sizes = np.bincount(kinds, minlength=len(counts)).astype(np.float64)
    return _smoothed(counts, sizes, points.mean(axis=0))


def _smoothed(counts: Floats, sizes: Floats, common: Floats) -> Floats:
    found: Floats = (counts + SMOOTH * common) / (sizes[:, None] + SMOOTH)
    return np.clip(found, 1e-4, 1 - 1e-4)


def _odds(shares: Floats) -> Floats:
    inside = np.clip(shares, 1e-4, 1 - 1e-4)
    odds: Floats = np.log(inside) - np.log1p(-inside)
    return odds


def families_held(parents: Integers, items: Integers, families: int, many: int) -> Mask:
    """Which items each family has, (families, items); ``parents``, ``items``: of every row, -1 for none."""
    out = np.zeros((families, many), dtype=bool)
    both = (parents >= 0) & (items >= 0)
    out[parents[both], items[both]] = True
    return out


def item_places(columns: Sequence[Integers], order: Sequence[str], names: Sequence[str]) -> Integers:
    """Where the list's rows stand among siblings that are ordered by the columns ``order``, (items,); () where these
    are others than the reference's ``names``. ``columns``: dense ranks of the list's values, by ``names``."""
    if not order or not set(order) <= set(names):
        return np.zeros(0, dtype=np.int64)
    by_name = dict(zip(names, columns, strict=True))
    ranked = np.lexsort([by_name[name] for name in reversed(order)])
    out = np.empty(ranked.size, dtype=np.int64)
    out[ranked] = np.arange(ranked.size)
    return out

"""The choice between trees and the network by measurement: both learn, and what is harder to tell from real rows stays.

A classifier two-sample test (Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", 2017) over codes, with a
few trees of ``growing`` as the classifier, on rows of root entities that neither saw.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.cart import Cart
from fixturesynth.generators.contract import CodedTable, Codes, Generator, State, Words
from fixturesynth.generators.growing import Growth, find_leaves, grow, rank_feature
from fixturesynth.generators.network.generator import Network
from fixturesynth.randomness import permutation, stream, words

__all__ = ["Measured", "tell_apart"]

Integers = npt.NDArray[np.int64]

FEWEST_ROWS = 2_000  # with fewer, trees are taken unseen
FEWEST_SECONDS = 20.0  # of time to learn one table
HELD_OUT = 0.2  # share of root entities
CLEAR = 0.005  # AUC by which the network must be ahead
SPLIT = {"network": 0.4}  # share of the time of each of two times that the network learns
TREES = 7


class Measured:
    """Behind the contract of generators; the state that it gives is the better generator's, with ``chosen`` among its
    facts: why."""

    name = "measured"
    version = 1
    max_codes = 200  # as many as trees tell apart

    def __init__(self, device: str = "auto") -> None:
        self.device = device
        self.progress: Callable[[int, int], None] | None = None

    def fit(self, table: CodedTable, *, seed: int, time_limit: float | None = None) -> State:
        """Trees where rows or seconds are few, or torch is missing; else both, and the better again on all rows."""
        cart, network = Cart(), Network(self.device)
        network.progress = self.progress
        rows = len(table.codes)
        reason = None
        if rows < FEWEST_ROWS:
            reason = f"{rows:,} rows are too few for the network"
        elif time_limit is not None and time_limit < FEWEST_SECONDS:
            reason = f"{time_limit:.0f} s are too few for the network, which needs {FEWEST_SECONDS:.0f}"
        elif importlib.util.find_spec("torch") is None:
            reason = "torch is not installed"
        if reason is not None:
            return _told(cart.fit(table, seed=seed, time_limit=time_limit), f"trees: {reason}")
        learned, held = _split(table, seed)
        part = None if time_limit is None else time_limit * SPLIT["network"]
        scores = {}
        for generator, limit in ((cart, None), (network, part)):
            state = generator.fit(learned, seed=seed, time_limit=limit)
            scores[generator.name] = tell_apart(held, _drawn(generator, state, held, seed), seed)
        better: Generator = network if scores["network"] < scores["cart"] - CLEAR else cart
        why = (
            f"{better.name}: its rows are told from held-out ones with an AUC of {scores[better.name]:.3f} "
            f"(cart {scores['cart']:.3f}, network {scores['network']:.3f}; .5 is a coin)"
        )
        return _told(better.fit(table, seed=seed, time_limit=part if better is network else None), why)

    def sample(
        self, state: State, context: Codes, uniforms: Words, given: Mapping[str, Codes] | None = None, *,
        stratify: bool = False,
    ) -> Codes:  # fmt: skip
        """As the generator that was chosen draws."""
        chosen: Generator = Network(self.device) if state.generator == Network.name else Cart()
        return chosen.sample(state, context, uniforms, given, stratify=stratify)


def _told(state: State, why: str) -> State:
    return replace(state, facts={**state.facts, "chosen": why})


def _split(table: CodedTable, seed: int) -> tuple[CodedTable, CodedTable]:
    """Rows to learn from and rows held out, by root entity."""
    rows = len(table.codes)
    owner = np.arange(rows) if table.groups is None else np.unique(table.groups, return_inverse=True)[1]
    size = int(owner.max()) + 1
    out = np.zeros(size, bool)
    out[permutation(size, seed, "measured", "held out")[: max(1, int(size * HELD_OUT))]] = True
    held = out[owner]

    def part(chosen: npt.NDArray[np.bool_]) -> CodedTable:
        groups = None if table.groups is None else table.groups[chosen]
        return CodedTable(table.variables, np.ascontiguousarray(table.codes[chosen]), groups)

    return part(~held), part(held)


def _drawn(generator: Generator, state: State, held: CodedTable, seed: int) -> CodedTable:
    """As many rows as are held out, with their context."""
    fixed = sum(v.context for v in held.variables)
    context, free = held.codes[:, :fixed], len(held.variables) - fixed
    raw = words(stream(seed, "measured", generator.name), len(context) * free).reshape(len(context), free)
    return replace(held, codes=np.concatenate([context, generator.sample(state, context, raw)], axis=1))


def tell_apart(one: CodedTable, other: CodedTable, seed: int) -> float:
    """AUC of a few trees that tell the rows of two tables apart; .5 when they cannot.

    Half of the rows of each are learned from, by root entity where there are any, the rest are judged, and the other
    way round.
    """
    codes = np.concatenate([one.codes, other.codes])
    which = np.repeat(np.arange(2, dtype=np.int64), [len(one.codes), len(other.codes)])
    owner = np.concatenate([np.arange(len(t.codes)) if t.groups is None else t.groups for t in (one, other)])
    owner = np.unique(owner, return_inverse=True)[1]
    first = permutation(int(owner.max()) + 1, seed, "tell apart")[owner] % 2 == 0
    return float(np.mean([_auc(_scores(one, codes, which, side, seed), which[~side]) for side in (first, ~first)]))


def _scores(
    table: CodedTable, codes: Codes, which: Integers, learned: npt.NDArray[np.bool_], seed: int
) -> npt.NDArray[np.float64]:
    """How likely each row that is not ``learned`` is of the second kind, by several trees on parts of the rows."""
    offsets = np.cumsum([0, *(v.size for v in table.variables)])[:-1].astype(np.int64)
    rows, tried = np.flatnonzero(learned), codes[~learned]
    growth = Growth(least_rows=8, most_leaves=256, evidence=2.0, most_features=24)
    total = np.zeros(len(tried))
    for tree in range(TREES):
        some = rows[permutation(rows.size, seed, "tell apart", tree)[: max(2, 2 * rows.size // 3)]]
        target = which[some]
        tables = [
            rank_feature(codes[some, i].astype(np.int64), v.size, v.ordered, target, 2)
            for i, v in enumerate(table.variables)
        ]
        ranks = np.array([tables[i][codes[some, i]] for i in range(len(tables))], np.uint8)
        grown = grow(ranks, target, 2, False, growth)
        lookup = np.concatenate(tables)
        leaf = find_leaves(grown, lookup, offsets, codes[some])
        counts = np.bincount(leaf * 2 + target, minlength=2 * grown.feature.size).reshape(-1, 2)
        share = (counts[:, 1] + 1.0) / (counts.sum(axis=1) + 2.0)
        total += share[find_leaves(grown, lookup, offsets, tried)]
    return total


def _auc(scores: npt.NDArray[np.float64], which: Integers) -> float:
    """Area under the ROC curve, ties half: the share of pairs in the right order (Mann and Whitney, 1947)."""
    order = np.sort(scores[which == 0])
    above = scores[which == 1]
    if not order.size or not above.size:
        return 0.5
    pairs = np.searchsorted(order, above, side="left") + np.searchsorted(order, above, side="right")
    return float(pairs.sum() / (2 * order.size * above.size))

"""Numbers that go together: one variable's code beside where another one leads to expect it.

A bill that is about last month's, a payment that is the whole bill, a delay like the one before: what such a variable
is can be said in few numbers by how far it lies from the other one, and only with many in classes of its own. For
each pair a table says which code goes with each of the other's (the one that comes with it most above chance); the
network then predicts, and sees, the distance from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.network.tokens import Tokens, to_codes

__all__ = [
    "AHEAD", "SHOWN", "Relation", "find_relations", "log_ratios", "relations_from_arrays",
    "relations_to_arrays", "source_codes",
]  # fmt: skip

Floats = npt.NDArray[np.float64]
Column = npt.NDArray[np.int32]

AHEAD = 8  # distances from the expected class that are predicted one by one, on either side
SHOWN = 3  # distances that later variables see one by one, on either side
MOST = 2  # variables that one is related to, and curves along which it is so
CURVES = 2
BAND = 32  # a second curve keeps away from the first by one in so many codes
FEWEST_CODES = 12  # of a variable, for distances to say more than the codes do
MOST_CODES = 2**20  # codes of one variable times codes of the other
LEAST = 0.05  # nats a row that the distance must say more than chance
LEAST_MORE = 0.02  # nats a row of a second curve, among rows that the first does not reach
ROWS = 40_000  # rows looked at
MOST_NATS = 4.0  # of a distance, before training


@dataclass(frozen=True)
class Relation:
    """``target`` and ``source``: first tokens of variables. ``centre`` and ``inner``: the class of the target, and the
    place inside it, that go with each code of the source, (codes,)."""

    target: int
    source: int
    centre: Column
    inner: Column

    def distance(self, target: Column, source: Column) -> Column:
        """How far a class lies from what the source's code leads to expect, 0 to 2 * SHOWN + 2, far below to above."""
        apart: Column = np.clip(target - self.centre[source], -SHOWN - 1, SHOWN + 1) + np.int32(SHOWN + 1)
        return apart


@dataclass(frozen=True)
class _Side:
    """One variable while pairs are looked for: its codes by row, how many there are, and by code what it has as
    tokens: its class, and its place inside."""

    lead: int
    variable: int
    context: bool
    codes: Column
    size: int
    classes: Column
    places: Column


def source_codes(tokens: Tokens, columns: Mapping[int, Column] | Column, lead: int) -> Column:
    """Codes of the variable of a token, (n,), from columns of tokens; a context token's code is the token itself."""
    get = columns.__getitem__ if isinstance(columns, Mapping) else lambda i: columns[:, i]
    inside = tokens.inside(lead)
    if tokens.tokens[lead].context or inside is None:
        return get(lead)
    return to_codes(tokens, tokens.tokens[lead].variable, [get(lead), get(inside)])


def find_relations(tokens: Tokens, columns: Column, order: Sequence[int]) -> tuple[Relation, ...]:
    """At most MOST sources for each generated variable, those that say most, in the order of targets.

    ``columns``: tokens of every row, (n, tokens). ``order``: variables as they are mostly drawn; a source comes before
    its target. Tables are made on every second row and judged on the others.
    """
    step = max(1, len(columns) // ROWS)
    some = columns[::step]
    if len(some) < 2:
        return ()
    place = {variable: k for k, variable in enumerate(order)}
    sides = [
        _side(tokens, some, i)
        for i, t in enumerate(tokens.tokens)
        if t.group < 0 and t.ordered and t.size >= FEWEST_CODES
    ]
    found = []
    for target in sides:
        if target.context:
            continue
        candidates = []
        for source in sides:
            before = source.context or place[source.variable] < place[target.variable]
            if before and source.size * target.size <= MOST_CODES:
                candidates.append(_curves(tokens, target, source))
        candidates = [curves for curves in candidates if curves and curves[0][0] > LEAST]
        candidates.sort(key=lambda curves: (-round(curves[0][0], 9), curves[0][1].source))
        found += [relation for curves in candidates[:MOST] for _, relation in curves]
    return tuple(found)


def _side(tokens: Tokens, columns: Column, lead: int) -> _Side:
    token, inside = tokens.tokens[lead], tokens.inside(lead)
    codes = source_codes(tokens, columns, lead)
    if token.context or inside is None:
        every = np.arange(token.size, dtype=np.int32)
        return _Side(lead, token.variable, token.context, codes, token.size, every, np.zeros_like(every))
    classes, places = tokens.lookups[lead], tokens.lookups[inside]
    return _Side(lead, token.variable, False, codes, classes.size, classes, places)


def _curves(tokens: Tokens, target: _Side, source: _Side) -> list[tuple[float, Relation]]:
    """Curves along which two variables go together, with what each says in nats a row."""
    wide, high = source.size, target.size
    cells = source.codes[::2].astype(np.int64) * high + target.codes[::2]
    table = np.bincount(cells, minlength=wide * high).reshape(wide, high).astype(np.float64)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    table, expected = _smoothed(table), _smoothed(expected)
    standing = np.round((table - expected) / np.sqrt(expected + 1.0), 6)
    sources, targets = source.codes[1::2], target.codes[1::2]
    out: list[tuple[float, Relation]] = []
    for _ in range(CURVES):
        best = np.argmax(standing, axis=1)
        curve = Relation(target.lead, source.lead, target.classes[best], target.places[best])
        classes = target.classes[targets]
        share, chance = _distances(classes, curve.centre[sources], int(target.classes[-1]) + 1)
        there = share > 0
        gain = float((share[there] * np.log(share[there] / np.maximum(chance[there], 1e-12))).sum())
        gain *= targets.size / max(target.codes[1::2].size, 1)
        if out and gain < LEAST_MORE:
            break
        out.append((gain, curve))
        far = np.abs(classes - curve.centre[sources]) > AHEAD
        sources, targets = sources[far], targets[far]
        if not targets.size:
            break
        band = max(high // BAND, 2)
        standing[np.abs(np.arange(high) - best[:, None]) <= band] = -np.inf
    return out


def _smoothed(table: Floats) -> Floats:
    for axis in (0, 1):
        padded = np.pad(table, [(1, 1) if k == axis else (0, 0) for k in (0, 1)])
        before, after = (np.take(padded, np.arange(table.shape[axis]) + k, axis=axis) for k in (0, 2))
        table = before / 4 + table / 2 + after / 4
    return table


def log_ratios(classes: Column, centres: Column, size: int) -> npt.NDArray[np.float32]:
    """How much more often each distance comes than by chance, as a logarithm, (2 * AHEAD + 1,).

    ``classes``, ``centres``: of every row, (n,), in ``range(size)``.
    """
    share, expected = _distances(classes, centres, size)
    weight = 10.0 / max(len(classes), 1)
    ratio = np.log((share + weight * expected) / np.maximum((1 + weight) * expected, 1e-12))
    far = (share[0] + share[-1] + weight) / (expected[0] + expected[-1] + weight)
    return np.asarray(np.clip(ratio[1:-1] - np.log(far), -MOST_NATS, MOST_NATS), np.float32)


def _distances(classes: Column, centres: Column, size: int) -> tuple[Floats, Floats]:
    """Shares of distances, those beyond AHEAD together at both ends: as they come, and by chance, (2 * AHEAD + 3,)."""
    seen = np.bincount(np.clip(classes - centres, -AHEAD - 1, AHEAD + 1) + AHEAD + 1, minlength=2 * AHEAD + 3)
    expected_at, found_at = np.bincount(centres, minlength=size), np.bincount(classes, minlength=size)
    chance = np.convolve(found_at, expected_at[::-1]).astype(np.float64)  # of distances 1 - size to size - 1
    kept = np.clip(np.arange(-size + 1, size), -AHEAD - 1, AHEAD + 1) + AHEAD + 1
    expected = np.bincount(kept, weights=chance, minlength=2 * AHEAD + 3) / chance.sum()
    return seen / seen.sum(), expected


def relations_to_arrays(relations: Sequence[Relation]) -> dict[str, npt.NDArray[np.int32]]:
    """Named arrays of relations."""
    arrays = {"relations": np.array([[r.target, r.source] for r in relations], np.int32).reshape(-1, 2)}
    for i, relation in enumerate(relations):
        arrays[f"{i}.centre"], arrays[f"{i}.inner"] = relation.centre, relation.inner
    return arrays


def relations_from_arrays(arrays: Mapping[str, npt.NDArray[Any]]) -> tuple[Relation, ...]:
    """The relations of ``relations_to_arrays``."""
    pairs = arrays["relations"].tolist()
    return tuple(Relation(t, s, arrays[f"{i}.centre"], arrays[f"{i}.inner"]) for i, (t, s) in enumerate(pairs))

"""Rows from the network in whole numbers, by numpy alone.

Rows that agree in all tokens so far are one prefix: the first tokens have few states, so that the layers run once for
many rows. When most prefixes hold a single row, rows go on by themselves, some thousand at a time. What is shared out
evenly is so among the rows of a prefix, and then among those of a guide's leaf.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.contract import Words
from fixturesynth.generators.drawing import in_strata, stratified
from fixturesynth.generators.network.guides import Guide
from fixturesynth.generators.network.integers import (
    ACTIVATION,
    MOST_ROWS,
    Column,
    Floats,
    Head,
    Layers,
    heads_of,
    near,
    outputs,
    placed,
    weights,
)
from fixturesynth.generators.network.relations import Relation, source_codes
from fixturesynth.generators.network.tokens import Tokens

__all__ = ["Drawer", "Drawn", "completed", "draw_tokens", "in_leaves", "leaves_of", "make_drawer"]

Integers = npt.NDArray[np.int64]

_HALF = np.uint64(32)
_SHARED = 0.35  # prefixes for each row above which rows go on by themselves


@dataclass(frozen=True)
class Drawer:
    """A network made ready: embeddings by token, in units of activations, heads and guides by the token that leads."""

    tokens: Tokens
    relations: tuple[Relation, ...]
    embeddings: tuple[Floats, ...]
    distances: Floats
    heads: Mapping[int, Head]
    guides: Mapping[int, Guide]
    table: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Drawn:
    """A variable to be drawn: its first token, and the words that decide, (n,), by their upper halves: those of the
    class, and those of the place inside it."""

    token: int
    words: Words
    inner: Words


def make_drawer(layers: Layers, tokens: Tokens, relations: tuple[Relation, ...], guides: Sequence[Guide]) -> Drawer:
    """The network as float32 matrices of whole numbers."""
    starts = np.cumsum([0, *(token.size for token in tokens.tokens)])
    unit = np.float32(2.0 ** -(layers.scale - ACTIVATION))
    tables = tuple(layers.embeddings[a:b].astype(np.float32) * unit for a, b in pairwise(starts.tolist()))
    heads = dict(zip(tokens.leads, heads_of(layers, tokens, relations), strict=True))
    distances = layers.distances.astype(np.float32) * unit
    return Drawer(tokens, relations, tables, distances, heads, {guide.target: guide for guide in guides}, layers.table)


def draw_tokens(
    drawer: Drawer, known: Mapping[int, Column], draws: Sequence[Drawn], rows: int, *, stratify: bool,
    device: str | None = None,
) -> dict[int, Column]:  # fmt: skip
    """Every token by index, (rows,): those ``known``, then those drawn, in the order of ``draws``.

    A row depends on its own words alone, but with ``stratify`` on the rows it is drawn with. ``device``: one of torch
    on which rows go on by themselves; it changes no byte.
    """
    shared = _Shared(drawer, rows)
    waiting = list(known.items())
    while waiting and 2 * len(shared.hidden) <= rows:
        shared.observe(*waiting.pop(0))
    step = 0
    while step < len(draws) and not waiting and len(shared.hidden) <= _SHARED * rows:
        shared.draw(draws[step], stratify=stratify)
        step += 1
    rest = draws[step:]
    if not rest:
        return {**shared.columns, **dict(waiting)}
    hidden = shared.hidden[shared.prefix]
    if device is not None:
        from fixturesynth.generators.network.device import draw_rest, pick_device

        return draw_rest(drawer, hidden, shared.columns, dict(waiting), rest, pick_device(device), stratify=stratify)
    alone = _Alone(drawer, hidden, shared.columns)
    for token, column in waiting:
        alone.observe(token, column)
    for k, draw in enumerate(rest):
        alone.draw(draw, stratify=stratify, last=k + 1 == len(rest))
    return alone.columns


def leaves_of(drawer: Drawer, token: int, columns: Mapping[int, Column]) -> Column | None:
    """The leaf of every row in the guide of a variable; None where it has none, or not all that it asks is known."""
    guide = drawer.guides.get(token)
    return guide.find(columns) if guide and columns.keys() >= set(guide.sources) else None


def in_leaves(leaf: Column | None, words: Words) -> Words:
    """Words (n,) of equal standing among the rows of each leaf (n,), or among all rows."""
    return stratified(np.zeros(words.size, np.int64) if leaf is None else leaf.astype(np.int64), words)


class _Shared:
    """Rows by prefix. ``columns``: tokens observed, (rows,); ``prefix`` of each row; ``hidden`` of each prefix;
    ``one``: some row of each prefix."""

    def __init__(self, drawer: Drawer, rows: int) -> None:
        self.drawer = drawer
        self.columns: dict[int, Column] = {}
        self.prefix = np.zeros(rows, np.int64)
        self.one = np.zeros(1, np.int64)
        self.hidden = np.zeros((1, drawer.embeddings[0].shape[1]), np.float32)

    def observe(self, token: int, column: Column) -> Integers:
        """One more token; gives for each prefix the one that it was part of."""
        size = self.drawer.tokens.tokens[token].size
        key = self.prefix * size + column
        present = np.zeros(len(self.hidden) * size, bool)
        present[key] = True
        found = np.flatnonzero(present)
        self.prefix = np.cumsum(present, dtype=np.int32)[key].astype(np.int64) - 1
        self.one = np.empty(found.size, np.int64)
        self.one[self.prefix] = np.arange(column.size)
        self.hidden = self.hidden[found // size] + self.drawer.embeddings[token][found % size]
        self.columns[token] = column
        for k in completed(self.drawer, self.columns, token):
            relation = self.drawer.relations[k]
            ones = self._ones()
            source = source_codes(self.drawer.tokens, ones, relation.source)
            self.hidden += self.drawer.distances[k][relation.distance(ones[relation.target], source)]
        return found // size

    def _ones(self) -> dict[int, Column]:
        """Tokens of one row of each prefix, (prefixes,)."""
        return {token: column[self.one] for token, column in self.columns.items()}

    def draw(self, draw: Drawn, *, stratify: bool) -> None:
        head = self.drawer.heads[draw.token]
        ones = self._ones()
        centres, inners = _expected(self.drawer, head, ones)
        leaf = leaves_of(self.drawer, draw.token, ones)
        found = np.empty((len(self.hidden), head.head.shape[1]), np.float32)
        for start in range(0, len(self.hidden), MOST_ROWS):
            here = slice(start, start + MOST_ROWS)
            found[here] = outputs(head, self.hidden[here], None if leaf is None else leaf[here])
        column = self._pick(near(head, found, centres), draw.words, stratify=stratify)
        before = self.observe(draw.token, column)
        inside = self.drawer.tokens.inside(draw.token)
        if inside is not None:
            centres, inners = ([None if c is None else c[before] for c in side] for side in (centres, inners))
            logits = placed(head, found[before], column[self.one], centres, inners)
            self.observe(inside, self._pick(logits, draw.inner, stratify=stratify))

    def _pick(self, logits: Floats, raw: Words, *, stratify: bool) -> Column:
        """A class for every row from the logits of every prefix."""
        size = logits.shape[1]
        mass = np.empty(logits.shape, np.int64)
        for start in range(0, len(logits), MOST_ROWS):
            mass[start : start + MOST_ROWS] = weights(logits[start : start + MOST_ROWS], self.drawer.table)
        running = np.cumsum(mass)
        ends = running[size - 1 :: size]
        begins = np.concatenate(([0], ends[:-1]))
        total = (ends - begins).astype(np.uint64)
        if not stratify:
            at = begins[self.prefix] + (((raw >> _HALF) * total[self.prefix]) >> _HALF).astype(np.int64)
            return np.asarray(np.searchsorted(running, at, side="right") - self.prefix * size, np.int32)
        # Rows in the order of their prefixes and words: what is looked for ascends, and is found at once.
        order, raw = in_strata(self.prefix, raw)
        prefix = self.prefix[order]
        at = begins[prefix] + (((raw >> _HALF) * total[prefix]) >> _HALF).astype(np.int64)
        column = np.empty(order.size, np.int32)
        column[order] = np.searchsorted(running, at, side="right") - prefix * size
        return column


class _Alone:
    """Rows, each by itself; ``columns``: tokens observed, ``hidden``: (rows, width), which it adds to."""

    def __init__(self, drawer: Drawer, hidden: Floats, columns: Mapping[int, Column]) -> None:
        self.drawer = drawer
        self.hidden = hidden
        self.columns = dict(columns)

    def observe(self, token: int, column: Column) -> None:
        self.columns[token] = column
        self._add(self.drawer.embeddings[token], column)
        for k in completed(self.drawer, self.columns, token):
            relation = self.drawer.relations[k]
            source = source_codes(self.drawer.tokens, self.columns, relation.source)
            self._add(self.drawer.distances[k], relation.distance(self.columns[relation.target], source))

    def _add(self, table: Floats, column: Column) -> None:
        for here in self._blocks():
            self.hidden[here] += table[column[here]]

    def _blocks(self) -> list[slice]:
        return [slice(start, start + MOST_ROWS) for start in range(0, len(self.hidden), MOST_ROWS)]

    def draw(self, draw: Drawn, *, stratify: bool, last: bool) -> None:
        """The tokens of one variable; the ``last`` one need not be observed."""
        leaf = leaves_of(self.drawer, draw.token, self.columns)
        words = in_leaves(leaf, draw.words) if stratify else draw.words
        inside = self.drawer.tokens.inside(draw.token)
        made = {token: np.empty(words.size, np.int32) for token in (draw.token, inside) if token is not None}
        head = self.drawer.heads[draw.token]
        for here in self._blocks():
            found = outputs(head, self.hidden[here], None if leaf is None else leaf[here])
            centres, inners = _expected(self.drawer, head, {t: column[here] for t, column in self.columns.items()})
            column = self._pick(near(head, found, centres), words[here])
            made[draw.token][here] = column
            if inside is not None:
                logits = placed(head, found, column, centres, inners)
                made[inside][here] = self._pick(logits, draw.inner[here])
        if last:
            self.columns |= made
            return
        for token, column in made.items():
            self.observe(token, column)

    def _pick(self, logits: Floats, raw: Words) -> Column:
        running = weights(logits, self.drawer.table).T
        for before, after in pairwise(running):
            after += before
        target = (((raw >> _HALF) * running[-1].astype(np.uint64)) >> _HALF).astype(np.int32)
        # As many classes as have a running weight not above the target, which that of the last one always is.
        return np.asarray((running <= target).sum(axis=0, dtype=np.int32))


def _expected(
    drawer: Drawer, head: Head, columns: Mapping[int, Column]
) -> tuple[list[Column | None], list[Column | None]]:
    """For each relation of a head the class, and the place in it, that its source leads to expect; None: not known."""
    centres: list[Column | None] = []
    inners: list[Column | None] = []
    for relation in (drawer.relations[k] for k in head.relations):
        if relation.source not in columns:
            centres.append(None)
            inners.append(None)
            continue
        codes = source_codes(drawer.tokens, columns, relation.source)
        centres.append(relation.centre[codes])
        inners.append(relation.inner[codes])
    return centres, inners


def completed(drawer: Drawer, columns: Mapping[int, Any], token: int) -> list[int]:
    """Relations both sides of which are observed whole, now that ``token`` is."""
    tokens, out = drawer.tokens, []
    for k, relation in enumerate(drawer.relations):
        last = [lead if tokens.inside(lead) is None else lead + 1 for lead in (relation.target, relation.source)]
        if token in last and columns.keys() >= set(last):
            out.append(k)
    return out

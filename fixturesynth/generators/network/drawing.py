"""Rows from the network in whole numbers, by numpy alone.

Rows that agree in all tokens so far are one prefix: the first tokens have few states, so that the layers run once for
many rows. When most prefixes hold a single row, rows go on by themselves, some thousand at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.contract import Words
from fixturesynth.generators.drawing import stratified
from fixturesynth.generators.network.integers import ACTIVATION, MOST_ROWS, Head, Layers, heads_of, logits, weights
from fixturesynth.generators.network.tokens import Tokens

__all__ = ["Drawer", "Drawn", "draw_tokens", "make_drawer"]

Integers = npt.NDArray[np.int64]
Column = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]

_HALF = np.uint64(32)
_SHARED = 0.5  # prefixes for each row above which rows go on by themselves


@dataclass(frozen=True)
class Drawer:
    """A network made ready: embeddings by token in units of activations, and heads by generated token."""

    tokens: Tokens
    embeddings: tuple[Floats, ...]
    heads: tuple[Head, ...]
    table: npt.NDArray[np.int32]

    def head(self, token: int) -> Head:
        return self.heads[token - self.tokens.context]


@dataclass(frozen=True)
class Drawn:
    """A token to be drawn, and the words that decide, (n,); their upper halves are used."""

    token: int
    words: Words


def make_drawer(layers: Layers, tokens: Tokens) -> Drawer:
    """The network as float32 matrices of whole numbers."""
    sizes = [token.size for token in tokens.tokens]
    starts = np.cumsum([0, *sizes])
    unit = np.float32(2.0 ** -(layers.scale - ACTIVATION))
    tables = [layers.embeddings[a:b].astype(np.float32) * unit for a, b in pairwise(starts.tolist())]
    heads = heads_of(layers, sizes[tokens.context :], tokens.context)
    return Drawer(tokens, tuple(tables), tuple(heads), layers.table)


def draw_tokens(
    drawer: Drawer, known: Mapping[int, Column], draws: Sequence[Drawn], rows: int, *, stratify: bool
) -> dict[int, Column]:
    """Every token by index, (rows,): those ``known``, then those drawn, in the order of ``draws``.

    A row depends on its own words alone, but with ``stratify`` on the rows it is drawn with.
    """
    out = dict(known)
    observed = list(known)
    width = drawer.embeddings[0].shape[1]
    prefix = np.zeros(rows, np.int64)
    hidden = np.zeros((1, width), np.float32)
    done = 0
    while done < len(known) and 2 * len(hidden) <= rows:
        token = observed[done]
        prefix, hidden = _observe(drawer, prefix, hidden, token, known[token])
        done += 1
    step = 0
    while step < len(draws) and done == len(known) and len(hidden) <= _SHARED * rows:
        token = draws[step].token
        words = stratified(prefix, draws[step].words) if stratify else draws[step].words
        out[token] = _draw_shared(drawer, token, prefix, hidden, out, words)
        prefix, hidden = _observe(drawer, prefix, hidden, token, out[token])
        step += 1
    rest = draws[step:]
    for draw in rest:
        out[draw.token] = np.empty(rows, np.int32)
    if rest:
        for start in range(0, rows, MOST_ROWS):
            here = slice(start, start + MOST_ROWS)
            _draw_alone(drawer, hidden[prefix[here]], observed[done:], rest, out, here)
    return out


def _observe(drawer: Drawer, prefix: Integers, hidden: Floats, token: int, column: Column) -> tuple[Integers, Floats]:
    """Prefix of every row and hidden state of every prefix after one more token."""
    size = drawer.tokens.tokens[token].size
    key = prefix * size + column
    present = np.zeros(len(hidden) * size, bool)
    present[key] = True
    found = np.flatnonzero(present)
    number = np.cumsum(present) - 1
    return number[key], hidden[found // size] + drawer.embeddings[token][found % size]


def _draw_shared(
    drawer: Drawer, token: int, prefix: Integers, hidden: Floats, out: Mapping[int, Column], words: Words
) -> Column:
    head = drawer.head(token)
    group = _group_of(drawer, token, out)
    told = None
    if group is not None:
        told = np.zeros(len(hidden), np.int32)
        told[prefix] = group
    mass = np.empty((len(hidden), head.size), np.int64)
    for start in range(0, len(hidden), MOST_ROWS):
        here = slice(start, start + MOST_ROWS)
        mass[here] = weights(logits(head, hidden[here], None if told is None else told[here]), drawer.table)
    running = np.cumsum(mass)
    ends = running[head.size - 1 :: head.size]
    begins = np.concatenate(([0], ends[:-1]))
    total = (ends - begins).astype(np.uint64)
    at = begins[prefix] + (((words >> _HALF) * total[prefix]) >> _HALF).astype(np.int64)
    return (np.searchsorted(running, at, side="right") - prefix * head.size).astype(np.int32)


def _draw_alone(
    drawer: Drawer,
    hidden: Floats,
    observed: Sequence[int],
    draws: Sequence[Drawn],
    out: Mapping[int, Column],
    here: slice,
) -> None:
    """Draw a block of rows, writing into ``out``; ``hidden`` lacks the tokens ``observed``."""
    for token in observed:
        hidden += drawer.embeddings[token][out[token][here]]
    for k, draw in enumerate(draws):
        head = drawer.head(draw.token)
        group = _group_of(drawer, draw.token, out)
        found = logits(head, hidden, None if group is None else group[here])
        running = np.cumsum(weights(found, drawer.table), axis=1, dtype=np.int32)
        target = (((draw.words[here] >> _HALF) * running[:, -1].astype(np.uint64)) >> _HALF).astype(np.int32)
        column = (running <= target[:, None]).sum(axis=1, dtype=np.int32)
        out[draw.token][here] = column
        if k + 1 < len(draws):
            hidden += drawer.embeddings[draw.token][column]


def _group_of(drawer: Drawer, token: int, out: Mapping[int, Column]) -> Column | None:
    group = drawer.tokens.tokens[token].group
    return None if group < 0 else out[group]

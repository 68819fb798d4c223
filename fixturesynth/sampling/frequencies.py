"""Rows of lists that are kept word for word, chosen exactly as often as they are to be.

What is drawn one sibling after the other strays from the learned shares, and a list's rows have counts of their own.
Rows that choose too often what others choose too seldom are given the other one, and drawn again knowing it: so they
fit it in all their values.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.contract import Generator
from fixturesynth.generators.tablemodel import TableModel, block_variable
from fixturesynth.planning.plan import TablePlan
from fixturesynth.randomness import hashed
from fixturesynth.sampling.counts import allot
from fixturesynth.sampling.matching import match
from fixturesynth.sampling.partition import CodesJob, generated, redrawn

__all__ = ["as_often", "moves"]

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

MOST_MOVED = 4  # one row in so many is drawn again at the most


def as_often(
    codes: Codes,
    plan: TablePlan,
    model: TableModel,
    models: Mapping[str, TableModel],
    seed: int,
    generator: Generator,
    job: CodesJob,
) -> Codes:
    """``codes``, (n, variables), with every choice of a row of a kept list made as often as that row has children."""
    names = [v.name for v in generated(model)]
    out = codes
    done: list[str] = []
    for reference in plan.references:
        variable, block = block_variable(reference.foreign_key), model.blocks.get(reference.foreign_key)
        parent = models.get(reference.parent)
        if block is None or block.rows is None or variable not in names or parent is None:
            continue
        kept = parent.degrees.get(f"{plan.name}.{reference.foreign_key}")
        if reference.how != "matched" or reference.asked or kept is None or kept.size != block.rows.size:
            continue
        i = names.index(variable)
        shares = np.bincount(block.rows, weights=kept, minlength=block.size).astype(np.int64)
        chosen = np.flatnonzero(out[:, i] < block.size)
        beside = out[chosen, names.index(done[-1])] if done else np.zeros(chosen.size, np.int32)
        rows, wanted = moves(out[chosen, i], shares, beside, seed, plan.name, reference.foreign_key)
        rows = chosen[rows]
        if rows.size and rows.size * MOST_MOVED <= codes.shape[0]:
            given = {variable: wanted} | {name: out[rows, names.index(name)] for name in done}
            drawn = redrawn(model, generator, job, out, rows, given, "as often", variable)
            out = out.copy()
            out[rows] = drawn
        done.append(variable)
    return out


def moves(codes: Codes, shares: Integers, beside: Codes, seed: int, *address: str) -> tuple[Integers, Codes]:
    """Rows to give another code, and which, so that codes (n,) come in proportion to ``shares`` (size,): the fewest.

    ``beside``: what the rows keep, (n,); a code goes to rows that have what most rows of that code have.

    >>> moves(np.array([0, 0, 0, 1], dtype=np.int32), np.array([1, 1]), np.zeros(4, dtype=np.int32), 7, "x")[1].tolist()
    [1]
    """
    if not codes.size or not shares.any():
        return np.zeros(0, np.int64), np.zeros(0, np.int32)
    target = allot(shares, codes.size)
    order = np.lexsort((hashed(np.arange(codes.size), seed, *address, "moves"), codes))
    place = np.empty(codes.size, dtype=np.int64)
    place[order] = np.arange(codes.size) - np.searchsorted(codes[order], codes[order], side="left")
    rows = np.flatnonzero(place >= target[codes])
    missing = np.maximum(target - np.bincount(codes, minlength=shares.size), 0)
    wanted = np.repeat(np.arange(shares.size, dtype=np.int32), missing)
    wanted = wanted[np.argsort(hashed(np.arange(wanted.size), seed, *address, "wanted"), kind="stable")]
    wide = int(beside.max(initial=0)) + 1
    usual = np.bincount(codes * np.int64(wide) + beside, minlength=shares.size * wide).reshape(-1, wide).argmax(axis=1)
    # Slots stand for parents with one place each: those of the row's own kind first, then whatever is left.
    slots = match(beside[rows].astype(np.int64), usual[wanted], np.ones(rows.size, np.int64), seed, *address, "slots")
    return rows, wanted[slots]

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
        family = np.cumsum(job.position == 0)[chosen]
        rows, wanted = moves(out[chosen, i], shares, beside, family, seed, plan.name, reference.foreign_key)
        order = np.argsort(rows, kind="stable")
        rows, wanted = chosen[rows[order]], wanted[order]
        if rows.size and rows.size * MOST_MOVED <= codes.shape[0]:
            given = {variable: wanted} | {name: out[rows, names.index(name)] for name in done}
            out = out.copy()
            out[rows, i] = wanted  # what the next sibling sees
            out[rows] = redrawn(model, generator, job, out, rows, given, "as often", variable)
        done.append(variable)
    return out


def moves(
    codes: Codes, shares: Integers, beside: Codes, families: Integers, seed: int, *address: str
) -> tuple[Integers, Codes]:
    """Rows to give another code, and which, so that codes (n,) come in proportion to ``shares`` (size,): the fewest.

    ``families`` (n,): rows of one parent stand together. Siblings of one code move together, as far as that goes.
    ``beside``: what the rows keep, (n,); a code goes to rows that have what most rows of that code have.

    >>> moves(np.array([0, 0, 0, 1], dtype=np.int32), np.array([1, 1]), np.zeros(4, dtype=np.int32), np.arange(4), 7, "x"
    ... )[1].tolist()
    [1]
    """
    if not codes.size or not shares.any():
        return np.zeros(0, np.int64), np.zeros(0, np.int32)
    target = allot(shares, codes.size)
    rows = _surplus(codes, target, families, seed, *address)
    missing = np.maximum(target - np.bincount(codes, minlength=shares.size), 0)
    wide = int(beside.max(initial=0)) + 1
    usual = np.bincount(codes * np.int64(wide) + beside, minlength=shares.size * wide).reshape(-1, wide).argmax(axis=1)
    wanted = np.repeat(np.arange(shares.size, dtype=np.int32), missing)
    rows = rows[np.argsort(beside[rows], kind="stable")]
    wanted = wanted[np.argsort(usual[wanted], kind="stable")]
    mine, theirs = _paired(beside[rows].astype(np.int64), usual[wanted])
    return rows[mine], wanted[theirs]


def _surplus(codes: Codes, target: Integers, families: Integers, seed: int, *address: str) -> Integers:
    """The rows beyond ``target`` (size,) of each code: whole runs of siblings first, then parts of runs."""
    starts = np.concatenate(([True], (codes[1:] != codes[:-1]) | (families[1:] != families[:-1])))
    run = np.cumsum(starts) - 1
    length = np.bincount(run)
    ties = hashed(np.arange(length.size), seed, *address, "moves")
    code = codes[starts]
    order = np.lexsort((ties, code))
    excess = np.maximum(np.bincount(codes, minlength=target.size) - target, 0)
    running = np.cumsum(length[order])
    before = running - length[order]
    first = np.searchsorted(code[order], code[order], side="left")
    within = before - before[first]  # rows of the code's runs that come before
    taken = np.zeros(length.size, dtype=np.int64)
    taken[order] = np.clip(excess[code[order]] - within, 0, length[order])
    place = np.arange(codes.size) - np.flatnonzero(starts)[run]
    # The end of a run leaves it, so that what is left of it stays together.
    return np.flatnonzero(place >= length[run] - taken[run])


def _paired(mine: Integers, theirs: Integers) -> tuple[Integers, Integers]:
    """Places in two sorted arrays of one length, (n,) each: equal values together as far as they go, then the rest."""
    wide = mine.size + 1

    def numbered(keys: Integers) -> Integers:
        return keys * wide + np.arange(keys.size) - np.searchsorted(keys, keys, side="left")

    a, b = numbered(mine), numbered(theirs)
    both, at_a, at_b = np.intersect1d(a, b, assume_unique=True, return_indices=True)
    rest_a, rest_b = np.setdiff1d(np.arange(a.size), at_a), np.setdiff1d(np.arange(b.size), at_b)
    return np.concatenate((at_a, rest_a)), np.concatenate((at_b, rest_b))

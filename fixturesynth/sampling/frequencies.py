"""Rows of lists that are kept word for word, chosen exactly as often as they are to be; and categories nearly so.

What is drawn one sibling after the other strays from the learned shares, and a list's rows have counts of their own.
Rows that choose too often what others choose too seldom are given the other one, and drawn again knowing it: so they
fit it in all their values.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.contract import Generator
from fixturesynth.generators.itemsets import KIND
from fixturesynth.generators.tablemodel import TableModel, block_variable
from fixturesynth.planning.plan import TablePlan
from fixturesynth.randomness import hashed
from fixturesynth.sampling.counts import allot
from fixturesynth.sampling.partition import CodesJob, generated, redrawn

__all__ = ["as_often", "fitting", "moves"]

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

MOST_MOVED = 4  # one row in so many is drawn again at the most
AMISS = 50  # one row in so many may have a category too often


def as_often(
    codes: Codes,
    plan: TablePlan,
    model: TableModel,
    models: Mapping[str, TableModel],
    seed: int,
    generator: Generator,
    job: CodesJob,
) -> Codes:
    """``codes``, (n, variables), with every choice of a row of a kept list made as often as that row has children, and
    categories that are drawn sibling by sibling as often as they were seen."""
    own = generated(model)
    names = [v.name for v in own]
    out = codes
    done: list[str] = []
    for i, shares, least in _targets(plan, model, models):
        variable = names[i]
        chosen = np.flatnonzero(out[:, i] < shares.size)
        beside = _companion(out[chosen], i, [names.index(name) for name in done])
        family = np.cumsum(job.position == 0)[chosen]
        rows, wanted = moves(out[chosen, i], shares, beside, family, seed, plan.name, variable)
        order = np.argsort(rows, kind="stable")
        rows, wanted = fitting(out[:, i], chosen[rows[order]], wanted[order], job.position == 0)
        if rows.size > least and rows.size * MOST_MOVED <= codes.shape[0]:
            given = {variable: wanted} | {name: out[rows, names.index(name)] for name in done}
            out = out.copy()
            out[rows, i] = wanted  # what the next sibling sees
            out[rows] = redrawn(model, generator, job, out, rows, given, "as often", variable)
        done.append(variable)
    return out


def fitting(
    codes: Codes, rows: Integers, wanted: Codes, first: npt.NDArray[np.bool_]
) -> tuple[Integers, Codes]:  # fmt: skip
    """Those of ``rows``, with what is ``wanted`` of them, that follow a sibling, and are followed by one, as some drawn
    rows are: an entry that settles another one comes after it, however many are missing.

    ``codes`` (n,); ``first`` (n,): rows that begin a family.
    """
    wide = int(max(codes.max(initial=0), wanted.max(initial=0))) + 1
    inside = ~first[1:]

    def pairs(of: Codes) -> Integers:
        result: Integers = of[:-1].astype(np.int64) * wide + of[1:]
        return result

    known = np.bincount(pairs(codes)[inside], minlength=wide * wide) > 0
    while rows.size:
        new = codes.copy()
        new[rows] = wanted
        odd = np.concatenate(([False], inside & ~known[pairs(new)], [False]))
        fits = ~(odd[rows] | odd[rows + 1])
        if fits.all():
            break
        rows, wanted = rows[fits], wanted[fits]
    return rows, wanted


def _companion(codes: Codes, i: int, others: list[int]) -> Codes:
    """Of ``others`` the variable that variable ``i`` follows from most often, (n,); zeros where there is none."""
    best, beside = 0, np.zeros(codes.shape[0], dtype=np.int32)
    wide = int(codes[:, i].max(initial=0)) + 1
    for other in others:
        pairs = codes[:, other].astype(np.int64) * wide + codes[:, i]
        size = int(codes[:, other].max(initial=0)) + 1
        hits = int(np.bincount(pairs, minlength=size * wide).reshape(size, wide).max(axis=1).sum())
        if hits > best:
            best, beside = hits, codes[:, other]
    return beside


def _targets(plan: TablePlan, model: TableModel, models: Mapping[str, TableModel]) -> list[tuple[int, Integers, int]]:
    """Variables by number, how often each of their codes is to come, in proportion, and how many rows may be amiss."""
    own = generated(model)
    names = [v.name for v in own]
    out: list[tuple[int, Integers, int]] = []
    for reference in plan.references:
        variable, block = block_variable(reference.foreign_key), model.blocks.get(reference.foreign_key)
        parent = models.get(reference.parent)
        if block is None or block.rows is None or variable not in names or parent is None:
            continue
        kept = parent.degrees.get(f"{plan.name}.{reference.foreign_key}")
        if reference.how == "matched" and not reference.asked and kept is not None and kept.size == block.rows.size:
            shares = np.bincount(block.rows, weights=kept, minlength=block.size).astype(np.int64)
            out.append((names.index(variable), shares, 0))
    for i, one in enumerate(own):
        known = model.shares.get(one.name)
        # Blocks of parents are met by their numbers of children. Lists' rows are met exactly, so kinds have to be.
        if known is not None and not one.ordered and (one.name in model.encodings or one.name.startswith(KIND)):
            out.append((i, known, 0 if one.name.startswith(KIND) else plan.rows // AMISS))
    return out


def moves(
    codes: Codes, shares: Integers, beside: Codes, families: Integers, seed: int, *address: str
) -> tuple[Integers, Codes]:
    """Rows to give another code, and which, so that codes (n,) come in proportion to ``shares`` (size,): the fewest.

    ``families`` (n,): rows of one parent stand together. Siblings of one code move together, as far as that goes.
    ``beside``: what the rows keep, (n,); a code goes to rows that have what most rows of that code have.

    >>> codes, kept = np.array([0, 0, 0, 1], dtype=np.int32), np.zeros(4, dtype=np.int32)
    >>> moves(codes, np.array([1, 1]), kept, np.arange(4), 7, "x")[1].tolist()
    [1]
    """
    if not codes.size or not shares.any():
        return np.zeros(0, np.int64), np.zeros(0, np.int32)
    target = allot(shares, codes.size)
    missing = np.maximum(target - np.bincount(codes, minlength=shares.size), 0)
    wide = int(beside.max(initial=0)) + 1
    table = np.bincount(codes * np.int64(wide) + beside, minlength=shares.size * wide).reshape(-1, wide)
    usual = table.argmax(axis=1)
    # A row that has what goes with a missing code rather than with its own would not be missed there.
    often = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    amiss = (np.where(missing > 0, often.T, 0.0).max(axis=1) > often)[codes, beside]
    rows = _surplus(codes, target, families, amiss, seed, *address)
    wanted = np.repeat(np.arange(shares.size, dtype=np.int32), missing)
    rows = rows[np.argsort(beside[rows], kind="stable")]
    wanted = wanted[np.argsort(usual[wanted], kind="stable")]
    mine, theirs = _paired(beside[rows].astype(np.int64), usual[wanted])
    return rows[mine], wanted[theirs]


def _surplus(
    codes: Codes, target: Integers, families: Integers, amiss: npt.NDArray[np.bool_], seed: int, *address: str
) -> Integers:
    """The rows beyond ``target`` (size,) of each code: whole runs of siblings first, then parts of runs; those with
    most rows ``amiss`` (n,) before others."""
    starts = np.concatenate(([True], (codes[1:] != codes[:-1]) | (families[1:] != families[:-1])))
    run = np.cumsum(starts) - 1
    length = np.bincount(run)
    ties = hashed(np.arange(length.size), seed, *address, "moves")
    code = codes[starts]
    order = np.lexsort((ties, -(np.bincount(run, weights=amiss) * 16 // length), code))
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
    _, at_a, at_b = np.intersect1d(a, b, assume_unique=True, return_indices=True)
    rest_a, rest_b = np.setdiff1d(np.arange(a.size), at_a), np.setdiff1d(np.arange(b.size), at_b)
    return np.concatenate((at_a, rest_a)), np.concatenate((at_b, rest_b))

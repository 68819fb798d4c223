"""Rows of lists that are kept word for word, chosen exactly as often as they are to be; and categories nearly so.

What is drawn one sibling after the other strays from the learned shares, and a list's rows have counts of their own.
Rows that choose too often what others choose too seldom are given the other one, and drawn again knowing it: so they
fit it in all their values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from fixturesynth.generators.confines import tells_kinds
from fixturesynth.generators.contract import Generator
from fixturesynth.generators.itemsets import KIND
from fixturesynth.generators.tablemodel import TableModel, block_variable
from fixturesynth.planning.plan import TablePlan
from fixturesynth.randomness import hashed
from fixturesynth.sampling.counts import allot
from fixturesynth.sampling.matching import pair_keys
from fixturesynth.sampling.partition import CodesJob, generated, redrawn

__all__ = ["as_often", "better_families", "moves", "straying"]

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

MOST_MOVED = 4  # one row in so many is drawn again at the most
AMISS = 50  # one row in so many may have a category too often
TRIES = 8  # draws of a row that has what comes too often
OFF = 200  # one row in so many may choose another row of a list than is to be, before families are drawn again
MOST_FAMILIES = 30_000  # that are weighed against their other draw


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
    above = [v for v in model.state.variables if v.context] if model.state is not None else []
    known = job.parent_codes
    categories = [at for at in range(known.shape[1]) if known.size and tells_kinds(above[at], known[:, at])]
    dealt = [name for name in job.given if name in names]
    done: list[str] = []
    around = np.column_stack([known[:, categories], _place(job.position, job.siblings)])
    for i, shares, least in _targets(plan, model, models):
        variable = names[i]
        if least:
            out = _draw_rarer(out, i, shares, least, done, model, generator, job)
        chosen = np.flatnonzero(out[:, i] < shares.size)
        kept = [names.index(name) for name in dict.fromkeys([*done, *dealt]) if name != variable]
        beside = _beside(out[chosen][:, kept], around[chosen], out[chosen, i])
        family = np.cumsum(job.position == 0)[chosen]
        rows, wanted = moves(out[chosen, i], shares, beside, family, seed, plan.name, variable, exactly=not least)
        order = np.argsort(rows, kind="stable")
        rows, wanted = chosen[rows[order]], wanted[order]
        if rows.size > least and rows.size * MOST_MOVED <= codes.shape[0]:
            given = {variable: wanted} | {name: out[rows, names.index(name)] for name in done}
            out = out.copy()
            out[rows, i] = wanted  # what the next sibling sees
            out[rows] = redrawn(model, generator, job, out, rows, given, "as often", variable)
        done.append(variable)
    return out


def _draw_rarer(
    codes: Codes, i: int, shares: Integers, least: int, done: Sequence[str], model: TableModel, generator: Generator,
    job: CodesJob,
) -> Codes:  # fmt: skip
    """``codes`` in which rows that have a code of variable ``i`` too often, more than ``least``, are drawn again, and
    stay so where they get one that comes too seldom. ``done``: variables that stay."""
    names = [v.name for v in generated(model)]
    known = np.flatnonzero(codes[:, i] < shares.size)
    excess = _too_often(codes[:, i], shares)
    missing = np.maximum(-excess, 0)
    if not least < int(missing.sum()) <= codes.shape[0] // MOST_MOVED:
        return codes
    family = np.cumsum(job.position == 0)[known]
    target = allot(shares, known.size)
    rows = known[_surplus(codes[known, i], target, family, np.zeros(known.size, bool), job.seed, job.table, names[i])]
    out = codes.copy()
    for turn in range(TRIES):
        if not rows.size or not missing.any():
            break
        given = {name: out[rows, names.index(name)] for name in done}
        drawn = redrawn(model, generator, job, out, rows, given, "as often", names[i], str(turn))
        new = np.minimum(drawn[:, i], missing.size)
        order = np.argsort(new, kind="stable")
        ahead = np.arange(rows.size) - np.searchsorted(new[order], new[order])
        kept = np.zeros(rows.size, dtype=bool)
        kept[order] = ahead < np.append(missing, 0)[new[order]]
        out[rows[kept]] = drawn[kept]
        missing -= np.bincount(new[kept], minlength=missing.size)[: missing.size]
        rows = rows[~kept]
    return out


def straying(
    codes: Codes, plan: TablePlan, model: TableModel, models: Mapping[str, TableModel]
) -> list[tuple[int, Integers]]:
    """Categories and choices of kept lists' rows, by number, and how often their codes are to come, where so many rows
    of ``codes``, (n, variables), have one too often that families had better be drawn again; else none."""
    targets = _targets(plan, model, models)
    strays = any(
        int(np.maximum(_too_often(codes[:, i], shares), 0).sum()) > (least or plan.rows // OFF)
        for i, shares, least in targets
    )
    return [(i, shares) for i, shares, _ in targets] if strays else []


def better_families(
    codes: Codes, other: Codes, position: Integers, targets: Sequence[tuple[int, Integers]], seed: int, table: str
) -> Codes:
    """``codes``, (n, variables), with those of the ``other`` draw for families by which categories come nearer to how
    often they are to come. So families stay what they were drawn as, from the first sibling to the last.

    ``position``: place of each row in its family, which are side by side. ``targets``: variables by number, with how
    often each of their codes is to come, in proportion.

    >>> drawn, again = np.array([[0], [0], [0], [0]]), np.array([[1], [1], [1], [0]])
    >>> better_families(drawn, again, np.array([0, 1, 0, 0]), [(0, np.array([1, 1]))], 7, "x").ravel().tolist()
    [1, 1, 0, 0]
    """
    begin = np.cumsum([0, *(shares.size for _, shares in targets)]).tolist()
    excess = np.concatenate([*(_too_often(codes[:, i], shares) for i, shares in targets), np.zeros(1, dtype=np.int64)])
    spare = excess.size - 1  # the place of codes that have none to come to
    mine, theirs = (
        np.stack([np.where(d[:, i] < s.size, d[:, i] + b, spare) for (i, s), b in zip(targets, begin, strict=False)], 1)
        for d in (codes, other)
    )
    starts = np.flatnonzero(position == 0)
    ends = np.append(starts[1:], position.size)
    changed = np.flatnonzero(np.add.reduceat((mine != theirs).any(axis=1), starts))
    order = np.argsort(hashed(changed, seed, table, "drawn twice"), kind="stable")
    out = codes.copy()
    for family in changed[order][:MOST_FAMILIES].tolist():
        rows = slice(starts[family], ends[family])
        both = np.concatenate([mine[rows].ravel(), theirs[rows].ravel()])
        touched, at = np.unique(both, return_inverse=True)
        old, new = (np.bincount(half, minlength=touched.size) for half in np.split(at, 2))
        moved = np.where(touched == spare, 0, new - old)
        if int(np.abs(excess[touched] + moved).sum()) < int(np.abs(excess[touched]).sum()):
            excess[touched] += moved
            out[rows] = other[rows]
    return out


def _too_often(codes: Codes, shares: Integers) -> Integers:
    """How many rows, (size,), each code has beyond its due."""
    known = codes[codes < shares.size]
    result: Integers = np.bincount(known, minlength=shares.size) - allot(shares, known.size)
    return result


def _beside(kept: Codes, around: Codes, own: Codes) -> Codes:
    """What rows keep that their codes ``own`` (n,) hang on most, (n,): of what is ``kept`` and of what they are drawn
    ``around``, (n, variables) each, one; zeros where there is none."""
    each = [[_told(own, known[:, at]) for at in range(known.shape[1])] for known in (kept, around)]
    found = [max(told, key=lambda one: one[0], default=(0.0, None))[1] for told in each]
    parts = [part.astype(np.int64) for part in found if part is not None]
    return pair_keys(*parts).astype(np.int32) if parts else np.zeros(own.size, dtype=np.int32)


def _place(position: Integers, siblings: Integers) -> Codes:
    """How many siblings come before each row and after it, (n,): none, one, or more."""
    place: Codes = (np.minimum(position, 2) * 3 + np.clip(siblings - position - 1, 0, 2)).astype(np.int32)
    return place


def _told(own: Codes, other: Codes) -> tuple[float, Codes | None]:
    """Mutual information, in nats times rows, of two variables, beyond what independent ones have by chance."""
    if not own.size:
        return 0.0, None
    wide, size = int(own.max()) + 1, int(other.max()) + 1
    table = np.bincount(other * np.int64(wide) + own, minlength=size * wide).reshape(size, wide)
    there = table > 0
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    expected = np.outer(rows, columns) / own.size
    chance = ((rows > 0).sum() - 1) * ((columns > 0).sum() - 1) / 2  # Miller, 1955
    told = float((table[there] * np.log(table[there] / expected[there])).sum()) - float(chance)
    return (told, other) if told > 0 else (0.0, None)


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
    codes: Codes, shares: Integers, beside: Codes, families: Integers, seed: int, *address: str, exactly: bool = True
) -> tuple[Integers, Codes]:
    """Rows to give another code, and which, so that codes (n,) come in proportion to ``shares`` (size,): the fewest.

    ``families`` (n,): rows of one parent stand together. Siblings of one code move together, as far as that goes.
    ``beside``: what the rows keep, (n,); a code goes to rows that have what rows of that code have, and, ``exactly``,
    to others where it has to.

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
    # A row that has what goes with a missing code rather than with its own would not be missed there.
    often = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    amiss = (np.where(missing > 0, often.T, 0.0).max(axis=1) > often)[codes, beside]
    rows = _surplus(codes, target, families, amiss, seed, *address)
    given = _given(rows, codes, families, beside, table, missing, exactly)
    return rows[given >= 0], given[given >= 0]


def _given(
    rows: Integers, codes: Codes, families: Integers, beside: Codes, table: Integers, missing: Integers, exactly: bool
) -> Codes:
    """A code that is ``missing`` (codes,) for each of ``rows``: siblings of one code that stand together get one, and
    where there is one, such as comes with what is ``beside`` (n,) them. ``table``: (codes, kinds), how often. Without
    ``exactly`` -1 where there is none."""
    key = pair_keys(families[rows], codes[rows].astype(np.int64), beside[rows].astype(np.int64))
    begins = np.flatnonzero(np.concatenate(([True], (key[1:] != key[:-1]) | (np.diff(rows) != 1)))[: rows.size])
    sizes = np.diff(begins, append=rows.size)
    left = missing.copy()
    out = np.empty(rows.size, dtype=np.int32)
    later: list[tuple[int, int]] = []  # rows that no code left goes with, by place and number
    for unit in np.argsort(-sizes, kind="stable").tolist():
        at, size = int(begins[unit]), int(sizes[unit])
        known = table[:, beside[rows[at]]]
        while size:
            fits = np.where(left > 0, known, 0)
            whole = np.where(left >= size, fits, 0)
            code = int((whole if whole.any() else fits).argmax())
            if not fits[code]:
                later.append((at, size))
                break
            taken = min(size, int(left[code]))
            out[at : at + taken] = code
            left[code] -= taken
            at, size = at + taken, size - taken
    rest = np.repeat(np.arange(left.size, dtype=np.int32), left) if exactly else np.full(rows.size, -1, dtype=np.int32)
    for at, size in later:
        out[at : at + size], rest = rest[:size], rest[size:]
    return out


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

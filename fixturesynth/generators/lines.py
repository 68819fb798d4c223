"""Self references: which rows have a parent in their own table, how many children each has, and whose child it is.

An answer belongs to a question, soon after it; a clerk's manager is a manager. Whether a row has a parent and how many
children it has are variables of its own. Of the pairs of child and parent two things are kept: by which class of rows
the parent is chosen (questions, or rows without a parent), and how far the two lie apart in the column in which they
are nearest to each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import fill_null, numpy_of
from fixturesynth.generators.blocks import count_codes
from fixturesynth.generators.contract import Variable
from fixturesynth.generators.gathering import Coded, Rows
from fixturesynth.generators.tablemodel import Line, count_variable, line_variable, variables_of
from fixturesynth.planning.hanging import may_be_planted
from fixturesynth.planning.plan import Modelled, ReferencePlan, TablePlan
from fixturesynth.profiling.temporal import parse_temporal

__all__ = ["ALONE", "ITSELF", "UNDER", "add_lines", "whole_numbers"]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

UNDER, ALONE, ITSELF = 0, 1, 2  # codes: a row with a parent, without one, and its own parent
LEAST_PAIRS = 50
MOST_CLASSES = 40
CLASS_TELLS = 0.1  # of what is open about the parent's class, that the child's must say
NEAR = 0.6  # median distance beside that from anybody's parent
KNOTS = 64  # of the distances
OWN_CHILD = 0.95  # of the rows, whose parent must be a child of theirs by another self reference


@dataclass(frozen=True)
class _Pairs:
    child: Integers  # (pairs,) rows
    parent: Integers

    @property
    def shuffled(self) -> Integers:
        """Parents of others, (pairs,)."""
        return np.roll(self.parent, max(1, self.parent.size // 2))


def add_lines(rows: Rows, table: TablePlan, order: Integers, coded: Coded) -> tuple[Line, ...]:
    """What is known of each self reference that is free, and variables more for it. ``order``: (n,), rows as coded."""
    found: list[Line] = []
    classes = [(v, c) for v, c in zip(coded.variables, coded.codes, strict=True) if 1 < v.size <= MOST_CLASSES]
    for reference in table.references:
        schema = rows.schema[table.name]
        if not may_be_planted(table, schema, reference):
            continue
        ranks = rows.rank(table.name, reference.foreign_key)
        at = np.arange(ranks.size)
        pairs = _Pairs(*(x[(ranks >= 0) & (ranks != at)] for x in (at, ranks)))
        if pairs.child.size < LEAST_PAIRS:
            continue
        kind = np.where(ranks < 0, ALONE, np.where(ranks == at, ITSELF, UNDER))
        if (kind == ITSELF).sum() < rows.protection:
            kind[kind == ITSELF] = ALONE
        degrees = np.bincount(pairs.parent, minlength=ranks.size).astype(np.int64)
        counts, size = count_codes(degrees[order])
        held = np.bincount(counts, minlength=size)
        typical = np.bincount(counts, weights=degrees[order], minlength=size) / np.maximum(held, 1)
        above = _child_of(rows, table, reference, found, pairs)
        whether = len(coded.variables)
        coded.add(line_variable(reference.foreign_key), 3 if (kind == ITSELF).any() else 2, kind[order])
        if size > 1 and above is None:
            coded.add(count_variable(table.name, reference.foreign_key), size, counts, ordered=True)
        column, distances, never = _nearest(rows, table, pairs, reference.alike)
        known = {v for c in reference.alike for v in variables_of(c)}  # what is always the same tells nothing more
        beside = [c for c in classes if c[0].name not in known] + [(coded.variables[whether], coded.codes[whether])]
        variable, chosen = _class(beside, order, ranks.size, pairs)
        found.append(
            Line(
                reference.foreign_key, tuple(np.rint(typical).astype(int).tolist()), column, distances, never, variable,
                chosen, above,
            )
        )  # fmt: skip
    return tuple(found)


def _child_of(
    rows: Rows, table: TablePlan, reference: ReferencePlan, before: Sequence[Line], pairs: _Pairs
) -> str | None:
    """The self reference by which the parent is a child of its own child: the accepted one of a question's answers."""
    for line in before:
        theirs = rows.rank(table.name, line.foreign_key)[pairs.parent]
        if float(np.mean(theirs == pairs.child)) >= OWN_CHILD:
            return line.foreign_key
    return None


def whole_numbers(values: pa.Array) -> tuple[Integers, Flags] | None:
    """A column as whole numbers, (n,), and where it has any: moments in their unit, numbers by their order alone."""
    valid = numpy_of(values.is_valid())
    kind = values.type
    if pa.types.is_integer(kind) and not pa.types.is_uint64(kind):
        return numpy_of(fill_null(values.cast(pa.int64()), 0)).astype(np.int64), valid
    parsed = parse_temporal(values)
    return None if parsed is None else (np.where(valid, parsed[0], 0).astype(np.int64), valid)


def _nearest(
    rows: Rows, table: TablePlan, pairs: _Pairs, alike: Sequence[str]
) -> tuple[str | None, tuple[int, ...], bool]:
    """The column in which children are nearest to their parents, quantiles of the distance, and whether it is never
    negative; but for those in which they are ``alike``."""
    best: tuple[float, str, Integers] | None = None
    firm = {c for u in table.uniques for c in u.columns}
    for column in table.columns:
        source = column.source
        if not isinstance(source, Modelled) or column.name in firm | set(alike) or "delta_from" in source.options:
            continue
        found = whole_numbers(rows.column(table.name, column.name))
        if found is None:
            continue
        numbers, valid = found
        both = valid[pairs.child] & valid[pairs.parent]
        if int(both.sum()) < max(LEAST_PAIRS, pairs.child.size // 2):
            continue
        distance = (numbers[pairs.child] - numbers[pairs.parent])[both]
        other = (numbers[pairs.child] - numbers[pairs.shuffled])[both & valid[pairs.shuffled]]
        middle, usual = float(np.median(np.abs(distance))), float(np.median(np.abs(other)) if other.size else 0)
        if usual > 0 and middle <= NEAR * usual and (best is None or middle / usual < best[0]):
            best = middle / usual, column.name, distance
    if best is None:
        return None, (), False
    return best[1], _knots(best[2], rows.protection), bool((best[2] >= 0).all())


def _knots(distance: Integers, protection: int) -> tuple[int, ...]:
    """Quantiles of the distances, each a mean over as many rows as protection asks for."""
    ordered = np.sort(distance)
    around = max(protection, ordered.size // (4 * KNOTS))
    middle = np.linspace(around / 2, ordered.size - around / 2, KNOTS).astype(np.int64)
    low = np.clip(middle - around // 2, 0, max(ordered.size - around, 0))
    return tuple(int(ordered[a : a + around].mean()) for a in low.tolist())


def _class(
    classes: Sequence[tuple[Variable, npt.NDArray[np.int32]]], order: Integers, many: int, pairs: _Pairs
) -> tuple[str | None, tuple[tuple[int, ...], ...]]:
    """The variable whose code in the child tells most of its code in the parent, and how often each pair was seen."""
    best: tuple[float, str, Integers] | None = None
    for variable, codes in classes:
        whole = np.full(many, -1, dtype=np.int64)
        whole[order] = codes
        a, b = whole[pairs.child], whole[pairs.parent]
        there = (a >= 0) & (b >= 0)
        table = np.bincount(a[there] * variable.size + b[there], minlength=variable.size**2)
        table = table.reshape(variable.size, variable.size)
        told = _told(table)
        if told >= CLASS_TELLS and (best is None or told > best[0]):
            best = told, variable.name, table
    if best is None:
        return None, ()
    return best[1], tuple(tuple(row) for row in best[2].tolist())


def _told(table: Integers) -> float:
    """Share of what is open about the column of a table of counts that its row tells, beyond chance; also 1 where it
    is the same for all children, but not for all rows."""
    n = float(table.sum())
    if n < LEAST_PAIRS:
        return 0.0
    joint, a, b = table / n, table.sum(axis=1) / n, table.sum(axis=0) / n
    with np.errstate(divide="ignore", invalid="ignore"):
        mutual = float(np.nansum(joint * np.log(joint / np.outer(a, b))))
        open_ = -float(np.nansum(b * np.log(b)))
        # Children are of one class and their parents of another: that is no chance either.
        apart = float(np.nansum(np.where(b > 0, b * np.log(b / np.maximum((a + b) / 2, 1e-12)), 0.0)))
    chance = (np.count_nonzero(a) - 1) * (np.count_nonzero(b) - 1) / (2 * n)
    return max((mutual - chance) / open_ if open_ > 1e-9 else 0.0, apart)

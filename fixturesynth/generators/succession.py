"""Columns that follow from the sibling before or after: running totals, and ends that are the next one's start.

They are learned as if nothing were known of the rule, so that the next sibling sees what the total was; then they are
computed from what the rows came to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, numpy_of
from fixturesynth.generators.derivation import as_type
from fixturesynth.planning.plan import Derived
from fixturesynth.profiling.columnar import DAY, ColumnView, TableView, view_table
from fixturesynth.profiling.siblings import MOST, Siblings, amounts, line_up
from fixturesynth.profiling.temporal import format_temporal, parse_temporal
from fixturesynth.schema.model import Table

__all__ = ["FOLLOWING", "Views", "by_itself", "follow", "heads", "lag", "running_parts", "view_of", "written"]

NO_END = -1  # of a span: less than any distance

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Parameters = Mapping[str, Any]
Through = Callable[[str, str], pa.Array]  # by foreign key and column: the parent's values, by row

FOLLOWING = ("running", "adjacent", "lagged")


Views = dict[str, tuple[pa.Array, ColumnView]]


def view_of(
    table: Table, columns: Mapping[str, pa.Array], names: tuple[str, ...], known: Views | None = None
) -> TableView:
    """A view of some finished columns. ``known``: views made before, by column, of which those that still hold are
    taken, and where new ones are kept."""
    known = {} if known is None else known
    wanted = [n for n in dict.fromkeys(names) if n in columns]
    rows = len(columns[wanted[0]]) if wanted else 0
    fresh = [n for n in wanted if n not in known or not _same(known[n][0], columns[n])]
    if fresh:
        made = view_table(table, pa.table({n: columns[n] for n in fresh}))
        known |= {n: (columns[n], made[n]) for n in fresh}
    return TableView(table, rows, {n: known[n][1] for n in table.column_names if n in wanted})


def _same(a: pa.Array, b: pa.Array) -> bool:
    return a is b or (a.type == b.type and bool(a.equals(b)))


def follow(
    operation: str,
    view: TableView,
    sources: tuple[str, ...],
    parameters: Parameters,
    kind: pa.DataType,
    alone: pa.Array | None,
    through: Through,
) -> pa.Array:
    """The column, (rows,) of type ``kind``. ``alone``: what it would be by itself, (rows,): totals where families may
    begin anywhere; for ``adjacent`` how far the last of a family is from its own source, or the open end itself."""
    if operation == "running":
        line, steps, opening = running_parts(view, parameters, alone, through)
        total = np.zeros(view.rows, dtype=np.int64)
        total[line.order] = opening[line.family] + line.running(steps)
        inside = np.zeros(view.rows, dtype=bool)
        inside[line.order] = True
        values = as_type(array_of(total / 10.0 ** parameters["decimals"], mask=~inside), kind)
        return values if alone is None or inside.all() else pa.compute.coalesce(values, as_type(alone, kind))
    line = line_up(view, parameters["groups"], parameters["order"])
    source = view[sources[0]]
    whole = _whole(source, parameters)
    ahead = np.where(line.last, line.order, np.roll(line.order, -1))
    value, empty = np.zeros(view.rows, dtype=np.int64), np.ones(view.rows, dtype=bool)
    value[line.order] = whole[ahead] + int(parameters["constant"])
    empty[line.order] = line.last | ~source.valid[ahead]
    if alone is not None:
        own = line.order[line.last]
        distance, known = numpy_of(fill_null(alone, 0)).astype(np.int64), numpy_of(alone.is_valid())
        if parameters.get("always") and known.any():
            # Some rows that were to have a next sibling have none: they end as others do.
            wanting, lenders = own[~known[own]], np.flatnonzero(known)
            distance[wanting], known[wanting] = distance[lenders[np.arange(wanting.size) % lenders.size]], True
        elif parameters.get("always"):
            # None says how far it is: as far as from others to their next sibling.
            gaps = np.append((value - whole)[~empty & source.valid], 1)
            distance[own], known[own] = gaps[np.arange(own.size) % max(gaps.size - 1, 1)], True
        known &= source.valid
        if parameters.get("ends_null"):
            known &= distance != NO_END
        end = parameters.get("open")
        reached = whole + distance if end is None else np.where(distance == end, end, whole + distance)
        value[own], empty[own] = reached[own], ~known[own]
    return written(value, empty, source, parameters, kind)


def heads(view: TableView, parameters: Parameters) -> Flags:
    """Which rows begin a family, (rows,)."""
    line = line_up(view, parameters["groups"], parameters["order"])
    first = np.zeros(view.rows, dtype=bool)
    first[line.order[line.first]] = True
    return first


def lag(
    source: pa.Array, view: TableView, parameters: Parameters, kind: pa.DataType, alone: pa.Array | None
) -> pa.Array:
    """What ``source``, (rows,), was in the sibling before; ``alone`` for the first of each family, NULL without."""
    line = line_up(view, parameters["groups"], parameters["order"])
    before, known = np.zeros(view.rows, dtype=np.int64), np.zeros(view.rows, dtype=bool)
    before[line.order[1:]] = line.order[:-1]
    known[line.order[~line.first]] = True
    values = as_type(source.take(array_of(before, pa.int64(), mask=~known)), kind)
    return values if alone is None else pc.if_else(array_of(known), values, as_type(alone, kind))


def running_parts(
    view: TableView, parameters: Parameters, alone: pa.Array | None, through: Through
) -> tuple[Siblings, Integers, Integers]:
    """Siblings in line, what each adds to the total that it shows, and where each family begins; in whole units."""
    line = line_up(view, parameters["groups"], parameters["order"])
    adding = amounts(view, parameters, exact=False)
    assert adding is not None
    steps = adding[0][line.order]
    if parameters["before"]:
        steps = np.where(line.first, 0, np.roll(steps, 1))
    heads = line.order[line.first]
    opening, scale = parameters["opening"], 10.0 ** parameters["decimals"]
    if "constant" in opening:
        return line, steps, np.full(heads.size, int(opening["constant"]))
    if "about" in opening:
        return line, steps, np.full(heads.size, round(opening["about"] * scale))
    if "column" in opening:
        theirs = through(opening["foreign_key"], opening["column"]).take(array_of(heads))
        return line, steps, _scaled(theirs, scale)
    if alone is None:
        return line, steps, np.zeros(heads.size, dtype=np.int64)
    begins = _scaled(alone.take(array_of(heads)), scale)
    if "within" in opening and heads.size:
        low, high = opening["within"]
        rise = np.add.reduceat(steps, np.flatnonzero(line.first)) - steps[line.first]
        begins = np.maximum(np.minimum(begins, high - rise), np.minimum(begins, low))
    return line, steps, begins - steps[line.first]


def _scaled(values: pa.Array, scale: float) -> Integers:
    numbers = numpy_of(fill_null(as_type(values, pa.float64()), 0.0))
    whole: Integers = np.rint(np.clip(np.nan_to_num(numbers) * scale, -MOST, MOST)).astype(np.int64)
    return whole


def _whole(column: ColumnView, parameters: Parameters) -> Integers:
    if column.family == "datetime":
        return np.where(column.valid, column.moments // int(parameters["unit"]), 0)
    scaled = np.where(column.valid, column.numbers, 0.0) * 10.0 ** parameters["decimals"]
    whole: Integers = np.rint(np.clip(np.nan_to_num(scaled), -MOST, MOST)).astype(np.int64)
    return whole


def written(value: Integers, empty: Flags, like: ColumnView, parameters: Parameters, kind: pa.DataType) -> pa.Array:
    """Whole units as values of type ``kind``, (n,), NULL where ``empty``; texts in ``format``, else as ``like``'s."""
    if like.family != "datetime":
        return as_type(array_of(value / 10.0 ** parameters["decimals"], mask=empty), kind)
    unit = "days" if parameters["unit"] == DAY else "microseconds"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        format = parameters.get("format")
        if format is None and like.values is not None and (parsed := parse_temporal(like.values)) is not None:
            format = parsed[2]
        made = format_temporal(value, unit, str(format or "%Y-%m-%d"), empty)
    else:
        made = format_temporal(value, unit, str(kind), empty)
    return made if made.type == kind else made.cast(kind)


def by_itself(source: Derived, table: Table, columns: Mapping[str, pa.Array], name: str) -> pa.Array | None:
    """What is learned of a column for its own sake, (rows,); None for nothing.

    A total as it is, for the next sibling to see; of adjoining spans how long the last one of each family is.
    """
    if source.operation == "running":
        return columns[name]
    if not source.parameters["free"]:
        return None
    view = view_of(table, columns, (*source.sources, name))
    if source.operation == "lagged":
        return pc.if_else(array_of(heads(view, source.parameters)), columns[name], pa.scalar(None, columns[name].type))
    return _free_ends(view, view[name], source.sources, source.parameters)


def _free_ends(view: TableView, target: ColumnView, sources: tuple[str, ...], parameters: Parameters) -> pa.Array:
    """How far the target of the last of each family is from its own source, int64 (rows,), NULL for all others. An open
    end, which is no distance from anything, is told as it is, and one that is NULL as NO_END: it says nothing of those
    that are not the last."""
    line = line_up(view, parameters["groups"], parameters["order"])
    source = view[sources[0]]
    last = np.zeros(view.rows, dtype=bool)
    last[line.order[line.last]] = True
    ends_null = bool(parameters.get("ends_null"))
    known = last & source.valid & (target.valid | ends_null)
    reached = _whole(target, parameters)
    distance = reached - _whole(source, parameters)
    told = np.where(reached == parameters["open"], reached, distance) if "open" in parameters else distance
    told = np.where(target.valid, told, NO_END) if ends_null else told
    return array_of(told, pa.int64(), mask=~known)

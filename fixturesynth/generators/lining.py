"""Whether the rows of a table without a parent are in line: see ``courses``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.generators.calendar import PARTS
from fixturesynth.generators.courses import (
    SEASONS,
    Course,
    find_course,
    find_levels,
    find_seasons,
    in_line,
    runs,
    season_variable,
    seasons_of,
)
from fixturesynth.generators.gathering import Coded, Rows
from fixturesynth.generators.tablemodel import column_variable, part_variable
from fixturesynth.planning.plan import Key, Modelled, TablePlan

__all__ = ["course_of", "families_of", "line_of"]

Integers = npt.NDArray[np.int64]
InLine = tuple[str | None, str | None, Integers]


def line_of(rows: Rows, table: TablePlan) -> InLine | None:
    """(label, date, order) of the rows of a table that go on from one to the next; None where they do not."""
    if table.context is not None or any(r.how == "self" for r in table.references):
        return None
    there = rows.dataset.arrow(table.name).column_names
    learned = {c.name: c.source for c in table.columns if isinstance(c.source, Modelled) and c.name in there}
    free = {n for n, s in learned.items() if not {"delta_from", "delta_parent"} & set(s.options)}
    dates = [n for n, s in learned.items() if s.encoding == "temporal" and n in free]
    labels = [n for n, s in learned.items() if s.encoding == "categorical" and n in free]
    keys = _key(rows, table)
    if rows.incoming(table.name):
        labels, keys = [], []  # children keep rows in the order of the key, which without dates is an order of names
    ascending = [s.column for s in table.successions if s.kind == "ascending" and not s.groups]
    firm = {s.column for s in table.successions if s.kind != "ascending"}
    columns = {name: rows.column(table.name, name) for name in [*learned, *(k for k in keys if k not in learned)]}
    return in_line(columns, [d for d in dates if d not in firm], labels, keys, ascending)


def _key(rows: Rows, table: TablePlan) -> list[str]:
    """The whole number that rows have for a key in the order of their ranks, where it is one."""
    key = rows.schema[table.name].primary_key
    if key is None or len(key.columns) != 1:
        return []
    (name,) = key.columns
    whole = pa.types.is_integer(rows.dataset.arrow(table.name).schema.field(name).type)
    return [name] if whole and isinstance(table.column(name).source, Key) else []


def course_of(
    rows: Rows, table: TablePlan, line: InLine, coded: Coded, calendars: Mapping[str, Mapping[str, Any]],
    groups: Integers, seed: int,
) -> Course | None:  # fmt: skip
    """What is known of rows in ``line``, whose columns are coded; what is dealt to them comes before all else."""
    label, date, order = line
    place = {v.name: i for i, v in enumerate(coded.variables)}
    named = column_variable(label) if label is not None else None
    if named is not None and (named not in place or coded.encodings[named].rare_code is not None):
        return None
    parts = {p: part_variable(p, date) for p in PARTS if date is not None and part_variable(p, date) in place}
    codes = {p: (coded.variables[place[v]], coded.codes[place[v]]) for p, v in parts.items()}
    values = rows.column(table.name, date).take(pa.array(order)) if date is not None else None
    labels, size = (coded.codes[place[named]], coded.variables[place[named]].size) if named is not None else (None, 0)
    found = find_course(label, date, values, labels, size, codes, groups, rows.protection, seed)
    if found is not None:
        free = [i for i, v in enumerate(coded.variables) if v.name not in {*parts.values(), named}]
        own = [coded.variables[i] for i in free], [coded.codes[i] for i in free]
        if labels is not None:
            found = replace(found, levels=find_levels(labels, size, *own, coded.encodings))
        if date is not None and values is not None and (season := seasons_of(values)) is not None:
            coded.add(season_variable(date), SEASONS, season, ordered=True)
            parts["season"] = season_variable(date)
            if labels is None:
                found = replace(found, seasons=find_seasons(season, *own, coded.encodings))
        first = {*parts.values(), named}
        coded.variables = [replace(v, first=v.first or v.name in first) for v in coded.variables]
    return found


def families_of(course: Course, coded: Coded) -> Integers:
    """The run of each row, (n,), of rows in line."""
    names = [v.name for v in coded.variables]
    label = None if course.label is None else coded.codes[names.index(column_variable(course.label))]
    return runs(np.zeros(coded.codes[0].size, dtype=np.int64) if label is None else label.astype(np.int64))

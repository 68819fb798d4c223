"""Families that fill a grid of moments: a reading for every hour of every station, a price for every day of a share.

Drawn one by one, moments would collide and have to be moved apart, away from what was drawn with them. So where
families have nearly every moment of a grid, these are dealt out first, and all else is drawn knowing them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import numpy_of
from fixturesynth.generators.calendar import PARTS, parts_with
from fixturesynth.generators.encoding import encode
from fixturesynth.generators.encoding.bins import protected_ends
from fixturesynth.generators.tablemodel import TableModel, part_variable
from fixturesynth.planning.plan import UniquePlan
from fixturesynth.profiling.temporal import format_temporal, parse_temporal
from fixturesynth.randomness import below, hashed

__all__ = ["dealt_codes", "dealt_moments", "find_ends", "find_series", "mark_series", "moment_parts"]

Integers = npt.NDArray[np.int64]

FULL = 0.8  # of the moments between the first and the last, that a family must have
MOSTLY = 0.95  # of the rows must be in such families
LEAST_MOMENTS = 20
MOST_MOMENTS = 2**31


def find_series(values: pa.Array, families: Integers, facts: Mapping[str, Any]) -> dict[str, int] | None:
    """Facts of the grid that ``families`` (n,) fill with their moments ``values`` (n,); None where they do not.

    ``facts``: of generators.calendar, with the first and the last moment.
    """
    parsed = parse_temporal(values)
    if parsed is None or values.null_count or "first" not in facts:
        return None
    moments = np.unique(parsed[0])
    if moments.size < LEAST_MOMENTS:
        return None
    step = int(np.gcd.reduce(np.diff(moments)))
    anchor = int(moments[0])
    begin = (facts["first"] - anchor) // step
    many = -((anchor - facts["last"]) // step) - begin + 1
    if many > MOST_MOMENTS:
        return None
    sizes = np.bincount(families)[families]
    full = (sizes >= FULL * many) & (sizes <= many + 2)
    if full.mean() < MOSTLY:
        return None
    return {"step": step, "begin": anchor + begin * step, "many": many}


def mark_series(
    uniques: Sequence[UniquePlan],
    key: Sequence[str],
    dated: Mapping[str, pa.Array],
    families: Integers,
    calendars: Mapping[str, dict[str, Any]],
) -> set[str]:
    """The variables of moments that families (n,) have nearly all of, by ``uniques`` over them and the ``key``.

    ``dated``: columns, (n,), with facts in ``calendars``, which are told the grid.
    """
    marked: set[str] = set()
    for unique in uniques:
        name = unique.flex
        if (
            name is None
            or name not in dated
            or unique.how != "by_separation"
            or not set(unique.columns) <= {*key, name}
        ):
            continue
        grid = find_series(dated[name], families, calendars[name])
        if grid is not None:
            calendars[name]["series"] = grid
            marked |= {part_variable(part, name) for part in PARTS}
    return marked


def find_ends(values: pa.Array, groups: Integers, protection: int) -> dict[str, int]:
    """The first and the last moment of dates, as facts of a calendar, protected as those of numbers are.

    None where fewer than ``protection`` root entities have dates.
    """
    parsed, valid = parse_temporal(values), numpy_of(values.is_valid())
    if parsed is None or np.unique(groups[valid]).size < protection:
        return {}
    first, last = protected_ends(parsed[0][valid], groups[valid], protection)
    return {"first": first, "last": last}


def dealt_moments(
    grid: Mapping[str, int], position: Integers, siblings: Integers, seed: int, *address: str
) -> Integers:
    """A moment for every row, (n,), in the order of ``position``, each only once in a family; -1 for families that do
    not fill the grid, or have no room in it. What is left out lies evenly between.

    >>> dealt_moments({"step": 10, "begin": 100, "many": 5}, np.arange(4), np.full(4, 4), 1, "x").tolist()
    [100, 110, 120, 140]
    """
    many = grid["many"]
    fits = (siblings >= FULL * many) & (siblings <= many)
    head = np.arange(position.size) - position
    start = below(hashed(head, seed, *address, "series"), np.maximum(siblings, 1))
    place = (position * many + start) // np.maximum(siblings, 1)
    return np.where(fits, grid["begin"] + place * grid["step"], -1)


def moment_parts(
    moments: Integers, facts: Mapping[str, Any], kind: pa.DataType
) -> tuple[pa.Array, dict[str, pa.Array]]:
    """Moments, (n,), as values of a column, and the parts in which it is learned."""
    values = format_temporal(moments, facts["unit"], facts["format"], np.zeros(moments.size, dtype=bool))
    values = values if values.type == kind else values.cast(kind)
    parts = parts_with(values, facts) or {}
    return values, {part: parts[part] for part in PARTS if part in parts}


def dealt_codes(model: TableModel, dealt: Mapping[str, Integers]) -> dict[str, npt.NDArray[np.int32]]:
    """Codes, (n,), of the parts of moments that are dealt out, -1 where one is free."""
    out = {}
    for name, moments in dealt.items():
        _, parts = moment_parts(moments, model.calendars[name], model.types[name])
        for part, values in parts.items():
            variable = part_variable(part, name)
            if variable in model.encodings:
                out[variable] = np.where(moments >= 0, encode(model.encodings[variable], values), -1).astype(np.int32)
    return out

"""In which way each column is learned: by its own values, or by how far they lie from another one of row or parent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.generators.context import MOST_FEATURE_CODES
from fixturesynth.generators.distances import Known, Way, bits_saved, own_way, way_from
from fixturesynth.generators.encoding import encode, fit_encoding
from fixturesynth.generators.gathering import Rows
from fixturesynth.generators.offsets import ends_among
from fixturesynth.generators.residuals import find_residuals
from fixturesynth.generators.series import find_ends
from fixturesynth.planning.plan import Modelled, TablePlan

__all__ = ["ways_of"]

Integers = npt.NDArray[np.int64]

LACKING = 0.02  # of the rows may have a moment whose parent has none


def ways_of(rows: Rows, table: TablePlan, order: Integers, known: Known) -> dict[str, Way]:
    """In which way each modelled column that the rows have is learned."""
    there = rows.dataset.arrow(table.name).column_names
    modelled = {c.name: c.source for c in table.columns if isinstance(c.source, Modelled) and c.name in there}
    values = {name: rows.column(table.name, name).take(pa.array(order)) for name in modelled}
    ways = {}
    for name, source in modelled.items():
        beside = [values[n] for n, s in modelled.items() if n != name and s.encoding != "temporal"]
        own = own_way(name, values[name], source.encoding, beside)
        base = _base_column(rows, table, source, order)
        apart = None if base is None else way_from(name, values[name], source.encoding, base, known)
        if base is None or apart is None or _is_alone(table, source, values[name], base, own, apart, known):
            ends = find_ends(values[name], known.groups, known.protection) if own.calendar is not None else {}
            ways[name] = own if own.calendar is None else replace(own, calendar=own.calendar | ends)
        else:
            ways[name] = _between(rows, table, source, order, values[name], apart)
    # What is kept apart, in even steps or within a check is moved by itself.
    firm = {c for u in table.uniques for c in u.columns}
    firm |= {s.column for s in table.successions if s.kind != "ascending"}
    firm |= {c.name for choice in table.branches for branch in choice.branches for c in branch}
    numbers = {n: v for n, v in values.items() if modelled[n].encoding == "numeric"}
    return ways | find_residuals(numbers, {n: ways[n] for n in numbers}, numbers.keys() - firm, known)


def _is_alone(
    table: TablePlan, source: Modelled, values: pa.Array, base: pa.Array, own: Way, apart: Way, known: Known
) -> bool:
    """Whether a column is learned by its own ``values`` and not by its distance from ``base``, (n,) each.

    A parent that the rows are not learned beside is not known when they are drawn: neither way may ask for it.
    """
    lacking = np.asarray(base.is_null()) & np.asarray(values.is_valid())
    above = "delta_parent" in source.options
    if source.options.get("delta_parent", (table.context,))[0] == table.context:
        if above and np.count_nonzero(lacking) > LACKING * len(values):
            return True
        finest = MOST_FEATURE_CODES if above else known.max_codes
        encoding = fit_encoding(
            base, source.encoding, protection=known.protection, groups=known.groups, max_codes=finest
        )
        return bits_saved(own.parts, apart.parts, encode(encoding, base), known, apart=above) > 0
    if not source.options.get("if_shorter"):
        return False
    nothing = np.zeros(len(values), dtype=np.int32)
    return bool(lacking.any()) or bits_saved(apart.parts, own.parts, nothing, known) <= 0


def _base_column(rows: Rows, table: TablePlan, source: Modelled, order: Integers) -> pa.Array | None:
    if "delta_from" in source.options:
        return rows.column(table.name, source.options["delta_from"]).take(pa.array(order))
    if "delta_parent" in source.options:
        foreign_key, name = source.options["delta_parent"]
        return rows.through(table.name, foreign_key, name, order)
    return None


def _between(rows: Rows, table: TablePlan, source: Modelled, order: Integers, values: pa.Array, apart: Way) -> Way:
    """``apart`` with the moments of the parent between which nearly all rows lie, where it is counted from one."""
    foreign_key, _ = source.options.get("delta_parent", (None, None))
    # What is counted in months is no distance that could be compared.
    counted = apart.offset is not None and "unit" in apart.offset and source.encoding == "temporal"
    if not counted or foreign_key is None or foreign_key != table.context:
        return apart
    assert apart.offset is not None
    parent = rows.plan[table.reference(foreign_key).parent]
    others = {
        c.name: rows.through(table.name, foreign_key, c.name, order)
        for c in parent.columns
        if isinstance(c.source, Modelled)
        and c.source.encoding == "temporal"
        and c.name in rows.dataset.arrow(parent.name).column_names
    }
    ends = ends_among(values, others, apart.offset, rows.rank(table.name, foreign_key)[order])
    return replace(apart, offset=apart.offset | ends)

"""Parents' columns that their children give: computed when all tables are there, from the lowest table upwards.

They were drawn with their rows, so that the children saw them; what the children came to takes their place.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, MutableMapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, numpy_of, scalar_of
from fixturesynth.generators.derivation import as_type
from fixturesynth.generators.succession import view_of
from fixturesynth.planning.plan import AggregatePlan, Derived, Plan, TablePlan
from fixturesynth.profiling.aggregates import chosen_child, folded
from fixturesynth.profiling.columnar import locate_parents
from fixturesynth.sampling.assembly import Assembly, Made, shortened
from fixturesynth.sampling.counting import moved_along
from fixturesynth.sampling.repairs import misordered
from fixturesynth.sampling.states import settle_states
from fixturesynth.sampling.succession import computed_again
from fixturesynth.schema.model import Schema
from fixturesynth.schema.predicates import evaluate

__all__ = ["settle_aggregates", "told_by_children"]

Flags = npt.NDArray[np.bool_]
Columns = dict[str, pa.Array]


def settle_aggregates(
    schema: Schema,
    plan: Plan,
    made: MutableMapping[str, Made],
    assemblies: Mapping[str, Assembly],
    given: Collection[tuple[str, str]],
) -> None:
    """Puts into ``made`` what children come to. ``given``: (table, column) that the user set, which stay."""
    for table in (*reversed(plan.tables), *reversed(plan.tables)):  # copies in children may change what these come to
        assembly = assemblies.get(table.name)
        if assembly is None:
            continue
        before = made[table.name].columns
        columns = dict(before)
        for item in table.aggregates:
            child = made.get(item.child)
            if child is None or not child.rows or item.column not in columns or (table.name, item.column) in given:
                continue
            columns[item.column] = _aggregate(schema, item, columns, child, table.name)
        changed = {n for n in columns if columns[n] is not before[n] and not columns[n].equals(before[n])}
        if not changed:
            continue
        counted = assembly.model.offsets if assembly.model is not None else {}
        columns = moved_along(assembly.plan, counted, before, columns, changed)
        _put(schema, plan, made, assemblies, table, before, columns, changed)


def _put(
    schema: Schema, plan: Plan, made: MutableMapping[str, Made], assemblies: Mapping[str, Assembly], table: TablePlan,
    before: Columns, columns: Columns, changed: set[str],
) -> None:  # fmt: skip
    """The table with ``columns``, of which ``changed`` are no longer as ``before``: what is computed from these
    follows, and so do copies in children and what is computed from those."""
    assembly = assemblies[table.name]
    keyed = {c for u in table.uniques for c in u.columns}
    columns = computed_again(assembly, columns, changed, keyed)
    columns = settle_states(assembly, _in_order(table, columns, changed))
    columns = _kept_where_refused(assembly, before, columns)
    made[table.name].columns = columns
    changed = {n for n in columns if columns[n] is not before[n] and not columns[n].equals(before[n])}
    for child in plan.tables:
        theirs = made.get(child.name)
        if child.name not in assemblies or child.name == table.name or theirs is None or not theirs.rows:
            continue
        copies = _copied_again(schema, child, made, table.name, {n: before[n] for n in changed})
        moved = {n for n in copies if not copies[n].equals(theirs.columns[n])}
        if moved:
            _put(schema, plan, made, assemblies, child, theirs.columns, {**theirs.columns, **copies}, moved)


def told_by_children(schema: Schema, plan: Plan) -> frozenset[str]:
    """Tables whose columns change by what children come to, and those with copies of these."""
    found: set[str] = set()
    for table in plan.tables:  # parents first
        fks = {fk.name: fk.parent for fk in schema[table.name].foreign_keys}
        copied = {
            fks[c.source.foreign_key] for c in table.columns
            if isinstance(c.source, Derived) and c.source.operation == "copy" and c.source.foreign_key in fks
        }  # fmt: skip
        if table.aggregates or copied & found:
            found.add(table.name)
    return frozenset(found)


def _aggregate(
    schema: Schema, item: AggregatePlan, columns: Mapping[str, pa.Array], child: Made, parent: str
) -> pa.Array:
    fk = schema[item.child].foreign_key(item.key)
    p, own = item.parameters, columns[item.column]
    theirs = view_of(schema[item.child], child.columns, (*fk.columns, *_read(p)))
    mine = view_of(schema[parent], columns, fk.parent_columns)
    at = locate_parents(theirs, fk, mine)[0]
    if "column" in p:
        chosen = chosen_child(theirs, at, mine.rows, p)
        has = chosen >= 0
        values = child.columns[p["column"]].take(array_of(chosen, pa.int64(), mask=~has))
        values = as_type(values, own.type, p.get("format"))
    else:
        number, has = folded(theirs, at, mine.rows, p)
        values = as_type(array_of(number, mask=~has), own.type)
    if p["empty"] == "zero":
        values = pc.if_else(array_of(has), values, as_type(array_of([0]), own.type)[0])
        none = ~has & ~numpy_of(own.is_valid()) if p.get("sparse") else np.zeros(mine.rows, dtype=bool)
        return pc.if_else(array_of(none), scalar_of(None, own.type), values)
    if p["empty"] == "own" or not schema[parent].column(item.column).nullable:
        return pc.coalesce(values, own)
    return values


def _read(parameters: Mapping[str, object]) -> tuple[str, ...]:
    """Columns of the child that an aggregate reads."""
    names = [parameters.get(n) for n in ("less", "plus", "by", "column")]
    lists = [parameters.get(n, ()) for n in ("columns", "order")]
    return (*(str(n) for n in names if n), *(str(n) for names in lists for n in names))  # type: ignore[attr-defined]


def _in_order(table: TablePlan, columns: Columns, changed: set[str]) -> Columns:
    """Of two columns in order the one that no child gives moves to the other."""
    out = dict(columns)
    given = {a.column for a in table.aggregates}
    for low, high, strict in table.orders:
        if low not in out or high not in out or not {low, high} & changed:
            continue
        bad = misordered(out[low], out[high], strict)
        if bad.any():
            still, moving = (low, high) if low in given else (high, low)
            source = table.column(moving).source
            if moving in given or (isinstance(source, Derived) and source.operation == "copy"):
                continue
            out[moving] = pc.if_else(array_of(bad), as_type(out[still], out[moving].type), out[moving])
            changed.add(moving)
    return out


def _kept_where_refused(assembly: Assembly, before: Columns, columns: Columns) -> Columns:
    """Rows that passed the checks with what was drawn, and fail with what the children come to, stay as drawn."""
    texts = [text for _, text in assembly.plan.repairs]
    if not texts:
        return columns

    def passing(rows: Columns) -> Flags:
        table = pa.table(rows)
        found = [evaluate(text, table, assembly.dialect, now=assembly.now) for text in texts]
        return np.asarray(np.all(found, axis=0), dtype=bool)

    refused = passing(before) & ~passing(columns)
    if not refused.any():
        return columns
    mask = array_of(refused)
    return {n: v if v is before[n] else pc.if_else(mask, before[n], v) for n, v in columns.items()}


def _copied_again(schema: Schema, table: TablePlan, made: Mapping[str, Made], parent: str, before: Columns) -> Columns:
    """A child's copies of columns of its parent that are no longer as ``before``, in the rows that had copies."""
    child = made[table.name]
    out: Columns = {}
    for column in table.columns:
        source = column.source
        if not isinstance(source, Derived) or source.operation != "copy" or source.foreign_key is None:
            continue
        fk = schema[table.name].foreign_key(source.foreign_key)
        if fk.parent != parent or source.sources[0] not in before:
            continue
        theirs = view_of(schema[table.name], child.columns, fk.columns)
        at = locate_parents(theirs, fk, view_of(schema[parent], made[parent].columns, fk.parent_columns))[0]
        own, form = child.columns[column.name], source.parameters.get("format")
        place = array_of(at, pa.int64(), mask=at < 0)
        values = as_type(made[parent].columns[source.sources[0]].take(place), own.type, form)
        if source.parameters.get("mostly"):
            held = pc.equal(as_type(before[source.sources[0]].take(place), own.type, form), own)
            values = pc.if_else(fill_null(held, False), shortened(values, source), own)
        out[column.name] = values
    return out

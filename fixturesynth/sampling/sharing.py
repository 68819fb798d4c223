"""References that share columns: which parents agree with a parent of every other reference, and how to have some.

A port and a network are named by the same ``network_id``: a row can take only ports of networks that are in both
tables. Parents without such a partner get no child, and the table that is made later has a row for what the earlier
ones have.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.generators.keys import locate
from fixturesynth.planning.plan import Plan, Reference, TablePlan
from fixturesynth.planning.sharing import lends, required_together, shared_columns
from fixturesynth.sampling.assembly import Made
from fixturesynth.sampling.counts import allot
from fixturesynth.schema.model import Schema, Table

__all__ = ["agreeing_parents", "lent_values", "moved_to", "partners_needed"]

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def agreeing_parents(plan: TablePlan, table: Table, made: Mapping[str, Made]) -> dict[str, Mask]:
    """By foreign key, parents that have a partner among those of every other reference that shares columns with it.

    References that share nothing are not in the answer.
    """
    names = required_together(plan, table)
    out: dict[str, Mask] = {}
    pairs = [(a, b, s) for a, b in combinations(names, 2) if (s := shared_columns(table, a, b))]
    changed = True
    while changed:
        changed = False
        for a, b, shared in pairs:
            for one, two, own, theirs in ((a, b, 0, 1), (b, a, 1, 0)):
                first, second = made[table.foreign_key(one).parent], made[table.foreign_key(two).parent]
                before = out.get(one, np.ones(first.rows, dtype=bool))
                there = pa.array(out.get(two, np.ones(second.rows, dtype=bool)))
                found = locate(
                    [first.columns[s[own]] for s in shared], [second.columns[s[theirs]].filter(there) for s in shared]
                )
                after = before & (found >= 0)
                changed |= int(after.sum()) < int(before.sum())
                out[one] = after
    return out


def moved_to(degrees: Integers, allowed: Mask | None, cap: int | None, words: npt.NDArray[np.uint64]) -> Integers:
    """``degrees`` with the children of parents that are not ``allowed`` given to others, at most ``cap`` each.

    As they were where nobody, or too few, can take them.
    """
    if allowed is None or allowed.all() or not allowed.any():
        return degrees
    out = np.where(allowed, degrees, 0)
    missing = int(degrees.sum() - out.sum())
    most = missing if cap is None else cap
    if int(np.maximum(most - out, 0)[allowed].sum()) < missing:
        return degrees
    while missing:
        room = np.where(allowed, np.maximum(most - out, 0), 0)
        out += np.minimum(allot(np.where(room > 0, out + 1, 0), missing, words), room)
        missing = int(degrees.sum() - out.sum())
    return out


def partners_needed(schema: Schema, plan: Plan, made: Mapping[str, Made], table: str) -> dict[str, Integers]:
    """By foreign key of ``table``: rows of its parent that must have a child, for partners of rows made before.

    A table that references this one and an earlier one by the same column finds in this one what the earlier has.
    """
    found: dict[str, Integers] = {}
    own = plan[table]
    for column, values in _wanted_values(schema, plan, made, table):
        source = own.column(column).source
        if not isinstance(source, Reference) or own.reference(source.foreign_key).how not in ("context", "matched"):
            continue
        above = made[own.reference(source.foreign_key).parent].columns[source.parent_column]
        rows = locate([values.cast(above.type, safe=False)], [above])
        rows = np.unique(rows[rows >= 0])
        if rows.size:
            found[source.foreign_key] = np.union1d(found.get(source.foreign_key, rows), rows)
    return found


def lent_values(
    schema: Schema, plan: Plan, made: Mapping[str, Made], table: str, base: dict[str, pa.Array]
) -> dict[str, pa.Array]:
    """``base`` with columns that the same rule fills in a partner table taking the partner's values in turn.

    Where nothing but their rules says which tenants two tables have, chance alone would make them agree.
    """
    out = dict(base)
    for child in plan.tables:
        for mine, theirs, other in _partners(schema, plan, made, child, table):
            if mine in base and lends(plan[other], theirs, plan[table], mine):
                values = pc.unique(made[other].columns[theirs]).drop_null().cast(base[mine].type)
                if len(values):
                    index = np.arange(len(base[mine])) % len(values)
                    taken = values.take(pa.array(index))
                    out[mine] = pc.if_else(base[mine].is_valid(), taken, base[mine])
    return out


def _partners(
    schema: Schema, plan: Plan, made: Mapping[str, Made], child: TablePlan, table: str
) -> list[tuple[str, str, str]]:
    """(column of ``table``, column of the other, the other) for columns by which a child names both in every row."""
    declared = schema[child.name]
    names = required_together(child, declared)
    found = []
    for one in names:
        for two in names:
            parent, other = declared.foreign_key(one).parent, declared.foreign_key(two).parent
            if parent == table and other != table and other in made:
                found += [(a, b, other) for a, b in shared_columns(declared, one, two)]
    return found


def _wanted_values(schema: Schema, plan: Plan, made: Mapping[str, Made], table: str) -> list[tuple[str, pa.Array]]:
    """(column of ``table``, values that it should have): those that all earlier partners have."""
    found = []
    for child in plan.tables:
        wanted: dict[str, pa.Array] = {}
        for mine, theirs, other in _partners(schema, plan, made, child, table):
            values = pc.unique(made[other].columns[theirs]).drop_null()
            if mine in wanted:
                known = wanted[mine].cast(values.type, safe=False)
                values = known.filter(pc.is_in(known, values))
            wanted[mine] = values
        found += list(wanted.items())
    return found

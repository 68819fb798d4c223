"""Checks on columns of references: which parents a child may name, and parents that have what a check lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of
from fixturesynth.errors import ConstraintError
from fixturesynth.planning.plan import Key, Plan, Rule, TablePlan
from fixturesynth.sampling.assembly import Made
from fixturesynth.schema.model import Check, ForeignKey, Schema, Table
from fixturesynth.schema.predicates import NotUnderstood, compile_constraints, evaluate

__all__ = ["listed_values", "permitted_parents", "refuse_barred"]

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def permitted_parents(
    plan: TablePlan, table: Table, made: Mapping[str, Made], dialect: str, now: str
) -> dict[str, Mask]:
    """By foreign key, parents that the checks on its columns alone let a row name: ``CHECK (class_id = 1)``.

    References without such checks are not in the answer.
    """
    out: dict[str, Mask] = {}
    for reference in plan.references:
        if reference.how not in ("context", "matched"):
            continue
        key = table.foreign_key(reference.foreign_key)
        above = made[key.parent]
        own = _renamed(key, above)
        good = np.ones(above.rows, dtype=bool)
        for check in _checks_on(table, key):
            try:
                good &= evaluate(check.text, own, dialect, now=now)
            except NotUnderstood:
                continue  # refused when planning, or held by other means
        if not good.all():
            out[key.name] = good
    return out


def refuse_barred(table: Table, permitted: Mapping[str, Mask], ranks: Mapping[str, Integers]) -> None:
    """ConstraintError where a row has a parent that it may not name, because too few may be."""
    for name, good in permitted.items():
        chosen = ranks[name]
        if not good[chosen[chosen >= 0]].all():
            key = table.foreign_key(name)
            checks = ", ".join(check.name for check in _checks_on(table, key))
            asked = f"have what {checks} asks of ({', '.join(key.columns)})" if checks else "are none of another kind"
            raise ConstraintError(
                f"{table.name}: {int(good.sum()):,} rows of {key.parent} {asked}, and that is too few; "
                f"give {key.parent} more of them, or drop the check"
            )


def _renamed(key: ForeignKey, above: Made) -> pa.Table:
    columns = zip(key.columns, key.parent_columns, strict=True)
    return pa.table({mine: above.columns[theirs] for mine, theirs in columns})


def _checks_on(table: Table, key: ForeignKey) -> list[Check]:
    return [c for c in table.checks if c.columns and set(c.columns) <= set(key.columns)]


def listed_values(
    schema: Schema, plan: Plan, table: str, base: Mapping[str, pa.Array], free: Sequence[str]
) -> dict[str, pa.Array]:
    """``base`` with the values that children's checks list for their references, each once, in columns of single keys.

    ``free``: columns that may change.
    """
    listed: dict[str, list[object]] = {}
    planned = {t.name for t in plan.tables}
    for child, key in schema.children_of(table):
        if child.name == table or child.name not in planned or len(key.columns) != 1 or not child.checks:
            continue
        name = key.parent_columns[0]
        if name not in free or not isinstance(plan[table].column(name).source, Key | Rule):
            continue
        domain = compile_constraints(child, schema.dialect, now=plan.now).domains.get(key.columns[0])
        if domain is not None and domain.allowed:
            listed.setdefault(name, []).extend(v for v in domain.allowed if v is not None)
    out = dict(base)
    for name, values in listed.items():
        wanted = _typed(list(dict.fromkeys(values)), base[name].type)
        if wanted is not None:
            out[name] = _with_values(base[name], wanted)
    return out


def _typed(values: Sequence[object], kind: pa.DataType) -> pa.Array | None:
    try:
        return array_of(list(values)).cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
        return None


def _with_values(values: pa.Array, listed: pa.Array) -> pa.Array:
    """``values`` with those of ``listed`` that are missing in the place of the last that are not listed.

    >>> _with_values(pa.array(["a", "b", "c", "d"]), pa.array(["c", "x"])).to_pylist()
    ['a', 'b', 'c', 'x']
    """
    missing = listed.filter(pc.invert(pc.is_in(listed, value_set=values)))
    spare = np.flatnonzero(~np.asarray(pc.is_in(values, value_set=listed)))[::-1][: len(missing)]
    if not spare.size:
        return values
    index = np.arange(len(values))
    index[spare] = len(values) + np.arange(spare.size)
    return pa.concat_arrays([values, missing.slice(0, spare.size)]).take(array_of(index))

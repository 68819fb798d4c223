"""NULL, zero or a value, as a category of the row says: what was never sold on days of rest is not sold there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, scalar_of
from fixturesynth.generators.derivation import as_type
from fixturesynth.planning.plan import Derived, StatePlan
from fixturesynth.profiling.aggregates import plain_category
from fixturesynth.profiling.invariants.states import NAMES, NULL, SET, ZERO, states_of
from fixturesynth.randomness import below, hashed
from fixturesynth.sampling.assembly import Assembly, in_step

__all__ = ["settle_states"]

Columns = dict[str, pa.Array]
Integers = npt.NDArray[np.int64]


def settle_states(assembly: Assembly, columns: Columns) -> Columns:
    """``columns`` in which a value is missing, zero or there where the plan's categories say so.

    A row that lacks one has that of another row of its category, moments as far from the row's other moment as there.
    """
    out = dict(columns)
    for item in assembly.plan.states:
        if item.column not in out or item.source not in out:
            continue
        wanted, kinds = _wanted(assembly, item, out)
        have = states_of(assembly.view(out, item.column)[item.column])
        wrong = (wanted >= 0) & (have != wanted)
        if not assembly.table.column(item.column).nullable:
            wrong &= wanted != NULL
        if not wrong.any():
            continue
        values = out[item.column]
        values = pc.if_else(array_of(wrong & (wanted == NULL)), scalar_of(None, values.type), values)
        if (zero := wrong & (wanted == ZERO)).any():
            values = pc.if_else(array_of(zero), as_type(array_of([0]), values.type)[0], values)
        lacking = np.flatnonzero(wrong & (wanted == SET))
        if lacking.size:
            values = _lent(assembly, item.column, out, values, lacking, (have == SET) & (wanted == SET), kinds)
        out[item.column] = values
    touched = {n: v for n, v in out.items() if v is not columns.get(n)}
    return {**in_step(assembly, columns, out), **touched} if touched else columns


def _wanted(assembly: Assembly, item: StatePlan, columns: Columns) -> tuple[Integers, Integers]:
    """The state that each row is to have, -1 where nothing says so, and the row's category, (rows,) each."""
    states = {category: NAMES.index(state) for category, state in item.states}
    if item.by == "state":
        kinds = states_of(assembly.view(columns, item.source)[item.source])
        told = np.array([states.get(name, -1) for name in NAMES], dtype=np.int64)
        return told[kinds], kinds
    source = assembly.view(columns, item.source)[item.source]
    assert source.values is not None
    classes = [*(plain_category(v) for v in source.values.to_pylist()), None]
    told = np.array([states.get(c, -1) for c in classes], dtype=np.int64)
    kinds = source.dense
    return told[kinds], kinds


def _lent(
    assembly: Assembly, name: str, columns: Columns, values: pa.Array, rows: Integers, good: npt.NDArray[np.bool_],
    kinds: Integers,
) -> pa.Array:  # fmt: skip
    """``values`` with one of a row of the same category in ``rows``; of any ``good`` one where it has none."""
    source = assembly.plan.column(name).source
    index = np.arange(len(values))
    if isinstance(source, Derived) and source.operation == "equal" and source.sources[0] in columns:
        index[rows] += len(values)
        whole = pa.concat_arrays([values, as_type(columns[source.sources[0]], values.type)])
        return whole.take(array_of(index))
    able = np.flatnonzero(good)
    if not able.size:
        return values
    order = able[np.argsort(kinds[able], kind="stable")]
    low = np.searchsorted(kinds[order], kinds[rows], side="left")
    many = np.searchsorted(kinds[order], kinds[rows], side="right") - low
    words = hashed(rows, assembly.seed, assembly.table.name, "states")
    own = order[np.minimum(low + below(words, np.maximum(many, 1)), order.size - 1)]
    donors = np.where(many > 0, own, order[below(words, order.size)])
    index[rows] = donors
    made = values.take(array_of(index))
    base = _beside(name, columns, np.concatenate([rows, donors]))
    if base is None:
        return made
    moved = pc.add(
        columns[base].take(array_of(rows)),
        pc.subtract(values.take(array_of(donors)), columns[base].take(array_of(donors))),
    )
    back = np.arange(len(values))
    back[rows] = len(values) + np.arange(rows.size)
    return pa.concat_arrays([made, moved.cast(made.type)]).take(array_of(back))


def _beside(name: str, columns: Columns, rows: Integers) -> str | None:
    """Another moment that all of these rows have, of the same type."""
    kind = columns[name].type
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        return None
    alike = [n for n, v in columns.items() if n != name and v.type == kind]
    return next((n for n in alike if not columns[n].take(array_of(rows)).null_count), None)

"""From parents' ranks and a table's own values to its columns, in the order in which they hang together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, combined, numpy_of, scalar_of
from fixturesynth.generators.calendar import join_parts
from fixturesynth.generators.context import Features
from fixturesynth.generators.curves import along_curve, is_curve
from fixturesynth.generators.derivation import as_type, derive, find_rows
from fixturesynth.generators.habits import Habits
from fixturesynth.generators.keys import locate
from fixturesynth.generators.offsets import add_offset, base_of, ends_of
from fixturesynth.generators.succession import FOLLOWING, Views, follow, lag, view_of
from fixturesynth.generators.tablemodel import TableModel, null_variable
from fixturesynth.planning.plan import ColumnPlan, Default, Derived, Modelled, Reference, Rule, TablePlan
from fixturesynth.profiling.columnar import TableView
from fixturesynth.randomness import hashed
from fixturesynth.sampling.matching import codes_of, pair_keys
from fixturesynth.sampling.numbering import numbered
from fixturesynth.sampling.partition import ValuesJob, final_type, generated, make_rule_values
from fixturesynth.schema.model import Table

__all__ = ["Assembly", "Made", "compute", "derived", "followed", "in_step", "made", "shortened"]

DEEPEST = 64  # levels of a tree whose texts hang on each other

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]


@dataclass
class Made:
    """A finished table: columns by name, parents' ranks by foreign key, features for its children."""

    rows: int
    columns: dict[str, pa.Array]
    ranks: dict[str, Integers] = field(default_factory=dict)
    features: Features | None = None


@dataclass
class Assembly:
    """A table while its columns are put together. ``base``: what sample_values gave, whole columns.

    ``position``: place among the children of the context parent, (rows,). ``ranks``: parent row by foreign key, -1
    for NULL.
    """

    plan: TablePlan
    table: Table
    model: TableModel | None
    rows: int
    seed: int
    locale: str
    now: str
    base: dict[str, pa.Array]
    codes: Codes
    position: Integers
    ranks: dict[str, Integers]
    made: Mapping[str, Made]
    dialect: str = "generic"
    first: int = 0  # rank of the first row
    there: pa.Table | None = None  # rows of the target that these go beside, in the columns of unique sets
    habits: Mapping[str, Habits] = field(default_factory=dict)  # by foreign key
    later: dict[str, Integers] = field(default_factory=dict)  # by column: ranks of its rule's values, where not its own
    views: Views = field(default_factory=dict)  # by column, as they were last looked at
    orphans: npt.NDArray[np.bool_] | None = None  # (rows,), whose context reference is NULL

    def view(self, columns: Mapping[str, pa.Array], *names: str) -> TableView:
        """A view of some of ``columns``."""
        return view_of(self.table, columns, names, self.views)

    def kind(self, column: str) -> pa.DataType:
        return final_type(self.table, self.model, column)

    def flags(self, column: str) -> npt.NDArray[np.bool_] | None:
        """Where the model says that a derived column is NULL."""
        names = [v.name for v in generated(self.model)] if self.model is not None else []
        variable = null_variable(column)
        return self.codes[:, names.index(variable)] == 1 if variable in names else None

    def place(self, foreign_key: str, own: Mapping[str, pa.Array]) -> Integers:
        """Each row's number, from 0, among the children of its parent; shape (rows,)."""
        if foreign_key == self.plan.context:
            return self.position
        ranks = self.ranks_of(foreign_key, own)
        order = np.argsort(ranks, kind="stable")
        places = np.empty(self.rows, dtype=np.int64)
        places[order] = np.arange(self.rows) - np.searchsorted(ranks[order], ranks[order], side="left")
        return places

    def ranks_of(self, foreign_key: str, own: Mapping[str, pa.Array]) -> Integers:
        """Parent row of every row. Where another reference fills the columns, the row they name is found by its key."""
        if foreign_key in self.ranks:
            return self.ranks[foreign_key]
        fk = self.table.foreign_key(foreign_key)
        columns = own if fk.parent == self.table.name else self.made[fk.parent].columns
        return locate([own[c] for c in fk.columns], [columns[c] for c in fk.parent_columns])

    def through(self, foreign_key: str, parent_column: str, own: Mapping[str, pa.Array]) -> pa.Array:
        """The parent's values of a column, by child; null where there is no parent. ``own``: columns made so far."""
        fk = self.table.foreign_key(foreign_key)
        columns = own if fk.parent == self.table.name else self.made[fk.parent].columns
        ranks = self.ranks_of(foreign_key, own)
        values = columns.get(parent_column)
        if values is None or not len(values):
            kind = values.type if values is not None else pa.null()
            return pa.nulls(self.rows, kind)
        return values.take(array_of(ranks, pa.int64(), mask=ranks < 0))


def compute(assembly: Assembly, known: Mapping[str, pa.Array] | None = None) -> dict[str, pa.Array]:
    """Every column of the table but those left to the database, each in its final Arrow type.

    ``known``: columns that are as they were.
    """
    out = dict(known or {})
    waiting = [c for c in assembly.plan.columns if c.name not in out and not isinstance(c.source, Default)]
    while waiting:
        ready = [c for c in waiting if all(n in out for n in _needs(assembly, c))]
        if not ready:
            # A circle (a learned column that is counted from a derived one): break it where fewest columns wait.
            ready = [min(waiting, key=lambda c: sum(n not in out for n in _needs(assembly, c)))]
        for column in ready:
            out[column.name] = made(assembly, column, out)
        waiting = [c for c in waiting if c.name not in out]
    return out


# Derivations by which a column of a row follows from others of it whatever becomes of these.
IN_STEP = frozenset({"equal", "elapsed", "datepart", "clock", "linear", "product"})


def in_step(assembly: Assembly, before: Mapping[str, pa.Array], columns: dict[str, pa.Array]) -> dict[str, pa.Array]:
    """``columns`` with those computed again that follow from what is no longer as it was ``before``."""
    changed = {n for n, values in columns.items() if values is not before.get(n) and not values.equals(before.get(n))}
    follows: set[str] = set()
    for column in assembly.plan.columns:
        source = column.source
        own = isinstance(source, Derived) and source.operation in IN_STEP
        own = own and (source.foreign_key is None or "theirs" in source.parameters)  # type: ignore[union-attr]
        if own and column.name in columns and (changed | follows) & {*source.sources, column.name}:  # type: ignore[union-attr]
            follows.add(column.name)
    if not follows:
        return columns
    return compute(assembly, {n: values for n, values in columns.items() if n not in follows})


def made(assembly: Assembly, column: ColumnPlan, columns: Mapping[str, pa.Array]) -> pa.Array:
    """One column by ``columns``, those that it needs among them, (rows,)."""
    return _as_asked(assembly, column, _column(assembly, column, columns))


def _as_asked(assembly: Assembly, column: ColumnPlan, values: pa.Array) -> pa.Array:
    """Exactly the share of NULL that the user asked for, by keyed hash; gaps are filled with values of other rows."""
    if column.null_share is None or not len(values):
        return values
    words = hashed(np.arange(len(values)), assembly.seed, assembly.table.name, column.name, "nulls asked")
    wanted = np.zeros(len(values), dtype=bool)
    wanted[np.argsort(words, kind="stable")[: round(len(values) * column.null_share)]] = True
    valid = numpy_of(values.is_valid())
    missing, donors = np.flatnonzero(~valid & ~wanted), np.flatnonzero(valid)
    if missing.size and donors.size:
        index = np.arange(len(values))
        index[missing] = donors[(words[missing] % np.uint64(donors.size)).astype(np.int64)]
        values = values.take(array_of(index))
    return pc.if_else(array_of(wanted), scalar_of(None, values.type), values)


def _needs(assembly: Assembly, column: ColumnPlan) -> tuple[str, ...]:
    source = column.source
    if isinstance(source, Reference):
        own = assembly.table.foreign_key(source.foreign_key).parent == assembly.table.name
        return (source.parent_column,) if own and source.parent_column != column.name else ()
    if isinstance(source, Derived) and (source.operation == "numbered" or "theirs" in source.parameters):
        if source.foreign_key is None or source.foreign_key in assembly.ranks:
            return source.sources
        return (*source.sources, *assembly.table.foreign_key(source.foreign_key).columns)
    if isinstance(source, Derived) and source.foreign_key is None:
        through = source.parameters["copied"][0] if "copied" in source.parameters else None
        if through is None or through in assembly.ranks:
            return source.sources
        return (*source.sources, *(c for c in assembly.table.foreign_key(through).columns if c != column.name))
    if isinstance(source, Derived) and source.foreign_key is not None and source.foreign_key not in assembly.ranks:
        fk = assembly.table.foreign_key(source.foreign_key)
        return tuple(c for c in fk.columns if c != column.name)
    if isinstance(source, Modelled) and assembly.model is not None and column.name in assembly.model.offsets:
        start = base_of(source.options, assembly.model.offsets[column.name])
        return () if start is None else (start,)
    return source.needs if isinstance(source, Rule) else ()


def _column(assembly: Assembly, column: ColumnPlan, out: Mapping[str, pa.Array]) -> pa.Array:
    source, name = column.source, column.name
    kind = assembly.kind(name)
    if isinstance(source, Reference):
        if source.foreign_key not in assembly.ranks:
            return pa.nulls(assembly.rows, kind)
        values = as_type(assembly.through(source.foreign_key, source.parent_column, out), kind)
        orphans = assembly.orphans if source.foreign_key == assembly.plan.context else None
        if orphans is not None and orphans.any() and assembly.table.column(name).nullable:
            values = pc.if_else(array_of(orphans), scalar_of(None, kind), values)
        return values
    if isinstance(source, Derived):
        return derived(assembly, column, source, kind, out)
    if isinstance(source, Rule) and (source.needs or source.parents):
        job = ValuesJob(
            assembly.table.name, 0, assembly.seed, assembly.first, assembly.rows, assembly.codes, assembly.locale,
            assembly.now,
        )  # fmt: skip
        given = {n: out.get(n, pa.nulls(assembly.rows)) for n in source.needs}
        given |= {f"{key}.{name}": assembly.through(key, name, out) for key, name in source.parents}
        if name in assembly.later:
            job = replace(job, ranks=assembly.later[name])
        values = make_rule_values(assembly.plan, assembly.table, assembly.model, column, job, given)
        lines = [key for key, other in source.parents if other == name and _is_own(assembly, key)]
        for _ in range(DEEPEST if lines else 0):  # each turn brings the rows of one level more to what they are
            again = {f"{key}.{name}": assembly.through(key, name, {**out, name: values}) for key in lines}
            before = values
            values = make_rule_values(assembly.plan, assembly.table, assembly.model, column, job, given | again)
            if values.equals(before):
                break
        return values
    values = assembly.base.get(name)
    if values is None:
        return pa.nulls(assembly.rows, kind)
    if isinstance(source, Modelled) and assembly.model is not None and name in assembly.model.offsets:
        facts, base = assembly.model.offsets[name], base_of(source.options, assembly.model.offsets[name])
        ends = None
        if base is not None:
            start = out.get(base, pa.nulls(assembly.rows))
        else:
            foreign_key, parent_column = source.options["delta_parent"]
            start = assembly.through(foreign_key, parent_column, out)
            beside = {
                c: assembly.through(foreign_key, c, out) for c in (*facts.get("since", ()), *facts.get("until", ()))
            }
            ends = ends_of(start, beside, facts) if beside else None
        if assembly.model.calendars.get(name, {}).get("since"):
            parts = {f.name: values.field(f.name) for f in values.type}
            return join_parts(parts, assembly.model.calendars[name], kind, start)
        return add_offset(start, values, facts, kind, ends)
    # Rows of several dimensions were read as texts; a rule's lists are lists.
    listed = isinstance(source, Rule) and pa.types.is_nested(values.type)
    return values if listed or values.type == kind else as_type(values, kind)


def _is_own(assembly: Assembly, foreign_key: str) -> bool:
    return assembly.table.foreign_key(foreign_key).parent == assembly.table.name


def derived(
    assembly: Assembly, column: ColumnPlan, source: Derived, kind: pa.DataType, out: Mapping[str, pa.Array]
) -> pa.Array:
    """A derived column by the columns made so far, (rows,) of type ``kind``."""
    model = assembly.model
    own = _own_reference(assembly, column.name)
    if own is not None:
        return as_type(assembly.through(*own, out), kind)
    if source.operation == "numbered":
        return as_type(numbered(assembly, column.name, source, out), kind)
    if source.operation == "ordinal":
        sources = [array_of(assembly.place(str(source.foreign_key), out))]
    elif source.foreign_key is not None and "theirs" in source.parameters:
        sources = [out.get(s, pa.nulls(assembly.rows)) for s in source.sources]
        sources.append(assembly.through(source.foreign_key, source.parameters["theirs"], out))
    elif source.foreign_key is not None:
        sources = [assembly.through(source.foreign_key, source.sources[0], out)]
    else:
        sources = [out.get(s, pa.nulls(assembly.rows)) for s in source.sources]
    lookup = model.lookups.get(column.name) if model is not None else None
    alone = assembly.base.get(column.name)
    if source.operation in FOLLOWING:
        return followed(assembly, source, kind, alone, out)
    if "copied" in source.parameters:
        through, theirs = source.parameters["copied"]
        above = as_type(assembly.through(through, theirs, out), kind)
        if alone is not None and model is not None and column.name in model.offsets:
            alone = add_offset(above, alone, model.offsets[column.name], kind)
        alone = _unless(alone, shortened(above, source))
    if lookup is not None:
        return _determined(sources, lookup, alone, kind, required=not assembly.table.column(column.name).nullable)
    values = derive(source.operation, sources, source.parameters, kind, lookup)
    if source.parameters.get("mostly"):
        values = _unless(alone, shortened(values, source))
    elif alone is not None:
        values = pc.coalesce(values, as_type(alone, kind))
    flags = assembly.flags(column.name)
    if flags is not None:
        values = pc.if_else(array_of(flags), scalar_of(None, kind), values)
    return values


def _unless(alone: pa.Array | None, values: pa.Array) -> pa.Array:
    """``values`` where the model gives none of its own."""
    return values if alone is None else pc.coalesce(as_type(alone, values.type), values)


def shortened(values: pa.Array, source: Derived) -> pa.Array:
    """Texts cut to what the column has room for; numbers no less than it allows."""
    most, least = source.parameters.get("max_length"), source.parameters.get("least")
    if least is not None:
        bound: pa.Scalar = array_of([least]).cast(values.type, safe=False)[0]
        return pc.max_element_wise(values, bound, skip_nulls=False)
    return values if most is None else pc.utf8_slice_codeunits(values, 0, most)


def followed(
    assembly: Assembly, source: Derived, kind: pa.DataType, alone: pa.Array | None, out: Mapping[str, pa.Array]
) -> pa.Array:
    """A column that goes on from sibling to sibling, by the columns made so far."""

    def through(foreign_key: str, column: str) -> pa.Array:
        return assembly.through(foreign_key, column, out)

    view = assembly.view(out, *source.sources)
    if source.operation == "lagged":
        return lag(out[source.sources[0]], view, source.parameters, kind, alone)
    return follow(source.operation, view, source.sources, source.parameters, kind, alone, through)


def _own_reference(assembly: Assembly, column: str) -> tuple[str, str] | None:
    """The foreign key, and its parent's column, of an implied reference that got rows of its own."""
    for reference in assembly.plan.references:
        if reference.how == "implied" and reference.foreign_key in assembly.ranks:
            fk = assembly.table.foreign_key(reference.foreign_key)
            if column in fk.columns:
                return fk.name, fk.parent_columns[fk.columns.index(column)]
    return None


def _determined(
    sources: Sequence[pa.Array], lookup: pa.Table, alone: pa.Array | None, kind: pa.DataType, *, required: bool
) -> pa.Array:
    """Values by determinant; one that was never seen takes the value that its first row would have alone."""
    found = find_rows(sources, lookup)
    values = derive("determines", sources, {}, kind, lookup)
    missing = np.flatnonzero(found < 0)
    if not missing.size:
        return values
    parts = [codes_of(s.take(array_of(missing))) for s in sources]
    _, first, which = np.unique(pair_keys(*parts), return_index=True, return_inverse=True)
    if is_curve(lookup):
        lent = as_type(along_curve(sources[0].take(array_of(missing[first])), lookup), kind)
    elif alone is not None:
        lent = as_type(alone, kind).take(array_of(missing[first]))
    elif lookup.num_rows:
        # Nothing was learned for rare determinants: known values are dealt out in turn, the most frequent first.
        known = as_type(combined(lookup["target"]), kind)
        lent = known.take(array_of(np.arange(first.size) % min(lookup.num_rows, 1 + first.size)))
    else:
        return values
    if lent.null_count and (required or b"always" in (lookup.schema.metadata or {})):
        # Nothing for this determinant: it takes what others have, and keeps it in all of its rows.
        pool = pa.concat_arrays([lent, values]).drop_null()
        if len(pool):
            lent = pc.coalesce(lent, pool.take(array_of(np.arange(len(lent)) % len(pool))))
    index = np.arange(len(values))
    index[missing] = len(values) + which
    return pa.concat_arrays([values, lent]).take(array_of(index))

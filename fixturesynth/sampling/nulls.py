"""Where values are missing: NULLs that come together, NULLs that follow, and values where none may be missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, numpy_of, scalar_of
from fixturesynth.generators.derivation import as_type
from fixturesynth.generators.encoding import decode
from fixturesynth.generators.succession import FOLLOWING
from fixturesynth.generators.tablemodel import column_variable
from fixturesynth.planning.plan import Derived, Modelled, Reference, RuleCall
from fixturesynth.randomness import below, choose, hashed
from fixturesynth.rules.choice import rule_for_column
from fixturesynth.rules.contract import RuleRequest
from fixturesynth.rules.sampling import sample_rule
from fixturesynth.sampling.assembly import Assembly
from fixturesynth.sampling.partition import context_of
from fixturesynth.schema.predicates import compile_constraints

__all__ = ["among_nulls", "filled", "settle_nulls"]

Integers = npt.NDArray[np.int64]
Columns = dict[str, pa.Array]


def among_nulls(values: pa.Array, odd: Sequence[tuple[str | None, int]], seed: int, *address: str | int) -> pa.Array:
    """The column with what stands for "unknown" among its NULLs, as often as it was there: as texts, or as dates in a
    column of such.

    >>> among_nulls(pa.array([4, None, 7]), [("n/a", 3)], 1, "t", "c").to_pylist()
    ['4', 'n/a', '7']
    """
    if not odd:
        return values
    empty = np.flatnonzero(~_valid(values))
    words = hashed(empty, seed, *address, "odd")
    # Shared out evenly: the order of the words decides who gets which.
    place = np.argsort(np.argsort(words, kind="stable"), kind="stable")
    ends = np.cumsum([count for _, count in odd])
    chosen = np.searchsorted(ends, (2 * place + 1) * int(ends[-1]) // (2 * max(empty.size, 1)), side="right")
    index = np.full(len(values), -1, dtype=np.int64)
    index[empty] = chosen
    kind = values.type if pa.types.is_temporal(values.type) else pa.string()
    naive = pa.timestamp(kind.unit) if pa.types.is_timestamp(kind) else kind
    stand_ins = array_of([text for text, _ in odd], pa.string()).cast(naive).cast(kind)
    return pc.coalesce(pc.cast(values, kind), stand_ins.take(array_of(index, pa.int64(), mask=index < 0)))


def _valid(values: pa.Array) -> npt.NDArray[np.bool_]:
    return numpy_of(values.is_valid())


def settle_nulls(assembly: Assembly, columns: Columns) -> Columns:
    """Columns whose NULLs follow the plan's rules, with a value wherever one is required."""
    out = dict(columns)
    for planned in assembly.plan.columns:
        if isinstance(planned.source, Modelled) and "filled" in planned.source.options and planned.null_share is None:
            out[planned.name] = _seldom_filled(assembly, planned.name, out, *planned.source.options["filled"])
    for source, target, together in assembly.plan.nulls:
        if source not in out or target not in out:
            continue
        empty = ~_valid(out[source])
        drawn = out[target]
        out[target] = pc.if_else(array_of(empty), scalar_of(None, drawn.type), drawn)
        if together:
            out[target] = filled(assembly, target, out[target], ~empty, drawn)
        elif isinstance(assembly.plan.column(target).source, Modelled):
            out[target] = _moved_in(assembly, target, out[target], drawn, empty)
    _spread_nulls(assembly, out)
    for column in assembly.table.columns:
        if not column.nullable and column.name in out and out[column.name].null_count:
            everywhere = np.ones(assembly.rows, dtype=bool)
            out[column.name] = filled(assembly, column.name, out[column.name], everywhere)
    return out


def _seldom_filled(assembly: Assembly, name: str, columns: Columns, some: int, of: int) -> pa.Array:
    """As many values as were learned, where few enough entities have one that the model drew hardly any.

    Rows whose other columns let it have a value come first, then it goes by hash.
    """
    values = columns[name]
    valid = _valid(values)
    wanted = round(assembly.rows * some / of) - int(valid.sum())
    if 2 * wanted <= round(assembly.rows * some / of):
        return values
    barred = np.zeros(assembly.rows, dtype=bool)
    for source, target, _ in assembly.plan.nulls:
        if target == name and source in columns:
            barred |= ~_valid(columns[source])
    words = hashed(np.arange(assembly.rows), assembly.seed, assembly.table.name, name, "seldom")
    chosen = np.zeros(assembly.rows, dtype=bool)
    chosen[np.lexsort((words, barred, valid))[:wanted]] = True
    # From what was learned rather than from the rows that have a value: they are too few to stand for it.
    return filled(assembly, name, _encoded(assembly, name, values, np.flatnonzero(chosen)), chosen)


def _spread_nulls(assembly: Assembly, out: Columns) -> None:
    """Nulls follow nulls until none is missing: one rule's target may be another's source, in any order."""
    ways = [(s, t) for s, t, _ in assembly.plan.nulls] + [(t, s) for s, t, together in assembly.plan.nulls if together]
    ways = [(source, target) for source, target in ways if source in out and target in out]
    for _ in ways:
        changed = False
        for source, target in ways:
            missing = ~_valid(out[source]) & _valid(out[target])
            if missing.any():
                out[target] = pc.if_else(array_of(missing), scalar_of(None, out[target].type), out[target])
                changed = True
        if not changed:
            break


def _moved_in(
    assembly: Assembly, name: str, values: pa.Array, drawn: pa.Array, empty: npt.NDArray[np.bool_]
) -> pa.Array:
    """As many values as were drawn: those of rows that may not have one go to rows that may, and have none."""
    homeless = np.flatnonzero(empty & _valid(drawn))
    room = np.flatnonzero(~empty & ~_valid(drawn))
    room = room[np.argsort(hashed(room, assembly.seed, assembly.table.name, name, "room"), kind="stable")]
    count = min(homeless.size, room.size)
    if not count:
        return values
    index = np.arange(len(values))
    index[room[:count]] = len(values) + homeless[:count]
    return pa.concat_arrays([values, drawn]).take(array_of(index))


def filled(
    assembly: Assembly, name: str, values: pa.Array, wanted: npt.NDArray[np.bool_], drawn: pa.Array | None = None
) -> pa.Array:
    """Values of other rows where a value must be and none is; of ``drawn`` where no row has one any more."""
    valid = _valid(values)
    missing = np.flatnonzero(wanted & ~valid)
    source = assembly.plan.column(name).source
    if not missing.size or isinstance(source, Reference):
        return values
    if not valid.any():
        values = _encoded(assembly, name, values, missing) if drawn is None or not _valid(drawn).any() else drawn
    donors = np.flatnonzero(_valid(values))
    if not donors.size:
        return _by_rule(assembly, name, values.type, missing)
    index = np.arange(len(values))
    index[missing] = donors[below(hashed(missing, assembly.seed, assembly.table.name, name, "filled"), donors.size)]
    empty = array_of(~(wanted | valid))
    return pc.if_else(empty, scalar_of(None, values.type), values.take(array_of(index)))


def _encoded(assembly: Assembly, name: str, values: pa.Array, missing: Integers) -> pa.Array:
    """Values that the column's encoding holds, though the model drew none of them for any row."""
    model, source = assembly.model, assembly.plan.column(name).source
    if isinstance(source, Derived) and source.operation in FOLLOWING:
        return values  # what was learned is how far it is from another
    encoding = model.encodings.get(column_variable(name)) if model is not None else None
    if model is None or encoding is None or name in model.offsets or encoding.size < 2 or encoding.null_code == 0:
        return values
    codes = np.full(len(values), encoding.null_code if encoding.null_code is not None else 0, dtype=np.int32)
    words = hashed(np.arange(len(values)), assembly.seed, assembly.table.name, name, "encoded")
    held = encoding.size - (encoding.null_code is not None)
    # Categories by their rows, the rare ones together; bins of numbers hold about as many rows each.
    weights = np.ones(held, dtype=np.int64)
    if "counts" in encoding.arrays:
        known = encoding.arrays["counts"][:held].astype(np.int64)
        weights[: known.size] = np.maximum(known, 1)
        if encoding.rare_code is not None:
            share = min(encoding.rare_share, 0.999)
            weights[encoding.rare_code] = max(round(int(known.sum()) * share / (1 - share)), 1)
    codes[missing] = choose(words[missing], np.cumsum(weights))
    made = decode(encoding, codes, words << np.uint64(32))
    return pc.if_else(values.is_valid(), values, as_type(made, values.type))


def _by_rule(assembly: Assembly, name: str, kind: pa.DataType, missing: Integers) -> pa.Array:
    """A column of which nothing was left to learn, because every value is rare: it is made by rule where it must be."""
    column = assembly.table.column(name)
    source = assembly.plan.column(name).source
    rare = (source.options if isinstance(source, Modelled) else getattr(source, "parameters", {})).get("rare")
    domain = compile_constraints(assembly.table, assembly.dialect).domains.get(name)
    call = (
        RuleCall(**rare)
        if rare
        else rule_for_column(assembly.table.name, column, None, domain, locale=assembly.locale, unique=False)
    )
    if call is None:
        return pa.nulls(assembly.rows, kind)
    context = context_of(assembly.table, name, assembly.locale, assembly.now)
    made = sample_rule(call, RuleRequest(assembly.seed, context, np.arange(assembly.rows), 0, {}))
    empty = np.ones(assembly.rows, dtype=bool)
    empty[missing] = False
    return pc.if_else(array_of(empty), scalar_of(None, kind), made.cast(kind))

"""Rows that break conditions between their columns, mended by computing one column from the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice, product
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, numpy_of
from fixturesynth.dataset import arrow_type
from fixturesynth.planning.plan import ColumnPlan, Rule
from fixturesynth.schema.model import Table
from fixturesynth.schema.predicates import ColumnDomain, bounds_on, solve

if TYPE_CHECKING:
    from fixturesynth.schema.predicates.isolating import Bound

__all__ = ["Counts", "Ways", "fits", "mend", "ways_to"]

Columns = dict[str, pa.Array]
Counts = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Ways = Mapping[str, "tuple[tuple[Bound, ...], ...]"]  # by column: each way a conjunction of bounds on it

MOST_WAYS = 12  # of one column
PASSES = 2  # over the columns: what is computed from a column that moved later comes right in the second


def ways_to(
    table: Table, dialect: str, texts: Iterable[str], orders: Iterable[tuple[str, str, bool]], movable: Sequence[str]
) -> Ways:
    """For every movable column, the ways in which the conditions and orders together bound it by the others."""
    named = tuple(orders)
    rows = tuple(texts)
    out: dict[str, tuple[tuple[Bound, ...], ...]] = {}
    for name in movable:
        each = [w for text in rows if (w := bounds_on(text, table, dialect, name))]
        each += [[(_bound("GT" if strict else "GTE", low),)] for low, high, strict in named if high == name]
        each += [[(_bound("LT" if strict else "LTE", high),)] for low, high, strict in named if low == name]
        if each:
            out[name] = tuple(tuple(b for way in chosen for b in way) for chosen in islice(product(*each), MOST_WAYS))
    return out


def _bound(operator: str, other: str) -> Bound:
    """The column stands in this relation ("GT", "LTE" ...) to another one."""
    from sqlglot import exp

    from fixturesynth.schema.predicates.isolating import Bound

    return Bound(getattr(exp, operator), exp.Column(this=exp.to_identifier(other, quoted=True)))


def mend(
    rows: Columns, ways: Ways, domains: Mapping[str, ColumnDomain], dialect: str,
    failures: Callable[[Columns], Counts], words: Callable[[str, int], npt.NDArray[np.uint64]],
) -> Columns:  # fmt: skip
    """``rows`` with columns computed wherever that leaves fewer conditions broken.

    ``failures``: how many conditions each row breaks, shape (n,). ``words(column, turn)``: what chooses among values.
    """
    out = dict(rows)
    broken = failures(out)
    for turn in range(PASSES):
        for name, options in ways.items():
            if not broken.any():
                return out
            for values in solve(options, pa.table(out), name, dialect, domains.get(name), words(name, turn)):
                trial = {**out, name: values}
                now = failures(trial)
                better = now < broken
                if better.any():
                    out[name] = pc.if_else(array_of(better), values, out[name])
                    broken = np.where(better, now, broken)
    return out


def fits(table: Table, plan: ColumnPlan, domain: ColumnDomain | None, values: pa.Array) -> Mask:
    """Rows in which the column may hold its value: its type, NOT NULL, its domain and the values of its rule."""
    column = table.column(plan.name)
    good = np.ones(len(values), dtype=bool)
    if not column.nullable or (domain is not None and domain.not_null):
        good &= numpy_of(values.is_valid())
    if column.type.kind == "text" and column.type.length is not None and pa.types.is_string(values.type):
        good &= numpy_of(fill_null(pc.less_equal(pc.utf8_length(values), column.type.length), True))
    if column.type.kind == "integer" and pa.types.is_integer(values.type):
        low, high = column.type.integer_range
        good &= numpy_of(
            fill_null(pc.and_(pc.greater_equal(values, low), pc.less_equal(values, min(high, 2**63 - 1))), True)
        )
    if domain is not None:
        good &= _inside(domain, values)
    source = plan.source
    if isinstance(source, Rule) and source.call.name == "choices" and values.type == arrow_type(column.type):
        good &= _listed(source.call.options.get("values"), values)
    return good


def _inside(domain: ColumnDomain, values: pa.Array) -> Mask:
    coded = values.dictionary_encode()
    test = domain.tester()
    found = [test(_written(v)) for v in coded.dictionary.to_pylist()]
    inside = array_of(found, pa.bool_()).take(coded.indices)
    return np.asarray(numpy_of(fill_null(inside, True)), dtype=bool)


def _written(value: object) -> object:
    """As a domain writes it: moments as ISO text in UTC without a zone."""
    if hasattr(value, "tzinfo") and hasattr(value, "date"):
        value = value.replace(tzinfo=None)  # type: ignore[attr-defined]
    return value.isoformat() if hasattr(value, "isoformat") else value


def _listed(listed: object, values: pa.Array) -> Mask:
    if not isinstance(listed, list | tuple) or any(isinstance(v, list | tuple) for v in listed):
        return np.ones(len(values), dtype=bool)
    try:
        known = array_of(list(listed), values.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        known = array_of([str(v) for v in listed]).cast(values.type)
    return np.asarray(numpy_of(pc.or_(pc.is_in(values, known), pc.is_null(values))), dtype=bool)

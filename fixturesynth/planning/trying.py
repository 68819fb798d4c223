"""Conditions on one column that cannot be solved: candidate values are tried, and those that pass are its domain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.arrays import array_of, fill_null, numpy_of
from fixturesynth.dataset import arrow_type
from fixturesynth.loading.verdicts import FAILED, FALSE, TRUE, UNKNOWN, Judge
from fixturesynth.planning.candidates import candidates, own_values
from fixturesynth.randomness import below, hashed
from fixturesynth.rules.contract import ColumnContext
from fixturesynth.schema.model import Table
from fixturesynth.schema.predicates import (
    Branch,
    ColumnDomain,
    NotUnderstood,
    asks_for_json,
    case_readings,
    constants,
    evaluate_tree,
    reads_documents,
)

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["Trials"]

MOST_ALLOWED = 256  # values that a domain of tried values keeps, where no uniqueness asks for more
ROUNDS = 4  # batches of rows in which several columns are tried together
TOGETHER = 1_024  # rows of a batch
MOST_ROWS = 64  # of those that pass
ENOUGH = 48  # passing values, the likeliest first, with which no others are mixed
# Kinds whose values mean here what they mean in the database; others travel as text, which has other functions.
PLAIN = frozenset(
    {"integer", "float", "decimal", "money", "boolean", "text", "enum", "uuid", "date", "time", "timestamp", "year"}
)


@dataclass(frozen=True)
class Trials:
    """Tries candidates for the columns of one table.

    ``judge``: the database that evaluates what cannot be evaluated here; None: there is none at hand.
    """

    table: Table
    dialect: str
    context: Callable[[str], ColumnContext]
    judge: Judge | None
    unique: frozenset[str]  # columns of sets that must be unique
    kept: frozenset[str]  # columns that hold what other rows say
    rows: int

    def __call__(
        self,
        column: str,
        node: exp.Expression,
        text: str,
        want: bool,
        null_passes: bool,
        alone: bool,
        within: ColumnDomain | None,
    ) -> ColumnDomain | None:
        """The values of ``column`` for which the condition comes out as wanted; None: nothing is known of it.

        ``alone``: the condition is a whole check, so that rows may be judged by it later: where the column's own
        values all pass, that is the better way.
        """
        name, declared = column, self.table.column(column)
        if declared.generated is not None or name in self.kept:
            return None
        context = self.context(name)
        size = max(512, 2 * self.rows if name in self.unique else 0)
        documents = declared.type.kind == "text" and asks_for_json(node)
        holder = replace(declared, type=replace(declared.type, kind="json")) if documents else declared
        own = own_values(self.table.name, holder, within, context, size)
        here = self._verdicts_here(node, name, own)
        passing = _passing(here, want, null_passes) if here is not None else None
        if alone and passing is not None and len(own) and passing.all() and name not in self.unique:
            return None
        groups = [own, *candidates(declared, own, constants(node), text, context.now)]
        if within is not None:
            test = within.tester()
            groups = [g.filter(array_of([test(_plain(v)) for v in g.to_pylist()], pa.bool_())) for g in groups]
        passed = self._passing_values(name, node, text, groups, want, null_passes)
        kept = [v for values in passed or () for v in map(_plain, values.to_pylist()) if v is not None]
        kept = _spread(list(dict.fromkeys(kept)), self._most(name))
        empty = self._null_passes(name, node, text, want, null_passes)
        if not kept and passed is None and empty is None:
            return None
        if not kept:
            # No value is known for which it comes out so: other branches of the condition have to do.
            return ColumnDomain(name, only_null=True, not_null=not (empty and declared.nullable))
        return ColumnDomain(name, allowed=tuple(kept), not_null=not empty)

    def together(self, columns: tuple[str, ...], node: exp.Expression, text: str) -> tuple[Branch, ...]:
        """Rows that the database lets pass; none where the condition can be evaluated here, row by row."""
        declared = [self.table.column(name) for name in columns]
        if self.judge is None or any(c.generated is not None or c.name in self.kept for c in declared):
            return ()
        nothing = pa.table({c.name: array_of([], arrow_type(c.type)) for c in declared})
        if self._evaluates(node, nothing):
            return ()
        batches = []
        for turn in range(ROUNDS):
            made = {}
            for column in declared:
                context = self.context(column.name)
                own = own_values(self.table.name, column, None, context)
                groups = [own, *candidates(column, own, constants(node), text, context.now)] if turn else [own]
                pool = pa.concat_arrays(groups)
                if not len(pool):
                    return ()
                words = hashed(np.arange(TOGETHER), 0, self.table.name, column.name, "together", turn)
                made[column.name] = pool.take(array_of(below(words, len(pool))))
            batches.append(pa.table(made))
        try:
            verdicts = self.judge(self.table, text, batches)
        except NotUnderstood:
            return ()
        good = pa.concat_tables(batches).filter(array_of(_passing(verdicts, True, True))).slice(0, MOST_ROWS)
        rows = dict.fromkeys(tuple(_plain(v) for v in row.values()) for row in good.to_pylist())
        return tuple(
            Branch({n: ColumnDomain(n, allowed=(v,), not_null=True) for n, v in zip(columns, row, strict=True)})
            for row in rows
        )

    def _evaluates(self, node: exp.Expression, nothing: pa.Table) -> bool:
        if reads_documents(node):
            return False  # it can be, but rows drawn at random hardly ever pass
        try:
            evaluate_tree(node, nothing, self.dialect, present=datetime(2026, 1, 1))
        except (NotUnderstood, pa.ArrowException):
            return False
        return True

    def _most(self, name: str) -> int:
        return max(MOST_ALLOWED, 2 * self.rows) if name in self.unique else MOST_ALLOWED

    def _verdicts_here(self, node: exp.Expression, name: str, values: pa.Array) -> npt.NDArray[np.int8] | None:
        """By our own evaluation; None where the condition, or one of the values in it, is beyond it.

        FAILED where the verdict hangs on whether texts are compared by case.
        """
        if self.judge is not None and (self.table.column(name).type.kind not in PLAIN or reads_documents(node)):
            return None
        try:
            read = [
                _codes(evaluate_tree(node, pa.table({name: values}), self.dialect, any_case=any_case))
                for any_case in case_readings(self.dialect)
            ]
        except (NotUnderstood, pa.ArrowException, OverflowError):
            return None
        return np.where(np.all(np.stack(read) == read[0], axis=0), read[0], np.int8(FAILED))

    def _passing_values(
        self, name: str, node: exp.Expression, text: str, groups: list[pa.Array], want: bool, null_passes: bool
    ) -> list[pa.Array] | None:
        """Of each group what passes: of the own values alone where they are enough. None: nothing could be judged."""
        if self._verdicts_here(node, name, groups[0].slice(0, 0)) is not None:
            judged = [self._verdicts_here(node, name, g) for g in groups]
        elif self.judge is not None:
            try:
                verdicts = self.judge(self.table, text, [pa.table({name: g}) for g in groups])
            except NotUnderstood:
                return None
            judged = list(np.split(verdicts, np.cumsum([len(g) for g in groups])[:-1]))
        else:
            return None
        if all(v is None or (v == FAILED).all() for v in judged):
            return None
        out = [
            g.filter(array_of(_passing(v, want, null_passes)))
            for g, v in zip(groups, judged, strict=True)
            if v is not None
        ]
        enough = max(ENOUGH, 2 * self.rows if name in self.unique else 0)
        if judged[0] is not None and len(out[0]) == len(groups[0]) and name not in self.unique:
            return out[:1]
        found: set[Any] = set()
        for number, values in enumerate(out, start=1):
            found |= set(map(_plain, values.to_pylist()))
            if len(found) >= enough:
                return out[:number]  # the first groups are the likeliest
        return out

    def _null_passes(self, name: str, node: exp.Expression, text: str, want: bool, null_passes: bool) -> bool | None:
        """Whether NULL passes; None when nobody can tell."""
        values = pa.nulls(1, arrow_type(self.table.column(name).type))
        verdict = self._verdicts_here(node, name, values)
        if verdict is None and self.judge is not None and self.table.column(name).nullable:
            try:
                verdict = self.judge(self.table, text, [pa.table({name: values})])
            except NotUnderstood:
                return None
        return None if verdict is None else bool(_passing(verdict, want, null_passes)[0])


def _codes(truth: pa.Array) -> npt.NDArray[np.int8]:
    codes = np.full(len(truth), UNKNOWN, dtype=np.int8)
    filled = np.asarray(numpy_of(fill_null(truth, False)), dtype=bool)
    known = np.asarray(numpy_of(truth.is_valid()), dtype=bool)
    codes[known] = np.where(filled[known], TRUE, FALSE)
    return codes


def _passing(verdicts: npt.NDArray[np.int8], want: bool, null_passes: bool) -> npt.NDArray[np.bool_]:
    right = [TRUE if want else FALSE] + ([UNKNOWN] if null_passes else [])
    return np.isin(verdicts, right)


def _plain(value: Any) -> Any:
    """A value as a domain holds it."""
    writer = _WRITERS.get(type(value))
    return writer(value) if writer is not None else value


_WRITERS: dict[type, Callable[[Any], Any]] = {
    datetime: lambda v: v.replace(tzinfo=None).isoformat(),
    date: lambda v: v.isoformat(),
    time: lambda v: v.isoformat(),
    timedelta: lambda v: v // timedelta(microseconds=1),
    list: tuple,
}


def _spread(values: list[Any], most: int) -> list[Any]:
    """At most ``most`` of the values, evenly from all of them."""
    if len(values) <= most:
        return values
    return [values[i] for i in np.linspace(0, len(values) - 1, most).astype(int)]

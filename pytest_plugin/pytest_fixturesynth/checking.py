"""Which rows break which check, by name: what the database would say, said before it is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.schema.model import Table
from fixturesynth.schema.predicates import NotUnderstood, evaluate

__all__ = ["broken", "named_checks", "unread_columns"]

Mask = npt.NDArray[np.bool_]


def named_checks(table: Table) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """(name, condition, columns) of the table's checks, those of its columns' domains among them."""
    found = [(c.name, c.text, c.columns) for c in table.checks]
    for column in table.columns:
        quoted = '"' + column.name.replace('"', '""') + '"'
        for text in column.domain_checks:
            condition = re.sub(r"\bVALUE\b", lambda _, q=quoted: q, text)  # type: ignore[misc]
            found.append((f"of domain {column.type.domain or column.name}", condition, (column.name,)))
    return tuple(found)


def broken(
    table: Table, rows: pa.Table, dialect: str, now: str | None, *, of: frozenset[str] | None = None
) -> Iterator[tuple[str, str, Mask]]:
    """(check, its text, rows that break it) for every check that some row breaks.

    ``of``: only checks on any of these columns. Checks that cannot be evaluated here are left to the database.
    """
    for name, text, columns in named_checks(table):
        if of is not None and not of & set(columns):
            continue
        if any(c not in rows.column_names for c in columns):
            continue  # a column that the database fills
        try:
            holds = evaluate(text, rows, dialect, now=now)
        except NotUnderstood:
            continue
        if not holds.all():
            yield name, text, ~holds


def unread_columns(table: Table, rows: pa.Table, dialect: str) -> frozenset[str]:
    """Columns of checks that only the database can evaluate."""
    found: set[str] = set()
    for _, text, columns in named_checks(table):
        if all(c in rows.column_names for c in columns):
            try:
                evaluate(text, rows.slice(0, 1), dialect)
            except NotUnderstood:
                found.update(columns)
        else:
            found.update(columns)
    return frozenset(found)

"""Conditions that cannot be evaluated here, put to the database that knows their functions, rows in batches."""

from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy import Connection

from fixturesynth.errors import LoadError
from fixturesynth.loading.destination import Destination, run
from fixturesynth.loading.dialects import Dialect, dialect_of
from fixturesynth.loading.verdicts import FAILED, FALSE, TRUE, UNKNOWN, Judge, Verdicts
from fixturesynth.loading.wire import settle
from fixturesynth.schema.connection import as_url, make_engine
from fixturesynth.schema.ddl import table_name
from fixturesynth.schema.model import Column, ColumnType, Table
from fixturesynth.schema.predicates import NotUnderstood
from fixturesynth.schema.targets import quote_name

__all__ = ["make_judge"]

STATEMENTS = 256  # most that one question may take, rows that raise an error being set apart by halving
SCRATCH = "_fixturesynth_trial"
NUMBER = "_fixturesynth_row"


def make_judge(url: str) -> Judge:
    """A function that asks the database at ``url`` of a table's columns whether a condition holds in given rows.

    It takes (table, condition in the database's words, batches of rows with those columns) and gives, for all rows in
    their order, TRUE, FALSE, UNKNOWN (NULL) or FAILED (the row is refused or raises an error, or was not reached in
    STATEMENTS statements). NotUnderstood when the database cannot read the condition. The rows live in a temporary
    table of a transaction that is rolled back; the tables are not touched.
    """
    dialect = dialect_of(as_url(url).get_backend_name())

    @lru_cache(maxsize=4096)
    def remembered(table: Table, text: str, batches: "_Batches") -> Verdicts:
        engine = make_engine(url, must_exist=True)
        try:
            with engine.connect() as connection:
                if dialect.detach:
                    connection.detach()
                try:
                    for statement in dialect.begin:
                        run(connection, statement)
                    return _asked(connection, dialect, table, text, batches.tables)
                finally:
                    connection.rollback()
        except (sa.exc.SQLAlchemyError, engine.dialect.loaded_dbapi.Error) as error:
            raise NotUnderstood(f"the database cannot evaluate {text!r}: {str(error).splitlines()[0]}") from error
        finally:
            engine.dispose()

    return lambda table, text, batches: remembered(
        _bare(table, batches[0].column_names), text, _Batches(tuple(batches))
    )


class _Batches:
    """Rows that compare by their values, so that the same question is asked once."""

    def __init__(self, tables: tuple[pa.Table, ...]) -> None:
        self.tables = tables

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Batches)
            and len(self.tables) == len(other.tables)
            and all(a.equals(b) for a, b in zip(self.tables, other.tables, strict=True))
        )

    def __hash__(self) -> int:
        return hash(tuple((t.num_rows, *t.column_names) for t in self.tables))


def _bare(table: Table, names: list[str]) -> Table:
    """The table with no more than the columns in question: those of a question are its identity."""
    return Table(table.name, tuple(c for c in table.columns if c.name in names), schema=table.schema)


def _asked(
    connection: Connection, dialect: Dialect, table: Table, text: str, batches: tuple[pa.Table, ...]
) -> Verdicts:
    rows = pa.concat_tables(batches).combine_chunks()
    columns = tuple(replace(table.column(name), generated=None) for name in rows.column_names)
    number = Column(NUMBER, ColumnType("integer", "integer"))
    scratch = Destination(Table(SCRATCH, (*columns, number)), (*columns, number), dialect.name)
    for statement in _creation(dialect, table, columns, scratch):
        run(connection, statement)
    verdict = f"CASE WHEN ({text}) THEN {TRUE} WHEN NOT ({text}) THEN {FALSE} ELSE {UNKNOWN} END"
    question = (
        f"SELECT {quote_name(NUMBER, dialect.name)} AS fixturesynth_row, {verdict} AS verdict FROM {scratch.name}"
    )
    run(connection, question).all()  # on no rows: an error here is the condition's own
    arrays = [settle(rows.column(c.name), c, table.name) for c in columns]
    whole = pa.table([*arrays, pa.array(np.arange(rows.num_rows))], names=[*rows.column_names, NUMBER])
    out = np.full(rows.num_rows, FAILED, dtype=np.int8)
    ends = np.cumsum([0, *(b.num_rows for b in batches)]).tolist()
    waiting = [(low, high) for low, high in pairwise(ends) if high > low]
    for _ in range(STATEMENTS):
        if not waiting:
            break
        low, high = waiting.pop(0)
        answers = _answers(connection, dialect, scratch, question, whole.slice(low, high - low))
        if answers is not None:
            for row, found in answers:
                out[int(row)] = int(found)
        elif high - low > 1:
            middle = (low + high) // 2
            waiting += [(low, middle), (middle, high)]
    return out


def _creation(dialect: Dialect, table: Table, columns: tuple[Column, ...], scratch: Destination) -> tuple[str, ...]:
    """A table beside the real one whose columns have its types and collations, and nothing that refuses a row."""
    if dialect.name == "sqlite":  # there CREATE TABLE AS forgets collations
        listed = [
            f"{quote_name(c.name, dialect.name)} {c.type.name}" + (f" COLLATE {c.collation}" if c.collation else "")
            for c in scratch.columns
        ]
        return (f"CREATE TEMPORARY TABLE {scratch.name} ({', '.join(listed)})",)
    quoted = [quote_name(c.name, dialect.name) for c in columns]
    # A domain would refuse the candidates that are to be judged.
    own = [f"CAST({q} AS {c.type.name}) AS {q}" if c.type.domain else q for q, c in zip(quoted, columns, strict=True)]
    number = f"0 AS {quote_name(NUMBER, dialect.name)}"
    return (
        dialect.temporary.format(
            source=scratch.name, columns=", ".join((*own, number)), table=table_name(table, dialect.name)
        ),
    )


def _answers(
    connection: Connection, dialect: Dialect, scratch: Destination, question: str, rows: pa.Table
) -> list[tuple[int, int]] | None:
    """(row, verdict) of every row; None where the database refuses one of them."""
    driver_error: type[Exception] = connection.dialect.loaded_dbapi.Error
    run(connection, "SAVEPOINT fixturesynth_trial")
    try:
        dialect.rows(connection, scratch, rows, lambda written: None)
        return [(int(row.fixturesynth_row), int(row.verdict)) for row in run(connection, question)]
    except (sa.exc.SQLAlchemyError, driver_error, LoadError, pa.ArrowException, OverflowError):
        return None
    finally:
        run(connection, "ROLLBACK TO SAVEPOINT fixturesynth_trial")

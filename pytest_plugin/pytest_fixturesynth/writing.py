"""Single rows into a database, as fast as its driver goes: one prepared INSERT for each table and set of columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from fixturesynth.schema.ddl import table_name
from fixturesynth.schema.model import Column, ColumnType, Table
from fixturesynth.schema.targets import quote_name

__all__ = ["Writer", "is_bare_uuid"]

Execute = Callable[[str, Sequence[Any]], Sequence[Sequence[Any]]]


def _text_of_moment(value: Any) -> str:
    return str(value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat())


def _utc(value: datetime) -> Any:
    return _text_of_moment(value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value)


def _duration(value: timedelta) -> str:
    seconds = int(abs(value).total_seconds())
    sign = "-" if value < timedelta(0) else ""
    fraction = f".{abs(value).microseconds:06d}" if value.microseconds else ""
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}"


# What a driver does not take as it is, by Python type. Decimal to the nearest float: as rows were loaded.
_SQLITE: Mapping[type, Callable[[Any], Any]] = {
    bool: int,
    Decimal: lambda v: int(v) if v == v.to_integral_value() and v.as_tuple().exponent == 0 else float(v),
    datetime: _utc,
    date: _text_of_moment,
    time: _text_of_moment,
    timedelta: _duration,
    UUID: str,
}
_PLAIN: Mapping[type, Callable[[Any], Any]] = {UUID: str}


_AS_THEY_ARE = frozenset((str, int, float, type(None)))


def is_bare_uuid(kind: ColumnType) -> bool:
    """Whether a UUID is stored as 32 digits without dashes, as SQLAlchemy and Django do where there is no such type."""
    return kind.kind == "uuid" and kind.length == 32


def read(column: Column, value: Any) -> Any:
    """A value as the driver gives it, as sampled rows have it."""
    kind = column.type.kind
    if value is None or kind == "text":
        return value
    if isinstance(value, str):
        return _FROM_TEXT[kind](value) if kind in _FROM_TEXT else value
    if kind == "decimal" and isinstance(value, int | float):
        return Decimal(str(value)).quantize(Decimal(1).scaleb(-(column.type.scale or 0)))
    return bool(value) if kind == "boolean" else value


_FROM_TEXT: Mapping[str, Callable[[str], Any]] = {
    "timestamp": datetime.fromisoformat,
    "date": lambda text: date.fromisoformat(text[:10]),
    "time": time.fromisoformat,
    "decimal": Decimal,
    "uuid": lambda text: str(UUID(text)),
}


class Writer:
    """Inserts into and asks one connection. ``mark``: the driver's sign for the n-th parameter, from 0."""

    def __init__(self, execute: Execute, dialect: str, mark: Callable[[int], str], *, returns: bool = True) -> None:
        self.execute = execute
        self.dialect = dialect
        self.mark = mark
        self.returns = returns  # INSERT ... RETURNING
        self.bound = _SQLITE if dialect == "sqlite" else _PLAIN
        self._inserts: dict[tuple[str, tuple[str, ...], tuple[str, ...]], str] = {}
        self._odd: dict[tuple[str, tuple[str, ...], tuple[str, ...]], set[str]] = {}

    def name(self, name: str) -> str:
        return quote_name(name, self.dialect)

    def bind(self, column: Column, value: Any) -> Any:
        """``value`` as the driver takes it for ``column``."""
        if is_bare_uuid(column.type) and value is not None:
            return str(value).replace("-", "")
        if value is None or type(value) in (str, int, float):
            return value
        if isinstance(value, Enum):
            return value.name if column.type.kind == "enum" and value.name in column.type.values else value.value
        kind = column.type.kind
        if isinstance(value, list | tuple | dict | set) or (kind == "json" and not isinstance(value, str)):
            return self._nested(column, value)
        convert = self.bound.get(type(value))
        return convert(value) if convert is not None else value

    def _nested(self, column: Column, value: Any) -> Any:
        if column.type.kind == "array" and self.dialect == "postgresql":
            import pyarrow as pa

            from fixturesynth.dataset import arrow_type
            from fixturesynth.loading.wire import postgresql_lists

            return postgresql_lists(pa.array([list(value)], arrow_type(column.type)))[0].as_py()
        if column.type.kind == "array" and self.dialect == "duckdb":
            return list(value)
        return json.dumps(value, ensure_ascii=False, default=str)

    def insert(self, table: Table, values: Mapping[str, Any], returning: tuple[str, ...]) -> Sequence[Any]:
        """Insert one row; what the database put into the columns ``returning``."""
        names = tuple(values)
        key = (table.name, names, returning)
        statement = self._inserts.get(key)
        if statement is None:
            statement = self._inserts[key] = self._statement(table, names, returning)
            self._odd[key] = {n for n in names if is_bare_uuid(table.column(n).type)}
        odd = self._odd[key]
        parameters = [
            v if type(v) in _AS_THEY_ARE and n not in odd else self.bind(table.column(n), v) for n, v in values.items()
        ]
        found = self.execute(statement, parameters)
        if not returning:
            return ()
        if self.returns:
            return found[0]
        return self._asked(table, values, returning)

    def _statement(self, table: Table, names: tuple[str, ...], returning: tuple[str, ...]) -> str:
        where = table_name(table, self.dialect)
        marks = ", ".join(self.mark(i) for i in range(len(names)))
        listed = ", ".join(self.name(n) for n in names)
        always = self.dialect == "postgresql" and any(table.column(n).identity == "always" for n in names)
        body = f"({listed}){' OVERRIDING SYSTEM VALUE' if always else ''} VALUES ({marks})"
        if not names:
            body = "() VALUES ()" if self.dialect == "mysql" else "DEFAULT VALUES"
        tail = f" RETURNING {', '.join(self.name(n) for n in returning)}" if returning and self.returns else ""
        return self._escaped(f"INSERT INTO {where} {body}{tail}", len(names))

    def _escaped(self, statement: str, marks: int) -> str:
        """Percent signs of names doubled, where the driver takes them for parameters."""
        if self.mark(0) != "%s" or statement.count("%") == statement.count("%s") == marks:
            return statement
        return statement.replace("%", "%%").replace("%%s", "%s")

    def _asked(self, table: Table, values: Mapping[str, Any], returning: tuple[str, ...]) -> Sequence[Any]:
        """The columns by the row's key, or by the number that MySQL has just given it."""
        key = table.primary_key.columns if table.primary_key else tuple(values)
        where = " AND ".join(
            f"{self.name(k)} = {self.mark(0)}" if k in values else f"{self.name(k)} = LAST_INSERT_ID()" for k in key
        )
        listed = ", ".join(self.name(n) for n in returning)
        parameters = [self.bind(table.column(k), values[k]) for k in key if k in values]
        return self.execute(f"SELECT {listed} FROM {table_name(table, self.dialect)} WHERE {where}", parameters)[0]

    def select(
        self,
        table: Table,
        columns: Sequence[str],
        where: Mapping[str, Any],
        *,
        order: Sequence[str] = (),
        most: int = 0,
    ) -> list[tuple[Any, ...]]:
        """Rows in which ``where`` holds, as tuples of ``columns``."""
        tests: list[str] = []
        parameters: list[Any] = []
        for name, value in where.items():
            if value is None:
                tests.append(f"{self.name(name)} IS NULL")
            else:
                tests.append(f"{self.name(name)} = {self.mark(len(parameters))}")
                parameters.append(self.bind(table.column(name), value))
        statement = f"SELECT {', '.join(self.name(c) for c in columns)} FROM {table_name(table, self.dialect)}"
        statement += f" WHERE {' AND '.join(tests)}" if tests else ""
        statement += f" ORDER BY {', '.join(self.name(c) for c in order)}" if order else ""
        statement += f" LIMIT {most}" if most else ""
        kinds = [table.column(c) for c in columns]
        found = self.execute(statement, parameters)
        return [tuple(read(kind, value) for kind, value in zip(kinds, row, strict=True)) for row in found]

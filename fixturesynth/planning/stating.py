"""Values that somebody states for a column, in a spec or on the command line, as the column can hold them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any
from uuid import UUID

import pyarrow as pa

from fixturesynth.errors import did_you_mean
from fixturesynth.loading.conversion import fit
from fixturesynth.schema.model import Column, ColumnType

__all__ = ["stated"]


def stated(value: Any, column: Column) -> Any:
    """``value``, or the member of an Enum, in the one form that plans hold for this kind of column.

    Numbers as such or, where decimals have to be kept, as texts; dates, times, moments (in UTC where the column has
    zones) and durations as texts.

    Raises:
        ValueError: the column cannot hold it; the message says why, and what to write.

    >>> stated(3, Column("price", ColumnType("decimal", "numeric(8,2)", precision=8, scale=2)))
    '3.00'
    >>> stated("2024-05-01T10:00:00+02:00", Column("at", ColumnType("timestamp", "timestamptz", timezone=True)))
    '2024-05-01 08:00:00'
    """
    if value is None:
        return None
    if isinstance(value, Enum):
        value = value.name if column.type.kind == "enum" else value.value
    reader = READERS.get(column.type.kind)
    try:
        return value if reader is None else reader(value, column.type)
    except Misfit as error:
        raise ValueError(f"{value!r} is no {column.type.name}: {error}") from None
    except (ValueError, InvalidOperation, OverflowError):
        hint = HINTS.get(column.type.kind)
        raise ValueError(f"{value!r} is no {column.type.name}{f'; write it as {hint}' if hint else ''}") from None


class Misfit(Exception):
    """A value of the right kind that the column has no room for."""


HINTS: Mapping[str, str] = {
    "date": "2024-12-31", "timestamp": "2024-12-31 18:30:00", "time": "18:30:00", "interval": "1 day 02:30:00",
    "json": "JSON, texts in double quotes", "boolean": "true or false",
}  # fmt: skip
TRUE, FALSE = ("true", "t", "yes", "on", "1"), ("false", "f", "no", "off", "0")


def _number(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise ValueError
    found = Decimal(str(value).strip())
    if not found.is_finite():
        raise ValueError
    return found


def _integer(value: Any, kind: ColumnType) -> int:
    found = _number(value)
    if found != found.to_integral_value():
        raise ValueError
    low, high = kind.integer_range
    if not low <= found <= high:
        raise Misfit(f"it holds {low} to {high}")
    return int(found)


def _decimal(value: Any, kind: ColumnType) -> str:
    found = _number(value)
    if kind.precision is None:
        return format(found, "f")
    scale = kind.scale or 0
    made = found.quantize(Decimal(1).scaleb(-scale)) if abs(found) < Decimal(10) ** (38 - scale) else None
    if made is not None and made != found:
        raise Misfit(f"it has {scale} decimals")
    if made is None or abs(made) >= Decimal(10) ** (kind.precision - scale):
        raise Misfit(f"it has {kind.precision - scale} digits before the point")
    return format(made, "f")


def _float(value: Any, kind: ColumnType) -> float:
    if isinstance(value, bool):
        raise ValueError
    return float(value)


def _boolean(value: Any, kind: ColumnType) -> bool:
    text = str(value).strip().lower()
    if text not in TRUE + FALSE:
        raise ValueError
    return text in TRUE


def _text(value: Any, kind: ColumnType) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if kind.length is not None and len(text) > kind.length:
        raise Misfit(f"it has room for {kind.length} characters, however: {len(text)}")
    return text


def _member(value: Any, kind: ColumnType) -> str:
    text = str(value)
    for one in text.split(",") if kind.kind == "set" else [text]:
        if kind.values and one not in kind.values:
            raise Misfit(did_you_mean(one, kind.values))
    return text


def _date(value: Any, kind: ColumnType) -> str:
    if isinstance(value, datetime):
        value = value.isoformat()
    found = datetime.fromisoformat(str(value).strip()) if not isinstance(value, date) else None
    if found is not None and found.time() != time():
        raise Misfit("it has no time of day")
    return found.date().isoformat() if found is not None else value.isoformat()


def _timestamp(value: Any, kind: ColumnType) -> str:
    found = datetime.fromisoformat(str(value).strip())
    if found.tzinfo is not None:
        if not kind.timezone:
            raise Misfit("it has no time zone")
        found = found.astimezone(UTC).replace(tzinfo=None)
    return found.isoformat(" ")


def _time(value: Any, kind: ColumnType) -> str:
    return time.fromisoformat(str(value).strip()).replace(tzinfo=None).isoformat()


def _interval(value: Any, kind: ColumnType) -> str:
    """Numbers are seconds; texts as PostgreSQL writes them."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        value = timedelta(seconds=float(value))
    if not isinstance(value, timedelta):
        text = str(value).strip()
        read = fit(pa.chunked_array([[f"{text}:00" if text.count(":") == 1 else text]]), kind)
        if not pa.types.is_duration(read.type) or not text:
            raise ValueError
        value = read[0].as_py()
    days, rest = divmod(value, timedelta(days=1))
    return f"{days} days {(datetime.min + rest).time().isoformat()}"


def _uuid(value: Any, kind: ColumnType) -> str:
    return str(UUID(str(value)))


def _json(value: Any, kind: ColumnType) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    json.loads(value)
    return value


READERS: Mapping[str, Callable[[Any, ColumnType], bool | int | float | str]] = {
    "integer": _integer, "decimal": _decimal, "float": _float, "boolean": _boolean, "text": _text, "enum": _member,
    "set": _member, "date": _date, "timestamp": _timestamp, "time": _time, "interval": _interval, "uuid": _uuid,
    "json": _json,
}  # fmt: skip

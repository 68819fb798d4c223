"""From a column and the domain that its constraints leave it to the span of its values."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import numpy as np
import pyarrow as pa

from fixturesynth.dataset import arrow_type
from fixturesynth.errors import FixtureSynthError
from fixturesynth.profiling.semantics import guess_meaning
from fixturesynth.rules.bounds import free_intervals
from fixturesynth.rules.choice import rule_for_column
from fixturesynth.rules.contract import ColumnContext, RuleCall
from fixturesynth.rules.registry import space_of
from fixturesynth.schema.model import Column, Table
from fixturesynth.schema.predicates import ColumnDomain
from fixturesynth.strategies.choices import Alphabet, alphabet
from fixturesynth.strategies.spans import Bytes, Floats, Grid, Listed, Span, Texts, hashable

__all__ = ["NUMBER_UNITS", "Asked", "span_of"]

NUMBER_UNITS: Final = 10**12  # places on the axis of numbers for one
EPOCH: Final = datetime(2000, 1, 1)
SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND
POOLED: Final = 256  # values of a rule, where a type or pattern has no span of its own
TRIED: Final = 4_096
LONGEST_KEY: Final = 200  # characters of texts in keys and indexes: their entries are bounded
LONGEST: Final = 10_000
PLAIN: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
WRITTEN: Final = frozenset({"tsquery", "jsonpath", "lquery", "ltxtquery", "regclass", "regtype", "regproc"})
EXACT: Final = 16  # char(n) up to this length is filled: databases pad shorter values


@dataclass(frozen=True)
class Asked:
    """What surrounds a column.

    ``unique``: a set that must be unique has it. ``folded``: texts that differ only in what a collation or an index
    ignores would be equal. ``ordered``: it is compared with another column.
    """

    table: Table
    dialect: str
    locale: str
    now: str
    unique: bool = False
    folded: bool = False
    ordered: bool = False
    letters: Alphabet | None = None  # the user's own
    planned: RuleCall | None = None  # the rule that the plan has for the column, where it reads no other


def span_of(column: Column, domain: ColumnDomain, asked: Asked) -> Span | None:
    """The values that are not NULL; None where there is none, or nobody knows one."""
    if domain.only_null:
        return None
    maker = _KINDS.get(column.type.kind, _pooled)
    if column.type.kind == "enum" and domain.allowed is None:
        domain = replace(domain, allowed=tuple(column.type.values))
    if domain.allowed is not None:
        maker = _listed if not (asked.ordered and maker in _COUNTED) else maker
    found = maker(column, domain, asked)
    return found if found is not None and found.size else None


def _listed(column: Column, domain: ColumnDomain, asked: Asked) -> Span | None:
    kind = arrow_type(column.type)
    values = []
    for value in domain.allowed or ():
        try:
            values.append(_as_column(value, kind))
        except (pa.ArrowException, ValueError, TypeError, ArithmeticError):
            continue  # a check may list what the type cannot hold
    distinct = {_folded(v) if asked.folded else hashable(v): v for v in values if v is not None}
    return Listed(tuple(distinct.values()))


def _folded(value: Any) -> Any:
    return value.casefold().rstrip() if isinstance(value, str) else hashable(value)


def _as_column(value: Any, kind: pa.DataType) -> Any:
    """A domain's value as Python value of the column's Arrow type."""
    if pa.types.is_timestamp(kind):
        moment = datetime.fromisoformat(str(value))
        return _zoned(moment) if kind.tz else moment.replace(tzinfo=None)
    if pa.types.is_date(kind):
        return date.fromisoformat(str(value)[:10])
    if pa.types.is_time(kind):
        return time.fromisoformat(str(value))
    if pa.types.is_duration(kind):
        return value if isinstance(value, timedelta) else timedelta(microseconds=int(value))
    if pa.types.is_decimal(kind):
        return pa.scalar(Decimal(str(value)), kind).as_py()
    if pa.types.is_boolean(kind):
        return bool(value) if isinstance(value, bool | int) else str(value).lower() in ("t", "true", "1")
    if pa.types.is_list(kind):
        return list(value)
    if pa.types.is_string(kind):
        return value if isinstance(value, str) else str(value)
    return pa.scalar(value, kind).as_py()


def _zoned(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


# -- numbers ----------------------------------------------------------------------------------------------------------
def _whole(column: Column, domain: ColumnDomain, asked: Asked) -> Span | None:
    low, high = column.type.integer_range
    if column.type.kind == "year":
        low, high = 1901, 2155
    if (column.autoincrement or column.identity) and low <= 1:
        low = 1  # MySQL takes 0 for "the next one", and sequences start at 1
    if column.type.name.lower() == "oid":
        low, high = 0, 2**32 - 1
    high = min(high, 2**63 - 1)
    towards = 2000 if column.type.kind == "year" else 0
    pieces = tuple((int(a) - towards, int(b) - towards) for a, b in _pieces(domain, Decimal(1), low, high))
    if not pieces:
        return None
    if towards:
        return Grid(pieces, lambda n: n + towards, lambda v: _integral(v, towards), NUMBER_UNITS)
    return Grid(pieces, int, _integral, NUMBER_UNITS)


def _integral(value: Any, minus: int = 0) -> int | None:
    return int(value) - minus if isinstance(value, int | Decimal | float) and value == int(value) else None


def _pieces(
    domain: ColumnDomain, unit: Decimal, low: int | Decimal, high: int | Decimal
) -> list[tuple[Decimal, Decimal]]:
    if domain.allowed is not None:
        values = sorted(Decimal(str(v)) for v in domain.allowed)
        return [(v, v) for v in values if low <= v <= high and v % unit == 0]
    return free_intervals(domain, unit, (Decimal(low), Decimal(high)))


def _decimal(column: Column, domain: ColumnDomain, asked: Asked) -> Span | None:
    scale = column.type.scale if column.type.scale is not None else 2 if column.type.precision is None else 0
    scale = max(min(scale, 12), 0)
    digits = min(column.type.precision or 15, 15) if asked.dialect == "sqlite" else min(column.type.precision or 17, 30)
    most = Decimal(10**digits - 1).scaleb(-scale)
    least = Decimal(0) if column.type.unsigned else -most
    pieces = [
        (int(a.scaleb(scale)), int(b.scaleb(scale))) for a, b in _pieces(domain, Decimal(1).scaleb(-scale), least, most)
    ]

    def place(value: Any) -> int | None:
        return int(Decimal(str(value)).scaleb(scale)) if isinstance(value, int | float | Decimal) else None

    quantum = Decimal(1).scaleb(-scale)
    unit, coarse = 10 ** (12 - scale), 10**scale
    return Grid(tuple(pieces), lambda n: n * quantum, place, unit, coarse=coarse) if pieces else None


def _floating(column: Column, domain: ColumnDomain, asked: Asked) -> Span | None:
    if asked.ordered or domain.holes or domain.excluded or domain.allowed is not None:
        pieces = _pieces(domain, Decimal("0.01"), -(10**12), 10**12)
        ends = tuple((int(a * 100), int(b * 100)) for a, b in pieces)

        def place(value: Any) -> int | None:
            return round(value * 100) if isinstance(value, int | float | Decimal) else None

        return Grid(ends, lambda n: n / 100, place, 10**10, coarse=100) if ends else None
    single = column.type.bits == 32
    most = 1e30 if single else 1e300
    low = -most if domain.low is None else float(domain.low)
    high = most if domain.high is None else float(domain.high)
    if column.type.unsigned:
        low = max(low, 0.0)
    if domain.low is not None and domain.low_open:
        low = float(np.nextafter(np.float32(low), np.float32(np.inf))) if single else float(np.nextafter(low, np.inf))
    if domain.high is not None and domain.high_open:
        high = (
            float(np.nextafter(np.float32(high), np.float32(-np.inf))) if single else float(np.nextafter(high, -np.inf))
        )
    smallest = 1e-30 if single else 1e-300
    if 0 < low < smallest:
        low = smallest
    if -smallest < high < 0:
        high = -smallest
    return Floats(low, high, smallest, _single if single else None) if low <= high else None


def _single(value: float) -> float:
    out: float = struct.unpack("f", struct.pack("f", value))[0]
    return out


# -- time -------------------------------------------------------------------------------------------------------------
def _date(column: Column, domain: ColumnDomain, asked: Asked) -> Span | None:
    first = date(1000, 1, 1) if asked.dialect == "mysql" else date(1, 1, 1)
    start = EPOCH.date()
    pieces = _spans(domain, DAY, (first - start).days, (date(9999, 12, 31) - start).days)

    def place(value: Any) -> int | None:
        return (value - start).days if isinstance(value, date) and not isinstance(value, datetime) else None

    return Grid(pieces, lambda n: start + timedelta(days=n), place, DAY, "moment") if pieces else None


def _moment(column: Column, domain: ColumnDomain, asked: Asked) -> Span | None:
    low, high = datetime(1, 1, 3), datetime(9999, 12, 29)
    if asked.dialect == "mysql":
        stamp = column.type.name.lower().startswith("timestamp")
        low, high = (datetime(1970, 1, 3), datetime(2038, 1, 17)) if stamp else (datetime(1000, 1, 1), high)
    digits = column.type.precision
    step = SECOND if (asked.dialect == "mysql" and not digits) or digits == 0 else 1
    one = timedelta(microseconds=step)
    pieces = _spans(domain, step, (low - EPOCH) // one, (high - EPOCH) // one)
    if not pieces:
        return None
    start = EPOCH.replace(tzinfo=UTC) if column.type.timezone else EPOCH

    def place(value: Any) -> int | None:
        if not isinstance(value, datetime) or (value.tzinfo is None) != (start.tzinfo is None):
            return None
        return (value - start) // one

    return Grid(pieces, lambda n: start + n * one, place, step, "moment", coarse=SECOND // step)


def _spans(domain: ColumnDomain, unit: int, low: int, high: int) -> tuple[tuple[int, int], ...]:
    """The domain's free ranges in units of microseconds since 2000, from ``low`` to ``high``."""

    def counted(value: Any) -> Any:
        return value if value is None else _microseconds(value)

    moved = replace(
        domain,
        low=counted(domain.low),
        high=counted(domain.high),
        excluded=tuple(map(counted, domain.excluded)),
        holes=tuple(replace(h, low=counted(h.low), high=counted(h.high)) for h in domain.holes),
        allowed=tuple(map(counted, domain.allowed)) if domain.allowed is not None else None,
    )
    pieces = _pieces(moved, Decimal(unit), Decimal(low) * unit, Decimal(high) * unit)
    return tuple((int(a) // unit, int(b) // unit) for a, b in pieces)


def _microseconds(value: Any) -> int:
    moment = datetime.fromisoformat(str(value))
    return (moment.replace(tzinfo=None) - EPOCH) // timedelta(microseconds=1)


def _clock(column: Column, domain: ColumnDomain, asked: Asked) -> Span | None:
    if domain.low is not None or domain.high is not None or domain.holes or domain.excluded or domain.allowed:
        if column.type.timezone:
            return _pooled(column, domain, asked)
        low = _of_day(domain.low, 0) + domain.low_open
        high = _of_day(domain.high, 86_399) - domain.high_open
        if domain.holes or domain.excluded or low > high:
            return _pooled(column, domain, asked)
        return Grid(((low, high),), _time_at, _seconds_of, SECOND, "clock")
    return Grid(((0, 86_399),), _time_at, _seconds_of, SECOND, "clock")


def _of_day(value: Any, otherwise: int) -> int:
    return otherwise if value is None else _seconds_of(time.fromisoformat(str(value))) or 0


def _time_at(seconds: int) -> time:
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60)


def _seconds_of(value: Any) -> int | None:
    return value.hour * 3600 + value.minute * 60 + value.second if isinstance(value, time) else None


def _interval(column: Column, domain: ColumnDomain, asked: Asked) -> Span | None:
    plain = domain == ColumnDomain(domain.column, not_null=domain.not_null)
    if not plain or "year" in column.type.name.lower():
        return _pooled(column, domain, asked)
    one = timedelta(seconds=1)
    return Grid(
        ((0, 10 * 365 * 86_400),), lambda n: n * one, lambda v: v // one if isinstance(v, timedelta) else None, SECOND,
        "interval",
    )  # fmt: skip


# -- texts and the rest -----------------------------------------------------------------------------------------------
def _boolean(column: Column, domain: ColumnDomain, asked: Asked) -> Span | None:
    return Listed(tuple(v for v in (False, True) if domain.contains(v)))


def _text(column: Column, domain: ColumnDomain, asked: Asked) -> Span | None:
    name = column.type.name.lower()
    shaped = domain.like or domain.regex or domain.json or domain.low is not None or domain.high is not None
    if (
        shaped
        or domain.holes
        or name in ("tsquery", "jsonpath", "lquery", "ltxtquery", "regclass", "regtype", "regproc")
    ):
        return _pooled(column, domain, asked)
    longest = LONGEST_KEY if asked.unique else LONGEST
    for limit in (column.type.length, domain.max_length):
        longest = longest if limit is None else min(longest, limit)
    shortest, octets = domain.min_length or 0, None
    if domain.octets is not None:
        shortest, octets = max(shortest, domain.octets[0] or 0), domain.octets[1]
        longest = longest if octets is None else min(longest, octets)
    if column.type.fixed:
        longest = min(longest, column.type.length or 1)
        shortest = longest if longest <= EXACT else shortest
    if longest < shortest:
        return None
    letters = _letters(column, domain, asked, narrow=domain.octets is not None)
    if asked.ordered:
        return _numbered(shortest, longest)
    return Texts(shortest, longest, letters, frozenset(v for v in domain.excluded if isinstance(v, str)))


def _letters(column: Column, domain: ColumnDomain, asked: Asked, *, narrow: bool) -> Alphabet:
    """Characters that the column can hold and that nothing takes for one another where that would matter."""
    if asked.letters is not None and not asked.folded:
        return asked.letters
    if asked.folded or narrow or domain.lower or column.type.fixed or domain.upper:
        return _alphabet(PLAIN.upper() if domain.upper else PLAIN)
    if asked.dialect == "mysql":
        return _alphabet(_mysql_characters(column.collation, asked.unique))
    return _alphabet(None, " " if domain.trimmed else "")


@lru_cache(maxsize=64)
def _alphabet(characters: str | None, without: str = "") -> Alphabet:
    return alphabet(characters, without=without)


def _mysql_characters(collation: str | None, unique: bool) -> str | None:
    """What MySQL's character sets hold; in keys what no collation folds, and no blanks, which are cut off."""
    name = (collation or "").lower()
    if unique or not name or name.startswith("ascii"):
        return PLAIN
    if name.startswith("utf8mb4"):
        return None
    return "".join(map(chr, (*range(32, 127), *range(0xA1, 0xFF))))


def _numbered(shortest: int, longest: int) -> Span | None:
    """Texts that every collation puts in one order: numbers, with zeros before them."""
    width = min(max(shortest, 4), longest)
    if not width:
        return Listed(("",))

    def place(value: Any) -> int | None:
        return int(value) if isinstance(value, str) and value.isdigit() and len(value) == width else None

    return Grid(((0, 10 ** min(width, 9) - 1),), lambda n: str(n).rjust(width, "0"), place, 1, f"text {width}")


def _uuid(column: Column, domain: ColumnDomain, asked: Asked) -> Span | None:
    if domain != ColumnDomain(domain.column, not_null=domain.not_null):
        return _pooled(column, domain, asked)

    def place(value: Any) -> int | None:
        return UUID(str(value)).int

    return Grid(((0, 2**128 - 1),), lambda n: str(UUID(int=n)), place, 1, "uuid")


def _bytes(column: Column, domain: ColumnDomain, asked: Asked) -> Span | None:
    least, most = domain.octets or (None, None)
    shortest = max(least or 0, domain.min_length or 0)
    longest = LONGEST_KEY if asked.unique else LONGEST
    for limit in (most, domain.max_length, column.type.length):
        longest = longest if limit is None else min(longest, limit)
    if column.type.fixed:
        shortest = longest = column.type.length or 1
    return Bytes(shortest, longest) if shortest <= longest else None


def _pooled(column: Column, domain: ColumnDomain, asked: Asked) -> Span | None:
    """The first values of the column's rule that lie in its domain."""
    values: dict[Any, Any] = {}
    allows = domain.tester()
    for value, written in _of_rules(column, domain, asked):
        key = _folded(value) if asked.folded else hashable(value)
        if key not in values and allows(written):
            values[key] = value
        if len(values) >= POOLED:
            break
    return Listed(tuple(values.values())) if values else None


def _of_rules(column: Column, domain: ColumnDomain, asked: Asked) -> Iterator[tuple[Any, Any]]:
    """(value, as a domain writes it), by the rule for the column's type and then by that for its meaning."""
    moment = datetime.fromisoformat(asked.now)
    now = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    context = ColumnContext(asked.table.name, column.name, column.type, asked.locale, now)
    own = (
        rule_for_column(asked.table.name, column, meaning, domain, locale=asked.locale, unique=asked.unique, now=now)
        for meaning in dict.fromkeys((None, guess_meaning(asked.table.name, column, None)))
    )
    for call in (asked.planned,) if column.type.kind == "range" else (*own, asked.planned):
        if call is None:
            continue
        call = replace(call, unique=asked.unique)
        try:
            space = space_of(call, replace(context, unique=call.unique))
            found = space.at(np.arange(min(space.size, TRIED), dtype=np.int64), {})
            array = found.cast(arrow_type(column.type))
        except (FixtureSynthError, pa.ArrowException):
            continue
        yield from zip(array.to_pylist(), map(_written, found.to_pylist()), strict=True)


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat()
    return value.isoformat() if hasattr(value, "isoformat") else value


_KINDS: Final[Mapping[str, Callable[[Column, ColumnDomain, Asked], Span | None]]] = {
    "integer": _whole,
    "year": _whole,
    "decimal": _decimal,
    "money": _decimal,
    "float": _floating,
    "boolean": _boolean,
    "text": _text,
    "uuid": _uuid,
    "date": _date,
    "timestamp": _moment,
    "time": _clock,
    "interval": _interval,
    "bytes": _bytes,
}
_COUNTED: Final = frozenset({_whole, _decimal, _floating, _date, _moment})

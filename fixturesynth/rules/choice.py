"""The default rule of a column without rows: from its meaning, its type and what its constraints allow."""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Protocol

import numpy as np

from fixturesynth.errors import FixtureSynthError
from fixturesynth.randomness import hashed
from fixturesynth.rules import vocabulary
from fixturesynth.rules.bounds import Bounds, bounds_of
from fixturesynth.rules.contract import ColumnContext, RuleCall, Space
from fixturesynth.rules.declared import around, is_switch, led, number_of, spellings_of
from fixturesynth.rules.defaults import (
    ABBREVIATED,
    BYTES,
    CODED,
    KINDS,
    MOMENTS,
    NAMED,
    NUMBERS,
    PRICED,
    SHORT,
    TEXTS,
)
from fixturesynth.rules.grammar import drawn
from fixturesynth.rules.habits import flag_weights, json_options, values_of, words_in
from fixturesynth.rules.moments import epoch_unit, moment_of
from fixturesynth.rules.registry import space_of
from fixturesynth.rules.regular import letters_of
from fixturesynth.rules.windows import window_of
from fixturesynth.schema.model import Column, ColumnType, Table
from fixturesynth.schema.predicates import compile_constraints

__all__ = ["DomainLike", "rule_for_column"]

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
_TRIED: Final = 512  # values of a candidate that are held against a domain of text
_TRIED_LONG: Final = 8_192  # of them where a pattern may refuse one that is rare
_ENOUGH: Final = 24  # different texts of the column's meaning that are better than texts drawn from a pattern


_PAST: Final = re.compile(r"(?:ed|return|completion|discharge|finish|stop)(?:_?(?:at|on|date|time))?$", re.IGNORECASE)


class DomainLike(Protocol):
    """What is read of ``schema.predicates.ColumnDomain``."""

    allowed: Any
    excluded: Any
    low: Any
    high: Any
    low_open: bool
    high_open: bool
    holes: Any
    min_length: int | None
    max_length: int | None
    octets: Any
    like: tuple[str, ...]
    regex: Any
    lower: bool
    upper: bool
    json: bool

    def contains(self, value: object) -> bool: ...
    def tester(self) -> Callable[[object], bool]: ...


@dataclass(frozen=True)
class _Case:
    """One column to decide."""

    table: str
    column: Column
    type: ColumnType
    meaning: str | None
    domain: Any  # DomainLike or None
    locale: str
    unique: bool
    now: datetime
    rows: int

    @property
    def context(self) -> ColumnContext:
        return ColumnContext(self.table, self.column.name, self.type, self.locale, self.now)

    def call(self, name: str, options: Mapping[str, Any] | None = None) -> RuleCall:
        return RuleCall(name, dict(options or {}), unique=self.unique)


def rule_for_column(
    table_name: str,
    column: Column,
    meaning: str | None,
    domain: Any,
    *,
    locale: str,
    unique: bool,
    now: datetime = NOW,
    rows: int = 1,
) -> RuleCall | None:
    """The rule by which a column is filled when there are no rows to learn from.

    ``domain`` is a ColumnDomain (or None); ``rows``: how many distinct values a unique column needs, so that a rule
    with fewer is passed over where another has room. None: there is no rule for this type, or none whose values the
    domain allows; the planner then refuses, naming the column.
    """
    case = _Case(table_name, column, column.type, meaning, domain, locale, unique, now, rows)
    if domain is not None and domain.allowed is not None:
        return _allowed(case)
    chooser = _KINDS.get(column.type.kind)
    return chooser(case) if chooser else None


def _allowed(case: _Case) -> RuleCall | None:
    values = [_plain(v) for v in case.domain.allowed if v is not None]
    return case.call("choices", {"values": values, "weights": _falling(len(values))}) if values else None


def _plain(value: object) -> Any:
    """A JSON value for a value of a domain."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def _falling(count: int) -> list[int]:
    return [max(1, 60 // (i + 1)) for i in range(count)]


def _number(case: _Case) -> RuleCall | None:
    """Whole and broken numbers: the meaning's quantiles inside the domain and the type."""
    kind = case.type
    if kind.kind == "integer" and (early := _whole(case)) is not None:
        return early
    name = {"integer": "integers", "float": "floats"}.get(kind.kind, "decimals")
    scale = 0 if kind.kind == "integer" else kind.scale if kind.scale is not None else 2
    scale = min(scale, 4) if kind.kind != "integer" else 0
    if name == "floats" or case.meaning in ("latitude", "longitude"):
        scale = min(kind.scale, 6) if kind.kind == "decimal" and kind.scale is not None else 5 if _precise(case) else 2
    if name == "integers" and case.meaning in _FRACTIONS:
        scale = 0
    knots = [Decimal(str(q)) * _factor(case) for q in _law(case)]
    bounds = bounds_of(case.domain, Decimal(1).scaleb(-scale), _type_bounds(kind, scale), (knots[0], knots[-1]))
    if bounds is None:
        return None
    options: dict[str, Any] = {"low": str(bounds.low), "high": str(bounds.high)}
    if name != "integers":
        options["scale"] = scale
    else:
        options = {"low": int(bounds.low), "high": int(bounds.high)}
    inside = [q for q in knots if bounds.low <= q <= bounds.high]
    if not case.unique and len(inside) > 2:
        options["quantiles"] = [int(q) if q == int(q) else str(q) for q in inside]
    if case.unique:
        options = _widened(case, bounds, options)
    if case.meaning in PRICED and name == "decimals":
        options["endings"] = "price"
    return case.call(name, options)


def _law(case: _Case) -> tuple[int | str, ...]:
    meaning = case.meaning or ""
    if case.type.kind == "integer" and meaning in KINDS:
        return KINDS[meaning]
    law = NUMBERS.get(meaning, _general(case))
    default = number_of(case.column)
    if default is None or case.unique or case.meaning not in _SETTINGS or (meaning and default < 2):
        return law
    return (int(default),) * 9 + (int(default) + 3,) if meaning == "port" else around(default, law)


# Numbers of which most are what the schema gives by default.
_SETTINGS: Final = frozenset(
    (None, "count", "small_count", "duration", "maximum", "minimum", "memory_mb", "pixels", "port", "font_size", "size")
)


def _factor(case: _Case) -> int:
    """Hundredths where the name says so: cents of whole numbers, rates in percent."""
    words = words_in(case.column.name)
    cents = case.type.kind == "integer" and words[-1:] in (("cents",), ("minor",), ("pence",))
    percent = case.meaning in _FRACTIONS and any(w in ("percent", "pct", "percentage") for w in words)
    return 100 if cents or percent else 1


_CLOCK: Final = re.compile(r"(?:^|_|(?<=[a-z]))(?:at|on|ts|time|timestamp|epoch|millis|ms)$", re.IGNORECASE)
_ALWAYS: Final = frozenset({"created_at", "updated_at", "timestamp"})  # moments also where the name has no clock in it


def _timed(name: str) -> bool:
    return bool(_CLOCK.search(name)) or name.lower().startswith(("last", "next"))


def _whole(case: _Case) -> RuleCall | None:
    """Flags of 0 and 1, and moments that are counted in seconds or thousandths."""
    domain = case.domain
    plain = domain is None or (domain.low is None and domain.high is None and not domain.excluded and not domain.holes)
    if (case.meaning == "flag" or (case.meaning is None and is_switch(case.column))) and plain and not case.unique:
        return case.call("choices", {"values": [1, 0], "weights": list(flag_weights(words_in(case.column.name)))})
    wide = case.type.bits is None or case.type.bits >= 32
    clock = case.meaning in _ALWAYS or (case.meaning in MOMENTS and _timed(case.column.name))
    if not (wide and clock) or case.unique:
        return None
    low, high, _ = MOMENTS.get(case.meaning or "", ("now - 2 years", "now", True))
    unit = epoch_unit(case.type, case.column.name)
    counted = case.call("epochs", {"low": low, "high": high, "unit": unit})
    found = _checked(case, [counted])
    return found if plain or found == counted else None  # a check that leaves few moments means other numbers


_FRACTIONS: Final = frozenset({"tax_rate", "discount_rate", "rate"})


def _precise(case: _Case) -> bool:
    return case.meaning in ("latitude", "longitude")


def _general(case: _Case) -> tuple[int | str, ...]:
    if case.type.kind == "integer" and case.type.bits == 8:
        return (0, 1, 2, 5, 10, 30, 100)
    return (0, 1, 3, 10, 30, 100, 300, 1000)


def _type_bounds(kind: ColumnType, scale: int) -> tuple[Decimal, Decimal]:
    if kind.kind == "integer":
        low, high = kind.integer_range
        return Decimal(low), Decimal(min(high, 2**62))
    if kind.kind == "decimal" and kind.precision:
        most = Decimal(10) ** min(kind.precision - (kind.scale or 0), 15) - Decimal(1).scaleb(-scale)
        return -most, most
    return Decimal(-(10**12)), Decimal(10**12)


def _widened(case: _Case, bounds: Bounds, options: dict[str, Any]) -> dict[str, Any]:
    """Unique numbers need room: as far as the domain and the type allow, up to a thousand million."""
    high = min(bounds.highest, max(bounds.high, Decimal(10**9)))
    return {**options, "high": int(high) if case.type.kind == "integer" else str(high)}


def _moment(case: _Case) -> RuleCall | None:
    name = {"date": "dates", "timestamp": "timestamps"}[case.type.kind]
    low, high, recent = MOMENTS.get(case.meaning or "", ("now - 2 years", "now", True))
    if case.meaning == "end" and _PAST.search(case.column.name):
        low, high, recent = "now - 1 year", "now", True  # closed_at has been; ends_at may still come
    if case.unique and name == "dates":
        low = "now - 60 years"
    options: dict[str, Any] = {"low": low, "high": high}
    step = timedelta(days=1) if name == "dates" else timedelta(seconds=1)
    domain = case.domain
    if domain is not None and (domain.low is not None or domain.high is not None or domain.holes or domain.excluded):
        first, last = window_of(domain, moment_of(low, case.now), moment_of(high, case.now), step, case.now)
        if first > last:
            return None
        options = {"low": first.isoformat(), "high": last.isoformat()}
    if recent and not case.unique:
        options["recent"] = True
    return _checked(case, [case.call(name, options)])


def _time(case: _Case) -> RuleCall | None:
    options = {}
    domain = case.domain
    for key in ("low", "high"):
        if domain is not None and getattr(domain, key) is not None:
            options[key] = str(getattr(domain, key))
    return case.call("times", options)


def _boolean(case: _Case) -> RuleCall:
    return case.call("choices", {"values": [True, False], "weights": list(flag_weights(words_in(case.column.name)))})


def _enum(case: _Case) -> RuleCall | None:
    own = led(case.type.values, case.column)
    values = [v for v in own if v in case.type.values and (case.domain is None or case.domain.contains(v))]
    return case.call("choices", {"values": values, "weights": _falling(len(values))}) if values else None


def _bytes(case: _Case) -> RuleCall:
    least, most = (case.domain.octets if case.domain is not None and case.domain.octets else None) or (None, None)
    length = case.type.length if case.type.fixed and case.type.length else BYTES.get(case.meaning or "")
    if case.meaning == "uuid" and length == 16:
        return case.call("uuid")
    wanted = length or 32
    wanted = max(wanted, least or 0)
    wanted = min(w for w in (wanted, most, case.type.length) if w is not None)
    return case.call("bytes", {"length": wanted})


def _json(case: _Case) -> RuleCall:
    return case.call("json", json_options(case.column.name, case.column.default))


_OF_LISTS: Final[Mapping[str | None, str]] = {None: "tags", "scope_list": "scope"}  # what an element means


def _array(case: _Case) -> RuleCall | None:
    element = case.type.element
    if element is None:
        return None
    inner = rule_for_column(
        case.table,
        replace(case.column, type=element),
        _OF_LISTS.get(case.meaning, case.meaning) if element.kind == "text" else case.meaning,
        _element_domain(element),
        locale=case.locale,
        unique=case.unique,
        now=case.now,
        rows=case.rows,
    )
    return case.call("array", {"element": {"name": inner.name, "options": dict(inner.options)}}) if inner else None


def _element_domain(element: ColumnType) -> Any:
    """What the checks of an element's domain allow; None where there are none."""
    if not element.checks:
        return None
    alone = Table("element", (Column("value", element, domain_checks=element.checks),))
    return compile_constraints(alone, "postgresql").domains.get("value")


def _inet(case: _Case) -> RuleCall:
    if case.type.name == "inet6":  # MariaDB's, which takes no IPv4 address
        return case.call("regex", {"pattern": "2001:db8:[1-9a-f][0-9a-f]{3}:[1-9a-f][0-9a-f]{3}::[1-9a-f]"})
    return case.call("inet")


def _simple(name: str, options: Mapping[str, Any] | None = None) -> Callable[[_Case], RuleCall | None]:
    return lambda case: case.call(name, options)


def _text(case: _Case) -> RuleCall | None:
    if case.type.name in NAMED:
        values, pattern = NAMED[case.type.name]
        plain = case.call("choices", {"values": values, "weights": _falling(len(values))})
        return plain if values and not case.unique else case.call("regex", {"pattern": pattern})
    limits = _text_limits(case)
    return _checked(case, [replace(c, options={**c.options, **limits}) for c in _text_candidates(case)])


def _text_limits(case: _Case) -> dict[str, Any]:
    domain = case.domain
    if domain is None:
        return {}
    least, most = domain.octets or (None, None)
    options: dict[str, Any] = {
        "max_length": most if most is not None else domain.max_length,
        "min_length": max(n or 0 for n in (least, domain.min_length)) or None,
        "octets": True if most is not None else None,
        "case": "lower" if domain.lower else "upper" if domain.upper else None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _text_candidates(case: _Case) -> Iterator[RuleCall]:
    """Rules for a text column, the most telling first: what the column means, then the shapes that its checks name."""
    if case.domain is not None and case.domain.json:
        yield case.call("json")
    yield from _of_length(case)
    if case.domain is None or not _is_shaped(case.domain):
        yield from _meant(case)
        yield from _plainly(case)
        return
    yield from _meant(case)
    yield _by_length(case)
    yield from _shapes(case)
    yield from _plainly(case)


def _of_length(case: _Case) -> Iterator[RuleCall]:
    """Texts that must have a length of hashes or of UUIDs are such, unless they mean something else."""
    length = case.domain.min_length if case.domain is not None else None
    if length is None or length != case.domain.max_length or case.meaning not in _NUMBERED:
        return
    if length == 36:
        yield case.call("uuid")
    elif length in (32, 40, 64, 128):
        yield case.call("hex", {"length": length})


def _is_shaped(domain: Any) -> bool:
    return bool(domain.like or domain.regex)


def _shapes(case: _Case) -> Iterator[RuleCall]:
    """Texts drawn from the patterns of the column's checks, which say how they are written and not what they are."""
    if (letters := letters_of([p for p, _, negated in case.domain.regex if negated])) is not None:
        least = case.domain.min_length or 1
        most = max(least, min(n for n in (case.domain.max_length, case.type.length, least + 11) if n is not None))
        yield case.call("regex", {"pattern": f"{letters}{{{least},{most}}}"})
    for pattern, _ignore_case, negated in case.domain.regex:
        if not negated:
            yield case.call("regex", {"pattern": pattern})
            yield from (case.call("regex", {"pattern": p}) for p in _longer(pattern) if case.unique)
    for shapes in itertools.permutations(case.domain.like[:3]):
        if len(shapes) > 1:  # one after the other: a start, what is in between, an end
            yield case.call("like", {"pattern": re.sub("%%+", "%", "%".join(s.strip("%") for s in shapes))})
            yield case.call("like", {"pattern": re.sub("%%+", "%", "%".join(shapes))})
    for shape in case.domain.like:
        yield case.call("like", {"pattern": shape})


def _meant(case: _Case) -> Iterator[RuleCall]:
    length = case.type.length
    meaning = case.meaning or ""
    if (spelled := spellings_of(case.column)) is not None and not case.unique:
        yield case.call("choices", {"values": list(spelled), "weights": list(flag_weights(words_in(case.column.name)))})
    if length is not None and length <= 3 and meaning in SHORT:
        few = [v for v in led(SHORT[meaning], case.column) if len(v) <= length]
        yield case.call("choices", {"values": few, "weights": _falling(len(few))})
    if length is not None and length <= 3 and meaning in ABBREVIATED:
        yield case.call(ABBREVIATED[meaning])
    if meaning == "json_data" and length is not None and length < _DOCUMENT:
        return  # no room for a document: words
    if meaning == "json_data" and (options := json_options(case.column.name, case.column.default)):
        yield case.call("json", options)
    if meaning == "address" and length in _IP_LENGTHS:
        yield case.call("ip")
    if meaning == "port" and length is not None and length > 11:
        yield case.call("city")  # no number has so many digits: a harbour
    if meaning == "color" and length is not None and length <= 7 and (case.type.fixed or length == 7):
        yield case.call("color_hex")
    if length == 40 and meaning in ("revision", "version"):
        yield case.call("hex", {"length": 40})  # as Git numbers them
    if not case.unique and (own := values_of(meaning, case.column.name, case.table)) is not None:
        fitting = [v for v in led(own, case.column) if length is None or len(v) <= length]
        if len(fitting) >= min(2, len(own)):
            yield case.call("choices", {"values": fitting, "weights": _falling(len(fitting))})
    if meaning == "status" and not case.unique and (told := led((), case.column)):
        values = led(list(vocabulary.STATUSES), case.column)
        fitting = [v for v in values if length is None or len(v) <= length]
        yield case.call("choices", {"values": fitting or told, "weights": _falling(len(fitting or told))})
    if meaning in TEXTS and (length is None or length >= 2):
        yield case.call(*TEXTS[meaning])
    if case.unique and meaning in _PLACES and (length is None or length >= 12):
        yield case.call(*TEXTS["city"])  # more of them than the world has
    if meaning in _HASHED:
        yield case.call("hex", {"length": 64})
    if case.unique and meaning in CODED:
        yield case.call("regex", {"pattern": CODED[meaning]})
    if meaning in vocabulary.LISTS and case.unique and (length is None or length >= 12):
        values = vocabulary.LISTS[meaning]
        if case.rows <= len(values):
            yield case.call("choices", {"values": values})
        yield case.call("slug" if meaning in _TECHNICAL else "labels")
    if meaning in vocabulary.LISTS and not case.unique:
        values = led(vocabulary.LISTS[meaning], case.column)
        if length is None or len([v for v in values if len(v) <= length]) * 2 > len(values):
            yield case.call("choices", {"values": values, "weights": _falling(len(values))})
    if meaning in MOMENTS and (length is None or length >= 10):
        low, high, _ = MOMENTS[meaning]
        yield case.call("timestamps" if length is None or length >= 19 else "dates", {"low": low, "high": high})
    if meaning in NUMBERS and not case.unique:
        knots = [int(q) for q in NUMBERS[meaning] if isinstance(q, int)] or [0, 1]
        yield case.call("integers", {"low": knots[0], "high": knots[-1], "quantiles": knots})


def _plainly(case: _Case) -> Iterator[RuleCall]:
    length = case.type.length
    yield _by_length(case)
    yield case.call("words", {"count": 1})
    yield case.call("pattern", {"patterns": [["A" * min(length or 8, 8), 1]]})


def _longer(pattern: str) -> Iterator[str]:
    """A pattern that is open at its ends, with signs there: more values, where each may come once."""
    if not pattern.endswith("$"):
        yield from (f"(?:{pattern})[a-z0-9]{{{n}}}" for n in (6, 2))
    if not pattern.startswith("^"):
        yield from (f"[a-z0-9]{{{n}}}(?:{pattern})" for n in (6, 2))


_DOCUMENT: Final = 100  # characters that a column of documents has
_TECHNICAL: Final = frozenset(("command", "glob", "tag", "template_name", "container_image", "provider"))
_PLACES: Final = frozenset(("country", "native_country", "state", "county", "region", "continent"))
_HASHED: Final = frozenset(("password_hash", "public_key"))  # where there is no room for how they are written
_NUMBERED: Final = frozenset((None, "identifier", "id", "uuid", "code", "key", "token", "external_id", "reference"))
_IP_LENGTHS: Final = frozenset((15, 39, 45, 46))  # what the longest addresses of the internet need, and nothing else


def _by_length(case: _Case) -> RuleCall:
    length = case.type.length
    if length is not None and (length <= 6 or (case.type.fixed and length <= 16)):
        return case.call("pattern", {"patterns": [["A" * length if length < 4 else "AA" + "9" * (length - 2), 1]]})
    if case.unique:
        return case.call("slug") if length is None or length >= 24 else case.call("pattern", {"pattern": "AAA999"})
    if length is not None and length <= 12:
        return case.call("words", {"count": 1})
    return case.call("words", {"count": 3 if length is None or length >= 40 else 2})


def _checked(case: _Case, candidates: list[RuleCall]) -> RuleCall | None:
    """The first candidate of which the domain allows every tried value; else what is allowed of the best one.

    Where a pattern leaves enough of what the column means, that comes before texts drawn from the pattern. Where values
    must be unique and none has enough of them, the one with most.
    """
    allows = case.domain.tester() if case.domain is not None else None
    if allows is None and not case.unique and case.type.kind == "text" and case.type.length is None:
        return candidates[0]  # any value of it will do: nothing to try, and no pool of words to load for that
    shaped = case.domain is not None and case.type.kind == "text" and _is_shaped(case.domain)
    best: list[Any] = []
    few: list[tuple[int, RuleCall]] = []
    for call in candidates:
        try:
            space = space_of(call, case.context)
            values = _tried(space)
        except FixtureSynthError:
            continue
        if not values:
            continue
        if case.unique and space.size < case.rows and call is not candidates[-1]:
            if allows is None or all(allows(v) for v in values):
                few.append((space.size, call))
            continue
        if allows is None:
            return call
        drawn_from_shape = call.name in ("regex", "like")
        if shaped and drawn_from_shape and len(best) >= max(_ENOUGH, case.rows if case.unique else 0):
            break
        good = [v for v in values if allows(v)]
        if shaped and good and not drawn_from_shape:
            # A text that is rare may be the one that a pattern refuses.
            values = _tried(space, _TRIED_LONG)
            good = [v for v in values if allows(v)]
        if len(good) == len(values):
            return call
        if len(set(good)) > len(best):
            best = list(dict.fromkeys(good))[: max(_TRIED, case.rows)]
    if few and max(size for size, _ in few) > len(best):
        return max(few, key=lambda one: one[0])[1]
    return case.call("choices", {"values": best}) if best else None


@lru_cache(maxsize=256)
def _tried(space: Space, most: int = _TRIED) -> tuple[Any, ...]:
    """Values of a space, as domains write them, to hold against domains; columns alike have one space."""
    size = min(most, space.size)
    ranks = np.arange(size, dtype=np.int64)
    scattered = ranks if space.size <= most else drawn(replace(space, block=None), _scatter(size))
    return tuple(_written(v) for v in space.at(scattered, {}).to_pylist())


def _scatter(size: int) -> Any:
    return hashed(np.arange(size), 0, "trial")


def _written(value: Any) -> Any:
    """A value as a domain writes it: dates and times as ISO text, in UTC and without a zone."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat()
    return value.isoformat() if hasattr(value, "isoformat") else value


_KINDS: Final[Mapping[str, Callable[[_Case], RuleCall | None]]] = {
    "integer": _number,
    "float": _number,
    "decimal": _number,
    "money": _number,
    "boolean": _boolean,
    "text": _text,
    "enum": _enum,
    "set": _simple("set"),
    "uuid": _simple("uuid"),
    "json": _json,
    "xml": _simple("xml"),
    "hstore": _simple("hstore"),
    "tsvector": _simple("tsvector"),
    "ltree": _simple("ltree"),
    "date": _moment,
    "timestamp": _moment,
    "time": _time,
    "interval": _simple("intervals"),
    "year": _simple("years"),
    "bytes": _bytes,
    "bit": _simple("bits"),
    "inet": _inet,
    "cidr": _simple("cidr"),
    "macaddr": _simple("macaddr"),
    "array": _array,
    "range": _simple("range"),
    "geometry": _simple("geometry"),
}

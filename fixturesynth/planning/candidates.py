"""Values worth trying where a condition cannot be solved: the column's own rule first, then what the condition names.

Every kind of column has groups of candidates. They are not random: the same column and condition have the same ones.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa

from fixturesynth.arrays import array_of, scalar_of
from fixturesynth.dataset import arrow_type
from fixturesynth.errors import FixtureSynthError
from fixturesynth.profiling.semantics import guess_meaning
from fixturesynth.rules.choice import rule_for_column
from fixturesynth.rules.contract import ColumnContext, RuleCall, RuleRequest
from fixturesynth.rules.sampling import sample_rule
from fixturesynth.schema.model import Column, ColumnType

__all__ = ["candidates", "own_values"]

OWN: Final = 512  # values of the column's own rule
MODEST: Final = 2**28  # numbers below it may be multiplied by small ones, and added, in any integer type
_EPOCH: Final = datetime(1970, 1, 1)


def own_values(table: str, column: Column, domain: Any, context: ColumnContext, size: int = OWN) -> pa.Array:
    """What the column's own rule would give, shape (at most ``size``,); empty where there is no rule."""
    meaning = guess_meaning(table, column, None)
    call = rule_for_column(table, column, meaning, domain, locale=context.locale, unique=False, now=context.now)
    return _sampled(call, context, size, column.type)


def _sampled(call: RuleCall | None, context: ColumnContext, size: int, kind: ColumnType) -> pa.Array:
    if call is None:
        return array_of([], arrow_type(kind))
    try:
        return sample_rule(call, RuleRequest(0, context, np.arange(size, dtype=np.int64), 0, {}))
    except FixtureSynthError:
        return array_of([], arrow_type(kind))


def candidates(column: Column, own: pa.Array, literals: Sequence[Any], text: str, now: datetime) -> Iterator[pa.Array]:
    """Groups of values of the column's Arrow type; ``literals`` are the constants of the condition ``text``.

    A group holds values of one shape, because a condition may not take others (a cast of letters to a number).
    """
    make = _KINDS.get(column.type.kind)
    for values in make(column.type, own, literals, text, now) if make else ():
        array = _typed(values, column.type)
        if len(array):
            yield array


def _typed(values: Iterable[Any], kind: ColumnType) -> pa.Array:
    """The values that the type takes, each once."""
    target = arrow_type(kind)
    distinct = list(dict.fromkeys(values))
    try:
        return array_of(distinct, target)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        kept = []
        for value in distinct:
            try:
                scalar_of(value, target)
            except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
                continue
            kept.append(value)
        return array_of(kept, target)


_Groups = Iterator[Iterable[Any]]


def _numbers(literals: Sequence[Any]) -> list[Decimal]:
    found = []
    for value in literals:
        try:
            found.append(Decimal(str(value)))
        except ArithmeticError:
            continue
    return [n for n in found if n.is_finite()]


def _integers(kind: ColumnType, own: pa.Array, literals: Sequence[Any], text: str, now: datetime) -> _Groups:
    low, high = kind.integer_range if kind.kind == "integer" else (1901, 2155)
    named = [int(n) for n in _numbers(literals) if abs(n) < 2**62]
    near = [n + d for n in named for d in (-2, -1, 0, 1, 2)]
    near += [a * b for a, b in itertools.product(named, named)]
    wide = [n * 10**k for k in range(1, 19) for n in (1, 2, 5, 7, 12, 37)]
    spread = [10**k * 12345678901 // 10**10 for k in range(19)]
    bits = [2**k for k in range(63)] + [2**k - 1 for k in range(63)]
    dense = [*range(1024), *range(-1, -101, -1), *range(1900, 2101)]
    held = [n for n in (*dense, *near, *wide, *spread, *bits, *(-n for n in near)) if low <= n <= high]
    # What a condition computes of large numbers may overflow, and then the whole group has no verdict.
    yield [n for n in held if abs(n) < MODEST]
    yield [n for n in held if abs(n) >= MODEST]


def _decimals(kind: ColumnType, own: pa.Array, literals: Sequence[Any], text: str, now: datetime) -> _Groups:
    scale = kind.scale if kind.scale is not None else 2
    unit = Decimal(1).scaleb(-min(scale, 4))
    named = _numbers(literals)
    near = [n + d * step for n in named for d in (-2, -1, 0, 1, 2) for step in (unit, Decimal(1), Decimal("0.1"))]
    dense = [Decimal(n) for n in range(-20, 200)] + [Decimal(n) / 10 for n in range(200)]
    dense += [Decimal(n) / 2 for n in range(100)] + [Decimal(10) ** k for k in range(9)]
    rounded = [n.quantize(unit) for n in (*dense, *near)]
    yield rounded if kind.kind != "float" else [float(n) for n in (*dense, *near)]


def _texts(kind: ColumnType, own: pa.Array, literals: Sequence[Any], text: str, now: datetime) -> _Groups:
    length = kind.length or 200
    mine = [v for v in own.to_pylist() if v][:128]
    words = [v for v in literals if isinstance(v, str) and v and len(v) <= length]

    def fitting(values: Iterable[str]) -> list[str]:
        return [v for v in values if len(v) <= length]

    folds = (str.lower, str.upper, str.strip, str.title, lambda v: "".join(v.split()), lambda v: v.replace(" ", "_"),
             lambda v: v.replace(" ", "-").lower(), lambda v: "".join(c for c in v if c.isalnum()),
             lambda v: "".join(v.split()).lower(), lambda v: "".join(v.split()).upper())  # fmt: skip
    for fold in folds:
        yield fitting(fold(v) for v in mine)
    yield fitting(words)
    for word in words[:6]:
        yield fitting(word + v for v in mine)
        yield fitting(v + word for v in mine)
        yield fitting(word + "".join(v.split()) for v in mine)
        yield fitting("".join(v.split()) + word + "".join(w.split()) for v, w in itertools.pairwise(mine))
    for one, two in itertools.permutations(words[:4], 2):
        yield fitting(one + v + two for v in mine)
    # Each length up to 64, by repeating what the rule gives.
    for size in range(1, min(length, 64) + 1):
        yield [(v * (size // len(v) + 1))[:size] for v in mine[:4]]
    yield fitting(str(n) for n in range(200))
    yield fitting(f"{n:0{width}d}" for width in range(2, 11) for n in range(1, 40))
    yield fitting(f"{n / 10:.1f}" for n in range(200))
    days = [(now - timedelta(days=n)).date().isoformat() for n in range(0, 1500, 7)]
    yield fitting(days)
    yield fitting(f"{d} {h:02d}:30:00" for d in days[:40] for h in range(0, 24, 3))
    yield fitting(f"{n:0{min(length, 32)}x}" for n in range(1, 64))
    yield fitting(f"{v.lower()}@example.com" for v in ("".join(c for c in w if c.isalnum()) for w in mine))
    if "json" in text.lower():
        yield fitting(_lists(own))
        yield fitting(_documents(own, literals))


def _years(literals: Sequence[Any]) -> list[int]:
    """The years that a condition may mean by its constants, and those beside them."""
    named = [int(str(v)[:4]) for v in literals if re.fullmatch(r"[12]\d{3}(-.*)?", str(v))]
    return list(dict.fromkeys(n + beside for n in named for beside in (0, 1, -1, 5)))


def _dates(kind: ColumnType, own: pa.Array, literals: Sequence[Any], text: str, now: datetime) -> _Groups:
    today = now.date()
    yield [today + timedelta(days=n) for n in range(365, -25 * 365, -1)]
    yield [today - timedelta(days=31 * n) for n in range(24 * 12, 100 * 12)]
    yield [date(year, 1, 1) + timedelta(days=7 * n) for year in _years(literals) for n in range(52)]


def _moments(kind: ColumnType, own: pa.Array, literals: Sequence[Any], text: str, now: datetime) -> _Groups:
    zone = UTC if kind.timezone else None
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=zone)
    yield [midnight - timedelta(days=n) for n in range(-365, 10 * 365)]
    yield [midnight - timedelta(days=7 * n, hours=n % 24) for n in range(1, 1200)]
    yield [midnight - timedelta(days=11 * n, minutes=15 * (n % 96)) for n in range(1, 800)]
    starts = [midnight.replace(year=year, month=1, day=1) for year in _years(literals)]
    yield [start + timedelta(days=7 * n, hours=5 * n % 24) for start in starts for n in range(52)]


def _times(kind: ColumnType, own: pa.Array, literals: Sequence[Any], text: str, now: datetime) -> _Groups:
    yield [time(n // 12, 5 * (n % 12)) for n in range(288)]


def _named(kind: ColumnType, own: pa.Array, literals: Sequence[Any], text: str, now: datetime) -> _Groups:
    yield kind.values or [v for v in literals if isinstance(v, str)]


def _booleans(kind: ColumnType, own: pa.Array, literals: Sequence[Any], text: str, now: datetime) -> _Groups:
    yield (True, False)


def _durations(kind: ColumnType, own: pa.Array, literals: Sequence[Any], text: str, now: datetime) -> _Groups:
    steps = (1, 60, 900, 3600, 86_400, 604_800)
    yield [timedelta(seconds=n * step) for step in steps for n in range(1, 61)] + [timedelta(0)]


_TYPES: Final = {"object", "array", "string", "number", "integer", "real", "text", "boolean", "null", "true", "false"}
_VALUES: Final[tuple[Any, ...]] = ("text", 1, 12, 2.5, True, False, None, [], ["a"], {}, {"a": 1})


def _documents(own: pa.Array, literals: Sequence[Any]) -> list[str]:
    """JSON texts: the rule's own with what the condition names in them, and small ones of every shape."""
    words = [w for v in literals if isinstance(v, str) for w in _parts(v)]
    keys = list(dict.fromkeys(w for w in words if w.lower() not in _TYPES))[:6]
    values = [*_VALUES, *(k for k in keys), *(v for v in literals if not isinstance(v, str))]
    mine = [d for d in map(_read, own.to_pylist()[:24]) if isinstance(d, dict)]
    shapes: list[Any] = [{}, *([{k: v} for k in keys for v in values]), *(dict.fromkeys(keys, v) for v in values)]
    shapes += [{a: {b: v}} for a, b in itertools.permutations(keys, 2) for v in values]
    shapes += [dict(zip(keys, chosen, strict=True)) for chosen in itertools.islice(
        itertools.product(values, repeat=len(keys)), 600)] if len(keys) > 1 else []  # fmt: skip
    out: list[Any] = [{**d, **s} for s in shapes[:400] for d in mine[:6] if isinstance(s, dict)]
    out += [*mine, *({k: v for k, v in d.items() if k not in keys} for d in mine), *shapes]
    items = ("a", 1, {"name": "a", "value": 1}, *keys)
    out += [[item] * n for n in range(9) for item in items] + [[*range(n)] for n in range(9)]
    out += [[{**d} for d in mine[:n]] for n in range(1, 5)] + ["text", 1, 2.5, True, None]
    return list(dict.fromkeys(json.dumps(d, ensure_ascii=False) for d in out))


def _lists(own: pa.Array) -> list[str]:
    """JSON arrays of the texts and of the objects that the rule's own documents are made of."""
    mine = [d for d in map(_read, own.to_pylist()[:48]) if isinstance(d, dict)]
    words = list(dict.fromkeys(v for d in mine for v in d.values() if isinstance(v, str)))
    items: tuple[list[Any], ...] = (words, mine)
    runs = [held[at : at + size] for held in items for size in (1, 2, 3) for at in range(len(held) - size + 1)]
    return [json.dumps(run, ensure_ascii=False) for run in runs]


def _parts(word: str) -> list[str]:
    """Keys in a path of MySQL or SQLite (``$.a.b``), of PostgreSQL (``{a,b}``), or the word itself."""
    bare = word.removeprefix("$").strip("{}")
    return [p.strip('"[] ') for p in bare.replace("[", ".").replace(",", ".").split(".") if p.strip('"[] ')]


def _read(text: str | None) -> Any:
    try:
        return json.loads(text or "")
    except ValueError:
        return None


def _json(kind: ColumnType, own: pa.Array, literals: Sequence[Any], text: str, now: datetime) -> _Groups:
    yield _lists(own)
    yield _documents(own, literals)


def _arrays(kind: ColumnType, own: pa.Array, literals: Sequence[Any], text: str, now: datetime) -> _Groups:
    assert kind.element is not None
    items = list(dict.fromkeys(i for row in own.to_pylist() for i in row or () if i is not None))[:64]
    named: list[Any] = [v for v in literals if kind.element.kind == "text" and isinstance(v, str)]
    named += [v for v in _numbers(literals) if kind.element.kind in ("integer", "float", "decimal")]
    pool = [*named, *items]
    rotated = [tuple(itertools.islice(itertools.cycle(items), at, at + n)) for n in range(1, 9) for at in range(24)]
    yield [(), *(rotated if items else ())]
    yield [chosen for n in range(1, 5) for chosen in itertools.combinations(named[:6], n)]
    yield [(*named, item) for item in pool] + [(n,) for n in named]


def _ranges(kind: ColumnType, own: pa.Array, literals: Sequence[Any], text: str, now: datetime) -> _Groups:
    yield [f"[{a},{a + w})" for a in (0, 1, 5, 10, 50, 100, 500) for w in (1, 2, 5, 10, 50, 100, 400)]
    days = [(now - timedelta(days=30 * n)).date() for n in range(48)]
    yield [f"[{d.isoformat()},{(d + timedelta(days=w)).isoformat()})" for d in days for w in (1, 7, 30)]


def _bits(kind: ColumnType, own: pa.Array, literals: Sequence[Any], text: str, now: datetime) -> _Groups:
    sizes = [kind.length] if kind.fixed and kind.length else range(1, min(kind.length or 16, 64) + 1)
    yield [f"{n % 2**size:0{size}b}" for size in sizes for n in (0, 1, 2, 3, 5, 10, 21, 42, 85, 170, 2**size - 1)]


def _addresses(kind: ColumnType, own: pa.Array, literals: Sequence[Any], text: str, now: datetime) -> _Groups:
    yield [f"10.{a}.{b}.0/24" if kind.kind == "cidr" else f"10.{a}.{b}.7" for a in range(8) for b in range(0, 256, 16)]
    yield [f"2001:db8:{a:x}::/48" if kind.kind == "cidr" else f"2001:db8:{a:x}::1" for a in range(64)]


_KINDS: Final[Mapping[str, Callable[..., _Groups]]] = {
    "integer": _integers, "year": _integers, "decimal": _decimals, "float": _decimals, "money": _decimals,
    "text": _texts, "xml": _texts, "ltree": _texts, "enum": _named, "set": _named, "boolean": _booleans,
    "date": _dates, "timestamp": _moments, "time": _times, "interval": _durations, "json": _json, "array": _arrays,
    "range": _ranges, "bit": _bits, "inet": _addresses, "cidr": _addresses,
}  # fmt: skip

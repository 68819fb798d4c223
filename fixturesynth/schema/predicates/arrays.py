"""Arrow columns brought to types in which a database would compare them."""

from collections.abc import Callable, Sequence
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, scalar_of
from fixturesynth.schema.predicates.domains import NotUnderstood

__all__ = [
    "CASTS",
    "as_moment",
    "as_number",
    "as_text",
    "factors",
    "is_number",
    "operands",
    "truth_of",
    "unify",
    "zero_to_null",
]


def is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _is_moment(kind: pa.DataType) -> bool:
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))


_FAMILIES: tuple[tuple[str, Callable[[pa.DataType], bool]], ...] = (
    ("null", pa.types.is_null),
    ("boolean", pa.types.is_boolean),
    ("number", is_number),
    ("text", pa.types.is_string),
    ("moment", _is_moment),
    ("time", pa.types.is_time),
    ("duration", pa.types.is_duration),
    ("binary", lambda kind: pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind)),
)


def _family(kind: pa.DataType) -> str:
    for name, test in _FAMILIES:
        if test(kind):
            return name
    raise NotUnderstood(f"values of type {kind} cannot be compared here")


def as_text(values: pa.Array) -> pa.Array:
    """As the database would print the values."""
    if pa.types.is_string(values.type) or pa.types.is_null(values.type):
        return values
    if pa.types.is_timestamp(values.type):
        return pc.strftime(_moment(values).cast(pa.timestamp("s"), safe=False), "%Y-%m-%d %H:%M:%S")
    return values.cast(pa.string())


def as_number(values: pa.Array) -> pa.Array:
    """Text as numbers where all of it is numbers, booleans as 0 and 1."""
    kind = values.type
    if is_number(kind) or pa.types.is_null(kind):
        return values
    if pa.types.is_boolean(kind):
        return values.cast(pa.int64())
    if not pa.types.is_string(kind):
        raise NotUnderstood(f"values of type {kind} are no numbers")
    trimmed = pc.utf8_trim_whitespace(values)
    try:
        return trimmed.cast(pa.int64())
    except pa.ArrowInvalid:
        return trimmed.cast(pa.float64())


def as_moment(values: pa.Array) -> pa.Array:
    """Dates, and text that holds dates, as timestamps in microseconds without zone."""
    if pa.types.is_string(values.type):
        return _moment(pc.utf8_trim_whitespace(values).cast(pa.timestamp("us")))
    return _moment(values)


def _moment(values: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(values.type) and values.type.tz:
        values = values.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
    return values.cast(pa.timestamp("us"))


def _numbers(arrays: Sequence[pa.Array]) -> list[pa.Array]:
    """One numeric type in which nothing is lost, if there is one."""
    numbers = [as_number(a) for a in arrays]
    kinds = [n.type for n in numbers if not pa.types.is_null(n.type)]
    if any(pa.types.is_floating(k) for k in kinds):
        return [n.cast(pa.float64(), safe=False) for n in numbers]
    if any(pa.types.is_decimal(k) for k in kinds):
        scale = max(k.scale for k in kinds if pa.types.is_decimal(k))
        whole = max([k.precision - k.scale for k in kinds if pa.types.is_decimal(k)] + [19])
        target = pa.decimal256(min(whole + scale, 76), scale)
        return [
            n.cast(pa.decimal128(20, 0)).cast(target) if pa.types.is_integer(n.type) else n.cast(target)
            for n in numbers
        ]
    if any(k == pa.uint64() for k in kinds):
        return [n.cast(pa.decimal128(20, 0)) for n in numbers]
    return [n.cast(pa.int64()) for n in numbers]


def _texts(arrays: Sequence[pa.Array]) -> list[pa.Array]:
    return [as_text(a) for a in arrays]


def _moments(arrays: Sequence[pa.Array]) -> list[pa.Array]:
    return [as_moment(a) for a in arrays]


def _as_they_are(arrays: Sequence[pa.Array]) -> list[pa.Array]:
    return list(arrays)


def _times(arrays: Sequence[pa.Array]) -> list[pa.Array]:
    return [a.cast(pa.time64("us")) for a in arrays]


def _truths(arrays: Sequence[pa.Array]) -> list[pa.Array]:
    """Booleans and text such as 't' and 'false'."""
    words = {pa.string(): lambda a: pc.is_in(pc.utf8_lower(a), array_of(["t", "true", "1", "y", "yes", "on"]))}
    return [words.get(a.type, lambda same: same)(a) for a in arrays]


_UNIFY: dict[frozenset[str], Callable[[Sequence[pa.Array]], list[pa.Array]]] = {
    frozenset(("number",)): _numbers,
    frozenset(("number", "boolean")): _numbers,
    frozenset(("number", "text")): _numbers,
    frozenset(("text", "boolean")): _truths,
    frozenset(("text",)): _as_they_are,
    frozenset(("boolean",)): _as_they_are,
    frozenset(("moment",)): _moments,
    frozenset(("moment", "text")): _moments,
    frozenset(("time",)): _times,
    frozenset(("time", "text")): _times,
    frozenset(("duration",)): _as_they_are,
    frozenset(("binary",)): lambda arrays: [a.cast(pa.binary()) for a in arrays],
    frozenset(("binary", "text")): lambda arrays: [a.cast(pa.binary()) for a in arrays],
    frozenset(): _as_they_are,
}


def unify(arrays: Sequence[pa.Array]) -> list[pa.Array]:
    """The arrays in one common type; arrays of nothing but NULL take it on."""
    families = frozenset(_family(a.type) for a in arrays) - {"null"}
    if families not in _UNIFY:
        raise NotUnderstood(f"cannot compare {' with '.join(sorted(families))}")
    known = iter(_UNIFY[families]([a for a in arrays if not pa.types.is_null(a.type)]))
    same = [None if pa.types.is_null(a.type) else next(known) for a in arrays]
    target = next((a.type for a in same if a is not None), pa.null())
    return [pa.nulls(len(a), target) if s is None else s for a, s in zip(arrays, same, strict=True)]


DIGITS = 76  # that a decimal of Arrow may have


def factors(left: pa.Array, right: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Both sides of a product or quotient; decimals with no more digits than they need, where all would be too many.

    >>> wide = pa.array([Decimal("1.50")], pa.decimal128(38, 10))
    >>> [side.type.precision for side in factors(wide, wide)]
    [11, 11]
    """
    kinds = left.type, right.type
    if all(map(pa.types.is_decimal, kinds)) and left.type.precision + right.type.precision >= DIGITS:
        return _narrowed(left), _narrowed(right)
    return left, right


def _narrowed(values: pa.Array) -> pa.Array:
    largest = pc.max(pc.abs(values)).as_py()
    whole = max(1, largest.adjusted() + 1) if largest else 1
    scale = values.type.scale
    return values.cast(pa.decimal128(whole + scale, scale)) if whole + scale < values.type.precision else values


def operands(left: pa.Array, right: pa.Array) -> list[pa.Array]:
    """Both sides of a sum, difference or product: numbers in one type, dates and durations as they add up.

    A number beside a date counts days, as in PostgreSQL.
    """
    families = {_family(left.type), _family(right.type)}
    if not families & {"moment", "duration"}:
        return unify([as_number(left), as_number(right)])
    if families == {"moment"}:
        dates = pa.types.is_date(left.type) and pa.types.is_date(right.type)
        return [left, right] if dates else [_moment(left), _moment(right)]
    return [_duration_or_moment(side) for side in (left, right)]


def _duration_or_moment(values: pa.Array) -> pa.Array:
    kind = values.type
    if is_number(kind):
        return pc.multiply(values.cast(pa.int64()), scalar_of(86_400_000_000)).cast(pa.duration("us"))
    return values.cast(pa.duration("us")) if pa.types.is_duration(kind) else as_moment(values)


def zero_to_null(values: pa.Array) -> pa.Array:
    zero = pc.equal(values, scalar_of(Decimal(0) if pa.types.is_decimal(values.type) else 0).cast(values.type))
    return pc.if_else(zero, scalar_of(None, values.type), values)


def truth_of(values: pa.Array) -> pa.Array:
    """Values as a condition: numbers, and text that holds them, are true unless 0."""
    if pa.types.is_boolean(values.type):
        return values
    if pa.types.is_null(values.type):
        return values.cast(pa.bool_())
    return pc.not_equal(as_number(values).cast(pa.float64()), scalar_of(0.0))


def _to_whole(values: pa.Array) -> pa.Array:
    if pa.types.is_string(values.type):
        return pc.utf8_trim_whitespace(values).cast(pa.int64())  # databases take no fraction here
    numbers = as_number(values)
    return numbers if pa.types.is_integer(numbers.type) else pc.round(numbers.cast(pa.float64())).cast(pa.int64())


def _to_date(values: pa.Array) -> pa.Array:
    return as_moment(values).cast(pa.date32(), safe=False)


def _to_boolean(values: pa.Array) -> pa.Array:
    if pa.types.is_string(values.type):
        return _truths([values])[0]
    return values.cast(pa.bool_())


CASTS: dict[str, Callable[[pa.Array], pa.Array]] = {
    **dict.fromkeys(("TEXT", "VARCHAR", "CHAR", "NVARCHAR", "NCHAR", "BPCHAR", "NAME", "CHARACTER_SET"), as_text),
    **dict.fromkeys(("DECIMAL", "UDECIMAL", "MONEY"), as_number),
    **dict.fromkeys(("FLOAT", "DOUBLE"), lambda values: as_number(values).cast(pa.float64())),
    **dict.fromkeys(("INT", "BIGINT", "SMALLINT", "TINYINT", "UBIGINT", "UINT", "INT128"), _to_whole),
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMPNTZ", "DATETIME"), as_moment),
    "DATE": _to_date,
    "BOOLEAN": _to_boolean,
    **dict.fromkeys(("UUID", "JSON", "JSONB", "USERDEFINED", "USER-DEFINED", "INET"), lambda values: values),
    **dict.fromkeys(("BINARY", "VARBINARY", "BLOB"), lambda values: values.cast(pa.binary())),
}

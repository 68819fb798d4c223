"""Dates and times as integers and back to the very same text, a whole column at a time.

A format is a ``strptime`` format with fixed places, so that parsing and writing are arithmetic on a byte matrix. The
fraction of a second has three forms that ``strptime`` does not tell apart: ``%f`` six digits, ``%3f`` that many
digits (1 to 6), ``%-f`` digits without trailing zeros and no point at all on whole seconds (as PostgreSQL writes),
``%?f`` six digits or nothing (as Python's ``isoformat`` writes); the point belongs to the last two. ``%J`` are hours
that go on past the day: 25:10 in a timetable or a duration. Typed Arrow columns have their Arrow type's name as format.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, combined, fill_null, numpy_of, scalar_of

__all__ = ["Unit", "format_temporal", "parse_temporal"]

Unit = Literal["days", "seconds", "microseconds"]
Integers = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

DAY_SECONDS = 86_400
FIRST_DAY = -719_162  # 0001-01-01
LAST_DAY = 2_932_896  # 9999-12-31

DATES = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%Y.%m.%d", "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%Y%m%d")
AMBIGUOUS = {
    "%m/%d/%Y": "%d/%m/%Y",
    "%d/%m/%Y": "%m/%d/%Y",
    "%m-%d-%Y": "%d-%m-%Y",
    "%d-%m-%Y": "%m-%d-%Y",
}
SEPARATORS = (" ", "T", "")
TIMES = ("%H:%M:%S", "%H:%M")
LONG_TIMES = ("%J:%M:%S", "%J:%M")
SUFFIX = re.compile(r"(\s?(?:Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?$")
WIDTHS = {"Y": 4, "m": 2, "d": 2, "H": 2, "J": 2, "M": 2, "S": 2}
FRACTION = re.compile(r"\.?%(?:-|\?|[1-6])?f")


@dataclass(frozen=True)
class _Layout:
    """Where each field lies: fixed places, then a fraction, then a constant tail."""

    fields: tuple[tuple[str, int, int], ...]  # (letter, start, width)
    literals: tuple[tuple[int, int], ...]  # (place, byte)
    width: int
    fraction: str  # "", "%f", "%3f", "%-f", "%?f"
    tail: bytes

    @property
    def letters(self) -> str:
        return "".join(letter for letter, _, _ in self.fields)


def _layout(format: str) -> _Layout:
    match = FRACTION.search(format)
    head = format[: match.start()] if match else format
    fraction = match.group().lstrip(".") if match else ""
    rest = format[match.end() :] if match else ""
    fields, literals, place, i = [], [], 0, 0
    while i < len(head):
        if head[i] == "%":
            letter = head[i + 1]
            fields.append((letter, place, WIDTHS[letter]))
            place += WIDTHS[letter]
            i += 2
        else:
            literals.append((place, ord(head[i])))
            place += 1
            i += 1
    return _Layout(tuple(fields), tuple(literals), place, fraction, rest.encode())


def parse_temporal(values: pa.Array | pa.ChunkedArray) -> tuple[Integers, Unit, str] | None:
    """Integers since 1970 (times of day: since midnight), shape (n,), their unit, and the format that writes them back.

    Text must keep one format in every value and be written back to the very same bytes; otherwise None, as for an
    empty column and for types that are no date or time. Places that are null hold 0.

    >>> ints, unit, format = parse_temporal(pa.array(["1970-01-02", None, "1970-01-01"]))
    >>> ints.tolist(), unit, format
    ([1, 0, 0], 'days', '%Y-%m-%d')
    """
    if pa.types.is_temporal(values.type):
        return _parse_typed(values)
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return None
    whole = combined(values).cast(pa.large_string())
    valid = whole.drop_null()
    if not len(valid):
        return None
    if not _looks_temporal(str(valid[0])):
        return None
    encoded = whole.dictionary_encode()
    distinct = encoded.dictionary
    for format in _candidates(distinct):
        parsed = _parse_text(distinct, format)
        if parsed is None:
            continue
        ints, unit = parsed
        if not format_temporal(ints, unit, format).cast(pa.large_string()).equals(distinct):
            continue
        out = np.zeros(len(whole), dtype=np.int64)
        present = _present(encoded)
        out[present] = ints[_codes(encoded)[present]]
        return out, unit, format
    return None


def format_temporal(
    ints: npt.ArrayLike, unit: str, format: str, nulls: npt.NDArray[np.bool_] | None = None
) -> pa.Array:
    """An Arrow array of n values written in ``format``; ``nulls`` marks places to leave empty.

    Values outside the years 1 to 9999 (times of day: outside the day) are moved to the nearest end. Parts finer
    than the format can write are dropped.

    >>> format_temporal([0, 3600], "seconds", "%Y-%m-%d %H:%M:%SZ").to_pylist()
    ['1970-01-01 00:00:00Z', '1970-01-01 01:00:00Z']
    """
    whole = np.asarray(ints, dtype=np.int64)
    if "%" not in format:
        return _format_typed(whole, unit, format, nulls)
    layout = _layout(format)
    whole = _clamp(whole, unit, dated="Y" in layout.letters, long="J" in layout.letters)
    days, seconds, micros = _split(whole, unit)
    parts = _civil(days) | {"H": seconds // 3600, "M": seconds // 60 % 60, "S": seconds % 60}
    parts["J"] = parts["H"] + 24 * days
    room = 7 if layout.fraction else 0
    matrix = np.zeros((whole.size, layout.width + room + len(layout.tail)), dtype=np.uint8)
    keep = np.ones(matrix.shape, dtype=bool)
    for place, byte in layout.literals:
        matrix[:, place] = byte
    for letter, start, width in layout.fields:
        _write(matrix, parts[letter], start, width)
    if layout.fraction:
        matrix[:, layout.width] = ord(".")
        _write(matrix, micros, layout.width + 1, 6)
        keep[:, layout.width : layout.width + 7] = _kept_fraction(micros, layout.fraction)
    if layout.tail:
        matrix[:, layout.width + room :] = np.frombuffer(layout.tail, dtype=np.uint8)
    offsets = np.zeros(whole.size + 1, dtype=np.int64)
    np.cumsum(keep.sum(axis=1), out=offsets[1:])
    data = np.ascontiguousarray(matrix[keep])
    text = pa.LargeStringArray.from_buffers(whole.size, pa.py_buffer(offsets), pa.py_buffer(data)).cast(pa.string())
    if nulls is not None and nulls.any():
        text = pc.if_else(array_of(~nulls), text, scalar_of(None, pa.string()))
    return text


def _present(values: pa.Array) -> npt.NDArray[np.bool_]:
    return cast(npt.NDArray[np.bool_], numpy_of(values.is_valid()))


def _codes(encoded: pa.DictionaryArray) -> Integers:
    return cast(Integers, numpy_of(fill_null(encoded.indices, 0)).astype(np.int64))


# Arrow types: (test, integer type it is cast to, unit as stored, factor to microseconds or days)
_TO_MICROS = {"s": 1_000_000, "ms": 1_000, "us": 1}


def _parse_typed(values: pa.Array | pa.ChunkedArray) -> tuple[Integers, Unit, str] | None:
    whole = combined(values)
    name = str(whole.type)
    if pa.types.is_date(whole.type):
        days = numpy_of(fill_null(whole.cast(pa.date32()).cast(pa.int32()), 0))
        return days.astype(np.int64), "days", name
    if not hasattr(whole.type, "unit"):  # month-day-nano intervals have no single number
        return None
    raw = fill_null(whole.cast(pa.int32() if whole.type.bit_width == 32 else pa.int64()), 0)
    ints = numpy_of(raw).astype(np.int64)
    micros = ints // 1_000 if whole.type.unit == "ns" else ints * _TO_MICROS[whole.type.unit]
    if not (micros % 1_000_000).any():
        return micros // 1_000_000, "seconds", name
    return micros, "microseconds", name


def _format_typed(ints: Integers, unit: str, format: str, nulls: npt.NDArray[np.bool_] | None) -> pa.Array:
    type_ = _arrow_type(format)
    dated = pa.types.is_date(type_) or pa.types.is_timestamp(type_)
    whole = ints if pa.types.is_duration(type_) else _clamp(ints, unit, dated)
    if pa.types.is_date(type_):
        days, _, _ = _split(whole, unit)
        return array_of(days.astype(np.int32), pa.int32(), mask=nulls).cast(pa.date32()).cast(type_)
    micros = whole * {"days": DAY_SECONDS * 1_000_000, "seconds": 1_000_000, "microseconds": 1}[unit]
    scaled = micros * 1_000 if type_.unit == "ns" else micros // _TO_MICROS[type_.unit]
    width = pa.int32() if type_.bit_width == 32 else pa.int64()
    return array_of(scaled, pa.int64(), mask=nulls).cast(width).cast(type_)


def _arrow_type(name: str) -> pa.DataType:
    zone = re.fullmatch(r"timestamp\[(\w+), tz=(.+)\]", name)
    if zone:
        return pa.timestamp(zone.group(1), tz=zone.group(2))
    return pa.type_for_alias(name)


def _looks_temporal(text: str) -> bool:
    return 5 <= len(text) <= 40 and text[:2].isdigit() and text.count(":") + text.count("-") + len(text) >= 6


def _candidates(distinct: pa.Array) -> list[str]:
    """Formats worth trying, read off the first value; the rest of the column then has to agree."""
    first = str(distinct[0])
    shape = re.sub(r"\d", "9", first)
    found: list[str] = []
    for date in (*DATES, ""):
        separators = SEPARATORS[:2] if date else ("",)
        options = [date] if date else []
        options += [f"{date}{sep}{time}" for sep in separators for time in (TIMES if date else TIMES + LONG_TIMES)]
        for head in options:
            sample = re.sub(r"%Y", "9999", head)
            sample = re.sub(r"%[a-zA-Z]", "99", sample)
            if not shape.startswith(sample):
                continue
            rest = first[len(sample) :]
            if "%S" in head:
                digits = re.match(r"\.\d{1,6}(?!\d)", rest)
                tail = rest[digits.end() :] if digits else rest
                if SUFFIX.fullmatch(tail):
                    count = len(digits.group()) - 1 if digits else 0
                    fixed = [".%f"] if count == 6 else [f".%{count}f"] if count else [""]
                    found += [head + form + tail for form in (*fixed, "%?f", "%-f")]
            elif SUFFIX.fullmatch(rest) and (not rest or "%M" in head):
                found.append(head + rest)
    return found


def _matrix(values: pa.Array) -> tuple[Bytes, Integers] | None:
    """Bytes of every text padded with spaces, shape (n, longest), and the lengths; None for long or non-ASCII text."""
    lengths = numpy_of(pc.binary_length(values)).astype(np.int64)
    width = int(lengths.max(initial=0))
    if width > 40 or not pc.all(pc.string_is_ascii(values)).as_py():
        return None
    padded = pc.ascii_rpad(values, width)
    start = int(np.frombuffer(padded.buffers()[1], dtype=np.int64)[padded.offset])
    data = np.frombuffer(padded.buffers()[2], dtype=np.uint8)[start : start + width * len(padded)]
    return data.reshape(len(padded), width), lengths


def _parse_text(distinct: pa.Array, format: str) -> tuple[Integers, Unit] | None:
    layout = _layout(format)
    read = _matrix(distinct)
    if read is None:
        return None
    matrix, lengths = read
    tail = len(layout.tail)
    if matrix.shape[1] < layout.width + tail or int(lengths.min()) < layout.width + tail:
        return None
    if any((matrix[:, place] != byte).any() for place, byte in layout.literals):
        return None
    parts: dict[str, Integers] = {}
    for letter, start, width in layout.fields:
        digits = matrix[:, start : start + width].astype(np.int64) - 48
        if ((digits < 0) | (digits > 9)).any():
            return None
        parts[letter] = digits @ (10 ** np.arange(width - 1, -1, -1, dtype=np.int64))
    seconds = _seconds(parts)
    days = _days(parts) if "Y" in parts else np.zeros(len(distinct), dtype=np.int64)
    if seconds is None or days is None or _is_doubtful(format, parts):
        return None
    if not layout.fraction:
        return (days, "days") if "M" not in parts else (days * DAY_SECONDS + seconds, "seconds")
    micros = _micros(matrix, lengths, layout)
    return None if micros is None else ((days * DAY_SECONDS + seconds) * 1_000_000 + micros, "microseconds")


def _is_doubtful(format: str, parts: dict[str, Integers]) -> bool:
    """Day and month could be exchanged, or plain digits are more likely a number."""
    if any(format.startswith(date) for date in AMBIGUOUS):
        return bool((parts["d"] <= 12).all())
    if format.startswith("%Y%m%d"):
        return bool(parts["Y"].size < 10 or (parts["Y"] < 1900).any() or (parts["Y"] > 2100).any())
    return False


def _seconds(parts: dict[str, Integers]) -> Integers | None:
    if "M" not in parts:
        return np.zeros(next(iter(parts.values())).size, dtype=np.int64)
    hours, minutes = parts.get("H", parts.get("J")), parts["M"]
    assert hours is not None
    seconds = parts.get("S", np.zeros_like(hours))
    if ("H" in parts and (hours > 23).any()) or (minutes > 59).any() or (seconds > 59).any():
        return None
    return hours * 3600 + minutes * 60 + seconds


def _days(parts: dict[str, Integers]) -> Integers | None:
    years, months, days = parts["Y"], parts["m"], parts["d"]
    if (years < 1).any() or (months < 1).any() or (months > 12).any() or (days < 1).any() or (days > 31).any():
        return None
    month = ((years - 1970) * 12 + months - 1).astype("datetime64[M]")
    day = month.astype("datetime64[D]") + (days - 1)
    if (day.astype("datetime64[M]") != month).any():
        return None
    return day.astype(np.int64)


def _micros(matrix: Bytes, lengths: Integers, layout: _Layout) -> Integers | None:
    fraction = lengths - layout.width - len(layout.tail)
    if (fraction == 1).any() or (fraction > 7).any():
        return None
    whole = fraction == 0
    if (matrix[~whole, layout.width] != ord(".")).any():
        return None
    micros = np.zeros(lengths.size, dtype=np.int64)
    for i in range(6):
        place = layout.width + 1 + i
        here = fraction > i + 1
        if not here.any():
            break
        digits = matrix[here, place].astype(np.int64) - 48
        if ((digits < 0) | (digits > 9)).any():
            return None
        micros[here] += digits * 10 ** (5 - i)
    return micros


def _kept_fraction(micros: Integers, fraction: str) -> npt.NDArray[np.bool_]:
    keep = np.ones((micros.size, 7), dtype=bool)
    if fraction == "%?f":
        keep[micros == 0] = False
    elif fraction == "%-f":
        for i in range(6):
            keep[:, 6 - i] = micros % 10 ** (i + 1) != 0
        keep[:, 0] = micros != 0
        # A digit stays when it or any later one is not zero.
    elif fraction != "%f":
        keep[:, 1 + int(fraction[1]) :] = False
    return keep


def _clamp(ints: Integers, unit: str, dated: bool, long: bool = False) -> Integers:
    per_day = {"days": 1, "seconds": DAY_SECONDS, "microseconds": DAY_SECONDS * 1_000_000}[unit]
    low, high = (FIRST_DAY * per_day, (LAST_DAY + 1) * per_day - 1) if dated else (0, per_day - 1)
    if long:
        high = 100 * per_day // 24 - 1
    return np.clip(ints, low, high)


def _split(ints: Integers, unit: str) -> tuple[Integers, Integers, Integers]:
    """Days, second of the day, microsecond of the second."""
    zeros = np.zeros_like(ints)
    if unit == "days":
        return ints, zeros, zeros
    seconds, micros = (ints, zeros) if unit == "seconds" else (ints // 1_000_000, ints % 1_000_000)
    return seconds // DAY_SECONDS, seconds % DAY_SECONDS, micros


def _civil(days: Integers) -> dict[str, Integers]:
    day = days.astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    months = month.astype(np.int64)
    return {
        "Y": months // 12 + 1970,
        "m": months % 12 + 1,
        "d": (day - month.astype("datetime64[D]")).astype(np.int64) + 1,
    }


def _write(matrix: Bytes, numbers: Any, start: int, width: int) -> None:
    rest = numbers
    for place in range(start + width - 1, start - 1, -1):
        matrix[:, place] = (rest % 10 + 48).astype(np.uint8)
        rest = rest // 10

"""Rules for values made of values: templates, JSON, arrays, ranges, documents, points."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import permutations
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, join_texts, scalar_of
from fixturesynth.dataset import arrow_type
from fixturesynth.errors import SpecError
from fixturesynth.profiling.ranges import range_texts
from fixturesynth.randomness import below, hashed
from fixturesynth.rules import vocabulary
from fixturesynth.rules.buffers import days_of
from fixturesynth.rules.contract import ColumnContext, Integers, RuleCall, Space
from fixturesynth.rules.grammar import LARGEST, Bits, Phrase, Pool, drawn, limits_of, phrase_space
from fixturesynth.rules.moments import moment_of
from fixturesynth.rules.numbers import along
from fixturesynth.schema.model import ColumnType

__all__ = ["MAKERS", "array", "json_", "range_", "template"]

_FIELD: Final = re.compile(r"\{([^{}]+)\}")


def template(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """``template`` with ``{column}`` from the same row and ``{rank}``, the row's own number from 1.

    Only a template with ``{rank}`` can be unique. ``case``: lower or upper; ``slug``: letters, digits and hyphens.
    """
    text = str(options["template"])
    pieces = _FIELD.split(text)
    ranked = "rank" in pieces[1::2]
    case = {"lower": pc.utf8_lower, "upper": pc.utf8_upper}.get(options.get("case", ""))
    limits = limits_of(options, context)

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        columns: list[Any] = []
        for i, piece in enumerate(pieces):
            if i % 2 == 0:
                columns.append(scalar_of(piece))
            elif piece == "rank":
                columns.append(array_of(indices + 1).cast(pa.string()))
            elif piece in given:
                columns.append(fill_null(given[piece].cast(pa.string()), ""))
            else:
                raise SpecError(
                    f"{context.table}.{context.column}: template {text!r} needs column {piece!r} of the same row"
                )
        made = join_texts(*columns) if len(columns) > 1 else array_of([text] * len(indices))
        made = case(made) if case else made
        if options.get("slug"):
            made = pc.utf8_trim(pc.replace_substring_regex(pc.utf8_lower(made), "[^a-z0-9]+", "-"), "-")
        # A rank is cut off last, by refusing: all others may be shortened, they promise nothing.
        return made if limits.maximum is None or ranked else pc.utf8_slice_codeunits(made, 0, limits.maximum)

    return Space(LARGEST if ranked else 1, at, block=1 if ranked else None)


def _escaped(pool: Pool) -> Pool:
    return Pool(array_of([json.dumps(t, ensure_ascii=False)[1:-1] for t in pool.values.to_pylist()]), pool.weights)


def _value_phrase(kind: str) -> Phrase:
    """The phrase of a JSON value by the name of its type."""
    digit = Pool.of("0123456789")
    table: Mapping[str, Callable[[], Phrase]] = {
        "string": lambda: ('"', vocabulary.words(), '"'),
        "integer": lambda: (Pool.of([str(i) for i in range(1, 1000)]),),
        "number": lambda: (Pool.of([str(i) for i in range(1000)]), ".", digit, Pool.of("123456789")),
        "boolean": lambda: (Pool.of(["true", "false"]),),
        "null": lambda: ("null",),
        "array": lambda: ('["', vocabulary.words(), '", "', vocabulary.words(), '"]'),
        "object": lambda: ('{"name": "', vocabulary.words(), '"}'),
        "date": lambda: ('"202', Pool.of("345"), "-", _two(1, 12), "-", _two(1, 28), '"'),
    }
    return table[kind]() if kind in table else table["string"]()


def _two(low: int, high: int) -> Pool:
    return Pool.of([f"{i:02d}" for i in range(low, high + 1)])


_KEYS: Final = {"source": "source", "version": "integer", "enabled": "boolean", "tag": "string"}


def json_(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """JSON objects with ``keys``: {key: type}, type one of string, integer, number, boolean, array, object, date, null.

    A key's type may also be a list of values. ``items``: the object inside an array; ``texts``: an array of one or two
    of these texts instead.
    """
    if texts := options.get("texts"):
        written = [json.dumps(str(text), ensure_ascii=False) for text in texts]
        pairs = Pool.of([f"{a}, {b}" for a, b in permutations(written, 2)] or written)
        lists: list[tuple[int, Phrase]] = [(1, ("[", Pool.of(written), "]")), (2, ("[", pairs, "]"))]
        return phrase_space(lists, limits_of(options, context), unique=context.unique)
    keys: Mapping[str, Any] = options.get("keys") or _KEYS
    parts: list[Any] = ["{"]
    for i, (key, kind) in enumerate(keys.items()):
        parts.append((", " if i else "") + json.dumps(str(key), ensure_ascii=False) + ": ")
        if isinstance(kind, (list, tuple)):
            parts.append(Pool.of([json.dumps(v, ensure_ascii=False) for v in kind]))
        elif kind == "source":
            parts.append(Pool.of(['"web"', '"mobile"', '"api"', '"import"'], [6, 4, 2, 1]))
        else:
            parts += _value_phrase(str(kind))
    parts.append("}")
    limits = limits_of(options, context)
    phrases: list[tuple[int, Phrase]] = [(1, tuple(parts))]
    if options.get("items"):
        phrases = [(1, ("[", *parts, "]"))]
    if limits.maximum is not None:
        # A short text column holds a smaller object rather than letters that are no JSON.
        room = [
            p
            for p in (phrases[0][1], ('{"id": ', *_value_phrase("integer"), "}"), ("{}",))
            if _shortest(p) <= limits.maximum
        ]
        phrases = [(1, room[0])] if room else [(1, _value_phrase("integer"))]
    return phrase_space(phrases, limits, unique=context.unique)


def _shortest(phrase: Phrase) -> int:
    return sum(
        len(p) if isinstance(p, str) else min(map(len, p.values.to_pylist()))
        for p in phrase
        if isinstance(p, (str, Pool))
    )


def array(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Arrays of ``low`` to ``high`` (1 to 4) elements made by ``element``: {name, options}.

    The first element counts the index, so unique arrays have as many values as their element.
    """
    from fixturesynth.rules.registry import space_of  # the registry knows this rule, and this rule the registry

    element = context.type.element
    if element is None:
        raise ValueError("the column's type has no element type")
    entry = options["element"]
    inner_context = ColumnContext(
        context.table, context.column, element, context.locale, context.now, unique=context.unique
    )
    call = RuleCall(entry["name"], entry.get("options", {}), context.unique)
    inner = space_of(call, inner_context)
    low, high = int(options.get("low", 1)), int(options.get("high", 4))
    if not 0 <= low <= high:
        raise ValueError(f"low must lie between 0 and high, however: {low=}, {high=}")
    low = max(low, 1) if context.unique else low

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        counts = low + (hashed(indices, 0, "array") % np.uint64(high - low + 1)).astype(np.int64)
        offsets = np.concatenate([[0], np.cumsum(counts)])
        row = np.repeat(np.arange(len(indices)), counts)
        place = np.arange(len(row)) - offsets[row]
        own = drawn(inner, hashed(indices[row] * 64 + place, 0, "element")) if len(row) else row
        if context.unique:
            own = np.where(place == 0, indices[row], own)
        return pa.ListArray.from_arrays(
            array_of(offsets.astype(np.int32)), inner.at(own, given).cast(arrow_type(element))
        )

    return Space(inner.size if context.unique else LARGEST, at, block=inner.block if context.unique else None)


# Units a day, and how a bound is written, for every range type of PostgreSQL.
_RANGES: Final = {
    "int4range": "integer",
    "int8range": "integer",
    "numrange": "decimal",
    "daterange": "date",
    "tsrange": "timestamp",
    "tstzrange": "timestamptz",
}


def range_(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Ranges ``[low,high)`` of the type's element, ``width`` units wide at most; multiranges hold one range.

    Units are whole numbers, cents, days or hours. ``low``, ``high``: bounds of the lower end; ``last``: of the upper.
    ``least``: units that a range is wide at least (1). ``lows``, ``widths``, ``step``: quantiles of where ranges begin
    and how wide they are, and the grid of their beginnings, in the smallest units (microseconds for moments).
    """
    name = context.type.name.lower().strip().rpartition(".")[2]
    multiple = "multirange" in name
    kind = options.get("element") or _RANGES.get(name.replace("multirange", "range")) or _element(context)
    width = int(options.get("width", {"integer": 100, "decimal": 10_000, "date": 60}.get(kind, 240)))
    if options.get("lows") and context.type.element is not None and not context.unique:
        return _seen_ranges(options, context.type.element, multiple)
    least = max(1, int(options.get("least", 1)))
    if kind in ("integer", "decimal"):

        def unit_of(bound: Any) -> int:
            return int(bound)

        ends = options.get("low", 0), options.get("high", 100_000)
    else:
        seconds = 86_400 if kind == "date" else 3600

        def unit_of(bound: Any) -> int:
            return int(moment_of(bound, context.now).timestamp()) // seconds

        ends = options.get("low", "now - 2 years"), options.get("high", "now")
    first, last = unit_of(ends[0]), unit_of(ends[1])
    if options.get("low") is not None and kind not in ("integer", "decimal", "date"):
        first += moment_of(ends[0], context.now).timestamp() % seconds > 0
    if options.get("last") is not None:
        end = unit_of(options["last"])
        if first >= end and "low" not in options:
            first = end - (last - first)
        width = max(least, min(width, end - first))
        last = min(max(last, first), end - width)
    elif last < first:
        last = first + unit_of(ends[1]) - unit_of(ends[0]) if "low" not in options else first + width * 100
    width = max(width, least)
    choices = width - least + 1

    def written(units: Integers) -> pa.Array:
        if kind == "integer":
            return array_of(units).cast(pa.string())
        if kind == "decimal":
            whole = array_of(units // 100).cast(pa.string())
            return join_texts(whole, pc.utf8_lpad(array_of(units % 100).cast(pa.string()), 2, "0"), separator=".")
        if kind == "date":
            return days_of(units).cast(pa.string())
        text = array_of(units * 3600).cast(pa.timestamp("s")).cast(pa.string())
        zone = "+00" if kind == "timestamptz" else ""
        return join_texts('"', text, f'{zone}"')

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        start = first + indices // choices
        end = start + least + indices % choices
        pieces = [written(start), written(end)]
        brackets = ("{[", ")}") if multiple else ("[", ")")
        return join_texts(brackets[0], pieces[0], ",", pieces[1], brackets[1])

    return Space(max(1, last - first + 1) * choices, at)


def _seen_ranges(options: Mapping[str, Any], kind: ColumnType, multiple: bool) -> Space:
    """Ranges that begin and last as others did that were seen."""
    lows, step = [int(q) for q in options["lows"]], max(1, int(options.get("step", 1)))
    widths = np.array([int(w) for w in options["widths"]], dtype=np.int64)

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        low = along(lows, Bits(hashed(indices, 0, "range"))) if len(lows) > 1 else np.full(len(indices), lows[0])
        low = low - (low - lows[0]) % step
        high = low + widths[below(hashed(indices, 0, "width"), widths.size)]
        return range_texts(low, high, kind, multiple=multiple)

    return Space(LARGEST, at)


def _element(context: ColumnContext) -> str:
    element = context.type.element
    if element is None:
        return "integer"
    return "timestamptz" if element.kind == "timestamp" and element.timezone else element.kind


def _documents() -> Mapping[str, Sequence[Any]]:
    word = vocabulary.words()
    digit = Pool.of("0123456789")
    return {
        "xml": ("<item><name>", word, "</name><value>", digit, digit, digit, "</value></item>"),
        "hstore": ('"source"=>"', Pool.of(["web", "mobile"]), '", "tag"=>"', word, '", "version"=>"', digit, '"'),
        "tsvector": ("'", word, "':1 '", Pool.of([f"{w}s" for w in vocabulary.NOUNS]), "':2"),
        "ltree": ("top.", word, ".", word),
    }  # fmt: skip


def _document(name: str) -> Callable[[Mapping[str, Any], ColumnContext], Space]:
    def make(options: Mapping[str, Any], context: ColumnContext) -> Space:
        return phrase_space([(1, tuple(_documents()[name]))], limits_of(options, context), unique=context.unique)

    make.__doc__ = f"Small values of type {name}."
    return make


def geometry(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Small shapes as well-known text, ``POINT(13.4 52.5)``, or as PostgreSQL writes its own types, ``(13.4,52.5)``."""
    digits = (Pool.of("0123456789"),) * 4
    x = (Pool.of([str(i) for i in range(-179, 180)]), ".", *digits)
    y = (Pool.of([str(i) for i in range(-60, 71)]), ".", *digits)
    name, _, details = context.type.name.lower().partition("(")
    name = name.strip().rpartition(".")[2]
    forms = _flat_forms(x, y) if context.type.flat else _known_forms(x, y)
    # PostGIS names the shape, and the reference system of its coordinates, in brackets.
    shape, *system = (part.strip() for part in details.strip(" )").split(","))
    phrase = forms.get(name) or forms.get(shape) or forms["point"]
    if system and system[0].isdigit() and system[0] != "0":
        phrase = (f"SRID={system[0]};", *phrase)
    return phrase_space([(1, phrase)], limits_of({}, context), unique=context.unique)


def _flat_forms(x: Phrase, y: Phrase) -> Mapping[str, Phrase]:
    return {
        "point": ("(", *x, ",", *y, ")"),
        "line": ("{1,", *x, ",", *y, "}"),
        "lseg": ("[(", *x, ",", *y, "),(0,0)]"),
        "box": ("(", *x, ",", *y, "),(180,90)"),
        "path": ("[(", *x, ",", *y, "),(0,0),(1,1)]"),
        "polygon": ("((", *x, ",", *y, "),(180,90),(180,-90))"),
        "circle": ("<(", *x, ",", *y, "),1>"),
    }


def _known_forms(x: Phrase, y: Phrase) -> Mapping[str, Phrase]:
    point: Phrase = (*x, " ", *y)
    return {
        **{f"point{d.lower()}": (f"POINT {d} (", *point, " 0" * len(d), ")") for d in ("Z", "M", "ZM")},
        "point": ("POINT(", *point, ")"),
        "linestring": ("LINESTRING(", *point, ",0 80)"),
        # A ring ends where it began, and a phrase cannot say a drawn value twice: the drawn corner is inside of it.
        "polygon": ("POLYGON((180 -80,180 80,", *point, ",180 -80))"),
        "multipoint": ("MULTIPOINT(", *point, ",0 80)"),
        "multilinestring": ("MULTILINESTRING((", *point, ",0 80))"),
        "multipolygon": ("MULTIPOLYGON(((0 0,1 0,1 1,0 0)))",),
        "geometrycollection": ("GEOMETRYCOLLECTION(POINT(", *point, "))"),
        "geomcollection": ("GEOMETRYCOLLECTION(POINT(", *point, "))"),
    }


MAKERS: Final[Mapping[str, Callable[[Mapping[str, Any], ColumnContext], Space]]] = {
    "template": template,
    "json": json_,
    "array": array,
    "range": range_,
    "geometry": geometry,
    **{name: _document(name) for name in ("xml", "hstore", "tsvector", "ltree")},
}

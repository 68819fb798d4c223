"""JSON documents and arrays in conditions: operators and functions over Arrow columns that hold them.

Sources: https://www.postgresql.org/docs/current/functions-json.html and functions-array.html,
https://www.sqlite.org/json1.html, https://mariadb.com/kb/en/json-functions/.
"""

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

import pyarrow as pa
from sqlglot import exp

from fixturesynth.schema.predicates.arrays import as_text
from fixturesynth.schema.predicates.domains import NotUnderstood
from fixturesynth.schema.predicates.functions import Function, Rows, load_json
from fixturesynth.schema.predicates.parsing import elements, fold, type_name

__all__ = [
    "DOCUMENTS",
    "NAMED_DOCUMENTS",
    "as_numbers",
    "asks_for_json",
    "is_document",
    "is_list",
    "list_texts",
    "normal_document",
    "normal_documents",
    "of_elements",
    "reads_documents",
]

SHALLOW = 200  # brackets of which no document is too deep
LONGEST_EXPONENT = 5  # digits
_MISSING = object()  # SQL's NULL, where JSON's own null is None
_PATH = re.compile(r'\.(\w+)|\."([^"]*)"|\[(\d+)\]')


class _Number(str):
    """A number of a JSON document, as it is written there."""


class _Documents:
    """The document of each row: the distinct ones, parsed, and which of them each row has."""

    def __init__(self, found: Sequence[Any], codes: pa.Array) -> None:
        self.found = found
        self.codes = codes

    def each(self, function: Callable[[Any], Any], kind: pa.DataType) -> pa.Array:
        made = [None if d is _MISSING else function(d) for d in self.found]
        return pa.array(made, kind).take(self.codes)

    def at(self, steps: Sequence[str | int]) -> "_Documents":
        return _Documents([_walked(d, steps) for d in self.found], self.codes)


@lru_cache(maxsize=4_096)
def _parsed(text: str) -> Any:
    try:
        document = load_json(text, _Number)
        if "\\u" in text or text.count("[") + text.count("{") > SHALLOW:
            _written(document).encode()  # not where half a character stands alone, or where it is too deep
    except (ValueError, RecursionError):
        return _MISSING
    return document


def _documents(rows: Rows, node: Any) -> _Documents:
    if isinstance(node, (exp.JSONExtract, exp.JSONBExtract)):
        return _documents(rows, node.this).at(_steps(node.expression))
    if isinstance(node, exp.Sub):
        return _without(_documents(rows, node.this), node.expression)
    values = rows.value(node)
    if is_list(values):
        raise NotUnderstood(f"{node.sql()!r} is an array, no document")
    coded = as_text(values).cast(pa.string()).dictionary_encode()
    found = [_parsed(text) for text in coded.dictionary.to_pylist()]
    if any(d is _MISSING for d in found):
        rows.refuse(pa.array([d is _MISSING for d in found], pa.bool_()).take(coded.indices))
    return _Documents(found, coded.indices)


def _without(documents: _Documents, node: Any) -> _Documents:
    """``document - 'key'`` and ``document - ARRAY['a', 'b']``: without those keys, or without those texts in a list."""
    listed = isinstance(node, exp.Array) or (isinstance(node, exp.Cast) and type_name(node) == "ARRAY")
    dropped = {str(fold(e)) for e in elements(node)} if listed else {fold(node)}
    if not all(isinstance(d, str) for d in dropped):
        raise NotUnderstood(f"what is taken from a document by {node.sql()!r} is not known")

    def rest(document: Any) -> Any:
        if isinstance(document, dict):
            return {k: v for k, v in document.items() if k not in dropped}
        if isinstance(document, list):
            return [d for d in document if type(d) is not str or d not in dropped]
        return document

    return _Documents([rest(d) for d in documents.found], documents.codes)


def _steps(path: Any) -> list[str | int]:
    """Keys and places of a path: of sqlglot's JSONPath, of ``{a,b}``, ``$.a[0]``, a key or a place alone."""
    if isinstance(path, exp.JSONPath):
        steps = [step.this for step in path.expressions if not isinstance(step, exp.JSONPathRoot)]
        known = all(isinstance(step, (exp.JSONPathRoot, exp.JSONPathKey, exp.JSONPathSubscript)) for step in path)
        if not known or not all(isinstance(step, (str, int)) for step in steps):
            raise NotUnderstood(f"the path {path.sql()!r} is not understood")
        return steps
    value = fold(path)
    if isinstance(value, str) and value.startswith("{"):
        return [int(s) if s.isdigit() else s for s in value.strip("{}").split(",")]
    return _path_of(value) if isinstance(value, str) and value.startswith("$") else [value]


def _path_of(text: str) -> list[str | int]:
    rest = text[1:]
    found = list(_PATH.finditer(rest))
    if "".join(m.group() for m in found) != rest:
        raise NotUnderstood(f"the path {text!r} is not understood")
    return [int(m[3]) if m[3] is not None else (m[1] if m[1] is not None else m[2]) for m in found]


def _walked(document: Any, steps: Sequence[str | int]) -> Any:
    for step in steps:
        if isinstance(document, dict):
            document = document.get(str(step), _MISSING)
        elif isinstance(document, list) and isinstance(step, int) and -len(document) <= step < len(document):
            document = document[step]
        else:
            return _MISSING
    return document


def _written(document: Any, number: Callable[[str], str] = str) -> str:
    """As PostgreSQL writes jsonb: keys by length, then in order; numbers as ``number`` writes them."""
    if isinstance(document, dict):
        keys = sorted(document, key=lambda k: (len(k.encode()), k.encode()))
        members = (f"{json.dumps(k, ensure_ascii=False)}: {_written(document[k], number)}" for k in keys)
        return "{" + ", ".join(members) + "}"
    if isinstance(document, list):
        return "[" + ", ".join(_written(d, number) for d in document) + "]"
    return number(document) if isinstance(document, _Number) else json.dumps(document, ensure_ascii=False)


def _without_exponent(number: str) -> str:
    """As PostgreSQL's numeric writes it; where that would be very long, as it is."""
    exponent = number.lower().partition("e")[2].lstrip("+-0")
    if len(exponent) > LONGEST_EXPONENT:
        return number
    value = Decimal(number)
    return f"{value if value else abs(value):f}"


def normal_document(text: str) -> str:
    """As PostgreSQL's jsonb writes the document; the text itself where it is none.

    >>> normal_document('{"bb":1.50,"a":[1,2e3]}')
    '{"a": [1, 2000], "bb": 1.50}'
    """
    document = _parsed(text)
    return text if document is _MISSING else _written(document, _without_exponent)


def _is_whole(number: str) -> bool:
    return not set(number) & set(".eE")


# What a document is and has ------------------------------------------------------------------------------------------

_TYPES: dict[str, dict[str, str]] = {
    "sqlite": {"str": "text", "whole": "integer", "number": "real", "True": "true", "False": "false"},
    "mysql": {"str": "STRING", "whole": "INTEGER", "number": "DOUBLE", "True": "BOOLEAN", "False": "BOOLEAN",
              "dict": "OBJECT", "list": "ARRAY", "None": "NULL"},
    "postgresql": {"str": "string", "whole": "number", "number": "number", "True": "boolean", "False": "boolean"},
}  # fmt: skip
_TYPES["mariadb"] = _TYPES["mysql"]
_PLAIN = {"dict": "object", "list": "array", "None": "null"}


def _type_of(rows: Rows, document: Any) -> str:
    if isinstance(document, _Number):
        name = "whole" if _is_whole(document) else "number"
    else:
        name = str(document) if document is None or isinstance(document, bool) else type(document).__name__
    names = _TYPES.get(rows.dialect)
    if names is None:
        raise NotUnderstood(f"the types of JSON in {rows.dialect} are not known")
    return names.get(name) or _PLAIN[name]


def _type(rows: Rows, document: Any, path: Any) -> pa.Array:
    found = _documents(rows, document)
    found = found.at(_steps(path)) if path is not None else found
    return found.each(lambda d: _type_of(rows, d), pa.string())


def _length(rows: Rows, arguments: Sequence[Any]) -> pa.Array:
    """Elements of an array; what PostgreSQL calls an error compares with nothing (NaN)."""
    found = _documents(rows, arguments[0])
    found = found.at(_steps(arguments[1])) if len(arguments) > 1 else found
    other = float("nan") if rows.dialect == "postgresql" else 0.0
    return found.each(lambda d: float(len(d)) if isinstance(d, list) else other, pa.float64())


def _mysql_length(rows: Rows, arguments: Sequence[Any]) -> pa.Array:
    found = _documents(rows, arguments[0])
    found = found.at(_steps(arguments[1])) if len(arguments) > 1 else found
    return found.each(lambda d: len(d) if isinstance(d, (list, dict)) else 1, pa.int64())


def _as_json(rows: Rows, node: Any) -> pa.Array:
    if rows.dialect in ("mysql", "mariadb"):
        raise NotUnderstood(f"{node.sql()!r} is compared as JSON")
    return _documents(rows, node).each(_written, pa.string())


def as_numbers(rows: Rows, node: Any) -> pa.Array:
    """Documents beside a number: one that is none compares with nothing (NaN)."""
    found = _documents(rows, node)
    return found.each(lambda d: float(d) if isinstance(d, _Number) else float("nan"), pa.float64())


def _scalar(rows: Rows, node: Any) -> pa.Array:
    """``->>``: a text without its quotes. In SQLite a number stays one."""
    found = _documents(rows, node.this).at(
        _steps(node.expression if node.expression is not None else node.args["path"])
    )
    return _unquoted(rows, found)


def _unquoted(rows: Rows, found: _Documents) -> pa.Array:
    if rows.dialect != "sqlite":
        return found.each(_text_of, pa.string())
    numbers = [isinstance(d, (_Number, bool)) for d in found.found]
    if any(numbers) and all(n or d in (None, _MISSING) for n, d in zip(numbers, found.found, strict=True)):
        return found.each(lambda d: None if d is None else float(d), pa.float64())
    return found.each(lambda d: _text_of(int(d) if isinstance(d, bool) else d), pa.string())


def _text_of(document: Any) -> str | None:
    if document is None:
        return None
    return str(document) if isinstance(document, str) else _written(document)


def _has(document: Any, key: str) -> bool:
    """Whether an object has the key, or an array or a text is it; a number is no text."""
    if isinstance(document, dict):
        return key in document
    return any(type(d) is str and d == key for d in (document if isinstance(document, list) else [document]))


def _has_key(rows: Rows, node: Any) -> pa.Array:
    key = str(fold(node.expression))
    return _documents(rows, node.this).each(lambda d: _has(d, key), pa.bool_())


def _has_keys(quantifier: Callable[[Any], bool]) -> Callable[[Rows, Any], pa.Array]:
    def function(rows: Rows, node: Any) -> pa.Array:
        keys = [str(fold(e)) for e in elements(node.expression)]
        return _documents(rows, node.this).each(lambda d: quantifier(_has(d, k) for k in keys), pa.bool_())

    return function


def _has_path(rows: Rows, arguments: Sequence[Any]) -> pa.Array:
    """JSON_CONTAINS_PATH(document, 'one' or 'all', path ...)."""
    quantifier = {"one": any, "all": all}[str(fold(arguments[1])).lower()]
    paths = [_steps(a) for a in arguments[2:]]
    found = _documents(rows, arguments[0])
    return found.each(lambda d: quantifier(_walked(d, p) is not _MISSING for p in paths), pa.bool_())


def _path_exists(rows: Rows, arguments: Sequence[Any]) -> pa.Array:
    path = _steps(arguments[1])
    return _documents(rows, arguments[0]).each(lambda d: _walked(d, path) is not _MISSING, pa.bool_())


def _holds(document: Any, part: Any, alone: bool, deep: bool) -> bool:
    """Whether a document contains another: objects by their keys, arrays in any order.

    ``alone``: an array contains what one of its elements does; ``deep``: so do arrays inside of it.
    """
    if isinstance(document, dict) and isinstance(part, dict):
        return all(k in document and _holds(document[k], v, deep, deep) for k, v in part.items())
    if isinstance(document, list) and (alone or isinstance(part, list)):
        parts = part if isinstance(part, list) else [part]
        return all(any(_holds(d, p, deep, deep) for d in document) for p in parts)
    if isinstance(document, _Number) and isinstance(part, _Number):
        return float(document) == float(part)
    return type(document) is type(part) and bool(document == part)


def _contains(rows: Rows, arguments: Sequence[Any]) -> pa.Array:
    part = _parsed(str(fold(arguments[1])))
    found = _documents(rows, arguments[0])
    found = found.at(_steps(arguments[2])) if len(arguments) > 2 else found
    deep = rows.dialect in ("mysql", "mariadb")
    return found.each(lambda d: _holds(d, part, deep or not isinstance(part, dict), deep), pa.bool_())


# Arrays --------------------------------------------------------------------------------------------------------------


def is_list(values: pa.Array) -> bool:
    return bool(pa.types.is_list(values.type) or pa.types.is_large_list(values.type))


def _lists(rows: Rows, node: Any) -> list[list[Any] | None]:
    values = rows.value(node)
    if not is_list(values):
        raise NotUnderstood(f"{node.sql()!r} is no array")
    lists: list[list[Any] | None] = values.to_pylist()
    return lists


def _each(rows: Rows, node: Any, function: Callable[[list[Any]], Any], kind: pa.DataType) -> pa.Array:
    return pa.array([None if v is None else function(v) for v in _lists(rows, node)], kind)


def _constant_list(rows: Rows, node: Any) -> pa.Array:
    members = [None if (v := fold(e)) is None else str(v) for e in elements(node)]
    return pa.array([members] * rows.rows, pa.list_(pa.string()))


def list_texts(values: pa.Array) -> pa.Array:
    """Arrays as texts that are equal where they are; the text of an element is what is compared."""
    texts = (None if v is None else json.dumps([None if e is None else str(e) for e in v]) for v in values.to_pylist())
    return pa.array(list(texts), pa.string())


def _size(rows: Rows, node: Any, dimension: Any) -> pa.Array:
    """array_length and array_upper: NULL for an array without elements."""
    if fold(dimension) != 1:
        raise NotUnderstood(f"{node.sql()!r}: dimension {fold(dimension)} is not known")
    return _each(rows, node, lambda v: len(v) or None, pa.int64())


def _position(rows: Rows, node: Any) -> pa.Array:
    wanted = fold(node.expression)
    texts = None if wanted is None else str(wanted)

    def place(members: list[Any]) -> int | None:
        found = [None if m is None else str(m) for m in members]
        return found.index(texts) + 1 if texts in found else None

    return _each(rows, node.this, place, pa.int64())


def _member(rows: Rows, node: Any) -> pa.Array:
    place = int(fold(node.expressions[0]))
    values = rows.value(node.this)
    kind = values.type.value_type if is_list(values) else pa.null()
    return _each(rows, node.this, lambda v: v[place] if 0 <= place < len(v) else None, kind)


def _sets(compare: Callable[[set[str], set[str]], bool]) -> Callable[[Rows, Any], pa.Array]:
    """``<@``, ``@>`` and ``&&`` of arrays, of which one is a constant; an element that is NULL equals none."""

    def function(rows: Rows, node: Any) -> pa.Array:
        column, listed, turned = node.this, node.expression, False
        if column.find(exp.Column) is None:
            column, listed, turned = listed, column, True
        known = {str(fold(e)) for e in elements(listed)}

        def test(members: list[Any]) -> bool:
            own = {"\0" if m is None else str(m) for m in members}
            return compare(known, own) if turned else compare(own, known)

        return _each(rows, column, test, pa.bool_())

    return function


def _contained(rows: Rows, node: Any) -> pa.Array:
    """``@>`` of documents or of arrays."""
    if not is_list(rows.value(node.this)) and node.expression.find(exp.Column) is None:
        return _contains(rows, (node.this, node.expression))
    return _sets(lambda a, b: a >= b)(rows, node)


def of_elements(rows: Rows, node: Any) -> pa.Array | None:
    """``x = ANY (array)`` and ``x <> ALL (array)`` for an array that is a column; None: the node is neither."""
    right = node.expression
    every = isinstance(right, exp.Anonymous) and str(right.this).lower() == "all"
    if not every and not isinstance(right, exp.Any):
        return None
    if not isinstance(node, (exp.EQ, exp.NEQ)):
        raise NotUnderstood(f"{node.sql()!r} compares in order with elements")
    lists, sought = _lists(rows, right.expressions[0] if every else right.this), rows.value(node.this).to_pylist()
    equal = isinstance(node, exp.EQ)

    def found(value: Any, members: list[Any] | None) -> bool | None:
        if members is None or (value is None and members):
            return None
        tests = [None if m is None else (str(m) == str(value)) is equal for m in members]
        settling = not every  # one that is true settles ANY, one that is false ALL
        return settling if settling in tests else (None if None in tests else not settling)

    return pa.array([found(v, m) for v, m in zip(sought, lists, strict=True)], pa.bool_())


def reads_documents(tree: exp.Expression) -> bool:
    """Whether a condition looks into documents or arrays."""
    return any(
        type(n) in DOCUMENTS or (isinstance(n, exp.Anonymous) and str(n.this).lower() in NAMED_DOCUMENTS)
        for n in tree.walk()
    )


def asks_for_json(tree: exp.Expression) -> bool:
    """Whether a condition takes what it reads for JSON: by a function of that name, an operator or a cast."""
    names = (
        str(n.this) if isinstance(n, exp.Anonymous) else n.sql_name() for n in tree.walk() if isinstance(n, exp.Func)
    )
    return any("json" in name.lower() for name in names) or any(map(is_document, tree.find_all(exp.Cast)))


def is_document(node: Any) -> bool:
    """Whether the node is a constant document."""
    return isinstance(node, exp.Cast) and type_name(node) in ("JSON", "JSONB")


def normal_documents(rows: Rows, node: Any) -> pa.Array:
    """Documents written in one way, so that equal ones are equal texts."""
    found = _documents(rows, node.this if is_document(node) else node)
    return found.each(lambda d: _written(d, _without_exponent), pa.string())


def _called(function: Callable[[Rows, Sequence[Any]], pa.Array]) -> Function:
    return lambda rows, node: function(rows, node.expressions)


def _first(function: Callable[[list[Any]], Any]) -> Function:
    return lambda rows, node: _each(rows, node.expressions[0], function, pa.int64())


DOCUMENTS: dict[type[exp.Expression], Function] = {
    exp.JSONExtract: _as_json, exp.JSONBExtract: _as_json, exp.JSONExtractScalar: _scalar,
    exp.JSONBExtractScalar: _scalar, exp.JSONValue: _scalar, exp.JSONBContains: _has_key,
    exp.JSONBContainsTopKey: _has_key, exp.JSONBContainsAllTopKeys: _has_keys(all),
    exp.JSONBContainsAnyTopKeys: _has_keys(any),
    exp.JSONType: lambda rows, node: _type(rows, node.this, node.expression),
    exp.ArraySize: lambda rows, node: _size(rows, node.this, node.expression or exp.Literal.number(1)),
    exp.ArrayPosition: _position, exp.Bracket: _member, exp.Array: _constant_list,
    exp.ArrayContainsAll: _contained, exp.ArrayContainedBy: _sets(lambda a, b: a <= b),
    exp.ArrayOverlaps: _sets(lambda a, b: bool(a & b)),
}  # fmt: skip
NAMED_DOCUMENTS: dict[str, Function] = {
    **dict.fromkeys(("jsonb_typeof", "json_typeof"), lambda rows, node: _type(rows, node.expressions[0], None)),
    **dict.fromkeys(("jsonb_array_length", "json_array_length"), _called(_length)),
    "json_length": _called(_mysql_length), "json_contains_path": _called(_has_path),
    "json_contains": _called(_contains), "jsonb_path_exists": _called(_path_exists),
    "json_unquote": lambda rows, node: _unquoted(rows, _documents(rows, node.expressions[0])),
    "cardinality": _first(len), "array_ndims": _first(lambda v: 1 if v else None),
    "array_upper": lambda rows, node: _size(rows, *node.expressions),
}  # fmt: skip

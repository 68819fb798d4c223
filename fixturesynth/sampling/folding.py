"""Texts as their column's collation compares them: what a unique set takes for equal."""

import unicodedata
from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of
from fixturesynth.schema.model import Column, Table

__all__ = ["folded", "folds_case"]

_EXACT = ("_bin", "_cs", "binary")  # endings of MySQL's collations that tell all texts apart


def folds_case(table: Table, unique: str) -> bool:
    """Whether a unique index is over texts in one case: ``lower(email)``."""
    texts = [e.lower() for u in table.uniques if u.name == unique for e in u.expressions]
    return any(call in text for text in texts for call in ("lower(", "upper("))


def folded(values: pa.Array, column: Column, dialect: str, *, any_case: bool = False) -> pa.Array:
    """The values with what the column's collation does not tell apart made equal; not text: as they are.

    MySQL's usual collations know no case, no accents and no blanks at the end; SQLite has NOCASE and RTRIM, PostgreSQL
    citext. ``any_case``: the index folds case itself.
    """
    if not pa.types.is_string(values.type) or column.type.kind not in ("text", "enum", "set"):
        return values
    fold = _FOLDS.get(dialect, _postgresql)(column)
    if fold is None:
        return pc.utf8_lower(values) if any_case else values
    return fold(values)


def _without_accents(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if not unicodedata.combining(c)).replace("ss", "s")


def _by_words(values: pa.Array) -> pa.Array:
    """As MySQL's collations that ignore case compare: some of them read ß as s, others as ss, so both are one."""
    plain = pc.utf8_rtrim(pc.utf8_lower(values), " ")
    if pc.all(pc.string_is_ascii(plain)).as_py() is not False:
        return plain
    coded = plain.dictionary_encode()
    return array_of([_without_accents(v) for v in coded.dictionary.to_pylist()], pa.string()).take(coded.indices)


_Fold = Callable[[pa.Array], pa.Array] | None


def _mysql(column: Column) -> _Fold:
    return None if (column.collation or "").lower().endswith(_EXACT) else _by_words


def _sqlite(column: Column) -> _Fold:
    by_name: Mapping[str, _Fold] = {"NOCASE": pc.ascii_lower, "RTRIM": lambda values: pc.utf8_rtrim(values, " ")}
    return by_name.get((column.collation or "").upper())


def _postgresql(column: Column) -> _Fold:
    return pc.utf8_lower if column.type.name.lower().endswith("citext") else None


_FOLDS: Mapping[str, Callable[[Column], _Fold]] = {"mysql": _mysql, "mariadb": _mysql, "sqlite": _sqlite}

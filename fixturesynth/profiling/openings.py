"""What codes begin with in each category: ``ELE-`` in electronics, ``S10_`` at a scale of 1:10."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.columnar import ColumnView, TableView
from fixturesynth.profiling.protection import Protector

__all__ = ["Opening", "Stored", "find_openings"]

Integers = npt.NDArray[np.int64]
Texts = npt.NDArray[np.str_]
Stored = Callable[[str, str], "Collection[str] | None"]

MOST_CATEGORIES = 64
LEAST_ROWS = 4  # of a category, on average
HELD = 0.98  # of the rows are in categories that enough share


@dataclass(frozen=True, eq=False)
class Opening:
    """As a field of profiling.composing: ``piece`` as the rule has it; ``texts``: what each row begins with, (n,)."""

    piece: Mapping[str, Any]
    texts: Texts

    def few(self, places: Integers) -> Texts:
        """Its texts in some rows, empty where the category is not known, (places,)."""
        return self.texts[places]

    def of(self, rows: Integers) -> Opening:
        """The field in some of the rows."""
        return replace(self, texts=self.texts[rows])


def find_openings(
    texts: Texts, rows: Integers, view: TableView, above: Mapping[str, tuple[TableView, Integers]],
    protector: Protector, barred: str, stored: Stored,
) -> Iterator[Opening]:  # fmt: skip
    """Categories of the row, or of a parent, whose texts (n,), those of ``rows``, begin alike in each, but not in all.

    ``protector``: of those rows. ``barred``: the column that the texts are of. ``stored(table, column)``: the
    categories that may be named, None for all.
    """
    own, theirs = view.table.name, {key: parent.table.name for key, (parent, _) in above.items()}
    options: list[tuple[Mapping[str, Any], ColumnView, Integers]] = [
        ({"column": c.name}, c, rows) for c in view.columns.values() if c.name not in view.references | {barred}
    ]
    for key, (parent, at) in above.items():
        shared = set(view.table.foreign_key(key).parent_columns)
        options += [
            ({"key": key, "column": c.name}, c, at[rows]) for c in parent.columns.values() if c.name not in shared
        ]
    for named, column, at in options:
        if column.family not in ("text", "boolean") or column.values is None or not column.distinct > 1:
            continue
        if column.distinct > min(MOST_CATEGORIES, texts.size // LEAST_ROWS):
            continue
        codes = np.where(at >= 0, column.codes[np.maximum(at, 0)], -1)
        known = stored(theirs[named["key"]] if "key" in named else own, column.name)
        opening = _opening(texts, codes, column, protector, known)
        if opening is not None:
            yield Opening({**named, "opening": opening[0]}, opening[1])


def _opening(
    texts: Texts, codes: Integers, column: ColumnView, protector: Protector, stored: Collection[str] | None
) -> tuple[list[list[str]], Texts] | None:
    """[category, what its texts begin with] of each, and the latter by row; None where that says nothing."""
    there = np.flatnonzero(codes >= 0)
    supporters = protector.of_rows(there).supporters(codes[there], column.distinct)
    assert column.values is not None
    names = [str(v) for v in column.values.to_pylist()]
    begins = np.full(column.distinct, "", dtype=object)
    able = np.array([stored is None or name in stored for name in names]) & (supporters >= protector.protection)
    for code in np.flatnonzero(able).tolist():
        own = texts[codes == code].tolist()
        begins[code] = _begun(min(own), max(own))
        if not begins[code]:
            return None
    known = [c for c in range(column.distinct) if begins[c]]
    out = np.where(codes >= 0, begins[np.maximum(codes, 0)], "").astype(np.str_)
    if (out != "").mean() < HELD or len({begins[c] for c in known}) < 2:
        return None
    return [[names[c], str(begins[c])] for c in known], out


def _begun(first: str, last: str) -> str:
    """What the least and the greatest of some texts begin with alike, but digits, which belong to what follows."""
    size = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    if size == len(first) == len(last):
        return ""  # all are the same: what the category determines, not what it begins
    return first[:size].rstrip("0123456789")

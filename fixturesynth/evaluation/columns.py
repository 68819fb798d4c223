"""Which columns are compared, and their real, synthetic and held-out values in one encoding.

Numbers and datetimes (also ISO text) are continuous; texts are categories when they repeat. Keys, references, counters,
documents that hardly repeat, free text and whatever tells who somebody is are left out, with the reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fixturesynth.evaluation.documents import said_documents
from fixturesynth.profiling.columnar import ColumnView, TableView
from fixturesynth.profiling.semantics import PERSONAL, guess_meaning
from fixturesynth.schema.model import Column, Table

__all__ = ["ComparedColumn", "ComparedTable", "compare_table", "sort_out"]

Values = npt.NDArray[Any]
CompareKind = Literal["number", "datetime", "time", "category"]

REPEATS = 5.0  # entities that share a value on average, for a text to be a category
FEW = 12  # ... or 2 of them where there are so few values
TELLING_FEW, TELLING_REPEATS = 20, 20.0  # what names, emails and the like must show instead

_DOCUMENTS = frozenset(
    {
        "json",
        "xml",
        "hstore",
        "tsvector",
        "bytes",
        "bit",
        "array",
        "range",
        "geometry",
        "uuid",
        "macaddr",
        "inet",
        "cidr",
    }
)


@dataclass(frozen=True, eq=False)
class ComparedColumn:
    """One column on all sides. Continuous: float64 with NaN for NULL; categories: codes into ``labels``, -1 for NULL.

    Datetimes and times are microseconds. ``note`` is not empty when the synthetic values are of another kind.
    """

    name: str
    kind: CompareKind
    real: Values
    synthetic: Values
    holdout: Values | None = None
    labels: tuple[str, ...] = ()
    note: str = ""

    @property
    def continuous(self) -> bool:
        return self.kind != "category"


@dataclass(frozen=True, eq=False)
class ComparedTable:
    """The compared columns of a table and why the others are left out."""

    name: str
    columns: Mapping[str, ComparedColumn]
    left_out: Mapping[str, str]


def sort_out(view: TableView, column: Column, entities: Values) -> tuple[CompareKind | None, str]:
    """How a column is compared, judged by the real rows alone; None and the reason when it is not.

    ``entities``: whom each row belongs to. A city that comes again and again because it is one customer's does not
    repeat.
    """
    seen = view[column.name]
    if seen.rows == seen.nulls:
        return None, "no values in the real rows"
    if column.name in view.identities:
        return None, "a key"
    if column.name in view.references:
        return None, "a reference"
    if column.type.kind == "json" and seen.family == "text":
        kind, _ = _sort_out_text(view.table, column, seen, entities)
        return kind, "" if kind else "json: compared by no metric"
    if column.type.kind in _DOCUMENTS or seen.family == "other":
        return None, f"{column.type.kind}: compared by no metric"
    if column.type.kind in ("boolean", "enum", "set") or seen.family == "boolean":
        return "category", ""
    if seen.family == "number":
        if column.name in view.surrogates and seen.rows > FEW:
            return None, "a counter: unique and nearly without gaps"
        return ("category" if seen.distinct <= 2 else "number"), ""
    if seen.family in ("datetime", "time"):
        return ("datetime" if seen.family == "datetime" else "time"), ""
    return _sort_out_text(view.table, column, seen, entities)


def _sort_out_text(table: Table, column: Column, seen: ColumnView, entities: Values) -> tuple[CompareKind | None, str]:
    owners = np.unique(entities[seen.valid] * seen.distinct + seen.codes[seen.valid]).size
    repeats = owners / seen.distinct
    meaning = guess_meaning(table.name, column, seen.values)
    if meaning in PERSONAL and not (seen.distinct <= TELLING_FEW and repeats >= TELLING_REPEATS):
        return None, f"identifying text ({str(meaning).replace('_', ' ')})"
    if repeats >= REPEATS or (seen.distinct <= FEW and repeats >= 2 and seen.rows >= 20):
        return "category", ""
    whose = f" of {np.unique(entities[seen.valid]).size:,} parents" if owners < seen.rows - seen.nulls else ""
    return None, f"text that hardly repeats ({seen.distinct:,} values in {seen.rows - seen.nulls:,} rows{whose})"


def compare_table(real: TableView, synthetic: TableView, holdout: TableView | None, entities: Values) -> ComparedTable:
    """All columns that both sides have, in the table's order. ``entities``: see ``sort_out``, shape (real rows,)."""
    columns: dict[str, ComparedColumn] = {}
    left_out: dict[str, str] = {}
    for column in real.table.columns:
        if column.name not in real.columns:
            continue
        if column.name not in synthetic.columns:
            left_out[column.name] = "not among the synthetic columns"
            continue
        kind, why = sort_out(real, column, entities)
        if kind is None:
            said = said_documents(real[column.name], synthetic[column.name])
            left_out[column.name] = f"{why}; {said}" if said else why
            continue
        kept = holdout[column.name] if holdout is not None and column.name in holdout.columns else None
        columns[column.name] = _compare(kind, real[column.name], synthetic[column.name], kept)
    return ComparedTable(real.table.name, columns, left_out)


def _compare(kind: CompareKind, real: ColumnView, synthetic: ColumnView, holdout: ColumnView | None) -> ComparedColumn:
    sides = [real, synthetic] + ([holdout] if holdout is not None else [])
    if kind == "category":
        labels, codes = _joint(sides)
        return ComparedColumn(real.name, kind, codes[0], codes[1], codes[2] if holdout is not None else None, labels)
    values = [_continuous(side, kind) for side in sides]
    note = ""
    if synthetic.nulls == synthetic.rows:
        note = "the synthetic rows have no values"
    elif np.isnan(values[1]).all():
        note = f"the synthetic values are no {kind}s"
    return ComparedColumn(
        real.name, kind, values[0], values[1], values[2] if holdout is not None else None, note=note
    )  # fmt: skip


def _continuous(view: ColumnView, kind: CompareKind) -> Values:
    if kind == "number" and view.family == "number":
        return np.where(np.isfinite(view.numbers), view.numbers, np.nan)
    if kind == "number" and view.family == "boolean" and view.values is not None:
        truth = np.append(np.asarray(view.values.cast(pa.float64())), np.nan)
        return truth[view.codes]
    if kind in ("datetime", "time") and view.family == kind:
        return np.where(view.valid, view.moments.astype(np.float64), np.nan)
    return np.full(view.rows, np.nan)


def _joint(sides: list[ColumnView]) -> tuple[tuple[str, ...], list[Values]]:
    """One list of labels for all sides, those of the first side by frequency, and everybody's codes into it."""
    as_numbers = any(s.family == "number" for s in sides)
    spelled = [_labels(side, as_numbers) for side in sides]
    first = sides[0]
    order = np.argsort(-first.counts[: first.distinct], kind="stable")
    place: dict[str, int] = {}
    for label in [spelled[0][i] for i in order.tolist()]:
        place.setdefault(label, len(place))
    for labels in spelled[1:]:
        for label in labels:
            place.setdefault(label, len(place))
    codes = [
        np.append(np.fromiter((place[label] for label in labels), np.int64, len(labels)), -1)[side.codes]
        for side, labels in zip(sides, spelled, strict=True)
    ]
    return tuple(place), codes


def _labels(view: ColumnView, as_numbers: bool) -> list[str]:
    """The distinct values in words that are the same for 1, 1.0 and (beside numbers) true."""
    if view.values is None:
        return []
    if view.family in ("number", "boolean") and (as_numbers or view.family == "number"):
        try:
            numbers = view.values.cast(pa.float64(), safe=False).to_pylist()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            numbers = None
        if numbers is not None:
            return [f"{number:.17g}" for number in numbers]
    return [str(value) for value in view.values.to_pylist()]

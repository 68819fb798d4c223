"""How a drawn dataset is handed over: dictionaries, frames, a script of inserts, objects of mapped classes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pprint import pformat
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from fixturesynth.dataset import Dataset, arrow_type
from fixturesynth.errors import InputError, did_you_mean
from fixturesynth.loading.statements import insert_statements
from fixturesynth.schema.mapped import Mapped, mapped_classes
from fixturesynth.schema.model import Schema
from fixturesynth.strategies.description import Source

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Form", "Frames", "Script", "Tables", "form_named", "form_of_schema", "frames"]

Rows = dict[str, list[dict[str, Any]]]
Form = Callable[[Rows], Any]

STATEMENT = re.compile(r"(?:[^';]|'(?:[^']|'')*')+;")


def form_named(name: str, origin: Any, source: Source, tables: Sequence[str]) -> Form:
    """What rows are made into; InputError for a form that does not exist, or not for this source."""
    return _form(name, source if name == "dicts" else origin, source.schema, tables)


def form_of_schema(name: str, schema: Schema, tables: Sequence[str]) -> Form:
    """The same for a source that is a schema alone."""
    return _form(name, None, schema, tables)


def _form(name: str, origin: Any, schema: Schema, tables: Sequence[str]) -> Form:
    if name not in _FORMS:
        raise InputError(f"unknown tables_as={name!r}: {did_you_mean(name, _FORMS)}")
    return _FORMS[name](origin, schema, tables)


class Tables(dict[str, list[dict[str, Any]]]):
    """Rows by table; prints as the dictionary that it is. ``source``: what it was drawn from."""

    def __init__(self, rows: Mapping[str, list[dict[str, Any]]], source: Any = None) -> None:
        super().__init__(rows)
        self.source = source


def _dicts(origin: Any, schema: Schema, tables: Sequence[str]) -> Form:
    return lambda rows: Tables(rows, origin)


# -- frames -----------------------------------------------------------------------------------------------------------
class Frames(dict[str, "pd.DataFrame"]):
    """pandas frames by table, which print as ``frames({...})`` with their rows as Python literals."""

    def __repr__(self) -> str:
        rows = {name: _plain(frame) for name, frame in self.items()}
        return f"frames({pformat(rows, width=110, sort_dicts=False)})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


def _plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pa.Table.from_pandas(frame, preserve_index=False).to_pylist()
    return rows


def frames(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Frames:
    """Frames of rows, as a failing example prints them; types are what pandas makes of the values."""
    import pandas as pd

    return Frames({name: pd.DataFrame([dict(row) for row in some]) for name, some in rows.items()})


def _frames(origin: Any, schema: Schema, tables: Sequence[str]) -> Form:
    types = arrow_schemas(schema)

    def form(rows: Rows) -> Frames:
        return Frames({name: as_arrow(some, types[name]).to_pandas() for name, some in rows.items()})

    return form


def arrow_schemas(schema: Schema) -> dict[str, pa.Schema]:
    """By table: the Arrow type of every column that rows may have."""
    return {t.name: pa.schema([(c.name, arrow_type(c.type)) for c in t.columns if c.generated is None]) for t in schema}


def as_arrow(rows: Sequence[Mapping[str, Any]], types: pa.Schema) -> pa.Table:
    names = list(rows[0]) if rows else types.names
    return pa.table(
        {n: pa.array([row[n] for row in rows], types.field(n).type) for n in names}
    )  # fmt: skip


def as_dataset(rows: Mapping[str, Sequence[Mapping[str, Any]]], schema: Schema) -> Dataset:
    types = arrow_schemas(schema)
    return Dataset({name: as_arrow(some, types[name]) for name, some in rows.items()})


# -- SQL --------------------------------------------------------------------------------------------------------------
class Script(str):
    """A script of INSERT statements. ``statements``: one by one."""

    def __new__(cls, text: str = "") -> Script:
        return super().__new__(cls, text.removeprefix("\n"))  # it prints as a block that begins with a line break

    @property
    def statements(self) -> tuple[str, ...]:
        return tuple(s.strip().rstrip(";") for s in STATEMENT.findall(self))

    def __repr__(self) -> str:
        text = str(self)
        if "\\" in text or "'''" in text or (not text.isprintable() and not text.replace("\n", "").isprintable()):
            return f"Script({str.__repr__(self)})"
        return f"Script('''\n{text}''')"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        lines = repr(self).split("\n")
        for number, line in enumerate(lines):
            if number:
                printer.break_() if hasattr(printer, "break_") else printer.text("\n")
            printer.text(line)


def _sql(origin: Any, schema: Schema, tables: Sequence[str]) -> Form:
    types = arrow_schemas(schema)

    def form(rows: Rows) -> Script:
        made = {name: as_arrow(some, types[name]) for name, some in rows.items() if some}
        return Script("".join(insert_statements(made, schema)))

    return form


# -- mapped objects ---------------------------------------------------------------------------------------------------
def _orm(origin: Any, schema: Schema, tables: Sequence[str]) -> Form:
    mapped: Mapped = mapped_classes(origin, schema, tables)

    def form(rows: Rows) -> dict[str, list[Any]]:
        return mapped.objects(rows)

    return form


_FORMS: Mapping[str, Callable[[Any, Schema, Sequence[str]], Form]] = {
    "dicts": _dicts, "frames": _frames, "sql": _sql, "orm": _orm,
}  # fmt: skip

"""What a test asks of its database: settings from ini file, command line, fixtures and marker, as one frozen record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

__all__ = ["DEFAULT_ROWS", "MARKER_ARGUMENTS", "Settings", "marked", "parse_rows", "reader"]

DEFAULT_ROWS = 50  # rows of a table that nobody named
MARKER_ARGUMENTS = ("rows", "seed", "given", "edge_cases", "isolation")


@dataclass(frozen=True)
class Settings:
    """``root``: folder that relative paths count from. ``database``: ``sqlite``, ``duckdb`` or a server's URL.

    ``rows``: by table, and "" for all others. ``given``: (table, column, value). ``isolation``: ``transaction`` (rolled
    back) or ``database`` (a copy of its own, dropped).
    """

    source: Any
    root: Path
    database: str = "sqlite"
    spec: str | None = None
    model: str | None = None
    models: str | None = None
    seed: int = 0
    rows: tuple[tuple[str, int], ...] = ()
    given: tuple[tuple[str, str, Any], ...] = ()
    edge_cases: bool = False
    isolation: str = "transaction"

    def path(self, text: str) -> Path:
        """A path as the user wrote it, from the project's folder."""
        return self.root / Path(text).expanduser()

    @property
    def place(self) -> tuple[object, ...]:
        """What tells one filled database from another; the source by identity where it is an object."""
        source = self.source if isinstance(self.source, str) else id(self.source)
        return (
            source, self.database, self.spec, self.model, self.models, self.seed, self.rows, repr(self.given),
            self.edge_cases,
        )  # fmt: skip


def parse_rows(asked: Any, where: str = "synth_rows") -> tuple[tuple[str, int], ...]:
    """Rows by table from a number, a mapping, or the text of an ini file.

    >>> parse_rows(20), parse_rows("orders=100 5"), parse_rows({"orders": 3})
    ((('', 20),), (('', 5), ('orders', 100)), (('orders', 3),))

    UsageError for anything else.
    """
    if asked is None or asked == "":
        return ()
    if isinstance(asked, bool) or not isinstance(asked, int | str | Mapping):
        raise usage_error(f"{where}: expected a number or a mapping of tables to numbers, however: {asked!r}")
    if isinstance(asked, str):
        found: dict[str, Any] = {}
        for word in re.split(r"[\s,]+", asked.strip()):
            table, _, number = word.rpartition("=")
            found[table] = int(number) if number.isdigit() else number
        asked = found
    items = {"": asked} if isinstance(asked, int) else dict(asked)
    for table, number in items.items():
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise usage_error(f"{where}: rows of {table or 'every table'} must be 0 or more, however: {number!r}")
    return tuple(sorted(items.items()))


def usage_error(message: str) -> Exception:
    import pytest

    return pytest.UsageError(message)


def merged(below: tuple[tuple[str, int], ...], above: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted({**dict(below), **dict(above)}.items()))


def marked(settings: Settings, arguments: Mapping[str, Any]) -> Settings:
    """``settings`` as a marker's keyword arguments change them; UsageError for one that is not known."""
    from fixturesynth.errors import did_you_mean

    for name in arguments:
        if name not in MARKER_ARGUMENTS:
            raise usage_error(f"marker fixturesynth: no argument {name!r}: {did_you_mean(name, MARKER_ARGUMENTS)}")
    out = settings
    if "rows" in arguments:
        out = replace(out, rows=merged(out.rows, parse_rows(arguments["rows"], "marker fixturesynth, rows")))
    if isinstance(arguments.get("seed"), int):
        out = replace(out, seed=arguments["seed"])
    if "given" in arguments:
        out = replace(out, given=tuple(_given(arguments["given"])))
    if "edge_cases" in arguments:
        out = replace(out, edge_cases=bool(arguments["edge_cases"]))
    if "isolation" in arguments:
        if arguments["isolation"] not in ("transaction", "database"):
            raise usage_error(
                f"marker fixturesynth: isolation is 'transaction' or 'database', however: {arguments['isolation']!r}"
            )
        out = replace(out, isolation=arguments["isolation"])
    return out


def _given(asked: Any) -> list[tuple[str, str, Any]]:
    if not isinstance(asked, Mapping) or not all(isinstance(columns, Mapping) for columns in asked.values()):
        raise usage_error(f"marker fixturesynth: given maps tables to columns to values, however: {asked!r}")
    return [(table, column, value) for table, columns in asked.items() for column, value in columns.items()]


def reader(config: Any) -> Any:
    """A function from a setting's name to what the command line says of it, else the ini file, else None."""

    def read(name: str) -> Any:
        given = config.getoption(f"fixturesynth_{name}", None)
        if given is not None:
            return given
        value = config.getini(f"fixturesynth_{name}")
        return value if value != "" else None

    return read

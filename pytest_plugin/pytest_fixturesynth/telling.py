"""What is printed: the header, the summary, what a failing test had made, and ``--fixturesynth-list``."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pytest_fixturesynth.naming import run_folder
from pytest_fixturesynth.settings import reader

if TYPE_CHECKING:
    import pytest

__all__ = ["failure_sections", "header", "pasteable", "show_list", "summary"]

MOST = 50  # rows of one test that are shown


def header(config: pytest.Config) -> str:
    """One line: the source, where databases are made, the seed."""
    from fixturesynth import __version__

    read = reader(config)
    database = str(read("database") or "sqlite")
    if "@" in database:
        database = f"{database.partition('://')[0]}://...@{database.rpartition('@')[2]}"
    kept = ", kept" if config.getini("fixturesynth_reuse_db") or config.getoption("reuse_db", False) else ""
    return f"fixturesynth {__version__}: {read('source') or read('model')}, {database}{kept}, seed {read('seed') or 0}"


def summary(config: pytest.Config) -> list[str]:
    """What was filled in this run; nothing where no test asked."""
    from pytest_fixturesynth.plugin import NAME

    names = config.stash.get(NAME, None)
    path = run_folder(names["run"]) / "summary.txt" if names else None
    if path is None or not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [f"fixturesynth: {line}" for line in lines]


def failure_sections(handles: list[Any]) -> list[tuple[str, str]]:
    """The seed, and every row that the test's factories made, as Python to paste."""
    found = []
    for handle in handles:
        factory = handle.__dict__.get("factory") or handle.__dict__.get("_factory")
        rows = factory.journal if factory is not None else []
        text = f"seed {handle.seed} (again with --fixturesynth-seed={handle.seed})"
        if rows:
            text += f"\n{len(rows)} rows made by this test, in order:\n\n" + pasteable(rows[:MOST])
            text += f"\n# and {len(rows) - MOST} more" if len(rows) > MOST else ""
        found.append(("fixturesynth", text))
    return found


def pasteable(rows: list[Any]) -> str:
    """Calls of ``synth.make`` that make exactly these rows.

    >>> from pytest_fixturesynth.records import Record
    >>> print(pasteable([Record("tags", {"id": 3, "name": "new"})]))
    synth.make('tags', id=3, name='new')
    """
    lines = [_call(row) for row in rows]
    text = "\n".join(lines)
    kinds = {type(v) for row in rows for v in row.values()}
    heads = []
    if kinds & {datetime, date} or "datetime." in text:
        heads.append("import datetime")
    if Decimal in kinds:
        heads.append("from decimal import Decimal")
    if UUID in kinds:
        heads.append("from uuid import UUID")
    return "\n".join([*heads, *lines])


def _call(row: Any) -> str:
    plain = {n: v for n, v in row.items() if n.isidentifier()}
    other = {n: v for n, v in row.items() if n not in plain}
    words = [f"{n}={v!r}" for n, v in plain.items()] + ([f"**{other!r}"] if other else [])
    return f"synth.make({', '.join([repr(row.table), *words])})"


def show_list(config: pytest.Config) -> int:
    """Tables and where their rows come from, traits, kept databases and fixtures."""
    from fixturesynth.errors import FixtureSynthError

    read = reader(config)
    print(header(config))
    try:
        _list_tables(config, read)
    except FixtureSynthError as error:
        print(f"error: {error}")
        return 4
    home = config.rootpath / ".fixturesynth"
    if config.pluginmanager.has_plugin("cacheprovider"):
        home = config.rootpath / str(config.getini("cache_dir")) / "d" / "fixturesynth"
    kept = sorted(home.glob("*.fsynth")) if home.is_dir() else []
    print(f"\nkept databases: {len(kept) or 'none'}")
    for path in kept:
        print(f"  {path.stem}")
    print("\nfixtures: synth, synth_connection, synth_session, synth_async_session, synth_engine, synth_data")
    print("settings fixtures: synth_source, synth_seed, synth_rows, synth_model")
    return 0


def _list_tables(config: pytest.Config, read: Any) -> None:
    from pytest_fixturesynth.fixtures import settings_of
    from pytest_fixturesynth.handle import traits_of
    from pytest_fixturesynth.runs import Run

    if read("source") is None and read("model") is None:
        print("no source: set fixturesynth_source in the ini file, or override the fixture synth_source")
        return
    settings = settings_of(config, read("source"), None, read("rows"), read("model"))
    if settings.source == "django":
        print("tables: those of Django's apps, once their migrations have run")
        return
    run = Run(config)
    try:
        made = run.database(settings).made
    finally:
        run.close()
    traits = traits_of(settings)
    print(f"\n{len(made.plan.shown)} tables:")
    for table in made.plan.shown:
        print(f"  {table.name}: {table.rows} rows" + (f", {table.mode}" if table.mode != "generate" else ""))
        for name, values in traits.get(table.name, {}).items():
            print(f"    trait {name}: {', '.join(f'{n}={v!r}' for n, v in values.items())}")
    for note in made.plan.notes:
        print(f"note: {note}")

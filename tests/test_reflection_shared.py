"""Schemas of real applications, loaded into the real servers and read as text: both must say the same."""

import re
from dataclasses import astuple
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fixturesynth.schema.model import ColumnType, Schema, Table
from fixturesynth.schema.reflection import reflect
from fixturesynth.schema.script import read_script
from fixturesynth.schema.sqlfile import guess_dialect, read_sql_file

COUNTS = re.compile(r"^\| ([^|]+) \|[^|]+\|[^|]+\| ([\d,]+) \| (\d+) \|", re.MULTILINE)
DATA_COUNTS = re.compile(r"^\| (\w+) \|[^|]+\|[^|]+\| (\d+) \| [\d,]+ \| (\d+)", re.MULTILINE)
SCRIPTS = (
    *(f"{name}.mysql" for name in ("chinook", "ensembl_core", "guacamole", "ranger", "sakila", "temporal")),
    *(f"{name}.sqlite" for name in ("f1db", "sakila", "temporal")),
    *(f"{name}.pg" for name in ("concourse", "crates_io", "danbooru", "guacamole", "harbor", "omop")),
    *(f"{name}.pg" for name in ("pagila", "ranger", "supabase_auth", "temporal", "thingsboard")),
)


def counts(shared: Path) -> dict[str, tuple[int, int]]:
    """Tables and foreign keys by script, as the catalogue of the shared folder counts them."""
    listed = (shared / "CATALOG.md").read_text().split("## ddl/")[1]
    found: dict[str, tuple[int, int]] = {}
    for names, tables, keys in COUNTS.findall(listed):
        first, *endings = [part.strip() for part in names.split(",")]
        stem = first.rpartition(".")[0]
        for name in (first, *(stem + ending for ending in endings)):
            found[name] = (int(tables), int(keys))
    return found


def counted(schema: Schema) -> tuple[int, int]:
    return len(schema), sum(len(t.foreign_keys) for t in schema)


@cache
def read_text(path: Path) -> Schema:
    return read_script(path.read_text(), guess_dialect("", path.name))


def type_facts(found: ColumnType) -> tuple[Any, ...]:
    """All of a type but the dialect's name for it."""
    own = tuple(getattr(found, name) for name in ColumnType.__dataclass_fields__ if name not in ("name", "element"))
    return (*own, type_facts(found.element)) if found.element else own


def facts(table: Table, rowid: bool) -> dict[str, Any]:
    """What the loaded table and the read text must agree on; texts of expressions differ in brackets and casts."""
    return {
        "columns": {
            c.name: (type_facts(c.type), c.nullable, c.collation, c.identity, c.comment, c.generated is None)
            + (() if rowid else (c.autoincrement, c.default is None, len(c.domain_checks)))
            for c in table.columns
        },
        "primary key": table.primary_key and table.primary_key.columns,
        "foreign keys": sorted(astuple(fk)[1:] for fk in table.foreign_keys),
        "uniques": sorted((u.columns, len(u.expressions), bool(u.predicate), u.nulls_distinct) for u in table.uniques),
        "checks": sorted(c.columns for c in table.checks if not c.name.endswith("_partitions")),
        "partition of": table.partition_of,
        "triggers": table.triggers,
    }


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_read_as_text_has_the_tables_that_the_catalogue_counts(name: str, shared: Path) -> None:
    schema = read_text(shared / "ddl" / f"{name}.sql")
    assert counted(schema) == counts(shared)[name]
    assert schema.not_understood == ()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_loaded_says_what_its_text_says(
    name: str, shared: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shared / "ddl" / f"{name}.sql"
    dialect = guess_dialect("", path.name)
    if dialect != "sqlite":
        monkeypatch.setenv(f"FIXTURESYNTH_SCRATCH_{dialect.upper()}", request.getfixturevalue(f"{dialect}_url"))
    loaded = read_sql_file(path)
    assert loaded.not_understood == ()
    assert counted(loaded) == counts(shared)[name]
    read = read_text(path)
    rowid = dialect == "sqlite"  # whether a key is the row's id is not looked up in the text
    assert {t.name: facts(t, rowid) for t in read} == {t.name: facts(t, rowid) for t in loaded}


def test_every_database_of_rows_has_the_tables_and_foreign_keys_that_the_catalogue_counts(shared: Path) -> None:
    listed = DATA_COUNTS.findall((shared / "CATALOG.md").read_text().split("## ddl/")[0])
    assert len(listed) == 11
    found = {name: counted(reflect(shared / "data" / f"{name}.sqlite")) for name, _, _ in listed}
    assert found == {name: (int(tables), int(keys)) for name, tables, keys in listed}


def test_a_guess_from_the_content_alone_finds_the_dialect(shared: Path) -> None:
    paths = sorted((shared / "ddl").glob("*.sql"))
    wrong = {p.name for p in paths if guess_dialect(p.read_text()) != guess_dialect("", p.name)}
    # Written for MySQL and given to SQLite, which takes any word for a type; only the name tells.
    assert wrong <= {"temporal.sqlite.sql"}

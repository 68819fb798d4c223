"""Datasets over real schemas and over every form of constraint: none rejected, and each loads into the real server.

``FIXTURESYNTH_EXAMPLES=200 pytest tests/test_strategies_schemas.py`` draws that many for every group of tables.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from catalogue_audit import put_script
from conftest import REPOSITORY
from constraint_forms import DIALECTS, FORMS
from hypothesis import Phase, given, settings
from hypothesis.statistics import collector
from test_constraint_forms import run

from fixturesynth.loading.judging import make_judge
from fixturesynth.schema.model import Schema
from fixturesynth.schema.reflection import reflect
from fixturesynth.schema.sqlfile import guess_dialect
from fixturesynth.strategies import from_schema, loaded
from fixturesynth.strategies.compiling import compile_source
from fixturesynth.strategies.description import Settings, Source

EXAMPLES = int(os.environ.get("FIXTURESYNTH_EXAMPLES", "3"))
MOST_TABLES = 20
SCHEMAS = (
    *(f"{name}.mysql" for name in ("chinook", "ensembl_core", "guacamole", "ranger", "sakila", "temporal")),
    *(f"{name}.sqlite" for name in ("f1db", "sakila", "temporal")),
    *(f"{name}.pg" for name in ("concourse", "crates_io", "danbooru", "guacamole", "harbor", "omop", "pagila")),
    *(f"{name}.pg" for name in ("ranger", "supabase_auth", "temporal", "thingsboard")),
)
# Hypothesis tries its first examples with fewer choices than they may need, and counts those that need more.
OF_ITS_OWN = "reduced max size for early examples"


def groups(source: Source) -> Iterator[list[str]]:
    """All tables, in groups that with what they reference are 20 tables or fewer."""
    todo = list(source.tables)
    while todo:
        group = [todo.pop(0)]
        while todo and len(source.closure([*group, todo[0]])) <= MOST_TABLES:
            group.append(todo.pop(0))
        yield group


def drawn_and_loaded(
    engine: sa.Engine, schema: Schema, source: Source, tables: Sequence[str], **rows: int
) -> Counter[str]:
    """Statuses of the test cases by Hypothesis's own statistics, and the rows that were loaded."""
    seen: Counter[str] = Counter()
    told: dict[str, Any] = {}

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        report_multiple_bugs=False,
    )  # fmt: skip
    @given(from_schema(source, tables, **rows))
    def one(data: dict[str, list[dict[str, Any]]]) -> None:
        with loaded(engine, data, schema=schema) as connection:
            for name, some in data.items():
                table = schema[name]
                if any(t.partition_of == name for t in schema):
                    continue  # its rows are counted with those of its parts
                place = sa.table(table.bare_name, schema=table.schema if "." in name else None)
                assert connection.execute(sa.select(sa.func.count()).select_from(place)).scalar() == len(some)
        seen["rows"] += sum(map(len, data.values()))

    with collector.with_value(told.update):
        one()
    for case in told["generate-phase"]["test-cases"]:
        early = any(OF_ITS_OWN in event for event in case["events"])
        seen["early" if early else case["status"]] += 1
    return seen


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_dataset_of_a_real_schema_loads(name: str, shared: Path, request: pytest.FixtureRequest) -> None:
    path = shared / "ddl" / f"{name}.sql"
    url: str = request.getfixturevalue(f"{guess_dialect('', path.name)}_database")
    put_script(url, path)
    engine = sa.create_engine(with_infile(url))
    if name.endswith(".mysql"):
        transactional(engine)
    schema = reflect(engine)
    source = compile_source(schema, Settings())
    seen: Counter[str] = Counter()
    for group in groups(source):
        seen += drawn_and_loaded(engine, schema, source, group)
    engine.dispose()
    assert seen.keys() <= {"valid", "early", "rows"}
    assert seen["rows"] > seen["valid"] > 0


def with_infile(url: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}local_infile=1" if url.startswith("mysql") else url


def transactional(engine: sa.Engine) -> None:
    """Some of Ensembl's tables are of MyISAM, where nothing can be rolled back."""
    with engine.connect() as connection:
        query = "SELECT table_name FROM information_schema.tables WHERE table_schema = database() AND engine = 'MyISAM'"
        for (table,) in connection.exec_driver_sql(query).fetchall():
            connection.exec_driver_sql(f"ALTER TABLE `{table}` ENGINE = InnoDB")


@pytest.mark.parametrize("name", ["bank", "clinic", "saas", "shop"])
def test_every_dataset_of_a_published_schema_loads(name: str, postgresql_database: str) -> None:
    put_script(postgresql_database, REPOSITORY / "schemas" / f"{name}.sql")
    engine = sa.create_engine(postgresql_database)
    schema = reflect(engine)
    seen = drawn_and_loaded(engine, schema, compile_source(schema, Settings()), list(schema.names), min_rows=1)
    engine.dispose()
    assert seen.keys() <= {"valid", "early", "rows"}
    assert seen["rows"] >= seen["valid"] * len(schema)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_form_of_constraint_loads(dialect: str, request: pytest.FixtureRequest) -> None:
    """All forms of docs/constraints.md that are not refused, several tables at once."""
    url: str = request.getfixturevalue(f"{dialect}_database")
    for number, form in enumerate(FORMS):
        if dialect in form.body and not form.refused:
            statements = [form.before] if form.before else []
            run(url, *statements, f"CREATE TABLE form_{number} (id integer PRIMARY KEY, {form.body[dialect]})")
    engine = sa.create_engine(with_infile(url))
    schema = reflect(engine)
    source = compile_source(schema, Settings(), make_judge(url))
    seen: Counter[str] = Counter()
    for group in groups(source):
        seen += drawn_and_loaded(engine, schema, source, group, min_rows=1, max_rows=4)
    engine.dispose()
    assert seen.keys() <= {"valid", "early", "rows"}
    assert seen["rows"] >= seen["valid"]

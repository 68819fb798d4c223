"""Every real schema, without rows and without a spec: reflected, planned, sampled and loaded into its own server.

Nothing of what the database enforces may be broken, and no rule is written by hand.
"""

from pathlib import Path

import pytest
from catalogue_audit import put_script, row_counts, violations
from conftest import REPOSITORY

from fixturesynth.errors import ConstraintError
from fixturesynth.loading.loader import load
from fixturesynth.planning.planner import Wishes
from fixturesynth.planning.rows import RowsAsked
from fixturesynth.schema.reflection import reflect
from fixturesynth.schema.sqlfile import guess_dialect
from fixturesynth.synthesizer import Synthesizer, plan_rules

ROWS = 40
SCHEMAS = (
    *(f"{name}.mysql" for name in ("chinook", "ensembl_core", "guacamole", "ranger", "sakila", "temporal")),
    *(f"{name}.sqlite" for name in ("f1db", "sakila", "temporal")),
    *(f"{name}.pg" for name in ("concourse", "crates_io", "danbooru", "guacamole", "harbor", "omop", "pagila")),
    *(f"{name}.pg" for name in ("ranger", "supabase_auth", "temporal", "thingsboard")),
)
OWN = ("bank", "clinic", "saas", "shop")


def seeded(url: str, rows: int) -> Synthesizer:
    """Reflect, plan, sample and load, as ``fixturesynth seed`` does."""
    schema = reflect(url)
    synthesizer = plan_rules(schema, wishes=Wishes(rows=RowsAsked({}, default=rows)), seed=7)
    data = synthesizer.sample()
    later: dict[str, list[str]] = {}
    for table in synthesizer.plan.tables:
        for reference in table.references:
            if reference.how == "later":
                later.setdefault(table.name, []).extend(schema[table.name].foreign_key(reference.foreign_key).columns)
    load(data, url, order=list(data), later=later)
    return synthesizer


def audit(url: str, synthesizer: Synthesizer) -> None:
    found, asked = violations(url)
    assert found == []
    assert asked
    planned = {t.name: t.rows for t in synthesizer.plan.tables if t.mode == "generate"}
    assert row_counts(url, {name: synthesizer.schema[name].schema for name in planned}) == planned


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_real_schema_is_seeded_without_a_violation(name: str, shared: Path, request: pytest.FixtureRequest) -> None:
    path = shared / "ddl" / f"{name}.sql"
    url: str = request.getfixturevalue(f"{guess_dialect('', path.name)}_database")
    put_script(url, path)
    audit(url, seeded(url, ROWS))


def test_no_schema_is_left_out(shared: Path) -> None:
    assert {p.name.removesuffix(".sql") for p in (shared / "ddl").glob("*.sql")} == set(SCHEMAS)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize("name", OWN)
def test_a_published_schema_is_seeded_without_a_violation(
    name: str, dialect: str, request: pytest.FixtureRequest
) -> None:
    url: str = request.getfixturevalue(f"{dialect}_database")
    put_script(url, REPOSITORY / "schemas" / f"{name}.sql")
    audit(url, seeded(url, ROWS))


@pytest.mark.parametrize("dialect", ["mysql", "postgresql", "sqlite"])
def test_every_kind_of_constraint_and_type_is_held(dialect: str, request: pytest.FixtureRequest) -> None:
    """tests/seeding: one small script for each dialect, with what real schemas have rarely."""
    url: str = request.getfixturevalue(f"{dialect}_database")
    script = {"postgresql": "pg"}.get(dialect, dialect)
    put_script(url, REPOSITORY / "tests" / "seeding" / f"features.{script}.sql")
    audit(url, seeded(url, 300))


def test_a_column_that_no_rule_can_fill_is_refused_by_name(postgresql_database: str, tmp_path: Path) -> None:
    script = tmp_path / "odd.sql"
    script.write_text(
        "CREATE TYPE pair AS (a integer, b integer);"
        "CREATE TABLE odd (id integer PRIMARY KEY, both_ pair NOT NULL, maybe pair)"
    )
    put_script(postgresql_database, script)
    with pytest.raises(ConstraintError, match=r"odd: column both_ of type pair must have a value") as refusal:
        plan_rules(reflect(postgresql_database))
    assert refusal.value.exit_code == 4


def test_a_check_that_cannot_be_held_is_refused_with_its_name_and_text(sqlite_database: str, tmp_path: Path) -> None:
    script = tmp_path / "sums.sql"
    script.write_text("CREATE TABLE sums (id integer PRIMARY KEY, a text, CONSTRAINT odd CHECK (unicode(a) + id = 7))")
    put_script(sqlite_database, script)
    with pytest.raises(ConstraintError, match=r"sums: constraint odd .*unicode\(a\) \+ id = 7") as refusal:
        plan_rules(reflect(sqlite_database))
    assert refusal.value.exit_code == 4

"""Random schemas seeded into real servers: whatever Hypothesis declares, the rows must hold.

``FIXTURESYNTH_SCHEMAS=5000 pytest tests/test_random_schemas.py -s`` tries that many (in all, spread over the dialects;
others with ``--hypothesis-seed=N``), goes on after a failure and tells at the end how many were seeded and which were
not. A schema that is refused counts as a failure: every one of them has rows.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from catalogue_audit import row_counts, violations
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis.internal.conjecture import providers
from random_schemas import RandomSchema, schemas

from fixturesynth.loading.judging import make_judge
from fixturesynth.loading.loader import load
from fixturesynth.planning.planner import Wishes
from fixturesynth.planning.rows import RowsAsked
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import plan_rules

SCHEMAS = int(os.environ.get("FIXTURESYNTH_SCHEMAS", "200"))
SHARES = {"postgresql": SCHEMAS - 2 * (SCHEMAS // 3), "mysql": SCHEMAS // 3, "sqlite": SCHEMAS // 3}
ROWS = 30
BY_HAND = "FIXTURESYNTH_SCHEMAS" in os.environ


def seed(url: str, schema: RandomSchema, seed: int = 7, rows: int = ROWS) -> int:
    """Seed the tables of ``schema``, which are there; how many rows they got. Fails on any violation."""
    found = reflect(url)
    assert set(found.names) == set(schema.tables)
    made = plan_rules(found, wishes=Wishes(rows=RowsAsked({}, default=rows)), seed=seed, judge=make_judge(url))
    data = made.sample()
    later: dict[str, list[str]] = {}
    for table in made.plan.tables:
        for reference in table.references:
            if reference.how == "later":
                later.setdefault(table.name, []).extend(found[table.name].foreign_key(reference.foreign_key).columns)
    load(data, url, schema=found, order=list(data), later=later, reflected=found)
    broken, _ = violations(url)
    assert broken == []
    counts = row_counts(url, dict.fromkeys(schema.tables))
    assert counts == {t.name: t.rows for t in made.plan.tables}
    assert all(counts.values()), counts
    return sum(counts.values())


@contextmanager
def standing(url: str, schema: RandomSchema) -> Iterator[str]:
    """The database at ``url`` with the tables of ``schema``, and without them afterwards."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    drops: dict[str, Callable[[str], str]] = {
        "postgresql": lambda t: f"DROP TABLE IF EXISTS {t} CASCADE",
        "mysql": lambda t: f"DROP TABLE IF EXISTS {t}",
    }
    try:
        with engine.connect() as connection:
            for statement in schema.statements:
                connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        yield url
    finally:
        if engine.dialect.name == "sqlite":
            Path(str(engine.url.database)).unlink()
        else:
            with engine.connect() as connection:
                if engine.dialect.name == "mysql":
                    connection.exec_driver_sql("SET foreign_key_checks = 0")
                for name in reversed(schema.tables):
                    connection.exec_driver_sql(drops[engine.dialect.name](name))
                for statement in schema.after:
                    connection.exec_driver_sql(statement)
        engine.dispose()


@pytest.fixture
def same_draws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Derandomised schemas that are the same in every run.

    Hypothesis draws now and then what it finds written in the modules that are loaded: which these are depends on the
    tests that ran before in the same process, and what is written there on every change anywhere.
    """
    if not BY_HAND:
        monkeypatch.setattr(providers, "_get_local_constants", providers.Constants)
    providers.CONSTANTS_CACHE.cache.clear()
    yield
    providers.CONSTANTS_CACHE.cache.clear()


@pytest.mark.usefixtures("same_draws")
@pytest.mark.parametrize("dialect", SHARES)
def test_every_random_schema_is_seeded_without_a_violation(dialect: str, request: pytest.FixtureRequest) -> None:
    url: str = request.getfixturevalue(f"{dialect}_database")
    seeded = {"schemas": 0, "tables": 0, "rows": 0}
    failures: list[str] = []

    @settings(
        max_examples=SHARES[dialect], derandomize=not BY_HAND, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), phases=(Phase.generate,),
    )  # fmt: skip
    @given(schemas(dialect, ""))
    def one(schema: RandomSchema) -> None:
        note(repr(schema))
        if dialect == "sqlite":
            Path(url.removeprefix("sqlite:///")).touch()
        try:
            with standing(url, schema):
                seeded["rows"] += seed(url, schema)
        except Exception as error:
            if not BY_HAND:
                raise
            failures.append(f"{schema!r}\n-- {type(error).__name__}: {error}")
            print(f"\n{dialect}: {failures[-1]}", flush=True)
            return
        seeded["schemas"] += 1
        seeded["tables"] += len(schema.tables)

    one()
    print(f"\n{dialect}: {seeded['schemas']} schemas, {seeded['tables']} tables, {seeded['rows']} rows seeded")
    assert not failures, f"{len(failures)} failed, {seeded['schemas']} seeded:\n\n" + "\n\n".join(failures)

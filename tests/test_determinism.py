"""The same seed gives the same bytes, whoever does the work, in whatever pieces, and whatever else is in the schema."""

from __future__ import annotations

import copy
import importlib.util
import os
import sqlite3
import subprocess
import sys
import types
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixturesynth.dataset import Dataset
from fixturesynth.modelfile import save
from fixturesynth.planning.plan import Plan
from fixturesynth.sampling import workers
from fixturesynth.sampling.distribution import ENGINES
from fixturesynth.sampling.engine import sample_dataset
from fixturesynth.schema.model import Column, ColumnType, Schema, Table
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import Synthesizer, fit, plan_rules

REPOSITORY = Path(__file__).resolve().parent.parent
SCRIPTS = ("shop", "bank", "clinic", "saas")
PARTITION = 17  # rows, so that every table has many partitions


def hashes(data: Dataset) -> dict[str, str]:
    return {name: data.content_hash(name) for name in data}


def cut(plan: Plan, rows: int) -> Plan:
    return replace(plan, tables=tuple(replace(t, partition_rows=rows) for t in plan.tables))


def sampled(model: Synthesizer, *, partition: int = PARTITION, **options: Any) -> dict[str, str]:
    """Hashes of what the model gives with tiny partitions."""
    options = {"seed": 5} | options
    return hashes(sample_dataset(model.schema, cut(model.plan, partition), model.models, **options))


def backwards(function: Callable[[Any], Any], jobs: Iterable[Any]) -> list[Any]:
    """A map that starts with the last job."""
    return [function(job) for job in list(jobs)[::-1]][::-1]


def twice(function: Callable[[Any], Any], jobs: Iterable[Any]) -> list[Any]:
    """A map that does every job a second time and keeps that."""
    jobs = list(jobs)
    for job in jobs:
        function(job)
    return [function(job) for job in jobs]


@pytest.fixture(scope="module")
def shop_rows(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small database with dependent columns, a copied one, dates in order and a composite key."""
    path = tmp_path_factory.mktemp("determinism") / "rows.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript("""
        CREATE TABLE customers (
            id INTEGER PRIMARY KEY, segment TEXT NOT NULL, joined DATE NOT NULL, credit DECIMAL(8, 2), note TEXT);
        CREATE TABLE orders (
            id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), segment TEXT NOT NULL,
            placed DATE NOT NULL, shipped DATE, status TEXT NOT NULL);
        CREATE TABLE lines (
            order_id INTEGER NOT NULL REFERENCES orders (id), line INTEGER NOT NULL, product TEXT NOT NULL,
            quantity INTEGER NOT NULL, price DECIMAL(8, 2) NOT NULL, total DECIMAL(10, 2) NOT NULL,
            PRIMARY KEY (order_id, line));
    """)
    segments, products = ("private", "firm", "state"), ("bolt", "nut", "gear", "belt")
    customers = [
        (i, segments[i * i % 3], f"2020-{1 + i % 12:02d}-{1 + i % 28:02d}", None if i % 5 == 0 else i * 7 % 300 + 0.5,
         None)
        for i in range(1, 81)
    ]  # fmt: skip
    orders, lines = [], []
    for i in range(1, 181):
        owner = customers[i * 31 % 80]
        shipped = None if i % 4 == 0 else f"2022-{1 + i % 12:02d}-{10 + i % 18:02d}"
        orders.append((i, owner[0], owner[1], f"2021-{1 + i % 12:02d}-{1 + i % 28:02d}", shipped,
                       "open" if shipped is None else "sent"))  # fmt: skip
        for line in range(1, 2 + i % 4):
            price, quantity = (i * 13 + line * 7) % 90 + 1, 1 + (i + line) % 6
            lines.append((i, line, products[(i * line) % 4], quantity, price, price * quantity))
    for table, rows in (("customers", customers), ("orders", orders), ("lines", lines)):
        connection.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(rows[0]))})", rows)
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


@pytest.fixture(scope="module")
def learned(shop_rows: str) -> Synthesizer:
    return fit(shop_rows, seed=3)


@pytest.fixture(scope="module")
def ruled() -> Synthesizer:
    return plan_rules(reflect(REPOSITORY / "schemas" / "shop.sql"), seed=3)


@pytest.fixture(params=["learned", "ruled"])
def model(request: pytest.FixtureRequest) -> Synthesizer:
    made: Synthesizer = request.getfixturevalue(request.param)
    return made


@pytest.mark.parametrize("other", [backwards, twice], ids=["backwards", "twice"])
def test_order_and_repetition_of_jobs_change_nothing(model: Synthesizer, other: Any) -> None:
    assert sampled(model, map=other) == sampled(model)


@pytest.mark.parametrize(("which", "workers"), [("learned", 2), ("ruled", 7)])
def test_number_of_workers_changes_nothing(request: pytest.FixtureRequest, which: str, workers: int) -> None:
    model: Synthesizer = request.getfixturevalue(which)
    assert sampled(model, workers=workers) == sampled(model)


class RayLike(types.ModuleType):
    """Stands in for ray: tasks run at once, what is put into the store comes out as a copy."""

    def __init__(self) -> None:
        super().__init__("ray")
        self.stored: list[Any] = []
        self.running = False

    def is_initialized(self) -> bool:
        return self.running

    def init(self, **_: Any) -> None:
        self.running = True

    def put(self, value: Any) -> int:
        self.stored.append(copy.deepcopy(value))
        return len(self.stored) - 1

    def remote(self, function: Callable[..., Any]) -> Any:
        def call(job_function: Any, job: Any, reference: int) -> Any:
            before = dict(workers._SHARED)
            try:
                return function(job_function, copy.deepcopy(job), copy.deepcopy(self.stored[reference]))
            finally:  # a worker is a process of its own
                workers._SHARED.clear()
                workers._SHARED.update(before)

        return types.SimpleNamespace(remote=call)

    def get(self, done: list[Any]) -> list[Any]:
        return done


def test_the_ray_engine_with_a_stand_in(model: Synthesizer, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = RayLike()
    monkeypatch.setitem(sys.modules, "ray", stand_in)
    assert sampled(model, map=ENGINES["ray"][1]()) == sampled(model)
    assert len(stand_in.stored) == 1  # plan and models travel once, not with every job


def test_ray_gives_the_same_bytes() -> None:
    """In a process of its own: ray leaves threads and sockets behind."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("ray is not installed: pip install 'fixturesynth[ray]'")
    code = (
        "from test_determinism import REPOSITORY, plan_rules, reflect, sampled\n"
        "from fixturesynth.sampling.distribution import map_of\n"
        "model = plan_rules(reflect(REPOSITORY / 'schemas' / 'shop.sql'), seed=3)\n"
        "assert sampled(model, partition=500, map=map_of('ray')) == sampled(model, partition=500)\n"
        "import ray\n"
        "ray.shutdown()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300,
        cwd=Path(__file__).parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_fitting_twice_gives_the_same_file(shop_rows: str, learned: Synthesizer, tmp_path: Path) -> None:
    again = fit(shop_rows, seed=3)
    assert save(again, tmp_path / "b.fsynth").read_bytes() == save(learned, tmp_path / "a.fsynth").read_bytes()


def test_another_process_gives_the_same(ruled: Synthesizer, learned: Synthesizer, shop_rows: str) -> None:
    """Fitted and sampled anew in a process with other string hashes."""
    hash_seed = "1" if os.environ.get("PYTHONHASHSEED") == "4242" else "4242"
    code = (
        "from fixturesynth import fit, plan_rules, reflect\n"
        f"ruled = plan_rules(reflect({str(REPOSITORY / 'schemas' / 'shop.sql')!r}), seed=3)\n"
        f"learned = fit({shop_rows!r}, seed=3)\n"
        "for model in (ruled, learned):\n"
        "    data = model.sample(seed=9)\n"
        "    print({name: data.content_hash(name) for name in data})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str(hashes(ruled.sample(seed=9))), str(hashes(learned.sample(seed=9)))]


def test_another_seed_gives_other_data(model: Synthesizer) -> None:
    first, second = sampled(model, seed=1), sampled(model, seed=2)
    assert [name for name in first if first[name] == second[name]] == []


@pytest.mark.parametrize("script", SCRIPTS)
def test_partitioning_changes_no_rule(script: str) -> None:
    """Rules are found by a row's number, so even the size of partitions does not matter to them."""
    model = plan_rules(reflect(REPOSITORY / "schemas" / f"{script}.sql"), seed=3)
    assert sampled(model) == hashes(model.sample(seed=5))


def with_tables(schema: Schema, *tables: Table) -> Schema:
    return replace(schema, tables=tables)


def columns_of(data: Dataset, table: str) -> dict[str, list[Any]]:
    return {name: data.arrow(table).column(name).to_pylist() for name in data.arrow(table).column_names}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_new_column_changes_no_other(script: str) -> None:
    schema = reflect(REPOSITORY / "schemas" / f"{script}.sql")
    added = Column("added_later", ColumnType("text", "varchar(40)", length=40))
    first = Column("added_first", ColumnType("integer", "integer", bits=32))
    wider = with_tables(schema, *(replace(t, columns=(first, *t.columns, added)) for t in schema))
    before, after = plan_rules(schema).sample(seed=5), plan_rules(wider).sample(seed=5)
    for name in before:
        values = columns_of(after, name)
        assert {"added_later", "added_first"} <= values.keys()
        assert {c: values[c] for c in columns_of(before, name)} == columns_of(before, name)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_new_table_changes_no_other(script: str) -> None:
    schema = reflect(REPOSITORY / "schemas" / f"{script}.sql")
    new = Table("aaa_added", (Column("name", ColumnType("text", "text"), nullable=False),))
    before = plan_rules(schema).sample(seed=5)
    after = plan_rules(with_tables(schema, new, *schema)).sample(seed=5)
    assert hashes(after.select(list(before))) == hashes(before)


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_order_of_columns_changes_no_value(script: str) -> None:
    schema = reflect(REPOSITORY / "schemas" / f"{script}.sql")
    turned = with_tables(schema, *(replace(t, columns=t.columns[::-1]) for t in schema))
    before, after = plan_rules(schema).sample(seed=5), plan_rules(turned).sample(seed=5)
    for name in before:
        assert columns_of(after, name) == columns_of(before, name)


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_order_of_tables_changes_no_value(script: str) -> None:
    schema = reflect(REPOSITORY / "schemas" / f"{script}.sql")
    turned = with_tables(schema, *reversed(schema.tables))
    before, after = plan_rules(schema).sample(seed=5), plan_rules(turned).sample(seed=5)
    assert hashes(after.select(list(before))) == hashes(before)


@pytest.mark.parametrize("name", ["oracle_hr", "chinook"])
def test_real_databases(shared: Path, name: str) -> None:
    """Learned from real rows: maps and partitions in any order, and the saved file, give the same bytes."""
    model = fit(f"sqlite:///{shared / 'data' / f'{name}.sqlite'}", seed=3)
    assert sampled(model, partition=500, map=backwards) == sampled(model, partition=500)

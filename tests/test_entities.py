"""Entities that rows repeat without a table of their own: an order's number, date and customer on each of its lines."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

import fixturesynth as fs
from fixturesynth.cli import main
from fixturesynth.dataset import Dataset
from fixturesynth.errors import InputError, SpecError
from fixturesynth.loading.reading import infer_schema, read_rows
from fixturesynth.modelfile import read_facts
from fixturesynth.planning.plan import ColumnPlan, Constant, Derived
from fixturesynth.planning.planner import Wishes
from fixturesynth.planning.rows import RowsAsked
from fixturesynth.profiling.entities import find_entities
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import Synthesizer, fit

HIDDEN = "line per order_no"
SETTLED = ("ordered", "customer_id", "mode", "gift")

TABLES = """
CREATE TABLE customer (customer_id INTEGER PRIMARY KEY, city TEXT NOT NULL);
CREATE TABLE line (
    line_id INTEGER PRIMARY KEY, order_no INTEGER NOT NULL, ordered DATE NOT NULL, shipped DATE NOT NULL,
    customer_id INTEGER NOT NULL REFERENCES customer, mode TEXT NOT NULL, gift BOOLEAN NOT NULL,
    product TEXT NOT NULL, quantity INTEGER NOT NULL, position INTEGER NOT NULL,
    UNIQUE (order_no, position), CHECK (shipped >= ordered), CHECK (mode IN ('air', 'rail', 'road'))
);
"""


def orders(count: int = 600, seed: int = 1) -> tuple[pa.Table, pa.Table]:
    """Customers, and lines of ``count`` orders, one to seven each."""
    rng = np.random.default_rng(seed)
    customers = pa.table({
        "customer_id": np.arange(1, 121), "city": rng.choice(["Bonn", "Kiel", "Ulm", "Jena"], 120)
    })  # fmt: skip
    sizes = rng.choice([1, 2, 3, 7], count, p=[0.4, 0.3, 0.2, 0.1])
    of = np.repeat(np.arange(count), sizes)
    lines = len(of)
    days = np.datetime64("2024-01-01") + rng.integers(0, 700, count)
    return customers, pa.table({
        "line_id": np.arange(1, lines + 1),
        "order_no": (50_000 + 7 * np.arange(count) + rng.integers(0, 7, count))[of],
        "ordered": pa.array(days[of].astype(str)),
        "shipped": pa.array((days[of] + rng.integers(0, 9, lines)).astype(str)),
        "customer_id": rng.integers(1, 121, count)[of],
        "mode": rng.choice(["air", "rail", "road"], count, p=[0.2, 0.3, 0.5])[of],
        "gift": rng.integers(0, 2, count)[of],
        "product": rng.choice([f"part {i}" for i in range(40)], lines),
        "quantity": rng.integers(1, 12, lines),
        "position": np.concatenate([np.arange(1, s + 1) for s in sizes]),
    })  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("orders") / "orders.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(TABLES)
        for name, rows in zip(("customer", "line"), orders(), strict=True):
            marks = ", ".join("?" * rows.num_columns)
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", [tuple(r.values()) for r in rows.to_pylist()])
    return f"sqlite:///{path}"


@pytest.fixture(scope="module")
def learned(source: str) -> Synthesizer:
    return fit(source, seed=3)


def values_of(rows: pa.Table, key: str, column: str) -> int:
    """The most values that a column has in the rows of one value of ``key``."""
    frame = rows.select([key, column]).to_pandas()
    return int(frame.groupby(key)[column].nunique(dropna=False).max())

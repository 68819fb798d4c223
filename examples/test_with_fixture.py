"""A pytest fixture: every test gets a database of its own, full of the same rows each time.

python -m pytest examples/test_with_fixture.py
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

import fixturesynth as fs

SCHEMA = Path(__file__).resolve().parent.parent / "schemas" / "bank.sql"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once a session."""
    path = tmp_path_factory.mktemp("bank") / "template.sqlite"
    schema = fs.reflect(SCHEMA)
    fs.load(fs.plan_rules(schema, seed=7).sample(rows=50), f"sqlite:///{path}", schema=schema)
    return path


@pytest.fixture
def bank(template: Path) -> Iterator[sqlite3.Connection]:
    """A copy in memory, so that tests may change what they like."""
    connection = sqlite3.connect(":memory:")
    with sqlite3.connect(template) as source:
        source.backup(connection)
    connection.execute("PRAGMA foreign_keys = ON")
    yield connection
    connection.close()


def test_every_reference_finds_its_row(bank: sqlite3.Connection) -> None:
    assert bank.execute("PRAGMA foreign_key_check").fetchall() == []


def test_tables_are_full(bank: sqlite3.Connection) -> None:
    tables = [n for (n,) in bank.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert all(bank.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] > 0 for name in tables)

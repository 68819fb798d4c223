"""Whole runs of the plugin on every kind of database: workers, failures, interrupts, kept ones; nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Runs in this process forget what they were the first to import, and NumPy cannot be imported twice.
import asyncpg  # noqa: F401
import duckdb_engine  # noqa: F401
import pandas  # noqa: F401
import psycopg  # noqa: F401
import pymysql  # noqa: F401
import pytest
import sqlalchemy as sa
import sqlalchemy.ext.asyncio

from fixturesynth.schema.connection import as_url
from pytest_fixturesynth import filling, handle, stock  # noqa: F401

SCHEMA = """
CREATE TABLE {name} (id INTEGER PRIMARY KEY, email VARCHAR(80) NOT NULL UNIQUE, price DECIMAL(8, 2) CHECK (price > 0));
CREATE TABLE {name}_parts (id INTEGER PRIMARY KEY, whole_id INTEGER NOT NULL REFERENCES {name} (id), size INTEGER);
"""
TESTS = """
import pytest, sqlalchemy as sa

@pytest.mark.parametrize("turn", range({count}))
def test_one(synth, turn):
    made = synth.make("{name}_parts", size=turn)
    assert made["whole_id"] == 21, made
    assert synth.connection.execute(sa.text("SELECT count(*) FROM {name}")).scalar() == 21
    synth.session.execute(sa.text("DELETE FROM {name}_parts"))
    synth.session.commit()
"""


@dataclass(frozen=True)
class Project:
    pytester: pytest.Pytester
    name: str  # of its tables: no other run has a database like it
    server: str | None

    @property
    def folder(self) -> Path:
        return self.pytester.path

    def write(self, tests: str, **values: object) -> None:
        text = tests.format(name=self.name, **values)
        (self.folder / "test_it.py").write_text(text, encoding="utf-8")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "TMPDIR": str(self.folder / "tmp"),
            "OMP_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
        }
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:django", *arguments]
        return subprocess.Popen(
            command, cwd=self.folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip

    def run(self, *arguments: str) -> tuple[str, int]:
        """What pytest printed, and its process."""
        process = self.start(*arguments)
        text, _ = process.communicate(timeout=240)
        return text, process.pid

    def run_here(self, *arguments: str) -> str:
        """The same inside of this process, which is faster; nothing may be left."""
        result = self.pytester.runpytest_inprocess("-p", "no:django", *arguments)
        text = "\n".join(result.outlines)
        assert self.left(os.getpid()) == [], text
        return text

    def left(self, process: int) -> list[str]:
        """Files and databases of a run; databases that are kept between runs are not among them."""
        folders = (self.folder / "tmp", Path(tempfile.gettempdir()))
        files = [p.name for f in folders for p in f.iterdir() if p.name.startswith("fixturesynth_test")]
        return [name for name in (*files, *databases(self.server)) if f"p{process}r" in name]


def databases(server: str | None) -> list[str]:
    if server is None:
        return []
    query = "SHOW DATABASES" if "mysql" in server else "SELECT datname FROM pg_database"
    engine = sa.create_engine(as_url(server), poolclass=sa.NullPool)
    with engine.connect() as connection:
        return [n for n in connection.exec_driver_sql(query).scalars() if n.startswith("fixturesynth_test")]


def started(pytester: pytest.Pytester, server: str | None, database: str) -> Project:
    name = f"things{uuid.uuid4().hex[:8]}"
    folder = pytester.path
    (folder / "tmp").mkdir()
    (folder / "schema.sql").write_text(SCHEMA.format(name=name), encoding="utf-8")
    (folder / "pytest.ini").write_text(
        f"[pytest]\nfixturesynth_source = schema.sql\nfixturesynth_rows = 20\nfixturesynth_database = {database}\n"
        "asyncio_default_fixture_loop_scope = function\n",
        encoding="utf-8",
    )
    return Project(pytester, name, server)


@pytest.fixture
def on_sqlite(pytester: pytest.Pytester) -> Project:
    return started(pytester, None, "sqlite")


@pytest.fixture
def on_postgresql(pytester: pytest.Pytester, postgresql_url: str) -> Iterator[Project]:
    project = started(pytester, postgresql_url, postgresql_url)
    yield project
    for kept in (pytester.path / ".pytest_cache").rglob("*.fsynth"):  # what --reuse-db is for
        engine = sa.create_engine(as_url(postgresql_url), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{kept.stem}" WITH (FORCE)')


@pytest.fixture(params=["postgresql", "mysql", "duckdb"])
def on_server(request: pytest.FixtureRequest, pytester: pytest.Pytester) -> Project:
    if request.param == "duckdb":
        return started(pytester, None, "duckdb")
    url = request.getfixturevalue(f"{request.param}_url")
    return started(pytester, url, url)


def test_each_server(on_server: Project) -> None:
    # MySQL's numbers go on after a rollback.
    tests = TESTS.replace("== 21, made", ">= 21, made") if "mysql" in (on_server.server or "") else TESTS
    on_server.write(tests, count=3)
    assert "3 passed" in on_server.run_here()


def test_two_workers_share_one_template(on_sqlite: Project) -> None:
    on_sqlite.write(TESTS, count=12)
    text, process = on_sqlite.run("-n", "2")
    assert "12 passed" in text and text.count("fixturesynth: filled") == 1, text
    assert on_sqlite.left(process) == []


def test_four_workers_on_a_server(on_postgresql: Project) -> None:
    on_postgresql.write(TESTS, count=24)
    text, process = on_postgresql.run("-n", "4", "-p", "no:hypothesispytest")
    assert "24 passed" in text and text.count("fixturesynth: filled") == 1, text
    assert on_postgresql.left(process) == []


def test_failures_and_the_first_of_them(on_postgresql: Project) -> None:
    failing = TESTS + "\n    assert turn % 2 == 0\n"
    on_postgresql.write(failing, count=4)
    assert "1 failed, 1 passed" in on_postgresql.run_here("-x")


def test_kept_between_runs(on_postgresql: Project) -> None:
    """The second run finds what the first has filled; --create-db fills anew; another schema takes its place."""
    on_postgresql.write(TESTS, count=2)
    before = set(databases(on_postgresql.server))
    first = on_postgresql.run_here("--reuse-db")
    assert "2 passed" in first and "fixturesynth: filled" in first
    second = on_postgresql.run_here("--reuse-db")
    assert "2 passed" in second and "fixturesynth: filled" not in second
    third = on_postgresql.run_here("--reuse-db", "--create-db")
    assert "2 passed" in third and "fixturesynth: filled" in third
    script = on_postgresql.folder / "schema.sql"
    script.write_text(script.read_text(encoding="utf-8") + "CREATE TABLE more (id INTEGER);", encoding="utf-8")
    fourth = on_postgresql.run_here("--reuse-db")
    assert "2 passed" in fourth and "filled 3 tables" in fourth
    kept = {n for n in set(databases(on_postgresql.server)) - before if "kept" in n}
    mine = {p.stem for p in (on_postgresql.folder / ".pytest_cache").rglob("*.fsynth")}
    assert len(mine) == 1 and mine <= kept


WAITING = """
import pathlib, time

def test_one(synth):
    synth.make("{name}")
    pathlib.Path("waiting").touch()
    time.sleep(60)
"""


def test_an_interrupt_leaves_nothing(on_postgresql: Project) -> None:
    on_postgresql.write("def test_one(synth):\n    synth.make('{name}')\n    raise KeyboardInterrupt")
    on_postgresql.pytester.inline_run("-p", "no:django", no_reraise_ctrlc=True)
    assert on_postgresql.left(os.getpid()) == []


def test_an_interrupt_of_workers_leaves_nothing(on_postgresql: Project) -> None:
    on_postgresql.write(WAITING)
    process = on_postgresql.start("-n", "2")
    wait_for(on_postgresql.folder / "waiting")
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    text, _ = process.communicate(timeout=240)
    assert on_postgresql.left(process.pid) == [], text


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 240
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.1)


def test_a_killed_run_is_swept_by_the_next(on_postgresql: Project) -> None:
    on_postgresql.write(WAITING)
    process = on_postgresql.start()
    wait_for(on_postgresql.folder / "waiting")
    process.kill()
    process.communicate(timeout=240)
    assert on_postgresql.left(process.pid) != []
    on_postgresql.write(TESTS, count=1)
    text, after = on_postgresql.run()
    assert "1 passed" in text and on_postgresql.left(process.pid) == on_postgresql.left(after) == [], text


def test_a_database_that_goes_away(on_postgresql: Project) -> None:
    """The test that loses it fails; the next one gets another copy."""
    on_postgresql.write(
        """
import pytest, sqlalchemy as sa

def test_lost(synth, synth_engine):
    synth.make("{name}")
    with synth_engine.connect() as other:
        other.execute(sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
                              "current_database() AND pid <> pg_backend_pid()"))
    synth.session.execute(sa.text("SELECT 1"))

def test_after(synth):
    assert synth.make("{name}")["id"] == 21
        """
    )
    text = on_postgresql.run_here()
    assert "1 failed, 1 passed" in text and "FAILED test_it.py::test_lost" in text


def test_asynchronous_drivers(on_postgresql: Project) -> None:
    ini = on_postgresql.folder / "pytest.ini"
    on_postgresql.write(
        """
import pytest, sqlalchemy as sa

@pytest.mark.asyncio
@pytest.mark.parametrize("turn", [1, 2])
async def test_one(synth_async, turn):
    made = await synth_async.make("{name}_parts", size=turn)
    assert made["whole_id"] == 21
    await synth_async.session.commit()
    assert (await synth_async.session.execute(sa.text("SELECT count(*) FROM {name}"))).scalar() == 21
        """
    )
    for driver in ("asyncpg", "psycopg"):
        text = ini.read_text(encoding="utf-8").split("fixturesynth_async_driver")[0]
        ini.write_text(f"{text}fixturesynth_async_driver = {driver}\n", encoding="utf-8")
        assert "2 passed" in on_postgresql.run_here()

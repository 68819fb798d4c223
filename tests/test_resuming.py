"""``--resume``: a load that was cut off, by SIGKILL or by the server, goes on without doubling or losing a row."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from fixturesynth.dataset import Dataset
from fixturesynth.errors import GuardError, InputError, LoadError
from fixturesynth.loading.loader import load
from fixturesynth.loading.manifest import build_manifest
from fixturesynth.schema.model import Schema
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import plan_rules

SCRIPT = """
CREATE TABLE region (id integer PRIMARY KEY, name varchar(40) NOT NULL, parent_id integer REFERENCES region (id));
CREATE TABLE shop (id integer PRIMARY KEY, name varchar(40) NOT NULL UNIQUE, region_id integer NOT NULL,
  best_id integer, FOREIGN KEY (region_id) REFERENCES region (id), FOREIGN KEY (best_id) REFERENCES sale (id));
CREATE TABLE sale (id integer PRIMARY KEY, shop_id integer NOT NULL, amount decimal(10, 2) NOT NULL,
  CHECK (amount > 0), FOREIGN KEY (shop_id) REFERENCES shop (id));
CREATE TABLE line (sale_id integer NOT NULL, number integer NOT NULL, note varchar(60), PRIMARY KEY (sale_id, number),
  FOREIGN KEY (sale_id) REFERENCES sale (id));
"""
ROWS = {"region": 30, "shop": 60, "sale": 700, "line": 900}
PLACES = ("sqlite", "postgresql", "mysql", "duckdb")

CHILD = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from test_resuming import rows_of
target, kills, mode = sys.argv[2], int(sys.argv[3]), sys.argv[4]
from pathlib import Path
from fixturesynth.loading.loader import load
from fixturesynth.loading.manifest import build_manifest
schema, data = rows_of(Path(sys.argv[5]))
calls = 0
def kill(table, done, of):
    global calls
    calls += 1
    if calls == kills:
        os.kill(os.getpid(), signal.SIGKILL)
load(data, target, schema=schema, manifest=build_manifest(data, seed=3), progress=kill, resume=mode == "resume",
     block_rows=200)
"""


def rows_of(folder: Path, seed: int = 3) -> tuple[Schema, Dataset]:
    path = folder / "regions.sql"
    path.write_text(SCRIPT)
    schema = reflect(path)
    return schema, plan_rules(schema, seed=seed).sample(rows=ROWS)


def killed(target: str, calls: int, folder: Path, mode: str = "resume") -> None:
    """A process that loads, and is killed at its ``calls``-th sign of life."""
    command = [sys.executable, "-c", CHILD, str(Path(__file__).parent), target, str(calls), mode, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr


def resumed(target: str, folder: Path) -> None:
    schema, data = rows_of(folder)
    load(data, target, schema=schema, manifest=build_manifest(data, seed=3), resume=True, block_rows=200)


def contents(target: str) -> dict[str, list[tuple[object, ...]]]:
    engine = sa.create_engine(target, poolclass=sa.NullPool)
    with engine.connect() as connection:
        names = sorted(sa.inspect(connection).get_table_names())
        found = {
            n: sorted((tuple(r) for r in connection.exec_driver_sql(f"SELECT * FROM {n}")), key=repr)
            for n in names if not n.startswith("_fixturesynth")
        }  # fmt: skip
    engine.dispose()
    return found


def ledgers(target: str) -> list[str]:
    engine = sa.create_engine(target, poolclass=sa.NullPool)
    with engine.connect() as connection:
        names = sa.inspect(connection).get_table_names()
    engine.dispose()
    return sorted(n for n in names if n.startswith("_fixturesynth"))


@pytest.fixture
def place(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_database")
    return url


@pytest.mark.parametrize("place", PLACES, indirect=True)
def test_a_killed_load_goes_on_and_ends_as_one_that_was_not(place: str, tmp_path: Path) -> None:
    for calls in (2, 3, 3):
        killed(place, calls, tmp_path)
        assert "_fixturesynth_blocks" in ledgers(place)
    resumed(place, tmp_path)
    _, data = rows_of(tmp_path)
    made = contents(place)
    assert {n: len(rows) for n, rows in made.items()} == ROWS
    for name, rows in made.items():
        key = 2 if name == "line" else 1
        assert len({r[:key] for r in rows}) == len(rows)
        wanted = data.arrow(name)
        assert {r[:key] for r in rows} == set(zip(*(wanted.column(i).to_pylist() for i in range(key)), strict=True))
    own = {r[0]: r[3] for r in made["shop"]}  # the reference that closes the cycle was set in the second pass
    assert own == dict(zip(*(data.arrow("shop").column(c).to_pylist() for c in ("id", "best_id")), strict=True))
    assert ledgers(place) == ["_fixturesynth_manifest"]


@pytest.mark.parametrize("place", PLACES, indirect=True)
def test_all_or_nothing_stays_the_default_also_when_killed(place: str, tmp_path: Path) -> None:
    killed(place, 3, tmp_path, mode="whole")
    if not place.startswith("mysql"):  # MySQL commits a CREATE TABLE at once, and nobody is left to take it back
        assert contents(place) == {}
    assert sum(map(len, contents(place).values())) == 0


@pytest.mark.parametrize("place", ["sqlite", "postgresql", "mysql"], indirect=True)
def test_other_rows_do_not_go_on_with_what_is_there(place: str, tmp_path: Path) -> None:
    killed(place, 3, tmp_path)
    before = contents(place)
    schema, data = rows_of(tmp_path, seed=4)
    with pytest.raises(InputError, match="had seed 3, this one has 4: give --seed 3"):
        load(data, place, schema=schema, manifest=build_manifest(data, seed=4), resume=True, block_rows=200)
    with pytest.raises(InputError, match="had other rows"):
        load(data, place, schema=schema, manifest=build_manifest(data, seed=3), resume=True, block_rows=200)
    schema, data = rows_of(tmp_path)
    with pytest.raises(InputError, match="had another plan"):
        load(data, place, schema=schema, manifest=build_manifest(data, seed=3, plan_hash="x"), resume=True)
    with pytest.raises(GuardError, match="go on with --resume"):
        load(data, place, schema=schema)
    assert contents(place) == before


@pytest.mark.parametrize("place", ["sqlite", "postgresql", "mysql"], indirect=True)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE line ADD COLUMN extra integer", "tables are not as they were"),
        ("INSERT INTO region (id, name) VALUES (99999, 'x')", "'region' has 31 rows where .* left 30"),
    ],
)
def test_a_target_that_was_changed_is_refused(place: str, change: str, said: str, tmp_path: Path) -> None:
    killed(place, 3, tmp_path)
    engine = sa.create_engine(place, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(change)
    engine.dispose()
    with pytest.raises((InputError, GuardError), match=said):
        resumed(place, tmp_path)


@pytest.mark.parametrize("place", ["sqlite", "postgresql", "mysql"], indirect=True)
def test_truncate_begins_again(place: str, tmp_path: Path) -> None:
    killed(place, 3, tmp_path)
    schema, data = rows_of(tmp_path)
    load(data, place, schema=schema, mode="truncate")
    assert {n: len(rows) for n, rows in contents(place).items()} == ROWS
    assert ledgers(place) == []


def test_a_lost_connection_keeps_what_is_committed_and_says_how_to_go_on(
    postgresql_database: str, tmp_path: Path
) -> None:
    schema, data = rows_of(tmp_path)
    calls = 0

    def cut(table: str, done: int, of: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            engine = sa.create_engine(postgresql_database, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            engine.dispose()

    with pytest.raises(LoadError, match=r"of 1,690 rows are kept: go on with --resume"):
        load(
            data, postgresql_database, schema=schema, manifest=build_manifest(data, seed=3), progress=cut, resume=True,
            block_rows=200,
        )  # fmt: skip
    resumed(postgresql_database, tmp_path)
    assert {n: len(rows) for n, rows in contents(postgresql_database).items()} == ROWS


def test_resume_does_not_go_with_append_or_truncate(tmp_path: Path) -> None:
    schema, data = rows_of(tmp_path)
    with pytest.raises(InputError, match="cannot append"):
        load(data, f"sqlite:///{tmp_path / 'x.sqlite'}", schema=schema, mode="append", resume=True)

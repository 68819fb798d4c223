"""Rows that no textbook has: learned, generated, and loaded with every constraint on, audited by the servers."""

import sqlite3
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa
from catalogue_audit import violations

from fixturesynth.dataset import Dataset
from fixturesynth.evaluation import drift, evaluate
from fixturesynth.loading.loader import load
from fixturesynth.loading.loosening import legible, loosen
from fixturesynth.loading.reading import read_rows
from fixturesynth.sampling.repairs import misordered
from fixturesynth.schema.model import Column, ColumnType, Schema, Table
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import Synthesizer, fit

TEXTS = ("😀", "שלום", "e\u0301", "", "  x ", "quote'\"", "tab\t", "line\n", "NULL", "\\N")


def sqlite_file(path: Path, script: str, **rows: Sequence[Sequence[object]]) -> str:
    """The URL of a new database with these tables and rows."""
    with sqlite3.connect(path) as connection:
        connection.executescript(script)
        for table, values in rows.items():
            connection.executemany(f'INSERT INTO "{table}" VALUES ({",".join("?" * len(values[0]))})', values)
    connection.close()
    return f"sqlite:///{path}"


def loaded(made: Synthesizer, *targets: str) -> Dataset:
    """A sample in each target, which finds nothing wrong with it."""
    data = made.sample()
    later = {
        t.name: [
            c for r in t.references if r.how == "later" for c in made.schema[t.name].foreign_key(r.foreign_key).columns
        ]
        for t in made.plan.tables
    }
    for target in targets:
        load(data, target, schema=made.schema, order=[t.name for t in made.plan.tables], later=later)
        if not target.startswith("duckdb"):
            assert violations(target)[0] == []
    return data


def run(url: str, script: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute(script)
        cursor.close()
    engine.dispose()


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        found = [tuple(r) for r in connection.exec_driver_sql(statement)]
    engine.dispose()
    return found


# SQLite, which enforces no types -------------------------------------------------------------------------------------
MIXED = """CREATE TABLE m (id integer PRIMARY KEY, a, b integer, c text, d real, e numeric, f varchar(3), g date,
  h blob, i boolean, j smallint, k decimal(4, 1), l int unsigned, m uuid, n json, o text);
  CREATE TABLE p (k PRIMARY KEY, v); CREATE TABLE q (id, p varchar(2) REFERENCES p (k));"""


@pytest.fixture
def mixed(tmp_path: Path) -> str:
    kinds: tuple[object, ...] = (7, 2.5, "x", b"\x00\xff", None)
    rows = [
        (
            i, kinds[i % 5], (1, 2, "three", None)[i % 4], ("q", b"\xff\xfe")[i % 2], (1.5, "abc")[i % 2],
            kinds[(i + 1) % 5], ("abcdef", "x")[i % 2], ("2020-01-01", "not a date", 20200101)[i % 3], f"text{i % 7}",
            i % 3, 100_000 + i, 12345.678 + i, -i, f"no uuid {i}", ("{}", "no json")[i % 2], TEXTS[i % 10],
        )
        for i in range(120)
    ]  # fmt: skip
    parents = [(f"k{i:03}", i % 3) for i in range(40)]
    children = [(i, f"k{i % 40:03}") for i in range(90)]
    return sqlite_file(tmp_path / "mixed.sqlite", MIXED, m=rows, p=parents, q=children)


@pytest.mark.filterwarnings("ignore:column .* holds bytes")
def test_columns_are_what_they_hold_where_nobody_enforces_types(
    mixed: str, postgresql_database: str, mysql_database: str, duckdb_database: str, tmp_path: Path
) -> None:
    made = fit(mixed, seed=1)
    target = f"sqlite:///{tmp_path / 'again.sqlite'}"
    data = loaded(made, target, postgresql_database, mysql_database, duckdb_database)
    assert data.rows == {"m": 120, "p": 40, "q": 90}
    kinds = {c.name: c.type.kind for c in made.schema["m"].columns}
    assert [kinds[c] for c in "abcdefgh"] == ["text", "text", "text", "text", "text", "text", "text", "bytes"]
    assert made.schema["q"].column("p").type.kind == made.schema["p"].column("k").type.kind == "text"
    assert set(data["m"]["b"].dropna()) == {"1", "2", "three"}
    assert drift(made, mixed).refit is False


@pytest.mark.filterwarnings("ignore:column .* holds bytes")
def test_such_rows_are_checked_as_they_were_learned(mixed: str) -> None:
    made = fit(mixed, seed=1)
    schema = reflect(mixed)
    report = evaluate(read_rows(mixed, schema), made.sample(), schema, detection=False)
    assert [r for r in report.validity if r.broken > r.real_broken] == []


def test_bounds_that_the_rows_do_not_keep_are_dropped() -> None:
    schema = Schema(
        (
            Table(
                "t",
                (
                    Column("short", ColumnType("text", "varchar(3)", length=3)),
                    Column("small", ColumnType("integer", "smallint", bits=16)),
                    Column("kept", ColumnType("text", "varchar(9)", length=9)),
                ),
            ),
        ),
        dialect="sqlite",
    )
    rows = Dataset({"t": pa.table({"short": ["abcdef"], "small": [70_000], "kept": ["abc"]})})
    loose, same = loosen(schema, rows)
    assert [c.type.length for c in loose["t"].columns] == [None, None, 9]
    assert loose["t"].column("small").type.bits == 64
    assert same is rows
    assert loosen(Schema(schema.tables, dialect="mysql"), rows)[0].tables == schema.tables


def test_empty_tables_and_single_rows_and_no_keys(tmp_path: Path, postgresql_database: str) -> None:
    script = """CREATE TABLE empty (id integer PRIMARY KEY, one_id integer REFERENCES one (id));
      CREATE TABLE one (id integer PRIMARY KEY, name text NOT NULL, unset real);
      CREATE TABLE many (id integer PRIMARY KEY, one_id integer NOT NULL REFERENCES one (id), e integer
        REFERENCES empty (id), same text NOT NULL); CREATE TABLE keyless (a text, b integer);
      CREATE TABLE bare (id integer PRIMARY KEY)"""
    many = [(i, 1, None, "same") for i in range(50)]
    url = sqlite_file(
        tmp_path / "small.sqlite", script, one=[(1, "only", None)], many=many, keyless=[("a", 1), ("a", 1)] * 9,
        bare=[(3 * i,) for i in range(30)],
    )  # fmt: skip
    data = loaded(fit(url, seed=1), f"sqlite:///{tmp_path / 'again.sqlite'}", postgresql_database)
    assert data.rows == {"empty": 0, "one": 1, "many": 50, "keyless": 18, "bare": 30}


def test_numbers_of_thirty_digits_and_days_of_other_centuries(tmp_path: Path, postgresql_database: str) -> None:
    script = "CREATE TABLE t (id integer PRIMARY KEY, n decimal(30, 10), i bigint, d date, far date, w text)"
    rows = [
        (
            i, f"{i * 10**17 + 7}.{i:010}", (2**63 - 1, -(2**63), 0)[i % 3], str(date(1700, 1, 1) + timedelta(97 * i)),
            ("9999-12-31", "2020-01-01")[i % 2], TEXTS[i % 10],
        )
        for i in range(90)
    ]  # fmt: skip
    url = sqlite_file(tmp_path / "wide.sqlite", script, t=rows)
    data = loaded(fit(url, seed=1), f"sqlite:///{tmp_path / 'again.sqlite'}", postgresql_database)
    numbers = data.arrow("t").column("n").to_pylist()
    assert max(numbers) > Decimal(10) ** 18 and all(isinstance(n, Decimal) for n in numbers)
    assert max(data.arrow("t").column("far").to_pylist()) == date(9999, 12, 31)


def test_dates_that_do_not_sort_are_put_in_order_by_their_moments() -> None:
    low = pa.array(["12/31/1999", "01/02/2001", None])
    high = pa.array(["01/01/2000", "01/01/2001", "01/01/2001"])
    assert misordered(low, high, False).tolist() == [False, True, False]
    assert misordered(low, pa.array([date(2000, 1, 1)] * 3), False).tolist() == [False, True, False]
    assert misordered(pa.array(["2001-01-02"]), pa.array(["2001-01-01"]), False).tolist() == [True]


def test_differently_written_dates_of_one_row_are_learned(tmp_path: Path) -> None:
    days = [date(2015, 1, 1) + timedelta(17 * i) for i in range(120)]
    rows = [(i, f"{d:%m/%d/%Y}", f"{d + timedelta(i % 9):%d.%m.%Y}", str(d)) for i, d in enumerate(days)]
    url = sqlite_file(
        tmp_path / "written.sqlite",
        "CREATE TABLE t (id integer PRIMARY KEY, us text, german text, iso date)",
        t=rows,
    )
    data = loaded(fit(url, seed=1), f"sqlite:///{tmp_path / 'again.sqlite'}")["t"]
    us, german = (tuple(t.split(s)) for t, s in ((data["us"][0], "/"), (data["german"][0], ".")))
    assert len(us) == len(german) == 3


def test_a_database_without_rows_may_be_named_by_its_path(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from fixturesynth.cli import commands

    sqlite_file(tmp_path / "bare.sqlite", "CREATE TABLE t (id integer PRIMARY KEY, n integer CHECK (n > 3))")
    target = f"sqlite:///{tmp_path / 'full.sqlite'}"
    done = CliRunner().invoke(commands, ["seed", target, "--from", str(tmp_path / "bare.sqlite"), "--rows", "9"])
    assert done.exit_code == 0, done.output
    assert query(target, "SELECT count(*) FROM t WHERE n > 3 OR n IS NULL") == [(9,)]


# PostgreSQL ----------------------------------------------------------------------------------------------------------
BEYOND = """
CREATE TABLE t (id serial PRIMARY KEY, d date NOT NULL, ts timestamp, tz timestamptz, n numeric, m numeric NOT NULL,
  big numeric(40, 0), grid int[], r int4range, f float8, parts jsonb);
INSERT INTO t (d, ts, tz, n, m, big, grid, r, f, parts) SELECT
  CASE i % 9 WHEN 0 THEN 'infinity' WHEN 1 THEN '0044-03-15 BC' WHEN 2 THEN '-infinity' ELSE DATE '1850-01-01' + i END,
  CASE i % 9 WHEN 0 THEN 'infinity' ELSE TIMESTAMP '2000-01-01' + i * INTERVAL '7 hours' END,
  CASE i % 9 WHEN 0 THEN '-infinity' ELSE TIMESTAMPTZ '2000-01-01 00:00+00' + i * INTERVAL '7 hours' END,
  CASE i % 5 WHEN 0 THEN 'NaN' ELSE i * 1e25 + 0.125 END, CASE i % 5 WHEN 0 THEN 'NaN' ELSE i::numeric END,
  i * 1234567890123456789012345678901::numeric, ARRAY[ARRAY[1, 2], ARRAY[3, i % 3]], int4range(i % 9, i % 9 + 4),
  CASE i % 7 WHEN 0 THEN 'NaN' WHEN 1 THEN 'Infinity' ELSE i::float8 END, jsonb_build_object('k', i % 3, 'z', NULL)
FROM generate_series(1, 120) i"""


def test_values_beyond_calendar_and_numbers(postgresql_database: str, tmp_path: Path) -> None:
    run(postgresql_database, BEYOND)
    made = fit(postgresql_database, seed=1)
    loaded(made, f"sqlite:///{tmp_path / 'again.sqlite'}")
    result = load(made.sample(), postgresql_database, schema=made.schema, mode="truncate")
    assert result.rows == {"t": 120}
    assert violations(postgresql_database)[0] == []
    days = made.sample().arrow("t").column("d").to_pylist()
    assert max(days) == date(9999, 12, 31) and min(days) == date(1, 1, 1)


def test_zero_dates_of_mysql_stay_in_its_calendar() -> None:
    schema = Schema((Table("t", (Column("d", ColumnType("date", "date")),)),), dialect="mysql")
    rows = Dataset({"t": pa.table({"d": ["0000-00-00", "2020-02-03"]})})
    assert legible(rows, schema).arrow("t").column("d").to_pylist() == [date(1970, 1, 2), date(2020, 2, 3)]


PARTS = """
CREATE TABLE part (id int, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE part1 PARTITION OF part FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE part2 PARTITION OF part FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
INSERT INTO part SELECT i, DATE '2020-01-01' + i FROM generate_series(1, 300) i;
CREATE TABLE above (id int PRIMARY KEY, v text); CREATE TABLE below (extra int) INHERITS (above);
INSERT INTO above SELECT i, 'a' FROM generate_series(1, 20) i; INSERT INTO below SELECT i, 'b', 1
  FROM generate_series(100, 109) i"""


def test_partitions_are_learned_once_and_inherited_rows_as_their_own(postgresql_database: str, tmp_path: Path) -> None:
    run(postgresql_database, PARTS)
    made = fit(postgresql_database, seed=1)
    data = loaded(made, f"sqlite:///{tmp_path / 'again.sqlite'}")
    assert {n: data.rows[n] for n in ("part", "above", "below")} == {"part": 300, "above": 20, "below": 10}
    load(data, postgresql_database, schema=made.schema, mode="truncate")
    counted = "SELECT (SELECT count(*) FROM part), (SELECT count(*) FROM ONLY above), (SELECT count(*) FROM below)"
    assert query(postgresql_database, counted) == [(300, 20, 10)]


TENANTS = """
CREATE TABLE usr (id serial PRIMARY KEY, tenant int NOT NULL, UNIQUE (tenant, id));
INSERT INTO usr (tenant) SELECT 1 + i % 3 FROM generate_series(1, 120) i;
CREATE TABLE post (id serial PRIMARY KEY, tenant int NOT NULL, author int NOT NULL, editor int, approver int,
  FOREIGN KEY (tenant, author) REFERENCES usr (tenant, id), FOREIGN KEY (tenant, editor) REFERENCES usr (tenant, id),
  FOREIGN KEY (approver) REFERENCES usr (id));
INSERT INTO post (tenant, author, editor, approver) SELECT u.tenant, u.id,
  (SELECT min(x.id) FROM usr x WHERE x.tenant = u.tenant), CASE WHEN i % 3 = 0 THEN u.id END
FROM generate_series(1, 3) i, usr u"""


def test_a_shared_column_is_not_copied_through_a_third_reference(postgresql_database: str, tmp_path: Path) -> None:
    """Where the approver is known he is the author, in all rows; the tenant is filled by the editor all the same."""
    run(postgresql_database, TENANTS)
    made = fit(postgresql_database, seed=1)
    data = loaded(made, f"sqlite:///{tmp_path / 'again.sqlite'}")
    load(data, postgresql_database, schema=made.schema, mode="truncate")
    assert violations(postgresql_database)[0] == []


# What a database that was filled holds -------------------------------------------------------------------------------
@pytest.mark.parametrize("place", ["sqlite", "postgresql", "mysql", "duckdb"])
def test_the_manifest_is_no_table_of_the_schema(place: str, request: pytest.FixtureRequest) -> None:
    from fixturesynth.loading.manifest import build_manifest

    url = request.getfixturevalue(f"{place}_database")
    data = Dataset({"t": pa.table({"id": [1, 2]})})
    load(data, url, manifest=build_manifest(data))
    assert reflect(url).names == ("t",)


def test_files_may_lack_what_the_database_computes(tmp_path: Path) -> None:
    url = sqlite_file(
        tmp_path / "computed.sqlite",
        "CREATE TABLE t (id integer PRIMARY KEY, n integer, twice integer GENERATED ALWAYS AS (2 * n) STORED)",
    )
    run(url, "INSERT INTO t (id, n) VALUES (1, 2), (2, 3)")
    found = read_rows({"t": Dataset({"t": pa.table({"id": [1], "n": [5]})})["t"]}, reflect(url))
    assert found.arrow("t").column_names == ["id", "n"]


DUCK = """CREATE TABLE tree (id integer PRIMARY KEY, parent integer NOT NULL REFERENCES tree (id), label text);"""


def test_duckdb_gets_no_reference_of_a_row_to_itself(tmp_path: Path, duckdb_database: str) -> None:
    url = sqlite_file(tmp_path / "tree.sqlite", DUCK, tree=[(i, max(1, i // 2), f"n{i}") for i in range(1, 60)])
    made = fit(url, seed=1)
    result = load(made.sample(), duckdb_database, schema=made.schema)
    assert any("cannot reference itself" in note for note in result.notes)


def test_a_counting_column_that_a_check_looks_at_does_not_count_in_mysql(tmp_path: Path, mysql_database: str) -> None:
    script = "CREATE TABLE t (id integer PRIMARY KEY, up integer REFERENCES t (id), CHECK (up <> id))"
    url = sqlite_file(tmp_path / "loop.sqlite", script, t=[(i, None if i < 3 else i // 2) for i in range(1, 60)])
    loaded(fit(url, seed=1), mysql_database)

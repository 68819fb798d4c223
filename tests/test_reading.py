"""Rows of databases, folders and frames: typed as declared, nothing lost, references closed in samples."""

import sqlite3
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa
from conftest import run_on

from fixturesynth.dataset import Dataset
from fixturesynth.errors import InputError, SourceError
from fixturesynth.loading.closure import rows_among
from fixturesynth.loading.conversion import fit, infer_text, natural, unify
from fixturesynth.loading.loader import load
from fixturesynth.loading.reading import infer_schema, read_rows
from fixturesynth.schema.model import Column, ColumnType, Kind, PrimaryKey, Schema, Table
from fixturesynth.schema.reflection import reflect


def fitted(values: list[Any], kind: Kind, **more: Any) -> pa.ChunkedArray:
    return fit(unify([natural(values)]), ColumnType(kind, kind, **more))


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, None, 0], "boolean", pa.bool_()),
        ([1, 2], "boolean", pa.int64()),
        (["t"], "boolean", pa.string()),
        ([1, 2], "float", pa.float64()),
        ([2**60 + 1], "float", pa.int64()),
        ([2**63], "integer", pa.uint64()),
        ([2**64], "integer", pa.string()),
        ([1, "many"], "integer", pa.string()),
        ([1.5, 2], "integer", pa.float64()),
        ([1, "a", b"\xff"], "integer", pa.binary()),
        ([b"\xff"], "text", pa.binary()),
        ([1.1, 2], "decimal", pa.decimal128(38, 10)),
        ([1 / 3], "decimal", pa.float64()),
        (["2020-01-01 10:00:00", None], "timestamp", pa.timestamp("us")),
        (["2020-01-01T10:00:00Z"], "timestamp", pa.timestamp("us", tz="UTC")),
        (["2020-01-01T10:00:00+02:00"], "timestamp", pa.string()),
        (["2020-01-01 10:00:00", "soon"], "timestamp", pa.string()),
        (["2020-01-01", "2020-01-01 10:00"], "timestamp", pa.string()),
        ([1577836800], "timestamp", pa.int64()),
        (["2020-02-29"], "date", pa.date32()),
        (["2020-02-30"], "date", pa.string()),
        (["0000-00-00"], "date", pa.string()),
        (["10:00", "23:59:59.5"], "time", pa.time64("us")),
        (["1 mon"], "interval", pa.string()),
        ([None], "integer", pa.int64()),
        ([], "text", pa.string()),
    ],
)
def test_a_column_comes_in_its_type_or_the_one_that_holds_it(
    values: list[Any], kind: Kind, expected: pa.DataType
) -> None:
    found = fitted(values, kind)
    assert found.type == expected
    assert found.null_count == values.count(None) and len(found) == len(values)


def test_decimals_are_exact_or_stay_what_they_are() -> None:
    assert fitted([1.1, 2, None, -3.25], "decimal", precision=10, scale=2).to_pylist() == [
        Decimal("1.10"), Decimal("2.00"), None, Decimal("-3.25"),
    ]  # fmt: skip
    assert fitted([1.005], "decimal", precision=10, scale=2).to_pylist() == [1.005]
    assert fitted(["1234567.1"], "decimal", precision=5, scale=2).to_pylist() == [Decimal("1234567.10")]
    long = "123456789012345678901234567890.123456789012345"
    assert fitted([long], "decimal").to_pylist() == [Decimal(long)]
    rng = np.arange(-5000, 5000) / 100
    assert fitted(rng.tolist(), "decimal", precision=9, scale=2).to_pylist() == [
        Decimal(i) / 100 for i in range(-5000, 5000)
    ]


def test_intervals_without_months_are_durations() -> None:
    found = fitted(["1 day 02:00:00.5", "-00:00:01", "3 days", None, "-1 days +02:03:00"], "interval")
    assert found.to_pylist() == [
        timedelta(days=1, hours=2, seconds=0.5), -timedelta(seconds=1), timedelta(days=3), None,
        timedelta(days=-1, hours=2, minutes=3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1", "NA", ""], [1, None, None]),
        (["01", "2"], ["01", "2"]),
        (["+1"], ["+1"]),
        (["1.5", "2"], [1.5, 2.0]),
        (["1234567890123456789"], [1234567890123456789]),
        (["0.12345678901234567890"], [Decimal("0.12345678901234567890")]),
        (["true", "False"], [True, False]),
        (["0", "1"], [0, 1]),
        (["2020-01-01", "NULL"], [date(2020, 1, 1), None]),
        (["2020-13-01"], ["2020-13-01"]),
        (["NA", "DE"], ["NA", "DE"]),
        (["", None], ["", None]),
    ],
)
def test_texts_of_files_are_typed_with_care(texts: list[Any], expected: list[Any]) -> None:
    assert infer_text(pa.chunked_array([texts], pa.string())).to_pylist() == expected


def test_sqlite_rows_of_any_kind(tmp_path: Path) -> None:
    path = tmp_path / "odd.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(
        """CREATE TABLE "select ""x"" {0} %s" ("or der" INTEGER PRIMARY KEY,
        flag BOOLEAN, price NUMERIC(8,2), at DATETIME,
        mixed, "text" TEXT, "{c}" BLOB);
        INSERT INTO "select ""x"" {0} %s" VALUES (1, 1, 9.99, '2020-01-01 00:00:00', 5, 'a', x'00ff');
        INSERT INTO "select ""x"" {0} %s" VALUES (2, NULL, 10, NULL, 'five', CAST(x'ff41' AS TEXT), NULL);"""
    )
    connection.execute("CREATE TABLE empty (id INTEGER, at DATE)")
    connection.commit()
    connection.close()
    schema = reflect(f"sqlite:///{path}")
    with pytest.warns(UserWarning, match="not UTF-8"):
        data = read_rows(f"sqlite:///{path}", schema)
    rows = data.arrow('select "x" {0} %s')
    assert rows.column("or der").to_pylist() == [1, 2]
    assert rows.column("flag").to_pylist() == [True, None]
    assert rows.column("price").to_pylist() == [Decimal("9.99"), Decimal("10.00")]
    assert rows.column("at").to_pylist() == [datetime(2020, 1, 1), None]
    assert rows.column("mixed").to_pylist() == ["5", "five"]
    assert rows.column("text").to_pylist() == [b"a", b"\xffA"]
    assert rows.column("{c}").to_pylist() == [b"\x00\xff", None]
    assert data.arrow("empty").num_rows == 0 and data.arrow("empty").schema.field("id").type == pa.int64()


def test_postgresql_rows_of_any_kind(postgresql_database: str) -> None:
    engine = sa.create_engine(postgresql_database, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            """CREATE TYPE mood AS ENUM ('so ''so', 'good');
            CREATE TABLE "Odd ""T" (id bigint, b boolean, n numeric, p numeric(6,2), f float8, t text, d date,
              ts timestamp,
              tz timestamptz, c time, i interval, raw bytea, a int[], ta text[], u uuid, j jsonb,
              m mood, r int4range, ch char(3));
            CREATE TABLE nothing (id int)"""
        )
        connection.exec_driver_sql(
            """INSERT INTO "Odd ""T" VALUES (1, true, 1.123456789012345, 2.50, 0.1, E'a,"b"\\n\\\\', '2020-02-29',
              '2020-01-01 10:00:00.5', '2020-01-01 10:00:00+02', '23:59:59.25', '1 day 02:00',
              E'\\\\x00ff', '{1,NULL,3}',
              '{"x,y",NULL,""}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"k": [1, null]}', 'so ''so', '[1,5)', 'ab'),
              (2, NULL, NULL, NULL, NULL, '', NULL, NULL, NULL, NULL, NULL, '', '{}',
              NULL, NULL, NULL, NULL, NULL, NULL),
              (3, false, 7, -0.01, 'NaN', '\\N', '1600-01-01', NULL, NULL, '00:00', '-00:00:01', NULL, NULL, NULL, NULL,
               '"s"', 'good', 'empty', 'x')"""
        )
    data = read_rows(postgresql_database, reflect(postgresql_database))
    rows = data.arrow('Odd "T')
    first, second, third = rows.to_pylist()
    assert rows.schema.field("tz").type == pa.timestamp("us", tz="UTC")
    assert first == {
        "id": 1, "b": True, "n": Decimal("1.123456789012345"), "p": Decimal("2.50"), "f": 0.1, "t": 'a,"b"\n\\',
        "d": date(2020, 2, 29), "ts": datetime(2020, 1, 1, 10, 0, 0, 500000), "tz": datetime(2020, 1, 1, 8, tzinfo=UTC),
        "c": time(23, 59, 59, 250000), "i": timedelta(days=1, hours=2), "raw": b"\x00\xff", "a": [1, None, 3],
        "ta": ["x,y", None, ""], "u": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "j": '{"k": [1, null]}', "m": "so 'so",
        "r": "[1,5)", "ch": "ab ",
    }  # fmt: skip
    assert second["t"] == "" and second["raw"] == b"" and second["a"] == [] and second["ta"] is None
    assert third["t"] == "\\N" and third["d"] == date(1600, 1, 1) and third["f"] != third["f"]
    assert data.arrow("nothing").num_rows == 0


def test_mysql_rows_of_any_kind(mysql_database: str) -> None:
    engine = sa.create_engine(mysql_database, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            """CREATE TABLE odd (id bigint unsigned PRIMARY KEY, b boolean, p decimal(8,3), t varchar(20), d date,
            ts datetime(6), c time, e enum('x','y'), s set('p','q'), bits bit(5), y year, raw blob, j json)"""
        )
        connection.exec_driver_sql(
            """INSERT INTO odd VALUES (18446744073709551615, 1, 1.5, 'é%%''', '2020-02-29', '2020-01-01 10:00:00.5',
            '10:00:00', 'x', 'p,q', b'00101', 1999, x'00ff', '{"a": 1}'), (1, NULL, NULL, '', NULL, NULL, '-100:00:00',
            NULL, '', NULL, NULL, '', NULL)"""
        )
    rows = read_rows(mysql_database, reflect(mysql_database)).arrow("odd").sort_by("id").to_pylist()
    big = rows[1]
    assert big["id"] == 2**64 - 1 and big["b"] is True and big["p"] == Decimal("1.500") and big["t"] == "é%'"
    assert big["d"] == date(2020, 2, 29) and big["ts"] == datetime(2020, 1, 1, 10, 0, 0, 500000)
    assert big["e"] == "x" and big["s"] == "p,q" and big["bits"] == "00101" and big["y"] == 1999
    assert big["raw"] == b"\x00\xff" and big["j"] == '{"a": 1}'
    assert rows[0]["t"] == "" and rows[0]["raw"] == b"" and rows[0]["c"] == timedelta(hours=-100)


def dangling(data: Dataset, schema: Schema) -> list[str]:
    """Foreign keys of which a picked row misses its parent."""
    found = []
    for table in schema:
        rows = data.arrow(table.name)
        for fk in table.foreign_keys:
            parents = rows_among(rows, fk.columns, data.arrow(fk.parent), fk.parent_columns)
            complete = np.ones(rows.num_rows, bool)
            for column in fk.columns:
                complete &= np.asarray(rows.column(column).is_valid())
            if (parents[complete] < 0).any():
                found.append(f"{table.name}.{fk.name}")
    return found


@pytest.mark.parametrize(("name", "limit"), [("chinook", 300), ("oracle_hr", 12), ("pagila", 400)])
def test_samples_are_closed_and_repeatable(shared: Path, name: str, limit: int) -> None:
    url = f"sqlite:///{shared}/data/{name}.sqlite"
    schema = reflect(url)
    sample = read_rows(url, schema, limit=limit, seed=1)
    assert dangling(sample, schema) == []
    parents = {fk.parent for t in schema for fk in t.foreign_keys}
    assert all(n <= limit for t, n in sample.rows.items() if t not in parents)
    assert sum(sample.rows.values()) < sum(read_rows(url, schema).rows.values())
    again = read_rows(url, schema, limit=limit, seed=1)
    assert [again.content_hash(n) for n in again] == [sample.content_hash(n) for n in sample]
    other = read_rows(url, schema, limit=limit, seed=2)
    assert [other.content_hash(n) for n in other] != [sample.content_hash(n) for n in sample]


def test_families_stay_whole(shared: Path) -> None:
    """Orders of TPC-H keep all their lines, though lines are sampled to a thirtieth."""
    url = f"sqlite:///{shared}/data/tpch_sf001.sqlite"
    schema = reflect(url)
    full, sample = read_rows(url, schema, tables=["lineitem"]), read_rows(url, schema, limit=2000)
    lines = full.arrow("lineitem").column("l_orderkey").to_pandas().value_counts()
    kept = sample.arrow("lineitem").column("l_orderkey").to_pandas().value_counts()
    assert 1000 < kept.sum() <= 2000
    assert (kept == lines[kept.index]).all()


def test_progress_counts_the_rows(shared: Path) -> None:
    url = f"sqlite:///{shared}/data/adult.sqlite"
    seen: dict[str, int] = {}
    data = read_rows(url, reflect(url), progress=seen.__setitem__)
    assert seen == data.rows and data.rows == {"adult": 48_842}


def test_folders(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text(
        '\ufeffid,zip,born,name\n1,01234,2000-01-31,"a ""b"", c"\n2,99999,,""\n', encoding="utf-8"
    )
    (tmp_path / "orders.tsv").write_text("id\tcustomer_id\tnote\n10\t1\t\n11\t2\t\n12\t1\tx\n")
    pd.DataFrame({"code": ["x", "y"], "n": pd.array([1, None], "Int64")}).to_parquet(tmp_path / "codes.parquet")
    (tmp_path / "README.txt").write_text("ignored")
    data = read_rows(tmp_path)
    assert data.arrow("customers").to_pydict() == {
        "id": [1, 2], "zip": ["01234", "99999"], "born": [date(2000, 1, 31), None], "name": ['a "b", c', ""],
    }  # fmt: skip
    assert data.arrow("codes").to_pydict() == {"code": ["x", "y"], "n": [1, None]}
    assert data.arrow("orders").column("note").to_pylist() == [None, None, "x"]
    schema = infer_schema(data)
    assert schema["customers"].primary_key == PrimaryKey(("id",))
    (fk,) = schema["orders"].foreign_keys
    assert (fk.columns, fk.parent, fk.parent_columns, fk.declared) == (("customer_id",), "customers", ("id",), False)


def test_frames_and_guessed_links() -> None:
    frames = {
        "Student": pd.DataFrame({"StudentId": [1, 2, 3], "Name": ["a", "b", "b"]}),
        "Course": pd.DataFrame({"id": [7, 8], "parent_id": pd.array([None, 7], "Int64")}),
        "Enrolment": pd.DataFrame({"StudentId": [1, 1, 2], "course_id": [7, 8, 7], "grade": [1, 2, 1]}),
    }
    schema = infer_schema(read_rows(frames))
    assert {t.name: t.primary_key and t.primary_key.columns for t in schema} == {
        "Student": ("StudentId",), "Course": ("id",), "Enrolment": ("StudentId", "course_id"),
    }  # fmt: skip
    links = {(t.name, fk.columns, fk.parent) for t in schema for fk in t.foreign_keys}
    assert links == {
        ("Course", ("parent_id",), "Course"),
        ("Enrolment", ("StudentId",), "Student"),
        ("Enrolment", ("course_id",), "Course"),
    }
    broken = {**frames, "Enrolment": pd.DataFrame({"StudentId": [1, 99], "course_id": [7, 8]})}
    assert [fk.parent for fk in infer_schema(read_rows(broken))["Enrolment"].foreign_keys] == ["Course"]


def test_frames_without_rows() -> None:
    frame = pd.DataFrame({"id": pd.Series([], dtype="int64"), "note": pd.Series([], dtype="object")})
    rows = read_rows({"t": frame})
    assert [c.name for c in infer_schema(rows)["t"].columns] == ["id", "note"] and rows.rows == {"t": 0}


def test_frames_are_sampled_too() -> None:
    people = pd.DataFrame({"id": np.arange(1000)})
    visits = pd.DataFrame({"id": np.arange(4000), "people_id": np.arange(4000) % 1000})
    data = read_rows({"people": people, "visits": visits}, limit=400)
    assert data.rows["visits"] == 400 and data.rows["people"] == 100


def test_faults_are_named(tmp_path: Path, sqlite_database: str) -> None:
    schema = Schema((Table("gone", (Column("id", ColumnType("integer", "integer")),)),), "sqlite")
    with pytest.raises(SourceError, match=r"cannot read rows of sqlite:.*no such table: gone"):
        read_rows(sqlite_database, schema)
    with pytest.raises(InputError, match="did you mean 'gone'"):
        read_rows(sqlite_database, schema, tables=["gne"])
    with pytest.raises(InputError, match="limit must be at least 1"):
        read_rows(sqlite_database, schema, limit=0)
    with pytest.raises(InputError, match="need its schema"):
        read_rows(sqlite_database)
    with pytest.raises(SourceError, match="no table in folder"):
        read_rows(_folder(tmp_path, {}))
    with pytest.raises(SourceError, match="is there twice"):
        read_rows(_folder(tmp_path, {"a.csv": "x\n1\n", "a.tsv": "x\n1\n"}))
    with pytest.raises(SourceError, match="two columns are named 'x'"):
        read_rows(_folder(tmp_path, {"a.csv": "x,x\n1,2\n"}))
    with pytest.raises(SourceError, match=r"cannot read .*b\.parquet"):
        read_rows(_folder(tmp_path, {"b.parquet": "no"}))
    with pytest.raises(SourceError, match=r"no column 'id' in the rows of table .gone."):
        read_rows(_folder(tmp_path, {"gone.csv": "idd\n1\n"}), schema)


def _folder(parent: Path, files: dict[str, str]) -> Path:
    folder = parent / f"folder{len(list(parent.iterdir()))}"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def test_a_schema_of_one_database_reads_the_rows_of_another(
    mysql_database: str, postgresql_database: str, tmp_path: Path
) -> None:
    """On one server of MySQL, whose databases are schemas, the rows of the source itself were read a second time."""
    number = ColumnType("integer", "int", bits=32)
    columns = (Column("id", number, nullable=False), Column("v", number))
    schema = Schema((Table("t", columns, primary_key=PrimaryKey(("id",))),), dialect="mysql")
    real, other = Dataset({"t": pa.table({"id": [1, 2], "v": [7, 7]})}), Dataset({"t": pa.table({"id": [5], "v": [9]})})
    sibling = sa.make_url(mysql_database).set(database=f"{sa.make_url(mysql_database).database}_b")
    places = [sibling.render_as_string(hide_password=False), postgresql_database, f"sqlite:///{tmp_path / 'b.sqlite'}"]
    run_on(mysql_database, f"CREATE DATABASE {sibling.database}")
    try:
        load(real, mysql_database, schema=schema)
        declared = reflect(mysql_database)
        for place in places:
            load(other, place, schema=schema)
            assert read_rows(place, declared).arrow("t").to_pydict() == {"id": [5], "v": [9]}
            assert read_rows(place, declared, limit=1).arrow("t").to_pydict() == {"id": [5], "v": [9]}
        assert read_rows(mysql_database, reflect(places[1])).arrow("t").to_pydict() == {"id": [1, 2], "v": [7, 7]}
    finally:
        run_on(mysql_database, f"DROP DATABASE {sibling.database}")


def test_tables_outside_of_the_default_schema_go_by_their_full_name(postgresql_database: str, tmp_path: Path) -> None:
    run_on(postgresql_database, "CREATE SCHEMA apart", "CREATE TABLE apart.t (id int PRIMARY KEY, v int)")
    declared = reflect(postgresql_database)
    rows = Dataset({"apart.t": pa.table({"id": [1], "v": [2]})})
    for place in (postgresql_database, f"sqlite:///{tmp_path / 'c.sqlite'}"):
        load(rows, place, schema=declared)
        assert read_rows(place, declared).arrow("apart.t").to_pydict() == {"id": [1], "v": [2]}


def test_schemas_that_the_user_may_not_use_are_left_alone(postgresql_database: str) -> None:
    reader = f"{sa.make_url(postgresql_database).database}_reader"
    run_on(
        postgresql_database, "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)", "CREATE SCHEMA barred",
        "CREATE TABLE barred.u (id int PRIMARY KEY)", f"CREATE ROLE {reader}", f"GRANT SELECT ON t TO {reader}",
    )  # fmt: skip
    engine = sa.create_engine(postgresql_database, poolclass=sa.NullPool)
    sa.event.listen(engine, "connect", lambda connection, _: connection.execute(f"SET ROLE {reader}"))
    try:
        schema = reflect(engine)
        assert schema.names == ("t",) and "schema barred is left alone" in " ".join(schema.not_understood)
        assert read_rows(engine, schema).rows == {"t": 1}
        run_on(postgresql_database, f"REVOKE SELECT ON t FROM {reader}")
        with pytest.raises(SourceError, match=r"permission denied.*a table that this user may not read\?"):
            read_rows(engine, schema)
    finally:
        run_on(postgresql_database, f"DROP OWNED BY {reader}", f"DROP ROLE {reader}")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_files_of_another_encoding_are_told_with_the_way_out(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "people.csv").write_bytes("id,strasse\n1,Müllerweg\n".encode(encoding))
    with pytest.raises(SourceError, match=r"people\.csv.*it is no UTF-8; write it as UTF-8.*iconv"):
        read_rows(tmp_path)

"""Datasets as files: what is written reads back the same, with the same bytes, or not at all."""

import json
import sqlite3
import subprocess
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
import sqlalchemy as sa

from fixturesynth.dataset import Dataset
from fixturesynth.errors import InputError, LoadError
from fixturesynth.loading import files
from fixturesynth.loading.files import write_files
from fixturesynth.loading.reading import read_rows
from fixturesynth.schema.model import Column, ColumnType, ForeignKey, PrimaryKey, Schema, Table

TEXTS = [
    "plain",
    "",
    None,
    'say "hi"',
    "it's",
    "back\\slash \\n",
    "two\nlines",
    "semi;colon, -- no",
    "ünïcödé 🎈",
    ":x $1 %s",
]
N = len(TEXTS)
KINDS: dict[str, tuple[ColumnType, list[object]]] = {
    "id": (ColumnType("integer", "bigint", bits=64), list(range(1, N + 1))),
    "order": (ColumnType("text", "text"), TEXTS),
    'odd "name': (ColumnType("text", "text"), TEXTS[::-1]),
    "amount": (
        ColumnType("decimal", "numeric(10,2)", precision=10, scale=2),
        [Decimal("1.10"), None, *[Decimal(i) - Decimal("0.25") for i in range(N - 2)]],
    ),
    "ratio": (ColumnType("float", "double precision"), [0.1, None, 1e300, -2.5, *[float(i) for i in range(N - 4)]]),
    "flag": (ColumnType("boolean", "boolean"), [True, False, None] + [True] * (N - 3)),
    "day": (ColumnType("date", "date"), [date(2020, 2, 29), None] + [date(1969, 12, 31)] * (N - 2)),
    "at": (
        ColumnType("timestamp", "timestamp"),
        [datetime(2020, 1, 1, 12, 30, 15, 250000), None] + [datetime(1999, 1, 1)] * (N - 2),
    ),
    "zoned": (
        ColumnType("timestamp", "timestamp with time zone", timezone=True),
        [datetime(2020, 1, 1, 12, tzinfo=UTC), None] + [datetime(1999, 7, 1, tzinfo=UTC)] * (N - 2),
    ),
    "clock": (ColumnType("time", "time"), [time(23, 59, 59), None] + [time(0)] * (N - 2)),
    "raw": (ColumnType("bytes", "bytea"), [b"\x00\xff'", None, b""] + [b"abc"] * (N - 3)),
    "parent": (ColumnType("integer", "bigint", bits=64), [None, 1, N] + [2] * (N - 3)),
}


def schema(dialect: str = "postgresql") -> Schema:
    table = Table(
        "order items",
        tuple(Column(name, kind, nullable=name != "id") for name, (kind, _) in KINDS.items()),
        primary_key=PrimaryKey(("id",)),
        foreign_keys=(ForeignKey("fk_parent", ("parent",), "order items", ("id",)),),
    )
    return Schema((table,), dialect)  # type: ignore[arg-type]


def data(chunks: int = 1) -> Dataset:
    from fixturesynth.dataset import arrow_type

    whole = pa.table({name: pa.array(values, arrow_type(kind)) for name, (kind, values) in KINDS.items()})
    size = -(-N // chunks)
    return Dataset({"order items": pa.concat_tables([whole.slice(i, size) for i in range(0, N, size)])})


@pytest.mark.parametrize("format", ["parquet", "csv", "jsonl", "sql", "sqlite"])
def test_the_same_data_gives_the_same_bytes(tmp_path: Path, format: str) -> None:
    (one,) = write_files(data(), tmp_path / "one", format=format, schema=schema())
    (two,) = write_files(data(chunks=3), tmp_path / "two", format=format, schema=schema())
    assert Path(one).read_bytes() == Path(two).read_bytes()
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_a_folder_reads_back_the_same(tmp_path: Path, format: str) -> None:
    write_files(data(), tmp_path / "out", format=format, schema=schema())
    again = read_rows(tmp_path / "out", schema())
    expected = data().arrow("order items")
    skipped = {"raw"} if format == "csv" else set()  # bytes are hexadecimal text in CSV
    for name in set(KINDS) - skipped:
        assert again.arrow("order items").column(name).to_pylist() == expected.column(name).to_pylist(), name


def test_json_lines_are_json(tmp_path: Path) -> None:
    (path,) = write_files(data(), tmp_path / "out", format="jsonl", schema=schema())
    rows = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    assert [r["order"] for r in rows] == TEXTS
    assert rows[0]["amount"] == 1.1 and rows[1]["amount"] is None and rows[0]["flag"] is True
    assert rows[0]["day"] == "2020-02-29" and list(rows[0]) == list(KINDS)


def test_texts_of_moments_say_their_zone(tmp_path: Path) -> None:
    """Also where nobody knows the schema: a moment in UTC is no moment of wherever it is read."""
    (path,) = write_files(data(), tmp_path / "csv", format="csv", schema=schema())
    again = pacsv.read_csv(path)
    assert again.column("zoned").to_pylist()[0] == datetime(2020, 1, 1, 12, tzinfo=UTC)
    assert again.column("at").type.tz is None
    (path,) = write_files(data(), tmp_path / "jsonl", format="jsonl", schema=schema())
    first, second, *_ = (json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines())
    assert datetime.fromisoformat(first["zoned"]) == datetime(2020, 1, 1, 12, tzinfo=UTC)
    assert datetime.fromisoformat(first["at"]).tzinfo is None and second["zoned"] is None


def check_rows(url: str) -> None:
    again = read_rows(url, schema())
    expected = data().arrow("order items").sort_by("id")
    found = again.arrow("order items").sort_by("id")
    for name in KINDS:
        assert found.column(name).to_pylist() == expected.column(name).to_pylist(), name


def test_sqlite3_loads_the_sql(tmp_path: Path) -> None:
    (path,) = write_files(data(), tmp_path / "out.sql", format="sql", schema=schema(), dialect="sqlite")
    connection = sqlite3.connect(tmp_path / "made.sqlite")
    connection.executescript(Path(path).read_text(encoding="utf-8"))
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
    found = read_rows(f"sqlite:///{tmp_path}/made.sqlite", schema()).arrow("order items")
    for name in set(KINDS) - {"zoned"}:
        assert found.column(name).to_pylist() == data().arrow("order items").column(name).to_pylist(), name


def test_psql_loads_the_sql(tmp_path: Path, postgresql_database: str) -> None:
    (path,) = write_files(data(), tmp_path / "out.sql", format="sql", schema=schema())
    url = sa.make_url(postgresql_database)
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    run(["psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", path, plain])
    check_rows(postgresql_database)


def test_mysql_loads_the_sql(tmp_path: Path, mysql_database: str) -> None:
    (path,) = write_files(data(), tmp_path / "out.sql", format="sql", schema=schema(), dialect="mysql")
    url = sa.make_url(mysql_database)
    command = ["mysql", "-h", str(url.host), "-P", str(url.port or 3306), "-u", str(url.username), str(url.database)]
    run([*command, "-e", f"source {path}"])
    found = read_rows(mysql_database, schema()).arrow("order items").sort_by("id")
    for name in KINDS:
        assert found.column(name).to_pylist() == data().arrow("order items").column(name).to_pylist(), name


def run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip(f"{command[0]} is not installed")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("format", ["sqlite", "duckdb"])
def test_a_database_file_reads_back(tmp_path: Path, format: str) -> None:
    pytest.importorskip("duckdb")
    (path,) = write_files(data(), tmp_path / f"out.{format}", format=format, schema=schema())
    found = read_rows(f"{format}:///{path}", schema()).arrow("order items").sort_by("id")
    for name in ("id", "order", 'odd "name', "amount", "flag", "day", "at", "raw", "parent"):
        assert found.column(name).to_pylist() == data().arrow("order items").column(name).to_pylist(), name


def test_nothing_is_overwritten_unless_asked(tmp_path: Path) -> None:
    write_files(data(), tmp_path, format="csv", schema=schema())
    before = (tmp_path / "order items.csv").read_bytes()
    with pytest.raises(InputError, match=r"order items\.csv exists already.*overwrite=True"):
        write_files(
            data().replace(**{"order items": data().arrow("order items").slice(0, 1)}),
            tmp_path,
            format="csv",
            schema=schema(),
        )
    assert (tmp_path / "order items.csv").read_bytes() == before
    write_files(data(), tmp_path, format="csv", schema=schema(), overwrite=True)


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException) -> None:
    def half(table: pa.Table, name: str, file: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        if name == "b":
            raise fault

    monkeypatch.setitem(files.FORMATS, "csv", half)
    two = Dataset({"a": pa.table({"x": [1]}), "b": pa.table({"x": [1]})})
    with pytest.raises((LoadError, KeyboardInterrupt)) as caught:
        write_files(two, tmp_path / "new", format="csv", schema=Schema(()))
    assert list(tmp_path.iterdir()) == []
    if isinstance(fault, OSError):
        assert "No space left on device" in str(caught.value) and "\n" not in str(caught.value)


def test_a_full_disk_is_one_line() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    job = files._table_job(files._write_csv, pa.table({"x": list(range(100_000))}), "t")
    with pytest.raises(OSError, match="No space"), full.open("wb") as file:
        job(file)


def test_bad_arguments_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'parquet'"):
        write_files(data(), tmp_path, format="parqet", schema=schema())
    with pytest.raises(LoadError, match="cannot make the folder"):
        (tmp_path / "file").write_text("")
        write_files(data(), tmp_path / "file" / "x", format="csv", schema=schema())


def test_fsspec_urls(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    written = write_files(data(), "memory://fixturesynth/out", format="csv", schema=schema())
    store = fsspec.filesystem("memory")
    assert [Path(p).name for p in store.ls("/fixturesynth/out", detail=False)] == ["order items.csv"]
    write_files(data(), tmp_path, format="csv", schema=schema())
    assert store.cat(written[0]) == (tmp_path / "order items.csv").read_bytes()


def test_names_that_file_systems_refuse(tmp_path: Path) -> None:
    names = ["a/b", "sales.orders", "50%", "größe", "Nul:"]
    tables = Dataset({name: pa.table({"id": [1]}) for name in names})
    paths = write_files(tables, tmp_path, format="parquet", schema=Schema(()))
    assert all(Path(p).parent == tmp_path for p in paths)
    assert sorted(read_rows(tmp_path)) == sorted(names)


def test_a_table_without_rows_or_of_many_batches(tmp_path: Path) -> None:
    many = pa.table({"id": list(range(70_000)), "t": ["é"] * 70_000})
    both = Dataset({"empty": many.slice(0, 0), "many": many})
    write_files(both, tmp_path / "csv", format="csv", schema=Schema(()))
    again = read_rows(tmp_path / "csv")
    assert again.rows == {"empty": 0, "many": 70_000}
    assert again.arrow("many").to_pydict() == many.to_pydict()

"""Rows into real databases: equal when read back, all of them or none, with every key and check on."""

import threading
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from fixturesynth.dataset import Dataset
from fixturesynth.errors import CycleError, GuardError, InputError, LoadError
from fixturesynth.loading.infile import insert_rows
from fixturesynth.loading.loader import load
from fixturesynth.loading.manifest import TABLE, build_manifest, write_manifest
from fixturesynth.loading.naming import names_in_target
from fixturesynth.loading.ordering import load_order, rows_by_level
from fixturesynth.loading.reading import read_rows
from fixturesynth.schema.connection import make_engine
from fixturesynth.schema.model import Column, ColumnType, ForeignKey, PrimaryKey, Schema, Table
from fixturesynth.schema.reflection import reflect

INTEGER = ColumnType("integer", "INTEGER", bits=64)
TEXT = ColumnType("text", "TEXT")
BOSS = ForeignKey("fk_boss", ("boss",), "staff", ("id",))
STAFF = Table(
    "staff",
    (Column("id", INTEGER, nullable=False), Column("boss", INTEGER), Column("team", INTEGER)),
    primary_key=PrimaryKey(("id",)),
    foreign_keys=(BOSS, ForeignKey("fk_team", ("team",), "team", ("id",))),
)
TEAM = Table(
    "team",
    (Column("id", INTEGER, nullable=False), Column("lead", INTEGER), Column("name", TEXT, nullable=False)),
    primary_key=PrimaryKey(("id",)),
    foreign_keys=(ForeignKey("fk_lead", ("lead",), "staff", ("id",)),),
)
COMPANY = Schema((STAFF, TEAM), "sqlite")
# Children before their parents, a boss who comes later, and a cycle between the tables.
ROWS = Dataset(
    {
        "staff": pa.table({"id": [1, 2, 3], "boss": [2, None, 1], "team": [7, 7, None]}),
        "team": pa.table({"id": [7, 8], "lead": [3, None], "name": ["", 'O\'Neil \\ "x"\n,;%s\t🙂']}),
    }
)

MANY = ROWS.replace(
    staff=pa.table(
        {"id": list(range(200_000)), "boss": pa.nulls(200_000, pa.int64()), "team": pa.nulls(200_000, pa.int64())}
    )
)


def query(url: str, statement: str) -> list[tuple[Any, ...]]:
    engine = make_engine(url)
    try:
        with engine.begin() as connection:
            result = connection.exec_driver_sql(statement)
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()


def tables(url: str) -> set[str]:
    engine = make_engine(url)
    try:
        return set(sa.inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_cycles_and_forward_references_load_into_a_new_database(any_database: str) -> None:
    seen: list[tuple[str, int, int]] = []
    result = load(ROWS, any_database, schema=COMPANY, progress=lambda *step: seen.append(step))
    assert dict(result.rows) == {"staff": 3, "team": 2} and set(result.created) == {"staff", "team"}
    assert sorted(query(any_database, "SELECT id, boss, team FROM staff")) == [(1, 2, 7), (2, None, 7), (3, 1, None)]
    assert sorted(query(any_database, "SELECT name FROM team")) == sorted([("",), (ROWS["team"]["name"][1],)])
    assert {("staff", 3, 3), ("team", 2, 2)} <= set(seen)


@pytest.mark.parametrize("kind", ["postgresql", "mysql", "sqlite"])
def test_existing_tables_are_filled_through_a_cycle(kind: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(f"{kind}_database")
    empty = Dataset({name: ROWS.arrow(name).slice(0, 0) for name in ROWS})
    load(empty, url, schema=COMPANY)
    load(ROWS, url)
    assert sorted(query(url, "SELECT id, boss, team FROM staff")) == [(1, 2, 7), (2, None, 7), (3, 1, None)]
    assert sorted(
        query(url, "SELECT id, lead FROM team".replace("lead", '"lead"' if kind != "mysql" else "`lead`"))
    ) == [
        (7, 3),
        (8, None),
    ]


def test_rows_are_refused_added_or_replaced(any_database: str) -> None:
    data = Dataset({"team": ROWS.arrow("team").set_column(1, "lead", pa.nulls(2, pa.int64()))})
    load(data, any_database, schema=Schema((TEAM,), "sqlite"))
    with pytest.raises(GuardError, match=r"'team'.* 2 rows.*--append") as caught:
        load(data, any_database)
    assert caught.value.exit_code == 3
    more = Dataset({"team": data.arrow("team").set_column(0, "id", pa.array([17, 18]))})
    load(more, any_database, mode="append")
    assert query(any_database, "SELECT count(*), max(id) FROM team") == [(4, 18)]
    load(data, any_database, mode="truncate")
    assert query(any_database, "SELECT count(*), max(id) FROM team") == [(2, 8)]


def test_a_violation_keeps_nothing(any_database: str) -> None:
    lost = ROWS.replace(team=ROWS.arrow("team").set_column(1, "lead", pa.array([99, None])))
    with pytest.raises(LoadError) as caught:
        load(lost, any_database, schema=COMPANY, manifest=build_manifest(lost, seed=1))
    assert "team" in str(caught.value) and "\n" not in str(caught.value)
    assert tables(any_database) == set()
    twice = ROWS.replace(team=ROWS.arrow("team").set_column(0, "id", pa.array([7, 7])))
    with pytest.raises(LoadError, match="nothing was kept"):
        load(twice, any_database, schema=COMPANY)
    assert tables(any_database) == set()
    empty = Dataset({name: ROWS.arrow(name).slice(0, 0) for name in ROWS})
    load(empty, any_database, schema=COMPANY)
    for wrong in (lost, twice):
        with pytest.raises(LoadError, match="nothing was kept"):
            load(wrong, any_database)
        assert query(any_database, "SELECT count(*) FROM staff") == [(0,)]
        assert query(any_database, "SELECT count(*) FROM team") == [(0,)]


def test_null_where_none_may_be(any_database: str) -> None:
    wrong = ROWS.replace(team=ROWS.arrow("team").set_column(2, "name", pa.array(["a", None])))
    with pytest.raises(LoadError, match=r"'team'.*nothing was kept"):
        load(wrong, any_database, schema=COMPANY)
    assert tables(any_database) == set()


def test_a_dry_run_writes_nothing(any_database: str) -> None:
    result = load(ROWS, any_database, schema=COMPANY, dry_run=True)
    assert result.rows == {"staff": 3, "team": 2}
    assert any(statement.startswith("CREATE TABLE") for statement in result.statements)
    assert tables(any_database) == set()


def test_the_manifest_comes_with_the_rows(any_database: str) -> None:
    made = build_manifest(ROWS, seed=5, plan_hash="abc", source="test")
    load(ROWS, any_database, schema=COMPANY, manifest=made)
    ((text,),) = query(any_database, f"SELECT manifest FROM {TABLE}")
    assert '"synthetic": true' in text and made["tables"]["staff"]["content_hash"] in text


def test_the_manifest_file_is_the_same_with_the_same_time(tmp_path: Path) -> None:
    made = build_manifest(ROWS, seed=5)
    first = write_manifest(tmp_path, made, created=datetime(2026, 1, 1)).read_bytes()
    assert write_manifest(tmp_path, made, created=datetime(2026, 1, 1)).read_bytes() == first
    assert build_manifest(ROWS, seed=5) == made


KINDS: dict[str, tuple[ColumnType, pa.Array]] = {
    "i": (ColumnType("integer", "bigint", bits=64), pa.array([-(2**63), None, 2**63 - 1])),
    "f": (ColumnType("float", "double precision"), pa.array([1e-300, None, 0.1])),
    "d": (ColumnType("decimal", "numeric(20,6)", precision=20, scale=6),
          pa.array([Decimal("0.000001"), None, Decimal("-12345678901234.5")], pa.decimal128(20, 6))),
    "b": (ColumnType("boolean", "boolean"), pa.array([True, None, False])),
    "t": (ColumnType("text", "text"), pa.array(["", None, "\\N NULL \"q\" 'x'\r\n\\. , \t ü🙂%s"])),
    "n": (ColumnType("text", "text"), pa.array(["NULL", None, "\\N"])),
    "y": (ColumnType("bytes", "bytea"), pa.array([b"", None, bytes(range(256))])),
    "da": (ColumnType("date", "date"), pa.array([date(1000, 1, 1), None, date(9999, 12, 31)])),
    "ti": (ColumnType("time", "time"), pa.array([clock(0), None, clock(23, 59, 59, 999999)])),
    "ts": (ColumnType("timestamp", "timestamp"),
           pa.array([datetime(2020, 2, 29, 1, 2, 3), None, datetime(1999, 1, 1, 0, 0, 0, 1)], pa.timestamp("us"))),
    "tz": (ColumnType("timestamp", "timestamptz", timezone=True),
           pa.array([datetime(2020, 7, 1, 12), None, datetime(2021, 1, 1)], pa.timestamp("us", "UTC"))),
    "u": (ColumnType("uuid", "uuid"),
          pa.array(["00000000-0000-4000-8000-00000000000a", None, "ffffffff-ffff-ffff-ffff-ffffffffffff"])),
    "v": (ColumnType("interval", "interval"),
          pa.array([timedelta(hours=30, microseconds=5), None, timedelta(seconds=-61)])),
    "a": (ColumnType("array", "text[]", element=ColumnType("text", "text")),
          pa.array([["x", None, 'q"\\,{} NULL', ""], None, []], pa.list_(pa.string()))),
    "nothing": (ColumnType("text", "text"), pa.nulls(3)),
}  # fmt: skip


def test_every_kind_of_value_comes_back(any_database: str) -> None:
    columns = tuple(Column(name, kind) for name, (kind, _) in KINDS.items())
    source = Schema((Table("v", columns),), "postgresql")
    load(Dataset({"v": pa.table({name: values for name, (_, values) in KINDS.items()})}), any_database, schema=source)
    if any_database.startswith("duckdb"):
        names = ", ".join(f'"{name}"' for name in KINDS)
        rows = query(any_database, f"SELECT {names} FROM v")
        found = {name: [row[i] for row in rows] for i, name in enumerate(KINDS)}
        found["u"] = [None if v is None else str(v) for v in found["u"]]
    else:
        found = {
            n: c.to_pylist()
            for n, c in zip(KINDS, read_rows(any_database, reflect(any_database)).arrow("v").columns, strict=True)
        }
    for name, (_, values) in KINDS.items():
        expected = values.to_pylist()
        as_text = [None if v is None else str(v) for v in expected]
        if name in ("d",):
            assert [None if v is None else float(v) for v in found[name]] == [
                None if v is None else float(v) for v in expected
            ]
        elif name == "tz":
            assert [str(v)[:19] for v in found[name]] == [t[:19] if t else "None" for t in as_text]
        elif name == "v" and any_database.split(":")[0].startswith(("sqlite", "mysql")):
            assert found[name] == ["30:00:00.000005", None, "-0:01:01"]
        elif name == "a" and any_database.split(":")[0].startswith(("sqlite", "mysql")):
            assert found[name][1:] == [None, "[]"] and '"x", null' in found[name][0]
        else:
            assert found[name] == expected, name


def test_mysql_takes_rows_without_files(mysql_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from fixturesynth.loading import dialects

    own = replace(dialects.MYSQL, rows=insert_rows)
    monkeypatch.setitem(dialects.DIALECTS, "mysql", own)  # type: ignore[arg-type]
    load(ROWS, mysql_database, schema=COMPANY)
    assert sorted(query(mysql_database, "SELECT id, boss, team FROM staff")) == [(1, 2, 7), (2, None, 7), (3, 1, None)]
    assert (ROWS["team"]["name"][1],) in query(mysql_database, "SELECT name FROM team")


def test_mysql_types_without_a_text_of_their_own(mysql_database: str) -> None:
    query(
        mysql_database,
        "CREATE TABLE m (b bit(10), g point, y year, s set('a','b'), e enum('x','y'), z binary(3), w json)",
    )
    data = pa.table(
        {"b": ["0000000101", None], "g": ["POINT(1 2)", None], "y": [2024, None], "s": ["a,b", ""], "e": ["y", None],
         "z": [b"\x00\xff\x01", None], "w": ['{"a": [1]}', None]}
    )  # fmt: skip
    load(Dataset({"m": data}), mysql_database)
    found = query(mysql_database, "SELECT b+0, ST_AsText(g), y, s, e, z, w FROM m ORDER BY y DESC")
    assert found == [
        (5, "POINT(1 2)", 2024, "a,b", "y", b"\x00\xff\x01", '{"a": [1]}'),
        (None, None, None, "", None, None, None),
    ]


def test_postgresql_numbers_go_on_behind_the_rows(postgresql_database: str) -> None:
    for statement in (
        "CREATE TABLE s (id serial PRIMARY KEY, always bigint GENERATED ALWAYS AS IDENTITY, down int, "
        "w int GENERATED ALWAYS AS (id * 2) STORED)",
        "CREATE SEQUENCE falling INCREMENT -1",
        "ALTER TABLE s ALTER down SET DEFAULT nextval('falling')",
        "CREATE TABLE negative (id serial PRIMARY KEY)",
    ):
        query(postgresql_database, statement)
    rows = pa.table({"id": [10, 40], "always": [5, 6], "down": [-7, -3], "w": [0, 0]})
    load(Dataset({"s": rows, "negative": pa.table({"id": [-5]})}), postgresql_database)
    assert query(postgresql_database, "INSERT INTO s DEFAULT VALUES RETURNING id, always, down, w") == [(41, 7, -8, 82)]
    assert query(postgresql_database, "INSERT INTO negative DEFAULT VALUES RETURNING id") == [(1,)]


def test_mysql_and_sqlite_numbers_go_on(mysql_database: str, sqlite_database: str) -> None:
    source = Schema((Table("s", (Column("id", INTEGER, nullable=False, autoincrement=True), Column("x", INTEGER)),
                           primary_key=PrimaryKey(("id",))),), "sqlite")  # fmt: skip
    for url in (mysql_database, sqlite_database):
        load(Dataset({"s": pa.table({"id": [0, 40], "x": [1, 2]})}), url, schema=source)
        query(url, "INSERT INTO s (x) VALUES (3)")
        assert query(url, "SELECT id FROM s ORDER BY id") == [(0,), (40,), (41,)]


KILLING = {
    "postgresql": (
        "SELECT 'SELECT pg_terminate_backend(' || pid || ')' FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    ),
    "mysql": (
        "SELECT concat('KILL ', id) FROM information_schema.processlist WHERE db = database() AND id <> connection_id()"
    ),
}


@pytest.mark.parametrize("place", ["postgresql", "mysql"])
@pytest.mark.parametrize("ready", [False, True], ids=["new tables", "tables that are there"])
def test_a_killed_connection_is_one_line_and_keeps_nothing(
    place: str, ready: bool, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(f"{place}_database")
    if ready:
        load(Dataset({n: ROWS.arrow(n)[:0] for n in ROWS}), url, schema=COMPANY)
    killed = threading.Event()

    def kill(table: str, done: int, total: int) -> None:
        if table == "staff" and not killed.is_set():
            killed.set()
            for (statement,) in query(url, KILLING[place]):
                query(url, statement)
            time.sleep(0.2)

    with pytest.raises(LoadError, match=r"'(staff|team)'.*nothing was kept.*lost.*--resume") as caught:
        load(MANY, url, schema=COMPANY, progress=kill)
    assert killed.is_set() and "\n" not in str(caught.value)
    if ready:
        assert query(url, "SELECT count(*) FROM staff") == query(url, "SELECT count(*) FROM team") == [(0,)]
    else:
        assert tables(url) == set()
    load(ROWS, url, schema=COMPANY)
    assert query(url, "SELECT count(*) FROM staff") == [(3,)]


def test_nul_in_text_is_named(postgresql_database: str) -> None:
    with pytest.raises(LoadError, match=r"'team', column 'name'.*U\+0000"):
        load(
            ROWS.replace(team=ROWS.arrow("team").set_column(2, "name", pa.array(["a", "b\0c"]))),
            postgresql_database,
            schema=COMPANY,
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"skip_columns": {"staf": ["id"]}}, "did you mean 'staff'"),
        ({"skip_columns": {"staff": ["bos"]}}, "did you mean 'boss'"),
        ({"mode": "appendd"}, "did you mean 'append'"),
        ({"order": ["staff"]}, "'team'"),
    ],
)
def test_wrong_arguments(sqlite_database: str, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(ROWS, sqlite_database, **{"schema": COMPANY, **change})
    assert tables(sqlite_database) == set()


def test_columns_must_match(sqlite_database: str) -> None:
    query(
        sqlite_database, "CREATE TABLE staff (id INTEGER PRIMARY KEY, boss INTEGER, team INTEGER, extra TEXT NOT NULL)"
    )
    staff = ROWS.select(["staff"])
    with pytest.raises(InputError, match="'extra' of table 'staff' needs a value"):
        load(staff, sqlite_database)
    with pytest.raises(InputError, match=r"no column 'bosss'.*did you mean 'boss'"):
        load(Dataset({"staff": staff.arrow("staff").rename_columns(["id", "bosss", "team"])}), sqlite_database)
    with pytest.raises(InputError, match="'staff' but not 'team'"):
        load(ROWS, sqlite_database)


def test_a_remote_target_is_refused_before_it_is_reached() -> None:
    with pytest.raises(GuardError, match="--allow-target"):
        load(ROWS, "postgresql://db.invalid/shop", schema=COMPANY)


def test_a_failed_load_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    wrong = ROWS.replace(team=ROWS.arrow("team").set_column(0, "id", pa.array([7, 7])))
    with pytest.raises(LoadError):
        load(wrong, f"sqlite:///{path}", schema=COMPANY)
    assert not path.exists()


def test_tables_that_require_each_other_are_filled_by_one_statement(postgresql_database: str) -> None:
    for statement in (
        "CREATE TABLE a (id int PRIMARY KEY, b int NOT NULL)",
        "CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL REFERENCES a)",
        "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b",
    ):
        query(postgresql_database, statement)
    wrong = Dataset({"a": pa.table({"id": [1], "b": [2]}), "b": pa.table({"id": [1], "a": [1]})})
    with pytest.raises(LoadError, match=r"tables a, b: .*a_b_fkey"):
        load(wrong, postgresql_database)
    data = Dataset({"a": pa.table({"id": [1], "b": [1]}), "b": pa.table({"id": [1], "a": [1]})})
    seen: list[tuple[str, int, int]] = []
    assert load(data, postgresql_database, progress=lambda *step: seen.append(step)).rows == {"a": 1, "b": 1}
    assert seen == [("a", 1, 1), ("b", 1, 1)]


def test_a_cycle_that_nothing_can_cut_is_refused_where_each_statement_is_checked_alone() -> None:
    def table(name: str, *parents: str) -> Table:
        columns = tuple(Column(c, ColumnType("integer", "int"), nullable=False) for c in ("id", *parents))
        keys = tuple(ForeignKey(f"fk_{p}", (p,), p, ("id",)) for p in parents)
        return Table(name, columns, primary_key=PrimaryKey(("id",)), foreign_keys=keys)

    schema = Schema(
        (table("c", "a"), table("a", "b", "d"), table("b", "a"), table("d"), table("x", "y"), table("y", "x"))
    )
    with pytest.raises(CycleError, match="a, b, x, y reference each other"):
        load_order(schema, schema.names, deferrable=True)
    order, later, together = load_order(schema, schema.names, deferrable=True, together=True)
    assert (order, later) == (("d", "a", "b", "c", "x", "y"), {})
    assert together == (("a", "b"), ("x", "y"))


def test_levels() -> None:
    rows = pa.table({"id": [1, 2, 3, 4], "boss": [3, 1, None, 9], "team": [0] * 4})
    pieces = rows_by_level(rows, STAFF, statements=True)
    assert [piece["id"].to_pylist() for piece in pieces] == [[3, 4], [1], [2]]
    in_order = rows.take([2, 0, 1, 3])
    assert rows_by_level(in_order, STAFF, statements=False) == [in_order]


REAL = ["chinook", "northwind", "oracle_hr"]


@pytest.fixture(scope="module", params=REAL)
def real(request: pytest.FixtureRequest, shared: Path) -> Iterator[tuple[Schema, Dataset]]:
    source = f"sqlite:///{shared}/data/{request.param}.sqlite"
    schema = reflect(source)
    yield schema, read_rows(source, schema)


@pytest.mark.parametrize("kind", ["postgresql", "mysql", "sqlite", "duckdb"])
def test_real_rows_come_back_equal(kind: str, real: tuple[Schema, Dataset], request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(f"{kind}_database")
    schema, data = real
    load(data, url, schema=schema)
    found = reflect(url)
    for table in schema:
        rows = data.arrow(table.name)
        quoted = ", ".join(f"`{c}`" if kind == "mysql" else f'"{c}"' for c in rows.column_names)
        name = f"`{table.name}`" if kind == "mysql" else f'"{table.name}"'
        there = query(url, f"SELECT {quoted} FROM {name}")
        columns = list(zip(*there, strict=True)) or [()] * rows.num_columns
        for column, values in zip(rows.column_names, columns, strict=True):
            assert spoken(values) == spoken(rows.column(column).to_pylist()), (table.name, column)
        if kind != "duckdb":
            assert len(found[table.name].foreign_keys) == len(table.foreign_keys)
            assert len(found[table.name].checks) >= len(table.checks)
        assert set(found[table.name].keys) == set(table.keys)


def spoken(values: Any) -> list[str]:
    """Values as sorted text that does not depend on the driver's classes."""

    def one(value: Any) -> str:
        if isinstance(value, (int, float, Decimal)):
            return f"{float(value):.12g}"
        return str(value).removesuffix(".000000").removesuffix(" 00:00:00")

    return sorted(one(v) for v in values)


LONG = "the_orders_of_all_customers_who_have_ever_bought_from_any_of_our_shops"  # 70 characters


def longer(*names: str) -> tuple[Schema, Dataset]:
    """Tables of these names, each the parent of the next."""
    tables: list[Table] = []
    for name in names:
        above = ForeignKey("fk_above", ("above",), tables[-1].name, ("id",)) if tables else None
        tables.append(
            Table(name, (Column("id", INTEGER, nullable=False), Column("above", INTEGER)),
                  primary_key=PrimaryKey(("id",)), foreign_keys=(above,) if above else ())
        )  # fmt: skip
    rows = pa.table({"id": [1, 2], "above": pa.array([1, None], pa.int64())})
    return Schema(tuple(tables), "sqlite"), Dataset(dict.fromkeys(names, rows))


@pytest.mark.parametrize("place", ["postgresql", "mysql"])
def test_names_that_are_too_long_are_shortened_and_found_again(place: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(f"{place}_database")
    schema, data = longer("shop", LONG, LONG + "_by_year")
    result = load(data, url, schema=schema)
    made = tables(url)
    assert len(made) == 3 and "shop" in made and all(len(name.encode()) <= 64 for name in made)
    assert [n for n in result.notes if LONG in n and "called" in n] == list(result.notes)
    with pytest.raises(GuardError, match="2 rows"):
        load(data, url, schema=schema)
    load(data, url, schema=schema, mode="truncate")
    with pytest.raises(LoadError):  # the keys are there, and hold
        load(data, url, schema=schema, mode="append")
    assert tables(url) == made
    later = longer("shop", LONG, LONG + "_by_year")[1].replace(
        **{name: pa.table({"id": [3], "above": pa.array([2], pa.int64())}) for name in data}
    )
    load(later, url, schema=schema, mode="append")
    assert all(query(url, f"SELECT count(*) FROM {name}") == [(3,)] for name in made)


def test_a_table_that_postgresql_itself_cut_is_found(postgresql_database: str) -> None:
    query(postgresql_database, f"CREATE TABLE {LONG} (id bigint PRIMARY KEY, above bigint)")
    schema, data = longer(LONG)
    load(data, postgresql_database, schema=schema)
    assert query(postgresql_database, f"SELECT count(*) FROM {LONG[:63]}") == [(2,)]
    assert tables(postgresql_database) == {LONG[:63]}


def test_a_name_that_would_be_another_table_is_refused(postgresql_database: str) -> None:
    other = next(iter(names_in_target([LONG], "postgresql", list).values()))
    schema, data = longer(other, LONG)
    with pytest.raises(InputError, match="another table; rename one of them"):
        load(data, postgresql_database, schema=schema)
    assert tables(postgresql_database) == set()


@pytest.mark.parametrize(("place", "said"), [("postgresql", "63 bytes"), ("mysql", "64 characters")])
def test_columns_with_names_that_are_too_long_are_refused(
    place: str, said: str, request: pytest.FixtureRequest, sqlite_database: str
) -> None:
    url = request.getfixturevalue(f"{place}_database")
    data = Dataset({"a": pa.table({LONG: [1], LONG + "_by_year": [2]})})
    with pytest.raises(InputError, match=f"{LONG}.*{said}.*SQLite"):
        load(data, url)
    assert tables(url) == set()
    load(data, sqlite_database)

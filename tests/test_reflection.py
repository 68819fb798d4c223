"""``reflect``: every kind of source, every feature by itself in the real database, and what it says to bad input."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fixturesynth.errors import InputError, MissingDriverError, SourceError
from fixturesynth.schema import connection as connection_module
from fixturesynth.schema.connection import make_engine
from fixturesynth.schema.model import Schema
from fixturesynth.schema.reflection import reflect
from fixturesynth.schema.sqlfile import read_sql_file


def made(url: str, *statements: str) -> Schema:
    engine = make_engine(url)
    with engine.connect() as connection:
        for statement in statements:
            connection.connection.cursor().execute(statement)
        connection.connection.commit()
    engine.dispose()
    return reflect(url)


# --- PostgreSQL


def test_postgresql_types_domains_and_enums(postgresql_database: str) -> None:
    schema = made(
        postgresql_database,
        "CREATE TYPE mood AS ENUM ('sad', 'it''s ok')",
        "CREATE DOMAIN small AS numeric(5,2) DEFAULT 1 CHECK (VALUE < 100)",
        "CREATE DOMAIN tiny AS small NOT NULL CHECK (VALUE > 0)",
        "CREATE TYPE pair AS (a int, b int)",
        """CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, s bigserial, m mood[] NOT NULL, d tiny,
           r int4range, p pair, c text COLLATE "C", v varchar(20)[], g int GENERATED ALWAYS AS (1 + 2) STORED,
           n text DEFAULT NULL, w timestamptz(3) DEFAULT now())""",
        "COMMENT ON TABLE t IS 'all'; COMMENT ON COLUMN t.c IS 'one'",
    )
    table = schema["t"]
    column = table.column
    assert (column("id").identity, column("id").nullable, column("s").autoincrement) == ("always", False, True)
    assert column("m").type.element is not None
    assert (column("m").type.kind, column("m").type.element.values) == ("array", ("sad", "it's ok"))
    tiny = column("d")
    assert (tiny.type.kind, tiny.type.domain, tiny.type.precision, tiny.type.scale) == ("decimal", "tiny", 5, 2)
    assert tiny.domain_checks == ("(VALUE)::numeric > (0)::numeric", "VALUE < (100)::numeric")
    assert (tiny.nullable, tiny.default) == (False, "1")
    assert column("r").type.element is not None and column("r").type.element.kind == "integer"
    assert column("v").type.element is not None and column("v").type.element.length == 20
    assert (column("c").collation, column("c").comment, table.comment) == ("C", "one", "all")
    assert column("g").generated is not None and column("g").generated.expression == "1 + 2"
    assert (column("g").default, column("n").default, column("w").default) == (None, None, "now()")
    assert (column("w").type.precision, column("w").type.timezone) == (3, True)
    assert table.not_understood == ("type pair of column p",)


def test_postgresql_constraints_and_indexes(postgresql_database: str) -> None:
    schema = made(
        postgresql_database,
        "CREATE EXTENSION btree_gist",
        "CREATE TABLE p (a int, b int, c text UNIQUE, PRIMARY KEY (b, a), UNIQUE (a, b))",
        """CREATE TABLE t (id int, x int, y int, name text, at tstzrange, "group" int, gone int,
           CONSTRAINT order_ok CHECK (x < y AND name <> 'y'),
           CONSTRAINT far FOREIGN KEY (x, y) REFERENCES p (a, b) MATCH FULL ON DELETE CASCADE ON UPDATE SET NULL
             DEFERRABLE INITIALLY DEFERRED,
           FOREIGN KEY (name) REFERENCES p (c) ON DELETE SET DEFAULT,
           CONSTRAINT apart EXCLUDE USING gist ("group" WITH =, at WITH &&) WHERE (x > 0))""",
        "ALTER TABLE t DROP COLUMN gone",
        "CREATE UNIQUE INDEX u1 ON t (lower(name), id) WHERE x IS NOT NULL",
        "CREATE UNIQUE INDEX u2 ON t (id) INCLUDE (x)",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE TRIGGER audit BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE VIEW v AS SELECT * FROM t",
        "CREATE MATERIALIZED VIEW mv AS SELECT * FROM t",
        "CREATE RULE quiet AS ON DELETE TO t DO INSTEAD NOTHING",
    )
    assert schema.names == ("p", "t")
    assert schema["p"].primary_key is not None and schema["p"].primary_key.columns == ("b", "a")
    table = schema["t"]
    far = table.foreign_key("far")
    assert (far.columns, far.parent, far.parent_columns) == (("x", "y"), "p", ("a", "b"))
    assert (far.on_delete, far.on_update, far.match) == ("CASCADE", "SET NULL", "FULL")
    assert (far.deferrable, far.initially_deferred) == (True, True)
    other = next(fk for fk in table.foreign_keys if fk.columns == ("name",))
    assert (other.parent_columns, other.on_delete, other.on_update) == (("c",), "SET DEFAULT", None)
    check = table.checks[0]
    assert (check.name, check.columns, check.text) == (
        "order_ok",
        ("x", "y", "name"),
        "(x < y) AND (name <> 'y'::text)",
    )
    exclusion = table.exclusions[0]
    assert exclusion.elements == (("group", "="), ("at", "&&"))
    assert (exclusion.name, exclusion.using, exclusion.predicate) == ("apart", "gist", "x > 0")
    first, second = table.uniques
    assert (first.columns, first.expressions, first.predicate) == (("id",), ("lower(name)",), "x IS NOT NULL")
    assert (second.columns, second.expressions, second.predicate) == (("id",), (), None)
    assert (table.triggers, table.not_understood) == (("audit",), ("rule quiet rewrites statements",))


def test_postgresql_nulls_not_distinct(postgresql_database: str) -> None:
    engine = make_engine(postgresql_database)
    with engine.connect() as connection:
        version = connection.dialect.server_version_info
    engine.dispose()
    if version is not None and version < (15,):
        pytest.skip("NULLS NOT DISTINCT came with PostgreSQL 15")
    schema = made(
        postgresql_database,
        "CREATE TABLE t (a int, b int, UNIQUE NULLS NOT DISTINCT (a))",
        "CREATE UNIQUE INDEX i ON t (b) NULLS NOT DISTINCT",
    )
    assert [(u.columns, u.nulls_distinct) for u in schema["t"].uniques] == [(("a",), False), (("b",), False)]


def test_postgresql_partitions_inheritance_and_schemas(postgresql_database: str) -> None:
    schema = made(
        postgresql_database,
        "CREATE SCHEMA other",
        "CREATE TABLE k (id int PRIMARY KEY)",
        "CREATE TABLE log (at date, k int REFERENCES k, PRIMARY KEY (at)) PARTITION BY RANGE (at)",
        "CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')",
        "CREATE TABLE base (id int CHECK (id > 0))",
        "CREATE TABLE other.child (more text) INHERITS (base)",
        "CREATE TABLE other.refers (id int REFERENCES k, at date REFERENCES log)",
    )
    assert schema.names == ("base", "k", "log", "log_1", "other.child", "other.refers")
    assert schema["log"].partition_key == "RANGE (at)"
    assert (schema["log_1"].partition_of, schema["other.child"].partition_of) == ("log", "base")
    bound = schema["log"].checks[0]
    assert bound.columns == ("at",) and "2021-01-01" in bound.text
    assert [fk.parent for fk in schema["other.refers"].foreign_keys] == ["log", "k"]
    assert (schema["other.child"].schema, schema["other.child"].bare_name) == ("other", "child")
    assert schema.name == "public"
    only = reflect(postgresql_database, schemas=["other"])
    assert only.names == ("other.child", "other.refers")
    assert len(only["other.refers"].foreign_keys) == 0
    assert len(only["other.refers"].not_understood) == 2
    with pytest.raises(SourceError, match=r"no schema 'othr' .* did you mean 'other'\?"):
        reflect(postgresql_database, schemas=["othr"])


def test_five_hundred_tables_are_reflected_at_once(postgresql_database: str) -> None:
    columns = ", ".join(f"c{i} int CHECK (c{i} > {i})" for i in range(5))
    statements = [
        f"CREATE TABLE t{n} (id serial PRIMARY KEY, p int REFERENCES t{max(n - 1, 0)}, {columns})" for n in range(500)
    ]
    schema = made(postgresql_database, ";".join(statements))
    assert len(reflect(postgresql_database)) == len(schema) == 500


# --- MySQL and MariaDB


def test_mysql_types_keys_and_checks(mysql_database: str) -> None:
    schema = made(
        mysql_database,
        "CREATE TABLE p (a int, b int, c varchar(9), PRIMARY KEY (b, a), UNIQUE KEY pc (c))",
        """CREATE TABLE t (id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, flag tinyint(1),
           e enum('a','b''c') NOT NULL,
           s set('x','y'), y year, g geometry, bits bit(3), j json, x int DEFAULT 5, z int, name varchar(9)
           DEFAULT 'q''x' COMMENT 'name', v int GENERATED ALWAYS AS (x + 1) VIRTUAL, w int AS (x + 2) STORED,
           long_one varchar(300), CONSTRAINT near CHECK (x < z AND name <> 'y'), UNIQUE KEY start (long_one(10)),
           CONSTRAINT far FOREIGN KEY (z, x) REFERENCES p (b, a) ON DELETE CASCADE,
           FOREIGN KEY (name) REFERENCES p (c)) COMMENT 'all'""",
        "CREATE TABLE parts (y int, note text) PARTITION BY RANGE (y) (PARTITION a VALUES LESS THAN (10))",
        "CREATE TRIGGER audit BEFORE INSERT ON t FOR EACH ROW SET @a = 1",
        "CREATE VIEW v AS SELECT 1",
    )  # fmt: skip
    assert schema.names == ("p", "parts", "t")
    table = schema["t"]
    kinds = {c.name: c.type.kind for c in table.columns}
    assert kinds == {
        "id": "integer", "flag": "boolean", "e": "enum", "s": "set", "y": "year", "g": "geometry", "bits": "bit",
        "j": "json",
        "x": "integer", "z": "integer", "name": "text", "v": "integer", "w": "integer", "long_one": "text",
    }  # fmt: skip
    column = table.column
    assert (column("id").autoincrement, column("id").type.unsigned, column("e").type.values) == (
        True,
        True,
        ("a", "b'c"),
    )
    assert (column("x").default, column("z").default, column("name").default) == ("5", None, "'q''x'")
    assert (column("name").comment, table.comment) == ("name", "all")
    assert [(c.name, c.generated.stored) for c in table.columns if c.generated] == [("v", False), ("w", True)]
    assert (column("v").default, column("w").default) == (None, None)
    assert [(c.name, c.columns) for c in table.checks] == [("near", ("x", "z", "name"))]
    far = table.foreign_key("far")
    assert (far.columns, far.parent_columns, far.on_delete, far.on_update) == (("z", "x"), ("b", "a"), "CASCADE", None)
    assert [(u.name, u.columns, u.expressions) for u in table.uniques] == [("start", (), ("left(long_one, 10)",))]
    assert table.triggers == ("audit",)
    assert schema["p"].primary_key is not None and schema["p"].primary_key.columns == ("b", "a")
    parts = schema["parts"]
    assert (parts.partition_key, parts.checks[0].text, parts.checks[0].columns) == ("RANGE (`y`)", "`y` < 10", ("y",))


def test_mysql_needs_a_database(mysql_url: str) -> None:
    with pytest.raises(SourceError, match="no database named"):
        reflect(mysql_url)


# --- SQLite


def test_sqlite_keys_checks_and_the_row_id(sqlite_database: str) -> None:
    schema = made(
        sqlite_database,
        "CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT COLLATE NOCASE UNIQUE)",
        """CREATE TABLE t ( -- a comment, with (brackets
           a INT, "b c" TEXT CHECK ("b c" <> 'x)' AND a > 0), g INT AS (a + 1),
           h INT GENERATED ALWAYS AS (a * 2) STORED,
           p REFERENCES p ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED, q CONSTRAINT named REFERENCES P(CODE),
           d DATETIME DEFAULT (datetime('now')), self INT REFERENCES t,
           PRIMARY KEY (a), CONSTRAINT two UNIQUE (a, "b c"), CONSTRAINT pos CHECK (a > -1)) WITHOUT ROWID""",
        "CREATE UNIQUE INDEX u ON t (lower(\"b c\"), a COLLATE NOCASE DESC) WHERE a > 5",
        "CREATE TABLE s (id INTEGER, n INT NOT NULL, any ANY, PRIMARY KEY (id)) STRICT",
        "CREATE TABLE auto (id INTEGER PRIMARY KEY AUTOINCREMENT, x)",
        "CREATE TABLE loose (k TEXT PRIMARY KEY, x FOO)",
        "ALTER TABLE loose ADD COLUMN later INTEGER DEFAULT 3 CHECK (later > 1)",
        "CREATE TRIGGER audit AFTER INSERT ON t BEGIN SELECT 1; END",
        "CREATE VIEW v AS SELECT * FROM t",
    )  # fmt: skip
    assert schema.names == ("p", "t", "s", "auto", "loose")
    table = schema["t"]
    assert table.column_names == ("a", "b c", "g", "h", "p", "q", "d", "self")
    assert [(c.name, c.generated.expression, c.generated.stored) for c in table.columns if c.generated] == [
        ("g", "a + 1", False), ("h", "a * 2", True)]  # fmt: skip
    assert [(c.text, c.columns) for c in table.checks] == [
        ("\"b c\" <> 'x)' AND a > 0", ("a", "b c")), ("a > -1", ("a",))]  # fmt: skip
    assert [(fk.columns, fk.parent, fk.parent_columns) for fk in table.foreign_keys] == [
        (("p",), "p", ("id",)), (("q",), "p", ("code",)), (("self",), "t", ("a",))]  # fmt: skip
    to_p, to_code, to_self = table.foreign_keys
    assert (to_p.name, to_p.on_delete, to_p.deferrable, to_p.initially_deferred) == ("fk_p", "SET NULL", True, True)
    assert (to_code.name, to_code.deferrable, to_self.name) == ("named", False, "fk_self")
    two, index = table.uniques
    assert (two.name, two.columns, two.is_index) == ("two", ("a", "b c"), False)
    assert (index.columns, index.expressions, index.predicate) == (("a",), ('lower("b c")',), "a > 5")
    assert (table.column("a").nullable, table.column("a").autoincrement, table.triggers) == (False, False, ("audit",))
    assert schema["p"].column("code").collation == "NOCASE"
    assert [schema[n].columns[0].autoincrement for n in ("p", "s", "auto", "loose")] == [True, True, True, False]
    assert [schema[n].columns[0].nullable for n in ("p", "s", "auto", "loose")] == [False, False, False, True]
    assert (schema["loose"].column("later").default, schema["loose"].checks[0].text) == ("3", "later > 1")


def test_sqlite_virtual_tables_are_left_alone_and_said_so(sqlite_database: str) -> None:
    schema = made(sqlite_database, "CREATE VIRTUAL TABLE doc USING fts5(body)", "CREATE TABLE t (a)")
    assert (schema.names, schema.not_understood) == (("t",), ("virtual table doc is left alone",))


def test_a_reference_to_a_missing_table_is_said_not_dropped(sqlite_database: str) -> None:
    schema = made(sqlite_database, "CREATE TABLE t (a REFERENCES gone (id))")
    assert schema["t"].foreign_keys == ()
    assert schema["t"].not_understood == ("foreign key on (a) references gone, which is not reflected",)


# --- DuckDB


def test_duckdb(duckdb_database: str) -> None:
    schema = made(
        duckdb_database,
        "CREATE SEQUENCE ids",
        "CREATE TYPE mood AS ENUM ('a', 'b''c')",
        "CREATE TABLE p (id integer PRIMARY KEY, x int, y int, UNIQUE (x, y), CHECK (x > 0 AND y <> 5))",
        """CREATE TABLE t (id integer DEFAULT nextval('ids') PRIMARY KEY, px int, py int, m mood, l int[],
           s STRUCT(a int),
           g int AS (px * 2), n varchar COLLATE nocase NOT NULL DEFAULT 'q', d decimal(10,2), u utinyint,
           FOREIGN KEY (px, py) REFERENCES p (x, y))""",
        "CREATE UNIQUE INDEX i ON t (n, (px + 1))",
        "CREATE VIEW v AS SELECT 1",
    )
    assert schema.names == ("p", "t")
    table = schema["t"]
    assert [c.type.kind for c in table.columns] == [
        "integer", "integer", "integer", "enum", "array", "other", "integer", "text", "decimal", "integer"]  # fmt: skip
    column = table.column
    assert (column("id").autoincrement, column("m").type.values, column("n").collation) == (
        True,
        ("a", "b'c"),
        "nocase",
    )
    assert (column("n").default, column("n").nullable, column("u").type.unsigned) == ("'q'", False, True)
    assert column("g").generated is not None and not column("g").generated.stored
    assert [(fk.columns, fk.parent, fk.parent_columns) for fk in table.foreign_keys] == [
        (("px", "py"), "p", ("x", "y"))
    ]
    assert [(u.columns, len(u.expressions), u.is_index) for u in table.uniques] == [(("n",), 1, True)]
    assert [(u.columns, u.is_index) for u in schema["p"].uniques] == [(("x", "y"), False)]
    assert [c.columns for c in schema["p"].checks] == [("x", "y")]
    assert table.not_understood == ("type STRUCT(a INTEGER) of column s",)


# --- every dialect


def test_odd_names_come_back_as_they_were_given(any_database: str) -> None:
    engine = make_engine(any_database)
    quote = engine.dialect.identifier_preparer.quote_identifier
    engine.dispose()
    names = ['a "b" c', "order", "Größe", "it's", "a`b", "semi;colon", "x--y", "Ünï ☃"]
    columns = ", ".join(f"{quote(name)} int" for name in names[1:])
    tables = [f"CREATE TABLE {quote(n)} ({quote(names[0])} int PRIMARY KEY, {columns})" for n in ("order", "T ü'\"`;")]
    reference = f"REFERENCES {quote('order')} ({quote(names[0])})"
    child = f"CREATE TABLE child ({quote('select')} int, FOREIGN KEY ({quote('select')}) {reference})"
    schema = made(any_database, *tables, child)
    assert set(schema.names) == {"order", "T ü'\"`;", "child"}
    assert schema["order"].column_names == schema["T ü'\"`;"].column_names == tuple(names)
    assert [(fk.columns, fk.parent, fk.parent_columns) for fk in schema["child"].foreign_keys] == [
        (("select",), "order", (names[0],))]  # fmt: skip
    assert all(t.not_understood == () for t in schema)


def test_an_empty_database_has_no_tables(any_database: str) -> None:
    assert len(reflect(any_database)) == 0


def test_tables_can_be_chosen(any_database: str) -> None:
    made(
        any_database, "CREATE TABLE a (id int PRIMARY KEY)", "CREATE TABLE b (a int, FOREIGN KEY (a) REFERENCES a (id))"
    )
    only = reflect(any_database, tables=["b"])
    assert only.names == ("b",)
    assert only["b"].foreign_keys == () and "references a, which was not asked for" in only["b"].not_understood[0]
    with pytest.raises(SourceError, match=r"no table 'c' in the source"):
        reflect(any_database, tables=["c"])


def test_an_engine_and_a_connection_are_sources_too(any_database: str) -> None:
    schema = made(any_database, "CREATE TABLE a (id int PRIMARY KEY)")
    engine = make_engine(any_database)
    with engine.connect() as connection:
        assert reflect(engine) == reflect(connection) == schema
    engine.dispose()


# --- models


class Base(DeclarativeBase):
    pass


class Owner(Base):
    __tablename__ = "owner"
    __table_args__ = (
        sa.CheckConstraint("age > 0 AND name <> 'age'", name="grown"),
        sa.Index("one_name", sa.func.lower(sa.text("name")), unique=True, postgresql_where=sa.text("age > 3")),
        postgresql.ExcludeConstraint(("name", "="), using="gist", name="apart"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40), comment="full")
    age: Mapped[int | None] = mapped_column(sa.SmallInteger)
    mood: Mapped[str] = mapped_column(sa.Enum("sad", "ok", name="mood"), server_default="ok")
    tags: Mapped[list[str]] = mapped_column(postgresql.ARRAY(sa.String(9)))
    data: Mapped[dict[str, Any]] = mapped_column(postgresql.JSONB, server_default=sa.text("'{}'"))
    token: Mapped[str] = mapped_column(sa.Uuid)
    twice: Mapped[int] = mapped_column(sa.Computed("age * 2", persisted=True))
    number: Mapped[int] = mapped_column(sa.Identity(always=True))
    boss: Mapped[int | None] = mapped_column(
        sa.ForeignKey(
            "owner.id", ondelete="CASCADE", deferrable=True, initially="DEFERRED", use_alter=True, name="boss_fk"
        )
    )


def test_a_declarative_base() -> None:
    schema = reflect(Base)
    assert schema == reflect(Base.metadata) == reflect(Owner)
    assert schema.dialect == "postgresql"
    table = schema["owner"]
    assert [c.type.kind for c in table.columns] == [
        "integer", "text", "integer", "enum", "array", "json", "uuid", "integer", "integer", "integer"]  # fmt: skip
    column = table.column
    assert (column("id").autoincrement, column("id").nullable, column("name").comment) == (True, False, "full")
    assert (column("name").type.length, column("age").type.bits, column("mood").type.values) == (40, 16, ("sad", "ok"))
    assert (column("mood").default, column("data").default) == ("'ok'", "'{}'")
    assert column("twice").generated is not None and column("twice").generated.expression == "age * 2"
    assert column("number").identity == "always"
    assert [(c.name, c.text, c.columns) for c in table.checks] == [
        ("grown", "age > 0 AND name <> 'age'", ("name", "age"))
    ]
    assert [(u.expressions, u.predicate, u.is_index) for u in table.uniques] == [(("lower(name)",), "age > 3", True)]
    assert [(e.name, e.elements, e.using) for e in table.exclusions] == [("apart", (("name", "="),), "gist")]
    boss = table.foreign_key("boss_fk")
    assert (boss.parent, boss.on_delete, boss.deferrable, boss.initially_deferred) == ("owner", "CASCADE", True, True)


def test_models_say_what_the_database_made_of_them_says(postgresql_database: str) -> None:
    metadata = sa.MetaData()
    sa.Table("p", metadata, sa.Column("a", sa.Integer, primary_key=True), sa.Column("b", sa.Numeric(8, 3), unique=True))
    sa.Table(
        "c",
        metadata,
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("p", sa.ForeignKey("p.a", ondelete="SET NULL"), index=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("n", sa.Integer, sa.CheckConstraint("n > 1", name="big"), server_default="4"),
        sa.Column("body", sa.LargeBinary),
        sa.Column("yes", sa.Boolean),
    )
    engine = make_engine(postgresql_database)
    metadata.create_all(engine)
    engine.dispose()

    def facts(schema: Schema) -> Any:
        return {
            t.name: (
                [
                    (c.name, c.type.kind, c.type.precision, c.type.timezone, c.nullable, c.autoincrement)
                    for c in t.columns
                ],
                t.primary_key and t.primary_key.columns,
                [(fk.columns, fk.parent, fk.parent_columns, fk.on_delete) for fk in t.foreign_keys],
                [u.columns for u in t.uniques],
                [(c.name, c.text, c.columns) for c in t.checks],
            )
            for t in schema
        }

    assert facts(reflect(metadata, dialect="postgresql")) == facts(reflect(postgresql_database))


def test_a_name_in_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop_models.py").write_text(
        "from sqlmodel import SQLModel, Field\n"
        "class Team(SQLModel, table=True):\n    id: int | None = Field(default=None, primary_key=True)\n    name: str\n"
    )
    (tmp_path / "broken_models.py").write_text("raise RuntimeError('no\\nway')\n")
    monkeypatch.chdir(tmp_path)
    code = (
        "from fixturesynth.schema.reflection import reflect\n"
        "print(reflect('shop_models:SQLModel')['team'].column_names)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(connection_module.__file__).parents[2])}
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert out.stdout.strip() == "('id', 'name')"
    with pytest.raises(SourceError, match=r"cannot import 'broken_models'.*RuntimeError: no$"):
        reflect("broken_models:Base")
    with pytest.raises(SourceError, match=r"cannot import 'nowhere'"):
        reflect("nowhere:Base")
    with pytest.raises(SourceError, match=r"no 'TokenKin' in .* did you mean 'TokenKind'\?"):
        reflect("fixturesynth.schema.lexing:TokenKin")
    with pytest.raises(SourceError, match="expected MetaData"):
        reflect("fixturesynth.schema.lexing:TokenKind")


# --- bad input


WRONG_SOURCES = [
    ("postgresql://nobody:s3cret@127.0.0.1:1/shop", r"cannot connect to postgresql\+psycopg://nobody:\*\*\*@127"),
    ("mysql://nobody:s3cret@127.0.0.1:1/shop", r"cannot connect to mysql\+pymysql://nobody:\*\*\*@127"),
    ("postgresql://u:s3cret@no-such-host.invalid/shop", "cannot connect to .*no-such-host"),
    ("postgresq://u:s3cret@h/shop", "no dialect for .*did you mean 'postgresql'"),
    ("postgresql://u:s3cret@h:port/shop", r"not a database URL: postgresql://u:\*\*\*@h:port"),
    ("sqlite:////no/such/folder/file.db", "no such file '/no/such/folder/file.db'; no such folder"),
    ("no_such_file.sqlite", "no such file 'no_such_file.sqlite'"),
    ("no_such_file.sql", "cannot read 'no_such_file.sql'"),
    ("nonsense", "cannot read 'nonsense': no such file; expected a database URL"),
    (42, "cannot reflect int: expected a database URL"),
]


@pytest.mark.parametrize(("source", "said"), WRONG_SOURCES)
def test_a_wrong_source_is_one_line_without_the_password(source: Any, said: str) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        reflect(source)
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_unknown_database_is_named(postgresql_url: str, mysql_url: str) -> None:
    for server in (postgresql_url, mysql_url):
        url = sa.make_url(server).set(database="no_such_database_here")
        with pytest.raises(SourceError, match=r"no_such_database_here.*; check the host") as caught:
            reflect(url)
        assert "\n" not in str(caught.value)


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "shop.db").touch()
    with pytest.raises(SourceError, match=r"no such file .*did you mean 'shop.db'\?"):
        reflect(tmp_path / "shp.db")
    with pytest.raises(SourceError, match="no such file"):
        make_engine(f"sqlite:///{tmp_path}/x.sqlite", must_exist=True)
    assert [p.name for p in tmp_path.iterdir()] == ["shop.db"]


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite").write_text("hello, not a database")
    with pytest.raises(SourceError, match="not an SQLite or DuckDB file"):
        reflect(tmp_path / "x.sqlite")
    with pytest.raises(SourceError, match="is a folder"):
        reflect(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize(
    ("url", "extra"), [("postgres://h/x", "postgres"), ("mysql://h/x", "mysql"), ("duckdb:///x", "duckdb")]
)
def test_a_missing_driver_names_its_extra(url: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDriverError, match=rf"pip install 'fixturesynth\[{extra}\]'"):
        reflect(url)


# --- scripts


def test_a_script_may_name_tables_before_it_makes_them(tmp_path: Path) -> None:
    path = tmp_path / "shop.sql"
    path.write_text(
        "PRAGMA foreign_keys = ON; ATTACH 'elsewhere.db' AS e; CREATE UNIQUE INDEX u ON t (a);\n"
        "CREATE TABLE t2 (x INTEGER PRIMARY KEY AUTOINCREMENT); CREATE TABLE t (a INT); CREATE TABLE bad (;"
    )
    schema = read_sql_file(path)
    assert (schema.dialect, set(schema.names)) == ("sqlite", {"t", "t2"})
    assert [u.name for u in schema["t"].uniques] == ["u"]
    assert len(schema.not_understood) == 1 and "CREATE TABLE bad" in schema.not_understood[0]
    assert not Path("elsewhere.db").exists()


def test_a_scratch_database_is_dropped_even_when_the_script_is_wrong(
    tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIXTURESYNTH_SCRATCH_POSTGRESQL", postgresql_url)
    path = tmp_path / "shop.pg.sql"
    path.write_text("CREATE DATABASE beyond_the_scratch; CREATE TABLE t (a int); CREATE TABLE u (b no_such_type);")
    schema = read_sql_file(path)
    assert schema.names == ("t",)
    assert len(schema.not_understood) == 1 and "no_such_type" in schema.not_understood[0]
    with sa.create_engine(postgresql_url, poolclass=sa.NullPool).connect() as connection:
        names = [name for (name,) in connection.exec_driver_sql("SELECT datname FROM pg_database")]
    assert "beyond_the_scratch" not in names


def test_a_script_without_tables_or_of_an_unknown_dialect(tmp_path: Path) -> None:
    path = tmp_path / "empty.sql"
    path.write_text("SELECT 1;")
    with pytest.raises(SourceError, match="no table in"):
        reflect(path)
    with pytest.raises(InputError, match=r"unknown dialect 'postgre' .* did you mean 'postgresql'\?"):
        reflect(path, dialect="postgre")
    path.write_bytes(b"\0\1\2")
    with pytest.raises(SourceError, match="binary data"):
        reflect(str(path))


def test_statements_that_are_not_known_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIXTURESYNTH_SCRATCH_POSTGRESQL", raising=False)
    path = tmp_path / "shop.pg.sql"
    path.write_text(
        "CREATE TABLE t (a int, LIKE other INCLUDING ALL, b int SPARKLING WATER); FROBNICATE t; ALTER TABLE t GLITTER;"
        "CREATE TABLE p (k int) PARTITION BY RANGE (k); ALTER TABLE t ADD UNIQUE (a), ALTER COLUMN b SET NOT NULL;"
    )
    schema = read_sql_file(path)
    assert schema.not_understood == ("statement: FROBNICATE t",)
    assert any("LIKE other" in note for note in schema["t"].not_understood)
    assert any("SPARKLING" in note for note in schema["t"].not_understood)
    assert "ALTER TABLE t GLITTER" in schema["t"].not_understood
    assert schema["p"].not_understood == ("bounds of partitions by RANGE (k)",)
    assert ([u.columns for u in schema["t"].uniques], schema["t"].column("b").nullable) == ([("a",)], False)

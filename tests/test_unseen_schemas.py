"""What schemas of applications had that no schema here had: each form once, on a small table of its own."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from catalogue_audit import put_script
from test_hard_rows import ALL, Seeded, seeded  # noqa: F401
from test_seeding import audit
from test_seeding import seeded as planted

from fixturesynth.dataset import Dataset
from fixturesynth.errors import ConstraintError
from fixturesynth.loading.loader import load
from fixturesynth.loading.reading import read_rows
from fixturesynth.planning.planner import Wishes
from fixturesynth.planning.rows import RowsAsked
from fixturesynth.rules.regular import letters_of
from fixturesynth.schema.model import Schema
from fixturesynth.schema.predicates import evaluate
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import Synthesizer, plan_rules

Scripted = Callable[[str], Schema]


@pytest.fixture
def scripted(tmp_path: Path) -> Scripted:
    """A function: a script to the schema that it declares. It is of PostgreSQL unless its first line says otherwise."""

    def read(text: str) -> Schema:
        dialect = text.split()[1] if text.startswith("-- ") else "pg"
        path = tmp_path / f"script.{dialect}.sql"
        path.write_text(text)
        return reflect(str(path))

    return read


def planned(schema: Schema, rows: int = 40) -> Synthesizer:
    return plan_rules(schema, wishes=Wishes(rows=RowsAsked({}, default=rows)), seed=7)


def made(schema: Schema, rows: int = 40) -> Dataset:
    return planned(schema, rows).sample()


# Checks --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dialect", ALL)
def test_a_reference_that_a_check_requires_is_never_null(dialect: str, seeded: Seeded) -> None:  # noqa: F811
    rows = seeded(
        dialect,
        "CREATE TABLE parent (id int NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE child (id int NOT NULL, parent_id int, PRIMARY KEY (id), "
        "FOREIGN KEY (parent_id) REFERENCES parent (id), CHECK (parent_id IS NOT NULL))",
        rows=60,
    )
    assert all(parent is not None for _, parent in rows["child"])


def test_patterns_of_fixed_width_fill_it(postgresql_database: str, tmp_path: Path) -> None:
    path = tmp_path / "codes.sql"
    path.write_text(
        "CREATE TABLE codes (id int PRIMARY KEY, code char(9) NOT NULL CHECK (code ~ '^[A-Z]-?[0-9]{3,7}$'))"
    )
    put_script(postgresql_database, path)
    audit(postgresql_database, planted(postgresql_database, 200))


def test_moments_beside_the_end_of_the_calendar(scripted: Scripted) -> None:
    schema = scripted(
        "CREATE TABLE t (id int PRIMARY KEY, at timestamp NOT NULL CHECK (at <> '0001-01-01T00:00:00'), "
        "until timestamp NOT NULL CHECK (until <> '9999-12-31T23:59:59'))"
    )
    assert made(schema).arrow("t").num_rows == 40


@pytest.mark.parametrize(
    ("refused", "left"),
    [((r"\A.*[^0-9A-F].*\Z",), "[0-9A-F]"), ((r"[^a-z_]",), "[a-z_]"), ((r"[0-9]",), None), ((), None)],
)
def test_letters_that_are_left(refused: tuple[str, ...], left: str | None) -> None:
    assert letters_of(refused) == left


def test_hashes_in_capitals(scripted: Scripted) -> None:
    schema = scripted(
        "-- sqlite\nCREATE TABLE t (id INTEGER PRIMARY KEY, h TEXT NOT NULL "
        "CHECK (length(h) = 64 AND h NOT GLOB '*[^0-9A-F]*'))"
    )
    assert all(len(h) == 64 and set(h) <= set("0123456789ABCDEF") for h in made(schema).arrow("t")["h"].to_pylist())


def test_texts_in_the_length_of_a_uuid_are_such(scripted: Scripted) -> None:
    schema = scripted("-- sqlite\nCREATE TABLE t (id TEXT PRIMARY KEY NOT NULL CHECK (length(id) = 36), n INTEGER)")
    assert all(len(v) == 36 and v.count("-") == 4 for v in made(schema).arrow("t")["id"].to_pylist())


def test_keys_taken_from_documents() -> None:
    rows = pa.table({"data": ['{"a": 1}', '{"a": 1, "b": 2}', "{}", '["a", "c"]']})
    assert evaluate("data - 'a' = '{}'::jsonb", rows, "postgresql").tolist() == [True, False, True, False]
    assert evaluate("data - ARRAY['a', 'b'] = '{}'::jsonb", rows, "postgresql").tolist() == [True, True, True, False]


def test_a_value_that_no_document_has_is_refused_by_name(scripted: Scripted) -> None:
    schema = scripted(
        "-- sqlite\nCREATE TABLE t (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, "
        "doc TEXT NOT NULL CHECK (json_valid(doc)), "
        "CONSTRAINT agrees CHECK (coalesce(json_extract(doc, '$.id') = kind, 0)))"
    )
    with pytest.raises(ConstraintError, match="t: constraint agrees"):
        made(schema)


def test_scripts_of_sqlite_are_judged_by_sqlite(scripted: Scripted, tmp_path: Path) -> None:
    schema = scripted(
        "-- sqlite\nCREATE TABLE t (id INTEGER PRIMARY KEY, "
        "request TEXT NOT NULL CHECK (json_type(request) = 'object'), "
        "day TEXT NOT NULL CHECK (date(day, '+0 days') IS day))"
    )
    load(made(schema), f"sqlite:///{tmp_path / 't.sqlite'}", schema=schema)  # with its checks


def test_lists_are_made_of_what_documents_hold(scripted: Scripted) -> None:
    schema = scripted("CREATE TABLE t (id int PRIMARY KEY, spans jsonb NOT NULL CHECK (jsonb_typeof(spans) = 'array'))")
    assert len(set(made(schema, 100).arrow("t")["spans"].to_pylist())) > 30


def test_tried_bytes_are_those_that_passed(scripted: Scripted, tmp_path: Path) -> None:
    schema = scripted(
        "-- sqlite\nCREATE TABLE t (id INTEGER PRIMARY KEY, "
        "a BLOB NOT NULL CHECK (substr(hex(a), 1, 1) IN ('A', 'B')), "
        "b BLOB NOT NULL CHECK (typeof(b) = 'blob' AND length(b) = 16))"
    )
    load(made(schema), f"sqlite:///{tmp_path / 't.sqlite'}", schema=schema)


def test_counted_time_stays_time_under_a_check(scripted: Scripted) -> None:
    schema = scripted(
        "CREATE TABLE t (id int PRIMARY KEY, created_at_ms bigint NOT NULL CHECK (created_at_ms >= 0), "
        "started_at bigint NOT NULL CHECK (started_at BETWEEN 0 AND 90))"
    )
    rows = made(schema).arrow("t")
    assert min(rows["created_at_ms"].to_pylist()) > 1_600_000_000_000
    assert max(rows["started_at"].to_pylist()) <= 90


@pytest.mark.parametrize("dialect", ALL)
def test_unique_values_that_only_some_rows_have(dialect: str, seeded: Seeded) -> None:  # noqa: F811
    rows = seeded(
        dialect,
        "CREATE TABLE owner (id int NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE role (id int NOT NULL, owner_id int, preset varchar(40), PRIMARY KEY (id), UNIQUE (preset), "
        "FOREIGN KEY (owner_id) REFERENCES owner (id), CHECK ((owner_id IS NULL) = (preset IS NOT NULL)))",
        rows=60,
    )
    assert 15 < sum(owner is not None for _, owner, _ in rows["role"]) < 45


@pytest.mark.parametrize("dialect", ALL)
def test_a_text_that_is_computed_keeps_to_no_list_of_words(dialect: str, seeded: Seeded) -> None:  # noqa: F811
    rows = seeded(
        dialect,
        "CREATE TABLE project (id varchar(30) NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE version (n int NOT NULL, scope varchar(30) NOT NULL, project_id varchar(30), PRIMARY KEY (n), "
        "FOREIGN KEY (project_id) REFERENCES project (id), CHECK (scope = coalesce(project_id, 'home')))",
    )
    assert len({scope for _, scope, _ in rows["version"]}) > 5


# References ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_a_row_that_names_one_of_its_own_children(dialect: str, seeded: Seeded) -> None:  # noqa: F811
    rows = seeded(
        dialect,
        "CREATE TABLE run (id int NOT NULL, last_event int, PRIMARY KEY (id)"
        + (", FOREIGN KEY (id, last_event) REFERENCES event (run_id, id))" if dialect == "sqlite" else ")"),
        "CREATE TABLE event (run_id int NOT NULL, id int NOT NULL, PRIMARY KEY (run_id, id), "
        "FOREIGN KEY (run_id) REFERENCES run (id))",
        *(
            ("ALTER TABLE run ADD FOREIGN KEY (id, last_event) REFERENCES event (run_id, id) DEFERRABLE",)
            if dialect == "postgresql"
            else ()
        ),
    )
    assert len(rows["run"]) == len(rows["event"]) == 30


@pytest.mark.parametrize("dialect", ALL)
def test_two_ways_to_one_grandparent_that_may_be_null(dialect: str, seeded: Seeded) -> None:  # noqa: F811
    rows = seeded(
        dialect,
        "CREATE TABLE project (id int NOT NULL, PRIMARY KEY (id))",
        "CREATE TABLE attempt (id int NOT NULL, project_id int, PRIMARY KEY (id), UNIQUE (project_id, id), "
        "FOREIGN KEY (project_id) REFERENCES project (id))",
        "CREATE TABLE run (id int NOT NULL, project_id int, attempt_id int NOT NULL, PRIMARY KEY (id), "
        "UNIQUE (attempt_id), FOREIGN KEY (project_id) REFERENCES project (id), "
        "FOREIGN KEY (attempt_id) REFERENCES attempt (id), "
        "FOREIGN KEY (project_id, attempt_id) REFERENCES attempt (project_id, id))",
    )
    assert len(rows["run"]) == 30


# Exclusions ----------------------------------------------------------------------------------------------------------
BOOKING = "room int NOT NULL, status text NOT NULL CHECK (status IN ('open', 'cancelled', 'done')), "
SPANS = {
    "times of a day": BOOKING + "day date NOT NULL, starts time NOT NULL, ends time NOT NULL, "
    "EXCLUDE USING gist (room WITH =, tsrange((day + starts)::timestamp, (day + ends)::timestamp, '[)') WITH &&) "
    "WHERE (status NOT IN ('cancelled'))",
    "times of a day and a break": "day date NOT NULL, a time, b time, taken tsrange GENERATED ALWAYS AS "
    "(tsrange((day + a)::timestamp, (day + b)::timestamp + interval '30 minutes')) STORED, "
    "EXCLUDE USING gist (taken WITH &&)",
    "so many minutes": BOOKING + "at timestamp NOT NULL, minutes int NOT NULL, taken tsrange GENERATED ALWAYS AS "
    "(tsrange(at, at + (minutes * interval '1 minute'))) STORED, "
    "EXCLUDE USING gist (room WITH =, taken WITH &&) WHERE (status <> 'cancelled')",
    "so many minutes, which may be NULL": "room int NOT NULL, at timestamp NOT NULL, minutes int, "
    "EXCLUDE USING gist (room WITH =, tsrange(at, at + make_interval(mins => minutes)) WITH &&)",
    "a break behind": "room int NOT NULL, a timestamp NOT NULL, b timestamp NOT NULL, "
    "EXCLUDE USING gist (room WITH =, tsrange(a, b + interval '1 hour') WITH &&)",
    "a range that nothing keeps apart": "a date, b date, c daterange GENERATED ALWAYS AS (daterange(a, b)) STORED",
}  # fmt: skip


@pytest.mark.parametrize("name", SPANS)
def test_spans_that_are_computed_keep_apart(name: str, postgresql_database: str, tmp_path: Path) -> None:
    path = tmp_path / "spans.sql"
    body = SPANS[name].replace("room int NOT NULL", "room int NOT NULL CHECK (room BETWEEN 1 AND 7)")
    path.write_text(f"CREATE EXTENSION btree_gist; CREATE TABLE booking (id int PRIMARY KEY, {body});")
    put_script(postgresql_database, path)
    audit(postgresql_database, planted(postgresql_database, 120))


# Scripts -------------------------------------------------------------------------------------------------------------
def test_columns_of_an_index_are_spelled_as_they_are_called(scripted: Scripted) -> None:
    schema = scripted("CREATE TABLE Queues (id serial PRIMARY KEY, Name text NOT NULL); "
                      "CREATE UNIQUE INDEX q ON Queues (LOWER(Name));")  # fmt: skip
    assert schema["queues"].uniques[0].expressions == ("LOWER(name)",)
    names = made(schema, 300).arrow("queues")["name"].to_pylist()
    assert len({n.lower() for n in names}) == 300


def test_a_binary_text_of_mysql(scripted: Scripted) -> None:
    column = scripted("-- mysql\nCREATE TABLE t (a varchar(255) BINARY NOT NULL) ENGINE=InnoDB")["t"].column("a")
    assert (column.type.kind, column.type.length, column.collation) == ("text", 255, "utf8mb4_bin")


def test_elements_of_a_schema(scripted: Scripted) -> None:
    schema = scripted(
        "CREATE SCHEMA shop\n  CREATE TABLE item (id int PRIMARY KEY)\n  CREATE TABLE sale (id int PRIMARY KEY, "
        "item_id int NOT NULL REFERENCES item);\nALTER TABLE shop.sale ADD note text;"
    )
    assert schema.names == ("shop.item", "shop.sale")
    assert schema["shop.sale"].foreign_keys[0].parent == "shop.item"
    assert schema["shop.sale"].column_names == ("id", "item_id", "note")


def test_what_a_script_takes_back(scripted: Scripted) -> None:
    schema = scripted(
        "CREATE TABLE t (id int PRIMARY KEY, kind text CHECK (kind IN ('a', 'b')), n int UNIQUE, m int, "
        "CHECK (m > n), gone int);\n"
        "CREATE UNIQUE INDEX by_m ON t (m); CREATE TABLE old (id int);\n"
        "ALTER TABLE t DROP CONSTRAINT IF EXISTS t_kind_check;\n"
        "ALTER TABLE t ADD CONSTRAINT t_kind_check CHECK (kind IN ('a', 'b', 'c'));\n"
        "ALTER TABLE t DROP CONSTRAINT t_n_key; ALTER TABLE t DROP COLUMN gone; DROP INDEX by_m;\n"
        "ALTER TABLE t RENAME COLUMN m TO most; DROP TABLE IF EXISTS old CASCADE;"
    )
    table = schema["t"]
    assert schema.names == ("t",)
    assert table.column_names == ("id", "kind", "n", "most")
    assert [c.text for c in table.checks] == ["most > n", "kind IN ('a', 'b', 'c')"]
    assert (table.uniques, schema.not_understood, table.not_understood) == ((), (), ())


def test_a_table_that_is_made_anew_under_its_name(scripted: Scripted) -> None:
    schema = scripted(
        "-- sqlite\nCREATE TABLE job (id INTEGER PRIMARY KEY, kind TEXT CHECK (kind IN ('a')));\n"
        "CREATE TABLE part (id INTEGER PRIMARY KEY, job_id INTEGER REFERENCES job (id));\n"
        "CREATE TABLE job_new (id INTEGER PRIMARY KEY, kind TEXT CHECK (kind IN ('a', 'b')));\n"
        "INSERT INTO job_new SELECT * FROM job; DROP TABLE job; ALTER TABLE job_new RENAME TO job;"
    )
    assert sorted(schema.names) == ["job", "part"]
    assert "'b'" in schema["job"].checks[0].text
    assert schema["part"].foreign_keys[0].parent == "job"


# Targets -------------------------------------------------------------------------------------------------------------
def test_generated_columns_that_are_unique_go_to_duckdb(scripted: Scripted, tmp_path: Path) -> None:
    schema = scripted(
        "-- sqlite\nCREATE TABLE t (id INTEGER PRIMARY KEY, a INTEGER NOT NULL CHECK (a BETWEEN 1 AND 5000), "
        "b INTEGER NOT NULL GENERATED ALWAYS AS (a + 1) UNIQUE, CHECK (b > 10))"
    )
    report = load(made(schema), f"duckdb:///{tmp_path / 't.duckdb'}", schema=schema)
    assert any("no checks on generated columns" in note for note in report.notes)


def test_a_type_that_nobody_knows_is_missed_in_no_file(scripted: Scripted) -> None:
    schema = scripted("CREATE TABLE t (id int PRIMARY KEY, odd wonderful_type)")
    rows = made(schema).arrow("t")
    assert rows.column_names == ["id"]
    assert read_rows(Dataset({"t": rows}), schema).arrow("t").column_names == ["id"]


# What other applications had ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dialect", ALL)
def test_checks_on_references_choose_the_parents(dialect: str, seeded: Seeded) -> None:  # noqa: F811
    rows = seeded(
        dialect,
        "CREATE TABLE class (id int NOT NULL, name varchar(20), PRIMARY KEY (id))",
        "CREATE TABLE currency (code varchar(3) NOT NULL, PRIMARY KEY (code))",
        "CREATE TABLE note (id int NOT NULL, class_id int NOT NULL, code varchar(3), PRIMARY KEY (id), "
        "FOREIGN KEY (class_id) REFERENCES class (id), FOREIGN KEY (code) REFERENCES currency (code), "
        "CHECK (class_id = 5), CHECK (code IN ('EUR', 'XTS')))",
        "CREATE TABLE file (id int NOT NULL, class_id int NOT NULL, PRIMARY KEY (id, class_id), "
        "FOREIGN KEY (class_id) REFERENCES class (id), CHECK (class_id IN (700, 2) AND class_id IS NOT NULL))",
        rows=60,
    )
    assert {row[1] for row in rows["note"]} == {5}
    assert {row[2] for row in rows["note"]} == {"EUR", "XTS", None}
    assert {row[1] for row in rows["file"]} == {700, 2}


def test_a_reference_that_no_parent_may_fill_is_refused_by_name(scripted: Scripted) -> None:
    schema = scripted(
        "CREATE TABLE kind (code text PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, "
        "kind text NOT NULL REFERENCES kind CONSTRAINT odd CHECK (kind ~ '^zzz-[0-9]{9}$'))"
    )
    with pytest.raises(ConstraintError, match="odd"):
        made(schema)


def test_of_two_factors_one_is_zero(postgresql_database: str, tmp_path: Path) -> None:
    path = tmp_path / "lines.sql"
    path.write_text(
        "CREATE TABLE line (id int PRIMARY KEY, credit numeric NOT NULL, debit numeric NOT NULL, a int, b int, "
        "c int NOT NULL, d int, e int, f int, CHECK (credit * debit = 0::numeric), CHECK (NOT a * b = 0), "
        "CHECK ((e + f) IS NULL), "
        "CHECK ((c * d = 0) IS TRUE))"
    )
    put_script(postgresql_database, path)
    audit(postgresql_database, planted(postgresql_database, 200))
    lines = read_rows(postgresql_database, reflect(postgresql_database)).arrow("line").to_pylist()
    assert any(line["credit"] for line in lines) and any(line["debit"] for line in lines)


def test_products_of_numbers_without_a_size(postgresql_database: str, tmp_path: Path) -> None:
    path = tmp_path / "stock.sql"
    path.write_text(
        "CREATE TABLE stock (id int PRIMARY KEY, qty numeric NOT NULL, taken numeric NOT NULL, "
        "CHECK (taken * '-1'::integer::numeric >= LEAST(0::numeric, qty) AND taken * -1 <= GREATEST(qty, 0::numeric)))"
    )
    put_script(postgresql_database, path)
    audit(postgresql_database, planted(postgresql_database, 100))


def test_numbers_that_must_be_numbers(scripted: Scripted) -> None:
    schema = scripted(
        "CREATE TABLE t (id int PRIMARY KEY, n numeric NOT NULL CHECK (n <> 'NaN'), m numeric CHECK (m < 'Infinity'))"
    )
    assert made(schema).arrow("t").num_rows == 40


@pytest.mark.parametrize("one", ["(true)", "(1)", "(id * 0)", "(id IS NOT NULL)", "(id * 0), (1)"])
def test_a_unique_constant_leaves_one_row(one: str, postgresql_database: str, tmp_path: Path) -> None:
    path = tmp_path / "settings.sql"
    path.write_text(
        f"CREATE TABLE settings (id int PRIMARY KEY, n int); CREATE UNIQUE INDEX single ON settings ({one});"
        "CREATE TABLE part (id int PRIMARY KEY, settings int NOT NULL REFERENCES settings)"
    )
    put_script(postgresql_database, path)
    audit(postgresql_database, planted(postgresql_database, 50))
    assert [
        read_rows(postgresql_database, reflect(postgresql_database)).arrow(t).num_rows for t in ("settings", "part")
    ] == [1, 50]


def test_a_unique_constant_of_some_rows_leaves_one_of_them(postgresql_database: str, tmp_path: Path) -> None:
    path = tmp_path / "addresses.sql"
    path.write_text(
        "CREATE TABLE address (id int PRIMARY KEY, chief boolean NOT NULL, ended date);"
        "CREATE UNIQUE INDEX one_chief ON address ((true)) WHERE chief;"
        "CREATE UNIQUE INDEX one_open ON address ((1)) WHERE ended IS NULL"
    )
    put_script(postgresql_database, path)
    audit(postgresql_database, planted(postgresql_database, 50))
    rows = read_rows(postgresql_database, reflect(postgresql_database)).arrow("address").to_pylist()
    assert sum(r["chief"] for r in rows) <= 1 and sum(r["ended"] is None for r in rows) <= 1 and len(rows) == 50


def test_names_that_roots_of_a_tree_may_not_share(postgresql_database: str, tmp_path: Path) -> None:
    path = tmp_path / "tree.sql"
    path.write_text(
        "CREATE TABLE category (id int PRIMARY KEY, name varchar NOT NULL, parent int REFERENCES category);"
        "CREATE UNIQUE INDEX one ON category (name, (COALESCE(parent, -1)))"
    )
    put_script(postgresql_database, path)
    audit(postgresql_database, planted(postgresql_database, 100))


@pytest.mark.parametrize("dialect", ALL)
def test_a_tree_inside_of_a_column_that_nothing_else_fills(dialect: str, seeded: Seeded) -> None:  # noqa: F811
    rows = seeded(
        dialect,
        "CREATE TABLE message (lang varchar(5) NOT NULL, id int NOT NULL, parent int, PRIMARY KEY (lang, id), "
        "FOREIGN KEY (lang, parent) REFERENCES message (lang, id))",
        rows=40,
    )
    assert all(lang and parent is None for lang, _, parent in rows["message"])


def test_texts_that_a_sequence_numbers(postgresql_database: str, tmp_path: Path) -> None:
    path = tmp_path / "lots.sql"
    path.write_text(
        "CREATE SEQUENCE lot_number; CREATE TABLE lot (id serial PRIMARY KEY, "
        "number text UNIQUE DEFAULT nextval('lot_number'::regclass)::text)"
    )
    put_script(postgresql_database, path)
    audit(postgresql_database, planted(postgresql_database, 50))

"""The spec: read, explained when wrong, held against a schema, written to start from."""

import json
import sqlite3
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from fixturesynth.errors import SpecError
from fixturesynth.profiling.profile import ColumnProfile, Profile, TableProfile
from fixturesynth.schema.model import Column, ColumnType, ForeignKey, Generated, PrimaryKey, Schema, Table
from fixturesynth.schema.reflection import reflect
from fixturesynth.spec import Spec, Window, check_spec, read_spec, spec_json_schema, write_spec

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
NAMES = ("shop", "bank", "clinic", "saas")

TEXT = ColumnType("text", "text")
INTEGER = ColumnType("integer", "integer", bits=32)
SHOP = Schema(
    (
        Table(
            "customers",
            (
                Column("id", INTEGER, nullable=False),
                Column("name", TEXT, nullable=False),
                Column("email", TEXT),
                Column("kind", ColumnType("enum", "kind", values=("person", "firm"))),
                Column("shout", TEXT, generated=Generated("upper(name)")),
            ),
            primary_key=PrimaryKey(("id",)),
        ),
        Table(
            "orders",
            (
                Column("id", INTEGER, nullable=False),
                Column("customer_id", INTEGER, nullable=False),
                Column("billed_to", INTEGER),
                Column("placed", ColumnType("timestamp", "timestamp")),
            ),
            primary_key=PrimaryKey(("id",)),
            foreign_keys=(
                ForeignKey("fk_customer", ("customer_id",), "customers", ("id",)),
                ForeignKey("fk_billed", ("billed_to",), "customers", ("id",)),
            ),
        ),
        Table("notes", (Column("order_no", INTEGER), Column("body", TEXT))),
    )
)


def read(tmp_path: Path, text: str) -> Spec:
    path = tmp_path / "f.yaml"
    path.write_text(text, encoding="utf-8")
    return read_spec(path)


def test_everything_is_optional(tmp_path: Path) -> None:
    assert read(tmp_path, "").model_dump() == Spec().model_dump()
    spec = read(tmp_path, "version: 1\ntables:\n  orders:\n    columns:\n      id:\n      placed: {min: 2020-01-01}\n")
    assert spec.column("orders", "placed").min == "2020-01-01"
    assert spec.column("orders", "nowhere").source is None and spec.rows_of("orders") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tabels: {}", r"f\.yaml:1: tabels: unknown key 'tabels'; did you mean 'tables'\?"),
        (
            "tables:\n  a:\n    columns:\n      x: {choises: [1]}",
            r":4: .*unknown key 'choises'; did you mean 'choices'",
        ),
        ("tables:\n  a:\n    children:\n      b: {maen: 3}", r":4: .*did you mean 'mean'"),
        ("tables:\n  a:\n    references:\n      - {columns: [x], parnt: b}", r":4: .*did you mean 'parent'"),
        ("rows: {a: -1}", r":1: rows\.a: .*greater than or equal to 0, however: -1"),
        ("rows:\n  a: 1\n  a: 2", r":3: rows\.a is there twice \(first in line 2\)"),
        ("tables: [", r"f\.yaml:\d: not YAML"),
        ("- 1", r"expected keys such as `tables:` but got list"),
        ("version: 2", r":1: version: "),
        ("now: yesterday", r":1: now: "),
        ("tables: {a: {columns: {x: {constant: 1, pattern: '99'}}}}", r"constant and pattern contradict each other"),
        ("tables: {a: {columns: {x: {min: 3, max: 1}}}}", r"min must not exceed max"),
        ("tables: {a: {columns: {x: {choices: {}}}}}", r"choices must have at least one value"),
        ("tables: {a: {columns: {x: {choices: {u: -1}}}}}", r"weights must be 0 or more"),
        ("tables: {a: {columns: {x: {options: {low: 1}}}}}", r"options belong to a rule"),
        ("tables: {a: {columns: {x: {window: {from: soon}}}}}", r"from: .*however: 'soon'"),
        ("tables: {a: {columns: {x: {null_rate: 2}}}}", r"null_rate: .*less than or equal to 1"),
        ("tables: {a: {children: {b: {mean: 9, max: 3}}}}", r"mean must lie between min and max"),
        ("tables: {a: {children: {b: {counts: {0: 1}, mean: 3}}}}", r"counts and mean/min/max contradict"),
        ("tables: {a: {skip: true, rows: 3}}", r"skip contradicts rows"),
        ("rows: {a: 3}\ntables: {a: {rows: 4}}", r"rows of 'a' contradict tables\.a"),
        ("now: 2026-02-30", r"f\.yaml"),
    ],
)
def test_a_fault_is_one_line_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(SpecError, match=expected) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"cannot read the spec .*no\.yaml.*fixturesynth init"):
        read_spec(tmp_path / "no.yaml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rows: {custmers: 3}", r"f\.yaml:1: rows\.custmers: unknown table 'custmers'; did you mean 'customers'"),
        ("tables: {customers: {columns: {emial: {}}}}", r"unknown column 'emial'; did you mean 'email'"),
        ("tables: {orders: {context: fk_custmer}}", r"unknown foreign key 'fk_custmer'; did you mean 'fk_customer'"),
        ("tables: {orders: {context: [placed]}}", r"no foreign key on columns placed"),
        ("tables: {orders: {columns: {customer_id: {constant: 1}}}}", r"references 'customers'.*drop constant"),
        ("tables: {orders: {columns: {customer_id: {null_rate: 0.5}}}}", r"not null in the database"),
        ("tables: {customers: {columns: {name: {constant: null}}}}", r"not null in the database"),
        (
            "tables: {customers: {columns: {shout: {constant: X}}}}",
            r"the database generates the column \(upper\(name\)\)",
        ),
        ("tables: {customers: {columns: {id: {constant: 1}}}}", r"a constant would repeat"),
        ("tables: {customers: {columns: {name: {default: true}}}}", r"no default"),
        (
            "tables: {customers: {columns: {email: {template: '{nam}@x'}}}}",
            r"unknown column 'nam'; did you mean 'name'",
        ),
        ("tables: {customers: {columns: {email: {template: '{email}'}}}}", r"made from itself"),
        ("tables: {customers: {columns: {email: {template: '{name'}}}}", r"not a template"),
        (
            "tables: {customers: {columns: {email: {template: '{name}'}, name: {template: '{email}'}}}}",
            r"need each other in a circle",
        ),
        (
            "tables: {customers: {columns: {kind: {choices: [persn]}}}}",
            r"'persn' is not in the enum; did you mean 'person'",
        ),
        ("tables: {customers: {columns: {name: {window: {}}}}}", None),
        ("tables: {customers: {columns: {id: {window: {}}}}}", r"a window needs a date or time"),
        ("tables: {orders: {columns: {placed: {window: {from: now, to: -1d}}}}}", r"ends .* before it begins"),
        ("tables: {customers: {columns: {email: {rule: emial}}}}", r"unknown rule 'emial'; did you mean 'email'"),
        ("tables: {customers: {columns: {email: {rule: email, options: {domian: x}}}}}", r"did you mean 'domain'"),
        ("tables: {customers: {columns: {email: {meaning: emial}}}}", r"unknown meaning"),
        ("generator: crat", r"generator: unknown generator 'crat'; did you mean 'cart'"),
        ("tables: {customers: {children: {orders: {mean: 2}}}}", r"2 foreign keys lead to 'customers'; name one"),
        ("tables: {customers: {children: {fk_billed: {mean: 2}}}}", None),
        (
            "rows: {orders: 3}\ntables: {customers: {children: {fk_billed: {mean: 2}}}}",
            r"rows of 'orders' are given twice",
        ),
        ("tables: {customers: {skip: true}}", r"'orders' needs rows of 'customers'"),
        ("tables: {customers: {skip: true}, orders: {skip: true}}", None),
        ("tables: {notes: {references: [{columns: [order_no], parent: orders}], context: order_no}}", None),
        ("tables: {notes: {references: [{columns: [order_no], parent: ordrs}]}}", r"did you mean 'orders'"),
        (
            "tables: {orders: {references: [{columns: [billed_to], parent: customers}]}}",
            r"declares this reference already",
        ),
        (
            "tables: {notes: {references: [{columns: [order_no, body], parent: orders}]}}",
            r"2 columns cannot reference 1",
        ),
    ],
)
def test_the_spec_against_the_schema(tmp_path: Path, text: str, expected: str | None) -> None:
    spec = read(tmp_path, text)
    known = {"rules": {"email": ("domain",)}, "meanings": ("email",), "generators": ("cart", "rules")}
    if expected is None:
        check_spec(spec, SHOP, **known)  # type: ignore[arg-type]
        return
    with pytest.raises(SpecError, match=expected) as caught:
        check_spec(spec, SHOP, **known)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value) and str(caught.value).startswith(str(tmp_path))


def test_windows_count_from_now() -> None:
    now = datetime(2026, 3, 31, 12)
    assert Window(start="-1y", end="+1m").bounds(now) == (datetime(2025, 3, 31, 12), datetime(2026, 4, 30, 12))
    assert Window(start="today", end="2027-01-01").bounds(now) == (datetime(2026, 3, 31), datetime(2027, 1, 1))
    assert Window(start="-90min", end="now").bounds(now)[0] == datetime(2026, 3, 31, 10, 30)


def test_evaluation_names_columns_of_tables(tmp_path: Path) -> None:
    """Unknown ones are refused with the line and a suggestion; nothing behind the key is nothing."""
    path = tmp_path / "fixturesynth.yaml"
    schema = Schema((Table("people", (Column("sex", TEXT), Column("income", TEXT))),))
    path.write_text("version: 1\nevaluation:\n  targets: [people.income]\n  protected: [people.sx]\n", encoding="utf-8")
    spec = read_spec(path)
    assert spec.evaluation.targets == ("people.income",)
    with pytest.raises(SpecError, match=r"yaml:4: evaluation.protected: unknown column 'people.sx'.*people.sex"):
        check_spec(spec, schema)
    path.write_text("version: 1\nevaluation:\n", encoding="utf-8")
    assert read_spec(path).evaluation.targets is None


def test_the_published_json_schema_is_the_current_one() -> None:
    """When this fails after a change of the model: write ``spec_json_schema()`` to the file again."""
    published = json.loads((SCHEMAS / "spec.schema.json").read_text(encoding="utf-8"))
    assert published == json.loads(json.dumps(spec_json_schema()))


@pytest.mark.parametrize("name", NAMES)
def test_example_schemas_and_their_specs(name: str, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "db.sqlite")
    connection.executescript((SCHEMAS / f"{name}.sql").read_text(encoding="utf-8"))
    connection.close()
    schema = reflect(f"sqlite:///{tmp_path}/db.sqlite")
    assert 6 <= len(schema) <= 12
    check_spec(read_spec(SCHEMAS / f"{name}.yaml"), schema)


@pytest.mark.parametrize("name", NAMES)
def test_example_schemas_load_into_postgresql(name: str, postgresql_database: str) -> None:
    import sqlalchemy as sa

    engine = sa.create_engine(postgresql_database, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql((SCHEMAS / f"{name}.sql").read_text(encoding="utf-8").replace("%", "%%"))
    assert len(reflect(postgresql_database)) == (SCHEMAS / f"{name}.sql").read_text().count("CREATE TABLE")


def test_a_written_spec_changes_nothing_and_names_everything(tmp_path: Path) -> None:
    odd = Table("no", (Column("yes: 'x' # y", TEXT), Column("1", TEXT), Column("null", TEXT)), comment="line\nbreak")
    schema = Schema((*SHOP.tables, odd))
    spec = read(tmp_path, write_spec(schema))
    check_spec(spec, schema)
    assert {n: tuple(t.columns) for n, t in spec.tables.items()} == {t.name: t.column_names for t in schema}
    assert all(not c.model_fields_set for t in spec.tables.values() for c in t.columns.values())
    assert write_spec(schema).startswith("# yaml-language-server: $schema=")
    assert read(tmp_path, write_spec(Schema(()))).model_dump() == Spec().model_dump()


def test_a_written_spec_shows_the_guess_from_the_rows(tmp_path: Path) -> None:
    kind = ColumnProfile("kind", "categorical", 10, 2, 2, values=(("person", 6), ("firm", 2)))
    email = ColumnProfile("email", "text", 10, 0, 10, meaning="email")
    profile = Profile({"customers": TableProfile("customers", 10, {"kind": kind, "email": email})})
    text = write_spec(SHOP, profile)
    assert "        # choices: {firm: 0.25, person: 0.75}" in text
    assert "        # null_rate: 0.2" in text and "        # meaning: email" in text
    # Every comment under a column is a valid setting once its # is taken away.
    loud = "\n".join(line.replace("# ", "", 1) if line.startswith("        # ") else line for line in text.splitlines())
    spec = read(tmp_path, loud)
    check_spec(spec, SHOP)
    assert spec.column("customers", "kind").choices == {"person": 0.75, "firm": 0.25}
    assert yaml.safe_load(loud)["tables"]["customers"]["columns"]["email"] == {"meaning": "email"}

"""Plans: which parent is the context, how references are filled, cuts of cycles, unique sets, rows and refusals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fixturesynth.errors import (
    CapacityError,
    ConstraintError,
    CycleError,
    SourceError,
    SpecError,
    UnsatisfiableError,
)
from fixturesynth.planning.plan import Constant, Default, Key, Plan, Reference, Rule
from fixturesynth.planning.planner import Wishes, make_plan
from fixturesynth.planning.rows import RowsAsked
from fixturesynth.planning.serialisation import (
    plan_from_json,
    plan_hash,
    plan_to_json,
    wishes_from_json,
    wishes_to_json,
)
from fixturesynth.planning.wishes import wishes_of, with_references
from fixturesynth.schema.model import Schema
from fixturesynth.schema.reflection import reflect
from fixturesynth.spec import read_spec

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"


@pytest.fixture
def planned(tmp_path: Path):  # type: ignore[no-untyped-def]
    """A function from SQL to its schema and plan."""

    def plan(sql: str, **options: object) -> tuple[Schema, Plan]:
        path = tmp_path / "schema.sql"
        path.write_text(sql)
        schema = reflect(path, dialect="sqlite")
        return schema, make_plan(schema, wishes=Wishes(**options))  # type: ignore[arg-type]

    return plan


PEOPLE = "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL);"


def how(plan: Plan, table: str) -> dict[str, str]:
    return {r.foreign_key: r.how for r in plan[table].references}


# -- context ----------------------------------------------------------------------------------------------------------
def test_the_identifying_reference_is_the_context(planned) -> None:  # type: ignore[no-untyped-def]
    _, plan = planned(
        PEOPLE + "CREATE TABLE aaa (id INTEGER PRIMARY KEY);"
        "CREATE TABLE items (person INTEGER NOT NULL REFERENCES people (id), line INTEGER NOT NULL,"
        " aaa INTEGER NOT NULL REFERENCES aaa (id), PRIMARY KEY (person, line));"
    )
    assert how(plan, "items") == {"fk_person": "context", "fk_aaa": "matched"}


def test_a_required_reference_comes_before_an_optional_one(planned) -> None:  # type: ignore[no-untyped-def]
    _, plan = planned(
        PEOPLE + "CREATE TABLE notes (id INTEGER PRIMARY KEY, about INTEGER REFERENCES people (id),"
        " writer INTEGER NOT NULL REFERENCES people (id));"
    )
    assert how(plan, "notes") == {"fk_about": "matched", "fk_writer": "context"}


def test_what_dies_with_its_parent_belongs_to_it(planned) -> None:  # type: ignore[no-untyped-def]
    _, plan = planned(
        PEOPLE + "CREATE TABLE visits (id INTEGER PRIMARY KEY, doctor INTEGER NOT NULL REFERENCES people (id),"
        " patient INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE);"
    )
    assert plan["visits"].context == "fk_patient"


def test_the_users_context_is_taken(planned) -> None:  # type: ignore[no-untyped-def]
    sql = (
        PEOPLE + "CREATE TABLE visits (id INTEGER PRIMARY KEY, doctor INTEGER NOT NULL REFERENCES people (id),"
        " patient INTEGER NOT NULL REFERENCES people (id));"
    )
    assert planned(sql)[1]["visits"].context == "fk_doctor"
    assert planned(sql, context={"visits": "fk_patient"})[1]["visits"].context == "fk_patient"


# -- references -------------------------------------------------------------------------------------------------------
def test_a_key_that_another_reference_fills_is_implied(planned) -> None:  # type: ignore[no-untyped-def]
    """The line's order is the order of the shipment's line: one reference fills both."""
    _, plan = planned(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY);"
        "CREATE TABLE lines (o INTEGER NOT NULL REFERENCES orders (id), n INTEGER NOT NULL, PRIMARY KEY (o, n));"
        "CREATE TABLE shipped (id INTEGER PRIMARY KEY, o INTEGER NOT NULL REFERENCES orders (id), n INTEGER NOT NULL,"
        " FOREIGN KEY (o, n) REFERENCES lines (o, n));"
    )
    references = {r.foreign_key: r for r in plan["shipped"].references}
    assert references["fk_o"].how == "implied"
    assert references["fk_o"].implied_by == "fk_o_n"
    assert plan["shipped"].column("o").source == Reference("fk_o_n", "o")


def test_a_self_reference_makes_a_tree_with_roots(planned) -> None:  # type: ignore[no-untyped-def]
    _, plan = planned("CREATE TABLE staff (id INTEGER PRIMARY KEY, boss INTEGER REFERENCES staff (id));")
    reference = plan["staff"].references[0]
    assert (reference.how, reference.null_share) == ("self", 0.2)


def test_a_cycle_is_cut_where_a_column_may_be_null(planned) -> None:  # type: ignore[no-untyped-def]
    _, plan = planned(
        "CREATE TABLE teams (id INTEGER PRIMARY KEY, lead INTEGER REFERENCES members (id));"
        "CREATE TABLE members (id INTEGER PRIMARY KEY, team INTEGER NOT NULL REFERENCES teams (id));"
    )
    assert how(plan, "teams") == {"fk_lead": "later"}
    assert how(plan, "members") == {"fk_team": "context"}
    assert [t.name for t in plan.tables] == ["teams", "members"]


def test_references_to_tables_without_rows_are_null(planned) -> None:  # type: ignore[no-untyped-def]
    sql = PEOPLE + "CREATE TABLE notes (id INTEGER PRIMARY KEY, about INTEGER REFERENCES people (id));"
    _, plan = planned(sql, skip=frozenset({"people"}))
    assert how(plan, "notes") == {"fk_about": "null"}
    assert plan["notes"].column("about").source == Constant(None)


def test_a_required_reference_to_no_rows_is_refused(planned) -> None:  # type: ignore[no-untyped-def]
    sql = PEOPLE + "CREATE TABLE notes (id INTEGER PRIMARY KEY, about INTEGER NOT NULL REFERENCES people (id));"
    with pytest.raises(UnsatisfiableError, match="must reference people, which has no rows") as error:
        planned(sql, rows=RowsAsked({"people": 0, "notes": 5}))
    assert error.value.exit_code == 4


# -- rows -------------------------------------------------------------------------------------------------------------
def test_rows_are_lowered_to_what_keys_allow_and_it_is_said(planned) -> None:  # type: ignore[no-untyped-def]
    sql = "CREATE TABLE flags (code TEXT PRIMARY KEY CHECK (code IN ('a', 'b', 'c')));"
    _, plan = planned(sql)
    assert plan["flags"].rows == 3
    assert any(note.startswith("flags: 3 rows instead of 100") for note in plan.notes)


@pytest.mark.parametrize("options", [{"rows": RowsAsked({"flags": 4})}, {"strict": True}])
def test_rows_that_were_asked_for_by_name_are_not_lowered(planned, options: dict[str, object]) -> None:  # type: ignore[no-untyped-def]
    sql = "CREATE TABLE flags (code TEXT PRIMARY KEY CHECK (code IN ('a', 'b', 'c')));"
    with pytest.raises(CapacityError, match=r"flags: \d+ rows asked, but .* allows 3; ask for at most 3") as error:
        planned(sql, **options)
    assert error.value.exit_code == 4


def test_one_to_one_children_are_no_more_than_their_parents(planned) -> None:  # type: ignore[no-untyped-def]
    sql = PEOPLE + "CREATE TABLE passports (person INTEGER PRIMARY KEY REFERENCES people (id), no TEXT);"
    _, plan = planned(sql, rows=RowsAsked({"people": 12}))
    assert plan["passports"].references[0].exclusive
    assert plan["passports"].rows == 12


def test_link_tables_are_no_more_than_the_pairs(planned) -> None:  # type: ignore[no-untyped-def]
    sql = (
        PEOPLE + "CREATE TABLE clubs (id INTEGER PRIMARY KEY);"
        "CREATE TABLE joined (person INTEGER NOT NULL REFERENCES people (id),"
        " club INTEGER NOT NULL REFERENCES clubs (id), PRIMARY KEY (person, club));"
    )
    _, plan = planned(sql, rows=RowsAsked({"people": 3, "clubs": 4}))
    assert plan["joined"].rows == 12
    assert [u.how for u in plan["joined"].uniques] == ["by_pairs"]


def test_asking_for_an_unknown_table_names_the_near_one(planned) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SpecError, match="'peple': did you mean 'people'") as error:
        planned(PEOPLE, rows=RowsAsked({"peple": 3}))
    assert error.value.exit_code == 2


def test_negative_rows_are_refused(planned) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SpecError, match="must not be negative"):
        planned(PEOPLE, rows=RowsAsked({"people": -3}))


# -- columns and refusals ---------------------------------------------------------------------------------------------
def test_every_column_has_one_source(planned) -> None:  # type: ignore[no-untyped-def]
    _, plan = planned(
        PEOPLE + "CREATE TABLE notes (id INTEGER PRIMARY KEY, writer INTEGER NOT NULL REFERENCES people (id),"
        " body TEXT, length INTEGER GENERATED ALWAYS AS (length(body)) STORED, email TEXT UNIQUE);"
    )
    kinds = {c.name: type(c.source) for c in plan["notes"].columns}
    assert kinds == {"id": Key, "writer": Reference, "body": Rule, "length": Default, "email": Key}
    assert all(c.why for c in plan["notes"].columns)


def test_a_schema_without_tables_is_refused() -> None:
    with pytest.raises(SourceError, match="no tables"):
        make_plan(Schema(()))


def test_a_cycle_of_required_references_needs_a_database_that_can_wait(planned) -> None:  # type: ignore[no-untyped-def]
    schema, plan = planned(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER NOT NULL REFERENCES b (id));"
        "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER NOT NULL REFERENCES a (id));"
    )
    assert sorted(r.how for t in plan.tables for r in t.references) == ["context", "later"]
    with pytest.raises(CycleError, match=r"a\.fk_b -> b\.fk_a -> a form a cycle") as error:
        make_plan(replace(schema, dialect="duckdb"))
    assert error.value.exit_code == 4
    for dialect in ("postgresql", "mysql"):
        assert make_plan(replace(schema, dialect=dialect)).tables  # type: ignore[arg-type]


def test_a_check_nobody_understands_is_refused_by_name(planned) -> None:  # type: ignore[no-untyped-def]
    sql = "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT CONSTRAINT odd CHECK (soundex(x) = hex(zeroblob(id))));"
    with pytest.raises(ConstraintError, match="odd") as error:
        planned(sql)
    assert error.value.exit_code == 4
    assert planned(sql, skip=frozenset({"t"}))[1]["t"].rows == 0


# -- as data ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["shop", "bank", "clinic", "saas"])
def test_plans_and_wishes_are_data(name: str) -> None:
    """With and without the user's spec: JSON and back is the same plan, and any change changes its hash."""
    schema = reflect(SCHEMAS / f"{name}.sql")
    spec = read_spec(SCHEMAS / f"{name}.yaml")
    schema = with_references(schema, spec)
    for wishes in (Wishes(), wishes_of(spec, schema)):
        assert wishes_from_json(wishes_to_json(wishes)) == wishes
        plan = make_plan(schema, wishes=wishes)
        assert plan_from_json(plan_to_json(plan)) == plan
        assert plan_hash(plan_from_json(plan_to_json(plan))) == plan_hash(plan)
        first = replace(plan.tables[0], rows=plan.tables[0].rows + 1)
        assert plan_hash(replace(plan, tables=(first, *plan.tables[1:]))) != plan_hash(plan)
        assert make_plan(schema, wishes=wishes) == plan


def test_keys_are_made_for_the_narrowest_column_that_references_them(tmp_path: Path) -> None:
    path = tmp_path / "schema.sql"
    path.write_text(
        "CREATE TABLE kinds (id integer PRIMARY KEY, code varchar(60) NOT NULL UNIQUE, title varchar(20) UNIQUE);"
        "CREATE TABLE b (code varchar(30) PRIMARY KEY REFERENCES kinds (code), t varchar(60) REFERENCES kinds (title));"
        "CREATE TABLE c (id bigint PRIMARY KEY, code varchar(9) REFERENCES b (code), kind smallint REFERENCES kinds);"
    )
    made = make_plan(reflect(path, dialect="postgresql"), wishes=Wishes(rows=RowsAsked({}, default=40_000)))
    keys = {c.name: c.source.call for c in made["kinds"].columns if isinstance(c.source, Key)}
    assert keys["code"].options["max_length"] == 9  # through b
    assert "max_length" not in keys["title"].options
    assert made["kinds"].rows == 32_767 and keys["id"].options["high"] == 32_767
    assert made["c"].rows == 40_000

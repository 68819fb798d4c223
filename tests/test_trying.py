"""Conditions that cannot be solved: tried with values, put to the database, computed from other columns."""

from dataclasses import replace

import pyarrow as pa
import pytest
import sqlalchemy as sa

from fixturesynth.errors import CapacityError, ConstraintError
from fixturesynth.loading.judging import make_judge
from fixturesynth.loading.verdicts import FAILED, FALSE, TRUE, UNKNOWN
from fixturesynth.planning.planner import Wishes
from fixturesynth.planning.rows import RowsAsked
from fixturesynth.planning.serialisation import plan_hash
from fixturesynth.sampling.folding import folded
from fixturesynth.schema.model import Check, Column, ColumnType, PrimaryKey, Schema, Table, Unique
from fixturesynth.schema.predicates import NotUnderstood, bounds_on
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import plan_rules

INTEGER = ColumnType("integer", "integer", bits=32)


def run(url: str, *statements: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    engine.dispose()


def table(*columns: str, checks: tuple[str, ...] = (), uniques: tuple[tuple[str, ...], ...] = ()) -> Schema:
    declared = (Column("id", INTEGER, nullable=False), *(Column(c, INTEGER, nullable=False) for c in columns))
    return Schema(
        (
            Table(
                "t", declared, primary_key=PrimaryKey(("id",)),
                checks=tuple(Check(f"c{i}", t, tuple(c for c in columns if c in t)) for i, t in enumerate(checks)),
                uniques=tuple(Unique(f"u{i}", names) for i, names in enumerate(uniques)),
            ),
        ),
        "sqlite",
    )  # fmt: skip


@pytest.mark.parametrize("dialect", ["postgresql", "mysql", "sqlite"])
def test_the_database_says_of_every_row_whether_a_condition_holds(dialect: str, request: pytest.FixtureRequest) -> None:
    any_database: str = request.getfixturevalue(f"{dialect}_database")
    run(any_database, "CREATE TABLE t (id integer PRIMARY KEY, n integer, s varchar(3))")
    found = reflect(any_database)["t"]
    rows = pa.table({"n": [5, -5, None, 7], "s": ["a", "b", "c", "far too long"]})
    verdicts = make_judge(any_database)(found, "n > 0", [rows])
    assert verdicts[:3].tolist() == [TRUE, FALSE, UNKNOWN]
    assert verdicts[3] == (TRUE if any_database.startswith("sqlite") else FAILED)
    with pytest.raises(NotUnderstood):
        make_judge(any_database)(found, "no_such_function(n) > 0", [rows])


def test_functions_of_the_database_are_tried_there_the_same_each_time(postgresql_database: str) -> None:
    run(
        postgresql_database,
        "CREATE FUNCTION odd(integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 % 7 = 3'",
        "CREATE TABLE t (id integer PRIMARY KEY, n integer NOT NULL, CHECK (odd(n)))",
    )
    schema = reflect(postgresql_database)
    with pytest.raises(ConstraintError, match=r"t: constraint t_n_check .*CHECK \(odd\(n\)\)"):
        plan_rules(schema)
    one = plan_rules(schema, judge=make_judge(postgresql_database))
    two = plan_rules(schema, judge=make_judge(postgresql_database))
    assert plan_hash(one.plan) == plan_hash(two.plan)
    assert all(n % 7 == 3 for n in one.sample(rows=300).arrow("t")["n"].to_pylist())
    with sa.create_engine(postgresql_database).connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM t")).scalar() == 0


@pytest.mark.parametrize(
    ("text", "column", "operators"),
    [
        ("a + b <= 9", "b", [["LTE"]]), ("b - a BETWEEN 1 AND 9", "b", [["GTE", "LTE"]]), ("3 < a - b", "b", [["LT"]]),
        ("a = 2 * b", "b", [["EQ"]]), ("-b < a", "b", [["GT"]]), ("a < b OR a = b + 1", "b", [["GT"], ["EQ"]]),
        ("b + b < a", "b", []), ("b < 5", "b", []), ("NOT (a < b)", "b", [["LTE"]]),
    ],
)  # fmt: skip
def test_comparisons_are_solved_for_one_of_their_columns(text: str, column: str, operators: list[list[str]]) -> None:
    ways = bounds_on(text, pa.table({"a": [1], "b": [2]}), "postgresql", column)
    assert [[b.operator.__name__ for b in way] for way in ways] == operators


def test_columns_are_computed_where_no_drawn_row_would_do() -> None:
    made = plan_rules(table("a", "b", "c", checks=("c = a * b", "a + 3 <= b")), seed=3).sample(rows=500)
    frame = made["t"]
    assert (frame.c == frame.a * frame.b).all()
    assert (frame.a + 3 <= frame.b).all()
    assert frame.a.nunique() > 10


def test_unique_numbers_keep_out_of_what_a_check_leaves_out() -> None:
    made = plan_rules(table("n", checks=("n <> 2",), uniques=(("n",),))).sample(rows=200)
    assert 2 not in set(made["t"].n)


def test_overlapping_unique_sets_hold_together() -> None:
    small = tuple(f"{c} BETWEEN 1 AND 20" for c in "abc")
    schema = table("a", "b", "c", checks=small, uniques=(("a", "b"), ("b", "c"), ("a", "c")))
    frame = plan_rules(schema, seed=5).sample(rows=120)["t"]
    assert not any(frame.duplicated(list(pair)).any() for pair in (("a", "b"), ("b", "c"), ("a", "c")))


def test_capacity_lowers_rows_with_a_note_and_refuses_under_strict() -> None:
    schema = table("n", checks=("n BETWEEN 1 AND 9",), uniques=(("n",),))
    made = plan_rules(schema, wishes=Wishes(rows=RowsAsked({}, default=50)))
    assert made.plan["t"].rows == 9
    assert made.plan.notes == ("t: 9 rows instead of 50, all that the values of unique column n allows",)
    with pytest.raises(CapacityError, match="ask for at most 9"):
        plan_rules(schema, wishes=Wishes(rows=RowsAsked({}, default=50), strict=True))


@pytest.mark.parametrize(
    ("dialect", "collation", "same"),
    [
        ("mysql", "utf8mb4_general_ci", True), ("mysql", "utf8mb4_bin", False), ("mysql", None, True),
        ("sqlite", "NOCASE", False), ("sqlite", None, False),
    ],
)  # fmt: skip
def test_texts_are_folded_as_their_collation_compares(dialect: str, collation: str | None, same: bool) -> None:
    column = replace(Column("s", ColumnType("text", "varchar(40)")), collation=collation)
    one, two = folded(pa.array(["Geißler ", "geisler"]), column, dialect).to_pylist()
    assert (one == two) == same

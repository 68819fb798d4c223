"""Checks read as domains, and as tests on rows that agree with the databases themselves."""

import re
import sqlite3
from decimal import Decimal
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fixturesynth.errors import ConstraintError
from fixturesynth.schema.model import Check, Column, ColumnType, Kind, Table
from fixturesynth.schema.predicates import (
    Branch,
    ColumnDomain,
    Difference,
    Distinct,
    Hole,
    NotUnderstood,
    TableConstraints,
    compile_condition,
    compile_constraints,
    evaluate,
    joint_branches,
    mentioned_columns,
)
from fixturesynth.schema.predicates.patterns import glob_to_regex, like_to_regex, normal_like, posix_to_regex

KINDS: dict[str, Kind] = {
    "n": "integer", "m": "integer", "f": "float", "p": "decimal", "a": "text", "b": "text", "d": "date", "e": "date",
    "t": "timestamp", "k": "boolean", "u": "bytes", "order": "integer", "Größe": "integer", "j": "json",
}  # fmt: skip


def table_with(*texts: str) -> Table:
    columns = tuple(Column(name, ColumnType(kind, kind)) for name, kind in KINDS.items())
    return Table("t", columns, checks=tuple(Check(f"c{i}", text) for i, text in enumerate(texts)))


def compiled(*texts: str, dialect: str = "postgresql") -> TableConstraints:
    return compile_constraints(table_with(*texts), dialect)


def domain(text: str, column: str, dialect: str = "postgresql") -> ColumnDomain:
    constraints = compiled(text, dialect=dialect)
    assert constraints.not_understood == ()
    assert list(constraints.domains) == [column]
    return constraints.domains[column]


# Domains -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ("((n >= 0) AND (n <= 2))", "n", {"low": 0, "high": 2}),
        ("0 < n", "n", {"low": 0, "low_open": True}),
        ("n BETWEEN SYMMETRIC 5 AND 3", "n", {"low": 3, "high": 5}),
        ("NOT (n > 5)", "n", {"high": 5}),
        ("p > (0)::numeric", "p", {"low": Decimal(0), "low_open": True}),
        ("f >= - 1.5", "f", {"low": -1.5}),
        ("n < 2 + 3", "n", {"high": 5, "high_open": True}),
        ("n < 0 OR n > 10", "n", {"holes": (Hole(0, 10),)}),
        ("n <= 0 OR n >= 10", "n", {"holes": (Hole(0, 10, True, True),)}),
        ("n <> 5", "n", {"excluded": (5,)}),
        ("n NOT IN (4, 5)", "n", {"excluded": (4, 5)}),
        ("n <> ALL (ARRAY[4, 5])", "n", {"excluded": (4, 5)}),
        ("n = 1 OR n = 2 OR n = 5", "n", {"allowed": (1, 2, 5)}),
        ("n IN (1, 2, 3) AND n <> 2", "n", {"allowed": (1, 3)}),
        ("(a)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[])", "a",
         {"allowed": ("x", "y")}),
        ("a = ANY ('{x,y}'::text[])", "a", {"allowed": ("x", "y")}),
        ("n IS NULL", "n", {"only_null": True}),
        ("n IS NOT NULL AND n > 1", "n", {"not_null": True, "low": 1, "low_open": True}),
        ("n IS NULL OR n > 1", "n", {"low": 1, "low_open": True}),
        ("COALESCE(n, 0) > 5", "n", {"low": 5, "low_open": True, "not_null": True}),
        ("COALESCE(n, 9) > 5", "n", {"low": 5, "low_open": True}),
        ("a IS DISTINCT FROM 'x'", "a", {"excluded": ("x",)}),
        ("a IS NOT DISTINCT FROM 'x'", "a", {"allowed": ("x",), "not_null": True}),
        ("char_length((a)::text) <= 100", "a", {"max_length": 100}),
        ("length(a) > 0", "a", {"min_length": 1}),
        ("length(a) = 3 OR length(a) = 4", "a", {"min_length": 3, "max_length": 4}),
        ("octet_length(u) = 16", "u", {"octets": (16, 16)}),
        ("length(u) <= 16", "u", {"octets": (None, 16)}),
        ("octet_length((a)::text) <= 9", "a", {"octets": (None, 9)}),
        ("a = lower(a)", "a", {"lower": True}),
        ("upper((a)::text) = (a)::text", "a", {"upper": True}),
        ("btrim(a) = a", "a", {"trimmed": True}),
        ("char_length(TRIM(BOTH FROM a)) > 0", "a", {"regex": (("[^ ]", False, False),)}),
        ("a ~~ 'https://%'::text", "a", {"like": ("https://%",)}),
        ("a LIKE '50!%' ESCAPE '!'", "a", {"like": ("50\\%",)}),
        ("a !~~ 'x%'", "a", {"regex": (("\\Ax.*\\Z", False, True),)}),
        ("a ~~* 'x%'", "a", {"regex": (("\\Ax.*\\Z", True, False),)}),
        ("a ~ '^[a-z]+$'::text", "a", {"regex": (("\\A[a-z]+\\Z", False, False),)}),
        ("a !~* 'x'", "a", {"regex": (("x", True, True),)}),
        ("lower(a) = 'abc'", "a", {"regex": (("\\Aabc\\Z", True, False),)}),
        ("k", "k", {"allowed": (True,)}),
        ("NOT k", "k", {"allowed": (False,)}),
        ("k IS TRUE", "k", {"allowed": (True,), "not_null": True}),
        ("k = false", "k", {"allowed": (False,)}),
        ("d >= '2020-01-01'::date", "d", {"low": "2020-01-01"}),
        ("t < '2020-01-01 12:00:00+02'::timestamp with time zone", "t",
         {"high": "2020-01-01T10:00:00", "high_open": True}),
        ('"order" > 0', "order", {"low": 0, "low_open": True}),
        ('"Größe" > 0', "Größe", {"low": 0, "low_open": True}),
    ],
)  # fmt: skip
def test_a_condition_on_one_column_is_a_domain(text: str, column: str, expected: dict[str, object]) -> None:
    assert domain(text, column) == ColumnDomain(column, **expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("dialect", "text", "column", "expected"),
    [
        ("mysql", "`a` in (_utf8mb4'x',_utf8mb4'it''s')", "a", {"allowed": ("x", "it's")}),
        ("mysql", "(`a` = _utf8mb4\\'x\\')", "a", {"allowed": ("x",)}),
        ("mysql", "json_valid(`a`)", "a", {"json": True}),
        ("mysql", "length(`a`) < 5", "a", {"octets": (None, 4)}),
        ("mysql", "char_length(`a`) < 5", "a", {"max_length": 4}),
        ("mysql", "`a` regexp '^[a-z]'", "a", {"regex": (("\\A[a-z]", False, False),)}),
        ("sqlite", "a GLOB '[a-c]*'", "a", {"regex": (("\\A[a-c].*\\Z", False, False),)}),
        ("sqlite", "a NOT GLOB '*[^0-9]*'", "a", {"regex": (("\\A.*[^0-9].*\\Z", False, True),)}),
        ("sqlite", "n NOTNULL", "n", {"not_null": True}),
        ("sqlite", 'a IN ("x", "y")', "a", {"allowed": ("x", "y")}),
        ("sqlite", "k IN (0, 1)", "k", {"allowed": (False, True)}),
        ("sqlite", "n", "n", {"excluded": (0,)}),
        ("sqlite", "a LIKE '50\\%'", "a", {"like": ("50\\\\%",)}),
        ("duckdb", "(a = ANY(['x', 'y']))", "a", {"allowed": ("x", "y")}),
        ("duckdb", "len(a) >= 3", "a", {"min_length": 3}),
    ],
)
def test_dialects_say_the_same_in_their_own_words(
    dialect: str, text: str, column: str, expected: dict[str, object]
) -> None:
    assert domain(text, column, dialect) == ColumnDomain(column, **expected)  # type: ignore[arg-type]


def test_null_passes_a_check_so_a_comparison_with_null_always_does() -> None:
    assert compiled("(a = NULL::text) OR (char_length(a) > 0)") == TableConstraints()


def test_relations_between_columns() -> None:
    found = compiled("d <= e", "(n IS NULL) OR (m IS NULL) OR (n < m)", "a <> b", "e > '2020-01-01'")
    assert found.differences == (Difference("d", "e"), Difference("n", "m", True))
    assert found.distinct == (Distinct("a", "b"),)
    assert found.domains == {"e": ColumnDomain("e", low="2020-01-01", low_open=True)}
    assert found.not_understood == ()


def test_a_choice_between_columns_is_listed_with_its_branches() -> None:
    found = compiled("(a <> 'oidc'::text) OR (b IS NOT NULL)", "n > 0 AND (k OR n < 5)", "a IN ('oidc', 'saml')")
    assert [name for name, _ in found.not_understood] == ["c0", "c1"]
    first, second = found.alternatives
    assert first.branches == (
        Branch({"a": ColumnDomain("a", excluded=("oidc",))}),
        Branch({"b": ColumnDomain("b", not_null=True)}),
    )
    assert [sorted(b.domains) for b in second.branches] == [["k"], ["n"]]
    joint = joint_branches(found)
    assert {b.domains["a"].allowed for b in joint} == {("saml",), ("oidc", "saml")}
    assert all(b.domains["n"].low == 0 for b in joint)


def test_moments_of_sqlite_are_texts_beside_a_bare_day() -> None:
    at_most = domain("t <= '2020-01-01'", "t", dialect="sqlite")
    assert (at_most.high, at_most.high_open) == ("2020-01-01T00:00:00", True)
    assert domain("t = '2020-01-01'", "t", dialect="sqlite").only_null
    assert domain("t = '2020-01-01'", "t").allowed == ("2020-01-01T00:00:00",)


def test_comparisons_with_the_present_hold_for_as_long_as_rows_are_promised() -> None:
    assert domain("t <= now()", "t").high == "2025-12-31T00:00:00"
    assert domain("t > now() + '1 day 02:00:00'::interval", "t").low == "2036-01-03T02:00:00"
    assert domain("d <= CURRENT_DATE - '18 years'::interval", "d").high == "2007-12-31"
    pinned = compile_constraints(table_with("t < now()"), "postgresql", now="2020-06-01T00:00:00").domains["t"]
    assert pinned.high == "2020-05-31T00:00:00"
    rows = pa.table({"t": pa.array(["2025-01-01", "2030-01-01", "2040-01-01"]).cast(pa.timestamp("us"))})
    assert evaluate("t < now()", rows, "postgresql", now="2026-01-01").tolist() == [True, False, False]
    assert evaluate("t > now()", rows, "postgresql", now="2026-01-01").tolist() == [False, False, True]


@pytest.mark.parametrize(
    "text",
    ["garbage (", "n % 2 = 0", "d = now()", "n IN (SELECT 1)", "missing > 0", "n = m", "n > 'abc'", "1 = 0",
     "a SIMILAR TO 'x'", "a ~ '(unclosed'", "my_function(n) > 0", "t::date <= '2020-01-01'", ""],
)  # fmt: skip
def test_what_is_not_understood_is_listed_and_nothing_is_guessed(text: str) -> None:
    found = compiled(text)
    assert found.not_understood == (("c0", text),)
    assert found.domains == {} and found.differences == ()


def test_domain_checks_speak_of_value_even_beside_a_column_named_value() -> None:
    year = ColumnType("integer", "integer", domain="year")
    columns = (Column("value", ColumnType("integer", "integer")),)
    columns += (Column("y", year, domain_checks=("(VALUE >= 1901) AND (VALUE <= 2155)",)),)
    assert compile_constraints(Table("t", columns), "postgresql").domains == {
        "y": ColumnDomain("y", low=1901, high=2155)
    }


def test_a_partial_index_holds_only_where_its_predicate_is_true() -> None:
    (branch,) = compile_condition("status = 'active'", _status_table(), "postgresql")
    assert branch.domains["status"] == ColumnDomain("status", allowed=("active",), not_null=True)
    (lenient,) = compile_condition("status = 'active'", _status_table(), "postgresql", null_passes=True)
    assert not lenient.domains["status"].not_null


def _status_table() -> Table:
    return Table("t", (Column("status", ColumnType("enum", "status", values=("active", "gone"))),))


@pytest.mark.parametrize(
    ("one", "two"),
    [("n > 5", "n < 3 AND n IS NOT NULL"), ("n IN (1, 2)", "n = 3 AND n IS NOT NULL"), ("n IS NULL", "n IS NOT NULL")],
)
def test_a_contradiction_is_an_empty_domain(one: str, two: str) -> None:
    assert compiled(one, two).domains["n"].is_empty


def test_numbers_and_text_do_not_intersect() -> None:
    with pytest.raises(NotUnderstood, match="cannot compare"):
        ColumnDomain("x", low=1).intersect(ColumnDomain("x", low="a"))
    assert issubclass(NotUnderstood, ConstraintError)


domains = st.builds(
    lambda low, high, flags, excluded, allowed: ColumnDomain(
        "n", allowed, excluded, low, high, flags[0], flags[1], not_null=flags[2], only_null=flags[3] and flags[2] < 1
    ).intersect(ColumnDomain("n")),
    st.none() | st.integers(-4, 4),
    st.none() | st.integers(-4, 4),
    st.tuples(*[st.booleans()] * 4),
    st.lists(st.integers(-4, 4), max_size=2).map(tuple),
    st.none() | st.lists(st.integers(-4, 4), max_size=4).map(tuple),
)


@given(domains, domains)
def test_intersection_and_union_are_those_of_the_values(one: ColumnDomain, two: ColumnDomain) -> None:
    values = [None, *(Decimal(v) / 2 for v in range(-12, 13))]
    both, either = one.intersect(two), one.union(two)
    assert either is not None
    assert [both.contains(v) for v in values] == [one.contains(v) and two.contains(v) for v in values]
    assert [either.contains(v) for v in values] == [one.contains(v) or two.contains(v) for v in values]


# Patterns ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        (like_to_regex("a_c%"), ["abc", "abcd", "a\nc"], ["ac", "xabc"]),
        (like_to_regex(normal_like("50!%", "!")), ["50%"], ["50x"]),
        (glob_to_regex("[^a-c]?*"), ["dx", "dxyz"], ["ax", "d"]),
        (glob_to_regex("[]x]"), ["]", "x"], ["[]x]"]),
        (posix_to_regex("^[[:alpha:]_]+$"), ["ab_"], ["a1", "ab\n", ""]),
        (posix_to_regex(r"\mcat\M"), ["a cat"], ["concat"]),
    ],
)
def test_patterns_in_python_words(pattern: str, yes: list[str], no: list[str]) -> None:
    found = re.compile(pattern, re.DOTALL)
    assert [bool(found.search(text)) for text in yes + no] == [True] * len(yes) + [False] * len(no)


# Evaluation against the databases ------------------------------------------------------------------------------------

ROWS = pa.table(
    {
        "n": pa.array([0, 1, -3, 7, None, 5], pa.int64()),
        "m": pa.array([2, None, 4, -7, None, 0], pa.int64()),
        "p": pa.array([Decimal("1.50"), Decimal("0.00"), None, Decimal("-2.25"), Decimal("9.99"), Decimal("3.00")]),
        "a": ["abc", "ABC", "", None, "a b ", "Straße"],
        "b": ["x", None, "abc", "50%", "a.c", "Straße"],
        "d": pa.array([f"2020-0{i}-1{i}" for i in range(1, 6)] + [None]).cast(pa.date32()),
    }
)
SQL_TYPES = {
    "postgresql": {
        "n": "bigint",
        "m": "bigint",
        "p": "numeric(6,2)",
        "a": 'text COLLATE "C"',
        "b": 'text COLLATE "C"',
        "d": "date",
    },
    "sqlite": {"n": "integer", "m": "integer", "p": "numeric", "a": "text", "b": "text", "d": "text"},
    "mysql": {
        "n": "bigint",
        "m": "bigint",
        "p": "decimal(6,2)",
        "a": "varchar(20) COLLATE utf8mb4_bin",
        "b": "varchar(20) COLLATE utf8mb4_bin",
        "d": "date",
    },
    "duckdb": {"n": "bigint", "m": "bigint", "p": "decimal(6,2)", "a": "text", "b": "text", "d": "date"},
}
EVERYWHERE = [
    "n > 0", "n <= m", "n = 7 OR m IS NULL", "NOT (n > 0 AND m > 0)", "n IN (1, 5, NULL)", "n NOT IN (1, 5)",
    "n BETWEEN 0 AND 5", "a IS NOT NULL", "a <> b", "a = b", "p >= 1.5", "p * 2 > n", "n + m > 0", "n - m < 3",
    "abs(n) > 2", "COALESCE(n, m, 9) > 4", "NULLIF(n, 0) IS NULL", "length(a) > 3 OR n > 100",
    "CASE WHEN n > 0 THEN m > 0 ELSE m < 3 END", "lower(a) = 'abc'", "upper(a) = a", "trim(a) = a",
    "a LIKE 'a%'", "b LIKE '_.c'", "b NOT LIKE '50%'", "replace(a, 'b', 'x') = 'axc'", "substr(a, 2, 2) = 'bc'",
    "d >= '2020-03-01'", "d < '2020-03-13'", "n % 2 = 1", "m % 3 = -1", "-n > 2", "(n > 0) = (m > 0)",
    "(a IS NULL) <> (b IS NULL)", "n IS NULL OR m IS NULL OR n < m", "round(p) > 1", "p > n", "n IN (m, 1)",
    "CASE n WHEN 0 THEN 1 WHEN 7 THEN 0 ELSE 1 END = 1",
]  # fmt: skip
ONLY = {
    "postgresql": [
        "a ~ '^[a-z ]+$'", "a ~* 'ABC'", "b !~ '[[:digit:]]'", "a ILIKE 'A%'", "n IS DISTINCT FROM m",
        "octet_length(a) > length(a)", "num_nonnulls(n, m) = 1", "a = ANY (ARRAY['abc', 'x'])", "strpos(a, 'b') = 2",
        "n / 2 = 3", "m / 2 = -3", "EXTRACT(month FROM d) < 3", "date_part('day', d) > 13", "left(a, 1) = 'a'",
        "starts_with(a, 'ab')", "greatest(n, m) > 4", "a || 'x' = 'abcx'", "(a)::text <> ''::text",
        "d + '1 day'::interval > '2020-03-14'", "d - '2020-01-01'::date > 50",
        "d + 1 > '2020-03-13'", "(n)::text LIKE '-%'", "a = ALL (ARRAY['abc'])",
    ],
    "sqlite": [
        "a GLOB '[a-z]*'", "b NOT GLOB '*[0-9]*'", "n IS m", "n IS NOT 5", "n", "NOT n", "instr(a, 'b') = 2",
        "n / 2 = 3",
        "m / 2 = -3", "length(CAST(a AS BLOB)) > 3", "date(d) = d", "strftime('%m', d) = '03'", "a || 'x' = 'abcx'",
        "b IS NULL OR json_valid(b)", "ltrim(a, 'a') = 'bc'",
    ],
    "mysql": ["b REGEXP '^[a-z.]+$'", "n <=> m", "n DIV 2 = 3", "n / 2 = 3.5", "year(d) = 2020", "month(d) < 3",
              "length(a) > char_length(a)", "IF(n > 0, m > 0, m < 3)", "n XOR m", "json_valid(b)"],
    "duckdb": ["regexp_matches(a, '^[a-z]')", "n / 2 = 3.5", "n // 2 = 3", "len(a) = 3", "contains(a, 'b')",
               "month(d) = 3", "strlen(a) > 6"],
}  # fmt: skip


# MySQL pads with spaces when it compares, and whether LIKE ignores case there depends on the column's collation.
UNLIKE = {"mysql": {"trim(a) = a", "a LIKE 'a%'"}}


def fill(url: str) -> sa.Engine:
    engine = sa.create_engine(url)
    types = SQL_TYPES[engine.dialect.name]
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE t (i int, {', '.join(f'{c} {t}' for c, t in types.items())})")
        names = ["i", *types]
        insert = sa.text(f"INSERT INTO t VALUES ({', '.join(':' + c for c in names)})")
        for i, row in enumerate(ROWS.to_pylist()):
            adapted = {
                c: float(v) if isinstance(v, Decimal) else str(v) if c == "d" and v else v for c, v in row.items()
            }
            connection.execute(insert, {"i": i, **adapted})
    return engine


def rows_that_pass(engine: sa.Engine, condition: str) -> list[bool]:
    escaped = condition.replace("%", "%%") if engine.dialect.name in ("postgresql", "mysql") else condition
    with engine.connect() as connection:
        sql = f"SELECT CASE WHEN NOT ({escaped}) THEN 0 ELSE 1 END FROM t ORDER BY i"
        result = connection.exec_driver_sql(sql, ()) if "%%" in sql else connection.exec_driver_sql(sql)
        return [bool(v) for (v,) in result]


def test_evaluate_agrees_with_the_database(any_database: str) -> None:
    engine = fill(any_database)
    dialect = engine.dialect.name
    todo = [c for c in EVERYWHERE + ONLY[dialect] if c not in UNLIKE.get(dialect, ())]
    ours = {condition: evaluate(condition, ROWS, dialect).tolist() for condition in todo}
    theirs = {condition: rows_that_pass(engine, condition) for condition in ours}
    engine.dispose()
    assert ours == theirs


numbers = st.sampled_from(["n", "m", "0", "1", "-2", "n + 1", "m - n", "abs(m)", "COALESCE(n, 3)", "n * m", "NULL"])
texts = st.sampled_from(["a", "b", "'abc'", "lower(a)", "upper(b)", "trim(a)", "COALESCE(b, 'x')"])
leaves = st.one_of(
    st.builds("{} {} {}".format, numbers, st.sampled_from(["<", "<=", ">", ">=", "=", "<>"]), numbers),
    st.builds("{} {} {}".format, texts, st.sampled_from(["=", "<>", "<", ">="]), texts),
    st.builds("{} {} NULL".format, st.sampled_from(["n", "m", "a"]), st.sampled_from(["IS", "IS NOT"])),
    st.builds("{} {} ({}, {})".format, numbers, st.sampled_from(["IN", "NOT IN"]), numbers, numbers),
    st.builds("a {} '{}'".format, st.sampled_from(["LIKE", "NOT LIKE"]), st.sampled_from(["a%", "_b%", "%", ""])),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds("({}) {} ({})".format, inner, st.sampled_from(["AND", "OR"]), inner),
        st.builds("NOT ({})".format, inner),
        st.builds("CASE WHEN {} THEN {} ELSE {} END".format, inner, inner, inner),
    ),
    max_leaves=5,
)
small_rows = st.lists(
    st.tuples(
        st.none() | st.integers(-3, 3),
        st.none() | st.integers(-3, 3),
        st.none() | st.sampled_from(["abc", "ABC", "", " b", "x"]),
        st.none() | st.sampled_from(["abc", "x", "X"]),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=200)
@given(conditions, small_rows)
def test_random_conditions_agree_with_sqlite(condition: str, rows: list[tuple[object, ...]]) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (n integer, m integer, a text, b text)")
    connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
    query = f"SELECT CASE WHEN NOT ({condition}) THEN 0 ELSE 1 END FROM t ORDER BY rowid"
    theirs = [bool(v) for (v,) in connection.execute(query)]
    connection.close()
    columns = zip(*rows, strict=True)
    types = [pa.int64(), pa.int64(), pa.string(), pa.string()]
    table = pa.table({n: pa.array(c, t) for n, c, t in zip("nmab", columns, types, strict=True)})
    assert evaluate(condition, table, "sqlite").tolist() == theirs


@settings(max_examples=200)
@example("n * m <> 0")
@example("(n * m = 0) IS TRUE")
@example("(n + m) IS NULL OR nullif(a, 'abc') IS NOT NULL")
@given(conditions)
def test_branches_hold_exactly_where_the_condition_does(condition: str) -> None:
    """Compiling and evaluating are two readings of one text: where both understand it they have to agree."""
    try:
        branches = compile_condition(condition, table_with(), "postgresql", null_passes=True)
    except NotUnderstood:
        return
    values = list(product([None, -2, 0, 1, 3], [None, 0, 2], [None, "abc", "ABC", ""], [None, "x"]))
    types = [pa.int64(), pa.int64(), pa.string(), pa.string()]
    columns = zip(*values, strict=True)
    table = pa.table({n: pa.array(c, t) for n, c, t in zip("nmab", columns, types, strict=True)})
    expected = evaluate(condition, table, "postgresql").tolist()
    assert [any(holds(b, dict(zip("nmab", row, strict=True))) for b in branches) for row in values] == expected


def holds(branch: Branch, row: dict[str, object]) -> bool:
    return (
        all(domain.contains(row[name]) for name, domain in branch.domains.items())
        and all(
            row[d.low] is None or row[d.high] is None or row[d.low] < row[d.high]  # type: ignore[operator]
            or (row[d.low] == row[d.high] and not d.strict)
            for d in branch.differences
        )
        and all(row[d.a] is None or row[d.b] is None or row[d.a] != row[d.b] for d in branch.distinct)
    )  # fmt: skip


def test_text_columns_may_hold_numbers_dates_and_booleans() -> None:
    table = pa.table({"n": ["1", "20", None], "d": ["2020-01-01", "2021-05-05", None], "k": [0, 1, None]})
    assert evaluate("n > 3", table, "sqlite").tolist() == [False, True, True]
    assert evaluate("d > '2020-06-01'::date", table, "postgresql").tolist() == [False, True, True]
    assert evaluate("k", table, "sqlite").tolist() == [False, True, True]


@pytest.mark.parametrize("rows", [0, 3])
def test_tables_of_nothing_but_null_and_tables_without_rows(rows: int) -> None:
    table = pa.table({"n": pa.nulls(rows), "a": pa.nulls(rows, pa.string())})
    for condition in ["n > 0", "a LIKE 'x%'", "length(a) > 3", "n + 1 < 5", "n IN (1, 2)", "lower(a) = a", "n = a"]:
        assert evaluate(condition, table, "postgresql").tolist() == [True] * rows
    assert evaluate("n IS NOT NULL", table, "sqlite").tolist() == [False] * rows


@pytest.mark.parametrize("condition", ["f(n) > 1", "missing = 1", "n > now()", "n = 'abc'", "((", "n IN (SELECT 1)"])
def test_what_cannot_be_evaluated_is_refused_by_name(condition: str) -> None:
    with pytest.raises(NotUnderstood):
        evaluate(condition, ROWS, "postgresql")


def test_evaluate_is_an_array_of_the_tables_length() -> None:
    many = pa.table({"n": pa.chunked_array([[1, 2], [3]])})
    result = evaluate("n <> 2", many, "duckdb")
    assert result.shape == (3,) and result.dtype == np.bool_ and result.tolist() == [True, False, True]


def test_mentioned_columns_are_in_the_tables_order() -> None:
    assert mentioned_columns("b > a OR lower(A) = 'x'", table_with(), "postgresql") == ("a", "b")
    assert mentioned_columns("TRUE", table_with(), "postgresql") == ()


# Real schemas --------------------------------------------------------------------------------------------------------


def test_real_rows_satisfy_the_real_checks(shared: Path) -> None:
    """Every CHECK of the real databases is read, and holds in every real row."""
    checked = 0
    for path in sorted((shared / "data").glob("*.sqlite")):
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        for name, sql in connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall():
            for text in re.findall(r"^\s*(?:CONSTRAINT \S+ )?CHECK \((.*)\),?\s*$", sql, re.MULTILINE):
                info = connection.execute(f'PRAGMA table_info("{name}")').fetchall()
                columns = tuple(Column(c[1], ColumnType(_sqlite_kind(c[2]), c[2])) for c in info)
                table = Table(name, columns, checks=(Check("c", text),))
                assert compile_constraints(table, "sqlite").not_understood == ()
                used = mentioned_columns(text, table, "sqlite")
                picked = connection.execute(f"SELECT {', '.join(f'{chr(34)}{c}{chr(34)}' for c in used)} FROM {name}")
                values = picked.fetchmany(5_000)
                rows = pa.table({c: pa.array([row[i] for row in values]) for i, c in enumerate(used)})
                assert evaluate(text, rows, "sqlite").all()
                checked += 1
        connection.close()
    assert checked > 90


def _sqlite_kind(declared: str) -> Kind:
    kinds: dict[str, Kind] = {"INT": "integer", "TEXT": "text", "CHAR": "text", "REAL": "float", "DATE": "date"}
    return next((kind for word, kind in kinds.items() if word in declared.upper()), "decimal")

"""Conditions on JSON documents and arrays: judged on rows as the databases judge them, and kept by what is made."""

import pyarrow as pa
import pytest
import sqlalchemy as sa
from test_hard_rows import Seeded, seeded

from fixturesynth.schema.predicates import NotUnderstood, evaluate
from fixturesynth.schema.predicates.documents import normal_document

__all__ = ["seeded"]

DOCUMENTS = [
    '{}', '[]', '[1, 2, 3]', '["a", "b"]', '[{"a": 1}]', '"name"', '12', '12.5', 'true', 'null',
    '{"name": "x", "size": 3}', '{"name": null}', '{"kind": "a", "size": "3", "ok": true}',
    '{"kind": "b", "a": {"b": [10, 20]}}', '{"size": 2.5, "tags": ["x", "y"], "kind": "ü"}',
    '[[1]]', '{"size": [3]}', '{"kind": true}', '{"size": 1e2}', None,
]  # fmt: skip
TAGS = [[], ["a"], ["a", "b"], ["user", "admin"], ["user", None], [None], ["a", "b", "a", "c"], None]
NUMBERS = [[], [1], [1, 2], [3, None], [5, 6, 7, 8], None]
CONDITIONS = {
    "postgresql": [
        "jsonb_typeof(doc) = 'object'", "jsonb_typeof(doc) IN ('array', 'null', 'number')", "doc ? 'name'",
        "NOT (doc ? 'kind')", "doc ?& ARRAY['kind', 'size']", "doc ?| ARRAY['name', 'a']", "doc ->> 'kind' = 'a'",
        "(doc -> 'a' -> 'b' ->> 1) = '20'", "doc #>> '{a,b,0}' = '10'", "jsonb_typeof(doc -> 'size') = 'number'",
        "(doc -> 'size') IS NOT NULL", "doc ->> 'size' > '2'", "doc @> '{\"kind\": \"a\"}'", "doc @> '[1]'",
        "doc @> '[[1]]'", "doc @> '{\"size\": 3}'", "doc @> '{\"size\": [3]}'", "doc @> '12'",
        "doc = '{\"size\": 100}'::jsonb",
        "doc <> '{}'::jsonb", "doc = '[1,2,3]'::jsonb", "jsonb_path_exists(doc, '$.a.b')",
        "jsonb_typeof(doc) <> 'array' OR jsonb_array_length(doc) > 1", "jsonb_array_length(doc) < 3",
        "jsonb_typeof(doc) = 'array' AND jsonb_array_length(doc) BETWEEN 1 AND 2", "(doc ->> 'ok') = 'true'",
        "doc ->> 'a' = '{\"b\": [10, 20]}'", "json_typeof(doc::json) = 'string'",
    ],
    "mysql": [
        "JSON_TYPE(doc) = 'OBJECT'", "JSON_TYPE(doc) IN ('ARRAY', 'NULL', 'INTEGER')", "JSON_TYPE(doc) = 'DOUBLE'",
        "JSON_TYPE(doc) = 'BOOLEAN'", "JSON_LENGTH(doc) > 1", "JSON_LENGTH(doc, '$.a') = 1", "JSON_VALID(doc)",
        "JSON_CONTAINS_PATH(doc, 'one', '$.name', '$.a')", "JSON_CONTAINS_PATH(doc, 'all', '$.kind', '$.size')",
        "JSON_UNQUOTE(JSON_EXTRACT(doc, '$.kind')) = 'a'", "JSON_VALUE(doc, '$.kind') = 'b'",
        "JSON_VALUE(doc, '$.a.b[1]') = '20'", "JSON_CONTAINS(doc, '1')",
        "JSON_CONTAINS(doc, '{\"size\": 3}')", "JSON_CONTAINS(doc, '[1]')",
        "JSON_EXTRACT(doc, '$.a.b[1]') > 15", "JSON_EXTRACT(doc, '$.a.b[0]') = 10",
    ],
    "sqlite": [
        "json_type(doc) = 'object'", "json_type(doc) IN ('array', 'null', 'integer', 'real', 'true', 'text')",
        "json_array_length(doc) > 1", "json_array_length(doc, '$.tags') = 2", "json_type(doc, '$.size') = 'integer'",
        "json_extract(doc, '$.kind') = 'a'", "doc ->> '$.a.b[1]' = 20", "doc ->> 'kind' = 'b'",
        "doc IS NULL OR json_valid(doc)",
        "json_extract(doc, '$.size') IS NULL", "length(json_extract(doc, '$.kind')) = 1", "(doc -> 'a') IS NOT NULL",
    ],
}  # fmt: skip
ARRAYS = [
    "cardinality(tags) > 1", "array_length(tags, 1) BETWEEN 1 AND 3", "array_length(tags, 1) IS NULL",
    "array_upper(tags, 1) = 2", "array_ndims(tags) = 1", "tags <@ ARRAY['a', 'b', 'c']", "tags @> ARRAY['user']",
    "tags && ARRAY['a', 'x']", "'user' = ANY (tags)", "'a' <> ALL (tags)", "'a' <> ANY (tags)", "'a' = ALL (tags)",
    "array_position(tags, NULL) IS NULL", "array_position(tags, 'b') = 2", "tags[1] = 'a'", "tags <> '{}'",
    "tags = ARRAY['a', 'b']", "cardinality(numbers) = 4", "3 = ANY (numbers)", "numbers <@ ARRAY[1, 2]",
    "numbers[2] > 1", "COALESCE(array_length(numbers, 1), 0) < 2", "numbers <> '{1,2}'::int[]",
]  # fmt: skip


def verdicts(url: str, declared: str, values: list[object], conditions: list[str]) -> dict[str, list[bool]]:
    """Which of the values pass each condition as a CHECK; what ends with an error does not."""
    name = declared.split()[0]
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    out: dict[str, list[bool]] = {}
    with engine.connect() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS d")
        connection.exec_driver_sql(f"CREATE TABLE d (i int, {declared})")
        for i, value in enumerate(values):
            connection.execute(sa.text(f"INSERT INTO d (i, {name}) VALUES (:i, :v)"), {"i": i, "v": value})
        for condition in conditions:
            escaped = condition.replace(":", r"\:")
            out[condition] = []
            for i in range(len(values)):
                query = sa.text(f"SELECT CASE WHEN NOT ({escaped}) THEN 0 ELSE 1 END FROM d WHERE i = {i}")
                try:
                    out[condition].append(bool(connection.execute(query).scalar()))
                except sa.exc.DBAPIError:
                    out[condition].append(False)
    engine.dispose()
    return out


@pytest.mark.parametrize(("dialect", "kind"), [("postgresql", "jsonb"), ("mysql", "json"), ("sqlite", "text")])
def test_documents_are_judged_as_the_database_judges_them(
    dialect: str, kind: str, request: pytest.FixtureRequest
) -> None:
    theirs = verdicts(request.getfixturevalue(f"{dialect}_database"), f"doc {kind}", DOCUMENTS, CONDITIONS[dialect])
    rows = pa.table({"doc": pa.array(DOCUMENTS, pa.string())})
    assert {c: evaluate(c, rows, dialect).tolist() for c in theirs} == theirs


@pytest.mark.parametrize(("column", "values"), [("tags text[]", TAGS), ("numbers int[]", NUMBERS)])
def test_arrays_are_judged_as_postgresql_judges_them(
    postgresql_database: str, column: str, values: list[object]
) -> None:
    name = column.split()[0]
    conditions = [c for c in ARRAYS if name in c]
    theirs = verdicts(postgresql_database, column, values, conditions)
    kind = pa.list_(pa.string() if name == "tags" else pa.int64())
    rows = pa.table({name: pa.array(values, kind)})
    assert {c: evaluate(c, rows, "postgresql").tolist() for c in theirs} == theirs


@pytest.mark.parametrize(
    ("text", "dialect"),
    [("JSON_EXTRACT(doc, '$.a') = 'x'", "mysql"), ("tags < ARRAY['a']", "postgresql"),
     ("array_length(tags, 2) = 1", "postgresql"), ("'a' < ANY (tags)", "postgresql"),
     ("json_type(doc, '$[#-1]') = 'text'", "sqlite")],
)  # fmt: skip
def test_what_cannot_be_judged_is_named(text: str, dialect: str) -> None:
    rows = pa.table({"doc": ["{}"], "tags": pa.array([["a"]], pa.list_(pa.string()))})
    with pytest.raises(NotUnderstood):
        evaluate(text, rows, dialect)


ODD = ["NaN", '{"a": Infinity}', "[" * 5000 + "]" * 5000, "[" * 900 + "]" * 900, '{"a": "\\ud800"}']


@pytest.mark.parametrize("text", [
    "jsonb_typeof(doc) IS NOT NULL", "doc ->> 'a' IS NULL", "doc <> '{}'::jsonb", "doc ? 'a' OR NOT (doc ? 'a')",
])  # fmt: skip
def test_texts_that_postgresql_takes_for_no_document_pass_no_condition_on_one(text: str) -> None:
    rows = pa.table({"doc": [*ODD, '{"b": 1}']})
    assert evaluate(text, rows, "postgresql").tolist() == [False] * len(ODD) + [True]
    assert not evaluate("json_valid(doc)", pa.table({"doc": ODD[:3]}), "sqlite").any()


def test_odd_texts_are_left_as_they_are() -> None:
    assert [normal_document(text) for text in ODD] == ODD
    assert normal_document('{"b": 1E+2, "a": [-0, 1e99999999999999999999]}') == (
        '{"a": [0, 1e99999999999999999999], "b": 100}'
    )


# What is made keeps to them ------------------------------------------------------------------------------------------
HANGING = [
    ("doc jsonb", "jsonb_typeof(doc) = 'array' AND jsonb_array_length(doc) > 0"),
    ("tags text[]", "cardinality(tags) = 4"),
]


@pytest.mark.parametrize(("column", "condition"), HANGING)
@pytest.mark.parametrize("required", ["", " NOT NULL"])
def test_a_flag_of_a_unique_set_that_documents_hang_on(
    column: str, condition: str, required: str, seeded: Seeded
) -> None:
    """The flag is dealt out after its row took a branch: what hangs on it is judged again."""
    made = seeded(
        "postgresql",
        f"CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL, is_set boolean NOT NULL, {column}{required}, "
        f"UNIQUE (n, is_set), CHECK (n BETWEEN 1 AND 16), CHECK (NOT is_set OR ({condition})))",
    )
    assert len(made["t"]) == 30
    assert {flag for _, _, flag, _ in made["t"]} == {True, False}


def test_values_are_tried_where_other_checks_of_the_column_hold(seeded: Seeded) -> None:
    made = seeded(
        "sqlite",
        "CREATE TABLE t (id integer PRIMARY KEY, price numeric(10, 2) NOT NULL, "
        "CHECK (price BETWEEN 0 AND 1 AND round(price, 1) = price))",
    )
    assert len(made["t"]) == 30
    assert len({price for _, price in made["t"]}) > 3


def test_a_text_is_no_document_for_being_named_like_one(seeded: Seeded) -> None:
    """Candidates for a check were documents where its text had ``json`` in it."""
    made = seeded(
        "sqlite", "CREATE TABLE t (id integer PRIMARY KEY, json_note text NOT NULL, "
        "CHECK (unicode(json_note) BETWEEN 97 AND 122))",
    )  # fmt: skip
    notes = {note for _, note in made["t"]}
    assert len(made["t"]) == 30 and not any("apiversion" in note or "webversion" in note for note in notes)

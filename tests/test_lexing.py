"""Tokens and statements in the four dialects."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixturesynth.schema.lexing import names_in, split_statements, tokenize, unbracketed

QUOTED = ["SELECT 'a\\';b'", 'SELECT "x;""y"', "SELECT 5--1"]
SCRIPTS = [
    ("postgresql", "SELECT $$a;b$$; SELECT $x$ ; $$ ; $x$", ["SELECT $$a;b$$", "SELECT $x$ ; $$ ; $x$"]),
    ("postgresql", "SELECT E'it\\';s'; SELECT 'a\\'; SELECT 1", ["SELECT E'it\\';s'", "SELECT 'a\\'", "SELECT 1"]),
    ("postgresql", "/* a /* b; */ c; */ SELECT 1; -- x;\nSELECT 2;", ["SELECT 1", "SELECT 2"]),
    ("postgresql", "\\connect shop\nSELECT 1;\n\\restrict abc\nSELECT 2;", ["SELECT 1", "SELECT 2"]),
    ("postgresql", "COPY t (a) FROM stdin;\n1;2\n\\.\n\nSELECT 1;", ["SELECT 1"]),
    (
        "postgresql",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END; SELECT 2",
        ["CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END", "SELECT 2"],
    ),
    ("mysql", 'SELECT \'a\\\';b\'; # c;\nSELECT "x;""y"; -- z;\nSELECT 5--1;', QUOTED),
    (
        "mysql",
        "DELIMITER //\nCREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW BEGIN SET @a=1; END//\nDELIMITER ;\nSELECT 1;",
        ["CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW BEGIN SET @a=1; END", "SELECT 1"],
    ),
    ("mysql", "/*!40101 SET NAMES utf8 */;\nSELECT 1;", ["/*!40101 SET NAMES utf8 */", "SELECT 1"]),
    (
        "mysql",
        "CREATE PROCEDURE p() BEGIN IF 1 THEN SELECT 1; END IF; CASE 1 WHEN 1 THEN SELECT 2; END CASE; END; SELECT 3",
        [
            "CREATE PROCEDURE p() BEGIN IF 1 THEN SELECT 1; END IF; CASE 1 WHEN 1 THEN SELECT 2; END CASE; END",
            "SELECT 3",
        ],
    ),
    (
        "sqlite",
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b=CASE WHEN 1 THEN 2 END; END; CREATE TABLE [x;y] (z);",
        [
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b=CASE WHEN 1 THEN 2 END; END",
            "CREATE TABLE [x;y] (z)",
        ],
    ),
    ("sqlite", 'SELECT \';\', "a;""b", `c;`; ; ;', ['SELECT \';\', "a;""b", `c;`']),
    ("duckdb", "SELECT $$;$$; SELECT 1", ["SELECT $$;$$", "SELECT 1"]),
    ("sqlite", "SELECT 'never closed", ["SELECT 'never closed"]),
    ("sqlite", "", []),
]


@pytest.mark.parametrize(("dialect", "script", "expected"), SCRIPTS)
def test_a_script_is_split_where_its_dialect_ends_a_statement(dialect: str, script: str, expected: list[str]) -> None:
    assert split_statements(script, dialect) == expected


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12), max_size=5))
def test_sqlite_agrees_on_every_string_it_is_given(values: list[str]) -> None:
    literals = ["'" + value.replace("'", "''") + "'" for value in values]
    script = "".join(f"SELECT {literal} /* ; */ ; -- it's;\n" for literal in literals)
    connection = sqlite3.connect(":memory:")
    found = [connection.execute(s).fetchone()[0] for s in split_statements(script, "sqlite")]
    assert found == values
    assert [tokenize(literal, "sqlite")[0].value for literal in literals] == values


@given(st.text(max_size=60), st.sampled_from(["postgresql", "mysql", "sqlite", "duckdb", "generic"]))
def test_no_text_is_too_strange(text: str, dialect: str) -> None:
    for token in tokenize(text, dialect):
        assert text[token.start : token.end] == token.text
    for statement in split_statements(text, dialect):
        assert statement in text


def test_names_are_not_looked_for_in_strings_and_comments() -> None:
    text = """"Größe" > 0 AND note <> 'qty' /* price */"""
    assert names_in(text, ["qty", "price", "Größe", "note"], "postgresql") == ("Größe", "note")
    assert names_in("PRICE > 0", ["price"], "postgresql") == ("price",)
    assert names_in('"PRICE" > 0', ["price"], "postgresql") == ()
    assert names_in('"PRICE" > 0', ["price"], "sqlite") == ("price",)


def test_brackets_are_taken_off_only_where_they_enclose_all() -> None:
    assert unbracketed("(((a)))", "sqlite") == "a"
    assert unbracketed("(a = ')') AND (b)", "sqlite") == "(a = ')') AND (b)"
    assert unbracketed("(a = '(')", "sqlite") == "a = '('"

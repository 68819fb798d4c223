"""Values that a spec, an option or a call states for a column are held as the column holds them, or refused by name."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import fixturesynth as fs
from fixturesynth.cli import commands
from fixturesynth.errors import InputError, SpecError
from fixturesynth.planning.wishes import wishes_of

SCRIPT = """
CREATE TABLE t (
  id int PRIMARY KEY, price numeric(8,2), count smallint, share double precision, flag boolean, code varchar(3),
  day date, moment timestamp, zoned timestamptz, clock time, span interval, doc jsonb, key uuid, tags text[]);
"""
UTC = dt.UTC

HELD: list[tuple[str, Any, Any]] = [
    ("price", 3, Decimal("3.00")),
    ("price", 1.5, Decimal("1.50")),
    ("price", "2.50", Decimal("2.50")),
    ("count", 5, 5),
    ("count", "7", 7),
    ("share", 1, 1.0),
    ("flag", 1, True),
    ("flag", "no", False),
    ("code", 7, "7"),
    ("day", "2024-05-01", dt.date(2024, 5, 1)),
    ("moment", "2024-05-01 10:00", dt.datetime(2024, 5, 1, 10)),
    ("zoned", "2024-05-01T10:00:00+02:00", dt.datetime(2024, 5, 1, 8, tzinfo=UTC)),
    ("zoned", "2024-05-01 10:00", dt.datetime(2024, 5, 1, 10, tzinfo=UTC)),
    ("clock", "12:30", dt.time(12, 30)),
    ("span", "1 day 02:30", dt.timedelta(days=1, hours=2, minutes=30)),
    ("span", 90, dt.timedelta(seconds=90)),
    ("span", "-02:00:00", dt.timedelta(hours=-2)),
    ("doc", '{"a": 1}', '{"a": 1}'),
    ("key", "A0BABA28-bf45-4f3a-88db-c1de3a375cba", "a0baba28-bf45-4f3a-88db-c1de3a375cba"),
    ("tags", "x", ["x"]),
]
REFUSED: list[tuple[str, Any, str]] = [
    ("price", "abc", r"'abc' is no numeric\(8,2\)"),
    ("price", 1.234, "it has 2 decimals"),
    ("price", 12345678, "it has 6 digits before the point"),
    ("count", 70000, "it holds -32768 to 32767"),
    ("count", 1.5, "1.5 is no smallint"),
    ("share", "much", "'much' is no double precision"),
    ("flag", "maybe", "write it as true or false"),
    ("code", "four", "it has room for 3 characters, however: 4"),
    ("day", "soon", "write it as 2024-12-31"),
    ("day", "2024-05-01 10:00", "it has no time of day"),
    ("moment", "2024-05-01T10:00:00Z", "it has no time zone"),
    ("clock", "25:00", "write it as 18:30:00"),
    ("span", "P1D", "write it as 1 day 02:30:00"),
    ("doc", "text", "texts in double quotes"),
    ("key", "x", "'x' is no uuid"),
]


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> fs.Schema:
    path = tmp_path_factory.mktemp("stating") / "t.sql"
    path.write_text(SCRIPT)
    return fs.reflect(path)


def sampled(schema: fs.Schema, folder: Path, column: str, settings: dict[str, Any]) -> list[Any]:
    path = folder / "own.yaml"
    path.write_text(json.dumps({"version": 1, "tables": {"t": {"columns": {column: settings}}}}))
    spec = fs.read_spec(path)
    data = fs.plan_rules(schema, wishes=wishes_of(spec, schema), seed=1).sample(rows=4)
    found: list[Any] = data.arrow("t").column(column).to_pylist()
    return found


@pytest.mark.parametrize(("column", "value", "held"), HELD)
def test_values_that_a_column_holds(
    schema: fs.Schema, tmp_path: Path, column: str, value: object, held: object
) -> None:
    assert sampled(schema, tmp_path, column, {"constant": value}) == [held] * 4
    assert sampled(schema, tmp_path, column, {"choices": [value]}) == [held] * 4
    assert set(map(str, sampled(schema, tmp_path, column, {"constant": value, "null_rate": 0.5}))) <= {
        str(held),
        "None",
    }
    if column != "tags":
        data = fs.plan_rules(schema, seed=1).sample(rows=2, given={"t": {column: value}})
        assert data.arrow("t").column(column).to_pylist() == [held] * 2


@pytest.mark.parametrize(("column", "value", "told"), REFUSED)
def test_values_that_no_column_holds(schema: fs.Schema, tmp_path: Path, column: str, value: object, told: str) -> None:
    with pytest.raises(SpecError, match=f"own.yaml:1.*{told}"):
        sampled(schema, tmp_path, column, {"constant": value})
    with pytest.raises(SpecError, match=told):
        sampled(schema, tmp_path, column, {"choices": [value]})
    with pytest.raises(InputError, match=rf"given: t\.{column}: .*{told}"):
        fs.plan_rules(schema, seed=1).sample(rows=2, given={"t": {column: value}})


@pytest.mark.parametrize(
    ("column", "low", "least"),
    [
        ("day", "-2y", dt.date(2024, 1, 1)),
        ("day", "now", dt.date(2026, 1, 1)),
        ("moment", "+1d", dt.datetime(2026, 1, 2)),
        ("zoned", "2026-06-01T00:00:00+02:00", dt.datetime(2026, 5, 31, 22, tzinfo=UTC)),
        ("clock", "23:00", dt.time(23)),
        ("count", 30000.5, 30001),
    ],
)
def test_bounds_of_every_kind(schema: fs.Schema, tmp_path: Path, column: str, low: object, least: Any) -> None:
    assert all(value >= least for value in sampled(schema, tmp_path, column, {"min": low, "null_rate": 0}))


@pytest.mark.parametrize(
    ("column", "low", "told"),
    [
        ("day", "soon", r"a moment \(2024-12-31, now, -2y\)"),
        ("count", "few", "a number"),
        ("clock", "noon", "a time of"),
    ],
)
def test_bounds_that_are_none(schema: fs.Schema, tmp_path: Path, column: str, low: object, told: str) -> None:
    with pytest.raises(SpecError, match=f"min and max of {column} are {told}.*{low!r}"):
        sampled(schema, tmp_path, column, {"min": low})


def test_rules_that_do_not_fit_are_told_by_column(schema: fs.Schema, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="option 'value' is missing"):
        sampled(schema, tmp_path, "price", {"rule": "constant"})
    with pytest.raises(SpecError, match=r"t\.id: rule 'status' makes values that do not fit int"):
        sampled(schema, tmp_path, "id", {"rule": "status"})


def test_shares_and_options(schema: fs.Schema, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"share of t\.price must be from 0 to 1"):
        fs.plan_rules(schema, seed=1).sample(rows=2, given={"t": {"price": (3, 1.5)}})
    (script := tmp_path / "t.sql").write_text(SCRIPT)
    words = ["generate", str(script), "-o", str(tmp_path / "out"), "--format", "csv", "--rows", "2", "-q"]
    done = CliRunner().invoke(commands, [*words, "--given", "t.clock=12:30"])
    assert done.exit_code == 0 and '"12:30:00"' in (tmp_path / "out" / "t.csv").read_text()
    done = CliRunner().invoke(commands, [*words, "--overwrite", "--given", "t.count=70000"])
    assert done.exit_code == 2 and "it holds -32768 to 32767" in done.stderr

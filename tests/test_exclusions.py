"""Exclusion constraints, held by construction and proved by the server that has them."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa
from catalogue_audit import put_script
from hypothesis import given
from hypothesis import strategies as st
from test_seeding import audit, seeded

from fixturesynth.dataset import Dataset
from fixturesynth.errors import CapacityError, ConstraintError
from fixturesynth.loading.loader import load
from fixturesynth.planning.planner import Wishes
from fixturesynth.planning.rows import RowsAsked
from fixturesynth.planning.serialisation import plan_from_json, plan_to_json
from fixturesynth.sampling.exclusions import place_spans
from fixturesynth.schema.model import Column, ColumnType, Table
from fixturesynth.schema.predicates import RangeLimits, Span, parse_span, range_condition
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import fit, plan_rules

ROOM = "CREATE EXTENSION btree_gist; CREATE TABLE room (id int PRIMARY KEY, name text NOT NULL);"
TABLES = {
    "range column": "room int NOT NULL REFERENCES room, during tstzrange NOT NULL, "
    "EXCLUDE USING gist (room WITH =, during WITH &&)",
    "two moments, partial": "room int NOT NULL REFERENCES room, starts_at timestamptz NOT NULL, "
    "ends_at timestamptz NOT NULL, status text NOT NULL CHECK (status IN ('open', 'cancelled', 'done')), "
    "CHECK (starts_at < ends_at), "
    "EXCLUDE USING gist (room WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (status <> 'cancelled')",
    "several equal members, closed ends, open ends": "room int REFERENCES room, kind text NOT NULL, "
    "valid_from date NOT NULL, valid_to date, CHECK (valid_to >= valid_from), "
    "EXCLUDE USING gist (room WITH =, kind WITH =, daterange(valid_from, valid_to, '[]') WITH &&)",
    "null ranges": "room int NOT NULL REFERENCES room, valid daterange, "
    "EXCLUDE USING gist (room WITH =, valid WITH &&)",
    "limits on a range": "aisle int NOT NULL CHECK (aisle BETWEEN 1 AND 200), slots int4range NOT NULL, "
    "CHECK (lower(slots) >= 0 AND upper(slots) <= 1000), CHECK (NOT isempty(slots)), "
    "CHECK (upper(slots) - lower(slots) >= 2), EXCLUDE USING gist (aisle WITH =, slots WITH &&)",
    "decimals, no group": "lo numeric(12,2) NOT NULL CHECK (lo >= 0), hi numeric(12,2) NOT NULL, CHECK (lo < hi), "
    "EXCLUDE USING gist (numrange(lo, hi) WITH &&)",
    "whole numbers": "lo int NOT NULL, hi int NOT NULL CHECK (hi <= 1000000), CHECK (lo <= hi), "
    "EXCLUDE USING gist (int4range(lo, hi, '[]') WITH &&)",
    "two constraints": "span numrange NOT NULL, big int8range, EXCLUDE USING gist (span WITH &&), "
    "EXCLUDE USING gist (big WITH &&)",
    "one value a group": "cage int NOT NULL REFERENCES room, animal text NOT NULL, "
    "EXCLUDE USING gist (cage WITH =, animal WITH <>)",
    "unique in other words": "code text NOT NULL, net inet, EXCLUDE USING gist (code WITH =), "
    "EXCLUDE USING btree (lower(code) WITH =), EXCLUDE USING gist (net inet_ops WITH &&)",
    "generated range": "room int NOT NULL REFERENCES room, a timestamp NOT NULL, b timestamp, "
    "during tsrange GENERATED ALWAYS AS (tsrange(a, b)) STORED, EXCLUDE USING gist (room WITH =, during WITH &&)",
    "deferred, in a unique set": "person int NOT NULL REFERENCES room, during tsrange NOT NULL, "
    "UNIQUE (person, during), EXCLUDE USING gist (person WITH =, during WITH &&) DEFERRABLE INITIALLY DEFERRED",
    "coalesced end": "room int NOT NULL REFERENCES room, a date, b date, "
    "EXCLUDE USING gist (room WITH =, daterange(a, COALESCE(b, 'infinity'::date)) WITH &&) WHERE (a IS NOT NULL)",
    "rectangles": "x int4range NOT NULL, y int4range NOT NULL, EXCLUDE USING gist (x WITH &&, y WITH &&)",
}  # fmt: skip


def database(url: str, tmp_path: Path, text: str) -> str:
    path = tmp_path / "schema.sql"
    path.write_text(text)
    put_script(url, path)
    return url


def query(url: str, statement: str) -> list[tuple]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(statement)]


@pytest.mark.parametrize("name", TABLES)
def test_rows_keep_out_of_each_others_way(name: str, postgresql_database: str, tmp_path: Path) -> None:
    """COPY into the table with its constraint on is the proof; nothing is lowered, nothing refused."""
    url = database(postgresql_database, tmp_path, f"{ROOM} CREATE TABLE t (id int PRIMARY KEY, {TABLES[name]})")
    synthesizer = seeded(url, 1000)
    audit(url, synthesizer)
    assert query(url, "SELECT count(*) FROM t") == [(1000,)]
    assert plan_from_json(plan_to_json(synthesizer.plan)) == synthesizer.plan


def test_appointments_take_hours(postgresql_database: str, tmp_path: Path) -> None:
    text = f"{ROOM} CREATE TABLE t (id int PRIMARY KEY, {TABLES['two moments, partial']})"
    url = database(postgresql_database, tmp_path, text)
    seeded(url, 500)
    ((least, most),) = query(url, "SELECT min(ends_at - starts_at), max(ends_at - starts_at) FROM t")
    assert timedelta(minutes=30) <= least < most <= timedelta(hours=8)


def test_a_bounded_domain_lowers_the_rows_with_a_note(postgresql_database: str, tmp_path: Path) -> None:
    text = (
        "CREATE EXTENSION btree_gist; CREATE TABLE t (id int PRIMARY KEY, aisle int NOT NULL CHECK (aisle IN (1, 2)), "
        "slot int4range NOT NULL CHECK (slot <@ '[0,40)'::int4range), EXCLUDE USING gist (slot WITH &&))"
    )
    url = database(postgresql_database, tmp_path, text)
    synthesizer = seeded(url, 1000)
    audit(url, synthesizer)
    assert synthesizer.plan["t"].rows == 40
    assert any("exclusion constraint t_slot_excl" in note for note in synthesizer.plan.notes)
    with pytest.raises(CapacityError, match="t_slot_excl allows 40"):
        plan_rules(reflect(url), wishes=Wishes(rows=RowsAsked({}, default=1000), strict=True))


def test_children_of_one_parent_are_no_more_than_it_has_room_for(postgresql_database: str, tmp_path: Path) -> None:
    text = f"{ROOM} CREATE TABLE t (id int PRIMARY KEY, room int NOT NULL REFERENCES room, day daterange NOT NULL, " \
        "CHECK (lower(day) >= '2025-01-01' AND upper(day) <= '2025-01-06'), " \
        "EXCLUDE USING gist (room WITH =, day WITH &&))"  # fmt: skip
    url = database(postgresql_database, tmp_path, text)
    audit(url, seeded(url, 300))


@pytest.mark.parametrize("beside", ["kind int NOT NULL CHECK (kind IN (1, 2))", "kind int NOT NULL REFERENCES kind"])
def test_groups_are_filled_to_the_last_row_that_they_have_room_for(
    beside: str, postgresql_database: str, tmp_path: Path
) -> None:
    text = (
        "CREATE EXTENSION btree_gist; CREATE TABLE hall (id int PRIMARY KEY CHECK (id BETWEEN 1 AND 10)); "
        "CREATE TABLE kind (id int PRIMARY KEY CHECK (id IN (1, 2))); "
        f"CREATE TABLE t (id int PRIMARY KEY, hall int NOT NULL REFERENCES hall, {beside}, span int4range NOT NULL, "
        "CHECK (lower(span) >= 0 AND upper(span) <= 5), EXCLUDE USING gist (hall WITH =, kind WITH =, span WITH &&))"
    )
    url = database(postgresql_database, tmp_path, text)
    synthesizer = seeded(url, 100)
    audit(url, synthesizer)
    assert synthesizer.plan["t"].rows == 100


def test_what_is_not_understood_is_refused_by_name(postgresql_database: str, tmp_path: Path) -> None:
    text = "CREATE TABLE t (id int PRIMARY KEY, area circle NOT NULL, EXCLUDE USING gist (area WITH &&))"
    url = database(postgresql_database, tmp_path, text)
    with pytest.raises(ConstraintError, match=r"t: exclusion constraint t_area_excl .*area WITH &&") as refusal:
        plan_rules(reflect(url))
    assert refusal.value.exit_code == 4


@pytest.mark.parametrize("form", ["two columns", "range column"])
def test_learned_lengths_are_kept(form: str, postgresql_database: str, tmp_path: Path) -> None:
    """Real bookings of one, two or five hours: so are the made ones, and none overlaps."""
    own = "during tsrange NOT NULL" if form == "range column" else "a timestamp NOT NULL, b timestamp NOT NULL"
    span = "during" if form == "range column" else "tsrange(a, b)"
    text = (
        f"{ROOM} CREATE TABLE t (id int PRIMARY KEY, room int NOT NULL REFERENCES room, {own}, "
        f"EXCLUDE USING gist (room WITH =, {span} WITH &&))"
    )
    url = database(postgresql_database, tmp_path, text)
    rooms, each = 40, 25
    start = [datetime(2025, 1, 1) + timedelta(hours=6 * k + r % 3) for r in range(rooms) for k in range(each)]
    end = [s + timedelta(hours=(1, 2, 2, 5)[i * 7 % 4]) for i, s in enumerate(start)]
    columns = {"id": list(range(1, rooms * each + 1)), "room": [1 + i // each for i in range(rooms * each)]}
    if form == "range column":
        columns["during"] = [f'["{s}","{e}")' for s, e in zip(start, end, strict=True)]
    else:
        columns |= {"a": start, "b": end}
    real = Dataset(
        {
            "room": pa.table({"id": list(range(1, rooms + 1)), "name": [f"Room {i}" for i in range(rooms)]}),
            "t": pa.table(columns),
        }
    )
    load(real, url)
    synthesizer = fit(url, seed=3)
    assert synthesizer.plan["t"].exclusions[0].learned
    made = synthesizer.sample(seed=5)
    load(made, url, mode="truncate")
    lengths = dict(
        query(url, f"SELECT extract(epoch FROM upper({span}) - lower({span})) / 3600, count(*) FROM t GROUP BY 1")
    )
    total = sum(lengths.values())
    assert total == rooms * each
    assert sum(lengths.get(hours, 0) for hours in (1, 2, 5)) >= 0.95 * total
    assert 0.35 * total <= lengths[2] <= 0.65 * total


# -- pieces -----------------------------------------------------------------------------------------------------------
DAY, NUMBER = ColumnType("date", "date"), ColumnType("integer", "int", bits=32)
STAY = Table(
    "stay",
    (
        Column("a", DAY), Column("b", DAY), Column("n", NUMBER),
        Column("r", ColumnType("range", "int4range", element=NUMBER)),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("r", Span("r", "r")),
        ("daterange(a, b)", Span("a", "b")),
        ("daterange(a, b, '[]'::text)", Span("a", "b", closed=True)),
        ("daterange((a)::date, COALESCE(b, 'infinity'::date))", Span("a", "b")),
        ("daterange(a, (a + 1))", None),
        ("daterange(a, b, n::text)", None),
        ("n", None),
        ("lower(r)", None),
    ],
)
def test_spans(text: str, span: Span | None) -> None:
    assert parse_span(text, STAY, "postgresql") == span


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("NOT isempty(r)", RangeLimits()),
        ("lower_inc(r) AND NOT upper_inf(r)", RangeLimits()),
        ("upper(r) IS NOT NULL", RangeLimits()),
        ("lower(r) < upper(r)", RangeLimits()),
        ("lower(r) > 3", RangeLimits(low=4)),
        ("9 >= upper(r)", RangeLimits(high=9)),
        ("lower(r) >= 0 AND upper(r) <= 24", RangeLimits(low=0, high=24)),
        ("upper(r) - lower(r) < 5", RangeLimits(most=4)),
        ("upper(r) - lower(r) = 7", RangeLimits(least=7, most=7)),
        ("upper(r) - lower(r) <= '1 day 04:00:00'::interval", RangeLimits(most=timedelta(hours=28))),
        ("r <@ '[0,40)'::int4range", RangeLimits(low=0, high=40)),
        ("'[0,40)'::int4range @> r", RangeLimits(low=0, high=40)),
    ],
)
def test_conditions_on_ranges(text: str, limits: RangeLimits) -> None:
    assert range_condition(text, STAY, "postgresql") == ("r", limits)


@pytest.mark.parametrize(
    "text", ["upper_inf(r)", "lower(r) <= 3", "isempty(r)", "n > 3", "r = '[1,2)'::int4range", "lower(r) > n"]
)
def test_other_conditions_are_left_to_others(text: str) -> None:
    assert range_condition(text, STAY, "postgresql") is None


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60), st.integers(1, 5)), min_size=1, max_size=40),
    st.integers(0, 30),
)
def test_placed_spans_never_overlap(rows: list[tuple[int, int, int]], spare: int) -> None:
    groups, low, taken = (np.array(part) for part in zip(*sorted(rows), strict=True))
    ceiling = max(60, int(np.bincount(groups, weights=taken).max())) + spare
    placed = place_spans(groups, low, taken, (0, 60), ceiling)
    same = groups[1:] == groups[:-1]
    assert ((placed[1:] >= (placed + taken)[:-1]) | ~same).all()
    assert placed.min() >= min(0, 60 - ceiling) or (np.bincount(groups, weights=taken).max() > 60)
    assert (placed + taken).max() <= ceiling
    quiet = (low[1:] >= (low + taken)[:-1]) | ~same
    if quiet.all() and (low + taken).max() <= 60:
        assert (placed == low).all()

"""Documents and arrays are learned: keys, types, values, sizes and what they have to do with the rest of the row."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa

import fixturesynth as fs
from fixturesynth.dataset import Dataset
from fixturesynth.loading.reading import read_rows
from fixturesynth.planning.plan import Modelled, Rule
from fixturesynth.rules.contract import ColumnContext, RuleCall
from fixturesynth.rules.documents import inside
from fixturesynth.rules.registry import space_of
from fixturesynth.schema.model import Column, ColumnType, PrimaryKey, Schema, Table

THINGS = """
CREATE TABLE things (
    id serial PRIMARY KEY,
    doc jsonb NOT NULL,
    state varchar(10) NOT NULL,
    tags text[] NOT NULL,
    CHECK (jsonb_typeof(doc) = 'object' AND doc ? 'size'),
    CHECK ((doc ->> 'size')::int > 5 OR state <> 'many'),
    CHECK (cardinality(tags) BETWEEN 1 AND 3)
)
"""


def execute(url: str, *statements: str | tuple[str, list[tuple[Any, ...]]]) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            text, rows = statement if isinstance(statement, tuple) else (statement, None)
            mark = "?" if url.startswith("sqlite") else "%s"
            if rows is None:
                connection.exec_driver_sql(text)
            else:
                connection.exec_driver_sql(text.replace("?", mark), rows)
    engine.dispose()


def loaded(data: Dataset, url: str) -> dict[str, int]:
    """Rows that were loaded, with every constraint on, in the place of those that were there."""
    return dict(fs.load(data, url, mode="truncate").rows)


# Whole documents and arrays as categories ----------------------------------------------------------------------------


def test_few_documents_and_arrays_are_learned_as_they_are(postgresql_database: str) -> None:
    chance = random.Random(2)
    rows = []
    for _ in range(300):
        size = chance.randrange(12)
        document = json.dumps({"size": size, "kind": chance.choice("ab")})
        rows.append((document, "many" if size > 5 else "few", chance.sample("xyz", chance.randint(1, 3))))
    execute(postgresql_database, THINGS, ("INSERT INTO things (doc, state, tags) VALUES (?, ?, ?)", rows))
    synthesizer = fs.fit(postgresql_database, seed=1)
    plan = synthesizer.plan["things"]
    assert all(isinstance(plan.column(name).source, Modelled) for name in ("doc", "state", "tags"))
    data = synthesizer.sample(rows={"things": 900}, seed=3)
    made = data.arrow("things").to_pylist()
    documents = [json.loads(row["doc"]) for row in made]
    assert {tuple(sorted(d)) for d in documents} == {("kind", "size")}
    assert {type(d["size"]) for d in documents} == {int}
    assert {d["size"] for d in documents} == set(range(12))
    assert {d["kind"] for d in documents} == {"a", "b"}
    assert all((d["size"] > 5) == (row["state"] == "many") for d, row in zip(documents, made, strict=True))
    real, ours = Counter(len(tags) for _, _, tags in rows), Counter(len(row["tags"]) for row in made)
    assert all(abs(real[n] / 300 - ours[n] / 900) < 0.06 for n in (1, 2, 3))
    assert all(set(row["tags"]) <= set("xyz") and len(set(row["tags"])) == len(row["tags"]) for row in made)
    assert loaded(data, postgresql_database) == {"things": 900}


def test_equal_documents_count_once_where_the_type_writes_them_alike() -> None:
    table = Table("t", (Column("id", ColumnType("integer", "integer", bits=32), nullable=False),
                        Column("doc", ColumnType("json", "jsonb"))), primary_key=PrimaryKey(("id",)))  # fmt: skip
    texts = ['{"b":2,"a":1}', '{"a": 1, "b": 2}', '{"a": 5}'] * 40
    rows = Dataset({"t": pa.table({"id": range(120), "doc": texts})})
    model = fs.fit(rows, schema=Schema((table,), dialect="postgresql"), seed=1)
    assert set(model.sample(seed=2).arrow("t")["doc"].to_pylist()) == {'{"a": 1, "b": 2}', '{"a": 5}'}


def test_objects_of_a_frame_are_documents() -> None:
    import pandas as pd

    frame = pd.DataFrame({"id": range(200), "doc": [{"a": i % 5, "b": "xy"[i % 2]} for i in range(200)]})
    made = fs.fit({"t": frame}, seed=1).sample(seed=2).arrow("t")["doc"].to_pylist()
    assert {json.dumps(json.loads(d)) for d in made} <= {json.dumps({"a": i % 5, "b": "xy"[i % 2]}) for i in range(10)}


def test_what_decides_a_document_still_does(sqlite_database: str) -> None:
    settings = {f"k{i}": json.dumps({"limit": i, "on": i % 2 == 0}) for i in range(20)}
    rows = [(kind, settings[kind]) for i in range(800) for kind in [f"k{i * 7 % 20}"]]
    execute(sqlite_database, "CREATE TABLE q (id INTEGER PRIMARY KEY, kind TEXT, settings TEXT)",
            ("INSERT INTO q (kind, settings) VALUES (?, ?)", rows))  # fmt: skip
    made = fs.fit(sqlite_database, seed=1).sample(seed=2).arrow("q").to_pylist()
    assert all(settings[row["kind"]] == row["settings"] for row in made)


# Documents by their shape ---------------------------------------------------------------------------------------------

JSON = {"postgresql": "jsonb", "mysql": "json", "sqlite": "text"}
KEYS = {
    "click": {"type", "user", "ts", "x", "y"},
    "buy": {"type", "user", "ts", "total", "items"},
    "view": {"type", "user", "ts", "ref"},
}


def email_of(number: int) -> str:
    """Somebody's own address, at a domain of their own."""
    chance = random.Random(number)
    names = ["".join(chance.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(9)) for _ in range(2)]
    return f"{names[0]}@{names[1]}.test"


def event(chance: random.Random, kind: str, number: int) -> dict[str, Any]:
    age = round(chance.gauss(45 if kind == "buy" else 25, 2))
    out: dict[str, Any] = {
        "type": kind,
        "user": {"email": email_of(number), "age": age, "vip": chance.random() < 0.1},
        "ts": f"2024-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}T{chance.randrange(24):02d}:30:00Z",
    }
    if kind == "click":
        out |= {"x": chance.randrange(1920), "y": chance.randrange(1080)}
    elif kind == "buy":
        items = [{"sku": f"SK-{chance.randrange(1000):04d}", "n": 1} for _ in range(chance.randint(1, 4))]
        out |= {"total": round(chance.uniform(1, 100), 2), "items": items}
    else:
        out["ref"] = chance.choice([None, "search", "mail"])
    return out


@pytest.fixture(params=["postgresql", "mysql", "sqlite"])
def events(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_database")
    chance = random.Random(5)
    rows = []
    for i in range(1200):
        kind = chance.choice(sorted(KEYS))
        rows.append((kind, json.dumps(event(chance, kind, i)) if i % 10 else None))
    key = {"mysql": "integer AUTO_INCREMENT", "sqlite": "integer", "postgresql": "serial"}[request.param]
    valid = "" if request.param == "postgresql" else ", CHECK (payload IS NULL OR json_valid(payload))"
    execute(
        url,
        f"CREATE TABLE events (id {key} PRIMARY KEY, kind varchar(10) NOT NULL, payload {JSON[request.param]}{valid})",
        ("INSERT INTO events (kind, payload) VALUES (?, ?)", rows),
    )
    return url


def test_documents_are_made_of_what_the_real_ones_are(events: str, tmp_path: Path) -> None:
    synthesizer = fs.fit(events, seed=1)
    assert isinstance(synthesizer.plan["events"].column("payload").source, Rule)
    synthesizer.save(tmp_path / "events.fsynth")
    again = fs.open_model(tmp_path / "events.fsynth")
    data = again.sample(rows={"events": 2000}, seed=3)
    assert data.content_hash("events") == synthesizer.sample(rows={"events": 2000}, seed=3).content_hash("events")
    rows = data.arrow("events").to_pylist()
    made = [(row["kind"], json.loads(row["payload"])) for row in rows if row["payload"] is not None]
    assert 0.07 < 1 - len(made) / len(rows) < 0.13
    assert all(set(d) == KEYS[d["type"]] for _, d in made)
    assert all(d["type"] == kind for kind, d in made)
    assert all(set(d["user"]) == {"email", "age", "vip"} and type(d["user"]["vip"]) is bool for _, d in made)
    ages = {kind: [d["user"]["age"] for k, d in made if k == kind] for kind in KEYS}
    assert abs(sum(ages["buy"]) / len(ages["buy"]) - 45) < 1
    assert abs(sum(ages["view"]) / len(ages["view"]) - 25) < 1
    assert all(0 <= d["x"] < 1920 and type(d["x"]) is int for k, d in made if k == "click")
    assert all(1 <= d["total"] <= 100 and round(d["total"], 2) == d["total"] for k, d in made if k == "buy")
    assert {d["ref"] for k, d in made if k == "view"} == {None, "search", "mail"}
    sizes = Counter(len(d["items"]) for k, d in made if k == "buy")
    assert set(sizes) == {1, 2, 3, 4} and min(sizes.values()) > 0.18 * sum(sizes.values())
    assert all(i["n"] == 1 and i["sku"].startswith("SK-") for k, d in made if k == "buy" for i in d["items"])
    assert all(d["ts"].startswith("2024-") and d["ts"].endswith(":30:00Z") for _, d in made)
    assert loaded(data, events) == {"events": 2000}


def test_nobodys_values_are_stored(events: str, tmp_path: Path) -> None:
    """Emails are one person's each: neither they nor their domains are in the file, nor in what is made of it."""
    synthesizer = fs.fit(events, seed=1)
    synthesizer.save(tmp_path / "events.fsynth")
    kept = (tmp_path / "events.fsynth").read_bytes()
    made = " ".join(filter(None, synthesizer.sample(seed=2).arrow("events")["payload"].to_pylist()))
    for email in map(email_of, range(1200)):
        assert not any(word in made or word.encode() in kept for word in email.split("@"))


def test_bytes_do_not_depend_on_workers_or_the_order_of_partitions(events: str) -> None:
    def backwards(function: Callable[[Any], Any], jobs: Iterable[Any]) -> list[Any]:
        return [function(job) for job in reversed(list(jobs))][::-1]

    synthesizer = fs.fit(events, seed=1)
    whole = synthesizer.sample(rows={"events": 70_000}, seed=3).content_hash("events")
    assert synthesizer.sample(rows={"events": 70_000}, seed=3, map=backwards).content_hash("events") == whole
    assert synthesizer.sample(rows={"events": 70_000}, seed=3, workers=2).content_hash("events") == whole


def test_checks_hold_on_documents_that_are_made_by_rule(postgresql_database: str) -> None:
    chance = random.Random(4)
    rows: list[tuple[Any, ...]] = []
    for _ in range(600):
        size = chance.randrange(10_000)
        state = "many" if size > 5000 else chance.choice(["few", "none"])
        tags = [f"w{chance.randrange(2000)}" for _ in range(chance.randint(1, 2))] + ["x"] * (state == "few")
        chance.shuffle(tags)
        parts = [chance.randrange(50) for _ in range(chance.randint(1, 4))]
        rows.append((json.dumps({"size": size, "parts": parts}), state, tags))
    execute(
        postgresql_database,
        "CREATE TABLE made (id serial PRIMARY KEY, doc jsonb NOT NULL, state varchar(10) NOT NULL, tags text[], "
        "CHECK (jsonb_typeof(doc -> 'parts') = 'array' AND jsonb_array_length(doc -> 'parts') BETWEEN 1 AND 4), "
        "CHECK ((doc ->> 'size')::int > 5000 OR state <> 'many'), CHECK ('x' = ANY (tags) OR state <> 'few'), "
        "CHECK (cardinality(tags) BETWEEN 1 AND 3))",
        ("INSERT INTO made (doc, state, tags) VALUES (?, ?, ?)", rows),
    )
    data = fs.fit(postgresql_database, seed=1).sample(rows={"made": 2000}, seed=3)
    states = Counter(data.arrow("made")["state"].to_pylist())
    real = Counter(state for _, state, _ in rows)
    assert all(abs(states[s] / 2000 - real[s] / 600) < 0.08 for s in real)
    assert loaded(data, postgresql_database) == {"made": 2000}


# Arrays by their shape ------------------------------------------------------------------------------------------------


def test_arrays_are_made_of_what_the_real_ones_are(postgresql_database: str) -> None:
    chance = random.Random(6)
    rows: list[tuple[Any, ...]] = []
    for i in range(500):
        grid = sorted(chance.sample(range(10, 300), chance.randint(0, 6)))
        prices = [round(chance.uniform(1, 50), 2) for _ in range(chance.randint(1, 5))]
        flags = [chance.choice([True, False, None]) for _ in range(3)]
        days = [f"2024-01-{chance.randint(1, 28):02d}" for _ in range(chance.randint(0, 4))]
        rows.append((grid if i % 4 else None, prices, flags, days))
    execute(
        postgresql_database,
        "CREATE TABLE lists (id serial PRIMARY KEY, grid int[], prices numeric(8, 2)[] NOT NULL, flags boolean[], "
        "days date[])",
        ("INSERT INTO lists (grid, prices, flags, days) VALUES (?, ?::numeric[], ?, ?::date[])", rows),
    )
    data = fs.fit(postgresql_database, seed=1).sample(rows={"lists": 1500}, seed=3)
    made = data.arrow("lists").to_pylist()
    grids = [row["grid"] for row in made if row["grid"] is not None]
    assert 0.2 < 1 - len(grids) / len(made) < 0.3
    assert all(grid == sorted(set(grid)) and all(10 <= n < 300 for n in grid) for grid in grids)
    assert {len(grid) for grid in grids} <= set(range(7)) and sum(map(len, grids)) / len(grids) == pytest.approx(
        3, abs=0.3
    )
    assert {len(row["prices"]) for row in made} == {1, 2, 3, 4, 5}
    assert all(1 <= price <= 50 for row in made for price in row["prices"])
    flags = Counter(flag for row in made for flag in row["flags"])
    assert set(flags) == {True, False, None} and all(len(row["flags"]) == 3 for row in made)
    assert all(len(row["days"]) <= 4 and all(str(d).startswith("2024-01-") for d in row["days"]) for row in made)
    assert loaded(data, postgresql_database) == {"lists": 1500}


def test_what_a_model_tells_is_the_same_however_rows_are_cut() -> None:
    kind = ColumnType("array", "text[]", element=ColumnType("text", "text"))
    context = ColumnContext("t", "tags", kind, "en_US", datetime(2026, 1, 1, tzinfo=UTC))
    values = {"values": ["x", "y", "z", "u", "v"], "weights": [9, 8, 3, 2, 1]}
    options = {
        "sizes": {"values": [1, 2, 3], "weights": [1, 1, 1]},
        "items": {"types": [["value", 9]], "parts": {"value": values}},
        "distinct": True,
        "members": [["x", 9], ["y", 8]],
    }
    space = space_of(RuleCall("elements", options), context)
    numbers = np.arange(300)
    told = {
        inside("", "array"): pa.array(numbers % 3 + 1),
        inside("", "member 0"): pa.array(numbers % 2 == 0),
        inside("", "member 1"): pa.array(numbers % 5 == 0),
    }
    whole = space.at(numbers, told)
    halves = [
        space.at(part, {n: v.take(pa.array(part)) for n, v in told.items()}) for part in (numbers[:7], numbers[7:])
    ]
    assert pa.concat_arrays(halves).equals(whole)
    for i, tags in enumerate(whole.to_pylist()):
        assert ("x" in tags, "y" in tags) == (i % 2 == 0, i % 5 == 0)
        assert len(tags) == len(set(tags)) == max(i % 3 + 1, (i % 2 == 0) + (i % 5 == 0))


# Reports --------------------------------------------------------------------------------------------------------------


def test_checks_say_what_they_tell_of_documents(events: str) -> None:
    schema = fs.reflect(events)
    real = read_rows(events, schema)
    data = fs.fit(events, seed=1).sample(seed=3)
    report = fs.evaluate(real, data, schema=schema, detection=False)
    (why,) = [one.why for one in report.left_out if one.column == "payload"]
    assert "keys with types the share of documents differs most for" in why

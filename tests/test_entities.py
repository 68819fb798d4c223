"""Entities that rows repeat without a table of their own: an order's number, date and customer on each of its lines."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

import fixturesynth as fs
from fixturesynth.cli import commands
from fixturesynth.dataset import Dataset
from fixturesynth.errors import InputError, SpecError
from fixturesynth.loading.reading import infer_schema, read_rows
from fixturesynth.modelfile import read_facts
from fixturesynth.planning.plan import ColumnPlan, Constant, Derived
from fixturesynth.planning.planner import Wishes
from fixturesynth.planning.rows import RowsAsked
from fixturesynth.planning.serialisation import plan_from_json, plan_to_json
from fixturesynth.profiling.entities import find_entities
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import Synthesizer, fit

HIDDEN = "line per order_no"
SETTLED = ("ordered", "customer_id", "mode", "gift")

TABLES = """
CREATE TABLE customer (customer_id INTEGER PRIMARY KEY, city TEXT NOT NULL);
CREATE TABLE line (
    line_id INTEGER PRIMARY KEY, order_no INTEGER NOT NULL, ordered DATE NOT NULL, shipped DATE NOT NULL,
    customer_id INTEGER NOT NULL REFERENCES customer, mode TEXT NOT NULL, gift BOOLEAN NOT NULL,
    product TEXT NOT NULL, quantity INTEGER NOT NULL, position INTEGER NOT NULL,
    UNIQUE (order_no, position), CHECK (shipped >= ordered), CHECK (mode IN ('air', 'rail', 'road'))
);
"""


def orders(count: int = 600, seed: int = 1) -> tuple[pa.Table, pa.Table]:
    """Customers, and lines of ``count`` orders, one to seven each."""
    rng = np.random.default_rng(seed)
    customers = pa.table({
        "customer_id": np.arange(1, 121), "city": rng.choice(["Bonn", "Kiel", "Ulm", "Jena"], 120)
    })  # fmt: skip
    sizes = rng.choice([1, 2, 3, 7], count, p=[0.4, 0.3, 0.2, 0.1])
    of = np.repeat(np.arange(count), sizes)
    lines = len(of)
    days = np.datetime64("2024-01-01") + rng.integers(0, 700, count)
    return customers, pa.table({
        "line_id": np.arange(1, lines + 1),
        "order_no": (50_000 + 7 * np.arange(count) + rng.integers(0, 7, count))[of],
        "ordered": pa.array(days[of].astype(str)),
        "shipped": pa.array((days[of] + rng.integers(0, 9, lines)).astype(str)),
        "customer_id": rng.integers(1, 121, count)[of],
        "mode": rng.choice(["air", "rail", "road"], count, p=[0.2, 0.3, 0.5])[of],
        "gift": rng.integers(0, 2, count)[of],
        "product": rng.choice([f"part {i}" for i in range(40)], lines),
        "quantity": rng.integers(1, 12, lines),
        "position": np.concatenate([np.arange(1, s + 1) for s in sizes]),
    })  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("orders") / "orders.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(TABLES)
        for name, rows in zip(("customer", "line"), orders(), strict=True):
            marks = ", ".join("?" * rows.num_columns)
            connection.executemany(
                f"INSERT INTO {name} VALUES ({marks})", [tuple(r.values()) for r in rows.to_pylist()]
            )
    return f"sqlite:///{path}"


@pytest.fixture(scope="module")
def learned(source: str) -> Synthesizer:
    return fit(source, seed=3)


def values_of(rows: pa.Table, key: str, column: str) -> int:
    """The most values that a column has in the rows of one value of ``key``."""
    frame = rows.select([key, column]).to_pandas()
    return int(frame.groupby(key)[column].nunique(dropna=False).max())


def found_in(**tables: pa.Table) -> dict[str, tuple[str, ...]]:
    """Columns of what is found, by name."""
    dataset = Dataset(tables)
    entities, _ = find_entities(infer_schema(dataset), dataset)
    return {e.name: e.column_names for e in entities}


# -- what is one ------------------------------------------------------------------------------------------------------
def test_an_order_is_found_on_its_lines(source: str) -> None:
    schema = reflect(source)
    (entity,), dataset = find_entities(schema, read_rows(source, schema))
    assert (entity.name, entity.keys, entity.repeated_in) == (HIDDEN, (("order_no",),), "line")
    assert entity.column_names == ("order_no", *SETTLED)
    assert [fk.parent for fk in entity.foreign_keys] == ["customer"]
    assert [c.columns for c in entity.checks] == [("mode",)]
    rows = dataset.arrow(HIDDEN)
    assert rows.num_rows == 600
    assert set(zip(*(rows.column(c).to_pylist() for c in ("order_no", *SETTLED)), strict=True)) == {
        tuple(r[c] for c in ("order_no", *SETTLED)) for r in dataset.arrow("line").to_pylist()
    }


def test_a_number_that_settles_nothing_is_none() -> None:
    lines = orders()[1]
    rng = np.random.default_rng(5)
    mixed = {c: rng.permutation(lines.column(c).to_numpy(zero_copy_only=False)) for c in (*SETTLED, "shipped")}
    apart = pa.table({c: mixed.get(c, lines.column(c)) for c in lines.column_names})
    assert found_in(line=lines).keys() == {HIDDEN}
    assert found_in(line=apart) == {}


def test_few_values_that_many_rows_share_are_a_category() -> None:
    rng = np.random.default_rng(2)
    which = rng.integers(0, 120, 4_000)
    zones = np.array([f"zone {chr(65 + i % 26)}{chr(97 + i // 26)}" for i in range(120)])
    heights, regions = rng.integers(0, 3_000, 120), rng.choice(["north", "south", "west"], 120)
    rows = {"id": np.arange(4_000), "height": heights[which], "region": regions[which], "x": rng.random(4_000)}
    assert found_in(visit=pa.table({**rows, "zone": zones[which]})) == {}
    assert found_in(visit=pa.table({**rows, "visitor_no": which + 1})) == {
        "visit per visitor_no": ("height", "region", "visitor_no")
    }


def test_what_follows_from_a_date_alone_is_none() -> None:
    rng = np.random.default_rng(3)
    days = np.datetime64("2023-01-01") + rng.integers(0, 300, 2_000)
    rows = pa.table({
        "id": np.arange(2_000), "day": days.astype(str), "year": days.astype("datetime64[Y]").astype(int) + 1970,
        "month": days.astype("datetime64[M]").astype(int) % 12 + 1, "day_no": (days - days.min()).astype(int),
        "amount": rng.integers(1, 500, 2_000),
    })  # fmt: skip
    assert found_in(sale=rows) == {}


def test_what_a_parent_settles_is_no_evidence(source: str) -> None:
    """City and name of the customer, repeated on each order beside the reference, and a second number of his."""
    rng = np.random.default_rng(4)
    customers = 200
    of = rng.integers(0, customers, 1_500)
    city, born = rng.integers(0, 40, customers), rng.integers(1950, 2005, customers)
    parent = pa.table({"customer_id": np.arange(customers)})
    rows = pa.table({
        "id": np.arange(1_500), "customer_id": of, "client_no": of + 7_000, "town": [f"town {i}" for i in city[of]],
        "born": born[of], "amount": rng.integers(1, 500, 1_500),
    })  # fmt: skip
    schema = infer_schema(Dataset({"customer": parent, "sale": rows}))
    assert [fk.parent for fk in schema["sale"].foreign_keys] == ["customer"]
    assert found_in(customer=parent, sale=rows) == {}
    assert "sale per client_no" in found_in(sale=rows.drop_columns(["customer_id"]))


def test_where_orders_mostly_go_is_their_customers_own() -> None:
    rng = np.random.default_rng(7)
    of = rng.integers(0, 120, 900)
    own = rng.random(900) < 0.95
    parent = pa.table({"customer_id": np.arange(120)})
    rows = pa.table({
        "id": np.arange(900), "customer_id": of, "amount": rng.integers(1, 99, 900),
        "ship_address": np.where(own, [f"{i} Elm Road" for i in of], [f"{i} Oak Lane" for i in range(900)]),
    })  # fmt: skip
    assert found_in(customer=parent, sale=rows) == {}


def test_what_settles_most_is_the_one() -> None:
    """Lines of an order, orders of a customer: what is known of the customer goes with the order."""
    rng = np.random.default_rng(6)
    client = rng.integers(0, 150, 600)
    lines = orders()[1].drop_columns(["customer_id"])
    of = np.unique(lines.column("order_no").to_numpy(), return_inverse=True)[1]
    names = np.array([f"C-{4_000 + 3 * i}" for i in range(150)])
    rating, since = rng.integers(1, 90, 150), rng.integers(1990, 2020, 150)
    lines = lines.append_column("client_id", pa.array(names[client][of]))
    lines = lines.append_column("rating", pa.array(rating[client][of]))
    lines = lines.append_column("since", pa.array(since[client][of]))
    assert found_in(line=lines) == {HIDDEN: ("order_no", "ordered", "mode", "gift", "client_id", "rating", "since")}
    made = fit(Dataset({"line": lines}), seed=1)
    rows = made.sample(seed=2).arrow("line")
    assert {values_of(rows, "order_no", c) for c in ("ordered", "client_id", "rating", "since")} == {1}
    assert list(made.sample(seed=2)) == ["line"]


def test_what_nearly_all_rows_agree_in_goes_along() -> None:
    rng = np.random.default_rng(8)
    lines = orders()[1]
    of = np.unique(lines.column("order_no").to_numpy(), return_inverse=True)[1]
    depots = np.array(["Gera", "Hamm", "Trier", "Worms", "Celle", "Fulda"])
    depot = depots[rng.integers(0, 6, 600)][of]
    depot[rng.choice(len(depot), 25, replace=False)] = "Fulda"
    lines = lines.append_column("depot", pa.array(depot))
    assert "depot" in found_in(line=lines)[HIDDEN]
    rows = fit(Dataset({"line": lines}), seed=1).sample(seed=2)["line"]
    several = rows[rows.groupby("order_no")["depot"].transform("size") > 1].groupby("order_no")["depot"].nunique()
    assert 1.0 < several.mean() < 1.15  # real ones have 1.05; drawn row by row there would be 2.5


# -- rows -------------------------------------------------------------------------------------------------------------
def test_rows_of_one_order_agree(source: str, learned: Synthesizer) -> None:
    data = learned.sample(seed=5)
    rows = data.arrow("line")
    assert {values_of(rows, "order_no", c) for c in SETTLED} == {1}
    assert values_of(rows, "order_no", "quantity") > 1
    assert set(rows.column("customer_id").to_pylist()) <= set(data.arrow("customer").column("customer_id").to_pylist())
    real, made = (
        t.column("order_no").value_counts().to_pylist() for t in (read_rows(source, learned.schema).arrow("line"), rows)
    )
    sizes = [np.bincount([one["counts"] for one in side], minlength=8) for side in (real, made)]
    assert np.abs(sizes[0] - sizes[1]).sum() <= 0.02 * sizes[0].sum()


def test_checks_across_orders_and_lines_hold(learned: Synthesizer, tmp_path: Path) -> None:
    frame = learned.sample(seed=6)["line"]
    assert (frame["shipped"] >= frame["ordered"]).all()
    assert set(frame["mode"]) <= {"air", "rail", "road"}
    assert not frame.duplicated(["order_no", "position"]).any()


@pytest.mark.parametrize(
    ("asked", "lines", "entities"),
    [
        ({"rows": {"line": 300}}, 300, 133), ({"rows": {"line": 1}}, 1, 1), ({"rows": 60}, 60, 27),
        ({"scale": 0.5}, 676, 300), ({"rows": {"customer": 60}}, 676, 300), ({"rows": {"line": 4_000}}, 4_000, 1_774),
    ],
)  # fmt: skip
def test_orders_follow_the_lines_asked_for(learned: Synthesizer, asked: dict, lines: int, entities: int) -> None:
    rows = learned.sample(seed=7, **asked).arrow("line")
    assert rows.num_rows == lines
    assert len(rows.column("order_no").unique()) == entities
    assert {values_of(rows, "order_no", c) for c in SETTLED} == {1}


def test_given_values_are_those_of_orders(learned: Synthesizer) -> None:
    assert set(learned.sample(seed=1, given={"line": {"mode": "air"}})["line"]["mode"]) == {"air"}
    half = learned.sample(seed=1, given={"line": {"mode": ("air", 0.5)}}).arrow("line")
    assert values_of(half, "order_no", "mode") == 1
    assert half.to_pandas().groupby("order_no")["mode"].first().eq("air").mean() >= 0.5
    with pytest.raises(InputError, match=r"line\.order_no tells apart"):
        learned.sample(given={"line": {"order_no": 7}})


def test_rows_without_an_order_have_nothing_of_one() -> None:
    lines = orders()[1]
    rng = np.random.default_rng(9)
    none = np.zeros(lines.num_rows, dtype=bool)
    none[rng.choice(lines.num_rows, 40, replace=False)] = True
    mine = {"order_no", "mode"}
    bare = pa.table({
        c: pa.array([None if n and c in mine else v for n, v in zip(none, lines.column(c).to_pylist(), strict=True)])
        for c in lines.column_names
    })  # fmt: skip
    # Orders of rows without a number are unknown: what these rows have is not an order's.
    assert "ordered" not in found_in(line=bare).get(HIDDEN, ())
    alone = bare.drop_columns(["ordered", "customer_id", "gift"])
    alone = alone.append_column("buyer", pa.array([
        None if n else f"buyer {o % 211}" for n, o in zip(none, lines.column("order_no").to_pylist(), strict=True)
    ]))  # fmt: skip
    assert found_in(line=alone)[HIDDEN] == ("order_no", "mode", "buyer")
    frame = fit(Dataset({"line": alone}), seed=1).sample(seed=2)["line"]
    apart = frame["order_no"].isna()
    assert 20 <= apart.sum() <= 60
    assert frame[apart][["mode", "buyer"]].isna().all(axis=None)
    assert frame[~apart].groupby("order_no")["buyer"].nunique().eq(1).all()


def test_numbers_of_orders_hold_their_own_check(source: str, tmp_path: Path) -> None:
    path = tmp_path / "checked.sqlite"
    customers, lines = orders()
    with sqlite3.connect(path) as connection:
        connection.executescript(TABLES.replace("CHECK (mode", "CHECK (order_no > 50000), CHECK (mode"))
        for name, rows in (("customer", customers), ("line", lines)):
            marks = ", ".join("?" * rows.num_columns)
            connection.executemany(
                f"INSERT INTO {name} VALUES ({marks})", [tuple(r.values()) for r in rows.to_pylist()]
            )
    made = fit(f"sqlite:///{path}", seed=3)
    assert [e.name for e in made.entities] == [HIDDEN]
    number = made.sample(seed=4, rows={"line": 4_000})["line"]["order_no"]
    assert 50_000 < number.min() < number.max() < 60_000


def test_values_are_protected_by_order_not_by_line(learned: Synthesizer, source: str) -> None:
    """A text that one order's lines alone have is stored nowhere, however many they are."""
    lines = orders()[1]
    number = lines.column("order_no").to_numpy()
    numbers, sizes = np.unique(number, return_counts=True)
    mine = number == numbers[np.argmax(sizes)]
    product = pa.array(np.where(mine, "Zweibruecken special", lines.column("product").to_numpy(zero_copy_only=False)))
    rows = lines.set_column(lines.column_names.index("product"), "product", product)
    assert mine.sum() == 7
    profile = fit(Dataset({"line": rows}), seed=1).profile
    assert profile is not None
    assert "Zweibruecken" not in repr(profile)
    alone = fit(Dataset({"line": rows.drop_columns(["order_no", "position"])}), seed=1).profile
    assert "Zweibruecken" in repr(alone)


# -- nothing of it shows ----------------------------------------------------------------------------------------------
def test_nobody_sees_the_table(learned: Synthesizer) -> None:
    assert learned.schema.names == ("customer", "line")
    assert [fk.parent for fk in learned.schema["line"].foreign_keys] == ["customer"]
    assert list(learned.sample(seed=1)) == ["customer", "line"]
    assert sorted(learned.trained_on) == ["customer", "line"]
    assert [t.name for t in learned.plan.shown] == ["customer", "line"]
    assert learned.whole.names == ("customer", "line", HIDDEN)
    with pytest.raises(SpecError, match="unknown table"):
        learned.sample(rows={HIDDEN: 10})
    seen: list[str] = []
    learned.sample(seed=1, progress=lambda table, done, of: seen.append(table))
    assert set(seen) <= {"customer", "line"}


def test_workers_change_no_byte(learned: Synthesizer) -> None:
    one, two = learned.sample(seed=4), learned.sample(seed=4, workers=2)
    assert one.content_hash("line") == two.content_hash("line")


def test_a_model_file_keeps_it(learned: Synthesizer, tmp_path: Path) -> None:
    opened = Synthesizer.open(learned.save(tmp_path / "orders.fsynth"))
    assert opened.schema == learned.schema
    assert opened.whole == learned.whole
    assert opened.sample(seed=4).content_hash("line") == learned.sample(seed=4).content_hash("line")
    assert read_facts(tmp_path / "orders.fsynth")["rows"] == {"customer": 120, "line": 1_353}


def test_plans_of_older_files_are_read(learned: Synthesizer) -> None:
    members = json.loads(plan_to_json(learned.plan))
    for table in members["tables"]:
        del table["repeated_in"]
    assert {t.repeated_in for t in plan_from_json(json.dumps(members)).tables} == {None}


def test_the_command_line_never_names_it(learned: Synthesizer, source: str, tmp_path: Path) -> None:
    model = str(learned.save(tmp_path / "orders.fsynth"))
    target, folder = tmp_path / "made.sqlite", tmp_path / "files"

    def run(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(commands, words, catch_exceptions=False)
        assert done.exit_code == code, done.output
        return done.output

    told = run("seed", f"sqlite:///{target}", "--from", model)
    told += run("seed", f"sqlite:///{target}", "--from", model, "--append")
    told += run("generate", model, "-o", str(folder), "--format", "csv")
    told += run("fit", source, "-o", str(tmp_path / "again.fsynth"), "--seed", "3")
    told += (folder / "fixturesynth-manifest.json").read_text()
    told += run("generate", model, "-o", str(tmp_path / "x"), "--rows", f"{HIDDEN}=3", code=2).replace(
        HIDDEN + "=3", ""
    )
    assert " per order_no" not in told.replace("'" + HIDDEN + "'", "")
    assert "2,946 rows of 2 tables" not in told
    assert sorted(p.name for p in folder.iterdir()) == ["customer.csv", "fixturesynth-manifest.json", "line.csv"]
    with sqlite3.connect(target) as connection:
        names = {n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert not any(" per " in n for n in names)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        # Rows that were added are of orders of their own.
        most = "SELECT max(n) FROM (SELECT count(DISTINCT ordered) AS n FROM line GROUP BY order_no)"
        assert connection.execute(most).fetchone() == (1,)
        assert connection.execute("SELECT count(*), count(DISTINCT order_no) FROM line").fetchone() == (2_706, 1_200)


def test_a_plan_says_what_it_is(learned: Synthesizer, source: str) -> None:
    shown = CliRunner().invoke(commands, ["plan", source, "-q"], env={"COLUMNS": "200"}).output
    assert "2 tables in this order" in shown
    assert f"{HIDDEN}  no table of its own: rows of line repeat it" in shown
    tables = json.loads(CliRunner().invoke(commands, ["plan", source, "--json"]).stdout)["tables"]
    assert {t["name"]: t["repeated_in"] for t in tables} == {"customer": None, HIDDEN: "line", "line": None}


def test_drift_and_strategies_know_the_table_of_the_source_alone(learned: Synthesizer, source: str) -> None:
    from hypothesis import HealthCheck, given, settings

    from fixturesynth.evaluation.drifting import drift
    from fixturesynth.strategies import from_model

    report = drift(learned, source)
    assert not report.refit, report
    assert " per " not in str(report)

    @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
    @given(from_model(learned, tables=["line"], max_rows=20))
    def holds(rows: dict) -> None:
        assert set(rows) == {"customer", "line"}
        orders_of = {}
        for row in rows["line"]:
            assert orders_of.setdefault(row["order_no"], row["mode"]) == row["mode"]

    holds()


def test_factories_make_rows_of_further_orders(learned: Synthesizer) -> None:
    from pytest_fixturesynth.edges import with_edges
    from pytest_fixturesynth.stock import Stock

    data = learned.sample(seed=3)
    lot = Stock(learned, lambda: data, "sqlite").lot("line", 0, {"mode": "air"})
    assert sorted(lot.shelves) == ["customer", "line"]
    shelf = lot.shelves["line"]
    rows = shelf.rows.filter(pa.array(shelf.usable)).to_pandas()
    assert len(rows) > 100
    assert set(rows["mode"]) == {"air"}
    assert not set(rows["order_no"]) & set(data["line"]["order_no"])
    assert {values_of(with_edges(learned, data).arrow("line"), "order_no", c) for c in SETTLED} == {1}


# -- what the user says -----------------------------------------------------------------------------------------------
def test_a_column_that_the_spec_decides_stays_with_its_rows(source: str) -> None:
    mode = {"line": {"mode": ColumnPlan("mode", Constant("rail"), "in the spec")}}
    made = fit(source, wishes=Wishes(columns=mode), seed=3)
    assert made.entities[0].column_names == ("order_no", "ordered", "customer_id", "gift")
    assert set(made.sample(seed=1)["line"]["mode"]) == {"rail"}
    number = {"line": {"order_no": ColumnPlan("order_no", Constant(7), "in the spec")}}
    assert fit(source, wishes=Wishes(columns=number), seed=3).entities == ()
    assert fit(source, generator="rules").entities == ()


def test_rows_in_the_spec_are_those_of_the_lines(source: str) -> None:
    made = fit(source, wishes=Wishes(rows=RowsAsked({"line": 200})), seed=3)
    assert [(t.name, t.rows) for t in made.plan.tables] == [("customer", 120), (HIDDEN, 89), ("line", 200)]
    copied = {
        c.name for c in made.plan["line"].columns if isinstance(c.source, Derived) and c.source.operation == "copy"
    }
    assert copied == set(SETTLED)


def test_names_are_made_up_and_columns_keep_their_types() -> None:
    rng = np.random.default_rng(11)
    first, last = ["Ada", "Ben", "Cleo", "Dan", "Eva", "Finn"], ["Abel", "Braun", "Conrad", "Dietz", "Ernst", "Falk"]
    names = [f"{first[i % 6]} {last[i // 6 % 6]}-{last[i % 5]}" for i in range(400)]
    of = np.repeat(np.arange(400), rng.integers(1, 6, 400))
    rows = pa.table({
        "entry_id": np.arange(len(of)), "athlete_no": of * 5 + 1_000, "name": [names[i] for i in of],
        "height": pa.array(rng.integers(150, 200, 400)[of], mask=(of % 9 == 0)), "place": rng.integers(1, 80, len(of)),
    })  # fmt: skip
    made = fit(Dataset({"entry": rows}), seed=1).sample(seed=2).arrow("entry")
    assert made.schema.field("athlete_no").type == pa.int64()
    assert {values_of(made, "athlete_no", c) for c in ("name", "height")} == {1}
    assert made.column("height").null_count > 0
    assert not set(made.column("name").to_pylist()) & set(names)


def test_same_seed_same_rows(source: str, learned: Synthesizer) -> None:
    again: Callable[[], Synthesizer] = lambda: fs.fit(source, seed=3)  # noqa: E731
    assert again().sample(seed=9).content_hash("line") == learned.sample(seed=9).content_hash("line")


def test_lists_of_the_world_are_kept_whatever_they_repeat() -> None:
    """Towns with their district's number and name: a list that is kept word for word, not one whose districts are made
    up."""
    rng = np.random.default_rng(12)
    of = np.repeat(np.arange(80), 4)
    shores = np.array(["north", "south", "east", "west"])[rng.integers(0, 4, 80)]
    labels = [f"{a}{b}" for a in ("Alt", "Neu", "Ober", "Unter") for b in ("stadt", "dorf", "hof", "berg", "burg")]
    towns = pa.table({
        "town_id": np.arange(320), "city": [f"{labels[i % 20]} {chr(65 + i // 20)}" for i in range(320)],
        "area_no": of + 100, "area": [f"area {chr(65 + i % 20)}{chr(97 + i // 20)}" for i in of], "shore": shores[of],
    })  # fmt: skip
    assert found_in(town=towns) == {"town per area_no": ("area_no", "area", "shore")}
    made = fit(Dataset({"town": towns}), seed=1)
    assert made.entities == ()
    assert made.sample(seed=2).arrow("town").sort_by("town_id").to_pylist() == towns.to_pylist()

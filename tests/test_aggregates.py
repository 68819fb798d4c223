"""What children come to is found in their parents' columns, and is so in every generated row."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sibling_databases as real

import fixturesynth as fs
from fixturesynth.evaluation.invariants import kept_by
from fixturesynth.loading.reading import read_rows
from fixturesynth.profiling.columnar import view_table
from fixturesynth.profiling.invariants import find_invariants
from fixturesynth.profiling.profile import Invariant
from fixturesynth.schema.model import Schema
from fixturesynth.schema.reflection import reflect

Frames = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Any, Frames]:
    """URL, what was learned from it, and generated rows."""
    url = real.orders(tmp_path_factory.mktemp("shop") / "orders")
    model = fs.fit(url, seed=1)
    return url, model, dict(model.sample(seed=1).items())


def aggregates(schema: Schema, data: fs.Dataset, table: str) -> dict[str, Invariant]:
    return {i.target: i for i in find_invariants(schema, data)[table] if i.kind == "aggregate"}


def test_what_children_give_is_found(shop: tuple[str, Any, Frames]) -> None:
    url, model, _ = shop
    found = aggregates(model.schema, read_rows(url, model.schema), "orders")
    net = found["net"].parameters
    assert (net["how"], net["columns"], net["less"], net["each"]) == ("sum", ["quantity", "price"], "discount", True)
    assert found["line_count"].parameters["how"] == "count"
    assert found["returned"].parameters["weights"] == [["returned", 1]]
    assert (found["status"].parameters["how"], found["status"].parameters["child"]) == ("last", "order_events")
    assert "total" not in found  # that is net and shipping
    found = aggregates(model.schema, read_rows(url, model.schema), "customers")
    assert {n: (i.parameters["how"], i.parameters["empty"]) for n, i in found.items()} == {
        "order_count": ("count", "zero"),
        "spent": ("sum", "zero"),
        "last_order_on": ("max", "null"),
    }
    assert "in the end the sum of order_lines' quantity × price" in model.plan["orders"].column("net").why


def test_one_parent_that_does_not_fit_is_enough(shop: tuple[str, Any, Frames]) -> None:
    url, model, _ = shop
    frames = dict(read_rows(url, model.schema).items())
    orders = frames["orders"].copy()
    for column in ("net", "line_count", "returned"):
        values = orders[column].astype(float).to_numpy().copy()
        values[300] += 1
        orders[column] = values
    orders.loc[300, "status"] = "lost"
    data = fs.Dataset.from_frames({**frames, "orders": orders})
    assert not aggregates(model.schema, data, "orders")
    rule = aggregates(model.schema, read_rows(url, model.schema), "orders")["net"]
    views = {t.name: view_table(t, data.arrow(t.name)) for t in model.schema}
    witnesses, kept = kept_by(rule, views["orders"], views)
    assert witnesses - kept == 1


def test_every_parent_has_what_its_children_come_to(shop: tuple[str, Any, Frames]) -> None:
    _, _, rows = shop
    orders, lines, events = rows["orders"].set_index("id"), rows["order_lines"], rows["order_events"]
    hundredths = np.rint(lines["quantity"].astype(float) * np.rint(lines["price"].astype(float) * 100)
                         * (100 - np.rint(lines["discount"].astype(float) * 100)))  # fmt: skip
    net = ((hundredths + 50) // 100).groupby(lines["order_id"]).sum().reindex(orders.index, fill_value=0)
    cents = np.rint(orders[["net", "shipping", "total"]].astype(float) * 100)
    assert (cents["net"] == net).all() and (cents["net"] + cents["shipping"] == cents["total"]).all()
    sizes = lines.groupby("order_id").size().reindex(orders.index, fill_value=0)
    assert (orders["line_count"] == sizes).all()
    returned = (lines["state"] == "returned").groupby(lines["order_id"]).sum().reindex(orders.index, fill_value=0)
    assert (orders["returned"] == returned).all()
    last = events.sort_values(["happened_at", "id"]).groupby("order_id")["status"].last()
    assert (orders["status"] == last.reindex(orders.index)).all()
    customers = rows["customers"].set_index("id")
    own = orders.groupby("customer_id")
    assert (customers["order_count"] == own.size().reindex(customers.index, fill_value=0)).all()
    spent = cents["total"].groupby(orders["customer_id"]).sum().reindex(customers.index, fill_value=0)
    assert (np.rint(customers["spent"].astype(float) * 100) == spent).all()
    latest = own["ordered_on"].max().reindex(customers.index)
    assert (customers["last_order_on"].isna() == latest.isna()).all()
    assert (customers["last_order_on"].dropna() == latest.dropna()).all()


def test_orders_only_go_forward(shop: tuple[str, Any, Frames]) -> None:
    url, model, rows = shop
    schema = reflect(url)
    (rule,) = [i for i in find_invariants(schema, read_rows(url, schema))["order_events"] if i.kind == "progress"]
    assert rule.parameters["states"] == list(real.STEPS) and rule.parameters["first_only"]
    events = rows["order_events"].sort_values(["order_id", "happened_at", "id"])
    place = events.groupby("order_id").cumcount()
    assert (events["status"].to_numpy() == np.array(real.STEPS)[place.to_numpy()]).all()
    assert "only goes forward" in model.plan["order_events"].column("status").why


def test_a_process_with_ways_of_its_own(tmp_path: Path) -> None:
    """States that may be left out, stay, or end it; one row that goes back is enough to believe none of it."""
    rng = np.random.default_rng(4)
    after = {"new": ["open", "dropped"], "open": ["open", "held", "done"], "held": ["held", "done", "dropped"]}
    rows = []
    for ticket in range(300):
        state = "new"
        for place in range(9):
            rows.append((ticket + 1, place, state))
            if state not in after or rng.random() < 0.1:
                break
            state = str(rng.choice(after[state]))
    events = pd.DataFrame(rows, columns=["ticket_id", "place", "state"])
    events.insert(0, "id", np.arange(1, len(events) + 1))
    events["seen_on"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(events["ticket_id"] + 3 * events["place"], "D")
    ddl = """
    CREATE TABLE tickets (id INTEGER PRIMARY KEY, topic TEXT NOT NULL);
    CREATE TABLE events (id INTEGER PRIMARY KEY, ticket_id INTEGER NOT NULL REFERENCES tickets(id),
      place INTEGER NOT NULL, state TEXT NOT NULL, seen_on TIMESTAMP NOT NULL);
    """
    tickets = pd.DataFrame({"id": np.arange(1, 301), "topic": rng.choice(["a", "b"], 300)})
    url = real.write(tmp_path / "tickets", ddl, {"tickets": tickets, "events": events})
    model = fs.fit(url, seed=1)
    made = model.sample(seed=1)["events"].sort_values(["ticket_id", "seen_on", "id"])
    before = made.groupby("ticket_id")["state"].shift()
    steps = {(a, b) for a, b in zip(before, made["state"], strict=True) if a == a and a is not None}
    assert steps <= {(a, b) for a, many in after.items() for b in many}
    assert set(made.groupby("ticket_id")["state"].first()) == {"new"}
    shares = [f["state"].value_counts(normalize=True) for f in (events, made)]
    assert (shares[0] - shares[1]).abs().max() < 0.05

    schema = reflect(url)
    frames = dict(read_rows(url, schema).items())
    back = frames["events"].copy()
    back.loc[back.index[back["state"] == "done"][0] - 1, "state"] = "done"
    back.loc[back.index[back["state"] == "done"][1], "state"] = "new"
    found = find_invariants(schema, fs.Dataset.from_frames({**frames, "events": back}))["events"]
    assert not [i for i in found if i.kind == "progress"]


def test_a_check_comes_before_the_sum(tmp_path: Path) -> None:
    """Rows whose children come to more than a check of the parent allows keep what was drawn."""
    rng = np.random.default_rng(5)
    sizes = rng.integers(1, 5, 300)
    box = np.repeat(np.arange(300), sizes)
    weight = rng.integers(1, 25, box.size)
    total = np.bincount(box, weight)
    keep = total <= 60
    assert 0 < (~keep).sum() < 60
    items = pd.DataFrame({"box_id": box + 1, "weight": weight})[keep[box]]
    items.insert(0, "id", np.arange(1, len(items) + 1))
    boxes = pd.DataFrame({"id": np.arange(1, 301)[keep], "total": total[keep]})
    ddl = """
    CREATE TABLE boxes (id INTEGER PRIMARY KEY, total INTEGER NOT NULL CHECK (total <= 60));
    CREATE TABLE items (id INTEGER PRIMARY KEY, box_id INTEGER NOT NULL REFERENCES boxes(id), weight INTEGER NOT NULL);
    """
    model = fs.fit(real.write(tmp_path / "boxes", ddl, {"boxes": boxes, "items": items}), seed=1)
    made = model.sample(seed=1, scale=4)
    sums = made["items"].groupby("box_id")["weight"].sum().reindex(made["boxes"]["id"]).to_numpy()
    have = made["boxes"]["total"].to_numpy()
    assert have.max() <= 60
    assert ((have == sums) | (sums > 60)).all() and (have == sums).mean() > 0.9
    given = model.sample(seed=1, given={"boxes": {"total": 7}})
    assert (given["boxes"]["total"] == 7).all()


def test_dates_counted_from_a_date_that_is_missing_still_rise(tmp_path: Path) -> None:
    """The last order's date may be drawn as NULL for a customer who has orders."""
    model = fs.fit(real.orders(tmp_path / "orders"), seed=1, generator="independent")
    orders = model.sample(seed=1)["orders"].sort_values("id")
    assert orders["ordered_on"].notna().all() and orders["ordered_on"].is_monotonic_increasing

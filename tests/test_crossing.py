"""Arithmetic with a parent's number."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fixturesynth as fs
from fixturesynth.demo.telling import say_invariants
from fixturesynth.evaluation.invariants import describe, kept_by
from fixturesynth.profiling.columnar import view_table

DDL = """
CREATE TABLE orders (order_id INTEGER PRIMARY KEY, placed DATE NOT NULL);
CREATE TABLE products (product_id INTEGER PRIMARY KEY, price NUMERIC(8, 2) NOT NULL, weight INTEGER NOT NULL);
CREATE TABLE lines (
    order_id INTEGER NOT NULL REFERENCES orders (order_id),
    product_id INTEGER NOT NULL REFERENCES products (product_id),
    quantity INTEGER NOT NULL{checks},
    cost NUMERIC(10, 2) NOT NULL,
    packing INTEGER NOT NULL,
    gross INTEGER NOT NULL,
    PRIMARY KEY (order_id, product_id)
);
"""
ORDERS, PRODUCTS = 300, 40


@pytest.fixture(scope="module")
def real() -> dict[str, pd.DataFrame]:
    source = np.random.Generator(np.random.PCG64(5))
    products = pd.DataFrame({
        "product_id": np.arange(1, PRODUCTS + 1), "price": np.round(source.gamma(2, 20, PRODUCTS), 2),
        "weight": source.integers(50, 900, PRODUCTS),
    })  # fmt: skip
    placed = pd.Timestamp("2024-01-01") + pd.to_timedelta(source.integers(0, 300, ORDERS), "D")
    orders = pd.DataFrame({"order_id": np.arange(1, ORDERS + 1), "placed": placed.date})
    rows = [(o, int(p)) for o in orders["order_id"] for p in source.choice(PRODUCTS, source.integers(1, 6), False) + 1]
    lines = pd.DataFrame(rows, columns=["order_id", "product_id"])
    sold = products.set_index("product_id").loc[lines["product_id"]]
    lines["quantity"] = source.integers(1, 12, len(lines))
    lines["cost"] = np.round(lines["quantity"] * sold["price"].to_numpy(), 2)
    lines["packing"] = source.integers(5, 60, len(lines))
    lines["gross"] = lines["packing"] + sold["weight"].to_numpy()
    return {"orders": orders, "products": products, "lines": lines}


def fitted(real: Mapping[str, pd.DataFrame], folder: Path, checks: str = "") -> fs.Synthesizer:
    script = folder / "shop.sql"
    script.write_text(DDL.format(checks=checks))
    return fs.fit(dict(real), schema=fs.reflect(script), seed=5)


@pytest.fixture(scope="module")
def model(real: Mapping[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> fs.Synthesizer:
    return fitted(real, tmp_path_factory.mktemp("shop"))


def joined(data: fs.Dataset) -> pd.DataFrame:
    frames = data.to_frames()
    return frames["lines"].merge(frames["products"], on="product_id").astype(float, errors="ignore")


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
def test_lines_cost_what_their_product_does(model: fs.Synthesizer, scale: float) -> None:
    lines = joined(model.sample(seed=3, scale=scale))
    assert len(lines) > 150
    for cost, quantity, price in zip(lines["cost"], lines["quantity"], lines["price"], strict=True):
        assert float(cost) == pytest.approx(float(quantity) * float(price), abs=0.006)
    # A sum has two directions: one of the two is learned, the other follows.
    assert (lines["gross"].astype(int) - lines["packing"].astype(int) == lines["weight"].astype(int)).all()


def test_both_rules_are_told_and_measured(real: Mapping[str, pd.DataFrame], model: fs.Synthesizer) -> None:
    assert model.profile is not None
    rules = {i.kind: i for i in model.profile["lines"].invariants if "theirs" in i.parameters}
    assert describe(rules["product"]) in (
        "cost = quantity × the parent's price", "quantity = cost × the parent's price"
    )  # fmt: skip
    assert rules["linear"].parameters["theirs"] == "weight"
    assert any("the parent's price" in line for line in say_invariants(list(rules.values())))
    broken = real["lines"].copy()
    broken.loc[4, "cost"] += 1
    for lines, missing in ((real["lines"], 0), (broken, 1)):
        data = fs.Dataset.from_frames({**real, "lines": lines})
        views = {name: view_table(model.schema[name], data.arrow(name)) for name in ("lines", "products")}
        witnesses, kept = kept_by(rules["product"], views["lines"], views)
        assert (witnesses, witnesses - kept) == (len(lines), missing)


def test_a_dozen_products_are_enough(tmp_path: Path) -> None:
    """Prices of a short list, each in whole units and no two alike; the lines bear witness, not the products."""
    source = np.random.Generator(np.random.PCG64(6))
    products = pd.DataFrame({"product_id": np.arange(1, 13), "price": 7 * np.arange(1, 13) ** 2, "weight": 5})
    orders = pd.DataFrame({"order_id": np.arange(1, 201), "placed": pd.Timestamp("2024-03-01").date()})
    rows = [(o, int(p)) for o in orders["order_id"] for p in source.choice(12, source.integers(1, 4), False) + 1]
    lines = pd.DataFrame(rows, columns=["order_id", "product_id"])
    lines["quantity"] = source.integers(1, 12, len(lines))
    lines["cost"] = lines["quantity"] * products.set_index("product_id")["price"].loc[lines["product_id"]].to_numpy()
    lines["packing"] = lines["gross"] = 1
    made = joined(fitted({"orders": orders, "products": products, "lines": lines}, tmp_path).sample(seed=3))
    assert (made["cost"] - made["quantity"] * made["price"]).abs().max() < 0.006


def test_a_check_on_what_is_computed_from_is_held(real: Mapping[str, pd.DataFrame], tmp_path: Path) -> None:
    lines = joined(fitted(real, tmp_path, " CHECK (quantity BETWEEN 1 AND 11)").sample(seed=3))
    assert lines["quantity"].between(1, 11).all()
    assert (lines["cost"] - lines["quantity"] * lines["price"]).abs().max() < 0.006


def test_prices_that_some_lines_do_not_keep_are_no_rule(real: Mapping[str, pd.DataFrame], tmp_path: Path) -> None:
    lines = real["lines"].copy()
    lines.loc[::7, "cost"] = np.round(lines.loc[::7, "cost"] * 0.9, 2)
    model = fitted({**real, "lines": lines}, tmp_path)
    assert model.profile is not None
    assert not [i for i in model.profile["lines"].invariants if i.parameters.get("theirs") == "price"]

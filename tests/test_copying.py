"""Columns that nearly every row has from its parent: found from the rows, and copied in the rows that are made."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

import fixturesynth as fs
from fixturesynth.profiling.merging import merge_columns

CUSTOMERS, ORDERS = 120, 600


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Orders of which 19 in 20 are shipped where their customer lives and invoiced on the day of their order."""
    rng = np.random.default_rng(3)
    url = f"sqlite:///{tmp_path_factory.mktemp('shop') / 'shop.sqlite'}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE customers (id INTEGER PRIMARY KEY, address TEXT NOT NULL, city TEXT, joined DATE NOT NULL)"
        )
        connection.exec_driver_sql(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), "
            "ship_address TEXT NOT NULL, ship_city VARCHAR(6), opened DATE NOT NULL, amount INTEGER NOT NULL)"
        )
        days = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, CUSTOMERS), unit="D")
        customers = pd.DataFrame(
            {
                "id": np.arange(CUSTOMERS) + 1,
                "address": [f"{rng.integers(1, 999)} Elm Road {i}" for i in range(CUSTOMERS)],
                "city": [f"Town{i % 90}" if i % 5 else None for i in range(CUSTOMERS)],
                "joined": days.strftime("%Y-%m-%d"),
            }
        )
        at = rng.integers(0, CUSTOMERS, ORDERS)
        own, same = rng.random((2, ORDERS)) < 0.95
        orders = pd.DataFrame(
            {
                "id": np.arange(ORDERS) + 1,
                "customer_id": at + 1,
                "ship_address": np.where(own, customers.address[at], [f"{i} Oak Lane" for i in range(ORDERS)]),
                "ship_city": np.where(own, customers.city[at], "Elsewh"),
                "opened": np.where(same, days[at], days[at] + pd.Timedelta(days=30)),
                "amount": rng.integers(1, 100, ORDERS),
            }
        )
        orders["opened"] = pd.to_datetime(orders["opened"]).dt.strftime("%Y-%m-%d")
        customers.to_sql("customers", connection, if_exists="append", index=False)
        orders.to_sql("orders", connection, if_exists="append", index=False)
    engine.dispose()
    return url


def joined(data: fs.Dataset) -> pd.DataFrame:
    return data["orders"].merge(data["customers"], left_on="customer_id", right_on="id", suffixes=("", "_of"))


def test_texts_are_copied_in_as_many_rows_as_before(shop: str) -> None:
    synthesizer = fs.fit(shop, seed=5)
    assert synthesizer.plan["orders"].column("ship_address").why == "copy of address in nearly all rows"
    made = joined(synthesizer.sample(seed=5))
    assert 0.9 < (made.ship_address == made.address).mean() < 0.99
    assert made.ship_address.notna().all()


def test_dates_are_counted_from_the_parents(shop: str) -> None:
    made = joined(fs.fit(shop, seed=5).sample(seed=5))
    distance = (pd.to_datetime(made.opened) - pd.to_datetime(made.joined)).dt.days
    assert 0.9 < (distance == 0).mean() < 0.99
    assert distance.between(0, 60).all()


def test_copies_are_null_where_the_parents_value_is_and_fit_their_column(shop: str) -> None:
    made = joined(fs.fit(shop, seed=5).sample(seed=5))
    alike = (made.ship_city == made.city) | (made.ship_city.isna() & made.city.isna())
    assert 0.85 < alike.mean() < 0.99
    assert made.ship_city.isna().any()
    assert made.ship_city.dropna().str.len().max() <= 6


def test_rows_that_agree_by_chance_are_no_copies(tmp_path: Path) -> None:
    """Nearly all rows of both tables have one value: that is no copy."""
    rng = np.random.default_rng(4)
    url = f"sqlite:///{tmp_path}/chance.sqlite"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE a (id INTEGER PRIMARY KEY, kind TEXT)")
        connection.exec_driver_sql("CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INTEGER REFERENCES a (id), kind TEXT)")
        kinds = np.where(rng.random(100) < 0.97, "usual", "odd")
        pd.DataFrame({"id": range(100), "kind": kinds}).to_sql("a", connection, if_exists="append", index=False)
        more = np.where(rng.random(500) < 0.97, "usual", "odd")
        pd.DataFrame({"id": range(500), "a_id": rng.integers(0, 100, 500), "kind": more}).to_sql(
            "b", connection, if_exists="append", index=False
        )
    engine.dispose()
    assert fs.fit(url, seed=1).profile["b"].columns["kind"].copied is None


def test_parts_that_disagree_are_no_copy(shop: str) -> None:
    column = fs.fit(shop, seed=5).profile["orders"].columns["ship_address"]
    assert column.copied == ("fk_customer_id", "address")
    assert merge_columns(column, column).copied == column.copied
    assert merge_columns(column, replace(column, copied=None)).copied is None


def test_prices_are_the_products_own(tmp_path: Path) -> None:
    """What nearly every order has from its product, and the products keep prices that many customers have seen."""
    rng = np.random.default_rng(7)
    prices = np.round(rng.uniform(5, 900, 12), 2)
    at = rng.integers(0, 12, 1_500)
    charged = np.where(rng.random(1_500) < 0.97, prices[at], np.round(prices[at] * 0.9, 2))
    rows = {
        "products": pd.DataFrame({"id": range(12), "list_price": prices}),
        "buyers": pd.DataFrame({"id": range(300), "age": rng.integers(18, 80, 300)}),
        "orders": pd.DataFrame({
            "id": range(1_500), "product_id": at, "buyer_id": rng.integers(0, 300, 1_500), "unit_price": charged,
        }),
    }  # fmt: skip
    script = tmp_path / "prices.sql"
    script.write_text(
        "CREATE TABLE products (id INTEGER PRIMARY KEY, list_price REAL NOT NULL);"
        "CREATE TABLE buyers (id INTEGER PRIMARY KEY, age INTEGER NOT NULL);"
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL REFERENCES products (id), "
        "buyer_id INTEGER NOT NULL REFERENCES buyers (id), unit_price REAL NOT NULL);"
    )
    data = fs.fit(rows, schema=fs.reflect(script), seed=1).sample(seed=2)
    made = data["orders"].merge(data["products"], left_on="product_id", right_on="id", suffixes=("", "_of"))
    assert 0.94 < (made.unit_price == made.list_price).mean() < 0.995
    assert set(data["products"].list_price) <= set(prices)

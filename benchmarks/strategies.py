"""Examples a second of whole datasets under Hypothesis: ours against a hand-written ``@composite`` of the same shape.

    python benchmarks/strategies.py [--examples 300] [--runs 5] [--json]

Three tables of five rows each (customers, orders, items: keys, references, a unique email, a check, dates, amounts),
and ten tables of five rows (the same three levels). Both make lists of dictionaries that hold the same constraints; the
hand-written one is what somebody who knows Hypothesis writes: ``builds``-like dictionaries, ``unique_by`` for keys,
``sampled_from`` for references. Medians of several runs, interleaved; one integer draw as the floor.
"""

import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import click
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fixturesynth.schema.sqlfile import read_sql_file
from fixturesynth.strategies import from_schema

ROWS = 5
CUSTOMERS = """
CREATE TABLE customers{n} (
    id integer PRIMARY KEY, email varchar(60) NOT NULL UNIQUE, name varchar(60), joined_on date NOT NULL
);"""
ORDERS = """
CREATE TABLE orders{n} (
    id integer PRIMARY KEY, customer_id integer NOT NULL REFERENCES customers{n} (id),
    status varchar(8) NOT NULL CHECK (status IN ('open', 'paid', 'shipped')), placed_on date NOT NULL, shipped_on date,
    CHECK (shipped_on IS NULL OR shipped_on >= placed_on)
);"""
ITEMS = """
CREATE TABLE items{n} (
    id integer PRIMARY KEY, order_id integer NOT NULL REFERENCES orders{n} (id),
    quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 100), price numeric(10, 2) NOT NULL CHECK (price >= 0)
);"""
Data = dict[str, list[dict[str, Any]]]

IDS = st.integers(0, 2**31 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
DATES = st.dates()
PRICES = st.decimals(0, Decimal("99999999.99"), places=2)


def script(tables: int) -> str:
    whole = [t.format(n="" if k == 0 else k) for k in range(4) for t in (CUSTOMERS, ORDERS, ITEMS)]
    return "".join(whole[:tables])


@st.composite
def by_hand(draw: st.DrawFn, tables: int) -> Data:
    out: Data = {}
    for k in range(-(-tables // 3)):
        n = "" if k == 0 else str(k)
        emails = draw(st.lists(TEXTS, min_size=ROWS, max_size=ROWS, unique=True))
        keys = draw(st.lists(IDS, min_size=ROWS, max_size=ROWS, unique=True))
        customers = [
            {"id": key, "email": email, "name": draw(st.none() | TEXTS), "joined_on": draw(DATES)}
            for key, email in zip(keys, emails, strict=True)
        ]
        out[f"customers{n}"] = customers
        if len(out) == tables:
            break
        orders = []
        for key in draw(st.lists(IDS, min_size=ROWS, max_size=ROWS, unique=True)):
            placed: date = draw(DATES)
            orders.append({
                "id": key, "customer_id": draw(st.sampled_from(customers))["id"],
                "status": draw(st.sampled_from(["open", "paid", "shipped"])), "placed_on": placed,
                "shipped_on": draw(st.none() | st.dates(min_value=placed)),
            })  # fmt: skip
        out[f"orders{n}"] = orders
        if len(out) == tables:
            break
        out[f"items{n}"] = [
            {
                "id": key, "order_id": draw(st.sampled_from(orders))["id"], "quantity": draw(st.integers(1, 100)),
                "price": draw(PRICES),
            }
            for key in draw(st.lists(IDS, min_size=ROWS, max_size=ROWS, unique=True))
        ]  # fmt: skip
    return out


def ours(tables: int) -> st.SearchStrategy[Data]:
    with TemporaryDirectory() as folder:
        from pathlib import Path

        path = Path(folder) / "shop.sql"
        path.write_text(script(tables))
        schema = read_sql_file(path, "postgresql")
    strategy: st.SearchStrategy[Data] = from_schema(schema, min_rows=ROWS, max_rows=ROWS)
    return strategy


def seconds(strategy: st.SearchStrategy[Any], examples: int) -> float:
    """Of one test over ``examples`` examples, a millisecond of warming up left out."""

    def run(number: int) -> None:
        @settings(
            max_examples=number, database=None, deadline=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(strategy)
        def test(value: Any) -> None:
            pass

        test()

    run(5)
    start = perf_counter()
    run(examples)
    return perf_counter() - start


@click.command()
@click.option("--examples", default=300, show_default=True)
@click.option("--runs", default=5, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(examples: int, runs: int, as_json: bool) -> None:
    """Examples a second, and the ratio of ours to the hand-written one."""
    contestants: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
        "3 tables, ours": lambda: ours(3),
        "3 tables, by hand": lambda: by_hand(3),
        "10 tables, ours": lambda: ours(10),
        "10 tables, by hand": lambda: by_hand(10),
        "one integer": st.integers,
    }
    made = {name: make() for name, make in contestants.items()}
    times: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(runs):
        for name, strategy in made.items():
            times[name].append(seconds(strategy, examples))
    rates = {name: examples / median(took) for name, took in times.items()}
    ratios = {size: rates[f"{size}, ours"] / rates[f"{size}, by hand"] for size in ("3 tables", "10 tables")}
    if as_json:
        print(json.dumps({"examples a second": rates, "ratio": ratios}))
        return
    print("| datasets of five rows a table | ours, examples/s | by hand | ratio |\n|---|---|---|---|")
    for size, ratio in ratios.items():
        print(f"| {size} | {rates[f'{size}, ours']:.0f} | {rates[f'{size}, by hand']:.0f} | {ratio:.2f} |")
    print(f"\none integer: {rates['one integer']:.0f} examples/s")


if __name__ == "__main__":
    main()

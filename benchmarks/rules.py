"""Rows a second of rules alone, ten columns, one core: ours, a hand-written script, Mimesis and Faker row by row.

    python benchmarks/rules.py [--rows 1000000] [--runs 5] [--json]

All four make the same columns: id of a parent, first name, last name, email, two dates, two decimals, a status and an
integer. Peers that make one row at a time are timed on fewer rows. Medians of several runs, interleaved.
"""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from statistics import median
from time import perf_counter

import click
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.rules.contract import ColumnContext, RuleCall, RuleRequest
from fixturesynth.rules.sampling import sample_rule
from fixturesynth.schema.model import ColumnType

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PARTITION = 65_536
PARENTS = 100_000
MONEY = ColumnType("decimal", "numeric(10,2)", precision=10, scale=2)
COLUMNS = {
    "customer_id": (RuleCall("integers", {"low": 1, "high": PARENTS}), ColumnType("integer", "bigint", bits=64)),
    "first_name": (RuleCall("first_name"), ColumnType("text", "varchar(40)", length=40)),
    "last_name": (RuleCall("last_name"), ColumnType("text", "varchar(40)", length=40)),
    "email": (RuleCall("email"), ColumnType("text", "varchar(120)", length=120)),
    "ordered": (RuleCall("dates", {}), ColumnType("date", "date")),
    "shipped": (RuleCall("dates", {}), ColumnType("date", "date")),
    "price": (RuleCall("decimals", {"low": 1, "high": 500}), MONEY),
    "total": (RuleCall("decimals", {"low": 1, "high": 9000}), MONEY),
    "status": (RuleCall("status"), ColumnType("text", "varchar(20)", length=20)),
    "quantity": (RuleCall("integers", {"low": 1, "high": 20}), ColumnType("integer", "integer", bits=32)),
}  # fmt: skip


def ours(rows: int) -> int:
    made = 0
    for start in range(0, rows, PARTITION):
        ranks = np.arange(start, min(rows, start + PARTITION))
        columns = [
            sample_rule(call, RuleRequest(7, ColumnContext("orders", name, kind, "en_US", NOW), ranks, 0, {}))
            for name, (call, kind) in COLUMNS.items()
        ]
        made += pa.table(columns, names=list(COLUMNS)).num_rows
    return made


def by_hand(rows: int) -> int:
    """What one writes for one table: numpy draws, takes from lists, a join; no addresses, weights or cuts."""
    from faker.providers.person.en_US import Provider

    random = np.random.Generator(np.random.Philox(7))
    first, last = pa.array(list(Provider.first_names)), pa.array(list(Provider.last_names))
    lower_first, lower_last = pc.utf8_lower(first), pc.utf8_lower(last)
    domains = pa.array(["@example.com", "@example.org", "@example.net"])
    statuses = pa.array(["active", "pending", "completed", "inactive", "cancelled", "failed"])
    shares = np.cumsum([0.5, 0.18, 0.14, 0.08, 0.06, 0.04])
    start = (date(2024, 1, 1) - date(1970, 1, 1)).days
    made = 0
    for begin in range(0, rows, PARTITION):
        n = min(rows, begin + PARTITION) - begin

        def decimals(high: int, n: int = n) -> pa.Array:
            wide = np.zeros((n, 2), np.int64)
            wide[:, 0] = random.integers(100, high, n)
            return pa.Array.from_buffers(pa.decimal128(10, 2), n, [None, pa.py_buffer(wide)])

        i, j, k = random.integers(0, len(first), n), random.integers(0, len(last), n), random.integers(0, 3, n)
        table = pa.table(
            {
                "customer_id": random.integers(1, PARENTS + 1, n),
                "first_name": first.take(pa.array(i)),
                "last_name": last.take(pa.array(j)),
                "email": pc.binary_join_element_wise(
                    pc.binary_join_element_wise(lower_first.take(pa.array(i)), lower_last.take(pa.array(j)), "."),
                    domains.take(pa.array(k)),
                    "",
                ),
                "ordered": pa.array(random.integers(start, start + 731, n, dtype=np.int32)).view(pa.date32()),
                "shipped": pa.array(random.integers(start, start + 731, n, dtype=np.int32)).view(pa.date32()),
                "price": decimals(50_000),
                "total": decimals(900_000),
                "status": statuses.take(pa.array(np.minimum(np.searchsorted(shares, random.random(n)), 5))),
                "quantity": random.integers(1, 21, n),
            }
        )
        made += table.num_rows
    return made


def faker(rows: int) -> int:
    from faker import Faker

    fake = Faker("en_US")
    fake.seed_instance(7)
    start, end = date(2024, 1, 1), date(2026, 1, 1)
    made = [
        (
            fake.pyint(1, PARENTS),
            fake.first_name(),
            fake.last_name(),
            fake.email(),
            fake.date_between(start, end),
            fake.date_between(start, end),
            fake.pydecimal(right_digits=2, min_value=1, max_value=500),
            fake.pydecimal(right_digits=2, min_value=1, max_value=9000),
            fake.random_element(("active", "pending", "completed", "inactive", "cancelled", "failed")),
            fake.pyint(1, 20),
        )
        for _ in range(rows)
    ]
    return len(made)


def mimesis(rows: int) -> int:
    from mimesis import Datetime, Person
    from mimesis.locales import Locale
    from mimesis.random import Random

    person, moments, random = Person(Locale.EN, seed=7), Datetime(seed=7), Random(7)
    made = [
        (
            random.randint(1, PARENTS),
            person.first_name(),
            person.last_name(),
            person.email(),
            moments.date(start=2024, end=2025),
            moments.date(start=2024, end=2025),
            round(random.uniform(1, 500), 2),
            round(random.uniform(1, 9000), 2),
            random.choice(("active", "pending", "completed", "inactive", "cancelled", "failed")),
            random.randint(1, 20),
        )
        for _ in range(rows)
    ]
    return len(made)


def rate(make: Callable[[int], int], rows: int) -> float:
    begun = perf_counter()
    made = make(rows)
    elapsed = perf_counter() - begun
    assert made == rows
    return rows / elapsed


@click.command(help=__doc__)
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--runs", default=5, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(rows: int, runs: int, as_json: bool) -> None:
    pa.set_cpu_count(1)
    peers: dict[str, tuple[Callable[[int], int], int]] = {
        "fixturesynth rules": (ours, rows),
        "numpy + Arrow by hand": (by_hand, rows),
        "Mimesis": (mimesis, max(100, rows // 200)),
        "Faker": (faker, max(100, rows // 500)),
    }
    for make, count in peers.values():  # pools, imports and caches
        make(min(count, 200))
    rates: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(runs):
        for name, (make, count) in peers.items():
            rates[name].append(rate(make, count))
    middle = {name: median(found) for name, found in rates.items()}
    mine = middle["fixturesynth rules"]
    if as_json:
        click.echo(
            json.dumps(
                {n: {"rows_per_second": round(v), "ours_over_it": round(mine / v, 3)} for n, v in middle.items()}
            )
        )
        return
    click.echo(f"{'':24}{'rows/s':>12}{'ours / it':>12}{'spread':>10}")
    for name, found in middle.items():
        spread = (max(rates[name]) - min(rates[name])) / found
        click.echo(f"{name:24}{found:>12,.0f}{mine / found:>12,.2f}{spread:>10.0%}")


if __name__ == "__main__":
    main()

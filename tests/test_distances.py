"""Which columns are learned as distances from others, and that those that are not keep their values and their order."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fixturesynth.generators.distances import Known, bits_saved
from fixturesynth.planning.wishes import Wishes
from fixturesynth.synthesizer import fit

N = 3_000
DAY = dt.date(2000, 1, 1)


def _sides(late: np.ndarray, early: np.ndarray) -> tuple[bool, bool]:
    """Whether the later one is surely shorter by itself, and whether it is as a distance."""
    alone = {"column x": (pa.array(late), "numeric")}
    apart = {"column x": (pa.array(late - early), "numeric")}
    beside = (early // max(int(np.ptp(early)) // 60, 1)).astype(np.int32)
    known = Known(np.arange(early.size), 5, 64)
    return bits_saved(alone, apart, beside, known) > 0, bits_saved(apart, alone, beside, known) > 0


def test_what_is_shorter_by_itself_and_what_as_a_distance() -> None:
    source = np.random.Generator(np.random.PCG64(1))
    early = source.integers(0, 4_000, N)
    season_ends = (early // 365 + source.integers(1, 6, N)) * 365
    assert _sides(season_ends, early) == (True, False)
    assert _sides(early + source.integers(1, 20, N), early) == (False, True)
    assert _sides(season_ends[:100], early[:100]) == (False, False)  # too few to tell


def _day(number: int) -> str:
    return str(DAY + dt.timedelta(int(number)))


@pytest.fixture(scope="module")
def careers(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Careers that end with a season, a fifth of them with the last one; some of a day."""
    path: Path = tmp_path_factory.mktemp("distances") / "rows.sqlite"
    source = np.random.Generator(np.random.PCG64(2))
    start = source.integers(0, 3_650, N)
    end = np.minimum((start // 365 + 1 + source.geometric(0.3, N)) * 365 - 90, 3_650)
    end = np.where(source.random(N) < 0.02, start, end)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE players (id INTEGER PRIMARY KEY, debut DATE NOT NULL, final DATE NOT NULL)")
    moments = [(i, _day(a), _day(b)) for i, (a, b) in enumerate(zip(start, end, strict=True))]
    connection.executemany("INSERT INTO players VALUES (?, ?, ?)", moments)
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


def _days(rows: pd.DataFrame, *names: str) -> list[np.ndarray]:
    return [np.array(rows[name], "datetime64[D]") for name in names]


def test_ends_of_seasons_stay_and_none_comes_before_its_start(careers: str) -> None:
    learned = fit(careers, seed=1, generator="cart")
    assert learned.plan["players"].orders == (("debut", "final", False),)
    assert "final" not in learned.models["players"].offsets
    rows = learned.sample(seed=3)["players"]
    debut, final = _days(rows, "debut", "final")
    assert (debut <= final).all()
    days = (final - np.datetime64(DAY)).astype(int)
    assert ((days % 365 == 275) | (days == 3_650)).mean() == pytest.approx(0.98, abs=0.02)
    assert learned.sample(seed=3)["players"].equals(rows)


def test_what_comes_in_the_wrong_order_is_exchanged_and_not_moved(careers: str) -> None:
    learned = fit(careers, seed=1, generator="independent")  # a quarter of its rows end before they begin
    debut, final = _days(learned.sample(seed=3)["players"], "debut", "final")
    assert (debut <= final).all()
    assert (debut == final).mean() < 0.03


@pytest.mark.parametrize(("longest", "counted"), [(3, True), (2_000, False)])
def test_moments_of_a_parent_that_is_chosen_count_where_they_are_near(
    tmp_path: Path, longest: int, counted: bool
) -> None:
    """Payments hang on a customer, and are of an invoice: days after it, or at any time."""
    path = tmp_path / "rows.sqlite"
    source = np.random.Generator(np.random.PCG64(6))
    sent = source.integers(0, 2_000, 400)
    invoice, customer = source.integers(0, 400, 1_200), source.integers(0, 100, 1_200)
    paid = sent[invoice] + source.integers(0, longest, 1_200)
    paid = np.where(paid > 2_000, sent[invoice] + source.integers(0, 2_001 - sent[invoice]), paid)
    connection = sqlite3.connect(path)
    connection.executescript("""
        CREATE TABLE customers (id INTEGER PRIMARY KEY, born DATE NOT NULL);
        CREATE TABLE invoices (id INTEGER PRIMARY KEY, sent DATE NOT NULL);
        CREATE TABLE payments (
            id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers,
            invoice INTEGER NOT NULL REFERENCES invoices, paid DATE NOT NULL
        );
    """)
    connection.executemany("INSERT INTO customers VALUES (?, ?)", [(i, _day(-9_000 - i)) for i in range(100)])
    connection.executemany("INSERT INTO invoices VALUES (?, ?)", [(i, _day(d)) for i, d in enumerate(sent)])
    rows = zip(customer.tolist(), invoice.tolist(), map(_day, paid), strict=True)
    connection.executemany("INSERT INTO payments VALUES (?, ?, ?, ?)", [(i, *row) for i, row in enumerate(rows)])
    connection.commit()
    connection.close()
    learned = fit(f"sqlite:///{path}", seed=1, generator="cart", wishes=Wishes(context={"payments": "fk_customer"}))
    assert learned.plan["payments"].reference("fk_invoice").how == "matched"
    assert ("paid" in learned.models["payments"].offsets) == counted
    made = learned.sample(seed=5)
    joined = made["payments"].merge(made["invoices"], left_on="invoice", right_on="id")
    begin, end = _days(joined, "sent", "paid")
    assert (begin <= end).all()
    if counted:
        assert ((end - begin).astype(int) < longest).all()


def test_values_after_those_of_a_parent_are_exchanged_too(tmp_path: Path) -> None:
    path = tmp_path / "rows.sqlite"
    source = np.random.Generator(np.random.PCG64(4))
    opened = source.integers(0, 2_000, 800)
    sale = np.sort(source.choice(2_400, 12, replace=False))
    sale[-1] = 2_400
    connection = sqlite3.connect(path)
    connection.executescript("""
        CREATE TABLE customers (id INTEGER PRIMARY KEY, opened DATE NOT NULL);
        CREATE TABLE purchases (
            id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers, day DATE NOT NULL
        );
    """)
    connection.executemany("INSERT INTO customers VALUES (?, ?)", [(i, _day(d)) for i, d in enumerate(opened)])
    owner = np.repeat(np.arange(800), source.integers(1, 5, 800))
    days = [source.choice(sale[sale >= opened[o]]) for o in owner]
    bought = [(i, int(o), _day(d)) for i, (o, d) in enumerate(zip(owner, days, strict=True))]
    connection.executemany("INSERT INTO purchases VALUES (?, ?, ?)", bought)
    connection.commit()
    connection.close()
    learned = fit(f"sqlite:///{path}", seed=1, generator="cart")
    assert learned.plan["purchases"].parent_orders
    assert "day" not in learned.models["purchases"].offsets
    made = learned.sample(seed=5)
    rows = made["purchases"].merge(made["customers"], left_on="customer", right_on="id")
    began, day = _days(rows, "opened", "day")
    assert (began <= day).all()
    known = np.datetime64(DAY) + sale
    assert np.isin(day, known).mean() > 0.97

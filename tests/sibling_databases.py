"""Databases whose rows hang on the rows before them: accounts, stocks, versions of customers, journeys, invoices."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

START = np.datetime64("2022-01-03", "s")


def write(path: Path, ddl: str, frames: Mapping[str, pd.DataFrame]) -> str:
    """The frames in a new SQLite file with the tables of ``ddl``; its URL."""
    connection = sqlite3.connect(path)
    connection.executescript(ddl)
    for name, frame in frames.items():
        frame.to_sql(name, connection, if_exists="append", index=False)
    assert not connection.execute("PRAGMA foreign_key_check").fetchall()
    connection.close()
    return f"sqlite:///{path}"


def _moments(rng: np.random.Generator, counts: np.ndarray, day: float = 6.0) -> np.ndarray:
    """Seconds since START, ascending in each family."""
    families = np.repeat(np.arange(counts.size), counts)
    gaps = rng.exponential(day * 86_400, families.size).astype(int) + 60
    begin = rng.integers(0, 200 * 86_400, counts.size)
    total = np.cumsum(gaps)
    heads = np.cumsum(counts) - counts
    return begin[families] + total - total[heads][families]


def _texts(seconds: np.ndarray) -> list[str]:
    return [str(t).replace("T", " ") for t in START + seconds.astype("timedelta64[s]")]


def _dates(days: np.ndarray) -> list[str]:
    return [str(d) for d in START.astype("datetime64[D]") + days.astype("timedelta64[D]")]


ACCOUNTS = """
CREATE TABLE accounts (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, opening_balance NUMERIC(12,2) NOT NULL,
  current_balance NUMERIC(12,2) NOT NULL, entries INTEGER NOT NULL, last_entry TEXT);
CREATE TABLE entries (
  id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL REFERENCES accounts(id), booked_at TEXT NOT NULL,
  type TEXT NOT NULL, amount NUMERIC(12,2) NOT NULL, balance NUMERIC(12,2) NOT NULL CHECK (balance >= 0)%s);
"""

KINDS = ("salary", "savings", "student")
TYPES = {"deposit": 1, "interest": 1, "withdrawal": -1, "card": -1, "fee": -1}


def bank(path: Path, *, sign: str = "amount", opening: str = "nothing", families: int = 400, seed: int = 1) -> str:
    """Accounts and their entries. ``sign``: of the amount itself, or decided by its type; ``opening``: nothing, or a
    column of the account."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 30, families)
    kind = rng.integers(0, 3, families)
    level = np.array([2_000, 800, 250])[kind] * rng.lognormal(0, 0.3, families)
    begin = np.where(rng.random(families) < 0.3, 0, (level * rng.random(families) * 3).round(2))
    if opening == "nothing":
        begin = np.zeros(families)
    account = np.repeat(np.arange(families), counts)
    when = _moments(rng, counts)
    types, amounts, balances = [], [], []
    for one in range(families):
        cents = round(begin[one] * 100)
        for place in range(counts[one]):
            name = rng.choice(list(TYPES), p=[0.22, 0.03, 0.25, 0.4, 0.1])
            size = {"deposit": 1.0, "interest": 0.01, "withdrawal": 0.2, "card": 0.08, "fee": 0.0}[name]
            amount = max(1, round(level[one] * size * rng.lognormal(0, 0.5) * 100)) if size else 250
            if (place == 0 and opening == "nothing") or (TYPES[name] < 0 and amount > cents):
                name, amount = "deposit", round(level[one] * rng.lognormal(0, 0.3) * 100)
            cents += TYPES[name] * amount
            types.append(name)
            amounts.append((TYPES[name] if sign == "amount" else 1) * amount)
            balances.append(cents)
    entries = pd.DataFrame(
        {
            "account_id": account + 1, "booked_at": _texts(when), "type": types, "amount": np.array(amounts) / 100,
            "balance": np.array(balances) / 100,
        }
    )  # fmt: skip
    # Keys count what comes in, whichever account it is for.
    entries = entries.iloc[np.argsort(when, kind="stable")].reset_index(drop=True)
    entries.insert(0, "id", np.arange(1, len(entries) + 1))
    last = entries.groupby("account_id").last()
    accounts = pd.DataFrame(
        {
            "id": np.arange(1, families + 1), "kind": np.array(KINDS)[kind], "opening_balance": begin,
            "current_balance": last["balance"].to_numpy(), "entries": counts,
            "last_entry": last["booked_at"].to_numpy(),
        }
    )  # fmt: skip
    more = ", CHECK (amount > 0)" if sign == "type" else ""
    return write(path, ACCOUNTS % more, {"accounts": accounts, "entries": entries})


STOCK = """
CREATE TABLE products (id INTEGER PRIMARY KEY, category TEXT NOT NULL, price NUMERIC(8,2) NOT NULL);
CREATE TABLE movements (
  product_id INTEGER NOT NULL REFERENCES products(id), line_no INTEGER NOT NULL, moved_on DATE NOT NULL,
  received INTEGER, issued INTEGER, stock INTEGER NOT NULL CHECK (stock >= 0), issued_so_far INTEGER NOT NULL,
  PRIMARY KEY (product_id, line_no));
"""


def stock(path: Path, families: int = 300, seed: int = 2) -> str:
    """Products and what came in and went out: one of two columns is set; the stock, and all that went out so far."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(2, 25, families)
    size = rng.integers(5, 60, families)
    rows = []
    for one in range(families):
        level = out = day = 0
        for place in range(counts[one]):
            day += int(rng.integers(1, 15))
            wanted = int(rng.poisson(size[one] * 0.4)) + 1
            if place == 0 or level < wanted or rng.random() < 0.15:
                received, issued = int(size[one] * rng.integers(1, 4)), None
            else:
                received, issued = None, wanted
            level += (received or 0) - (issued or 0)
            out += issued or 0
            rows.append((one + 1, place + 1, day, received, issued, level, out))
    frame = pd.DataFrame(
        rows, columns=["product_id", "line_no", "moved_on", "received", "issued", "stock", "issued_so_far"]
    )
    frame["moved_on"] = _dates(frame["moved_on"].to_numpy())
    frame[["received", "issued"]] = frame[["received", "issued"]].astype("Int64")
    products = pd.DataFrame(
        {
            "id": np.arange(1, families + 1), "category": rng.choice(["tools", "toys", "food"], families),
            "price": (size * rng.lognormal(0, 0.2, families)).round(2),
        }
    )  # fmt: skip
    return write(path, STOCK, {"products": products, "movements": frame})


VERSIONS = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, country TEXT NOT NULL);
CREATE TABLE customer_versions (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id), version INTEGER NOT NULL,
  segment TEXT NOT NULL, valid_from DATE NOT NULL, valid_to DATE, is_current BOOLEAN NOT NULL,
  CHECK (valid_to IS NULL OR valid_to > valid_from), UNIQUE (customer_id, version));
"""


def versions(path: Path, families: int = 400, seed: int = 3, gap: int = 0) -> str:
    """Customers and what was true of them when: each version ends ``gap`` days before the next one begins."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 7, families)
    customer = np.repeat(np.arange(families), counts)
    heads = np.cumsum(counts) - counts
    steps = np.cumsum(rng.integers(20, 200, customer.size))
    begin = rng.integers(0, 300, families)[customer] + steps - steps[heads][customer]
    place = np.arange(customer.size) - heads[customer]
    last = place == counts[customer] - 1
    ends = np.append(begin[1:], 0) - gap
    segment = np.array(["new", "regular", "gold", "lapsed"])[np.minimum(place + rng.integers(0, 2, place.size), 3)]
    frame = pd.DataFrame(
        {
            "id": np.arange(1, customer.size + 1), "customer_id": customer + 1, "version": place + 1,
            "segment": segment, "valid_from": _dates(begin),
            "valid_to": [None if one else text for one, text in zip(last, _dates(ends), strict=True)],
            "is_current": last.astype(int),
        }
    )  # fmt: skip
    customers = pd.DataFrame({"id": np.arange(1, families + 1), "country": rng.choice(["DE", "FR", "PL"], families)})
    return write(path, VERSIONS, {"customers": customers, "customer_versions": frame})


JOURNEYS = """
CREATE TABLE vehicles (id INTEGER PRIMARY KEY, model TEXT NOT NULL);
CREATE TABLE trips (
  id INTEGER PRIMARY KEY, vehicle_id INTEGER NOT NULL REFERENCES vehicles(id), started_at TEXT NOT NULL,
  km NUMERIC(7,1) NOT NULL, odometer_start NUMERIC(9,1) NOT NULL, odometer_end NUMERIC(9,1) NOT NULL);
"""


def journeys(path: Path, families: int = 250, seed: int = 4) -> str:
    """Vehicles and their trips: the odometer goes on where it stood, from whatever it stood at first."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(2, 25, families)
    vehicle = np.repeat(np.arange(families), counts)
    tenths = (rng.lognormal(3, 0.8, vehicle.size) * 10).astype(int) + 1
    heads = np.cumsum(counts) - counts
    total = np.cumsum(tenths)
    begin = rng.integers(0, 800_000, families)[vehicle] + (total - tenths) - (total - tenths)[heads][vehicle]
    when = _moments(rng, counts, 2.0)
    frame = pd.DataFrame(
        {
            "vehicle_id": vehicle + 1, "started_at": _texts(when), "km": tenths / 10,
            "odometer_start": begin / 10, "odometer_end": (begin + tenths) / 10,
        }
    )  # fmt: skip
    frame.insert(0, "id", np.arange(1, len(frame) + 1))
    vehicles = pd.DataFrame({"id": np.arange(1, families + 1), "model": rng.choice(["van", "car"], families)})
    return write(path, JOURNEYS, {"vehicles": vehicles, "trips": frame})


LEDGER = """
CREATE TABLE ledger (
  id INTEGER PRIMARY KEY, posted_on DATE NOT NULL, purpose TEXT NOT NULL, amount NUMERIC(12,2) NOT NULL,
  balance NUMERIC(14,2) NOT NULL CHECK (balance >= 0));
"""


def ledger(path: Path, rows: int = 2_000, seed: int = 5) -> str:
    """One cash book, without any parent."""
    rng = np.random.default_rng(seed)
    purpose = rng.choice(["sale", "rent", "wages", "stock"], rows, p=[0.7, 0.05, 0.1, 0.15])
    size = np.vectorize({"sale": 90, "rent": -400, "wages": -250, "stock": -120}.get)(purpose)
    cents = (size * rng.lognormal(0, 0.3, rows) * 100).astype(int)
    total = 0
    for i in range(rows):
        if total + cents[i] < 0:
            purpose[i], cents[i] = "sale", abs(cents[i])
        total += cents[i]
    frame = pd.DataFrame(
        {
            "id": np.arange(1, rows + 1), "posted_on": _dates(np.sort(rng.integers(0, 700, rows))), "purpose": purpose,
            "amount": cents / 100, "balance": np.cumsum(cents) / 100,
        }
    )  # fmt: skip
    return write(path, LEDGER, {"ledger": frame})


INVOICES = """
CREATE TABLE contracts (id INTEGER PRIMARY KEY, plan TEXT NOT NULL, signed_on DATE NOT NULL);
CREATE TABLE invoices (
  id INTEGER PRIMARY KEY, contract_id INTEGER NOT NULL REFERENCES contracts(id), invoiced_on DATE NOT NULL,
  total NUMERIC(9,2) NOT NULL);
"""


def invoices(path: Path, pace: str = "monthly", families: int = 300, seed: int = 6) -> str:
    """Contracts and invoices: monthly on a day of the contract's own, at the month's end, quarterly, or every so many
    days or working days."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 20, families)
    contract = np.repeat(np.arange(families), counts)
    place = np.arange(contract.size) - (np.cumsum(counts) - counts)[contract]
    signed = START.astype("datetime64[D]") + rng.integers(0, 400, families).astype("timedelta64[D]")
    plan = rng.choice(["basic", "pro"], families)
    every = {"monthly": 1, "month_end": 1, "quarterly": 3, "yearly": 12}.get(pace)
    if pace == "by plan":
        every = np.where(plan == "pro", 12, 1)[contract]
    if every is not None:
        month = signed.astype("datetime64[M]")[contract] + (1 + place * every).astype("timedelta64[M]")
        begin, end = month.astype("datetime64[D]"), (month + 1).astype("datetime64[D]")
        day = np.array([1, 15, 31])[rng.integers(0, 3, families)][contract]
        if pace == "month_end":
            day = np.full(contract.size, 31)
        when = np.minimum(begin + (day - 1).astype("timedelta64[D]"), end - 1)
    elif pace == "fortnightly":
        when = signed[contract] + (14 * place).astype("timedelta64[D]")
    else:
        when = np.busday_offset(signed[contract], place, roll="forward")
    frame = pd.DataFrame(
        {
            "id": np.arange(1, contract.size + 1), "contract_id": contract + 1, "invoiced_on": when.astype(str),
            "total": (rng.lognormal(4, 0.4, families)[contract] * rng.lognormal(0, 0.05, contract.size)).round(2),
        }
    )  # fmt: skip
    contracts = pd.DataFrame(
        {
            "id": np.arange(1, families + 1), "plan": plan,
            "signed_on": signed.astype(str),
        }
    )  # fmt: skip
    return write(path, INVOICES, {"contracts": contracts, "invoices": frame})


ORDERS = """
CREATE TABLE customers (
  id INTEGER PRIMARY KEY, city TEXT NOT NULL, order_count INTEGER NOT NULL, spent NUMERIC(12,2) NOT NULL,
  last_order_on DATE);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id), ordered_on DATE NOT NULL,
  net NUMERIC(12,2) NOT NULL CHECK (net >= 0), shipping NUMERIC(6,2) NOT NULL, total NUMERIC(12,2) NOT NULL,
  line_count INTEGER NOT NULL, returned INTEGER NOT NULL, status TEXT NOT NULL);
CREATE TABLE order_lines (
  id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders(id), quantity INTEGER NOT NULL,
  price NUMERIC(8,2) NOT NULL, discount NUMERIC(3,2) NOT NULL, state TEXT NOT NULL);
CREATE TABLE order_events (
  id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders(id), happened_at TEXT NOT NULL,
  status TEXT NOT NULL);
"""
STEPS = ("placed", "paid", "shipped", "delivered")


def orders(path: Path, families: int = 200, seed: int = 7) -> str:
    """Customers, orders, lines and events: sums of products with a discount, counts of all and of some, last ones."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, 8, families)
    customer = np.repeat(np.arange(families), sizes)
    lines = rng.integers(1, 7, customer.size)
    order = np.repeat(np.arange(customer.size), lines)
    quantity, price = rng.integers(1, 9, order.size), rng.lognormal(3, 0.6, order.size).round(2)
    discount = rng.choice([0.0, 0.05, 0.1], order.size, p=[0.7, 0.2, 0.1])
    state = rng.choice(["kept", "returned"], order.size, p=[0.85, 0.15])
    hundredths = np.rint(quantity * np.rint(price * 100) * (100 - np.rint(discount * 100))).astype(np.int64)
    # Every line is rounded to cents by itself, halves away from zero.
    amount = (hundredths + 50) // 100
    net = np.bincount(order, amount, customer.size) / 100
    shipping = rng.choice([0.0, 4.9, 9.9], customer.size)
    when = np.sort(rng.integers(0, 600, customer.size))
    many = rng.integers(1, 5, customer.size)
    event = np.repeat(np.arange(customer.size), many)
    place = np.arange(event.size) - (np.cumsum(many) - many)[event]
    moments = when[event] * 86_400 + rng.integers(3_600, 40_000, event.size) + place * 86_400
    frames = {
        "orders": pd.DataFrame(
            {
                "id": np.arange(1, customer.size + 1), "customer_id": customer + 1, "ordered_on": _dates(when),
                "net": net, "shipping": shipping, "total": (net + shipping).round(2), "line_count": lines,
                "returned": np.bincount(order, state == "returned", customer.size).astype(int),
                "status": np.array(STEPS)[many - 1],
            }
        ),
        "order_lines": pd.DataFrame(
            {
                "id": np.arange(1, order.size + 1), "order_id": order + 1, "quantity": quantity, "price": price,
                "discount": discount, "state": state,
            }
        ),
        "order_events": pd.DataFrame(
            {
                "id": np.arange(1, event.size + 1), "order_id": event + 1, "happened_at": _texts(moments),
                "status": np.array(STEPS)[place],
            }
        ),
    }  # fmt: skip
    latest = pd.Series(when).groupby(customer).max().reindex(range(families))
    customers = pd.DataFrame(
        {
            "id": np.arange(1, families + 1), "city": rng.choice(["Bonn", "Kiel", "Ulm"], families),
            "order_count": sizes, "spent": np.bincount(customer, net + shipping, families).round(2),
            "last_order_on": [None if np.isnan(d) else _dates(np.array([int(d)]))[0] for d in latest],
        }
    )  # fmt: skip
    return write(path, ORDERS, {"customers": customers, **frames})

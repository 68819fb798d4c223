"""What the children of one parent come to together stays what it is: postings balance, shares come to a hundred."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sibling_databases as real

import fixturesynth as fs
from fixturesynth.evaluation.invariants import describe, kept_by
from fixturesynth.loading.reading import read_rows
from fixturesynth.planning.serialisation import plan_from_json, plan_to_json
from fixturesynth.profiling.columnar import view_table
from fixturesynth.profiling.datasets import profile_dataset
from fixturesynth.profiling.invariants import find_invariants
from fixturesynth.profiling.profile import Invariant

LEDGER = """
CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT NOT NULL, balance NUMERIC(12,2) NOT NULL);
CREATE TABLE entries (id INTEGER PRIMARY KEY, booked_on DATE NOT NULL, kind TEXT NOT NULL);
CREATE TABLE postings (
  entry_id INTEGER NOT NULL REFERENCES entries(id), line INTEGER NOT NULL,
  account_id INTEGER NOT NULL REFERENCES accounts(id), amount NUMERIC(12,2) NOT NULL CHECK (amount <> 0),
  rate NUMERIC(10,4), doubled NUMERIC(12,2) NOT NULL, PRIMARY KEY (entry_id, line));
"""


def ledger(path: Path, *, rates: bool = False, drafts: bool = False, slips: int = 0) -> str:
    """Entries whose postings balance. ``rates``: some of an amount that is multiplied by its rate; ``drafts``: entries
    of a kind that do not balance; ``slips``: entries of the others that do not."""
    rng = np.random.default_rng(2)
    n = 500
    sizes = rng.choice([2, 2, 2, 3, 5], n)
    entry = np.repeat(np.arange(n), sizes)
    line = np.arange(entry.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    cents = np.rint(np.exp(rng.normal(8, 1.5, entry.size))).astype(int) + 1
    cents *= np.where(line % 2 == 0, -1, 1)
    rate = np.full(entry.size, np.nan)
    if rates:
        rate[(line == 0) & (entry % 5 == 0)] = (
            np.rint(rng.uniform(0.5, 2, entry.size) * 1e4)[(line == 0) & (entry % 5 == 0)] / 1e4
        )
    weight = np.rint(cents * np.nan_to_num(rate, nan=1.0)).astype(int)
    last = line == sizes[entry] - 1
    cents[last] -= np.bincount(entry, weight)[entry[last]].astype(int)
    kind = rng.choice(["sale", "wages", "draft"] if drafts else ["sale", "wages"], n)
    loose = (kind[entry] == "draft") | np.isin(entry, np.flatnonzero(kind == "sale")[:slips])
    cents[last & loose] += rng.integers(1, 5_000, int((last & loose).sum()))
    cents[cents == 0] = 1
    postings = pd.DataFrame({
        "entry_id": entry + 1, "line": line + 1, "account_id": rng.integers(1, 31, entry.size), "amount": cents / 100,
        "rate": rate, "doubled": cents / 50,
    })  # fmt: skip
    balance = np.bincount(postings["account_id"] - 1, cents, minlength=30) / 100
    accounts = pd.DataFrame({"id": np.arange(1, 31), "name": [f"a{i}" for i in range(30)], "balance": balance})
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 300, n)), "D")
    entries = pd.DataFrame({"id": np.arange(1, n + 1), "booked_on": days.strftime("%Y-%m-%d"), "kind": kind})
    return real.write(path, LEDGER, {"accounts": accounts, "entries": entries, "postings": postings})


def rules(url: str) -> dict[str, Invariant]:
    schema = fs.reflect(url)
    found = find_invariants(schema, read_rows(url, schema))
    return {f"{table}.{i.target}": i for table in found for i in found[table] if i.kind == "balance"}


def cents(values: Any) -> Any:
    return np.rint(values.astype(float) * 100).astype(int)


def test_postings_balance(tmp_path: Path) -> None:
    url = ledger(tmp_path / "ledger")
    rule = rules(url)["postings.amount"]
    assert rule.parameters == {"decimals": 2, "constant": 0, "share": 1.0, "none": True}
    assert describe(rule) == "amount of one parent's children comes to 0"
    model = fs.fit(url, seed=1)
    assert model.plan["postings"].context == rule.foreign_key
    assert "comes to 0 in each family" in model.plan["postings"].column("amount").why
    assert plan_from_json(plan_to_json(model.plan)) == model.plan
    made = model.sample(seed=1, scale=1.5)
    rows = made["postings"]
    amounts = cents(rows["amount"])
    assert (amounts.groupby(rows["entry_id"]).sum() == 0).all()
    assert (amounts != 0).all() and (cents(rows["doubled"]) == 2 * amounts).all()
    assert (
        rows["line"].groupby(rows["entry_id"]).apply(lambda lines: list(lines) == list(range(1, len(lines) + 1))).all()
    )
    # What hangs on the amounts has the balanced ones.
    balance = cents(made["accounts"].set_index("id")["balance"])
    assert (balance == amounts.groupby(rows["account_id"]).sum().reindex(balance.index, fill_value=0)).all()
    # One posting makes up for the others: signs are as they were drawn in nearly all pairs.
    pairs = amounts[rows.groupby("entry_id")["line"].transform("size") == 2].to_numpy().reshape(-1, 2)
    assert (pairs[:, 0] < 0).mean() > 0.95
    target = f"sqlite:///{tmp_path / 'out'}"
    fs.load(made, target, schema=model.schema)
    again = rules(target)["postings.amount"]
    assert again.parameters == rule.parameters
    assert made.arrow("postings").equals(model.sample(seed=1, scale=1.5, workers=2).arrow("postings"))


def test_amounts_times_a_rate_balance(tmp_path: Path) -> None:
    url = ledger(tmp_path / "rates", rates=True)
    rule = rules(url)["postings.amount"]
    assert {n: rule.parameters[n] for n in ("times", "rounded", "constant")} == {
        "times": "rate",
        "rounded": 2,
        "constant": 0,
    }
    rows = fs.fit(url, seed=1).sample(seed=1)["postings"]
    weight = rows["amount"].astype(float) * rows["rate"].astype(float).fillna(1)
    off = weight.groupby(rows["entry_id"]).sum().abs()
    assert rows["rate"].notna().sum() > 50 and off.max() < 0.00501


def test_some_kinds_alone_balance(tmp_path: Path) -> None:
    url = ledger(tmp_path / "drafts", drafts=True)
    rule = rules(url)["postings.amount"]
    assert rule.parameters["by"] == "kind" and sorted(rule.parameters["kinds"]) == [["sale", 0], ["wages", 0]]
    made = fs.fit(url, seed=1).sample(seed=1)
    kind = made["entries"].set_index("id")["kind"]
    sums = cents(made["postings"]["amount"]).groupby(made["postings"]["entry_id"]).sum()
    drafts = kind.reindex(sums.index) == "draft"
    assert (sums[~drafts] == 0).all() and (sums[drafts] != 0).mean() > 0.9


def test_each_currency_balances(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    pairs = rng.integers(1, 4, 500)
    entry = np.repeat(np.arange(500), 2 * pairs)
    amount = np.repeat(np.rint(np.exp(rng.normal(8, 1, pairs.sum()))).astype(int) + 1, 2)
    currency = np.repeat(rng.choice(["EUR", "USD", "GBP"], pairs.sum(), p=[0.6, 0.3, 0.1]), 2)
    amount[1::2] *= -1
    postings = pd.DataFrame({"entry_id": entry + 1, "currency": currency, "amount": amount / 100})
    postings.insert(0, "id", np.arange(1, len(postings) + 1))
    ddl = """
    CREATE TABLE entries (id INTEGER PRIMARY KEY, kind TEXT NOT NULL);
    CREATE TABLE postings (id INTEGER PRIMARY KEY, entry_id INTEGER NOT NULL REFERENCES entries(id),
      currency TEXT NOT NULL, amount NUMERIC(12,2) NOT NULL);
    """
    entries = pd.DataFrame({"id": np.arange(1, 501), "kind": rng.choice(["a", "b"], 500)})
    url = real.write(tmp_path / "currencies", ddl, {"entries": entries, "postings": postings})
    rule = rules(url)["postings.amount"]
    assert rule.parameters["within"] == "currency"
    assert describe(rule) == "amount of one parent's children with one currency comes to 0"
    made = fs.fit(url, seed=1).sample(seed=1)["postings"].assign(cents=lambda rows: cents(rows["amount"]))
    assert (made.groupby("entry_id")["cents"].sum() == 0).all()
    groups = made.groupby(["entry_id", "currency"])["cents"].agg(["sum", "size"])
    alone = (groups["size"] == 1).groupby("entry_id").transform("any")  # for which nothing in its currency makes up
    assert (groups["sum"][~alone] == 0).all() and alone.mean() < 0.2


def test_as_many_families_as_did_keep_the_rule(tmp_path: Path) -> None:
    url = ledger(tmp_path / "slips", slips=15)
    rule = rules(url)["postings.amount"]
    assert rule.parameters["share"] == 0.97
    schema = fs.reflect(url)
    data = read_rows(url, schema)
    views = {t.name: view_table(t, data.arrow(t.name)) for t in schema}
    rows, kept = kept_by(rule, views["postings"], views)
    assert rows == views["postings"].rows and 0.96 < kept / rows < 0.98
    made = fs.fit(url, seed=1).sample(seed=1)["postings"]
    share = (cents(made["amount"]).groupby(made["entry_id"]).sum() == 0).mean()
    assert 0.95 < share < 0.99


PORTFOLIOS = """
CREATE TABLE portfolios (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE holdings (
  id INTEGER PRIMARY KEY, portfolio_id INTEGER NOT NULL REFERENCES portfolios(id), sector TEXT NOT NULL,
  percent INTEGER NOT NULL CHECK (percent BETWEEN 1 AND 100), main BOOLEAN NOT NULL,
  place INTEGER NOT NULL);
"""


def test_shares_and_one_chief_row(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    rows = []
    for portfolio in range(300):
        size = int(rng.integers(1, 7))
        cuts = np.sort(rng.choice(np.arange(1, 100), size - 1, replace=False))
        chief = int(rng.integers(0, size))
        parts = np.diff([0, *cuts, 100])
        rows += [(portfolio + 1, "abcdef"[k], int(p), k == chief, k + 1) for k, p in enumerate(parts)]
    holdings = pd.DataFrame(rows, columns=["portfolio_id", "sector", "percent", "main", "place"])
    holdings.insert(0, "id", np.arange(1, len(holdings) + 1))
    portfolios = pd.DataFrame({"id": np.arange(1, 301), "name": [f"p{i}" for i in range(300)]})
    url = real.write(tmp_path / "shares", PORTFOLIOS, {"portfolios": portfolios, "holdings": holdings})
    found = rules(url)
    assert {n: i.parameters["constant"] for n, i in found.items()} == {"holdings.percent": 100, "holdings.main": 1}
    made = fs.fit(url, seed=1).sample(seed=1)["holdings"]
    family = made.groupby("portfolio_id")
    assert (family["percent"].sum() == 100).all() and made["percent"].between(1, 100).all()
    assert (made["main"].astype(bool).groupby(made["portfolio_id"]).sum() == 1).all()


JOURNAL = """
CREATE TABLE entries (id INTEGER PRIMARY KEY, booked_on DATE NOT NULL);
CREATE TABLE lines (
  id INTEGER PRIMARY KEY, entry_id INTEGER NOT NULL REFERENCES entries(id), account TEXT NOT NULL,
  debit NUMERIC(12,2), credit NUMERIC(12,2), CHECK ((debit IS NULL) <> (credit IS NULL)));
"""


@pytest.mark.parametrize("empty", [np.nan, 0.0])
def test_debit_and_credit(tmp_path: Path, empty: float) -> None:
    rng = np.random.default_rng(4)
    sizes = rng.integers(2, 5, 400)
    entry = np.repeat(np.arange(400), sizes)
    first = np.r_[True, entry[1:] != entry[:-1]]
    amount = np.rint(rng.exponential(9_000, entry.size)).astype(int) + 1
    total = np.bincount(entry, np.where(first, 0, amount)).astype(int)
    lines = pd.DataFrame({
        "id": np.arange(1, entry.size + 1), "entry_id": entry + 1, "account": rng.choice(list("abcde"), entry.size),
        "debit": np.where(first, total[entry] / 100, empty), "credit": np.where(first, empty, amount / 100),
    })  # fmt: skip
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, 400), "D")
    entries = pd.DataFrame({"id": np.arange(1, 401), "booked_on": days.strftime("%Y-%m-%d")})
    ddl = JOURNAL if empty != 0 else JOURNAL.replace(", CHECK ((debit IS NULL) <> (credit IS NULL))", "")
    url = real.write(tmp_path / "journal", ddl, {"entries": entries, "lines": lines})
    (rule,) = rules(url).values()
    assert (rule.target, rule.parameters["minus"]) == ("debit", "credit")
    made = fs.fit(url, seed=1).sample(seed=1)["lines"].fillna({"debit": 0, "credit": 0})
    sums = (
        made.assign(debit=cents(made["debit"]), credit=cents(made["credit"]))
        .groupby("entry_id")[["debit", "credit"]]
        .sum()
    )
    assert (sums["debit"] == sums["credit"]).mean() > 0.97
    assert ((made["debit"].astype(float) > 0) != (made["credit"].astype(float) > 0)).all()


def test_chance_and_counting_are_no_rules(tmp_path: Path) -> None:
    """Ones among ones, places in a family, numbers without a bond."""
    rng = np.random.default_rng(5)
    n = 200
    items = pd.DataFrame({
        "id": np.arange(1, 3 * n + 1), "parent_id": np.repeat(np.arange(1, n + 1), 3),
        "place": np.tile([10, 20, 30], n),
        "pieces": np.where(rng.random(3 * n) < 0.995, 1, 2), "price": rng.integers(1, 900, 3 * n),
    })  # fmt: skip
    ddl = """
    CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
    CREATE TABLE items (id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL REFERENCES parents(id),
      place INTEGER NOT NULL, pieces INTEGER NOT NULL, price INTEGER NOT NULL);
    """
    parents = pd.DataFrame({"id": np.arange(1, n + 1), "name": [f"p{i}" for i in range(n)]})
    assert not rules(real.write(tmp_path / "items", ddl, {"parents": parents, "items": items}))


@pytest.mark.parametrize(("people", "told"), [(3, False), (60, True)])
def test_few_entities_tell_no_sum(tmp_path: Path, people: int, told: bool) -> None:
    rng = np.random.default_rng(8)
    size = np.repeat(np.arange(300), 2)
    part = rng.integers(1, 700, 300)
    shares = pd.DataFrame(
        {"id": np.arange(1, 601), "order_id": size + 1, "part": np.stack([part, 731 - part], 1).ravel()}
    )
    orders = pd.DataFrame({"id": np.arange(1, 301), "customer_id": rng.integers(1, people + 1, 300)})
    customers = pd.DataFrame({
        "id": np.arange(1, people + 1), "first_name": [f"A{i}" for i in range(people)],
        "last_name": [f"B{i}" for i in range(people)], "email": [f"c{i}@x.org" for i in range(people)],
    })  # fmt: skip
    ddl = """
    CREATE TABLE customers (id INTEGER PRIMARY KEY, first_name TEXT NOT NULL, last_name TEXT NOT NULL, email TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id));
    CREATE TABLE shares (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders(id),
      part INTEGER NOT NULL);
    """
    url = real.write(tmp_path / "few", ddl, {"customers": customers, "orders": orders, "shares": shares})
    schema = fs.reflect(url)
    profile = profile_dataset(read_rows(url, schema), schema)
    assert any(i.kind == "balance" for i in profile["shares"].invariants) is told

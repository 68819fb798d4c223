"""What goes on from sibling to sibling is found, and holds in every generated row."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sibling_databases as real
from scipy.stats import ks_2samp

import fixturesynth as fs
from fixturesynth.evaluation.invariants import kept_by
from fixturesynth.loading.reading import read_rows
from fixturesynth.planning.serialisation import plan_from_json, plan_to_json
from fixturesynth.profiling.columnar import DAY, view_table
from fixturesynth.profiling.invariants import find_invariants
from fixturesynth.profiling.profile import Invariant
from fixturesynth.profiling.siblings import Siblings, line_up, paced
from fixturesynth.sampling.bounds import Bounds, kept_within
from fixturesynth.schema.model import Column, ColumnType, Table
from fixturesynth.schema.reflection import reflect

Frames = dict[str, pd.DataFrame]

BETWEEN = ("running", "adjacent", "paced", "ascending")


def learned(url: str) -> tuple[Any, Frames, Frames]:
    """The synthesizer, the real rows and generated ones."""
    model = fs.fit(url, seed=1)
    before = dict(read_rows(url, model.schema).items())
    return model, before, dict(model.sample(seed=1).items())


def rules(url: str, table: str) -> dict[tuple[str, str], Invariant]:
    schema = reflect(url)
    found = find_invariants(schema, read_rows(url, schema))[table]
    return {(i.kind, i.target): i for i in found if i.kind in BETWEEN}


def cents(values: pd.Series) -> np.ndarray:
    return np.rint(values.astype(float).to_numpy() * 100).astype(np.int64)


def hashes(data: fs.Dataset) -> list[str]:
    return [data.content_hash(name) for name in data]


def near(real_values: pd.Series, made: pd.Series, most: float) -> bool:
    return bool(ks_2samp(real_values.dropna().astype(float), made.dropna().astype(float)).statistic <= most)


# -- running totals ---------------------------------------------------------------------------------------------------
SIGNS = {"deposit": 1, "interest": 1, "withdrawal": -1, "card": -1, "fee": -1}


@pytest.mark.parametrize(("sign", "opening"), [("amount", "nothing"), ("type", "nothing"), ("type", "account")])
def test_balances_go_on_in_every_account(tmp_path: Path, sign: str, opening: str) -> None:
    url = real.bank(tmp_path / "bank", sign=sign, opening=opening)
    rule = rules(url, "entries")["running", "balance"]
    assert rule.parameters["groups"] == ["account_id"] and rule.parameters["floor"] == 0
    assert ("by" in rule.parameters) == (sign == "type")
    model, before, after = learned(url)
    entries = after["entries"].sort_values(["account_id", "booked_at", "id"])
    sizes = cents(entries["amount"]) * (entries["type"].map(SIGNS).to_numpy() if sign == "type" else 1)
    begin = entries["account_id"].map(after["accounts"].set_index("id")["opening_balance"])
    sums = pd.Series(sizes).groupby(entries["account_id"].to_numpy()).cumsum().to_numpy()
    assert (sums + cents(begin) == cents(entries["balance"])).all()
    assert entries["balance"].min() >= 0
    assert entries["id"].is_unique and after["entries"].sort_values("id")["booked_at"].is_monotonic_increasing
    assert near(before["entries"]["amount"], after["entries"]["amount"], 0.02)
    assert near(before["entries"]["balance"], after["entries"]["balance"], 0.08)
    assert "the total before it and amount" in model.plan["entries"].column("balance").why


def test_totals_stay_with_more_rows_and_given_values(tmp_path: Path) -> None:
    model = fs.fit(real.bank(tmp_path / "bank", sign="type", families=200), seed=1)
    for made in (
        model.sample(scale=2.0, seed=3),
        model.sample(seed=4, given={"entries": {"type": "fee"}}),
        model.sample(seed=5, workers=2),
    ):
        entries = made["entries"].sort_values(["account_id", "booked_at", "id"])
        sizes = pd.Series(cents(entries["amount"]) * entries["type"].map(SIGNS).to_numpy())
        sums = sizes.groupby(entries["account_id"].to_numpy()).cumsum().to_numpy()
        same = sums == cents(entries["balance"])
        # Fees alone cannot be paid from nothing: the check goes before the rule.
        assert same.all() or set(entries["type"]) == {"fee"}
        assert entries["balance"].min() >= 0


def test_a_model_that_was_saved_gives_the_same_rows(tmp_path: Path) -> None:
    for number, url in enumerate((real.bank(tmp_path / "bank", families=100), real.invoices(tmp_path / "invoices"))):
        model = fs.fit(url, seed=1)
        model.save(tmp_path / f"{number}.fsynth")
        again = fs.Synthesizer.open(tmp_path / f"{number}.fsynth")
        assert plan_from_json(plan_to_json(model.plan)) == again.plan
        assert hashes(again.sample(seed=2)) == hashes(model.sample(seed=2)) == hashes(model.sample(seed=2, workers=2))


def test_two_columns_add_and_take_away(tmp_path: Path) -> None:
    url = real.stock(tmp_path / "stock")
    found = rules(url, "movements")
    assert found["running", "stock"].parameters["terms"] == [["received", 1], ["issued", -1]]
    assert found["running", "issued_so_far"].parameters["terms"] == [["issued", 1]]
    assert found["ascending", "moved_on"].parameters["strict"] is True
    _, before, after = learned(url)
    rows = after["movements"].sort_values(["product_id", "line_no"])
    step = rows["received"].fillna(0) - rows["issued"].fillna(0)
    assert (step.groupby(rows["product_id"]).cumsum() == rows["stock"]).all()
    assert (rows["issued"].fillna(0).groupby(rows["product_id"]).cumsum() == rows["issued_so_far"]).all()
    assert rows["stock"].min() >= 0
    assert (rows.groupby("product_id")["moved_on"].apply(lambda d: d.is_monotonic_increasing and d.is_unique)).all()
    assert near(before["movements"]["stock"], rows["stock"], 0.08)


def test_a_total_that_begins_anywhere_and_the_stand_before_it(tmp_path: Path) -> None:
    url = real.journeys(tmp_path / "journeys")
    found = rules(url, "trips")
    assert found["running", "odometer_end"].parameters["opening"] == {"free": True}
    assert ("running", "odometer_start") not in found  # the row has it from its end
    _, before, after = learned(url)
    rows = after["trips"].sort_values(["vehicle_id", "started_at", "id"])
    start, end, km = (np.rint(rows[c].astype(float) * 10) for c in ("odometer_start", "odometer_end", "km"))
    assert (end - start == km).all() and start.min() >= 0
    first = ~rows["vehicle_id"].duplicated()
    assert (start[~first] == end.shift()[~first]).all()
    assert near(before["trips"]["odometer_end"], rows["odometer_end"], 0.08)


def test_one_ledger_without_a_parent(tmp_path: Path) -> None:
    url = real.ledger(tmp_path / "ledger")
    assert rules(url, "ledger")["running", "balance"].parameters["groups"] == []
    model, before, after = learned(url)
    rows = after["ledger"].sort_values("id")
    assert rows["posted_on"].is_monotonic_increasing
    assert (np.cumsum(cents(rows["amount"])) == cents(rows["balance"])).all() and rows["balance"].min() >= 0
    assert near(before["ledger"]["amount"], rows["amount"], 0.02)
    # One balance of 2,000 rows is one path of many: the middle one of five.
    real_balance = before["ledger"]["balance"].astype(float)
    paths = [dict(model.sample(seed=seed).items())["ledger"]["balance"].astype(float) for seed in range(1, 6)]
    assert np.median([ks_2samp(real_balance, path).statistic for path in paths]) <= 0.12


def test_a_total_is_none_when_a_row_breaks_it(tmp_path: Path) -> None:
    url = real.bank(tmp_path / "bank", families=100)
    schema = reflect(url)
    frames = dict(read_rows(url, schema).items())
    entries = frames["entries"].copy()
    wrong = entries["balance"].astype(float).to_numpy().copy()
    wrong[500] += 0.01
    entries["balance"] = wrong
    found = find_invariants(schema, fs.Dataset.from_frames({**frames, "entries": entries}))["entries"]
    assert "running" not in {i.kind for i in found}
    rng = np.random.default_rng(1)
    entries["balance"] = rng.permutation(wrong)
    found = find_invariants(schema, fs.Dataset.from_frames({**frames, "entries": entries}))["entries"]
    assert "running" not in {i.kind for i in found}


def test_broken_rows_are_counted(tmp_path: Path) -> None:
    """Every kind is held against rows: those that follow a changed one break it."""
    changes: list[tuple[str, str, tuple[str, str], Callable[[pd.Series], Any]]] = [
        (real.bank(tmp_path / "a", families=100), "entries", ("running", "balance"), lambda s: s.astype(float) + 1.0),
        (real.versions(tmp_path / "b"), "customer_versions", ("adjacent", "valid_to"), lambda s: date(2031, 1, 1)),
        (real.invoices(tmp_path / "c"), "invoices", ("paced", "invoiced_on"), lambda s: date(1999, 5, 7)),
        (real.invoices(tmp_path / "d"), "invoices", ("ascending", "invoiced_on"), lambda s: date(1999, 5, 7)),
    ]
    for url, table, which, change in changes:
        rule = rules(url, table)[which]
        schema = reflect(url)
        frames = dict(read_rows(url, schema).items())

        def views(frames: Frames, schema: Any = schema) -> dict[str, Any]:
            data = fs.Dataset.from_frames(frames)
            return {t.name: view_table(t, data.arrow(t.name)) for t in schema}

        whole = views(frames)
        witnesses, kept = kept_by(rule, whole[table], whole)
        assert witnesses == kept > 200
        spoiled = frames[table].copy()
        values = spoiled[which[1]].astype(object).copy()
        at = [50, 120, 190]
        values.iloc[at] = change(spoiled[which[1]].iloc[at])
        spoiled[which[1]] = values if which[0] != "running" else values.astype(float)
        broken = views({**frames, table: spoiled})
        witnesses, kept = kept_by(rule, broken[table], broken)
        assert 2 <= witnesses - kept <= 60, which


# -- spans that adjoin ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("gap", [0, 1])
def test_each_version_ends_where_the_next_begins(tmp_path: Path, gap: int) -> None:
    url = real.versions(tmp_path / "versions", gap=gap)
    rule = rules(url, "customer_versions")["adjacent", "valid_to"]
    assert rule.parameters["constant"] == -gap and not rule.parameters["free"]
    _, _, after = learned(url)
    rows = after["customer_versions"].sort_values(["customer_id", "version"])
    begin, end = pd.to_datetime(rows["valid_from"]), pd.to_datetime(rows["valid_to"])
    last = ~rows["customer_id"].duplicated(keep="last")
    assert (end[~last] + pd.Timedelta(days=gap) == begin.shift(-1)[~last]).all()
    assert end[last].isna().all() and (rows["is_current"].astype(bool) == last).all()
    assert (end[~last] > begin[~last]).all()


def test_the_last_of_a_family_may_end_too(tmp_path: Path) -> None:
    """Where some last spans have ended, how long they were is learned."""
    url = real.versions(tmp_path / "versions")
    schema = reflect(url)
    frames = dict(read_rows(url, schema).items())
    rows = frames["customer_versions"].copy()
    open_ends = rows["valid_to"].isna() & (rows["customer_id"] % 2 == 0)
    days = pd.to_datetime(rows["valid_from"]) + pd.to_timedelta(30 + rows["customer_id"] % 60, unit="D")
    rows.loc[open_ends, "valid_to"] = days[open_ends].dt.date
    rows["is_current"] = rows["valid_to"].isna()
    model = fs.fit({**frames, "customer_versions": rows}, schema=schema, seed=1)
    made = model.sample(seed=1)["customer_versions"].sort_values(["customer_id", "version"])
    begin, end = pd.to_datetime(made["valid_from"]), pd.to_datetime(made["valid_to"])
    last = ~made["customer_id"].duplicated(keep="last")
    assert (end[~last] == begin.shift(-1)[~last]).all()
    lengths = (end - begin)[last].dropna().dt.days
    assert 0.35 < end[last].isna().mean() < 0.65 and (made["is_current"].astype(bool) == end.isna()).all()
    assert lengths.min() >= 25 and lengths.max() <= 95


# -- even gaps --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("pace", ["monthly", "month_end", "quarterly", "yearly", "fortnightly", "working"])
def test_dates_go_on_evenly(tmp_path: Path, pace: str) -> None:
    url = real.invoices(tmp_path / "invoices", pace)
    assert ("paced", "invoiced_on") in rules(url, "invoices")
    _, before, after = learned(url)
    rows = after["invoices"].sort_values(["contract_id", "id"])
    when = rows["invoiced_on"].to_numpy().astype("datetime64[D]")
    later = rows["contract_id"].duplicated().to_numpy()
    if pace == "fortnightly":
        assert (np.diff(when, prepend=when[:1])[later] == np.timedelta64(14, "D")).all()
    elif pace == "working":
        assert np.is_busday(when).all()
        assert (np.busday_count(np.roll(when, 1)[later], when[later]) == 1).all()
    else:
        months = when.astype("datetime64[M]").astype(int)
        assert (np.diff(months, prepend=months[:1])[later] == {"quarterly": 3, "yearly": 12}.get(pace, 1)).all()
        end = (when.astype("datetime64[M]") + 1).astype("datetime64[D]") - 1
        day = (when - when.astype("datetime64[M]")).astype(int) + 1
        latest = pd.Series(day).groupby(rows["contract_id"].to_numpy()).transform("max").to_numpy()
        length = (end - end.astype("datetime64[M]")).astype(int) + 1
        assert (day == (length if pace == "month_end" else np.minimum(latest, length))).all()
        assert set(day) <= set(pd.to_datetime(before["invoices"]["invoiced_on"]).dt.day)
    signed = rows["contract_id"].map(after["contracts"].set_index("id")["signed_on"]).to_numpy()
    assert (when >= signed.astype("datetime64[D]")).all()


def test_the_parents_plan_decides_the_gap(tmp_path: Path) -> None:
    url = real.invoices(tmp_path / "invoices", "by plan")
    rule = rules(url, "invoices")["paced", "invoiced_on"]
    assert rule.parameters["by"] == "plan" and {c: s["every"] for c, s in rule.parameters["paces"]} == {
        "basic": 1, "pro": 12
    }  # fmt: skip
    model, _, after = learned(url)
    rows = after["invoices"].sort_values(["contract_id", "id"])
    months = rows["invoiced_on"].to_numpy().astype("datetime64[M]").astype(int)
    plan = rows["contract_id"].map(after["contracts"].set_index("id")["plan"])
    later = rows["contract_id"].duplicated().to_numpy()
    assert (np.diff(months, prepend=months[:1])[later] == np.where(plan == "pro", 12, 1)[later]).all()
    assert "as plan has it" in model.plan["invoices"].column("invoiced_on").why


def quotes(path: Path, codes: int = 6) -> str:
    """Prices of a few shares, every Friday of three years, and of two that came later."""
    first, weeks = pd.Timestamp("2024-01-05"), 152
    rng = np.random.default_rng(5)
    shares = [f"S{i:02}" for i in range(codes)]
    rows = [
        (share, str((first + pd.Timedelta(weeks=week)).date()), round(float(rng.normal(50, 9)), 2))
        for share in shares
        for week in range(40 if share in shares[:2] else 0, weeks)
    ]
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE share (code text PRIMARY KEY)")
        connection.execute(
            "CREATE TABLE quote (code text NOT NULL REFERENCES share (code), day date NOT NULL, price real NOT NULL, "
            "PRIMARY KEY (code, day))"
        )
        connection.executemany("INSERT INTO share VALUES (?)", [(s,) for s in shares])
        connection.executemany("INSERT INTO quote VALUES (?, ?, ?)", rows)
        connection.commit()
    return f"sqlite:///{path}"


@pytest.mark.parametrize("codes", [6, 30])
def test_even_gaps_lead_no_further_than_the_rows_do(tmp_path: Path, codes: int) -> None:
    """Long families have nowhere to begin but at the beginning; all of them stand on one grid, as the real ones do."""
    _, before, after = learned(quotes(tmp_path / "quotes.sqlite", codes))
    days = pd.to_datetime(after["quote"]["day"])
    assert days.max() <= pd.to_datetime(before["quote"]["day"]).max() + pd.Timedelta(days=14)
    assert days.min() >= pd.to_datetime(before["quote"]["day"]).min() - pd.Timedelta(days=14)
    assert set(days.dt.day_name()) == {"Friday"}


def test_pace_by_hand() -> None:
    start = np.array(["2024-01-31"], dtype="datetime64[D]").astype(np.int64).repeat(4)

    def dates(parameters: dict[str, Any], begin: np.ndarray = start) -> list[str]:
        return [str(d) for d in paced(begin, np.arange(4), parameters, DAY).astype("datetime64[D]")]

    monthly = {"every": 1, "of": "months"}
    assert dates(monthly) == ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]
    assert dates({**monthly, "month_end": True}, start - 10)[:2] == ["2024-01-31", "2024-02-29"]
    assert dates({"every": 1, "of": "weekdays"}) == ["2024-01-31", "2024-02-01", "2024-02-02", "2024-02-05"]
    assert dates({"every": 10, "of": "units"})[-1] == "2024-03-01"


# -- bounds -----------------------------------------------------------------------------------------------------------
def in_line(sizes: list[int]) -> Siblings:
    first = np.zeros(sum(sizes), dtype=bool)
    first[np.cumsum([0, *sizes[:-1]])] = True
    return Siblings(np.arange(sum(sizes)), first)


def test_a_step_waits_until_the_total_bears_it() -> None:
    line, steps = in_line([4]), np.array([-3, 5, -4, 4])
    places = kept_within(line, steps, np.array([0]), Bounds(0, 10**6))
    assert places is not None and steps[places].tolist() == [5, -3, 4, -4]
    assert kept_within(line, steps[places], np.array([0]), Bounds(0, 10**6)) is None


@pytest.mark.parametrize("pinned", [False, True])
def test_families_that_cannot_pay_change_steps_with_those_that_can(pinned: bool) -> None:
    rng = np.random.default_rng(3)
    sizes = rng.integers(1, 30, 300).tolist()
    line = in_line(sizes)
    steps = rng.integers(-80, 101, line.first.size)
    if pinned:
        steps[line.first] = 0
    opening = rng.integers(0, 60, len(sizes))
    bounds = Bounds(0, 2_000)
    places = kept_within(line, steps, opening, bounds, pinned=pinned)
    assert places is not None
    total = opening[line.family] + line.running(steps[places])
    assert total.min() >= 0 and total.max() <= 2_000
    assert not pinned or (places[line.first] == np.flatnonzero(line.first)).all()
    # Steps change places; hardly one is taken twice.
    assert np.unique(places).size > 0.98 * places.size


def test_rows_line_up_by_several_columns_and_without_a_family() -> None:
    any_type = ColumnType("other", "ANY")
    table = Table("t", tuple(Column(c, any_type) for c in ("g", "d", "n")))
    rows = pa.table({"g": ["b", "a", None, "b", "a"], "d": ["2020-01-02", "2020-01-01", "2020-01-01", "2020-01-01",
                    "2020-01-01"], "n": [1, 5, 2, 3, 4]})  # fmt: skip
    line = line_up(view_table(table, rows), ("g",), ("d", "n"))
    assert line.order.tolist() == [3, 0, 4, 1] and line.first.tolist() == [True, False, True, False]
    assert line.place.tolist() == [0, 1, 0, 1] and line.last.tolist() == [False, True, False, True]


def test_no_category_that_few_share_leaves_with_a_rule(tmp_path: Path) -> None:
    url = real.bank(tmp_path / "bank", sign="type", families=150)
    schema = reflect(url)
    frames = dict(read_rows(url, schema).items())
    entries = frames["entries"].copy()
    deposits = entries.index[entries["type"] == "deposit"]
    entries.loc[deposits[:2], "type"] = "inheritance of uncle Theo"
    model = fs.fit({**frames, "entries": entries}, schema=schema, seed=1)
    (rule,) = [i for i in model.profile["entries"].invariants if i.kind == "running"]
    assert {name for name, _ in rule.parameters["signs"]} == set(SIGNS)
    assert "Theo" not in plan_to_json(model.plan)


def test_the_last_of_one_line_ends_though_its_length_is_nobodys(tmp_path: Path) -> None:
    """One president after the other: how long the last one stays is one row's alone, and is not stored."""
    path = tmp_path / "terms.sqlite"
    source = np.random.Generator(np.random.PCG64(9))
    days = np.cumsum(source.integers(800, 3_000, size=46)) + 200
    dates = [str(d) for d in np.datetime64("1789-01-01") + days]
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE terms (id INTEGER PRIMARY KEY, began TEXT NOT NULL, ended TEXT NOT NULL)")
        connection.executemany("INSERT INTO terms VALUES (?, ?, ?)", zip(range(1, 46), dates, dates[1:], strict=False))
        connection.commit()
    model = fs.fit(f"sqlite:///{path}", seed=1)
    for rows in (1, 2, 9, 30, 45):
        for seed in range(3):
            terms = model.sample(seed=seed, rows=rows).arrow("terms").to_pylist()
            terms.sort(key=lambda row: str(row["began"]))
            assert [r["ended"] for r in terms[:-1]] == [r["began"] for r in terms[1:]]
            assert terms[-1]["ended"] > terms[-1]["began"]

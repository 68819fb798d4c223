"""Running numbers that are no key: whose numbers stand together, what they rise with, what names one nearby."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

import fixturesynth as fs
from fixturesynth.planning.plan import Derived, Modelled

DDL = """
CREATE TABLE orders (
    order_id INTEGER PRIMARY KEY, placed DATE NOT NULL, receipt INTEGER NOT NULL, size TEXT NOT NULL
);
CREATE TABLE entries (
    order_id INTEGER NOT NULL REFERENCES orders (order_id),
    entry INTEGER NOT NULL,
    kind TEXT NOT NULL,
    settles INTEGER,
    PRIMARY KEY (order_id, entry)
);
"""
STORIES = {
    "small": ("charge", "paid"),
    "large": ("charge", "moved out", "moved in", "paid"),
    "none": ("charge",),
}
ORDERS = 400


@pytest.fixture(scope="module")
def real() -> dict[str, pd.DataFrame]:
    source = np.random.Generator(np.random.PCG64(4))
    sizes = source.choice(list(STORIES), ORDERS, p=[0.5, 0.4, 0.1])
    placed = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(source.integers(0, 600, ORDERS)), "D")
    receipts = 70_000 + np.cumsum(source.integers(1, 4, ORDERS))
    entries, entry = [], 900
    for order, size in enumerate(sizes, 1):
        for kind in STORIES[str(size)]:
            entry += 1 + int(source.random() < 0.1)
            entries.append((order, entry, kind, entry - 1 if kind in ("moved in", "paid") else None))
        entry += int(source.integers(0, 9))
    shown = source.permutation(ORDERS)  # the receipts rise with the dates, not with the keys
    return {
        "orders": pd.DataFrame(
            {"order_id": np.arange(1, ORDERS + 1), "placed": placed[shown], "receipt": receipts[shown], "size": sizes}
        ),
        "entries": pd.DataFrame(entries, columns=["order_id", "entry", "kind", "settles"]).astype({"settles": "Int64"}),
    }


def fitted(real: Mapping[str, pd.DataFrame], folder: Any, ddl: str = DDL) -> fs.Synthesizer:
    script = folder.mktemp("entries") / "entries.sql"
    script.write_text(ddl)
    return fs.fit(dict(real), schema=fs.reflect(script), seed=5)


@pytest.fixture(scope="module")
def model(real: Mapping[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> fs.Synthesizer:
    return fitted(real, tmp_path_factory)


@pytest.fixture(scope="module")
def made(model: fs.Synthesizer) -> dict[str, pd.DataFrame]:
    return model.sample(seed=3).to_frames()


def test_numbers_of_a_family_stand_together(made: Mapping[str, pd.DataFrame]) -> None:
    entries = made["entries"].sort_values("entry")
    assert entries["entry"].is_unique
    orders, numbers = (entries[name].to_numpy(dtype=np.int64) for name in ("order_id", "entry"))
    inside = orders[1:] == orders[:-1]
    assert 1 + np.count_nonzero(~inside) == np.unique(orders).size
    steps = np.diff(numbers)[inside]
    assert 0.8 <= (steps == 1).mean() <= 0.97  # 0.9 in the rows


def test_the_range_is_that_of_the_rows(real: Mapping[str, pd.DataFrame], made: Mapping[str, pd.DataFrame]) -> None:
    old, new = real["entries"]["entry"], made["entries"]["entry"]
    assert abs(new.max() - old.max()) < 0.05 * (old.max() - old.min())


def test_entries_follow_each_other_as_their_numbers_do(made: Mapping[str, pd.DataFrame]) -> None:
    stories = made["entries"].sort_values("entry").groupby("order_id")["kind"].apply(tuple)
    assert stories.isin(list(STORIES.values())).mean() > 0.98


def test_what_an_entry_settles_is_one_of_its_own_order(made: Mapping[str, pd.DataFrame]) -> None:
    entries = made["entries"]
    settling = entries[entries["settles"].notna()]
    assert set(settling["kind"]) == {"moved in", "paid"}
    own = entries.groupby("order_id")["entry"].apply(set)
    found = [settles in own[order] for order, settles in zip(settling["order_id"], settling["settles"], strict=True)]
    assert np.mean(found) > 0.85
    assert (settling["settles"] < settling["entry"]).all()


def test_entries_of_few_orders_name_none_that_real_ones_would_not(model: fs.Synthesizer) -> None:
    entries = model.sample(seed=3, rows=60).to_frames()["entries"]
    assert not entries["settles"].notna()[entries["kind"].isin(["charge", "moved out"])].any()


def test_receipts_rise_with_their_dates(made: Mapping[str, pd.DataFrame]) -> None:
    orders = made["orders"].sort_values("receipt")
    assert orders["receipt"].is_unique
    assert all(a <= b for a, b in pairwise(orders["placed"]))


@pytest.mark.parametrize("scale", [0.2, 4.0])
def test_other_numbers_of_rows_are_as_dense(model: fs.Synthesizer, scale: float) -> None:
    entries = model.sample(seed=3, scale=scale).to_frames()["entries"]["entry"]
    assert entries.is_unique
    spread = {s: float(np.ptp(model.sample(seed=3, scale=s).to_frames()["entries"]["entry"])) for s in (1.0, scale)}
    assert spread[scale] == pytest.approx(scale * spread[1.0], rel=0.1)


def test_a_stored_model_counts_alike(model: fs.Synthesizer, tmp_path: Any) -> None:
    again = fs.Synthesizer.open(model.save(tmp_path / "entries.fsynth"))
    assert again.sample(seed=3).arrow("entries").equals(model.sample(seed=3).arrow("entries"))


def test_a_bound_is_kept(real: Mapping[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> None:
    bounded = DDL.replace("entry INTEGER NOT NULL", "entry INTEGER NOT NULL CHECK (entry < 9000)")
    model = fitted(real, tmp_path_factory, bounded)
    assert not isinstance(model.plan["entries"].column("entry").source, Derived)
    entries = model.sample(seed=3).to_frames()["entries"]
    assert (entries["entry"] < 9000).all()
    assert not entries.duplicated(["order_id", "entry"]).any()


def test_numbers_without_order_are_no_running_ones(
    real: Mapping[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> None:
    source = np.random.Generator(np.random.PCG64(6))
    orders, entries = real["orders"].copy(), real["entries"].copy()
    orders["receipt"] = source.permutation(np.arange(ORDERS)) + 70_000
    entries["entry"] = source.permutation(np.arange(len(entries))) + 900
    model = fitted({"orders": orders, "entries": entries}, tmp_path_factory)
    for table, column in (("orders", "receipt"), ("entries", "entry"), ("entries", "settles")):
        source_of = model.plan[table].column(column).source
        assert not (isinstance(source_of, Derived) and source_of.operation == "numbered")
        assert not (isinstance(source_of, Modelled) and "delta_from" in source_of.options)


def test_rows_beside_others_go_on_after_them(model: fs.Synthesizer, real: Mapping[str, pd.DataFrame]) -> None:
    there = fs.Dataset.from_frames({"entries": real["entries"]})
    entries = model.sample(seed=3, there=there).to_frames()["entries"]["entry"]
    assert entries.min() > real["entries"]["entry"].max()

"""Columns that have what another one had in the row before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fixturesynth as fs
from fixturesynth.evaluation.invariants import describe
from fixturesynth.evaluation.successions import lagged
from fixturesynth.planning.plan import Derived
from fixturesynth.profiling.columnar import view_table

DDL = """
CREATE TABLE tickets (ticket_id INTEGER PRIMARY KEY, area TEXT NOT NULL);
CREATE TABLE changes (
    change_id INTEGER PRIMARY KEY,
    ticket_id INTEGER NOT NULL REFERENCES tickets (ticket_id),
    old_state TEXT,
    new_state TEXT NOT NULL,
    hours_before REAL NOT NULL,
    hours_after REAL NOT NULL{checks}
);
"""
NEXT = {"open": ("working", "closed"), "working": ("waiting", "closed"), "waiting": ("working",), "closed": ("open",)}
TICKETS = 300
PAIRS = (("old_state", "new_state"), ("hours_before", "hours_after"))


@pytest.fixture(scope="module")
def real() -> dict[str, pd.DataFrame]:
    source = np.random.Generator(np.random.PCG64(5))
    rows = []
    for ticket in range(1, TICKETS + 1):
        old, before = None, float(source.integers(1, 9))
        for _ in range(int(source.integers(1, 8))):
            new = "open" if old is None else str(source.choice(NEXT[old]))
            after = float(np.round(max(0.0, before + source.choice([-1.5, -0.5, 2.0])), 1))
            rows.append((len(rows) + 1, ticket, old, new, before, after))
            old, before = new, after
    names = ["change_id", "ticket_id", "old_state", "new_state", "hours_before", "hours_after"]
    areas = source.choice(["billing", "network"], TICKETS)
    tickets = pd.DataFrame({"ticket_id": np.arange(1, TICKETS + 1), "area": areas})
    return {"tickets": tickets, "changes": pd.DataFrame(rows, columns=names)}


def fitted(real: Mapping[str, pd.DataFrame], folder: Path, checks: str = "") -> fs.Synthesizer:
    script = folder / "tickets.sql"
    script.write_text(DDL.format(checks=checks))
    return fs.fit(dict(real), schema=fs.reflect(script), seed=5)


@pytest.fixture(scope="module")
def model(real: Mapping[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> fs.Synthesizer:
    return fitted(real, tmp_path_factory.mktemp("tickets"))


def shifted(changes: pd.DataFrame, column: str) -> pd.Series:
    return changes.sort_values("change_id").groupby("ticket_id")[column].shift()


@pytest.mark.parametrize("scale", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("old, new", PAIRS)
def test_each_row_takes_up_where_the_last_one_left(model: fs.Synthesizer, scale: float, old: str, new: str) -> None:
    changes = model.sample(seed=3, scale=scale).to_frames()["changes"].sort_values("change_id")
    before = shifted(changes, new)
    later = before.notna()
    assert later.sum() > 100
    assert (changes[old][later] == before[later]).all()


def test_the_first_row_has_what_first_rows_have(real: Mapping[str, pd.DataFrame], model: fs.Synthesizer) -> None:
    changes = model.sample(seed=3).to_frames()["changes"].sort_values("change_id")
    first = changes[~changes["ticket_id"].duplicated()]
    assert first["old_state"].isna().all()
    assert set(first["hours_before"]) <= set(real["changes"]["hours_before"])
    known = {(a, b) for a, targets in NEXT.items() for b in targets}
    later = changes[changes["old_state"].notna()]
    assert np.mean([pair in known for pair in zip(later["old_state"], later["new_state"], strict=True)]) > 0.95


def test_the_rule_is_told_and_measured(real: Mapping[str, pd.DataFrame], model: fs.Synthesizer) -> None:
    assert model.profile is not None
    rules = [i for i in model.profile["changes"].invariants if i.kind == "lagged"]
    assert {(i.target, i.sources[0]) for i in rules} == set(PAIRS)
    words = {describe(i) for i in rules}
    assert "old_state = new_state of the row before of one ticket_id" in words
    broken = real["changes"].copy()
    broken.loc[7, "old_state"] = "elsewhere"
    rule = next(i for i in rules if i.target == "old_state")
    for changes, missing in ((real["changes"], 0), (broken, 1)):
        view = view_table(model.schema["changes"], fs.Dataset.from_frames({"changes": changes}).arrow("changes"))
        witness, kept = lagged(rule, view, {})
        assert witness.sum() == len(changes) - TICKETS
        assert (witness & ~kept).sum() == missing


def test_a_check_on_both_is_held_instead(real: Mapping[str, pd.DataFrame], tmp_path: Path) -> None:
    model = fitted(real, tmp_path, ",\n    CHECK (old_state <> new_state)")
    assert not isinstance(model.plan["changes"].column("old_state").source, Derived)
    changes = model.sample(seed=3).to_frames()["changes"]
    assert (changes["old_state"] != changes["new_state"]).fillna(True).all()


def test_what_never_changes_in_a_family_is_no_lag(real: Mapping[str, pd.DataFrame], tmp_path: Path) -> None:
    still = real["changes"].copy()
    still["new_state"] = real["tickets"].set_index("ticket_id")["area"].loc[still["ticket_id"]].to_numpy()
    still["old_state"] = still["new_state"]
    model = fitted({**real, "changes": still}, tmp_path)
    assert model.profile is not None
    assert {i.target for i in model.profile["changes"].invariants if i.kind == "lagged"} == {"hours_before"}

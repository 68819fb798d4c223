"""Numbers of tiny tables go together as those of the rows do, however few bins they have."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fixturesynth as fs
from fixturesynth.generators.contract import Variable
from fixturesynth.generators.tying import Tie, find_ties, tied

ORDER = np.array([7, 2, 10, 0, 5, 11, 3, 8, 1, 9, 4, 6])


def clerks(repeats: int = 1) -> pd.DataFrame:
    """Twelve clerks in no order: who was born late was hired late and earns little, and works in Oslo."""
    order = np.concatenate([ORDER + 12 * k for k in range(repeats)])
    born, hired = (pd.Timestamp(day) for day in ("1960-01-01", "1995-01-01"))
    return pd.DataFrame({
        "id": np.arange(1, order.size + 1),
        "born": born + pd.to_timedelta(order * 611 + 17, unit="D"),
        "hired": hired + pd.to_timedelta(order * 290 + (order % 3) * 400, unit="D"),
        "pay": 9000.0 - 401.5 * order + 900 * (order % 2),
        "town": np.where(ORDER.repeat(repeats) > 5, "Oslo", "Bergen"),
    })  # fmt: skip


def together(frame: pd.DataFrame, a: str, b: str) -> float:
    return float(frame[a].rank().corr(frame[b].rank()))


def test_ranks_go_together_as_in_the_rows(tmp_path: Path) -> None:
    real = clerks()
    model = fs.fit({"clerk": real}, seed=3)
    ties = model.models["clerk"].ties
    assert {(t.first, t.second) for t in ties} >= {("column born", "column pay"), ("column town", "column hired")}
    again = fs.Synthesizer.open(model.save(tmp_path / "clerk.fsynth"))
    assert again.models["clerk"].ties == ties
    for seed in range(4):
        made = model.sample(seed=seed)["clerk"]
        for a, b in (("born", "hired"), ("born", "pay"), ("hired", "pay")):
            assert together(made, a, b) == pytest.approx(together(real, a, b), abs=0.1), (seed, a, b)
        late = made.groupby("town").hired.mean()
        assert late["Oslo"] > late["Bergen"], seed
        assert again.sample(seed=seed).content_hash("clerk") == model.sample(seed=seed).content_hash("clerk")


def test_tables_of_more_rows_and_of_too_few_have_no_ties() -> None:
    assert not fs.fit({"clerk": clerks(6)}, seed=3).models["clerk"].ties
    assert not fs.fit({"clerk": clerks().head(6)}, seed=3).models["clerk"].ties


def test_ties_stand_on_enough_entities_and_on_numbers_that_no_row_lacks() -> None:
    variables = [Variable("kind", 2), Variable("a", 1, ordered=True), Variable("b", 1, ordered=True)]
    codes = [np.array([0, 1] * 5, np.int32), np.zeros(10, np.int32), np.zeros(10, np.int32)]
    up, whole = np.arange(10), np.ones(10, dtype=bool)
    grids = {"a": (up, whole), "b": (-up, whole)}
    found = find_ties(variables, codes, grids, np.arange(10), 5)
    assert Tie("a", -1, "b", -1000) in found
    assert Tie("kind", 0, "a", -174) in found
    assert find_ties(variables, codes, grids, np.arange(10) // 3, 5) == ()
    lacking = {"a": (up, whole), "b": (-up, up > 0)}
    assert not any("b" in (t.first, t.second) for t in find_ties(variables, codes, lacking, np.arange(10), 5))


def test_values_stay_in_their_bins() -> None:
    words = {
        name: np.array(order, np.uint64) << np.uint64(40) for name, order in (("a", range(8)), ("b", range(8, 0, -1)))
    }
    codes = {"a": np.zeros(8, np.int64), "b": np.array([0, 0, 0, 0, 1, 1, 1, 1])}
    made = tied(words, codes, [Tie("a", -1, "b", 1000)])["b"]
    for code in (0, 1):
        inside = codes["b"] == code
        assert sorted(made[inside]) == sorted(words["b"][inside])
        assert (np.diff(made[inside].astype(np.int64)) > 0).all()

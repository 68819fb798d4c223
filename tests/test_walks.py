"""Moments that go on from the sibling before: clicks of one session lie seconds apart, as in the real rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pytest

import fixturesynth as fs
from fixturesynth.errors import ModelFileError
from fixturesynth.generators.distances import Known, Way, own_way
from fixturesynth.generators.fitting import LEAST_A_STEP
from fixturesynth.generators.tablemodel import Walk
from fixturesynth.generators.walks import find_walks, steps_of

DDL = """
CREATE TABLE visitors (visitor_id INTEGER PRIMARY KEY, joined TIMESTAMP NOT NULL);
CREATE TABLE pages (page_id INTEGER PRIMARY KEY, kind VARCHAR(10) NOT NULL);
CREATE TABLE clicks (
    visitor_id INTEGER NOT NULL REFERENCES visitors (visitor_id),
    page_id INTEGER NOT NULL REFERENCES pages (page_id),
    at TIMESTAMP,
    odometer INTEGER NOT NULL
);
"""
VISITORS = 300
HOUR = 3_600


def rows_of_clicks(longest: int = 0) -> dict[str, pd.DataFrame]:
    """Visitors of a year who click every few seconds, and come back weeks later; one click in a hundred has no time.

    ``longest``: clicks of the first visitor, where there are to be so many."""
    source = np.random.Generator(np.random.PCG64(11))
    joined = source.integers(0, 300 * 24 * HOUR, VISITORS) + 1_700_000_000
    clicks = []
    for visitor in range(VISITORS):
        count = longest if longest and not visitor else int(source.integers(5, 60))
        pause = source.random(count) < 0.08
        gaps = np.where(pause, source.integers(7, 60, count) * 24 * HOUR, source.geometric(0.1, count) - 1)
        at = joined[visitor] + source.integers(60, HOUR) + np.cumsum(gaps) - gaps[0]
        shown = pd.Series(pd.to_datetime(at, unit="s")).where(source.random(count) >= 0.01)
        read = np.cumsum(source.integers(0, 4, count)) + 10_000 * int(source.integers(0, 90))
        pages = source.integers(1, 13, count)
        clicks.append(pd.DataFrame({"visitor_id": visitor + 1, "page_id": pages, "at": shown, "odometer": read}))
    return {
        "visitors": pd.DataFrame({
            "visitor_id": np.arange(1, VISITORS + 1), "joined": pd.to_datetime(joined, unit="s")
        }),
        "pages": pd.DataFrame({"page_id": np.arange(1, 13), "kind": ["text", "video", "quiz"] * 4}),
        "clicks": pd.concat(clicks, ignore_index=True),
    }  # fmt: skip


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> fs.Schema:
    script = tmp_path_factory.mktemp("clicks") / "clicks.sql"
    script.write_text(DDL)
    return fs.reflect(script)


@pytest.fixture(scope="module")
def real() -> dict[str, pd.DataFrame]:
    return rows_of_clicks()


@pytest.fixture(scope="module")
def synthesizer(real: Mapping[str, pd.DataFrame], schema: fs.Schema) -> fs.Synthesizer:
    return fs.fit(dict(real), schema=schema, seed=5)


def gaps_of(clicks: pd.DataFrame, column: str = "at") -> npt.NDArray[np.float64]:
    """Seconds, or whatever is counted, from each click to the visitor's next."""
    dated = clicks.dropna(subset=[column]).sort_values(["visitor_id", column], kind="stable")
    steps = dated.groupby("visitor_id")[column].diff().dropna()
    seconds = steps.dt.total_seconds() if column == "at" else steps
    return seconds.to_numpy(np.float64)


def test_clicks_lie_as_far_apart_as_real_ones(real: Mapping[str, pd.DataFrame], synthesizer: fs.Synthesizer) -> None:
    made = synthesizer.sample(seed=3).to_frames()
    ours, theirs = gaps_of(made["clicks"]), gaps_of(real["clicks"])
    for quantile in (0.25, 0.5, 0.75, 0.9):
        assert np.quantile(ours, quantile) == pytest.approx(np.quantile(theirs, quantile), rel=0.2, abs=1)
    assert np.mean(ours == 0) == pytest.approx(np.mean(theirs == 0), abs=0.02)
    assert np.mean(ours > 24 * HOUR) == pytest.approx(np.mean(theirs > 24 * HOUR), abs=0.02)


def test_no_click_comes_before_its_visitor(synthesizer: fs.Synthesizer) -> None:
    made = synthesizer.sample(seed=3).to_frames()
    joined = made["visitors"].set_index("visitor_id")["joined"]
    clicks = made["clicks"].dropna(subset=["at"])
    assert (clicks["at"].to_numpy() >= joined[clicks["visitor_id"]].to_numpy()).all()
    assert 0 < made["clicks"]["at"].isna().mean() < 0.03


def test_the_same_rows_in_any_number_of_partitions(real: Mapping[str, pd.DataFrame], schema: fs.Schema) -> None:
    whole = fs.fit(dict(real), schema=schema, seed=5)
    tables = tuple(replace(t, partition_rows=700) for t in whole.plan.tables)
    parted = replace(whole, plan=replace(whole.plan, tables=tables))
    assert any(model.walks for model in parted.models.values())
    one, two = parted.sample(seed=9), parted.sample(seed=9, workers=2)
    assert one.arrow("clicks").equals(two.arrow("clicks"))
    theirs = gaps_of(real["clicks"])
    assert np.median(gaps_of(one.to_frames()["clicks"])) == pytest.approx(np.median(theirs), rel=0.2)


def test_one_long_family_does_not_tear_the_others_apart(schema: fs.Schema) -> None:
    real = rows_of_clicks(longest=1_600)
    pages = {"clicks": real["clicks"], "visitors": real["visitors"], "pages": real["pages"]}
    assert len(real["clicks"]) < 1_600 * LEAST_A_STEP  # as it is, the family is too long for so few rows
    more = pd.concat(
        [real["clicks"].assign(visitor_id=lambda d, k=k: d["visitor_id"] + k * VISITORS) for k in range(4)]
    )
    others = pd.concat(
        [real["visitors"].assign(visitor_id=lambda d, k=k: d["visitor_id"] + k * VISITORS) for k in range(4)]
    )
    made = fs.fit({**pages, "clicks": more, "visitors": others}, schema=schema, seed=5).sample(seed=3).to_frames()
    assert np.median(gaps_of(made["clicks"])) == pytest.approx(np.median(gaps_of(more)), rel=0.2, abs=1)


def test_a_model_goes_on_as_before_when_it_is_opened_again(synthesizer: fs.Synthesizer, tmp_path: Path) -> None:
    path = synthesizer.save(tmp_path / "clicks.fsynth")
    assert fs.open_model(path).sample(seed=4).arrow("clicks").equals(synthesizer.sample(seed=4).arrow("clicks"))


def test_a_file_whose_columns_cannot_go_on_is_refused(synthesizer: fs.Synthesizer, tmp_path: Path) -> None:
    models = {
        name: replace(model, walks=(*model.walks, Walk("page_id", 1, 2))) if name == "clicks" else model
        for name, model in synthesizer.models.items()
    }
    path = replace(synthesizer, models=models).save(tmp_path / "wrong.fsynth")
    with pytest.raises(ModelFileError, match="'page_id' cannot go on from row to row"):
        fs.open_model(path)


# -- which columns ----------------------------------------------------------------------------------------------------
def known_of(rows: int) -> Known:
    return Known(np.arange(rows, dtype=np.int64) // 10, 5, 64)


def test_only_what_never_falls_goes_on() -> None:
    source = np.random.Generator(np.random.PCG64(2))
    position = np.tile(np.arange(10), 300)
    rising = (np.cumsum(source.integers(0, 3, (300, 10)), axis=1) + source.integers(0, 10**6, (300, 1))).ravel()
    falling = rising.copy()
    falling[5] -= 10
    ways = {
        "rising": own_way("rising", pa.array(rising), "numeric", ()),
        "falling": own_way("falling", pa.array(falling), "numeric", ()),
        "name": own_way("name", pa.array(["a", "b"] * 1500), "categorical", ()),
    }
    walks = find_walks(ways, position, known_of(3000))
    assert list(walks) == ["rising"]
    assert find_walks({n: _first(w, 1000) for n, w in ways.items()}, position[:1000], known_of(1000)) == {}
    assert walks["rising"].low >= rising.min()
    assert walks["rising"].high <= rising.max()


def _first(way: Way, rows: int) -> Way:
    return Way({name: (values.slice(0, rows), kind) for name, (values, kind) in way.parts.items()})


def test_what_few_bits_tell_stays_as_it_is() -> None:
    position = np.tile(np.arange(10), 300)
    ways = {"place": own_way("place", pa.array(position), "numeric", ())}
    assert find_walks(ways, position, known_of(3000)) == {}


def test_steps_lead_to_the_next_sibling() -> None:
    way = Way({"column at": (pa.array([5, 7, None, 9, 1, 4]), "numeric")})
    assert steps_of("at", way, np.array([0, 1, 2, 3, 0, 1])).to_pylist() == [2, None, None, None, 3, None]

"""Datasets that follow a model: their distribution, what they shrink to, replays."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis.database import InMemoryExampleDatabase
from scipy.stats import chisquare, ks_2samp

import fixturesynth as fs
from fixturesynth.errors import InputError
from fixturesynth.strategies import from_model

Rows = list[dict[str, Any]]

FAVOURED = (b"end", 7_654_321, b"8 octets")  # Hypothesis draws constants of the code under test one time in twenty
FINDING = settings(max_examples=500, database=None, deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def model() -> fs.Synthesizer:
    """A table of 2,000 rows: an amount, and a colour that goes with it."""
    randomness = np.random.Generator(np.random.Philox(7))
    amount = np.round(randomness.gamma(2.0, 50.0, 2_000), 2)
    colour = np.where(amount > 150, "red", np.where(randomness.random(2_000) < 0.6, "blue", "green"))
    frame = pd.DataFrame({"id": np.arange(1, 2_001), "amount": amount, "colour": colour})
    return fs.fit({"sales": frame}, generator="cart", seed=7)


def drawn(model: fs.Synthesizer, examples: int, **options: Any) -> list[Rows]:
    found: list[Rows] = []

    @settings(max_examples=examples, database=None, deadline=None, derandomize=True, phases=[Phase.generate])
    @given(from_model(model, **options))
    def draw(data: dict[str, Rows]) -> None:
        found.append(data["sales"])

    draw()
    return found


@pytest.mark.parametrize("mode", ["realistic", "structural"])
def test_draws_follow_the_model(model: fs.Synthesizer, mode: str) -> None:
    # Of the first examples 26 are completed with the simplest choices, as those of any strategy.
    rows = [row for rows in drawn(model, 1_500, max_rows=1, mode=mode)[60:] for row in rows]
    sampler = model.sample(rows={"sales": 20_000}, seed=1).arrow("sales")
    expected = Counter(sampler.column("colour").to_pylist())
    counts = Counter(r["colour"] for r in rows)
    shares = [expected[c] / 20_000 * len(rows) for c in expected]
    assert chisquare([counts[c] for c in expected], shares).pvalue > 0.001
    amounts = [float(v) for v in sampler.column("amount").to_pylist()]
    assert ks_2samp([float(r["amount"]) for r in rows], amounts).pvalue > 0.001


@pytest.mark.parametrize("mode", ["realistic", "structural"])
def test_rows_are_no_copies_of_each_other(model: fs.Synthesizer, mode: str) -> None:
    """Neither in one dataset nor from one to the next; Hypothesis's mutations would make three in four of them so."""
    rows = [(r["amount"], r["colour"]) for rows in drawn(model, 200, min_rows=3, max_rows=3, mode=mode) for r in rows]
    sampler = model.sample(rows={"sales": 600}, seed=1).arrow("sales")
    distinct = len(set(zip(*(sampler.column(c).to_pylist() for c in ("amount", "colour")), strict=True)))
    assert len(set(rows)) >= 0.9 * distinct


def test_what_fails_shrinks_to_few_rows_of_the_commonest_values(model: fs.Synthesizer) -> None:
    strategy = from_model(model, mode="structural")
    simplest = find(strategy, lambda data: True, settings=FINDING)["sales"]
    found = find(strategy, lambda data: sum(r["colour"] == "red" for r in data["sales"]) >= 2, settings=FINDING)
    assert len(simplest) == 1
    assert [r["colour"] for r in found["sales"]] == ["red", "red"]
    assert min(float(r["amount"]) for r in found["sales"]) > 150


def test_large_datasets_follow_the_model_to_the_last_row(model: fs.Synthesizer) -> None:
    """Rows beyond what one example may choose are none of the simplest value."""
    rows = drawn(model, 20, min_rows=400, max_rows=400, mode="structural")[-1]
    assert len({r["amount"] for r in rows[-200:]}) > 100


@pytest.mark.parametrize("mode", ["realistic", "structural"])
def test_failing_datasets_are_replayed(model: fs.Synthesizer, mode: str) -> None:
    kept = InMemoryExampleDatabase()
    seen: list[dict[str, Rows]] = []

    def run() -> Callable[[], None]:
        @settings(max_examples=200, database=kept, deadline=None)
        @given(from_model(model, mode=mode))
        def fails(data: dict[str, Rows]) -> None:
            seen.append(data)
            assert all(r["colour"] != "red" for r in data["sales"])

        return fails

    test = run()
    for _ in range(2):
        with pytest.raises(AssertionError):
            test()
        seen.append({})
    first, again = seen[: seen.index({})], seen[seen.index({}) + 1 :]
    assert again[0] == first[-1]


@pytest.mark.parametrize("mode", ["realistic", "structural"])
def test_given_values_are_in_every_row_and_the_others_go_with_them(model: fs.Synthesizer, mode: str) -> None:
    rows = [r for data in drawn(model, 150, mode=mode, given={"sales": {"colour": "red"}}) for r in data]
    assert {r["colour"] for r in rows} == {"red"}
    above = np.mean([float(r["amount"]) > 140 for r in rows])  # red ones are above 150, of all rows one in five is
    assert above > 0.8


def test_wrong_arguments_are_named(model: fs.Synthesizer) -> None:
    with pytest.raises(InputError, match=r"unknown mode='structurel'.*structural"):
        from_model(model, mode="structurel")
    with pytest.raises(InputError, match=r"no table 'sale' in the model.*sales"):
        from_model(model, ["sale"])
    with pytest.raises(InputError, match="1 <= min_rows <= max_rows"):
        from_model(model, min_rows=3, max_rows=2)

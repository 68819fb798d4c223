"""Dates that are drawn as weeks, days of the week and clocks stay between the first and the last moment."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from fixturesynth.generators.calendar import CLOCK, DATE, PER_DAY, WEEKDAY, join_parts, kept_within
from fixturesynth.generators.series import find_ends
from fixturesynth.profiling.temporal import parse_temporal

DAY = PER_DAY["seconds"]


@given(
    st.integers(0, 400 * DAY), st.integers(7 * DAY, 90 * DAY), st.booleans(),
    st.lists(st.tuples(st.integers(-3, 16), st.integers(0, 6), st.integers(0, DAY - 1)), min_size=1, max_size=40),
)  # fmt: skip
def test_only_dates_beyond_the_ends_move(first: int, span: int, weekly: bool, rows: list[tuple[int, int, int]]) -> None:
    weeks, days, clocks = (np.array(part) for part in zip(*rows, strict=True))
    start = (first // DAY + 3) // 7
    facts = {
        "unit": "seconds", "format": "%Y-%m-%d %H:%M:%S", "weekday": weekly, "clock": True, "time": 0,
        "first": first, "last": first + span,
    }  # fmt: skip
    parts = {DATE: pa.array(start + weeks if weekly else first // DAY + 7 * weeks + days), CLOCK: pa.array(clocks)}
    if weekly:
        parts[WEEKDAY] = pa.array(days)
    raw = np.arange(len(rows), dtype=np.uint64) << np.uint64(60)
    kept = kept_within(parts, facts, raw)

    def moments(made: dict[str, pa.Array]) -> np.ndarray:
        parsed = parse_temporal(join_parts(made, facts, pa.string()))
        assert parsed is not None
        return parsed[0]

    before, after = moments(parts), moments(kept)
    inside = (before >= first) & (before <= first + span)
    assert (after[inside] == before[inside]).all()
    assert ((after >= first) & (after <= first + span)).all()
    assert ((after - before) % DAY == 0).all()  # the time of day stays


def test_ends_of_few_persons_are_not_stored() -> None:
    days = pa.array([f"2024-01-{1 + i % 28:02d}" for i in range(200)])
    assert find_ends(days, np.zeros(200, dtype=np.int64), 5) == {}
    assert find_ends(days, np.arange(200) % 4, 5) == {}
    assert find_ends(days, np.arange(200), 5)["first"] == 19723

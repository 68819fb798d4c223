"""What the next sibling sees of the one before: only what its own value goes with, and no finer than that says."""

from __future__ import annotations

import numpy as np
import pytest

from fixturesynth.generators.contract import Variable
from fixturesynth.generators.heeding import choose_heeded

FAMILIES, EACH = 3_000, 8
POSITION = np.tile(np.arange(EACH), FAMILIES)
SURROUNDINGS = (Variable("kind", 4),)


def heeded(codes: np.ndarray, variables: list[Variable], around: np.ndarray) -> dict[str, int]:
    """Sizes in which variables are seen, by name."""
    nulls = [-1] * len(variables)
    found = choose_heeded(
        variables, nulls, codes.astype(np.int32), POSITION, SURROUNDINGS,
        lambda rows: around[rows].astype(np.int32),
    )  # fmt: skip
    return {v.name: v.size for _, v in found}


@pytest.fixture
def source() -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(11))


def test_what_siblings_share_is_seen_and_what_the_parent_says_is_not(source: np.random.Generator) -> None:
    kind = source.integers(0, 4, FAMILIES).repeat(EACH)
    habit = source.integers(0, 5, FAMILIES).repeat(EACH)
    level = source.normal(0, 20, FAMILIES).repeat(EACH)
    rows = POSITION.size
    columns = {
        "habit": (np.where(source.random(rows) < 0.8, habit, source.integers(0, 5, rows)), Variable("habit", 5)),
        "noise": (source.integers(0, 5, rows), Variable("noise", 5)),
        "chance": (source.integers(0, 150, rows), Variable("chance", 150, ordered=True)),
        "by kind": (kind * 30 + source.integers(0, 30, rows), Variable("by kind", 120, ordered=True)),
        "level": (np.clip(75 + level + source.normal(0, 20, rows), 0, 149), Variable("level", 150, ordered=True)),
    }
    seen = heeded(np.stack([c for c, _ in columns.values()], axis=1), [v for _, v in columns.values()], kind[:, None])
    assert set(seen) == {"habit", "level"}


def test_what_goes_up_by_one_is_seen_in_full(source: np.random.Generator) -> None:
    age = source.integers(0, 90, FAMILIES).repeat(EACH) + POSITION
    seen = heeded(age[:, None], [Variable("age", 100, ordered=True)], np.zeros((age.size, 1)))
    assert seen == {"age": 100}


def test_a_faint_leaning_of_long_families_is_seen_by_their_means(source: np.random.Generator) -> None:
    level = source.normal(0, 9, FAMILIES).repeat(EACH)
    codes = np.clip(75 + level + source.normal(0, 20, POSITION.size), 0, 149)
    seen = heeded(codes[:, None], [Variable("rating", 150, ordered=True)], np.zeros((codes.size, 1)))
    assert 1 < seen["rating"] < 150


def test_of_few_rows_nothing_is_left_out(source: np.random.Generator) -> None:
    few = 800
    found = choose_heeded(
        [Variable("noise", 5)], [-1], source.integers(0, 5, (few, 1)).astype(np.int32), np.tile(np.arange(8), few // 8),
        SURROUNDINGS, lambda rows: np.zeros((rows.size, 1), np.int32),
    )  # fmt: skip
    assert [v.name for _, v in found] == ["noise"]

"""What the next sibling knows of all before it: steps, means, and the last other value."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import fixturesynth as fs
from fixturesynth.generators.calendar import WEEKDAY, join_parts, split_parts
from fixturesynth.generators.cart import Cart
from fixturesynth.generators.contract import CodedTable, Variable
from fixturesynth.generators.drawing import count_distributions
from fixturesynth.generators.memories import Memory, Remembering, choose_memories, remember
from fixturesynth.generators.steps import classes, code_length, draw_steps, step_classes
from fixturesynth.randomness import stream, words

FAMILIES, EACH = 500, 8


# -- memories ---------------------------------------------------------------------------------------------------------
def families(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes of families drawn around their own level, of three values of which each has two, and their places."""
    rng = np.random.default_rng(seed)
    level = rng.integers(3, 18, FAMILIES).repeat(EACH) + rng.integers(-3, 4, FAMILIES * EACH)
    pair = np.stack([rng.permutation(12)[:2] for _ in range(FAMILIES)])
    value = pair.repeat(EACH, axis=0)[np.arange(FAMILIES * EACH), rng.integers(0, 2, FAMILIES * EACH)]
    return level.astype(np.int32), value.astype(np.int32), np.tile(np.arange(EACH), FAMILIES)


def before(codes: np.ndarray, position: np.ndarray, none: int) -> np.ndarray:
    return np.where(position == 0, none, np.roll(codes, 1)).astype(np.int32)


def test_only_what_says_more_than_the_sibling_before_is_remembered() -> None:
    level, value, position = families(1)
    rng = np.random.default_rng(2)
    noise, other_noise = rng.integers(0, 20, level.size), rng.integers(0, 12, level.size)
    age = rng.integers(0, 30, FAMILIES).repeat(EACH) + position
    shown = np.stack([level, value, noise, other_noise, age], axis=1).astype(np.int32)
    kinds = (("level", 21), ("value", 12), ("noise", 20), ("other noise", 12), ("age", 40))
    variables = [Variable(name, size, size != 12) for name, size in kinds]
    past = np.stack([before(shown[:, i], position, v.size) for i, v in enumerate(variables)], axis=1)
    found = choose_memories(variables, [-1] * 5, shown, past, position)
    assert [(m.kind, m.variable) for m in found] == [("mean", "level"), ("other", "value")]


def test_row_by_row_is_as_all_at_once() -> None:
    level, value, position = families(3)
    level[::7] = 20  # NULL
    shown = np.stack([level, value], axis=1)
    memories = [Memory("mean", "level", 21, null=20), Memory("other", "value", 12)]
    whole = remember(memories, [0, 1], shown, position)
    for family in range(3):
        rows = np.arange(family * EACH, (family + 1) * EACH)
        for row in rows[1:]:
            seen = level[rows[0] : row][level[rows[0] : row] != 20]
            scale = memories[0].scale
            assert whole[row, 0] == (int(seen.sum()) * scale // seen.size if seen.size else memories[0].none)
            changes = [a for a, b in pairwise(value[rows[0] : row]) if a != b]
            assert whole[row, 1] == (changes[-1] if changes else memories[1].none)
    keeper = Remembering(memories, [0, 1], position.size)
    first = np.flatnonzero(position == 0)
    assert (keeper.begin(first) == whole[first]).all()
    assert (keeper.follow(first + 1, shown[first]) == whole[first + 1]).all()


# -- steps ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [1, 2, 5, 300])
def test_steps_can_be_taken_back(size: int) -> None:
    """Every code after every other one, drawn from a distribution that holds its class alone."""
    rng = np.random.default_rng(size)
    codes = rng.integers(0, size, 2_000).astype(np.int32)
    past = rng.integers(0, size + 1, 2_000).astype(np.int32)
    made = step_classes(codes, past, size)
    assert made.min() >= 0 and made.max() < classes(size)
    owner = np.arange(2_000)
    held = count_distributions(owner, made, 2_000, classes(size))
    assert (draw_steps(held, owner, words(stream(1, "x"), 2_000), past, size) == codes).all()


def test_steps_stay_inside_and_first_siblings_take_none() -> None:
    size = 10
    rows = step_classes(np.array([5, 7]), np.array([4, 10]), size)  # one step up, and 7 as such
    held = count_distributions(np.zeros(2, np.int64), rows, 1, classes(size))
    owner, raw = np.zeros(400, np.int64), words(stream(2, "x"), 400)
    first = draw_steps(held, owner, raw, np.full(400, size, np.int32), size)
    assert set(first.tolist()) == {7}
    last = draw_steps(held, owner, raw, np.full(400, size - 2, np.int32), size)
    assert set(last.tolist()) == {7, size - 2}  # never the last code, which may be NULL


def test_a_row_says_nothing_of_itself() -> None:
    target = np.arange(64)
    assert code_length(target, target, 64) == pytest.approx(6.0)  # a leaf of its own: as likely as anywhere
    assert code_length(np.arange(64) // 2, np.arange(64) // 2, 32) < 1.0


def test_trees_learn_steps_where_they_are_all_there_is() -> None:
    rng = np.random.default_rng(4)
    start = rng.integers(0, 100, FAMILIES).repeat(EACH)
    position = np.tile(np.arange(EACH), FAMILIES)
    codes = (start + 3 * position).astype(np.int32)
    past = before(codes, position, 130)
    variables = (Variable("previous age", 131, True, context=True), Variable("age", 130, True, like="previous age"))
    table = CodedTable(variables, np.stack([past, codes], axis=1), np.arange(FAMILIES).repeat(EACH))
    state = Cart().fit(table, seed=1)
    assert len(state.facts["stepped"]) == 1
    drawn = Cart().sample(state, past[:, None], words(stream(1, "y"), codes.size)[:, None])[:, 0]
    later = position > 0
    assert (drawn[later] == codes[later]).mean() > 0.97
    given = Cart().sample(state, past[:, None], words(stream(1, "y"), codes.size)[:, None], {"age": codes})
    assert (given[:, 0] == codes).all()


def test_trees_search_all_of_many_columns() -> None:
    """One column in forty tells, and only where another one is set: no first level shows it."""
    rng = np.random.default_rng(6)
    n, wide = 6_000, 40
    codes = rng.integers(0, 4, (n, wide + 1)).astype(np.int32)
    codes[:, :20] = rng.integers(0, 2, (n, 1))  # they go first: each splits the rows as well as the others
    codes[:, wide] = np.where(codes[:, 0] == 1, codes[:, 30], codes[:, 0] * 0 + rng.integers(0, 4, n))
    variables = (*(Variable(f"c{i}", 4, context=True) for i in range(wide)), Variable("told", 4))
    state = Cart().fit(CodedTable(variables, codes), seed=1)
    drawn = Cart().sample(state, codes[:, :wide], words(stream(1, "z"), n)[:, None])[:, 0]
    set_rows = codes[:, 0] == 1
    assert (drawn[set_rows] == codes[set_rows, 30]).mean() > 0.95


# -- whole databases --------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, fs.Dataset]:
    """Persons asked every one to three years: their age goes with the year, pay and town are their own."""
    rng = np.random.default_rng(7)
    people = pd.DataFrame({"person": np.arange(1, FAMILIES + 1)})
    answers = pd.DataFrame(
        {"answer": np.arange(1, FAMILIES * EACH + 1), "person": people["person"].repeat(EACH).values}
    )
    gap = rng.integers(1, 4, (FAMILIES, EACH))
    gap[:, 0] = rng.integers(0, 5, FAMILIES)
    passed = gap.cumsum(axis=1).reshape(-1)
    answers["year"] = 1990 + passed
    answers["age"] = rng.integers(18, 50, FAMILIES).repeat(EACH) + passed
    answers["pay"] = rng.integers(10, 60, FAMILIES).repeat(EACH) * 100 + rng.integers(-6, 7, FAMILIES * EACH) * 100
    script = tmp_path_factory.mktemp("panel") / "panel.sql"
    script.write_text(
        "CREATE TABLE people (person INT PRIMARY KEY);"
        "CREATE TABLE answers (answer INT PRIMARY KEY, person INT NOT NULL REFERENCES people (person),"
        " year INT NOT NULL, age INT NOT NULL, pay INT NOT NULL);",
        encoding="utf-8",
    )
    model = fs.fit({"people": people, "answers": answers}, schema=fs.reflect(script), seed=3)
    return answers, model.sample(seed=3)


def test_age_goes_with_the_year(panel: tuple[pd.DataFrame, fs.Dataset]) -> None:
    def born(answers: pd.DataFrame) -> float:
        """Share of persons who were born in one year all their life."""
        born = answers["year"] - answers["age"]
        return float((born.groupby(answers["person"]).nunique() == 1).mean())

    assert born(panel[0]) == 1.0
    assert born(panel[1]["answers"]) > 0.8


def test_pay_is_a_persons_own(panel: tuple[pd.DataFrame, fs.Dataset]) -> None:
    def own(answers: pd.DataFrame) -> float:
        """Share of the variance that lies between persons, and what is left within."""
        return float(answers.groupby("person")["pay"].mean().var() / answers["pay"].var())

    assert own(panel[1]["answers"]) == pytest.approx(own(panel[0]), abs=0.12)


def test_memories_come_back_from_a_file(panel: tuple[pd.DataFrame, fs.Dataset], tmp_path: Path) -> None:
    rows = {"people": pd.DataFrame({"person": panel[0]["person"].unique()}), "answers": panel[0]}
    script = tmp_path / "panel.sql"
    script.write_text(
        "CREATE TABLE people (person INT PRIMARY KEY);"
        "CREATE TABLE answers (answer INT PRIMARY KEY, person INT NOT NULL REFERENCES people (person),"
        " year INT NOT NULL, age INT NOT NULL, pay INT NOT NULL);",
        encoding="utf-8",
    )
    model = fs.fit(rows, schema=fs.reflect(script), seed=3)
    assert [m.variable for m in model.models["answers"].memories] == ["column pay"]
    model.save(tmp_path / "panel.fsynth")
    opened = fs.Synthesizer.open(tmp_path / "panel.fsynth")
    assert opened.models["answers"].memories == model.models["answers"].memories
    assert opened.sample(seed=5)["answers"].equals(model.sample(seed=5)["answers"])


# -- days of the week -------------------------------------------------------------------------------------------------
def moments(days: np.ndarray) -> pa.Array:
    return pa.array((np.datetime64("2024-01-01") + days).astype("datetime64[D]"))


def test_the_day_of_the_week_is_a_part_where_something_hangs_on_it() -> None:
    rng = np.random.default_rng(8)
    days = np.tile(np.arange(140), 5)
    noise, shut = rng.normal(size=days.size), (days % 7 == 6).astype(np.int64)
    name = pa.array(np.array(["early", "late", None])[rng.integers(0, 3, days.size)])
    sold = pa.array(np.where(shut, 0.0, 50 + rng.normal(size=days.size)))
    assert split_parts(moments(days), [pa.array(noise), name]) is None
    for beside in (pa.array(shut), sold, pa.array(np.where(shut, "shut", None))):
        found = split_parts(moments(days), [name, beside])
        assert found is not None
        facts, parts = found
        assert facts["weekday"] and parts[WEEKDAY].to_pylist() == (days % 7).tolist()
        assert join_parts(parts, facts, pa.date32()).equals(moments(days))


def test_shops_are_shut_on_sundays(tmp_path: Path) -> None:
    """Every day of a hundred days for every shop: days follow each other, and Sunday is what it is."""
    rng = np.random.default_rng(9)
    shops, days = 60, 100
    rows = pd.DataFrame({"shop": np.arange(1, shops + 1).repeat(days)})
    number = np.tile(np.arange(days), shops)
    rows["day"] = (np.datetime64("2024-01-01") + number).astype(str)
    rows["open"] = ((number % 7 != 6) & (rng.random(number.size) > 0.02)).astype(int)
    rows["sold"] = rows["open"] * (40 * rng.integers(1, 9, shops).repeat(days) + rng.integers(0, 30, number.size))
    script = tmp_path / "shops.sql"
    script.write_text(
        "CREATE TABLE shops (shop INT PRIMARY KEY);"
        "CREATE TABLE days (shop INT NOT NULL REFERENCES shops (shop), day DATE NOT NULL, open INT NOT NULL,"
        " sold INT NOT NULL, PRIMARY KEY (shop, day));",
        encoding="utf-8",
    )
    frames = {"shops": pd.DataFrame({"shop": np.arange(1, shops + 1)}), "days": rows}
    made = fs.fit(frames, schema=fs.reflect(script), seed=1).sample(seed=1)["days"]
    day = pd.to_datetime(made["day"])
    assert (day.groupby(made["shop"]).diff().dropna().dt.days == 1).mean() > 0.98
    open_on = made["open"].groupby(day.dt.weekday).mean()
    assert open_on[6] < 0.05 and open_on[:6].min() > 0.9
    assert (made["sold"][made["open"] == 0] == 0).mean() > 0.98


def test_few_families_are_not_remembered() -> None:
    level, _, position = families(5)
    few = slice(0, 60 * EACH)
    variable = Variable("level", 21, True)
    for rows, found in ((few, []), (slice(None), ["level"])):
        own, place = level[rows, None], position[rows]
        past = before(own[:, 0], place, 21)[:, None]
        assert [m.variable for m in choose_memories([variable], [-1], own, past, place)] == found

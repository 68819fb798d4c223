"""What rows of a category never have, and families that are of one kind from the first sibling to the last."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Numeric, Table, Text

import fixturesynth as fs
from fixturesynth.generators import cart
from fixturesynth.generators.cart import Cart
from fixturesynth.generators.confines import Confines, confines_from, draw_within, find_confines, weighed
from fixturesynth.generators.contract import CodedTable, Variable
from fixturesynth.generators.drawing import Distributions, count_distributions, draw
from fixturesynth.generators.memories import choose_memories
from fixturesynth.randomness import stream, words
from fixturesynth.sampling.frequencies import moves

NUTRIENTS, LEVELS, ROWS = 200, 60, 30_000  # more categories than a tree tells apart


def studies() -> CodedTable:
    """Rows of a nutrient, and a level that lies in a range of the nutrient's own; NULL (the last code) in half of them
    for every third nutrient, and never for the others."""
    random = np.random.default_rng(5)
    nutrient = random.integers(0, NUTRIENTS, ROWS)
    low = (np.arange(NUTRIENTS) * 37) % (LEVELS - 12)
    level = low[nutrient] + random.integers(0, 10, ROWS)
    level[(nutrient % 3 == 0) & (random.random(ROWS) < 0.5)] = LEVELS - 1
    variables = (Variable("nutrient", NUTRIENTS, context=True), Variable("level", LEVELS, ordered=True))
    return CodedTable(variables, np.stack([nutrient, level], axis=1).astype(np.int32))


def drawn(table: CodedTable, seed: int = 2) -> np.ndarray:
    state = Cart().fit(table, seed=1)
    context = table.codes[:, :1]
    return Cart().sample(state, context, words(stream(seed), len(context)).reshape(-1, 1))[:, 0]


def outside(table: CodedTable, level: np.ndarray) -> float:
    """Share of rows beyond what real rows of their nutrient have."""
    nutrient, own = table.codes.T
    wrong = 0
    for code in range(NUTRIENTS):
        real, made = own[nutrient == code], level[nutrient == code]
        known = real[real < LEVELS - 1]
        wrong += int(((made < LEVELS - 1) & ((made < known.min()) | (made > known.max()))).sum())
        wrong += int((made == LEVELS - 1).sum()) * (LEVELS - 1 not in real)
    return wrong / level.size


def test_what_rows_of_a_category_never_have_is_not_drawn_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    table = studies()
    assert outside(table, drawn(table)) < 0.001
    monkeypatch.setattr(cart, "other_ranks", lambda *arguments: None)  # one order tells apart too few of them
    assert outside(table, drawn(table)) < 0.004  # a row or two beyond the ends of a range are chance
    with monkeypatch.context() as patch:
        patch.setattr(cart, "find_confines", lambda *arguments: [])
        assert outside(table, drawn(table)) > 0.01


def test_codes_come_as_often_as_they_did() -> None:
    table = studies()
    level = drawn(table)
    own = table.codes[:, 1]
    assert abs(float((level == LEVELS - 1).mean() - (own == LEVELS - 1).mean())) < 0.01
    real, made = (np.cumsum(np.bincount(codes, minlength=LEVELS)) / codes.size for codes in (own, level))
    assert np.abs(real - made).max() < 0.02


def test_categories_of_few_entities_bind_nothing() -> None:
    table = studies()
    own = table.codes[:, 1]
    made = np.random.default_rng(1).permutation(own)
    known = (table.variables, table.codes, [0], own, table.variables[1], made)
    assert find_confines(*known, np.arange(ROWS), 5)
    assert not find_confines(*known, np.zeros(ROWS, dtype=np.int64), 5)
    # Rows of their own leaves go beyond what there is no more than chance does.
    assert not find_confines(*known[:-1], own, np.arange(ROWS), 5)


def test_confines_are_stored_and_read_again() -> None:
    allowed = np.random.default_rng(2).random((7, 13)) < 0.5
    stored = {f"4.{name}": array for name, array in Confines(2, allowed).arrays().items()}
    (read,) = confines_from(stored, "4.", [2], 13)
    assert read.earlier == 2 and (read.allowed == allowed).all()


def test_a_leaf_of_two_categories_gives_each_its_own_and_both_as_often() -> None:
    """Ten rows in twenty have code 0: all of one category's, which has nothing else, and none of the other's."""
    owner, category = np.zeros(40, dtype=np.int64), np.repeat([0, 1], 20).astype(np.int32)
    own = np.where(category == 0, 0, np.arange(40) % 3 + 1).astype(np.int32)
    held = count_distributions(owner, own, 1, 4)
    confines = [Confines(0, np.array([[True, False, False, False], [False, True, True, True]]))]
    fitted = weighed(held, owner, [category], np.roll(own, 20), confines, 4)
    here = words(stream(3), 40)
    out = draw_within(confines, [category], draw(fitted, owner, here), here,
                      lambda rows, more, late: draw(fitted, owner[rows], more))  # fmt: skip
    assert (out[:20] == 0).all() and (out[20:] > 0).all()


def test_what_a_leaf_has_nothing_else_for_is_left() -> None:
    held = Distributions(np.array([0, 1], dtype=np.int32), np.array([10, 20]), np.array([10, 20]))
    owner, category = np.zeros(8, dtype=np.int64), np.zeros(8, dtype=np.int32)
    confines = [Confines(0, np.array([[False, False]]))]
    here = words(stream(4), 8)
    out = draw_within(confines, [category], np.zeros(8, dtype=np.int32), here,
                      lambda rows, more, late: draw(held, owner[rows], more))  # fmt: skip
    assert (out == 0).all()


def test_siblings_change_together_and_to_what_goes_with_them() -> None:
    """Code 0 comes too often by six rows, codes 1 and 2 too seldom by three: 1 goes with kind 1, 2 with kind 2."""
    families = np.repeat(np.arange(14), 3)
    beside = np.where(families % 2 == 0, 1, 2).astype(np.int32)
    codes = np.where(families < 10, 0, np.where(beside == 1, 1, 2)).astype(np.int32)
    rows, given = moves(codes, np.array([24, 9, 9]), beside, families, 7, "x")
    assert rows.size == 6 and (np.bincount(families[rows]) % 3 == 0).all()
    assert (given == beside[rows]).all()


def test_whether_a_family_has_changed_before_is_remembered() -> None:
    random = np.random.default_rng(3)
    families, each, size = 600, 8, 12
    first = random.integers(0, size, families)
    mixed = random.random(families) < 0.08
    codes = np.repeat(first, each).reshape(families, each)
    codes[mixed] = random.integers(0, size, (int(mixed.sum()), each))
    own = codes.reshape(-1, 1).astype(np.int32)
    before = np.concatenate([np.full((families, 1), size), codes[:, :-1]], axis=1).reshape(-1, 1).astype(np.int32)
    position = np.tile(np.arange(each), families)
    assert [m.kind for m in choose_memories([Variable("genre", size)], [-1], own, before, position)] == ["other"]
    alike = np.repeat(first, each).reshape(-1, 1).astype(np.int32)
    last = np.where(before == size, size, alike)
    assert not choose_memories([Variable("genre", size)], [-1], alike, last, position)


def test_albums_keep_to_one_genre_as_far_as_real_ones_do(tmp_path: Path) -> None:
    meta = MetaData()
    Table("genre", meta, Column("genre_id", Integer, primary_key=True), Column("name", Text, nullable=False))
    Table("album", meta, Column("album_id", Integer, primary_key=True), Column("minutes", Integer, nullable=False))
    Table(
        "track", meta, Column("track_id", Integer, primary_key=True),
        Column("album_id", ForeignKey("album.album_id"), nullable=False),
        Column("genre_id", ForeignKey("genre.genre_id"), nullable=False), Column("seconds", Numeric(8, 2)),
    )  # fmt: skip
    random = np.random.default_rng(9)
    albums, genres = 320, 22
    counts = random.integers(2, 18, albums)
    first = np.minimum(random.geometric(0.2, albums), genres)
    mixed = random.random(albums) < 0.04
    owner = np.repeat(np.arange(albums), counts)
    genre = np.where(mixed[owner] & (random.random(owner.size) < 0.5), random.integers(1, 23, owner.size), first[owner])
    rows = {
        "genre": pd.DataFrame({"genre_id": np.arange(1, genres + 1), "name": [f"Genre {n}" for n in range(genres)]}),
        "album": pd.DataFrame({"album_id": np.arange(albums) + 1, "minutes": random.integers(30, 80, albums)}),
        "track": pd.DataFrame({
            "track_id": np.arange(owner.size) + 1, "album_id": owner + 1, "genre_id": genre,
            "seconds": random.normal(240, 40, owner.size).round(2),
        }),
    }  # fmt: skip

    def share_of_one(tracks: pd.DataFrame) -> float:
        each = tracks.groupby("album_id").genre_id.agg(["size", "nunique"])
        return float((each["nunique"][each["size"] >= 3] == 1).mean())

    model = fs.fit(rows, schema=fs.reflect(meta), seed=7, generator="cart")
    made = model.sample(seed=7)["track"]
    assert share_of_one(rows["track"]) > 0.95
    assert share_of_one(made) > 0.9
    assert made.genre_id.value_counts().to_dict() == rows["track"].genre_id.value_counts().to_dict()


def test_a_number_that_no_leaf_has_for_a_row_is_one_that_its_category_has() -> None:
    """Leaves mix categories; what they give to a row of another one is left only where nothing else is known."""
    category, far = np.repeat([1, 2], 50).astype(np.int32), np.full(100, 7, dtype=np.int32)
    held = count_distributions(np.array([1, 1, 1, 2]), np.array([0, 1, 2, 7], dtype=np.int32), 3, 8)
    allowed = np.ones((3, 8), dtype=bool)
    allowed[1, 3:] = False
    raw = words(stream(1, "x"), 100)
    for instead, expected in ((held, {0, 1, 2}), (None, {7})):
        confines = [Confines(4, allowed, instead)]
        read = confines_from(confines[0].arrays() if instead is None else {
            f"9.{name}": array for name, array in confines[0].arrays().items()
        }, "" if instead is None else "9.", [4], 8)  # fmt: skip
        made = draw_within(read, [category], far, raw, lambda rows, again, late: far[rows])
        assert set(made[:50]) == expected
        assert set(made[50:]) == {7}

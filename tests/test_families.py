"""What holds families together: lengths of texts, rare values that come again, kinds of second parents, exact lists."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import fixturesynth as fs
from fixturesynth.generators.cart import Cart
from fixturesynth.generators.clusters import reliable_means, split_blocks
from fixturesynth.generators.contract import CodedTable, Variable
from fixturesynth.generators.drawing import count_distributions, draw_or_repeat
from fixturesynth.generators.encoding import fit_encoding
from fixturesynth.generators.repeating import find_repeats, first_codes, first_rows
from fixturesynth.randomness import stream, words
from fixturesynth.rules.contract import RuleCall, RuleRequest
from fixturesynth.rules.sampling import sample_rule
from fixturesynth.rules.vocabulary import ADJECTIVES, NOUNS
from fixturesynth.sampling.frequencies import better_families, moves
from fixturesynth.sampling.lengths import sized_texts
from fixturesynth.sampling.partition import context_of
from fixturesynth.sampling.reconciling import reconciled
from fixturesynth.schema.model import Column, ColumnType, Table


def request(rows: int, length: int | None = 60) -> RuleRequest:
    table = Table("people", (Column("text", ColumnType("text", "VARCHAR", length=length)),))
    return RuleRequest(7, context_of(table, "text", "en_US", "2026-01-01T00:00:00"), np.arange(rows), 0, {})


def lengths(texts: pa.Array) -> np.ndarray:
    return np.array([len(t) for t in texts.to_pylist()])


# -- lengths ----------------------------------------------------------------------------------------------------------
def test_prose_is_exactly_as_long_as_asked() -> None:
    wanted = np.random.default_rng(1).integers(5, 60, 500)
    made = sized_texts(RuleCall("word_text", {"words": [], "plain": 1000}), request(500), wanted, 500)
    assert lengths(made).tolist() == wanted.tolist()
    assert not any(t != t.rstrip() for t in made.to_pylist())


def test_prose_ends_with_whole_words() -> None:
    """But for texts of one word where nobody knows the words: names of places are many, plain words are few."""
    wanted = np.random.default_rng(1).integers(16, 40, 500)
    known = {*(w.capitalize() for w in (*NOUNS, *ADJECTIVES))}
    made = sized_texts(RuleCall("word_text", {"words": [], "plain": 1000}), request(500), wanted, 500).to_pylist()
    assert np.mean([t.split()[-1] in known for t in made]) > 0.9
    own = {"words": [["Harbour", 5], ["Loch", 3], ["Inn", 1]], "lengths": [4, 20]}
    made = sized_texts(RuleCall("word_text", own), request(500), np.full(500, 15), 500).to_pylist()
    assert {len(t) for t in made} == {15}
    names = sized_texts(RuleCall("word_text", {"words": [], "plain": 1000}), request(500), np.full(500, 6), 500)
    assert len(set(names.to_pylist())) > 80
    assert np.mean([set(t.split()) <= {"Harbour", "Loch", "Inn"} for t in made]) > 0.3


def test_names_are_nearly_as_long_as_asked_and_never_cut() -> None:
    wanted = np.random.default_rng(1).integers(4, 9, 500)
    made = sized_texts(RuleCall("last_name", {}), request(500), wanted, 500)
    free = set(fs_names(100_000))
    assert np.abs(lengths(made) - wanted).mean() < 0.5
    assert set(made.to_pylist()) <= free


def fs_names(count: int) -> list[str]:
    return sample_rule(RuleCall("last_name", {}), request(count)).to_pylist()


def test_unique_texts_stay_unique_whatever_their_length() -> None:
    wanted = np.full(300, 12)
    made = sized_texts(RuleCall("full_name", {}, unique=True), request(300), wanted, 300)
    assert len(set(made.to_pylist())) == 300


def test_emails_keep_their_domain_when_they_are_cut() -> None:
    call = RuleCall("mail", {"domains": [["shop.example", 1]]})
    made = sized_texts(call, request(200), np.full(200, 20), 200).to_pylist()
    assert all(t.endswith("@shop.example") and len(t) <= 20 for t in made)
    assert np.mean([len(t) for t in made]) > 19


def test_rows_do_not_depend_on_how_many_there_are() -> None:
    call, wanted = RuleCall("city", {}), np.full(50, 9)
    few = sized_texts(call, request(20), wanted[:20], 20)
    assert sized_texts(call, request(50), wanted, 50).to_pylist()[:20] == few.to_pylist()


def test_numbers_of_rare_shapes_have_their_digits() -> None:
    call, wanted = RuleCall("pattern", {"patterns": [["+1 (999) 999-9999", 9]]}), np.tile([15, 17, 19], 30)
    made = sized_texts(call, request(90), wanted, 90)
    assert lengths(made).tolist() == wanted.tolist()
    assert all(t.startswith("+1 (") and t[-1].isdigit() for t in made.to_pylist())
    letters = sized_texts(RuleCall("pattern", {"patterns": [["AA", 9]]}), request(90), np.full(90, 5), 90)
    assert set(lengths(letters)) == {2}


def test_stand_ins_are_as_long_as_what_they_stand_for(tmp_path: Path) -> None:
    """Towns that are different by rule have long names; the rows' own, each of one person or two, have short ones."""
    rng = np.random.default_rng(5)
    towns = [
        f"{'Abcdefghij'[i % 10]}{'aeiou'[i % 5]}{'lmnr'[i % 4] * (1 + i % 4)}{'aeiou'[i // 12]}" for i in range(60)
    ]
    people = pd.DataFrame({"id": np.arange(90), "first_name": "Ann", "last_name": [f"Lee{i}" for i in range(90)]})
    visits = pd.DataFrame({"id": np.arange(900), "person_id": np.arange(900) // 10})
    visits["city"] = np.array(towns)[visits.person_id % 60]
    visits["paid"] = rng.integers(0, 9, 900)
    script = tmp_path / "clinic.sql"
    script.write_text(
        "CREATE TABLE people (id INTEGER PRIMARY KEY, first_name TEXT, last_name TEXT);"
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, person_id INTEGER REFERENCES people (id), city TEXT, "
        "paid INTEGER);"
    )
    rows = {"people": people, "visits": visits}
    made = fs.fit(rows, schema=fs.reflect(script), seed=2).sample(seed=2)["visits"].city
    assert abs(made.str.len().mean() - visits.city.str.len().mean()) < 1.5
    assert 30 < made.nunique() <= 60


# -- rare values ------------------------------------------------------------------------------------------------------
def test_rare_values_come_again_in_the_row_where_they_first_came() -> None:
    values = pa.array(["x", "y", "y", "common", "y", "z", "z"])
    rare = np.array([1, 1, 1, 0, 1, 1, 1], dtype=bool)
    parents = np.array([0, 0, 0, 0, 0, 1, 1])
    again = find_repeats(rare, values, parents)
    assert again.tolist() == [False, False, True, False, True, False, True]
    encoding = fit_encoding(pa.array(["common"] * 9 + ["x", "y"]), "categorical", protection=3)
    codes = np.where(again, encoding.size, np.where(rare, encoding.rare_code, 0)).astype(np.int32)
    position = np.array([0, 1, 2, 3, 4, 0, 1])
    assert first_rows(encoding, codes, position).tolist() == [0, 1, 1, -1, 1, 5, 5]
    assert first_codes(encoding, codes).max() < encoding.size
    # The first of a family has nobody to be like: it begins a value of its own, and the family shares it.
    codes[5] = encoding.size
    assert first_rows(encoding, codes, position).tolist()[5:] == [5, 5]


# -- repeats ----------------------------------------------------------------------------------------------------------
def test_repeats_are_as_frequent_as_learned_whichever_code_it_is() -> None:
    rng = np.random.default_rng(3)
    n, size = 40_000, 30
    before = rng.integers(0, size + 1, n)  # size: none
    fresh = rng.integers(0, size, n)
    codes = np.where((before < size) & (rng.random(n) < 0.9), before, fresh)
    own = np.where(codes == before, size, codes)
    held = count_distributions(np.zeros(n, np.int64), own.astype(np.int32), 1, size + 1)
    drawn = draw_or_repeat(held, np.zeros(n, np.int64), words(stream(1, "x"), n), before.astype(np.int32), size)
    has = before < size
    assert np.mean(drawn[has] == before[has]) == pytest.approx(float((own == size).mean()), abs=0.01)
    assert drawn.min() >= 0 and drawn.max() < size
    assert np.bincount(drawn[~has], minlength=size).min() > 0


def test_trees_repeat_codes_that_few_families_have() -> None:
    rng = np.random.default_rng(5)
    families, each, size = 400, 12, 60
    code = np.minimum(rng.geometric(0.06, families) - 1, size - 1).repeat(each)
    before = np.where(np.tile(np.arange(each), families) == 0, size, code)
    variables = (Variable("previous genre", size + 1, context=True), Variable("genre", size, like="previous genre"))
    table = CodedTable(variables, np.stack((before, code), axis=1).astype(np.int32), np.arange(families).repeat(each))
    state = Cart().fit(table, seed=1)
    drawn = Cart().sample(state, before[:, None].astype(np.int32), words(stream(1, "y"), code.size)[:, None])[:, 0]
    inside = before < size
    assert np.mean(drawn[inside] == before[inside]) > 0.98


# -- kept lists and blocks --------------------------------------------------------------------------------------------
def test_codes_come_in_their_shares_and_siblings_stay_together() -> None:
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 4, 200).repeat(10).astype(np.int32)
    shares = np.array([4, 3, 2, 1])
    rows, wanted = moves(codes, shares, np.zeros(2_000, np.int32), np.arange(200).repeat(10), 7, "x")
    out = codes.copy()
    out[rows] = wanted
    assert np.bincount(out).tolist() == [800, 600, 400, 200]
    mixed = sum(len(set(out[i : i + 10])) > 1 for i in range(0, 2_000, 10))
    assert mixed <= 8  # a block's last run, and where what is given to it ends


def test_rows_that_do_not_fit_their_code_leave_it_first() -> None:
    beside = np.repeat([0, 1], [900, 100])
    codes = np.where(beside == 1, 1, 0).astype(np.int32)
    codes[900:940] = 0  # have what goes with code 1
    rows, wanted = moves(codes, np.array([90, 10]), beside.astype(np.int32), np.arange(1_000), 7, "x")
    assert sorted(rows) == list(range(900, 940))
    assert set(wanted) == {1}


def test_a_code_comes_too_seldom_rather_than_where_it_never_does() -> None:
    """Of a list's rows each has to have its children; a category must not begin a story that it never begins."""
    beside = np.repeat([0, 1], [900, 100])
    codes = beside.astype(np.int32)  # code 1 goes with 1 alone, and is to come more often
    kept = beside.astype(np.int32)
    exact, _ = moves(codes, np.array([80, 20]), kept, np.arange(1_000), 7, "x")
    assert exact.size == 100
    nearly, _ = moves(codes, np.array([80, 20]), kept, np.arange(1_000), 7, "x", exactly=False)
    assert nearly.size == 0


def test_first_siblings_begin_as_all_do(shared: Path) -> None:
    """Each of 1,267 claims begins with a charge, and the payments that are missing elsewhere begin none."""
    model = fs.fit(f"sqlite:///{shared / 'data' / 'synthea.sqlite'}", seed=1, generator="cart")
    lines = model.sample(seed=1)["claims_transactions"].sort_values("chargeid")
    assert set(lines.groupby("claimid")["type"].first()) == {"CHARGE"}


def test_families_are_taken_whole_from_the_draw_that_fits() -> None:
    """Shares drift while siblings are drawn one after the other: a second draw brings them nearer, no story is cut."""
    rng = np.random.default_rng(8)
    stories = [[0], [0, 1], [0, 2, 3, 1]]
    draws = [[stories[k] for k in rng.choice(3, 400, p=[0.1, 0.6, 0.3])] for _ in range(2)]
    sizes = [max(len(a), len(b)) for a, b in zip(*draws, strict=True)]
    first, second = (
        np.concatenate([[*story, *[4] * (size - len(story))] for story, size in zip(draw, sizes, strict=True)]).astype(
            np.int32
        )[:, None]
        for draw in draws
    )
    position = np.concatenate([np.arange(size) for size in sizes])
    shares = np.array([400, 340, 140, 140])  # stories of four come more often than they were drawn
    out = better_families(first, second, position, [(0, shares)], 7, "x")

    def off(codes: np.ndarray) -> float:
        counts = np.bincount(codes[:, 0], minlength=5)[:4]
        return float(np.abs(counts / counts.sum() - shares / shares.sum()).sum())

    assert off(out) < 0.3 * off(first)
    family = np.cumsum(position == 0)
    for one in range(1, 401):
        rows = family == one
        assert (out[rows] == first[rows]).all() or (out[rows] == second[rows]).all()


def test_places_in_blocks_are_what_rows_ask_for() -> None:
    rng = np.random.default_rng(4)
    degrees, blocks = rng.geometric(0.05, 600), rng.integers(0, 8, 600)
    wanted = rng.multinomial(degrees.sum(), np.bincount(blocks, weights=degrees) / degrees.sum())
    out = reconciled(degrees, blocks, wanted)
    assert np.bincount(blocks, weights=out).tolist() == wanted.tolist()
    assert Counter(out.tolist()) == Counter(degrees.tolist())


def test_blocks_are_split_where_siblings_are_alike_and_nowhere_else() -> None:
    rng = np.random.default_rng(6)
    parents = np.arange(300).repeat(20)
    far = np.where(np.arange(300) % 3 == 0, 10.0, 0.0)
    told = reliable_means(parents, far[parents] + rng.normal(size=6_000), 300)
    noise = reliable_means(parents, rng.normal(size=6_000), 300)
    blocks = split_blocks(np.zeros(300, np.int64), [told, noise], np.full(300, 20), 8)
    first = {int(b) for b in blocks[::3]}
    assert first.isdisjoint(set(blocks[1::3].tolist()) | set(blocks[2::3].tolist()))
    assert np.unique(split_blocks(np.zeros(300, np.int64), [noise], np.full(300, 20), 8)).size == 1


@pytest.fixture(scope="module")
def flown(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, pd.DataFrame], fs.Dataset]:
    """Airports with their flights, flown by planes that keep to one airline; notes whose length tells the airline."""
    rng = np.random.default_rng(8)
    planes = pd.DataFrame({"plane": np.arange(1, 201), "seats": rng.integers(50, 300, 200)})
    owner = rng.integers(0, 5, 200)
    pilots = pd.DataFrame({"pilot": np.arange(1, 151), "born": rng.integers(1960, 2000, 150)})
    flights = pd.DataFrame({"flight": np.arange(1, 4_001), "pilot": np.sort(rng.integers(1, 151, 4_000))})
    flights["plane"] = rng.integers(1, 201, 4_000)
    airline = owner[flights["plane"] - 1]
    flights["airline"] = np.array(["north", "east", "south", "west", "mid"])[airline]
    flights["miles"] = 200 + 400 * airline + rng.integers(0, 150, 4_000)
    flights["remark"] = ["".join(rng.choice(list("abcde fgh"), 8 + 6 * a)).strip() + "x" for a in airline]
    rows = {"planes": planes, "pilots": pilots, "flights": flights}
    script = tmp_path_factory.mktemp("flown") / "flown.sql"
    script.write_text(
        "CREATE TABLE planes (plane INT PRIMARY KEY, seats INT NOT NULL);"
        "CREATE TABLE pilots (pilot INT PRIMARY KEY, born INT NOT NULL);"
        "CREATE TABLE flights (flight INT PRIMARY KEY, pilot INT NOT NULL REFERENCES pilots (pilot),"
        " plane INT NOT NULL REFERENCES planes (plane), airline TEXT NOT NULL, miles INT NOT NULL,"
        " remark TEXT NOT NULL);",
        encoding="utf-8",
    )
    return rows, fs.fit(rows, schema=fs.reflect(script), seed=3).sample(seed=3)


def test_planes_keep_to_one_airline(flown: tuple[dict[str, pd.DataFrame], fs.Dataset]) -> None:
    flights = flown[1]["flights"]
    assert flights.groupby("plane")["airline"].nunique().mean() < 1.5  # dealt out at random: nearly 5


def test_long_texts_go_with_the_rows_where_they_were_long(flown: tuple[dict[str, pd.DataFrame], fs.Dataset]) -> None:
    real, made = (side["flights"] for side in (flown[0], flown[1]))
    for airline, rows in real.groupby("airline"):
        mine = made.loc[made["airline"] == airline, "remark"].str.len().mean()
        assert mine == pytest.approx(rows["remark"].str.len().mean(), abs=2)

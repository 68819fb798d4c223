"""Categories that never come together, and parents that are known by their children alone."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fixturesynth as fs
from fixturesynth.generators import cart
from fixturesynth.generators.cart import Cart
from fixturesynth.generators.contract import CodedTable, Variable
from fixturesynth.generators.partners import draw_partners, find_partners, partners_from
from fixturesynth.randomness import stream, words

PLANES, AIRLINES = 30, 10


def pairs(rows: int = 4_000, broken: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Planes (n,), each of one airline but in ``broken`` rows, and the airlines (n,)."""
    random = np.random.default_rng(3)
    plane = random.integers(0, PLANES, rows).astype(np.int32)
    airline = plane % AIRLINES
    airline[:broken] = random.integers(0, AIRLINES, broken)
    return airline.astype(np.int32), plane


def test_pairs_that_no_row_has_are_drawn_again_in_the_shares_of_the_rest() -> None:
    airline, plane = pairs()
    found = find_partners(airline, AIRLINES, plane, PLANES, None, 5)
    assert found is not None and found[0] == pytest.approx(1 - 1 / AIRLINES, abs=0.01)
    drawn = np.arange(airline.size, dtype=np.int32) % PLANES
    out = draw_partners(found[1], airline, drawn, words(stream(1), drawn.size))
    assert (out % AIRLINES == airline).all()
    kept = drawn % AIRLINES == airline
    assert (out[kept] == drawn[kept]).all()
    assert np.bincount(out, minlength=PLANES).min() > 0.7 * airline.size / PLANES


def test_what_is_stored_is_read_again() -> None:
    airline, plane = pairs()
    found = find_partners(airline, AIRLINES + 1, plane, PLANES + 1, None, 5)
    assert found is not None
    stored = {f"4.{name}": array for name, array in found[1].arrays().items()}
    read = partners_from(stored, "4.", PLANES + 1)
    assert (read.allowed == found[1].allowed).all() and (read.owner == found[1].owner).all()
    # A code of the earlier variable that no row has says nothing.
    assert read.allowed[AIRLINES].all()


def test_pairs_that_the_rows_break_bind_nothing() -> None:
    airline, plane = pairs(broken=400)
    assert find_partners(airline, AIRLINES, plane, PLANES, None, 5) is None
    random = np.random.default_rng(4)
    assert find_partners(airline, AIRLINES, random.permutation(plane), PLANES, None, 5) is None


def test_pairs_of_few_entities_are_not_stored() -> None:
    airline, plane = pairs()
    one = np.zeros(airline.size, dtype=np.int64)
    assert find_partners(airline, AIRLINES, plane, PLANES, one, 5) is None
    assert find_partners(airline, AIRLINES, plane, PLANES, np.arange(airline.size), 5) is not None


def flights(rows: int = 2_000) -> CodedTable:
    """Rows of an airline and its plane after those of the row before, whose plane every second row has as well."""
    random = np.random.default_rng(5)
    _, plane = pairs(rows)
    again = random.random(rows) < 0.5
    again[0] = False
    plane = plane[np.maximum.accumulate(np.where(again, 0, np.arange(rows)))]
    before = np.concatenate(([PLANES], plane[:-1])).astype(np.int32)
    airline_before = np.where(before < PLANES, before % AIRLINES, AIRLINES)
    variables = (
        Variable("previous airline", AIRLINES + 1, context=True), Variable("previous plane", PLANES + 1, context=True),
        Variable("airline", AIRLINES, like="previous airline"), Variable("plane", PLANES, like="previous plane"),
    )  # fmt: skip
    return CodedTable(variables, np.stack([airline_before, before, plane % AIRLINES, plane], axis=1).astype(np.int32))


def drawn_flights(given: dict[str, np.ndarray] | None = None) -> np.ndarray:
    table = flights()
    state = Cart(reorder=False).fit(table, seed=1)
    context = table.codes[:, :2]
    return Cart(reorder=False).sample(state, context, words(stream(2), 2 * len(context)).reshape(-1, 2), given)


def test_trees_draw_no_plane_of_another_airline(monkeypatch: pytest.MonkeyPatch) -> None:
    out = drawn_flights()
    assert (out[:, 1] % AIRLINES == out[:, 0]).all()
    monkeypatch.setattr(cart, "_partner", lambda *arguments: None)
    monkeypatch.setattr(cart, "find_confines", lambda *arguments: [])
    out = drawn_flights()
    assert (out[:, 1] % AIRLINES != out[:, 0]).mean() > 0.005


def test_rows_of_a_given_plane_have_its_airline() -> None:
    own = flights().codes[:, 3]
    out = drawn_flights({"plane": own})
    assert (out[:, 1] == own).all()
    # One of sixteen draws is kept: it has the right airline where any of them has (of ten airlines, in 0.81).
    assert (out[:, 0] == own % AIRLINES).mean() > 0.75


def test_parents_without_columns_keep_what_their_numbers_of_children_have_to_do_with_each_other(tmp_path: Path) -> None:
    random = np.random.default_rng(8)
    counts = random.integers(1, 9, 300)
    people = pd.DataFrame({"person_id": np.arange(1, 301)})
    owner, number = np.repeat(people.person_id, counts), np.arange(1, counts.sum() + 1)
    orders = pd.DataFrame({"order_id": number, "person_id": owner})
    visits = pd.DataFrame({"visit_id": number, "person_id": owner})
    for frame in (orders, visits):
        frame["amount"] = random.integers(0, 50, len(frame))
    model = fs.fit({"people": people, "orders": orders, "visits": visits}, seed=1)
    assert model.plan["people"].generator == "cart"
    model.save(tmp_path / "people.fsynth")
    made = fs.Synthesizer.open(tmp_path / "people.fsynth").sample(seed=2)
    ids = made["people"].person_id
    each = [made[name].person_id.value_counts().reindex(ids, fill_value=0) for name in ("orders", "visits")]
    assert np.corrcoef(each[0], each[1])[0, 1] > 0.9
    assert made.arrow("orders").equals(model.sample(seed=2).arrow("orders"))
    asked = fs.fit({"people": people, "orders": orders, "visits": visits}, seed=1, generator="independent")
    assert asked.plan["people"].generator == "independent"

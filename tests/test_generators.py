"""Generators: uniforms to rows, by marginals and by sequential trees."""

import importlib.util
import sqlite3
from functools import lru_cache
from pathlib import Path

import hypothesis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import strategies as st

import fixturesynth as fs
from fixturesynth.errors import InputError
from fixturesynth.generators.cart import Cart
from fixturesynth.generators.context import PLACES, places
from fixturesynth.generators.contract import CodedTable, State, Variable
from fixturesynth.generators.drawing import (
    Distributions,
    _by_owner,
    _divided,
    count_distributions,
    draw,
    in_strata,
    stratified,
)
from fixturesynth.generators.encoding import decode, encode, fit_encoding
from fixturesynth.generators.growing import Growth, grow, other_ranks, rank_feature, share_of_chance
from fixturesynth.generators.independent import Independent
from fixturesynth.generators.ordering import order_variables
from fixturesynth.generators.registry import GENERATORS, choose_generator, find_generator
from fixturesynth.randomness import permutation, stream, words

NEURAL = ("network", "vae", "gan", "diffusion")  # they learn with torch
LEARNABLE = [
    pytest.param(name, marks=pytest.mark.skipif(
        name in NEURAL and importlib.util.find_spec("torch") is None, reason="torch is not installed"
    ))
    for name in sorted(GENERATORS)
]  # fmt: skip
# How far a marginal may be off: a copula knows shares, an adversary learns them roughly.
OFF = {"gan": 0.3, "vae": 0.1, "diffusion": 0.1}


@lru_cache
def _fitted(name: str) -> State:
    """A state of ``_table``."""
    return find_generator(name).fit(_table(), seed=1, time_limit=20.0 if name == "gan" else 6.0)


def _uniforms(rows: int, columns: int, seed: int = 5) -> np.ndarray:
    return words(stream(seed, "uniforms"), rows * columns).reshape(rows, columns)


def _table(rows: int = 4000, groups: np.ndarray | None = None) -> CodedTable:
    """a: context of three; b follows a; c = (a + b) mod 4, d is noise."""
    raw = _uniforms(rows, 3, seed=1)
    a = (raw[:, 0] % 3).astype(np.int32)
    b = np.where(raw[:, 1] % 10 < 8, a, 3).astype(np.int32)
    d = (raw[:, 2] % 50).astype(np.int32)
    noise = Variable("d", 50, ordered=True)
    variables = (Variable("a", 3, context=True), Variable("b", 4), Variable("c", 4, ordered=True), noise)
    return CodedTable(variables, np.stack([a, b, (a + b) % 4, d], axis=1).astype(np.int32), groups)


@pytest.mark.parametrize("name", LEARNABLE)
def test_every_generator_keeps_the_contract(name):
    generator, table = find_generator(name), _table()
    assert generator.name == name and generator.version >= 1
    state = _fitted(name)
    assert state.generator == name and state.version == generator.version and state.variables == table.variables
    context = table.codes[:, :1]
    codes = generator.sample(state, context, _uniforms(4000, 3))
    assert codes.shape == (4000, 3) and codes.dtype == np.int32
    for k, variable in enumerate(table.variables[1:]):
        real = np.bincount(table.codes[:, k + 1], minlength=variable.size) / 4000
        made = np.bincount(codes[:, k], minlength=variable.size) / 4000
        assert np.abs(real - made).sum() / 2 < OFF.get(name, 0.06)
    assert generator.sample(state, np.zeros((0, 1), np.int32), _uniforms(0, 3)).shape == (0, 3)


@pytest.mark.parametrize("name", LEARNABLE)
def test_every_generator_learns_what_goes_together(name):
    """b is the context's code in 4 of 5 rows, by chance in 4 of 15; c follows from both, by chance in .3 of the rows.

    A copula bends categories to an order, and an adversary learns dependence roughly."""
    table = _table()
    b, c, _ = find_generator(name).sample(_fitted(name), table.codes[:, :1], _uniforms(4000, 3)).T
    least = {"independent": (0.2, 0.2), "copula": (0.32, 0.2), "gan": (0.5, 0.45), "vae": (0.7, 0.8)}
    follows, right = np.mean(b == table.codes[:, 0]), np.mean((table.codes[:, 0] + b) % 4 == c)
    wanted = least.get(name, (0.77, 0.97))
    assert follows >= wanted[0] and right >= wanted[1]


@pytest.mark.parametrize("name", LEARNABLE)
def test_every_generator_takes_what_is_given(name):
    """In some rows, in others not, and the rest of the row as well as the generator knows what goes with it."""
    generator, state, context = find_generator(name), _fitted(name), np.zeros((2000, 1), np.int32)
    wish = np.where(np.arange(2000) < 1500, 3, -1).astype(np.int32)
    free = generator.sample(state, context, _uniforms(2000, 3))
    for given in ({"b": wish}, {"c": wish}, {"b": wish, "c": wish}):
        codes = generator.sample(state, context, _uniforms(2000, 3), given)
        for variable in given:
            assert (codes[:1500, "bcd".index(variable)] == 3).all()
        assert np.array_equal(codes[1500:], free[1500:])
        right = np.mean(codes[:1500, 0] == codes[:1500, 1])  # where a = 0, c is b
        assert right >= {"independent": 0.0, "copula": 0.1, "vae": 0.4, "gan": 0.5}.get(name, 0.75)
    with pytest.raises(InputError, match="codes of 'b'"):
        generator.sample(state, context, _uniforms(2000, 3), {"b": wish + 1})


@pytest.mark.parametrize("name", LEARNABLE)
def test_every_state_goes_through_a_file(name, tmp_path):
    """All arrays and facts are of kinds that a model file holds, and rows come out the same after it."""
    frame = pd.DataFrame(_table(400).codes, columns=["a", "b", "c", "d"])
    made = fs.fit({"t": frame}, generator=name, seed=2, time_limit=0.5)
    assert made.plan["t"].generator == name
    opened = fs.Synthesizer.open(made.save(tmp_path / "t.fsynth"))
    assert opened.sample(rows=50, seed=3).content_hash("t") == made.sample(rows=50, seed=3).content_hash("t")


@pytest.mark.parametrize("name", LEARNABLE)
def test_no_generator_says_a_code_that_too_few_entities_have(name):
    """Protection is the encoding's: a code that no row has is never drawn, by whatever generator."""
    table = _table()
    wider = tuple(Variable(v.name, v.size + 3, v.ordered, v.context) for v in table.variables)
    generator = find_generator(name)
    state = generator.fit(CodedTable(wider, table.codes), seed=1, time_limit=1.0)
    codes = generator.sample(state, table.codes[:, :1], _uniforms(4000, 3))
    assert (codes <= [3, 3, 49]).all()


@pytest.mark.parametrize("reorder", [False, True])
def test_codes_come_out_in_the_order_given_whatever_the_order_of_growing(reorder):
    table = _table()
    generator = Cart(reorder=reorder)
    b, c, d = generator.sample(generator.fit(table, seed=1), table.codes[:, :1], _uniforms(4000, 3)).T
    assert np.array_equal((table.codes[:, 0] + b) % 4, c) and d.max() == 49


def test_variables_are_ordered_by_what_they_share():
    """Context first; noise last; of a pair that shares much, one follows the other."""
    raw = _uniforms(3000, 4, seed=8)
    noise, a, other = (raw[:, k] % 8 for k in range(3))
    codes = np.stack([noise, a, a ^ (raw[:, 3] % 2), other], axis=1).astype(np.int32)
    variables = tuple(Variable(name, 8, context=name == "other") for name in ("noise", "a", "near_a", "other"))
    order = order_variables(variables, codes)
    assert order[0] == 3 and abs(order.index(1) - order.index(2)) == 1
    free = order_variables(tuple(Variable(v.name, 8) for v in variables), codes)
    assert set(free[:2]) == {1, 2}


@pytest.mark.parametrize("name", LEARNABLE)
def test_the_same_data_and_seed_give_the_same_bytes(name):
    first, second = (find_generator(name).fit(_table(1000), seed=1, time_limit=0.5) for _ in range(2))
    assert first.facts == second.facts and first.arrays.keys() == second.arrays.keys()
    assert all(first.arrays[k].tobytes() == second.arrays[k].tobytes() for k in first.arrays)


@pytest.mark.parametrize("name", LEARNABLE)
def test_a_row_depends_on_its_own_words_alone(name):
    """Rows in another order, or in chunks, are the same rows; with stratify they are not, but the words decide."""
    generator, table = find_generator(name), _table()
    state = _fitted(name)
    context, uniforms = table.codes[:1000, :1], _uniforms(1000, 3)
    whole = generator.sample(state, context, uniforms)
    order = permutation(1000, 7, "rows")
    assert np.array_equal(generator.sample(state, context[order], uniforms[order]), whole[order])
    parts = [generator.sample(state, context[i : i + 300], uniforms[i : i + 300]) for i in range(0, 1000, 300)]
    assert np.array_equal(np.concatenate(parts), whole)
    even = generator.sample(state, context, uniforms, stratify=True)
    assert np.array_equal(generator.sample(state, context[order], uniforms[order], stratify=True), even[order])
    assert np.array_equal(generator.sample(state, context[:1], uniforms[:1], stratify=True), whole[:1])


def test_stratified_rows_come_closer_to_their_marginal():
    table = _table()
    state = Independent().fit(table, seed=1)
    real = np.bincount(table.codes[:, 1], minlength=4) / 4000

    def distance(stratify: bool) -> float:
        made = Independent().sample(state, table.codes[:60, :1], _uniforms(60, 3), stratify=stratify)[:, 0]
        return float(np.abs(np.bincount(made, minlength=4) / 60 - real).sum())

    assert distance(True) < 0.05 < distance(False)


def test_trees_learn_what_determines_what():
    table = _table()
    state = Cart().fit(table, seed=1)
    context = (np.arange(900) % 3).astype(np.int32)[:, None]
    b, c, _ = Cart().sample(state, context, _uniforms(900, 3)).T
    assert np.array_equal((context[:, 0] + b) % 4, c)
    assert 0.75 < np.mean(b == context[:, 0]) < 0.85


def test_given_variables_are_taken_and_later_ones_follow_them():
    state = Cart().fit(_table(), seed=1)
    context = np.zeros((500, 1), np.int32)
    wish = np.where(np.arange(500) < 400, 3, -1).astype(np.int32)
    b, c, _ = Cart().sample(state, context, _uniforms(500, 3), {"b": wish}).T
    assert (b[:400] == 3).all() and (c[:400] == 3).all() and 0 < (b[400:] == 3).mean() < 0.4


def test_earlier_variables_follow_what_is_given_later():
    """c = 3 needs b = 3 when a = 0, which only one row in five has."""
    state = Cart().fit(_table(), seed=1)
    wish = np.full(2000, 3, np.int32)
    b, c, _ = Cart().sample(state, np.zeros((2000, 1), np.int32), _uniforms(2000, 3), {"c": wish}).T
    assert (c == 3).all() and (b == 3).mean() > 0.75


def test_categories_without_order_are_split_by_the_target():
    raw = _uniforms(6000, 2, seed=9)
    feature = (raw[:, 0] % 40).astype(np.int64)
    target = (feature * 7 % 5 == 2).astype(np.int64)
    rank = rank_feature(feature, 40, False, target, 2)
    assert rank[np.arange(40) * 7 % 5 == 2].min() > rank[np.arange(40) * 7 % 5 != 2].max() or (
        rank[np.arange(40) * 7 % 5 == 2].max() < rank[np.arange(40) * 7 % 5 != 2].min()
    )
    tree = grow(rank[feature][None], target, 2, False, Growth())
    assert tree.feature.tolist() == [0, -1, -1]


def test_categories_that_each_have_numbers_of_their_own_are_ranked_by_them():
    """No axis of correspondence is the first then: each category says as much as any other."""
    raw = _uniforms(12_000, 2, seed=9)
    feature = (raw[:, 0] % 60).astype(np.int64)
    target = feature * 37 % 60
    rank = rank_feature(feature, 60, False, target, 60, target_ordered=True)
    assert rank[np.argsort(np.arange(60) * 37 % 60)].tolist() == list(range(60))
    assert rank_feature(feature, 60, False, target, 60).tolist() != rank.tolist()
    tree = grow(rank[feature][None], target, 60, True, Growth())
    assert (tree.feature < 0).sum() == 60


def test_categories_are_ranked_by_what_the_first_order_does_not_tell():
    """Half of twelve categories have much of the first two classes, and half of either more of the one of each two."""
    raw = _uniforms(12_000, 3, seed=4)
    feature = (raw[:, 0] % 12).astype(np.int64)
    upper, right = feature % 2, feature // 2 % 2
    half = np.where(raw[:, 1] % 100 < 90, upper, 1 - upper)
    target = 2 * half.astype(np.int64) + np.where(raw[:, 2] % 100 < 75, right, 1 - right).astype(np.int64)
    first = rank_feature(feature, 12, False, target, 4)
    second = other_ranks(feature, 12, target, 4)
    assert second is not None
    by_half, by_side = np.arange(12) % 2, np.arange(12) // 2 % 2
    assert len({by_half[c] for c in np.argsort(first)[:6]}) == 1
    assert len({by_side[c] for c in np.argsort(second)[:6]}) == 1
    assert other_ranks(feature[:4_000], 12, target[:4_000], 4) is None  # few rows
    assert other_ranks(feature, 12, 2 * half.astype(np.int64) + (raw[:, 2] % 2).astype(np.int64), 4) is None


def test_a_single_split_is_the_one_that_scikit_learn_finds():
    from sklearn.tree import DecisionTreeClassifier

    raw = _uniforms(3000, 4, seed=11)
    features = (raw[:, :3] % 30).astype(np.int64)
    target = ((features[:, 1] > 11) ^ (raw[:, 3] % 5 == 0)).astype(np.int64)
    ours = grow(features.T.astype(np.uint8), target, 2, False, Growth(most_depth=1))
    theirs = DecisionTreeClassifier(max_depth=1, min_samples_leaf=10).fit(features, target).tree_
    assert ours.feature[0] == theirs.feature[0]
    assert ours.threshold[0] == int(theirs.threshold[0])


def test_a_leaf_covers_several_root_entities():
    """What one entity alone does in 40 rows of its own is not learned as a rule about it."""
    entities = np.arange(4000) // 40
    own = (_uniforms(4000, 1, seed=2)[:, 0] % 5).astype(np.int32)
    codes = np.stack([entities.astype(np.int32), np.where(entities == 17, 5, own)], axis=1)
    variables = (Variable("entity", 100, context=True), Variable("b", 6))
    context, uniforms = np.full((2000, 1), 17, np.int32), _uniforms(2000, 1)

    def share(groups: np.ndarray | None) -> float:
        state = Cart().fit(CodedTable(variables, codes, groups), seed=1)
        return float((Cart().sample(state, context, uniforms) == 5).mean())

    assert share(None) > 0.4
    assert share(entities) < 0.25


def test_categories_are_ranked_by_what_comes_where_nothing_is_repeated():
    """The medium of a family's first row goes with its genre; how many rows repeat it goes with something else."""
    families, genres = 600, 120
    genre = (_uniforms(families, 1, seed=4)[:, 0] % genres).astype(np.int64)
    each = np.where(genre % 2, 2, 6)
    kind = np.where(np.arange(genres) % 8 < 2, 2, np.where(np.arange(genres) % 8 < 4, 1, 0))
    own = kind[genre] * 60 + (_uniforms(families, 1, seed=5)[:, 0] % 60).astype(np.int64)
    medium, first = own.repeat(each), np.cumsum(each) - each
    before = np.roll(medium, 1)
    before[first] = 180
    variables = (
        Variable("genre", genres, context=True),
        Variable("previous medium", 181, context=True),
        Variable("medium", 180, like="previous medium"),
    )
    codes = np.stack([genre.repeat(each), before, medium], axis=1).astype(np.int32)
    state = Cart().fit(CodedTable(variables, codes, np.arange(families).repeat(each)), seed=1)
    assert state.facts["repeated"]
    ranked = kind[np.argsort(state.arrays["2.ranks"][:genres], kind="stable")]
    assert np.count_nonzero(np.diff(ranked)) < 25  # some 75 in an order by chance


def test_unseen_context_and_odd_tables():
    table = _table()
    state = Cart().fit(CodedTable(table.variables, table.codes[table.codes[:, 0] < 2]), seed=1)
    assert Cart().sample(state, np.full((5, 1), 2, np.int32), _uniforms(5, 3)).shape == (5, 3)
    assert Cart().sample(state, np.zeros((0, 1), np.int32), _uniforms(0, 3)).shape == (0, 3)
    one = CodedTable((Variable("x", 1), Variable("y", 9)), np.array([[0, 4]], np.int32))
    for generator in (Cart(), Independent()):
        made = generator.sample(generator.fit(one, seed=1), np.zeros((7, 0), np.int32), _uniforms(7, 2))
        assert made.tolist() == [[0, 4]] * 7
        with pytest.raises(InputError, match="without rows"):
            generator.fit(CodedTable(table.variables, np.zeros((0, 4), np.int32)), seed=1)


def test_wrong_arguments_are_named():
    state = Cart().fit(_table(), seed=1)
    context, uniforms = np.zeros((4, 1), np.int32), _uniforms(4, 3)
    with pytest.raises(InputError, match="uniforms"):
        Cart().sample(state, context, uniforms[:, :2])
    with pytest.raises(InputError, match="context"):
        Cart().sample(state, context[:3], uniforms)
    with pytest.raises(InputError, match="'a' must lie in range"):
        Cart().sample(state, context + 7, uniforms)
    with pytest.raises(InputError, match="'zz' is not a variable"):
        Cart().sample(state, context, uniforms, {"zz": np.zeros(4, np.int32)})
    with pytest.raises(InputError, match="did you mean 'cart'"):
        find_generator("cat")
    with pytest.raises(InputError, match="codes of 'b'"):
        Cart().fit(CodedTable((Variable("b", 2),), np.array([[2]], np.int32)), seed=1)


def test_choice_of_generator():
    assert choose_generator("independent", 10_000, None)[0].name == "independent"
    assert choose_generator("auto", 10_000, None)[0].name == "cart"
    generator, why = choose_generator("auto", 3, None)
    assert generator.name == "independent" and "3 rows" in why


def test_draws_follow_integer_weights():
    owner = np.repeat(np.arange(3), [1, 4, 1])
    held = count_distributions(owner, np.array([5, 0, 0, 0, 7, 2], np.int32), 3, 8)
    raw = words(stream(1, "draws"), 40_000)
    assert set(draw(held, np.zeros(9, np.int64), raw[:9]).tolist()) == {5}
    assert abs((draw(held, np.ones(40_000, np.int64), raw) == 0).mean() - 0.75) < 0.01
    assert isinstance(held, Distributions)


def test_stratified_words_share_the_range_evenly():
    owner = np.array([3, 1, 3, 3, 1])
    even = stratified(owner, words(stream(2), 5))
    third, half = 2**64 // 3, 2**63
    assert sorted((even[owner == 3] // np.uint64(third)).tolist()) == [0, 1, 2]
    assert sorted((even[owner == 1] // np.uint64(half)).tolist()) == [0, 1]


def test_stratified_words_of_few_rows_are_even_inside_their_parts():
    """Pairs of rows: each half of the range is filled evenly, not towards its outer end."""
    from scipy.stats import kstest

    owner = np.repeat(np.arange(20_000), 2)
    even = stratified(owner, words(stream(3), 40_000)).astype(np.float64) / 2.0**64
    assert kstest(even, "uniform").pvalue > 1e-3
    assert kstest(even[even < 0.5] * 2, "uniform").pvalue > 1e-3
    assert ((even.reshape(-1, 2) < 0.5).sum(axis=1) == 1).all()


def _adult(shared: Path) -> pd.DataFrame:
    with sqlite3.connect(shared / "data" / "adult.sqlite") as connection:
        frame = pd.read_sql("SELECT * FROM adult", connection).drop(columns="row_id")
    return frame.iloc[permutation(len(frame), 1, "adult")].reset_index(drop=True)


def _auc(real: pd.DataFrame, made: pd.DataFrame) -> float:
    import lightgbm
    from sklearn.model_selection import cross_val_score

    both = pd.concat([real, made], ignore_index=True)
    both = both.assign(**{c: both[c].astype("category") for c in both if not pd.api.types.is_numeric_dtype(both[c])})
    which = np.repeat([0, 1], [len(real), len(made)])
    model = lightgbm.LGBMClassifier(n_estimators=40, verbose=-1, n_jobs=1, random_state=0)
    return float(cross_val_score(model, both, which, cv=2, scoring="roc_auc").mean())


def test_real_rows_cannot_be_told_from_decoded_or_generated_ones(shared):
    """The codec reaches the floor; trees fitted on one half of the rows come near the other half, without copying."""
    frame = _adult(shared)
    train, held_out = frame.iloc[:12_000], frame.iloc[12_000:24_000].reset_index(drop=True)
    kinds = {c: "numeric" if pd.api.types.is_numeric_dtype(train[c]) else "categorical" for c in train}
    encodings = {c: fit_encoding(pa.array(train[c]), kinds[c], protection=5) for c in train}
    variables = tuple(Variable(c, e.size, e.ordered) for c, e in encodings.items())
    codes = np.stack([encode(e, pa.array(train[c])) for c, e in encodings.items()], axis=1)
    table = CodedTable(variables, codes)

    def frame_of(codes: np.ndarray) -> pd.DataFrame:
        columns = enumerate(encodings.items())
        return pd.DataFrame(
            {c: decode(e, codes[:, i], words(stream(4, c), len(codes))).to_pandas() for i, (c, e) in columns}
        )

    assert _auc(held_out, frame_of(codes)) <= 0.53
    state = Cart().fit(table, seed=1)
    made = frame_of(
        Cart().sample(state, np.zeros((12_000, 0), np.int32), _uniforms(12_000, len(variables)), stratify=True)
    )
    assert _auc(held_out, made) <= 0.57
    real_copies = held_out.merge(train.drop_duplicates(), how="inner").shape[0] / 12_000
    assert made.merge(train.drop_duplicates(), how="inner").shape[0] / 12_000 <= real_copies + 0.001


@pytest.mark.parametrize("name", ["adult", "shoppers", "credit_default", "tpch_sf001", "pagila"])
def test_every_real_column_survives_its_codes(shared, name):
    """1 - KS of at least .98 for numbers and times of tables over 1,000 rows; texts keep their format."""
    from scipy.stats import ks_2samp

    from fixturesynth.generators.encoding.grids import find_grid, to_grid
    from fixturesynth.profiling.temporal import parse_temporal

    with sqlite3.connect(shared / "data" / f"{name}.sqlite") as connection:
        connection.text_factory = lambda data: data.decode("utf8", "replace")
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        frames = {table: pd.read_sql(f'SELECT * FROM "{table}"', connection) for table in tables}
    looked = 0
    for table, frame in frames.items():
        if len(frame) <= 1000:
            continue
        for column in frame:
            values = pa.array(frame[column], from_pandas=True)
            kind = "categorical"
            if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
                kind = "numeric"
            elif pa.types.is_string(values.type) and parse_temporal(values) is not None:
                kind = "temporal"
            encoding = fit_encoding(values, kind, protection=5)
            made = decode(encoding, encode(encoding, values), words(stream(1, table, column), len(values)))
            assert made.type == values.type, (table, column)
            assert made.null_count == values.null_count or encoding.rare_share > 0.9, (table, column)
            if kind != "categorical":
                facts = find_grid(values, kind)
                real, ours = (ints[valid] for ints, valid in (to_grid(values, facts), to_grid(made, facts)))
                assert 1 - ks_2samp(real, ours, method="asymp").statistic >= 0.98, (table, column)
                looked += 1
    assert looked >= 6


@hypothesis.given(
    st.lists(st.tuples(st.integers(-3, 70_000), st.integers(0, 2**64 - 1) | st.integers(0, 40)), max_size=60)
)
def test_rows_are_ordered_by_owner_and_word_as_lexsort_orders_them(rows: list[tuple[int, int]]) -> None:
    owner = np.array([o for o, _ in rows], np.int64)
    raw = np.array([w for _, w in rows], np.uint64)
    assert _by_owner(owner, raw).tolist() == np.lexsort((raw, owner)).tolist()


@hypothesis.given(st.integers(1, 2**20 + 9), st.data())
def test_shared_words_are_divided_exactly(count: int, data: st.DataObject) -> None:
    """Quotients by floating point are those of whole numbers, also where they come next to the following one."""
    ranks = data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=20))
    lows = data.draw(st.lists(st.sampled_from((0, 1, 2**32 - 1, 2**31, count - 1)), min_size=20, max_size=20))
    multiples = [((rank << 32) // count * count + d) % (count << 32) for rank in ranks for d in (-1, 0, 1, count - 1)]
    place = np.array([(r << 32) | low for r, low in zip(ranks, lows, strict=False)] + multiples, np.uint64)
    whole = place // np.uint64(count)
    assert _divided(place, np.full(place.size, count)).tolist() == whole.tolist()


@hypothesis.given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2**64 - 1)), max_size=40))
def test_rows_in_strata_are_those_of_stratified(rows: list[tuple[int, int]]) -> None:
    owner = np.array([o for o, _ in rows], np.int64)
    words = np.array([w for _, w in rows], np.uint64)
    order, even = in_strata(owner, words)
    assert order.tolist() == np.lexsort((words, owner)).tolist()
    assert stratified(owner, words)[order].tolist() == even.tolist()
    alone = np.bincount(owner, minlength=6)[owner[order]] == 1 if owner.size else np.zeros(0, bool)
    assert even[alone].tolist() == words[order][alone].tolist()
    # The rows of one owner share out the words evenly, in their order, in whole numbers of Python.
    for one in np.unique(owner):
        part = even[owner[order] == one]
        if part.size > 1:
            expected = [((((i << 32) | (int(w) & (2**32 - 1))) // part.size) << 32) | (int(w) >> 32)
                        for i, w in enumerate(words[order][owner[order] == one])]  # fmt: skip
            assert part.tolist() == expected


def test_what_categories_tell_by_chance_is_not_taken_for_more_than_what_a_number_tells():
    """Of 150 categories in the order of their own means the best cut always tells something of the same rows."""
    n, many = 900, 150
    number, noise, luck = (_uniforms(n, 3, seed=6) % np.array([10, many, 100], np.uint64)).astype(np.int64).T
    target = (luck < np.where(number < 5, 38, 62)).astype(np.int64)
    tables = [rank_feature(number, 10, True, target, 2), rank_feature(noise, many, False, target, 2)]
    ranks = np.array([tables[0][number], tables[1][noise]])
    shares = [share_of_chance(values, size, target, 2) for values, size in ((number, 10), (noise, many))]
    assert shares[0] < 0.3 < 0.8 < shares[1]
    assert grow(ranks, target, 2, False, Growth()).feature[0] == 1
    assert grow(ranks, target, 2, False, Growth(), chance={1: shares[1]}).feature[0] == 0
    # Categories that do tell something are still found, all of a rare few among them.
    known = np.where(noise < 3, 1 - target, np.where(noise < 90, 0, 1))
    ranks[1] = rank_feature(noise, many, False, known, 2)[noise]
    assert grow(ranks, known, 2, False, Growth(), chance={1: share_of_chance(noise, many, known, 2)}).feature[0] == 1


def test_a_first_sibling_is_like_the_others_of_its_parent_by_name():
    """Each of 30 clubs has its own colour in all its rows: the first one, of which there is one to a club, too."""
    clubs, each = 30, 20
    club, place = np.repeat(np.arange(clubs), each), np.tile(np.arange(each), clubs)
    colour = (club * 7 + 3) % clubs
    before = np.where(place == 0, clubs, colour)
    context = [
        Variable("fk>row", clubs + 1, context=True), *PLACES,
        Variable("previous colour", clubs + 1, context=True),
    ]  # fmt: skip
    around = np.stack([club, *places(place, np.full(place.size, each)).T, before], axis=1)
    codes = np.column_stack([around, colour]).astype(np.int32)
    variables = (*context, Variable("colour", clubs, like="previous colour"))
    state = Cart().fit(CodedTable(variables, codes, np.arange(club.size)), seed=1)
    first = around[place == 0].astype(np.int32)
    made = Cart().sample(state, first, _uniforms(clubs, 1))[:, 0]
    assert (made == colour[place == 0]).mean() > 0.9

"""The network: tokens, whole numbers that torch and numpy agree on, rows without torch."""

import hashlib
import importlib.util
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import fixturesynth as fs
from fixturesynth.errors import InputError
from fixturesynth.generators.contract import CodedTable, State, Variable
from fixturesynth.generators.encoding import Encoding, decode, encode, fit_encoding
from fixturesynth.generators.network.drawing import leaves_of, make_drawer
from fixturesynth.generators.network.generator import Network
from fixturesynth.generators.network.guides import find_guides, guides_from_arrays, guides_to_arrays
from fixturesynth.generators.network.integers import (
    LARGEST,
    LARGEST_CLASS,
    LARGEST_LEAF,
    LARGEST_NEAR,
    TOP,
    exponentials,
    near,
    outputs,
    placed,
    weights,
)
from fixturesynth.generators.network.relations import (
    CURVES,
    MOST,
    find_relations,
    relations_from_arrays,
    relations_to_arrays,
    source_codes,
)
from fixturesynth.generators.network.tokens import fit_tokens, to_codes, to_tokens, tokens_from_parts
from fixturesynth.randomness import permutation, stream, words

HAS_TORCH = importlib.util.find_spec("torch") is not None


def _gpu() -> str | None:
    """The name of a GPU that torch can use; None where there is none."""
    if not HAS_TORCH:
        return None
    from fixturesynth.generators.network.device import pick_device

    name = pick_device("auto").type
    return None if name == "cpu" else name


GPU = _gpu()
DEVICES = ["cpu", pytest.param(GPU, marks=pytest.mark.skipif(GPU is None, reason="torch finds no GPU"))]
needs_torch = pytest.mark.skipif(not HAS_TORCH, reason="torch, which trains the network, is not installed")


def _uniforms(rows: int, columns: int, seed: int = 5) -> np.ndarray:
    return words(stream(seed, "uniforms"), rows * columns).reshape(rows, columns)


def _table(rows: int = 6000, groups: np.ndarray | None = None) -> CodedTable:
    """parent: context; kind; sum = (parent + kind) mod 5; amount: 700 codes, ten times kind and some noise."""
    raw = _uniforms(rows, 3, seed=1)
    parent = (raw[:, 0] % 3).astype(np.int32)
    kind = (raw[:, 1] % 5).astype(np.int32)
    amount = (kind * 140 + raw[:, 2] % 140).astype(np.int32)
    variables = (
        Variable("parent", 3, context=True), Variable("kind", 5), Variable("sum", 5),
        Variable("amount", 700, ordered=True),
    )  # fmt: skip
    codes = np.stack([parent, kind, (parent + kind) % 5, amount], axis=1).astype(np.int32)
    return CodedTable(variables, codes, groups)


@pytest.fixture(scope="module")
def state() -> State:
    if not HAS_TORCH:
        pytest.skip("torch, which trains the network, is not installed")
    return Network().fit(_table(), seed=1)


@pytest.mark.parametrize("size", [1, 2, 160, 161, 700, 4096])
@pytest.mark.parametrize("shape", ["even", "spiky", "empty tail"])
def test_tokens_are_small_and_codes_come_back(size, shape):
    raw = _uniforms(3000, 1, seed=size)[:, 0]
    codes = (raw % size).astype(np.int32)
    if shape == "spiky":
        codes[: 2 * len(codes) // 3] = size // 3
    if shape == "empty tail":
        codes = np.minimum(codes, 3).astype(np.int32)
    tokens = fit_tokens((Variable("x", size, ordered=True),), codes[:, None])
    assert len(tokens.tokens) == (1 if size <= 160 else 2)
    assert all(t.size <= 200 for t in tokens.tokens)
    every = np.arange(size, dtype=np.int32)
    columns = to_tokens(tokens, every[:, None])
    assert (columns.max(axis=0) < [t.size for t in tokens.tokens]).all()
    assert np.array_equal(to_codes(tokens, 0, list(columns.T)), every)
    again = tokens_from_parts(tokens.facts(), tokens.arrays())
    assert again.tokens == tokens.tokens and all(
        np.array_equal(a, b) for a, b in zip(again.lookups, tokens.lookups, strict=True)
    )
    if shape == "spiky" and size > 160:
        spike = tokens.lookups[0] == tokens.lookups[0][size // 3]
        assert spike.sum() == 1  # a frequent code has a group for itself


def test_wide_contexts_become_coarse():
    rows = 500
    wide = [Variable(f"c{i}", 300, ordered=True, context=True) for i in range(40)]
    variables = (*wide, Variable("x", 3))
    codes = np.stack([*(_uniforms(rows, 40) % 300).T, np.arange(rows) % 3], axis=1).astype(np.int32)
    tokens = fit_tokens(variables, codes)
    assert tokens.context == 40 and sum(t.size for t in tokens.tokens if t.context) <= 1500
    assert to_tokens(tokens, codes[:, :40], context=True).shape == (rows, 40)
    for lookup in tokens.lookups[:40]:
        assert (np.diff(lookup) >= 0).all()  # neighbours stay neighbours


def test_weights_fall_by_a_stored_table_of_whole_numbers():
    table = exponentials()
    assert table[0] == TOP and table[-1] == 0 and (np.diff(table) <= 0).all() and table.dtype == np.int32
    expected = np.exp(-np.arange(500) / 64) * TOP
    assert np.abs(table[:500] - expected).max() <= 0.5 + 1e-6
    found = weights(np.array([[0.0, 64.0, -1e7]], np.float32), table)
    assert found.tolist() == [[table[64], TOP, 0]]


@needs_torch
def test_no_product_can_leave_the_whole_numbers_that_float32_holds():
    """The largest sum of a layer: every weight 127, every activation 255, and two biases."""
    from fixturesynth.generators.network.training import settings_for

    tokens = fit_tokens(_table().variables, _table().codes)
    for rows in (10, 1_000, 100_000, 10_000_000):
        settings = settings_for(rows, tokens)
        assert settings.width * 127 * 255 + LARGEST < 2**24
        product = settings.narrow * 127 * 255
        relations = MOST * CURVES * (product + LARGEST_NEAR)
        assert product + LARGEST_CLASS + LARGEST_LEAF + relations < 2**24  # a class, a leaf, and every relation
        assert product + 2 * LARGEST + product + LARGEST_NEAR < 2**24  # a place, its class, and one relation


def _twins(rows: int = 3000) -> CodedTable:
    """a: 400 codes; b: a again in half of the rows; c: far from a, else b."""
    raw = _uniforms(rows, 4, seed=6)
    a = (raw[:, 0] % 400).astype(np.int32)
    b = np.where(raw[:, 1] % 2 == 0, a, raw[:, 2] % 400).astype(np.int32)
    c = np.where(raw[:, 3] % 4 == 0, 399 - a, b).astype(np.int32)
    variables = tuple(Variable(name, 400, ordered=True) for name in "abc")
    return CodedTable(variables, np.stack([a, b, c], axis=1))


def test_relations_are_found_and_told_from_chance():
    table = _twins(12_000)
    tokens = fit_tokens(table.variables, table.codes)
    columns = to_tokens(tokens, table.codes)
    relations = find_relations(tokens, columns, [0, 1, 2])
    by_pair = {(r.target, r.source): r for r in reversed(relations)}
    assert {(2, 0), (4, 2)} <= by_pair.keys() and all(target > source for target, source in by_pair)
    same = np.arange(400)
    assert np.median(np.abs(by_pair[2, 0].centre - tokens.lookups[2][same])) <= 1
    noise = np.stack([table.codes[:, 0], permutation(12_000, 5, "noise") % 400], axis=1).astype(np.int32)
    tokens = fit_tokens(table.variables[:2], noise)
    assert find_relations(tokens, to_tokens(tokens, noise), [0, 1]) == ()
    assert find_relations(tokens, to_tokens(tokens, noise[:1]), [0, 1]) == ()
    again = relations_from_arrays(relations_to_arrays(relations))
    assert [(r.target, r.source) for r in again] == [(r.target, r.source) for r in relations]


def _corners(rows: int) -> tuple[CodedTable, np.ndarray]:
    """x, y: 50 codes; z: 0 to 9, where x and y are both low 10 to 19; and the owner of each row, in tens."""
    raw = _uniforms(rows, 3, seed=8)
    x, y = ((raw[:, k] % 50).astype(np.int32) for k in (0, 1))
    z = (raw[:, 2] % 10).astype(np.int32) + np.where((x < 12) & (y < 20), 10, 0).astype(np.int32)
    variables = tuple(Variable(name, size, ordered=True) for name, size in (("x", 50), ("y", 50), ("z", 20)))
    return CodedTable(variables, np.stack([x, y, z], axis=1)), np.arange(rows) // 10


def test_guides_find_corners_and_are_told_from_chance():
    table, owner = _corners(6_000)
    tokens = fit_tokens(table.variables, table.codes)
    columns = to_tokens(tokens, table.codes)
    (guide,) = find_guides(tokens, columns, [0, 1, 2], owner)
    assert guide.target == 2 and guide.sources == (0, 1)
    leaf = guide.find(dict(enumerate(columns.T)))
    assert set(leaf.tolist()) == set(range(guide.leaves)) and np.bincount(leaf).min() >= 60
    high = np.bincount(leaf, weights=table.codes[:, 2] >= 10) / np.bincount(leaf)
    assert ((high < 0.02) | (high > 0.98)).all() and (high > 0.98).any()
    (again,) = guides_from_arrays(guides_to_arrays([guide]))
    assert np.array_equal(again.find(dict(enumerate(columns.T))), leaf)
    assert again.leaves == guide.leaves
    assert find_guides(tokens, columns[:, [0, 1, 1]] // 3, [0], None) == ()  # nothing comes before the first
    noise = _uniforms(6_000, 3) % np.array([50, 50, 20], np.uint64)
    by_chance = find_guides(tokens, noise.astype(np.int32), [0, 1, 2], None)
    assert sum(found.leaves for found in by_chance) < guide.leaves


def test_leaves_of_guides_hold_rows_of_several_entities():
    """Four entities have a low x: what their rows have is not told apart from that of the others."""
    table, owner = _corners(6_000)
    tokens = fit_tokens(table.variables, table.codes)
    columns = to_tokens(tokens, table.codes)
    few = np.where(columns[:, 0] < 12, owner % 4, owner + 4)
    for groups, least in ((owner, 5), (few, 5)):
        for guide in find_guides(tokens, columns, [0, 1, 2], groups):
            leaf = guide.find(dict(enumerate(columns.T)))
            assert all(np.unique(groups[leaf == k]).size >= least for k in range(guide.leaves))
    assert any(g.target == 2 for g in find_guides(tokens, columns, [0, 1, 2], owner))
    assert not any(g.target == 2 for g in find_guides(tokens, columns, [0, 1, 2], few))


@needs_torch
def test_rows_of_a_leaf_share_out_their_distribution():
    """A thousand rows: of those in a corner as many have each value as are likely to, of all rows too."""
    table, _ = _corners(4_000)
    state = Network().fit(table, seed=1)
    off = {}
    for stratify in (False, True):
        errors = []
        for seed in range(5):
            x, y, z = (
                Network().sample(state, np.zeros((1000, 0), np.int32), _uniforms(1000, 3, seed), stratify=stratify).T
            )
            corner = (x < 12) & (y < 20)
            assert np.mean(z[corner] >= 10) > 0.9 and np.mean(z[~corner] < 10) > 0.97
            errors.append(np.abs(np.bincount(z[~corner], minlength=10)[:10] / (~corner).sum() - 0.1).mean())
        off[stratify] = np.mean(errors)
    assert off[True] < 0.6 * off[False]


@needs_torch
@pytest.mark.parametrize("width", [64, 128])
@pytest.mark.parametrize("make", [_table, _twins])
def test_torch_and_numpy_give_the_same_logits_bit_for_bit(width, make):
    """The module with simulated rounding against the whole numbers that are kept of it."""
    import torch

    from fixturesynth.generators.network.module import Module, expected, export

    table = make(2000)
    tokens = fit_tokens(table.variables, table.codes)
    columns = to_tokens(tokens, table.codes)
    variables = [i for i, v in enumerate(table.variables) if not v.context]
    relations = find_relations(tokens, columns, variables)
    assert (make is _twins) == bool(relations)
    guides = find_guides(tokens, columns, variables, None)
    assert guides
    source = torch.Generator()
    source.manual_seed(3)
    module = Module(tokens, relations, guides, columns, width, width // 2, source)
    with torch.no_grad():
        module.head.mul_(20)
        for bias in (module.first_bias, module.second_bias):
            bias.normal_(generator=source)
    rows = torch.from_numpy(expected(tokens, relations, guides, columns).astype(np.int64))
    with torch.no_grad():
        exact = module.exact()
        seen = module.seen(rows, tokens.leads, None)
        hidden = module.hidden(rows, seen, None, exact)
        classes, places = module.logits(module.outputs(hidden, exact), rows, seen, exact)
    drawer = make_drawer(export(module), tokens, relations, guides)
    varied = 0
    for k, (lead, head) in enumerate(drawer.heads.items()):
        known = {token: columns[:, token] for token in range(columns.shape[1])}
        found = outputs(head, hidden[k].numpy() * 32, leaves_of(drawer, lead, known))
        own = [relations[m] for m in head.relations]
        codes = [source_codes(tokens, columns, r.source) for r in own]
        centres = [r.centre[c] for r, c in zip(own, codes, strict=True)]
        ours = near(head, found, centres)
        (theirs,) = (c[b.variables.index(k)] for b, c in zip(module.bands, classes, strict=True) if k in b.variables)
        assert np.array_equal(ours, theirs[:, : head.size].numpy() * 64)
        if k in places:
            inners = [r.inner[c] for r, c in zip(own, codes, strict=True)]
            inside = placed(head, found, columns[:, lead], centres, inners)
            assert np.array_equal(inside, places[k].numpy() * 64)
        varied += len(np.unique(ours, axis=0)) >= 3
    assert varied >= 2


@needs_torch
def test_numbers_that_are_often_equal_come_out_so():
    table = _twins(8000)
    state = Network().fit(table, seed=1)
    a, b, c = Network().sample(state, np.zeros((4000, 0), np.int32), _uniforms(4000, 3)).T
    for made, real in ((np.abs(a - b), table.codes[:, 0] - table.codes[:, 1]), (b - c, np.diff(table.codes)[:, 1])):
        assert abs(np.mean(np.abs(made) <= 4) - np.mean(np.abs(real) <= 4)) < 0.12


def test_what_determines_what_is_learned(state):
    context = (np.arange(3000) % 3).astype(np.int32)[:, None]
    kind, total, amount = Network().sample(state, context, _uniforms(3000, 3)).T
    assert np.mean((context[:, 0] + kind) % 5 == total) > 0.98
    assert np.mean(amount // 140 == kind) > 0.97
    assert abs(np.mean(kind == 2) - 0.2) < 0.05
    assert np.unique(amount).size > 600


def test_any_subset_can_be_given(state):
    """What comes later in the order is known to what comes before it; chance is .2."""
    context = np.zeros((2000, 1), np.int32)
    total = (np.arange(2000) % 5).astype(np.int32)
    total[1500:] = -1
    drawn = Network().sample(state, context, _uniforms(2000, 3), {"sum": total})
    assert np.array_equal(drawn[:1500, 1], total[:1500])
    assert np.mean(drawn[:1500, 0] == total[:1500]) > 0.9
    free = Network().sample(state, context, _uniforms(2000, 3))
    assert np.array_equal(drawn[1500:], free[1500:])
    amount = np.full(2000, 650, np.int32)
    drawn = Network().sample(state, context, _uniforms(2000, 3), {"amount": amount})
    assert (drawn[:, 2] == 650).all() and np.mean(drawn[:, 0] == 4) > 0.8


def test_rows_are_the_same_in_any_order_and_any_blocks(state, monkeypatch):
    context, uniforms = _table().codes[:3000, :1], _uniforms(3000, 3)
    whole = Network().sample(state, context, uniforms)
    order = permutation(3000, 7, "rows")
    assert np.array_equal(Network().sample(state, context[order], uniforms[order]), whole[order])
    one_by_one = [Network().sample(state, context[i : i + 1], uniforms[i : i + 1]) for i in range(50)]
    assert np.array_equal(np.concatenate(one_by_one), whole[:50])
    monkeypatch.setattr("fixturesynth.generators.network.drawing.MOST_ROWS", 77)
    monkeypatch.setattr("fixturesynth.generators.network.drawing._SHARED", 0.0)
    assert np.array_equal(Network().sample(state, context, uniforms), whole)


@needs_torch
@pytest.mark.parametrize("make", [_table, _twins])
@pytest.mark.parametrize("stratify", [False, True])
@pytest.mark.parametrize("device", DEVICES)
def test_torch_draws_the_same_bytes_as_numpy(make, stratify, device, monkeypatch):
    table = make(1500)
    state = Network().fit(table, seed=1, time_limit=2.0)
    context = table.codes[:, : sum(v.context for v in table.variables)]
    uniforms = _uniforms(1500, len(table.variables) - context.shape[1])
    last = table.variables[-1]
    given = {last.name: np.where(np.arange(1500) % 3 == 0, 300, -1).astype(np.int32)}
    for wish in (None, given):
        here = Network().sample(state, context, uniforms, wish, stratify=stratify)
        assert np.array_equal(Network(draw_on=device).sample(state, context, uniforms, wish, stratify=stratify), here)
    monkeypatch.setattr("fixturesynth.generators.network.device.MOST_ON_DEVICE", 100)
    made = Network(draw_on=device).sample(state, context, uniforms, given, stratify=stratify)
    assert np.array_equal(made, here)


@pytest.mark.skipif(GPU is None, reason="torch finds no GPU")
def test_what_a_gpu_learned_is_drawn_alike_everywhere():
    """Learned twice on the GPU to the same state, and numpy draws of it what the GPU draws."""
    table = _table(1500)
    state = Network(GPU).fit(table, seed=1, time_limit=2.0)
    again = Network(GPU).fit(table, seed=1, time_limit=2.0)
    assert state.facts == again.facts
    assert all(np.array_equal(state.arrays[name], again.arrays[name]) for name in state.arrays)
    context = table.codes[:, : sum(v.context for v in table.variables)]
    uniforms = _uniforms(1500, len(table.variables) - context.shape[1])
    here = Network().sample(state, context, uniforms)
    assert np.array_equal(Network(draw_on=GPU).sample(state, context, uniforms), here)
    assert len(np.unique(here, axis=0)) > 100


@needs_torch
def test_a_device_that_is_not_there_is_named():
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(InputError, match=r"'cuda'.*--device cpu"):
        Network("cuda").fit(_table(100), seed=1)


SAMPLE = """
import hashlib, sys
if {block}:
    sys.modules["torch"] = None
import numpy as np
import fixturesynth as fs
data = fs.Synthesizer.open(sys.argv[1]).sample(rows=3000, seed=11)
print(hashlib.sha256("".join(data.content_hash(t) for t in data).encode()).hexdigest())
"""


def _frames() -> dict[str, pd.DataFrame]:
    table = _table(1500)
    frame = pd.DataFrame(table.codes, columns=[v.name for v in table.variables])
    frame["parent"] = frame["parent"].map({0: "north", 1: "south", 2: "west"})
    frame["amount"] = frame["amount"] / 4
    return {"sales": frame}


@needs_torch
def test_a_model_is_used_without_torch_and_threads_change_nothing(tmp_path: Path) -> None:
    """The same bytes here, in a process where torch cannot be imported, and with one and two threads."""
    made = fs.fit(_frames(), generator="network", seed=4)
    assert made.plan["sales"].generator == "network"
    path = made.save(tmp_path / "sales.fsynth")
    assert path.stat().st_size < 1_000_000
    here = made.sample(rows=3000, seed=11)
    expected = hashlib.sha256("".join(here.content_hash(t) for t in here).encode()).hexdigest()
    for threads, block in (("1", True), ("2", True), ("2", False)):
        environment = {
            **os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads,
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", SAMPLE.format(block=block), str(path)], env=environment, text=True,
            capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == expected


def test_learning_without_torch_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in ("training", "module"):
        monkeypatch.delitem(sys.modules, f"fixturesynth.generators.network.{name}", raising=False)
    with pytest.raises(InputError, match=r"pip install 'fixturesynth\[torch\]'"):
        Network().fit(_table(200), seed=1)


@needs_torch
@pytest.mark.parametrize("columns", [5, 30])
def test_networks_of_wide_tables_are_narrower(columns):
    """At most half a million parameters, and as many as are counted beforehand."""
    import torch

    from fixturesynth.generators.network.module import Module
    from fixturesynth.generators.network.training import MOST_PARAMETERS, parameters, settings_for

    codes = (_uniforms(4000, columns) % 600).astype(np.int32)
    tokens = fit_tokens(tuple(Variable(f"v{i}", 600, ordered=True) for i in range(columns)), codes)
    settings = settings_for(50_000, tokens)
    source = torch.Generator()
    module = Module(tokens, (), (), to_tokens(tokens, codes), settings.width, settings.narrow, source)
    assert module.size() == parameters(tokens, (), (), settings.width, settings.narrow) <= MOST_PARAMETERS
    assert (settings.width == 128) == (columns == 5)


@needs_torch
def test_held_out_rows_share_no_entity_with_those_learned():
    from fixturesynth.generators.network import training

    groups = (np.arange(1000) // 7).astype(np.int64)
    learned, held = training._split(1000, groups, seed=1)
    assert not set(groups[learned]) & set(groups[held])
    assert learned.size + held.size == 1000 and 60 < held.size < 140
    assert training._split(50, None, seed=1)[1].size == 0  # too few to judge by
    looked_at = training._some(np.arange(30_000))
    assert looked_at.size == np.unique(looked_at).size == training.MOST_HELD_OUT
    assert looked_at[0] == 0 and np.diff(looked_at).max() <= 4 and looked_at[-1] >= 29_996
    assert training._some(held).tolist() == held.tolist()


@needs_torch
def test_a_time_limit_is_steps_and_more_time_is_never_fewer():
    from fixturesynth.generators.network.training import settings_for

    tokens = fit_tokens(_table().variables, _table().codes)
    steps = [settings_for(50_000, tokens, time_limit=limit).steps for limit in (0.1, 5.0, 60.0, None)]
    assert steps == sorted(steps) and steps[0] < steps[-1]


@needs_torch
def test_training_leaves_torch_as_it_was():
    import torch

    before, state = torch.get_num_threads(), torch.random.get_rng_state()
    Network().fit(_table(300), seed=1, time_limit=0.5)
    assert torch.get_num_threads() == before
    assert torch.equal(torch.random.get_rng_state(), state)


def _auc(real: pd.DataFrame, made: pd.DataFrame) -> float:
    import lightgbm
    from sklearn.model_selection import cross_val_score

    both = pd.concat([real, made], ignore_index=True)
    both = both.assign(**{c: both[c].astype("category") for c in both if not pd.api.types.is_numeric_dtype(both[c])})
    which = np.repeat([0, 1], [len(real), len(made)])
    model = lightgbm.LGBMClassifier(n_estimators=60, verbose=-1, n_jobs=1, random_state=0)
    return float(cross_val_score(model, both, which, cv=3, scoring="roc_auc").mean())


def _halves(shared: Path, name: str, rows: int) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Encoding], CodedTable]:
    """Rows to learn from, as many held out, and the former in the network's codes."""
    with sqlite3.connect(shared / "data" / f"{name}.sqlite") as connection:
        frame = pd.read_sql(f"SELECT * FROM {name}", connection).drop(columns="row_id", errors="ignore")
    frame = frame.iloc[permutation(len(frame), 1, name)[: 2 * rows]].reset_index(drop=True)
    learned, held_out = frame.iloc[:rows], frame.iloc[rows:].reset_index(drop=True)
    encodings = {
        c: fit_encoding(
            pa.array(learned[c]), "numeric" if pd.api.types.is_numeric_dtype(learned[c]) else "categorical",
            protection=5, max_codes=Network.max_codes,
        )
        for c in learned
    }  # fmt: skip
    codes = np.stack([encode(e, pa.array(learned[c])) for c, e in encodings.items()], axis=1)
    variables = tuple(Variable(c, e.size, e.ordered) for c, e in encodings.items())
    return learned, held_out, encodings, CodedTable(variables, codes)


def _frame(encodings: dict[str, Encoding], codes: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            c: decode(e, codes[:, i], words(stream(4, c), len(codes))).to_pandas()
            for i, (c, e) in enumerate(encodings.items())
        }
    )


@pytest.mark.parametrize("name", ["adult", "shoppers", "credit_default"])
def test_codes_and_tokens_lose_nothing_that_a_classifier_would_see(shared, name):
    """The first gate: the learned half, encoded and decoded, against the other half. A coin is .5."""
    _, held_out, encodings, table = _halves(shared, name, 6000)
    tokens = fit_tokens(table.variables, table.codes)
    columns = to_tokens(tokens, table.codes)
    back = np.stack(
        [to_codes(tokens, i, [columns[:, k] for k in tokens.of(i)]) for i in range(len(table.variables))], axis=1
    )
    assert np.array_equal(back, table.codes)
    assert _auc(held_out, _frame(encodings, back)) < 0.53


@needs_torch
def test_generated_rows_can_hardly_be_told_from_held_out_ones(shared):
    """Adult: marginals alone give .99. Rows of the network repeat learned ones no more often than real rows do."""
    learned, held_out, encodings, table = _halves(shared, "adult", 12_000)
    state = Network().fit(table, seed=1)
    none = np.zeros((12_000, 0), np.int32)
    made = _frame(encodings, Network().sample(state, none, _uniforms(12_000, len(table.variables)), stratify=True))
    assert _auc(held_out, made) < 0.57
    copied = [rows.merge(learned.drop_duplicates(), how="inner").shape[0] / 12_000 for rows in (made, held_out)]
    assert copied[0] <= copied[1] + 0.001


@needs_torch
def test_heads_of_like_width_are_multiplied_together():
    """Every variable and relation is in one band, and little is padded."""
    from fixturesynth.generators.network.integers import EACH
    from fixturesynth.generators.network.module import bands_of

    parts = [(117, 0, (0, 1, 2, 3)), (2, 0, ()), (97, 96, ()), (7, 0, ()), (31, 0, (4,)), (90, 0, (5, 6))]
    bands = bands_of(parts)
    assert 1 < len(bands) <= 3
    assert sorted(k for b in bands for k in b.variables) == list(range(len(parts)))
    assert sorted(m for b in bands for m in b.relations) == list(range(7))
    own = sum(size + places + EACH * len(related) for size, places, related in parts)
    padded = sum(len(b.variables) * (b.most + b.inner + EACH * b.slots) for b in bands)
    alone = len(parts) * (117 + 96 + EACH * 4)
    assert own <= padded < 0.65 * alone
    assert bands_of([(5, 0, ()), (6, 0, ())])[0].variables == (0, 1)  # nothing to gain

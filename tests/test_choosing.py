"""The choice between trees and the network by measurement."""

import importlib.util

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import fixturesynth as fs
from fixturesynth.cli import commands
from fixturesynth.generators import choosing
from fixturesynth.generators.choosing import Measured, tell_apart
from fixturesynth.generators.contract import CodedTable, Variable
from fixturesynth.randomness import stream, words

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")


def _uniforms(rows: int, columns: int, seed: int = 5) -> np.ndarray:
    return words(stream(seed, "uniforms"), rows * columns).reshape(rows, columns)


def _table(rows: int, seed: int, *, tied: bool = True) -> CodedTable:
    """b is a in most rows, or has nothing to do with it."""
    raw = _uniforms(rows, 3, seed=seed)
    a = (raw[:, 0] % 30).astype(np.int32)
    b = np.where(tied & (raw[:, 1] % 10 < 7), a, raw[:, 2] % 30).astype(np.int32)
    variables = (Variable("a", 30, ordered=True), Variable("b", 30, ordered=True))
    return CodedTable(variables, np.stack([a, b], axis=1))


def test_tables_of_one_law_cannot_be_told_apart_and_others_can():
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import cross_val_score

    one, two, other = _table(1500, 1), _table(1500, 2), _table(1500, 3, tied=False)
    assert abs(tell_apart(one, two, 1) - 0.5) < 0.04
    ours = tell_apart(one, other, 1)
    model = RandomForestClassifier(60, min_samples_leaf=8, random_state=0)
    which = np.repeat([0, 1], 1500)
    theirs = cross_val_score(model, np.concatenate([one.codes, other.codes]), which, cv=2, scoring="roc_auc").mean()
    assert ours > 0.65 and abs(ours - theirs) < 0.08


def test_few_rows_and_few_seconds_give_trees_and_say_so(monkeypatch):
    state = Measured().fit(_table(300, 1), seed=1)
    assert state.generator == "cart" and "300 rows are too few" in state.facts["chosen"]
    state = Measured().fit(_table(3000, 1), seed=1, time_limit=3)
    assert state.generator == "cart" and "3 s are too few" in state.facts["chosen"]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "torch is not installed" in Measured().fit(_table(3000, 1), seed=1).facts["chosen"]


@needs_torch
@pytest.mark.parametrize("worse", ["cart", "network"])
def test_what_is_harder_to_tell_from_real_rows_is_taken(worse, monkeypatch):
    """The one whose rows are shuffled column by column loses."""
    drawn = choosing._drawn

    def spoiled(generator, state, held, seed):
        made = drawn(generator, state, held, seed)
        if generator.name != worse:
            return made
        codes = made.codes.copy()
        codes[:, 1] = np.roll(codes[:, 1], 7)
        return CodedTable(made.variables, codes, made.groups)

    monkeypatch.setattr(choosing, "_drawn", spoiled)
    told = []
    measured = Measured()
    measured.progress = lambda done, of: told.append((done, of))
    state = measured.fit(_table(2500, 1), seed=1, time_limit=21)
    assert state.generator == {"cart": "network", "network": "cart"}[worse]
    assert f"{state.generator}: its rows are told from held-out ones" in state.facts["chosen"]
    assert told and all(0 <= done <= of for done, of in told)
    codes = measured.sample(state, np.zeros((10, 0), np.int32), _uniforms(10, 2))
    assert codes.shape == (10, 2)


def test_a_time_limit_makes_auto_measure_and_the_plan_says_why(tmp_path):
    frame = pd.DataFrame(_table(400, 1).codes, columns=["a", "b"])
    made = fs.fit({"t": frame}, seed=1, time_limit=30)
    assert made.plan["t"].generator == "cart"
    assert [n for n in made.plan.notes if "t is learned by trees: 400 rows" in n]
    again = fs.fit({"t": frame}, seed=1)
    assert not [n for n in again.plan.notes if "is learned by" in n]
    assert made.planned(rows=10)["t"].generator == "cart"
    assert made.sample(rows=20, seed=2).content_hash("t") == again.sample(rows=20, seed=2).content_hash("t")
    asked = fs.fit({"t": frame}, seed=1, time_limit=30, generator="independent")
    assert asked.plan["t"].generator == "independent"


def test_differential_privacy_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    done = CliRunner().invoke(commands, ["fit", str(tmp_path), "-o", str(tmp_path / "m.fsynth"), "--dp-epsilon", "1"])
    assert done.exit_code == 2 and "nothing here is differentially private" in done.output
    assert not (tmp_path / "m.fsynth").exists()

"""Children per grandparent: sums by group take the wanted shape, degrees stay the same ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp, spearmanr

import fixturesynth as fs
from fixturesynth.sampling.balancing import balance

HEAVY = np.array([40, 25, 13, 8, 5, 3, 2, 1, 1, 0, 0, 0])


def world(seed: int, parents: int, *groups: int) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Degrees dealt to parents at random, groupings of the parents, and the sums of a dealing that follows them."""
    rng = np.random.default_rng(seed)
    codes = [rng.integers(0, size, parents) for size in groups]
    degrees = HEAVY[rng.integers(0, HEAVY.size, parents)]
    liking = np.exp(sum(rng.normal(0, 1, size)[code] for size, code in zip(groups, codes, strict=True)))
    skewed = np.empty_like(degrees)
    skewed[np.argsort(liking * rng.exponential(1, parents), kind="stable")] = np.sort(degrees)
    sums = [np.bincount(c, weights=skewed, minlength=size) for size, c in zip(groups, codes, strict=True)]
    return degrees, codes, [np.sort(s).astype(np.int64) for s in sums]


def agreement(degrees: np.ndarray, group: np.ndarray, target: np.ndarray) -> float:
    sums = np.bincount(group, weights=degrees, minlength=target.size)
    return float(1 - ks_2samp(sums, target, method="asymp").statistic)


@pytest.mark.parametrize("groups", [(27,), (400,), (1_500,), (27, 160), (10, 27)], ids=str)
def test_sums_take_the_wanted_shape_and_degrees_stay(groups: tuple[int, ...]) -> None:
    degrees, codes, targets = world(1, 3_000, *groups)
    out = balance(degrees, codes, targets, 7, "child", "parent")
    assert np.sort(out).tolist() == np.sort(degrees).tolist()
    for code, target in zip(codes, targets, strict=True):
        assert agreement(degrees, code, target) < 0.95
        assert agreement(out, code, target) >= 0.98


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-1, 4)), min_size=1, max_size=40), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_degrees_are_only_swapped(parents: list[tuple[int, int]], seed: int) -> None:
    degrees = np.array([d for d, _ in parents], dtype=np.int64)
    groups = np.array([g for _, g in parents], dtype=np.int64)
    target = np.array([0, 0, 0, 0, degrees[groups >= 0].sum()], dtype=np.int64)
    out = balance(degrees, [groups], [target], seed, "x")
    assert np.sort(out).tolist() == np.sort(degrees).tolist()
    assert (out[groups < 0] == degrees[groups < 0]).all()


def test_parents_of_one_group_keep_their_standing() -> None:
    degrees, (group,), targets = world(4, 600, 27)
    out = balance(degrees, [group], targets, 7, "x")
    for code in range(27):
        inside = group == code
        assert (np.diff(out[inside][np.lexsort((out[inside], degrees[inside]))]) >= 0).all()


def test_parents_of_many_children_stay_so_where_sums_allow_it() -> None:
    """Claims of few patients and many visits: what is dealt anew is no more than the sums ask for."""
    kept = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        patient = rng.integers(0, 27, 1_200)
        visit = np.unique(patient * 40 + rng.integers(0, 25, 1_200), return_inverse=True)[1]
        degrees = rng.choice([1, 2, 4, 5, 6, 10], 1_200, p=[0.05, 0.3, 0.4, 0.12, 0.1, 0.03])
        shares = np.exp(rng.normal(0, 0.7, 27))
        wanted = np.sort(np.round(shares / shares.sum() * degrees.sum()).astype(np.int64))
        wanted[-1] += degrees.sum() - wanted.sum()
        visits = np.sort(np.bincount(visit, weights=rng.permutation(degrees)).astype(np.int64))
        out = balance(degrees, [patient, visit], [wanted, visits], 7, "x")
        kept.append(spearmanr(degrees, out).statistic)
    assert np.mean(kept) > 0.58  # 0.46 where pairs are swapped whoever they are


SCHEMA = """
CREATE TABLE patient (id INTEGER PRIMARY KEY, born DATE);
CREATE TABLE visit (id INTEGER PRIMARY KEY, patient_id INTEGER NOT NULL REFERENCES patient, cost INTEGER NOT NULL);
CREATE TABLE finding (id INTEGER PRIMARY KEY, patient_id INTEGER NOT NULL REFERENCES patient,
    visit_id INTEGER REFERENCES visit, value INTEGER NOT NULL);
"""


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]]:
    """Real and synthetic rows: a finding has the patient of its visit, and a patient also where it has no visit."""
    rng = np.random.default_rng(5)
    patients = pd.DataFrame({"id": np.arange(1, 121), "born": "1980-01-01"})
    visits = pd.DataFrame({"id": np.arange(1, 901), "patient_id": rng.integers(1, 121, 900)})
    visits["cost"] = rng.integers(10, 99, 900)
    ill = np.where(rng.random(121) < 0.2, 12.0, 0.6)[visits["patient_id"]]
    visit = rng.choice(np.arange(1, 901), 2_000, p=ill / ill.sum())
    findings = pd.DataFrame({"id": np.arange(1, 2_001), "patient_id": visits["patient_id"].to_numpy()[visit - 1]})
    findings["visit_id"] = pd.array(np.where(rng.random(2_000) < 0.1, -1, visit), dtype="Int64")
    findings.loc[findings["visit_id"] < 0, "visit_id"] = pd.NA
    findings["value"] = rng.integers(0, 50, 2_000)
    real = {"patient": patients, "visit": visits, "finding": findings}
    path = tmp_path_factory.mktemp("clinic") / "schema.sql"
    path.write_text(SCHEMA)
    made = fs.fit(real, schema=fs.reflect(path), seed=3).sample(seed=3)
    return real, {name: made[name] for name in real}


def children(rows: dict[str, pd.DataFrame], column: str, parent: str) -> pd.Series:
    return rows["finding"][column].value_counts().reindex(rows[parent]["id"], fill_value=0)


@pytest.mark.parametrize(("column", "parent"), [("visit_id", "visit"), ("patient_id", "patient")])
def test_counts_of_parents_and_of_grandparents_are_the_learned_ones(
    clinic: tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]], column: str, parent: str
) -> None:
    real, made = clinic
    found = ks_2samp(children(real, column, parent), children(made, column, parent), method="asymp").statistic
    assert 1 - found >= 0.98


def test_a_row_without_its_leading_reference_still_has_the_one_that_follows(
    clinic: tuple[dict[str, pd.DataFrame], dict[str, pd.DataFrame]],
) -> None:
    _, made = clinic
    findings = made["finding"]
    assert findings["visit_id"].isna().sum() > 100
    assert findings["patient_id"].notna().all()
    owner = made["visit"].set_index("id")["patient_id"]
    led = findings[findings["visit_id"].notna()]
    assert (led["visit_id"].map(owner) == led["patient_id"]).all()

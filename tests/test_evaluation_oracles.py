"""Metrics against their sources: sdmetrics, scipy, scikit-learn, fairlearn, published definitions written out anew."""

import warnings

import numpy as np
import pandas as pd
import pytest
from spoiling import WORLD, column, draws, normal, world

from fixturesynth.evaluation import Report, evaluate
from fixturesynth.evaluation.comparison import Comparison, compare
from fixturesynth.evaluation.distances import (
    jensen_shannon,
    kolmogorov_smirnov,
    range_coverage,
    total_variation,
    wasserstein,
)
from fixturesynth.evaluation.features import Features, _of_numbers
from fixturesynth.evaluation.giveaways import find_giveaways
from fixturesynth.evaluation.intervals import Z
from fixturesynth.evaluation.nearness import make_points, nearest
from fixturesynth.evaluation.sequences import agreement, intraclass
from fixturesynth.evaluation.shapes import last_places

REAL, SYNTHETIC, HELD = world(1), world(2, customers=400, orders=2_000), world(3)
WITHIN = 0.01


@pytest.fixture(scope="module")
def report() -> Report:
    return evaluate(REAL, SYNTHETIC, WORLD, detection=False)


@pytest.fixture(scope="module")
def held() -> Report:
    return evaluate(REAL, SYNTHETIC, WORLD, holdout=HELD, detection=False)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare(REAL, SYNTHETIC, WORLD, holdout=HELD)


def scores(report: Report, metric: str, table: str) -> dict[str, float]:
    return {r.columns[0]: r.score for r in report.of(metric) if r.table == table and r.score is not None}


# Columns -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "theirs"),
    [
        ("statistical.range", "RangeCoverage"),
        ("statistical.categories", "CategoryCoverage"),
        ("statistical.null", "MissingValueSimilarity"),
        ("statistical.shape", None),
    ],
)
@pytest.mark.parametrize("table", ["customers", "orders"])
def test_columns_are_those_of_sdmetrics(report: Report, metric: str, theirs: str | None, table: str) -> None:
    from sdmetrics import single_column

    found = scores(report, metric, table)
    assert found or (metric, table) == ("statistical.null", "orders")
    for name, score in found.items():
        real, synthetic = REAL[table][name], SYNTHETIC[table][name]
        kind = theirs or ("TVComplement" if isinstance(real.iloc[0], str) else "KSComplement")
        assert score == pytest.approx(getattr(single_column, kind).compute(real, synthetic), abs=WITHIN), name


def test_children_per_parent_are_those_of_sdmetrics(report: Report) -> None:
    from sdmetrics.multi_table import CardinalityShapeSimilarity

    metadata = {
        "tables": {n: {"primary_key": "id", "columns": {"id": {"sdtype": "id"}}} for n in WORLD.names},
        "relationships": [
            {"parent_table_name": fk.parent, "parent_primary_key": "id", "child_table_name": t.name,
             "child_foreign_key": fk.columns[0]}
            for t in WORLD for fk in t.foreign_keys
        ],
    }  # fmt: skip
    frames = [{n: d[n] for n in WORLD.names} for d in (REAL, SYNTHETIC)]
    found = CardinalityShapeSimilarity.compute_breakdown(*frames, metadata)
    for record in report.of("statistical.cardinality"):
        assert record.score == pytest.approx(found[record.detail["parent"], record.table]["score"], abs=WITHIN)


def test_jensen_shannon_is_that_of_syntherela_and_scipy(report: Report) -> None:
    """SyntheRela: histograms over numpy's ten bins of the real values, ``scipy.spatial.distance.jensenshannon``."""
    from scipy.spatial.distance import jensenshannon

    income = REAL["customers"]["income"], SYNTHETIC["customers"]["income"]
    edges = np.histogram_bin_edges(income[0])
    # Ours keep what lies beyond the real range in the outer bins; theirs drop it.
    counts = [np.histogram(v.clip(edges[0], edges[-1]), edges)[0] for v in income]
    expected = 1 - jensenshannon(*counts, base=2)
    assert scores(report, "statistical.jensen_shannon", "customers")["income"] == pytest.approx(expected, abs=WITHIN)
    tiers = [d["customers"]["tier"].value_counts(normalize=True) for d in (REAL, SYNTHETIC)]
    expected = 1 - jensenshannon(*pd.concat(tiers, axis=1).fillna(0).to_numpy().T, base=2)
    assert scores(report, "statistical.jensen_shannon", "customers")["tier"] == pytest.approx(expected, abs=WITHIN)


def test_wasserstein_is_that_of_syntherela_and_scipy(report: Report) -> None:
    """SyntheRela: both columns scaled to the joint range, ``scipy.stats.wasserstein_distance``."""
    from scipy.stats import wasserstein_distance

    for table, name in (("customers", "income"), ("orders", "amount"), ("orders", "placed")):
        values = [column(d, table, name).astype(np.int64 if name == "placed" else float) for d in (REAL, SYNTHETIC)]
        low, high = min(v.min() for v in values), max(v.max() for v in values)
        expected = 1 - wasserstein_distance(*((v - low) / (high - low) for v in values))
        assert scores(report, "statistical.wasserstein", table)[name] == pytest.approx(expected, abs=1e-6), name


def test_last_places_of_numbers_and_moments() -> None:
    assert last_places(np.array([0.125, 1.5, 7, 20, 300, 0.1 + 0.2])).tolist() == [6, 8, 9, 10, 11, 8]
    moments = np.array([1, 1_000, 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000], dtype=float)
    assert last_places(moments, moments=True).tolist() == [0, 1, 2, 3, 4, 5]


# Pairs over references -----------------------------------------------------------------------------------------------


def test_pairs_over_two_references_are_those_of_the_joined_rows(report: Report) -> None:
    """SyntheRela's k-hop similarity: sdmetrics' pair metrics on the tables joined over two references."""
    from sdmetrics.column_pairs import ContingencySimilarity, CorrelationSimilarity

    joined = [
        d["orders"].merge(d["customers"], left_on="customer", right_on="id", suffixes=("", "_c"))
        .merge(d["stores"], left_on="store", right_on="id", suffixes=("", "_s"))
        for d in (REAL, SYNTHETIC)
    ]  # fmt: skip
    found = {r.columns: r.score for r in report.of("statistical.two_join_pair")}
    assert len(found) == 2 * 6
    for names, metric, options in (
        (("kind", "goods"), ContingencySimilarity, {}),
        (("area", "goods"), ContingencySimilarity, {"continuous_column_names": ["area"]}),
        (("area", "amount"), CorrelationSimilarity, {}),
    ):
        expected = metric.compute(*(f[list(names)] for f in joined), **options)
        assert found[names] == pytest.approx(expected, abs=WITHIN), names


# Sequences -----------------------------------------------------------------------------------------------------------


def test_gaps_are_those_of_pandas_and_scipy(report: Report) -> None:
    from scipy.stats import ks_2samp

    gaps = [
        d["orders"].sort_values(["customer", "placed"], kind="stable").groupby("customer")["placed"].diff().dropna()
        for d in (REAL, SYNTHETIC)
    ]
    expected = 1 - ks_2samp(*(g.astype("int64") for g in gaps)).statistic
    record = next(r for r in report.of("statistical.interarrival") if r.columns == ("placed",))
    assert record.score == pytest.approx(expected, abs=1e-6)


def test_memory_is_the_correlation_with_the_row_before(report: Report) -> None:
    memories = []
    for data in (REAL, SYNTHETIC):
        rows = data["orders"].sort_values(["customer", "placed"], kind="stable")
        memories.append(rows["amount"].corr(rows.groupby("customer")["amount"].shift()))
    record = next(r for r in report.of("statistical.lag1") if r.columns == ("amount",))
    assert record.score == pytest.approx(1 - abs(memories[0] - memories[1]) / 2, abs=1e-6)


def test_likeness_is_that_of_an_analysis_of_variance() -> None:
    """Balanced groups: ICC(1) = (F - 1) / (F + k - 1) with the F of ``scipy.stats.f_oneway``."""
    from scipy.stats import f_oneway

    groups = np.repeat(np.arange(40), 6)
    values = normal(1, "level", 40)[groups] + normal(1, "noise", 240)
    f = f_oneway(*(values[groups == g] for g in range(40))).statistic
    found = intraclass(values, groups)
    assert found is not None and found[0] == pytest.approx((f - 1) / (f + 5), abs=1e-9)


def test_agreement_is_counted_pair_by_pair() -> None:
    codes, groups = (draws(1, "codes", 60) * 3).astype(int), np.repeat(np.arange(12), 5)
    pairs = [(a, b) for a in range(60) for b in range(60) if a != b and groups[a] == groups[b]]
    within = np.mean([codes[a] == codes[b] for a, b in pairs])
    chance = ((np.bincount(codes) / 60) ** 2).sum()
    found = agreement(codes, groups)
    assert found is not None and found[0] == pytest.approx((within - chance) / (1 - chance))


# Utility and fairness ------------------------------------------------------------------------------------------------


def test_average_precision_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import average_precision_score

    from fixturesynth.evaluation.utility import average_precision

    labels = draws(1, "labels", 500) < 0.1
    for decimals in (1, 6):
        ranked = np.round(draws(1, "scores", 500) + 0.3 * labels, decimals)
        assert average_precision(labels, ranked) == pytest.approx(average_precision_score(labels, ranked))


def test_group_figures_are_those_of_fairlearn() -> None:
    from fairlearn import metrics
    from sklearn.metrics import accuracy_score

    from fixturesynth.evaluation import fairness

    truth, chosen = draws(1, "truth", 900) < 0.4, draws(1, "chosen", 900) < 0.5
    groups = (draws(1, "groups", 900) * 4).astype(int)
    chosen = chosen | ((groups == 2) & truth)
    given = {"y_true": truth, "y_pred": chosen, "sensitive_features": groups}
    ratio = fairness.selection_rate_ratio(chosen, groups)
    assert ratio == pytest.approx(metrics.demographic_parity_ratio(**given))
    opportunity = fairness.equal_opportunity_difference(truth, chosen, groups)
    assert opportunity == pytest.approx(metrics.equal_opportunity_difference(**given))
    odds = fairness.equalised_odds_difference(truth, chosen, groups)
    assert odds == pytest.approx(metrics.equalized_odds_difference(**given))
    frame = metrics.MetricFrame(metrics=accuracy_score, **given)
    assert fairness.group_accuracies(truth, chosen, groups) == pytest.approx(frame.by_group.to_numpy())


def test_disparate_impact_is_that_of_fairlearn(report: Report) -> None:
    from fairlearn.metrics import demographic_parity_ratio

    record = next(r for r in report.of("fairness.disparate_impact") if r.columns == ("sex", "churn"))
    churn = SYNTHETIC["customers"]["churn"] == record.detail["favourable"]
    expected = demographic_parity_ratio(churn, churn, sensitive_features=SYNTHETIC["customers"]["sex"])
    assert record.score == pytest.approx(expected, abs=1e-9)


# Privacy -------------------------------------------------------------------------------------------------------------


def gower(comparison: Comparison, first: tuple[str, np.ndarray], second: tuple[str, np.ndarray]) -> np.ndarray:
    """All distances between rows of the customers, written out with scipy."""
    from scipy.spatial.distance import cdist

    a, b = (make_points(comparison, side, "customers", rows) for side, rows in (first, second))
    squares = cdist(a.ranks, b.ranks, "sqeuclidean")
    return np.sqrt(squares + a.codes.shape[1] * cdist(a.codes, b.codes, "hamming"))


def test_nearest_rows_are_those_of_all_distances(comparison: Comparison) -> None:
    """In single precision and with shared slots, yet the very same distances."""
    rows = np.arange(300)
    everything = gower(comparison, ("synthetic", rows), ("real", rows))
    points = [make_points(comparison, side, "customers", rows) for side in ("synthetic", "real")]
    found, places = nearest(*points, 2)
    assert found == pytest.approx(np.sort(everything, axis=1)[:, :2], abs=1e-5)
    assert everything[rows, places[:, 0]] == pytest.approx(found[:, 0], abs=1e-5)
    itself, _ = nearest(points[1], points[1], 1, skip=rows)
    own = gower(comparison, ("real", rows), ("real", rows))
    np.fill_diagonal(own, np.inf)
    assert itself[:, 0] == pytest.approx(own.min(axis=1), abs=1e-5)


def test_shares_of_near_rows_are_those_of_all_distances(held: Report, comparison: Comparison) -> None:
    """Of 400 synthetic and 500 real and held-out customers, none of them sampled."""
    made, rows = np.arange(400), np.arange(500)
    to_real, to_held = (gower(comparison, ("synthetic", made), (s, rows)).min(axis=1) for s in ("real", "holdout"))
    share = np.mean(to_real < to_held) + 0.5 * np.mean(np.isclose(to_real, to_held))
    record = next(r for r in held.of("privacy.dcr_share") if r.table == "customers")
    assert record.score == pytest.approx(share, abs=WITHIN)
    own = gower(comparison, ("real", rows), ("real", rows))
    np.fill_diagonal(own, np.inf)
    limit = np.quantile(own.min(axis=1), 0.05, method="inverted_cdf")
    record = next(r for r in held.of("privacy.dcr") if r.table == "customers")
    assert record.score == pytest.approx(np.mean(to_real <= limit + 1e-6), abs=WITHIN)


def test_membership_is_that_of_scikit_learn(held: Report, comparison: Comparison) -> None:
    from sklearn.metrics import roc_auc_score, roc_curve

    rows, made = np.arange(500), np.arange(400)
    near = [-gower(comparison, (s, rows), ("synthetic", made)).min(axis=1).round(5) for s in ("real", "holdout")]
    labels, ranked = np.repeat([1, 0], 500), np.concatenate(near)
    record = next(r for r in held.of("privacy.membership_auc") if r.table == "customers")
    assert record.score == pytest.approx(roc_auc_score(labels, ranked), abs=WITHIN)
    false, true, _ = roc_curve(labels, ranked, drop_intermediate=False)
    record = next(r for r in held.of("privacy.membership_tpr") if r.table == "customers")
    assert record.score == pytest.approx(np.interp(0.01, false, true), abs=WITHIN)


def test_attribute_inference_is_that_of_anonymeter(held: Report, comparison: Comparison) -> None:
    """Its definition: the guess is the nearest synthetic row's value; excess over the control by Wilson's rates."""
    tier = [d.arrow("customers").column("tier").to_numpy(zero_copy_only=False) for d in (REAL, HELD, SYNTHETIC)]
    names = [c.name for c in comparison.tables["customers"].columns.values() if not c.continuous]
    keep = [i for i, n in enumerate(names) if n != "tier"]
    rates = []
    for side, truth in (("real", tier[0]), ("holdout", tier[1])):
        points, base = (
            make_points(comparison, s, "customers", np.arange(n)) for s, n in ((side, 500), ("synthetic", 400))
        )
        _, places = nearest(points.only([0], keep), base.only([0], keep))
        hits = np.count_nonzero(tier[2][places[:, 0]] == truth)
        rates.append((hits + Z**2 / 2) / (500 + Z**2))
    expected = max(0.0, (rates[0] - rates[1]) / (1 - rates[1]))
    record = next(r for r in held.of("privacy.attribute_inference") if r.columns == ("tier",))
    assert record.score == pytest.approx(expected, abs=WITHIN)


def test_attacks_without_a_control_are_not_measured(report: Report) -> None:
    names = [n for n in report.summary if n.startswith("privacy.") and not report.summary[n].count]
    assert names == [
        "privacy.dcr_share", "privacy.membership_auc", "privacy.membership_tpr", "privacy.attribute_inference",
        "privacy.singling_out", "privacy.linkability",
    ]  # fmt: skip
    assert any("--holdout" in note for note in report.notes)


# Intervals -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "distance",
    [
        kolmogorov_smirnov,
        total_variation,
        jensen_shannon,
        lambda a, b: wasserstein(np.arange(6.0), a, b),
    ],
    ids=["KS", "TV", "JS", "Wasserstein"],
)
def test_intervals_hold_the_truth_as_often_as_they_say(distance) -> None:  # type: ignore[no-untyped-def]
    """Two laws that differ, 400 draws of 600 rows each: about 95% of the intervals hold the true distance."""
    laws = np.array([[5, 4, 3, 2, 1, 1], [2, 3, 3, 3, 3, 2]]) / 16
    truth = distance(*(laws * 1_000_000_000).astype(np.int64)).score
    inside = []
    for i in range(400):
        counts = [
            np.bincount(np.searchsorted(np.cumsum(law), draws(i, f"law {k}", 600)), minlength=6)
            for k, law in enumerate(laws)
        ]
        found = distance(*counts)
        inside.append(abs(found.score - truth) <= Z * found.spread)
    assert 0.91 <= np.mean(inside) <= 0.985


def test_every_figure_that_can_have_an_interval_has_one_that_holds_it(held: Report) -> None:
    """All but those of constant columns and tiny tables."""
    measured = [r for r in held.metrics if r.score is not None]
    assert np.mean([r.interval is not None for r in measured]) > 0.97
    for r in measured:
        if r.interval is not None:
            assert r.interval[0] - 1e-6 <= r.score <= r.interval[1] + 1e-6, r
            assert 0 <= r.interval[0] <= r.interval[1] <= 1, r


def test_range_coverage_of_values_beyond_and_short_of_the_real_ones() -> None:
    grid = np.arange(11.0)
    real, inner, wide = (np.isin(np.arange(11), at).astype(np.int64) for at in ((2, 8), (4, 5, 6), (0, 10)))
    assert range_coverage(grid, real, inner).score == pytest.approx(1 / 3)
    assert range_coverage(grid, real, wide).score == 1.0
    assert range_coverage(grid, inner * (np.arange(11) == 5), real) is None


# What gives rows away ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("real", "made", "words"),
    [
        (normal(1, "a", 500), normal(2, "b", 500) + 1, "higher: median"),
        (normal(1, "a", 500), normal(2, "b", 500) * 2, "wider"),
        (normal(1, "a", 500), np.where(np.arange(500) % 5, normal(2, "b", 500), np.nan), "more NULL: 20.0%"),
        (normal(1, "a", 500), normal(2, "b", 500), "together with others"),
        (np.zeros(500), (np.arange(500) % 2).astype(float), "'red' less often: 50.0% instead of 100.0%"),
    ],
)
def test_what_gives_rows_away_is_told_with_its_direction(real: np.ndarray, made: np.ndarray, words: str) -> None:
    named = {0: ("red", "blue")} if "red" in words else {}
    features = Features(("x",), np.concatenate([real, made])[:, None], tuple(named), named)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ((name, share, how),) = find_giveaways(features, np.repeat([False, True], 500), np.array([2.0]))
    assert (name, share) == ("x", 1.0) and words in how


def test_features_of_equal_families_are_equal_whatever_stands_beside_them() -> None:
    """Means and spreads are sums about a centre of all rows: its rounding may give no side away."""
    rng = np.random.default_rng(1)
    begin = rng.integers(1, 45, 400)
    family = (begin[:, None] + np.arange(7)).ravel().astype(np.float64)
    owner = np.repeat(np.arange(400), 7)
    alone = dict(_of_numbers(family, owner, 400))
    beside = np.concatenate([family, rng.normal(1_000 / 3, 5, 7)])
    together = dict(_of_numbers(beside, np.append(owner, np.full(7, 400)), 401))
    for what, values in alone.items():
        assert (values == together[what][:400]).all(), what
    expected = np.array([f.std() for f in family.reshape(400, 7)])
    assert np.allclose(alone["spread"], expected, rtol=1e-8)

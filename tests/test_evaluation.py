"""Metrics against oracles: sdmetrics, scipy, scikit-learn, and rows that were broken on purpose."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fixturesynth.dataset import Dataset
from fixturesynth.errors import InputError
from fixturesynth.evaluation import GROUPS, METRICS, MetricRecord, Report, evaluate
from fixturesynth.evaluation.comparison import compare
from fixturesynth.evaluation.detection import auc
from fixturesynth.evaluation.invariants import kept_by
from fixturesynth.evaluation.pairs import contingency_similarity, correlation_similarity
from fixturesynth.evaluation.shapes import ks_complement, tv_complement
from fixturesynth.loading.reading import read_rows
from fixturesynth.profiling.columnar import view_table
from fixturesynth.profiling.profile import Invariant
from fixturesynth.randomness import below, permutation, stream, words
from fixturesynth.schema.model import Check, Column, ColumnType, ForeignKey, PrimaryKey, Schema, Table, Unique
from fixturesynth.schema.reflection import reflect

INTEGER = ColumnType("integer", "integer", bits=32)
TEXT = ColumnType("text", "varchar(8)", length=8)

SHOP = Schema(
    (
        Table(
            "customers", (Column("id", INTEGER, nullable=False), Column("tier", TEXT)), primary_key=PrimaryKey(("id",))
        ),
        Table(
            "orders",
            (
                Column("id", INTEGER, nullable=False),
                Column("customer", INTEGER),
                Column("price", ColumnType("float", "double precision")),
                Column("tax", ColumnType("float", "double precision")),
                Column("status", TEXT, nullable=False),
                Column("slot", INTEGER),
            ),
            primary_key=PrimaryKey(("id",)),
            foreign_keys=(ForeignKey("fk_customer", ("customer",), "customers", ("id",)),),
            uniques=(Unique("one_open_slot", ("slot",), predicate="status = 'open'"),),
            checks=(Check("positive", "price > 0", ("price",)),),
        ),
    ),
    dialect="postgresql",
)


def shop(customers: int = 200, orders: int = 1_200, seed: int = 0) -> Dataset:
    """Tiers decide prices, prices decide taxes; orders of one customer share a tier."""

    def numbers(name: str, size: int, limit: int) -> np.ndarray:
        return below(words(stream(seed, "test", name), size), limit)

    tier = numbers("tier", customers, 3)
    owner = numbers("owner", orders, customers)
    price = 1.0 + tier[owner] * 50 + numbers("price", orders, 40)
    return Dataset(
        {
            "customers": pa.table({"id": np.arange(customers), "tier": np.array(["gold", "iron", "wood"])[tier]}),
            "orders": pa.table(
                {
                    "id": np.arange(orders), "customer": owner, "price": price, "tax": price * 0.25,
                    "status": np.where(price > 60, "paid", "sent"), "slot": np.arange(orders),
                }
            ),
        }
    )  # fmt: skip


def figure(report: Report, metric: str, table: str) -> MetricRecord:
    return next(r for r in report.of(metric) if r.table == table)


def changed(data: Dataset, table: str, **columns: object) -> Dataset:
    arrow = data.arrow(table)
    for name, values in columns.items():
        arrow = arrow.set_column(arrow.column_names.index(name), name, pa.array(values))
    return data.replace(**{table: arrow})


@pytest.fixture(scope="module")
def halves_of_adult(shared: Path) -> tuple[Dataset, Dataset, Schema]:
    """6,000 rows of a real table in two, the second with a column turned so that there is something to measure."""
    schema = reflect(f"sqlite:///{shared / 'data' / 'adult.sqlite'}")
    name = schema.names[0]
    rows = read_rows(f"sqlite:///{shared / 'data' / 'adult.sqlite'}", schema).arrow(name)
    some = rows.take(pa.array(permutation(rows.num_rows, 1, "test")[:6_000]))
    other = some.slice(3_000)
    at = other.column_names.index("occupation")
    other = other.set_column(
        at, "occupation", other.column("occupation").combine_chunks().take(pa.array(np.arange(3_000)[::-1]))
    )
    return Dataset({name: some.slice(0, 3_000)}), Dataset({name: other}), schema


# Statistics against sdmetrics ----------------------------------------------------------------------------------------


def test_shapes_are_those_of_sdmetrics(halves_of_adult: tuple[Dataset, Dataset, Schema]) -> None:
    """Every column of a real table, within rounding of KSComplement and TVComplement."""
    from sdmetrics.single_column import KSComplement, TVComplement

    real, synthetic, schema = halves_of_adult
    report = evaluate(real, synthetic, schema, detection=False)
    name = schema.names[0]
    assert len(report.of("statistical.shape")) >= 12
    for record in report.of("statistical.shape"):
        column = record.columns[0]
        metric = KSComplement if record.detail["method"] == "KSComplement" else TVComplement
        expected = metric.compute(real[name][column], synthetic[name][column])
        assert record.score == pytest.approx(expected, abs=1e-4), column


def test_pairs_are_those_of_sdmetrics(halves_of_adult: tuple[Dataset, Dataset, Schema]) -> None:
    """Correlation and contingency of every pair of a real table."""
    from sdmetrics.column_pairs import ContingencySimilarity, CorrelationSimilarity

    real, synthetic, schema = halves_of_adult
    name = schema.names[0]
    records = evaluate(real, synthetic, schema, detection=False).of("statistical.pair")
    shapes = {
        r.columns[0]: r.detail["method"]
        for r in evaluate(real, synthetic, schema, detection=False).of("statistical.shape")
    }
    frames = real[name], synthetic[name]
    assert {r.detail["method"] for r in records} == {"CorrelationSimilarity", "ContingencySimilarity"}
    for record in records[::3]:
        both = list(record.columns)
        continuous = [c for c in both if shapes[c] == "KSComplement"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if len(continuous) == 2:
                expected = CorrelationSimilarity.compute(frames[0][both], frames[1][both])
            else:
                expected = ContingencySimilarity.compute(
                    frames[0][both].copy(), frames[1][both].copy(), continuous_column_names=continuous or None
                )
        assert record.score == pytest.approx(expected, abs=1e-6), both


def test_cardinality_and_edge_pairs_are_those_of_sdmetrics() -> None:
    """Children per parent with zeros, and pairs over the join."""
    from sdmetrics.column_pairs import ContingencySimilarity
    from sdmetrics.multi_table import CardinalityShapeSimilarity

    real, synthetic = shop(), shop(customers=150, orders=1_000, seed=5)
    report = evaluate(real, synthetic, SHOP, detection=False)
    metadata = {
        "tables": {
            "customers": {"primary_key": "id", "columns": {"id": {"sdtype": "id"}, "tier": {"sdtype": "categorical"}}},
            "orders": {"columns": {c.name: {"sdtype": "id"} for c in SHOP["orders"].columns}},
        },
        "relationships": [
            {
                "parent_table_name": "customers", "parent_primary_key": "id", "child_table_name": "orders",
                "child_foreign_key": "customer",
            }
        ],
    }  # fmt: skip
    frames = [{n: d[n] for n in d} for d in (real, synthetic)]
    expected = CardinalityShapeSimilarity.compute(frames[0], frames[1], metadata)
    assert report.of("statistical.cardinality")[0].score == pytest.approx(expected, abs=1e-9)
    joined = [f["orders"].merge(f["customers"], left_on="customer", right_on="id")[["tier", "price"]] for f in frames]
    expected = ContingencySimilarity.compute(joined[0], joined[1], continuous_column_names=["price"])
    found = next(r for r in report.of("statistical.edge_pair") if r.columns == ("tier", "price"))
    assert found.score == pytest.approx(expected, abs=1e-6)


def test_kolmogorov_smirnov_is_scipys() -> None:
    """Ties, different sizes and missing values."""
    from scipy.stats import ks_2samp

    a = below(words(stream(1, "a"), 501), 17).astype(float)
    b = below(words(stream(1, "b"), 333), 23).astype(float)
    assert ks_complement(np.append(a, np.nan), b) == pytest.approx(1 - ks_2samp(a, b).statistic, abs=1e-12)
    assert ks_complement(a, [np.nan]) is None


def test_auc_is_scikit_learns() -> None:
    """With many ties."""
    from sklearn.metrics import roc_auc_score

    labels = below(words(stream(1, "labels"), 400), 2).astype(bool)
    scores = below(words(stream(1, "scores"), 400), 9).astype(float) + labels
    assert auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_strength_of_a_contingency_is_scipys() -> None:
    """Cramér's V, in a small table and in one too large to be laid out."""
    from scipy.stats.contingency import association, crosstab

    x = below(words(stream(1, "x"), 900), 5)
    y = (x + below(words(stream(1, "y"), 900), 2)) % 5
    expected = association(crosstab(x, y).count, method="cramer")
    assert contingency_similarity(x, y, x, y)[1] == pytest.approx(expected)
    wide = contingency_similarity(x * 100_003, y * 7_919, x * 100_003, y * 7_919)
    assert wide == (pytest.approx(1.0), pytest.approx(expected))


def test_no_score_where_there_is_nothing_to_compare() -> None:
    """Empty, constant and missing values."""
    nothing = np.empty(0, dtype=np.int64)
    same = np.ones(5)
    assert tv_complement(nothing, np.array([1])) is None
    assert correlation_similarity(same, np.arange(5.0), same, np.arange(5.0))[0] is None
    assert correlation_similarity(np.arange(5.0), np.arange(5.0), same, same)[0] == pytest.approx(0.5)
    assert contingency_similarity(nothing, nothing, nothing, nothing)[0] is None


# Which columns count -------------------------------------------------------------------------------------------------


def test_names_keys_and_free_text_are_left_out_with_a_reason() -> None:
    """Only what repeats among entities is a category."""
    names = ["id", "email", "note", "city", "kind", "opened"]
    table = Table("people", tuple(Column(n, INTEGER if n == "id" else ColumnType("text", "text")) for n in names),
                  primary_key=PrimaryKey(("id",)))  # fmt: skip
    rows = pa.table(
        {
            "id": np.arange(60),
            "email": [f"a{i}@example.org" for i in range(60)],
            "note": [f"note {i}" for i in range(60)],
            "city": [f"Town {i % 4}" for i in range(60)],
            "kind": ["a", None, "b"] * 20,
            "opened": [f"2020-01-{i % 28 + 1:02d}" for i in range(60)],
        }
    )
    report = evaluate(Dataset({"people": rows}), Dataset({"people": rows}), Schema((table,)), detection=False)
    assert {r.columns[0]: r.detail["kind"] for r in report.of("statistical.shape")} == {
        "city": "category", "kind": "category", "opened": "datetime",
    }  # fmt: skip
    assert {x.column: x.why.split(" (")[0] for x in report.left_out} == {
        "id": "a key", "email": "identifying text", "note": "text that hardly repeats",
    }  # fmt: skip
    assert [r.score for r in report.of("statistical.null")] == [1.0]


def test_a_value_repeated_by_one_parent_does_not_repeat(shared: Path) -> None:
    """The billing city of a customer's many invoices is that customer's."""
    url = f"sqlite:///{shared / 'data' / 'chinook.sqlite'}"
    schema = reflect(url)
    real = read_rows(url, schema)
    comparison = compare(real, real, schema)
    assert "BillingCity" in comparison.tables["Invoice"].left_out
    assert np.unique(comparison.entities("real", "InvoiceLine")).size == real.arrow("Customer").num_rows


# Validity ------------------------------------------------------------------------------------------------------------


def test_every_kind_of_violation_is_counted() -> None:
    """One of each, found under its own name; the real rows have none."""
    real = shop()
    orders = real.arrow("orders").num_rows
    columns = {n: real.arrow("orders").column(n).to_pylist() for n in ("id", "customer", "price", "status", "slot")}
    columns["id"][5] = columns["id"][4]
    columns["customer"][0] = 10_000
    columns["customer"][1] = None
    columns["price"][7] = -1.0
    columns["price"][8] = None
    columns["status"][9] = None
    columns["status"][10] = "far too long"
    columns["status"][20:23] = ["open", "open", "sent"]
    columns["slot"][20:23] = [3, 3, 3]
    columns["slot"][30] = 2**31
    report = evaluate(real, changed(real, "orders", **columns), SHOP, detection=False)
    broken = {(v.rule, v.name): v.broken for v in report.validity if v.broken}
    assert broken == {
        ("key", "id"): 1,
        ("reference", "fk_customer"): 1,
        ("check", "positive"): 1,
        ("not null", "status"): 1,
        ("length", "status varchar(8)"): 1,
        ("unique", "one_open_slot"): 1,
        ("type", "slot integer"): 1,
    }
    assert not any(v.real_broken for v in report.validity)
    assert next(v for v in report.validity if v.rule == "check").first == (7,)
    assert not report.verdict.passed and "7 violations" in report.verdict.text
    shares = {
        name: figure(report, f"validity.{name}", "orders").score for name in ("keys", "checks", "types", "unique")
    }
    assert shares == pytest.approx({"keys": 1 - 1 / orders, "checks": 1 - 1 / orders, "types": 1 - 2 / orders,
                                    "unique": 1 - 1 / orders})  # fmt: skip


def test_what_cannot_be_checked_is_said() -> None:
    """A unique index over an expression counts neither as kept nor as broken."""
    table = Table("t", (Column("a", TEXT),), uniques=(Unique("ci", (), ("lower(a)",)),))
    rows = Dataset({"t": pa.table({"a": ["x", "X"]})})
    record = next(v for v in evaluate(rows, rows, Schema((table,)), detection=False).validity if v.rule == "unique")
    assert record.broken is None and "lower(a)" in record.note


def test_real_databases_are_valid_and_keep_their_invariants(shared: Path) -> None:
    """Real rows against themselves: no violation, every invariant in every row, every score 1."""
    url = f"sqlite:///{shared / 'data' / 'pagila.sqlite'}"
    schema = reflect(url)
    real = read_rows(url, schema)
    report = evaluate(real, real, schema, detection=False)
    assert not [v for v in report.validity if v.broken]
    assert sum(s.count for s in report.summary.values() if s.name.startswith("invariant.")) > 5
    alike = [n for n in report.summary if n.startswith(("validity.", "invariant.", "statistical."))]
    assert len(alike) == 26
    for name in alike:
        assert report.summary[name].minimum in (None, pytest.approx(1.0)), name


@pytest.mark.parametrize(
    ("rule", "share"),
    [
        (Invariant("order", "t", "b", ("a",), parameters={"strict": True}), 2 / 3),
        (Invariant("order", "t", "b", ("a",), parameters={"strict": False}), 1.0),
        (
            Invariant(
                "linear", "t", "c", ("a", "b"), parameters={"coefficients": [1, 1], "constant": 0, "decimals": 0}
            ),
            3 / 4,
        ),
        (Invariant("product", "t", "c", ("a", "b"), parameters={"factor": 1, "decimals": 0}), 1 / 4),
        (Invariant("determines", "t", "d", ("e",)), 3 / 4),
        (Invariant("nulls_together", "t", "d", ("a",)), 3 / 4),
        (Invariant("null_implies", "t", "d", ("a",)), 0.0),
        (Invariant("equal", "t", "b", ("a",)), 1 / 3),
        (Invariant("constant", "t", "e", parameters={"value": "x"}), 1.0),
        (Invariant("clock", "t", "arrives", ("leaves", "minutes"), parameters={"midnight": 2400}), 3 / 4),
    ],
    ids=lambda value: value.kind if isinstance(value, Invariant) else "",
)
def test_share_that_keeps_an_invariant(rule: Invariant, share: float) -> None:
    """Each kind on four rows, worked out by hand."""
    rows = pa.table(
        {
            "a": [1, 2, 3, None], "b": [1, 3, 4, 2], "c": [2, 5, 7, 2], "d": ["p", "p", "q", "p"], "e": ["x"] * 4,
            "leaves": [100, 2330, 2330, 1000], "minutes": [30, 30, 60, 61], "arrives": [130, 2400, 30, 1100],
        }
    )  # fmt: skip
    if rule.kind in ("linear", "product"):
        rows = rows.set_column(0, "a", pa.array([1, 2, 3, 1]))
    table = Table("t", tuple(Column(n, INTEGER) for n in rows.column_names))
    view = view_table(table, rows)
    witnesses, kept = kept_by(rule, view, {"t": view})
    assert kept / witnesses == pytest.approx(share)


# Classifiers ---------------------------------------------------------------------------------------------------------


def test_classifier_is_at_a_coin_for_the_same_law_and_sees_a_broken_dependence() -> None:
    """Shuffled taxes keep every shape and are found by the pair and by the classifier."""
    real, again = shop(seed=1), shop(seed=2)
    fine = evaluate(real, again, SHOP)
    assert abs(figure(fine, "detection.c2st", "orders").detail["auc"] - 0.5) < 0.06
    assert abs(fine.of("detection.c2st_joined")[0].detail["auc"] - 0.5) < 0.08
    assert all(abs(r.detail["floor_auc"] - 0.5) < 0.1 for r in fine.of("detection.c2st_agg"))
    tax = again.arrow("orders").column("tax").to_numpy()[permutation(1_200, 3, "test")]
    broken = evaluate(real, changed(again, "orders", tax=tax), SHOP)
    assert broken.summary["statistical.shape"].mean == pytest.approx(fine.summary["statistical.shape"].mean, abs=1e-9)
    assert figure(broken, "detection.c2st", "orders").detail["auc"] > 0.9
    assert figure(broken, "detection.c2st", "orders").score < 0.2
    assert next(r for r in broken.of("statistical.pair") if r.columns == ("price", "tax")).score < 0.6
    assert {figure(broken, "detection.c2st", "orders").detail["telling"][i][0] for i in (0, 1)} == {"price", "tax"}


def test_joined_classifier_finds_children_of_the_wrong_parents() -> None:
    """Orders moved to other customers: each table alone is as before."""
    real, again = shop(seed=1), shop(seed=2)
    owner = again.arrow("orders").column("customer").to_numpy()
    report = evaluate(real, changed(again, "orders", customer=np.roll(owner, 7)), SHOP)
    assert abs(figure(report, "detection.c2st", "orders").detail["auc"] - 0.5) < 0.06
    assert report.of("detection.c2st_joined")[0].detail["auc"] > 0.8
    assert report.of("detection.c2st_agg")[0].detail["auc"] > 0.8
    assert report.of("statistical.cardinality")[0].score > 0.9


def test_parents_values_are_no_fingerprint() -> None:
    """Parents with values of their own: folds by row would find them again, folds by parent do not."""
    tables = {}
    for seed in (1, 2):
        data = shop(customers=150, orders=2_400, seed=seed)
        unique = pa.array(below(words(stream(seed, "height"), 150), 2**31).astype(float))
        tables[seed] = data.replace(customers=data.arrow("customers").append_column("height", unique))
    customers = SHOP["customers"]
    schema = Schema(
        (
            Table("customers", (*customers.columns, Column("height", ColumnType("float", "double precision"))),
                  primary_key=customers.primary_key),
            SHOP["orders"],
        ),
        dialect="postgresql",
    )  # fmt: skip
    record = evaluate(tables[1], tables[2], schema).of("detection.c2st_joined")[0]
    assert record.detail["auc"] < 0.6 and record.detail["floor_auc"] < 0.6
    assert record.score == pytest.approx(2 * (1 - max(0.5, record.detail["auc"])))


def test_copies_are_counted_beside_their_floor() -> None:
    """A third of the rows taken from the real ones."""
    real, again = shop(seed=1), shop(seed=2)
    price = below(words(stream(4, "price"), 1_200), 2**40).astype(float)
    real = changed(real, "orders", price=price, tax=price / 4)
    mixed = changed(again, "orders", price=again.arrow("orders").column("price").to_numpy() + 0.5)
    rows = pa.concat_tables([real.arrow("orders").slice(0, 400), mixed.arrow("orders").slice(400)])
    report = evaluate(real, mixed.replace(orders=rows), SHOP, detection=False)
    record = next(r for r in report.of("privacy.copies") if r.table == "orders")
    assert record.detail["copies"] == 400 and record.score == pytest.approx(1 / 3) and record.floor == 0.0


# The frame -----------------------------------------------------------------------------------------------------------


def test_same_seed_same_report() -> None:
    """Every figure, classifiers too."""
    real, again = shop(60, 300, seed=1), shop(60, 300, seed=2)
    first, second = (evaluate(real, again, SHOP, seed=3) for _ in range(2))
    assert first.metrics == second.metrics


def test_holdout_takes_the_place_of_halves() -> None:
    """Floors are between held-out and real rows then."""
    real, again, held = shop(seed=1), shop(seed=2), shop(seed=3)
    record = next(
        r
        for r in evaluate(real, again, SHOP, holdout=held, detection=False).of("statistical.shape")
        if r.columns == ("price",)
    )
    frames = real["orders"]["price"], held["orders"]["price"]
    assert record.floor == pytest.approx(ks_complement(*frames))


def test_rows_that_are_hard_to_compare() -> None:
    """No rows, NULL only, nested values, huge numbers, odd names, a type that does not match."""
    names = ["a 'quoted\" <b>", "nothing", "list", "huge", "when", "é\u0000"]
    table = Table("sélect", tuple(Column(n, ColumnType("other", "whatever")) for n in names))
    rows = pa.table(
        {
            names[0]: ["x", "y"] * 30, names[1]: pa.nulls(60), names[2]: [[1], None] * 30,
            names[3]: [1e300, -1e300] * 30,
            names[4]: ["2020-01-01"] * 59 + ["2021-01-01"], names[5]: [True, None] * 30,
        }
    )  # fmt: skip
    schema = Schema((table, Table("empty", (Column("a", INTEGER),))))
    real = Dataset({"sélect": rows, "empty": pa.table({"a": pa.array([], pa.int64())})})
    odd = rows.set_column(4, "when", pa.array(["never"] * 60)).set_column(3, "huge", pa.nulls(60, pa.float64()))
    for synthetic in (real, Dataset({"sélect": rows.slice(0, 0)}), Dataset({"sélect": odd})):
        report = evaluate(real, synthetic, schema)
        assert report.to_html() and report.to_json() and report.to_markdown()
    scores = {r.columns[0]: r.score for r in report.of("statistical.shape")}
    assert scores["when"] == 0.0 and scores[names[0]] == 1.0


def test_datasets_without_a_common_table_are_refused() -> None:
    with pytest.raises(InputError, match="no table of the schema"):
        evaluate(shop(), Dataset({"other": pa.table({"a": [1]})}), SHOP)
    with pytest.raises(InputError, match="Expected Dataset"):
        evaluate(pd.DataFrame(), shop(), SHOP)  # type: ignore[arg-type]


def test_every_metric_explains_itself() -> None:
    """Definition, range, direction and source are in the docstring of what measures it, and agree with the list."""
    assert len({m.name for m in METRICS}) == len(METRICS)
    assert [m.group for m in METRICS] == sorted((m.group for m in METRICS), key=GROUPS.index)
    for metric in METRICS:
        text = " ".join(str(metric.measure.__doc__).split())
        assert "Range 0 to 1" in text and f"{metric.direction} is better" in text, metric.name
        assert "Source" in text and metric.range == (0.0, 1.0), metric.name
        assert "Floor" in text or metric.group == "validity" or "held-out" in text or metric.name == "statistical.null"


def test_the_floor_of_copies_is_that_of_as_many_rows() -> None:
    """A fresh row meets its twin among all real rows, not among half of them; rows of one entity do not count."""
    from fixturesynth.evaluation.copies import _twins_elsewhere

    generator = np.random.Generator(np.random.Philox(3))
    real, fresh = generator.integers(0, 2_000, 1_000), generator.integers(0, 2_000, 1_000)
    met = np.isin(fresh, real).mean()
    assert _twins_elsewhere(real, np.arange(1_000)) == pytest.approx(met, abs=0.05)
    assert np.isin(real[:500], real[500:]).mean() < met - 0.1
    assert _twins_elsewhere(np.array([1, 1, 2, 3]), np.array([0, 0, 1, 1])) == 0.0
    assert _twins_elsewhere(np.array([1, 1, 2, 3]), np.array([0, 1, 1, 1])) == 0.5

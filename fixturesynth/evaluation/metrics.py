"""Every metric, in the order of the report: name, meaning, which way is better, and what gives its figures."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from fixturesynth.evaluation.attacks import (
    measure_attribute_inference,
    measure_linkability,
    measure_membership_auc,
    measure_membership_tpr,
    measure_singling_out,
)
from fixturesynth.evaluation.cardinality import measure_cardinality
from fixturesynth.evaluation.closeness import measure_dcr, measure_dcr_share, measure_nndr
from fixturesynth.evaluation.comparison import Comparison
from fixturesynth.evaluation.copies import measure_copies
from fixturesynth.evaluation.detection import measure_alone, measure_joined, measure_with_aggregates
from fixturesynth.evaluation.fairness import (
    measure_disparate_impact,
    measure_equal_opportunity,
    measure_equalised_odds,
    measure_group_shares,
    measure_subgroup_accuracy,
)
from fixturesynth.evaluation.invariants import (
    measure_arithmetic,
    measure_constants,
    measure_dependencies,
    measure_null_rules,
    measure_orders,
)
from fixturesynth.evaluation.pairs import measure_edge_pairs, measure_pairs, measure_two_join_pairs
from fixturesynth.evaluation.record import Direction, Measure
from fixturesynth.evaluation.sequences import measure_icc, measure_interarrival, measure_lag1
from fixturesynth.evaluation.shapes import (
    measure_categories,
    measure_digits,
    measure_jensen_shannon,
    measure_null_patterns,
    measure_nulls,
    measure_ranges,
    measure_shapes,
    measure_wasserstein,
)
from fixturesynth.evaluation.utility import measure_classification, measure_minority, measure_regression
from fixturesynth.evaluation.validity import (
    measure_checks,
    measure_keys,
    measure_not_nulls,
    measure_references,
    measure_types,
    measure_uniques,
)

__all__ = ["GROUPS", "METRICS", "Group", "Metric"]

Group = Literal["validity", "invariant", "statistical", "detection", "utility", "privacy", "fairness"]
GROUPS: tuple[Group, ...] = ("validity", "invariant", "statistical", "detection", "utility", "privacy", "fairness")


@dataclass(frozen=True)
class Metric:
    """``measure`` gives the figures with their floors; ``threshold`` and ``judged`` say what the verdict asks of them.

    ``name`` is GROUP.METRIC. ``judged``: whether the mean has to reach the threshold, or the worst of all figures.
    ``headline``: shown where there is room for a few lines only. ``fits``: it trains models, with lightgbm.
    ``certain``: falls short only where the whole 95% interval does, as few test rows scatter widely.
    ``control``: it needs held-out rows.
    """

    name: str
    title: str
    direction: Direction
    threshold: float
    judged: Literal["mean", "worst"]
    question: str  # what it answers, for the page
    measure: Callable[[Comparison], Iterator[Measure]]
    headline: bool = False
    fits: bool = False
    certain: bool = False
    control: bool = False
    range: tuple[float, float] = (0.0, 1.0)

    @property
    def group(self) -> str:
        return self.name.partition(".")[0]


METRICS: tuple[Metric, ...] = (
    # What the database enforces --------------------------------------------------------------------------------------
    Metric(
        "validity.references", "References", "higher", 1.0, "worst",
        "Does every reference find its parent?", measure_references, True,
    ),
    Metric("validity.keys", "Keys", "higher", 1.0, "worst", "Is no key missing or there twice?", measure_keys),
    Metric("validity.unique", "Unique sets", "higher", 1.0, "worst", "Is unique what must be?", measure_uniques),
    Metric("validity.checks", "Checks", "higher", 1.0, "worst", "Does every check hold?", measure_checks),
    Metric(
        "validity.not_null", "Not null", "higher", 1.0, "worst",
        "Is nothing missing that must be there?", measure_not_nulls,
    ),
    Metric("validity.types", "Types", "higher", 1.0, "worst", "Does every value fit its type?", measure_types),
    # What all real rows keep -----------------------------------------------------------------------------------------
    Metric(
        "invariant.dependencies", "Dependencies", "higher", 1.0, "worst",
        "Do columns decide others as in all real rows?", measure_dependencies, True,
    ),
    Metric(
        "invariant.order", "Orders", "higher", 1.0, "worst",
        "Do dates and amounts keep their order?", measure_orders, True,
    ),
    Metric(
        "invariant.arithmetic", "Arithmetic", "higher", 1.0, "worst",
        "Do sums, products and clocks add up?", measure_arithmetic, True,
    ),
    Metric(
        "invariant.null_patterns", "NULL rules", "higher", 1.0, "worst",
        "Are columns NULL together as always?", measure_null_rules,
    ),
    Metric(
        "invariant.constants", "Constants", "higher", 1.0, "worst",
        "Is always the same what always is?", measure_constants,
    ),
    # Statistics ------------------------------------------------------------------------------------------------------
    Metric(
        "statistical.cardinality", "Children per parent", "higher", 0.98, "worst",
        "Do parents have as many children as real ones, none included?", measure_cardinality, True,
    ),
    Metric(
        "statistical.shape", "Column shapes", "higher", 0.95, "mean",
        "Is each column distributed like the real one (KS, total variation)?", measure_shapes, True,
    ),
    Metric(
        "statistical.jensen_shannon", "Jensen-Shannon", "higher", 0.85, "mean",
        "... by the Jensen-Shannon distance?", measure_jensen_shannon,
    ),
    Metric(
        "statistical.wasserstein", "Wasserstein", "higher", 0.98, "mean",
        "... and how far would values have to be moved?", measure_wasserstein,
    ),
    Metric(
        "statistical.range", "Range coverage", "higher", 0.80, "mean",
        "Do numbers and dates reach as far as the real ones?", measure_ranges,
    ),
    Metric(
        "statistical.categories", "Category coverage", "higher", 0.80, "mean",
        "Do all real categories occur?", measure_categories,
    ),
    Metric(
        "statistical.digits", "Last digits", "higher", 0.90, "mean",
        "Are values as round or as precise as the real ones?", measure_digits,
    ),
    Metric(
        "statistical.null", "Missing values", "higher", 0.98, "mean",
        "Is as much missing as in the real rows?", measure_nulls, True,
    ),
    Metric(
        "statistical.null_pattern", "Missing together", "higher", 0.95, "mean",
        "Is missing together what really is?", measure_null_patterns,
    ),
    Metric(
        "statistical.pair", "Pair trends", "higher", 0.90, "mean",
        "Do two columns of a table go together as they really do?", measure_pairs, True,
    ),
    Metric(
        "statistical.edge_pair", "Pair trends between tables", "higher", 0.90, "mean",
        "Do parents and their children go together as they really do?", measure_edge_pairs, True,
    ),
    Metric(
        "statistical.two_join_pair", "Pair trends over two references", "higher", 0.90, "mean",
        "Do rows and their parents' parents go together as they really do?", measure_two_join_pairs,
    ),
    Metric(
        "statistical.interarrival", "Inter-arrival times", "higher", 0.90, "mean",
        "Is there as much time between one row of a parent and the next?", measure_interarrival, True,
    ),
    Metric(
        "statistical.lag1", "Memory of rows", "higher", 0.90, "mean",
        "Does a row go with the row before it as it really does?", measure_lag1,
    ),
    Metric(
        "statistical.icc", "Likeness of siblings", "higher", 0.90, "mean",
        "Are rows of one parent as much alike as real ones?", measure_icc,
    ),
    # Detection -------------------------------------------------------------------------------------------------------
    Metric(
        "detection.c2st", "Classifier, one table", "higher", 0.70, "worst",
        "Can LightGBM not tell synthetic rows of a table from real ones?", measure_alone, True, True,
    ),
    Metric(
        "detection.c2st_joined", "Classifier, child with parent", "higher", 0.70, "worst",
        "... when it sees each child beside its parent?", measure_joined, True, True,
    ),
    Metric(
        "detection.c2st_agg", "Classifier, parent with children", "higher", 0.50, "worst",
        "... when it sees each parent with aggregates of its children?", measure_with_aggregates, True, True,
    ),
    # Utility ---------------------------------------------------------------------------------------------------------
    Metric(
        "utility.classification", "Trained on synthetic: classes", "higher", 0.90, "mean",
        "Does a classifier learn as much as from real rows?", measure_classification, True, True, certain=True,
    ),
    Metric(
        "utility.regression", "Trained on synthetic: numbers", "higher", 0.90, "mean",
        "Does a regression learn as much as from real rows?", measure_regression, True, True, certain=True,
    ),
    Metric(
        "utility.minority", "Trained on synthetic: rare classes", "higher", 0.80, "mean",
        "... and finds the rarest class as well?", measure_minority, False, True, certain=True,
    ),
    # Privacy ---------------------------------------------------------------------------------------------------------
    Metric(
        "privacy.copies", "Exact copies", "lower", 0.001, "worst",
        "Are there rows that are a real row, word for word?", measure_copies, True, certain=True,
    ),
    Metric(
        "privacy.dcr", "Close to a real row", "lower", 0.10, "worst",
        "Are there more rows very near to a real one than real rows are (0.05)?", measure_dcr, True,
    ),
    Metric(
        "privacy.nndr", "Close to one real row alone", "lower", 0.10, "worst",
        "... and much nearer to one than to any other (0.05)?", measure_nndr,
    ),
    Metric(
        "privacy.dcr_share", "Nearer to what was learned", "lower", 0.55, "worst",
        "Are rows nearer to rows learned from than to rows held out (0.5)?",
        measure_dcr_share, certain=True, control=True,
    ),
    Metric(
        "privacy.membership_auc", "Membership inference", "lower", 0.55, "worst",
        "Can it be told whether a row was learned from (0.5: no)?", measure_membership_auc, certain=True, control=True,
    ),
    Metric(
        "privacy.membership_tpr", "Membership, certain cases", "lower", 0.03, "worst",
        "... of how many rows, at 1% false alarms (0.01: none)?", measure_membership_tpr, certain=True, control=True,
    ),
    Metric(
        "privacy.attribute_inference", "Attribute inference", "lower", 0.05, "worst",
        "Can a column be guessed better of rows learned from?", measure_attribute_inference, certain=True, control=True,
    ),
    Metric(
        "privacy.singling_out", "Singling out", "lower", 0.05, "worst",
        "Can rows learned from be singled out more often?", measure_singling_out, certain=True, control=True,
    ),
    Metric(
        "privacy.linkability", "Linkability", "lower", 0.05, "worst",
        "Can two halves of a row learned from be linked more often?", measure_linkability, certain=True, control=True,
    ),
    # Fairness --------------------------------------------------------------------------------------------------------
    Metric(
        "fairness.group_share", "Shares of minorities", "higher", 0.80, "worst",
        "Do minority groups keep their share of the rows?", measure_group_shares, True, certain=True,
    ),
    Metric(
        "fairness.disparate_impact", "Disparate impact", "higher", 0.80, "worst",
        "Are all groups selected as often (four fifths, or as in the real rows)?",
        measure_disparate_impact, certain=True,
    ),
    Metric(
        "fairness.equal_opportunity", "Equal opportunity", "lower", 0.10, "worst",
        "Does a model of synthetic rows find the deserving of all groups?",
        measure_equal_opportunity, False, True, certain=True,
    ),
    Metric(
        "fairness.equalised_odds", "Equalised odds", "lower", 0.10, "worst",
        "... and is as rarely wrong about the others?", measure_equalised_odds, False, True, certain=True,
    ),
    Metric(
        "fairness.subgroup_accuracy", "Accuracy by group", "higher", 0.95, "worst",
        "Does no group lose by a model of synthetic instead of real rows?",
        measure_subgroup_accuracy, False, True, certain=True,
    ),
)  # fmt: skip

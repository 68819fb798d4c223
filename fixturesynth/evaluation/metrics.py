"""Every metric, in the order of the report: what it is called, what it means, and what gives its figures."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from fixturesynth.evaluation.cardinality import measure_cardinality
from fixturesynth.evaluation.comparison import Comparison
from fixturesynth.evaluation.copies import measure_copies
from fixturesynth.evaluation.detection import measure_alone, measure_joined, measure_with_aggregates
from fixturesynth.evaluation.pairs import measure_edge_pairs, measure_pairs
from fixturesynth.evaluation.record import Direction, Measure
from fixturesynth.evaluation.shapes import measure_nulls, measure_shapes

__all__ = ["GIVEN", "INVARIANT", "METRICS", "VALIDITY", "Metric"]

Family = Literal["validity", "statistics", "detection", "privacy"]


@dataclass(frozen=True)
class Metric:
    """``measure`` gives the figures; ``threshold`` and ``judged`` say what the verdict asks of them.

    ``judged``: whether the mean has to reach the threshold, or the worst of all figures.
    """

    name: str
    title: str
    family: Family
    direction: Direction
    threshold: float
    judged: Literal["mean", "worst"]
    question: str  # what it answers, for the page
    measure: Callable[[Comparison], Iterator[Measure]]
    range: tuple[float, float] = (0.0, 1.0)


def _elsewhere(comparison: Comparison) -> Iterator[Measure]:
    """Validity and invariants look at the rows themselves: ``evaluate`` hands them over."""
    return iter(())


VALIDITY = Metric(
    "validity", "Validity", "validity", "higher", 1.0, "worst",
    "Does every row keep every rule that the schema declares?", _elsewhere,
)  # fmt: skip
INVARIANT = Metric(
    "invariant", "Invariants", "validity", "higher", 1.0, "worst",
    "Do rows keep the rules that all real rows keep, though nothing demands it?", _elsewhere,
)  # fmt: skip
GIVEN = (VALIDITY, INVARIANT)

METRICS: tuple[Metric, ...] = (
    VALIDITY,
    INVARIANT,
    Metric(
        "cardinality", "Children per parent", "statistics", "higher", 0.98, "worst",
        "Do parents have as many children as real ones, none included?", measure_cardinality,
    ),
    Metric(
        "shape", "Column shapes", "statistics", "higher", 0.95, "mean",
        "Is each column distributed like the real one?", measure_shapes,
    ),
    Metric(
        "null", "Missing values", "statistics", "higher", 0.98, "mean",
        "Is as much missing as in the real rows?", measure_nulls,
    ),
    Metric(
        "pair", "Pair trends", "statistics", "higher", 0.90, "mean",
        "Do two columns of a table go together as they really do?", measure_pairs,
    ),
    Metric(
        "edge_pair", "Pair trends between tables", "statistics", "higher", 0.90, "mean",
        "Do parents and their children go together as they really do?", measure_edge_pairs,
    ),
    Metric(
        "c2st", "Classifier, one table", "detection", "lower", 0.65, "worst",
        "Can LightGBM tell synthetic rows of a table from real ones? 0.5 is a coin.", measure_alone,
    ),
    Metric(
        "c2st_joined", "Classifier, child with parent", "detection", "lower", 0.65, "worst",
        "... when it sees each child beside its parent?", measure_joined,
    ),
    Metric(
        "c2st_agg", "Classifier, parent with children", "detection", "lower", 0.75, "worst",
        "... when it sees each parent with aggregates of its children?", measure_with_aggregates,
    ),
    Metric(
        "copy", "Exact copies", "privacy", "lower", 0.001, "worst",
        "Are there rows that are a real row, word for word?", measure_copies,
    ),
)  # fmt: skip

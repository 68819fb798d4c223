"""Synthetic rows against real ones: validity, fidelity and what a classifier sees, each with its real floor."""

from fixturesynth.evaluation.evaluating import evaluate
from fixturesynth.evaluation.metrics import METRICS, Metric
from fixturesynth.evaluation.record import (
    LeftOut,
    Measure,
    MetricRecord,
    Report,
    Summary,
    ValidityRecord,
    Verdict,
)

__all__ = [
    "METRICS",
    "LeftOut",
    "Measure",
    "Metric",
    "MetricRecord",
    "Report",
    "Summary",
    "ValidityRecord",
    "Verdict",
    "evaluate",
]

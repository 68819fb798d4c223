"""Synthetic rows against real ones: valid, real, useful, private, fair? Every figure stands beside its real floor."""

from fixturesynth.evaluation.drifting import drift
from fixturesynth.evaluation.driftrecord import DriftReport, Movement
from fixturesynth.evaluation.evaluating import evaluate
from fixturesynth.evaluation.metrics import GROUPS, METRICS, Metric
from fixturesynth.evaluation.record import (
    LeftOut,
    Measure,
    MetricRecord,
    Promise,
    Report,
    Requirement,
    Summary,
    ValidityRecord,
    Verdict,
)

__all__ = [
    "GROUPS",
    "METRICS",
    "DriftReport",
    "LeftOut",
    "Measure",
    "Metric",
    "MetricRecord",
    "Movement",
    "Promise",
    "Report",
    "Requirement",
    "Summary",
    "ValidityRecord",
    "Verdict",
    "drift",
    "evaluate",
]

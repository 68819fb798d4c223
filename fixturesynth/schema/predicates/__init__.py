"""Conditions of a database (checks, domains, partial indexes) as domains to sample in and as tests on whole tables.

``compile_constraints`` says what values may be chosen; ``evaluate`` says which rows of a table satisfy a condition.
"""

from fixturesynth.schema.predicates.compiling import compile_condition, joint_branches
from fixturesynth.schema.predicates.domains import (
    Alternatives,
    Branch,
    ColumnDomain,
    Difference,
    Distinct,
    Hole,
    NotUnderstood,
    TableConstraints,
)
from fixturesynth.schema.predicates.evaluating import case_readings, evaluate, evaluate_tree
from fixturesynth.schema.predicates.gathering import compile_constraints
from fixturesynth.schema.predicates.isolating import bounds_on, solve
from fixturesynth.schema.predicates.parsing import mentioned_columns
from fixturesynth.schema.predicates.spans import RangeLimits, Span, only_orders, parse_span, range_condition

__all__ = [
    "Alternatives",
    "Branch",
    "ColumnDomain",
    "Difference",
    "Distinct",
    "Hole",
    "NotUnderstood",
    "RangeLimits",
    "Span",
    "TableConstraints",
    "bounds_on",
    "case_readings",
    "compile_condition",
    "compile_constraints",
    "evaluate",
    "evaluate_tree",
    "joint_branches",
    "mentioned_columns",
    "only_orders",
    "parse_span",
    "range_condition",
    "solve",
]

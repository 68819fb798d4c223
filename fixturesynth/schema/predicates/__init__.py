"""Conditions of a database (checks, domains, partial indexes) as domains to sample in and as tests on whole tables.

``compile_constraints`` says what values may be chosen; ``evaluate`` says which rows of a table satisfy a condition.
What reads conditions is loaded when the first one is met: with it comes a parser of SQL.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fixturesynth.schema.model import Table
from fixturesynth.schema.predicates.disjunctions import joint_branches
from fixturesynth.schema.predicates.domains import (
    NOW,
    Alternatives,
    Branch,
    ColumnDomain,
    Difference,
    Distinct,
    Hole,
    NotUnderstood,
    RangeLimits,
    Span,
    TableConstraints,
)

if TYPE_CHECKING:
    from fixturesynth.schema.predicates.compiling import compile_condition
    from fixturesynth.schema.predicates.documents import asks_for_json, reads_documents
    from fixturesynth.schema.predicates.evaluating import case_readings, evaluate, evaluate_tree
    from fixturesynth.schema.predicates.isolating import bounds_on, solve
    from fixturesynth.schema.predicates.parsing import constants, mentioned_columns
    from fixturesynth.schema.predicates.spans import only_orders, parse_span, range_condition
    from fixturesynth.schema.predicates.trial import Trial
else:

    def _late(module: str, name: str) -> Callable[..., Any]:
        """The function of this name; its module is loaded by the first call."""

        def call(*args: Any, **options: Any) -> Any:
            return getattr(import_module(f"{__name__}.{module}"), name)(*args, **options)

        call.__name__ = call.__qualname__ = name
        return call

    compile_condition = _late("compiling", "compile_condition")
    asks_for_json = _late("documents", "asks_for_json")
    reads_documents = _late("documents", "reads_documents")
    case_readings = _late("evaluating", "case_readings")
    evaluate = _late("evaluating", "evaluate")
    evaluate_tree = _late("evaluating", "evaluate_tree")
    bounds_on = _late("isolating", "bounds_on")
    solve = _late("isolating", "solve")
    constants = _late("parsing", "constants")
    mentioned_columns = _late("parsing", "mentioned_columns")
    only_orders = _late("spans", "only_orders")
    parse_span = _late("spans", "parse_span")
    range_condition = _late("spans", "range_condition")

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
    "asks_for_json",
    "bounds_on",
    "case_readings",
    "compile_condition",
    "compile_constraints",
    "constants",
    "evaluate",
    "evaluate_tree",
    "joint_branches",
    "mentioned_columns",
    "only_orders",
    "parse_span",
    "range_condition",
    "reads_documents",
    "solve",
]


def compile_constraints(
    table: Table, dialect: str, *, trial: "Trial | None" = None, now: str = NOW
) -> TableConstraints:
    """All checks of a table and of its columns' domains, as ``gathering.gather_constraints`` reads them."""
    if not table.checks and not any(column.domain_checks for column in table.columns):
        return TableConstraints()
    from fixturesynth.schema.predicates.gathering import gather_constraints

    return gather_constraints(table, dialect, trial=trial, now=now)

"""Plans in words."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from fixturesynth.planning.plan import (
    ColumnPlan,
    Constant,
    Default,
    Derived,
    Key,
    Modelled,
    Reference,
    ReferencePlan,
    Rule,
    RuleCall,
)

__all__ = ["reference_words", "source_words"]

LONGEST = 70  # characters of options that are shown


def source_words(column: ColumnPlan) -> str:
    """Where a column's values come from, in a few words."""
    words = _WORDS[type(column.source)](column.source)
    if column.null_share:
        return f"{words}, {column.null_share:.3g} NULL"
    return words


def reference_words(reference: ReferencePlan) -> str:
    """How a foreign key is filled."""
    nulls = f", {reference.null_share:.3g} NULL" if reference.null_share else ""
    by = f" by {reference.implied_by}" if reference.implied_by else ""
    single = ", at most one for each" if reference.exclusive else ""
    return f"{reference.foreign_key} -> {reference.parent}: {reference.how}{by}{nulls}{single}"


def _call(call: RuleCall) -> str:
    options = json.dumps(dict(call.options), ensure_ascii=False, default=str) if call.options else ""
    short = options if len(options) <= LONGEST else options[: LONGEST - 3] + "..."
    return f"{call.name} {short}".rstrip() + (" unique" if call.unique else "")


def _rule(source: Rule) -> str:
    nulls = f", {source.null_share:.3g} NULL" if source.null_share else ""
    return f"rule {_call(source.call)}{nulls}"


def _derived(source: Derived) -> str:
    through = f" through {source.foreign_key}" if source.foreign_key else ""
    return f"{source.operation} of {', '.join(source.sources)}{through}"


_WORDS: Mapping[type, Callable[[Any], str]] = {
    Key: lambda s: f"key {_call(s.call)}",
    Reference: lambda s: f"reference {s.foreign_key} to {s.parent_column}",
    Rule: _rule,
    Modelled: lambda s: f"learned ({s.encoding})",
    Derived: _derived,
    Constant: lambda s: f"constant {json.dumps(s.value, ensure_ascii=False, default=str)}",
    Default: lambda s: "left to the database",
}

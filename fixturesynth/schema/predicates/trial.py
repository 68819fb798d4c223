"""What is asked for values of conditions that cannot be solved."""

from typing import Protocol

from sqlglot import exp

from fixturesynth.schema.predicates.disjunctions import Branches
from fixturesynth.schema.predicates.domains import ColumnDomain

__all__ = ["Trial"]


class Trial(Protocol):
    """Finds values for which a condition that cannot be solved holds, by trying some.

    Called for a condition on a single column; ``together`` is for several. ``within``: what is known of the column in
    every row, so that nothing else is tried.
    """

    def __call__(
        self,
        column: str,
        node: exp.Expression,
        text: str,
        want: bool,
        null_passes: bool,
        alone: bool,
        within: ColumnDomain | None,
    ) -> ColumnDomain | None: ...

    def together(self, columns: tuple[str, ...], node: exp.Expression, text: str) -> Branches:
        """Rows of several columns for which the condition holds, a branch each; none where nothing can be tried."""
        ...

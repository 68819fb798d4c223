"""A state machine for applications with a database: rows come and go, and what the application says must stay true."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from fixturesynth.errors import InputError
from fixturesynth.loading.isolation import loaded
from fixturesynth.strategies.changing import Change, changes
from fixturesynth.strategies.datasets import from_schema

__all__ = ["DatabaseMachine"]


class DatabaseMachine(RuleBasedStateMachine):
    """Base of state machines over a database. Each run starts with a drawn dataset and is rolled back at its end.

    A subclass names ``engine``, and ``source`` where it is not the engine's own database; it adds rules that call the
    application with ``self.connection``, and invariants. ``self.dataset`` is what the database holds; a rule whose
    application changes rows tells so by ``self.made(change)``.
    """

    engine: ClassVar[Any] = None
    source: ClassVar[Any] = None
    tables: ClassVar[Sequence[str] | None] = None
    max_rows: ClassVar[int] = 3
    kinds: ClassVar[Sequence[str]] = ("insert", "update", "delete")

    connection: Any
    dataset: dict[str, list[dict[str, Any]]]

    def __init__(self) -> None:
        super().__init__()
        if self.engine is None:
            raise InputError(f"{type(self).__name__} must name its engine: engine = create_engine(...)")
        self._held = ExitStack()

    @initialize(data=st.data())
    def load_rows(self, data: Any) -> None:
        """Draw a dataset and load it."""
        origin = self.source if self.source is not None else self.engine
        self.dataset = data.draw(from_schema(origin, self.tables, max_rows=self.max_rows), label="rows")
        self.connection = self._held.enter_context(loaded(self.engine, self.dataset))

    @rule(data=st.data())
    def change_a_row(self, data: Any) -> None:
        """Insert, update or delete a row, as somebody else might."""
        change = data.draw(changes(self.dataset, kinds=self.kinds), label="change")
        change.run(self.connection)
        self.made(change)

    def made(self, change: Change) -> None:
        """Take a change into account that has been made in the database."""
        self.dataset = change.applied(self.dataset)

    def teardown(self) -> None:
        self._held.close()

"""``from_model``: datasets that follow what a model has learned, and shrink inside of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis.strategies import SearchStrategy

from fixturesynth.dataset import Dataset
from fixturesynth.errors import InputError, did_you_mean
from fixturesynth.planning.plan import Plan
from fixturesynth.randomness import hashed
from fixturesynth.sampling.engine import Given, sample_dataset
from fixturesynth.strategies.choices import Choices, Drawn
from fixturesynth.strategies.forms import Form, form_of_schema
from fixturesynth.synthesizer import Synthesizer

__all__ = ["from_model"]

MODES = ("realistic", "structural")
SEED_BITS = 64
WORD_BITS = 24  # of a word that is drawn by itself: 16 million places on the inverse distribution
MOST_UNITS = 3500  # that words may take: Hypothesis refuses tests whose smallest example takes half of its 8,192
KEPT = 512  # datasets that are remembered: replays draw the same ones again


def from_model(
    model: Synthesizer | str | Path,
    tables: Sequence[str] | None = None,
    *,
    min_rows: int = 1,
    max_rows: int = 5,
    given: Mapping[str, Mapping[str, Any]] | None = None,
    mode: str = "realistic",
    tables_as: str = "dicts",
) -> SearchStrategy[Any]:
    """Datasets drawn from a fitted model, or from a plan without rows (``plan_rules``).

    Args:
        model: a Synthesizer, or the path of a ``.fsynth`` file.
        tables: those wanted, with all that they reference; by default all.
        min_rows: fewest rows of every table that has any.
        max_rows: most rows. Every table gets as many, or all that its keys and its parents allow; tables that are
            kept word for word keep all of theirs.
        given: table -> column -> value, or (value, share of the rows).
        mode: ``"realistic"``: a dataset is two choices, its size and its number. ``"structural"``: each learned value
            is a choice of its own, and shrinks to the commonest and simplest.
        tables_as: as in ``from_schema``.

    Raises:
        InputError: unknown tables, columns or modes.
    """
    synthesizer = model if isinstance(model, Synthesizer) else Synthesizer.open(model)
    if mode not in MODES:
        raise InputError(f"unknown mode={mode!r}: {did_you_mean(mode, MODES)}")
    if not 1 <= min_rows <= max_rows:
        raise InputError(f"rows must be 1 <= min_rows <= max_rows, however: {min_rows=}, {max_rows=}")
    names = _closure(synthesizer.plan, tables)
    items = tuple(i for i in synthesizer.conditions(given or {}) if i.table in names)
    form = form_of_schema(tables_as, synthesizer.schema, [n for n in names if n in synthesizer.schema])
    drawn = _Models(synthesizer, names, (min_rows, max_rows), items, mode == "structural", form)
    shown = [n for n in names if n in synthesizer.schema]
    return Drawn(drawn, f"from_model({', '.join(shown[:6])}{', ...' if len(shown) > 6 else ''}, mode={mode!r})")


def _closure(plan: Plan, tables: Sequence[str] | None) -> tuple[str, ...]:
    known, shown = [t.name for t in plan.tables], [t.name for t in plan.shown]
    todo = list(shown if tables is None else tables)
    for name in todo:
        if name not in shown:
            raise InputError(f"tables: no table {name!r} in the model: {did_you_mean(name, shown)}")
    wanted: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in wanted:
            wanted.add(name)
            todo += [r.parent for r in plan[name].references]
    return tuple(n for n in known if n in wanted)


class _Models:
    """Draws a size, a number and, choice by choice, the words by which codes are drawn."""

    def __init__(
        self, synthesizer: Synthesizer, names: Sequence[str], rows: tuple[int, int], given: tuple[Given, ...],
        structural: bool, form: Form,
    ) -> None:  # fmt: skip
        self.synthesizer, self.names, self.rows, self.given = synthesizer, frozenset(names), rows, given
        self.structural, self.form = structural, form
        self.planned = lru_cache(maxsize=64)(self._planned)
        self.remembered = lru_cache(maxsize=KEPT)(self._sampled)

    def __call__(self, choices: Choices) -> Any:
        size = choices.integer(*self.rows)
        seed = choices.even(SEED_BITS)
        if not self.structural:
            return self.form(_rows_of(self.remembered(size, seed)))

        labels = count(_LABEL)

        def chosen(table: str, rows: int, variables: int) -> npt.NDArray[np.uint64]:
            # Beyond what may be chosen the words are those of the dataset's number.
            words = hashed(np.arange(rows * variables), seed, table, "unchosen").reshape(rows, variables)
            for row in range(rows):
                # Parts of one label are copied over each other in most examples: rows would be repeats of rows.
                choices.begin(next(labels))
                for variable in range(variables):
                    if choices.spent < MOST_UNITS:
                        words[row, variable] = choices.even(WORD_BITS) << (64 - WORD_BITS)
                choices.end()
            return words

        made = sample_dataset(
            self.synthesizer.whole, self.planned(size), self.synthesizer.models, seed=seed, given=self.given,
            chosen=chosen,
        )  # fmt: skip
        return self.form(_rows_of(made))

    def _planned(self, size: int) -> Plan:
        from dataclasses import replace

        whole = self.synthesizer.planned(rows=size)
        return replace(whole, tables=tuple(t for t in whole.tables if t.name in self.names))

    def _sampled(self, size: int, seed: int) -> Dataset:
        return sample_dataset(
            self.synthesizer.whole, self.planned(size), self.synthesizer.models, seed=seed, given=self.given
        )


_LABEL = 0x5F4


def _rows_of(data: Dataset) -> dict[str, list[dict[str, Any]]]:
    return {name: data.arrow(name).to_pylist() for name in data}

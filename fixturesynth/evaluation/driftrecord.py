"""What ``drift`` found, as frozen records: movements, requirements, whether to refit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from fixturesynth.errors import ThresholdError
from fixturesynth.evaluation.record import Requirement, Summary
from fixturesynth.evaluation.requiring import judge_conditions, read_conditions

__all__ = ["DRIFT_METRICS", "DriftReport", "Movement", "What"]

What = Literal["schema", "table", "column", "nulls", "reference", "invariant"]
DRIFT_METRICS: Mapping[What, str] = {
    "schema": "drift.schema", "table": "drift.tables", "column": "drift.columns", "nulls": "drift.nulls",
    "reference": "drift.references", "invariant": "drift.invariants",
}  # fmt: skip
_MOST_LISTED = 40


@dataclass(frozen=True)
class Movement:
    """One thing that was compared. ``distance`` runs from 0 to 1; an unchanged source stays below ``noise``."""

    what: What
    table: str
    name: str
    distance: float
    noise: float
    moved: bool
    said: str

    @property
    def place(self) -> str:
        return f"{self.table}.{self.name}" if self.name else self.table


@dataclass(frozen=True)
class DriftReport:
    """How a source compares with what a model learned. ``drift`` makes it."""

    movements: tuple[Movement, ...]
    tolerance: float
    tables: int
    not_judged: tuple[str, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def moved(self) -> tuple[Movement, ...]:
        """What moved, changes of the schema first, then the furthest."""
        order = list(DRIFT_METRICS)
        found = (m for m in self.movements if m.moved)
        return tuple(sorted(found, key=lambda m: (m.what != "schema", -m.distance, order.index(m.what))))

    @property
    def refit(self) -> bool:
        """Whether the model should learn anew: anything moved beyond chance and tolerance."""
        return any(m.moved for m in self.movements)

    @property
    def passed(self) -> bool:
        """Whether all requirements hold; without any, whether the model need not learn anew."""
        return all(r.passed for r in self.requirements) if self.requirements else not self.refit

    @property
    def verdict(self) -> str:
        """One sentence.

        >>> DriftReport((), 0.05, 1).verdict
        'No need to refit: nothing moved beyond chance and the tolerance of 0.05.'
        """
        if not self.refit:
            return f"No need to refit: nothing moved beyond chance and the tolerance of {self.tolerance:g}."
        counts = [(what, sum(m.what == what for m in self.moved)) for what in DRIFT_METRICS]
        said = ", ".join(f"{n} {_NAMES[what][n != 1]}" for what, n in counts if n)
        return f"Refit: {said} moved beyond chance and the tolerance of {self.tolerance:g}."

    @property
    def summary(self) -> Mapping[str, Summary]:
        """For each metric of drift the distance that is furthest beyond chance; 0 where none is."""
        return {metric: self._summed(what, metric) for what, metric in DRIFT_METRICS.items()}

    def _summed(self, what: What, metric: str) -> Summary:
        own = [m for m in self.movements if m.what == what]
        if what == "schema":
            return Summary(metric, 1, float(len(own)), float(len(own)), float(len(own)), None,
                           own[0].place if own else "", "lower", 0.0, "worst")  # fmt: skip
        if not own:
            return Summary(metric, 0, None, None, None, None, direction="lower", judged="worst")
        beyond = [m.distance if m.distance > m.noise else 0.0 for m in own]
        worst = own[beyond.index(max(beyond))]
        return Summary(
            metric, len(own), sum(beyond) / len(own), min(beyond), max(beyond), None,
            worst.place if max(beyond) else "", "lower", self.tolerance, "worst",
            "short" if any(m.moved for m in own) else "pass", sum(m.moved for m in own),
        )  # fmt: skip

    def judged(self, conditions: Sequence[str]) -> tuple[Requirement, ...]:
        """``conditions`` such as ``drift.columns<=0.1``; InputError for unknown names."""
        names = tuple(DRIFT_METRICS.values())
        return judge_conditions(read_conditions(conditions, names), self.summary, names)

    def require(self, conditions: str | Sequence[str]) -> None:
        """Pass, or raise ThresholdError: ``report.require("drift.columns<=0.1")``."""
        judged = self.judged([conditions] if isinstance(conditions, str) else conditions)
        if short := [r.said for r in judged if not r.passed]:
            raise ThresholdError("; ".join(short))

    def to_json(self, *, indent: int | None = 2) -> str:
        """Everything as JSON."""
        body = {
            "passed": self.passed, "refit": self.refit, "verdict": self.verdict, "tolerance": self.tolerance,
            "summary": {
                n: {"compared": s.count, "worst": s.maximum, "where": s.worst} for n, s in self.summary.items()
            },
            "requirements": [asdict(r) for r in self.requirements],
            "moved": [asdict(m) for m in self.moved],
            "compared": [asdict(m) for m in self.movements if not m.moved],
            "not_judged": list(self.not_judged), "provenance": dict(self.provenance),
        }  # fmt: skip
        return json.dumps(body, indent=indent, ensure_ascii=False)

    def to_markdown(self) -> str:
        """The verdict, what moved, and what was compared."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield f"# {'Refit' if self.refit else 'Unchanged'}"
        yield ""
        yield self.verdict
        if self.moved:
            yield ""
            yield "| what | where | distance | noise | how |"
            yield "|---|---|---|---|---|"
            for m in self.moved[:_MOST_LISTED]:
                figures = ("", "") if m.what == "schema" else (f"{m.distance:.3f}", f"{m.noise:.3f}")
                yield f"| {m.what} | {_cell(m.place)} | {figures[0]} | {figures[1]} | {_cell(m.said)} |"
            if len(self.moved) > _MOST_LISTED:
                yield f"| ... and {len(self.moved) - _MOST_LISTED} more | | | | |"
        yield ""
        counts = {what: sum(m.what == what for m in self.movements) for what in DRIFT_METRICS if what != "schema"}
        said = ", ".join(f"{n} {_NAMES[what][n != 1]}" for what, n in counts.items() if n)
        yield f"Compared in {self.tables} tables: {said or 'nothing'}. Noise: what an unchanged source stays below."
        if self.not_judged:
            yield ""
            yield from (f"- {line}" for line in self.not_judged[:_MOST_LISTED])
            if len(self.not_judged) > _MOST_LISTED:
                yield f"- ... and {len(self.not_judged) - _MOST_LISTED} more"

    def __str__(self) -> str:
        return self.to_markdown()


_NAMES: Mapping[What, tuple[str, str]] = {
    "schema": ("change of the schema", "changes of the schema"), "table": ("table", "tables"),
    "column": ("column", "columns"), "nulls": ("share of NULL", "shares of NULL"),
    "reference": ("reference", "references"), "invariant": ("invariant", "invariants"),
}  # fmt: skip


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

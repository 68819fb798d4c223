"""Conditions such as ``statistical.shape>=0.95`` against what was measured."""

import re
from collections.abc import Callable, Mapping, Sequence
from operator import eq, ge, gt, le, lt

from fixturesynth.errors import InputError, ThresholdError, did_you_mean
from fixturesynth.evaluation.record import Summary, suggest_metric

__all__ = ["check_conditions"]

_CONDITION = re.compile(
    r"^\s*([A-Za-z_]\w*(?:\s*\.\s*\w+){0,2})\s*(>=|<=|==|=|>|<)\s*(-?\d*\.?\d+(?:e-?\d+)?)(\s*%)?\s*$"
)
_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": ge, "<=": le, ">": gt, "<": lt, "=": eq, "==": eq,
}  # fmt: skip


def check_conditions(summary: Mapping[str, Summary], conditions: Sequence[str]) -> None:
    """ThresholdError naming every condition that does not hold and by how much; InputError for unknown names."""
    short = [line for condition in conditions for line in _shortfalls(summary, condition)]
    if short:
        raise ThresholdError("; ".join(short))


def _shortfalls(summary: Mapping[str, Summary], condition: str) -> list[str]:
    match = _CONDITION.match(condition)
    if match is None:
        raise InputError(
            f"cannot read the condition {condition!r}: write GROUP.METRIC>=NUMBER, for example statistical.shape>=0.95"
        )
    name, operator, number, percent = match.groups()
    wanted = float(number) / (100.0 if percent else 1.0)
    chosen, figure = _chosen(summary, re.sub(r"\s", "", name), condition)
    return [line for s in chosen if (line := _shortfall(s, figure, operator, wanted, condition))]


def _chosen(summary: Mapping[str, Summary], name: str, condition: str) -> tuple[list[Summary], str | None]:
    """The metrics that a name stands for, one or a whole group, and the figure that is asked for."""
    parts = name.split(".")
    groups = {n.partition(".")[0] for n in summary}
    metric = ".".join(parts[:2])
    if metric in summary:
        return [summary[metric]], parts[2] if len(parts) > 2 else None
    figures = {f for s in summary.values() for f in s.figures}
    if parts[0] in groups and (len(parts) == 1 or (len(parts) == 2 and parts[1] in figures)):
        own = [s for n, s in summary.items() if n.partition(".")[0] == parts[0]]
        # What has nothing to measure in a group is no fault of the rows, unless the whole group has nothing.
        measured = [s for s in own if s.count]
        return measured or own, parts[1] if len(parts) > 1 else None
    raise InputError(f"unknown metric {name!r} in {condition!r}: {suggest_metric(name, [*summary, *sorted(groups)])}")


def _shortfall(chosen: Summary, figure: str | None, operator: str, wanted: float, condition: str) -> str | None:
    figures = chosen.figures
    figure = figure or chosen.judged
    if figure not in figures:
        raise InputError(f"unknown figure {figure!r} in {condition!r}: {did_you_mean(figure, figures)}")
    value = figures[figure]
    if value is None:
        return f"{chosen.name}.{figure} {operator} {wanted:g} cannot be judged: nothing was measured"
    if _OPERATORS[operator](value, wanted):
        return None
    where = f" (worst: {chosen.worst})" if chosen.worst else ""
    by = f"{abs(value - wanted):.4f} short{where}"
    return f"{chosen.name}.{figure} is {value:.4f}, asked for {operator} {wanted:g}: {by}"

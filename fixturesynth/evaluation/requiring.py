"""Conditions such as ``shape>=0.95`` against what was measured."""

import re
from collections.abc import Callable, Mapping, Sequence
from operator import eq, ge, gt, le, lt

from fixturesynth.errors import InputError, ThresholdError, did_you_mean
from fixturesynth.evaluation.record import Summary

__all__ = ["check_conditions"]

_CONDITION = re.compile(
    r"^\s*([A-Za-z_][\w ]*?)\s*(?:\.\s*(\w+))?\s*(>=|<=|==|=|>|<)\s*(-?\d*\.?\d+(?:e-?\d+)?)(\s*%)?\s*$"
)
_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": ge, "<=": le, ">": gt, "<": lt, "=": eq, "==": eq,
}  # fmt: skip


def check_conditions(summary: Mapping[str, Summary], conditions: Sequence[str]) -> None:
    """ThresholdError naming every condition that does not hold and by how much; InputError for unknown names."""
    short = [line for condition in conditions if (line := _shortfall(summary, condition))]
    if short:
        raise ThresholdError("; ".join(short))


def _shortfall(summary: Mapping[str, Summary], condition: str) -> str | None:
    match = _CONDITION.match(condition)
    if match is None:
        raise InputError(f"cannot read the condition {condition!r}: write METRIC>=NUMBER, for example shape>=0.95")
    name, figure, operator, number, percent = match.groups()
    if name not in summary:
        raise InputError(f"unknown metric {name!r} in {condition!r}: {did_you_mean(name, summary)}")
    chosen = summary[name]
    figures = chosen.figures
    figure = figure or chosen.judged
    if figure not in figures:
        raise InputError(f"unknown figure {figure!r} in {condition!r}: {did_you_mean(figure, figures)}")
    wanted = float(number) / (100.0 if percent else 1.0)
    value = figures[figure]
    if value is None:
        return f"{name}.{figure} {operator} {wanted:g} cannot be judged: nothing was measured"
    if _OPERATORS[operator](value, wanted):
        return None
    where = f" (worst: {chosen.worst})" if chosen.worst else ""
    return f"{name}.{figure} is {value:.4f}, asked for {operator} {wanted:g}: {abs(value - wanted):.4f} short{where}"

"""Conditions such as ``statistical.shape>=0.95`` against what was measured: the gate."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt

from fixturesynth.errors import InputError, ThresholdError, did_you_mean
from fixturesynth.evaluation.record import Requirement, Summary, suggest_metric

__all__ = ["check_conditions", "judge_conditions", "read_conditions"]

_CONDITION = re.compile(
    r"^\s*([A-Za-z_]\w*(?:\s*\.\s*\w+){0,2})\s*(>=|<=|==|=|>|<)\s*(-?\d*\.?\d+(?:e-?\d+)?)(\s*%)?\s*$"
)
_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": ge, "<=": le, ">": gt, "<": lt, "=": eq, "==": eq,
}  # fmt: skip
_FIGURES = ("mean", "min", "max", "worst", "strong")
_UNTRAINED = "models were not trained (--no-detection)"
_NOTHING = "these rows hold nothing that it measures"


@dataclass(frozen=True)
class Condition:
    """One condition as read: ``name`` is a metric or a group, ``figure`` None is the one the verdict rests on."""

    text: str
    name: str
    figure: str | None
    operator: str
    wanted: float


def read_conditions(conditions: Sequence[str], names: Iterable[str]) -> tuple[Condition, ...]:
    """Conditions on metrics among ``names``, or on their groups; InputError for what cannot be read or is unknown.

    >>> read_conditions(["privacy.copies <= 1%"], ["privacy.copies"])[0].wanted
    0.01
    """
    known = tuple(names)
    return tuple(_read(condition, known) for condition in conditions)


def _read(text: str, known: Sequence[str]) -> Condition:
    match = _CONDITION.match(text)
    if match is None:
        raise InputError(
            f"cannot read the condition {text!r}: write GROUP.METRIC>=NUMBER, for example statistical.shape>=0.95"
        )
    spelled, operator, number, percent = match.groups()
    parts = re.sub(r"\s", "", spelled).split(".")
    wanted = float(number) / (100.0 if percent else 1.0)
    groups = {n.partition(".")[0] for n in known}
    metric = ".".join(parts[:2])
    if metric in known:
        name, figure = metric, parts[2] if len(parts) > 2 else None
    elif parts[0] in groups and (len(parts) == 1 or (len(parts) == 2 and parts[1] in _FIGURES)):
        name, figure = parts[0], parts[1] if len(parts) > 1 else None
    else:
        unknown = ".".join(parts)
        meant = suggest_metric(unknown, [*known, *sorted(groups)])
        raise InputError(f"unknown metric {unknown!r} in {text!r}: {meant}")
    if figure is not None and figure not in _FIGURES:
        raise InputError(f"unknown figure {figure!r} in {text!r}: {did_you_mean(figure, _FIGURES)}")
    return Condition(text.strip(), name, figure, operator, wanted)


def judge_conditions(
    conditions: Iterable[Condition], summary: Mapping[str, Summary], names: Iterable[str]
) -> tuple[Requirement, ...]:
    """Every condition against what was measured, a group's once for each of its metrics; those that fail come first.

    A metric that was asked for and has no figure fails, and says why. In a group, what these rows hold nothing of (no
    unique set, say) is left out, unless that is the whole group.
    """
    known = tuple(names)
    judged = [r for condition in conditions for r in _judge(condition, summary, known)]
    return tuple(sorted(judged, key=lambda r: r.passed))


def _judge(condition: Condition, summary: Mapping[str, Summary], known: Sequence[str]) -> list[Requirement]:
    if condition.name in known:
        return [_judge_one(condition, condition.name, summary.get(condition.name))]
    own = [n for n in known if n.partition(".")[0] == condition.name]
    asked = [n for n in own if n not in summary or summary[n].count or summary[n].why]
    return [_judge_one(condition, n, summary.get(n)) for n in asked or own]


def _judge_one(condition: Condition, metric: str, found: Summary | None) -> Requirement:
    figure = condition.figure or (found.judged if found else "worst")
    asked = f"{condition.operator} {condition.wanted:g}"
    if found is None or not found.count:
        why = _UNTRAINED if found is None else found.why or _NOTHING
        said = f"{metric} {asked} cannot be judged: nothing was measured, {why}"
        return Requirement(condition.text, metric, figure, None, condition.operator, condition.wanted, False, said)
    value = found.figures.get(figure)
    if value is None:
        said = f"{metric}.{figure} {asked} cannot be judged: there is no such figure"
        return Requirement(condition.text, metric, figure, None, condition.operator, condition.wanted, False, said)
    passed = _OPERATORS[condition.operator](value, condition.wanted)
    said = f"{metric}.{figure} is {value:.4f}, asked for {asked}"
    if not passed:
        where = f" (worst: {found.worst})" if found.worst else ""
        said += f": {abs(value - condition.wanted):.4f} short{where}"
    if found.unmeasured:
        said += f"; not measured in {found.unmeasured} place{'s' * (found.unmeasured > 1)}: {found.why}"
    return Requirement(condition.text, metric, figure, value, condition.operator, condition.wanted, passed, said)


def check_conditions(summary: Mapping[str, Summary], conditions: Sequence[str], names: Iterable[str]) -> None:
    """ThresholdError naming every condition that does not hold and by how much; InputError for unknown names."""
    known = tuple(names)
    judged = judge_conditions(read_conditions(conditions, known), summary, known)
    if short := [r.said for r in judged if not r.passed]:
        raise ThresholdError("; ".join(short))

"""The five promises in a sentence each: valid, real, useful, private, fair, with the figure that says most of it."""

from collections.abc import Iterator, Mapping, Sequence

from fixturesynth.evaluation.metrics import METRICS
from fixturesynth.evaluation.record import Promise, Report, Summary

__all__ = ["sum_up"]

# Groups of each promise, and its metrics in the order in which they speak for it.
_PROMISES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "valid": (("validity", "invariant"), ("validity.references", "validity.keys", "validity.checks")),
    "real": (
        ("detection", "statistical"),
        ("detection.c2st_joined", "detection.c2st", "detection.c2st_agg", "statistical.shape", "statistical.pair"),
    ),
    "useful": (("utility",), ("utility.classification", "utility.regression", "utility.minority")),
    "private": (("privacy",), ("privacy.membership_auc", "privacy.dcr", "privacy.copies")),
    "fair": (("fairness",), ("fairness.disparate_impact", "fairness.group_share")),
}
_KEPT = {
    "valid": "No row breaks a rule of the schema, and what all real rows keep is kept",
    "real": "Rows cannot be told from real ones any better than asked",
    "useful": "Models of synthetic rows do on real rows what models of real rows do",
    "private": "Rows are no nearer to real rows than asked, or than real rows are to each other",
    "fair": "No group is treated worse than in the real rows, or than four fifths of the best",
}
_ABSENT = {
    "valid": "The schema has no rule that could be checked.",
    "real": "There were too few rows to compare.",
    "useful": "No model was tried: they were not asked for, or no column can be predicted.",
    "private": "No table has columns enough to compare rows by.",
    "fair": "No column names a protected group: name them in the spec under evaluation.protected.",
}
_TITLES = {m.name: m.title for m in METRICS}


def sum_up(report: Report) -> Iterator[Promise]:
    """Each promise with its telling figure: that of the first measure that falls short, else of the first there is."""
    for name, (groups, order) in _PROMISES.items():
        found = [s for s in report.summary.values() if s.name.partition(".")[0] in groups and s.count]
        found.sort(key=lambda s: (s.verdict != "short", order.index(s.name) if s.name in order else len(order)))
        yield _promise(report, name, found)


def _promise(report: Report, name: str, found: Sequence[Summary]) -> Promise:
    if not found:
        return Promise(name, "not judged", sentence=_ABSENT[name])
    first = found[0]
    floor, threshold = _asked(report, first)
    short = sum(s.verdict == "short" for s in found)
    return Promise(
        name, "short" if short else "pass", first.name, _TITLES.get(first.name, first.name), first.judged,
        first.figures[first.judged], floor, first.interval, first.direction, threshold, len(found), short,
        _sentence(report, name, first, len(found), short),
    )  # fmt: skip


def _asked(report: Report, summary: Summary) -> tuple[float | None, float]:
    """Floor and threshold of the figure that is shown: those of its own place, where it is the worst of several."""
    own = (r for r in report.metrics if r.name == summary.name and r.place == summary.worst)
    worst = next(own, None) if summary.judged == "worst" else None
    return (worst.floor, worst.threshold) if worst else (summary.floor, summary.threshold)


def _sentence(report: Report, name: str, first: Summary, count: int, short: int) -> str:
    if short:
        title = _TITLES.get(first.name, first.name).lower()
        worst = f", worst in {first.worst}" if first.worst else ""
        said = f"{short} of {count} measures fall{'s' * (short == 1)} short, first of all {title}{worst}."
    else:
        said = f"{_KEPT[name]} ({count} measure{'s' * (count > 1)})."
    if name == "valid" and short and not any(v.broken for v in report.validity):
        said = f"No rule of the schema is broken, but rules that all real rows keep are: {said}"
    if name == "private" and not report.provenance.get("holdout"):
        said += " Attacks were not tried: they need held-out rows (--holdout)."
    return said

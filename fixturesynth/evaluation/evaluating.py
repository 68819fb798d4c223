"""``evaluate``: synthetic rows against real ones, every metric in turn, judged and summed up."""

import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fixturesynth.dataset import Dataset
from fixturesynth.errors import InputError, MissingDriverError
from fixturesynth.evaluation.comparison import ROWS_LIMIT, Comparison, compare
from fixturesynth.evaluation.metrics import METRICS, Metric
from fixturesynth.evaluation.pictures import draw_examples, draw_pictures
from fixturesynth.evaluation.record import (
    LeftOut,
    Measure,
    MetricRecord,
    Report,
    Summary,
    ValidityRecord,
    Verdict,
)
from fixturesynth.evaluation.requiring import judge_conditions, read_conditions
from fixturesynth.evaluation.validity import check_validity
from fixturesynth.loading.inference import infer_schema
from fixturesynth.loading.loosening import legible, loosen
from fixturesynth.profiling.profile import Profile
from fixturesynth.schema.model import Schema
from fixturesynth.spec import Spec, check_spec, read_spec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["evaluate"]

Progress = Callable[[str, int, int], None]

STRONG = {"CorrelationSimilarity": 0.5, "ContingencySimilarity": 0.3}
"""How much two real columns must depend on each other to count as a strong pair: the defaults of sdmetrics' reports."""

_PACKAGES = ("fixturesynth", "numpy", "scipy", "scikit-learn", "lightgbm", "pyarrow")
_TOLERANCE = 1e-9


def evaluate(
    real: Dataset | Mapping[str, "pd.DataFrame"],
    synthetic: Dataset | Mapping[str, "pd.DataFrame"],
    schema: Schema | None = None,
    *,
    holdout: Dataset | Mapping[str, "pd.DataFrame"] | None = None,
    spec: Spec | str | Path | None = None,
    profile: Profile | None = None,
    detection: bool = True,
    require: Sequence[str] = (),
    rows_limit: int = ROWS_LIMIT,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Compare synthetic with real rows: are they valid, real, useful, private, fair?

    Every score comes with its real-against-real floor where there are rows enough: two halves of the real rows, kept
    together by parent entity, or ``holdout`` against ``real``. Halves are half as many rows, so that this floor is a
    little harsher on the real rows than the score is on the synthetic ones.

    Args:
        schema: what keys, references and rules there are; guessed from the real rows where it is not given.
        holdout: real rows that nothing was learned from: classifiers then compare with these, models are tested on
            them, and attacks on privacy have the control that they need.
        spec: names targets, protected columns and requirements under ``evaluation``; without it columns are guessed.
        profile: of the real rows, where it is at hand: its invariants are taken instead of being found again.
        detection: False leaves out whatever trains models (detection, utility, most of fairness), which takes most of
            the time.
        require: conditions such as ``detection.c2st>=0.8``, beside those of the spec; they decide ``passed``.
        rows_limit: rows of each side that a classifier sees.
        seed: of halves, folds and samples.
        progress: called with what is being measured, done and of.

    Raises:
        InputError: the two datasets and the schema have no table in common; a condition names an unknown metric.
        MissingDriverError: lightgbm is not installed and ``detection`` is asked for.
        SpecError: the spec names a column that is not there.

    Example:
        >>> import pandas as pd
        >>> people = {"people": pd.DataFrame({"age": [30, 40, 50, 60] * 20})}
        >>> report = evaluate(people, people, detection=False)
        >>> report.summary["statistical.shape"].mean
        1.0
    """
    started = time.perf_counter()
    if detection:
        _need_lightgbm()
    rows_of_real, rows_of_synthetic = _dataset("real", real), _dataset("synthetic", synthetic)
    schema = schema or infer_schema(rows_of_real)
    schema, rows_of_real = loosen(schema, rows_of_real)
    rows_of_synthetic = legible(rows_of_synthetic, schema)
    held_out = None if holdout is None else legible(_dataset("holdout", holdout), schema)
    read = read_spec(spec) if isinstance(spec, str | Path) else spec
    if read is not None:
        check_spec(read, schema)
    every = [m.name for m in METRICS]
    conditions = read_conditions([*(read.evaluation.conditions if read else ()), *require], every)
    told = progress or (lambda what, done, of: None)
    comparison = compare(
        rows_of_real, rows_of_synthetic, schema, holdout=held_out, profile=profile,
        rows_limit=rows_limit, seed=seed, wishes=read.evaluation if read else None, told=told,
    )  # fmt: skip
    told("validity", 0, 1)
    validity = check_validity(comparison)
    metrics = [m for m in METRICS if detection or not m.fits]
    records: list[MetricRecord] = []
    for metric in metrics:
        records += [_judged(metric, measure) for measure in metric.measure(comparison)]
    summary = {
        m.name: _summed(m, [r for r in records if r.name == m.name], comparison.held_out) for m in metrics
    }  # fmt: skip
    told("pictures", 0, 1)
    rows = {side: {n: v.rows for n, v in views.items()} for side, views in comparison.views.items()}
    report = Report(
        summary=summary,
        metrics=tuple(records),
        validity=validity,
        verdict=_verdict(metrics, summary, validity, records),
        left_out=tuple(LeftOut(t.name, c, why) for t in comparison.tables.values() for c, why in t.left_out.items()),
        notes=(*dict.fromkeys(comparison.notes), *_doubts(comparison, records)),
        provenance=_provenance(comparison, rows, time.perf_counter() - started),
        requirements=judge_conditions(conditions, summary, every),
        pictures=tuple(draw_pictures(comparison)),
        examples=draw_examples(rows_of_synthetic, schema, tuple(comparison.tables)),
    )
    told("", 1, 1)
    return report


def _dataset(argument: str, given: Dataset | Mapping[str, "pd.DataFrame"]) -> Dataset:
    if isinstance(given, Dataset):
        return given
    if not isinstance(given, Mapping):
        raise InputError(
            f"Expected Dataset or frames by table name but got {argument}={type(given).__name__}; "
            "one frame alone goes in as {'name of the table': frame}"
        )
    return Dataset.from_frames(given)


def _need_lightgbm() -> None:
    try:
        import lightgbm  # noqa: F401
    except ImportError:
        raise MissingDriverError(
            "classifiers need the package lightgbm: pip install 'fixturesynth[report]', or pass detection=False"
        ) from None


def _judged(metric: Metric, measure: Measure) -> MetricRecord:
    threshold = _eased(metric, metric.threshold, measure.floor)
    score = measure.score
    if score is None:
        verdict = "not judged"
    else:
        verdict = "pass" if _reaches(metric, _judged_value(metric, score, measure.interval), threshold) else "short"
    return MetricRecord(
        metric.name, measure.table, measure.edge, measure.columns, score, measure.floor, metric.range, metric.direction,
        threshold, verdict, measure.detail, measure.note, measure.interval,  # type: ignore[arg-type]
    )  # fmt: skip


def _judged_value(metric: Metric, score: float, interval: tuple[float, float] | None) -> float:
    """The score, or the better end of its interval where only certain shortfalls count."""
    if not metric.certain or interval is None:
        return score
    return max(score, interval[1]) if metric.direction == "higher" else min(score, interval[0])


def _eased(metric: Metric, threshold: float, floor: float | None) -> float:
    """Nothing better than what real rows reach against real rows can be asked for."""
    if floor is None:
        return threshold
    return min(threshold, floor) if metric.direction == "higher" else max(threshold, floor)


def _reaches(metric: Metric, value: float, threshold: float) -> bool:
    return value >= threshold - _TOLERANCE if metric.direction == "higher" else value <= threshold + _TOLERANCE


def _summed(metric: Metric, records: list[MetricRecord], held_out: bool) -> Summary:
    known = [r for r in records if r.score is not None]
    why = next((f"{r.place}: {r.note}" for r in records if r.score is None and r.note), "")
    if metric.control and not held_out:
        why = "it needs held-out rows (--holdout)"
    floors = [r.floor for r in records if r.floor is not None]
    if not known:
        return Summary(
            metric.name,
            0,
            None,
            None,
            None,
            None,
            direction=metric.direction,
            threshold=metric.threshold,
            judged=metric.judged,
            unmeasured=len(records),
            why=why,
        )
    scores = np.asarray([r.score for r in known], dtype=np.float64)
    worst = known[int(scores.argmin() if metric.direction == "higher" else scores.argmax())]
    floor = float(np.mean(floors)) if floors else None
    if metric.judged == "mean":
        value = _judged_value(metric, float(scores.mean()), _interval(metric, known, worst))
        passed = _reaches(metric, value, _eased(metric, metric.threshold, floor))
    else:
        passed = all(r.verdict != "short" for r in known)
    return Summary(
        metric.name, len(known), float(scores.mean()), float(scores.min()), float(scores.max()), floor, worst.place,
        metric.direction, metric.threshold, metric.judged, "pass" if passed else "short",
        sum(r.verdict == "short" for r in known), _strong(known), _interval(metric, known, worst),
        len(records) - len(known), why,
    )  # fmt: skip


def _interval(metric: Metric, records: list[MetricRecord], worst: MetricRecord) -> tuple[float, float] | None:
    """Of the worst figure, or of the mean: ends averaged, as if all erred together: wider than need be."""
    if metric.judged == "worst":
        return worst.interval
    ends = [r.interval or (r.score or 0.0, r.score or 0.0) for r in records]
    if all(r.interval is None for r in records):
        return None
    return round(float(np.mean([low for low, _ in ends])), 6), round(float(np.mean([high for _, high in ends])), 6)


def _strong(records: Iterable[MetricRecord]) -> float | None:
    """Mean over the pairs that depend on each other in the real rows; None where the metric knows no such thing."""
    scores = [
        r.score for r in records if r.detail.get("strength", 0.0) > STRONG.get(str(r.detail.get("method")), np.inf)
    ]
    return float(np.mean([s for s in scores if s is not None])) if scores else None


def _verdict(
    metrics: list[Metric],
    summary: dict[str, Summary],
    validity: tuple[ValidityRecord, ...],
    records: list[MetricRecord],
) -> Verdict:
    broken = sum(r.broken or 0 for r in validity)
    lines = []
    if broken:
        worst = max((r for r in validity if r.broken), key=lambda r: r.broken or 0)
        lines.append(
            f"validity: {broken:,} violations, most of {worst.rule} {worst.name} in {worst.table} ({worst.broken:,})"
        )
    for metric in metrics:
        found = summary[metric.name]
        if found.verdict != "short" or metric.group == "validity":
            continue
        value = found.figures[metric.judged]
        sign = "below" if metric.direction == "higher" else "above"
        goal = _goal(metric, found, records)
        lines.append(f"{metric.title.lower()}: {metric.judged} {value:.3f} is {sign} {goal:.3f} (worst: {found.worst})")
    passed = not lines
    measured = sum(s.count > 0 for s in summary.values())
    begin = f"{broken:,} violations of the schema" if broken else "No rule of the schema is broken"
    text = (
        f"{begin}, and all {measured} measures reach their threshold or what real rows reach."
        if passed
        else f"{begin}; {len(lines)} of {measured} measures fall short of their threshold."
    )
    return Verdict(passed, text, tuple(lines))


def _goal(metric: Metric, found: Summary, records: list[MetricRecord]) -> float:
    if metric.judged == "mean":
        return _eased(metric, metric.threshold, found.floor)
    short = [r for r in records if r.name == metric.name and r.verdict == "short"]
    return next((r.threshold for r in short if r.place == found.worst), metric.threshold)


def _doubts(comparison: Comparison, records: list[MetricRecord]) -> Iterator[str]:
    """What a reader should know before trusting the figures."""
    for record in records:
        if (
            record.group == "detection"
            and record.score is not None
            and record.detail["auc"] < 0.4
            and record.detail["rows"] >= 500
        ):
            yield f"{record.place}: AUC {record.detail['auc']:.2f}, below a coin's: rows may be near copies"
    for name, table in comparison.tables.items():
        if comparison.rows("synthetic", name) and not table.columns and len(table.left_out):
            yield f"table {name!r} has no column that shapes and pairs could compare"


def _provenance(comparison: Comparison, rows: Any, seconds: float) -> dict[str, Any]:
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    hashes = {
        side: {name: data.content_hash(name) for name in rows[side]} for side, data in comparison.data.items()
    }  # fmt: skip
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"), "rows": rows, "hashes": hashes,
        "seed": comparison.seed, "rows_limit": comparison.rows_limit, "holdout": comparison.held_out,
        "seconds": round(seconds, 1), "versions": versions,
    }  # fmt: skip

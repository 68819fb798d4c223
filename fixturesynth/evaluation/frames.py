"""The report as pandas frames and as a small table for notebooks."""

from collections.abc import Mapping
from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING

from fixturesynth.evaluation.metrics import METRICS
from fixturesynth.evaluation.record import LeftOut, MetricRecord, Report, Summary, ValidityRecord

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["make_frames", "write_notebook"]

_TITLES = {m.name: m.title for m in METRICS}
_STYLE = (
    "border-collapse:collapse;font-variant-numeric:tabular-nums",
    "padding:.15em .7em;text-align:left;border-bottom:1px solid #8884",
    "padding:.15em .7em;text-align:right;border-bottom:1px solid #8884",
)
_COLOURS = {"pass": "#1a7f37", "short": "#cf222e"}


def make_frames(report: Report) -> Mapping[str, "pd.DataFrame"]:
    """``summary``, ``metrics``, ``validity`` and ``left_out``; columns are there even without rows."""
    import pandas as pd

    summary = [_summary_row(s) for s in report.summary.values()]
    return {
        "summary": pd.DataFrame(summary, columns=list(_summary_row(Summary("", 0, None, None, None, None)))),
        "metrics": pd.DataFrame([_metric_row(r) for r in report.metrics], columns=list(_metric_row(_NOTHING))),
        "validity": pd.DataFrame(
            [asdict(r) for r in report.validity], columns=list(ValidityRecord.__dataclass_fields__)
        ),
        "left_out": pd.DataFrame([asdict(r) for r in report.left_out], columns=list(LeftOut.__dataclass_fields__)),
    }


_NOTHING = MetricRecord("", "", None, (), None, None, (0.0, 1.0), "higher", 0.0, "not judged")


def _metric_row(r: MetricRecord) -> dict[str, object]:
    low, high = r.interval or (None, None)
    return {
        "metric": r.name, "group": r.group, "table": r.table, "columns": ", ".join(r.columns), "reference": r.edge,
        "score": r.score, "low": low, "high": high, "floor": r.floor, "direction": r.direction,
        "threshold": r.threshold, "verdict": r.verdict, "note": r.note,
    }  # fmt: skip


def _summary_row(s: Summary) -> dict[str, object]:
    low, high = s.interval or (None, None)
    return {
        "metric": s.name, "group": s.name.partition(".")[0], "count": s.count, "judged": s.judged,
        "score": s.figures.get(s.judged), "low": low, "high": high, "mean": s.mean, "min": s.minimum, "max": s.maximum,
        "floor": s.floor, "direction": s.direction, "threshold": s.threshold, "verdict": s.verdict, "short": s.short,
        "worst": s.worst,
    }  # fmt: skip


def write_notebook(report: Report) -> str:
    """The verdict and one line for each metric that was measured, in its group."""
    rows = []
    last = ""
    for s in (s for s in report.summary.values() if s.count):
        group = s.name.partition(".")[0]
        if group != last:
            rows.append(f'<tr><th colspan="6" style="{_STYLE[1]};padding-top:.6em">{group}</th></tr>')
            last = group
        interval = f"{s.interval[0]:.3f} to {s.interval[1]:.3f}" if s.interval else ""
        cells = [_number(s.figures[s.judged]), interval, _number(s.floor), f"{_sign(s)} {s.threshold:g}"]
        chip = f'<b style="color:{_COLOURS.get(s.verdict, "inherit")}">{escape(s.verdict)}</b>'
        place = f' title="weakest: {escape(s.worst)}"' if s.worst else ""
        rows.append(
            f'<tr{place}><td style="{_STYLE[1]}">{escape(_TITLES.get(s.name, s.name))}</td>'
            + "".join(f'<td style="{_STYLE[2]}">{c}</td>' for c in cells)
            + f'<td style="{_STYLE[1]}">{chip}</td></tr>'
        )
    heads = ("measure", "score", "95% interval", "real against real", "wanted", "verdict")
    head = "".join(f'<th style="{_STYLE[1 if i in (0, 5) else 2]}">{h}</th>' for i, h in enumerate(heads))
    short = "".join(f"<li>{escape(line)}</li>" for line in report.verdict.shortfalls)
    return (
        f"<p><b>{escape(report.verdict.text)}</b></p>{f'<ul>{short}</ul>' if short else ''}"
        f'<table style="{_STYLE[0]}"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )


def _sign(s: Summary) -> str:
    return "≥" if s.direction == "higher" else "≤"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"

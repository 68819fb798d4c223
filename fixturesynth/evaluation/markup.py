"""Pieces of the report's page: tables, chips, figures, folds. What they are given is HTML already."""

from collections.abc import Iterable, Sequence

from fixturesynth.evaluation.metrics import METRICS
from fixturesynth.evaluation.plots import clean
from fixturesynth.evaluation.record import MetricRecord

__all__ = [
    "LEGEND", "QUESTIONS", "TITLES", "chip", "figure", "fold", "grid", "interval", "listed", "plural", "share",
    "weakest_first",
]  # fmt: skip

TITLES = {m.name: m.title for m in METRICS}
QUESTIONS = {m.name: m.question for m in METRICS}
LEGEND = '<div class="legend"><span><i class="r"></i>real rows</span><span><i class="s"></i>synthetic rows</span></div>'
_CHIPS = {"pass": (" ok", "✓ pass"), "short": (" bad", "✗ short")}


def chip(verdict: str) -> str:
    """Pass or short as a mark and a word, never by colour alone."""
    kind, said = _CHIPS.get(verdict, ("", verdict))
    return f'<span class="chip{kind}">{clean(said)}</span>'


def figure(value: float | None) -> str:
    """Three decimals; a whole 1 or 0 without any.

    >>> figure(0.98765), figure(1.0), figure(0.9999), figure(None)
    ('0.988', '1', '&gt;0.999', '–')
    """
    if value is None:
        return "–"
    value = round(value, 9) + 0.0  # sums that miss zero by a hair, and negative zeros
    if value in (0, 1):
        return f"{value:.0f}"
    return "&gt;0.999" if 0.9995 <= value < 1 else "&lt;0.001" if 0 < value < 0.0005 else f"{value:.3f}"


def interval(ends: tuple[float, float] | None) -> str:
    if ends is None or ends[0] == ends[1]:
        return ""
    return f"{ends[0]:.3f} to {ends[1]:.3f}"


def share(value: float | None) -> str:
    """A share as per cent, 100% for a whole one alone."""
    if value is None:
        return "–"
    return "100%" if value == 1 else f"{min(99.99, value * 100):.2f}%"


def grid(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    numeric: Sequence[int] = (),
    kind: str = "",
    caption: str = "",
    name_first: bool = True,
) -> str:
    """A table whose cells are HTML already; the columns in ``numeric`` are set flush right, the first names its row."""
    cells = "".join(f'<th scope="col"{" class=n" * (i in numeric)}>{h}</th>' for i, h in enumerate(head))
    # Narrow screens stack the cells of a row: each then needs the head of its column beside it.
    labels = [f' data-l="{h}"' if h and name_first else "" for h in head]
    body = "".join(
        "<tr>"
        + "".join(
            f'<th scope="row">{c}</th>'
            if i == 0 and name_first
            else f"<td{' class=n' * (i in numeric)}{labels[i]}>{c}</td>"
            for i, c in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    title = f"<caption>{clean(caption)}</caption>" if caption else ""
    return (
        f'<div class="scroll" tabindex="0"><table{f" class={kind}" if kind else ""}>{title}<thead><tr>{cells}</tr>'
        f"</thead><tbody>{body}</tbody></table></div>"
    )


def fold(title: str, body: str, *, opened: bool = False) -> str:
    """``body`` behind a title that opens it."""
    return f"<details{' open' * opened}><summary>{clean(title)}</summary>{body}</details>"


def listed(
    head: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[int] = (), *, shown: int = 12, most: int = 120
) -> str:
    """A table of which the first rows are seen at once, more are folded away, and the rest is only counted."""
    html = grid(head, rows[:shown], numeric)
    if len(rows) > shown:
        left = f"<p>{len(rows) - most:,} more are in the report as JSON.</p>" if len(rows) > most else ""
        html += fold(f"{min(len(rows), most) - shown:,} more", grid(head, rows[shown:most], numeric) + left)
    return html


def plural(count: int, what: str) -> str:
    """
    >>> plural(1, "row"), plural(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{count:,} {what}{'s' * (count != 1)}"


def weakest_first(records: Iterable[MetricRecord]) -> list[MetricRecord]:
    """Those that fall short first, then by score in the metric's own direction; what has no score last."""
    return sorted(
        records,
        key=lambda r: (
            r.score is None, r.verdict != "short",
            0.0 if r.score is None else r.score if r.direction == "higher" else -r.score,
        ),
    )  # fmt: skip

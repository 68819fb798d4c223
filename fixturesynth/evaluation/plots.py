"""Plots of the report's page as inline SVG: bars, overlaid shares, heat maps, scales; colours are the page's CSS."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html import escape

from fixturesynth.evaluation.pictures import DAYS, Picture

__all__ = ["clean", "draw_heat_map", "draw_meter", "draw_picture", "draw_scale", "legible"]

WIDTH, HEIGHT = 330, 150
_LEFT, _BOTTOM, _TOP = 8, 22, 10
_ROW = 21
_LABEL = 118
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")


def legible(text: object) -> str:
    """Any text without the characters that HTML and XML cannot hold."""
    return _ILLEGAL.sub("�", str(text))


def clean(text: object) -> str:
    """Any text, safe inside HTML and its attributes."""
    return escape(legible(text), quote=True)


def draw_picture(picture: Picture) -> str:
    """One column or edge: real and synthetic shares over each other."""
    return _bars(picture) if picture.kind == "category" else _steps(picture)


def _percent(share: float) -> str:
    return f"{share * 100:.0f}%" if share >= 0.0995 or share == 0 else f"{share * 100:.2g}%"


def _bars(picture: Picture) -> str:
    rows = list(zip(picture.labels, picture.real, picture.synthetic, strict=True))
    if max(picture.rest) > 0.0005:
        rows.append(("all others", *picture.rest))
    if max(picture.nulls) > 0:
        rows.append(("NULL", *picture.nulls))
    most = max((max(r, s) for _, r, s in rows), default=1.0) or 1.0
    room = WIDTH - _LABEL - 78

    def bar(kind: str, y: int, share: float) -> str:
        width = max(1.0, room * share / most)
        return f'<rect class="{kind}" x="{_LABEL}" y="{y}" width="{width:.1f}" height="7" rx="1"/>'

    height = len(rows) * _ROW + 6
    parts = [_open(height, f"Shares of the values of {picture.column}, real and synthetic")]
    for i, (label, real, synthetic) in enumerate(rows):
        y = i * _ROW + 4
        short = label if len(label) <= 15 else label[:14] + "…"
        kind = ' class="t odd"' if i >= len(picture.labels) else ' class="t"'
        parts.append(f'<text{kind} x="{_LABEL - 6}" y="{y + 12}" text-anchor="end">{clean(short) or "(empty)"}</text>')
        hint = f"<title>{clean(label)}: real {_percent(real)}, synthetic {_percent(synthetic)}</title>"
        parts.append(f"<g>{hint}{bar('real', y, real)}{bar('syn', y + 8, synthetic)}</g>")
        end = _LABEL + room * max(real, synthetic) / most + 5
        parts.append(f'<text class="t dim" x="{end:.1f}" y="{y + 12}">{_percent(real)} | {_percent(synthetic)}</text>')
    return "".join(parts) + "</svg>"


def _steps(picture: Picture) -> str:
    edges, top = picture.edges, max((*picture.real, *picture.synthetic, 1e-9))
    low, high = edges[0], edges[-1]
    width, bottom = WIDTH - 2 * _LEFT, HEIGHT - _BOTTOM
    roof = _TOP + (14 if max(picture.nulls) > 0 else 0)  # room for the shares of NULL

    def x(value: float) -> float:
        return _LEFT + width * (value - low) / (high - low)

    def y(share: float) -> float:
        return bottom - (bottom - roof) * share / top

    def outline(shares: Sequence[float]) -> str:
        path = [f"M{x(low):.1f} {bottom}"]
        for i, share in enumerate(shares):
            path.append(f"V{y(share):.1f}H{x(edges[i + 1]):.1f}")
        return "".join([*path, f"V{bottom}"])

    spoken = f"Distribution of {picture.column}, real and synthetic"
    parts = [
        _open(HEIGHT, spoken),
        f'<path class="real-area" d="{outline(picture.real)}Z"/>',
        f'<path class="syn-line" d="{outline(picture.synthetic)}"/>',
        f'<path class="axis" d="M{_LEFT} {bottom}H{WIDTH - _LEFT}"/>',
    ]
    ticks = _ticks(picture)
    for i, (value, label) in enumerate(ticks):
        centred = picture.kind == "weekday" or 0 < i < len(ticks) - 1
        anchor = "middle" if centred else "start" if i == 0 else "end"
        parts.append(
            f'<text class="t dim" x="{x(value):.1f}" y="{bottom + 15}" text-anchor="{anchor}">{clean(label)}</text>'
        )
    if max(picture.nulls) > 0:
        said = f"NULL {_percent(picture.nulls[0])} | {_percent(picture.nulls[1])}"
        parts.append(f'<text class="t odd" x="{WIDTH - _LEFT}" y="{_TOP + 2}" text-anchor="end">{said}</text>')
    return "".join(parts) + "</svg>"


def _ticks(picture: Picture) -> list[tuple[float, str]]:
    low, high = picture.edges[0], picture.edges[-1]
    whole = abs(low % 1 - 0.5) < 1e-9 and abs(high % 1 - 0.5) < 1e-9 and picture.kind in ("number", "children")
    if whole:
        low, high = low + 0.5, high - 0.5
    places = [low, high] if high == low or (whole and high - low < 2) else [low, (low + high) / 2, high]
    if whole:
        places = [float(round(p)) for p in places]
    if picture.kind == "weekday":
        return [(i + 0.5, day) for i, day in enumerate(DAYS)]
    if picture.kind == "hour":
        return [(float(h), f"{h}:00") for h in (0, 6, 12, 18, 24)]
    spoken = {"datetime": _date, "time": _clock, "gaps": _duration}.get(picture.kind)
    span = max(20.0, high - low) if whole else high - low
    return [(p, spoken(p, span) if spoken else _number(p, span)) for p in dict.fromkeys(places)]


def _number(value: float, span: float) -> str:
    if abs(value) >= 1e15 or (value and abs(value) < 1e-4):
        return f"{value:.2g}"
    digits = 0 if span >= 20 else 1 if span >= 2 else 2 if span >= 0.2 else 4
    for limit, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit and span >= limit / 10:
            return f"{value / (1e3 if letter == 'k' else limit):.3g}{letter}"
    return f"{value:.{digits}f}" if abs(value) > 0 or digits == 0 else "0"


def _date(value: float, span: float) -> str:
    day = 86_400e6
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value)
    except OverflowError:
        return f"{value / (365.25 * day) + 1970:.0f}"
    return f"{moment:%Y-%m}" if span > 900 * day else f"{moment:%Y-%m-%d}" if span > 3 * day else f"{moment:%d %H:%M}"


def _clock(value: float, _: float) -> str:
    minutes = int(value // 60e6)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _duration(value: float, _: float) -> str:
    """A length of time from the logarithm of its seconds."""
    seconds = 10.0**value
    for limit, length, unit in _LENGTHS:
        if seconds >= limit:
            many = seconds / length
            return f"{many:.0f} {unit}" if many >= 10 else f"{many:.2g} {unit}"
    return f"{seconds:.0f} s"


_LENGTHS = ((2 * 31_556_952, 31_556_952, "y"), (2 * 86_400, 86_400, "d"), (2 * 3_600, 3_600, "h"), (120, 60, "min"))


def _open(height: float, spoken: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{clean(spoken)}">'


def draw_heat_map(columns: Sequence[str], scores: Mapping[tuple[str, str], float]) -> str:
    """Pair scores of a table as squares below the diagonal: the darker, the further from the real rows."""
    size, label = 22, 150
    n = len(columns)
    width = label + size * n + 100  # room for the slanted names of the last columns
    height = size * n + 8
    parts = [
        f'<svg class="heat" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        'aria-label="Differences of pair trends between real and synthetic rows">'
    ]
    for i, row in enumerate(columns):
        y = i * size
        name = row if len(row) <= 22 else row[:21] + "…"
        parts.append(f'<text class="t" x="{label - 6}" y="{y + 15}" text-anchor="end">{clean(name)}</text>')
        for j, column in enumerate(columns[:i]):
            score = scores.get((column, row), scores.get((row, column)))
            x = label + j * size
            if score is None:
                parts.append(f'<rect class="none" x="{x}" y="{y}" width="{size - 2}" height="{size - 2}" rx="3"/>')
                continue
            step = min(5, int((1 - score) / 0.05))
            hint = f"<title>{clean(column)}, {clean(row)}: {score:.3f}</title>"
            parts.append(
                f'<rect class="h{step}" x="{x}" y="{y}" width="{size - 2}" height="{size - 2}" rx="3">{hint}</rect>'
            )
            if step >= 2:
                parts.append(
                    f'<text class="t on" x="{x + 10}" y="{y + 14}" text-anchor="middle">{score * 100:.0f}</text>'
                )
        x = label + i * size
        parts.append(f'<text class="t dim" x="{x}" y="{y + 15}">{clean(name)}</text>')
    return "".join(parts) + "</svg>"


def draw_scale(auc: float, floor: float | None, threshold: float) -> str:
    """An AUC between a coin's 0.5 and 1, with a mark where two sets of real rows are."""
    width, height = 220, 18

    def x(value: float) -> float:
        return 6 + (width - 12) * (min(1.0, max(0.5, value)) - 0.5) / 0.5

    good = "ok" if auc <= threshold + 1e-9 else "bad"
    parts = [
        f'<svg class="scale" viewBox="0 0 {width} {height}" role="img" aria-label="AUC {auc:.3f}">',
        f'<path class="rail" d="M6 9H{width - 6}"/><path class="run {good}" d="M6 9H{x(auc):.1f}"/>',
        f'<circle class="dot {good}" cx="{x(auc):.1f}" cy="9" r="5.5"/>',
    ]
    if floor is not None:
        parts.append(
            f'<path class="mark" d="M{x(floor):.1f} 1V17"><title>real against real: {floor:.3f}</title></path>'
        )
    return "".join(parts) + "</svg>"


def draw_meter(value: float | None, floor: float | None, threshold: float, direction: str, *, good: bool) -> str:
    """A score from 0 to 1 as a bar, with a tick where it should be and a mark where real rows are."""
    width, height = 180, 16
    if value is None:
        return ""

    def x(score: float) -> float:
        return 4 + (width - 8) * min(1.0, max(0.0, score))

    kind = "ok" if good else "bad"
    spoken = (
        f"{value:.3f} on a scale from 0 to 1, asked {'at least' if direction == 'higher' else 'at most'} {threshold:g}"
    )
    parts = [
        f'<svg class="meter" viewBox="0 0 {width} {height}" role="img" aria-label="{spoken}">',
        f'<path class="rail" d="M4 8H{width - 4}"/><path class="run {kind}" d="M4 8H{x(value):.1f}"/>',
        f'<path class="tick" d="M{x(threshold):.1f} 3V13"><title>asked: {threshold:g}</title></path>',
    ]
    if floor is not None:
        parts.append(
            f'<circle class="ring" cx="{x(floor):.1f}" cy="8" r="3.5"><title>real rows: {floor:.3f}</title></circle>'
        )
    return "".join(parts) + "</svg>"

"""Where the boxes of a schema's picture go: layers from parents (left) to children (right).

Longest-path layers, the barycentre heuristic for the order inside a layer (Sugiyama, Tagawa and Toda 1981), heights by
isotonic regression (pool adjacent violators) so that a table sits level with its relations, wide layers wrapped into
several columns. Connected groups are laid out one by one and packed on shelves; tables without relations last.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

__all__ = ["Box", "Picture", "arrange"]

_GAP = 26.0  # between boxes of a column
_COLUMN_GAP = 110.0  # between layers: room for the edges
_WRAP_GAP = 56.0  # between the columns of a wrapped layer
_GROUP_GAP = 60.0
_ASPECT = 1.7
_SWEEPS = 16
_SETTLINGS = 8


@dataclass(frozen=True)
class Box:
    name: str
    width: float
    height: float
    x: float = 0.0
    y: float = 0.0

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


@dataclass(frozen=True)
class Picture:
    boxes: Mapping[str, Box]
    width: float
    height: float
    columns: Mapping[str, tuple[tuple[str, ...], ...]]  # of the group that a table is in: names from left to right

    def corridors(self, one: str, two: str) -> list[tuple[float, float, float]]:
        """(left, right, height) of the gaps through which an edge passes the columns between two tables' columns.

        From left to right; in every column the gap that is nearest to the straight line.
        """
        start, end = sorted((self.boxes[one], self.boxes[two]), key=lambda b: b.x)
        left, right = start.x + start.width, end.x
        passed, at = [], start.middle
        for names in self.columns.get(one, ()):
            column = sorted((self.boxes[n] for n in names), key=lambda b: b.y)
            if not left <= column[0].x or not column[0].x + column[0].width <= right:
                continue
            share = (column[0].x - left) / max(right - left, 1.0)
            wish = (at + start.middle + (end.middle - start.middle) * share) / 2
            gaps = [column[0].y - _GAP / 2, column[-1].y + column[-1].height + _GAP / 2]
            gaps += [(a.y + a.height + b.y) / 2 for a, b in pairwise(column)]
            if column[0].y - _GAP <= wish <= column[-1].y + column[-1].height + _GAP:
                wish = min(gaps, key=lambda gap: (abs(gap - wish), gap))
            at = wish
            passed.append((column[0].x, column[0].x + column[0].width, at))
        return passed


def arrange(boxes: Sequence[Box], edges: Sequence[tuple[str, str]], weak: Sequence[tuple[str, str]]) -> Picture:
    """Give every box its place. ``edges`` (child, parent) have no cycle; ``weak`` ones only pull and keep together."""
    neighbours = _neighbours([b.name for b in boxes], [*edges, *weak])
    by_name = {b.name: b for b in boxes}
    pictures, alone = [], []
    for group in _groups(neighbours):
        if len(group) == 1:
            alone.append(by_name[group[0]])
            continue
        members = set(group)
        inside = [e for e in edges if e[0] in members and e[0] != e[1]]
        pictures.append(_arrange_group([by_name[n] for n in group], inside, neighbours))
    pictures.sort(key=lambda p: (-len(p.boxes), min(p.boxes)))
    if alone:
        pictures.append(_grid(alone, max([p.width for p in pictures] + [0.0])))
    return _shelve(pictures)


def _neighbours(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {name: set() for name in names}
    for child, parent in edges:
        if child != parent:
            found[child].add(parent)
            found[parent].add(child)
    return {name: sorted(others) for name, others in found.items()}


def _groups(neighbours: Mapping[str, list[str]]) -> list[list[str]]:
    """Connected tables, each group in the order in which a walk from its busiest table meets them."""
    seen: set[str] = set()
    groups = []
    for start in sorted(neighbours, key=lambda n: (-len(neighbours[n]), n)):
        if start in seen:
            continue
        group, seen = [start], seen | {start}
        for name in group:
            fresh = [n for n in neighbours[name] if n not in seen]
            group += fresh
            seen |= set(fresh)
        groups.append(group)
    return groups


def _layers(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Longest path from the roots; a root then moves next to its nearest child."""
    parents: dict[str, list[str]] = {n: [] for n in names}
    children: dict[str, list[str]] = {n: [] for n in names}
    for child, parent in edges:
        parents[child].append(parent)
        children[parent].append(child)
    layer = dict.fromkeys(names, 0)
    waiting = {n: len(parents[n]) for n in names}
    ready = [n for n in names if not waiting[n]]
    for name in ready:
        for child in children[name]:
            layer[child] = max(layer[child], layer[name] + 1)
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)
    for name in names:
        if not parents[name] and children[name]:
            layer[name] = min(layer[c] for c in children[name]) - 1
    return layer


def _arrange_group(
    boxes: Sequence[Box], edges: Sequence[tuple[str, str]], neighbours: Mapping[str, list[str]]
) -> Picture:
    layer = _layers([b.name for b in boxes], edges)
    columns = _wrapped(boxes, layer, neighbours)
    placed: dict[str, Box] = {}
    x = 0.0
    for at, column in enumerate(columns):
        width = max(b.width for b in column)
        y = 0.0
        for box in column:
            placed[box.name] = replace(box, x=x, y=y, width=width)
            y += box.height + _GAP
        last = at + 1 == len(columns) or layer[columns[at + 1][0].name] != layer[column[0].name]
        x += width + (_COLUMN_GAP if last else _WRAP_GAP)
    order = [[b.name for b in column] for column in columns]
    for sweep in range(_SETTLINGS):
        for names in order if sweep % 2 == 0 else reversed(order):
            _settle(names, placed, neighbours)
    return _at_origin(placed, order)


def _wrapped(boxes: Sequence[Box], layer: Mapping[str, int], neighbours: Mapping[str, list[str]]) -> list[list[Box]]:
    """Columns of boxes in their order; a layer too high for a pleasant picture takes several columns."""
    rows: dict[int, list[Box]] = {}
    for box in boxes:
        rows.setdefault(layer[box.name], []).append(box)
    layers = [rows[k] for k in sorted(rows)]
    area = sum((b.width + _COLUMN_GAP) * (b.height + _GAP) for b in boxes)
    limit = max(math.sqrt(area / _ASPECT), 3 * max(b.height for b in boxes))
    _order(layers, neighbours)
    columns = []
    for row in layers:
        height = sum(b.height + _GAP for b in row)
        count = max(1, math.ceil(height / limit))
        # Dealt out in turn, so that every column spans the whole order and edges stay nearly level.
        columns += [row[i::count] for i in range(count)]
    return columns


def _order(layers: list[list[Box]], neighbours: Mapping[str, list[str]]) -> None:
    """Sort every layer by the mean place of each table's relations in the other layers, back and forth."""
    place: dict[str, float] = {}

    def number(row: list[Box]) -> None:
        for i, box in enumerate(row):
            place[box.name] = (i + 0.5) / len(row)

    for row in layers:
        number(row)
    for sweep in range(_SWEEPS):
        for row in layers if sweep % 2 == 0 else reversed(layers):
            own = {b.name for b in row}
            wish = {}
            for box in row:
                others = [place[n] for n in neighbours[box.name] if n not in own]
                wish[box.name] = sum(others) / len(others) if others else place[box.name]
            row.sort(key=lambda b: (wish[b.name], place[b.name], b.name))
            number(row)


def _settle(names: Sequence[str], placed: dict[str, Box], neighbours: Mapping[str, list[str]]) -> None:
    """Move a column's boxes as near to the mean height of their relations as their order and gaps allow."""
    own = set(names)
    offset, wishes = 0.0, []
    for name in names:
        others = [placed[n].middle for n in neighbours[name] if n not in own]
        middle = sum(others) / len(others) if others else placed[name].middle
        wishes.append(middle - placed[name].height / 2 - offset)
        offset += placed[name].height + _GAP
    offset = 0.0
    for name, y in zip(names, _rising(wishes), strict=True):
        placed[name] = replace(placed[name], y=y + offset)
        offset += placed[name].height + _GAP


def _rising(wishes: Sequence[float]) -> list[float]:
    """The nearest sequence (least squares) that never falls: pool adjacent violators."""
    pools: list[tuple[float, int]] = []
    for wish in wishes:
        total, count = wish, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            more, others = pools.pop()
            total, count = total + more, count + others
        pools.append((total, count))
    return [total / count for total, count in pools for _ in range(count)]


def _at_origin(placed: Mapping[str, Box], columns: Sequence[Sequence[str]] = ()) -> Picture:
    left, top = min(b.x for b in placed.values()), min(b.y for b in placed.values())
    boxes = {n: replace(b, x=b.x - left, y=b.y - top) for n, b in placed.items()}
    shared = tuple(tuple(column) for column in columns)
    right, bottom = max(b.x + b.width for b in boxes.values()), max(b.y + b.height for b in boxes.values())
    return Picture(boxes, right, bottom, dict.fromkeys(boxes, shared))


def _grid(boxes: Sequence[Box], width: float) -> Picture:
    """Tables without relations in columns of equal width, the next one always to the shortest column."""
    area = sum((b.width + _GAP) * (b.height + _GAP) for b in boxes)
    step = max(b.width for b in boxes) + _GAP
    count = max(1, round(max(width, math.sqrt(area * _ASPECT)) / step))
    heights = [0.0] * min(count, len(boxes))
    placed = {}
    for box in sorted(boxes, key=lambda b: b.name):
        column = heights.index(min(heights))
        placed[box.name] = replace(box, x=column * step, y=heights[column], width=step - _GAP)
        heights[column] += box.height + _GAP
    return _at_origin(placed)


def _shelve(pictures: Sequence[Picture]) -> Picture:
    """Pictures side by side on shelves as wide as a pleasant whole."""
    if not pictures:
        return Picture({}, 0.0, 0.0, {})
    area = sum((p.width + _GROUP_GAP) * (p.height + _GROUP_GAP) for p in pictures)
    limit = max(max(p.width for p in pictures), math.sqrt(area * _ASPECT))
    boxes: dict[str, Box] = {}
    x = y = shelf = 0.0
    for picture in pictures:
        if x and x + picture.width > limit:
            x, y, shelf = 0.0, y + shelf + _GROUP_GAP, 0.0
        boxes |= {n: replace(b, x=b.x + x, y=b.y + y) for n, b in picture.boxes.items()}
        x, shelf = x + picture.width + _GROUP_GAP, max(shelf, picture.height)
    whole = _at_origin(boxes)
    return replace(whole, columns={n: c for p in pictures for n, c in p.columns.items()})

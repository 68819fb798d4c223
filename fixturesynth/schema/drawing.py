"""Pictures of a schema: SVG, a self-contained HTML page, Mermaid.

Parents stand left of their children. A crow's foot is the many end, a dashed edge may be NULL, a red one is cut from
the load order. The text of names is escaped, whatever is in it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from fixturesynth.errors import CycleError
from fixturesynth.schema.graph import ForeignKeyGraph
from fixturesynth.schema.layout import Box, Picture, arrange
from fixturesynth.schema.model import Column, ForeignKey, Schema, Table
from fixturesynth.schema.page import PAGE, STYLE

__all__ = ["draw_html", "draw_mermaid", "draw_svg"]

_MARGIN = 60.0  # a self reference at the edge needs it
_HEADER = 30.0
_ROW = 19.0
_BOTTOM = 8.0
_CHARACTER = 6.7  # mean width of a character at the size of the columns
_NARROWEST, _WIDEST = 130.0, 290.0
_SMALL_SCHEMA = 15  # tables up to which other columns than keys are shown
_ROWS_SMALL, _ROWS_LARGE = 12, 6
_SHORT_TYPES = {"timestamp without time zone": "timestamp", "timestamp with time zone": "timestamptz"}
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True)
class _Row:
    """One line of a box."""

    text: str
    type: str = ""
    badge: str = ""  # PK, FK, PF (both), U or nothing
    column: str | None = None


@dataclass(frozen=True)
class _Edge:
    child: str
    parent: str
    fk: ForeignKey
    optional: bool
    single: bool  # at most one child for a parent
    cut: bool


def draw_svg(schema: Schema, graph: ForeignKeyGraph) -> str:
    """The schema as an SVG picture that follows the viewer's light or dark theme."""
    return _svg(schema, graph, standalone=True)


def draw_html(schema: Schema, graph: ForeignKeyGraph) -> str:
    """The schema as one HTML page without network: pan, zoom, search, click a table to see its relations."""
    edges = sum(len(t.foreign_keys) for t in schema)
    title = _clean(schema.name or "schema")
    options = "".join(f'<option value="{_clean(name)}"></option>' for name in sorted(schema.names))
    parts = {
        "TITLE": title,
        "COUNTS": f"{_counted(len(schema), 'table')}, {_counted(edges, 'foreign key')}",
        "OPTIONS": options,
        "STYLE": STYLE,
        "SVG": _svg(schema, graph, standalone=False),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], PAGE)


def draw_mermaid(schema: Schema, graph: ForeignKeyGraph) -> str:
    """The schema as a Mermaid ``erDiagram``; columns beyond the keys only in small schemas."""
    names = {t.name: _mermaid_entity(i, t.name) for i, t in enumerate(schema)}
    lines = ["erDiagram"]
    for table in schema:
        declared = names[table.name]
        label = f'{declared}["{_mermaid_text(table.name)}"]' if declared != table.name else declared
        lines.append(f"    {label} {{")
        lines += [f"        {line}" for line in _mermaid_columns(table, _shown(table, len(schema)))]
        lines.append("    }")
    for edge in _edges(schema, graph):
        parent_end = "|o" if edge.optional else "||"
        child_end = "o|" if edge.single else "o{"
        line = ".." if edge.optional else "--"
        label = _mermaid_text(", ".join(edge.fk.columns))
        lines.append(f'    {names[edge.parent]} {parent_end}{line}{child_end} {names[edge.child]} : "{label}"')
    return "\n".join(lines) + "\n"


# What is drawn -------------------------------------------------------------------------------------------------------


def _edges(schema: Schema, graph: ForeignKeyGraph) -> list[_Edge]:
    try:
        cuts = {(cut.table, cut.foreign_key) for cut in graph.cut_edges()}
    except CycleError:
        cuts = {(cycle[0]) for cycle in graph.cycles}
    found = []
    for table in schema:
        keys = {frozenset(key) for key in table.keys}
        for fk in table.foreign_keys:
            if fk.parent in schema:
                optional = any(table.column(c).nullable for c in fk.columns)
                single = frozenset(fk.columns) in keys
                found.append(_Edge(table.name, fk.parent, fk, optional, single, (table.name, fk.name) in cuts))
    return found


def _shown(table: Table, tables: int) -> tuple[list[_Row], int]:
    """The rows of a table's box, and how many columns are not among them."""
    primary = set(table.primary_key.columns) if table.primary_key else set()
    foreign = {c for fk in table.foreign_keys for c in fk.columns}
    unique = {key[0] for key in table.keys if len(key) == 1} - primary

    def rank(column: Column) -> int:
        return 0 if column.name in primary else 1 if column.name in foreign else 2 if column.name in unique else 3

    ordered = sorted(table.columns, key=rank)
    small = tables <= _SMALL_SCHEMA
    limit = _ROWS_SMALL if small else _ROWS_LARGE
    chosen = [c for c in ordered if small or rank(c) < 2] or ordered[:2]
    if len(chosen) > limit:
        chosen = chosen[: limit - 1]
    badges = {(True, True): "PF", (True, False): "PK", (False, True): "FK"}
    rows = [
        _Row(
            c.name,
            _SHORT_TYPES.get(c.type.name, c.type.name).replace("character varying", "varchar"),
            badges.get((c.name in primary, c.name in foreign), "U" if c.name in unique else ""),
            c.name,
        )
        for c in chosen
    ]
    return rows, len(table.columns) - len(rows)


def _acyclic(schema: Schema, edges: Sequence[_Edge]) -> list[tuple[str, str]]:
    """Edges without the cut ones; where no cutting was possible, without those that close a cycle."""
    parents: dict[str, set[str]] = {name: set() for name in schema.names}
    kept = []
    for edge in edges:
        if edge.cut or edge.child == edge.parent:
            continue
        above, todo = {edge.parent}, [edge.parent]
        for name in todo:
            fresh = parents[name] - above
            above |= fresh
            todo += sorted(fresh)
        if edge.child not in above:
            parents[edge.child].add(edge.parent)
            kept.append((edge.child, edge.parent))
    return kept


# SVG -----------------------------------------------------------------------------------------------------------------


def _svg(schema: Schema, graph: ForeignKeyGraph, *, standalone: bool) -> str:
    edges = _edges(schema, graph)
    contents = {t.name: _shown(t, len(schema)) for t in schema}
    boxes = [_box(t.name, *contents[t.name]) for t in schema]
    picture = arrange(boxes, _acyclic(schema, edges), [(e.child, e.parent) for e in edges])
    width, height = picture.width + 2 * _MARGIN, picture.height + 2 * _MARGIN
    rows = {
        (name, row.column): _HEADER + _ROW * (i + 0.5)
        for name, (shown, _) in contents.items()
        for i, row in enumerate(shown)
    }
    style = f"<style>{STYLE}</style>" if standalone else ""
    size = f'width="{width:.0f}" height="{height:.0f}"' if standalone else 'id="picture"'
    links = "\n".join(_path(edge, picture, rows) for edge in edges)
    tables = "\n".join(_table(picture.boxes[t.name], *contents[t.name], t.comment) for t in schema)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="schema" {size} viewBox="0 0 {width:.0f} {height:.0f}" '
        f'role="img" aria-label="{_clean(schema.name or "schema")}">{style}{_MARKERS}\n'
        f'<rect class="page" width="100%" height="100%"/>\n'
        f'<g transform="translate({_MARGIN:.0f} {_MARGIN:.0f})">\n<g class="edges">\n{links}\n</g>\n'
        f'<g class="tables">\n{tables}\n</g>\n</g>\n</svg>\n'
    )


def _marker(name: str, path: str, kind: str) -> str:
    return (
        f'<marker id="{name}{kind}" class="end{kind}" viewBox="0 0 12 12" refX="11" refY="6" markerWidth="12" '
        f'markerHeight="12" markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="{path}"/></marker>'
    )


_MARKERS = (
    "<defs>"
    + "".join(
        _marker("many", "M0 6L11 1M0 6L11 6M0 6L11 11", kind) + _marker("one", "M6 1L6 11", kind)
        for kind in ("", "-cut")
    )
    + "</defs>"
)


def _box(name: str, rows: list[_Row], more: int) -> Box:
    longest = max([len(r.text) + 0.8 * min(len(r.type), 14) + 6 for r in rows] + [len(name) * 1.12 + 2])
    width = min(max(longest * _CHARACTER + 24, _NARROWEST), _WIDEST)
    return Box(name, width, _HEADER + _ROW * (len(rows) + bool(more)) + _BOTTOM)


def _table(box: Box, rows: list[_Row], more: int, comment: str | None) -> str:
    name = _clean(box.name)
    tip = name + (f": {_clean(comment)}" if comment else "")
    parts = [
        f'<g class="table" data-name="{name}" transform="translate({box.x:.1f} {box.y:.1f})" tabindex="0">'
        f"<title>{tip}</title>"
        f'<rect class="box" width="{box.width:.1f}" height="{box.height:.1f}" rx="7"/>'
        f'<path class="head" d="M0 {_HEADER:.0f}V7a7 7 0 0 1 7-7H{box.width - 7:.1f}a7 7 0 0 1 7 7V{_HEADER:.0f}z"/>'
        f'<text class="name" x="12" y="20">{_clean(_fitted(box.name, (box.width - 22) / (_CHARACTER * 1.12)))}</text>'
    ]
    for i, row in enumerate(rows):
        y = _HEADER + _ROW * (i + 0.5) + 5.5
        room = (box.width - 46) / _CHARACTER
        text = _fitted(row.text, room)
        kind = _fitted(row.type, min(room - len(text) - 1.5, 14) / 0.8) if room - len(text) > 5 else ""
        parts.append(f'<text class="badge {row.badge.lower() or "none"}" x="10" y="{y:.1f}">{row.badge}</text>')
        parts.append(f'<text class="column" x="34" y="{y:.1f}">{_clean(text)}</text>')
        if kind:
            parts.append(f'<text class="type" x="{box.width - 10:.1f}" y="{y:.1f}">{_clean(kind)}</text>')
    if more:
        y = _HEADER + _ROW * (len(rows) + 0.5) + 5.5
        parts.append(f'<text class="more" x="34" y="{y:.1f}">{_counted(more, "more column")}</text>')
    return "".join(parts) + "</g>"


def _path(edge: _Edge, picture: Picture, rows: dict[tuple[str, str | None], float]) -> str:
    child, parent = picture.boxes[edge.child], picture.boxes[edge.parent]
    start = child.y + rows.get((edge.child, edge.fk.columns[0]), child.height - _BOTTOM - _ROW / 2)
    end = parent.y + rows.get((edge.parent, edge.fk.parent_columns[0]), _HEADER / 2)
    passed = _fanned(picture.corridors(edge.child, edge.parent), edge)
    classes = "edge" + " optional" * edge.optional + " cut" * edge.cut
    kind = "-cut" if edge.cut else ""
    many = f"one{kind}" if edge.single else f"many{kind}"
    columns, targets = ", ".join(edge.fk.columns), ", ".join(edge.fk.parent_columns)
    tip = f"{edge.child}({columns}) -> {edge.parent}({targets})"
    return (
        f'<path class="{classes}" data-child="{_clean(edge.child)}" data-parent="{_clean(edge.parent)}" '
        f'marker-start="url(#{many})" marker-end="url(#one{kind})" d="{_curve(child, start, parent, end, passed)}">'
        f"<title>{_clean(tip)}</title></path>"
    )


def _fanned(passed: list[tuple[float, float, float]], edge: _Edge) -> list[tuple[float, float, float]]:
    """Edges to different parents keep a little apart in a shared gap; those to one parent run together."""
    lane = (sum(edge.parent.encode()) % 5 - 2) * 3.5
    return [(left, right, y + lane) for left, right, y in passed]


def _curve(child: Box, start: float, parent: Box, end: float, passed: Sequence[tuple[float, float, float]]) -> str:
    """From the child's side that faces the parent; both right sides where they stand above each other.

    ``passed`` are the gaps on the way: (left, right, height).
    """
    if parent.x + parent.width < child.x:
        x1, x2, way1, way2 = child.x, parent.x + parent.width, -1, 1
    elif child.x + child.width < parent.x:
        x1, x2, way1, way2 = child.x + child.width, parent.x, 1, -1
    else:
        x1, x2, way1, way2 = child.x + child.width, parent.x + parent.width, 1, 1
        if child.name == parent.name:
            end = parent.y + _HEADER / 2
    straight = 13.0  # the ends' markers lie on straight pieces
    points = [(x1, start), (x1 + way1 * straight, start)]
    for left, right, y in passed if way1 > 0 else reversed(passed):
        points += [(left, y), (right, y)] if way1 > 0 else [(right, y), (left, y)]
    points += [(x2 + way2 * straight, end), (x2, end)]
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}L{points[1][0]:.1f} {points[1][1]:.1f}"
    for (ax, ay), (bx, by) in zip(points[1:-2:2], points[2:-1:2], strict=True):
        bend = (bx - ax) / 2 if way1 != way2 else way1 * 40.0
        after = bend if way1 != way2 else -way2 * 40.0
        path += f"C{ax + bend:.1f} {ay:.1f} {bx - after:.1f} {by:.1f} {bx:.1f} {by:.1f}"
        follow = points[points.index((bx, by)) + 1]
        path += f"L{follow[0]:.1f} {follow[1]:.1f}"
    return path


def _fitted(text: str, characters: float) -> str:
    room = max(int(characters), 1)
    return text if len(text) <= room else text[: room - 1] + "…"


def _clean(text: str) -> str:
    return escape(_ILLEGAL.sub("\ufffd", text), quote=True)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


# Mermaid -------------------------------------------------------------------------------------------------------------

_MERMAID_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_MERMAID_RESERVED = {
                     "one", "only", "many", "to", "zero", "optionally", "style", "class", "classdef", "title",
                     "direction",
                     "end", "u", "o", "tb", "bt", "lr", "rl", "erdiagram", "acctitle", "accdescr"}  # fmt: skip


def _mermaid_entity(index: int, name: str) -> str:
    plain = _MERMAID_WORD.fullmatch(name) and name.casefold() not in _MERMAID_RESERVED
    return name if plain else f"t{index}_{re.sub(r'[^A-Za-z0-9_]', '_', name)}"


def _mermaid_text(text: str) -> str:
    """Inside double quotes; Mermaid's own entity codes for what would end or format them."""
    codes = {'"': "#quot;", "#": "#35;", ";": "#59;", "<": "#lt;", ">": "#gt;", "`": "#96;", "\\": "#92;", "%": "#37;"}
    printable = re.sub(r"\s+", " ", _ILLEGAL.sub("\ufffd", text))
    return "".join(codes.get(char, char) for char in printable)


def _mermaid_columns(table: Table, shown: tuple[list[_Row], int]) -> Iterable[str]:
    keys = {"PK": " PK", "FK": " FK", "PF": " PK, FK", "U": " UK"}
    for row in shown[0]:
        kind = re.sub(r"[^A-Za-z0-9_\[\]()-]+", "_", table.column(row.text).type.name).strip("_") or "unknown"
        kind = kind if kind[0].isalpha() else f"t_{kind}"
        name = row.text if _MERMAID_WORD.fullmatch(row.text) else "c_" + re.sub(r"[^A-Za-z0-9_]", "_", row.text)
        comment = "" if name == row.text else ' "' + re.sub(r'["\s]+', " ", _ILLEGAL.sub("", row.text)) + '"'
        yield f"{kind} {name}{keys.get(row.badge, '')}{comment}"

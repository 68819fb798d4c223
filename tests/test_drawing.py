"""Pictures: whole, escaped, without overlaps, without network."""

import random
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from fixturesynth.schema.drawing import draw_html, draw_mermaid, draw_svg
from fixturesynth.schema.graph import build_graph
from fixturesynth.schema.layout import Box, arrange
from fixturesynth.schema.model import Column, ColumnType, ForeignKey, PrimaryKey, Schema, Table

NUMBER = ColumnType("integer", "integer")
SVG = "{http://www.w3.org/2000/svg}"


def table(name: str, *parents: str, nullable: bool = False, more: int = 0) -> Table:
    columns = [Column("id", NUMBER, False)]
    columns += [Column(f"{p}_{i}", NUMBER, nullable) for i, p in enumerate(parents)]
    columns += [Column(f"c{i}", ColumnType("text", "varchar(40)")) for i in range(more)]
    keys = tuple(ForeignKey(f"fk_{i}", (f"{p}_{i}",), p, ("id",)) for i, p in enumerate(parents))
    return Table(name, tuple(columns), primary_key=PrimaryKey(("id",)), foreign_keys=keys)


def large(count: int) -> Schema:
    dice = random.Random(3)
    names = [f"some_table_{i:03}" for i in range(count)]
    return Schema(tuple(table(n, *dice.sample(names[:i], min(i, i % 4)), more=i % 9) for i, n in enumerate(names)))


SCHEMAS = {
    "empty": Schema(()),
    "one": Schema((table("one", more=40),)),
    "self": Schema((table("tree", "tree", nullable=True),)),
    "cycle that cannot be cut": Schema((table("a", "b"), table("b", "a"), table("c", "a"))),
    "missing parent": Schema((table("a", "elsewhere"),)),
    "nasty names": Schema((
        table('<script>alert("x")</script>', more=2), table("a&b'c", '<script>alert("x")</script>'),
        table("\x00\x1b[31m"), table("{{SVG}} \\1 $&"), table("Größe 表 🙂"), table("end"), table(""), table("x" * 200),
    )),
    "large": large(60),
}  # fmt: skip


@pytest.fixture(params=list(SCHEMAS))
def schema(request: pytest.FixtureRequest) -> Schema:
    return SCHEMAS[request.param]


def test_svg_is_well_formed_and_shows_every_table_and_reference(schema: Schema) -> None:
    root = ET.fromstring(draw_svg(schema, build_graph(schema)))
    groups = [g for g in root.iter(f"{SVG}g") if g.get("class") == "table"]
    edges = [p for p in root.iter(f"{SVG}path") if (p.get("class") or "").startswith("edge")]
    known = [(t.name, fk.parent) for t in schema for fk in t.foreign_keys if fk.parent in schema]
    assert len(groups) == len(schema) and len(edges) == len(known)
    if "\x00" not in "".join(schema.names):
        assert [g.get("data-name") for g in groups] == list(schema.names)
        assert [(e.get("data-child"), e.get("data-parent")) for e in edges] == known
    assert not [e for e in root.iter() if "script" in e.tag]


def test_edges_show_what_they_are() -> None:
    schema = Schema((table("a", "b", nullable=True), table("b", "a"), table("c", "b"), table("d", "c", nullable=True)))
    root = ET.fromstring(draw_svg(schema, build_graph(schema)))
    kinds = {(p.get("data-child"), p.get("data-parent")): p.get("class") for p in root.iter(f"{SVG}path")}
    assert kinds["a", "b"] == "edge optional cut"
    assert kinds["b", "a"] == kinds["c", "b"] == "edge"
    assert kinds["d", "c"] == "edge optional"


def test_html_is_whole_and_fetches_nothing(schema: Schema) -> None:
    page = draw_html(schema, build_graph(schema))
    tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.append(tag)
            assert not {"src", "onload", "onerror"} & {name for name, _ in attrs}
            assert all(not (value or "").startswith("http") for name, value in attrs if name != "xmlns")

    Reader().feed(page)
    assert tags.count("script") == 1 and tags.count("svg") == 1 and tags.count("option") == len(schema)
    assert "prefers-color-scheme: dark" in page
    assert not re.search(r"@import|url\((?!#)", page)


def test_boxes_never_overlap() -> None:
    for schema in SCHEMAS.values():
        places = []
        for group in ET.fromstring(draw_svg(schema, build_graph(schema))).iter(f"{SVG}g"):
            if group.get("class") == "table":
                x, y = map(float, re.findall(r"-?[\d.]+", group.get("transform") or ""))
                box = next(r for r in group.iter(f"{SVG}rect"))
                places.append((x, y, x + float(box.get("width") or 0), y + float(box.get("height") or 0)))
        for i, (left, top, right, bottom) in enumerate(places):
            for other in places[i + 1 :]:
                assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top


def test_parents_stand_left_of_their_children_and_edges_pass_between_boxes() -> None:
    names = [f"t{i}" for i in range(20)]
    edges = [(names[i], names[j]) for i in range(20) for j in range(i) if (i * 7 + j * 3) % 11 == 0]
    picture = arrange([Box(n, 150, 90) for n in names], edges, edges)
    for child, parent in edges:
        one, two = picture.boxes[parent], picture.boxes[child]
        assert one.x + one.width < two.x
        for left, right, y in picture.corridors(child, parent):
            assert not [b for b in picture.boxes.values() if left <= b.x < right and b.y <= y <= b.y + b.height]


def test_pictures_have_a_pleasant_shape_at_300_tables() -> None:
    schema = large(300)
    root = ET.fromstring(draw_svg(schema, build_graph(schema)))
    width, height = map(float, (root.get("viewBox") or "").split()[2:])
    assert 0.5 < width / height < 5


def test_the_same_schema_gives_the_same_picture() -> None:
    assert draw_html(large(40), build_graph(large(40))) == draw_html(large(40), build_graph(large(40)))


def test_mermaid() -> None:
    schema = Schema((table("shop"), table("order line", "shop", nullable=True), table("end", "shop")))
    assert draw_mermaid(schema, build_graph(schema)).splitlines() == [
        "erDiagram",
        "    shop {",
        "        integer id PK",
        "    }",
        '    t1_order_line["order line"] {',
        "        integer id PK",
        "        integer shop_0 FK",
        "    }",
        '    t2_end["end"] {',
        "        integer id PK",
        "        integer shop_0 FK",
        "    }",
        '    shop |o..o{ t1_order_line : "shop_0"',
        '    shop ||--o{ t2_end : "shop_0"',
    ]


def test_mermaid_lines_are_valid_whatever_the_names(schema: Schema) -> None:
    text = r'"[^"\x00-\x1f]*"'
    attribute = re.compile(rf" {{8}}[A-Za-z][A-Za-z0-9_\[\]()-]* [A-Za-z]\w*( (PK|FK|UK|PK, FK))?( {text})?", re.ASCII)
    entity = re.compile(rf" {{4}}[A-Za-z]\w*(\[{text}\])? {{", re.ASCII)
    relation = re.compile(rf" {{4}}\w+ (\|\||\|o)(--|\.\.)(o\{{|o\|) \w+ : {text}", re.ASCII)
    first, *lines = draw_mermaid(schema, build_graph(schema)).splitlines()
    assert first == "erDiagram"
    for line in lines:
        assert line == "    }" or any(p.fullmatch(line) for p in (attribute, entity, relation)), line

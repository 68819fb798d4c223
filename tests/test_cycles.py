"""Tables that require each other: planned where the target can load them, loaded with every constraint on."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from catalogue_audit import put_script, violations
from test_seeding import audit, seeded

from fixturesynth.dataset import Dataset
from fixturesynth.errors import CycleError
from fixturesynth.loading.loader import load
from fixturesynth.loading.ordering import load_order
from fixturesynth.schema.graph import build_graph
from fixturesynth.schema.model import Schema
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import plan_rules

ROWS = 200
ALL = ("postgresql", "mysql", "sqlite")

Tables = Mapping[str, tuple[str, Sequence[str]]]  # name -> columns and checks, foreign keys

PAIR: Tables = {
    "a": ("id int PRIMARY KEY, b int NOT NULL", ["(b) REFERENCES b (id)"]),
    "b": ("id int PRIMARY KEY, a int NOT NULL", ["(a) REFERENCES a (id)"]),
}
RING: Tables = {
    "a": ("id int PRIMARY KEY, b int NOT NULL, e int", ["(b) REFERENCES b (id)", "(e) REFERENCES e (id)"]),
    "b": ("id int PRIMARY KEY, c int NOT NULL UNIQUE", ["(c) REFERENCES c (id)"]),
    "c": ("id int PRIMARY KEY, d int NOT NULL, a2 int NOT NULL", ["(d) REFERENCES d (id)", "(a2) REFERENCES a (id)"]),
    "d": ("id int PRIMARY KEY, a int NOT NULL, d int NOT NULL", ["(a) REFERENCES a (id)", "(d) REFERENCES d (id)"]),
    "e": ("id int PRIMARY KEY, f int NOT NULL, d int NOT NULL", ["(f) REFERENCES f (id)", "(d) REFERENCES d (id)"]),
    "f": ("id int PRIMARY KEY, e int NOT NULL", ["(e) REFERENCES e (id)"]),
    "g": ("id int PRIMARY KEY, a int NOT NULL, f int", ["(a) REFERENCES a (id)", "(f) REFERENCES f (id)"]),
}
TENANTS: Tables = {
    "tenant": ("id int PRIMARY KEY", []),
    "team": (
        "tenant_id int NOT NULL, id int NOT NULL, lead_id int NOT NULL, PRIMARY KEY (tenant_id, id)",
        ["(tenant_id) REFERENCES tenant (id)", "(tenant_id, lead_id) REFERENCES member (tenant_id, id)"],
    ),
    "member": (
        "tenant_id int NOT NULL, id int NOT NULL, team_id int NOT NULL, boss_id int, mentor_id int NOT NULL, "
        "PRIMARY KEY (tenant_id, id)",
        [
            "(tenant_id) REFERENCES tenant (id)",
            "(tenant_id, team_id) REFERENCES team (tenant_id, id)",
            "(tenant_id, boss_id) REFERENCES member (tenant_id, id)",
            "(tenant_id, mentor_id) REFERENCES member (tenant_id, id)",
        ],
    ),
}
CHECKED: Tables = {
    "a": (
        "id int PRIMARY KEY, b int, other int, CHECK ((b IS NULL) <> (other IS NULL))",
        ["(b) REFERENCES b (id)"],
    ),
    "b": ("id int PRIMARY KEY, a int NOT NULL", ["(a) REFERENCES a (id)"]),
}
KEYLESS: Tables = {
    "a": ("id int NOT NULL UNIQUE, b int", ["(b) REFERENCES b (id)"]),
    "b": ("id int NOT NULL UNIQUE, a int", ["(a) REFERENCES a (id)"]),
}
ITSELF: Tables = {
    "node": (
        "id int PRIMARY KEY, parent int NOT NULL, other int NOT NULL, CHECK (parent <> id)",
        ["(parent) REFERENCES node (id)", "(other) REFERENCES node (id)"],
    ),
}
CASES: Mapping[str, Tables] = {
    "pair": PAIR, "ring": RING, "tenants": TENANTS, "checked": CHECKED, "keyless": KEYLESS, "itself": ITSELF,
}  # fmt: skip


def script(tables: Tables, dialect: str) -> str:
    """CREATE TABLE for each; foreign keys inside, which only SQLite takes before the parent is there, or afterwards."""
    lines, after = [], []
    for name, (columns, keys) in tables.items():
        inside = [f"FOREIGN KEY {key}" for key in keys] if dialect == "sqlite" else []
        lines.append(f"CREATE TABLE {name} ({', '.join([columns, *inside])});")
        after += [f"ALTER TABLE {name} ADD FOREIGN KEY {key};" for key in keys] if dialect != "sqlite" else []
    return "\n".join([*lines, *after])


@pytest.fixture(params=ALL)
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def made(request: pytest.FixtureRequest, tmp_path: Path, dialect: str, text: str) -> str:
    url: str = request.getfixturevalue(f"{dialect}_database")
    path = tmp_path / "schema.sql"
    path.write_text(text)
    put_script(url, path)
    return url


@pytest.mark.parametrize("name", CASES)
def test_cycles_of_required_references_are_seeded(
    name: str, dialect: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = made(request, tmp_path, dialect, script(CASES[name], dialect))
    audit(url, seeded(url, ROWS))

"""Tables that require each other: planned where the target can load them, loaded with every constraint on."""

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from catalogue_audit import put_script
from conftest import run_on
from test_seeding import audit, seeded

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


def test_nobody_needs_to_be_superuser(postgresql_database: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A role that may read and write rows, no more, fills a cycle; every constraint stays as it is."""
    path = tmp_path / "schema.sql"
    path.write_text(script(RING, "postgresql"))
    put_script(postgresql_database, path)
    role = f"fixturesynth_{uuid.uuid4().hex[:12]}"
    run_on(
        postgresql_database,
        f"CREATE ROLE {role} LOGIN PASSWORD '{role}' NOSUPERUSER",
        f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {role}",
    )
    try:
        url = sa.make_url(postgresql_database).set(username=role, password=role)
        synthesizer = seeded(url.render_as_string(hide_password=False), 50)
        audit(postgresql_database, synthesizer)
    finally:
        run_on(postgresql_database, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


# Where a second pass cannot wait as NULL, or a reference needs more than its own column.
ODD = """
CREATE DOMAIN positive AS int NOT NULL CHECK (VALUE > 0);
CREATE TABLE always (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, other positive, twice int GENERATED ALWAYS AS (other * 2) STORED);
CREATE TABLE part (id int NOT NULL, region text NOT NULL, always_id bigint NOT NULL REFERENCES always,
  PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE part_eu PARTITION OF part FOR VALUES IN ('de', 'fr') PARTITION BY HASH (id);
CREATE TABLE part_eu_0 PARTITION OF part_eu FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE part_eu_1 PARTITION OF part_eu FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE part_us PARTITION OF part FOR VALUES IN ('us') PARTITION BY RANGE (id);
CREATE TABLE part_us_0 PARTITION OF part_us FOR VALUES FROM (0) TO (1000);
CREATE TABLE part_us_1 PARTITION OF part_us FOR VALUES FROM (1000) TO (MAXVALUE);
CREATE TABLE "We ird" ("a b" int PRIMARY KEY, region text, part int, always_id bigint NOT NULL REFERENCES always,
  FOREIGN KEY (region, part) REFERENCES part (region, id) MATCH FULL);
ALTER TABLE always ADD back int NOT NULL REFERENCES "We ird" ("a b");
ALTER TABLE always ADD a text, ADD b int, ADD FOREIGN KEY (a, b) REFERENCES part (region, id) MATCH FULL;
CREATE TABLE base (id int PRIMARY KEY, heir int);
CREATE TABLE heir (extra int NOT NULL UNIQUE, base_id int NOT NULL REFERENCES base) INHERITS (base);
ALTER TABLE base ADD FOREIGN KEY (heir) REFERENCES heir (extra);
CREATE VIEW seen AS SELECT * FROM base;
CREATE MATERIALIZED VIEW kept AS SELECT count(*) FROM part;
CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER teller BEFORE INSERT ON base FOR EACH ROW EXECUTE FUNCTION told();
"""


def test_cycles_with_partitions_inheritance_and_identity(postgresql_database: str, tmp_path: Path) -> None:
    path = tmp_path / "schema.sql"
    path.write_text(ODD)
    put_script(postgresql_database, path)
    synthesizer = seeded(postgresql_database, ROWS)
    audit(postgresql_database, synthesizer)
    names = {t.name for t in synthesizer.plan.tables}
    assert "seen" not in names and "kept" not in names
    assert any(note.startswith("base: ") and "teller" in note for note in synthesizer.plan.notes)

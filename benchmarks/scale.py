"""A schema as large as a big application's: what each phase of seeding costs, without rows or a spec.

    python benchmarks/scale.py [--dialect postgresql mysql sqlite] [--rows 1000] [--tables 374] [--profile PHASE]

Makes a schema by code (by default 374 tables, 770 foreign keys, 663 checks; composite, partial and expression uniques,
enums, self references, cycles), puts it on its server and prints seconds of each phase: of the wall clock and of this
process. What the server itself spends is the difference; on a machine with other work the second figure is the one to
compare. ``--profile PHASE`` prints where the time of a phase went. Servers are found as the tests find them.
"""

import argparse
import cProfile
import pstats
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

from catalogue_audit import put_script, violations  # noqa: E402
from seeding import database  # noqa: E402

from fixturesynth.loading.loader import load  # noqa: E402
from fixturesynth.planning.planner import Wishes  # noqa: E402
from fixturesynth.planning.rows import RowsAsked  # noqa: E402
from fixturesynth.schema.reflection import reflect  # noqa: E402
from fixturesynth.synthesizer import plan_rules  # noqa: E402

NOUNS = """
    user namespace project group issue merge_request pipeline build runner deployment environment release milestone
    label board epic note snippet commit branch tag package registry cluster agent vulnerability finding scanner policy
    license subscription plan invoice payment token key webhook service integration import export event audit_event
"""
PARTS = """
    settings members links states templates details metrics approvals rules uploads statistics histories mentions
    assignees favourites redirects features
"""
KINDS = {  # neutral type -> PostgreSQL, MySQL, SQLite
    "id": ("bigserial", "bigint AUTO_INCREMENT", "integer"),
    "ref": ("bigint", "bigint", "integer"),
    "integer": ("integer", "int", "integer"),
    "smallint": ("smallint", "smallint", "integer"),
    "boolean": ("boolean", "tinyint(1)", "boolean"),
    "text": ("text", "varchar(1024)", "text"),
    "name": ("varchar(255)", "varchar(255)", "varchar(255)"),
    "slug": ("varchar(120)", "varchar(120)", "varchar(120)"),
    "time": ("timestamptz", "datetime", "timestamp"),
    "date": ("date", "date", "date"),
    "money": ("numeric(12,2)", "decimal(12,2)", "decimal(12,2)"),
    "float": ("double precision", "double", "real"),
    "json": ("jsonb", "json", "json"),
    "uuid": ("uuid", "char(36)", "char(36)"),
    "bytes": ("bytea", "blob", "blob"),
}
COLUMNS = (  # what tables are filled up with: name, type, how often it may be NULL
    ("name", "name", 0.2), ("title", "name", 0.3), ("description", "text", 0.9), ("created_at", "time", 0.0),
    ("updated_at", "time", 0.0), ("deleted_at", "time", 1.0), ("position", "integer", 0.5), ("enabled", "boolean", 0.1),
    ("url", "text", 0.5), ("email", "name", 0.4), ("amount", "money", 0.3), ("score", "float", 0.5),
    ("metadata", "json", 0.7), ("external_uid", "uuid", 0.4), ("digest", "bytes", 0.6), ("started_on", "date", 0.6),
    ("attempts", "smallint", 0.1), ("message", "text", 0.6), ("sha", "slug", 0.5), ("locked", "boolean", 0.0),
    ("priority", "smallint", 0.3), ("ip", "name", 0.8), ("color", "slug", 0.7), ("path", "text", 0.2),
)  # fmt: skip
STATES = ("created", "pending", "running", "success", "failed", "canceled", "skipped", "archived")


@dataclass
class Drawn:
    """One table as it is being put together."""

    name: str
    columns: list[tuple[str, str, bool]] = field(default_factory=list)  # name, neutral or native type, nullable
    uniques: list[tuple[str, ...]] = field(default_factory=list)
    indexes: list[str] = field(default_factory=list)  # unique indexes in the dialect's own words
    references: list[tuple[str, str]] = field(default_factory=list)  # column, parent
    checks: list[str] = field(default_factory=list)
    enum: tuple[str, ...] = ()
    link: bool = False


def script(dialect: str, tables: int, references: int, checks: int) -> str:
    """The schema in the dialect's SQL, the same for the same arguments."""
    source = random.Random(f"{tables} {references} {checks}")
    made = [_table(source, n, dialect) for n in _names(tables)]
    _refer(source, made, references)
    _constrain(source, made, checks, dialect)
    return "\n".join([*(s for t in made for s in _enum_type(t, dialect)), *_written(made, dialect)])


def _names(count: int) -> list[str]:
    plain = [f"{n}s" for n in NOUNS.split()]
    return (plain + [f"{n}_{p}" for p in PARTS.split() for n in NOUNS.split()])[:count]


def _table(source: random.Random, name: str, dialect: str) -> Drawn:
    made = Drawn(name, link=name.endswith(("_members", "_assignees", "_mentions", "_favourites")))
    if made.link:
        made.columns.append(("created_at", "time", False))
        return made
    made.columns.append(("id", "id", False))
    chosen = sorted(source.sample(range(len(COLUMNS)), source.randint(4, 10)))
    made.columns += [(n, kind, source.random() < share) for n, kind, share in (COLUMNS[i] for i in chosen)]
    if source.random() < 0.3:
        made.enum = tuple(source.sample(STATES, source.randint(3, 6)))
        made.columns.append(("status", "enum", False))
    if source.random() < 0.25:
        made.columns.append(("slug", "slug", False))
        made.uniques.append(("slug",))
    return made


def _refer(source: random.Random, tables: list[Drawn], count: int) -> None:
    """Most references go to a few tables, as in every application; some tables refer to themselves, some in circles."""
    place = {t.name: i for i, t in enumerate(tables)}
    left = count

    def add(table: Drawn, parent: str, column: str, nullable: bool) -> None:
        nonlocal left
        if left and parent in place and all(c != column for c, *_ in table.columns):
            table.columns.append((column, "ref", nullable))
            table.references.append((column, parent))
            left -= 1

    whole = [t for t in tables if not t.link]
    for table in tables:
        head = next((n for n in NOUNS.split() if table.name.startswith(f"{n}_")), None)
        if head and place[f"{head}s"] < place[table.name]:
            add(table, f"{head}s", f"{head}_id", False)
        if table.link:
            add(table, "users", "member_id", False)
            table.uniques.append(tuple(c for c, _ in table.references))
    for table in source.sample(whole, len(whole) // 12):
        add(table, table.name, "parent_id", True)
    for table in source.sample([t for t in whole if place[t.name] < 40], 6):
        add(table, tables[source.randint(60, len(tables) - 1)].name if len(tables) > 60 else "", "latest_id", True)
        if table.references and next(t for t in tables if t.name == table.references[-1][1]).link:
            table.references.pop()
            table.columns.pop()
            left += 1
    roles = ("author", "owner", "project", "namespace", "creator", "reviewer", "source", "target", "group", "pipeline")
    while left:
        table = source.choice(whole[1:])
        role = source.choice(roles)
        parent = f"{role}s" if f"{role}s" in place else "users"
        if source.random() < 0.3:
            parent = tables[int(place[table.name] * source.random() ** 2)].name
            role = parent.removesuffix("s")
        if place[parent] < place[table.name] and not tables[place[parent]].link:
            add(table, parent, f"{role}_id", source.random() < 0.5)
    for table in whole:
        required = [c for c, _ in table.references if next(n for x, _, n in table.columns if x == c) is False]
        texts = [c for c, kind, nullable in table.columns if kind == "name" and not nullable]
        if required and texts and source.random() < 0.5:
            table.uniques.append((required[0], texts[0]))
        elif len(required) > 1 and source.random() < 0.4:
            table.uniques.append(tuple(required[:2]))


def _constrain(source: random.Random, tables: list[Drawn], count: int, dialect: str) -> None:
    length = "length" if dialect == "sqlite" else "char_length"
    possible: list[tuple[Drawn, str]] = []
    for table in tables:
        kinds = {n: kind for n, kind, _ in table.columns}
        empty = {n for n, _, nullable in table.columns if nullable}
        possible += [
            (table, f"{length}({n}) <= {source.choice((64, 100, 255))}")
            for n, k in kinds.items()
            if k in ("text", "name")
        ]
        possible += [(table, f"{n} >= 0") for n in kinds if n in ("amount", "attempts", "position")]
        possible += [(table, "score BETWEEN 0 AND 100")] * ("score" in kinds)
        possible += [(table, "priority IN (1, 2, 3, 4, 5)")] * ("priority" in kinds)
        possible += [(table, "slug = lower(slug)")] * ("slug" in kinds)
        possible += [(table, "updated_at >= created_at")] * ({"created_at", "updated_at"} <= set(kinds))
        possible += [(table, "deleted_at IS NULL OR deleted_at > created_at")] * (
            {"created_at", "deleted_at"} <= set(kinds)
        )
        possible += [(table, "(message IS NULL) = (digest IS NULL)")] * ({"message", "digest"} <= empty)
        possible += [(table, "url IS NOT NULL OR path IS NOT NULL")] * (
            {"url", "path"} <= set(kinds) and bool({"url", "path"} & empty)
        )
        possible += [(table, "NOT enabled OR attempts < 10")] * ({"enabled", "attempts"} <= set(kinds))
        if dialect != "mysql" and "deleted_at" in empty and "name" in kinds and source.random() < 0.3:
            table.indexes.append("(name) WHERE deleted_at IS NULL")
        if dialect != "mysql" and "email" in kinds and source.random() < 0.4:
            table.indexes.append("(lower(email))")
    source.shuffle(possible)
    for table, text in possible[:count]:
        table.checks.append(text)


def _enum_type(table: Drawn, dialect: str) -> list[str]:
    listed = ", ".join(f"'{s}'" for s in table.enum)
    return [f"CREATE TYPE {table.name}_status AS ENUM ({listed});"] if table.enum and dialect == "postgresql" else []


def _written(tables: list[Drawn], dialect: str) -> list[str]:
    which = ("postgresql", "mysql", "sqlite").index(dialect)
    quote = "`" if dialect == "mysql" else '"'
    lines, later = [], []
    for table in tables:
        parts = []
        for name, kind, nullable in table.columns:
            own = KINDS[kind][which] if kind in KINDS else _enum(table, dialect)
            parts.append(f"{quote}{name}{quote} {own}{'' if nullable else ' NOT NULL'}")
        key = table.uniques[0] if table.link else ("id",)
        parts.append(f"PRIMARY KEY ({', '.join(key)})")
        parts += [f"UNIQUE ({', '.join(u)})" for u in table.uniques[int(table.link) :]]
        named = [(f"{table.name}_{c}_fk", c, p) for c, p in table.references]
        keys = [
            f"CONSTRAINT {n} FOREIGN KEY ({c}) REFERENCES {quote}{p}{quote} ({_key(tables, p)})" for n, c, p in named
        ]
        parts += keys if dialect == "sqlite" else []
        checks = [c.replace("position", f"{quote}position{quote}") for c in table.checks]
        parts += [f"CONSTRAINT {table.name}_check_{i} CHECK ({c})" for i, c in enumerate(checks)]
        lines.append(f"CREATE TABLE {quote}{table.name}{quote} (\n  " + ",\n  ".join(parts) + "\n);")
        later += [] if dialect == "sqlite" else [f"ALTER TABLE {quote}{table.name}{quote} ADD {k};" for k in keys]
        for i, index in enumerate(table.indexes):
            later.append(f"CREATE UNIQUE INDEX {table.name}_index_{i} ON {quote}{table.name}{quote} {index};")
        for _, c, _ in named:
            later.append(f"CREATE INDEX {table.name}_{c}_index ON {quote}{table.name}{quote} ({c});")
    return lines + later


def _key(tables: list[Drawn], name: str) -> str:
    assert not next(t for t in tables if t.name == name).link
    return "id"


def _enum(table: Drawn, dialect: str) -> str:
    listed = ", ".join(f"'{s}'" for s in table.enum)
    return {
        "postgresql": f"{table.name}_status",
        "mysql": f"enum({listed})",
        "sqlite": f"text CHECK (status IN ({listed}))",
    }[dialect]


@dataclass
class Clock:
    """Runs phases and keeps what each cost."""

    profiled: str | None
    spent: dict[str, tuple[float, float]] = field(default_factory=dict)

    def __call__(self, phase: str, work: Callable[[], Any]) -> Any:
        profiler = cProfile.Profile() if phase == self.profiled else None
        wall, cpu = time.perf_counter(), time.process_time()
        result = profiler.runcall(work) if profiler else work()
        self.spent[phase] = (time.perf_counter() - wall, time.process_time() - cpu)
        if profiler:
            pstats.Stats(profiler).sort_stats("tottime").print_stats(45).sort_stats("cumtime").print_stats(70)
        return result


def measure(dialect: str, arguments: argparse.Namespace, folder: Path) -> None:
    path = folder / f"scale.{dialect}.sql"
    path.write_text(script(dialect, arguments.tables, arguments.references, arguments.checks))
    clock = Clock(arguments.profile)
    with database(dialect) as url:
        put_script(url, path)
        schema = clock("reflect", lambda: reflect(url))
        wishes = Wishes(rows=RowsAsked({}, default=arguments.rows))
        synthesizer = clock("plan", lambda: plan_rules(schema, wishes=wishes, seed=7))
        data = clock("sample", synthesizer.sample)
        later: dict[str, list[str]] = {}
        for table in synthesizer.plan.shown:
            for reference in table.references:
                if reference.how == "later":
                    later.setdefault(table.name, []).extend(
                        schema[table.name].foreign_key(reference.foreign_key).columns
                    )
        clock("load", lambda: load(data, url, order=list(data), later=later))
        broken, asked = clock("audit", lambda: violations(url))
    columns = sum(data.arrow(n).num_columns for n in data) / len(data)
    print(
        f"{dialect}: {len(schema)} tables, {sum(len(t.foreign_keys) for t in schema)} foreign keys, "
        f"{sum(len(t.checks) for t in schema)} checks, {sum(len(t.uniques) for t in schema)} unique besides keys; "
        f"{sum(data.rows.values()):,} rows of {columns:.1f} columns; {len(broken)} of {asked} conditions broken"
    )
    for what in broken[:5]:
        print(f"    {what}")
    print("    " + "".join(f"{phase:>10}" for phase in clock.spent))
    for i, name in enumerate(("wall s", "CPU s")):
        print("    " + "".join(f"{spent[i]:10.2f}" for spent in clock.spent.values()) + f"   {name}")
    print(f"    peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dialect", nargs="+", default=["postgresql", "mysql", "sqlite"])
    parser.add_argument("--rows", type=int, default=1000, help="rows of a table (default: 1000)")
    parser.add_argument("--tables", type=int, default=374)
    parser.add_argument("--references", type=int, default=770)
    parser.add_argument("--checks", type=int, default=663)
    parser.add_argument("--profile", metavar="PHASE", choices=("reflect", "plan", "sample", "load"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for dialect in arguments.dialect:
            measure(dialect, arguments, Path(folder))


if __name__ == "__main__":
    main()

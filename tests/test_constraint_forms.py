"""Every form of constraint that docs/constraints.md lists, seeded into the real servers; the document is held to it.

``FIXTURESYNTH_WRITE_DOCS=1 pytest tests/test_constraint_forms.py`` writes the document anew.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

import pytest
import sqlalchemy as sa
from catalogue_audit import violations
from conftest import REPOSITORY
from constraint_forms import DIALECTS, FORMS, Form

from fixturesynth.errors import ConstraintError
from fixturesynth.loading.judging import make_judge
from fixturesynth.loading.loader import load
from fixturesynth.loading.verdicts import Judge
from fixturesynth.planning.planner import Wishes
from fixturesynth.planning.rows import RowsAsked
from fixturesynth.sampling.repairs import FRESH, LENDINGS
from fixturesynth.schema.model import Schema
from fixturesynth.schema.predicates import compile_constraints
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import Synthesizer, plan_rules

ROWS = 40
DOCUMENT = REPOSITORY / "docs" / "constraints.md"
WRITES = os.environ.get("FIXTURESYNTH_WRITE_DOCS") == "1"
NAMES = {"postgresql": "PostgreSQL", "mysql": "MySQL, MariaDB", "sqlite": "SQLite"}
CASES = [pytest.param(d, n, id=f"{d}-{f.title}") for d in DIALECTS for n, f in enumerate(FORMS) if d in f.body]
WAYS = {
    "solved": "read as domains, orders and branches before any row is made",
    "computed": "judged on the rows; in one that fails, columns are computed from the others, lent or redrawn",
    "tried": "candidate values are judged here while planning, and those that pass are the column's values",
    "tried there": "candidate values are judged by the target database while planning; without it, refused",
    "refused": "refused while planning, naming table, constraint and text",
}
seen: dict[tuple[str, str], str] = {}


@dataclass(frozen=True)
class Database:
    url: str
    schema: Schema
    judge: Judge


@pytest.fixture(scope="module")
def databases(
    postgresql_url: str, mysql_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Database]]:
    """One database for each dialect, with a table for each form that it has."""
    servers = {"postgresql": postgresql_url, "mysql": mysql_url}
    urls, name = {}, f"fixturesynth_test_forms_{os.getpid()}"
    for dialect, server in servers.items():
        run(server, f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
        urls[dialect] = sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    path = tmp_path_factory.mktemp("forms") / "forms.sqlite"
    path.touch()
    urls["sqlite"] = f"sqlite:///{path}"
    try:
        yield {dialect: standing(dialect, url) for dialect, url in urls.items()}
    finally:
        run(servers["postgresql"], f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        run(servers["mysql"], f"DROP DATABASE IF EXISTS {name}")


def run(url: str, *statements: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    engine.dispose()


def standing(dialect: str, url: str) -> Database:
    statements = []
    for number, form in enumerate(FORMS):
        if dialect in form.body:
            statements += [form.before] if form.before else []
            statements.append(f"CREATE TABLE form_{number} (id integer PRIMARY KEY, {form.body[dialect]})")
    run(url, *statements)
    return Database(url, reflect(url), make_judge(url))


def planned(schema: Schema, judge: Judge | None) -> Synthesizer | None:
    try:
        return plan_rules(schema, wishes=Wishes(rows=RowsAsked({}, default=ROWS)), seed=7, judge=judge)
    except ConstraintError as error:
        assert schema.tables[0].name in str(error)
        return None


def way_of(schema: Schema, judge: Judge) -> str:
    """How the checks of the only table are held."""
    without = planned(schema, None)
    made = without or planned(schema, judge)
    if made is None:
        return "refused"
    plan = made.plan.tables[0]
    held = {name for branches in plan.branches for name in branches.checks}
    if any(name not in held for name, _ in plan.repairs):
        return "computed"
    if without is None:
        return "tried there"
    plain = solved_alone(schema)
    return "solved" if plain else "tried"


def solved_alone(schema: Schema) -> bool:
    found = compile_constraints(schema.tables[0], schema.dialect)
    branched = {(a.name, a.text) for a in found.alternatives}
    return all(pair in branched for pair in found.not_understood)


@pytest.mark.parametrize(("dialect", "number"), CASES)
def test_every_form_is_seeded_and_documented(dialect: str, number: int, databases: dict[str, Database]) -> None:
    form, database = FORMS[number], databases[dialect]
    schema = replace(database.schema, tables=(database.schema[f"form_{number}"],))
    way = way_of(schema, database.judge)
    seen[form.title, dialect] = way
    if not WRITES:
        assert documented()[form.title][dialect] == way
    made = planned(schema, database.judge)
    assert (made is None) == (way == "refused") == form.refused
    if made is not None:
        data = made.sample()
        load(data, database.url, schema=schema, order=list(data))
        assert data.arrow(f"form_{number}").num_rows == made.plan.tables[0].rows > 0


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_server_finds_no_violation_in_them(dialect: str, databases: dict[str, Database]) -> None:
    found, asked = violations(databases[dialect].url)
    assert found == []
    assert asked


def test_the_document_lists_every_form_and_no_other() -> None:
    if WRITES:
        DOCUMENT.write_text(document(), encoding="utf-8")
    assert list(documented()) == [form.title for form in FORMS]
    assert DOCUMENT.read_text(encoding="utf-8") == document(
        {(t, d): w for t, c in documented().items() for d, w in c.items()}
    )


def documented() -> dict[str, dict[str, str]]:
    """title -> dialect -> what the document's table says."""
    out = {}
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        cells = [c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 5 and cells[0] not in ("form", "---"):
            out[cells[0].replace("\\|", "|")] = dict(zip(DIALECTS, cells[2:], strict=True))
    return out


def document(ways: dict[tuple[str, str], str] | None = None) -> str:
    ways = seen if ways is None else ways
    lines = [HEAD.format(rows=ROWS, ways="\n".join(f"| {name} | {what} |" for name, what in WAYS.items()))]
    for group, forms in groupby(FORMS, key=lambda form: form.group):
        lines += [f"## {group}", "", f"| form | for example | {' | '.join(NAMES.values())} |", "|---|---|---|---|---|"]
        for form in forms:
            cells = [ways.get((form.title, d), "-") for d in DIALECTS]
            lines.append(f"| {form.title} | `{example(form)}` | {' | '.join(cells)} |".replace("||", "\\|\\|"))
        lines.append("")
    return "\n".join([*lines, TAIL.format(lendings=LENDINGS, fresh=FRESH)])


def example(form: Form) -> str:
    """What is asked, in the words of the first dialect that has the form."""
    body = next(form.body[d] for d in DIALECTS if d in form.body)
    found = re.search(r"(CHECK|UNIQUE|EXCLUDE)\b.*", body)
    return (found[0] if found else body).replace("`", "").replace("|", "\\|")


HEAD = """# Constraints

What is understood of checks, domains and unique sets when there are no rows to learn from. Every line of the tables is
a table of {rows} rows that the tests seed into the real servers (PostgreSQL 15, MariaDB 10.11, SQLite), with the
constraint on and nothing written by hand; the tests write this page, and fail when it is out of date.

| word | how it is held |
|---|---|
{ways}
| - | the dialect has no such form |
"""

TAIL = """## What is tried, and where

- A condition on one column that cannot be solved is tried: the column's own rule gives candidates, and so do the
  constants that the condition names, lengths, days, documents of every shape. Those that pass become the values of the
  column, at most 256 of them, more where the column is unique.
- Where the condition cannot be evaluated outside the database (a function of your own, a JSON path, a range), the
  target itself judges the candidates, in batches, in a temporary table of a transaction that is rolled back. `seed`
  does that with its target, every other command with its source when that is a database. Scripts of SQLite need
  neither: the SQLite that comes with Python judges them.
- Conditions on several columns that only the database can evaluate are tried in at most four batches of 1,024 rows;
  up to 64 rows that pass are the choices of the table's rows.
- What no candidate passes is refused while planning, with table, constraint and text. Columns of foreign keys and
  generated columns are not tried.
- Conditions between columns are computed: `total = price * quantity` gives the total, `ends - starts <= 30` bounds the
  end. Rows that still fail borrow values from rows that pass, at most {lendings} times, then draw anew, at most
  {fresh} times.

## What stays the same

The candidates are the same for the same column and condition, and a plan holds the values that passed: the same
database gives the same plan and the same bytes. Another version of a function in the database, or of the database, may
let other candidates pass and then gives another plan. Comparisons with `now()` are held for ten years from the plan's
pinned moment (`now` in the spec), whenever the rows are loaded.
"""

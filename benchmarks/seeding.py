"""Seeding without rows or a spec: how long planning, sampling and loading take on schemas of real applications.

    python benchmarks/seeding.py [--rows 1000] [--folder FOLDER] [NAME ...]

Reads ``ddl/*.sql`` of the shared folder (FIXTURESYNTH_SHARED, else ``../shared``) and ``schemas/*.sql``, puts each in a
throw-away database on its own server and prints one line a schema. Servers as for the tests. ``--folder`` reads the
scripts of another folder instead, named ``NAME.pg.sql``, ``NAME.mysql.sql`` or ``NAME.sqlite.sql``.
"""

import argparse
import os
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import sqlalchemy as sa

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from catalogue_audit import put_script, violations  # noqa: E402
from conftest import LOCAL_MYSQL, LOCAL_POSTGRESQL, run_on  # noqa: E402

from fixturesynth.errors import FixtureSynthError  # noqa: E402
from fixturesynth.loading.judging import make_judge  # noqa: E402
from fixturesynth.loading.loader import load  # noqa: E402
from fixturesynth.planning.planner import Wishes  # noqa: E402
from fixturesynth.planning.rows import RowsAsked  # noqa: E402
from fixturesynth.schema.reflection import reflect  # noqa: E402
from fixturesynth.schema.sqlfile import guess_dialect  # noqa: E402
from fixturesynth.synthesizer import plan_rules  # noqa: E402

CREATE = {
    "postgresql": (LOCAL_POSTGRESQL, "CREATE DATABASE {} TEMPLATE template0", "DROP DATABASE {} WITH (FORCE)"),
    "mysql": (LOCAL_MYSQL, "CREATE DATABASE {} CHARACTER SET utf8mb4", "DROP DATABASE {}"),
}
HEAD = f"{'schema':22} tables  keys checks uniques    rows  reflect   plan  sample   load  broken"


@contextmanager
def database(dialect: str) -> Iterator[str]:
    name = f"fixturesynth_bench_{uuid.uuid4().hex[:12]}"
    if dialect not in CREATE:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bench.sqlite"
            sqlite3.connect(path).close()
            path.touch()
            yield f"sqlite:///{path}"
        return
    server, create, drop = CREATE[dialect]
    run_on(server, create.format(name))
    try:
        yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        run_on(server, drop.format(name))


def measure(path: Path, rows: int) -> str:
    dialect = guess_dialect("", path.name) if len(path.name.split(".")) > 2 else "sqlite"
    with database(dialect) as url:
        put_script(url, path)
        times = [time.perf_counter()]
        schema = reflect(url)
        times.append(time.perf_counter())
        counts = [
            len(schema),
            *(sum(len(getattr(t, n)) for t in schema) for n in ("foreign_keys", "checks")),
            sum(len(t.uniques) + (t.primary_key is not None) for t in schema),
        ]
        line = f"{path.name.removesuffix('.sql'):22} {counts[0]:6} {counts[1]:5} {counts[2]:6} {counts[3]:7}"
        try:
            synthesizer = plan_rules(
                schema, wishes=Wishes(rows=RowsAsked({}, default=rows)), seed=7, judge=make_judge(url)
            )
            times.append(time.perf_counter())
            data = synthesizer.sample()
            times.append(time.perf_counter())
            later: dict[str, list[str]] = {}
            for table in synthesizer.plan.shown:
                for reference in table.references:
                    if reference.how == "later":
                        key = schema[table.name].foreign_key(reference.foreign_key)
                        later.setdefault(table.name, []).extend(key.columns)
            load(data, url, order=list(data), later=later, reflected=schema)
            times.append(time.perf_counter())
        except FixtureSynthError as error:
            return f"{line} refused: {' '.join(str(error).split())[:300]}"
        spent = [b - a for a, b in pairwise(times)]
        broken, _ = violations(url)
        total = sum(data.rows.values())
    return f"{line} {total:7,} {spent[0]:8.2f} {spent[1]:6.2f} {spent[2]:7.2f} {spent[3]:6.2f} {len(broken):7}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="schemas whose file name begins so (default: all)")
    parser.add_argument("--rows", type=int, default=1000, help="rows of a table (default: 1000)")
    parser.add_argument("--folder", type=Path, help="scripts of these applications instead")
    arguments = parser.parse_args()
    shared = Path(os.environ.get("FIXTURESYNTH_SHARED", ROOT.parent / "shared")) / "ddl"
    folders = [arguments.folder] if arguments.folder else [shared, ROOT / "schemas"]
    print(HEAD)
    for path in sorted(p for folder in folders for p in folder.glob("*.sql")):
        if not arguments.names or path.name.startswith(tuple(arguments.names)):
            print(measure(path, arguments.rows), flush=True)


if __name__ == "__main__":
    main()

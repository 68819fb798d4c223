"""How many columns of real schemas are understood: the share with a meaning beyond the bare type.

    python benchmarks/meanings.py [PATH ...] [--top 40] [--json]

PATH: .sql scripts or folders of them; without one, schemas/. Columns whose values the schema settles are left out:
references, generated columns, enums and columns whose checks list their values. Of the others, those count as
understood whose name, table and type give a meaning (``guess_meaning``); what falls through is listed by frequency.
"""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import click

from fixturesynth.errors import FixtureSynthError
from fixturesynth.profiling.semantics import guess_meaning
from fixturesynth.schema.model import Schema
from fixturesynth.schema.predicates import compile_constraints
from fixturesynth.schema.reflection import reflect

OWN = Path(__file__).resolve().parent.parent / "schemas"


@dataclass
class Found:
    """Columns asked about, how many have a meaning, and the names and types of those that have none."""

    asked: int = 0
    meant: int = 0
    missed: Counter[tuple[str, str]] = field(default_factory=Counter)


def measure(schema: Schema) -> Found:
    found = Found()
    for table in schema:
        domains = compile_constraints(table, schema.dialect).domains
        referring = {c for fk in table.foreign_keys for c in fk.columns}
        for column in table.columns:
            domain = domains.get(column.name)
            listed = domain is not None and domain.allowed is not None
            if column.generated or column.name in referring or listed or column.type.kind in ("enum", "set"):
                continue
            found.asked += 1
            if guess_meaning(table.name, column, None) is None:
                found.missed[column.name.lower(), column.type.kind] += 1
            else:
                found.meant += 1
    return found


@click.command(help=__doc__)
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--top", default=40, show_default=True, help="Names that fall through to list.")
@click.option("--json", "as_json", is_flag=True)
def main(paths: tuple[Path, ...], top: int, as_json: bool) -> None:
    scripts = [s for p in paths or (OWN,) for s in (sorted(p.glob("*.sql")) if p.is_dir() else [p])]
    results: dict[str, Found] = {}
    for script in scripts:
        try:
            results[script.stem] = measure(reflect(script))
        except FixtureSynthError as error:
            click.echo(f"{script.name}: {error}", err=True)
    missed: Counter[tuple[str, str]] = Counter()
    for found in results.values():
        missed.update(found.missed)
    asked, meant = sum(f.asked for f in results.values()), sum(f.meant for f in results.values())
    if as_json:
        shares = {name: {"columns": f.asked, "meant": f.meant} for name, f in results.items()}
        names = [{"name": n, "kind": k, "count": c} for (n, k), c in missed.most_common(top)]
        click.echo(json.dumps({"schemas": shares, "columns": asked, "meant": meant, "missed": names}))
        return
    click.echo(f"{'schema':24}{'columns':>9}{'meant':>9}{'share':>9}")
    for name, f in (*results.items(), ("all", Found(asked, meant))):
        click.echo(f"{name:24}{f.asked:>9,}{f.meant:>9,}{f.meant / max(f.asked, 1):>9.1%}")
    for (name, kind), count in missed.most_common(top):
        click.echo(f"{count:>6}  {name} ({kind})")


if __name__ == "__main__":
    main()

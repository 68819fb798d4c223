"""Texts that are put together from other columns: codes with their country's, numbers with the year of their date."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sibling_databases as real
import sqlalchemy as sa

import fixturesynth as fs
from fixturesynth.loading.reading import read_rows
from fixturesynth.planning.plan import Rule, RuleCall
from fixturesynth.planning.wishes import wishes_of
from fixturesynth.profiling.datasets import profile_dataset
from fixturesynth.profiling.merging import merge
from fixturesynth.profiling.profile import Profile
from fixturesynth.profiling.serialisation import from_json, to_json
from fixturesynth.rules.contract import ColumnContext, RuleRequest
from fixturesynth.rules.sampling import sample_rule
from fixturesynth.schema.model import ColumnType
from fixturesynth.spec import read_spec
from fixturesynth.synthesizer import plan_rules

SHOP = """
CREATE TABLE regions (code VARCHAR(3) PRIMARY KEY, seats INTEGER NOT NULL);
CREATE TABLE districts (code VARCHAR(8) PRIMARY KEY, region VARCHAR(3) NOT NULL REFERENCES regions(code),
  size INTEGER NOT NULL);
CREATE TABLE categories (id INTEGER PRIMARY KEY, short VARCHAR(4) NOT NULL UNIQUE);
CREATE TABLE products (sku VARCHAR(12) PRIMARY KEY, category_id INTEGER NOT NULL REFERENCES categories(id),
  price NUMERIC(8,2) NOT NULL);
CREATE TABLE orders (number VARCHAR(20) PRIMARY KEY, district VARCHAR(8) NOT NULL REFERENCES districts(code),
  ordered_on DATE NOT NULL);
CREATE TABLE lines (id INTEGER PRIMARY KEY, number VARCHAR(20) NOT NULL REFERENCES orders(number),
  sku VARCHAR(12) NOT NULL REFERENCES products(sku), label VARCHAR(30) NOT NULL UNIQUE, pieces INTEGER NOT NULL);
CREATE TABLE folders (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES folders(id), name VARCHAR(20) NOT NULL,
  path VARCHAR(200) NOT NULL UNIQUE, UNIQUE (parent_id, name));
CREATE TABLE bills (id INTEGER PRIMARY KEY, label VARCHAR(12) UNIQUE, billed_at TIMESTAMP NOT NULL,
  badge VARCHAR(12) NOT NULL);
"""


def letters(rng: np.random.Generator, n: int, size: int) -> list[str]:
    """``n`` different codes of so many capitals."""
    found: dict[str, None] = {}
    while len(found) < n:
        found["".join(chr(65 + k) for k in rng.integers(0, 26, size))] = None
    return list(found)


def tables() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(6)
    regions = pd.DataFrame({"code": letters(rng, 120, 3), "seats": rng.integers(1, 20, 120)})
    places = []
    for code, kind in zip(regions["code"], rng.integers(0, 2, 120), strict=True):
        size = int(rng.integers(2, 9))
        rests = letters(rng, size, 2) if kind else [f"{k + 1:02d}" for k in range(size)]
        places += [(f"{code}-{rest}", code) for rest in rests]
    districts = pd.DataFrame(places, columns=["code", "region"])
    districts["size"] = rng.integers(1, 900, len(districts))
    categories = pd.DataFrame({"id": np.arange(1, 41), "short": letters(rng, 40, 3)})
    own = rng.integers(1, 41, 400)
    products = pd.DataFrame({"category_id": own})
    number = rng.permutation(9_000)[:400] + 1_000
    products.insert(0, "sku", [f"{categories['short'][c - 1]}{n}" for c, n in zip(own, number, strict=True)])
    products["price"] = rng.integers(100, 9_999, 400) / 100
    day = pd.Timestamp("2021-03-01") + pd.to_timedelta(np.sort(rng.integers(0, 1_400, 700)), "D")
    orders = pd.DataFrame({"day": day})
    place = orders.groupby(orders["day"].dt.year).cumcount() + 1
    orders["number"] = [f"ORD-{d.year}-{k:05d}" for d, k in zip(day, place, strict=True)]
    orders["district"] = rng.choice(districts["code"], 700)
    orders["ordered_on"] = day.strftime("%Y-%m-%d")
    lines = pd.DataFrame({"number": np.repeat(orders["number"].to_numpy(), rng.integers(1, 4, 700))})
    lines.insert(0, "id", np.arange(1, len(lines) + 1))
    lines["sku"] = rng.choice(products["sku"], len(lines))
    lines["label"] = lines["number"] + "/" + (lines.groupby("number").cumcount() + 1).astype(str)
    lines["pieces"] = rng.integers(1, 9, len(lines))
    above, paths = [-1] * 6, letters(rng, 6, 5)
    names = list(paths)
    for number in range(6, 160):
        above.append(int(rng.integers(0, number)))
        names.append(letters(rng, 1, 4)[0] + str(number))
        paths.append(f"{paths[above[-1]]}/{names[-1]}")
    folders = pd.DataFrame({"id": np.arange(1, 161), "name": names, "path": paths})
    folders.insert(1, "parent_id", pd.Series([a + 1 if a >= 0 else None for a in above], dtype="Int64"))
    at = pd.Timestamp("2022-01-05") + pd.to_timedelta(rng.integers(0, 700 * 86_400, 300), "s")
    bills = pd.DataFrame({"id": np.arange(1, 301), "at": at})
    bills["label"] = [f"{k}/{d.strftime('%Y%m')}" for k, d in zip(rng.permutation(300) + 100, at, strict=True)]
    bills.loc[bills.index % 6 == 0, "label"] = None
    bills["billed_at"] = at.strftime("%Y-%m-%d %H:%M:%S")
    bills["badge"] = [f"Bill#{k:06d}" for k in bills["id"]]
    return {
        "regions": regions, "districts": districts, "categories": categories, "products": products,
        "orders": orders.drop(columns="day"), "lines": lines, "folders": folders, "bills": bills.drop(columns="at"),
    }  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> str:
    return real.write(tmp_path_factory.mktemp("shop") / "shop", SHOP, tables())


def profiled(url: str) -> Profile:
    schema = fs.reflect(url)
    return profile_dataset(read_rows(url, schema), schema)


def test_what_texts_are_made_of_is_found(shop: str) -> None:
    profile = profiled(shop)
    found = {
        f"{name}.{c.name}": c.composed for name, t in profile.tables.items() for c in t.columns.values() if c.composed
    }
    assert found["districts.code"]["pieces"] == [{"column": "region"}, {"text": "-"}, {"rest": True}]
    assert found["districts.code"]["rest"]["pure"] and found["districts.code"]["rest"]["dense"]
    product = found["products.sku"]
    assert (product["pieces"][0]["column"], product["pieces"][1:]) == ("short", [{"rest": True}])
    assert product["rest"] == {"patterns": [["9999", 400]]}
    assert found["orders.number"]["pieces"] == [
        {"text": "ORD-"}, {"column": "ordered_on", "part": "%Y"}, {"text": "-"}, {"rest": True}
    ]  # fmt: skip
    assert found["orders.number"]["rest"] == {"counted": "family", "start": 1, "width": 5}
    assert found["lines.label"]["pieces"] == [{"column": "number"}, {"text": "/"}, {"rest": True}]
    assert found["bills.label"] == {
        "pieces": [{"rest": True}, {"text": "/"}, {"column": "billed_at", "part": "%Y%m"}],
        "rest": {"counted": "table", "start": found["bills.label"]["rest"]["start"], "width": 3},
    }
    line = {"key": "fk_parent_id", "column": "path", "line": True}
    assert found["folders.path"] == {"pieces": [line, {"text": "/"}, {"column": "name"}], "bare": True}
    assert found["bills.badge"] == {"pieces": [{"text": "Bill#"}, {"column": "id", "pad": 6}]}
    assert set(found) == {
        "districts.code", "products.sku", "orders.number", "lines.label", "bills.label", "bills.badge", "folders.path"
    }  # fmt: skip
    assert from_json(to_json(profile)) == profile
    both = merge(profile, profile).tables["orders"].columns["number"].composed
    assert both == found["orders.number"]


def holds(made: dict[str, pd.DataFrame]) -> None:
    """Every text is what its pieces are, and keys are keys."""
    districts, orders, lines, bills = (made[n] for n in ("districts", "orders", "lines", "bills"))
    assert (districts["code"].str.rpartition("-")[0] == districts["region"]).all() and districts["code"].is_unique
    short = made["products"]["category_id"].map(made["categories"].set_index("id")["short"])
    assert (made["products"]["sku"].str[:-4] == short).all() and made["products"]["sku"].is_unique
    assert made["products"]["sku"].str.fullmatch(r"[A-Z]{3}\d{4}").all()
    years = pd.to_datetime(orders["ordered_on"]).dt.year.astype(str)
    assert (orders["number"].str.slice(4, 8) == years).all() and orders["number"].is_unique
    counted = orders["number"].str.slice(9).astype(int).groupby(years)
    assert (counted.min() == 1).all() and (counted.max() == counted.size()).all()
    assert (lines["label"].str.partition("/")[0] == lines["number"]).all() and lines["label"].is_unique
    assert set(lines["number"]) <= set(orders["number"]) and set(lines["sku"]) <= set(made["products"]["sku"])
    folders = made["folders"].set_index("id")
    path = folders["parent_id"].map(folders["path"])
    assert (folders["path"] == (path + "/").fillna("") + folders["name"]).all() and folders["path"].is_unique
    assert path.str.contains("/").any()
    set_ = bills[bills["label"].notna()]
    month = pd.to_datetime(set_["billed_at"]).dt.strftime("%Y%m")
    assert (set_["label"].str.partition("/")[2] == month).all() and set_["label"].is_unique
    assert 0.1 < bills["label"].isna().mean() < 0.25
    assert (bills["badge"] == "Bill#" + bills["id"].astype(str).str.zfill(6)).all()


def test_texts_are_what_their_pieces_are(shop: str, postgresql_database: str) -> None:
    model = fs.fit(shop, seed=1)
    source = model.plan["districts"].column("code")
    assert isinstance(source.source, Rule) and source.source.call.name == "composed" and source.source.call.unique
    assert source.why == "put together from region and a rest"
    made = model.sample(seed=1)
    holds(dict(made.items()))
    # Districts of one region are written alike.
    districts = made["districts"]
    digits = districts["code"].str.slice(-2).str.isdigit()
    assert (digits.groupby(districts["region"]).nunique() == 1).all() and 0.3 < digits.mean() < 0.7
    assert made.arrow("orders").equals(model.sample(seed=1, workers=2).arrow("orders"))
    holds(dict(model.sample(seed=3, scale=2).items()))
    engine = sa.create_engine(postgresql_database, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in SHOP.split(";"):
            if statement.strip():
                connection.execute(sa.text(statement))
    fs.load(made, postgresql_database, schema=fs.reflect(postgresql_database))
    with engine.connect() as connection:
        names = [t.name for t in model.schema]
        holds({n: pd.read_sql(sa.text(f"SELECT * FROM {n}"), connection) for n in names})


def test_composed_texts_in_a_spec(tmp_path: Path) -> None:
    """Without rows they are what the user asks for."""
    spec = """
    version: 1
    tables:
      orders:
        columns:
          number:
            rule: composed
            unique: true
            options:
              pieces: [{text: ORD-}, {column: ordered_on, part: "%y%m"}, {text: /}, {rest: true}]
              rest: {counted: family, start: 1, width: 4}
    """
    (tmp_path / "spec.yaml").write_text(spec)
    (tmp_path / "shop.sql").write_text(SHOP)
    schema = fs.reflect(tmp_path / "shop.sql")
    wishes = wishes_of(read_spec(tmp_path / "spec.yaml"), schema)
    orders = plan_rules(schema, wishes=wishes, seed=3).sample()["orders"]
    month = pd.to_datetime(orders["ordered_on"]).dt.strftime("%y%m")
    assert (orders["number"].str.slice(0, 9) == "ORD-" + month + "/").all() and orders["number"].is_unique


def test_pieces_that_the_user_gives_are_taken(shop: str) -> None:
    made = fs.fit(shop, seed=1).sample(seed=1, given={"orders": {"ordered_on": "2030-05-06"}})["orders"]
    assert (made["number"].str.slice(0, 9) == "ORD-2030-").all() and made["number"].is_unique
    assert made["number"].iloc[-1] == f"ORD-2030-{len(made):05d}"


def test_one_beginning_for_more_rows_than_a_shape_has(shop: str) -> None:
    """Rests go on in the next larger shape; where all are full, a number goes on."""
    context = ColumnContext("t", "code", ColumnType("text", "text"), "en_US", pd.Timestamp("2026-01-01", tz="UTC"))
    options = {"pieces": [{"column": "region"}, {"text": "-"}, {"rest": True}],
               "rest": {"patterns": [["9", 90], ["A", 10]]}}  # fmt: skip
    given = {"region": pa.array(["AB"] * 60 + ["CD"] * 5)}
    request = RuleRequest(0, context, np.arange(65), 0, given)
    values = sample_rule(RuleCall("composed", options, unique=True), request).to_pylist()
    assert len(set(values)) == 65 and all(v.startswith("AB-" if i < 60 else "CD-") for i, v in enumerate(values))


def test_rows_beside_those_of_a_target_count_on(shop: str, tmp_path: Path) -> None:
    model = fs.fit(shop, seed=1)
    target = f"sqlite:///{tmp_path / 'target'}"
    for seed in range(3):
        there = read_rows(target, model.schema) if seed else None
        rows = model.sample(seed=seed, scale=0.3, there=there)
        fs.load(rows, target, schema=model.schema, mode="append" if seed else "create")
    made = read_rows(target, model.schema)
    numbers = pd.Series(made.arrow("orders").column("number").to_pylist())
    assert len(numbers) == 630 and numbers.is_unique


def test_what_is_only_partly_so_is_not_composed(tmp_path: Path) -> None:
    """A fifth of the codes begin with another region's: they are no composed texts."""
    frames = tables()
    districts = frames["districts"]
    wrong = districts.index % 5 == 0
    districts.loc[wrong, "code"] = ["Q" + code[1:] for code in districts.loc[wrong, "code"]]
    districts = districts.drop_duplicates("code")
    url = real.write(
        tmp_path / "loose", SHOP, {"regions": frames["regions"], "districts": districts[~districts["code"].isna()]}
    )
    assert profiled(url).tables["districts"].columns["code"].composed is None


def abbreviated() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(9)
    first, last = ["Claire", "Tom", "Ann", "Zoe", "Paul", "Rosa"], ["Gute", "Hale", "Brook", "Winter", "Ito", "Duval"]
    names = [f"{first[rng.integers(6)]} {last[rng.integers(6)]}" for _ in range(400)]
    kinds = {
        "Furniture": ["Chairs", "Tables"],
        "Technology": ["Phones", "Copiers"],
        "Office Supplies": ["Paper", "Labels"],
    }
    category = rng.choice(list(kinds), 300)
    part = [kinds[c][rng.integers(2)] for c in category]
    days = pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 1_400, 900), unit="D")
    return {
        "people": pd.DataFrame({
            "id": [f"{n[0]}{n.split()[1][0]}-{10_000 + i * 7}" for i, n in enumerate(names)], "name": names,
        }),
        "articles": pd.DataFrame({
            "id": [f"{c[:3].upper()}-{p[:2].upper()}-{10_000_000 + i * 13}"
                   for i, (c, p) in enumerate(zip(category, part, strict=True))],
            "category": category, "part": part,
        }),
        "purchases": pd.DataFrame({
            "number": [f"{['CA', 'US'][i % 5 == 0]}-{d.year}-{100_000 + i * 17}" for i, d in enumerate(days)],
            "bought_on": days.strftime("%Y-%m-%d"),
        }),
    }  # fmt: skip


def test_codes_begin_with_letters_of_other_columns(tmp_path: Path) -> None:
    """Initials, the first letters of a category, and one of two beginnings before the year."""
    script = tmp_path / "codes.sql"
    script.write_text(
        "CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT NOT NULL);"
        "CREATE TABLE articles (id TEXT PRIMARY KEY, category TEXT NOT NULL, part TEXT NOT NULL);"
        "CREATE TABLE purchases (number TEXT PRIMARY KEY, bought_on DATE NOT NULL);"
    )
    data = fs.fit(abbreviated(), schema=fs.reflect(script), seed=1).sample(seed=2)
    people, articles, purchases = data["people"], data["articles"], data["purchases"]
    initials = people.name.map(lambda n: n.split()[0][0] + n.split()[-1][0]).str.upper()
    assert (people.id.str[:2] == initials).mean() > 0.95
    assert (articles.id.str[:3] == articles.category.str[:3].str.upper()).all()
    assert (articles.id.str[4:6] == articles.part.str[:2].str.upper()).all()
    assert (purchases.number.str[3:7] == purchases.bought_on.astype(str).str[:4]).all()
    assert 0.7 < (purchases.number.str[:3] == "CA-").mean() < 0.9
    assert all(frame.iloc[:, 0].is_unique for frame in (people, articles, purchases))

"""Every setting of a spec has its effect: seen in the rows, which would be others without it."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from fixturesynth.errors import CapacityError, FixtureSynthError, SpecError, UnsatisfiableError
from fixturesynth.planning.changes import ColumnChange
from fixturesynth.planning.plan import Modelled, Rule
from fixturesynth.planning.planner import Wishes
from fixturesynth.planning.serialisation import plan_from_json, plan_to_json, wishes_from_json, wishes_to_json
from fixturesynth.planning.wishes import histogram, wishes_of
from fixturesynth.sources import Source, learn, open_source
from fixturesynth.spec import ChildrenSpec, Spec
from fixturesynth.synthesizer import Synthesizer, plan_rules

SCRIPT = """
CREATE TABLE shops (id integer PRIMARY KEY, name text NOT NULL, opened date, ceo text, kind text);
CREATE TABLE people (
  id integer PRIMARY KEY, shop_id integer NOT NULL REFERENCES shops (id), lives_in integer REFERENCES shops (id),
  first_name text, code varchar(12) UNIQUE, email text, age integer CHECK (age >= 18), height double precision,
  joined timestamp, note text DEFAULT 'none', boss_id integer REFERENCES people (id));
CREATE TABLE visits (person_no integer, at timestamp, fee numeric(8, 2));
"""


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A script: no rows to learn from."""
    path = tmp_path / "town.sql"
    path.write_text(SCRIPT)
    return path


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same tables with rows: 30 shops, 600 people, 900 visits."""
    path = tmp_path_factory.mktemp("real") / "town.sqlite"
    kinds = ("bakery", "bank", "bar")
    with sqlite3.connect(path) as connection:
        connection.executescript(SCRIPT)
        connection.executemany(
            "INSERT INTO shops VALUES (?, ?, ?, ?, ?)",
            [(i, f"Shop {i}", f"201{i % 10}-03-0{i % 9 + 1}", None, kinds[i % 3]) for i in range(30)],
        )
        connection.executemany(
            "INSERT INTO people VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    i, i * i % 30, None if i % 4 == 0 else i % 7, ("Ann", "Bob", "Cem")[i % 3], f"C-{i:05}",
                    f"p{i}@example.org", 18 + i * 7 % 60, 150 + i % 50 + 0.5,
                    f"2024-{i % 12 + 1:02}-{i % 28 + 1:02} 10:{i % 60:02}:00", "n" if i % 2 else None,
                    i // 3 if i else None,
                )
                for i in range(600)
            ],
        )  # fmt: skip
        connection.executemany(
            "INSERT INTO visits VALUES (?, ?, ?)",
            [(i % 600, f"2024-0{i % 9 + 1}-03 09:00:00", i % 40 + 0.25) for i in range(900)],
        )
    connection.close()
    return path


Make = Callable[..., Synthesizer]


def opened(path: Path, settings: dict[str, Any]) -> Source:
    from fixturesynth.planning.wishes import with_references

    source = open_source(str(path))
    spec = Spec.model_validate(settings)
    return replace(source, spec=spec, schema=with_references(source.schema, spec))


def column(made: Synthesizer, table: str, name: str, seed: int = 1) -> list[Any]:
    values: list[Any] = made.sample(seed=seed).arrow(table)[name].to_pylist()
    return values


def made_with(path: Path, table: str = "people", **columns: dict[str, Any]) -> Synthesizer:
    return learn(opened(path, {"tables": {table: {"columns": columns}}}))


# The whole file


def test_locale(bare: Path) -> None:
    english = column(learn(opened(bare, {})), "people", "first_name")
    german = column(learn(opened(bare, {"locale": "de_DE"})), "people", "first_name")
    assert english != german


def test_seed_and_now(bare: Path) -> None:
    assert learn(opened(bare, {"seed": 9})).seed == 9
    assert learn(opened(bare, {"seed": 9}), seed=4).seed == 4
    late = column(learn(opened(bare, {"now": "2035-01-01T00:00:00"})), "people", "joined")
    assert max(v for v in late if v) > datetime(2034, 1, 1)


def test_rows_and_scale(bare: Path, real: Path) -> None:
    made = learn(opened(bare, {"rows": {"shops": 7}, "scale": 0.5, "tables": {"people": {"rows": 11}}}))
    assert made.sample(seed=1).rows == {"shops": 7, "people": 11, "visits": 50}
    learned = learn(opened(real, {"scale": 0.1, "tables": {"shops": {"reference": False}}}))
    assert learned.sample(seed=1).rows == {"shops": 3, "people": 60, "visits": 90}


def test_generator(real: Path) -> None:
    made = learn(opened(real, {"generator": "independent", "tables": {"visits": {"generator": "rules"}}}))
    assert made.plan["people"].generator == "independent"
    assert made.plan["visits"].generator == "rules" and made.plan["visits"].rows == 900
    assert not any(isinstance(c.source, Modelled) for c in made.plan["visits"].columns)
    assert len(set(column(made, "visits", "fee"))) > 100  # 40 in the rows


def test_time_limit_and_protection(real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fixturesynth.sources

    heard: dict[str, Any] = {}
    fitting = fixturesynth.sources.fit

    def listening(source: Any, **options: Any) -> Synthesizer:
        heard.update(options)
        return fitting(source, **options)

    monkeypatch.setattr(fixturesynth.sources, "fit", listening)
    made = learn(opened(real, {"time_limit": 3, "protection": 250}))
    assert heard["time_limit"] == 3
    assert made.profile is not None and made.profile.protection >= 250
    # Each of the three names is had by 200 people: too few to be kept now.
    assert made.profile["people"].columns["first_name"].values == ()


def test_strict(bare: Path) -> None:
    source = opened(bare, {"tables": {"people": {"columns": {"code": {"pattern": "9"}}}}})
    assert learn(source).plan["people"].rows == 10
    with pytest.raises(CapacityError, match="allows 10"):
        learn(source, strict=True)


# Tables


def test_skip_and_reference(real: Path) -> None:
    made = learn(opened(real, {"tables": {"visits": {"skip": True}, "shops": {"reference": True}}}))
    data = made.sample(seed=1)
    assert data.rows["visits"] == 0
    assert data["shops"]["name"].tolist() == [f"Shop {i}" for i in range(30)]
    free = learn(opened(real, {"tables": {"shops": {"reference": False}}}))
    assert free.plan["shops"].mode == "generate"


def test_context(bare: Path) -> None:
    assert learn(opened(bare, {})).plan["people"].context == "fk_shop_id"
    settings = {"tables": {"people": {"context": ["lives_in"], "columns": {"lives_in": {"null_rate": 0}}}}}
    assert learn(opened(bare, settings)).plan["people"].context == "fk_lives_in"


def test_undeclared_references(bare: Path) -> None:
    reference = {"columns": ["person_no"], "parent": "people"}
    settings = {
        "tables": {"visits": {"references": [reference]}, "people": {"children": {"visits": {"counts": {2: 1}}}}}
    }
    data = learn(opened(bare, settings)).sample(seed=1)
    counts = Counter(v for v in data.arrow("visits")["person_no"].to_pylist() if v is not None)
    assert set(counts) <= set(data.arrow("people")["id"].to_pylist())
    assert set(counts.values()) == {2} and len(counts) == 100
    assert not open_source(str(bare)).schema["visits"].foreign_keys


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"counts": {0: 0.5, 4: 0.5}}, Counter({0: 10, 4: 10})),
        ({"min": 2, "max": 3}, Counter({2: 10, 3: 10})),
        ({"mean": 3, "min": 3, "max": 3}, Counter({3: 20})),
    ],
)
@pytest.mark.parametrize("source", ["bare", "real"])
def test_children(request: pytest.FixtureRequest, source: str, asked: dict[str, Any], expected: Counter[int]) -> None:
    settings = {"tables": {"shops": {"rows": 20, "children": {"fk_shop_id": asked}}}}
    data = learn(opened(request.getfixturevalue(source), settings)).sample(seed=1)
    per_shop = Counter(data.arrow("people")["shop_id"].to_pylist())
    assert Counter(per_shop.get(i, 0) for i in data.arrow("shops")["id"].to_pylist()) == expected


def test_children_of_a_list_that_is_kept(real: Path) -> None:
    settings = {"tables": {"shops": {"reference": True, "children": {"fk_shop_id": {"min": 5, "max": 5}}}}}
    data = learn(opened(real, settings)).sample(seed=1)
    assert set(Counter(data.arrow("people")["shop_id"].to_pylist()).values()) == {5}


@pytest.mark.parametrize(
    ("asked", "mean", "low", "high"),
    [
        ({"mean": 2.5}, 2.5, 0, 10),
        ({"mean": 2.9, "max": 3}, 2.9, 0, 3),
        ({"min": 4}, 6.5, 4, 20),
        ({"mean": 0}, 0, 0, 0),
    ],
)
def test_histograms_keep_the_mean(asked: dict[str, Any], mean: float, low: int, high: int) -> None:
    counts = histogram(ChildrenSpec(**asked))
    parents = sum(n for _, n in counts)
    assert sum(c * n for c, n in counts) / parents == pytest.approx(mean, abs=0.001)
    assert low <= min(c for c, _ in counts) and max(c for c, _ in counts) <= high


# Columns: the same on rules alone and on learned rows


@pytest.fixture(params=["bare", "real"])
def town(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


def test_rule_with_options(town: Path) -> None:
    made = made_with(town, age={"rule": "integers", "options": {"low": 30, "high": 33}})
    assert set(column(made, "people", "age")) <= {30, 31, 32, 33, None}
    bounded = made_with(town, age={"rule": "integers", "min": 40, "max": 41})
    assert set(column(bounded, "people", "age")) <= {40, 41, None}


def test_meaning(town: Path) -> None:
    assert all("@" in v for v in column(made_with(town, note={"meaning": "email"}), "people", "note") if v)


def test_constant_and_null(town: Path) -> None:
    made = made_with(town, age={"constant": 44}, height={"constant": None})
    assert set(column(made, "people", "age")) == {44} and set(column(made, "people", "height")) == {None}


def test_choices_with_weights(town: Path) -> None:
    got = Counter(column(made_with(town, note={"choices": {"a": 0.9, "b": 0.1, "c": 0}}), "people", "note"))
    assert set(got) - {None} == {"a", "b"} and got["a"] > 4 * got["b"]
    plain = Counter(column(made_with(town, note={"choices": ["x", "y"], "null_rate": 0}), "people", "note"))
    assert set(plain) == {"x", "y"}


def test_template(town: Path) -> None:
    made = made_with(town, email={"template": "{first_name}.{id}@test.org", "null_rate": 0})
    rows = made.sample(seed=1).arrow("people")
    pairs = zip(rows["first_name"].to_pylist(), rows["id"].to_pylist(), strict=True)
    expected = [f"{n or ''}.{i}@test.org" for n, i in pairs]
    assert rows["email"].to_pylist() == expected


def test_a_template_may_fill_a_unique_column_when_it_tells_rows_apart(town: Path) -> None:
    for template in ("C{rank}", "{id}/{shop_id}"):
        values = column(made_with(town, code={"template": template, "null_rate": 0}), "people", "code")
        assert len(set(values)) == len(values) >= 100
    with pytest.raises(SpecError, match=r"code is unique.*put \{rank\}"):
        made_with(town, code={"template": "{first_name}{id}"})


def test_pattern(town: Path) -> None:
    values = [v for v in column(made_with(town, note={"pattern": "AA-99\\9"}), "people", "note") if v]
    assert values and all(pc.match_substring_regex(values, "^[A-Z]{2}-[0-9]{2}9$").to_pylist())


@pytest.mark.parametrize("share", [0, 0.25, 1])
def test_null_rate(town: Path, share: float) -> None:
    """Of a learned, a derived, a rule-made, a unique and a referencing column."""
    names = ("age", "height", "email", "first_name", "code", "lives_in", "boss_id")
    made = made_with(town, **{name: {"null_rate": share} for name in names})
    rows = made.sample(seed=1).arrow("people")
    for name in names:
        least = 1 if name == "boss_id" and share == 0 else 0  # a tree has a root
        assert abs(rows[name].null_count - round(rows.num_rows * share)) <= least, name


def test_null_rate_beside_a_source(town: Path) -> None:
    made = made_with(town, note={"constant": "x", "null_rate": 0.5}, age={"choices": [20, 21], "null_rate": 0.1})
    rows = made.sample(seed=1).arrow("people")
    assert rows["note"].null_count == rows.num_rows / 2 and rows["age"].null_count == rows.num_rows / 10


def test_unique(town: Path) -> None:
    made = made_with(
        town,
        email={"unique": True, "null_rate": 0},
        note={"pattern": "AAAA", "unique": True, "null_rate": 0},
        height={"unique": True},
    )
    rows = made.sample(seed=1).arrow("people")
    for name in ("email", "note", "height"):
        values = [v for v in rows[name].to_pylist() if v is not None]
        assert len(set(values)) == len(values) >= 60, name


def test_unique_that_is_impossible(town: Path) -> None:
    settings = {"tables": {"people": {"rows": 50, "columns": {"note": {"choices": ["a", "b"], "unique": True}}}}}
    with pytest.raises(CapacityError, match=r"people: 50 rows asked.*note.*allows 2"):
        learn(opened(town, settings))


def test_min_and_max(town: Path) -> None:
    made = made_with(
        town,
        age={"min": 30, "max": 39},
        height={"min": 160, "max": 165.5},
        joined={"min": "2024-05-01", "max": "2024-06-01"},
    )
    rows = made.sample(seed=1).arrow("people")
    for name, low, high in (("age", 30, 39), ("height", 160, 165.5)):
        values = [v for v in rows[name].to_pylist() if v is not None]
        assert len(set(values)) > 5 and low <= min(values) and max(values) <= high, name
    moments = {str(v)[:7] for v in rows["joined"].to_pylist() if v is not None}
    assert moments <= {"2024-05", "2024-06"}


def test_min_of_a_key(bare: Path) -> None:
    assert min(column(made_with(bare, id={"min": 5000, "max": 9000}), "people", "id")) >= 5000


def test_bounds_that_no_check_allows(town: Path) -> None:
    with pytest.raises(UnsatisfiableError, match="no value of age lies between"):
        made_with(town, age={"max": 17})


def test_window(town: Path) -> None:
    made = made_with(town, joined={"window": {"from": "2020-01-01", "to": "2020-01-31"}, "null_rate": 0})
    days = {str(v)[:7] for v in column(made, "people", "joined")}
    assert days == {"2020-01"}
    relative = made_with(town, "shops", opened={"window": {"from": "-3d", "to": "now"}, "null_rate": 0})
    assert {str(v)[:10] for v in column(relative, "shops", "opened")} <= {
        "2025-12-29", "2025-12-30", "2025-12-31", "2026-01-01"
    }  # fmt: skip


def test_default(town: Path) -> None:
    assert "note" not in made_with(town, note={"default": True}).sample(seed=1).arrow("people").column_names


def test_modelled(real: Path, bare: Path) -> None:
    plain = learn(opened(real, {})).plan["people"].column("first_name").source
    made = made_with(real, first_name={"modelled": True})
    assert isinstance(made.plan["people"].column("first_name").source, Modelled) or plain == made
    assert set(column(made, "people", "first_name")) == {"Ann", "Bob", "Cem"}
    with pytest.raises(SpecError, match="no rows to learn first_name from"):
        made_with(bare, first_name={"modelled": True})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"people": {"columns": {"id": {"unique": False}}}}, "unique in the database"),
        ({"people": {"columns": {"note": {"constant": "x", "min": 3}}}}, "min and max do not limit constant"),
        ({"people": {"columns": {"shop_id": {"min": 3}}}}, "min and max do not limit a reference"),
        ({"people": {"children": {"people": {"mean": 2}}}}, "inside itself"),
        ({"shops": {"children": {"fk_shop_id": {"mean": 2}, "fk_lives_in": {"mean": 1}}}}, "keep one"),
        (
            {"people": {"columns": {"age": {"rule": "integers", "options": {"low": 1}, "min": 2}}}},
            "low of the rule and min",
        ),
    ],
)
def test_contradictions(bare: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(FixtureSynthError, match=message):
        learn(opened(bare, {"tables": settings}))


# Plans and wishes as JSON


def test_wishes_and_plans_survive_json(bare: Path) -> None:
    source = opened(
        bare,
        {
            "generator": "cart",
            "tables": {
                "shops": {"children": {"fk_shop_id": {"mean": 2}}, "generator": "independent"},
                "people": {
                    "columns": {
                        "age": {"min": 20, "null_rate": 0.5},
                        "lives_in": {"null_rate": 0.25},
                        "note": {"constant": "x", "null_rate": 0.5},
                    }
                },
            },
        },
    )
    wishes = wishes_of(source.spec, source.schema, strict=True)
    assert wishes_from_json(wishes_to_json(wishes)) == wishes
    assert wishes.changes["people"]["age"] == ColumnChange(
        low=20, null_share=0.5, where="spec: tables.people.columns.age"
    )
    assert wishes.null_shares == {"people": {"fk_lives_in": 0.25}}
    plan = plan_rules(source.schema, wishes=wishes).plan
    assert plan_from_json(plan_to_json(plan)) == plan
    assert isinstance(plan["people"].column("note").source, Rule)


def test_an_empty_spec_wishes_nothing(bare: Path) -> None:
    assert wishes_of(Spec(), open_source(str(bare)).schema) == Wishes()


def test_a_spec_as_source_names_its_own(bare: Path) -> None:
    (bare.parent / "spec.yaml").write_text("source: town.sql\nrows: {shops: 3}\n")
    source = open_source(str(bare.parent / "spec.yaml"))
    assert learn(source).plan["shops"].rows == 3
    assert date.fromisoformat(source.spec.now[:10]) == date(2026, 1, 1)

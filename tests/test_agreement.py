"""Columns of one row agree where no row says how: names and emails, titles and slugs, places, moments, lines."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from fixturesynth.planning.planner import Wishes
from fixturesynth.planning.rows import RowsAsked
from fixturesynth.planning.serialisation import plan_from_json, plan_to_json
from fixturesynth.planning.wishes import wishes_of
from fixturesynth.rules.places import PARTS
from fixturesynth.schema.reflection import reflect
from fixturesynth.spec import read_spec
from fixturesynth.synthesizer import Synthesizer, fit, plan_rules

ROWS = 400
NOW = datetime(2026, 1, 1)
SCRIPT = """
CREATE TABLE people (
    id integer PRIMARY KEY, title varchar(8), first_name varchar(40) NOT NULL, last_name varchar(40) NOT NULL,
    full_name varchar(90) NOT NULL, gender char(1), email varchar(120) NOT NULL UNIQUE, username varchar(60) NOT NULL,
    date_of_birth date NOT NULL, age smallint NOT NULL, hire_date date NOT NULL, termination_date date,
    city varchar(60) NOT NULL, state varchar(60) NOT NULL, postal_code varchar(12) NOT NULL,
    country varchar(60) NOT NULL, country_code char(2) NOT NULL, latitude numeric(9, 6) NOT NULL,
    longitude numeric(9, 6) NOT NULL, created_at timestamp NOT NULL, updated_at timestamp NOT NULL,
    last_login_at timestamp, deleted_at timestamp
);
CREATE TABLE posts (
    id integer PRIMARY KEY, author_id integer NOT NULL REFERENCES people (id), title varchar(200) NOT NULL,
    slug varchar(220) NOT NULL UNIQUE, created_at timestamp NOT NULL, updated_at timestamp NOT NULL,
    published_at timestamp, file_name varchar(80) NOT NULL, mime_type varchar(100) NOT NULL
);
CREATE TABLE orders (
    id integer PRIMARY KEY, buyer_id integer NOT NULL REFERENCES people (id), ordered_at timestamp NOT NULL,
    shipped_at timestamp, delivered_at timestamp, starts_at timestamp NOT NULL, ends_at timestamp NOT NULL,
    issued_on date NOT NULL, due_on date NOT NULL, expires_on date NOT NULL,
    ship_city varchar(60) NOT NULL, ship_country varchar(60) NOT NULL,
    bill_city varchar(60) NOT NULL, bill_country varchar(60) NOT NULL,
    CHECK (ends_at > starts_at)
);
CREATE TABLE order_lines (
    order_id integer NOT NULL REFERENCES orders (id), line_no integer NOT NULL CHECK (line_no > 0),
    quantity integer NOT NULL, unit_price numeric(10, 2) NOT NULL, line_total numeric(14, 2) NOT NULL,
    PRIMARY KEY (order_id, line_no)
);
CREATE TABLE readings (
    id integer PRIMARY KEY, created_time bigint NOT NULL, expires_ts bigint NOT NULL, updated_at_sec bigint NOT NULL
);
"""


def planned(script: str, tmp_path: Path, rows: int = ROWS) -> Synthesizer:
    path = tmp_path / "probe.sql"
    path.write_text(script)
    return plan_rules(reflect(path), wishes=Wishes(rows=RowsAsked({}, default=rows)), seed=3)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[Any]]]:
    data = planned(SCRIPT, tmp_path_factory.mktemp("agreement")).sample()
    return {name: data.arrow(name).to_pydict() for name in data}


def ordered(low: list[Any], high: list[Any]) -> int:
    """How many pairs are both set; each must be in order."""
    both = [(a, b) for a, b in zip(low, high, strict=True) if a is not None and b is not None]
    assert all(a <= b for a, b in both)
    return len(both)


def test_names_spell_names(made: dict[str, dict[str, list[Any]]]) -> None:
    people = made["people"]
    for first, last, full, email, user in zip(
        *(people[c] for c in ("first_name", "last_name", "full_name", "email", "username")), strict=True
    ):
        assert full == f"{first} {last}"
        assert email.startswith(f"{first}.{last}".lower().replace("'", ""))
        assert email.partition("@")[2] in ("example.com", "example.org", "example.net")
        assert user == f"{first}_{last}".lower()
    assert len(set(people["email"])) == ROWS


def test_titles_and_genders_fit_first_names(made: dict[str, dict[str, list[Any]]]) -> None:
    people = made["people"]
    by_name: dict[str, set[tuple[str, str]]] = {}
    for title, gender, first in zip(people["title"], people["gender"], people["first_name"], strict=True):
        if title is not None and gender is not None:
            by_name.setdefault(first, set()).add(("Mr." if title == "Mr." else "Ms.", gender))
    assert {pair for pairs in by_name.values() for pair in pairs} == {("Mr.", "M"), ("Ms.", "F")}
    assert all(len(pairs) == 1 for pairs in by_name.values())
    assert ("Ms.", "F") in by_name["Jennifer"] and ("Mr.", "M") in by_name["Michael"]


def test_slugs_spell_titles(made: dict[str, dict[str, list[Any]]]) -> None:
    posts = made["posts"]
    assert len(set(posts["slug"])) == ROWS
    assert all(
        slug.rpartition("-")[0] == title.lower().replace(" ", "-")
        for title, slug in zip(posts["title"], posts["slug"], strict=True)
    )


def test_mime_types_fit_file_names(made: dict[str, dict[str, list[Any]]]) -> None:
    pairs = {
        (name.rpartition(".")[2], kind)
        for name, kind in zip(made["posts"]["file_name"], made["posts"]["mime_type"], strict=True)
    }
    assert ("pdf", "application/pdf") in pairs and ("jpg", "image/jpeg") in pairs
    assert len({ending for ending, _ in pairs}) == len(pairs)


def test_an_address_is_in_one_town(made: dict[str, dict[str, list[Any]]]) -> None:
    people = made["people"]
    towns: dict[str, set[Any]] = {}
    for city, state, country, code, post, lat, lon in zip(
        *(people[c] for c in ("city", "state", "country", "country_code", "postal_code", "latitude", "longitude")),
        strict=True,
    ):
        towns.setdefault(city, set()).add((state, country, code, round(lat), round(lon), len(post)))
    assert len(towns) > 40
    # One place a town; what is rounded may fall on either side of a half.
    assert all(len({t[:3] for t in found}) == 1 for found in towns.values())
    assert {t[:3] for t in towns["Chicago"]} == {("Illinois", "United States", "US")}
    assert all(abs(t[3] - 42) <= 1 and abs(t[4] + 88) <= 1 and t[5] == 5 for t in towns["Chicago"])


def test_two_addresses_of_a_row_are_two_towns(made: dict[str, dict[str, list[Any]]]) -> None:
    orders = made["orders"]
    for prefix in ("ship", "bill"):
        where: dict[str, set[str]] = {}
        for city, country in zip(orders[f"{prefix}_city"], orders[f"{prefix}_country"], strict=True):
            where.setdefault(city, set()).add(country)
        assert all(len(countries) == 1 for countries in where.values())
    same = sum(a == b for a, b in zip(orders["ship_city"], orders["bill_city"], strict=True))
    assert same < ROWS / 5


def test_moments_of_a_row_are_in_order(made: dict[str, dict[str, list[Any]]]) -> None:
    people, posts, orders = made["people"], made["posts"], made["orders"]
    assert ordered(people["created_at"], people["updated_at"]) == ROWS
    assert ordered(people["updated_at"], people["deleted_at"]) > 0
    assert ordered(people["created_at"], people["last_login_at"]) > ROWS / 2
    assert ordered(people["hire_date"], people["termination_date"]) > ROWS / 4
    assert all(
        (hired - born).days >= 16 * 365
        for born, hired in zip(people["date_of_birth"], people["hire_date"], strict=True)
    )
    assert ordered(posts["created_at"], posts["published_at"]) > ROWS / 2
    assert ordered(orders["ordered_at"], orders["shipped_at"]) > ROWS / 2
    assert ordered(orders["shipped_at"], orders["delivered_at"]) > ROWS / 4
    assert ordered(orders["issued_on"], orders["due_on"]) == ROWS
    assert ordered(orders["issued_on"], orders["expires_on"]) == ROWS
    hours = [(b - a).total_seconds() / 3600 for a, b in zip(orders["starts_at"], orders["ends_at"], strict=True)]
    assert min(hours) > 0 and max(hours) < 24
    # Nothing is delivered that was not shipped, and nothing happened after the pinned now.
    assert all(s is not None for s, d in zip(orders["shipped_at"], orders["delivered_at"], strict=True) if d)
    for column in ("created_at", "updated_at", "last_login_at", "deleted_at"):
        assert max(v for v in people[column] if v is not None) <= NOW


def test_rows_come_after_those_that_they_refer_to(made: dict[str, dict[str, list[Any]]]) -> None:
    born = dict(zip(made["people"]["id"], made["people"]["created_at"], strict=True))
    for table, key, column in (("posts", "author_id", "created_at"), ("orders", "buyer_id", "ordered_at")):
        rows = made[table]
        assert all(born[k] <= moment for k, moment in zip(rows[key], rows[column], strict=True))
        assert len(set(rows[column])) > ROWS * 0.9  # spread out, not heaped up at the parent's own moment
        assert max(rows[column]) <= NOW


def test_ages_follow_from_birth_dates(made: dict[str, dict[str, list[Any]]]) -> None:
    for born, age in zip(made["people"]["date_of_birth"], made["people"]["age"], strict=True):
        assert abs(age - (date(2026, 1, 1) - born).days / 365.2425) < 1.01


def test_lines_are_counted_off_and_multiplied(made: dict[str, dict[str, list[Any]]]) -> None:
    lines = made["order_lines"]
    of: dict[int, list[int]] = {}
    for order, line in zip(lines["order_id"], lines["line_no"], strict=True):
        of.setdefault(order, []).append(line)
    assert all(sorted(found) == list(range(1, len(found) + 1)) for found in of.values())
    assert max(map(len, of.values())) > 1
    assert all(q * p == t for q, p, t in zip(lines["quantity"], lines["unit_price"], lines["line_total"], strict=True))


def test_whole_numbers_can_count_time(made: dict[str, dict[str, list[Any]]]) -> None:
    readings = made["readings"]
    assert all(1.6e12 < v <= NOW.timestamp() * 1000 + 86_400_000 for v in readings["created_time"])
    assert ordered(readings["created_time"], readings["expires_ts"]) > ROWS / 2


def test_a_check_that_names_ends_keeps_a_moment_free(tmp_path: Path) -> None:
    """What a check bounds is not derived: a few rows do not show that the rest would pass."""
    script = """
        CREATE TABLE t (id integer PRIMARY KEY, created_at date NOT NULL,
                        updated_at date NOT NULL CHECK (updated_at <= '2025-06-30'));
    """
    data = planned(script, tmp_path).sample()
    assert max(data.arrow("t").column("updated_at").to_pylist()) <= date(2025, 6, 30)


def test_a_column_more_changes_none_that_does_not_follow_from_it(tmp_path: Path) -> None:
    narrow = "CREATE TABLE p (id integer PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL, {} done text)"
    few = planned(narrow.format("city text NOT NULL, country text NOT NULL, created_at timestamp NOT NULL,"), tmp_path)
    more = "city text NOT NULL, postal_code text NOT NULL, country text NOT NULL, created_at timestamp NOT NULL, "
    more += "updated_at timestamp NOT NULL, deleted_at timestamp, email text NOT NULL, full_name text NOT NULL,"
    before = few.sample().arrow("p").to_pydict()
    after = planned(narrow.format(more), tmp_path).sample().arrow("p").to_pydict()
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize(
    ("locale", "country"), [("en_US", "United States"), ("de_DE", "Germany"), ("pt_BR", "Brazil"), ("fi_FI", None)]
)
def test_the_country_of_the_locale_leads(locale: str, country: str | None, tmp_path: Path) -> None:
    path = tmp_path / "one.sql"
    path.write_text("CREATE TABLE a (id integer PRIMARY KEY, city text NOT NULL, country text NOT NULL)")
    wishes = Wishes(rows=RowsAsked({}, default=2000), locale=locale)
    countries = plan_rules(reflect(path), wishes=wishes, seed=3).sample().arrow("a").column("country").to_pylist()
    share = countries.count(country) / 2000 if country else 0.5
    assert 0.4 < share < 0.6
    assert len(set(countries)) > 10


def test_what_a_row_reads_of_its_parents_survives_json(tmp_path: Path) -> None:
    plan = planned(SCRIPT, tmp_path).plan
    assert plan_from_json(plan_to_json(plan)) == plan
    assert any(getattr(c.source, "parents", ()) for t in plan.tables for c in t.columns)


def test_parts_of_a_place_are_named() -> None:
    assert {"city", "state", "postal_code", "country", "latitude", "longitude"} <= set(PARTS)


def test_rules_of_a_spec_can_read_the_row(tmp_path: Path) -> None:
    """What the options name as columns is there when the rule is asked."""
    path = tmp_path / "one.sql"
    path.write_text(
        "CREATE TABLE a (id integer PRIMARY KEY, first text NOT NULL, last text NOT NULL, contact text NOT NULL)"
    )
    (tmp_path / "spec.yaml").write_text(
        "version: 1\ntables:\n  a:\n    columns:\n"
        "      first: {choices: [Ann]}\n      last: {choices: [Lee, Roe]}\n"
        "      contact: {rule: made_of, options: {columns: [first, last], form: mail, otherwise: email}}\n"
    )
    spec = read_spec(tmp_path / "spec.yaml")
    schema = reflect(path)
    rows = plan_rules(schema, wishes=wishes_of(spec, schema), seed=3).sample().arrow("a").column("contact").to_pylist()
    assert {row.partition("@")[0] for row in rows} == {"ann.lee", "ann.roe"}


# Where rows say it ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("spelled", [True, False])
def test_unique_emails_spell_the_names_of_their_row_where_those_of_the_rows_do(
    tmp_path: Path, apart: bool, spelled: bool
) -> None:
    path = tmp_path / "users.sqlite"
    firsts, lasts = plain_names()
    with closing(sqlite3.connect(path)) as connection:
        names = (
            "first_name varchar(40) NOT NULL, last_name varchar(40) NOT NULL" if apart else "name varchar(80) NOT NULL"
        )
        connection.execute(f"CREATE TABLE users (id integer PRIMARY KEY, {names}, email varchar(90) NOT NULL UNIQUE)")
        for i in range(300):
            first, last = firsts[i % len(firsts)], lasts[i * 7 % len(lasts)]
            whole = (first, last) if apart else (f"{first} {last}",)
            local = f"{first}.{last}{i}".lower() if spelled else f"{lasts[i * 3 % len(lasts)]}{i}".lower()
            values = (i, *whole, f"{local}@mail.example")
            connection.execute(f"INSERT INTO users VALUES ({', '.join('?' * len(values))})", values)
        connection.commit()
    learned = fit(f"sqlite:///{path}", seed=3)
    rows = learned.sample(seed=4).arrow("users").to_pylist()
    assert len({row["email"] for row in rows}) == len(rows) == 300

    def last_of(row: dict[str, object]) -> str:
        return str(row["last_name"] if apart else str(row["name"]).split()[-1]).lower()

    told = sum(last_of(row).replace("'", "") in str(row["email"]) for row in rows)
    assert told > 290 if spelled else told < 30


def plain_names() -> tuple[list[str], list[str]]:
    """Names of letters alone."""
    from faker.providers.person.en_US import Provider

    first, last = (
        sorted(n for n in names if n.isalpha() and n.isascii())[:300]
        for names in (Provider.first_names_female, Provider.last_names)
    )
    return first, last

"""The default rule of a column: what it means, what its type holds, what its domain allows."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixturesynth.rules.choice import rule_for_column
from fixturesynth.rules.contract import ColumnContext, RuleRequest
from fixturesynth.rules.registry import capacity
from fixturesynth.rules.sampling import sample_rule
from fixturesynth.schema.model import Column, ColumnType, Kind
from fixturesynth.schema.predicates import ColumnDomain

NOW = datetime(2026, 1, 1, tzinfo=UTC)
INTEGER = ColumnType("integer", "integer", bits=32)
PRICE = ColumnType("decimal", "numeric(8,2)", precision=8, scale=2)
TEXT = ColumnType("text", "text")


def choose(kind: ColumnType, meaning: str | None = None, domain: ColumnDomain | None = None, **more: Any) -> Any:
    unique = more.pop("unique", False)
    return rule_for_column("t", Column("c", kind), meaning, domain, locale="en_US", unique=unique, **more)


def values(kind: ColumnType, meaning: str | None = None, domain: ColumnDomain | None = None, **more: Any) -> list[Any]:
    call = choose(kind, meaning, domain, **more)
    assert call is not None
    context = ColumnContext("t", "c", kind, "en_US", NOW)
    rows = min(300, capacity(call, context)) if call.unique else 300
    made: list[Any] = sample_rule(call, RuleRequest(5, context, np.arange(rows), 0, {})).to_pylist()
    return made


@pytest.mark.parametrize("kind", sorted(set(get_args(Kind)) - {"other"}))
@pytest.mark.parametrize("unique", [False, True])
def test_every_kind_has_a_rule(kind: Kind, unique: bool) -> None:
    named = ("a", "b", "c") if kind in ("enum", "set") else ()
    element = TEXT if kind == "array" else INTEGER if kind == "range" else None
    column_type = ColumnType(kind, kind, values=named, element=element)
    made = values(column_type, unique=unique)
    assert made and None not in made
    if unique:
        assert len(set(map(str, made))) == len(made)


def test_types_without_a_rule_are_left_to_the_planner() -> None:
    assert choose(ColumnType("other", "pg_lsn")) is None
    assert choose(ColumnType("array", "pg_lsn[]", element=ColumnType("other", "pg_lsn"))) is None


@pytest.mark.parametrize(
    ("meaning", "form"),
    [
        ("email", r"[a-z]+\.[a-z]+@example\.(com|net|org)"),
        ("slug", r"[a-z]+(-[a-z]+)+"),
        ("url", r"https://([a-z]+\.)?example\.(com|net|org)/[a-z]+-[a-z]+"),
        ("ip_address", r"(\d{1,3}\.){3}\d{1,3}"),
        ("md5", r"[0-9a-f]{32}"),
        ("sha256", r"[0-9a-f]{64}"),
        ("uuid", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        ("version", r"\d+\.\d+\.\d+"),
        ("country_code", "[A-Z]{2}"),
        ("currency", "[A-Z]{3}"),
        ("full_name", r"\S+ \S.*"),
        ("postal_code", r"[\d-]{5,10}"),
        ("mime_type", "[a-z]+/[a-z0-9]+"),
        ("file_name", r"\w+\.\w{3,4}"),
        ("color_hex", "#[0-9a-f]{6}"),
        ("address_line_2", r"(Apt|Suite) \d{3}"),
        ("description", r"[A-Z].*\."),
        ("password_hash", r"\$2b\$12\$[./A-Za-z0-9]{53}"),
        ("public_key", r"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[+/A-Za-z0-9]{43}"),
        ("identifier", "[a-z]+(_[a-z]+){0,2}"),
        ("permission_code", "(view|add|change|delete)_[a-z_]+"),
        ("dotted_path", r"[a-z]+\.[a-z]+\.[a-z]+_[a-z]+"),
        ("class_name", "([A-Z][a-z]+){1,2}"),
        ("sql", "SELECT .* FROM [a-z]+s .*"),
        ("log_output", r"\d\d:\d\d:\d\d (INFO|DEBUG|WARNING|ERROR) [a-z]+ [a-z]+: [a-z]+"),
        ("git_url", r"https://git\.example\.com/[a-z]+/[a-z]+\.git"),
        ("git_branch", "main|develop|(feature|fix)/[a-z]+"),
        ("connection_string", r"[a-z]+://app@[a-z]+\.example\.com/[a-z]+"),
        ("cidr", r"10\.\d+\.\d+\.0/24"),
        ("migration", "[0-9a-f]{12}"),
        ("line_number", r"\d{1,3}"),
    ],
)
def test_text_looks_as_it_is_meant(meaning: str, form: str) -> None:
    assert [v for v in values(TEXT, meaning) if not re.fullmatch(form, v)] == []


def test_numbers_and_moments_look_as_they_are_meant() -> None:
    prices = values(PRICE, "price")
    assert all(v > 0 for v in prices) and sum(v % 1 == Decimal("0.99") for v in prices) > 60
    created = values(ColumnType("timestamp", "timestamptz", timezone=True), "created_at")
    assert all(datetime(2023, 12, 30, tzinfo=UTC) <= v <= NOW for v in created)
    assert all(1940 <= v.year <= 2008 for v in values(ColumnType("date", "date"), "birth_date"))
    assert all(-90 <= v <= 90 for v in values(ColumnType("float", "double"), "latitude"))
    assert set(values(INTEGER, "month")) == set(range(1, 13))
    assert set(values(INTEGER, "flag")) == {0, 1}


ends = st.integers(-(10**6), 10**6)


@given(ends, st.integers(0, 50), st.booleans(), st.booleans(), st.sampled_from(["price", "quantity", "age", None]))
@settings(max_examples=80)
def test_numbers_stay_in_their_domain(low: int, width: int, low_open: bool, high_open: bool, meaning: str) -> None:
    domain = ColumnDomain("c", low=low, high=low + width + 2, low_open=low_open, high_open=high_open)
    for kind in (INTEGER, ColumnType("decimal", "numeric(12,2)", precision=12, scale=2), ColumnType("float", "double")):
        for unique in (False, True):
            made = values(kind, meaning, domain, unique=unique)
            assert all(domain.contains(v) for v in made)
            assert not unique or len(set(made)) == len(made)


def test_one_sided_domains_and_gaps() -> None:
    assert all(v > 5000 for v in values(INTEGER, "quantity", ColumnDomain("c", low=5000, low_open=True)))
    assert all(v < -3 for v in values(INTEGER, "age", ColumnDomain("c", high=-3, high_open=True)))
    assert 0 not in values(INTEGER, None, ColumnDomain("c", low=0, excluded=(0,)))
    small = ColumnType("integer", "tinyint unsigned", bits=8, unsigned=True)
    assert choose(small, None, ColumnDomain("c", low=256)) is None
    assert all(0 <= v <= 255 for v in values(small, "amount"))


@pytest.mark.parametrize(
    "domain",
    [
        ColumnDomain("c", allowed=("new", "used")),
        ColumnDomain("c", min_length=8, max_length=12),
        ColumnDomain("c", min_length=64, max_length=64),
        ColumnDomain("c", lower=True),
        ColumnDomain("c", upper=True, max_length=6),
        ColumnDomain("c", like=("A%",)),
        ColumnDomain("c", like=("%@%.%",), lower=True),
        ColumnDomain("c", regex=((r"^[A-Z]{3}-\d{4}$", False, False),)),
        ColumnDomain("c", regex=((r"^[a-z][a-z0-9-]*$", False, False),), max_length=20),
        ColumnDomain("c", regex=((r"\s", False, True),)),
        ColumnDomain("c", octets=(None, 16)),
        ColumnDomain("c", low="a", high="n"),
        ColumnDomain("c", excluded=("active", "pending")),
        ColumnDomain("c", json=True),
        ColumnDomain("c", trimmed=True, min_length=1),
    ],
    ids=lambda d: str(d)[12:60],
)
@pytest.mark.parametrize("meaning", [None, "email", "status", "description", "full_name"])
def test_text_stays_in_its_domain(domain: ColumnDomain, meaning: str | None) -> None:
    for kind in (TEXT, ColumnType("text", "varchar(80)", length=80)):
        made = values(kind, meaning, domain)
        assert [v for v in made if not domain.contains(v)] == []


def test_dates_stay_in_their_domain() -> None:
    domain = ColumnDomain("c", low="2030-01-01", high="2030-02-01", high_open=True)
    made = values(ColumnType("date", "date"), "created_at", domain)
    assert all("2030-01-01" <= v.isoformat() < "2030-02-01" for v in made)
    old = values(ColumnType("timestamp", "timestamp"), None, ColumnDomain("c", high="1999-12-31T00:00:00"))
    assert all(v <= datetime(1999, 12, 31) for v in old)


@pytest.mark.parametrize("length", [1, 2, 3, 5, 10, 30])
@pytest.mark.parametrize("meaning", ["email", "gender", "status", "name", "url", "phone", "uuid", "created_at", None])
def test_any_length_has_values(length: int, meaning: str | None) -> None:
    kind = ColumnType("text", f"varchar({length})", length=length)
    assert all(0 < len(v) <= length for v in values(kind, meaning))


def test_keys_as_they_are_written_have_every_sign_drawn_and_are_never_cut() -> None:
    hashes = values(TEXT, "password_hash", unique=True)
    assert len(set(hashes)) == 300
    # Each of the 53 places takes many of the 64 signs: none is filled up.
    assert min(len({h[i] for h in hashes}) for i in range(7, 60)) > 50
    short = ColumnType("text", "varchar(40)", length=40)
    assert all(re.fullmatch("[0-9a-f]{40}", v) for v in values(short, "password_hash"))


def json_of(name: str, kind: ColumnType, meaning: str | None = None, default: str | None = None) -> list[Any]:
    column = Column(name, kind, default=default)
    call = rule_for_column("t", column, meaning, None, locale="en_US", unique=False)
    assert call is not None
    request = RuleRequest(5, ColumnContext("t", name, kind, "en_US", NOW), np.arange(50), 0, {})
    return [json.loads(v) for v in sample_rule(call, request).to_pylist()]


def test_json_holds_lists_where_the_name_or_the_default_says_so() -> None:
    kind = ColumnType("json", "jsonb")
    scopes = json_of("scopes", kind)
    assert all(set(v) <= {"read", "write", "admin"} and v for v in scopes)
    assert all(len(set(v)) == len(v) for v in scopes) and {len(v) for v in scopes} == {1, 2}
    assert all(
        isinstance(v, list) and set(v[0]) == {"name", "width", "height", "format"} for v in json_of("files", kind)
    )
    assert all(isinstance(v, dict) for v in json_of("settings", kind))
    assert all(isinstance(v, dict) for v in json_of("tags", kind, default="'{}'::jsonb"))
    assert all(isinstance(v, list) for v in json_of("stuff", kind, default="'[]'"))
    assert all(isinstance(v, list) for v in json_of("args", TEXT, "json_data"))


@pytest.mark.parametrize(
    ("table", "name", "meaning", "among"),
    [
        ("chat_messages", "role", "role", {"user", "assistant", "system", "tool"}),
        ("members", "role", "role", {"user", "editor", "admin", "viewer", "owner"}),
        ("tickets", "resolution", "status", {"fixed", "done", "duplicate", "wont_fix", "invalid"}),
        ("attendees", "status", "status", {"accepted", "tentative", "declined", "pending"}),
        ("profiles", "theme", "type", {"light", "dark", "system"}),
        ("images", "hash_algo", "type", {"sha256", "sha512", "md5"}),
        ("queries", "execution_method", "type", {"manual", "automatic", "import", "api"}),
        ("orders", "shipping_method", "type", {"standard", "express", "pickup"}),
        ("retention", "trash_time_unit", "type", {"days", "hours", "weeks", "months", "minutes"}),
    ],
)
def test_kinds_are_those_of_the_name(table: str, name: str, meaning: str, among: set[str]) -> None:
    call = rule_for_column(table, Column(name, TEXT), meaning, None, locale="en_US", unique=False)
    assert call is not None and set(call.options["values"]) == among


def test_arrays_of_scopes_hold_one_scope_in_an_element() -> None:
    made = values(ColumnType("array", "text[]", element=TEXT), "scope_list")
    assert {scope for one in made for scope in one} == {"read", "write", "openid", "profile", "email", "admin"}


def test_unique_technical_names_are_written_as_slugs() -> None:
    assert all(re.fullmatch("[a-z]+(-[a-z]+)+", v) for v in values(TEXT, "tag", unique=True, rows=300))


def test_revisions_of_forty_characters_are_those_of_git() -> None:
    forty = ColumnType("text", "varchar(40)", length=40)
    assert all(re.fullmatch("[0-9a-f]{40}", v) for v in values(forty, "revision"))


def test_unique_codes_of_languages_go_on_after_the_known_ones() -> None:
    made = values(ColumnType("text", "varchar(50)", length=50), "language_code", unique=True, rows=300)
    assert len(set(made)) == 300 and all(re.fullmatch("[a-z]{2}(_[A-Z]{2})?", v) for v in made)


def test_unique_columns_get_a_rule_with_room() -> None:
    narrow = ColumnType("text", "varchar(20)", length=20)
    for meaning in ("status", "gender", "currency", "language", "country_code"):
        call = choose(narrow, meaning, unique=True, rows=50_000)
        assert capacity(call, ColumnContext("t", "c", narrow, "en_US", NOW)) >= 50_000


def test_more_countries_than_the_world_has_are_called_as_places_are() -> None:
    names = values(ColumnType("text", "varchar(80)", length=80), "country", unique=True, rows=2_000)
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Z][\w'. -]+", name) for name in names)

"""Values that a schema suggests without rows: by defaults, by names in opposites, by what software calls its things."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fixturesynth.planning.planner import Wishes
from fixturesynth.planning.rows import RowsAsked
from fixturesynth.profiling.semantics import guess_meaning
from fixturesynth.schema.model import Column, ColumnType
from fixturesynth.schema.reflection import reflect
from fixturesynth.synthesizer import plan_rules

Made = Callable[[str], dict[str, list[Any]]]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A function: columns of a PostgreSQL table ``t`` to 200 rows of it, by column."""

    def make(columns: str, others: str = "") -> dict[str, list[Any]]:
        path = tmp_path / "t.pg.sql"
        path.write_text(f"{others} CREATE TABLE t (id int PRIMARY KEY, {columns})")
        plan = plan_rules(reflect(str(path)), wishes=Wishes(rows=RowsAsked({}, default=200)), seed=7)
        return plan.sample().arrow("t").to_pydict()

    return make


# Defaults ------------------------------------------------------------------------------------------------------------
def test_small_numbers_that_are_0_by_default_are_switches(made: Made) -> None:
    rows = made(
        "chatty smallint NOT NULL DEFAULT 0, shown smallint NOT NULL DEFAULT '1'::smallint, pages smallint DEFAULT 0"
    )
    assert set(rows["chatty"]) == set(rows["shown"]) == {0, 1}
    assert len(set(rows["pages"])) > 5  # a count by its name


def test_wider_numbers_are_switches_where_their_names_ask(made: Made) -> None:
    rows = made("notify_on_down int NOT NULL DEFAULT 0, gain int NOT NULL DEFAULT 0")
    assert set(rows["notify_on_down"]) == {0, 1}
    assert len(set(rows["gain"])) > 5


@pytest.mark.parametrize(
    ("kind", "default", "spelled"),
    [
        ("varchar(3)", "on", {"on", "off"}),
        ("char(1)", "N", {"Y", "N"}),
        ("text", "True", {"True", "False"}),
        ("char(2)", "on", {"on", ""}),
    ],
)
def test_yes_and_no_are_spelled_as_the_default(made: Made, kind: str, default: str, spelled: set[str]) -> None:
    assert {v.strip() for v in made(f"gridfit {kind} NOT NULL DEFAULT '{default}'")["gridfit"]} == spelled


def test_what_is_given_by_default_comes_first(made: Made) -> None:
    rows = made(
        "status varchar(20) NOT NULL DEFAULT 'fresh', payment_status varchar(20) NOT NULL DEFAULT 'unbilled', "
        "region varchar(20) NOT NULL DEFAULT 'Nowhere', db_port int NOT NULL DEFAULT 5432, "
        "max_check_attempts int NOT NULL DEFAULT 9, unmeaning int NOT NULL DEFAULT 300"
    )
    for name, default in (("status", "fresh"), ("payment_status", "unbilled"), ("region", "Nowhere"),
                          ("db_port", 5432), ("max_check_attempts", 9), ("unmeaning", 300)):  # fmt: skip
        values = rows[name]
        assert max(set(values), key=values.count) == default, name
    assert min(rows["unmeaning"]) >= 75 and max(rows["unmeaning"]) <= 1200


# Pairs of opposites --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [
        ("min_length", "max_length", "int"),
        ("low_threshold", "high_threshold", "float"),
        ("MinZoomStep", "MaxZoomStep", "numeric(8,2)"),
        ("lft", "rght", "int"),
        ("unit_price_excl_tax", "unit_price_incl_tax", "numeric(12,2)"),
        ("connect_time", "disconnect_time", "timestamp"),
        ("create_time", "modify_time", "timestamp"),
        ("StartDateTime", "EndDateTime", "timestamp"),
        ("dtstart", "dtend", "date"),
        ("last_check", "next_check", "timestamp"),
        ("min_date", "max_date", "date"),
        ("enqueued_at", "dequeued_at", "timestamp"),
    ],
)
def test_opposites_are_in_order(made: Made, low: str, high: str, kind: str) -> None:
    rows = made(f'"{low}" {kind} NOT NULL, "{high}" {kind} NOT NULL')
    assert all(a <= b for a, b in zip(rows[low], rows[high], strict=True))


def test_opposites_with_the_same_bounds_are_in_order(made: Made) -> None:
    rows = made("min_length int NOT NULL CHECK (min_length >= 0), max_length int NOT NULL CHECK (max_length >= 0)")
    assert all(a <= b for a, b in zip(rows["min_length"], rows["max_length"], strict=True))


def test_balances_at_both_ends_are_in_no_order(made: Made) -> None:
    rows = made("start_balance numeric(9,2) NOT NULL, end_balance numeric(9,2) NOT NULL")
    assert any(a > b for a, b in zip(rows["start_balance"], rows["end_balance"], strict=True))


# Time for those that come after ---------------------------------------------------------------------------------------
def test_rows_of_late_generations_do_not_crowd_before_now(made: Made) -> None:
    names = ("a", "b", "c", "d", "e")
    tables = [f"CREATE TABLE {names[0]} (id int PRIMARY KEY, created_at timestamp NOT NULL);"]
    tables += [
        f"CREATE TABLE {name} (id int PRIMARY KEY, created_at timestamp NOT NULL, up int NOT NULL REFERENCES {above});"
        for above, name in pairwise(names)
    ]
    rows = made("up int NOT NULL REFERENCES e, created_at timestamp NOT NULL", " ".join(tables))
    years = sorted(f"{moment:%Y-%m}" for moment in rows["created_at"])
    assert years[len(years) // 10] < "2025-09" and years[len(years) // 2] < "2025-12"


# Names ---------------------------------------------------------------------------------------------------------------
def test_texts_without_regard_to_case_are_those_of_the_other_column(made: Made) -> None:
    rows = made("name varchar(80) NOT NULL, name_ci varchar(80) NOT NULL")
    assert rows["name_ci"] == [name.lower() for name in rows["name"]]


def test_short_texts_are_no_documents(made: Made) -> None:
    rows = made("context varchar(32) NOT NULL, options varchar(255) NOT NULL")
    assert not any(v.startswith("{") for v in rows["context"])
    assert all(v.startswith("{") for v in rows["options"])


@pytest.mark.parametrize(
    ("table", "name", "kind", "meaning"),
    [
        ("hosts", "address6", "text", "ipv6"),
        ("gateways", "address", "text", "ip_address"),
        ("customers", "address", "text", "address"),
        ("dialogs", "fromip", "text", "ip_address"),
        ("leases", "netmask", "text", "netmask"),
        ("poller", "dbuser", "text", "username"),
        ("poller", "dbhost", "text", "hostname"),
        ("contacts", "fburl", "text", "url"),
        ("lang", "code", "text", "language_code"),
        ("menus", "parent", "text", None),
        ("questions", "text_de", "text", "body"),
        ("evaluations", "name_en", "text", "name"),
        ("posts", "last_poster_name", "text", "full_name"),
        ("posts", "hidden_by_name", "text", "full_name"),
        ("types", "extensions", "text", "file_extension"),
        ("rules", "match_on", "text", None),
        ("job_group_parents", "name", "text", "group"),
        ("parents", "name", "text", "full_name"),
        ("reports", "extension", "text", "file_extension"),
        ("employees", "extension", "text", "phone_extension"),
        ("mail_queuedmail", "to", "text", "email"),
        ("django_content_type", "model", "text", "class_name"),
        ("cars", "model", "text", "model"),
        ("addresses", "box_no", "text", "code"),
        ("currencies", "symbol", "text", "currency_symbol"),
        ("logs", "created_by", "integer", "id"),
        ("checks", "start_time_usec", "integer", "microsecond"),
        ("checks", "percent_state_change", "float", "percentage"),
        ("scripts", "cpl_xml", "text", "xml_text"),
        ("calls", "sip_code", "text", "http_status"),
        ("invoices", "prefix", "text", "affix"),
        ("persons", "prefix", "text", "prefix"),
        ("groups", "base_dn", "text", "ldap_dn"),
        ("address_country", "printable_name", "text", "country"),
        ("address_country", "iso_3166_1_a3", "text", "country_code"),
        ("orders", "date_placed", "timestamp", "order_date"),
        ("alerts", "date_closed", "timestamp", "end"),
        ("alerts", "date_confirmed", "timestamp", "confirmed_at"),
        ("imports", "delimiter", "text", "separator"),
        ("members", "membership", "text", "role"),
        ("t", "friendship", "text", None),
    ],
)  # fmt: skip
def test_names_of_software(table: str, name: str, kind: Any, meaning: str | None) -> None:
    column = Column(name, ColumnType(kind, kind, bits=32 if kind == "integer" else None))
    assert guess_meaning(table, column, None) == meaning

"""Meanings of columns by name, table, type and values."""

import pyarrow as pa
import pytest

from fixturesynth.profiling.meanings import MEANINGS, PERSONAL, PHRASES
from fixturesynth.profiling.semantics import entity_of, guess_meaning, words_of
from fixturesynth.schema.model import Column, ColumnType, Kind


def guess(table: str, name: str, kind: Kind = "text", values: list[str] | None = None) -> str | None:
    return guess_meaning(table, Column(name, ColumnType(kind, kind)), None if values is None else pa.array(values))


def test_the_table_of_meanings() -> None:
    assert len(MEANINGS) >= 150
    assert {"person", "contact", "company", "internet", "commerce", "time", "text", "codes"} <= {
        m.group for m in MEANINGS.values()
    }
    assert {"first_name", "email", "phone", "address", "birth_date", "ssn", "iban"} <= PERSONAL
    assert not PERSONAL & {"country", "price", "created_at", "status", "category"}
    assert all(phrase == tuple(w.lower() for w in phrase) for phrase in PHRASES)


@pytest.mark.parametrize(
    ("table", "name", "kind", "meaning"),
    [
        ("customers", "name", "text", "full_name"),
        ("companies", "name", "text", "company"),
        ("products", "name", "text", "product_name"),
        ("countries", "name", "text", "country"),
        ("order_statuses", "name", "text", "category"),
        ("widgets", "name", "text", "name"),
        ("public.users", "FirstName", "text", "first_name"),
        ("t", "LASTNAME", "text", "last_name"),
        ("t", "lname", "text", "last_name"),
        ("t", "contact_email", "text", "email"),
        ("t", "e_mail", "text", "email"),
        ("t", "emailaddress", "text", "email"),
        ("t", "home_phone", "text", "phone"),
        ("orders", "billing_postal_code", "text", "postal_code"),
        ("orders", "shipZipCode", "text", "postal_code"),
        ("t", "address2", "text", "address_line_2"),
        ("t", "country_code", "text", "country_code"),
        ("t", "lat", "float", "latitude"),
        ("t", "lng", "decimal", "longitude"),
        ("t", "unit_price", "decimal", "price"),
        ("lineitem", "l_extendedprice", "float", "total"),
        ("orders", "qty", "integer", "quantity"),
        ("t", "vat_rate", "decimal", "tax_rate"),
        ("t", "tax_id", "text", "tax_number"),
        ("t", "customer_id", "integer", "id"),
        ("t", "guid", "uuid", "uuid"),
        ("t", "is_active", "boolean", "flag"),
        ("t", "hasChildren", "integer", "flag"),
        ("t", "created_at", "timestamp", "created_at"),
        ("t", "createdOn", "text", "created_at"),
        ("t", "created_by", "text", "username"),
        ("t", "dob", "date", "birth_date"),
        ("t", "birthdate", "text", "birth_date"),
        ("t", "email_verified_at", "timestamp", "confirmed_at"),
        ("t", "frozen_at", "timestamp", "timestamp"),
        ("employees", "title", "text", "job_title"),
        ("films", "title", "text", "title"),
        ("t", "state", "text", "status"),
        ("customers", "state", "text", "state"),
        ("t", "password", "text", "password_hash"),
        ("t", "sha256", "text", "sha256"),
        ("t", "mime_type", "text", "mime_type"),
        ("t", "client_ip", "inet", "ip_address"),
        ("t", "whatever", "inet", "ip_address"),
        ("t", "payload", "json", "json_data"),
        ("mitarbeiter", "vorname", "text", "first_name"),
        ("t", "year", "integer", "year"),
        ("t", "price", "boolean", "flag"),
        ("t", "latitude", "text", None),
        ("columns", "column_name", "text", "identifier"),
        ("settings", "key", "text", "identifier"),
        ("sessions", "key", "text", "id"),
        ("queries", "executed_sql", "text", "sql"),
        ("schedules", "func", "text", "dotted_path"),
        ("builds", "job_name", "text", "identifier"),
        ("employees", "job_name", "text", "job_title"),
        ("social_accounts", "provider", "text", "provider"),
        ("encounters", "provider", "text", "full_name"),
        ("auth_group", "name", "text", "group"),
        ("cdm.provider", "provider_name", "text", "full_name"),
        ("apps", "provider_name", "text", "provider"),
        ("audits", "no_of_new_groups", "integer", "count"),
        ("t", "scopes", "array", "scope_list"),
        ("product_groups", "name", "text", "category"),
        ("folders", "name", "text", "folder"),
        ("files", "name", "text", "file_name"),
        ("tag", "name", "text", "tag"),
        ("images", "size", "integer", "file_size"),
        ("shoes", "size", "integer", "size"),
        ("nodes", "depth", "integer", "nesting"),
        ("pools", "depth", "float", "depth"),
        ("events", "start_dttm", "timestamp", "start"),
        ("flights", "origin", "text", "airport_code"),
        ("memories", "origin", "text", "type"),
        ("filters", "operator", "text", "type"),
        ("lines", "operator", "text", "company"),
        ("rules", "condition", "text", "clause"),
        ("linking_smartlinkcondition", "operator", "text", "type"),
        ("languages", "name", "text", "language_name"),
        ("films", "language", "text", "language"),
        ("visits", "condition", "text", "diagnosis"),
        ("units", "extra_flags", "text", "tags"),
        ("embeds", "allow_domain_list", "text", None),
        ("embeds", "allow_downloads", "text", "flag"),
        ("permissions", "grant_on", "integer", None),
        ("repositories", "git_export", "text", None),
        ("alembic_version", "version_num", "text", "migration"),
        ("comments", "line_no", "text", "line_number"),
        ("comments", "line_no", "integer", "position"),
        ("t", "xyzzy", "text", None),
        ("t", "", "text", None),
        ("t", "名前", "text", None),
        ("", 'weird "quoted" name', "text", "name"),
    ],
)
def test_meaning_by_name(table: str, name: str, kind: Kind, meaning: str | None) -> None:
    assert guess(table, name, kind) == meaning


@pytest.mark.parametrize(
    ("name", "values", "meaning"),
    [
        ("data", ["a@b.org", "c.d@e.co", "x@y.net"], "email"),
        ("username", ["a@b.org", "c.d@e.co", "x@y.net"], "email"),
        ("email", ["SKING", "NKOCHHAR", "LDEHAAN"], "username"),
        ("c1", ["https://a.b/c", "http://d.e", "https://f.g"], "url"),
        ("c1", ["10.0.0.1", "192.168.1.7", "8.8.8.8"], "ip_address"),
        ("c1", ["::1", "fe80::1:2:3:4", "2001:db8:0:0:0:0:0:1"], "ipv6"),
        ("c1", ["999-17-5017", "123-45-6789", "111-22-3333"], "ssn"),
        ("c1", ["d41d8cd98f00b204e9800998ecf8427e"] * 2 + ["0" * 32, "1" * 32], "md5"),
        ("c1", ["#fff", "#00ff00", "#123456"], "color_hex"),
        ("c1", ["image/png", "text/html", "application/json"], "mime_type"),
        ("c1", ["1.2.3", "v2.0.0", "3.1.4-beta"], "version"),
        ("c1", ["Europe/Berlin", "America/New_York", "Asia/Tokyo"], "timezone"),
        ("c1", ["+1 (780) 428-9482", "(206) 555-9857", "+49 30 123456"], "phone"),
        ("c1", ["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "FR1420041010050500013M02606"], "iban"),
        ("country", ["DE", "FR", "US"], "country_code"),
        ("country", ["Germany", "France", "UK"], "country"),
        ("state", ["CA", "NY", "TX"], "state_code"),
        ("state", ["open", "closed"], "status"),
        ("title", ["Mr.", "Ms.", "Dr."], "prefix"),
        ("c1", ["tree", "house", "sea"], None),
        ("c1", ["", " "], None),
        ("price", ["1.00"], None),
    ],
)
def test_values_confirm_refine_or_overrule_the_name(name: str, values: list[str], meaning: str | None) -> None:
    assert guess("t", name, "text", values) == meaning


def test_names_fall_apart_into_words() -> None:
    assert words_of("HTTPStatusCode") == ("http", "status", "code")
    assert words_of("l_shipdate") == ("l", "ship", "date")
    assert words_of("Order Number 2") == ("order", "number", "2")
    assert words_of("unbelievable") == ("unbelievable",)


def test_entities_of_tables() -> None:
    assert entity_of(words_of("customers")) == "person"
    assert entity_of(words_of("product_categories")) == "category"
    assert entity_of(words_of("quux")) is None


def test_names_written_name_first_and_places_of_a_life() -> None:
    assert [guess("people", n) for n in ("nameFirst", "name_last", "nameGiven")] == [
        "first_name",
        "last_name",
        "first_name",
    ]
    assert [guess("people", n) for n in ("birthState", "deathCity")] == ["state", "birth_place"]
    assert guess("orders", "state") == "status"


def test_paths_and_codes_are_no_names_of_people_or_networks() -> None:
    paths = ["Assets:US:Bank", "Assets:US:ETrade:Cash", "Expenses:Food"]
    assert guess("accounts", "full_name", values=paths) is None
    assert guess("loads", "profile", values=["H0-A", "lv_rural1", "G1-B"]) is None
    assert guess("lines", "subnet", values=["LV3.101", "MV1.102_Feeder3"]) is None
    assert guess("lines", "subnet", values=["10.0.3.0/24", "fe80::/64"]) == "cidr"
    assert guess("staff", "full_name", values=["Ann Lee", "Bob O'Neil"]) == "full_name"

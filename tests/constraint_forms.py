"""Forms of constraints that real schemas use, in the words of each dialect: what docs/constraints.md lists.

``body`` is what follows ``CREATE TABLE name (id integer PRIMARY KEY,``; a dialect that has no such form is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["DIALECTS", "FORMS", "Form"]

DIALECTS = ("postgresql", "mysql", "sqlite")


@dataclass(frozen=True)
class Form:
    group: str
    title: str
    body: Mapping[str, str]
    before: str = ""  # run first: a function or an extension that the body needs
    refused: bool = False  # nothing holds it yet


def _all(body: str) -> dict[str, str]:
    return dict.fromkeys(DIALECTS, body)


def _each(postgresql: str | None = None, mysql: str | None = None, sqlite: str | None = None) -> dict[str, str]:
    given = {"postgresql": postgresql, "mysql": mysql, "sqlite": sqlite}
    return {dialect: body for dialect, body in given.items() if body is not None}


def _checks(group: str, *forms: tuple[str, Mapping[str, str]]) -> tuple[Form, ...]:
    return tuple(Form(group, title, body) for title, body in forms)


_VALUES = _checks(
    "One column: values and ranges",
    ("IN (...)", _all("status varchar(20) NOT NULL, CHECK (status IN ('open', 'paid', 'void'))")),
    ("NOT IN (...)", _all("code varchar(20) NOT NULL, CHECK (code NOT IN ('root', 'admin'))")),
    (
        "= ANY (ARRAY[...])",
        _each("status text NOT NULL, CHECK (status = ANY (ARRAY['open'::text, 'paid'::text]))"),
    ),
    ("<> ALL (ARRAY[...])", _each("n integer NOT NULL, CHECK (n <> ALL (ARRAY[1, 2, 3]))")),
    ("= ANY ('{...}')", _each("status varchar(9) NOT NULL, CHECK (status = ANY ('{open,paid}'::text[]))")),
    ("BETWEEN", _all("age integer NOT NULL, CHECK (age BETWEEN 18 AND 67)")),
    ("NOT BETWEEN", _all("n integer NOT NULL, CHECK (n NOT BETWEEN 5 AND 500)")),
    ("a range of decimals", _all("price numeric(8, 2) NOT NULL, CHECK (price > 0 AND price < 1000.50)")),
    ("a range of floats", _all("ratio double precision NOT NULL, CHECK (ratio >= 0 AND ratio <= 1)")),
    ("several ranges", _all("n integer NOT NULL, CHECK (n < -10 OR n > 10 AND n <> 50)")),
    ("<> a value", _all("n integer NOT NULL, CHECK (n <> 0)")),
    (
        "a boolean",
        _each(
            "ok boolean NOT NULL, CHECK (ok)",
            "ok boolean NOT NULL, CHECK (ok = 1)",
            "ok boolean NOT NULL, CHECK (ok = 1)",
        ),
    ),
    ("IS NOT NULL", _all("n integer, CHECK (n IS NOT NULL)")),
    ("a date", _all("day date NOT NULL, CHECK (day >= '2015-01-01' AND day < '2030-01-01')")),
    (
        "a time of day",
        _each(
            "at time NOT NULL, CHECK (at >= '08:00' AND at < '18:00')",
            "at time NOT NULL, CHECK (at >= '08:00' AND at < '18:00')",
        ),
    ),
    ("a moment", _all("at timestamp NOT NULL, CHECK (at > '2020-02-29 12:00:00')")),
    (
        "IS DISTINCT FROM",
        _each(
            "n integer, CHECK (n IS DISTINCT FROM 7)",
            "n integer, CHECK (NOT (n <=> 7))",
            "n integer, CHECK (n IS NOT 7)",
        ),
    ),
    (
        "IS TRUE of a condition",
        _each(
            "n integer, CHECK ((n > 5) IS TRUE)",
            "n integer, CHECK ((n > 5) IS TRUE)",
            "n integer, CHECK ((n > 5) IS TRUE)",
        ),
    ),
    ("arithmetic on one column", _all("n integer NOT NULL, CHECK (n * 2 + 1 <= 99 AND n - 5 >= 0)")),
    ("a multiple", _all("n integer NOT NULL, CHECK (n % 5 = 0)")),
    ("mod()", _each("n integer NOT NULL, CHECK (mod(n, 3) = 1)", "n integer NOT NULL, CHECK (mod(n, 3) = 1)")),
    ("abs()", _all("n integer NOT NULL, CHECK (abs(n) <= 40)")),
    ("bits: none beyond a mask", _all("flags integer NOT NULL, CHECK ((flags & 240) = 0)")),
    ("bits: one that is set", _all("flags integer NOT NULL, CHECK ((flags & 4) = 4)")),
    ("bits: at least one of a mask", _all("flags integer NOT NULL, CHECK ((flags & 6) <> 0)")),
    ("round() or scale", _all("price numeric(9, 3) NOT NULL, CHECK (round(price, 1) = price)")),
    (
        "floor()",
        _each("x double precision NOT NULL, CHECK (floor(x) = x)", "x double precision NOT NULL, CHECK (floor(x) = x)"),
    ),
    (
        "a cast to text",
        _each(
            "n integer NOT NULL, CHECK (length(n::text) = 5)",
            "n integer NOT NULL, CHECK (char_length(cast(n AS char(10))) = 5)",
            "n integer NOT NULL, CHECK (length(cast(n AS text)) = 5)",
        ),
    ),
    (
        "a cast to a number",
        _each(
            "n text NOT NULL, CHECK (n::integer BETWEEN 1 AND 31)",
            "n varchar(9) NOT NULL, CHECK (cast(n AS signed) BETWEEN 1 AND 31)",
            "n text NOT NULL, CHECK (cast(n AS integer) BETWEEN 1 AND 31)",
        ),
    ),
    (
        "typeof()",
        _each(sqlite="n integer NOT NULL, name text NOT NULL, CHECK (typeof(n) = 'integer' AND typeof(name) = 'text')"),
    ),
)
_TEXTS = _checks(
    "One column: text",
    ("length()", _all("name varchar(60) NOT NULL, CHECK (length(name) >= 3 AND length(name) <= 20)")),
    (
        "char_length()",
        _each(
            "name text NOT NULL, CHECK (char_length(name) <= 12)",
            "name varchar(40) NOT NULL, CHECK (char_length(name) <= 12)",
        ),
    ),
    (
        "octet_length()",
        _each(
            "name text NOT NULL, CHECK (octet_length(name) BETWEEN 4 AND 9)",
            "name varchar(40) NOT NULL, CHECK (octet_length(name) BETWEEN 4 AND 9)",
        ),
    ),
    (
        "length of bytes",
        _each(
            "digest bytea NOT NULL, CHECK (octet_length(digest) = 32)",
            "digest varbinary(64) NOT NULL, CHECK (length(digest) = 32)",
            "digest blob NOT NULL, CHECK (length(digest) = 32)",
        ),
    ),
    ("an exact length", _all("code varchar(20) NOT NULL, CHECK (length(code) = 7)")),
    ("one of two lengths", _all("code varchar(20) NOT NULL, CHECK (length(code) = 3 OR length(code) = 8)")),
    ("lower(x) = x", _all("login varchar(40) NOT NULL, CHECK (lower(login) = login)")),
    ("upper(x) = x", _all("code varchar(40) NOT NULL, CHECK (code = upper(code))")),
    ("trim(x) = x", _all("name varchar(40) NOT NULL, CHECK (trim(name) = name)")),
    ("trim(x) <> ''", _all("name varchar(40) NOT NULL, CHECK (trim(name) <> '')")),
    ("length(trim(x)) in a range", _all("name varchar(40) NOT NULL, CHECK (length(trim(name)) BETWEEN 5 AND 30)")),
    ("lower(trim(x)) = x", _all("name varchar(40) NOT NULL, CHECK (lower(trim(name)) = name)")),
    ("<> ''", _all("name varchar(40) NOT NULL, CHECK (name <> '')")),
    (
        "a regular expression",
        _each(
            "slug text NOT NULL, CHECK (slug ~ '^[a-z][a-z0-9]*(-[a-z0-9]+){0,3}$')",
            "slug varchar(60) NOT NULL, CHECK (slug REGEXP '^[a-z][a-z0-9]*(-[a-z0-9]+){0,3}$')",
        ),
    ),
    ("a regular expression, ignoring case", _each("code text NOT NULL, CHECK (code ~* '^[a-f]{4}$')")),
    (
        "not a regular expression",
        _each(
            "name text NOT NULL, CHECK (name !~ '[[:space:]]')",
            "name varchar(60) NOT NULL, CHECK (name NOT REGEXP '[[:space:]]')",
        ),
    ),
    (
        "a regular expression and a length",
        _each(
            "code text NOT NULL, CHECK (code ~ '^[A-Z0-9]+$' AND length(code) BETWEEN 6 AND 8)",
            "code varchar(60) NOT NULL, CHECK (code REGEXP '^[A-Z0-9]+$' AND char_length(code) BETWEEN 6 AND 8)",
        ),
    ),
    (
        "two regular expressions",
        _each(
            "code text NOT NULL, CHECK (code ~ '^[a-z0-9]{8}$' AND code ~ '[0-9]')",
            "code varchar(20) NOT NULL, CHECK (code REGEXP '^[a-z0-9]{8}$' AND code REGEXP '[0-9]')",
        ),
    ),
    ("SIMILAR TO", _each("code text NOT NULL, CHECK (code SIMILAR TO '(A|B)[0-9]{3}')")),
    ("LIKE", _all("url varchar(90) NOT NULL, CHECK (url LIKE 'https://%')")),
    ("two LIKEs", _all("url varchar(90) NOT NULL, CHECK (url LIKE 'https://%' AND url LIKE '%.org')")),
    ("LIKE or LIKE", _all("url varchar(90) NOT NULL, CHECK (url LIKE 'http://%' OR url LIKE 'https://%')")),
    ("NOT LIKE", _all("name varchar(60) NOT NULL, CHECK (name NOT LIKE '% %')")),
    ("ILIKE", _each("mail text NOT NULL, CHECK (mail ILIKE '%_@_%.__%')")),
    ("LIKE with ESCAPE", _all("code varchar(40) NOT NULL, CHECK (code LIKE 'x!_%' ESCAPE '!')")),
    ("GLOB", _each(sqlite="code text NOT NULL, CHECK (code GLOB '[A-Z][0-9][0-9]*')")),
    ("NOT GLOB", _each(sqlite="hash text NOT NULL, CHECK (length(hash) = 16 AND hash NOT GLOB '*[^0-9a-f]*')")),
    (
        "a part of the text",
        _each(
            "code varchar(20) NOT NULL, CHECK (left(code, 2) = 'DE')",
            "code varchar(20) NOT NULL, CHECK (left(code, 2) = 'DE')",
            "code varchar(20) NOT NULL, CHECK (substr(code, 1, 2) = 'DE')",
        ),
    ),
    (
        "the place of a sign",
        _each(
            "mail text NOT NULL, CHECK (position('@' IN mail) > 1)",
            "mail varchar(90) NOT NULL, CHECK (locate('@', mail) > 1)",
            "mail text NOT NULL, CHECK (instr(mail, '@') > 1)",
        ),
    ),
    ("starts_with()", _each("path text NOT NULL, CHECK (starts_with(path, '/'))")),
    ("no blank inside", _all("name varchar(40) NOT NULL, CHECK (replace(name, ' ', '') = name)")),
    (
        "a NUL-free, one-line text",
        _each(
            "name text NOT NULL, CHECK (strpos(name, chr(10)) = 0)",
            "name varchar(40) NOT NULL, CHECK (locate(char(10), name) = 0)",
            "name text NOT NULL, CHECK (instr(name, char(10)) = 0)",
        ),
    ),
)
_NULLS = _checks(
    "NULL in several columns",
    ("exactly one of", _all("a integer, b integer, CHECK ((a IS NULL) <> (b IS NULL))")),
    (
        "exactly one of three, spelled out",
        _all(
            "a integer, b integer, c integer, CHECK ((a IS NOT NULL AND b IS NULL AND c IS NULL) OR "
            "(a IS NULL AND b IS NOT NULL AND c IS NULL) OR (a IS NULL AND b IS NULL AND c IS NOT NULL))"
        ),
    ),
    (
        "exactly one of, as a sum",
        _each(
            "a integer, b integer, c integer, "
            "CHECK ((a IS NOT NULL)::integer + (b IS NOT NULL)::integer + (c IS NOT NULL)::integer = 1)",
            "a integer, b integer, c integer, CHECK ((a IS NOT NULL) + (b IS NOT NULL) + (c IS NOT NULL) = 1)",
            "a integer, b integer, c integer, CHECK ((a IS NOT NULL) + (b IS NOT NULL) + (c IS NOT NULL) = 1)",
        ),
    ),
    (
        "exactly one of, as a sum of CASE",
        _all(
            "a integer, b integer, "
            "CHECK (CASE WHEN a IS NULL THEN 0 ELSE 1 END + CASE WHEN b IS NULL THEN 0 ELSE 1 END = 1)"
        ),
    ),
    ("num_nonnulls()", _each("a integer, b integer, c integer, CHECK (num_nonnulls(a, b, c) = 1)")),
    ("num_nulls()", _each("a integer, b integer, c integer, CHECK (num_nulls(a, b, c) <= 1)")),
    ("all or none", _all("a integer, b varchar(20), CHECK ((a IS NULL) = (b IS NULL))")),
    (
        "all or none, spelled out",
        _all(
            "a integer, b date, c integer, CHECK ((a IS NULL AND b IS NULL AND c IS NULL) "
            "OR (a IS NOT NULL AND b IS NOT NULL AND c IS NOT NULL))"
        ),
    ),
    ("at least one", _all("mail varchar(60), phone varchar(30), CHECK (mail IS NOT NULL OR phone IS NOT NULL)")),
    ("coalesce() of columns IS NOT NULL", _all("a integer, b integer, CHECK (coalesce(a, b) IS NOT NULL)")),
    ("nullif() IS NOT NULL", _all("a integer, mail varchar(60), CHECK (a IS NULL OR nullif(mail, '') IS NOT NULL)")),
    ("not both", _all("a integer, b integer, CHECK (NOT (a IS NOT NULL AND b IS NOT NULL))")),
    ("one needs the other", _all("a integer, b integer, CHECK (b IS NULL OR a IS NOT NULL)")),
)
_LOGIC = _checks(
    "Choices and implications",
    (
        "kind decides which is set",
        _all(
            "kind varchar(9) NOT NULL, a integer, b varchar(20), "
            "CHECK ((kind = 'a' AND a IS NOT NULL AND b IS NULL) OR (kind = 'b' AND a IS NULL AND b IS NOT NULL))"
        ),
    ),
    (
        "a state needs its moment",
        _all(
            "state varchar(9) NOT NULL, paid_at timestamp NULL, CHECK (state IN ('open', 'paid', 'void')), "
            "CHECK (state <> 'paid' OR paid_at IS NOT NULL)"
        ),
    ),
    (
        "an equality of conditions",
        _all(
            "state varchar(9) NOT NULL, closed_on date, CHECK (state IN ('open', 'closed')), "
            "CHECK ((state = 'closed') = (closed_on IS NOT NULL))"
        ),
    ),
    (
        "CASE WHEN",
        _all(
            "kind varchar(9) NOT NULL, n integer NOT NULL, CHECK (kind IN ('small', 'large')), "
            "CHECK (CASE WHEN kind = 'small' THEN n < 10 ELSE n BETWEEN 10 AND 90 END)"
        ),
    ),
    (
        "CASE x WHEN",
        _all(
            "kind varchar(9) NOT NULL, n integer NOT NULL, CHECK (kind IN ('a', 'b')), "
            "CHECK (CASE kind WHEN 'a' THEN n > 5 WHEN 'b' THEN n < -5 END)"
        ),
    ),
    (
        "CASE that gives numbers",
        _all(
            "kind varchar(9) NOT NULL, n integer NOT NULL, CHECK (kind IN ('a', 'b')), "
            "CHECK (n <= CASE WHEN kind = 'a' THEN 10 ELSE 20 END)"
        ),
    ),
    ("coalesce() with a value", _all("n integer, CHECK (coalesce(n, 5) BETWEEN 1 AND 9)")),
    ("NOT of a disjunction", _all("a integer NOT NULL, b integer NOT NULL, CHECK (NOT (a > 5 OR b < 7))")),
    (
        "IN with several columns",
        _all("a integer NOT NULL, b integer NOT NULL, CHECK ((a = 1 AND b IN (1, 2)) OR (a = 2 AND b IN (3, 4)))"),
    ),
    (
        "checks that share columns",
        _all(
            "a integer, b integer, c integer, CHECK (a IS NULL OR b IS NULL), CHECK (b IS NOT NULL OR c > 5), "
            "CHECK (c IS NULL OR c BETWEEN 3 AND 8)"
        ),
    ),
)
_COLUMNS = _checks(
    "Several columns: order and arithmetic",
    ("a <= b", _all("starts date NOT NULL, ends date NOT NULL, CHECK (starts <= ends)")),
    ("a < b < c", _all("a integer NOT NULL, b integer NOT NULL, c integer NOT NULL, CHECK (a < b AND b < c)")),
    ("a < b, one may be NULL", _all("starts timestamp NOT NULL, ends timestamp NULL, CHECK (ends > starts)")),
    ("a <> b", _all("a integer NOT NULL, b integer NOT NULL, CHECK (a <> b)")),
    ("a = b", _all("a integer NOT NULL, b integer NOT NULL, CHECK (a = b)")),
    ("a = b of texts", _all("a varchar(30) NOT NULL, b varchar(30) NOT NULL, CHECK (a = b)")),
    ("a <= b + constant", _all("a integer NOT NULL, b integer NOT NULL, CHECK (a <= b + 5)")),
    ("b - a between", _all("a integer NOT NULL, b integer NOT NULL, CHECK (b - a BETWEEN 1 AND 10)")),
    ("a + b <= constant", _all("a integer NOT NULL, b integer NOT NULL, CHECK (a + b <= 100)")),
    ("a + b = c", _all("a integer NOT NULL, b integer NOT NULL, c integer NOT NULL, CHECK (a + b = c)")),
    ("c = a * b", _all("a integer NOT NULL, b integer NOT NULL, c integer NOT NULL, CHECK (c = a * b)")),
    (
        "total = price * quantity, decimals",
        _all(
            "price numeric(8, 2) NOT NULL, quantity integer NOT NULL, total numeric(12, 2) NOT NULL, "
            "CHECK (quantity BETWEEN 1 AND 20), CHECK (total = price * quantity)"
        ),
    ),
    ("a * b = 0", _all("a integer NOT NULL, b numeric(10, 2) NOT NULL, CHECK (a * b = 0)")),
    ("a >= b * factor", _all("a numeric(10, 2) NOT NULL, b numeric(10, 2) NOT NULL, CHECK (a >= b * 1.5)")),
    (
        "shares that sum to 100",
        _all(
            "a integer NOT NULL, b integer NOT NULL, c integer NOT NULL, "
            "CHECK (a >= 0 AND b >= 0 AND c >= 0 AND a + b + c = 100)"
        ),
    ),
    ("a - b <= c", _all("a integer NOT NULL, b integer NOT NULL, c integer NOT NULL, CHECK (a - b <= c)")),
    (
        "greatest() and least()",
        _each(
            "a integer NOT NULL, b integer NOT NULL, c integer NOT NULL, CHECK (greatest(a, b) <= c)",
            "a integer NOT NULL, b integer NOT NULL, c integer NOT NULL, CHECK (greatest(a, b) <= c)",
            "a integer NOT NULL, b integer NOT NULL, c integer NOT NULL, CHECK (max(a, b) <= c)",
        ),
    ),
    (
        "dates at most so far apart",
        _each(
            "starts date NOT NULL, ends date NOT NULL, CHECK (ends - starts BETWEEN 1 AND 30)",
            "starts date NOT NULL, ends date NOT NULL, CHECK (datediff(ends, starts) BETWEEN 1 AND 30)",
            "starts date NOT NULL, ends date NOT NULL, CHECK (julianday(ends) - julianday(starts) BETWEEN 1 AND 30)",
        ),
    ),
    (
        "moments at least an interval apart",
        _each(
            "starts timestamp NOT NULL, ends timestamp NOT NULL, CHECK (ends >= starts + interval '1 hour')",
            "starts datetime NOT NULL, ends datetime NOT NULL, CHECK (ends >= starts + INTERVAL 1 HOUR)",
        ),
    ),
    (
        "the same text in lower case",
        _all("name varchar(30) NOT NULL, folded varchar(30) NOT NULL, CHECK (folded = lower(name))"),
    ),
    ("the length of the other", _all("name varchar(30) NOT NULL, n integer NOT NULL, CHECK (n = length(name))")),
    (
        "a generated column in a range",
        _each(
            "a integer NOT NULL, b integer NOT NULL, s integer GENERATED ALWAYS AS (a + b) STORED, "
            "CHECK (s BETWEEN 10 AND 500)",
            "a integer NOT NULL, b integer NOT NULL, s integer GENERATED ALWAYS AS (a + b) STORED, "
            "CHECK (s BETWEEN 10 AND 500)",
            "a integer NOT NULL, b integer NOT NULL, s integer GENERATED ALWAYS AS (a + b) STORED, "
            "CHECK (s BETWEEN 10 AND 500)",
        ),
    ),
)
_MOMENTS = _checks(
    "Dates, times and the present",
    (
        "a year",
        _each(
            "day date NOT NULL, CHECK (extract(year FROM day) BETWEEN 2000 AND 2020)",
            "day date NOT NULL, CHECK (year(day) BETWEEN 2000 AND 2020)",
            "day date NOT NULL, CHECK (cast(strftime('%Y', day) AS integer) BETWEEN 2000 AND 2020)",
        ),
    ),
    (
        "the first of a month",
        _each(
            "day date NOT NULL, CHECK (extract(day FROM day) = 1)",
            "day date NOT NULL, CHECK (dayofmonth(day) = 1)",
            "day date NOT NULL, CHECK (strftime('%d', day) = '01')",
        ),
    ),
    (
        "a weekday",
        _each(
            "day date NOT NULL, CHECK (date_part('isodow', day) < 6)",
            "day date NOT NULL, CHECK (weekday(day) < 5)",
            "day date NOT NULL, CHECK (strftime('%w', day) BETWEEN '1' AND '5')",
        ),
    ),
    (
        "Mondays alone",
        _each(
            "day date NOT NULL, CHECK (extract(dow FROM day) = 1)",
            "day date NOT NULL, CHECK (dayofweek(day) = 2)",
            "day date NOT NULL, CHECK (strftime('%w', day) = '1')",
        ),
    ),
    (
        "whole hours",
        _each(
            "at timestamp NOT NULL, CHECK (date_trunc('hour', at) = at)",
            "at datetime NOT NULL, CHECK (minute(at) = 0 AND second(at) = 0)",
            "at timestamp NOT NULL, CHECK (strftime('%M:%S', at) = '00:00')",
        ),
    ),
    ("the start of a month", _each("at date NOT NULL, CHECK (date_trunc('month', at) = at)")),
    (
        "an hour of the day",
        _each(
            "at timestamp NOT NULL, CHECK (extract(hour FROM at) BETWEEN 8 AND 17)",
            "at datetime NOT NULL, CHECK (hour(at) BETWEEN 8 AND 17)",
            "at timestamp NOT NULL, CHECK (strftime('%H', at) BETWEEN '08' AND '17')",
        ),
    ),
    ("before now", _each("born date NOT NULL, CHECK (born < CURRENT_DATE)")),
    ("not after now", _each("at timestamptz NOT NULL, CHECK (at <= now())")),
    ("after now", _each("expires timestamptz NOT NULL, CHECK (expires > now())")),
    ("after now and an interval", _each("expires timestamp NOT NULL, CHECK (expires >= now() + interval '1 day')")),
    ("an age", _each("born date NOT NULL, CHECK (born <= CURRENT_DATE - interval '18 years')")),
    ("age()", _each("born date NOT NULL, CHECK (age(CURRENT_DATE, born) >= interval '18 years')")),
    ("a text that is a date", _each(sqlite="day text NOT NULL, CHECK (day IS date(day))")),
    ("a text of the shape of a date", _all("day varchar(10) NOT NULL, CHECK (day LIKE '____-__-__')")),
)
_SHAPES = _checks(
    "JSON and arrays",
    (
        "an object",
        _each(
            "doc jsonb NOT NULL, CHECK (jsonb_typeof(doc) = 'object')",
            "doc json NOT NULL, CHECK (json_type(doc) = 'OBJECT')",
            "doc text NOT NULL, CHECK (json_type(doc) = 'object')",
        ),
    ),
    (
        "an array",
        _each(
            "doc jsonb NOT NULL, CHECK (jsonb_typeof(doc) = 'array')",
            "doc json NOT NULL, CHECK (json_type(doc) = 'ARRAY')",
            "doc text NOT NULL, CHECK (json_type(doc) = 'array')",
        ),
    ),
    (
        "valid",
        _each(
            mysql="doc longtext NOT NULL, CHECK (json_valid(doc))", sqlite="doc text NOT NULL, CHECK (json_valid(doc))"
        ),
    ),
    (
        "a key that is there",
        _each(
            "doc jsonb NOT NULL, CHECK (doc ? 'name')",
            "doc json NOT NULL, CHECK (json_contains_path(doc, 'one', '$.name'))",
            "doc text NOT NULL, CHECK (json_extract(doc, '$.name') IS NOT NULL)",
        ),
    ),
    (
        "several keys",
        _each(
            "doc jsonb NOT NULL, CHECK (doc ?& ARRAY['name', 'size'])",
            "doc json NOT NULL, CHECK (json_contains_path(doc, 'all', '$.name', '$.size'))",
            "doc text NOT NULL, CHECK (json_extract(doc, '$.name') IS NOT NULL AND "
            "json_extract(doc, '$.size') IS NOT NULL)",
        ),
    ),
    ("a key that is not there", _each("doc jsonb NOT NULL, CHECK (NOT (doc ? 'secret'))")),
    (
        "the type of a value",
        _each(
            "doc jsonb NOT NULL, CHECK (jsonb_typeof(doc -> 'size') = 'number')",
            "doc json NOT NULL, CHECK (json_type(json_extract(doc, '$.size')) = 'INTEGER')",
            "doc text NOT NULL, CHECK (json_type(doc, '$.size') = 'integer')",
        ),
    ),
    (
        "a value in a list",
        _each(
            "doc jsonb NOT NULL, CHECK (doc ->> 'kind' IN ('a', 'b'))",
            "doc json NOT NULL, CHECK (json_value(doc, '$.kind') IN ('a', 'b'))",
            "doc text NOT NULL, CHECK (json_extract(doc, '$.kind') IN ('a', 'b'))",
        ),
    ),
    (
        "the length of an array",
        _each(
            "doc jsonb NOT NULL, CHECK (jsonb_typeof(doc) = 'array' AND jsonb_array_length(doc) BETWEEN 1 AND 5)",
            "doc json NOT NULL, CHECK (json_length(doc) BETWEEN 1 AND 5)",
            "doc text NOT NULL, CHECK (json_array_length(doc) BETWEEN 1 AND 5)",
        ),
    ),
    (
        "not empty",
        _each(
            "doc jsonb NOT NULL, CHECK (doc <> '{}'::jsonb)",
            "doc json NOT NULL, CHECK (doc <> '{}')",
            "doc text NOT NULL, CHECK (doc <> '{}')",
        ),
    ),
    ("the length of an SQL array", _each("tags text[] NOT NULL, CHECK (array_length(tags, 1) BETWEEN 1 AND 3)")),
    ("cardinality()", _each("tags text[] NOT NULL, CHECK (cardinality(tags) > 0)")),
    ("an exact cardinality", _each("box double precision[] NOT NULL, CHECK (cardinality(box) = 4)")),
    ("members of an SQL array", _each("roles text[] NOT NULL, CHECK (roles <@ ARRAY['admin', 'user', 'guest'])")),
    ("a member that is there", _each("roles text[] NOT NULL, CHECK ('user' = ANY (roles))")),
    ("no NULL inside", _each("tags text[] NOT NULL, CHECK (array_position(tags, NULL) IS NULL)")),
    ("a range that is not empty", _each("r int4range NOT NULL, CHECK (NOT isempty(r))")),
    ("bounds of a range", _each("r int4range NOT NULL, CHECK (lower(r) >= 0 AND upper(r) <= 1000)")),
    ("an address family", _each("ip inet NOT NULL, CHECK (family(ip) = 4)")),
    ("a length of bits", _each("b bit varying(20) NOT NULL, CHECK (length(b) = 8)")),
    ("an interval", _each("wait interval NOT NULL, CHECK (wait > interval '0' AND wait <= interval '2 days')")),
)
_DOMAINS = (
    Form("Domains", "a domain", _each("n positive_number NOT NULL"),
         "CREATE DOMAIN positive_number AS integer CHECK (VALUE > 0)"),
    Form("Domains", "a domain over a domain", _each("n small_positive NOT NULL"),
         "CREATE DOMAIN above_zero AS integer CHECK (VALUE > 0); "
         "CREATE DOMAIN small_positive AS above_zero CHECK (VALUE < 50)"),
    Form("Domains", "a domain with a pattern", _each("code country_code NOT NULL"),
         "CREATE DOMAIN country_code AS text CHECK (VALUE ~ '^[A-Z]{2}$')"),
)  # fmt: skip
_UNIQUES = _checks(
    "Uniqueness",
    ("one column", _all("code varchar(30) NOT NULL, UNIQUE (code)")),
    ("several columns", _all("a integer NOT NULL, b varchar(20) NOT NULL, UNIQUE (a, b)")),
    (
        "overlapping sets",
        _all(
            "a integer NOT NULL, b integer NOT NULL, c integer NOT NULL, CHECK (a BETWEEN 1 AND 20), "
            "CHECK (b BETWEEN 1 AND 20), CHECK (c BETWEEN 1 AND 20), "
            "UNIQUE (a, b), UNIQUE (b, c), UNIQUE (a, c)"
        ),
    ),
    ("with a boolean", _all("kind varchar(20) NOT NULL, ok boolean NOT NULL, UNIQUE (kind, ok)")),
    ("nullable columns", _all("a integer, b varchar(20), UNIQUE (a, b)")),
    (
        "NULLS NOT DISTINCT",
        _each(
            "a integer, b integer, CHECK (a BETWEEN 1 AND 9), CHECK (b BETWEEN 1 AND 9), "
            "UNIQUE NULLS NOT DISTINCT (a, b)"
        ),
    ),
    ("a finite range", _all("n integer NOT NULL, UNIQUE (n), CHECK (n BETWEEN 1 AND 60)")),
    (
        "a text of a pattern",
        _each(
            "code text NOT NULL UNIQUE, CHECK (code ~ '^[A-Z]{2}[0-9]{4}$')",
            "code varchar(20) NOT NULL UNIQUE, CHECK (code REGEXP '^[A-Z]{2}[0-9]{4}$')",
            "code text NOT NULL UNIQUE, CHECK (code GLOB '[A-Z][A-Z][0-9][0-9]')",
        ),
    ),
    (
        "a collation that ignores case",
        _each(
            mysql="code varchar(3) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL UNIQUE",
            sqlite="code varchar(3) COLLATE NOCASE NOT NULL UNIQUE",
        ),
    ),
    ("a binary collation", _each(mysql="code varchar(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL UNIQUE")),
)
_OWN = (
    Form("Functions of your own", "a function of one column", _each("n integer NOT NULL, CHECK (is_odd_week(n))"),
         "CREATE FUNCTION is_odd_week(integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 % 14 = 3'"),
    Form("Functions of your own", "a function of one unique column",
         _each("n integer NOT NULL UNIQUE, CHECK (is_third(n))"),
         "CREATE FUNCTION is_third(integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 % 3 = 0'"),
    Form("Functions of your own", "a function of several columns",
         _each("n integer NOT NULL, name text NOT NULL, CHECK (fits_together(n, name))"),
         "CREATE FUNCTION fits_together(integer, text) RETURNS boolean LANGUAGE sql IMMUTABLE "
         "AS 'SELECT $1 + length($2) > 20'"),
    Form("Functions of your own", "a function inside a choice",
         _each("n integer NOT NULL, m integer NOT NULL, CHECK (m > 3 OR is_even_week(n))"),
         "CREATE FUNCTION is_even_week(integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 % 14 = 4'"),
    Form("Functions of your own", "a function that no candidate passes",
         _each("n integer NOT NULL, CHECK (is_nothing(n))"),
         "CREATE FUNCTION is_nothing(integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 IS NULL'",
         refused=True),
)  # fmt: skip
FORMS = (*_VALUES, *_TEXTS, *_NULLS, *_LOGIC, *_COLUMNS, *_MOMENTS, *_SHAPES, *_DOMAINS, *_OWN, *_UNIQUES)

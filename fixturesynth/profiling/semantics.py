"""What a column means: from its name, its table's name, its type and, where there are some, its values."""

import re
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.profiling.meanings import MEANINGS, PERSONAL, PHRASES
from fixturesynth.profiling.nouns import ABBREVIATIONS, ENTITIES, ENTITY_NAMES
from fixturesynth.schema.model import Column

__all__ = ["MEANINGS", "PERSONAL", "entity_of", "guess_meaning", "words_of"]

_FAMILIES = {
    "integer": "n", "float": "n", "decimal": "n", "money": "n", "boolean": "b", "date": "d", "time": "d",
    "timestamp": "d", "interval": "d", "year": "dn", "bytes": "y", "bit": "b", "array": "a", "json": "j", "hstore": "j",
    "set": "ta", "xml": "", "tsvector": "", "range": "", "geometry": "",
}  # fmt: skip
_BY_TYPE = {"uuid": "uuid", "json": "json_data", "hstore": "json_data", "boolean": "flag", "macaddr": "mac_address",
            "inet": "ip_address", "cidr": "ip_address", "geometry": "coordinates", "ltree": "file_path"}  # fmt: skip
_TELLING_TYPES = {"inet", "cidr", "macaddr", "geometry"}
# A name that could be anything: what the values say goes first.
_VAGUE = {"id", "name", "value", "code", "type", "category", "status", "title", "description", "text", "token", "data",
          "location", "source", "x", "number", "comment", "notes", "body", "message", "date", "time", "model", "label",
          "json_data", "region", "version", "origin", "identifier", "tag", "group", "folder", "provider", "command",
          "template_name"}  # fmt: skip
# Meanings so plain that they are found anywhere in a name, not only at its end.
_ANYWHERE = {"email", "phone", "fax", "url", "address", "city", "country", "iban", "ssn", "postal_code", "ip_address",
             "address_line_1", "address_line_2", "first_name", "last_name", "latitude", "longitude", "birth_date",
             "price", "username", "password_hash", "token", "diagnosis", "description", "amount", "balance",
             "year"}  # fmt: skip
_FLAG_WORDS = {
    "is",
    "has",
    "can",
    "was",
    "should",
    "allow",
    "allows",
    "use",
    "uses",
    "needs",
    "wants",
    "enable",
    "disable",
}

# Values that tell by themselves: (meaning, pattern of all values). The first that fits nearly all wins.
_SHAPES: tuple[tuple[str, str], ...] = (
    ("email", r"^[^@\s]+@[^@\s]+\.[A-Za-z]{2,}$"),
    ("url", r"^(https?|ftp|wss?)://\S+$"),
    ("uuid", r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"),
    ("ip_address", r"^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}(/\d+)?$"),
    ("ipv6", r"^([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}$|^[0-9a-fA-F:]*::[0-9a-fA-F:]*$"),
    ("mac_address", r"^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$"),
    ("md5", r"^([0-9a-f]{32}|[0-9A-F]{32})$"),
    ("sha1", r"^([0-9a-f]{40}|[0-9A-F]{40})$"),
    ("sha256", r"^(sha256:)?([0-9a-f]{64}|[0-9A-F]{64})$"),
    ("password_hash", r"^\$(2[aby]|argon2[a-z]*|5|6|pbkdf2[a-z0-9-]*)\$\S+$"),
    ("iban", r"^[A-Z]{2}\d{2} ?([A-Z0-9]{4} ?){3,7}[A-Z0-9]{1,4}$"),
    ("ssn", r"^\d{3}-\d{2}-\d{4}$"),
    ("credit_card_number", r"^(4\d{3}|5[1-5]\d{2}|6011|3[47]\d{2})[ -]?\d{4,6}[ -]?\d{4,5}([ -]?\d{3,4})?$"),
    ("color_hex", r"^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})$"),
    ("mime_type", r"^(application|audio|font|image|message|model|multipart|text|video)/[\w.+-]+$"),
    ("user_agent", r"^(Mozilla|Opera|curl|Wget|okhttp|python-requests|Dalvik)/\S+"),
    ("timezone", r"^(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific|Etc)/[\w/+-]+$"),
    ("version", r"^v?\d+\.\d+\.\d+([-+.][\w.+-]+)?$"),
    ("file_path", r"^(/|[A-Za-z]:\\|\.{1,2}/)[^\s:]*[\\/][^:]*$"),
    ("file_name", r"^[\w\- .]+\.(jpe?g|png|gif|pdf|docx?|xlsx?|csv|txt|zip|mp[34]|html?|json|xml|py|js|svg|tiff?)$"),
    ("locale", r"^[a-z]{2,3}[_-][A-Z]{2}(\.UTF-8)?$"),
    ("phone", r"^\+?\d{0,3}[ .-]?\(\d{2,5}\)[ .-]?\d{2,4}([ .-]?\d{2,5}){1,3}( ?x\d+)?$|^\+\d[\d .()-]{7,18}$"),
)
# What the values of a named meaning must show; where fewer than a third do, the name misleads.
_MUST_SHOW: dict[str, tuple[str, str | None]] = {
    "email": (r"@", "username"),
    "phone": (r"\d{2}", None),
    "fax": (r"\d{2}", None),
    "url": (r"[./:]", None),
    "ip_address": (r"[.:]", None),
    "iban": (r"^[A-Z]{2}\d", "bank_account"),
    "ssn": (r"\d{2}", None),
    "postal_code": (r"\d|^[A-Z]", None),
    "mime_type": (r"/", "type"),
    "country_code": (r"^.{2,3}$", "country"),
    "state_code": (r"^.{2,3}$", "state"),
    "currency": (r"^[A-Z]{3}$", "currency_name"),
    "language_code": (r"^[A-Za-z]{2,3}\b", "language"),
    "airport_code": (r"^[A-Z0-9]{3,4}$", "code"),
    "airline_code": (r"^[A-Z0-9]{2,3}$", "category"),
    "color_hex": (r"[0-9A-Fa-f]{3}", "color"),
    "address": (r"[ \d]", "code"),
    "first_name": (r"^\D", None),
    "last_name": (r"^\D", None),
    "full_name": (r"^[^\d:/\\|>_]*$", None),
    "cidr": (r"^[\da-fA-F]+[.:]", None),
    "version": (r"\d", "name"),
    "timezone": (r"/|UTC|GMT|[+-]\d|^[A-Z]{2,4}$", "category"),
    "job_title": (r"[A-Za-z]{2}", "code"),
    "sha256": (r"[0-9a-fA-F]{8}", "code"),
    "image_url": (r"[./]", "text"),
}
# A more exact meaning when all values have this shape.
_REFINED: dict[str, tuple[tuple[str, str], ...]] = {
    "state": (("state_code", r"^[A-Z]{2,3}$"),),
    "region": (("state_code", r"^[A-Z]{2}$"),),
    "country": (("country_code", r"^[A-Z]{2,3}$"),),
    "language": (("language_code", r"^[a-z]{2,3}([_-][A-Za-z]{2,4})?$"),),
    "color": (("color_hex", r"^#?[0-9a-fA-F]{6}$"),),
    "currency_name": (("currency", r"^[A-Z]{3}$"),),
    "title": (("prefix", r"^(Mr|Mrs|Ms|Miss|Dr|Prof|Sir|Herr|Frau|Mme|M)\.?$"),),
    "job_title": (("prefix", r"^(Mr|Mrs|Ms|Miss|Dr|Prof|Sir|Herr|Frau|Mme|M)\.?$"),),
    "status": (("state_code", r"^(A[LKZR]|C[AOT]|D[EC]|FL|GA|HI|I[DLNA]|K[SY]|LA|M[EDAINSOT]|N[EVHJMYCD]|O[HKR]|PA|RI|"
                r"S[CD]|T[NX]|UT|V[TA]|W[AVIY])$"),),
}  # fmt: skip
_SPLIT = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_]+")
_SHORTEST_PART = 3
_JOINERS = frozenset(("of", "at", "on", "by", "to", "no", "id", "in"))


def guess_meaning(table_name: str, column: Column, values: pa.Array | None) -> str | None:
    """A name in ``MEANINGS``, or None. ``values`` None or empty: from names and types alone.

    >>> from fixturesynth.schema.model import ColumnType
    >>> guess_meaning("customers", Column("name", ColumnType("text", "text")), None)
    'full_name'
    >>> guess_meaning("products", Column("name", ColumnType("text", "text")), None)
    'product_name'
    """
    wide = column.type.kind == "integer" and (column.type.bits or 64) >= 32
    named = (_by_clock(column.name) if wide else None) or _by_name(table_name, column.name, column.type.kind)
    if named is None and wide:
        named = next((m for m in PHRASES.get(words_of(column.name), ()) if m in _DATED), None)
    if named == "job_title" and column.type.length is not None and column.type.length <= _LONGEST_PREFIX:
        named = "prefix"  # Mr. and Dr.: no job has so short a title
    if values is None:
        return named
    texts = _texts(values)
    return named if texts is None else _by_values(named, texts)


_LONGEST_PREFIX = 12


def words_of(name: str) -> tuple[str, ...]:
    """The words of a snake, camel or run-together name, lower case, numbers apart.

    >>> words_of("BillingPostalCode"), words_of("shippeddate"), words_of("address2")
    (('billing', 'postal', 'code'), ('shipped', 'date'), ('address', '2'))
    """
    parts = [part.lower() for part in _SPLIT.findall(name)]
    return tuple(word for part in parts for word in _unjoin(part))


def entity_of(words: tuple[str, ...]) -> str | None:
    """What the last known noun among ``words`` is: person, company, product ...; None when none is known."""
    for word in reversed(words):
        for form in (word, _singular(word)):
            if form in _ENTITY_OF:
                return _ENTITY_OF[form]
    return None


_ENTITY_OF = {word: entity for entity, words in ENTITIES.items() for word in words}


def _singular(word: str) -> str:
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("uses", "us"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word[: -len(ending)] + instead
    if word == "people":
        return "person"
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3 else word


_VOCABULARY = (
    {word for phrase in PHRASES for word in phrase if len(word) >= _SHORTEST_PART}
    | set(_ENTITY_OF)
    | set(ABBREVIATIONS)
    | _JOINERS
    | {
        "ship",
        "bill",
        "billing",
        "shipping",
        "home",
        "work",
        "primary",
        "secondary",
        "default",
        "nation",
        "region",
        "export",
        "import",
        "transport",
        "ip",
    }
)
_WHOLE = {"".join(phrase): phrase for phrase in PHRASES if len(phrase) > 1 and all(p.isalpha() for p in phrase)}


@lru_cache(maxsize=4096)
def _unjoin(part: str) -> tuple[str, ...]:
    """A run-together word as the fewest known words, when there are such."""
    if (part,) in PHRASES or part in _VOCABULARY or _singular(part) in _VOCABULARY:
        return (part,)
    if part in _WHOLE:
        return _WHOLE[part]
    if len(part) < 6 or len(part) > 40:
        return (part,)
    best: list[tuple[str, ...] | None] = [(), *[None] * len(part)]
    for end in range(2, len(part) + 1):
        for start in range(max(0, end - 16), end - 1):
            before, piece = best[start], part[start:end]
            if before is None or piece not in _VOCABULARY:
                continue
            now = best[end]
            if now is None or len(before) + 1 < len(now):
                best[end] = (*before, piece)
    found = best[-1]
    if found is None or len(found) > 4 or found[0] in _JOINERS:
        return (part,)
    return found


def _families(kind: str) -> str:
    return _FAMILIES.get(kind, "t")


def _by_name(table_name: str, name: str, kind: str) -> str | None:
    families = _families(kind)
    words = words_of(name)
    table = words_of(table_name.rsplit(".", 1)[-1])
    while len(words) > 1 and words[-1].isdigit():
        numbered = _find(words, families)
        if numbered is not None:
            return numbered
        words = words[:-1]
    if len(words) > 1 and words[-1] in _TONGUES and _find(words, families) is None:
        words = words[:-1]  # name_de, description_en
    if len(words) > 1 and (len(words[0]) == 1 or (len(words[0]) == 2 and words[0] == _initials(table))):
        words = words[1:]  # c_name of customer, ps_supplycost of part supplies
    if not words or kind in _TELLING_TYPES:
        return _BY_TYPE.get(kind)
    if kind == "boolean" or (
        words[0] in _FLAG_WORDS and len(words) > 1 and families in ("n", "b", "t") and words[-1] not in _NO_FLAGS
    ):
        return "flag"
    if words[0] == "date" and len(words) == 2 and "d" in families and words not in PHRASES:
        words = (words[1], "at")  # date_closed
    own = entity_of(tuple(w for w in table if _singular(w) not in _ROLES_OF_ROWS) or table)  # of job_group_parents
    special = _by_table(words, own, families, table) or _counted(words, own, kind)
    if special is not None:
        return special
    found = _find(words, families) or _anywhere(words, families) or _BY_TYPE.get(kind) or _by_noun(words, families)
    if found is None and len(words) > 1 and words[-1] in _UNITS and "n" in families:
        found = _find(words[:-1], families) or _anywhere(words[:-1], families)
    if found == "time" and kind == "integer" and len(words) > 1:
        found = "duration"
    if found in _OF_BODIES and own != "person" and not set(map(_singular, table)) & _BODIES:
        found = _OF_BODIES[found]
    return "uuid" if kind == "uuid" and found == "id" else found


# Languages that a column's name may end in.
_TONGUES = frozenset(
    ("cs", "da", "de", "en", "es", "fi", "fr", "hu", "ja", "ko", "nl", "pl", "pt", "ru", "sv", "tr", "zh")
)

# What "allow_domain_list" and "use_case" end in: they hold something and are no yes or no.
_NO_FLAGS = frozenset(
    (
        "list",
        "domains",
        "names",
        "name",
        "at",
        "by",
        "id",
        "ids",
        "count",
        "url",
        "date",
        "text",
        "reason",
        "case",
        "type",
    )
)


def _counted(words: tuple[str, ...], own: str | None, kind: str) -> str | None:
    """Numbers that mean something else by their table or type: bytes of a file, levels of a tree."""
    if kind != "integer":
        return None
    if own == "file" and words[-1] == "size":
        return "file_size"
    return "nesting" if words == ("depth",) else None


# Last words of numbers that count time since 1970, and of quantities in some unit.
_CLOCKS = frozenset(("at", "ts", "time", "timestamp", "epoch", "ms", "millis"))
_UNITS = frozenset(
    (
        "kg",
        "g",
        "mg",
        "lb",
        "lbs",
        "oz",
        "grams",
        "kilograms",
        "km",
        "m",
        "cm",
        "mm",
        "miles",
        "meters",
        "metres",
        "ml",
        "l",
        "liters",
        "litres",
        "usd",
        "eur",
        "gbp",
        "cents",
        "minor",
        "celsius",
        "fahrenheit",
        "kwh",
        "kw",
        "mw",
        "watts",
        "volts",
        "amps",
        "mbps",
        "kbps",
        "ghz",
        "mhz",
        "hz",
        "gb",
        "mb",
        "kb",
    )
)


def _by_clock(name: str) -> str | None:
    """A moment kept as a whole number: ``created_time``, ``start_ts``, ``expires_at``."""
    words = words_of(name)
    if len(words) < 2 or words[-1] not in _CLOCKS:
        return None
    for form in (words, (*words[:-1], "at"), (*words[:-1], "date"), words[:-1]):
        for start in range(len(form) - 1 or 1):
            for meaning in PHRASES.get(form[start:], ()):
                if meaning == "duration":
                    return None
                if meaning in _DATED:
                    return meaning
    return None


_DATED = frozenset(
    m.name for m in MEANINGS.values() if m.group == "time" and "d" in m.families and m.name.endswith(("_at", "_date"))
) | {"start", "end", "last_login"}


_COUNTING = {"total": "count", "num": "count", "number": "count", "count": "count", "n": "count", "max": "maximum",
             "min": "minimum", "avg": "average", "mean": "average"}  # fmt: skip


# Nouns that more often say how a row stands to others of its table than who somebody is.
_ROLES_OF_ROWS = frozenset(("parent", "child"))


def _by_noun(words: tuple[str, ...], families: str) -> str | None:
    """A person or company by its noun alone (``clerk``, ``assignee``), a key by its ending."""
    if words[-1].endswith("key") and len(words[-1]) > 3:
        return "id"
    if {"percent", "pct"} & set(words) and "n" in families:
        return "percentage"
    if words[-1] == "by" and "n" in families:
        return "id"  # created_by: the number of a user
    for ending, meaning in _ENDINGS.items() if "t" in families else ():
        if words[-1].endswith(ending) and _allowed(meaning, families):
            return meaning
    if words[:2] == ("no", "of") and "n" in families:
        return "count"
    if words[0] in _COUNTING and "n" in families:
        return _COUNTING[words[0]]
    noun = entity_of(words[-1:]) if "t" in families and words[-1] not in _ROLES_OF_ROWS else None
    return ENTITY_NAMES[noun] if noun in ("person", "company") else None


def _initials(table: tuple[str, ...]) -> str:
    joined = "".join(word[0] for word in table)
    return joined if len(joined) > 1 else table[0][:2] if table else ""


_OF_BODIES = {"weight_kg": "weight", "height_cm": "height"}
_BODIES = frozenset(("encounter", "visit", "vital", "observation", "body", "measurement", "health", "fitness", "bio"))
# Names that say a number or code of the table's own thing.
_NUMBERED = {
    "invoice": "invoice_number", "bill": "invoice_number", "order": "order_number", "card": "credit_card_number",
    "creditcard": "credit_card_number", "phone": "phone", "coupon": "coupon", "voucher": "coupon", "country":
    "country_code", "currency": "currency", "language": "language_code", "airport": "airport_code", "account":
    "bank_account",
}  # fmt: skip


_OF_PERSONS: dict[tuple[str, ...], str] = {
    ("title",): "job_title",
    ("position",): "job_title",
    ("first",): "first_name",
    ("middle",): "middle_name",
    ("last",): "last_name",
    ("prefix",): "prefix",
    ("suffix",): "suffix",
    ("state",): "state",
    ("drivers",): "driving_licence",
}


_HEALTH = frozenset(
    ("appointment", "care", "claim", "encounter", "immunization", "medication", "observation", "patient",
     "prescription", "procedure", "visit")
)  # fmt: skip
_TRAVEL = frozenset(("airport", "booking", "flight", "journey", "leg", "route", "trip"))
_MACHINES = frozenset(("gateway", "host", "interface", "listener", "machine", "nas", "node", "peer", "proxy", "router",
                       "server", "switch"))  # fmt: skip
_PHONED = frozenset(("call", "line", "phone", "sip", "telephone", "voicemail"))
_FILTERS = frozenset(("condition", "constraint", "criterion", "filter", "match", "predicate", "rule", "segment"))
# Of these it is a class of the program, and no car.
_MODELLED = frozenset(("access", "action", "attachment", "audit", "content", "field", "history", "permission", "view"))
_SETTINGS = frozenset(
    ("attribute", "config", "configuration", "entry", "field", "metadata", "option", "preference", "property",
     "setting", "variable", "label")
)  # fmt: skip
# A word alone: in tables about such things it means the first, elsewhere the second; None: as anywhere.
_ABOUT: dict[str, tuple[frozenset[str], str | None, str | None]] = {
    "provider": (_HEALTH, "full_name", None),
    "origin": (_TRAVEL, None, "type"),
    "operator": (_FILTERS | {"calculation", "formula", "tax"}, "type", None),
    "model": (_MODELLED, "class_name", None),
    "to": (frozenset(("mail", "email", "queuedmail", "newsletter")), "email", None),
    "condition": (_FILTERS | {"workflow", "trigger", "action", "transition", "alert", "automation"}, "clause", None),
    "key": (_SETTINGS, "identifier", None),
    "default": (frozenset(), None, "value"),
}
_NOUNS = frozenset(noun for here, _, _ in _ABOUT.values() for noun in here if len(noun) > 3)
# Before "name": who did it, in words that no table is called by.
_DOERS = frozenset(("approver", "by", "caller", "commenter", "creator", "editor", "follower", "liker", "moderator",
                    "organiser", "organizer", "poster", "requester", "requestor", "signer", "starter", "submitter",
                    "uploader"))  # fmt: skip
_OF_NAMES = frozenset(("common", "english", "international", "native", "official", "printable", "public", "standard"))
_ENDINGS = {
    "url": "url", "uri": "url", "ipaddress": "ip_address", "ipaddr": "ip_address", "ipv6address": "ipv6",
    "macaddress": "mac_address", "username": "username", "password": "password_hash", "email": "email",
    "hostname": "hostname", "filename": "file_name", "timezone": "timezone",
}  # fmt: skip
_CODES = frozenset(("coupon", "country_code", "currency", "language_code", "airport_code"))


def _by_table(words: tuple[str, ...], own: str | None, families: str, table: tuple[str, ...]) -> str | None:
    """Names that mean something else in every table: name, title, first, state."""
    if "t" not in families:
        return None
    about = set(map(_singular, table))
    about |= {noun for noun in _NOUNS for word in about if word.endswith(noun)}  # filters_smartlinkcondition
    if words == ("provider", "name") and ("provider" in about or about & _HEALTH):
        return "full_name"
    if words == ("version", "num"):
        return "migration"
    if len(words) == 1 and words[0] in _ABOUT:
        here, meaning, otherwise = _ABOUT[words[0]]
        return meaning if bool(here & about) else otherwise
    if words[-2:] == ("job", "name") and own == "person":
        return "job_title"
    if own == "group" and entity_of(table[:-1]) == "product" and words in (("name",), ("group", "name")):
        return "category"
    last = ABBREVIATIONS.get(words[-1], words[-1])
    if words[-1] == "name" and len(words) > 1 and words[-2] in _DOERS:
        return "full_name"
    if last == "name" and own is not None and set(words[:-1]) <= _OF_NAMES and words not in PHRASES:
        return ENTITY_NAMES.get(own, "name")  # the printable name of a country
    if last == "name" and not any(words[start:] in PHRASES for start in range(max(1, len(words) - 1))):
        return ENTITY_NAMES.get(entity_of(words[:-1]) or "", "name")
    if words in (("name",), ("names",), ("label",), ("display", "name")):
        return ENTITY_NAMES.get(own or "", "name")
    if words in (("number",), ("no",), ("code",), ("iso", "code")) and table:
        number = _NUMBERED.get({"lang": "language"}.get(table[-1], _singular(table[-1])))
        if number is not None and (words[-1] == "code") == (number in _CODES):
            return number
    if words[-1] == "address" and {"email", "mail"} & set(table):
        return "email"
    if words in (("address",), ("addr",)) and _MACHINES & about:
        return "ip_address"
    if (
        words in (("extension",), ("extensions",), ("ext",))
        and own not in ("person", "company")
        and not _PHONED & about
    ):
        return "file_extension"
    if words[-1] == "no" and len(words) > 1 and "n" not in families and words not in PHRASES:
        return "code"
    if words == ("symbol",) and own == "currency":
        return "currency_symbol"
    if own == "person":
        return _OF_PERSONS.get(words)
    if words == ("state",) and own in ("company", "place", "city", "region", "country"):
        return "state"
    if words == ("description",) and own in ("category", "role", "genre"):
        return "description"
    return None


def _allowed(meaning: str, families: str) -> bool:
    allowed = MEANINGS[meaning].families
    return any(family in allowed for family in families)


def _find(words: tuple[str, ...], families: str) -> str | None:
    """The meaning of the longest phrase that ends the name and may have this type."""
    plain = tuple(ABBREVIATIONS.get(word, word) for word in words)
    single = (*plain[:-1], _singular(plain[-1])) if plain else plain
    turned = (*plain[:-1], {"on": "at", "at": "on"}.get(plain[-1], plain[-1])) if plain else plain
    for start in range(len(words)):
        for form in (words, plain, single, turned):
            for meaning in PHRASES.get(form[start:], ()):
                if _allowed(meaning, families):
                    return meaning
    return _at_end(plain, families)


def _at_end(words: tuple[str, ...], families: str) -> str | None:
    """Moments and dates by their last word alone: ``frozen_at``, ``warranty_until``, ``x_date``."""
    if words == ("at",):
        return "timestamp" if _allowed("timestamp", families) else None
    if len(words) < 2 or not any(family in "tdn" for family in families):
        return None
    if families == "n" and words[-1] in ("on", "since"):
        return None  # grant_on: a number after such a word is no moment
    if families == "t" and words[-1] == "on" and not words[-2].endswith("ed"):
        return None  # match_on: a text after such a word is none either
    return (
        {"at": "timestamp", "on": "date", "until": "end", "since": "start", "date": "date", "by": "username"}.get(
            words[-1]
        )
        if _allowed("timestamp" if words[-1] != "by" else "username", families)
        else None
    )


def _anywhere(words: tuple[str, ...], families: str) -> str | None:
    plain = tuple(ABBREVIATIONS.get(word, word) for word in words)
    for size in range(len(plain), 0, -1):
        for start in range(len(plain) - size, -1, -1):
            for meaning in PHRASES.get(plain[start : start + size], ()):
                if meaning in _ANYWHERE and _allowed(meaning, families):
                    return meaning
    return None


def _texts(values: pa.Array) -> pa.Array | None:
    """Up to 500 distinct texts that are not blank; None when the values are no texts."""
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return None
    texts = pc.utf8_trim_whitespace(values.drop_null().unique())
    texts = texts.filter(pc.not_equal(texts, "")).slice(0, 500)
    return texts if len(texts) else None


def _share(texts: pa.Array, pattern: str) -> float:
    return float(pc.mean(pc.match_substring_regex(texts, pattern).cast(pa.float64())).as_py())


def _by_values(named: str | None, texts: pa.Array) -> str | None:
    # The first three shapes are never met by chance, so they win over any name and need no crowd.
    vague = (named is None or named in _VAGUE) and len(texts) >= 3
    for meaning, pattern in _SHAPES if vague else _SHAPES[:3]:
        if _share(texts.slice(0, 20), pattern) >= 0.9 and _share(texts, pattern) >= 0.9:
            return meaning
    if named is None:
        return None
    for meaning, pattern in _REFINED.get(named, ()):
        if _share(texts, pattern) >= 0.95:
            return meaning
    if named in _MUST_SHOW:
        pattern, instead = _MUST_SHOW[named]
        if _share(texts, pattern) < 1 / 3:
            return instead
    return named

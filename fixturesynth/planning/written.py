"""What the texts of the rows say of the rule that makes others like them."""

from __future__ import annotations

from fixturesynth.planning.plan import RuleCall
from fixturesynth.profiling.profile import ColumnProfile
from fixturesynth.rules.pools import wide_pool

__all__ = ["SHORT_CODE", "as_written", "coded", "is_address", "mostly_masked", "of_another_list", "of_people"]

SHORT_CODE = 4  # letters
MASKED = frozenset({"phone", "fax", "postal_code", "phone_extension"})
CODED = frozenset({None, "id", "identifier", "code", "reference", "external_id", "number"})
WEB_RULES = frozenset({"url", "image_url", "domain", "hostname", "email", "ip_address"})
LEAST_STEM = 6  # letters of a domain's name by which it is still known

NAMELESS = frozenset({None, "name", "label", "title", "value", "identifier", "description", "text", "author"})
FEWEST_NAMES = 10  # first names that many share
MOSTLY_NAMES = 0.7  # of the words with a capital are first names
NAMES_IN_ORDER = 0.4  # ... where last names stand before them
MORE = 2  # times as many different texts as a list has


def of_another_list(call: RuleCall, seen: ColumnProfile) -> bool:
    """Whether the rule chooses from a list that has none of the texts that are known of the column: reasons of refunds,
    where the rows have diagnoses; or, where none is known, one far shorter than what the rows tell apart."""
    if call.name != "choices":
        return False
    known, listed = {v for v, _ in seen.values if isinstance(v, str)}, call.options.get("values", ())
    return known.isdisjoint(listed) if known else seen.distinct > MORE * len(listed)


def coded(seen: ColumnProfile) -> bool:
    """Whether the values are codes: most of their shapes have digits, or are a few capitals."""
    shapes = [(p.replace("\\9", "").replace("\\A", ""), rows) for p, rows in seen.patterns]
    rows = sum(n for p, n in shapes if "9" in p or (p.isupper() and len(p) <= SHORT_CODE))
    return bool(shapes) and (seen.kind in ("code", "identifier") or 2 * rows >= sum(n for _, n in shapes))


def as_written(seen: ColumnProfile) -> RuleCall | None:
    """Codes that are counted, emails of known domains, masks of digits: what the values say overrules a name."""
    habits = seen.writing or {}
    if (counter := habits.get("counter")) is not None:
        return RuleCall("numbered", {k: v for k, v in counter.items() if k != "start" or seen.unique})
    if seen.meaning == "email" and habits.get("domains"):
        kept = [[_nobodys(d), rows] for d, rows in habits["domains"]]
        return RuleCall("mail", {"domains": kept, "local": habits.get("local")})
    if habits.get("masks") and (seen.kind in ("text", "code") or seen.meaning in MASKED):
        return RuleCall("pattern", {"patterns": [list(m) for m in habits["masks"]]})
    return None


def mostly_masked(seen: ColumnProfile) -> RuleCall | None:
    """The shapes of codes where half of the rows, or more, have such as may be told."""
    masks = [list(m) for m in (seen.writing or {}).get("masks", ())]
    rows = sum(int(n) for _, n in masks)
    if seen.meaning not in CODED or not masks or 2 * rows < seen.rows - seen.nulls:
        return None
    return RuleCall("pattern", {"patterns": masks})


def is_address(seen: ColumnProfile) -> bool:
    """Whether the texts are addresses of the web: made-up ones must be nobody's."""
    front, _ = (seen.writing or {}).get("frame") or ("", "")
    return seen.meaning in WEB_RULES and not str(front).startswith("/")


def of_people(seen: ColumnProfile, locale: str) -> bool:
    """Whether the texts are names of people, whatever the column is called: the words that many share are first names
    the world over."""
    texts = seen.words or [(w, n) for v, n in seen.values if isinstance(v, str) for w in v.replace(",", " ").split()]
    words = [(w, n) for w, n in texts if w.isalpha() and w[:1].isupper() and len(w) > 2]
    inverted = bool((seen.writing or {}).get("inverted"))
    several = sum(n for pieces, n in (seen.writing or {}).get("pieces", ()) if pieces > 1)
    if seen.meaning not in NAMELESS or len(words) < FEWEST_NAMES or several < 500:
        return False
    first = set(wide_pool("first_name", locale).values.to_pylist())
    known = [n for w, n in words if w in first]
    needed = NAMES_IN_ORDER if inverted else MOSTLY_NAMES
    return len(known) >= FEWEST_NAMES and sum(known) >= needed * sum(n for _, n in words)


def _nobodys(domain: str) -> str:
    """The domain under a top level that is reserved (RFC 2606): mail to a made-up address reaches nobody.

    As long as it was, where that leaves enough of the name.

    >>> _nobodys("shop.co.uk"), _nobodys("greengrocers.org"), _nobodys("")
    ('shop.co.example', 'greengro.example', '')
    """
    stem = domain.rpartition(".")[0] or domain
    room = len(domain) - len(".example")
    return domain and f"{stem[:room].rstrip('.-') if room >= LEAST_STEM else stem}.example"

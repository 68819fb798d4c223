"""Rules with a meaning: names, mail, places, companies, things on the web. Each is a few phrases over pools."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, join_texts, scalar_of
from fixturesynth.rules import vocabulary
from fixturesynth.rules.contract import ColumnContext, Integers, Space
from fixturesynth.rules.grammar import NUMBER, Number, Phrase, Pool, limits_of, phrase_space
from fixturesynth.rules.pools import ascii_of, faker_phrases, faker_pool, wide_pool

__all__ = ["MAKERS", "PHRASES"]

Phrases = tuple[tuple[int, Phrase], ...]


def _digits(count: int) -> Phrase:
    return (Pool.of("0123456789"),) * count


@lru_cache(maxsize=64)
def _latin(token: str, locale: str) -> Pool:
    """A pool of names as they appear in addresses: ASCII, lower case; English where a script has no Latin form."""
    pool = faker_pool(token, locale)
    texts = ascii_of(pool.values.to_pylist(), locale)
    if sum(len(t) >= 2 for t in texts) * 2 < len(texts):
        pool = faker_pool(token, "en_US")
        texts = ascii_of(pool.values.to_pylist(), "en_US")
    weights = [1] * len(texts) if pool.weights is None else pool.weights.tolist()
    kept = [(t, w) for t, w in zip(texts, weights, strict=True) if len(t) >= 2]
    return Pool.of([t for t, _ in kept], [w for _, w in kept] if pool.weights is not None else None)


def _named(token: str) -> Callable[[str], Phrases]:
    return lambda locale: ((1, (faker_pool(token, locale), NUMBER)),)


def _full_name(locale: str) -> Phrases:
    first, last = faker_pool("first_name", locale), faker_pool("last_name", locale)
    family_first = locale.split("_")[0] in {"ja", "zh", "ko", "hu", "vi"}
    between = "" if locale.split("_")[0] in {"zh", "ko"} else " "
    return ((1, (last, between, first, Number(" ")) if family_first else (first, between, last, Number(" "))),)


def full_name(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Names of people; options: locale, max_length, min_length, case; inverted: the last name first, ``Lee, Ann``."""
    locale = options.get("locale", context.locale)
    phrases = _phrases("full_name", locale)
    if options.get("inverted"):
        first, last = faker_pool("first_name", locale), faker_pool("last_name", locale)
        phrases = ((1, (last, ", ", first, Number(" "))),)
    return phrase_space(phrases, limits_of(options, context), unique=context.unique)


def _email(locale: str) -> Phrases:
    # Domains of RFC 2606: mail to a made-up address must never reach anybody.
    domains = Pool.of(["@example.com", "@example.org", "@example.net"], [5, 3, 2])
    return ((1, (_latin("first_name", locale), ".", _latin("last_name", locale), NUMBER, domains)),)


def _username(locale: str) -> Phrases:
    return ((1, (_latin("first_name", locale), "_", _latin("last_name", locale), NUMBER)),)


def _street(locale: str) -> Phrases:
    return faker_phrases("street_address", locale)


def _city(locale: str) -> Phrases:
    phrases = faker_phrases("city", locale)
    return tuple((w, (*p, Number(" "))) for w, p in phrases)


def _company(locale: str) -> Phrases:
    return tuple((w, (*p, Number(" "))) for w, p in faker_phrases("company", locale))


def _words(count: int, join: str) -> Phrase:
    pool = vocabulary.words()
    parts: list[Pool | str] = [pool]
    for _ in range(count - 1):
        parts += [join, pool]
    return tuple(parts)


def _slug(locale: str) -> Phrases:
    return ((3, (*_words(2, "-"), Number("-"))), (2, (*_words(3, "-"), Number("-"))))


def _url(locale: str) -> Phrases:
    hosts = Pool.of([f"https://{h}example.{t}/" for t in ("com", "org", "net") for h in ("www.", "", "shop.", "blog.")])
    return ((1, (hosts, *_words(2, "-"), Number("-"))),)


def _domain(locale: str) -> Phrases:
    return ((1, (*_words(2, "-"), NUMBER, Pool.of([".example.com", ".example.org", ".example.net"], [5, 3, 2]))),)


def _title(locale: str) -> Phrases:
    adjectives = Pool.of([w.capitalize() for w in vocabulary.ADJECTIVES])
    nouns = Pool.of([w.capitalize() for w in vocabulary.NOUNS])
    return ((3, (adjectives, " ", nouns, Number(" "))), (2, ("The ", adjectives, " ", nouns, Number(" "))))


def _file_name(locale: str) -> Phrases:
    endings = Pool.of([".pdf", ".jpg", ".png", ".csv", ".docx", ".txt", ".zip"], [6, 5, 4, 3, 3, 2, 1])
    return ((1, (*_words(2, "_"), NUMBER, endings)),)


def _path(locale: str) -> Phrases:
    return (
        (1, ("/", vocabulary.words(), *_file_name(locale)[0][1][1:])),
        (1, ("/", *_words(2, "/"), *_file_name(locale)[0][1])),
    )


def _coordinates(degrees: int) -> Phrase:
    return (Pool.of([str(d) for d in range(-degrees + 1, degrees)]), ".", *_digits(5))


def _listed(values: Mapping[str, int]) -> Callable[[str], Phrases]:
    pool = Pool.of(list(values), list(values.values()))
    return lambda locale: ((1, (pool,)),)


def _composed(token: str) -> Callable[[str], Phrases]:
    return lambda locale: faker_phrases(token, locale)


PHRASES: Final[Mapping[str, Callable[[str], Phrases]]] = {
    "first_name": _named("first_name"),
    "last_name": _named("last_name"),
    "full_name": _full_name,
    "email": _email,
    "username": _username,
    "phone": _composed("phone"),
    "street": _street,
    "city": _city,
    "state": _composed("state"),
    "state_code": _composed("state_code"),
    "postal_code": _composed("postal_code"),
    "country": _composed("country"),
    "country_code": _composed("country_code"),
    "company": _company,
    "job_title": _named("job"),
    "url": _url,
    "domain": _domain,
    "slug": _slug,
    "title": _title,
    "file_name": _file_name,
    "path": _path,
    "color": _listed(vocabulary.COLORS),
    "language": _listed(vocabulary.LANGUAGES),
    "locale": _listed(vocabulary.LOCALES),
    "currency": _listed(vocabulary.CURRENCIES),
    "timezone": _listed(vocabulary.TIMEZONES),
    "mime_type": _listed(vocabulary.MIME_TYPES),
    "user_agent": _listed(vocabulary.USER_AGENTS),
    "status": _listed(vocabulary.STATUSES),
    "gender": _listed(vocabulary.GENDERS),
    "latitude": lambda locale: ((1, _coordinates(90)),),
    "longitude": lambda locale: ((1, _coordinates(180)),),
    "color_hex": lambda locale: ((1, ("#", *((Pool.of("0123456789abcdef"),) * 6))),),
}


@lru_cache(maxsize=256)
def _phrases(name: str, locale: str) -> Phrases:
    """Made once, so that what is joined, cut and weighed of its pools is found again for the next column."""
    return PHRASES[name](locale)


def _names(token: str) -> Callable[[Mapping[str, Any], ColumnContext], Space]:
    def make(options: Mapping[str, Any], context: ColumnContext) -> Space:
        locale = options.get("locale", context.locale)
        if context.unique:
            phrases: Phrases = ((1, (wide_pool(token, locale), NUMBER)),)
        else:
            known = tuple((str(w), int(n)) for w, n in options.get("names", ()))
            pool = _name_pool(token, locale, known, int(options.get("told", 0)), bool(options.get("wide")))
            pieces = options.get("pieces") or [[1, 1]]
            phrases = tuple((n, (pool, *((" ", pool) * (count - 1)))) for count, n in pieces)
        return phrase_space(phrases, limits_of(options, context), unique=context.unique)

    make.__doc__ = f"""A {token.replace("_", " ")}; options: locale, max_length, min_length, case; names: [name, rows]
    that many share, which come in ``told`` of 1000 words; pieces: [names, weight], how many a value has; wide: names
    of other languages as well."""
    return make


@lru_cache(maxsize=64)
def _name_pool(token: str, locale: str, known: tuple[tuple[str, int], ...], told: int, wide: bool) -> Pool:
    """Names that are known, in ``told`` of 1000 draws, and others."""
    other = wide_pool(token, locale) if wide else faker_pool(token, locale)
    if not known or not told:
        return other
    names = {w for w, _ in known}
    weights = [1] * len(other) if other.weights is None else other.weights.tolist()
    rest = [(t, w) for t, w in zip(other.values.to_pylist(), weights, strict=True) if t not in names]
    pairs = []
    for part, share in ((known, told), (rest, 1000 - told)):
        total = sum(w for _, w in part)
        pairs += [(t, max(1, w * share * 1000 // max(total, 1))) for t, w in part if share > 0]
    return Pool.of([t for t, _ in pairs], [w for _, w in pairs])


def _maker(name: str) -> Callable[[Mapping[str, Any], ColumnContext], Space]:
    def make(options: Mapping[str, Any], context: ColumnContext) -> Space:
        phrases = _phrases(name, options.get("locale", context.locale))
        return phrase_space(phrases, limits_of(options, context), unique=context.unique)

    make.__doc__ = f"Values that read as {name.replace('_', ' ')}; options: locale, max_length, min_length, case."
    return make


def email_from(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Emails of the row's own names: ``first`` and ``last`` (or ``name`` alone) are columns given with the row.

    Unique ones carry the row's number: ``ann.lee.17@example.com``.
    """
    sources = [options[k] for k in ("first", "last", "name") if options.get(k)]
    if not sources:
        raise ValueError("give the columns to make it from: first, last or name")
    limits = limits_of(options, context)
    room = (limits.maximum if limits.maximum is not None else 254) - len("@example.com") - (20 if context.unique else 0)
    if room < 2:
        return _maker("email")(options, context)

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        columns = [_plain(given[s]) for s in sources]
        local = columns[0] if len(columns) == 1 else join_texts(*columns, separator=".")
        local = pc.utf8_slice_codeunits(pc.utf8_trim(local, "."), 0, room)
        local = pc.if_else(pc.equal(pc.utf8_length(local), scalar_of(0)), scalar_of("user"), pc.utf8_trim(local, "."))
        pieces = [local, array_of(indices + 1).cast(pa.string())] if context.unique else [local]
        return join_texts(join_texts(*pieces, separator="."), "example.com", separator="@")

    return Space(2**62 if context.unique else 1, at, block=1 if context.unique else None)


def _plain(column: pa.Array) -> pa.Array:
    text = fill_null(pc.utf8_lower(pc.utf8_normalize(column.cast(pa.string()), form="NFKD")), "")
    return pc.utf8_trim(pc.replace_substring_regex(text, r"[^a-z0-9]+", ""), "-")


MAKERS: Final[Mapping[str, Callable[[Mapping[str, Any], ColumnContext], Space]]] = {
    **{name: _maker(name) for name in PHRASES},
    **{name: _names(name) for name in ("first_name", "last_name")},
    "email_from": email_from,
    "full_name": full_name,
}

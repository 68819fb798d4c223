"""Faker's own lists and formats as pools: the only place where Faker is imported, and never called row by row.

``faker_pool`` takes a provider's element list with its weights where there is one. ``faker_phrases`` compiles a
provider's formats (``{{city_prefix}} {{first_name}}{{city_suffix}}``) into phrases over such pools. What a locale
makes by code only is drawn a few hundred times from a fixed seed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

from fixturesynth.errors import SpecError, did_you_mean
from fixturesynth.rules.grammar import Phrase, Pool

__all__ = ["ascii_of", "faker_phrases", "faker_pool", "wide_pool"]

_SAMPLED: Final = 400  # draws from a provider that has neither list nor formats
_TOKEN: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
# Where a token's formats are, when not in ``<token>_formats``.
_FORMATS: Final = {
    "company": ("company", "formats"),
    "phone": ("phone_number", "formats"),
    "postal_code": ("address", "postcode_formats"),
}
_METHODS: Final = {"postal_code": "postcode", "phone": "phone_number"}
# Formats whose letters are placeholders: # digit, % digit from 1, $ digit from 2, ? letter.
_SHAPES: Final = frozenset({"building_number", "postal_code", "postcode", "phone", "secondary_address"})
_SHAPED: Final = frozenset("#%$?@!0123456789+-() ./x")
_DIGITS: Final = {"#": "0123456789", "%": "123456789", "$": "23456789", "?": "ABCDEFGHJKLMNPRSTUVWXYZ"}
# Lists under other names than the token's plural.
_LISTS: Final = {
    "first_name": ("first_names", "first_names_male", "first_names_female", "first_romanized_names"),
    "last_name": ("last_names", "last_names_male", "last_names_female"),
    "state": ("states", "provinces", "regions", "prefectures", "federal_states", "counties", "departments"),
    "state_code": ("states_abbr", "provinces_abbr", "state_abbrs"),
    "country_code": ("alpha_2_country_codes",),
    "color": ("safe_colors",),
    "color_name": ("all_colors",),
    "word": ("word_list",),
    "language": ("language_names",),
    "currency": ("currencies",),
    "domain": ("safe_domain_names",),
}  # fmt: skip


@lru_cache(maxsize=16)
def _providers(locale: str) -> tuple[Any, Mapping[str, Any]]:
    from faker import Faker
    from faker.config import AVAILABLE_LOCALES

    if locale not in AVAILABLE_LOCALES:
        raise SpecError(f"no locale {locale!r}: {did_you_mean(locale, AVAILABLE_LOCALES)}")
    generator = Faker(locale)[locale]
    return generator, {p.__provider__.rpartition(".")[2]: p for p in generator.get_providers()}


@lru_cache(maxsize=512)
def faker_pool(token: str, locale: str) -> Pool:
    """The pool of a Faker token (``first_name``, ``city_suffix``, ``job`` ...) in a locale.

    SpecError for a locale that Faker does not have; ValueError for an unknown token.
    """
    _, providers = _providers(locale)
    names = _LISTS.get(token) or (f"{token}s", f"{token}es", f"{token[:-1]}ies", f"{token}_list")
    found: dict[str, int] = {}
    for name in names:
        lists = (getattr(p, name, None) for p in providers.values())
        for values in lists:
            for text, weight in _weighted(values):
                found.setdefault(text, weight)
        # Names for men and women are one pool where a locale has no common list.
        if found and not name.endswith("_male"):
            break
    if found:
        return Pool.of(list(found), list(found.values()) if len(set(found.values())) > 1 else None)
    return _sampled(token, locale)


# Names that read as names wherever Latin letters do, in this order.
_ELSEWHERE: Final = (
    "en_US", "en_GB", "es_ES", "fr_FR", "de_DE", "it_IT", "nl_NL", "pt_BR", "pl_PL", "sv_SE", "no_NO", "hr_HR", "ro_RO",
    "cs_CZ", "id_ID", "et_EE", "lt_LT",
)  # fmt: skip


@lru_cache(maxsize=64)
def wide_pool(token: str, locale: str) -> Pool:
    """The pool of names of a locale, first_name or last_name, with those of other languages behind them.

    Only where the locale's own are in ASCII letters for the most part, and only such others.
    """
    own = faker_pool(token, locale)
    texts = dict.fromkeys(own.values.to_pylist())
    if sum(t.isascii() for t in texts) * 2 < len(texts):
        return own
    others: dict[str, None] = {}
    for other in _ELSEWHERE:
        provider = import_module(f"faker.providers.person.{other}").Provider
        for name in _LISTS[token]:
            others |= {t: None for t, _ in _weighted(getattr(provider, name, None)) if t.isascii() and t.isalpha()}
    return Pool.of(list(texts | others))


def _weighted(values: Any) -> Iterable[tuple[str, int]]:
    if isinstance(values, Mapping):
        pairs = [(k, v) for k, v in values.items() if isinstance(k, str) and isinstance(v, (int, float))]
        largest = max((v for _, v in pairs), default=0) or 1
        return [(k.strip(), max(1, round(v / largest * 1_000_000))) for k, v in pairs if k.strip()]
    if isinstance(values, (list, tuple, set, frozenset)):
        ordered = values if isinstance(values, (list, tuple)) else sorted(map(str, values))
        # Lists of pairs (code, name) give their last text.
        texts = [v if isinstance(v, str) else v[-1] for v in ordered if isinstance(v, str) or _texts(v)]
        return [(t.strip(), 1) for t in texts if t.strip()]
    return []


def _texts(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and 0 < len(value) <= 3 and all(isinstance(v, str) for v in value)


def _sampled(token: str, locale: str) -> Pool:
    generator, _ = _providers(locale)
    method = getattr(generator, _METHODS.get(token, token), None)
    if method is None:
        if locale == "en_US":
            raise ValueError(f"Faker has no {token!r}")
        return faker_pool(token, "en_US")  # what a locale lacks (codes of states, say) is taken from the default one
    generator.seed_instance(f"{locale}/{token}")
    return Pool.of([str(method()).replace("\n", ", ").strip() for _ in range(_SAMPLED)])


@lru_cache(maxsize=256)
def faker_phrases(token: str, locale: str) -> tuple[tuple[int, Phrase], ...]:
    """Weighted phrases for a token that Faker composes from formats; a single pool for others."""
    return tuple(_compiled(token, locale, 0)) or ((1, (faker_pool(token, locale),)),)


def _compiled(token: str, locale: str, depth: int) -> list[tuple[int, Phrase]]:
    _, providers = _providers(locale)
    room, attribute = _FORMATS.get(token, ("", f"{token}_formats"))
    owners = [providers[room]] if room in providers else list(providers.values())
    owner = next((p for p in owners if getattr(p, attribute, None)), None)
    if owner is None:
        return []
    if _older(owner, attribute, _METHODS.get(token, token)):
        return _towns(token, locale) if hasattr(owner, "towns") else []
    shapes = list(_weighted(getattr(owner, attribute)))
    if token in _SHAPES:
        if any(set(_TOKEN.sub("", t)) - _SHAPED for t, _ in shapes):
            return []  # a shape with letters of the locale's own: its code is asked instead
        # Optional digits (@, !) are taken as digits: one phrase for a format.
        ranked = sorted(shapes, key=lambda s: (-s[1], len(s[0]), s[0]))[:6]
        return [(w, _shape(t.replace("@", "%").replace("!", "#"), locale)) for t, w in ranked]
    out: list[tuple[int, Phrase]] = []
    for template, weight in sorted(shapes, key=lambda s: (-s[1], len(s[0]))):
        for inner_weight, phrase in _expanded(template, locale, depth):
            out.append((weight * inner_weight, phrase))
    return sorted(out, key=lambda o: -o[0])[:6]


def _older(provider: Any, attribute: str, method: str) -> bool:
    """The formats are an ancestor's, and the locale has code of its own, or lists of towns, instead of them."""
    line = type(provider).__mro__
    formats = next(i for i, c in enumerate(line) if attribute in vars(c))
    code = next((i for i, c in enumerate(line) if method in vars(c)), len(line))
    return code < formats or (formats > 0 and hasattr(provider, "towns") and method.startswith("street"))


def _towns(token: str, locale: str) -> list[tuple[int, Phrase]]:
    """Where streets have no names, an address is a town and numbers."""
    if not token.startswith("street"):
        return []
    numbers = Pool.of([str(i) for i in range(1, 31)])
    return [(1, (faker_pool("town", locale), numbers, "-", numbers))]


def _expanded(template: str, locale: str, depth: int) -> list[tuple[int, Phrase]]:
    """A template's phrases: nested formats multiply, at most four a token."""
    results: list[tuple[int, Phrase]] = [(1, ())]
    position = 0
    for match in _TOKEN.finditer(template):
        literal = template[position : match.start()].replace("\n", ", ")
        inner = _compiled(match[1], locale, depth + 1)[:4] if depth < 3 else []
        inner = inner or [(1, (faker_pool(match[1], locale),))]
        lead: Phrase = (literal,) if literal else ()
        results = [(w * iw, (*phrase, *lead, *ip)) for w, phrase in results for iw, ip in inner][:12]
        position = match.end()
    tail = template[position:].replace("\n", ", ")
    return [(w, (*phrase, tail) if tail else phrase) for w, phrase in results]


def _shape(text: str, locale: str) -> Phrase:
    out: list[Pool | str] = []
    for i, piece in enumerate(_TOKEN.split(text)):
        if i % 2:
            out.append(faker_pool(piece, locale))
        else:
            out += [Pool.of(_DIGITS[c]) if c in _DIGITS else c for c in piece]
    return tuple(out)


def ascii_of(values: Sequence[str], locale: str) -> list[str]:
    """Lower-case ASCII letters of names, by the locale's own replacements (ü to ue); empty where nothing remains."""
    from unicodedata import normalize

    _, providers = _providers(locale)
    table = dict(getattr(providers["internet"], "replacements", ()))
    out = []
    for value in values:
        text = value.casefold()
        for old, new in table.items():
            text = text.replace(old.casefold(), new)
        plain = normalize("NFKD", text).encode("ascii", "ignore").decode()
        out.append(re.sub(r"[^a-z]+", "", plain))
    return out

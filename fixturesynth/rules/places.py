"""Places that agree: city, state, postal code, country, coordinates, time zone and currency of one row are of one town.

All columns of an address draw their town with the same words (option ``shared``), so they agree without reading each
other, and a column more or less changes none of the others.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of
from fixturesynth.randomness import hashed
from fixturesynth.rules.buffers import decimals_of
from fixturesynth.rules.contract import ColumnContext, Integers, Space
from fixturesynth.rules.grammar import Bits, guide, limits_of

__all__ = ["MAKERS", "PARTS", "place"]

# city | state | its code | postal code (# a digit, @ a letter) | latitude | longitude; a line in brackets begins a
# country: [name | alpha 2 | alpha 3 | currency | time zone | calling code | weight]. A town may end with its own zone.
_TOWNS: Final = """
    [United States | US | USA | USD | America/New_York | 1 | 40]
    New York | New York | NY | 100## | 40.713 | -74.006
    Los Angeles | California | CA | 900## | 34.052 | -118.244 | America/Los_Angeles
    Chicago | Illinois | IL | 606## | 41.878 | -87.630 | America/Chicago
    Houston | Texas | TX | 770## | 29.760 | -95.370 | America/Chicago
    Phoenix | Arizona | AZ | 850## | 33.448 | -112.074 | America/Phoenix
    Philadelphia | Pennsylvania | PA | 191## | 39.953 | -75.165
    San Antonio | Texas | TX | 782## | 29.424 | -98.494 | America/Chicago
    San Diego | California | CA | 921## | 32.716 | -117.161 | America/Los_Angeles
    Dallas | Texas | TX | 752## | 32.777 | -96.797 | America/Chicago
    Austin | Texas | TX | 787## | 30.267 | -97.743 | America/Chicago
    Columbus | Ohio | OH | 432## | 39.961 | -82.999
    Charlotte | North Carolina | NC | 282## | 35.227 | -80.843
    Indianapolis | Indiana | IN | 462## | 39.768 | -86.158 | America/Indiana/Indianapolis
    San Francisco | California | CA | 941## | 37.775 | -122.419 | America/Los_Angeles
    Seattle | Washington | WA | 981## | 47.606 | -122.332 | America/Los_Angeles
    Denver | Colorado | CO | 802## | 39.739 | -104.990 | America/Denver
    Boston | Massachusetts | MA | 021## | 42.360 | -71.059
    Nashville | Tennessee | TN | 372## | 36.163 | -86.781 | America/Chicago
    Detroit | Michigan | MI | 482## | 42.331 | -83.046 | America/Detroit
    Portland | Oregon | OR | 972## | 45.515 | -122.678 | America/Los_Angeles
    Las Vegas | Nevada | NV | 891## | 36.170 | -115.140 | America/Los_Angeles
    Memphis | Tennessee | TN | 381## | 35.150 | -90.049 | America/Chicago
    Baltimore | Maryland | MD | 212## | 39.290 | -76.612
    Milwaukee | Wisconsin | WI | 532## | 43.039 | -87.907 | America/Chicago
    Albuquerque | New Mexico | NM | 871## | 35.084 | -106.650 | America/Denver
    Atlanta | Georgia | GA | 303## | 33.749 | -84.388
    Miami | Florida | FL | 331## | 25.762 | -80.192
    Minneapolis | Minnesota | MN | 554## | 44.978 | -93.265 | America/Chicago
    Salt Lake City | Utah | UT | 841## | 40.761 | -111.891 | America/Denver
    Pittsburgh | Pennsylvania | PA | 152## | 40.441 | -79.996
    [Germany | DE | DEU | EUR | Europe/Berlin | 49 | 10]
    Berlin | Berlin | BE | 101## | 52.520 | 13.405
    Hamburg | Hamburg | HH | 203## | 53.551 | 9.994
    München | Bayern | BY | 803## | 48.137 | 11.576
    Köln | Nordrhein-Westfalen | NW | 506## | 50.938 | 6.960
    Frankfurt am Main | Hessen | HE | 603## | 50.111 | 8.682
    Stuttgart | Baden-Württemberg | BW | 701## | 48.776 | 9.183
    Leipzig | Sachsen | SN | 041## | 51.340 | 12.373
    Bremen | Bremen | HB | 281## | 53.079 | 8.802
    Hannover | Niedersachsen | NI | 301## | 52.376 | 9.732
    Dresden | Sachsen | SN | 010## | 51.051 | 13.738
    [United Kingdom | GB | GBR | GBP | Europe/London | 44 | 12]
    London | England | EN | N# #@@ | 51.507 | -0.128
    Manchester | England | EN | M# #@@ | 53.481 | -2.242
    Birmingham | England | EN | B# #@@ | 52.486 | -1.890
    Leeds | England | EN | LS# #@@ | 53.801 | -1.549
    Bristol | England | EN | BS# #@@ | 51.454 | -2.588
    Glasgow | Scotland | SC | G# #@@ | 55.864 | -4.252
    Edinburgh | Scotland | SC | EH# #@@ | 55.953 | -3.188
    Cardiff | Wales | WA | CF# #@@ | 51.482 | -3.179
    [France | FR | FRA | EUR | Europe/Paris | 33 | 8]
    Paris | Île-de-France | 75 | 750## | 48.857 | 2.352
    Lyon | Auvergne-Rhône-Alpes | 69 | 690## | 45.764 | 4.836
    Marseille | Provence-Alpes-Côte d'Azur | 13 | 130## | 43.297 | 5.370
    Toulouse | Occitanie | 31 | 310## | 43.605 | 1.444
    Nantes | Pays de la Loire | 44 | 440## | 47.218 | -1.554
    Lille | Hauts-de-France | 59 | 590## | 50.629 | 3.057
    [Canada | CA | CAN | CAD | America/Toronto | 1 | 8]
    Toronto | Ontario | ON | M#@ #@# | 43.653 | -79.383
    Ottawa | Ontario | ON | K#@ #@# | 45.421 | -75.697
    Montreal | Quebec | QC | H#@ #@# | 45.502 | -73.567
    Vancouver | British Columbia | BC | V#@ #@# | 49.283 | -123.121 | America/Vancouver
    Calgary | Alberta | AB | T#@ #@# | 51.045 | -114.057 | America/Edmonton
    Halifax | Nova Scotia | NS | B#@ #@# | 44.649 | -63.576 | America/Halifax
    [Spain | ES | ESP | EUR | Europe/Madrid | 34 | 5]
    Madrid | Madrid | MD | 280## | 40.417 | -3.704
    Barcelona | Cataluña | CT | 080## | 41.387 | 2.170
    Valencia | Comunidad Valenciana | VC | 460## | 39.470 | -0.377
    Sevilla | Andalucía | AN | 410## | 37.389 | -5.984
    [Italy | IT | ITA | EUR | Europe/Rome | 39 | 5]
    Roma | Lazio | RM | 001## | 41.903 | 12.496
    Milano | Lombardia | MI | 201## | 45.464 | 9.190
    Torino | Piemonte | TO | 101## | 45.070 | 7.687
    Napoli | Campania | NA | 801## | 40.852 | 14.268
    Bologna | Emilia-Romagna | BO | 401## | 44.494 | 11.343
    [Netherlands | NL | NLD | EUR | Europe/Amsterdam | 31 | 4]
    Amsterdam | Noord-Holland | NH | 10## @@ | 52.368 | 4.904
    Rotterdam | Zuid-Holland | ZH | 30## @@ | 51.924 | 4.478
    Utrecht | Utrecht | UT | 35## @@ | 52.091 | 5.122
    [Switzerland | CH | CHE | CHF | Europe/Zurich | 41 | 2]
    Zürich | Zürich | ZH | 80## | 47.377 | 8.541
    Genève | Genève | GE | 12## | 46.204 | 6.143
    Basel | Basel-Stadt | BS | 40## | 47.560 | 7.588
    [Austria | AT | AUT | EUR | Europe/Vienna | 43 | 2]
    Wien | Wien | WI | 10## | 48.208 | 16.373
    Graz | Steiermark | ST | 80## | 47.071 | 15.440
    [Poland | PL | POL | PLN | Europe/Warsaw | 48 | 3]
    Warszawa | Mazowieckie | MZ | 00-### | 52.230 | 21.012
    Kraków | Małopolskie | MA | 30-### | 50.065 | 19.945
    Gdańsk | Pomorskie | PM | 80-### | 54.352 | 18.647
    [Sweden | SE | SWE | SEK | Europe/Stockholm | 46 | 2]
    Stockholm | Stockholms län | AB | 11# ## | 59.329 | 18.069
    Göteborg | Västra Götalands län | VG | 41# ## | 57.709 | 11.975
    [Brazil | BR | BRA | BRL | America/Sao_Paulo | 55 | 5]
    São Paulo | São Paulo | SP | 01###-### | -23.551 | -46.633
    Rio de Janeiro | Rio de Janeiro | RJ | 20###-### | -22.907 | -43.173
    Belo Horizonte | Minas Gerais | MG | 30###-### | -19.917 | -43.935
    Curitiba | Paraná | PR | 80###-### | -25.429 | -49.271
    [Mexico | MX | MEX | MXN | America/Mexico_City | 52 | 4]
    Guadalajara | Jalisco | JA | 44### | 20.660 | -103.350
    Monterrey | Nuevo León | NL | 64### | 25.687 | -100.316 | America/Monterrey
    Puebla | Puebla | PU | 72### | 19.041 | -98.206
    [India | IN | IND | INR | Asia/Kolkata | 91 | 6]
    Mumbai | Maharashtra | MH | 4000## | 19.076 | 72.878
    Delhi | Delhi | DL | 1100## | 28.704 | 77.102
    Bengaluru | Karnataka | KA | 5600## | 12.972 | 77.594
    Chennai | Tamil Nadu | TN | 6000## | 13.083 | 80.270
    Hyderabad | Telangana | TG | 5000## | 17.385 | 78.487
    [Japan | JP | JPN | JPY | Asia/Tokyo | 81 | 4]
    Tokyo | Tokyo | 13 | 1##-#### | 35.677 | 139.650
    Osaka | Osaka | 27 | 53#-#### | 34.694 | 135.502
    Sapporo | Hokkaido | 01 | 06#-#### | 43.062 | 141.354
    [Australia | AU | AUS | AUD | Australia/Sydney | 61 | 5]
    Perth | Western Australia | WA | 60## | -31.951 | 115.861 | Australia/Perth
    Adelaide | South Australia | SA | 50## | -34.929 | 138.601 | Australia/Adelaide
    Darwin | Northern Territory | NT | 08## | -12.463 | 130.846 | Australia/Darwin
    [South Africa | ZA | ZAF | ZAR | Africa/Johannesburg | 27 | 2]
    Johannesburg | Gauteng | GP | 20## | -26.204 | 28.047
    Cape Town | Western Cape | WC | 80## | -33.925 | 18.424
"""
PARTS: Final = ("city", "state", "state_code", "postal_code", "latitude", "longitude", "country", "country_code",
                "country_code_3", "currency", "timezone", "calling_code")  # fmt: skip
_MILE: Final = 60  # thousandths of a degree around the centre of a town
_DIGITS: Final = np.array(list("0123456789"))
_LETTERS: Final = np.array(list("ABCDEFGHJKLMNPRSTUVWXYZ"))


@dataclass(frozen=True)
class _Towns:
    """Columns over all towns, and the table by which one is drawn."""

    parts: Mapping[str, tuple[str, ...]]
    table: Integers


@lru_cache(maxsize=16)
def _towns(locale: str) -> _Towns:
    """Towns with weights; the country of ``locale``, where it has towns here, has half of all."""
    rows: list[tuple[str, ...]] = []
    weights: list[int] = []
    countries: list[str] = []
    country: tuple[str, ...] = ()
    sizes: dict[str, int] = {}
    for line in filter(None, map(str.strip, _TOWNS.splitlines())):
        pieces = tuple(p.strip() for p in line.strip("[]").split("|"))
        if line.startswith("["):
            country = pieces
            continue
        name, alpha2, alpha3, currency, zone, calling, weight = country
        city, state, code, post, lat, lon = pieces[:6]
        own_zone = pieces[6] if len(pieces) > 6 else zone
        rows.append((city, state, code, post, lat, lon, name, alpha2, alpha3, currency, own_zone, f"+{calling}"))
        weights.append(int(weight))
        countries.append(alpha2)
        sizes[alpha2] = sizes.get(alpha2, 0) + 1
    home = locale.partition("_")[2]
    shares = [w * 1000 // sizes[c] for w, c in zip(weights, countries, strict=True)]
    if home in sizes:
        others = sum(s for s, c in zip(shares, countries, strict=True) if c != home)
        shares = [others // sizes[home] if c == home else s for s, c in zip(shares, countries, strict=True)]
    columns = dict(zip(PARTS, zip(*rows, strict=True), strict=True))
    return _Towns(columns, guide(np.array(shares, np.int64)))


def place(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """One ``part`` of a town: city, state, state_code, postal_code, country, country_code, latitude, longitude, ...

    Columns with the same ``shared`` name agree row by row. Towns whose part is too long give way to the nearest of
    the list that fits.
    """
    part = str(options["part"])
    if part not in PARTS:
        raise ValueError(f"no part {part!r} of a place; there are {', '.join(PARTS)}")
    towns = _towns(context.locale)
    table = towns.table
    makers: Mapping[str, Callable[[Integers, Bits], pa.Array]] = {
        "postal_code": lambda town, bits: _posted(towns.parts[part], town, bits),
        "latitude": lambda town, bits: _degrees(towns.parts[part], town, bits, context),
        "longitude": lambda town, bits: _degrees(towns.parts[part], town, bits, context),
    }
    limits = limits_of(options, context)
    words = _fitting(towns.parts[part], limits.maximum, limits.case) if part not in makers else None
    short = limits.maximum is not None and max(map(len, towns.parts[part])) > limits.maximum
    if (part in makers and context.type.kind == "text" and short) or words == ():
        return Space(0, lambda indices, given: pa.nulls(0, pa.string()))
    values = array_of(words, pa.string()) if words else None
    if context.unique:
        distinct = values.unique() if values is not None else pa.nulls(0, pa.string())
        return Space(len(distinct), lambda indices, given: distinct.take(array_of(indices)))

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        town = table[indices >> 32]
        if values is not None:
            return values.take(array_of(town))
        return makers[part](town, Bits(hashed(indices, 0, "place", part)))

    def draw(drawn: Any) -> Integers:
        index: Integers = (drawn >> np.uint64(16)).astype(np.int64)
        return index

    return Space(2**48, at, draw=draw)


def _fitting(values: tuple[str, ...], longest: int | None, case: str | None) -> tuple[str, ...]:
    """The values with those that are too long replaced by the last one before that is not."""
    change = {"lower": str.lower, "upper": str.upper}.get(case or "", str)
    fit = [v for v in values if longest is None or len(v) <= longest]
    if len(fit) * 2 < len(values):
        return ()
    out, last = [], fit[0]
    for value in values:
        last = value if longest is None or len(value) <= longest else last
        out.append(change(last))
    return tuple(out)


def _posted(forms: tuple[str, ...], town: Integers, bits: Bits) -> pa.Array:
    width = max(map(len, forms))
    shapes = np.array([list(f.ljust(width)) for f in forms])[town]
    out = shapes.copy()
    for i in range(width):
        word = bits.take(16).astype(np.int64)
        out[:, i] = np.where(shapes[:, i] == "#", _DIGITS[word * 10 >> 16], out[:, i])
        out[:, i] = np.where(shapes[:, i] == "@", _LETTERS[word * len(_LETTERS) >> 16], out[:, i])
    joined = np.ascontiguousarray(out).view(f"<U{width}").reshape(-1)
    return pc.utf8_rtrim_whitespace(array_of(joined, pa.string()))


def _degrees(centres: tuple[str, ...], town: Integers, bits: Bits, context: ColumnContext) -> pa.Array:
    units = _near(centres, town, bits)
    kind = context.type
    if kind.kind == "decimal":
        scale = kind.scale if kind.precision and kind.scale is not None else 5
        wide = kind.precision or 38
        found = units * 10 ** (scale - 5) if scale >= 5 else units // 10 ** (5 - scale)
        return decimals_of(found, min(wide, 38), scale)
    if kind.kind == "text":
        return pc.utf8_rtrim(array_of(units / 100_000).cast(pa.string()), "0")
    if kind.kind == "integer":
        return array_of(units // 100_000)
    return array_of(units / np.float64(100_000))


def _near(centres: tuple[str, ...], town: Integers, bits: Bits) -> Integers:
    """Hundred-thousandths of a degree, around the towns' centres."""
    middle = np.array([round(float(c) * 100_000) for c in centres], np.int64)[town]
    near: Integers = middle + (bits.take(24).astype(np.int64) * (2 * _MILE * 100) >> 24) - _MILE * 100
    return near


MAKERS: Final[Mapping[str, Callable[[Mapping[str, Any], ColumnContext], Space]]] = {"place": place}

"""The life of a row in moments: what comes after what, and how long after, where no row says so."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fixturesynth.profiling.profile import ColumnProfile
from fixturesynth.profiling.semantics import guess_meaning
from fixturesynth.schema.model import Column, Schema, Table

__all__ = ["CHAINS", "FIRST", "Chain", "born", "gaps_of", "generations_below", "has_open_ends", "is_moment"]

MINUTE, HOUR, DAY = 60, 3_600, 86_400
YEAR = 365 * DAY
FAR = 20  # times as far from the middle of the others as their least, as what stands for no end is


@dataclass(frozen=True)
class Chain:
    """What a moment comes after: the first of ``bases`` that the table has, or (``every``) the latest of all.

    ``gaps``: ascending quantiles of seconds; none: any time up to now. ``past``: it has happened.
    """

    bases: tuple[str, ...]
    gaps: tuple[int, ...] = ()
    past: bool = True
    every: bool = False


# By meaning, each after those before it, so that nothing follows from itself.
CHAINS: Mapping[str, Chain] = {
    "hire_date": Chain(("birth_date",), (18 * YEAR, 22 * YEAR, 26 * YEAR, 32 * YEAR, 42 * YEAR, 55 * YEAR)),
    "created_at": Chain(()),
    "order_date": Chain(("created_at",), (0, 30, 5 * MINUTE, HOUR, DAY)),
    "paid_at": Chain(("order_date", "published_at", "created_at"), (MINUTE, HOUR, DAY, 7 * DAY, 14 * DAY, 30 * DAY)),
    "start": Chain(("created_at",), (HOUR, DAY, 7 * DAY, 21 * DAY, 60 * DAY), past=False),
    "scheduled_at": Chain(("created_at",), (HOUR, DAY, 7 * DAY, 21 * DAY, 60 * DAY), past=False),
    "published_at": Chain(("created_at",), (0, HOUR, DAY, 7 * DAY, 30 * DAY)),
    "confirmed_at": Chain(("created_at", "order_date", "start"), (MINUTE, 10 * MINUTE, 2 * HOUR, DAY, 5 * DAY)),
    "ship_date": Chain(("order_date", "created_at"), (4 * HOUR, DAY, 2 * DAY, 3 * DAY, 6 * DAY)),
    "delivery_date": Chain(("ship_date", "order_date", "created_at"), (DAY, 2 * DAY, 3 * DAY, 5 * DAY, 9 * DAY)),
    "end": Chain(("start", "hire_date", "order_date", "created_at")),
    "due_date": Chain(
        ("published_at", "order_date", "start", "created_at"),
        (7 * DAY, 14 * DAY, 14 * DAY, 30 * DAY, 30 * DAY, 60 * DAY),
        past=False,
    ),
    "expires_at": Chain(
        ("start", "published_at", "created_at", "confirmed_at"),
        (30 * DAY, 90 * DAY, YEAR, YEAR, 2 * YEAR),
        past=False,
        every=True,
    ),
    "last_login": Chain(("created_at", "hire_date")),
    "updated_at": Chain(("created_at",), (0, HOUR, 2 * DAY, 20 * DAY, 120 * DAY, 700 * DAY)),
    "cancelled_at": Chain(("created_at", "order_date", "start"), (10 * MINUTE, HOUR, DAY, 7 * DAY, 60 * DAY)),
    "deleted_at": Chain(("created_at", "updated_at", "published_at"), (HOUR, 2 * DAY, 60 * DAY, 400 * DAY), every=True),
    "death_date": Chain(("birth_date",), (30 * YEAR, 60 * YEAR, 72 * YEAR, 82 * YEAR, 95 * YEAR)),
    "timestamp": Chain(("created_at",), (MINUTE, HOUR, DAY, 20 * DAY, 200 * DAY)),
    "date": Chain(("created_at",), (DAY, 7 * DAY, 30 * DAY, 200 * DAY)),
}
# Meanings that say when a row came to be, where the table says it by no other: not before its parents.
FIRST = ("created_at", "order_date", "timestamp")

MOST_GENERATIONS = 7  # that leave one another room in time

_PAST = re.compile(r"(?:ed|ran|began|onset|joined|admission|hire|left|since)(?:_?(?:at|on|date|time|ts))?$", re.I)
_DONE = re.compile(
    r"(?:ed|return|completion|discharge|finish|stop|checkout|check_out|left|exit)(?:_?(?:at|on|date|time|ts))?$", re.I
)
_LONG = re.compile(
    r"valid|until|subscription|contract|member|period|trial|licen|effective|term|polic|plan|season", re.I
)
_BRIEF = re.compile(r"token|session|otp|code|nonce|challenge|lock|cache|grant|invit|reset|verif|captcha|ticket", re.I)
_RELEASE = re.compile(r"release|publication", re.I)


def is_moment(column: Column, meaning: str) -> bool:
    """Whether the column holds dates or moments: by its type, or by meaning in text and whole numbers."""
    kind = column.type.kind
    if kind in ("date", "timestamp"):
        return True
    known = meaning in CHAINS or meaning == "birth_date"
    return known and kind in ("text", "integer")


def born(table: Table) -> tuple[str, ...]:
    """Columns of a table that say when its rows came to be, the most telling first."""
    columns = sorted(table.columns, key=lambda c: c.name)
    meanings = {c.name: guess_meaning(table.name, c, None) for c in columns}
    return tuple(c.name for wanted in FIRST[:2] for c in columns if meanings[c.name] == wanted and is_moment(c, wanted))


def generations_below(schema: Schema, order: Sequence[str]) -> dict[str, int]:
    """By table, the longest line of tables whose rows come to be after its own: orders, lines, deliveries.

    ``order``: tables, parents first. What closes a cycle counts for nothing.
    """
    out: dict[str, int] = {}
    dated = {name: bool(born(schema[name])) for name in order}
    for name in reversed(order):
        below = [out[c.name] + 1 for c, _ in schema.children_of(name) if c.name in out and dated[c.name]]
        out[name] = min(max(below, default=0), MOST_GENERATIONS)
    return out


def gaps_of(
    meaning: str, chain: Chain, column: Column, bases: Sequence[str], table: str
) -> tuple[tuple[int, ...], str | None]:
    """Quantiles of seconds after the base, and until when: by the meaning, the type and the tense of the name."""
    name = column.name
    now = "now" if chain.past else None
    if meaning == "end":
        return _ends(column, bases, table)
    if meaning == "start" and _PAST.search(name):
        return (0, 5, MINUTE, 10 * MINUTE, HOUR), "now"
    if meaning == "expires_at" and _BRIEF.search(f"{table} {name}"):
        return (15 * MINUTE, HOUR, DAY, 7 * DAY, 30 * DAY), None
    if not bases or (meaning == "published_at" and _RELEASE.search(name)):
        return (), "now"
    return chain.gaps, now if chain.gaps else "now"


def _ends(column: Column, bases: Sequence[str], table: str) -> tuple[tuple[int, ...], str | None]:
    done = bool(_DONE.search(column.name))
    if "hire_date" in bases:
        return (90 * DAY, YEAR, 3 * YEAR, 6 * YEAR, 12 * YEAR), "now"
    if bases and bases[0] != "start":
        return ((HOUR, DAY, 7 * DAY, 30 * DAY, 120 * DAY), "now") if done else ((30 * DAY, YEAR, 2 * YEAR), None)
    if column.type.kind == "date" or _LONG.search(f"{table} {column.name}"):
        return (DAY, 7 * DAY, 30 * DAY, 90 * DAY, YEAR), "now" if done else None
    return (5 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 8 * HOUR), "now" if done else None


def has_open_ends(seen: ColumnProfile) -> bool:
    """Whether many rows have one last value far beyond all others, such as 9999-12-31: no distance from anything."""
    if not seen.spikes or seen.minimum is None or seen.maximum not in {value for value, _ in seen.spikes}:
        return False
    others = [q for q in seen.quantiles if q < seen.maximum]
    if not others:
        return False
    middle = others[len(others) // 2]
    return seen.maximum - middle > FAR * (middle - seen.minimum + 1)

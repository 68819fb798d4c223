"""Clock arithmetic on HHMM numbers, and numbers that are parts of a datetime."""

from collections.abc import Iterator
from functools import lru_cache
from zoneinfo import available_timezones

import numpy as np
import numpy.typing as npt

from fixturesynth.profiling.calendars import DAY, PARTS, datepart
from fixturesynth.profiling.columnar import ColumnView, TableView
from fixturesynth.profiling.invariants.evidence import FEWEST, SURPRISE, minus_log, shuffled
from fixturesynth.profiling.profile import Invariant

__all__ = ["find_clocks", "find_dateparts"]

Integers = npt.NDArray[np.int64]

_MINUTES = 1_440
_SCREEN = 2_000
_ZONES_SCREENED = 400
_PROBES = 12  # moments that a zone is tried on before it is worked out in full

# Zones that stand for the many that have had the same clocks; all others are tried after them.
_USUAL_ZONES = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Phoenix",
    "America/Anchorage", "America/Halifax", "America/Toronto", "America/Sao_Paulo", "America/Argentina/Buenos_Aires",
    "America/Mexico_City", "America/Bogota", "Pacific/Honolulu", "Europe/London", "Europe/Berlin", "Europe/Paris",
    "Europe/Athens", "Europe/Istanbul", "Europe/Moscow", "Africa/Cairo", "Africa/Lagos", "Africa/Johannesburg",
    "Asia/Dubai", "Asia/Karachi", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Dhaka", "Asia/Bangkok", "Asia/Shanghai",
    "Asia/Singapore", "Asia/Tokyo", "Asia/Seoul", "Australia/Perth", "Australia/Adelaide", "Australia/Brisbane",
    "Australia/Sydney", "Pacific/Auckland",
)  # fmt: skip


def find_clocks(view: TableView) -> Iterator[Invariant]:
    """target = sources[0] + sources[1] minutes, where target and sources[0] are HHMM, modulo a day."""
    whole = {c.name: c.integers for c in view.columns.values() if c.whole and c.distinct > 2}
    clocks = [name for name, v in whole.items() if _is_clock(v, view[name])]
    screen = view.sample(_SCREEN)
    for target in clocks:
        for source in clocks:
            if source == target:
                continue
            for delay, minutes in whole.items():
                if (
                    delay in clocks
                    or delay in view.references
                    or not _adds_up(view, whole, target, source, delay, screen)
                ):
                    continue
                use = view[target].valid & view[source].valid & view[delay].valid
                at = whole[target][use]
                has_24, has_0 = bool((at == 2400).any()), bool((at == 0).any())
                if not has_24 and not has_0:  # then as the clock that it is reckoned from
                    has_24 = bool((whole[source][use] == 2400).any())
                turned = minutes[use][shuffled(int(use.sum()))]
                broken = np.count_nonzero((_clock(whole[source][use]) + turned - _clock(at)) % _MINUTES)
                if (has_24 and has_0) or broken < FEWEST or broken < 0.05 * at.size:
                    continue
                yield Invariant(
                    "clock", view.table.name, target, (source, delay), None,
                    {"midnight": 2400 if has_24 else 0}, int(at.size),
                )  # fmt: skip


def _is_clock(values: Integers, column: ColumnView) -> bool:
    """Every value is a time of day, and enough of them beyond the first hour, so that 59 at the end means something."""
    own = values[column.valid]
    valid = (own >= 0) & (own <= 2400) & (own % 100 < 60)
    return bool(valid.all()) and column.distinct >= 12 and int(own.max()) >= 300


def _clock(values: Integers) -> Integers:
    result: Integers = values // 100 * 60 + values % 100
    return result


def _adds_up(
    view: TableView, whole: dict[str, Integers], target: str, source: str, delay: str, screen: Integers
) -> bool:
    valid = view[target].valid & view[source].valid & view[delay].valid
    for rows in (screen, np.arange(view.rows)):
        use = rows[valid[rows]]
        off = (_clock(whole[source][use]) + whole[delay][use] - _clock(whole[target][use])) % _MINUTES
        if bool(off.any()):
            return False
    return use.size >= FEWEST


_OF_CLOCKS = ("hour", "minute", "second")


def find_dateparts(view: TableView) -> Iterator[Invariant]:
    """target = a part of a datetime or time column, on its own clock or on those of a zone (parameter ``zone``)."""
    targets = [c for c in view.columns.values() if c.whole and c.distinct > 0 and c.name not in view.references]
    dates = [c for c in view.columns.values() if c.family == "datetime" and c.dates_only]
    for source in view.columns.values():
        if source.family not in ("datetime", "time") or source.distinct < 2:
            continue
        found = list(_parts_of(view, source, targets, None))
        if source.family == "time":
            yield from found
            continue
        # A column of hours that no reading explains may be on the clocks of a place.
        if not source.dates_only and not any(f.parameters["part"] == "hour" for f in found):
            zone = _find_zone(view, source, targets)
            if zone is not None:
                found = list(_parts_of(view, source, targets, zone)) or found
        # A year that never changes proves nothing alone; beside a month or an hour of the same clock it does.
        solid = any(view[f.target].distinct > 2 for f in found)
        yield from (f for f in found if solid or view[f.target].distinct > 2)
        if not source.dates_only:
            yield from (f for d in dates if d is not source for f in _part(view, source, d, "date", None))


def _parts_of(view: TableView, source: ColumnView, targets: list[ColumnView], zone: str | None) -> Iterator[Invariant]:
    rows = view.sample(_SCREEN)
    rows = rows[source.valid[rows]]
    asked = _OF_CLOCKS if source.family == "time" else tuple(p for p in PARTS if p != "date")
    parts = {part: datepart(source.moments[rows], part, zone) for part in asked}
    for target in targets:
        valid, values = target.valid[rows], target.integers[rows]
        for part, seen in parts.items():
            if bool((seen == values)[valid].all()):
                found = list(_part(view, source, target, part, zone))
                if found:
                    yield from found
                    break


def _part(view: TableView, source: ColumnView, target: ColumnView, part: str, zone: str | None) -> Iterator[Invariant]:
    values = target.moments if target.family == "datetime" else target.integers
    for rows in (view.sample(_SCREEN), np.arange(view.rows)):
        use = rows[source.valid[rows] & target.valid[rows]]
        moments = source.moments[use]
        if part not in ("month", "day") and source.dates_only and int(values[use].max(initial=0)) == 0:
            return  # the hour of dates is 0, and says nothing
        if use.size < FEWEST or bool((datepart(moments, part, zone) != values[use]).any()):
            return
    # The clock takes any of so many values; each distinct moment is a witness.
    own = np.bincount(np.unique(values[use], return_inverse=True)[1]).astype(np.float64) / use.size
    witnesses = np.unique(moments).size
    varied = witnesses * float(minus_log((own**2).sum())) >= SURPRISE
    steady_year = part == "year" and own.size == 1 and np.unique(datepart(moments, "month", zone)).size >= 6
    if varied or steady_year:
        parameters = {"part": part} | ({"zone": zone} if zone else {})
        yield Invariant("datepart", view.table.name, target.name, (source.name,), None, parameters, int(use.size))


def _find_zone(view: TableView, source: ColumnView, targets: list[ColumnView]) -> str | None:
    """The first zone on whose clocks some column is the hour; looked for when the hours differ by a few values."""
    rows = view.sample(_ZONES_SCREENED)
    for target in targets:
        values = target.integers
        use = rows[source.valid[rows] & target.valid[rows]]
        if use.size < FEWEST or target.distinct < 6 or values[use].min() < 0 or values[use].max() > 23:
            continue
        moments = source.moments[use]
        ahead = np.unique((values[use] - moments % DAY // 3_600_000_000) % 24)
        if ahead.size > 3:
            continue
        everywhere = source.valid & target.valid
        few = use[np.argsort(moments, kind="stable")][:: max(1, use.size // _PROBES)]
        for zone in _zones():
            if all(
                bool((datepart(source.moments[rows], "hour", zone) == values[rows]).all())
                for rows in (few[:1], few, use, everywhere)
            ):
                return zone
    return None


@lru_cache(maxsize=1)
def _zones() -> tuple[str, ...]:
    known = available_timezones()
    usual = tuple(z for z in _USUAL_ZONES if z in known)
    others = sorted(z for z in known - set(usual) if "/" in z)
    return (*usual, *others)

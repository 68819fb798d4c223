"""Rules that read other columns of the row, or of its parents: later moments, texts made of names, lookups.

What they read comes as ``given``; where it is NULL they fall back on values of their own, so they never fail. Only
``made_of`` can be unique: what the others make may come twice.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, join_texts, numpy_of, scalar_of
from fixturesynth.randomness import hashed
from fixturesynth.rules import vocabulary
from fixturesynth.rules.buffers import days_of, microseconds_of
from fixturesynth.rules.contract import ColumnContext, Integers, RuleCall, Space
from fixturesynth.rules.grammar import LARGEST, Bits, drawn, limits_of
from fixturesynth.rules.moments import earliest, moment_of
from fixturesynth.rules.numbers import along
from fixturesynth.rules.pools import faker_pool

__all__ = ["MAKERS", "after", "gendered", "made_of", "matching", "years_since"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = 1_000_000
_DAY: Final = 86_400
_NEVER: Final = np.iinfo(np.int64).min


def after(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Moments after the latest of ``columns``, by ``gaps`` (ascending quantiles of seconds).

    ``until``: none is later than this; a gap that would lead beyond it shrinks in proportion. Without ``gaps`` every
    moment up to ``until`` is alike, or early enough for ``ahead`` moments in a row after it. Rows in which all columns
    are NULL lie between ``low`` and ``high``.
    ``strict``: at least one second, or day, after. ``follow``: NULL where those are. ``unit``: how many of a whole
    number are a second.
    """
    names = [str(n) for n in options["columns"]]
    gaps = [int(g) for g in options.get("gaps") or ()]
    until = options.get("until")
    if not gaps and until is None:
        raise ValueError("give gaps, or until")
    last = _seconds(moment_of(until, context.now)) if until is not None else None
    low = _seconds(moment_of(options.get("low", "now - 2 years"), context.now))
    high = max(low, _seconds(moment_of(options.get("high", "now"), context.now)))
    days = context.type.kind == "date" or (context.type.kind == "text" and (context.type.length or 19) < 19)
    unit = int(options.get("unit", 1))
    least = (_DAY if days else 1) if options.get("strict") else 0
    ahead = int(options.get("ahead", 0))

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        base = np.full(len(indices), _NEVER)
        for name in names:
            if name in given:
                base = np.maximum(base, _moments(given[name]))
        known = base != _NEVER
        start = np.where(known, base, low)
        if days:
            start -= start % _DAY
        bits = Bits(indices.astype(np.uint64) << np.uint64(2))
        if gaps:
            gap = along(gaps, bits) if len(gaps) > 1 else np.full(len(indices), gaps[0])
            shortest, longest = gaps[0], max(gaps[-1] - gaps[0], 1)
        else:
            shortest, longest = 0, 2**24
            gap = bits.take(24).astype(np.int64)
            if ahead:
                gap = np.minimum(gap, earliest(hashed(indices, 0, "ahead"), 2**24, ahead - 1))
        room = np.maximum((last if last is not None else LARGEST) - start - least, 0)
        tight = (gap > room) if gaps else np.ones(len(indices), bool)
        if tight.any():
            # Years in seconds and gaps below 2**31 keep the product inside 63 bits.
            first = np.minimum(shortest, room)
            room, part = room - first, np.maximum(gap - shortest, 0)
            gap = np.where(tight, first + room // longest * part + room % longest * part // longest, gap)
        free = low + (bits.take(24).astype(np.int64) * max(high - low, 0) >> 24)
        made = _written(np.where(known, start + least + gap, free), context, days, unit)
        return pc.if_else(array_of(known), made, scalar_of(None, made.type)) if options.get("follow") else made

    return Space(0 if context.unique else LARGEST, at)


def _seconds(moment: datetime) -> int:
    return int((moment - _EPOCH).total_seconds())


def _moments(values: pa.Array) -> Integers:
    """Seconds since 1970 of dates, timestamps, ISO texts or epochs; ``_NEVER`` where NULL or unreadable."""
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        good = pc.match_substring_regex(values, r"^\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\d)?$")
        values = pc.if_else(good, values, scalar_of(None, kind)).cast(pa.timestamp("s"))
    elif pa.types.is_integer(kind):
        numbers = numpy_of(fill_null(values.cast(pa.int64()), 0))
        whole = np.where(numbers > 10**11, numbers // 1000, numbers)  # milliseconds
        return np.where(numpy_of(values.is_valid()) & (whole > 10**7), whole, _NEVER)
    elif not (pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
        return np.full(len(values), _NEVER)
    if pa.types.is_date(kind):
        values = values.cast(pa.timestamp("s"))
    plain = values.cast(pa.timestamp("us", tz=values.type.tz)).cast(pa.int64())
    seconds = numpy_of(fill_null(plain, 0)) // _SECOND
    return np.where(numpy_of(values.is_valid()), seconds, _NEVER)


def _written(seconds: Integers, context: ColumnContext, days: bool, unit: int) -> pa.Array:
    kind = context.type.kind
    if kind == "integer":
        return array_of(seconds * unit)
    if days:
        dates = days_of(seconds // _DAY)
        return dates if kind == "date" else dates.cast(pa.string())
    if kind in ("text", "other"):
        return microseconds_of(seconds, pa.timestamp("s")).cast(pa.string())
    return microseconds_of(seconds * _SECOND, pa.timestamp("us", tz="UTC" if context.type.timezone else None))


def years_since(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Whole years from ``column`` (a birth date) to the pinned now; from 18 to 90 where it is NULL."""
    name = str(options["column"])
    today = _seconds(context.now) // _DAY

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        born = _moments(given[name])
        lived = np.maximum(today - born // _DAY, 0) * 400 // 146_097
        return array_of(np.where(born == _NEVER, 18 + indices % 73, lived))

    return Space(0 if context.unique else 73, at)


_FORMS: Final[Mapping[str, tuple[str, str]]] = {  # what is cut out of a part, and what stands for it
    "plain": ("", ""),
    "slug": (r"[^a-z0-9]+", "-"),
    "mail": (r"[^a-z0-9]+", "."),
    "user": (r"[^a-z0-9]+", "_"),
}
_JOINS: Final = {"plain": " ", "slug": "-", "mail": ".", "user": "_"}
_MAIL: Final = array_of(["@example.com", "@example.org", "@example.net", "@example.com"])


def made_of(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """A text of the row's own ``columns``: ``form`` plain ("Ann Lee"), slug, user, or mail ("ann.lee@example.com").

    Where all of them are NULL, ``otherwise`` (a rule's name) stands in. Unique ones end with the row's number.
    """
    from fixturesynth.rules.registry import space_of  # the registry knows this rule, and this rule the registry

    names = [str(n) for n in options["columns"]]
    form = str(options.get("form", "plain"))
    own = {k: v for k, v in options.items() if k in ("max_length", "min_length", "octets", "case")}
    spare = space_of(RuleCall(str(options.get("otherwise", "words")), own), context)
    limits = limits_of(options, context)
    ending = 12 if form == "mail" else 0
    room = (limits.maximum if limits.maximum is not None else 250) - ending - (11 if context.unique else 0)
    if room < 3 or not spare.size:
        return Space(0, lambda indices, given: pa.nulls(0, pa.string()))
    change = {"lower": pc.utf8_lower, "upper": pc.utf8_upper}.get(limits.case or "")

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        words = hashed(indices, 0, "made of") if context.unique else indices.astype(np.uint64) << np.uint64(2)
        columns = [_part(given[n], form) for n in names if n in given]
        text = columns[0] if len(columns) == 1 else join_texts(*columns, separator=_JOINS[form])
        text = pc.utf8_trim(text, _JOINS[form])
        if (pc.max(pc.utf8_length(text)).as_py() or 0) > room:
            text = pc.utf8_rtrim(pc.utf8_slice_codeunits(text, 0, room), _JOINS[form])
        empty = pc.equal(text, scalar_of(""))
        if pc.any(empty).as_py():
            others = spare.at(drawn(spare, words), {})
            if form == "mail":
                others = pc.replace_substring_regex(others, "@.*", "")
            text = pc.if_else(empty, pc.utf8_slice_codeunits(others, 0, room), text)
        if context.unique:
            number = array_of(indices + 1).cast(pa.string())
            if form in ("mail", "user"):  # the digits at the end are the number's alone
                text = pc.replace_substring_regex(text, r"[0-9]+$", "")
            text = join_texts(text, number, separator={"mail": "", "user": ""}.get(form, _JOINS[form]))
        if form == "mail":
            which = (hashed(indices, 0, "mail domain") >> np.uint64(62)).astype(np.int64)
            text = join_texts(text, _MAIL.take(array_of(which)))
        return change(text) if change is not None else text

    return Space(LARGEST, at, block=1 if context.unique else None)


def _part(values: pa.Array, form: str) -> pa.Array:
    """A column as part of a text; what repeats is changed once."""
    text = fill_null(values.cast(pa.string()), "")
    if form == "plain":
        return text
    coded = text.dictionary_encode()
    known = coded.dictionary
    if not pc.all(pc.string_is_ascii(known)).as_py():
        known = pc.replace_substring_regex(pc.utf8_normalize(known, form="NFKD"), r"\p{M}|’", "")
    known = pc.utf8_lower(pc.replace_substring(known, "'", ""))
    if form in ("mail", "user"):
        known = pc.replace_substring_regex(known, r"@.*$|^(dr|mr|mrs|ms)\.? ", "")
    cut, instead = _FORMS[form]
    return pc.utf8_trim(pc.replace_substring_regex(known, cut, instead), instead).take(coded.indices)


@lru_cache(maxsize=16)
def _women(locale: str) -> pa.Array:
    """First names that women have more often than men."""
    women, men = faker_pool("first_name_female", locale), faker_pool("first_name_male", locale)
    share: dict[str, int] = {}
    for pool, sign in ((women, 1), (men, -1)):
        weights = [1] * len(pool) if pool.weights is None else pool.weights.tolist()
        for name, weight in zip(pool.values.to_pylist(), weights, strict=True):
            share[name] = share.get(name, 0) + sign * weight
    return array_of([name for name, weight in share.items() if weight > 0], pa.string())


def gendered(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """``female`` or ``male`` (lists of values) by the first name in ``column``; any of them where it is NULL."""
    name = str(options["column"])
    female = array_of([str(v) for v in options["female"]], pa.string())
    male = array_of([str(v) for v in options["male"]], pa.string())
    women = _women(context.locale)
    longest = limits_of(options, context).maximum
    if longest is not None and max(len(v) for v in (*options["female"], *options["male"])) > longest:
        return Space(0, lambda indices, given: pa.nulls(0, pa.string()))

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        first = pc.replace_substring_regex(given[name].cast(pa.string()), r"^\s*(\S+).*$", r"\1")
        known = numpy_of(pc.is_in(first, value_set=women))
        hers = np.where(numpy_of(first.is_valid()), known, indices % 2 == 0)
        return pc.if_else(
            array_of(hers),
            female.take(array_of(indices // 2 % len(female))),
            male.take(array_of(indices // 2 % len(male))),
        )

    return Space(0 if context.unique else 2**16, at)


_MIME_OF: Final = {
    "pdf": "application/pdf", "jpg": "image/jpeg", "png": "image/png", "csv": "text/csv", "txt": "text/plain",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "zip": "application/zip",
}  # fmt: skip


def matching(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """What follows from the file name or path in ``column``: its ``part`` extension, name, or mime type."""
    name, part = str(options["column"]), str(options["part"])
    limits = limits_of(options, context)
    kinds = array_of(list(_MIME_OF), pa.string())
    types = array_of(list(_MIME_OF.values()), pa.string())
    spare = array_of(
        list(vocabulary.MIME_TYPES if part == "mime" else _MIME_OF if part == "extension" else ["file.txt"])
    )
    longest = max(len(v) for v in (_MIME_OF.values() if part == "mime" else _MIME_OF))
    if limits.maximum is not None and (limits.maximum < longest or part == "name"):
        return Space(0, lambda indices, given: pa.nulls(0, pa.string()))

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        text = given[name].cast(pa.string())
        found = pc.replace_substring_regex(text, r"^.*/", "")
        if part != "name":
            found = pc.replace_substring_regex(found, r"^.*\.", "")
        if part == "mime":
            found = types.take(pc.index_in(found, value_set=kinds))
        return pc.coalesce(found, spare.take(array_of(indices % len(spare))))

    return Space(0 if context.unique else 2**16, at)


MAKERS: Final[Mapping[str, Callable[[Mapping[str, Any], ColumnContext], Space]]] = {
    "after": after,
    "gendered": gendered,
    "made_of": made_of,
    "matching": matching,
    "years_since": years_since,
}

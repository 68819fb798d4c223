"""Rules for texts as they were seen to be written: counted codes, and emails of known domains."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, fill_null, join_texts, numpy_of, scalar_of
from fixturesynth.randomness import below, choose, hashed
from fixturesynth.rules.contract import WANTED_LENGTH, ColumnContext, Integers, RuleCall, Space
from fixturesynth.rules.grammar import LARGEST, cut_texts, drawn, limits_of

__all__ = ["MAKERS", "mail", "numbered"]

_SAFE: Final = "example.com"  # RFC 2606: nobody's


def numbered(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """``prefix``, a number of ``width`` digits (0: as many as it has) and ``suffix``: ``Clerk#000000017``.

    With ``start`` they are counted off, row by row; else numbers lie between ``low`` and ``high``, and unique ones go
    on above where that is not enough.
    """
    prefix, suffix = str(options.get("prefix", "")), str(options.get("suffix", ""))
    width = int(options.get("width", 0))
    counted = "start" in options
    low = int(options["start"] if counted else options.get("low", 1))
    limits = limits_of(options, context)
    room = (limits.maximum if limits.maximum is not None else 100) - len(prefix) - len(suffix)
    room = min(room, 18)
    if room < max(width, len(str(low))):
        return Space(0, lambda indices, given: pa.nulls(0, pa.string()))
    span = max(int(options.get("high", low + 998)) - low + 1, 1)
    most = max(10**room - low, 0)
    span = min(span, most)

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        digits = array_of(np.asarray(indices) + low).cast(pa.string())
        padded = pc.utf8_lpad(digits, width, padding="0") if width else digits
        return join_texts(prefix, padded, suffix)

    if counted:
        return Space(min(most, LARGEST), at, block=1)
    return Space(min(most if context.unique else span, LARGEST), at, block=span if context.unique else None)


def mail(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Emails at ``domains`` ([[domain, weight], ...]; an empty one stands for domains of nobody).

    ``template``: how the local part is put together from the row's names (``{first}.{last}``, ``{f}{last}``), with
    ``first`` and ``last`` the columns, in ``share`` thousandths of the rows; else, and where they are NULL, from
    made-up names. ``local``: upper, lower or mixed (as the names are). Unique ones end with the row's number.
    """
    from fixturesynth.rules.registry import space_of  # the registry knows this rule, and this rule the registry

    pairs = [(str(d) or _SAFE, max(int(w), 0)) for d, w in options.get("domains") or [["", 1]]]
    domains = array_of([d for d, _ in pairs])
    sizes = np.array([len(d) for d, _ in pairs], np.int64)
    running = np.cumsum(np.array([w for _, w in pairs], np.int64))
    template, case = options.get("template"), options.get("local", "lower")
    change = {"upper": pc.utf8_upper, "lower": pc.utf8_lower}.get(str(case))
    share = int(options.get("share", 1000))
    spare = space_of(RuleCall("email", {}), context)
    limits = limits_of(options, context)
    longest = limits.maximum if limits.maximum is not None else 254
    room = longest - max(len(d) for d, _ in pairs) - 1 - (11 if context.unique else 0)
    if room < 1 or int(running[-1]) < 1:
        return space_of(RuleCall("email", {}, unique=context.unique), context)

    def at(indices: Integers, given: Mapping[str, pa.Array]) -> pa.Array:
        mixed = hashed(indices, 0, "mail")
        local = pc.replace_substring_regex(spare.at(drawn(spare, mixed), {}), r"[0-9]*@.*$", "")
        if template is not None and options["first"] in given and options["last"] in given:
            spelled = _spelled(str(template), given[options["first"]], given[options["last"]], case == "mixed")
            own = below(hashed(indices, 0, "mail own"), 1000) < share
            local = pc.if_else(pc.and_(array_of(own), pc.not_equal(spelled, scalar_of(""))), spelled, local)
        local = change(local) if change is not None else local
        local = pc.utf8_rtrim(pc.utf8_slice_codeunits(local, 0, room), "._-")
        if context.unique:
            plain = pc.replace_substring_regex(local, r"[0-9]+$", "")
            local = join_texts(plain, array_of(indices + 1).cast(pa.string()))
        which = choose(hashed(indices, 0, "mail domain"), running)
        if (asked := given.get(WANTED_LENGTH)) is not None and not context.unique:
            left = numpy_of(asked).astype(np.int64) - sizes[which] - 1
            digits = array_of(hashed(indices, 0, "mail digits") % np.uint64(10**9)).cast(pa.string())
            longer = pc.less(pc.utf8_length(local), array_of(left))
            local = pc.if_else(longer, join_texts(local, digits), local)
            local = pc.utf8_rtrim(cut_texts(local, np.maximum(left, 2)), "._-")
        return join_texts(local, domains.take(array_of(which)), separator="@")

    return Space(LARGEST, at, block=1 if context.unique else None)


def _spelled(template: str, first: pa.Array, last: pa.Array, mixed: bool) -> pa.Array:
    """The template filled with names; empty where one that it needs is missing."""
    parts = {"first": _plain(first, mixed), "last": _plain(last, mixed)}
    parts |= {"f": pc.utf8_slice_codeunits(parts["first"], 0, 1), "l": pc.utf8_slice_codeunits(parts["last"], 0, 1)}
    pieces = [p for p in re.split(r"(\{\w+\})", template) if p]
    needed = [parts[p[1:-1]] for p in pieces if p.startswith("{")]
    text = join_texts(*(parts[p[1:-1]] if p.startswith("{") else p for p in pieces))
    for part in needed:
        text = pc.if_else(pc.equal(part, scalar_of("")), scalar_of(""), text)
    return text


def _plain(column: pa.Array, mixed: bool) -> pa.Array:
    text = fill_null(pc.utf8_normalize(column.cast(pa.string()), form="NFKD"), "")
    return pc.replace_substring_regex(text if mixed else pc.utf8_lower(text), r"[^A-Za-z0-9]+", "")


MAKERS: Final[Mapping[str, Callable[[Mapping[str, Any], ColumnContext], Space]]] = {
    "numbered": numbered,
    "mail": mail,
}

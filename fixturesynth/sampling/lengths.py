"""Made-up texts as long as the rows' own: a rule's texts chosen, cut and lengthened to the characters that are asked.

How long a name or a comment is, and that long ones go with other values of the row, is learned; what it says is not.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fixturesynth.arrays import array_of, join_texts, numpy_of
from fixturesynth.randomness import permute
from fixturesynth.rules.contract import WANTED_LENGTH, RuleCall, RuleRequest
from fixturesynth.rules.grammar import cut_texts, limits_of
from fixturesynth.rules.prose import between_places, edge_words, framed, has_places, in_places, inside_frame
from fixturesynth.rules.registry import space_of
from fixturesynth.rules.sampling import sample_rule
from fixturesynth.sampling.endings import whole_words

__all__ = ["PROSE", "sized_texts"]

Integers = npt.NDArray[np.int64]

CHOICES = 12  # texts of a rule among which the one of the best length is taken
MORE_CHOICES = 24  # ... of names that nobody cuts
FEW_CHOICES = 4  # ... of names that come in shares
PROSE = ("word_text", "text", "words")  # rules whose texts may end anywhere
SIZED = ("word_text", "text", "mail")  # rules that take the length that they are to make
JOINED = ("street", "company", "title", "job_title")  # of which one may follow another
TORN = (*PROSE, "street", "company", "title", "job_title")  # whose last word may be another one
MOSTLY = 500  # thousandths of a text's words
SHORT = 3
DOUBLINGS = 6  # of what is appended to texts that are too short


def sized_texts(call: RuleCall, request: RuleRequest, wanted: Integers, rows: int) -> pa.Array:
    """Texts of a rule for ``request.ranks``, ``wanted`` characters long, (n,), as nearly as the rule allows.

    ``rows``: of the whole table. Each row chooses among texts of its own rank alone, so that unique ones stay unique
    and no row depends on another. Rules that count their rows off, or have too few values, keep their own lengths.
    """
    space = space_of(call, replace(request.context, unique=call.unique))
    kind = request.context.type.kind
    if space.block == 1 or kind != "text" or not wanted.size:
        return sample_rule(call, request)
    front, back = framed(call.options) if call.name == "word_text" else ("", "")
    if front or back:
        inner = replace(call, options=inside_frame(call.options, request.context))
        least = np.maximum(wanted - len(front) - len(back), 1)
        return join_texts(front, sized_texts(inner, request, least, rows), back)
    if call.name == "word_text" and (joint := str(call.options.get("joint", ""))):
        inner = replace(call, options={k: v for k, v in call.options.items() if k != "joint"})
        return pc.replace_substring(sized_texts(inner, request, wanted, rows), " ", joint)
    if call.name == "word_text" and not call.unique and has_places(call.options):
        inner = replace(call, options=between_places(call.options))
        front, back = edge_words(call.options, np.asarray(request.ranks).astype(np.int64), wanted)
        least = np.maximum(wanted - _lengths(front) - _lengths(back), 1)
        texts = in_places(sized_texts(inner, request, least, rows), call.options)
        return join_texts(front, texts, back)
    if call.name in SIZED:
        made = sample_rule(call, replace(request, given={**request.given, WANTED_LENGTH: array_of(wanted)}))
        return made if call.unique or call.name not in PROSE else _fitted(made, wanted, call, request)
    most = MORE_CHOICES if call.name in ("full_name", "city") else FEW_CHOICES if call.options.get("names") else CHOICES
    choices = min(most, space.size // max(rows, 1)) if call.unique else most
    if choices < 2:
        return sample_rule(call, request)
    ranks = (np.asarray(request.ranks)[:, None] * choices + np.arange(choices)).reshape(-1)
    many = sample_rule(call, replace(request, ranks=ranks))
    lengths = numpy_of(pc.utf8_length(many)).astype(np.int64).reshape(-1, choices)
    best = np.abs(lengths - wanted[:, None]).argmin(axis=1)
    chosen = many.take(array_of(np.arange(wanted.size) * choices + best))
    if call.name == "pattern" and not call.unique:
        return _numbered(chosen, wanted, call, request)
    if call.name == "full_name" and not call.unique:
        return _with_another_name(chosen, wanted, call, request)
    if call.name == "city" and not call.unique:
        return _shortened(chosen, wanted, call, request)
    if call.unique or call.name not in JOINED:
        return chosen
    # What falls short by a letter or three is let be: a word does not go there.
    missing = wanted - lengths[np.arange(wanted.size), best]
    off = (missing < 0) | (missing > SHORT)
    return pc.if_else(array_of(off), _fitted(chosen, wanted, call, request), chosen) if off.any() else chosen


def _with_another_name(texts: pa.Array, wanted: Integers, call: RuleCall, request: RuleRequest) -> pa.Array:
    """Names of people, with another row's last name behind those that are much too short, where that is nearer."""
    if limits_of(call.options, request.context).octets:
        return texts
    neighbour = texts.take(array_of(permute(np.arange(wanted.size), wanted.size, request.seed, "neighbour")))
    longer = join_texts(texts, pc.replace_substring_regex(neighbour, r"^.*\s", ""), separator=" ")
    nearer = np.abs(_lengths(longer) - wanted) < np.abs(_lengths(texts) - wanted)
    nearer &= _lengths(longer) <= wanted + SHORT
    return pc.if_else(array_of(nearer), longer, texts)


def _shortened(texts: pa.Array, wanted: Integers, call: RuleCall, request: RuleRequest) -> pa.Array:
    """Names of places, those of one word that are much too long cut where it may end: behind a vowel and a letter."""
    over = (_lengths(texts) >= wanted + SHORT) & ~numpy_of(pc.match_substring(texts, " "))
    if not over.any() or limits_of(call.options, request.context).octets:
        return texts
    cut = pc.replace_substring_regex(cut_texts(texts, np.maximum(wanted, SHORT)), r"(?i)^(.*[aeiouy]\pL?)\pL*$", r"\1")
    return pc.if_else(array_of(over), cut, texts)


def _numbered(texts: pa.Array, wanted: Integers, call: RuleCall, request: RuleRequest) -> pa.Array:
    """Texts that end in a number, as phones do, with digits more or less: shapes too rare to be stored have theirs."""
    lengths = _lengths(texts)
    shapes = [len(shape) for shape, _ in call.options.get("patterns", ())]
    off = numpy_of(pc.match_substring_regex(texts, r"\d{3}$")) & (wanted > SHORT) & ~np.isin(wanted, shapes)
    off &= lengths != wanted
    if not off.any() or limits_of(call.options, request.context).octets:
        return texts
    neighbour = texts.take(array_of(permute(np.arange(wanted.size), wanted.size, request.seed, "neighbour")))
    digits = pc.replace_substring_regex(neighbour, r"\D", "")
    longer = cut_texts(join_texts(texts, digits), np.maximum(wanted, 1))
    fits = off & (_lengths(longer) == wanted) & numpy_of(pc.match_substring_regex(longer, r"\d$"))
    return pc.if_else(array_of(fits), longer, texts)


def _fitted(texts: pa.Array, wanted: Integers, call: RuleCall, request: RuleRequest) -> pa.Array:
    """The texts cut, or followed by another row's, to exactly ``wanted`` characters."""
    if limits_of(call.options, request.context).octets:
        return texts  # characters are not what the column counts
    neighbour = texts.take(array_of(permute(np.arange(wanted.size), wanted.size, request.seed, "neighbour")))
    between = " " if call.name in PROSE else ", "
    for _ in range(DOUBLINGS):
        short = _lengths(texts) < wanted
        if not short.any():
            break
        longer = join_texts(texts, neighbour, separator=between)
        texts = pc.if_else(array_of(short), longer, texts)
        neighbour = join_texts(neighbour, neighbour, separator=between)
    over = _lengths(texts) > wanted
    most = np.maximum(wanted, 1)
    cut = cut_texts(texts, most)
    torn = numpy_of(pc.match_substring_regex(cut_texts(texts, most + 1), r"\pL\pL$"))
    torn = over & (torn | numpy_of(pc.match_substring_regex(cut, r"\s$")))
    if call.name in TORN and torn.any():
        own = [w if isinstance(w, str) else str(w[0]) for w in call.options.get("words") or ()]
        told = int(call.options.get("plain", 0)) < MOSTLY
        cut = whole_words(cut, torn, np.asarray(request.ranks).astype(np.int64), own, alone=told)
    # A blank at the end would be lost in many a database.
    return pc.if_else(array_of(over), pc.replace_substring_regex(cut, r"\s$", "."), texts)


def _lengths(texts: pa.Array) -> Integers:
    lengths: Integers = numpy_of(pc.utf8_length(texts)).astype(np.int64)
    return lengths

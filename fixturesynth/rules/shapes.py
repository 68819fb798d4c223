"""Rules by shape: patterns (``AA-9999``), LIKE patterns and a subset of regular expressions, compiled to phrases."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from fixturesynth.rules import vocabulary
from fixturesynth.rules.contract import ColumnContext, Space
from fixturesynth.rules.grammar import Phrase, Pool, limits_of, phrase_space
from fixturesynth.rules.regular import phrases_of

__all__ = ["MAKERS", "like", "pattern", "regex"]

_BOUNDED: Final = re.compile(r"⟦(\d+-\d+)⟧")
_PLACES: Final = {"9": "0123456789", "A": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "a": "abcdefghijklmnopqrstuvwxyz"}


def pattern(options: Mapping[str, Any], context: ColumnContext) -> Space:
    r"""Shapes with weights: 9 digit, A upper, a lower, ⟦01-12⟧ a number of these, others literal (a backslash makes any
    character literal).

    ``patterns``: [["AA-999", 5], ["999", 1]], or ``pattern`` alone.
    """
    entries = options.get("patterns") or [[options["pattern"], 1]]
    pairs = [(e, 1) if isinstance(e, str) else (e[0], int(e[1])) for e in entries]
    phrases = [(weight, _shape(text)) for text, weight in pairs]
    return phrase_space(phrases, limits_of(options, context), unique=context.unique)


def _shape(text: str) -> Phrase:
    out: list[Pool | str] = []
    for i, part in enumerate(_BOUNDED.split(text)):
        if i % 2:
            low, high = part.split("-")
            out.append(Pool.of([f"{n:0{len(low)}d}" for n in range(int(low), int(high) + 1)]))
        else:
            out += _characters(part)
    return tuple(out) or ("",)


def _characters(text: str) -> list[Pool | str]:
    out: list[Pool | str] = []
    characters: Iterable[str] = iter(text)
    escaped = False
    for character in characters:
        if character == "\\" and not escaped:
            escaped = True
            continue
        out.append(character if escaped or character not in _PLACES else Pool.of(_PLACES[character]))
        escaped = False
    return out


def like(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Texts that match the LIKE pattern ``pattern``: ``_`` becomes a letter, ``%`` a word."""
    out: list[Pool | str] = []
    escaped = False
    for character in str(options["pattern"]):
        if escaped or character not in "%_\\":
            out.append(character)
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            out.append(Pool.of(_PLACES["a"]) if character == "_" else vocabulary.words())
    short: Phrase = tuple(p for p in out if p is not vocabulary.words()) or ("",)
    limits = limits_of(options, context)
    space = phrase_space([(1, tuple(out) or ("",))], limits, unique=context.unique)
    if limits.maximum is None or len(short) == len(out):
        return space
    longest = limits.maximum - len(short)
    return space if longest >= 4 else phrase_space([(1, short)], limits, unique=context.unique)


def regex(options: Mapping[str, Any], context: ColumnContext) -> Space:
    """Texts that match the regular expression ``pattern``.

    Classes, quantifiers, groups, alternation and anchors are understood; ValueError for anything else. The space
    holds texts of a few lengths for every open quantifier, not the whole language.
    """
    return phrase_space(phrases_of(str(options["pattern"])), limits_of(options, context), unique=context.unique)


MAKERS: Final[Mapping[str, Callable[[Mapping[str, Any], ColumnContext], Space]]] = {
    "pattern": pattern,
    "like": like,
    "regex": regex,
}

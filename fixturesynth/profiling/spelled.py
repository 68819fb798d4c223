"""How one text is written after another: in small letters, as a slug, cut to three letters, as initials."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["ABBREVIATED", "CUT", "FORMS"]

Form = Callable[[pa.Array], pa.Array]


def _slug(texts: pa.Array, mark: str) -> pa.Array:
    plain = pc.replace_substring_regex(pc.utf8_lower(texts), r"['’.]", "")
    joined = pc.replace_substring_regex(plain, r"[^\p{L}\p{N}]+", mark)
    return pc.utf8_trim(joined, characters=mark)


def _spaced(texts: pa.Array, then: Form) -> pa.Array:
    return then(pc.replace_substring_regex(texts, r"[_-]+", " "))


def _head(texts: pa.Array, letters: int) -> pa.Array:
    return pc.utf8_slice_codeunits(pc.utf8_upper(texts), 0, letters)


def _initials(texts: pa.Array) -> pa.Array:
    """The first letters of the first and the last word: CG for Claire Gute."""
    first = pc.utf8_slice_codeunits(pc.utf8_trim_whitespace(texts), 0, 1)
    last = pc.replace_substring_regex(texts, r"^.*[\s](\S)\S*\s*$", r"\1")
    several = pc.match_substring_regex(texts, r"\S\s+\S")
    return pc.utf8_upper(pc.if_else(several, pc.binary_join_element_wise(first, last, ""), first))


# How a whole text may be written after another one; the plainest first.
FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "same": lambda texts: texts,
        "lower": pc.utf8_lower,
        "upper": pc.utf8_upper,
        "title": pc.utf8_title,
        "capital": pc.utf8_capitalize,
        "slug": partial(_slug, mark="-"),
        "snake": partial(_slug, mark="_"),
        "words": partial(_spaced, then=lambda texts: texts),
        "titled words": partial(_spaced, then=pc.utf8_title),
        "capital words": partial(_spaced, then=pc.utf8_capitalize),
    }
)

# What stands for it inside of another text, as the start of a code.
ABBREVIATED: Mapping[str, Form] = MappingProxyType(
    {
        "lower": pc.utf8_lower,
        "upper": pc.utf8_upper,
        "slug": partial(_slug, mark="-"),
        "head4": partial(_head, letters=4),
        "head3": partial(_head, letters=3),
        "head2": partial(_head, letters=2),
        "head1": partial(_head, letters=1),
        "initials": _initials,
    }
)

CUT = frozenset({"head1", "head2", "head3", "head4", "initials"})  # of those: what leaves most of the text out

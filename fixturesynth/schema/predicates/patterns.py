"""LIKE, GLOB and POSIX patterns as Python regular expressions (to be searched with re.DOTALL)."""

import re

__all__ = ["glob_to_regex", "like_to_regex", "normal_like", "posix_to_regex"]

_CLASSES = {
    "alpha": "A-Za-z", "digit": "0-9", "alnum": "A-Za-z0-9", "upper": "A-Z", "lower": "a-z", "space": r"\s",
    "punct": r"!-/:-@\[-`{-~", "xdigit": "0-9A-Fa-f", "blank": r" \t", "cntrl": r"\x00-\x1f\x7f", "word": r"\w",
    "graph": "!-~", "print": " -~",
}  # fmt: skip


def normal_like(pattern: str, escape: str | None) -> str:
    """A LIKE pattern whose escape character is ``escape`` (None: it has none), rewritten to the backslash.

    >>> normal_like("100!%", "!")
    '100\\\\%'
    """
    out, i = [], 0
    while i < len(pattern):
        char = pattern[i]
        if escape and char == escape and i + 1 < len(pattern):
            i += 1
            out.append("\\" + pattern[i] if pattern[i] in "%_\\" else pattern[i])
        else:
            out.append("\\\\" if char == "\\" else char)
        i += 1
    return "".join(out)


def like_to_regex(pattern: str) -> str:
    r"""A LIKE pattern (escape character: backslash) as an anchored regular expression.

    >>> like_to_regex("https://%")
    '\\Ahttps://.*\\Z'
    """
    out, i = [], 0
    while i < len(pattern):
        char = pattern[i]
        if char == "\\" and i + 1 < len(pattern):
            i += 1
            out.append(re.escape(pattern[i]))
        else:
            out.append({"%": ".*", "_": "."}.get(char) or _literal(char))
        i += 1
    return rf"\A{''.join(out)}\Z"


def _literal(char: str) -> str:
    return "\\" + char if char in r"\.^$*+?{}[]|()" else char


def glob_to_regex(pattern: str) -> str:
    r"""SQLite's GLOB as an anchored regular expression.

    >>> glob_to_regex("[^a-c]?*")
    '\\A[^a-c]..*\\Z'
    """
    out, i = [], 0
    while i < len(pattern):
        char = pattern[i]
        if char == "[":
            end = _bracket_end(pattern, i)
            if end:
                inside = pattern[i + 1 : end].replace("\\", "\\\\").replace("[", r"\[").replace("]", r"\]")
                out.append(f"[{inside}]")
                i = end + 1
                continue
        out.append({"*": ".*", "?": "."}.get(char) or _literal(char))
        i += 1
    return rf"\A{''.join(out)}\Z"


def _bracket_end(pattern: str, start: int) -> int:
    """Where the bracket that opens at ``start`` closes; 0 when it does not. ``]`` first in a bracket is literal."""
    i = start + 1
    i += pattern[i : i + 1] in ("^", "!")
    i += pattern[i : i + 1] == "]"
    return pattern.find("]", i) + 1 and pattern.find("]", i)


def posix_to_regex(pattern: str) -> str:
    r"""A regular expression of PostgreSQL, MySQL or DuckDB in Python's words; re.error when there is none.

    >>> posix_to_regex("^[[:alpha:]_]+$")
    '\\A[A-Za-z_]+\\Z'
    """
    out, i = [], 0
    while i < len(pattern):
        char = pattern[i]
        if char == "\\" and i + 1 < len(pattern):
            i += 1
            out.append({"m": r"\b", "M": r"\b", "y": r"\b", "Y": r"\B", "z": r"\Z"}.get(pattern[i], "\\" + pattern[i]))
        elif char == "[":
            piece, i = _bracket(pattern, i)
            out.append(piece)
            continue
        else:
            out.append({"^": r"\A", "$": r"\Z"}.get(char, char))
        i += 1
    result = "".join(out)
    re.compile(result)
    return result


def _bracket(pattern: str, start: int) -> tuple[str, int]:
    """The bracket expression that opens at ``start``, and the position after it."""
    out, i = ["["], start + 1
    if pattern[i : i + 1] == "^":
        out.append("^")
        i += 1
    if pattern[i : i + 1] == "]":
        out.append(r"\]")
        i += 1
    while i < len(pattern) and pattern[i] != "]":
        named = re.match(r"\[:(\w+):\]", pattern[i:])
        if named:
            if named[1] not in _CLASSES:
                raise re.error(f"unknown character class {named[1]}")
            out.append(_CLASSES[named[1]])
            i += named.end()
        elif pattern[i] == "\\" and i + 1 < len(pattern):
            out.append(pattern[i : i + 2])
            i += 2
        else:
            out.append(r"\[" if pattern[i] == "[" else pattern[i])
            i += 1
    if i >= len(pattern):
        raise re.error("unterminated character set")
    return "".join(out) + "]", i + 1

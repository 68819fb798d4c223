"""Rules for what software writes about itself: names of tables and fields, queries, tasks, logs, repositories."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from fixturesynth.rules import vocabulary
from fixturesynth.rules.contract import ColumnContext, Space
from fixturesynth.rules.grammar import Phrase, Pool, phrase_makers

__all__ = ["MAKERS"]

_Phrases = Sequence[tuple[int, Phrase]]

_THINGS: Final = vocabulary.listed("""
    user order account item event task file group role project invoice customer product page comment message session
    device report payment profile image document folder location contract member team ticket channel
""")
_SAID: Final = vocabulary.listed("""
    name status total count type code date value size state level label title source owner mode price score hash
""")
_DONE: Final = vocabulary.listed("send sync update create delete import export check refresh process clean notify")
_MODULES: Final = vocabulary.listed("app core billing accounts catalog reports search notifications storage api")


def _pool(words: Sequence[str]) -> Pool:
    return Pool.of(list(words))


def _identifier() -> _Phrases:
    thing, said = _pool(_THINGS), _pool(_SAID)
    return [(6, (thing, "_", said)), (2, (thing,)), (2, (thing, "_", thing, "_", said))]


def _permission() -> _Phrases:
    act, thing = Pool.of(["view", "add", "change", "delete"]), _pool(_THINGS)
    return [(8, (act, "_", thing)), (1, (act, "_", thing, "_", _pool(_SAID)))]


def _dotted_path() -> _Phrases:
    return [(1, (_pool(_MODULES), Pool.of([".tasks.", ".jobs.", ".handlers."]), _pool(_DONE), "_", _pool(_THINGS)))]


def _class_name() -> _Phrases:
    thing = Pool.of([word.capitalize() for word in _THINGS])
    part = Pool.of([word.capitalize() for word in _SAID])
    return [(4, (thing,)), (3, (thing, part))]


def _sql() -> _Phrases:
    thing, said, value = _pool(_THINGS), _pool(_SAID), Pool.of([str(n) for n in range(1, 100)])
    return [
        (3, ("SELECT id, ", said, " FROM ", thing, "s WHERE ", said, " > ", value)),
        (2, ("SELECT ", said, ", COUNT(*) FROM ", thing, "s GROUP BY ", said)),
        (2, ("SELECT * FROM ", thing, "s ORDER BY id DESC LIMIT ", value)),
    ]


def _log_line() -> _Phrases:
    two = Pool.of([f"{n:02d}" for n in range(60)])
    hour = Pool.of([f"{n:02d}" for n in range(24)])
    level = Pool.of(["INFO", "DEBUG", "WARNING", "ERROR"], [12, 4, 2, 1])
    done = Pool.of(["started", "finished", "queued", "skipped", "retried"])
    return [(1, (hour, ":", two, ":", two, " ", level, " ", _pool(_DONE), " ", _pool(_THINGS), ": ", done))]


def _git_url() -> _Phrases:
    return [(1, ("https://git.example.com/", vocabulary.words(), "/", vocabulary.words(), ".git"))]


def _connection_string() -> _Phrases:
    engine = Pool.of(["postgresql", "mysql", "redis", "amqp"], [6, 2, 1, 1])
    return [(1, (engine, "://app@", vocabulary.words(), ".example.com/", _pool(_THINGS), "s"))]


def _git_branch() -> _Phrases:
    return [(3, (Pool.of(["main", "develop"], [3, 1]),)), (4, (Pool.of(["feature/", "fix/"]), vocabulary.words()))]


_PHRASES: Final[Mapping[str, Callable[[], _Phrases]]] = {
    "class_name": _class_name,
    "connection_string": _connection_string,
    "dotted_path": _dotted_path,
    "git_branch": _git_branch,
    "git_url": _git_url,
    "identifier": _identifier,
    "log_line": _log_line,
    "permission": _permission,
    "sql": _sql,
}


MAKERS: Final[Mapping[str, Callable[[Mapping[str, Any], ColumnContext], Space]]] = phrase_makers(_PHRASES)

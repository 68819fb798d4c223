"""The guard: synthetic rows go into local and test databases; anywhere else only when the target is named in full."""

import ipaddress
import re
from collections.abc import Mapping

from sqlalchemy.engine import URL

from fixturesynth.errors import GuardError
from fixturesynth.schema.connection import as_url

__all__ = ["check_target"]

TEST_WORDS = frozenset(
    (
        "test",
        "tests",
        "testing",
        "dev",
        "development",
        "demo",
        "sandbox",
        "scratch",
        "tmp",
        "temp",
        "local",
        "synthetic",
    )
)
PRODUCTION_WORDS = frozenset(("prod", "production", "prd", "live"))
LOCAL_HOSTS = frozenset(("", "localhost", "localhost.localdomain", "ip6-localhost"))
FILES = frozenset(("sqlite", "duckdb"))


def check_target(url: str | URL, allow_target: str | None = None) -> None:
    """Return when ``url`` may be written to, else raise GuardError that says the option to add.

    Allowed are files, servers on this machine, and databases whose name has a word like ``test``, ``dev`` or ``demo``.
    A name with ``prod`` or ``production`` in it is refused wherever it is. ``allow_target`` overrules all this when it
    is the same target in full; its password may be masked or left out.

    >>> check_target("postgresql://localhost/shop")
    >>> check_target("postgresql://db.example.com/shop_test")
    """
    target = as_url(url)
    if allow_target is not None:
        if _same_target(target, as_url(allow_target)):
            return
        raise GuardError(
            f"--allow-target names {_shown(as_url(allow_target))!r} but the target is {_shown(target)!r}; "
            f"to write there, use --allow-target {_option(target)}"
        )
    cause = _refusal(target)
    if cause is not None:
        raise GuardError(
            f"refused to write to {_shown(target)}: {cause}; if you mean it, add --allow-target {_option(target)}"
        )


def _refusal(target: URL) -> str | None:
    if target.get_backend_name() in FILES:
        return None
    words = _words(target.database or "")
    if words & PRODUCTION_WORDS:
        return f"the database name {target.database!r} says production"
    if words & TEST_WORDS:
        return None
    hosts = _hosts(target)
    foreign = [host for host in hosts if not _is_local(host)]
    if foreign:
        return f"{foreign[0]} is not this machine and no word of {target.database!r} is one like test, dev or demo"
    return None


def _words(name: str) -> set[str]:
    """Words of a name: ``shopTest_2`` gives shop, test and 2."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return {w.lower() for w in re.findall(r"[^\W\d_]+|\d+", spaced)}


def _hosts(target: URL) -> list[str]:
    """All hosts that the URL names: its own and those that drivers read from its query."""
    named = [target.host or ""]
    query: Mapping[str, str | tuple[str, ...]] = target.query
    for key in ("host", "hostaddr", "service", "servicefile", "odbc_connect", "dsn"):
        value = query.get(key, ())
        values = (value,) if isinstance(value, str) else value
        # A service or a data source may lead anywhere: its name never counts as this machine.
        named += [h if key in ("host", "hostaddr") else f"{key}={h}" for v in values for h in v.split(",")]
    if "host" in query or "hostaddr" in query:
        named = named[1:] if not target.host else named
    return [h for name in named for h in name.split(",")]


def _is_local(host: str) -> bool:
    if host.startswith(("/", "@")) or host.lower().rstrip(".") in LOCAL_HOSTS or host.lower().endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _same_target(target: URL, allowed: URL) -> bool:
    parts = ("drivername", "username", "host", "port", "database")
    same = all(getattr(target, p) == getattr(allowed, p) for p in parts)
    left_out = allowed.password in (None, "", "***") or set(str(allowed.password)) == {"*"}
    return same and dict(target.query) == dict(allowed.query) and (left_out or target.password == allowed.password)


def _shown(target: URL) -> str:
    return target.render_as_string(hide_password=True)


def _option(target: URL) -> str:
    shown = _shown(target)
    return (
        shown
        if re.fullmatch(r"[\w@%+=:,./*\-?&\[\]]+", shown) and "?" not in shown and "*" not in shown
        else f"'{shown}'"
    )

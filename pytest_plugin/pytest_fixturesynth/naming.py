"""Names of what a run makes, from which another run can tell whether its maker still lives."""

from __future__ import annotations

import os
import re
import tempfile
import uuid
from hashlib import blake2b
from pathlib import Path

__all__ = ["PREFIX", "abandoned", "host", "run_folder", "run_name"]

PREFIX = "fixturesynth_test"  # with a word that the guard takes for a test database
_RUN = re.compile(r"h([0-9a-f]{6})p(\d+)r[0-9a-f]{6}")


def host() -> str:
    """This machine, in six hexadecimal digits."""
    import socket

    return blake2b(socket.gethostname().encode(), digest_size=3).hexdigest()


def run_name() -> str:
    return f"h{host()}p{os.getpid()}r{uuid.uuid4().hex[:6]}"


def run_folder(run: str) -> Path:
    """Where a run keeps files; made by whoever first needs it."""
    return Path(tempfile.gettempdir()) / f"{PREFIX}_{run}"


def abandoned(name: str) -> bool:
    """Whether ``name`` belongs to a run of this machine whose process is gone.

    >>> abandoned(f"{PREFIX}_{run_name()}_gw0"), abandoned("shop_test")
    (False, False)
    """
    found = _RUN.search(name)
    return found is not None and found[1] == host() and not _alive(int(found[2]))


def _alive(process: int) -> bool:
    if os.name == "nt":
        return True  # os.kill would end it; what is left there is dropped by name only
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

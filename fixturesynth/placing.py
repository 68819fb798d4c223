"""Files put in their place whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

__all__ = ["put"]


def put(path: str | Path, content: str | bytes) -> Path:
    """``content`` as the file ``path``, texts as UTF-8; what stood there stays until all of it is written.

    A link is followed, an existing file's mode kept; pipes and devices are written to as they are. OSError where that
    fails: nothing was changed then, and nothing is left over.
    """
    target = Path(os.path.realpath(path))
    raw = content.encode() if isinstance(content, str) else content
    if target.exists() and not target.is_file():
        target.write_bytes(raw)
        return Path(path)
    partial = target.with_name(f".{target.name[:200]}.{uuid.uuid4().hex[:8]}.partial")
    try:
        with partial.open("xb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return Path(path)

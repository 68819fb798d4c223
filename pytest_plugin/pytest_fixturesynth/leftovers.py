"""What a run has made and not yet taken away, noted in its folder, so that another process can do it."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from pytest_fixturesynth.naming import PREFIX, abandoned, run_folder

__all__ = ["forget", "note", "sweep_abandoned", "sweep_run"]


def note(folder: Path, server: str, name: str) -> None:
    """Database ``name`` on ``server`` is about to be made."""
    path = folder / "made" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"server": server, "name": name}), encoding="utf-8")
    path.chmod(0o600)  # the server's password may be in it


def forget(folder: Path, name: str) -> None:
    (folder / "made" / f"{name}.json").unlink(missing_ok=True)


def sweep_run(run: str) -> None:
    """Drop every database that is still noted, then the folder."""
    folder = run_folder(run)
    if not folder.is_dir():
        return
    for path in sorted((folder / "made").glob("*.json")):
        from pytest_fixturesynth.servers import drop_database

        made = json.loads(path.read_text(encoding="utf-8"))
        drop_database(made["server"], made["name"])
    shutil.rmtree(folder, ignore_errors=True)


def sweep_abandoned() -> None:
    """The same for runs of this machine whose process was killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}_h*"):
        if abandoned(folder.name):
            sweep_run(folder.name.removeprefix(f"{PREFIX}_"))

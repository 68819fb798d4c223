"""Files are put in place whole or not at all."""

import os
from pathlib import Path

import pytest

from fixturesynth.placing import put


def test_what_was_there_stays_until_all_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, link = tmp_path / "made.txt", tmp_path / "link.txt"
    put(target, "one")
    target.chmod(0o640)
    link.symlink_to(target)
    assert put(link, "zwei ü") == link
    assert link.is_symlink() and target.read_text("utf-8") == "zwei ü" and target.stat().st_mode & 0o777 == 0o640

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        put(target, b"three")
    assert target.read_text("utf-8") == "zwei ü"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.txt", "made.txt"]


def test_pipes_and_devices_are_written_to() -> None:
    put("/dev/null", "gone")
    assert not Path("/dev/null").is_file()

"""What the wheel holds: the package and its pytest plugin, with what they read; and it works from its own folder.

python .ci/wheel.py FOLDER
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

NEEDED = (
    "fixturesynth/py.typed", "fixturesynth/schemas/spec.schema.json", "fixturesynth/schemas/report.schema.json",
    "fixturesynth/demo/flights.sql", "pytest_fixturesynth/plugin.py", "pytest_fixturesynth/py.typed",
)  # fmt: skip

(wheel,) = Path(sys.argv[1]).glob("*.whl")
with zipfile.ZipFile(wheel) as packed, tempfile.TemporaryDirectory() as folder:
    names = packed.namelist()
    ours = ("fixturesynth/", "pytest_fixturesynth/", "fixturesynth-")
    extra = {n.split("/")[0] for n in names if not n.startswith(ours)}
    assert not extra, f"the wheel holds more than the package: {sorted(extra)}"
    missing = [n for n in NEEDED if n not in names]
    assert not missing, f"the wheel lacks {missing}"
    packed.extractall(folder)
    code = "import fixturesynth as fs; assert fs.__file__.startswith(sys.argv[1]), fs.__file__; print(fs.__version__)"
    # -P and its own folder first on the path: what is tested is the wheel, not the checkout.
    start = f"import sys; sys.path.insert(0, sys.argv[1]); {code}"
    points = next(packed.read(n).decode() for n in names if n.endswith("/entry_points.txt"))
    assert "[pytest11]\nfixturesynth = pytest_fixturesynth.plugin" in points, points
    version = subprocess.run([sys.executable, "-P", "-c", start, folder], check=True, capture_output=True, text=True)
print(f"{wheel.name}: {len(names)} files, version {version.stdout.strip()}")

"""Draw docs/images/overview.png from what ``make demo`` left; needs Chromium.

python docs/images/draw.py out/demo
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

import numpy as np
import numpy.typing as npt

import fixturesynth as fs
from fixturesynth.demo import REAL, SYNTHETIC
from fixturesynth.schema.drawing import draw_svg

HERE = Path(__file__).resolve().parent
Floats = npt.NDArray[np.float64]
WIDTH, HEIGHT = 1474, 1085
PANEL, TALL = 345, 193

# Title, and SQL for the numbers.
PANELS: tuple[tuple[str, str], ...] = (
    ("departure delay, minutes", "SELECT dep_delay FROM flights WHERE dep_delay < 120"),
    ("scheduled hour of departure", "SELECT hour FROM flights"),
    ("flights a day over the year", "SELECT strftime('%j', time_hour) FROM flights"),
    ("distance, miles", "SELECT distance FROM flights WHERE distance < 3000"),
    ("flights of one plane", "SELECT count(*) FROM flights WHERE tailnum IS NOT NULL GROUP BY tailnum"),
    ("temperature at take-off, °F", "SELECT temp FROM flights JOIN weather USING (origin, time_hour)"),
)
BINS = (70, 22, 122, 50, 50, 30)


def numbers(path: Path, query: str) -> Floats:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        rows = [float(r[0]) for r in connection.execute(query) if r[0] is not None]
    return np.asarray(rows)


def panel(title: str, real: Floats, made: Floats, bins: int) -> str:
    edges = np.linspace(np.floor(real.min()), np.ceil(real.max()), bins + 1)
    heights = [np.histogram(values, edges)[0] / len(values) for values in (real, made)]
    top = max(h.max() for h in heights) * 1.08
    left, right, base, head = 12, PANEL - 12, TALL - 22, 30
    x = left + (right - left) * np.arange(bins + 1) / bins
    steps = []
    for values in heights:
        y = base - (base - head) * values / top
        steps.append(" ".join(f"{a:.1f},{v:.1f} {b:.1f},{v:.1f}" for a, b, v in zip(x[:-1], x[1:], y, strict=True)))
    ticks = "".join(
        f'<text x="{at:.0f}" y="{TALL - 6}" text-anchor="{anchor}">{value:,.0f}</text>'
        for at, anchor, value in ((left, "start", edges[0]), (right, "end", edges[-1]))
    )
    return (
        f'<svg width="{PANEL}" height="{TALL}"><rect class="card" width="{PANEL}" height="{TALL}" rx="8"/>'
        f'<text class="title" x="{left}" y="20">{escape(title)}</text>'
        f'<polygon class="real" points="{left},{base} {steps[0]} {right},{base}"/>'
        f'<polyline class="made" points="{steps[1]}"/>'
        f'<line x1="{left}" y1="{base}" x2="{right}" y2="{base}"/>{ticks}</svg>'
    )


def terminal(text: str) -> str:
    """What the demo said from generating on, as HTML, without its empty lines."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    starts = [i for i, line in enumerate(lines) if line.startswith("Generated")]
    ends = [i for i, line in enumerate(lines) if line.startswith("Done in")]
    shown = [
        f"<b>{escape(line)}</b>" if not line.startswith(" ") else escape(line) for line in lines[starts[0] : ends[0]]
    ]
    return "\n".join(shown).replace("0 violations", "<em>0 violations</em>")


def page(folder: Path, told: str) -> str:
    real, made = folder / REAL, folder / SYNTHETIC
    schema = fs.reflect(f"sqlite:///{real}")
    graph = draw_svg(schema, fs.build_graph(schema))
    panels = "".join(
        panel(title, numbers(real, query), numbers(made, query), bins)
        for (title, query), bins in zip(PANELS, BINS, strict=True)
    )
    style = f"""
      body {{ margin: 0; width: {WIDTH}px; height: {HEIGHT}px; background: #eef1f5; color: #232a35;
             font-family: ui-sans-serif, system-ui, "DejaVu Sans", sans-serif; }}
      .page {{ display: grid; grid-template-columns: 700px 1fr; gap: 20px; padding: 24px; }}
      h2 {{ font-size: 15px; margin: 0 0 10px; font-weight: 600; color: #2f4a73; }}
      h2 span {{ font-weight: 400; color: #6b7686; }}
      .graph svg {{ width: 700px; height: auto; border-radius: 8px; }}
      .panels {{ display: grid; grid-template-columns: {PANEL}px {PANEL}px; gap: 12px; }}
      .panels svg {{ font-size: 10.5px; fill: #8a94a3; }}
      .panels .card {{ fill: #fff; }} .panels .title {{ fill: #232a35; font-size: 12.5px; }}
      .panels .real {{ fill: #c3cddb; }} .panels .made {{ fill: none; stroke: #d1600a; stroke-width: 1.6; }}
      .panels line {{ stroke: #c9d0da; }}
      .told {{ grid-column: 1 / 3; }}
      pre {{ margin: 0; padding: 14px 18px; border-radius: 8px; background: #1c2430; color: #d7dee8;
             font: 12.5px/1.42 "DejaVu Sans Mono", ui-monospace, monospace; }}
      pre b {{ color: #fff; }} pre em {{ color: #7ddc8f; font-style: normal; font-weight: 600; }}
      i {{ display: inline-block; width: 22px; height: 10px; border-radius: 2px; margin: 0 5px 0 14px; }}
    """
    return f"""<!doctype html><meta charset="utf-8"><style>{style}</style><div class="page">
      <div class="graph"><h2>A real database
      <span>a year of flights from New York, every key and check declared</span></h2>
      {graph}</div>
      <div><h2>... learned and generated <i style="background:#c3cddb"></i><span>real</span>
      <i style="background:#d1600a;height:3px;vertical-align:middle"></i><span>generated</span></h2>
      <div class="panels">{panels}</div></div>
      <div class="told"><h2>... loaded with every constraint on, and judged
      <span>beside what real rows score against real rows</span></h2><pre>{told}</pre></div></div>"""


def main() -> None:
    folder = Path(sys.argv[1])
    told = terminal(Path(sys.argv[2]).read_text(encoding="utf-8"))
    chromium = shutil.which("chromium") or shutil.which("google-chrome") or sys.exit("Chromium is needed to draw")
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "overview.html"
        file.write_text(page(folder, told), encoding="utf-8")
        subprocess.run(
            [
                chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-sync",
                "--disable-background-networking", "--disable-component-update", "--no-first-run",
                f"--user-data-dir={scratch}/profile", "--force-device-scale-factor=1.5",
                f"--screenshot={HERE / 'overview.png'}", f"--window-size={WIDTH},{HEIGHT}", file.as_uri(),
            ],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip


if __name__ == "__main__":
    main()

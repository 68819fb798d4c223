"""Learn from a database, keep what was learned in one file, and make ten times as many rows from it.

python examples/learn_and_grow.py [source URL]
"""

import sys
from pathlib import Path

import fixturesynth as fs

HERE = Path(__file__).resolve().parent


def stand_in() -> str:
    """A small database for whoever has none at hand."""
    schema = fs.reflect(HERE.parent / "schemas" / "bank.sql")
    fs.load(fs.plan_rules(schema, seed=1).sample(rows=100), "sqlite:///bank.sqlite", schema=schema)
    return "sqlite:///bank.sqlite"


source = sys.argv[1] if len(sys.argv) > 1 else stand_in()
learned = fs.fit(source, seed=7)
path = learned.save("learned.fsynth")
print(f"{path}: {path.stat().st_size / 1024:,.0f} KiB, no real row in it")

assert learned.profile is not None
for name, table in learned.profile.tables.items():
    for rule in table.invariants:
        print(f"{name}: {rule.kind} {rule.target} <- {', '.join(rule.sources)}")

again = fs.open_model(path)
grown = again.sample(scale=10, seed=8)
print(grown)

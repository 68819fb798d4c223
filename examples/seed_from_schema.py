"""A database full of made-up rows from nothing but its schema.

python examples/seed_from_schema.py [schema.sql] [target URL]
"""

import sys
from pathlib import Path

import fixturesynth as fs

HERE = Path(__file__).resolve().parent
source = sys.argv[1] if len(sys.argv) > 1 else str(HERE.parent / "schemas" / "shop.sql")
target = sys.argv[2] if len(sys.argv) > 2 else "sqlite:///shop.sqlite"

schema = fs.reflect(source)
synthesizer = fs.plan_rules(schema, seed=7)
for table in synthesizer.plan.tables:
    print(f"{table.name}: " + "; ".join(f"{c.name} {c.why}" for c in table.columns[:3]))

data = synthesizer.sample(rows=500)
result = fs.load(data, target, schema=schema)
print(f"{sum(result.rows.values()):,} rows in {len(result.rows)} tables, {result.seconds:.1f} s: {target}")

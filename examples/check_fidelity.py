"""Learn from half of the customers, judge by the other half, and leave a report to open in a browser."""

from pathlib import Path

import fixturesynth as fs

HERE = Path(__file__).resolve().parent
schema = fs.reflect(HERE.parent / "schemas" / "shop.sql")

# Stand-ins for real rows: in earnest these are two samples of a real database.
known = fs.plan_rules(schema, seed=1).sample(rows=300)
held_out = fs.plan_rules(schema, seed=2).sample(rows=300)

synthetic = fs.fit(known, schema=schema, seed=7).sample()
report = fs.evaluate(known, synthetic, schema, holdout=held_out, detection=False)
report.save("report.html")
print(report.verdict)
report.require(["validity>=1", "statistical.shape>=0.8"])

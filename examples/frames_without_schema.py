"""Two pandas frames and no schema: keys and references are inferred, and new frames come out."""

import pandas as pd

import fixturesynth as fs

stores = pd.DataFrame(
    {"id": range(1, 61), "city": ["Lyon", "Nice", "Lille"] * 20, "size": ["small", "large"] * 30},
)
sales = pd.DataFrame(
    {
        "id": range(1, 601),
        "store_id": [1 + i % 60 for i in range(600)],
        "price": [5 + i % 7 for i in range(600)],
        "quantity": [1 + i % 3 for i in range(600)],
    }
)
sales["total"] = sales["price"] * sales["quantity"]

learned = fs.fit({"stores": stores, "sales": sales}, seed=7)
new = learned.sample(scale=2)
print(new["sales"].head())

assert new["sales"]["store_id"].isin(new["stores"]["id"]).all()
assert (new["sales"]["total"] == new["sales"]["price"] * new["sales"]["quantity"]).all()

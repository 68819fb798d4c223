"""Words that stand at the start or the end of texts, or never there."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

import fixturesynth as fs

ROWS = 800
PARTS = ["bar", "den", "fol", "gra", "hum", "jin", "kol", "mer", "nor", "pil", "ros", "tav"]


def rare(rng: np.random.Generator) -> str:
    return "".join(rng.choice(PARTS, 3)).capitalize()


def fitted(tmp_path: Path, texts: list[str]) -> list[str]:
    script = tmp_path / "things.sql"
    script.write_text("CREATE TABLE things (id INTEGER PRIMARY KEY, label TEXT NOT NULL);")
    rows = pd.DataFrame({"id": range(ROWS), "label": texts})
    return fs.fit({"things": rows}, schema=fs.reflect(script), seed=1).sample(seed=2)["things"]["label"].tolist()


def test_what_texts_end_with_comes_last(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    kinds, forms = ["Mutual", "Fire", "Marine"], ["Co", "Inc", "Group"]
    own = [f"{rare(rng)} {rng.choice(kinds)} {rng.choice(forms, p=[0.6, 0.3, 0.1])}" for _ in range(ROWS)]
    found = fitted(tmp_path, own)
    last = [text.split()[-1] for text in found]
    assert np.mean([word in forms for word in last]) > 0.9
    assert 0.45 < np.mean([word == "Co" for word in last]) < 0.75
    assert not any(word in forms for text in found for word in text.split()[:-1])
    assert np.mean([word[:1].isupper() for text in found for word in text.split()]) > 0.98


def test_small_words_stand_between_others(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    nouns = ["Ring", "Sword", "Shield", "Cloak", "Boots", "Helm"]
    own = [f"{rng.choice(nouns)} of {'the ' * rng.integers(0, 2)}{rare(rng)} {rng.choice(nouns)}" for _ in range(ROWS)]
    found = [text.split() for text in fitted(tmp_path, own)]
    assert np.mean([words[0] in ("of", "the") for words in found]) < 0.03
    assert np.mean([words[-1] in ("of", "the") for words in found]) < 0.06
    assert np.mean(["of" in words for words in found]) > 0.4


def test_no_word_comes_twice_in_a_row(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    few = ["blue", "red", "old", "new", "big", "dry"]
    own = [" ".join(rng.permutation(few)[: rng.integers(3, 6)]) for _ in range(ROWS)]
    own = [f"{text} {rare(rng).lower()}" for text in own]
    found = [text.split() for text in fitted(tmp_path, own)]
    assert np.mean([any(a == b for a, b in pairwise(words)) for words in found]) < 0.1


def test_brackets_stay_around_what_texts_end_with(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    own = [
        f"{rare(rng)} {rng.choice(['of', 'in'])} {rare(rng)} {rng.choice(['(disorder)', '(finding)'])}"
        for _ in range(ROWS)
    ]
    found = fitted(tmp_path, own)
    assert np.mean([text.endswith(("(disorder)", "(finding)")) for text in found]) > 0.9

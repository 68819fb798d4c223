"""Model files: round trips to the byte, and refusals of whatever is no model, in one clear line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from fixturesynth.dataset import Dataset
from fixturesynth.errors import InputError, ModelFileError
from fixturesynth.generators.tablemodel import TableModel
from fixturesynth.modelfile import DIGEST, KEY, _digest, open_model, read_facts, save
from fixturesynth.modelrecords import Table
from fixturesynth.packing import pack, unpack
from fixturesynth.planning.planner import Wishes
from fixturesynth.planning.rows import RowsAsked
from fixturesynth.planning.serialisation import plan_from_json, plan_to_json, wishes_from_json, wishes_to_json
from fixturesynth.randomness import permutation
from fixturesynth.schema.model import Schema
from fixturesynth.schema.reflection import reflect
from fixturesynth.schema.serialisation import schema_from_json, schema_to_json
from fixturesynth.synthesizer import Synthesizer, fit, plan_rules

SCRIPTS = sorted((Path(__file__).resolve().parent.parent / "schemas").glob("*.sql"))


def hashes(data: Dataset) -> dict[str, str]:
    return {name: data.content_hash(name) for name in data}


@pytest.fixture(scope="module")
def model() -> Synthesizer:
    """Two tables with a copied reference, a list of the world, odd names and NULLs."""
    n = np.arange(300)
    country = pa.table({"code": ["de", "fr", "it"], 'näme "quoted"': ["Germany", "France", "Italy"]})
    people = pa.table({
        "id": pa.array(n + 1), "country": pa.array([["de", "fr", "it"][i % 3] for i in n]),
        "order": pa.array((n * 37 % 100) / 4), "since": pa.array([f"2020-01-{1 + i % 28:02d}" for i in n]),
        "nothing": pa.nulls(300, pa.string()),
            "mood": pa.array([["calm", "glad", "sad", None][i % 4] for i in permutation(300, 1, "mood")]),
    })  # fmt: skip
    wishes = Wishes(verbatim={"country": True})
    return fit(Dataset({"country": country, "people": people}), wishes=wishes, seed=11)


@pytest.fixture(scope="module")
def ruled() -> Synthesizer:
    return plan_rules(reflect(SCRIPTS[-1]), seed=4)


@pytest.fixture
def path(model: Synthesizer, tmp_path: Path) -> Path:
    return save(model, tmp_path / "model.fsynth")


# -- round trips ------------------------------------------------------------------------------------------------------
def alike(a: Any, b: Any) -> bool:
    """Equal through arrays, Arrow tables and records."""
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and bool((a == b).all())
    if isinstance(a, pa.Table):
        return bool(a.equals(b, check_metadata=True))
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(alike(a[k], b[k]) for k in a)
    if hasattr(a, "__dataclass_fields__"):
        return type(a) is type(b) and all(alike(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    return bool(a == b)


def test_opening_gives_back_all_of_it(model: Synthesizer, path: Path) -> None:
    opened = open_model(path)
    for field in fields(Synthesizer):
        if field.name != "models":
            assert getattr(opened, field.name) == getattr(model, field.name), field.name
    for name, table in model.models.items():
        for field in fields(TableModel):
            assert alike(getattr(table, field.name), getattr(opened.models[name], field.name)), (name, field.name)


def test_every_field_of_a_model_has_a_place() -> None:
    assert {f.name for f in fields(TableModel)} == {f.name for f in fields(Table)}


@pytest.mark.parametrize("which", ["model", "ruled"])
def test_the_opened_model_samples_the_same_bytes(request: pytest.FixtureRequest, which: str, tmp_path: Path) -> None:
    synthesizer: Synthesizer = request.getfixturevalue(which)
    opened = open_model(save(synthesizer, tmp_path / "m.fsynth"))
    for options in ({"seed": 1}, {"seed": 2, "scale": 0.5}):
        assert hashes(opened.sample(**options)) == hashes(synthesizer.sample(**options))  # type: ignore[arg-type]


def test_the_same_model_gives_the_same_file(model: Synthesizer, path: Path, tmp_path: Path) -> None:
    """Also when it has been to a file and back."""
    assert save(model, tmp_path / "b.fsynth").read_bytes() == path.read_bytes()
    assert save(open_model(path), tmp_path / "c.fsynth").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ["chinook", "northwind", "oracle_hr"])
def test_real_databases(shared: Path, name: str, tmp_path: Path) -> None:
    synthesizer = fit(f"sqlite:///{shared / 'data' / f'{name}.sqlite'}", seed=5)
    place = save(synthesizer, tmp_path / "m.fsynth")
    assert hashes(open_model(place).sample(seed=8)) == hashes(synthesizer.sample(seed=8))
    assert place.stat().st_size < 1_000_000


def test_facts_are_read_without_the_tables(model: Synthesizer, path: Path) -> None:
    facts = read_facts(path)
    assert facts["provenance"]["synthetic"] is True
    assert facts["provenance"]["trained_on"] == model.trained_on != {}
    assert {"fixturesynth", "numpy", "pyarrow", "faker"} <= facts["versions"].keys()
    assert facts["rows"] == {"country": 3, "people": 300}
    assert facts["seed"] == 11


def test_no_real_row_of_a_learned_table_is_in_the_file(tmp_path: Path) -> None:
    secret = pa.table({"name": [f"Zebulon Quist {i}" for i in range(200)], "size": list(range(200))})
    content = save(fit(Dataset({"people": secret}), seed=1), tmp_path / "m.fsynth").read_bytes()
    assert b"Quist 7" not in content


# -- refusals ---------------------------------------------------------------------------------------------------------
def refused(place: Path) -> str:
    """The message of the refusal: one line that names the file."""
    with pytest.raises(ModelFileError) as error:
        open_model(place)
    message = str(error.value)
    assert "\n" not in message
    assert str(place) in message
    assert len(message) < 500
    return message


def rewritten(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], None], *, sign: bool = True) -> Path:
    """The model file with its JSON and tensors changed by hand, with a digest that fits."""
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    document, tensors = json.loads(header["__metadata__"][KEY]), load_tensors(content)
    digest = tensors.pop(DIGEST)
    change(document, tensors)
    text = json.dumps(document)
    tensors[DIGEST] = np.frombuffer(_digest(text, tensors), dtype=np.uint8) if sign else digest
    path.write_bytes(save_tensors(tensors, metadata={KEY: text}))
    return path


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        b"\0" * 8,
        b"\0" * 4096,
        b"\xff" * 4096,
        b"PK\x03\x04" + b"\0" * 100,
        b"SQLite format 3\0" + b"\0" * 200,
        (2).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (2**63).to_bytes(8, "little") + b"{}",
        (40_000).to_bytes(8, "little") + b"[" * 40_000,
        save_tensors({"a": np.zeros(3)}),
        save_tensors({"a": np.zeros(3)}, metadata={"other": "{}"}),
        save_tensors({"a": np.zeros(3)}, metadata={KEY: "{}"}),
        save_tensors({"a": np.zeros(3)}, metadata={KEY: "[" * 30_000}),
        save_tensors({"a": np.zeros(3)}, metadata={KEY: '{"format": "one"}'}),
        save_tensors({"a": np.zeros(3)}, metadata={KEY: '{"format": 1}'}),
    ],
)
def test_what_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    place = tmp_path / "x.fsynth"
    place.write_bytes(content)
    refused(place)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "none.fsynth")
    refused(tmp_path)


def test_a_newer_file_says_so(path: Path) -> None:
    def newer(document: dict[str, Any], tensors: dict[str, Any]) -> None:
        document.update(format=99, versions={"fixturesynth": "9.1"}, tables={"unknown": "shape"})

    message = refused(rewritten(path, newer))
    assert "FixtureSynth 9.1" in message
    assert "upgrade" in message


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damage_is_found(model: Synthesizer, tmp_path: Path, data: st.DataObject) -> None:
    """A file cut anywhere, or with any byte changed, is refused."""
    place = save(model, tmp_path / "d.fsynth")
    content = bytearray(place.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[at:]
    else:
        content[at] ^= data.draw(st.integers(1, 255))
    place.write_bytes(bytes(content))
    refused(place)


def test_a_digest_that_does_not_fit_is_damage(path: Path) -> None:
    def other_seed(document: dict[str, Any], tensors: dict[str, Any]) -> None:
        document["seed"] += 1

    assert "damaged" in refused(rewritten(path, other_seed, sign=False))


def table_of(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(t for t in document["tables"] if t["name"] == name)


def first_tensor(tensors: dict[str, Any], word: str) -> str:
    return next(name for name in sorted(tensors) if word in name)


FORGERIES: dict[str, Callable[[dict[str, Any], dict[str, Any]], Any]] = {
    "no schema": lambda d, t: d.update(schema={}),
    "schema of text": lambda d, t: d.update(schema="all"),
    "column of a number": lambda d, t: d["schema"]["tables"][0]["columns"].__setitem__(0, 7),
    "plan of nothing": lambda d, t: d.update(plan={"version": 1}),
    "plan of another table": lambda d, t: d["plan"]["tables"][0].update(name="elsewhere"),
    "unknown source": lambda d, t: d["plan"]["tables"][0]["columns"][0]["source"].update(source="Evil"),
    "seed of text": lambda d, t: d.update(seed="7"),
    "negative rows": lambda d, t: d["tables"][0].update(rows=-1),
    "tables that are none": lambda d, t: d.update(tables=[1, 2]),
    "profile of another age": lambda d, t: d["profile"].update(version=77),
    "wishes of text": lambda d, t: d.update(wishes={"rows": "many"}),
    "unknown wish": lambda d, t: d["wishes"].update(gold=1),
    "missing tensor": lambda d, t: t.pop(first_tensor(t, "types")),
    "types that are no types": lambda d, t: t.update({first_tensor(t, "types"): np.arange(50, dtype=np.uint8)}),
    "verbatim table of noise": lambda d, t: t.update({first_tensor(t, "verbatim"): np.arange(90, dtype=np.uint8)}),
    "values of noise": lambda d, t: t.update({first_tensor(t, "values"): np.zeros(64, dtype=np.uint8)}),
    "object type": lambda d, t: d["tables"][0]["types"].update(dtype="object"),
    "unknown form": lambda d, t: d["tables"][0]["types"].update(form="pickle"),
    "huge variable": lambda d, t: table_of(d, "people")["state"]["variables"][0].update(size=2**62),
    "huge encoding": lambda d, t: next(iter(table_of(d, "people")["encodings"].values()))["facts"].update(size=2**62),
    "features in one dimension": lambda d, t: table_of(d, "country")["features"]["codes"].update(
        table_of(d, "country")["types"]
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forgeries_are_refused(forgery: str, path: Path) -> None:
    """Well-formed files by other hands, digest and all, that do not hang together."""
    refused(rewritten(path, lambda d, t: FORGERIES[forgery](d, t)))


def test_arrow_offsets_that_point_elsewhere_are_not_followed(path: Path) -> None:
    def wild(document: dict[str, Any], tensors: dict[str, Any]) -> None:
        name = first_tensor(tensors, "verbatim")
        table = pa.ipc.open_stream(pa.py_buffer(tensors[name].tobytes())).read_all()
        text = table.column(1).combine_chunks()
        text = text if isinstance(text, pa.Array) else text.chunk(0)
        offsets = pa.py_buffer(np.array([0, 2**30, 5, 18], dtype=np.int32).tobytes())
        forged = pa.Array.from_buffers(pa.string(), 3, [None, offsets, text.buffers()[2]])
        sink = pa.BufferOutputStream()
        whole = pa.table({table.column_names[0]: table.column(0), table.column_names[1]: forged})
        with pa.ipc.new_stream(sink, whole.schema) as writer:
            writer.write_table(whole)
        tensors[name] = np.frombuffer(sink.getvalue(), dtype=np.uint8)

    refused(rewritten(path, wild))


def test_a_lying_header_allocates_nothing(tmp_path: Path) -> None:
    """A header that promises exabytes, opened in a process with little memory to spare."""
    header = json.dumps({"a": {"dtype": "I64", "shape": [2**57], "data_offsets": [0, 2**60]}}).encode()
    place = tmp_path / "big.fsynth"
    place.write_bytes(len(header).to_bytes(8, "little") + header)
    refused(place)
    code = (
        "import resource, sys\n"
        "from fixturesynth.errors import ModelFileError\n"
        "from fixturesynth.modelfile import open_model\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"try:\n    open_model({str(place)!r})\nexcept ModelFileError:\n    pass\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 50_000  # kilobytes


# -- writing ----------------------------------------------------------------------------------------------------------
def test_a_place_that_cannot_be_written_leaves_nothing(model: Synthesizer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        save(model, tmp_path / "no such folder" / "m.fsynth")
    (tmp_path / "folder.fsynth").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        save(model, tmp_path / "folder.fsynth")
    assert [p.name for p in tmp_path.iterdir()] == ["folder.fsynth"]


def test_an_older_file_stands_until_the_new_one_is_whole(
    model: Synthesizer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left"):
        save(replace(model, seed=99), path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


# -- parts ------------------------------------------------------------------------------------------------------------
@settings(max_examples=200)
@given(
    hnp.arrays(
        st.sampled_from(["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool", "float64"]),
        hnp.array_shapes(max_dims=2, min_side=0, max_side=150),
    )
)
def test_packing_loses_nothing(values: np.ndarray[Any, Any]) -> None:
    stored, form = pack(values)
    back = unpack(stored, form, values.dtype.name)
    assert back.dtype == values.dtype
    assert back.shape == values.shape
    assert back.tobytes() == values.tobytes()
    assert stored.nbytes <= values.nbytes


def test_running_sums_take_little_room() -> None:
    counts = np.cumsum(np.arange(10_000) % 90 + 1)
    assert pack(counts)[0].nbytes < 15_000


@pytest.mark.parametrize("stored", [[128] * 5, [255] * 11 + [1]])
def test_broken_varints_are_refused(stored: list[int]) -> None:
    with pytest.raises(ValueError, match="packed"):
        unpack(np.array(stored, dtype=np.uint8), "varint", "int64")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_schemas_come_back(script: Path) -> None:
    schema = reflect(script)
    assert schema_from_json(schema_to_json(schema)) == schema
    plan = plan_rules(schema).plan
    assert plan_from_json(plan_to_json(plan)) == plan


def test_schemas_of_real_databases_come_back(shared: Path) -> None:
    places = [*sorted((shared / "data").glob("*.sqlite")), *sorted((shared / "ddl").glob("*.sqlite.sql"))]
    for place in places:
        schema = reflect(place)
        assert schema_from_json(schema_to_json(schema)) == schema, place
    assert places


@pytest.mark.parametrize("text", ["", "7", "{}", '{"tables": [{"name": 1}]}', '{"tables": [], "gold": 1}'])
def test_what_is_no_schema_is_refused(text: str) -> None:
    if text == '{"tables": [], "gold": 1}':  # unknown members are left alone
        assert schema_from_json(text) == Schema(())
        return
    with pytest.raises(ModelFileError, match="not a schema"):
        schema_from_json(text)


def test_wishes_come_back(ruled: Synthesizer) -> None:
    first = ruled.plan.tables[0]
    wishes = Wishes(
        rows=RowsAsked({"a": 3}, 7, 0.5), columns={first.name: {c.name: c for c in first.columns}},
        context={"a": "fk"}, verbatim={"a": False}, skip=frozenset({"z", "b"}),
        counts={("a", "fk"): ((0, 2), (1, 5))}, locale="de_DE",
        now="2025-01-01T00:00:00", generator="cart", strict=True,
    )  # fmt: skip
    assert wishes_from_json(wishes_to_json(wishes)) == wishes
    with pytest.raises(ModelFileError, match="wishes"):
        wishes_from_json('{"gold": 1}')

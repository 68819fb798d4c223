"""``.fsynth``: a synthesizer in one file, safetensors with one JSON text in its metadata. Never pickle.

Arrow tables and types travel as IPC bytes. Integers are packed (see ``packing``), their own type is in the JSON. The
tensor ``digest`` is a hash of all the rest, so that damage is told from content. Opening a file runs
nothing that is in it, and allocates no more than a small multiple of its size.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

import fixturesynth
import fixturesynth.modelrecords as record
from fixturesynth.errors import InputError, ModelFileError
from fixturesynth.generators.context import Features
from fixturesynth.generators.contract import State, Variable
from fixturesynth.generators.drawing import Distributions
from fixturesynth.generators.encoding import Encoding, encoding_from_parts, encoding_to_parts
from fixturesynth.generators.habits import Habit
from fixturesynth.generators.itemsets import Itemset
from fixturesynth.generators.memories import Memory
from fixturesynth.generators.nesting import Nest
from fixturesynth.generators.tablemodel import SITUATIONS, Block, Line, TableModel, Walk, column_variable, step_variable
from fixturesynth.generators.tying import Tie
from fixturesynth.packing import pack, unpack
from fixturesynth.placing import put
from fixturesynth.planning.serialisation import plan_from_json, plan_to_json, wishes_from_json, wishes_to_json
from fixturesynth.profiling.serialisation import from_json as profile_from_json
from fixturesynth.profiling.serialisation import to_json as profile_to_json
from fixturesynth.records import MisfitError, read_record
from fixturesynth.schema.serialisation import schema_from_members, schema_to_json
from fixturesynth.synthesizer import Synthesizer

__all__ = ["FORMAT", "open_model", "read_facts", "save"]

FORMAT = 1
KEY = "fixturesynth"  # the one entry of the metadata: with more, their order in the file would not be stable
DIGEST = "digest"
MOST_HEADER = 100_000_000  # bytes, the limit of safetensors itself
LARGEST = 2**31 - 1  # of a variable's or encoding's size
RECORDED = ("numpy", "pyarrow", "faker", "safetensors")

Arrays = dict[str, npt.NDArray[Any]]
# Types that an array may be given back: those that safetensors writes, without halves.
DTYPES = ("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64")


# -- writing ----------------------------------------------------------------------------------------------------------
def save(synthesizer: Synthesizer, path: str | Path) -> Path:
    """Write ``synthesizer`` to ``path``, whole or not at all; the same synthesizer gives the same bytes.

    InputError when the place cannot be written to.
    """
    target = Path(path)
    content = _content(synthesizer)
    try:
        put(target, content)
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror}; choose another path") from error
    return target


def _content(synthesizer: Synthesizer) -> bytes:
    writer = _Writer()
    profile = synthesizer.profile
    document = record.Document(
        format=FORMAT,
        versions={"fixturesynth": fixturesynth.__version__, **_versions()},
        provenance={"synthetic": True, "trained_on": dict(synthesizer.trained_on)},
        seed=synthesizer.seed,
        schema=json.loads(schema_to_json(synthesizer.repeated)),
        plan=json.loads(plan_to_json(synthesizer.plan)),
        profile=json.loads(profile_to_json(profile)) if profile is not None else None,
        wishes=json.loads(wishes_to_json(synthesizer.wishes)),
        tables=[writer.table(model) for model in synthesizer.models.values()],
    )
    text = json.dumps(asdict(document), ensure_ascii=False, separators=(",", ":"))
    digest = np.frombuffer(_digest(text, writer.tensors), dtype=np.uint8)
    content: bytes = save_tensors({**writer.tensors, DIGEST: digest}, metadata={KEY: text})
    return content


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version  # which parses mail, and readers do without it

    found = {}
    for package in RECORDED:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _digest(text: str, tensors: Mapping[str, npt.NDArray[Any]]) -> bytes:
    digest = blake2b(text.encode(), digest_size=16)
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(f"\0{name}\0{array.dtype}\0{array.shape}\0".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.digest()


@dataclass
class _Writer:
    """Tensors as they are gathered; names are numbered, so that no two tables or columns can meet in one."""

    tensors: Arrays = field(default_factory=dict)

    def array(self, label: str, values: npt.NDArray[Any]) -> record.Stored:
        if values.dtype.name not in DTYPES:
            raise InputError(f"a model cannot hold an array of type {values.dtype} ({label})")
        packed, form = pack(np.ascontiguousarray(values))
        name = f"{len(self.tensors):06d} {label}"
        self.tensors[name] = packed
        return record.Stored(name, values.dtype.name, form)

    def arrow(self, label: str, table: pa.Table) -> record.Stored:
        sink = pa.BufferOutputStream()
        plain = table.combine_chunks()
        with pa.ipc.new_stream(sink, plain.schema) as writer:
            writer.write_table(plain)
        return self.array(label, np.frombuffer(sink.getvalue(), dtype=np.uint8))

    def arrays(self, label: str, arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, record.Stored]:
        return {name: self.array(f"{label} {name}", values) for name, values in arrays.items()}

    def encoding(self, label: str, encoding: Encoding) -> record.Encoding:
        facts, arrays = encoding_to_parts(encoding)
        return record.Encoding(facts, self.arrays(label, arrays))

    def nest(self, label: str, nest: Nest) -> record.Nest:
        return record.Nest(list(nest.beside), list(nest.sizes), self.arrays(label, nest.arrays()))

    def habit(self, label: str, habit: Habit) -> record.Habit:
        return record.Habit(
            habit.column, habit.variable, self.encoding(f"{label} encoding", habit.encoding),
            self.array(f"{label} classes", habit.classes), self.array(f"{label} scores", habit.scores),
        )  # fmt: skip

    def itemset(self, label: str, itemset: Itemset | None) -> record.Itemset | None:
        if itemset is None:
            return None
        scores, places = self.array(f"{label} scores", itemset.scores), self.array(f"{label} places", itemset.places)
        return record.Itemset(itemset.foreign_key, itemset.variable, scores, places)

    def table(self, model: TableModel) -> record.Table:
        label = model.name
        encodings = {}
        for name, encoding in model.encodings.items():
            encodings[name] = self.encoding(f"{label} encoding {name}", encoding)
        blocks = {
            fk: record.Block(b.size, self.array(f"{label} block {fk}", b.rows) if b.rows is not None else None, b.home)
            for fk, b in model.blocks.items()
        }
        types = pa.schema(list(model.types.items())).serialize()
        state, features = model.state, model.features
        return record.Table(
            name=label,
            rows=model.rows,
            types=self.array(f"{label} types", np.frombuffer(types, dtype=np.uint8)),
            encodings=encodings,
            offsets={name: dict(facts) for name, facts in model.offsets.items()},
            calendars={name: dict(facts) for name, facts in model.calendars.items()},
            lookups={name: self.arrow(f"{label} lookup {name}", table) for name, table in model.lookups.items()},
            blocks=blocks,
            context=model.context,
            siblings=list(model.siblings),
            memories=[record.Memory(m.kind, m.variable, m.size, m.null) for m in model.memories],
            shares=self.arrays(f"{label} shares", model.shares),
            insides=dict(model.insides),
            steady=dict(model.steady),
            returning={fk: list(counts) for fk, counts in model.returning.items()},
            ties=[(t.first, t.code, t.second, t.strength) for t in model.ties],
            nests={name: [self.nest(f"{label} nest {name}", n) for n in known] for name, known in model.nests.items()},
            habits={key: [self.habit(f"{label} {h.variable}", h) for h in kept] for key, kept in model.habits.items()},
            itemset=self.itemset(f"{label} itemset", model.itemset),
            walks=[record.Walk(w.column, w.low, w.high) for w in model.walks],
            lines=[record.Line(
                one.foreign_key, list(one.degrees), one.column, list(one.distances), one.never_before, one.variable,
                [list(row) for row in one.classes], one.child_of,
            ) for one in model.lines],
            oddities={name: list(odd) for name, odd in model.oddities.items()},
            state=None if state is None else record.State(
                state.generator, state.version, _variables(state.variables),
                self.arrays(f"{label} state", state.arrays), dict(state.facts),
            ),
            verbatim=self.arrow(f"{label} verbatim", model.verbatim) if model.verbatim is not None else None,
            ranks=self.arrays(f"{label} ranks", model.ranks),
            degrees=self.arrays(f"{label} degrees", model.degrees),
            features=None if features is None else record.Features(
                _variables(features.variables), self.array(f"{label} features", features.codes)
            ),
        )  # fmt: skip


def _variables(variables: tuple[Variable, ...]) -> list[record.Variable]:
    return [record.Variable(v.name, v.size, v.ordered, v.context, v.like) for v in variables]


# -- reading ----------------------------------------------------------------------------------------------------------
def open_model(path: str | Path) -> Synthesizer:
    """The synthesizer that ``save`` wrote.

    ModelFileError, in one line, when the file is missing, damaged, of another kind or of a newer version.
    """
    place = Path(path)
    text, tensors = _read(place)
    document = _document(place, text)
    expected = tensors.pop(DIGEST, np.zeros(0, dtype=np.uint8)).tobytes()
    if _digest(text, tensors) != expected:
        raise ModelFileError(f"{place} is damaged: its content is not what was written; fit the model again")
    try:
        return _synthesizer(document, tensors)
    except ModelFileError as error:
        raise ModelFileError(f"{place}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OSError, pa.ArrowException) as error:
        # Past the digest only a file made by other hands comes here.
        cause = " ".join(str(error).split())[:200]
        raise ModelFileError(f"{place} does not hang together ({cause}); fit the model again") from error


def read_facts(path: str | Path) -> dict[str, Any]:
    """What a file says of itself, without its tables: format, versions, provenance, seed, and rows by table."""
    place = Path(path)
    document = _document(place, _metadata(place, _bytes(place, head=True)))
    hidden = {t["name"] for t in document.schema.get("tables", ()) if t.get("repeated_in") is not None}
    return {
        "format": document.format,
        "versions": document.versions,
        "provenance": document.provenance,
        "seed": document.seed,
        "rows": {table.name: table.rows for table in document.tables if table.name not in hidden},
    }


def _bytes(path: Path, *, head: bool = False) -> bytes:
    """The file, or with ``head`` its first 8 bytes and the header whose length they give."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
            length = int.from_bytes(start, "little")
            if len(start) < 8 or length > min(size - 8, MOST_HEADER):
                raise ModelFileError(f"{path} is not a FixtureSynth model, or was cut off; write one with fit and save")
            return start + file.read(length if head else size - 8)
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read as a model: {error.strerror}; check the path") from error


def _metadata(path: Path, content: bytes) -> str:
    foreign = ModelFileError(f"{path} is not a FixtureSynth model; write one with fit and save")
    try:
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    except (ValueError, RecursionError):
        raise foreign from None
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    text = metadata.get(KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise foreign
    return text


def _read(path: Path) -> tuple[str, Arrays]:
    content = _bytes(path)
    text = _metadata(path, content)
    try:
        return text, load_tensors(content)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        cause = " ".join(str(error).split())[:200]
        raise ModelFileError(f"{path} is damaged ({cause}); fit the model again") from error


def _document(path: Path, text: str) -> record.Document:
    try:
        raw = json.loads(text)
        written = raw["format"]
        if isinstance(written, int) and written > FORMAT:
            by = raw.get("versions", {}).get("fixturesynth", "a newer release")
            raise ModelFileError(
                f"{path} was written by FixtureSynth {by} in format {written}, this one reads up to {FORMAT}: upgrade"
            )
        return read_record(record.Document, raw)
    except ModelFileError:
        raise
    except MisfitError as error:
        raise ModelFileError(f"{path} is damaged ({error}); fit the model again") from error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ModelFileError(f"{path} is damaged (its description cannot be read); fit the model again") from error


def _synthesizer(document: record.Document, tensors: Arrays) -> Synthesizer:
    schema = schema_from_members(document.schema)
    plan = plan_from_json(json.dumps(document.plan))
    for table in plan.tables:
        unknown = [c.name for c in table.columns if table.name not in schema or c.name not in schema[table.name]]
        if unknown:
            raise ModelFileError(f"its plan and its schema disagree on {table.name}.{unknown[0]}; fit the model again")
    return Synthesizer(
        schema=schema.shown,
        plan=plan,
        models={table.name: _model(table, tensors) for table in document.tables},
        profile=profile_from_json(json.dumps(document.profile)) if document.profile is not None else None,
        wishes=wishes_from_json(json.dumps(document.wishes)),
        seed=document.seed,
        trained_on=dict(document.provenance.get("trained_on", {})),
        entities=tuple(t for t in schema if t.repeated_in is not None),
    )


def _array(stored: record.Stored, tensors: Arrays, dimensions: int | None = None) -> npt.NDArray[Any]:
    if stored.dtype not in DTYPES:
        raise ModelFileError(f"tensor {stored.tensor!r} has the unknown type {stored.dtype!r}")
    array = unpack(tensors[stored.tensor], stored.form, stored.dtype)
    if dimensions is not None and array.ndim != dimensions:
        raise ModelFileError(f"tensor {stored.tensor!r} has {array.ndim} dimensions where {dimensions} belong")
    return array


def _arrays(stored: Mapping[str, record.Stored], tensors: Arrays) -> Arrays:
    return {name: _array(one, tensors) for name, one in stored.items()}


def _arrow(stored: record.Stored, tensors: Arrays) -> pa.Table:
    """A table from IPC bytes, checked in full: offsets that point elsewhere must not be followed."""
    data = _array(stored, tensors, 1)
    table = pa.ipc.open_stream(pa.py_buffer(data.tobytes())).read_all()
    table.validate(full=True)
    return table.combine_chunks()


def _model(table: record.Table, tensors: Arrays) -> TableModel:
    schema = pa.ipc.read_schema(pa.py_buffer(_array(table.types, tensors, 1).tobytes()))
    encodings = {}
    for name, one in table.encodings.items():
        encodings[name] = _encoding(f"{table.name}: {name}", one, tensors)
    state, features = table.state, table.features
    return TableModel(
        name=table.name,
        rows=table.rows,
        types={f.name: f.type for f in schema},
        encodings=encodings,
        offsets=table.offsets,
        calendars=table.calendars,
        lookups={name: _arrow(one, tensors) for name, one in table.lookups.items()},
        blocks={
            fk: Block(b.size, _array(b.rows, tensors, 1) if b.rows is not None else None, b.home)
            for fk, b in table.blocks.items()
        },
        context=table.context,
        siblings=tuple(table.siblings),
        memories=_memories(table),
        shares={name: _array(one, tensors, 1) for name, one in table.shares.items()},
        insides=table.insides,
        steady=table.steady,
        returning=_returning(table),
        ties=tuple(Tie(*tie) for tie in table.ties),
        nests={name: tuple(_nest(table.name, n, tensors) for n in known) for name, known in table.nests.items()},
        habits={key: tuple(_habit(table.name, h, tensors) for h in known) for key, known in table.habits.items()},
        itemset=_itemset(table, tensors),
        walks=_walks(table),
        lines=tuple(
            Line(
                one.foreign_key, tuple(one.degrees), one.column, tuple(one.distances), one.never_before, one.variable,
                tuple(tuple(row) for row in one.classes), one.child_of,
            )
            for one in table.lines
        ),
        oddities={name: tuple(odd) for name, odd in table.oddities.items()},
        state=None if state is None else State(
            state.generator, state.version, _told(table.name, state.variables), _arrays(state.arrays, tensors),
            state.facts,
        ),
        verbatim=_arrow(table.verbatim, tensors) if table.verbatim is not None else None,
        ranks={name: _array(one, tensors, 1) for name, one in table.ranks.items()},
        degrees={name: _array(one, tensors, 1) for name, one in table.degrees.items()},
        features=None if features is None else Features(
            _told(table.name, features.variables), _array(features.codes, tensors, 2)
        ),
    )  # fmt: skip


def _encoding(what: str, one: record.Encoding, tensors: Arrays) -> Encoding:
    _check_size(what, one.facts["size"])
    for part in ("values", "type"):
        if part in one.arrays:
            _arrow(one.arrays[part], tensors)
    return encoding_from_parts(one.facts, _arrays(one.arrays, tensors))


def _nest(table: str, one: record.Nest, tensors: Arrays) -> Nest:
    arrays = {name: _array(stored, tensors, 1) for name, stored in one.arrays.items()}
    held = Distributions(arrays["codes"], arrays["running"], arrays["ends"])
    if not arrays["keys"].size or arrays["keys"].size != held.ends.size or held.codes.size != held.running.size:
        raise ModelFileError(f"{table}: what goes with {', '.join(one.beside)} does not hang together")
    return Nest(tuple(one.beside), tuple(one.sizes), arrays["keys"], held)


def _habit(table: str, one: record.Habit, tensors: Arrays) -> Habit:
    encoding = _encoding(f"{table}: {one.variable}", one.encoding, tensors)
    classes, scores = _array(one.classes, tensors, 1), _array(one.scores, tensors, 2)
    if classes.size != encoding.size or not classes.size or not 0 <= classes.min() <= classes.max() < scores.shape[1]:
        raise ModelFileError(f"{table}: the classes of {one.variable!r} do not fit its scores")
    return Habit(one.column, one.variable, encoding, classes, scores)


def _itemset(table: record.Table, tensors: Arrays) -> Itemset | None:
    one = table.itemset
    if one is None:
        return None
    scores, places = _array(one.scores, tensors, 2), _array(one.places, tensors, 1)
    block = table.blocks.get(one.foreign_key)
    whole = places.size in (0, scores.shape[1]) and np.array_equal(np.sort(places), np.arange(places.size))
    if not scores.size or not whole or block is None or block.size != scores.shape[1]:
        raise ModelFileError(f"{table.name}: the items of {one.foreign_key!r} do not fit their scores")
    return Itemset(one.foreign_key, one.variable, scores, places)


def _walks(table: record.Table) -> tuple[Walk, ...]:
    generated = {v.name for v in table.state.variables if not v.context} if table.state is not None else set()
    for walk in table.walks:
        needed = {column_variable(walk.column), step_variable(walk.column)}
        if not needed <= generated & table.encodings.keys() or walk.low > walk.high:
            raise ModelFileError(f"{table.name}: {walk.column!r} cannot go on from row to row")
    return tuple(Walk(w.column, w.low, w.high) for w in table.walks)


def _returning(table: record.Table) -> dict[str, tuple[int, ...]]:
    for fk, counts in table.returning.items():
        if fk not in table.blocks or len(counts) != SITUATIONS * 3 or not any(counts):
            raise ModelFileError(f"{table.name}: nothing says how parents of {fk!r} come again")
    return {fk: tuple(counts) for fk, counts in table.returning.items()}


def _memories(table: record.Table) -> tuple[Memory, ...]:
    for memory in table.memories:
        _check_size(f"{table.name}: {memory.kind} {memory.variable}", memory.size)
        if memory.variable not in table.siblings:
            raise ModelFileError(f"{table.name}: siblings do not show {memory.variable!r}, which is remembered")
    return tuple(Memory(m.kind, m.variable, m.size, m.null) for m in table.memories)


def _told(table: str, variables: list[record.Variable]) -> tuple[Variable, ...]:
    for variable in variables:
        _check_size(f"{table}: {variable.name}", variable.size)
    return tuple(Variable(v.name, v.size, v.ordered, v.context, v.like) for v in variables)


def _check_size(what: str, size: Any) -> None:
    if not isinstance(size, int) or not 0 <= size <= LARGEST:
        raise ModelFileError(f"{what} has an impossible size: {size!r}")

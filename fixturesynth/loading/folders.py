"""Tables out of a folder: one Parquet, CSV or TSV file for each, types inferred where the file has none."""

import codecs
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from fixturesynth.errors import SourceError

__all__ = ["read_folder"]

Reader = Callable[[Path], pa.Table]


def read_folder(folder: Path) -> dict[str, pa.Table]:
    """Every table file of a folder by its name without the ending; texts of CSV files are still texts."""
    found: dict[str, tuple[Path, Reader]] = {}
    for path in sorted(folder.iterdir()):
        name, reader = _reader(path)
        if reader is None or path.name.startswith((".", "_")):
            continue
        if name in found:
            raise SourceError(f"table {name!r} is there twice: {found[name][0].name} and {path.name}; remove one")
        found[name] = path, reader
    if not found:
        raise SourceError(
            f"no table in folder {str(folder)!r}: expected files named {', '.join('*' + e for e in READERS)}"
        )
    return {name: _read(path, reader) for name, (path, reader) in found.items()}


def _reader(path: Path) -> tuple[str, Reader | None]:
    for ending, reader in READERS.items():
        if path.name.lower().endswith(ending) and path.is_file():
            return unquote(path.name[: -len(ending)]), reader
    return path.name, None


def _read(path: Path, reader: Reader) -> pa.Table:
    try:
        table = reader(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if reader is _read_csv and not _is_utf8(path):
            told = "it is no UTF-8; write it as UTF-8, for example with iconv -f WINDOWS-1252 -t UTF-8"
            raise SourceError(f"cannot read {str(path)!r}: {told}") from error
        raise SourceError(f"cannot read {str(path)!r}: {str(error).splitlines()[0]}") from error
    if len(set(table.column_names)) < len(table.column_names):
        twice = next(n for n in table.column_names if table.column_names.count(n) > 1)
        raise SourceError(f"cannot read {str(path)!r}: two columns are named {twice!r}; rename one")
    return table


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with pa.input_stream(str(path)) as stream:
            while piece := bytes(stream.read(1 << 20)):
                decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    except (pa.ArrowException, OSError):
        return True  # it cannot be read at all
    return True


def _read_csv(path: Path) -> pa.Table:
    """All columns as strings; a bare empty cell is null, a quoted one is an empty text."""
    with pa.input_stream(str(path)) as stream:
        head = bytes(stream.read(1 << 16))
    line = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].decode("utf-8", "replace").rstrip("\r")
    if not line:
        return pa.table({})
    parse = pyarrow.csv.ParseOptions(
        delimiter=_delimiter(line), newlines_in_values=True, ignore_empty_lines="," in line
    )
    with pa.input_stream(str(path)) as stream, pyarrow.csv.open_csv(stream, parse_options=parse) as reader:
        names = reader.schema.names
    options = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    with pa.input_stream(str(path)) as stream:
        return pyarrow.csv.read_csv(stream, parse_options=parse, convert_options=options)


def _delimiter(line: str) -> str:
    """The separator that the header has most of, outside quotes."""
    bare = "".join(line.split('"')[::2])
    return max(",;\t|", key=bare.count)


def _read_parquet(path: Path) -> pa.Table:
    return pyarrow.parquet.ParquetFile(path).read()


READERS: dict[str, Reader] = {
    ".parquet": _read_parquet,
    ".csv": _read_csv,
    ".csv.gz": _read_csv,
    ".tsv": _read_csv,
}

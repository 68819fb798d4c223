"""From a dialect's type text to a ``ColumnType``: rows of data, one reader for all.

``parse_type`` knows what a server or a DDL script calls its built-in types. What the user declares (enums, domains,
composites) is resolved by the catalogue that lists it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from fixturesynth.schema.lexing import Token, tokenize
from fixturesynth.schema.model import ColumnType, Kind

__all__ = ["parse_type"]


def row(kind: Kind, **fields: int | bool) -> ColumnType:
    return ColumnType(kind, "", **fields)  # type: ignore[arg-type]


def rows(kind: Kind, names: str, **fields: int | bool) -> dict[str, ColumnType]:
    return {name: row(kind, **fields) for name in names.split(",")}


SHARED = (
    rows("integer", "tinyint,int1", bits=8)
    | rows("integer", "smallint,int2,smallserial,serial2", bits=16)
    | rows("integer", "mediumint,int3,middleint", bits=24)
    | rows("integer", "integer,int,int4,serial,serial4", bits=32)
    | rows("integer", "bigint,int8,bigserial,serial8,long,oid", bits=64)
    | rows("float", "real,float4", bits=32)
    | rows("float", "double precision,double,float8,float", bits=64)
    | rows("decimal", "numeric,decimal,dec,fixed,number")
    | rows("money", "money,smallmoney", precision=19, scale=2)
    | rows("boolean", "boolean,bool")
    | rows("text", "text,character varying,varchar,varchar2,nvarchar,nvarchar2,national varchar")
    | rows("text", "clob,nclob,string,citext")
    | rows("text", "native character,varying character,national character varying,long varchar,name")
    | rows("text", "character,char,nchar,bpchar,national character,national char", fixed=True)
    | rows("uuid", "uuid,uniqueidentifier,guid")
    | rows("json", "json,jsonb")
    | rows("xml", "xml")
    | rows("date", "date")
    | rows("time", "time,time without time zone")
    | rows("time", "time with time zone,timetz", timezone=True)
    | rows("timestamp", "timestamp,timestamp without time zone,datetime,datetime2,smalldatetime")
    | rows("timestamp", "timestamp with time zone,timestamptz,datetimeoffset", timezone=True)
    | rows("interval", "interval")
    | rows("bytes", "blob,bytea,bytes,varbinary,binary varying,binary large object,image")
    | rows("bytes", "binary", fixed=True)
    | rows("bit", "bit", fixed=True)
    | rows("bit", "bit varying,varbit")
    | rows("geometry", "geometry,geography,point,linestring,polygon,multipoint,multilinestring,multipolygon")
    | rows("geometry", "geometrycollection,geomcollection")
)  # fmt: skip

# What a dialect names differently from the others.
OWN: Mapping[str, Mapping[str, ColumnType]] = {
    "postgresql": (
        rows("text", "lquery,ltxtquery,regclass,regtype,regproc")
        | rows("text", "interval year to month,interval year,interval month")  # of months, which are no span of time
        | rows("inet", "inet")
        | rows("cidr", "cidr")
        | rows("macaddr", "macaddr,macaddr8")
        | rows("hstore", "hstore")
        | rows("tsvector", "tsvector")
        | rows("ltree", "ltree")
        | rows("geometry", "point,line,lseg,box,path,polygon,circle", flat=True)
        | rows("text", "tsquery,jsonpath,pg_lsn,pg_snapshot,txid_snapshot,cube,seg,xid,xid8,tid")
        | rows("text", "isbn,isbn13,issn,issn13,ismn,ismn13,ean13,upc")
        | rows("other", "int4multirange,int8multirange,nummultirange,tsmultirange,tstzmultirange,datemultirange")
    ),
    "mysql": (
        rows("text", "tinytext", length=255)
        | rows("text", "mediumtext", length=2**24 - 1)
        | rows("text", "longtext", length=2**32 - 1)
        | rows("text", "text", length=2**16 - 1)
        | rows("bytes", "tinyblob", length=255)
        | rows("bytes", "mediumblob", length=2**24 - 1)
        | rows("bytes", "longblob", length=2**32 - 1)
        | rows("bytes", "blob", length=2**16 - 1)
        | rows("timestamp", "timestamp", timezone=True)
        | rows("float", "float", bits=32)
        | rows("float", "real", bits=64)
        | rows("decimal", "numeric,decimal,dec,fixed", precision=10, scale=0)
        | rows("year", "year")
        | rows("enum", "enum")
        | rows("set", "set")
        | rows("inet", "inet4,inet6")
        | rows("integer", "serial", bits=64, unsigned=True)
    ),
    "duckdb": (
        rows("integer", "hugeint,int128", bits=128)
        | rows("integer", "uhugeint,uint128", bits=128, unsigned=True)
        | rows("integer", "utinyint,uint8", bits=8, unsigned=True)
        | rows("integer", "usmallint,uint16", bits=16, unsigned=True)
        | rows("integer", "uinteger,uint32", bits=32, unsigned=True)
        | rows("integer", "ubigint,uint64", bits=64, unsigned=True)
        | rows("integer", "short", bits=16)
        | rows("integer", "signed", bits=32)
        | rows("float", "float", bits=32)
        | rows("decimal", "numeric,decimal,dec", precision=18, scale=3)
        | rows("bit", "bit,bitstring")
        | rows("text", "char,character,bpchar,varchar,text,string")
        | rows("timestamp", "timestamp_s,timestamp_ms,timestamp_ns,timestamp_us")
        | rows("enum", "enum")
    ),
    "sqlite": (
        rows("integer", "integer,int,bigint,int8,unsigned big int,long", bits=64)
        | rows("float", "real,float,double,double precision,float4,float8", bits=64)
        | rows("text", "tinytext,mediumtext,longtext,any,")
        | rows("bytes", "tinyblob,mediumblob,longblob")
        | rows("year", "year")
    ),
}

Arguments = tuple[str, ...]


def with_length(found: ColumnType, arguments: Arguments) -> ColumnType:
    length = whole(arguments[0]) if arguments else (1 if found.fixed and found.length is None else found.length)
    return replace(found, length=length)


def with_digits(found: ColumnType, arguments: Arguments) -> ColumnType:
    if not arguments:
        return found
    return replace(found, precision=whole(arguments[0]), scale=whole(arguments[1]) if len(arguments) > 1 else 0)


def with_fraction(found: ColumnType, arguments: Arguments) -> ColumnType:
    return replace(found, precision=whole(arguments[0])) if arguments else found


def with_mantissa(found: ColumnType, arguments: Arguments) -> ColumnType:
    """float(p) is single up to 24 binary digits; MySQL's float(m,d) and double(m,d) round to d decimals."""
    if len(arguments) > 1:
        return with_digits(found, arguments)
    bits = whole(arguments[0]) if arguments else None
    return replace(found, bits=32 if bits <= 24 else 64) if bits is not None else found


def with_values(found: ColumnType, arguments: Arguments) -> ColumnType:
    return replace(found, values=arguments)


# What the numbers in brackets mean to each kind; for integers they are a display width and mean nothing.
ARGUMENTS: Mapping[Kind, Callable[[ColumnType, Arguments], ColumnType]] = {
    "text": with_length,
    "bytes": with_length,
    "bit": with_length,
    "decimal": with_digits,
    "float": with_mantissa,
    "time": with_fraction,
    "timestamp": with_fraction,
    "interval": with_fraction,
    "enum": with_values,
    "set": with_values,
}

# SQLite's rules of affinity, in their order (https://www.sqlite.org/datatype3.html).
AFFINITIES: tuple[tuple[str, ColumnType], ...] = (
    ("INT", row("integer", bits=64)),
    ("CHAR", row("text")),
    ("CLOB", row("text")),
    ("TEXT", row("text")),
    ("BLOB", row("bytes")),
    ("REAL", row("float", bits=64)),
    ("FLOA", row("float", bits=64)),
    ("DOUB", row("float", bits=64)),
    ("", row("decimal")),
)

# The dialect's boolean, where it is another type in disguise.
DISGUISED: Mapping[tuple[str, str, Arguments], ColumnType] = {("mysql", "tinyint", ("1",)): row("boolean")}
RANGES = {
    "int4range": "integer",
    "int8range": "bigint",
    "numrange": "numeric",
    "tsrange": "timestamp without time zone",
    "tstzrange": "timestamp with time zone",
    "daterange": "date",
}


def whole(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def parse_type(text: str, dialect: str) -> ColumnType:
    """The ``ColumnType`` of the dialect's ``text``; kind ``other`` when no row fits (SQLite: by affinity).

    >>> t = parse_type("numeric(10,2)", "postgresql"); t.kind, t.precision, t.scale
    ('decimal', 10, 2)
    >>> t = parse_type("int(10) unsigned", "mysql"); t.kind, t.bits, t.unsigned
    ('integer', 32, True)
    >>> parse_type("character varying(20)[]", "postgresql").element.length
    20
    >>> parse_type("enum('a','it''s')", "mysql").values
    ('a', "it's")
    """
    name = " ".join(text.split())
    tokens = tokenize(name, dialect)
    if dialect != "sqlite" and (item := element_text(name, tokens)) is not None:
        return ColumnType("array", name, element=parse_type(item, dialect))
    words, arguments = parts(tokens)
    marks = {w for w in words if w in ("unsigned", "signed", "zerofill")}
    if dialect == "mysql":
        words = until_charset([w for w in words if w not in marks or words == [w]])
    base = " ".join(words)
    if base in RANGES and dialect == "postgresql":
        return ColumnType("range", name, element=parse_type(RANGES[base], dialect))
    found = DISGUISED.get((dialect, base, arguments)) if not marks else None
    if found is None:
        found = known(base, dialect)
        if found is None:
            return by_affinity(name, arguments) if dialect == "sqlite" else ColumnType("other", name)
        read = ARGUMENTS.get(found.kind)
        found = read(found, arguments) if read is not None else found
    unsigned = found.unsigned or not marks.isdisjoint(("unsigned", "zerofill"))
    return replace(found, name=name, unsigned=unsigned)


def known(base: str, dialect: str) -> ColumnType | None:
    own = OWN.get(dialect, {})
    bare = base.rpartition(".")[2]  # public.citext
    for candidate in (base, bare, base.partition(" ")[0] if base.startswith("interval ") else base):
        found = own.get(candidate, SHARED.get(candidate))
        if found is not None:
            return found
    return None


def parts(tokens: list[Token]) -> tuple[list[str], Arguments]:
    """The words outside of brackets in lower case, and the arguments inside of the first brackets."""
    words: list[str] = []
    arguments: list[str] = []
    depth = 0
    for token in tokens:
        depth += token.text == "("
        if depth == 0:
            glued = words and (token.text == "." or words[-1].endswith("."))
            words[-1:] = [words[-1] + token.value.lower()] if glued else [*words[-1:], token.value.lower()]
        elif token.text not in "(),":
            arguments.append(token.value)
        depth -= token.text == ")"
    return words, tuple(arguments)


def until_charset(words: list[str]) -> list[str]:
    """MySQL writes the character set and collation behind the type; they are not part of its name."""
    for i, word in enumerate(words):
        if i and word in ("charset", "collate", "character"):
            return words[:i]
    return words


def element_text(name: str, tokens: list[Token]) -> str | None:
    """``int`` for ``int[3]``, ``int[][]`` and ``int ARRAY``; None when it is no array."""
    for token in tokens:
        if token.text == "[":
            return name[: token.start].strip()
    if len(tokens) > 1 and "ARRAY" in (words := [t.word for t in tokens]) and words[0] != "ARRAY":
        return name[: tokens[words.index("ARRAY")].start].strip()
    return None


def by_affinity(name: str, arguments: Arguments) -> ColumnType:
    upper = name.upper()
    found = next(found for part, found in AFFINITIES if part in upper)
    read = ARGUMENTS.get(found.kind)
    return replace(read(found, arguments) if read is not None else found, name=name)

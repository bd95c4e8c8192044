"""Any table in, the same values out: for every format, read as one block and as many tiny ones.

A new format is one more `Form` in `FORMS`.
"""

import bz2
import csv
import datetime
import gzip
import io
import json
import lzma
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from files_for_tests import framed
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.readers import format_of
from tfx_automl.components.example_gen.table import read_table
from tfx_automl.errors import DataError

Values = list[Any]
Table = dict[str, tuple[str, Values]]  # by name: the kind of the column, and its values
_EPOCH = datetime.datetime(1970, 1, 1)


@dataclass(frozen=True)
class Kind:
    """A kind of column.

    Attributes:
        type: As Arrow has it.
        values: What may stand in it.
        expected: From the values to those that are read, by the ending of the name of the column.
    """

    type: pa.DataType
    values: st.SearchStrategy
    expected: Callable[[Values], dict[str, Values]] = lambda values: {"": values}


def _each(function: Callable[[Any], Any]) -> Callable[[Values], dict[str, Values]]:
    return lambda values: {"": [None if value is None else function(value) for value in values]}


def _fields(values: Values) -> dict[str, Values]:
    return {f".{name}": [None if value is None else value[name] for value in values] for name in ("x", "y")}


def _lone(values: Values) -> dict[str, Values]:
    """TFRecord cannot tell lists that all have one item from single values, nor empty lists from missing ones."""
    alone = all(not value or len(value) == 1 for value in values)
    return {"": [None if not value else value[0] if alone else value for value in values]}


_INTEGERS = st.integers(-(2**63), 2**63 - 1)
_FINITE = st.floats(allow_nan=False, allow_infinity=False)
_DATES = st.dates(datetime.date(1900, 1, 1), datetime.date(2200, 1, 1))
_TIMES = st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2200, 1, 1))
_UNICODE = st.characters(exclude_categories=("Cs",))
_INNER = st.text(_UNICODE, max_size=6) | st.sampled_from(
    ['"', '""', ",", "\n", "\r\n", ";", "\t", "|", "'", "\\", ' " ']
)
# Text formats take text without surrounding spaces that is no number, no time and no token for missing.
_WORDS = st.lists(_INNER, max_size=3).map(lambda parts: "x" + "".join(parts).replace("\0", "") + "é")


def _texts(values: st.SearchStrategy) -> Kind:
    return Kind(pa.string(), values)


_SECONDS = _each(lambda value: (value - _EPOCH) // datetime.timedelta(seconds=1))
_KINDS = {
    "int": Kind(pa.int64(), _INTEGERS),
    "byte": Kind(pa.uint8(), st.integers(0, 255)),
    "float": Kind(pa.float64(), _FINITE),
    "special": Kind(pa.float64(), st.floats()),
    "bool": Kind(pa.bool_(), st.booleans(), _each(int)),
    "text": _texts(st.text(_UNICODE, max_size=8)),
    "bytes": Kind(pa.binary(), st.binary(max_size=8).map(lambda value: value + b"\xff")),
    "date": Kind(pa.date32(), _DATES, _each(lambda value: (value - _EPOCH.date()).days * 86_400)),
    "time": Kind(pa.timestamp("us"), _TIMES, _SECONDS),
    "decimal": Kind(
        pa.decimal128(12, 2),
        st.decimals(-(10**8), 10**8, places=2, allow_nan=False, allow_infinity=False),
        _each(float),
    ),
    "ints": Kind(pa.list_(pa.int64()), st.lists(_INTEGERS, max_size=3)),
    "texts": Kind(pa.list_(pa.string()), st.lists(st.text(_UNICODE, max_size=3), max_size=3)),
    "struct": Kind(
        pa.struct([("x", pa.int64()), ("y", pa.string())]),
        st.fixed_dictionaries({"x": _INTEGERS, "y": st.text(_UNICODE, max_size=4)}),
        _fields,
    ),
    "dictionary": Kind(pa.dictionary(pa.int32(), pa.string()), st.sampled_from(["red", "", "grün"])),
}
_WORDY = {
    "text": _texts(_WORDS),
    # NaN is missing in delimited text, and so is the usual way to write it.
    "special": Kind(pa.float64(), st.floats(), _each(lambda value: None if math.isnan(value) else value)),
    "date": _KINDS["date"],
    "time": _KINDS["time"],
    **{name: _KINDS[name] for name in ("int", "float", "bool")},
}
_JSON = {
    **{name: _KINDS[name] for name in ("int", "float", "special", "bool", "date", "time", "ints", "struct")},
    "text": _texts(st.text(_UNICODE, max_size=8).map(lambda text: "x" + text)),
    "texts": Kind(pa.list_(pa.string()), st.lists(st.text(_UNICODE, max_size=3).map(lambda t: "x" + t), max_size=3)),
}
_SINGLE = st.floats(width=32)
_EXAMPLE = {
    "int": _KINDS["int"],
    "float": Kind(pa.float64(), _SINGLE),
    "text": _KINDS["text"],
    "bytes": _KINDS["bytes"],
    "ints": Kind(pa.list_(pa.int64()), st.lists(_INTEGERS, max_size=3), _lone),
    "floats": Kind(pa.list_(pa.float64()), st.lists(_SINGLE, max_size=3), _lone),
    "texts": Kind(pa.list_(pa.string()), st.lists(st.text(_UNICODE, max_size=3), max_size=3), _lone),
}
_NPZ = {
    **{name: _KINDS[name] for name in ("int", "byte", "float", "special", "bool", "date", "time")},
    "text": _texts(st.text(_UNICODE, max_size=6).map(lambda text: text + "é")),  # NumPy drops zeros at the end
    "pair": Kind(pa.list_(pa.int64()), st.lists(_INTEGERS, min_size=2, max_size=2)),
}


def _arrow(table: Table, kinds: Mapping[str, Kind]) -> pa.Table:
    return pa.table({name: pa.array(values, kinds[kind].type) for name, (kind, values) in table.items()})


def _rows(table: Table) -> list[tuple[Any, ...]]:
    return list(zip(*(values for _, values in table.values()), strict=True))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _delimited(delimiter: str = ",", encoding: str = "utf-8", line_end: str = "\n") -> Callable[[Table], bytes]:
    def write(table: Table) -> bytes:
        text = io.StringIO()
        rows = [[_cell(value) for value in row] for row in _rows(table)]
        # Python quotes the line ends of other systems only where it quotes everything.
        has_old = any("\r" in cell.replace("\r\n", "") for row in rows for cell in row)
        quoting = csv.QUOTE_ALL if has_old or line_end == "\r" else csv.QUOTE_MINIMAL
        writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
        writer.writerow(table)
        writer.writerows(rows)
        return text.getvalue().encode(encoding)

    return write


def _json_lines(table: Table) -> bytes:
    rows = [dict(zip(table, row, strict=True)) for row in _rows(table)]
    return "".join(json.dumps(row, default=str, ensure_ascii=len(row) % 2 == 0) + "\n" for row in rows).encode()


def _parquet(table: Table) -> bytes:
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(_arrow(table, _KINDS), sink, row_group_size=4)
    return sink.getvalue().to_pybytes()


def _orc(table: Table) -> bytes:
    from pyarrow import orc

    sink = pa.BufferOutputStream()
    orc.write_table(_arrow(table, _KINDS), sink)
    return sink.getvalue().to_pybytes()


def _ipc(create: Callable[..., Any]) -> Callable[[Table], bytes]:
    def write(table: Table) -> bytes:
        sink = pa.BufferOutputStream()
        arrow = _arrow(table, _KINDS)
        with create(sink, arrow.schema) as writer:
            for batch in arrow.to_batches(max_chunksize=4):
                writer.write_batch(batch)
        return sink.getvalue().to_pybytes()

    return write


def _npz(table: Table) -> bytes:
    dtypes = {"byte": np.uint8, "date": "datetime64[D]", "time": "datetime64[us]"}
    sink = io.BytesIO()
    np.savez(sink, **{name: np.array(values, dtypes.get(kind)) for name, (kind, values) in table.items()})
    return sink.getvalue()


def _proto(number: int, content: bytes) -> bytes:
    """A field of a protocol buffer that has a length."""
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    value %= 2**64
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def _feature(value: Any) -> bytes:
    values = value if isinstance(value, list) else [value]
    if values and isinstance(values[0], float):
        return _proto(2, _proto(1, struct.pack(f"<{len(values)}f", *values)))
    if values and isinstance(values[0], int):
        return _proto(3, _proto(1, b"".join(map(_varint, values))))
    return _proto(1, b"".join(_proto(1, v if isinstance(v, bytes) else v.encode()) for v in values))


def _feature_of(kind: str, value: Any) -> bytes:
    """Empty lists, too, say what they are lists of."""
    numbers = {"ints": 3, "floats": 2}
    return _proto(numbers[kind], b"") if value == [] and kind in numbers else _feature(value)


def _example(row: Mapping[str, tuple[str, Any]]) -> bytes:
    entries = [
        _proto(1, _proto(1, name.encode()) + _proto(2, _feature_of(kind, value)))
        for name, (kind, value) in row.items()
        if value is not None
    ]
    return _proto(1, b"".join(entries))


def _examples(table: Table) -> bytes:
    kinds = [kind for kind, _ in table.values()]
    rows = [dict(zip(table, zip(kinds, row, strict=True), strict=True)) for row in _rows(table)]
    return framed([_example(row) for row in rows])


def _zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


@dataclass(frozen=True)
class Form:
    """A way to write a table into a file.

    Attributes:
        name: Of the file.
        write: Returns its content.
        kinds: Of the columns that it can hold.
        options: With which it is read.
        nullable: Whether values can be missing.
        examples: How many tables are tried.
    """

    name: str
    write: Callable[[Table], bytes]
    kinds: Mapping[str, Kind]
    options: ReadOptions = field(default_factory=ReadOptions)
    nullable: bool = True
    examples: int = 15

    @property
    def is_plain_text(self) -> bool:
        """Whether nothing tells a file of which the end is missing from a whole one."""
        return self.write.__qualname__.startswith(("_delimited", "_json_lines"))


def _compressed(form: Form, ending: str, compress: Callable[[bytes], bytes]) -> Form:
    return Form(
        form.name + ending, lambda table: compress(form.write(table)), form.kinds, form.options, form.nullable, 3
    )


def _but(kinds: Mapping[str, Kind], *names: str) -> dict[str, Kind]:
    return {name: kind for name, kind in kinds.items() if name not in names}


_LATIN = {**_WORDY, "text": _texts(st.text(st.characters(max_codepoint=255), max_size=6).map(lambda t: f"x{t}é"))}
_LATIN["text"] = _texts(_LATIN["text"].values.map(lambda text: text.replace("\0", "")))
_CSV = Form("t.csv", _delimited(), _WORDY)
_LINES = Form("t.jsonl", _json_lines, _JSON)
_RECORDS = Form("t.tfrecord", _examples, _EXAMPLE)
FORMS: Sequence[Form] = (
    _CSV,
    Form("crlf.csv", _delimited(line_end="\r\n"), _WORDY),
    Form("mac.csv", _delimited(line_end="\r"), _WORDY),
    Form("t.tsv", _delimited("\t"), _WORDY),
    Form("semicolon.csv", _delimited(";"), _WORDY, ReadOptions(delimiter=";")),
    Form("pipe.txt", _delimited("|"), _WORDY, ReadOptions(delimiter="|")),
    Form("mark.csv", _delimited(encoding="utf-8-sig"), _WORDY),
    Form("latin.csv", _delimited(encoding="latin-1"), _LATIN, ReadOptions(encoding="latin-1")),
    Form("wide.csv", _delimited(encoding="utf-16"), _WORDY, ReadOptions(encoding="utf-16")),
    _LINES,
    Form("t.parquet", _parquet, _KINDS),
    Form("t.feather", _ipc(pa.ipc.new_file), _KINDS),
    Form("t.arrows", _ipc(pa.ipc.new_stream), _but(_KINDS, "dictionary")),  # a stream cannot replace dictionaries
    Form("t.orc", _orc, _but(_KINDS, "byte", "dictionary")),
    Form("t.npz", _npz, _NPZ, nullable=False),
    _RECORDS,
    _compressed(_CSV, ".gz", gzip.compress),
    _compressed(_CSV, ".bz2", bz2.compress),
    _compressed(_CSV, ".xz", lzma.compress),
    _compressed(_CSV, ".zst", _zstd),
    _compressed(_LINES, ".gz", gzip.compress),
    _compressed(_LINES, ".zst", _zstd),
    _compressed(_RECORDS, ".gz", gzip.compress),
    Form("data_tfrecord-00000-of-00001", lambda table: gzip.compress(_examples(table)), _EXAMPLE),
)
every_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)


@st.composite
def _tables(draw: Any, form: Form) -> Table:
    kinds = draw(st.lists(st.sampled_from(sorted(form.kinds)), min_size=1, max_size=4))
    rows = draw(st.integers(0, 9))
    table: Table = {}
    for number, kind in enumerate(kinds):
        values = form.kinds[kind].values
        more = st.lists(values | st.none() if form.nullable else values, min_size=rows, max_size=rows)
        table[f"c{number}"] = (kind, [draw(values), *draw(more)])  # one value at least, which tells the type
    return table


def _expected(table: Table, form: Form) -> dict[str, Values]:
    return {
        name + ending: values
        for name, (kind, before) in table.items()
        for ending, values in form.kinds[kind].expected(before).items()
    }


def _comparable(value: Any) -> Any:
    """NaN equals itself; text equals its bytes, which some formats cannot tell apart."""
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    return value.encode() if isinstance(value, str) else value


def _same(read: pa.Table, expected: Mapping[str, Values]) -> None:
    assert set(read.column_names) == set(expected)
    for name, values in expected.items():
        assert _comparable(read[name].to_pylist()) == _comparable(values), name


@every_form
def test_the_same_values_come_out(form, tmp_path):
    path = tmp_path / form.name

    @settings(max_examples=form.examples)
    @given(table=_tables(form))
    def check(table: Table) -> None:
        path.write_bytes(form.write(table))
        for block_bytes in (None, 1):
            _same(read_table(str(path), form.options, block_bytes), _expected(table, form))

    check()


@pytest.mark.parametrize("form", [form for form in FORMS if not form.is_plain_text], ids=lambda form: form.name)
def test_a_file_that_is_cut_off_gives_one_line_with_its_name(form, tmp_path):
    path = tmp_path / form.name
    table: Table = {"a": ("int", list(range(50))), "b": ("text", [f"x{number}é" for number in range(50)])}
    content = form.write(table)
    for part in range(10):
        path.write_bytes(content[: len(content) * part // 10 + part])
        with pytest.raises(DataError) as caught:
            read_table(str(path), form.options, 64)
        assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


@every_form
def test_memory_stays_bounded_by_blocks(form, tmp_path):
    """A file becomes many blocks where its format allows it; npz archives are read as a whole."""
    path = tmp_path / form.name
    path.write_bytes(form.write({"a": ("int", list(range(60))), "b": ("text", ["xé" * 20] * 60)}))
    blocks = list(format_of(str(path)).blocks(str(path), form.options, 256))
    assert len(blocks) >= (1 if path.suffix == ".npz" else 4)
    assert all(len(block.payload or b"") <= 1024 for block in blocks)

"""What comes out does not depend on where the blocks are cut, whatever stands in which of them."""

import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from files_for_tests import framed
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.table import read_table
from tfx_automl.errors import DataError


def _columns(table: pa.Table) -> dict[str, tuple[str, list[Any]]]:
    """The columns by name, in a form in which NaN equals itself, and -0.0 equals 0.0."""
    values = {
        name: [v + 0.0 if isinstance(v, float) else v for v in table[name].to_pylist()] for name in table.column_names
    }
    return {name: (str(table[name].type), list(map(repr, found))) for name, found in values.items()}


def _read(path: Path, options: ReadOptions | None = None) -> dict[str, list[Any]]:
    """Reads with several sizes of blocks, and returns the values."""
    whole = read_table(str(path), options)
    for block_bytes in (1, 16):
        assert _columns(read_table(str(path), options, block_bytes)) == _columns(whole), block_bytes
    return whole.to_pydict()


# One of each kind of text that a reader may take for something else, and their neighbours.
_TOKENS = [
    *("", "NA", " ? ", "nan", "007", "7", "-0", " 7 ", "0x1F", "+1", "1_000"),
    *("9007199254740993", "9223372036854775807", "9223372036854775808", "00018446744073709551616", "1" * 39),
    *("1.5", "1.0", ".5", "5.", "1e5", "1e400", "inf", "-Infinity"),
    *("true", " true", "FALSE", "T", "yes"),
    *("2020-01-01", " 2020-01-01", "2020-02-30", "2300-01-01", "2020-01-01 12:00", "2020-01-01T12:00:00Z"),
    *("2020-01-01T12:00:00.5", "1969-12-31 23:59:59.999", "2020-01-01 12:00:00+02:00", "12:30", "12:30:05", "24:00"),
    *("abc", "é", '6" pipe', 'a""b', '"quoted"', '"two\nlines"', '"a,b"', '"a"b'),
]


@settings(max_examples=40)
@given(tokens=st.lists(st.sampled_from(_TOKENS), min_size=1, max_size=4))
@pytest.mark.parametrize("missing", [None, ()], ids=["usual", "none"])
def test_delimited_text(tmp_path_factory, missing, tokens):
    path = tmp_path_factory.mktemp("d") / "t.csv"
    path.write_text("a,b\n" + "".join(f"{token},{number}\n" for number, token in enumerate(tokens)), encoding="utf-8")
    _read(path, None if missing is None else ReadOptions(missing=missing))


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (["007", "abc"], ["007", "abc"]),
        (["007", "8"], [7, 8]),
        (["1", "1.5"], [1.0, 1.5]),
        (["9007199254740993", "1.5"], [9007199254740992.0, 1.5]),
        (["9007199254740993", "9223372036854775807"], [9007199254740993, 9223372036854775807]),
        (["7", "18446744073709551615"], ["7", "18446744073709551615"]),  # no digit of a long number is lost
        (["18446744073709551616", "0.5"], [2.0**64, 0.5]),
        (["1" * 39, "0.5"], ["1" * 39, "0.5"]),
        (["true", "1"], ["true", "1"]),
        (["true", " NA ", "FALSE"], [1, None, 0]),
        (["0x1F", "1"], ["0x1F", "1"]),
        (["2020-01-01", "2020-01-01T12:00:00Z", "2020-01-01 12:00:00.5"], [1577836800, 1577880000, 1577880000]),
        (["2300-01-01", "1969-12-31 23:59:59.5"], [10413792000, -1]),
        (["2020-01-01", "soon"], ["2020-01-01", "soon"]),
        (["", "", "12:30"], [None, None, 45000]),
        (["", "x"], [None, "x"]),
        (['6" pipe', '"7"" pipe"', '"two\nlines"'], ['6" pipe', '7" pipe', "two\nlines"]),
        (["inf", "-inf", "1"], [math.inf, -math.inf, 1.0]),
    ],
)
def test_types_that_differ_between_rows_of_delimited_text(tmp_path, tokens, expected):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "".join(f"{token},x\n" for token in tokens), encoding="utf-8")
    assert _read(path)["a"] == expected


@pytest.mark.parametrize(
    ("kind", "tokens", "expected"),
    [
        ("int", ["1.0", "true", "2"], [1, 1, 2]),
        ("float", ["1", "true", "NA"], [1.0, 1.0, None]),
        ("string", ["007", "1.50", "true", "2020-01-01"], ["007", "1.50", "true", "2020-01-01"]),
        ("bytes", ["007", "é"], [b"007", "é".encode()]),
        ("time", ["2020-01-01", "86400", "2020-01-01T00:00:00Z"], [1577836800, 86400, 1577836800]),
        ("list<string>", ["007", "x"], [["007"], ["x"]]),
        ("list<int>", ["007", ""], [[7], None]),
    ],
)
def test_a_given_type_wins(tmp_path, kind, tokens, expected):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "".join(f"{token},x\n" for token in tokens), encoding="utf-8")
    assert _read(path, ReadOptions(types={"a": kind}))["a"] == expected


@settings(max_examples=30)
@given(
    rows=st.lists(
        st.lists(st.sampled_from(["x", "", '"', '""', ",", "\n", "\r\n", '"a\n"']), max_size=4).map("".join),
        min_size=1,
        max_size=4,
    )
)
def test_rows_with_irregular_quotes_are_rejected_or_read_in_the_same_way(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("d") / "t.csv"
    path.write_bytes(("a,b\n" + "".join(f"1,{row}\n" for row in rows) + "2,end\n").encode())
    assert _read(path, ReadOptions(on_bad_row="skip"))["b"][-1] == "end"


_SCALARS = st.sampled_from(
    [None, True, 1, 2**63, 2**70, 1.5, 1e20, math.nan, "x", "", "1", "2020-01-01", "2020-01-01T12:00:00.5Z"]
)
_OBJECTS = st.dictionaries(st.sampled_from("pq"), _SCALARS, max_size=2)
_FULL = st.dictionaries(st.sampled_from("pq"), _SCALARS, min_size=1, max_size=2)
_JSON_VALUES = _SCALARS | _OBJECTS | st.lists(_SCALARS, max_size=2) | st.lists(_FULL, max_size=2)


@settings(max_examples=60)
@given(rows=st.lists(st.dictionaries(st.sampled_from("ab"), _JSON_VALUES, max_size=2), min_size=1, max_size=3))
def test_json_lines(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("d") / "t.jsonl"
    rows = [{"id": 0}, *rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    try:
        _read(path, ReadOptions(on_bad_row="skip"))
    except DataError as error:  # tf.Example cannot hold it, however the blocks are cut
        assert "a list of whole numbers has a missing item" in str(error)
        with pytest.raises(DataError, match="a list of whole numbers has a missing item"):
            read_table(str(path), ReadOptions(on_bad_row="skip"), 1)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (['{"a": 1}', '{"a": "x"}', '{"a": 1.50}'], {"a": ["1", "x", "1.5"]}),
        (['{"a": true}', '{"a": 1}'], {"a": ["true", "1"]}),
        (['{"a": 1}', '{"a": [2, 3]}', "{}"], {"a": [[1], [2, 3], None]}),
        (['{"a": {"b": 1}}', '{"a": null}', '{"a": {"b": 2}}'], {"a.b": [1, None, 2]}),
        (['{"a": {"b": 1}}', '{"a": 5}'], {"a.b": [1, None], "a": [None, 5]}),
        (['{"a": {"b": "2020-01-01"}}', '{"a": {"b": "x"}}'], {"a.b": ["2020-01-01", "x"]}),
        (['{"a": "2020-01-01"}', '{"a": "2020-01-02T00:00:00.5Z"}'], {"a": [1577836800, 1577923200]}),
        (['{"a": [{"x": 1}]}', '{"a": []}', '{"a": [{"y": 2}]}'], {"a.x": [[1], None, None], "a.y": [None, None, [2]]}),
        (['{"a": 1}', "{}", '{"a": null}'], {"a": [1, None, None]}),
        (
            ['{"a": 9007199254740993}', '{"a": 18446744073709551615}'],
            {"a": ["9007199254740993", "18446744073709551615"]},
        ),
        (['{"a": NaN}', '{"a": 1, "d": "2020-01-01"}'], {"a": ["nan", 1.0], "d": [None, 1577836800]}),
    ],
)
def test_types_that_differ_between_json_lines(tmp_path, rows, expected):
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    read = {name: ["nan" if v != v else v for v in values] for name, values in _read(path).items()}
    assert read == expected


def _feature(values: Any) -> bytes:
    from tensorflow.core.example import feature_pb2

    if isinstance(values, float) or (isinstance(values, list) and values and isinstance(values[0], float)):
        kind = "float_list"
    else:
        kind = "bytes_list" if isinstance(values[0] if isinstance(values, list) and values else values, bytes) else ""
    found = feature_pb2.Feature()
    getattr(found, kind or "int64_list").value.extend(values if isinstance(values, list) else [values])
    return found


def _records(*rows: dict[str, Any]) -> list[bytes]:
    from tensorflow.core.example import example_pb2

    examples = []
    for row in rows:
        example = example_pb2.Example()
        for name, values in row.items():
            example.features.feature[name].CopyFrom(_feature(values))
        examples.append(example.SerializeToString())
    return examples


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{"a": 1}, {"a": [2, 3]}, {}], {"a": [[1], [2, 3], None]}),
        ([{"a": 1}, {"a": 1.5}], {"a": [1.0, 1.5]}),
        ([{"a": b"x"}, {"a": 1}], {"a": ["x", "1"]}),
        ([{"a": b"x"}, {"a": b"\xff"}], {"a": [b"x", b"\xff"]}),
        ([{}, {"a": 2**63 - 1}], {"a": [None, 2**63 - 1]}),
        ([{"b": 1}, {"a": [1.0, 2.0]}], {"b": [1, None], "a": [None, [1.0, 2.0]]}),
    ],
)
def test_types_that_differ_between_examples(tmp_path, rows, expected):
    path = tmp_path / "t.tfrecord"
    path.write_bytes(framed(_records(*rows)))
    assert _read(path) == expected

"""Files that are unusual or damaged: read rightly, or refused with one line that says where and how to mend it."""

import csv
import io
import json

import pytest

from files_for_tests import framed, refused, write
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.readers import audit, chunks
from tfx_automl.components.example_gen.table import read_table

SKIP = ReadOptions(on_bad_row="skip")


def test_wide_rows(tmp_path):
    names = [f"c{number}" for number in range(5000)]
    lines = [",".join(names), *(",".join(str(row * number) for number in range(5000)) for row in range(3))]
    read = read_table(write(tmp_path, "\n".join(lines)), None, 30_000)
    assert read.num_columns == 5000 and read["c4999"].to_pylist() == [0, 4999, 9998]


def test_a_long_value(tmp_path):
    long = 'é"\n' * 400_000
    text = io.StringIO()
    csv.writer(text).writerows([["a", "b"], [1, long], [2, "x"]])
    for block_bytes in (None, 1000):
        assert read_table(write(tmp_path, text.getvalue()), None, block_bytes)["b"].to_pylist() == [long.strip(), "x"]
    path = write(tmp_path, "".join(json.dumps({"a": value}) + "\n" for value in (long, "x")), "t.jsonl")
    assert read_table(path, None, 1000)["a"].to_pylist() == [long, "x"]


@pytest.mark.parametrize("quotes", ['"x"', '6" x'], ids=["regular", "irregular"])
def test_zero_bytes_in_a_text(tmp_path, quotes):
    path = write(tmp_path, f"a,b\n1,p\0q\n2\n3,{quotes}\n")
    assert read_table(path, SKIP)["b"].to_pylist() == ["p\0q", quotes.strip('"')]


def test_empty_values_are_missing_unless_no_token_means_that(tmp_path):
    path = write(tmp_path, 'a,b\n1,\n2,""\n3,x\n')
    assert read_table(path)["b"].to_pylist() == [None, None, "x"]
    assert read_table(path, ReadOptions(missing=("-",)))["b"].to_pylist() == ["", "", "x"]
    path = write(tmp_path, '{"a": ""}\n{"a": null}\n{}\n', "t.jsonl")
    assert read_table(path)["a"].to_pylist() == ["", None, None]


def test_rows_in_which_all_values_are_missing_count(tmp_path):
    assert read_table(write(tmp_path, "a\tb\n1\t2\n\t\n\t\n", "t.tsv"), None, 1)["a"].to_pylist() == [1, None, None]
    assert read_table(write(tmp_path, 'a\n1\n" "\n""\n'), None, 1)["a"].to_pylist() == [1, None, None]
    assert read_table(write(tmp_path, '{"a": 1}\n{}\n{}\n', "t.jsonl"), None, 1)["a"].to_pylist() == [1, None, None]


@pytest.mark.parametrize("block_bytes", [None, 1, 64])
@pytest.mark.parametrize("after", ["", '5,"fine"\n', '5,"fine, too"\n6,\'"\'\n'])
def test_a_quote_that_is_never_closed_takes_no_other_rows_with_it(tmp_path, after, block_bytes):
    path = write(tmp_path, "a,b\n" + '1,"two\nlines"\n2,"open\n3,x\n4,y\n' + after)
    assert ", row 3 (line 4): a quote is not closed" in refused(path, None, block_bytes)
    kept = read_table(path, SKIP, block_bytes).to_pydict()
    assert kept["a"][:3] == [1, 3, 4] and kept["b"][:3] == ["two\nlines", "x", "y"]


def test_a_quote_in_the_header_that_is_never_closed(tmp_path):
    assert "row 1: a quote is not closed" in refused(write(tmp_path, 'a,"b\n1,2\n3,4\n'))


def test_a_quote_that_is_not_closed_within_the_longest_row(tmp_path, monkeypatch):
    for module in (audit, chunks):
        monkeypatch.setattr(module, "LONGEST_ROW", 1000)
    path = write(tmp_path, 'a,b\n1,"open\n' + "2,x\n" * 1000)
    assert "row 2 (line 2): a quote is not closed" in refused(path, None, 64)
    assert read_table(path, SKIP, 64).num_rows == 1000


@pytest.mark.parametrize("block_bytes", [None, 8])
def test_old_line_ends(tmp_path, block_bytes):
    path = write(tmp_path, 'a,b\r1,"x\ry"\r2,\r3,"z"\r')
    assert read_table(path, None, block_bytes).to_pydict() == {"a": [1, 2, 3], "b": ["x\ry", None, "z"]}
    path = write(tmp_path, "a,b\r1,x\r2\r3,z\r")
    assert ", row 3 (line 3): 1 columns where 2 are expected" in refused(path, None, block_bytes)
    path = write(tmp_path, '{"a": 1}\r{"a": 2}\r', "t.jsonl")
    assert read_table(path, None, block_bytes)["a"].to_pylist() == [1, 2]


def test_lines_are_counted_in_the_file_after_irregular_quotes(tmp_path):
    path = write(tmp_path, 'a,b\r\n1,6" pipe\r\n\r\n2,"two\r\nlines"\r\n3,7"\r\n4\r\n')
    for block_bytes in (None, 1, 16):
        assert ", row 5 (line 7): 1 columns where 2 are expected" in refused(path, None, block_bytes)


def test_a_byte_order_mark_where_names_are_given(tmp_path):
    for text in ('"x",1\n"y",2\n', 'x,1\n6" y,2\n', "x,1\ny\n"):
        read = read_table(write(tmp_path, "\ufeff" + text), ReadOptions(columns=("a", "b"), on_bad_row="skip"))
        assert read["a"].to_pylist()[0] == "x"


def test_an_encoding_that_is_not_the_right_one(tmp_path):
    assert "not utf-16" in refused(write(tmp_path, b"a\n1\n2"), ReadOptions(encoding="utf-16"))
    assert "not cp1252" in refused(write(tmp_path, b"a\nx\x81\n"), ReadOptions(encoding="cp1252"))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"a": 1', "not JSON (Expecting ',' delimiter"),
        ("[1, 2]", "expected an object, got list"),
        ('{"a": 1} {"a": 2}', "not JSON (Extra data"),
        ('{"a": 1, "a": 2}', "the key 'a' stands there twice"),
        ('{"a": [[1]]}', "column 'a': lists of lists have no place in tf.Example"),
        ('{"a": [{"b": [1]}]}', "column 'a.b': lists of lists have no place"),
        ('{"a": [1, {"b": 1}]}', "column 'a': objects and other values stand in one list"),
        ('{"a.b": 1, "a": {"b": 2}}', "two keys give the column 'a.b'"),
        ('{"a": "x\\ud800"}', "not JSON ('utf-8' codec can't encode character"),
        ('{"a": "x\0"}', "not JSON (Invalid control character"),
        ("[" * 100_000, "not JSON (maximum recursion depth exceeded"),
    ],
    ids=range(11),
)
@pytest.mark.parametrize("block_bytes", [None, 1])
def test_json_lines_that_are_no_rows(tmp_path, line, reason, block_bytes):
    path = write(tmp_path, f'{{"a": 1}}\n\n{line}\n{{"a": 3}}\n', "t.jsonl")
    message = refused(path, None, block_bytes)
    assert message.startswith(f", row 2: {reason}"), message
    assert read_table(path, SKIP, block_bytes)["a"].to_pylist() == [1, 3]


def test_json_that_is_not_utf8(tmp_path):
    path = write(tmp_path, b'{"a": "x"}\n{"a": "\xff"}\n', "t.jsonl")
    assert ", row 2: not JSON ('utf-8' codec can't decode byte 0xff" in refused(path)


def test_an_object_over_several_lines(tmp_path):
    path = write(tmp_path, '{"a":\n1}\n{"a": 2}\n', "t.jsonl")
    for block_bytes in (None, 1):
        assert ", row 1: not JSON" in refused(path, None, block_bytes)


@pytest.mark.parametrize("block_bytes", [None, 1])
def test_records_that_are_no_examples(tmp_path, block_bytes):
    good = b"\x0a\x0d\x0a\x0b\x0a\x01a\x12\x06\x1a\x04\x0a\x02\x01\x02"
    path = write(tmp_path, framed([good, b"nonsense", good]), "t.tfrecord")
    assert ", row 2: not a tf.Example (" in refused(path, None, block_bytes)
    assert read_table(path, SKIP, block_bytes)["a"].to_pylist() == [[1, 2], [1, 2]]


def test_damaged_records(tmp_path):
    content = bytearray(framed([b"x" * 100, b"y" * 100]))
    content[3] ^= 255  # the first record seems to be very long
    assert "not a whole TFRecord file (the checksum of a length" in refused(
        write(tmp_path, bytes(content), "t.tfrecord")
    )
    content = bytearray(framed([b"x" * 100, b"y" * 100]))
    content[150] ^= 255
    assert "the checksum of record 2 is wrong" in refused(write(tmp_path, bytes(content), "t.tfrecord"))


def test_an_uncompressed_file_that_begins_like_gzip(tmp_path):
    text = b"v" * (0x8B1F - 23)
    value = _field(1, _field(1, text))
    record = _field(1, _field(1, _field(1, b"a") + _field(2, value)))
    content = framed([record])
    assert content.startswith(b"\x1f\x8b")
    assert read_table(write(tmp_path, content, "t.tfrecord"))["a"].to_pylist() == [text.decode()]


def _field(number: int, content: bytes) -> bytes:
    size, parts = len(content), bytearray()
    while size > 127:
        parts.append(size & 127 | 128)
        size >>= 7
    return bytes([number << 3 | 2, *parts, size]) + content


def test_a_type_for_a_column_that_does_not_exist(tmp_path):
    assert "a type is given for 'c', but there is no such column; the columns are a, b" in refused(
        write(tmp_path, "a,b\n1,2\n"), ReadOptions(types={"c": "int"})
    )

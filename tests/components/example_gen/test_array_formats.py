"""Values of Arrow and NumPy: each type becomes what tf.Example can hold, without losing a digit, or is refused."""

import zipfile
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from files_for_tests import refused, write
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.table import read_table
from tfx_automl.errors import DataError

SKIP = ReadOptions(on_bad_row="skip")


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([2**64 - 1, 1], pa.uint64()), [str(2**64 - 1), "1"]),
        (pa.array([7, None], pa.uint64()), [7, None]),
        (pa.array([Decimal(2**53 + 1)], pa.decimal128(38, 0)), [2**53 + 1]),
        (pa.array([Decimal(10**37)], pa.decimal128(38, 0)), [str(10**37)]),
        (pa.array([Decimal("2562295.51"), Decimal("0.1")], pa.decimal128(20, 2)), [2562295.51, 0.1]),
        (pa.array([Decimal("-123456789012345678901.51")], pa.decimal128(38, 2)), [-123456789012345678901.51]),
        (pa.array([[1, 2], None], pa.large_list(pa.int8())), [[1, 2], None]),
        (pa.array([[2**64 - 1]], pa.list_(pa.uint64())), [[str(2**64 - 1)]]),
        (pa.array(["é", None], pa.large_string()), ["é", None]),
        (pa.array([b"ab", None], pa.binary(2)), ["ab", None]),
        (pa.array([b"ab", b"\xc3\xa9"]).view(pa.string()), ["ab", "é"]),
        (pa.array([None, None]), [None, None]),
        (pa.array([-86_400_000, 86_400_000], pa.date64()), [-86400, 86400]),
        (pa.array([-1, None], pa.timestamp("ns", "Asia/Tokyo")), [-1, None]),
        (pa.array([3600_000], pa.time32("ms")), [3600]),
        (pa.array([1500], pa.duration("ms")), [1]),
        (pa.array([["a", None]]), [["a", ""]]),
    ],
)
def test_types_of_arrow(tmp_path, column, expected):
    path = tmp_path / "t.feather"
    with pa.ipc.new_file(path, pa.schema([("a", column.type)])) as writer:
        writer.write_batch(pa.record_batch([column], ["a"]))
    read = read_table(str(path))["a"]
    assert [v.decode() if isinstance(v, bytes) else v for v in read.to_pylist()] == expected


def test_text_that_is_not_utf8_becomes_bytes(tmp_path):
    text = pa.array([b"ab", b"\xff", None]).view(pa.string())
    pq.write_table(pa.table({"a": text, "b": pa.ListArray.from_arrays([0, 1, 3, 3], text)}), tmp_path / "t.parquet")
    read = read_table(str(tmp_path / "t.parquet"), None, 1).to_pydict()
    assert read == {"a": [b"ab", b"\xff", None], "b": [[b"ab"], [b"\xff", b""], []]}


def test_nested_types_that_are_sliced_into_blocks(tmp_path):
    pairs = pa.array([[("p", 1)], None, [], [("q", 2), ("r", 3)]], pa.map_(pa.string(), pa.int64()))
    objects = pa.array([[{"x": 1}], None, [{"x": 2}, {"x": 3}], []])
    deep = pa.array([{"s": {"t": [1]}}, {"s": None}, None, {"s": {"t": [2, 3]}}])
    sink = pa.table({"m": pairs, "o": objects, "d": deep})
    pq.write_table(sink, tmp_path / "t.parquet")
    for block_bytes in (None, 1):
        assert read_table(str(tmp_path / "t.parquet"), None, block_bytes).to_pydict() == {
            "m.key": [["p"], None, [], ["q", "r"]],
            "m.value": [[1], None, [], [2, 3]],
            "o.x": [[1], None, [2, 3], []],
            "d.s.t": [[1], None, None, [2, 3]],
        }


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"a": pa.array([[[1]]])}, ": column 'a': lists of lists have no place in tf.Example"),
        ({"a": pa.array([[1, None]])}, ": column 'a': a list of whole numbers has a missing item"),
        ({"a.b": pa.array([1]), "a": pa.array([{"b": 1}])}, ": two columns are called 'a.b'"),
    ],
)
def test_columns_that_have_no_place(tmp_path, columns, reason):
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    assert refused(str(tmp_path / "t.parquet")).startswith(reason)


def test_several_stripes_and_row_groups(tmp_path):
    from pyarrow import orc

    numbers = np.random.default_rng(0).integers(0, 2**62, 200_000)
    orc.write_table(pa.table({"s": pa.array([None] * 200_000, pa.string()), "a": numbers}), tmp_path / "t.orc")
    with open(tmp_path / "t.orc", "rb") as file:
        assert orc.ORCFile(file).nrows == 200_000
    assert np.array_equal(read_table(str(tmp_path / "t.orc"), None, 1 << 19)["a"].to_numpy(), numbers)


_ARRAYS = st.one_of(
    arrays.arrays(st.sampled_from(["<i4", ">i8", "u1", "?", "<f2", ">f4", "f8"]), (3,)),
    arrays.arrays(st.sampled_from(["<i4", "f8", "f2"]), st.sampled_from([(3, 1), (3, 4), (3, 2, 2), (3, 0)])),
)


@settings(max_examples=25)
@given(first=_ARRAYS, second=_ARRAYS)
def test_numpy_archives(tmp_path_factory, first, second):
    path = tmp_path_factory.mktemp("d") / "t.npz"
    np.savez_compressed(path, first=first, second=second)
    read = read_table(str(path))
    for name, array in (("first", first), ("second", second)):
        assert np.array_equal(
            np.array(read[name].to_pylist(), float),
            array.reshape(3, -1).squeeze().astype(float)
            if array.ndim == 1
            else array.reshape(3, array[0].size).astype(float),
            equal_nan=True,
        )


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros(3, complex), "column 'a': arrays of complex128 have no place in tf.Example"),
        (np.zeros(3, [("x", "i4")]), "column 'a': arrays of [('x', '<i4')] have no place"),
        (np.array([{}, {}, {}]), "not readable as npz without pickled objects (Object arrays"),
        (np.array(7), "there are no rows"),
    ],
)
def test_arrays_that_have_no_place(tmp_path, array, reason):
    np.savez(tmp_path / "t.npz", a=array)
    assert reason in refused(str(tmp_path / "t.npz"))


def test_damaged_numpy_archives(tmp_path):
    np.savez_compressed(tmp_path / "t.npz", a=np.arange(1000))
    content = (tmp_path / "t.npz").read_bytes()
    for at in range(20, len(content), 97):
        damaged = bytearray(content)
        damaged[at : at + 8] = b"\xff" * 8
        try:
            read = read_table(write(tmp_path, bytes(damaged), "t.npz"))
            assert read["a"].to_pylist() == list(range(1000))
        except DataError as error:
            assert "t.npz" in str(error) and "\n" not in str(error)
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
        archive.writestr("a.txt", "x")
    assert "there are no rows in it" in refused(str(tmp_path / "t.npz"))

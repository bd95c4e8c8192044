"""What is in a file is what comes out, whatever the values are."""

import csv
import gzip
import math
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_automl.components.example_gen.inspect import inspect
from tfx_automl.components.example_gen.options import DEFAULT_MISSING, ReadOptions
from tfx_automl.components.example_gen.table import read_table
from tfx_automl.errors import ConfigError, DataError

_LETTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp"))
# Spaces around a text are not kept, by design; texts that look like numbers or mean missing have tests of their own.
_TEXTS = st.text(_LETTERS, min_size=1, max_size=12).map(lambda text: f'x{text}\n,"y')
_COLUMNS = st.one_of(
    st.just(("int64", st.integers(-(2**53), 2**53))),
    st.just(("double", st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda x: x + 0.5))),
    st.just(("string", _TEXTS)),
)


@st.composite
def _tables(draw) -> tuple[list[str], list[list[object]]]:
    kinds = draw(st.lists(_COLUMNS, min_size=1, max_size=4))
    rows = draw(st.integers(1, 20))
    columns = []
    for _, values in kinds:
        column = draw(st.lists(st.one_of(st.none(), values), min_size=rows, max_size=rows))
        columns.append([draw(values), *column])  # at least one value, so that the type is known
    return [kind for kind, _ in kinds], columns


@given(table=_tables())
def test_round_trip(table, tmp_path_factory):
    kinds, columns = table
    path = tmp_path_factory.mktemp("data") / "table.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([f"c{number}" for number in range(len(columns))])
        writer.writerows([["" if v is None else v for v in row] for row in zip(*columns, strict=True)])
    read = read_table(str(path), ReadOptions())
    for number, (kind, expected) in enumerate(zip(kinds, columns, strict=True)):
        column = read[f"c{number}"]
        found = column.to_pylist()
        if kind == "double":
            assert [v is None for v in found] == [v is None for v in expected]
            assert all(math.isclose(a, b) for a, b in zip(found, expected, strict=True) if a is not None)
        else:
            assert str(column.type) == kind
            assert found == expected


def test_missing_tokens_with_spaces_around(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1, ?\n ?,x \n NA , y\n,\n", encoding="utf-8")
    table = read_table(str(path), ReadOptions())
    assert table["a"].to_pylist() == [1, None, None, None] or table["a"].to_pylist() == ["1", None, None, None]
    assert table["b"].to_pylist() == [None, "x", "y", None]


def test_own_missing_tokens_replace_the_usual_ones(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\nNA,-9\nx,3\n", encoding="utf-8")
    table = read_table(str(path), ReadOptions(missing=("-9",)))
    assert table["a"].to_pylist() == ["NA", "x"]
    assert table["b"].to_pylist() == [None, 3]


def test_type_is_decided_over_the_whole_file(tmp_path):
    """The first block says integer; much later there is a fraction in one column and a text in another."""
    path = tmp_path / "t.csv"
    lines = ["1234567890123,1234567890123\n"] * 700_000  # more than one block
    path.write_text("a,b\n" + "".join(lines) + "0.5,late\n", encoding="utf-8")
    table = read_table(str(path), ReadOptions())
    assert str(table["a"].type) == "double" and table["a"][-1].as_py() == 0.5
    assert str(table["b"].type) == "string" and table["b"][0].as_py() == "1234567890123"
    assert table["b"][-1].as_py() == "late"


def test_booleans_become_integers(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a\ntrue\nfalse\n\nTrue\n", encoding="utf-8")
    assert read_table(str(path), ReadOptions())["a"].to_pylist() == [1, 0, 1]


def test_gzip_tabs_and_delimiters(tmp_path):
    (tmp_path / "t.tsv.gz").write_bytes(gzip.compress(b"a\tb\n1\tx,y\n"))
    (tmp_path / "t.csv").write_bytes(b"a;b\n1;x,y\n")
    for name, options in (("t.tsv.gz", ReadOptions()), ("t.csv", ReadOptions(delimiter=";"))):
        assert read_table(str(tmp_path / name), options).to_pydict() == {"a": [1], "b": ["x,y"]}


def test_byte_order_mark_and_windows_line_ends(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbfa,b\r\n1,x\r\n")
    assert read_table(str(tmp_path / "t.csv"), ReadOptions()).to_pydict() == {"a": [1], "b": ["x"]}


def test_default_missing_tokens_hold_the_usual_ones():
    assert {"", "NA", "NaN", "?", "null"} <= set(DEFAULT_MISSING)


def _write_idx(folder, images: np.ndarray, labels: np.ndarray) -> str:
    def header(magic: int, *shape: int) -> bytes:
        return struct.pack(f">{1 + len(shape)}i", magic, *shape)

    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(header(2051, *images.shape) + images.tobytes()))
    (folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(header(2049, *labels.shape) + labels.tobytes()))
    return str(path)


def test_idx_images(tmp_path):
    images = np.arange(5 * 3 * 4, dtype=np.uint8).reshape(5, 3, 4)
    table = read_table(_write_idx(tmp_path, images, np.arange(5, dtype=np.uint8)), ReadOptions())
    assert table["image"].to_pylist() == [image.tobytes() for image in images]
    assert table["label"].to_pylist() == [0, 1, 2, 3, 4]
    assert table.slice(0, 1).select(["image/height", "image/width", "image/channels"]).to_pylist() == [
        {"image/height": 3, "image/width": 4, "image/channels": 1}
    ]


def test_idx_that_does_not_fit(tmp_path):
    path = _write_idx(tmp_path, np.zeros((5, 3, 4), np.uint8), np.zeros(4, np.uint8))
    with pytest.raises(DataError, match="5 images, but 4 labels"):
        read_table(path, ReadOptions())


def test_idx_whose_compression_is_damaged(tmp_path):
    path = _write_idx(tmp_path, np.zeros((50, 3, 4), np.uint8), np.zeros(50, np.uint8))
    content = bytearray(Path(path).read_bytes())
    content[12:20] = b"\xff" * 8
    Path(path).write_bytes(content)
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz: not a complete gzip file"):
        read_table(path, ReadOptions())


def test_adult_test_labels_are_mapped_and_said(shared_data):
    columns = (
        "age,workclass,fnlwgt,education,education_num,marital_status,occupation,relationship,race,sex,capital_gain,"
        "capital_loss,hours_per_week,native_country,income"
    )
    options = ReadOptions(columns=tuple(columns.split(",")), label="income")
    found = inspect(str(shared_data("adult-train.csv")), str(shared_data("adult-test.csv")), options, [("sex", "race")])
    assert (found.rows, found.rows_without_label) == (48_842, 0)
    assert (found.task.kind, found.task.classes) == ("binary", ("<=50K", ">50K"))
    assert dict(found.class_counts) == {"<=50K": 24_720, ">50K": 7_841}
    assert "'>50K.' to '>50K'" in found.notes[0]


def test_penguins_are_a_multiclass_task(shared_data):
    found = inspect(str(shared_data("penguins.csv")), None, ReadOptions(label="species"))
    assert (found.task.kind, found.task.classes, found.rows) == ("multiclass", ("0", "1", "2"), 334)


@pytest.mark.parametrize(
    ("values", "kind", "classes"),
    [
        (["true", "false"] * 15, "binary", ("0", "1")),
        (["0", "1"] * 15, "binary", ("0", "1")),
        (["2", "10", "1"] * 10, "multiclass", ("1", "2", "10")),
        (["a", "b", "c"] * 10, "multiclass", ("a", "b", "c")),
        ([str(number) for number in range(30)], "regression", ()),
        ([f"{number}.5" for number in range(3)] * 10, "regression", ()),
        (["1.0", "2.0", "3.0"] * 10, "multiclass", ("1", "2", "3")),
    ],
)
def test_task_is_found(tmp_path, values, kind, classes):
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{n},{value}\n" for n, value in enumerate(values)), encoding="utf-8")
    task = inspect(str(path), None, ReadOptions(label="y")).task
    assert (task.kind, task.classes) == (kind, classes)


def test_positive_value_is_put_last(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{n},{'good' if n % 2 else 'bad'}\n" for n in range(30)), encoding="utf-8")
    assert inspect(str(path), None, ReadOptions(label="y"), positive="bad").task.classes == ("good", "bad")


@pytest.mark.parametrize(
    ("values", "positive", "classes"),
    [
        (["true", "false"], "True", ("0", "1")),
        (["true", "false"], "false", ("1", "0")),
        (["1.0", "2.0"], "1.0", ("2", "1")),
    ],
)
def test_positive_value_may_be_written_as_in_the_file(tmp_path, values, positive, classes):
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{n},{values[n % 2]}\n" for n in range(30)), encoding="utf-8")
    assert inspect(str(path), None, ReadOptions(label="y"), positive=positive).task.classes == classes


def test_rows_without_label_are_counted(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{n},{'ab'[n % 3 : n % 3 + 1]}\n" for n in range(30)), encoding="utf-8")
    found = inspect(str(path), None, ReadOptions(label="y"))
    assert (found.rows, found.rows_without_label) == (30, 10)


def test_rows_that_cannot_fill_the_splits_are_refused_before_anything_is_written(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "1,a\n2,b\n" * 15, encoding="utf-8")
    with pytest.raises(ConfigError, match="30 rows, of which those alike stay together, cannot fill"):
        inspect(str(path), None, ReadOptions(label="y"))


def test_infinite_labels_of_a_regression(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{n},{n}.5\n" for n in range(30)) + "1,inf\n2,-inf\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="2 rows have an infinite label; correct them"):
        inspect(str(path), None, ReadOptions(label="y"))


def test_columns_keep_their_arrow_types(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,c,d\n1,1.5,x,\n", encoding="utf-8")
    table = read_table(str(path), ReadOptions())
    assert table.schema.types == [pa.int64(), pa.float64(), pa.string(), pa.string()]

"""Inputs that once slipped through: each was accepted silently, crashed, or left a stale result in the cache."""

import glob
import gzip
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tfx_automl.components.example_gen.inspect import inspect
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.table import read_table
from tfx_automl.errors import ConfigError, DataError


def _write(folder: Path, content: str | bytes, name: str = "t.csv") -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


@pytest.mark.parametrize("content", ["a,b", "a,b\n", "\n\na,b"])
def test_header_only_with_or_without_a_line_end(tmp_path, content):
    with pytest.raises(DataError, match="there are column names but no rows"):
        read_table(_write(tmp_path, content), ReadOptions())


def test_header_below_empty_lines_is_no_row(tmp_path):
    assert read_table(_write(tmp_path, "\n\na,b\n1,2\n"), ReadOptions()).to_pydict() == {"a": [1], "b": [2]}


def test_late_bytes_that_are_not_utf8(tmp_path):
    content = b"a,b\n" + b"1234567890,x\n" * 1_500_000 + b"2,caf\xe9\n"  # more than one block
    with pytest.raises(DataError, match=r"row 1500002 \(line 1500002\): byte 6 is not UTF-8"):
        read_table(_write(tmp_path, content), ReadOptions())


def test_dates_and_times_become_seconds(tmp_path):
    content = "a,b,c\n2020-01-01,12:30:00,2020-01-01 12:00:00\n1969-12-31,13:30:00,\n"
    read = read_table(_write(tmp_path, content), ReadOptions()).to_pydict()
    assert read == {"a": [1577836800, -86400], "b": [45000, 48600], "c": [1577880000, None]}


def test_missing_tokens_among_spaces_leave_numbers_numbers(tmp_path):
    table = read_table(_write(tmp_path, "a,b\n1,2.5\n  NA , x\n 3,?\n"), ReadOptions())
    assert table.to_pydict() == {"a": [1, None, 3], "b": ["2.5", "x", None]}
    table = read_table(_write(tmp_path, "a,b\n1,2.5\n   NA ,  ? \n"), ReadOptions())
    assert table.to_pydict() == {"a": [1, None], "b": [2.5, None]}


@pytest.mark.parametrize("delimiter", ['"', "\n", "§", "ab", ""])
def test_delimiters_that_cannot_work(delimiter):
    with pytest.raises(ConfigError, match="delimiter: expected a single ASCII character"):
        ReadOptions(delimiter=delimiter)


def test_text_as_target_of_a_regression_in_the_test_file(tmp_path):
    train = _write(tmp_path, "x,y\n" + "".join(f"{i},{i}.5\n" for i in range(30)))
    test = _write(tmp_path, "x,y\n1,abc\n", "test.csv")
    with pytest.raises(
        ConfigError, match=r"test.csv: the column 'y' holds text here, but numbers in the training file; mend one"
    ):
        inspect(train, test, ReadOptions(label="y"))


def _run(folder: Path, *arguments: Any, **keywords: Any) -> tuple[list[str], Any]:
    """Runs ExampleGen under LocalDagRunner; returns the states of all its executions so far, and its last artifact."""
    from ml_metadata.proto import metadata_store_pb2 as mlmd
    from tfx import v1 as tfx
    from tfx.orchestration import metadata

    from tfx_automl.components.example_gen.component import ExampleGen

    connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(folder / "metadata.db"))
    tfx.orchestration.LocalDagRunner().run(
        tfx.dsl.Pipeline(
            pipeline_name="traps",
            pipeline_root=str(folder / "root"),
            components=[ExampleGen(*arguments, **keywords)],
            enable_cache=True,
            metadata_connection_config=connection,
        )
    )
    with metadata.Metadata(connection) as handle:
        states = [mlmd.Execution.State.Name(e.last_known_state) for e in handle.store.get_executions()]
        return states, handle.store.get_artifacts_by_type("Examples")[-1]


def _values(artifact: Any, split: str, feature: str) -> set[Any]:
    import tensorflow as tf

    files = sorted(glob.glob(f"{artifact.uri}/Split-{split}/*.gz"))
    features = [
        tf.train.Example.FromString(record).features.feature[feature]
        for record in tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator()
    ]
    return {value for found in features for value in (*found.int64_list.value, *found.bytes_list.value)}


@pytest.mark.slow
def test_changed_labels_file_of_images_is_not_taken_from_the_cache(tmp_path):
    from tfx_automl.components.example_gen.inputs import input_for

    images = np.arange(90 * 4, dtype=np.uint32).astype(np.uint8).reshape(90, 2, 2)
    header = struct.pack(">4i", 2051, *images.shape)
    path = _write(tmp_path, gzip.compress(header + images.tobytes()), "d/train-images-idx3-ubyte.gz")

    def run(labels: bytes) -> tuple[list[str], Any]:
        _write(tmp_path, gzip.compress(struct.pack(">2i", 2049, 90) + labels), "d/train-labels-idx1-ubyte.gz")
        base, config = input_for(path)
        return _run(tmp_path, base, config, read=ReadOptions(label="label", task="multiclass"))

    _, first = run(bytes(i % 3 for i in range(90)))
    assert _values(first, "train", "label") == {0, 1, 2}
    states, second = run(bytes((i * i) % 7 % 3 + 5 for i in range(90)))  # another length once compressed
    assert states == ["COMPLETE", "COMPLETE"]
    assert _values(second, "train", "label") == {5, 6, 7}


@pytest.mark.slow
def test_task_auto_is_found_for_splits_and_test_labels(tmp_path):
    from tfx_automl.components.example_gen.inputs import input_for

    train = _write(tmp_path, "x,y\n" + "".join(f"{i},{'yes' if i % 10 == 0 else 'no'}\n" for i in range(200)))
    test = _write(tmp_path, "x,y\n" + "".join(f"{i},{'YES.' if i % 2 else 'no.'}\n" for i in range(20)), "test.csv")
    base, config = input_for(train, test)
    _, artifact = _run(tmp_path, base, config, read=ReadOptions(label="y", divide_train=True))
    assert _values(artifact, "test", "y") == {b"yes", b"no"}
    assert _values(artifact, "eval", "y") == {b"yes", b"no"}
    counts = json.loads(artifact.custom_properties["row_counts"].string_value)
    assert counts["splits"] == {"train": 164, "eval": 36, "test": 20}  # 20 and 180 rows, each cut at 70 to 15


@pytest.mark.slow
def test_pattern_characters_in_a_path(tmp_path):
    from tfx_automl.components.example_gen.inputs import input_for

    path = _write(tmp_path, "x,y\n" + "".join(f"{i},{i % 2}\n" for i in range(40)), "a [b] {c}/d*[1].csv")
    base, config = input_for(path)
    options = ReadOptions(label="y", task="binary")
    _run(tmp_path, base, config, read=options)
    with open(path, "a", encoding="utf-8") as file:
        file.write("41,1\n")
    states, artifact = _run(tmp_path, base, config, read=options)
    assert states == ["COMPLETE", "COMPLETE"]
    assert json.loads(artifact.custom_properties["row_counts"].string_value)["read"] == 41

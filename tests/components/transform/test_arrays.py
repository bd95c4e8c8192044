"""The arrays that Transform writes: what is parsed from materialised examples, in the order of the rows."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tfx_automl.errors import DataError
from tfx_automl.models.data import TrainingData, open_data, prepare
from tfx_automl.models.task import TaskSpec
from tfx_automl.models.writing import KINDS

pytestmark = pytest.mark.slow

BINARY = TaskSpec("binary", "label", ("n", "y"))
CLASSES = TaskSpec("multiclass", "label", ("0", "1", "2"))
PIXELS = [bytes([n, 0, 255, 10 * (n % 3), 1, 2]) for n in range(30)]
SIZES = {f"image/{side}": [size] * 30 for side, size in (("height", 2), ("width", 3), ("channels", 1))}


def table(kind: str) -> pa.Table:
    numbers = {
        "x": [None if n % 7 == 3 else n * 0.37 for n in range(30)],
        "count": [n % 5 for n in range(30)],
        "city": [["Bonn", "Köln", None][n % 3] for n in range(30)],
    }
    if kind == "image":
        return pa.table({"image": pa.array(PIXELS, pa.binary()), **SIZES, "label": [str(n % 3) for n in range(30)]})
    label = [1000.5 * n for n in range(30)] if kind == "regression" else ["n", "y", "y"] * 10
    return pa.table({**numbers, "label": label})


def parsed(run: SimpleNamespace, task: TaskSpec, folder: Path) -> TrainingData:
    splits = {
        name: [str(path) for path in (run.folder / f"transformed/Split-{name}").iterdir()] for name in ("train", "eval")
    }
    return prepare(splits, str(run.folder / "graph"), task, folder)


@pytest.mark.parametrize(
    ("kind", "task"), [("binary", BINARY), ("regression", TaskSpec("regression", "label")), ("image", CLASSES)]
)
def test_arrays_are_those_of_materialised_examples(
    transform_tables: Any, tmp_path: Path, kind: str, task: TaskSpec
) -> None:
    run = transform_tables({"train": table(kind), "eval": table(kind).slice(3, 9)}, task, copies=2)
    written, expected = open_data(run.folder / "arrays"), parsed(run, task, tmp_path / "parsed")
    assert (written.inputs, written.task, written.splits) == (expected.inputs, task, ("train", "eval"))
    assert (written.target_mean, written.target_std) == (expected.target_mean, expected.target_std)
    assert written.fingerprint == expected.fingerprint  # so a search goes on, whichever it began with
    for split, rows in (("train", 60), ("eval", 18)):
        for name in KINDS:
            one, other = (getattr(data.split(split), name) for data in (written, expected))
            assert one.dtype == other.dtype and len(one) == rows
            np.testing.assert_array_equal(one, other)


def write_files(folder: Path, tables: list[pa.Table]) -> list[str]:
    from tfx_automl.components.example_gen.writer import TfRecordWriter

    paths = [folder / f"data-{number:05d}.gz" for number in range(len(tables))]
    for path, rows in zip(paths, tables, strict=True):
        with TfRecordWriter(path) as writer:
            writer.write(rows)
    return [str(path) for path in paths]


@pytest.fixture(scope="module")
def numbers(transform_tables: Any) -> SimpleNamespace:
    rows = pa.table({"x": [float(n) for n in range(100)], "label": [float(n) for n in range(100)]})
    return transform_tables({"train": rows}, TaskSpec("regression", "label"))


def test_rows_keep_the_order_of_files_and_rows(
    numbers: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tfx_automl.components.transform import arrays

    monkeypatch.setattr(arrays, "rows_per_batch", lambda records: 7)
    values = np.random.default_rng(0).permutation(500).astype(float)
    parts = [pa.table({"x": part, "label": part}) for part in np.split(values, [3, 4, 250, 499])]
    files = {"train": write_files(tmp_path, parts)}
    arrays.write_arrays(files, str(numbers.folder / "graph"), TaskSpec("regression", "label"), tmp_path / "arrays")
    train = open_data(tmp_path / "arrays").split("train")
    assert train.label.tolist() == values.tolist()
    assert train.numeric[:, 0].argsort().tolist() == values.argsort().tolist()


def test_attempt_that_was_cut_off_leaves_nothing_behind(numbers: SimpleNamespace, tmp_path: Path) -> None:
    from tfx_automl.components.transform.arrays import write_arrays

    (tmp_path / "arrays/train").mkdir(parents=True)
    (tmp_path / "arrays/train/label.npy").write_bytes(b"half")
    files = {"train": write_files(tmp_path, [pa.table({"x": [1.0, 2.0], "label": [5.0, 6.0]})])}
    write_arrays(files, str(numbers.folder / "graph"), TaskSpec("regression", "label"), tmp_path / "arrays")
    assert open_data(tmp_path / "arrays").split("train").label.tolist() == [5.0, 6.0]


def test_rows_that_the_graph_loses_are_noticed() -> None:
    from tfx_automl.components.transform.arrays import _check_rows

    with pytest.raises(DataError, match=r"Of 3 examples, .* rows of another number: {'label': 2}"):
        _check_rows([np.zeros((3, 0))] * 3 + [np.zeros(2)], 3)


def test_fewer_rows_than_were_ingested_are_noticed(numbers: SimpleNamespace) -> None:
    from tfx_automl.components.transform.executor import _declared_rows, check_rows

    examples = numbers.inputs["examples"]
    assert _declared_rows(examples, ["train"]) == {}
    declared = type(examples[0])()
    declared.set_string_custom_property("row_counts", '{"splits": {"train": 101, "eval": 7}}')
    with pytest.raises(DataError, match="got 101 rows in the split 'train', but wrote 100 to training_data"):
        check_rows(_declared_rows([declared], ["train"]), {"train": 100}, "training_data")


@pytest.mark.parametrize("other", [b"12345", b"1234567"])
def test_images_of_several_sizes_are_refused(transform_tables: Any, other: bytes) -> None:
    pixels = pa.array([*PIXELS[:-1], other], pa.binary())
    rows = pa.table({"image": pixels, **SIZES, "label": [str(n % 3) for n in range(30)]})
    with pytest.raises(DataError, match=f"Images of 6 bytes were expected.*got one of {len(other)}. Bring them"):
        transform_tables({"train": rows}, CLASSES)

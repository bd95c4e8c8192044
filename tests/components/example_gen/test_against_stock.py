"""Our ExampleGen beside TFX's own, on real data: the same examples, feature by feature."""

from collections import Counter
from pathlib import Path

import pytest

from tfx_automl.components.example_gen.options import ReadOptions

pytestmark = pytest.mark.slow


def _examples(folder: Path) -> Counter:
    """Returns every example as a sorted tuple of its features, counted."""
    import tensorflow as tf

    files = sorted(str(path) for path in folder.glob("root/*/examples/*/Split-*/*"))
    assert files
    found: Counter = Counter()
    for record in tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator():
        features = tf.train.Example.FromString(record).features.feature
        found[tuple(sorted((name, _value(feature)) for name, feature in features.items() if _value(feature)))] += 1
    return found


def _value(feature) -> tuple:
    kind = feature.WhichOneof("kind")
    return (kind, *getattr(feature, kind).value) if kind and getattr(feature, kind).value else ()


def _run(folder: Path, component) -> Counter:
    from tfx import v1 as tfx

    tfx.orchestration.LocalDagRunner().run(
        tfx.dsl.Pipeline(
            pipeline_name="one",
            pipeline_root=str(folder / "root"),
            components=[component],
            metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
                str(folder / "metadata.db")
            ),
        )
    )
    return _examples(folder)


def test_taxi_examples_are_those_of_csv_example_gen(shared_data, tmp_path):
    from tfx import v1 as tfx

    from tfx_automl.components import ExampleGen

    data = tmp_path / "data"
    data.mkdir()
    (data / "taxi.csv").symlink_to(shared_data("chicago-taxi.csv"))
    stock = _run(tmp_path / "stock", tfx.components.CsvExampleGen(input_base=str(data)))
    # Stock knows only the empty text as missing.
    ours = _run(tmp_path / "ours", ExampleGen(input_base=str(data), read=ReadOptions(missing=("",))))
    assert ours == stock
    assert sum(ours.values()) == 15_002


def _without_zeros(examples: Counter) -> Counter:
    found: Counter = Counter()
    for example, count in examples.items():
        found[tuple((name, value) for name, value in example if value[1] != 0)] += count
    return found


def test_income_examples_are_those_of_the_parquet_executor_and_its_zeros(shared_data, tmp_path):
    """TFX's Parquet executor loses every zero: it takes any value that Python calls false for a missing one."""
    import pyarrow.parquet as pq
    from tfx.components.example_gen.component import FileBasedExampleGen
    from tfx.components.example_gen.custom_executors import parquet_executor
    from tfx.dsl.components.base import executor_spec

    from tfx_automl.components import ExampleGen

    data = tmp_path / "data"
    data.mkdir()
    pq.write_table(pq.read_table(shared_data("acs-income.parquet")).slice(0, 5_000), data / "income.parquet")
    executor = executor_spec.BeamExecutorSpec(parquet_executor.Executor)
    stock = _run(tmp_path / "stock", FileBasedExampleGen(input_base=str(data), custom_executor_spec=executor))
    ours = _run(tmp_path / "ours", ExampleGen(input_base=str(data)))
    assert _without_zeros(ours) == stock
    assert ours != stock
    assert sum(ours.values()) == 5_000

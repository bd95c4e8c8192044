"""A small run of the demo, and the comparison of all that two runs make."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_data_validation as tfdv
from equality_for_tests import assert_equal
from google.protobuf import json_format, text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tfx_automl.pipelines.datasets import demo_config
from tfx_automl.pipelines.finished import FinishedRun
from tfx_automl.pipelines.job import run_job

SPLITS = ("train", "eval", "test")
SMALL = {"families": "linear", "algorithm": "random", "max_trials": 2, "max_epochs": 1, "folds": 1, "workers": 2}
SMALL |= {"replicates": 50, "materialize": "yes"}
SAME = ("task", "label", "notes", "rows", "anomalies", "features", "best_hyperparameters", "blessed")
ABOUT_THE_SAME = ("test_metrics", "baseline_metrics", "slices", "gaps", "gap_intervals", "worst_slice")


def run_small_demo(output: Path, **options: Any) -> FinishedRun:
    """Runs the demo with few and short trials."""
    run_job(demo_config("diabetes", None, {**SMALL, "output": str(output), **options}))
    return FinishedRun.at(str(output))


def assert_same_results(found: FinishedRun, expected: FinishedRun) -> None:
    """Rows, statistics, schema, what the transform graph makes, arrays, trials, metrics and verdict are the same."""
    for key in SAME:
        assert found.summary[key] == expected.summary[key], key
    for key in ABOUT_THE_SAME:
        assert_equal(found.summary[key], expected.summary[key], key)
    assert _trainer(found) == _trainer(expected)
    assert found.summary["reasons"] == expected.summary["reasons"]
    _assert_same_trials(found, expected)
    _assert_same_data(found, expected)
    _assert_same_statistics(found, expected)


def _trainer(run: FinishedRun) -> dict[str, Any]:
    """What the model card says, less the size of the files, which hold the name of their folder."""
    card = run.summary["trainer"]
    return {**card, "sizes": {name: size for name, size in card["sizes"].items() if name != "saved_model_bytes"}}


def _assert_same_trials(found: FinishedRun, expected: FinishedRun) -> None:
    one, other = (
        [(trial["values"], trial["score"], trial["epochs"]) for trial in run.summary["trials"]["table"]]
        for run in (found, expected)
    )
    assert one == other
    assert found.summary["trials"]["ranking"] == expected.summary["trials"]["ranking"]


def _assert_same_data(found: FinishedRun, expected: FinishedRun) -> None:
    """Raw rows, what the transform graph makes of them on Beam, and the arrays that models train on."""
    for component, key in (("ExampleGen", "examples"), ("Transform", "transformed_examples")):
        for split in SPLITS:
            one, other = (_records(run.artifact(component, key) / f"Split-{split}") for run in (found, expected))
            assert len(other) > 0 and one == other, (component, split)
    folders = [run.artifact("Transform", "training_data") for run in (found, expected)]
    names = [sorted(str(path.relative_to(folder)) for path in folder.rglob("*.npy")) for folder in folders]
    assert names[0] == names[1] != []
    for name in names[0]:
        np.testing.assert_array_equal(*(np.load(folder / name) for folder in folders))


def _records(folder: Path) -> list[tf.train.Example]:
    """The rows in order; as bytes they differ from process to process, in the order of their columns."""
    files = sorted(str(path) for path in folder.iterdir())
    return list(map(tf.train.Example.FromString, tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()))


def _assert_same_statistics(found: FinishedRun, expected: FinishedRun) -> None:
    for split in SPLITS:
        one, other = (
            tfdv.load_stats_binary(str(run.artifact("StatisticsGen", "statistics") / f"Split-{split}/FeatureStats.pb"))
            for run in (found, expected)
        )
        assert one.datasets[0].num_examples == other.datasets[0].num_examples > 0
        parts = [sorted(stats.datasets[0].features, key=lambda f: str(f.path)) for stats in (one, other)]
        for feature, reference in zip(*parts, strict=True):
            one, other = (json_format.MessageToDict(message) for message in (feature, reference))
            assert_equal(one, other, f"{split} {reference.path}")
    one, other = (_schema(run) for run in (found, expected))
    assert one == other


def _schema(run: FinishedRun) -> dict[str, Any]:
    """The schema; in which order statistics come, and so columns in the schema, Beam leaves open."""
    text = (run.artifact("SchemaGen", "schema") / "schema.pbtxt").read_text(encoding="utf-8")
    schema: dict[str, Any] = json_format.MessageToDict(text_format.Parse(text, schema_pb2.Schema()))
    for key in ("feature", "stringDomain"):
        schema[key] = sorted(schema[key], key=lambda entry: entry["name"])
    return schema

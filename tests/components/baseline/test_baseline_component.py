"""The Baseline as a component: construct, Do() with values checked against scikit-learn, and a pipeline."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.linear_model as linear
import sklearn.metrics as sk

from tfx_automl.errors import ModelError
from tfx_automl.models.task import TaskSpec

ROWS = {"train": 200, "eval": 60, "test": 80}
TASKS = {
    "binary": TaskSpec("binary", "y", ("no", "yes")),
    "multiclass": TaskSpec("multiclass", "y", ("a", "b", "c")),
    "regression": TaskSpec("regression", "y"),
}
Columns = dict[str, dict[str, np.ndarray]]


def columns(kind: str) -> Columns:
    rng = np.random.default_rng(5)
    made: Columns = {}
    for split, rows in ROWS.items():
        x = rng.normal(size=rows).astype(np.float32)
        noisy = x + rng.normal(0, 0.5, rows)
        edges = {"binary": [0.0], "multiclass": [-0.6, 0.6]}.get(kind)
        label = np.digitize(noisy, edges).astype(np.int64) if edges else noisy.astype(np.float32)
        made[split] = {"x_xf": x, "y_xf": label}
    return made


@pytest.fixture
def inputs(tmp_path: Path) -> Callable[..., dict[str, list[Any]]]:
    """A function from a task kind to transformed examples with one numeric feature, and their transform graph."""
    import tensorflow as tf
    from tensorflow_metadata.proto.v0 import schema_pb2
    from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io
    from tfx.types import standard_artifacts

    def make(kind: str, splits: tuple[str, ...] = ("train", "eval", "test")) -> dict[str, list[Any]]:
        examples = standard_artifacts.Examples()
        examples.uri, examples.split_names = str(tmp_path / "examples"), json.dumps(splits)
        for split in splits:
            path = tmp_path / "examples" / f"Split-{split}" / "data-00000-of-00001.gz"
            path.parent.mkdir(parents=True)
            values = columns(kind)[split]
            with tf.io.TFRecordWriter(str(path), options="GZIP") as writer:
                for row in zip(*values.values(), strict=True):
                    example = tf.train.Example()
                    for name, value in zip(values, row, strict=True):
                        feature = example.features.feature[name]
                        chosen = feature.int64_list if value.dtype == np.int64 else feature.float_list
                        chosen.value.append(value.item())
                    writer.write(example.SerializeToString())
        schema = schema_pb2.Schema()
        for name, values in columns(kind)["train"].items():
            type_ = schema_pb2.INT if values.dtype == np.int64 else schema_pb2.FLOAT
            feature = schema.feature.add(name=name, type=type_)
            feature.presence.min_fraction = 1.0
            feature.shape.SetInParent()
        graph = standard_artifacts.TransformGraph()
        graph.uri = str(tmp_path / "graph")
        metadata_io.write_metadata(
            dataset_metadata.DatasetMetadata(schema), str(tmp_path / "graph" / "transformed_metadata")
        )
        return {"examples": [examples], "transform_graph": [graph]}

    return make


def run(inputs: dict[str, list[Any]], task: TaskSpec, folder: Path, **properties: Any) -> dict[str, Any]:
    from tfx_automl.components.baseline.executor import Executor
    from tfx_automl.components.types import BaselineMetrics

    output = BaselineMetrics()
    output.uri = str(folder / "baseline")
    Executor().Do(inputs, {"baseline": [output]}, {"task": task.to_json(), "seed": 0, **properties})
    return json.loads((folder / "baseline" / "baseline.json").read_text())


def test_construct() -> None:
    from tfx.types import channel_utils, standard_artifacts

    from tfx_automl.components import Baseline

    component = Baseline(
        channel_utils.as_channel([standard_artifacts.Examples()]),
        channel_utils.as_channel([standard_artifacts.TransformGraph()]),
        task=TASKS["binary"],
        seed=3,
        split="eval",
    )
    assert {name: channel.type_name for name, channel in component.outputs.items()} == {"baseline": "BaselineMetrics"}
    assert component.exec_properties == {"task": TASKS["binary"].to_json(), "seed": 3, "split": "eval"}


@pytest.mark.slow
class TestDo:
    def test_binary(self, inputs: Any, tmp_path: Path) -> None:
        found = run(inputs("binary"), TASKS["binary"], tmp_path)
        made = columns("binary")
        label = made["test"]["y_xf"]
        assert found["majority"]["auc"] == 0.5
        most = np.bincount(made["train"]["y_xf"]).argmax()
        assert found["majority"]["accuracy"] == pytest.approx((label == most).mean())
        assert found["majority"]["tpr"] == most
        model = linear.LogisticRegression().fit(made["train"]["x_xf"][:, None], made["train"]["y_xf"])
        expected = sk.roc_auc_score(label, model.predict_proba(made["test"]["x_xf"][:, None])[:, 1])
        assert found["logistic_regression"]["auc"] == pytest.approx(expected, abs=1e-6)
        assert (found["rows_used"], found["split"]) == (ROWS["train"], "test")

    def test_multiclass(self, inputs: Any, tmp_path: Path) -> None:
        found = run(inputs("multiclass"), TASKS["multiclass"], tmp_path)
        label = columns("multiclass")["test"]["y_xf"]
        most = np.bincount(columns("multiclass")["train"]["y_xf"]).argmax()
        assert found["majority"]["accuracy"] == pytest.approx((label == most).mean())
        assert found["logistic_regression"]["accuracy"] > 0.6

    def test_regression_without_test_split(self, inputs: Any, tmp_path: Path) -> None:
        found = run(inputs("regression", ("train", "eval")), TASKS["regression"], tmp_path)
        made = columns("regression")
        label = made["eval"]["y_xf"]
        error = np.sqrt(np.mean((label - made["train"]["y_xf"].mean()) ** 2))
        assert found["mean"]["rmse"] == pytest.approx(error, rel=1e-5)
        assert found["ridge_regression"]["rmse"] < 0.7 * error
        assert found["split"] == "eval"

    def test_split_can_be_chosen(self, inputs: Any, tmp_path: Path) -> None:
        made = inputs("binary")
        found = run(made, TASKS["binary"], tmp_path, split="eval")
        most = np.bincount(columns("binary")["train"]["y_xf"]).argmax()
        expected = (columns("binary")["eval"]["y_xf"] == most).mean()
        assert (found["split"], found["majority"]["accuracy"]) == ("eval", pytest.approx(expected))
        with pytest.raises(ModelError, match="no split 'validation'; the examples have train, eval, test"):
            run(made, TASKS["binary"], tmp_path, split="validation")

    def test_examples_without_train_split(self, inputs: Any, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="no split train; they have eval"):
            run(inputs("binary", ("eval",)), TASKS["binary"], tmp_path)


@pytest.mark.slow
def test_pipeline_with_importers(inputs: Any, tmp_path: Path) -> None:
    from tfx import v1 as tfx

    from tfx_automl.components import Baseline

    made = inputs("binary")
    examples = tfx.dsl.Importer(
        made["examples"][0].uri,
        tfx.types.standard_artifacts.Examples,
        properties={"split_names": made["examples"][0].split_names},
    ).with_id("examples")
    graph = tfx.dsl.Importer(made["transform_graph"][0].uri, tfx.types.standard_artifacts.TransformGraph)
    graph = graph.with_id("graph")
    baseline = Baseline(examples.outputs["result"], graph.outputs["result"], task=TASKS["binary"])
    connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.db"))
    tfx.orchestration.LocalDagRunner().run(
        tfx.dsl.Pipeline(
            pipeline_name="baseline",
            pipeline_root=str(tmp_path / "root"),
            components=[examples, graph, baseline],
            metadata_connection_config=connection,
        )
    )
    (written,) = tmp_path.glob("root/Baseline/baseline/*/baseline.json")
    assert json.loads(written.read_text())["majority"]["auc"] == 0.5

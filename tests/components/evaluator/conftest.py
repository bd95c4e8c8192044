"""A small model whose predictions are chosen by the test, and the examples to evaluate it on."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tfx_automl.models.task import TaskSpec

PIPELINE_ARGUMENTS = ["--direct_running_mode=in_memory", "--direct_num_workers=1"]
CLASSES = {"binary": ("no", "yes"), "multiclass": ("red", "green", "blue"), "regression": ()}


@pytest.fixture(scope="session")
def write_examples() -> Callable[..., Any]:
    """A function that writes columns (None is a missing value) as one split of a standard Examples artifact."""
    import tensorflow as tf
    from tfx.types import standard_artifacts

    def feature(value: Any) -> Any:
        if isinstance(value, str):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
        if isinstance(value, (int, np.integer)):
            return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))

    def write(folder: Path, columns: Mapping[str, list[Any]], split: str = "test") -> Any:
        path = folder / f"Split-{split}" / "data_tfrecord-00000-of-00001.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        with tf.io.TFRecordWriter(str(path), options="GZIP") as writer:
            for row in zip(*columns.values(), strict=True):
                values = {name: feature(value) for name, value in zip(columns, row, strict=True) if value is not None}
                writer.write(tf.train.Example(features=tf.train.Features(feature=values)).SerializeToString())
        examples = standard_artifacts.Examples()
        examples.uri = str(folder)
        examples.split_names = f'["{split}"]'
        return examples

    return write


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """A function from a task kind to a Model artifact that predicts the features `score` (or `score0` and so on).

    With a prefix it predicts those with the prefix.
    """
    import tensorflow as tf
    from tfx.types import standard_artifacts

    def export(kind: str, prefix: str) -> str:
        folder = str(tmp_path_factory.mktemp(f"model-{kind}") / "Format-Serving")
        classes = tf.constant(CLASSES[kind] or ("",))
        scores = [prefix + name for name in (["score0", "score1", "score2"] if kind == "multiclass" else ["score"])]
        spec = {name: tf.io.FixedLenFeature([], tf.float32) for name in scores}
        label_type = tf.float32 if kind == "regression" else tf.string
        spec["target"] = tf.io.FixedLenFeature([], label_type)
        module = tf.Module()

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def serving_default(examples):
            parsed = tf.io.parse_example(examples, spec)
            values = tf.stack([parsed[name] for name in scores], axis=1)
            if kind == "regression":
                return {"predictions": values}
            chosen = tf.argmax(values, axis=1) if kind == "multiclass" else tf.cast(values[:, 0] >= 0.5, tf.int64)
            return {"probabilities": values, "classes": tf.gather(classes, chosen)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def transform_features(examples):
            label = tf.io.parse_example(examples, spec)["target"]
            if kind != "regression":
                matches = tf.equal(label[:, None], classes[None, :])
                known = tf.reduce_any(matches, axis=1)
                label = tf.where(known, tf.argmax(tf.cast(matches, tf.int64), axis=1), -1)
            return {"target_xf": label, "unused_xf": tf.zeros([tf.size(examples), 4])}

        signatures = {"serving_default": serving_default, "transform_features": transform_features}
        tf.saved_model.save(module, folder, signatures=signatures)
        return str(Path(folder).parent)

    uris: dict[tuple[str, str], str] = {}

    def make(kind: str, prefix: str = "") -> Any:
        if (kind, prefix) not in uris:
            uris[kind, prefix] = export(kind, prefix)
        model = standard_artifacts.Model()
        model.uri = uris[kind, prefix]
        return model

    return make


@pytest.fixture(scope="session")
def make_task() -> Callable[[str], TaskSpec]:
    """A function from a task kind to the task that the columns and the model are for."""
    return lambda kind: TaskSpec(kind, "target", CLASSES[kind])  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def make_columns() -> Callable[..., dict[str, list[Any]]]:
    """A function from a task kind to random columns: target, score(s), sex, age_group, race, age; two have gaps."""

    def make(kind: str, rows: int = 400, seed: int = 0) -> dict[str, list[Any]]:
        rng = np.random.default_rng(seed)
        columns: dict[str, list[Any]] = {
            "sex": rng.choice(["Female", "Male"], rows).tolist(),
            "age_group": rng.choice([20, 40, 60], rows, p=[0.5, 0.45, 0.05]).tolist(),
            "race": [None if draw < 0.05 else "<script>" if draw < 0.4 else "B" for draw in rng.random(rows)],
        }
        ages = np.random.default_rng(seed + 1).uniform(18, 90, rows).astype(np.float32)
        columns["age"] = [None if draw > 88 else draw for draw in ages.tolist()]
        shift = np.where(np.array(columns["sex"]) == "Male", 0.15, 0.0)
        if kind == "regression":
            target = rng.normal(10, 3, rows)
            columns["target"] = target.astype(np.float32).tolist()
            columns["score"] = (target + shift + rng.normal(0, 1, rows)).astype(np.float32).tolist()
        elif kind == "binary":
            positive = rng.random(rows) < 0.4 + shift
            score = np.clip(0.35 * positive + shift + rng.random(rows) * 0.6, 0, 1).round(2)
            columns["target"] = np.where(positive, "yes", "no").tolist()
            columns["score"] = score.astype(np.float32).tolist()
        else:
            index = rng.integers(0, 3, rows)
            scores = rng.dirichlet([1, 1, 1], rows) + 0.7 * np.eye(3)[index]
            columns["target"] = np.array(CLASSES[kind])[index].tolist()
            for position, values in enumerate((scores / scores.sum(axis=1, keepdims=True)).astype(np.float32).T):
                columns[f"score{position}"] = values.tolist()
        return columns

    return make


@pytest.fixture(scope="session")
def evaluate(
    tmp_path_factory: pytest.TempPathFactory, write_examples: Any, make_model: Any, make_task: Any
) -> Callable[..., SimpleNamespace]:
    """A function that runs Do() on columns and returns the folders, the report and the blessing artifact."""
    from tfx.types import standard_artifacts

    from tfx_automl.components.evaluator.executor import Executor
    from tfx_automl.components.evaluator.options import EvaluatorOptions
    from tfx_automl.components.types import BaselineMetrics, FairnessReport

    def run(
        kind: str,
        columns: dict[str, list[Any]],
        baseline: Any = None,
        other: Any = None,
        schema: str | None = None,
        model: Any = None,
        **options: Any,
    ) -> SimpleNamespace:
        folder = tmp_path_factory.mktemp("evaluate")
        inputs = {"examples": [write_examples(folder / "examples", columns)], "model": [model or make_model(kind)]}
        if baseline:
            inputs["baseline"] = [BaselineMetrics()]
            inputs["baseline"][0].uri = str(folder / "baseline")
            (folder / "baseline").mkdir()
            (folder / "baseline" / "baseline.json").write_text(json.dumps(baseline))
        if other:
            inputs["baseline_model"] = [other]
        if schema is not None:
            inputs["schema"] = [standard_artifacts.Schema()]
            inputs["schema"][0].uri = str(folder / "schema")
            (folder / "schema").mkdir()
            (folder / "schema" / "schema.pbtxt").write_text(schema)
        types = {
            "evaluation": standard_artifacts.ModelEvaluation,
            "blessing": standard_artifacts.ModelBlessing,
            "fairness_report": FairnessReport,
        }
        outputs = {name: [artifact()] for name, artifact in types.items()}
        for name, artifacts in outputs.items():
            artifacts[0].uri = str(folder / name)
        chosen = EvaluatorOptions(make_task(kind), **options)
        context = Executor.Context(beam_pipeline_args=PIPELINE_ARGUMENTS, tmp_dir=str(folder), unique_id="1")
        Executor(context).Do(inputs, outputs, chosen.to_properties())
        report = json.loads((folder / "fairness_report" / "report.json").read_text())
        return SimpleNamespace(folder=folder, report=report, blessing=outputs["blessing"][0], model=inputs["model"][0])

    return run

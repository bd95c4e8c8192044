"""Runs the executor of Transform on a table, with real statistics and a real schema in front."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from tfx_automl.models.task import TaskSpec


def _statistics(folder: Path, split: str, options: Any) -> Any:
    import tensorflow_data_validation as tfdv

    source = str(folder / f"examples/Split-{split}/*")
    statistics = tfdv.generate_statistics_from_tfrecord(source, stats_options=options)
    target = folder / f"statistics/Split-{split}/FeatureStats.pb"
    target.parent.mkdir(parents=True)
    target.write_bytes(statistics.SerializeToString())
    return statistics


def _artifacts(folder: Path, splits: list[str]) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    from tfx.types import standard_artifacts

    from tfx_automl.components.types import FeaturePlan, TrainingArrays

    def artifact(kind: Any, name: str) -> list[Any]:
        made = kind()
        made.uri = str(folder / name)
        if kind in (standard_artifacts.Examples, standard_artifacts.ExampleStatistics):
            made.split_names = json.dumps(splits)
        return [made]

    inputs = {
        "examples": artifact(standard_artifacts.Examples, "examples"),
        "statistics": artifact(standard_artifacts.ExampleStatistics, "statistics"),
        "schema": artifact(standard_artifacts.Schema, "schema"),
    }
    outputs = {
        "transform_graph": artifact(standard_artifacts.TransformGraph, "graph"),
        "transformed_examples": artifact(standard_artifacts.Examples, "transformed"),
        "training_data": artifact(TrainingArrays, "arrays"),
        "feature_plan": artifact(FeaturePlan, "plan"),
    }
    return inputs, outputs


def _read(folder: Path, output: Any) -> dict[str, dict[str, Any]]:
    """Returns, by split, the transformed features as arrays of one value per row."""
    import tensorflow as tf

    values = {}
    for split in folder.glob("transformed/Split-*"):
        records = tf.data.TFRecordDataset([str(path) for path in sorted(split.iterdir())], "GZIP")
        serialized = list(records.as_numpy_iterator())
        parsed = tf.io.parse_example(serialized, output.transformed_feature_spec())
        values[split.name.removeprefix("Split-")] = {name: tensor.numpy() for name, tensor in parsed.items()}
    return values


@pytest.fixture(scope="session")
def transform_tables(tmp_path_factory) -> Callable[..., SimpleNamespace]:
    """A function that writes tables as examples, in files with the same rows, and runs `Do` on them.

    Returns the folder, the input and output artifacts, the plan, the transformed arrays by split, and the
    `TFTransformOutput`.
    """

    def run(
        tables: Mapping[str, pa.Table],
        task: TaskSpec,
        *,
        change_schema: Callable[[Any], None] = lambda schema: None,
        stats_options: Any = None,
        fixed_shapes: bool = False,
        copies: int = 1,
        moments: Sequence[str] = (),
        **properties: Any,
    ) -> SimpleNamespace:
        import tensorflow_data_validation as tfdv
        import tensorflow_transform as tft
        from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor

        from tfx_automl.components.example_gen.writer import TfRecordWriter
        from tfx_automl.components.transform.executor import Executor
        from tfx_automl.components.transform.plan import FeaturePlan

        folder = tmp_path_factory.mktemp("transform")
        for split, table in tables.items():
            target = folder / f"examples/Split-{split}"
            target.mkdir(parents=True)
            with TfRecordWriter(target / "data_tfrecord-00000-of-00001.gz") as writer:
                writer.write(table)
            for number in range(1, copies):
                shutil.copy(next(target.iterdir()), target / f"more-{number}.gz")
        options = stats_options or tfdv.StatsOptions()
        schema = tfdv.infer_schema(_statistics(folder, "train", options), infer_feature_shape=fixed_shapes)
        change_schema(schema)
        (folder / "schema").mkdir()
        tfdv.write_schema_text(schema, str(folder / "schema/schema.pbtxt"))
        inputs, outputs = _artifacts(folder, list(tables))
        inputs["examples"][0].set_string_custom_property("moments", json.dumps(list(moments)))
        properties = {"exclude": "[]", "disable_statistics": 1, "force_tf_compat_v1": 0, **properties}
        context = BaseBeamExecutor.Context(beam_pipeline_args=[], tmp_dir=str(folder / "tmp"), unique_id="1")
        Executor(context).Do(inputs, outputs, {"task": task.to_json(), **properties})
        output = tft.TFTransformOutput(str(folder / "graph"))
        plan = FeaturePlan.from_json((folder / "plan/feature_plan.json").read_text(encoding="utf-8"))
        return SimpleNamespace(
            folder=folder,
            inputs=inputs,
            outputs=outputs,
            plan={decision.name: decision for decision in plan.decisions},
            values=_read(folder, output),
            graph=output,
            domains={f.name: f.int_domain for f in output.transformed_metadata.schema.feature},
        )

    return run

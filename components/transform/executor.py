"""The executor of Transform: plans, lets the stock executor make the graph, and transforms the examples with it."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import apache_beam as beam
import tensorflow as tf
import tensorflow_data_validation as tfdv
from tensorflow_transform.tf_metadata import schema_utils
from tfx import types
from tfx.components.transform import executor as stock
from tfx.components.transform import executor_utils
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.utils import io_utils, json_utils

from tfx_automl import console
from tfx_automl.components.transform.arrays import write_arrays
from tfx_automl.components.transform.materialise import TransformFile
from tfx_automl.components.transform.moments import exact_moments
from tfx_automl.components.transform.plan import FILE, FeaturePlan
from tfx_automl.components.transform.planner import plan_features
from tfx_automl.components.transform.preprocessing import PLAN_KEY, preprocessing_fn
from tfx_automl.components.transform.review import reviewed
from tfx_automl.components.transform.targets import put_out_of_fold, with_targets
from tfx_automl.errors import DataError
from tfx_automl.models.growing import open_array
from tfx_automl.models.task import TaskSpec

Artifacts = dict[str, list[types.Artifact]]

# What the stock executor would do to the examples record by record is done here in large batches.
_OURS = ("feature_plan", "training_data", "transformed_examples")


class Executor(stock.Executor):
    """Plans features from the statistics of the analyzed split and runs TensorFlow Transform with the plan."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Plans and transforms; see `Transform` for the parameters."""
        executor_utils.MatchNumberOfTransformedExamplesArtifacts(input_dict, output_dict)
        _check_payload(input_dict["examples"])
        analyze, splits = _splits(input_dict, exec_properties)
        plan = make_plan(input_dict, analyze, exec_properties)
        folder = artifact_utils.get_single_uri(output_dict["feature_plan"])
        io_utils.write_string_file(os.path.join(folder, FILE), plan.to_json())
        for line in (f"  {_in_words(plan)}", *(f"WARNING: {warning}" for warning in plan.warnings)):
            console.line(line)
        super().Do(
            {
                **{key: value for key, value in input_dict.items() if key != "statistics"},
                "schema": _without_dropped(input_dict["schema"], plan, os.path.join(self._get_tmp_dir(), "schema")),
            },
            {key: value for key, value in output_dict.items() if key not in _OURS},
            {
                **exec_properties,
                "preprocessing_fn": f"{preprocessing_fn.__module__}.{preprocessing_fn.__name__}",
                "custom_config": json_utils.dumps({PLAN_KEY: plan.to_json()}),
            },
        )
        graph = artifact_utils.get_single_uri(output_dict["transform_graph"])
        files = {split: _files(input_dict["examples"], split) for split in splits}
        arrays = Path(artifact_utils.get_single_uri(output_dict["training_data"]))
        write_arrays(files, graph, plan.task, arrays, lambda inputs: put_out_of_fold(plan, inputs, arrays / analyze))
        rows = {split: len(open_array(arrays / split / "label.npy")) for split in splits}
        check_rows(_declared_rows(input_dict["examples"], splits), rows, "training_data")
        if transformed := output_dict.get("transformed_examples"):
            self._materialise(input_dict["examples"], transformed, splits, graph)
            written = {split: count_records(_files(transformed, split)) for split in splits}
            check_rows(rows, written, "transformed_examples")

    def _materialise(
        self, examples: list[types.Artifact], transformed: list[types.Artifact], splits: list[str], graph: str
    ) -> None:
        """Writes transformed examples, for components that do not read our arrays."""
        executor_utils.SetSplitNames(splits, transformed)
        with self._make_beam_pipeline() as pipeline:
            files = pipeline | beam.Create(_pairs(examples, transformed, splits)) | beam.Reshuffle()
            _ = files | "TransformFiles" >> beam.ParDo(TransformFile(graph))


def _check_payload(examples: list[types.Artifact]) -> None:
    for artifact in examples:
        kind = examples_utils.get_payload_format(artifact)
        if kind != example_gen_pb2.FORMAT_TF_EXAMPLE:
            raise DataError(
                f"Transform reads tf.Example, but the examples are {example_gen_pb2.PayloadFormat.Name(kind)}; leave"
                " output_data_format of ExampleGen as it is."
            )


def make_plan(input_dict: Artifacts, split: str, exec_properties: dict[str, Any]) -> FeaturePlan:
    """Plans from the statistics of a split, and computes what they do not hold.

    Args:
        input_dict: With examples, statistics and schema.
        split: The one to plan from.
        exec_properties: With `task` and `exclude`, both as JSON text.

    Raises:
        DataError: No column is left, or one that is named does not exist.
    """
    task = TaskSpec.from_json(exec_properties["task"])
    statistics = _load_statistics(input_dict["statistics"], split)
    schema = _read_schema(input_dict["schema"])
    moments = json.loads(input_dict["examples"][0].get_string_custom_property("moments") or "[]")
    plan = plan_features(statistics, task, json.loads(exec_properties["exclude"]), schema, moments)
    files = _files(input_dict["examples"], split)
    specs = schema_utils.schema_as_feature_spec(schema).feature_spec
    plan = reviewed(plan, files, specs)
    if not any(decision.kept for decision in plan.decisions):
        reasons = "; ".join(f"{d.name}: {d.reason}" for d in plan.decisions if d.kind == "dropped")
        raise DataError(f"There is no column to learn from ({reasons or 'there is only the label'}).")
    unknown = [decision for decision in plan.decisions if decision.needs_moments]
    return with_targets(plan.with_parameters(exact_moments(files, specs, unknown)), files, specs)


def _read_schema(artifacts: list[types.Artifact]) -> Any:
    return io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(artifact_utils.get_single_uri(artifacts)))


def _without_dropped(artifacts: list[types.Artifact], plan: FeaturePlan, folder: str) -> list[types.Artifact]:
    """Writes the schema of the columns that are not dropped, with how many values they hold, and returns an artifact.

    All that follows, the exported model included, parses by this schema, so that nothing about a dropped column can
    fail: for one without a value in the train split, the schema does not even know the type.

    Args:
        artifacts: The schema of all columns.
        plan: What becomes of each column.
        folder: Where to.
    """
    schema, kept = _read_schema(artifacts), set(plan.read)
    for entries in (schema.feature, schema.sparse_feature):
        for entry in [entry for entry in entries if entry.name not in kept]:
            entries.remove(entry)
    for group in schema.tensor_representation_group.values():
        for name in set(group.tensor_representation) - kept:
            del group.tensor_representation[name]
    most = {decision.name: decision.parameters.get("most", 1) for decision in plan.decisions}
    for feature in schema.feature:
        if not feature.HasField("shape"):  # a fixed shape tells already
            feature.value_count.max = most[feature.name]
    io_utils.write_pbtxt_file(os.path.join(folder, "schema.pbtxt"), schema)
    artifact = type(artifact_utils.get_single_instance(artifacts))()
    artifact.uri = folder
    return [artifact]


def _load_statistics(statistics: list[types.Artifact], split: str) -> Any:
    """Returns the statistics of all rows; if StatisticsGen was asked for slices, those come after.

    Raises:
        DataError: There are none of this split.
    """
    names = artifact_utils.decode_split_names(artifact_utils.get_single_instance(statistics).split_names)
    if split not in names:
        raise DataError(f"Features are planned from the split {split!r}, but there are statistics of {names} only.")
    path = os.path.join(artifact_utils.get_split_uri(statistics, split), "FeatureStats.pb")
    return tfdv.load_stats_binary(path).datasets[0]


def _splits(input_dict: Artifacts, exec_properties: dict[str, Any]) -> tuple[str, list[str]]:
    """Returns the split to plan from and those to transform.

    Raises:
        DataError: There is no split of that name.
    """
    config = executor_utils.ResolveSplitsConfig(exec_properties.get("splits_config"), input_dict["examples"])
    names = artifact_utils.decode_split_names(input_dict["examples"][0].split_names)
    absent = sorted({*config.analyze, *config.transform} - set(names))
    if absent:
        raise DataError(f"The examples have no split {', '.join(absent)}; they have {', '.join(names)}.")
    return config.analyze[0], [name for name in names if name in config.transform]


def _in_words(plan: FeaturePlan) -> str:
    kept = sum(decision.kept for decision in plan.decisions)
    dropped = [decision.name for decision in plan.decisions if decision.kind == "dropped"]
    return f"{kept} features kept, {len(dropped)} dropped{': ' if dropped else ''}{', '.join(dropped)}"


def _pairs(before: list[types.Artifact], after: list[types.Artifact], splits: list[str]) -> list[tuple[str, str]]:
    """Returns every file of the splits with the file that it becomes."""
    pairs = []
    for split in splits:
        sources, targets = (artifact_utils.get_split_uris(artifacts, split) for artifacts in (before, after))
        for source, target in zip(sources, targets, strict=True):
            files = sorted(tf.io.gfile.glob(os.path.join(source, "*")))
            names = (f"transformed_examples-{n:05d}-of-{len(files):05d}.gz" for n in range(len(files)))
            pairs += [(file, os.path.join(target, name)) for file, name in zip(files, names, strict=True)]
    return pairs


def _files(examples: list[types.Artifact], split: str) -> list[str]:
    """Returns the files of a split: artifact by artifact, each one's in the order of their names."""
    uris = artifact_utils.get_split_uris(examples, split)
    return [file for uri in uris for file in sorted(tf.io.gfile.glob(os.path.join(uri, "*")))]


def _declared_rows(examples: list[types.Artifact], splits: list[str]) -> dict[str, int]:
    """Returns how many rows our ExampleGen has written to each split; nothing for examples of another component."""
    texts = [artifact.get_string_custom_property("row_counts") for artifact in examples]
    if not all(texts):
        return {}
    counts = [json.loads(text)["splits"] for text in texts]
    return {split: sum(count[split] for count in counts) for split in splits}


def check_rows(before: Mapping[str, int], after: Mapping[str, int], output: str) -> None:
    """Makes sure that no row was lost on the way.

    Args:
        before: The number of rows of each split.
        after: The same of what was written.
        output: What was written.

    Raises:
        DataError: A split has another number of rows than before.
    """
    for split, rows in before.items():
        if after[split] != rows:
            raise DataError(f"Transform got {rows} rows in the split {split!r}, but wrote {after[split]} to {output}.")


def count_records(files: list[str]) -> int:
    """Returns the number of records of gzip-compressed TFRecord files."""
    # Without a `reduce`: tracing one costs more than this loop over a few batches.
    return sum(len(batch) for batch in tf.data.TFRecordDataset(files, "GZIP").batch(10_000))

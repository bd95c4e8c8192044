"""The executor of ExampleGen: unpacks what TFX hands over and calls `ingest`."""

import json
import os
from pathlib import Path
from typing import Any

from google.protobuf import wrappers_pb2
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import proto_utils

from tfx_automl import console
from tfx_automl.components.example_gen.beam_pool import BeamPool, runs_elsewhere
from tfx_automl.components.example_gen.division import Division
from tfx_automl.components.example_gen.ingest import Ingested, RowCounts, ingest
from tfx_automl.components.example_gen.options import ReadOptions
from tfx_automl.components.example_gen.pool import LocalPool, Pool


class Executor(base_beam_executor.BaseBeamExecutor):
    """Reads files into `Examples`; a Beam executor only because TFX's file-based ExampleGen takes no other."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Reads, divides and writes; see `ExampleGen` for the properties."""
        del input_dict
        examples = artifact_utils.get_single_instance(output_dict[standard_component_specs.EXAMPLES_KEY])
        options = _options(exec_properties)
        format_ = exec_properties.get(standard_component_specs.OUTPUT_DATA_FORMAT_KEY)
        payload = "parquet" if format_ == example_gen_pb2.FORMAT_PARQUET else "tfrecord"
        pool = self._pool(options, Path(examples.uri))
        found = ingest(_divisions(exec_properties, options), options, Path(examples.uri), payload, pool)
        describe(examples, found, payload)
        _tell(found.counts)

    def _pool(self, options: ReadOptions, folder: Path) -> Pool:
        """Returns local processes, or Beam where the pipeline names a runner that is not this machine's."""
        if runs_elsewhere(self._beam_pipeline_args or []):
            return BeamPool(self._make_beam_pipeline, folder)
        return LocalPool(options.workers)


def describe(examples: types.Artifact, found: Ingested, payload: str) -> None:
    """Sets the properties of the artifact by which stock components know how to read it, and our own.

    Args:
        examples: The `Examples` artifact.
        found: What was written.
        payload: `tfrecord` or `parquet`.
    """
    examples.split_names = artifact_utils.encode_split_names(list(found.counts.splits))
    examples.set_string_custom_property("row_counts", found.counts.to_json())
    examples.set_string_custom_property("moments", json.dumps(found.moments))
    is_parquet = payload == "parquet"
    kind = example_gen_pb2.FORMAT_PARQUET if is_parquet else example_gen_pb2.FORMAT_TF_EXAMPLE
    examples_utils.set_payload_format(examples, kind)
    examples_utils.set_file_format(examples, "FILE_FORMAT_PARQUET" if is_parquet else "tfrecords_gzip")


def _tell(counts: RowCounts) -> None:
    shown = ", ".join(f"{name} {rows}" for name, rows in counts.splits.items())
    rejected = f"; rejected: {counts.rejected}" if counts.rejected else ""
    console.line(f"  {counts.read} rows: {shown}; without label: {counts.dropped_without_label}{rejected}")


def _options(exec_properties: dict[str, Any]) -> ReadOptions:
    config = example_gen_pb2.CustomConfig()
    proto_utils.json_to_proto(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY], config)
    text = wrappers_pb2.StringValue()
    config.custom_config.Unpack(text)
    return ReadOptions.from_json(text.value)


def _divisions(exec_properties: dict[str, Any], options: ReadOptions) -> list[Division]:
    """Returns which files become which splits, with the meaning that stock ExampleGen gives to the two configs."""
    given_input, given_output = example_gen_pb2.Input(), example_gen_pb2.Output()
    proto_utils.json_to_proto(exec_properties[standard_component_specs.INPUT_CONFIG_KEY], given_input)
    proto_utils.json_to_proto(exec_properties[standard_component_specs.OUTPUT_CONFIG_KEY], given_output)
    base = exec_properties[standard_component_specs.INPUT_BASE_KEY]
    config = given_output.split_config
    if config.splits:
        ratios = {split.name: split.hash_buckets for split in config.splits}
        return [
            Division(os.path.join(base, given_input.splits[0].pattern), ratios, config.partition_feature_name or None)
        ]
    patterns = {split.name: os.path.join(base, split.pattern) for split in given_input.splits}
    rest = options.shares(patterns)
    ratios_of = {name: rest if options.divide_train and name == "train" else {name: 1} for name in patterns}
    return [Division(pattern, ratios_of[name]) for name, pattern in patterns.items()]

"""What TFX's executors are given: `ExecutionInfo`, made from what the platform gives."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from google.protobuf import json_format
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import placeholder_utils
from tfx.orchestration import data_types_utils
from tfx.orchestration.portable import data_types
from tfx.proto.orchestration import pipeline_pb2, placeholder_pb2
from tfx.types.value_artifact import ValueArtifact

from tfx_automl.errors import DataError
from tfx_automl.kubeflow.task import artifacts
from tfx_automl.kubeflow.task.description import Description, Parameter
from tfx_automl.kubeflow.task.platform_io import PlatformIO


@contextmanager
def execution(description: Description, platform: PlatformIO) -> Iterator[data_types.ExecutionInfo]:
    """Yields what the executor is given; its folders for temporary files vanish afterwards.

    Raises:
        DataError: A required input was not made.
    """
    with tempfile.TemporaryDirectory() as folder:
        info = data_types.ExecutionInfo(
            execution_id=artifacts.new_id(folder),
            input_dict=_inputs(description, platform),
            output_dict={
                key: [artifacts.new_output(entry, platform.output(key))] for key, entry in description.outputs.items()
            },
            execution_output_uri=os.path.join(folder, "executor_output.pb"),
            stateful_working_dir=_made(os.path.join(folder, "state")),
            tmp_dir=_made(os.path.join(folder, "tmp")) + "/",
            pipeline_node=_node(description),
            pipeline_info=pipeline_pb2.PipelineInfo(id=description.pipeline),
            pipeline_run_id=run_id(description, platform),
        )
        info.exec_properties = _properties(description, platform, info)
        yield info


def _inputs(description: Description, platform: PlatformIO) -> dict[str, list[Any]]:
    result = {}
    for name, entry in description.inputs.items():
        found = artifacts.read_input(entry, platform)
        if entry.required and not found:
            raise DataError(
                f"{description.node}: the required input {name!r} is empty: no Resolver found anything for it yet."
            )
        result[name] = found
    return result


def _made(folder: str) -> str:
    os.makedirs(folder)
    return folder


def _node(description: Description) -> pipeline_pb2.PipelineNode:
    node = pipeline_pb2.PipelineNode()
    node.node_info.id = description.node
    node.node_info.type.name = description.node_type
    return node


def run_id(description: Description, platform: PlatformIO) -> str:
    """Returns what tells this run from others: the part before the task in the place of its outputs."""
    for key in description.outputs:
        parts = platform.output(key).uri.split("/")
        if description.task in parts[1:]:
            return parts[len(parts) - 1 - parts[::-1].index(description.task) - 1]
    return ""


def _properties(description: Description, platform: PlatformIO, info: data_types.ExecutionInfo) -> dict[str, Any]:
    """Returns the execution properties: constants, parameters of the run, and what follows from inputs."""
    values = {name: (entry, platform.parameter(entry.key)) for name, entry in description.parameters.items()}
    result = {name: _value(entry, given) for name, (entry, given) in values.items() if given is not None}
    for name, expression in description.placeholders.items():
        result[name] = resolve(expression, info)
    return result


def _value(entry: Parameter, given: Any) -> Any:
    """Returns a value of its own type: on the platform whole numbers are floating point."""
    if entry.kind == "status":
        return given if isinstance(given, str) else json.dumps(given)
    if entry.kind == "int":
        return int(given)
    if entry.kind == "float":
        return float(given)
    value = metadata_store_pb2.Value(string_value=given)
    if entry.schema is None:
        return given
    schema = json_format.ParseDict(dict(entry.schema), pipeline_pb2.Value.Schema())
    return data_types_utils.get_parsed_value(value, schema)


def resolve(expression: Mapping[str, Any], info: data_types.ExecutionInfo) -> Any:
    """Returns the value of one of TFX's expressions.

    Args:
        expression: As JSON of the proto.
        info: With the inputs that it reads.

    Raises:
        DataError: An input that it reads is empty.
    """
    proto = json_format.ParseDict(dict(expression), placeholder_pb2.PlaceholderExpression())
    for found in info.input_dict.values():
        for artifact in found:
            if isinstance(artifact, ValueArtifact):
                artifact.read()
    value = placeholder_utils.resolve_placeholder_expression(proto, placeholder_utils.ResolutionContext(exec_info=info))
    if value is None:
        raise DataError(f"{placeholder_utils.debug_str(proto)} has no value: an input that it reads is empty.")
    return value

"""Importer: the platform has its own."""

from typing import Any

from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow import types
from tfx_automl.kubeflow.artifacts import read_outputs
from tfx_automl.kubeflow.graph import Node
from tfx_automl.kubeflow.names import Names
from tfx_automl.kubeflow.parameters import PipelineParameters, read_parameters
from tfx_automl.kubeflow.tasks import ParameterInput

URI = "uri"  # the input that the SDK's local runs read, too


def is_importer(node: Node) -> bool:
    """Tells whether a node is an Importer."""
    from tfx.dsl.components.common.importer import Importer

    return isinstance(node.tfx, Importer)


def importer(node: Node, pipeline: PipelineParameters) -> tuple[dict[str, Any], dict[str, ParameterInput], str]:
    """Returns the executor, the inputs and the title of the type of an Importer.

    Raises:
        ConfigError: The URI or a property cannot be expressed.
    """
    from tfx.dsl.components.common.importer import REIMPORT_OPTION_KEY, SOURCE_URI_KEY

    given = read_parameters(node, Names(), pipeline, None)
    if SOURCE_URI_KEY not in given.described:
        raise ConfigError(f"{node.id}: source_uri follows from an output of a component; Importer takes a text only.")
    uri = given.inputs[given.described[SOURCE_URI_KEY].key]
    [(key, output)] = read_outputs(node, frozenset()).items()
    clash = sorted(set(output.properties) & set(output.custom_properties))
    if clash:
        raise ConfigError(f"{node.id}: properties and custom_properties both set {', '.join(clash)}.")
    title = types.schema_title(node.tfx.outputs[key].type)
    constant = uri.value.get("runtimeValue", {}).get("constant")
    executor: dict[str, Any] = {
        "artifactUri": {"runtimeParameter": URI} if constant is None else {"constant": constant},
        "typeSchema": {"schemaTitle": title, "schemaVersion": types.SCHEMA_VERSION},
        "reimport": bool(node.ir.parameters.parameters[REIMPORT_OPTION_KEY].field_value.int_value),
    }
    metadata = {**output.properties, **output.custom_properties}
    if metadata:
        executor["metadata"] = metadata
    return {"importer": executor}, {URI: uri}, title

"""Runs a Resolver: asks the history, lets the strategy choose, and copies what it chose into the outputs."""

import os
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from tfx.orchestration import data_types_utils
from tfx.proto.orchestration import pipeline_pb2
from tfx.types.value_artifact import ValueArtifact
from tfx.utils import import_utils

from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow.task import artifacts, history, store
from tfx_automl.kubeflow.task.description import Description
from tfx_automl.kubeflow.task.platform_io import PlatformArtifact, PlatformIO

_FROM = "resolved_from"


class _NoMetadata:
    """Stands where strategies expect ML Metadata."""

    def __getattr__(self, name: str) -> Any:
        raise ConfigError(
            "The strategy asks ML Metadata, which tasks on Kubeflow cannot reach; use one that chooses from the "
            "artifacts that it is given."
        )


def run_resolver(description: Description, platform: PlatformIO) -> None:
    """Fills the outputs with what the strategy chooses; with nothing, if there is nothing yet.

    Raises:
        DataError: The history, or what was chosen, cannot be read.
        ConfigError: The strategy needs ML Metadata.
    """
    candidates = _candidates(description, platform)
    graphs = {
        name: _evaluate(json_format.ParseDict(graph, pipeline_pb2.InputGraph()), candidates)
        for name, graph in description.graphs.items()
    }
    for key, (graph, part) in description.results.items():
        chosen = (graphs[graph] or {}).get(part, []) if graph else candidates[part]
        place = platform.output(key)
        platform.report_artifact(key, artifacts.pack(_fetched(chosen, place), place))
    platform.finish()


def _candidates(description: Description, platform: PlatformIO) -> dict[str, list[Any]]:
    """Returns what there is to choose from, by input: artifacts of this run, and noted ones."""
    result = {}
    for name, entry in description.inputs.items():
        result[name] = artifacts.read_input(entry, platform)
        for lookup in description.lookups.get(name, ()):
            result[name] += history.look_up(description.history, lookup)
    return result


def _evaluate(graph: pipeline_pb2.InputGraph, candidates: Mapping[str, list[Any]]) -> Any:
    """Returns the result of strategies applied one after the other: artifacts by key, or None."""

    def value(name: str) -> Any:
        node = graph.nodes[name]
        which = node.WhichOneof("kind")
        if which == "input_node":
            return list(candidates[node.input_node.input_key])
        if which == "dict_node":
            return {key: value(part) for key, part in node.dict_node.node_ids.items()}
        given = [value(argument.node_id) for argument in node.op_node.args]
        options = {key: _option(argument.value) for key, argument in node.op_node.kwargs.items()}
        strategy = import_utils.import_class_by_path(node.op_node.op_type)(**options)
        return None if None in given else strategy.resolve_artifacts(_NoMetadata(), *given)

    return value(graph.result_node)


def _option(value: Any) -> Any:
    return data_types_utils.get_parsed_value(value.field_value, value.schema if value.HasField("schema") else None)


def _fetched(chosen: list[Any], place: PlatformArtifact) -> list[Any]:
    """Copies artifacts to the place of an output: the platform hands on only what is there."""
    for number, artifact in enumerate(chosen):
        source = artifact.uri
        target = place.path if len(chosen) == 1 else os.path.join(place.path, str(number))
        is_file = isinstance(artifact, ValueArtifact)
        os.makedirs(os.path.dirname(target) if is_file else target, exist_ok=True)
        if source:
            store.fetch(source, target)
        artifact.set_string_custom_property(_FROM, source)
        artifact.uri = target
    return chosen

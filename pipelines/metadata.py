"""Reads what a run left in ML Metadata: each component's execution, cached or not, and where its outputs are."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class NodeOutputs:
    """The latest execution of one component.

    Attributes:
        node: The component's id, such as `Tuner`.
        cached: Whether its outputs were taken from an earlier run.
        uris: The folder of each output, by output key.
        properties: The custom properties of each output artifact, by output key.
    """

    node: str
    cached: bool
    uris: Mapping[str, Path]
    properties: Mapping[str, Mapping[str, Any]]

    def json_property(self, key: str, name: str) -> Any:
        """Returns a custom property that holds JSON text."""
        return json.loads(self.properties[key][name])


def read_outputs(database: Path, pipeline_name: str) -> dict[str, NodeOutputs]:
    """Returns the latest execution of every component of a pipeline.

    Args:
        database: The SQLite file.
        pipeline_name: Name of the pipeline.

    Returns:
        By component id, in the order of execution.
    """
    from tfx.orchestration import metadata

    with metadata.Metadata(metadata.sqlite_metadata_connection_config(str(database))) as handle:
        store = handle.store
        contexts = store.get_contexts_by_type("node")
        prefix = f"{pipeline_name}."
        found = [
            _latest(store, context.name[len(prefix) :], context.id)
            for context in contexts
            if context.name.startswith(prefix)
        ]
    return {outputs.node: outputs for _, outputs in sorted(pair for pair in found if pair is not None)}


def _latest(store: Any, node: str, context_id: int) -> "tuple[int, NodeOutputs] | None":
    from ml_metadata.proto import metadata_store_pb2 as mlmd

    executions = store.get_executions_by_context(context_id)
    if not executions:
        return None
    last = max(executions, key=lambda execution: execution.id)
    events = [
        event
        for event in store.get_events_by_execution_ids([last.id])
        if event.type in (mlmd.Event.OUTPUT, mlmd.Event.DECLARED_OUTPUT)
    ]
    by_id = {artifact.id: artifact for artifact in store.get_artifacts_by_id([e.artifact_id for e in events])}
    uris = {event.path.steps[0].key: Path(by_id[event.artifact_id].uri) for event in events}
    properties = {event.path.steps[0].key: _properties(by_id[event.artifact_id]) for event in events}
    return last.id, NodeOutputs(node, last.last_known_state == mlmd.Execution.CACHED, uris, properties)


def _properties(artifact: Any) -> dict[str, Any]:
    return {
        key: getattr(value, value.WhichOneof("value"))
        for key, value in artifact.custom_properties.items()
        if value.WhichOneof("value")
    }

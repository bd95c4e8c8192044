"""Resolvers: on the platform, tasks that look up what tasks of earlier runs noted."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow.artifacts import TaskInputs, Wiring
from tfx_automl.kubeflow.graph import Node, channels_of, lookup_of, source_of
from tfx_automl.kubeflow.names import Names
from tfx_automl.kubeflow.parameters import clean_key, to_dict
from tfx_automl.kubeflow.task.description import Input, Lookup
from tfx_automl.kubeflow.types import class_path


@dataclass
class Choice:
    """What a Resolver chooses from, and how.

    Attributes:
        lookups: By input of a graph.
        graphs: As JSON of the protos.
        results: By output of the Resolver, the graph and the key in its result.
    """

    lookups: dict[str, tuple[Lookup, ...]] = field(default_factory=dict)
    graphs: dict[str, object] = field(default_factory=dict)
    results: dict[str, tuple[str, str]] = field(default_factory=dict)


def is_resolver(node: Node) -> bool:
    """Tells whether a node is a Resolver."""
    from tfx.dsl.components.common.resolver import Resolver

    return isinstance(node.tfx, Resolver)


def noted_types(nodes: Iterable[Node]) -> frozenset[str]:
    """Returns the paths of the classes that any Resolver may look for."""
    return frozenset(
        class_path(channel.type) for node in nodes if is_resolver(node) for channel in node.tfx.raw_inputs.values()
    )


def read_choice(node: Node, wiring: Wiring, keys: Names) -> tuple[Choice, TaskInputs]:
    """Reads a Resolver.

    Raises:
        ConfigError: It uses more than strategies.
    """
    choice, inputs = Choice(), TaskInputs()
    classes = {channel.type.TYPE_NAME: class_path(channel.type) for channel in node.tfx.raw_inputs.values()}
    for name, spec in sorted(node.ir.inputs.inputs.items()):
        if spec.HasField("input_graph_ref"):
            choice.results[name] = (spec.input_graph_ref.graph_id, spec.input_graph_ref.key)
            continue
        if not spec.hidden:
            choice.results[name] = ("", name)
        _read_candidates(node, name, wiring, keys, classes, choice, inputs)
    for graph_id, graph in sorted(node.ir.inputs.input_graphs.items()):
        for part in graph.nodes.values():
            operation = part.op_node.op_type
            if re.fullmatch(r"tfx\.\w+", operation):  # which is the name of a function; classes lie deeper
                raise ConfigError(
                    f"{node.id}: the resolver function {operation} asks ML Metadata, which tasks on Kubeflow cannot "
                    "reach; use a strategy, such as LatestArtifactStrategy."
                )
        choice.graphs[graph_id] = to_dict(graph)
    return choice, inputs


def _read_candidates(
    node: Node, name: str, wiring: Wiring, keys: Names, classes: dict[str, str], choice: Choice, inputs: TaskInputs
) -> None:
    """Reads one input: artifacts of this run, of earlier ones, or both."""
    lookups, found = [], []
    kind = ""
    for channel in channels_of(node, name):
        source = source_of(channel)
        kind = classes[channel.artifact_query.type.name]
        if source is None:
            lookups.append(lookup_of(node, channel, classes))
            continue
        key = keys.key(clean_key(name))
        inputs.artifacts[key] = wiring.artifact(node, source)
        inputs.required.add(source.node)
        found.append(key)
    inputs.described[name] = Input(kind, tuple(found))
    if lookups:
        choice.lookups[name] = tuple(lookups)

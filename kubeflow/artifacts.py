"""Which artifacts a task gets from which, and what it makes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow.graph import Graph, Node, Source, channels_of, source_of
from tfx_automl.kubeflow.names import Names
from tfx_automl.kubeflow.parameters import clean_key
from tfx_automl.kubeflow.task.description import Input, Output
from tfx_automl.kubeflow.tasks import ArtifactInput
from tfx_automl.kubeflow.types import class_path, schema_title

IMPORTED = "artifact"  # the only output that the platform's importer may have


@dataclass(frozen=True)
class Wiring:
    """The nodes of a pipeline, and the tasks that they become.

    Attributes:
        graph: The pipeline.
        tasks: Name of the task by id of the node.
        importers: Ids of the nodes whose output the platform gives another name.
    """

    graph: Graph
    tasks: Mapping[str, str]
    importers: frozenset[str] = frozenset()

    def artifact(self, node: Node, source: Source) -> ArtifactInput:
        """Returns where a task finds an output of another.

        Raises:
            ConfigError: There is no such node or output in this pipeline.
        """
        if source not in self.graph.types:
            raise ConfigError(
                f"{node.id}: it needs the output {source.key!r} of {source.node}, which is not in the pipeline; "
                "add it to the components."
            )
        key = IMPORTED if source.node in self.importers else clean_key(source.key)
        return ArtifactInput(self.tasks[source.node], key, schema_title(self.graph.types[source]))


@dataclass
class TaskInputs:
    """The artifacts that a task gets.

    Attributes:
        artifacts: By key of the platform.
        described: By input of the component.
        sources: Where the required ones, and where the optional ones come from.
    """

    artifacts: dict[str, ArtifactInput] = field(default_factory=dict)
    described: dict[str, Input] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    optional: set[str] = field(default_factory=set)


def read_inputs(node: Node, wiring: Wiring, keys: Names) -> TaskInputs:
    """Reads the inputs of a component; those of its conditions alone are left out.

    Raises:
        ConfigError: An input cannot be expressed.
    """
    result = TaskInputs()
    for name in sorted(_used_inputs(node)):
        spec = node.ir.inputs.inputs[name]
        sources = [_source(node, name, channel) for channel in channels_of(node, name)]
        if not sources:
            continue
        found = []
        for source in sources:
            key = keys.key(clean_key(name))
            result.artifacts[key] = wiring.artifact(node, source)
            (result.required if spec.min_count or spec.hidden else result.optional).add(source.node)
            found.append(key)
        kind = class_path(wiring.graph.types[sources[0]])
        result.described[name] = Input(kind, tuple(found), bool(spec.min_count))
    return result


def _source(node: Node, name: str, channel: Any) -> Source:
    found = source_of(channel)
    if found is None:
        raise ConfigError(
            f"{node.id}: its input {name!r} is a channel that no component of the pipeline fills, so that ML Metadata "
            "would be asked; put a Resolver between."
        )
    return found


def _used_inputs(node: Node) -> set[str]:
    """Returns the inputs that the component declares, and those that its execution properties are made from."""
    used = set(node.tfx.inputs) & set(node.ir.inputs.inputs)
    for value in node.ir.parameters.parameters.values():
        if value.HasField("placeholder"):
            used |= inputs_of(value.placeholder)
    return used


def inputs_of(expression: Any) -> set[str]:
    """Returns the inputs that an expression reads.

    Args:
        expression: A `PlaceholderExpression`.
    """
    from google.protobuf.message import Message
    from tfx.proto.orchestration import placeholder_pb2

    if isinstance(expression, placeholder_pb2.Placeholder):
        is_input = expression.type == placeholder_pb2.Placeholder.INPUT_ARTIFACT
        return {expression.key} if is_input else set()
    found = set()
    for descriptor, value in expression.ListFields():
        if descriptor.message_type is not None:
            for part in (value,) if isinstance(value, Message) else value:
                found |= inputs_of(part)
    return found


def read_outputs(node: Node, noted: frozenset[str]) -> dict[str, Output]:
    """Reads the outputs of a component.

    Args:
        node: The component.
        noted: Paths of the classes that a Resolver may look for.

    Raises:
        ConfigError: A property cannot be expressed.
    """
    result = {}
    for key, channel in sorted(node.tfx.outputs.items()):
        kind = class_path(channel.type)
        properties = _properties(node, getattr(channel, "additional_properties", None))
        custom = _properties(node, getattr(channel, "additional_custom_properties", None))
        result[key] = Output(kind, properties, custom, kind in noted)
    return result


def _properties(node: Node, given: Any) -> dict[str, Any]:
    for name, value in (given or {}).items():
        if not isinstance(value, int | float | str):
            raise ConfigError(
                f"{node.id}: the property {name!r} of an output is a {type(value).__name__}; only numbers and texts "
                "can be expressed."
            )
    return dict(given or {})

"""Reads a TFX pipeline: its nodes, with what TFX's own compiler makes of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tfx_automl.errors import ConfigError, one_line
from tfx_automl.kubeflow.classes import check_classes
from tfx_automl.kubeflow.task.description import Lookup

_RUN = "pipeline_run"
_BEAM = "BeamExecutableSpec"
_CONTAINER = "ContainerExecutableSpec"


@dataclass(frozen=True)
class Source:
    """An output of a node in the same pipeline."""

    node: str
    key: str


@dataclass(frozen=True)
class Node:
    """A node of the pipeline.

    Attributes:
        id: Its id.
        tfx: The node itself.
        ir: What TFX's compiler made of it: a `PipelineNode`.
        executor: The `ExecutableSpec` of its executor; None for Importer and Resolver.
        driver: Path of the class of its own driver; empty if it has none.
    """

    id: str
    tfx: Any
    ir: Any
    executor: Any
    driver: str

    @property
    def is_container(self) -> bool:
        """Whether it runs in a container image of its own."""
        return self.executor is not None and self.executor.DESCRIPTOR.name == _CONTAINER

    @property
    def uses_beam(self) -> bool:
        """Whether its executor runs on Beam."""
        return self.executor is not None and self.executor.DESCRIPTOR.name == _BEAM

    @property
    def python_executor(self) -> Any:
        """The spec of the class of its executor."""
        return self.executor.python_executor_spec if self.uses_beam else self.executor


@dataclass(frozen=True)
class Graph:
    """A pipeline.

    Attributes:
        name: Its name.
        nodes: In an order in which they can run.
        types: Class of each output, by node and key.
        modules: Modules of all classes.
    """

    name: str
    nodes: tuple[Node, ...]
    types: Mapping[Source, type]
    modules: frozenset[str]


def read_graph(pipeline: Any) -> Graph:
    """Reads a pipeline.

    Args:
        pipeline: A `tfx.v1.dsl.Pipeline`.

    Raises:
        ConfigError: It is no pipeline, TFX refuses it, or it has something that Kubeflow cannot do.
    """
    from tfx.dsl.compiler.compiler import Compiler
    from tfx.orchestration import pipeline as tfx_pipeline
    from tfx.proto.orchestration import pipeline_pb2

    if not isinstance(pipeline, tfx_pipeline.Pipeline):
        raise ConfigError(f"Expected a tfx.dsl.Pipeline, got {type(pipeline).__name__}.")
    _check(pipeline)
    modules = frozenset(check_classes(pipeline.components))
    try:
        ir = Compiler().compile(pipeline)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise ConfigError(f"TFX refuses the pipeline {pipeline.id!r}: {one_line(error)}.") from error
    deployment = pipeline_pb2.IntermediateDeploymentConfig()
    ir.deployment_config.Unpack(deployment)
    by_id = {node.id: node for node in pipeline.components}
    nodes = tuple(_node(by_id[entry.pipeline_node.node_info.id], entry.pipeline_node, deployment) for entry in ir.nodes)
    types = {Source(node.id, key): channel.type for node in nodes for key, channel in node.tfx.outputs.items()}
    return Graph(pipeline.pipeline_info.pipeline_name, nodes, types, modules)


def _check(pipeline: Any) -> None:
    from tfx.dsl.context_managers import dsl_context
    from tfx.dsl.experimental.conditionals.conditional import CondContext
    from tfx.orchestration import pipeline as tfx_pipeline

    problems = []
    if pipeline.execution_mode != tfx_pipeline.ExecutionMode.SYNC:
        problems.append(f"The pipeline {pipeline.id!r} is asynchronous; Kubeflow runs pipelines from start to end.")
    for node in pipeline.components:
        if isinstance(node, tfx_pipeline.Pipeline):
            problems.append(
                f"{node.id}: a pipeline within a pipeline cannot be expressed; list its components instead."
            )
            continue
        contexts: list[dsl_context.DslContext] = pipeline.dsl_context_registry.get_contexts(node)
        for context in contexts:
            if not isinstance(context, CondContext):
                name = type(context).__name__.removesuffix("Context")
                problems.append(f"{node.id}: {name} cannot be expressed; only Cond can.")
    if problems:
        raise ConfigError(problems)


def _node(tfx: Any, ir: Any, deployment: Any) -> Node:
    from tfx.proto.orchestration import executable_spec_pb2 as specs

    executor, driver = None, ""
    if tfx.id in deployment.executor_specs:
        packed = deployment.executor_specs[tfx.id]
        for kind in (specs.PythonClassExecutableSpec, specs.BeamExecutableSpec, specs.ContainerExecutableSpec):
            if packed.Is(kind.DESCRIPTOR):
                executor = kind()
                packed.Unpack(executor)
        if executor is None:
            raise ConfigError(f"{tfx.id}: an executor of the kind {packed.TypeName()} cannot be expressed.")
    if tfx.id in deployment.custom_driver_specs:
        spec = specs.PythonClassExecutableSpec()
        deployment.custom_driver_specs[tfx.id].Unpack(spec)
        driver = spec.class_path
    return Node(tfx.id, tfx, ir, executor, driver)


def channels_of(node: Node, key: str) -> Iterator[Any]:
    """Yields the channels of an input: several if they were united.

    Raises:
        ConfigError: The input is chosen by a resolver function, or is fixed by ids of ML Metadata.
    """
    spec = node.ir.inputs.inputs[key]
    if spec.HasField("input_graph_ref"):
        raise ConfigError(
            f"{node.id}: its input {key!r} is chosen by a resolver function, which needs ML Metadata; "
            "use a Resolver with a strategy instead."
        )
    if spec.HasField("static_inputs"):
        raise ConfigError(f"{node.id}: its input {key!r} is given by ids of ML Metadata, which Kubeflow does not know.")
    yield from spec.channels
    for part in spec.mixed_inputs.input_keys:
        yield from channels_of(node, part)


def source_of(channel: Any) -> Source | None:
    """Returns the output of this run that a channel stands for; None if it asks for artifacts of any run."""
    names = {query.type.name: query.name.field_value.string_value for query in channel.context_queries}
    if _RUN not in names:
        return None
    # A channel that was copied, as `as_optional` does it, names its node in a context only.
    return Source(channel.producer_node_query.id or _node_name(names), channel.output_key)


def _node_name(contexts: Mapping[str, str]) -> str:
    """Returns the id of a node from its context, which is called `pipeline.node`."""
    return contexts.get("node", "").removeprefix(contexts.get("pipeline", "") + ".")


def lookup_of(node: Node, channel: Any, classes: Mapping[str, str]) -> Lookup:
    """Returns what a channel that is no output of this run asks for.

    Args:
        node: Whose input it is.
        channel: The channel.
        classes: Path of the class by name of the type.

    Raises:
        ConfigError: It asks for more than type, component and output.
    """
    names = {query.type.name: query.name.field_value.string_value for query in channel.context_queries}
    if unknown := sorted(set(names) - {"pipeline", "node"}):
        raise ConfigError(f"{node.id}: a channel that asks for {', '.join(unknown)} cannot be expressed.")
    kind = classes[channel.artifact_query.type.name]
    producer = channel.producer_node_query.id or _node_name(names)
    return Lookup(kind, producer, channel.output_key, names.get("pipeline", ""))

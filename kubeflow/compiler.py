"""Compiles a TFX pipeline into tasks of Kubeflow Pipelines."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow import modules, platform, spec
from tfx_automl.kubeflow.builder import TaskBuilder
from tfx_automl.kubeflow.graph import Graph, Node, read_graph
from tfx_automl.kubeflow.names import kebab
from tfx_automl.kubeflow.settings import KubeflowConfig
from tfx_automl.kubeflow.yaml_text import to_yaml


@dataclass(frozen=True)
class CompiledPipeline:
    """What a pipeline became.

    Attributes:
        name: Name of the pipeline.
        spec: The `PipelineSpec`, as JSON of the proto.
        platform: What only Kubernetes has, as the second document of the file; None if there is nothing.
        modules: Names of the Python modules that the image must have.
    """

    name: str
    spec: Mapping[str, Any]
    platform: Mapping[str, Any] | None
    modules: tuple[str, ...]

    def yaml(self) -> str:
        """Returns the text of the file that the platform takes."""
        return to_yaml(*(document for document in (self.spec, self.platform) if document is not None))


def compile_pipeline(pipeline: Any, config: KubeflowConfig, exit_handler: Any = None) -> CompiledPipeline:
    """Compiles a pipeline; nothing runs, and nothing is written.

    Args:
        pipeline: A `tfx.v1.dsl.Pipeline`: ours or any other.
        config: How.
        exit_handler: A component that runs at the end, whatever happened, and that is not in the pipeline.

    Raises:
        ConfigError: The pipeline has what cannot be expressed or imported; the message names the components.
    """
    graph = read_graph(pipeline)
    last = _exit_graph(exit_handler, graph) if exit_handler is not None else None
    every = [*graph.nodes, *(last.nodes if last else ())]
    config.check_ids(node.id for node in every)
    needed = tuple(sorted({*graph.modules, *(last.modules if last else ()), *_modules_of(every)}))
    builder = TaskBuilder(graph, config)
    for node in graph.nodes:
        builder.add(node)
    exit_task = builder.exit_task(last) if last else None
    tasks = tuple(builder.tasks)
    return CompiledPipeline(
        kebab(graph.name),
        spec.pipeline_spec(
            kebab(graph.name), config.pipeline_root, tasks, exit_task, builder.parameters.known, config.target
        ),
        platform.kubernetes(
            (f"exec-{task.name}", task.settings) for task in (*tasks, *([exit_task] if exit_task else []))
        ),
        needed,
    )


def _exit_graph(handler: Any, graph: Graph) -> Graph:
    """Reads the component that runs at the end."""
    from tfx.orchestration.pipeline import Pipeline

    if handler.id in {node.id for node in graph.nodes}:
        raise ConfigError(f"{handler.id}: the exit handler is one of the pipeline's components; take it out of them.")
    if handler.inputs:
        raise ConfigError(f"{handler.id}: an exit handler has no inputs, since what it needs may not have been made.")
    return read_graph(Pipeline(pipeline_name=graph.name, pipeline_root="", components=[handler]))


def _modules_of(nodes: list[Node]) -> set[str]:
    """Returns the modules of users' functions; those that were files are names afterwards."""
    problems: list[str] = []
    names: set[str] = set()
    for node in nodes:
        for found in (modules.bake_modules, modules.check_functions):
            try:
                names |= set(found(node))
            except ConfigError as error:
                problems += error.problems
    if problems:
        raise ConfigError(problems)
    return names

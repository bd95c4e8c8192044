"""Makes the tasks of Kubeflow Pipelines from the nodes of a TFX pipeline."""

from typing import Any

from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow import conditions, containers, importers, options, resolvers, spec, types
from tfx_automl.kubeflow.artifacts import IMPORTED, TaskInputs, Wiring, inputs_of, read_inputs, read_outputs
from tfx_automl.kubeflow.graph import Graph, Node, channels_of, source_of
from tfx_automl.kubeflow.names import Names
from tfx_automl.kubeflow.parameters import PipelineParameters, clean_key, read_parameters, to_dict
from tfx_automl.kubeflow.settings import KubeflowConfig
from tfx_automl.kubeflow.task.description import VERDICT, Description, Input
from tfx_automl.kubeflow.tasks import Task, entry_point


class TaskBuilder:
    """Makes one task after the other; earlier ones are known to later ones."""

    def __init__(self, graph: Graph, config: KubeflowConfig) -> None:
        self.tasks: list[Task] = []
        self.parameters = PipelineParameters()
        self._graph, self._config = graph, config
        self._names = Names()
        self._names.key(spec.EXIT_DAG)
        importing = frozenset(node.id for node in graph.nodes if importers.is_importer(node))
        self._wiring = Wiring(graph, {node.id: self._names.unique(node.id) for node in graph.nodes}, importing)
        self._noted = resolvers.noted_types(graph.nodes)
        # The tasks whose verdicts each node waits for, and the task of each predicate.
        self._conditions: dict[str, tuple[str, ...]] = {}
        self._predicates: dict[str, str] = {}

    def add(self, node: Node) -> None:
        """Adds the task of a node, after those of its conditions."""
        if importers.is_importer(node):
            self._add_importer(node)
            return
        inputs_and_task = self._resolver(node) if resolvers.is_resolver(node) else self._component(node, None)
        inputs, fields = inputs_and_task
        self._conditions[node.id] = self._conditions_of(node, inputs)
        after = frozenset(self._wiring.tasks[name] for name in node.ir.upstream_nodes)
        self.tasks.append(
            Task(
                name=self._wiring.tasks[node.id],
                label=node.id,
                component=node.id,
                conditions=self._conditions[node.id],
                after=after,
                always=options.runs_always(node),
                **fields,
            )
        )

    def exit_task(self, graph: Graph) -> Task:
        """Returns the task that runs at the end."""
        [node] = graph.nodes
        name = self._names.unique(node.id)
        builder = TaskBuilder(graph, self._config)
        builder.parameters = self.parameters
        builder._wiring = Wiring(graph, {node.id: name})
        _, fields = builder._component(node, spec.EXIT_DAG)
        fields["cache"] = False
        after = frozenset({spec.EXIT_DAG})
        return Task(name=name, label=node.id, component=node.id, after=after, always=True, **fields)

    def _describe(self, node: Node, **fields: Any) -> str:
        return Description(
            pipeline=self._graph.name,
            node=node.id,
            node_type=node.ir.node_info.type.name,
            task=fields.pop("task", None) or self._wiring.tasks[node.id],
            **fields,
        ).to_json()

    def _component(self, node: Node, producer: str | None) -> tuple[TaskInputs, dict[str, Any]]:
        keys = Names()
        inputs = read_inputs(node, self._wiring, keys)
        given = read_parameters(node, keys, self.parameters, producer)
        outputs = read_outputs(node, self._noted)
        fields: dict[str, Any] = {
            "artifacts": inputs.artifacts,
            "parameters": given.inputs,
            "outputs": {clean_key(key): types.schema_title(channel.type) for key, channel in node.tfx.outputs.items()},
            "settings": options.settings_of(node, self._config),
        }
        fields["cache"] = options.is_cached(node, fields["settings"])
        if node.is_container:
            fields["executor"] = _container(node, inputs, given)
            return inputs, fields
        noted = any(output.noted for output in outputs.values())
        description = self._describe(
            node,
            kind="component",
            inputs=inputs.described,
            outputs=outputs,
            parameters=given.described,
            placeholders=given.placeholders,
            executor=node.python_executor.class_path,
            flags=tuple(node.python_executor.extra_flags),
            beam=options.beam_arguments(node),
            driver=node.driver,
            history=self._config.history if noted else "",
        )
        fields["executor"] = entry_point(self._config.image, self._config.python, description)
        return inputs, fields

    def _resolver(self, node: Node) -> tuple[TaskInputs, dict[str, Any]]:
        choice, inputs = resolvers.read_choice(node, self._wiring, Names())
        description = self._describe(
            node,
            kind="resolver",
            inputs=inputs.described,
            outputs=read_outputs(node, frozenset()),
            graphs=choice.graphs,
            results=choice.results,
            lookups=choice.lookups,
            history=self._config.history,
        )
        fields = {
            "artifacts": inputs.artifacts,
            "outputs": {clean_key(key): types.schema_title(channel.type) for key, channel in node.tfx.outputs.items()},
            "settings": self._config.of(node.id),
            "executor": entry_point(self._config.image, self._config.python, description),
        }
        return inputs, fields

    def _add_importer(self, node: Node) -> None:
        executor, parameters, title = importers.importer(node, self.parameters)
        self._conditions[node.id] = self._conditions_of(node, TaskInputs())
        self.tasks.append(
            Task(
                name=self._wiring.tasks[node.id],
                label=node.id,
                component=node.id,
                parameters=parameters,
                outputs={IMPORTED: title},
                conditions=self._conditions[node.id],
                after=frozenset(self._wiring.tasks[name] for name in node.ir.upstream_nodes),
                executor=executor,
                settings=self._config.of(node.id),
                cache=True,
            )
        )

    def _conditions_of(self, node: Node, inputs: TaskInputs) -> tuple[str, ...]:
        """Returns the conditions of a node: its own, and those without which it lacks a required input.

        Raises:
            ConfigError: An optional input may be missing because its component did not run, which the platform has no
                way to say.
        """
        own = [self._predicate(node, name, expression) for name, expression in conditions.predicates(node)]
        inherited = [name for source in sorted(inputs.required) for name in self._conditions[source]]
        found = tuple(dict.fromkeys([*own, *inherited]))
        for source in sorted(inputs.optional):
            if missing := [name for name in self._conditions[source] if name not in found]:
                raise ConfigError(
                    f"{node.id}: it may run although {source}, which makes an optional input of it, was skipped by a "
                    f"Cond ({', '.join(missing)}); Kubeflow cannot leave the input out then. Put both under the Cond."
                )
        return found

    def _predicate(self, node: Node, name: str, expression: Any) -> str:
        """Returns the task that evaluates a predicate; adds it when it is first asked for."""
        if name in self._predicates:
            return self._predicates[name]
        task = self._predicates[name] = self._names.unique(name.replace("_", "-"))
        keys, described, artifacts = Names(), {}, {}
        inherited: list[str] = []
        for key in sorted(inputs_of(expression)):
            [source] = [source for channel in channels_of(node, key) if (source := source_of(channel))]
            wanted = keys.key(clean_key(key))
            artifacts[wanted] = self._wiring.artifact(node, source)
            described[key] = Input(types.class_path(self._graph.types[source]), (wanted,), True)
            inherited += self._conditions[source.node]
        description = self._describe(node, kind="condition", task=task, inputs=described, predicate=to_dict(expression))
        self.tasks.append(
            Task(
                name=task,
                label=task,
                component=node.id,
                artifacts=artifacts,
                output_parameters={VERDICT: types.TEXT},
                conditions=tuple(dict.fromkeys(inherited)),
                executor=entry_point(self._config.image, self._config.python, description),
                settings=options.light(self._config.defaults),
                cache=bool(node.ir.execution_options.caching_options.enable_cache),
            )
        )
        return task


def _container(node: Node, inputs: TaskInputs, given: Any) -> dict[str, Any]:
    from tfx.types.value_artifact import ValueArtifact

    if given.placeholders:
        raise ConfigError(
            f"{node.id}: its execution properties {', '.join(sorted(given.placeholders))} follow from inputs, which a "
            "container of its own cannot be given; let its command take the value of the artifact."
        )
    files = {key for key, channel in node.tfx.outputs.items() if issubclass(channel.type, ValueArtifact)}
    keys = {name: entry.keys[0] for name, entry in inputs.described.items()}
    parameters = {name: entry.key for name, entry in given.described.items()}
    return containers.container(node, keys, parameters, files)

"""Tasks as the platform knows them, before they are written down."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfx_automl.kubeflow.settings import TaskSettings

ENTRY_POINT = "tfx_automl.kubeflow.task"
# What reads `--executor_input`; local runs of the SDK accept only commands that name it.
PROTOCOL = "kfp.dsl.executor_main"


@dataclass(frozen=True)
class ArtifactInput:
    """An artifact from another task.

    Attributes:
        task: Name of that task.
        key: Its output.
        schema: Title of the platform's type.
    """

    task: str
    key: str
    schema: str


@dataclass(frozen=True)
class ParameterInput:
    """A value.

    Attributes:
        type: The platform's type.
        value: Where it comes from, as the pipeline says it: `runtimeValue`, `componentInputParameter`, ...
    """

    type: str
    value: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task of the pipeline.

    Attributes:
        name: Its name, unique in the pipeline.
        label: What people read.
        component: Id of the TFX component that it belongs to.
        artifacts: Artifacts that it gets, by key.
        parameters: Values that it gets, by key.
        outputs: Titles of the types of the artifacts that it makes, by key.
        output_parameters: Types of the values that it makes, by key.
        conditions: Names of the tasks that must all say `true`.
        after: Names of tasks that run before it, besides those from which it gets something.
        executor: What runs: the platform's `ExecutorSpec`.
        settings: What it gets from the cluster.
        cache: Whether an earlier result may be used.
        always: Whether it also runs after tasks that failed.
    """

    name: str
    label: str
    component: str
    artifacts: Mapping[str, ArtifactInput] = field(default_factory=dict)
    parameters: Mapping[str, ParameterInput] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    output_parameters: Mapping[str, str] = field(default_factory=dict)
    conditions: tuple[str, ...] = ()
    after: frozenset[str] = frozenset()
    executor: Mapping[str, Any]
    settings: TaskSettings
    cache: bool = False
    always: bool = False


def entry_point(image: str, python: str, description: str) -> dict[str, Any]:
    """Returns the container that runs what a description says.

    Args:
        image: The image.
        python: The command for Python in it.
        description: As `Description.to_json` returns it.
    """
    arguments = ["--protocol", PROTOCOL, "--task", description, "--executor_input", "{{$}}"]
    return {"container": {"image": image, "command": [python, "-m", ENTRY_POINT], "args": arguments}}

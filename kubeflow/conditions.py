"""Cond: on the platform, a task that evaluates the predicate and says `true` or `false`, and tasks that wait for it."""

from collections.abc import Iterable
from typing import Any

from tfx_automl.kubeflow.task.description import VERDICT
from tfx_automl.kubeflow.tasks import ParameterInput
from tfx_automl.kubeflow.types import TEXT


def verdict_key(task: str) -> str:
    """Returns the key under which a task gets a verdict: the SDK's local runs find the value by this very name."""
    return f"pipelinechannel--{task}-{VERDICT}"


def verdicts(conditions: Iterable[str]) -> dict[str, ParameterInput]:
    """Returns the inputs that carry verdicts.

    Args:
        conditions: Names of the tasks that evaluate predicates.
    """
    return {
        verdict_key(name): ParameterInput(
            TEXT, {"taskOutputParameter": {"producerTask": name, "outputParameterKey": VERDICT}}
        )
        for name in conditions
    }


def trigger(conditions: Iterable[str]) -> str:
    """Returns the expression by which the platform decides whether a task runs."""
    return " && ".join(f"inputs.parameter_values['{verdict_key(name)}'] == 'true'" for name in conditions)


def predicates(node: Any) -> list[tuple[str, Any]]:
    """Returns the predicates under which a node runs, by the id of each.

    Args:
        node: A `graph.Node`.
    """
    return [(name, entry.placeholder_expression) for name, entry in sorted(node.ir.inputs.conditionals.items())]

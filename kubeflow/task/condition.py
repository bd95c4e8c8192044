"""Evaluates the predicate of a Cond."""

from tfx_automl.kubeflow.task.description import VERDICT, Description
from tfx_automl.kubeflow.task.execution import execution, resolve
from tfx_automl.kubeflow.task.platform_io import PlatformIO


def run_condition(description: Description, platform: PlatformIO) -> None:
    """Says `true` or `false`.

    Raises:
        DataError: An artifact that the predicate reads was not made.
    """
    with execution(description, platform) as info:
        verdict = resolve(description.predicate or {}, info)
    platform.report_parameter(VERDICT, "true" if verdict else "false")
    platform.finish()

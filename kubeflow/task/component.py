"""Runs a component: its driver if it has one, its executor, and what tells the platform what came out."""

from typing import Any

from google.protobuf import json_format
from tfx.orchestration import data_types_utils
from tfx.orchestration.portable import base_driver, data_types
from tfx.orchestration.portable.python_executor_operator import PythonExecutorOperator
from tfx.proto.orchestration import executable_spec_pb2, placeholder_pb2
from tfx.utils import import_utils

from tfx_automl.errors import DataError
from tfx_automl.kubeflow.task import artifacts, history, pushing
from tfx_automl.kubeflow.task.description import Description
from tfx_automl.kubeflow.task.execution import execution
from tfx_automl.kubeflow.task.platform_io import PlatformIO


def run_component(description: Description, platform: PlatformIO) -> None:
    """Runs a component of the pipeline.

    Raises:
        DataError: An input is missing, or the executor says that it failed.
        Exception: Whatever driver and executor raise.
    """
    if description.history:
        history.check(description)  # now, not after hours
    with execution(description, platform) as info:
        if description.driver:
            _drive(description, info)
        for made in info.output_dict.values():
            artifacts.make_place(made[0])
        outputs = pushing.execute(info, lambda: _execute(description, info))
    for key, made in outputs.items():
        platform.report_artifact(key, artifacts.pack(made, platform.output(key)))
    if description.history:
        history.note(description, platform, outputs)
    platform.finish()


def _drive(description: Description, info: data_types.ExecutionInfo) -> None:
    """Runs the driver, which finds files and gives the outputs their properties."""
    driver_class = import_utils.import_class_by_path(description.driver)
    if not issubclass(driver_class, base_driver.BaseDriver):
        raise DataError(f"{description.node}: the driver {description.driver} is of a kind that needs ML Metadata.")
    result = driver_class(None).run(info)
    info.exec_properties |= data_types_utils.build_value_dict(result.exec_properties)
    for key, made in result.output_artifacts.items():
        for artifact, message in zip(info.output_dict[key], made.artifacts, strict=True):
            artifact.set_mlmd_artifact(message)


def _execute(description: Description, info: data_types.ExecutionInfo) -> dict[str, list[Any]]:
    """Runs the executor.

    Returns:
        The artifacts by output.
    """
    result = _operator(description).run_executor(info)
    if result.execution_result.code:
        raise DataError(
            f"{description.node}: the executor failed with code {result.execution_result.code}: "
            f"{result.execution_result.result_message}"
        )
    outputs = dict(info.output_dict)
    for key, made in result.output_artifacts.items():
        outputs[key] = [_artifact(description.outputs[key].type, message) for message in made.artifacts]
    return outputs


def _artifact(kind: str, message: Any) -> Any:
    artifact = import_utils.import_class_by_path(kind)()
    artifact.set_mlmd_artifact(message)
    return artifact


def _operator(description: Description) -> Any:
    """Returns what runs the executor, with Beam's arguments if it takes any."""
    python = executable_spec_pb2.PythonClassExecutableSpec(
        class_path=description.executor, extra_flags=description.flags
    )
    if description.beam is None:
        operator = PythonExecutorOperator(python)
        operator.extra_flags = list(description.flags)  # it would add those of this process
        return operator
    from tfx.orchestration.portable.beam_executor_operator import BeamExecutorOperator  # takes seconds

    arguments = [_expression(argument) for argument in description.beam]
    return BeamExecutorOperator(
        executable_spec_pb2.BeamExecutableSpec(python_executor_spec=python, beam_pipeline_args_placeholders=arguments)
    )


def _expression(argument: Any) -> placeholder_pb2.PlaceholderExpression:
    expression = placeholder_pb2.PlaceholderExpression()
    if isinstance(argument, str):
        expression.value.string_value = argument
        return expression
    return json_format.ParseDict(argument, expression)

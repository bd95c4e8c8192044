"""What TFX says of how a node is to be run, in the platform's terms."""

import dataclasses
from typing import Any

from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow.graph import Node
from tfx_automl.kubeflow.parameters import to_dict
from tfx_automl.kubeflow.settings import KubeflowConfig, TaskSettings

_ALL_SUCCEEDED = ("TRIGGER_STRATEGY_UNSPECIFIED", "ALL_UPSTREAM_NODES_SUCCEEDED")
_INEXPRESSIBLE = ("node_success_optional", "resource_lifetime", "execution_timeout_sec")
_ALL_COMPLETED = "ALL_UPSTREAM_NODES_COMPLETED"


def settings_of(node: Node, config: KubeflowConfig) -> TaskSettings:
    """Returns the settings of a component; TFX's own number of retries counts where they have none.

    Raises:
        ConfigError: The node has options that cannot be expressed.
    """
    options = node.ir.execution_options
    wrong = [descriptor.name for descriptor, _ in options.ListFields() if descriptor.name in _INEXPRESSIBLE]
    if wrong:
        raise ConfigError(f"{node.id}: the execution options {', '.join(wrong)} cannot be expressed.")
    if getattr(node.tfx, "platform_config", None):
        raise ConfigError(f"{node.id}: it has a platform_config, which is for other runners; use the settings.")
    settings = config.of(node.id)
    retries = options.max_execution_retries
    return dataclasses.replace(settings, retries=retries) if retries and not settings.retries else settings


def runs_always(node: Node) -> bool:
    """Tells whether a node also runs after nodes that failed.

    Raises:
        ConfigError: Its trigger strategy cannot be expressed.
    """
    from tfx.proto.orchestration import pipeline_pb2

    strategy = pipeline_pb2.NodeExecutionOptions.TriggerStrategy.Name(node.ir.execution_options.strategy)
    if strategy not in (*_ALL_SUCCEEDED, _ALL_COMPLETED):
        raise ConfigError(f"{node.id}: the trigger strategy {strategy} cannot be expressed.")
    return bool(strategy == _ALL_COMPLETED)


def is_cached(node: Node, settings: TaskSettings) -> bool:
    """Tells whether an earlier result may be used."""
    if settings.cache is not None:
        return settings.cache
    return bool(node.ir.execution_options.caching_options.enable_cache) and not node.driver


def light(settings: TaskSettings) -> TaskSettings:
    """Returns settings for a task that only evaluates an expression: no accelerator."""
    return dataclasses.replace(settings, accelerator=None)


def beam_arguments(node: Node) -> tuple[Any, ...] | None:
    """Returns the arguments for Beam: texts, or expressions as JSON; None for an executor without Beam."""
    if not node.uses_beam:
        return None
    return tuple(
        argument.value.string_value if argument.HasField("value") else to_dict(argument)
        for argument in node.executor.beam_pipeline_args_placeholders
    )

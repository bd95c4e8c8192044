"""Classes that tasks import: they must be importable in the image, which is checked where the pipeline is compiled."""

import importlib
from collections.abc import Iterable, Iterator
from typing import Any

from tfx_automl.errors import ConfigError, one_line
from tfx_automl.kubeflow.types import class_path


def check_class(owner: str, what: str, path: str) -> str:
    """Makes sure that a class can be imported by its path, as the tasks will do it.

    Args:
        owner: Id of the component, for the message.
        what: What the class is to it.
        path: Of the class.

    Returns:
        The name of its module.

    Raises:
        ConfigError: It cannot be imported.
    """
    module, _, name = path.rpartition(".")
    if module == "__main__" or module.startswith("__main__."):
        raise ConfigError(
            f"{owner}: its {what} {name!r} is defined in the script that is being run, which no task can import; move "
            "it into a module of its own."
        )
    if "<" in path:
        raise ConfigError(
            f"{owner}: its {what} {path!r} is defined within a function or is a lambda, so no task can import it; "
            "define it at the top level of a module."
        )
    try:
        found = importlib.import_module(module)
    except Exception as error:
        raise ConfigError(
            f"{owner}: its {what} {path!r} cannot be imported ({type(error).__name__}: {one_line(error)}), so it will "
            "not be found in the image either; install the package that holds it, here and in the image."
        ) from error
    if not hasattr(found, name):
        raise ConfigError(
            f"{owner}: its {what} {path!r} cannot be imported: {module} has no {name!r} at its top level."
        )
    return module


def check_classes(nodes: Iterable[Any]) -> Iterator[str]:
    """Makes sure that every class of a pipeline can be imported, and yields the modules.

    Args:
        nodes: TFX's nodes, before its compiler sees them: that stops at the first class, without the component's name.

    Raises:
        ConfigError: Some cannot; with one line for each.
    """
    problems: list[str] = []
    for node in nodes:
        for what, path in dict.fromkeys(_classes_of(node)):
            try:
                yield check_class(node.id, what, path)
            except ConfigError as error:
                problems += error.problems
    if problems:
        raise ConfigError(problems)


def _classes_of(node: Any) -> Iterator[tuple[str, str]]:
    """Yields every class that the tasks of a node import: what it is, and its path."""
    from tfx.dsl.components.base.base_driver import BaseDriver
    from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
    from tfx.dsl.components.common.importer import Importer
    from tfx.dsl.components.common.resolver import RESOLVER_STRATEGY_CLASS, Resolver

    if isinstance(node, Resolver):
        strategy = node.exec_properties.get(RESOLVER_STRATEGY_CLASS)
        yield from [("strategy", class_path(strategy))] if strategy else []
    elif not isinstance(node, Importer):
        if isinstance(node.executor_spec, ExecutorClassSpec):
            yield "executor", class_path(node.executor_spec.executor_class)
        if node.driver_class != BaseDriver:
            yield "driver", class_path(node.driver_class)
    for channel in (*node.inputs.values(), *node.outputs.values()):
        yield "artifact type", class_path(channel.type)

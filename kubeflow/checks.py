"""What must be importable in the image, checked where the pipeline is compiled."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tfx_automl.errors import ConfigError, one_line
from tfx_automl.kubeflow.graph import Node


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


def module_path(owner: str, file: str) -> str:
    """Returns the name by which the code in a file is imported.

    Args:
        owner: Id of the component, for the message.
        file: A Python file, as `module_file` of stock components has it.

    Raises:
        ConfigError: There is no such file, or no folder on Python's path leads to it.
    """
    path = Path(os.path.abspath(os.path.expanduser(file)))
    if not path.is_file():
        raise ConfigError(f"{owner}: module_file {file!r} does not exist.")
    folders = [Path(os.path.abspath(entry or os.curdir)) for entry in sys.path]
    names = {name for folder in folders if folder in path.parents and (name := _name_within(folder, path))}
    found = sorted((name for name in names if _leads_to(name, path)), key=lambda name: name.count("."))
    if not found:
        raise ConfigError(
            f"{owner}: module_file {file!r} is not on Python's path, so the image cannot import it (code is baked into "
            "the image). Put it into a package that is installed here and in the image, or its folder on PYTHONPATH in "
            "both."
        )
    return found[-1]


def _name_within(folder: Path, path: Path) -> str | None:
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join(parts) if all(part.isidentifier() for part in parts) else None


def _leads_to(name: str, path: Path) -> bool:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):  # a folder above it is no package
        return False
    return spec is not None and spec.origin is not None and os.path.realpath(spec.origin) == os.path.realpath(path)


def bake_modules(node: Node) -> Iterator[str]:
    """Turns the module files of a component into names of modules, and yields these.

    TFX itself would pack each file into a wheel beside the artifacts, and install that in every task.

    Args:
        node: The component; its execution properties are changed in what TFX's compiler made of it.

    Raises:
        ConfigError: A file cannot be imported.
    """
    from tfx.components.util.udf_utils import UserModuleFilePipDependency

    parameters = node.ir.parameters.parameters
    for dependency in getattr(node.tfx, "_pip_dependencies", ()):
        if not isinstance(dependency, UserModuleFilePipDependency):
            raise ConfigError(f"{node.id}: it needs {dependency!r} installed; put that into the image instead.")
        key = dependency.module_file_key
        if key not in parameters or not parameters[key].HasField("field_value"):
            continue
        if not (file := parameters[key].field_value.string_value):
            continue
        name = module_path(node.id, file)
        del parameters[key]
        parameters[dependency.module_path_key].field_value.string_value = name
        yield name


def user_functions(node: Node) -> Iterator[tuple[str, str]]:
    """Yields the execution properties that name a function by its path, as `run_fn` of a Trainer does."""
    parameters = node.ir.parameters.parameters
    module_given = any(key in parameters for key in ("module_file", "module_path"))
    for key, value in parameters.items():
        text = value.field_value.string_value if value.HasField("field_value") else ""
        if key.endswith("_fn") and "." in text and not module_given:
            yield key, text


def classes_of(node: Node) -> Iterator[tuple[str, str]]:
    """Yields every class that the tasks of a component import: what it is, and its path."""
    from tfx_automl.kubeflow.types import class_path

    if node.executor is not None and not node.is_container:
        yield "executor", node.executor_class
    if node.driver:
        yield "driver", node.driver
    channels: list[Any] = [*node.tfx.inputs.values(), *node.tfx.outputs.values()]
    for channel in channels:
        yield "artifact type", class_path(channel.type)
    for graph in node.ir.inputs.input_graphs.values():
        for part in graph.nodes.values():
            if part.op_node.op_type and "." in part.op_node.op_type:
                yield "strategy", part.op_node.op_type
    yield from user_functions(node)

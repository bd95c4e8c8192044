"""Users' functions: code is baked into the image, so files must be modules there, and here, too."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow.classes import check_class
from tfx_automl.kubeflow.graph import Node


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


def check_functions(node: Node) -> Iterator[str]:
    """Makes sure that functions of the user can be imported, as `run_fn` of a Trainer, and yields their modules.

    Raises:
        ConfigError: One cannot.
    """
    parameters = node.ir.parameters.parameters
    if any(key in parameters for key in ("module_file", "module_path")):
        return  # then it is the name of a function in there
    for key, value in parameters.items():
        text = value.field_value.string_value if value.HasField("field_value") else ""
        if key.endswith("_fn") and "." in text:
            yield check_class(node.id, key, text)

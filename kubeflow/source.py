"""Finds the pipeline that a person names: in a Python file or module, or made from a configuration of a run."""

import importlib
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx_automl.errors import ConfigError, one_line

_NAMES = ("pipeline", "create_pipeline", "build_pipeline", "make_pipeline")


def load_pipeline(where: str, name: str | None = None) -> Any:
    """Returns a pipeline from Python code.

    Args:
        where: A file `pipeline.py` or a module `package.pipeline`, with `:name` behind it where the pipeline, or the
            function that returns it, is not called `pipeline`, `create_pipeline`, `build_pipeline` or `make_pipeline`.
        name: Takes the place of what stands behind the colon.

    Returns:
        What has the name; if it is a function, what that returns.

    Raises:
        ConfigError: There is no such code or name, or it fails.
    """
    place, _, given = where.partition(":")
    module = _module(place)
    wanted = name or given
    names = [wanted] if wanted else [known for known in _NAMES if hasattr(module, known)]
    if not names or not hasattr(module, names[0]):
        what = repr(wanted) if wanted else f"none of {', '.join(_NAMES)}"
        raise ConfigError(f"{place}: there is {'no ' if wanted else ''}{what} at its top level; name it: {place}:NAME.")
    found = getattr(module, names[0])
    if not callable(found):
        return found
    try:
        return found()
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(f"{place}: {names[0]}() failed: {type(error).__name__}: {one_line(error)}.") from error


def is_code(where: str) -> bool:
    """Tells Python code from the configuration of a run."""
    return not where.endswith((".yaml", ".yml", ".json"))


def _module(place: str) -> Any:
    """Imports a file or a module, by the name that it has on Python's path, so that tasks can do it, too."""
    name = place
    if place.endswith(".py"):
        path = Path(os.path.abspath(place))
        if not path.is_file():
            raise ConfigError(f"There is no file {place}.")
        folder, parts = path.parent, [path.stem]
        while (folder / "__init__.py").is_file():
            parts.insert(0, folder.name)
            folder = folder.parent
        name = ".".join(parts)
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(f"{place} cannot be imported: {type(error).__name__}: {one_line(error)}.") from error


def pipeline_of_run(values: Mapping[str, object], pipeline_root: str) -> Any:
    """Returns the pipeline that `tfx-automl run` would run.

    Args:
        values: The options of the run; `output` may be left out, for the models go to the pipeline root.
        pipeline_root: Where artifacts go.

    Raises:
        ConfigError: An option is wrong, or the data cannot be read here.
    """
    from tfx_automl.pipelines.build import build_pipeline
    from tfx_automl.pipelines.config import RunConfig
    from tfx_automl.pipelines.output import OutputFolder
    from tfx_automl.pipelines.preflight import preflight

    config = RunConfig.from_mapping({"output": pipeline_root, **values})
    with tempfile.TemporaryDirectory() as nowhere:
        output = OutputFolder.at(nowhere)
        found = preflight(config, output)  # which kind of task it is only the data can tell
        return build_pipeline(config, found.task, output, serving=f"{pipeline_root.rstrip('/')}/serving")

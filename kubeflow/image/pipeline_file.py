"""What a compiled pipeline asks of its image."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow.task.description import Description
from tfx_automl.kubeflow.tasks import ENTRY_POINT

# Execution properties that name a module of the user's.
_MODULE = "module_path"


@dataclass(frozen=True)
class Needs:
    """What a pipeline needs.

    Attributes:
        classes: Paths of executors, drivers, artifact types, the user's modules: by path, the task that needs it.
        images: Of the tasks that run this package's entry point.
        compiler: The program that compiled it.
    """

    classes: Mapping[str, str]
    images: tuple[str, ...]
    compiler: str


def read_needs(path: Path) -> Needs:
    """Reads a compiled pipeline.

    Raises:
        ConfigError: The file cannot be read, or tfx-automl did not compile it.
    """
    spec = _read(path)
    classes: dict[str, str] = {}
    images = set()
    for label, executor in spec["deploymentSpec"]["executors"].items():
        container = executor.get("container", {})
        if ENTRY_POINT not in container.get("command", ()):
            continue
        images.add(container["image"])
        for name in _classes(_description(container["args"])):
            classes.setdefault(name, label.removeprefix("exec-"))
    if not images:
        raise ConfigError(
            f"--pipeline: no task of {path} runs tfx-automl; compile the pipeline with `tfx-automl compile`."
        )
    for task, name in _modules(spec):
        classes.setdefault(name, task)
    return Needs(classes, tuple(sorted(images)), str(spec.get("sdkVersion", "")))


def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        spec = next(iter(yaml.safe_load_all(path.read_text(encoding="utf-8"))), None)
    except OSError as error:
        raise ConfigError(f"--pipeline: cannot read {path}: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"--pipeline: {path} is not YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(spec, dict) or "deploymentSpec" not in spec:
        raise ConfigError(f"--pipeline: {path} is no compiled pipeline; write one with `tfx-automl compile`.")
    return spec


def _description(arguments: list[str]) -> Description:
    return Description.from_json(arguments[arguments.index("--task") + 1])


def _classes(description: Description) -> Iterator[str]:
    """Yields the paths of all classes that a task imports."""
    yield from (path for path in (description.executor, description.driver) if path)
    yield from (entry.type for entry in description.inputs.values())
    yield from (entry.type for entry in description.outputs.values())


def _modules(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields the tasks that run the user's own code, each with its module or the path of its function."""
    dags = [spec["root"], *spec["components"].values()]
    for dag in (entry["dag"] for entry in dags if "dag" in entry):
        for task, entry in dag["tasks"].items():
            given = entry.get("inputs", {}).get("parameters", {})
            texts = {key: value.get("runtimeValue", {}).get("constant") for key, value in given.items()}
            yield from ((task, path) for path in _paths(texts))


def _paths(texts: Mapping[str, Any]) -> Iterator[str]:
    """Yields what is imported by execution properties: a module, in which functions are named, or else functions."""
    if _MODULE in texts:
        yield from [texts[_MODULE]] if isinstance(texts[_MODULE], str) and texts[_MODULE] else []
        return
    for key, text in texts.items():
        if key.endswith("_fn") and isinstance(text, str) and "." in text:
            yield text

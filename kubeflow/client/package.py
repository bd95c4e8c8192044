"""A compiled pipeline: what it is called, what its tasks are, and what it wants to be told."""

import difflib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from tfx_automl.errors import ConfigError

_KINDS = {
    "NUMBER_INTEGER": "a whole number",
    "NUMBER_DOUBLE": "a number",
    "BOOLEAN": "true or false",
    "LIST": "a JSON list",
    "STRUCT": "a JSON object",
}


@dataclass(frozen=True)
class Package:
    """A file that `tfx-automl compile` wrote.

    Attributes:
        file: Its absolute path.
        name: Of the pipeline.
        spec: The `PipelineSpec`.
        platform: Whether there are settings for Kubernetes behind it.
    """

    file: str
    name: str
    spec: Mapping[str, Any]
    platform: bool

    @classmethod
    def read(cls, path: str) -> "Package":
        """Reads a file.

        Raises:
            ConfigError: It is none of a compiled pipeline.
        """
        if not path.endswith((".yaml", ".yml")):
            raise ConfigError(f"PIPELINE.yaml: expected a file that ends in .yaml, got {path}. {_HOW}")
        try:
            documents = list(yaml.safe_load_all(Path(path).read_text(encoding="utf-8")))
        except OSError as error:
            raise ConfigError(f"PIPELINE.yaml: cannot read {path}: {error.strerror}. {_HOW}") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ConfigError(f"PIPELINE.yaml: {path} is not YAML: {' '.join(str(error).split())}. {_HOW}") from error
        spec = documents[0] if documents and isinstance(documents[0], dict) else {}
        name = (spec.get("pipelineInfo") or {}).get("name")
        if not name or not isinstance(spec.get("root"), dict):
            raise ConfigError(f"PIPELINE.yaml: {path} is no compiled pipeline. {_HOW}")
        return cls(str(Path(path).resolve()), str(name), spec, len(documents) > 1)

    def values(self, given: Sequence[str]) -> dict[str, Any]:
        """Returns the values of the pipeline's parameters.

        Args:
            given: Texts such as `epochs=9`.

        Raises:
            ConfigError: With one line for every unknown name, wrong value and missing parameter.
        """
        known: Mapping[str, Any] = (self.spec["root"].get("inputDefinitions") or {}).get("parameters") or {}
        texts = dict(entry.split("=", 1) for entry in given if "=" in entry)
        problems = [f"--param: expected NAME=VALUE, got {entry!r}." for entry in given if "=" not in entry]
        names = [entry.split("=", 1)[0] for entry in given if "=" in entry]
        problems += [f"--param: {name} is given {names.count(name)} times." for name in texts if names.count(name) > 1]
        values: dict[str, Any] = {}
        for name, text in texts.items():
            if name not in known:
                problems.append(_unknown(name, list(known)))
                continue
            try:
                values[name] = _value(text, known[name].get("parameterType", "STRING"))
            except ValueError as error:
                problems.append(f"--param {name}: expected {error}, got {text!r}.")
        missing = [name for name, about in known.items() if name not in texts and _is_required(about)]
        problems += [f"--param: the pipeline needs {name}; give --param {name}=VALUE." for name in missing]
        if problems:
            raise ConfigError(problems)
        return values


_HOW = "`tfx-automl compile` writes one."


def task_labels(spec: Mapping[str, Any]) -> dict[str, str]:
    """Returns, by the name of every task, the name of its component: each after those that it waits for, else by name.

    Args:
        spec: A `PipelineSpec`, or one beside its settings for Kubernetes, as the API returns it.
    """
    spec = spec.get("pipeline_spec") or spec.get("pipelineSpec") or spec
    return dict(_labels(spec, (spec.get("root") or {}).get("dag") or {}))


def _labels(spec: Mapping[str, Any], dag: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    tasks = dag.get("tasks") or {}
    for name in _in_order(tasks):
        task = tasks[name]
        component = (spec.get("components") or {}).get((task.get("componentRef") or {}).get("name")) or {}
        if "dag" in component:
            yield from _labels(spec, component["dag"])
        else:
            yield name, (task.get("taskInfo") or {}).get("name") or name


def _in_order(tasks: Mapping[str, Any]) -> Iterator[str]:
    """Yields the names of tasks in the order in which they can run; servers return them in any order."""
    sorter = TopologicalSorter({name: task.get("dependentTasks") or () for name, task in tasks.items()})
    sorter.prepare()
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        yield from ready
        sorter.done(*ready)


def _is_required(about: Mapping[str, Any]) -> bool:
    return "defaultValue" not in about and not about.get("isOptional")


def _unknown(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(known) or 'none'}."
    return f"--param: the pipeline has no parameter {name!r}. {hint}"


def _value(text: str, kind: str) -> Any:
    """Returns a text as a value of a kind; the message of a ValueError says what was expected."""
    if kind == "STRING":
        return text
    wanted = _KINDS.get(kind)
    if wanted is None:
        raise ValueError(f"nothing, since a {kind} cannot be given here")
    try:
        value = json.loads(text.lower() if kind == "BOOLEAN" else text)
    except ValueError:
        raise ValueError(wanted) from None
    if not _fits(value, kind):
        raise ValueError(wanted)
    return float(value) if kind == "NUMBER_DOUBLE" else value


def _fits(value: Any, kind: str) -> bool:
    if kind in ("BOOLEAN", "LIST", "STRUCT"):
        return isinstance(value, {"BOOLEAN": bool, "LIST": list, "STRUCT": dict}[kind])
    is_number = isinstance(value, int if kind == "NUMBER_INTEGER" else (int, float)) and not isinstance(value, bool)
    return is_number and math.isfinite(value)

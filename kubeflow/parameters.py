"""Execution properties: constants, parameters of the run, and values that follow from inputs."""

import re
from dataclasses import dataclass, field
from typing import Any

from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow import types
from tfx_automl.kubeflow.graph import Node
from tfx_automl.kubeflow.names import Names
from tfx_automl.kubeflow.task.description import Parameter
from tfx_automl.kubeflow.tasks import ParameterInput

_FINAL_STATUS = "FinalStatusStr"
# How one looks when it was turned into text, within other text too.
_EMBEDDED = re.compile(r'\\*"__class__\\*": \\*"RuntimeParameter\\*"')


@dataclass
class PipelineParameters:
    """The parameters of the whole pipeline: every RuntimeParameter, by name."""

    known: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, node: str, name: str, kind: str, default: Any) -> None:
        """Adds one.

        Raises:
            ConfigError: Another of that name has another type or default.
        """
        spec: dict[str, Any] = {"parameterType": kind}
        if default is not None:
            spec |= {"defaultValue": default, "isOptional": True}
        if self.known.setdefault(name, spec) != spec:
            raise ConfigError(f"{node}: there are two different RuntimeParameters with the name {name!r}.")


@dataclass
class TaskParameters:
    """The values that a task gets.

    Attributes:
        inputs: By key of the platform.
        described: By execution property.
        placeholders: Expressions by execution property, as JSON of the proto.
    """

    inputs: dict[str, ParameterInput] = field(default_factory=dict)
    described: dict[str, Parameter] = field(default_factory=dict)
    placeholders: dict[str, Any] = field(default_factory=dict)


def read_parameters(node: Node, keys: Names, pipeline: PipelineParameters, producer: str | None) -> TaskParameters:
    """Reads the execution properties of a component.

    Args:
        node: The component.
        keys: Gives out keys that no artifact of the task has.
        pipeline: Collects the RuntimeParameters.
        producer: For an exit handler, the task whose end it waits for.

    Raises:
        ConfigError: A value cannot be expressed.
    """
    result = TaskParameters()
    for name in sorted(node.ir.parameters.parameters):
        value = node.ir.parameters.parameters[name]
        if value.HasField("placeholder"):
            result.placeholders[name] = to_dict(value.placeholder)
            continue
        key = keys.key(clean_key(name))
        given = node.tfx.exec_properties.get(name)
        if type(given).__name__ == _FINAL_STATUS:
            result.inputs[key] = _final_status(node, producer)
            result.described[name] = Parameter(key, "status")
        elif value.HasField("runtime_parameter"):
            result.inputs[key], kind = _runtime(node, value.runtime_parameter, given, pipeline)
            result.described[name] = Parameter(key, kind)
        else:
            result.inputs[key], kind = _constant(value.field_value)
            _refuse_embedded(node, name, value.field_value.string_value)
            schema = to_dict(value.schema) if value.HasField("schema") else None
            result.described[name] = Parameter(key, kind, schema)
    return result


def clean_key(name: str) -> str:
    """Returns a key of letters, digits, dashes and underscores."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)


def to_dict(message: Any) -> dict[str, Any]:
    """Returns a proto as JSON."""
    from google.protobuf import json_format

    found: dict[str, Any] = json_format.MessageToDict(message)
    return found


def _constant(value: Any) -> tuple[ParameterInput, str]:
    which = value.WhichOneof("value")
    plain = getattr(value, which)
    if which == "int_value" and abs(plain) > types.LARGEST_INTEGER:
        return _fixed(types.TEXT, str(plain)), "int"
    if which == "int_value":
        return _fixed(types.INTEGER, plain), "int"
    if which == "double_value" and plain - plain == 0:  # neither infinite nor "not a number", which JSON lacks
        return _fixed(types.NUMBER, plain), "float"
    if which == "double_value":
        return _fixed(types.TEXT, str(plain)), "float"
    return _fixed(types.TEXT, plain), "text"


def _fixed(kind: str, value: Any) -> ParameterInput:
    return ParameterInput(kind, {"runtimeValue": {"constant": value}})


def _final_status(node: Node, producer: str | None) -> ParameterInput:
    if producer is None:
        raise ConfigError(f"{node.id}: only an exit handler learns how the pipeline ended (FinalStatusStr).")
    return ParameterInput(types.STATUS, {"taskFinalStatus": {"producerTask": producer}})


def _runtime(node: Node, spec: Any, given: Any, pipeline: PipelineParameters) -> tuple[ParameterInput, str]:
    kinds = {int: (types.INTEGER, "int"), float: (types.NUMBER, "float"), str: (types.TEXT, "text")}
    kind, own = kinds[getattr(given, "ptype", None) or str]
    pipeline.add(node.id, spec.name, kind, getattr(given, "default", None))
    return ParameterInput(kind, {"componentInputParameter": spec.name}), own


def _refuse_embedded(node: Node, name: str, text: str) -> None:
    if _EMBEDDED.search(text):
        raise ConfigError(
            f"{node.id}: a RuntimeParameter stands within the value of {name!r}; make the whole value a "
            "RuntimeParameter of type str, which holds the JSON."
        )

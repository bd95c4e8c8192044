"""What a task has to do, as the compiler writes it into the pipeline and the entry point reads it."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["component", "resolver", "condition"]
# The key under which a task's artifacts travel in the metadata that the platform keeps: see `task/artifacts.py`.
ARTIFACTS_KEY = "tfx_automl"
# The output parameter of a condition, named as the SDK names the only output of a component.
VERDICT = "Output"


@dataclass(frozen=True)
class Input:
    """An input of a component.

    Attributes:
        type: Path of the artifact's class.
        keys: Names of the platform's inputs that make it up: several if channels were united.
        required: Whether there must be at least one artifact.
    """

    type: str
    keys: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True)
class Output:
    """An output of a component.

    Attributes:
        type: Path of the artifact's class.
        properties: Values that the pipeline gives to declared properties.
        custom_properties: Values that the pipeline gives to others.
        noted: Whether it goes to the history, because a Resolver of a later run may look for it.
    """

    type: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    custom_properties: Mapping[str, Any] = field(default_factory=dict)
    noted: bool = False


@dataclass(frozen=True)
class Parameter:
    """An execution property.

    Attributes:
        key: Name of the platform's input.
        kind: `int`, `float`, `text`, or `status` for how the pipeline ended.
        schema: TFX's schema of a value that is written as text, as JSON of the proto.
    """

    key: str
    kind: str = "text"
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Lookup:
    """Which artifacts of earlier tasks a Resolver chooses from.

    Attributes:
        type: Path of their class.
        node: Id of the component that made them; empty for any.
        key: Its output; empty for any.
        pipeline: Name of the pipeline.
    """

    type: str
    node: str = ""
    key: str = ""
    pipeline: str = ""


@dataclass(frozen=True)
class Description:
    """A task.

    Attributes:
        kind: What is run.
        pipeline: Name of the TFX pipeline.
        node: Id of the component.
        node_type: Its class.
        task: Name of the task.
        inputs: By input of the component.
        outputs: By output of the component.
        parameters: Execution properties with a value.
        placeholders: Execution properties that follow from inputs: TFX's expressions, as JSON of the proto.
        executor: Path of the executor's class.
        flags: Further flags of the executor.
        beam: Beam's arguments: texts, or expressions as JSON of the proto; None for an executor without Beam.
        driver: Path of the class of a driver that runs before the executor; empty if there is none.
        predicate: Of a condition: TFX's expression, as JSON of the proto.
        graphs: Of a Resolver: what is done with what it chooses from, as JSON of the protos `InputGraph`.
        results: Of a Resolver: by output, the graph, and the key of the graph's result.
        lookups: Of a Resolver: by input of a graph, what it chooses from.
        history: Where artifacts are noted; empty if nobody asks for them.
    """

    kind: Kind
    pipeline: str
    node: str
    task: str
    node_type: str = ""
    inputs: Mapping[str, Input] = field(default_factory=dict)
    outputs: Mapping[str, Output] = field(default_factory=dict)
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    placeholders: Mapping[str, Any] = field(default_factory=dict)
    executor: str = ""
    flags: tuple[str, ...] = ()
    beam: tuple[Any, ...] | None = None
    driver: str = ""
    predicate: Mapping[str, Any] | None = None
    graphs: Mapping[str, Any] = field(default_factory=dict)
    results: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    lookups: Mapping[str, tuple[Lookup, ...]] = field(default_factory=dict)
    history: str = ""

    def to_json(self) -> str:
        """Returns JSON of several lines, without what has its default, so that differences are easy to read."""
        return json.dumps(_plain(self), indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Description":
        """Reads what `to_json` wrote."""
        values = json.loads(text)
        for name, kind in (("inputs", Input), ("outputs", Output), ("parameters", Parameter)):
            values[name] = {key: kind(**entry) for key, entry in values.get(name, {}).items()}
        lookups = values.get("lookups", {})
        values["lookups"] = {key: tuple(Lookup(**entry) for entry in entries) for key, entries in lookups.items()}
        return cls(**values)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        entries = {entry.name: getattr(value, entry.name) for entry in dataclasses.fields(value)}
        return {
            name: _plain(item)
            for name, item in entries.items()
            # Beam without arguments is something else than no Beam.
            if item is not None and (item not in ("", {}, (), False) or name == "beam")
        }
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value

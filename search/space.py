"""Search spaces: parameters together, and the points that they allow.

Reads and writes the configuration format of `keras_tuner.HyperParameters`, without KerasTuner itself.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfx_automl.errors import ConfigError
from tfx_automl.search.parameters import Boolean, Choice, Condition, Fixed, Float, Int, Parameter, Point, Value


@dataclass(frozen=True)
class Space:
    """A search space.

    Attributes:
        parameters: Parents before the parameters that depend on them.

    Raises:
        ConfigError: A condition names a parameter that does not come before, or a name is used again although a
            parameter of that name is always active.
    """

    parameters: tuple[Parameter, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", tuple(self.parameters))
        known: dict[str, Parameter] = {}
        for parameter in self.parameters:
            for condition in parameter.conditions:
                if condition.parent not in known:
                    raise ConfigError(f"{parameter.name}: its parent {condition.parent!r} does not come before it.")
            if parameter.name in known and not known[parameter.name].conditions:
                raise ConfigError(f"{parameter.name}: the name is used twice.")
            known[parameter.name] = parameter

    def sample(self, rng: np.random.Generator) -> Point:
        """Draws a point: values for the parameters that are active."""
        point: Point = {}
        for parameter in self.parameters:
            if parameter.name not in point and parameter.active(point):
                point[parameter.name] = parameter.sample(rng)
        return point

    def contains(self, point: Mapping[str, Value]) -> bool:
        """Tells whether a point has allowed values for just the active parameters."""
        active = {self.parameters[number].name: self.parameters[number] for number in self.active(point)}
        return set(active) == set(point) and all(active[name].contains(value) for name, value in point.items())

    def active(self, point: Mapping[str, Value]) -> list[int]:
        """Returns the numbers of the parameters that are active in a point.

        Several parameters may have one name, under different conditions; what tells them apart is their number.
        """
        found: dict[str, int] = {}
        before: Point = {}  # a parameter knows nothing of those that come after it
        for number, parameter in enumerate(self.parameters):
            if parameter.name not in found and parameter.active(before):
                found[parameter.name] = number
                if parameter.name in point:
                    before[parameter.name] = point[parameter.name]
        return list(found.values())

    def points(self) -> Iterator[Point]:
        """Yields every point once, in a fixed order: the last parameter changes first.

        Raises:
            ConfigError: A parameter is continuous.
        """
        return self._points({}, 0)

    def _points(self, point: Point, number: int) -> Iterator[Point]:
        if number == len(self.parameters):
            yield point
            return
        parameter = self.parameters[number]
        if parameter.name in point or not parameter.active(point):
            yield from self._points(point, number + 1)
            return
        for value in parameter.grid():
            yield from self._points({**point, parameter.name: value}, number + 1)

    def size(self) -> int | None:
        """Returns an upper bound on the number of points (exact without conditions); None if there is no end."""
        sizes = [parameter.size() for parameter in self.parameters]
        finite = [size for size in sizes if size is not None]
        return math.prod(finite) if len(finite) == len(sizes) else None

    def to_config(self, point: Mapping[str, Value] | None = None) -> dict[str, Any]:
        """Returns the configuration of a `keras_tuner.HyperParameters` with this space and these values."""
        return {"space": [parameter.to_config() for parameter in self.parameters], "values": dict(point or {})}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Space":
        """Reads the configuration of a `keras_tuner.HyperParameters`.

        Of parameters with the same name the first active one counts, as for KerasTuner; so those after one that is
        always active are left out.

        Raises:
            ConfigError: A parameter has a class that is not known.
        """
        parameters: list[Parameter] = []
        always: set[str] = set()
        for parameter in map(_from_config, config["space"]):
            if parameter.name not in always:
                parameters.append(parameter)
            if not parameter.conditions:
                always.add(parameter.name)
        return cls(tuple(parameters))


def _from_config(entry: Mapping[str, Any]) -> Parameter:
    kind, config = entry["class_name"], entry["config"]
    conditions = _conditions(config.get("conditions", ()))
    name = config["name"]
    if kind == "Int":
        return Int(name, *_range(config), conditions=conditions)
    if kind == "Float":
        return Float(name, *_range(config), conditions=conditions)
    if kind == "Choice":
        return Choice(name, tuple(config["values"]), config.get("default"), conditions=conditions)
    if kind == "Boolean":
        return Boolean(name, bool(config.get("default")), conditions=conditions)
    if kind == "Fixed":
        return Fixed(name, config["value"], conditions=conditions)
    raise ConfigError(f"{name}: the class {kind!r} is unknown; known are Int, Float, Choice, Boolean, Fixed.")


def _range(config: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(config.get(key) for key in ("min_value", "max_value", "step", "sampling", "default"))


def _conditions(configs: Sequence[Mapping[str, Any]]) -> tuple[Condition, ...]:
    return tuple(Condition(entry["config"]["name"], tuple(entry["config"]["values"])) for entry in configs)

"""The dimensions of a search space: typed parameters, some of them active only under a condition on another."""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tfx_automl.errors import ConfigError

Value = int | float | str | bool
Point = dict[str, Value]

_LOGARITHMIC = ("log", "reverse_log")


@dataclass(frozen=True)
class Condition:
    """A parameter is active only while its parent has one of these values.

    Attributes:
        parent: Name of the parent.
        values: Values of the parent under which the parameter is active.
    """

    parent: str
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(self.values))

    def holds(self, point: Mapping[str, Value]) -> bool:
        """Tells whether the parent is active and has one of the values."""
        return self.parent in point and point[self.parent] in self.values

    def to_config(self) -> dict[str, Any]:
        """Returns KerasTuner's form."""
        return {"class_name": "Parent", "config": {"name": self.parent, "values": list(self.values)}}


@dataclass(frozen=True)
class Parameter:
    """One dimension of a space.

    Attributes:
        name: Unique among the parameters that can be active together.
        conditions: All of them must hold for the parameter to be active.
    """

    name: str
    conditions: tuple[Condition, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "conditions", tuple(self.conditions))
        if not self.name:
            raise ConfigError("A parameter needs a name; got an empty one.")

    def active(self, point: Mapping[str, Value]) -> bool:
        """Tells whether the parameter is active in a point."""
        return all(condition.holds(point) for condition in self.conditions)

    def sample(self, rng: np.random.Generator) -> Value:
        """Draws a value."""
        raise NotImplementedError

    def contains(self, value: object) -> bool:
        """Tells whether a value is allowed."""
        raise NotImplementedError

    def size(self) -> int | None:
        """Returns the number of values; None when there is no end to them."""
        raise NotImplementedError

    def grid(self) -> Iterator[Value]:
        """Yields all values in a fixed order.

        Raises:
            ConfigError: There is no end to them.
        """
        raise NotImplementedError

    def to_unit(self, value: Value) -> float:
        """Returns where a value lies between 0 and 1, on the scale that values are drawn on."""
        raise NotImplementedError

    def from_unit(self, unit: float) -> Value:
        """Returns the value at a place between 0 and 1; even places give values as `sample` draws them."""
        raise NotImplementedError

    def to_config(self) -> dict[str, Any]:
        """Returns KerasTuner's form of this parameter."""
        conditions = [condition.to_config() for condition in self.conditions]
        return {
            "class_name": type(self).__name__,
            "config": {"name": self.name, "conditions": conditions, **self._config()},
        }

    def _config(self) -> dict[str, Any]:
        raise NotImplementedError


@dataclass(frozen=True)
class _Range(Parameter):
    """What integers and floats have in common: a range, steps, and a scale.

    Attributes:
        min: Smallest value.
        max: Largest value, inclusive.
        step: Distance of neighbours (on a logarithmic scale, their ratio); None is continuous.
        sampling: None or `linear` draws evenly, `log` evenly on a logarithmic scale, and `reverse_log` on one that is
            fine at the upper end: min + max − x is then spread like `log`.
        default: Value that KerasTuner starts from; None takes the smallest.
    """

    min: float
    max: float
    step: float | None = None
    sampling: str | None = None
    default: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        problems = []
        if not self.min <= self.max:
            problems.append(f"{self.name}: expected min <= max, got {self.min} and {self.max}.")
        if self.sampling not in (None, "linear", *_LOGARITHMIC):
            known = "None, 'linear', 'log' or 'reverse_log'"
            problems.append(f"{self.name}: expected sampling {known}, got {self.sampling!r}.")
        if self.logarithmic and not self.min > 0:
            problems.append(f"{self.name}: sampling {self.sampling!r} needs min above 0, got {self.min}.")
        if self.step is not None and not self.step > int(self.logarithmic):
            problems.append(f"{self.name}: expected a step above {int(self.logarithmic)}, got {self.step}.")
        if problems:
            raise ConfigError(problems)

    @property
    def logarithmic(self) -> bool:
        """Whether steps are ratios."""
        return self.sampling in _LOGARITHMIC

    def size(self) -> int | None:
        """Returns the number of steps, None if continuous."""
        if self.min == self.max:
            return 1
        if self.step is None:
            return None
        if self.logarithmic:
            return math.floor(math.log(self.max / self.min, self.step) + 1e-8) + 1
        return math.floor((self.max - self.min) / self.step + 1e-8) + 1

    def grid(self) -> Iterator[Value]:
        """Yields all values, the smallest first (for `reverse_log` the largest).

        Raises:
            ConfigError: The range is continuous.
        """
        count = self.size()
        if count is None:
            raise ConfigError(
                f"{self.name}: there is no end of values from {self.min} to {self.max}; give it a step to count them."
            )
        return map(self._nth, range(count))

    def to_unit(self, value: Value) -> float:
        """Returns where a value lies, from the finest end of the scale; steps lie in the middle of equal shares."""
        count = self.size()
        if count is not None:
            return (round(self._steps(float(value))) + 0.5) / count if count > 1 else 0.5
        if self.logarithmic:
            return math.log(self._turned(float(value)) / self.min) / math.log(self.max / self.min)
        return (float(value) - self.min) / (self.max - self.min)

    def from_unit(self, unit: float) -> Value:
        """Returns the value at a place of the range."""
        return self._at(unit)

    def _at(self, unit: float) -> float:
        count = self.size()
        if count is not None:
            return self._nth(min(int(unit * count), count - 1))
        if self.logarithmic:
            place = self.min * math.exp(unit * math.log(self.max / self.min))
            return self._turned(min(max(place, self.min), self.max))
        return min(self.min + unit * (self.max - self.min), self.max)

    def _steps(self, value: float) -> float:
        if self.step is None:
            return 0.0
        if self.logarithmic:
            return math.log(self._turned(value) / self.min, self.step)
        return (value - self.min) / self.step

    def _nth(self, number: int) -> float:
        step = self.step if self.step is not None else 0.0
        return self._turned(self.min * step**number) if self.logarithmic else self.min + step * number

    def _turned(self, value: float) -> float:
        """Returns the value at the same place from the other end for `reverse_log`, else the value itself."""
        return self.max + self.min - value if self.sampling == "reverse_log" else value

    def _draw(self, rng: np.random.Generator) -> float:
        count = self.size()
        if count is not None:
            return self._nth(int(rng.integers(count)))
        if self.logarithmic:
            return self._turned(float(np.exp(rng.uniform(math.log(self.min), math.log(self.max)))))
        return float(rng.uniform(self.min, self.max))

    def _on_grid(self, value: float) -> bool:
        if not self.min - 1e-12 <= value <= self.max * (1 + 1e-12) + 1e-12:
            return False
        count = self.size()
        if count is None or self.step is None:
            return True
        steps = self._steps(value)
        return abs(steps - round(steps)) < 1e-6

    def _config(self) -> dict[str, Any]:
        default = self.min if self.default is None else self.default
        return {
            "default": default,
            "min_value": self.min,
            "max_value": self.max,
            "step": self.step,
            "sampling": self.sampling or "linear",
        }


@dataclass(frozen=True)
class Int(_Range):
    """An integer from `min` to `max`, both inclusive, in steps of 1 unless said otherwise."""

    def __post_init__(self) -> None:
        if self.step is None and not self.logarithmic:
            object.__setattr__(self, "step", 1)
        super().__post_init__()

    def sample(self, rng: np.random.Generator) -> Value:
        """Draws an integer."""
        if self.step is not None:
            return round(self._draw(rng))
        return self._turned_whole(self._exp(rng.uniform(math.log(self.min), math.log(self.max + 1))))

    def contains(self, value: object) -> bool:
        """Tells whether a value is an integer of the range."""
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        return self.min <= value <= self.max and (self.logarithmic or self._on_grid(value))

    def size(self) -> int | None:
        """Returns the number of steps, or of all integers where there are none."""
        return super().size() if self.step is not None else int(self.max) - int(self.min) + 1

    def grid(self) -> Iterator[Value]:
        """Yields all values, the smallest first."""
        if self.step is None:
            return iter(range(int(self.min), int(self.max) + 1))
        # Steps on a logarithmic scale may round to the same integer.
        return (value for value, _ in itertools.groupby(round(float(number)) for number in super().grid()))

    def to_unit(self, value: Value) -> float:
        """Returns where an integer lies in the range."""
        if self.step is not None:
            return super().to_unit(value)
        return math.log((self._turned(float(value)) + 0.5) / self.min) / math.log((self.max + 1) / self.min)

    def from_unit(self, unit: float) -> Value:
        """Returns the integer at a place of the range."""
        if self.step is not None:
            return round(self._at(unit))
        return self._turned_whole(self._exp(math.log(self.min) + unit * math.log((self.max + 1) / self.min)))

    def _turned_whole(self, value: int) -> int:
        return int(self._turned(value))

    def _exp(self, logarithm: float) -> int:
        return min(max(int(math.exp(logarithm)), int(self.min)), int(self.max))


@dataclass(frozen=True)
class Float(_Range):
    """A number from `min` to `max`, both inclusive."""

    def sample(self, rng: np.random.Generator) -> Value:
        """Draws a number."""
        return self._draw(rng)

    def contains(self, value: object) -> bool:
        """Tells whether a value is a number of the range."""
        return isinstance(value, (int, float)) and not isinstance(value, bool) and self._on_grid(float(value))


@dataclass(frozen=True)
class Choice(Parameter):
    """One of several values.

    Attributes:
        values: Of one type: all numbers, all texts or all booleans.
        default: Value that KerasTuner starts from; None takes the first.
    """

    values: tuple[Value, ...]
    default: Value | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "values", tuple(self.values))
        if not self.values:
            raise ConfigError(f"{self.name}: expected at least one value, got none.")
        if len(set(self.values)) != len(self.values):
            raise ConfigError(f"{self.name}: expected different values, got {self.values}.")
        if self.default is not None and self.default not in self.values:
            raise ConfigError(f"{self.name}: expected a default among {self.values}, got {self.default!r}.")

    def sample(self, rng: np.random.Generator) -> Value:
        """Draws one of the values."""
        return self.values[int(rng.integers(len(self.values)))]

    def contains(self, value: object) -> bool:
        """Tells whether a value is one of them."""
        return value in self.values

    def size(self) -> int | None:
        """Returns how many there are."""
        return len(self.values)

    def grid(self) -> Iterator[Value]:
        """Yields them in the order that they were given in."""
        return iter(self.values)

    def to_unit(self, value: Value) -> float:
        """Returns the middle of the share of a value."""
        return (self.values.index(value) + 0.5) / len(self.values)

    def from_unit(self, unit: float) -> Value:
        """Returns the value that has this share."""
        return self.values[min(int(unit * len(self.values)), len(self.values) - 1)]

    def _config(self) -> dict[str, Any]:
        ordered = not isinstance(self.values[0], (str, bool))
        default = self.values[0] if self.default is None else self.default
        return {"default": default, "values": list(self.values), "ordered": ordered}


@dataclass(frozen=True)
class Boolean(Parameter):
    """True or false.

    Attributes:
        default: Value that KerasTuner starts from.
    """

    default: bool = False

    def sample(self, rng: np.random.Generator) -> Value:
        """Draws true or false."""
        return bool(rng.integers(2))

    def contains(self, value: object) -> bool:
        """Tells whether a value is a boolean."""
        return isinstance(value, bool)

    def size(self) -> int | None:
        """Returns 2."""
        return 2

    def grid(self) -> Iterator[Value]:
        """Yields false, then true."""
        return iter((False, True))

    def to_unit(self, value: Value) -> float:
        """Returns the middle of the share of a value."""
        return 0.75 if value else 0.25

    def from_unit(self, unit: float) -> Value:
        """Returns the value that has this share."""
        return unit >= 0.5

    def _config(self) -> dict[str, Any]:
        return {"default": self.default}


@dataclass(frozen=True)
class Fixed(Parameter):
    """A value that is not searched, but belongs to every point.

    Attributes:
        value: The value.
    """

    value: Value

    def sample(self, rng: np.random.Generator) -> Value:
        """Returns the value."""
        del rng
        return self.value

    def contains(self, value: object) -> bool:
        """Tells whether it is the value."""
        return value == self.value

    def size(self) -> int | None:
        """Returns 1."""
        return 1

    def grid(self) -> Iterator[Value]:
        """Yields the value."""
        return iter((self.value,))

    def to_unit(self, value: Value) -> float:
        """Returns the middle: there is nothing else."""
        del value
        return 0.5

    def from_unit(self, unit: float) -> Value:
        """Returns the value."""
        del unit
        return self.value

    def _config(self) -> dict[str, Any]:
        return {"value": self.value}

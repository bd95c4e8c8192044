"""Points as vectors, and points near other points: what the samplers that learn have in common."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tfx_automl.search.parameters import Boolean, Choice, Parameter, Point, Value
from tfx_automl.search.space import Space

Vectors = npt.NDArray[np.float64]

_MOVES = 16  # tries to move a number; with steps, a small move may end where it began


def searched(space: Space) -> list[int]:
    """Returns the numbers of the parameters that have more than one value."""
    return [number for number, parameter in enumerate(space.parameters) if parameter.size() != 1]


def categories(parameter: Parameter) -> int | None:
    """Returns the number of values of a parameter without an order of its values; None for a number."""
    return parameter.size() if isinstance(parameter, (Choice, Boolean)) else None


def place(parameter: Parameter, value: Value, shares: int) -> int:
    """Returns which of so many equal shares of a parameter's range a value lies in, from 0."""
    return min(int(parameter.to_unit(value) * shares), shares - 1)


def by_number(space: Space, point: Point) -> dict[int, Value]:
    """Returns the values of a point by the numbers of its parameters, which are unique where names are not."""
    return {number: point[space.parameters[number].name] for number in space.active(point)}


def complete(space: Space, values: Mapping[int, Value], rng: np.random.Generator) -> Point:
    """Returns a point of the space that has these values where they are active; others that become so are drawn.

    Args:
        space: The space.
        values: By the number of the parameter.
        rng: What draws.
    """
    point: Point = {}
    for number, parameter in enumerate(space.parameters):
        if parameter.name not in point and parameter.active(point):
            point[parameter.name] = values[number] if number in values else parameter.sample(rng)
    return point


def mutate(space: Space, point: Point, rng: np.random.Generator, spread: float = 0.2) -> Point:
    """Returns a point that differs in one parameter, and in those that become active or inactive by that.

    Args:
        space: The space.
        point: Where to start; it stays as it is.
        rng: What draws.
        spread: How far numbers move: standard deviation, as a share of their range.
    """
    values = by_number(space, point)
    movable = [number for number in values if space.parameters[number].size() != 1]
    if movable:
        number = movable[int(rng.integers(len(movable)))]
        values[number] = _other(space.parameters[number], values[number], rng, spread)
    return complete(space, values, rng)


def _other(parameter: Parameter, value: Value, rng: np.random.Generator, spread: float) -> Value:
    if categories(parameter):
        others = [other for other in parameter.grid() if other != value]
        return others[int(rng.integers(len(others)))]
    start = parameter.to_unit(value)
    wide = max(spread, 1.0 / (parameter.size() or np.inf))  # at least as wide as a step
    for move in rng.normal(0.0, wide, _MOVES):
        moved = parameter.from_unit(_reflected(start + float(move)))
        if moved != value:
            return moved
    return parameter.sample(rng)


def _reflected(unit: float) -> float:
    """Returns a place between 0 and 1 that is as far inside as the given one may be outside."""
    folded = abs(unit) % 2.0
    return folded if folded <= 1.0 else 2.0 - folded


class Encoding:
    """Turns points into vectors of one length, with values between 0 and 1.

    A number takes one column, on the scale that it is drawn on; a choice takes one for each of its values. Inactive
    numbers are put in the middle, inactive choices have all zeros.

    Args:
        space: The space.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._first: dict[int, int] = {}
        middle: list[float] = []
        for number in searched(space):
            self._first[number] = len(middle)
            middle += [0.0] * count if (count := categories(space.parameters[number])) else [0.5]
        self._empty = np.array(middle)

    @property
    def width(self) -> int:
        """The length of the vectors."""
        return len(self._empty)

    def vectors(self, points: Sequence[Point]) -> Vectors:
        """Returns one row for each point."""
        rows = np.tile(self._empty, (len(points), 1))
        for row, point in zip(rows, points, strict=True):
            for number, value in by_number(self._space, point).items():
                if number in self._first:
                    self._write(row, number, value)
        return rows

    def _write(self, row: Vectors, number: int, value: Value) -> None:
        parameter, first = self._space.parameters[number], self._first[number]
        if count := categories(parameter):
            row[first + place(parameter, value, count)] = 1.0
        else:
            row[first] = parameter.to_unit(value)

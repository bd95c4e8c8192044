"""Cut points: how a continuous sensitive feature, such as an age, makes groups."""

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence

# Of each feature the points where one group ends and the next begins, in increasing order.
Cuts = Mapping[str, Sequence[float]]

_NUMBER = r"(-?[0-9][0-9.e+-]*)"
_NAMES = re.compile(rf"under {_NUMBER}|{_NUMBER} to under {_NUMBER}|{_NUMBER} and over")


def cut_names(points: Sequence[float]) -> tuple[str, ...]:
    """Returns what the groups are called: `under 25`, `25 to under 45`, `45 and over`.

    Args:
        points: In increasing order, at least one; a value that is one of them belongs to the group above it.
    """
    texts = [f"{point:.15g}" for point in points]
    between = [f"{low} to under {high}" for low, high in itertools.pairwise(texts)]
    return f"under {texts[0]}", *between, f"{texts[-1]} and over"


def place_of(name: str) -> float:
    """Returns by what the name of such a group is to be ordered; infinity for any other text."""
    found = _NAMES.fullmatch(name)
    if found is None:
        return math.inf
    under, low, _, over = found.groups()
    return -math.inf if under else float(low or over)


def cut_problems(cuts: Cuts, features: Sequence[str]) -> Iterator[str]:
    """Yields what is wrong with cut points.

    Args:
        cuts: As a person gave them.
        features: The sensitive features.
    """
    for name, points in cuts.items():
        if name not in features:
            known = ", ".join(features) or "none"
            yield f"Cut points are given for {name!r}, which is not a sensitive column; these are: {known}."
        good = [isinstance(point, (int, float)) and math.isfinite(point) for point in points]
        rising = all(good) and all(low < high for low, high in itertools.pairwise(points))
        if not points or not rising:
            given = list(points)
            yield f"Cut points are finite numbers in increasing order, such as 25,45,65; got {given} for {name!r}."

"""Cut points of continuous features."""

import bisect
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_automl.errors import ConfigError
from tfx_automl.models.cuts import cut_names, place_of
from tfx_automl.models.groups import GroupSpec

POINTS = st.lists(st.floats(-1e12, 1e12, allow_nan=False), min_size=1, max_size=20, unique_by=lambda x: f"{x:.15g}")


def test_names() -> None:
    assert cut_names([25, 45.5]) == ("under 25", "25 to under 45.5", "45.5 and over")
    assert cut_names([-0.001]) == ("under -0.001", "-0.001 and over")


@given(POINTS)
def test_names_are_ordered_as_the_numbers(points: list[float]) -> None:
    names = cut_names(sorted(points))
    assert len(set(names)) == len(points) + 1
    assert [*map(place_of, names)] == sorted(map(place_of, names))


def test_other_texts_have_no_place() -> None:
    assert {place_of(text) for text in ("Female", "under age", "20 to 30", "")} == {math.inf}


@given(POINTS, st.lists(st.floats(-1e6, 1e6, width=32) | st.none(), max_size=30))
def test_values_lie_where_bisection_puts_them(points: list[float], values: list[float | None]) -> None:
    import numpy as np
    import pyarrow as pa

    from tfx_automl.components.sensitive import cut_values

    ordered = sorted(points)
    for type_, edges in ((pa.float64(), ordered), (pa.float32(), np.float32(ordered).tolist())):
        found = cut_values(pa.array(values, type_), ordered, "age").to_pylist()
        names = cut_names(ordered)
        assert found == [None if value is None else names[bisect.bisect(edges, value)] for value in values]


@pytest.mark.parametrize(
    ("cuts", "message"),
    [
        ({"weight": [1]}, "'weight', which is not a sensitive column; these are: age"),
        ({"age": []}, r"in increasing order, such as 25,45,65; got \[\] for 'age'"),
        ({"age": [30, 20]}, r"got \[30, 20\] for 'age'"),
        ({"age": [20, 20]}, "in increasing order"),
        ({"age": [20, math.inf]}, "finite numbers"),
        ({"age": ["20"]}, "finite numbers"),
    ],
)
def test_impossible_cut_points_are_refused(cuts: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        GroupSpec.of([["age"]], cuts=cuts)


def test_groups_survive_their_json() -> None:
    spec = GroupSpec.of([["age"], ["sex", "age"]], cuts={"age": [25, 45]})
    assert GroupSpec.from_json(spec.to_json()) == spec

"""Thresholds by group in the graph: every type, crossings, missing and unseen values."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_automl.models.group_thresholds import GroupThresholds
from tfx_automl.models.raw_tensors import MISSING_INTEGER
from tfx_automl.models.row_thresholds import raw_features, row_thresholds

NAN = float("nan")
TYPES = {"text": b"", "int": MISSING_INTEGER, "float": NAN}


def looked_up(thresholds: GroupThresholds, columns: dict) -> list[float]:
    """The threshold of each row of dense columns, in which a missing value is what stands for it in a request."""
    import tensorflow as tf

    kinds = {"text": tf.string, "int": tf.int64, "float": tf.float32}
    types = dict(zip(thresholds.features, thresholds.types, strict=True))
    parsed = {name: tf.constant(values, kinds[types[name]]) for name, values in columns.items()}
    return row_thresholds(thresholds, parsed).numpy().tolist()


@pytest.mark.parametrize(
    ("kind", "slices", "others"),
    [
        ("text", ["Female", "Male", "Köln, West"], ["female", "Male ", "(missing)"]),
        ("int", [3, -1, 0, 10**17 + 1], [1, 10**17, 2**63 - 1]),
        ("float", [0.5, -1e30, 3.0000002384185791, 0.0], [3.0, 0.1, float("inf")]),
    ],
)
def test_every_type(kind, slices, others):
    own = [0.1, 0.9, 0.25, 0.75][: len(slices)]
    thresholds = GroupThresholds(("a",), (kind,), 0.5, tuple((value,) for value in slices), tuple(own))
    found = looked_up(thresholds, {"a": [*slices, *others, TYPES[kind]]})
    assert found == pytest.approx([*own, *[0.5] * (len(others) + 1)])


def test_crossing_needs_all_of_its_values():
    slices = (("F", 1), ("F", 2), ("M", 1))
    thresholds = GroupThresholds(("sex", "age"), ("text", "int"), 0.5, slices, (0.1, 0.2, 0.3))
    rows = {"sex": ["F", "F", "M", "M", "", "F", "x"], "age": [1, 2, 1, 2, 1, MISSING_INTEGER, 1]}
    assert looked_up(thresholds, rows) == pytest.approx([0.1, 0.2, 0.3, 0.5, 0.5, 0.5, 0.5])


@settings(max_examples=20)
@given(
    slices=st.dictionaries(
        st.tuples(st.text(max_size=2), st.integers(-2, 2), st.sampled_from([0.0, 0.5, 1.5])),
        st.floats(0.125, 1, width=32),
        min_size=1,
        max_size=12,
    )
)
def test_crossing_of_three_is_what_a_dictionary_finds(slices):
    types = ("text", "int", "float")
    thresholds = GroupThresholds(("a", "b", "c"), types, 0.0625, tuple(slices), tuple(slices.values()))
    every = list(itertools.product({a for a, _, _ in slices}, range(-3, 3), (0.0, 0.5, 1.0, 1.5)))
    columns = dict(zip("abc", map(list, zip(*every, strict=True)), strict=True))
    assert looked_up(thresholds, columns) == [slices.get(row, 0.0625) for row in every]


def test_sparse_rows_without_a_value_have_the_common_threshold():
    import tensorflow as tf

    thresholds = GroupThresholds(("a",), ("text",), 0.5, (("F",), ("M",)), (0.1, 0.9))
    examples = [{"a": b"M"}, {}, {"a": b"F"}, {}]
    serialized = [
        tf.train.Example(
            features=tf.train.Features(
                feature={name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[v])) for name, v in row.items()}
            )
        ).SerializeToString()
        for row in examples
    ]
    parsed = tf.io.parse_example(serialized, raw_features(thresholds, {}))
    assert row_thresholds(thresholds, parsed).numpy() == pytest.approx([0.9, 0.5, 0.1, 0.5])
    nothing = tf.io.parse_example(tf.constant([], tf.string), raw_features(thresholds, {}))
    assert row_thresholds(thresholds, nothing).shape == (0,)


def test_columns_that_the_model_reads_are_parsed_as_it_does():
    import tensorflow as tf

    thresholds = GroupThresholds(("a", "b"), ("text", "float"), 0.5, (("F", 1.0),), (0.1,))
    dense = tf.io.FixedLenFeature([], tf.string)
    found = raw_features(thresholds, {"a": dense, "c": dense})
    assert found["a"] is dense
    assert found["b"] == tf.io.VarLenFeature(tf.float32)
    assert set(found) == {"a", "b"}
    assert raw_features(None, {"a": dense}) == {}


@pytest.mark.parametrize("kind", ["int", "float"])
def test_cut_features_are_looked_up_by_the_group_that_a_number_is_in(kind):
    """As `cut_values` names them for the Evaluator, also at the very points."""
    import pyarrow as pa

    from tfx_automl.components.sensitive import cut_values

    points = (25, 45, 65) if kind == "int" else (0.1, 45.0, 65.5)
    names = ["under 25", "45 to under 65"] if kind == "int" else ["under 0.1", "45 to under 65.5"]
    thresholds = GroupThresholds(("age",), (kind,), 0.5, ((names[1],), (names[0],)), (0.25, 0.75), {"age": points})
    values = [-3, 24, 25, 44, 45, 64, 65, 100, TYPES[kind]] + ([0.1, 65.4, float("inf")] if kind == "float" else [])
    present = [None if value == MISSING_INTEGER or value != value else value for value in values]
    groups = cut_values(pa.array(present, pa.int64() if kind == "int" else pa.float32()), points, "age").to_pylist()
    own = {names[1]: 0.25, names[0]: 0.75}
    assert looked_up(thresholds, {"age": values}) == [own.get(group, 0.5) for group in groups]
    assert set(own) < set(groups)


def test_thousands_of_slices():
    slices = tuple((f"group {number}",) for number in range(5000))
    own = tuple(np.float32(np.linspace(0.1, 0.9, 5000)).tolist())
    thresholds = GroupThresholds(("a",), ("text",), 0.5, slices, own)
    assert looked_up(thresholds, {"a": [value for (value,) in slices]}) == list(own)

"""What columns are called in a request."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_automl.models.export import _from_columns, request_names

# Every kind of name that TensorFlow refuses, changes, or takes for another one's.
AWKWARD = (
    *(
        "_c0",
        "-dash",
        "/slash",
        ".dot",
        "%fat",
        "größe",
        "日本",
        "1stFlrSF",
        "marital-status",
        "a/b",
        "a.b",
        "a b",
        "a_b",
    ),
    *("Age", "age", "AGE!", "self", "class", "x1stFlrSF", "name", "columns", "a/", "training"),
)


def test_plain_names_stay_and_others_get_underscores():
    assert request_names(["age", "Group Name", "a/b", "x-y", "größe"]) == {
        "age": "age",
        "Group Name": "Group_Name",
        "a/b": "a_b",
        "x-y": "x_y",
        "größe": "gr__e",
    }


def test_names_start_with_a_letter():
    assert request_names(["_c0", "1stFlrSF", "%fat", "-a", "日本", "self"]) == {
        "_c0": "x_c0",
        "1stFlrSF": "x1stFlrSF",
        "%fat": "x_fat",
        "-a": "x_a",
        "日本": "x__",
        "self": "xself",
    }


def test_a_plain_name_is_never_taken_by_another():
    found = request_names(["a_b", "a b", "a$b", "x_c", "_c"])
    assert (found["a_b"], found["x_c"]) == ("a_b", "x_c")
    assert len(set(found.values())) == 5


def test_names_that_differ_only_in_capital_letters_all_get_a_checksum():
    found = request_names(["Age", "age"])
    assert all(re.fullmatch(rf"{name}_[0-9a-f]{{8}}", short) for name, short in found.items())
    assert request_names(["age", "Age!"])["age"] == "age"


@given(st.sets(st.text("abAB1 _-/.$ü", min_size=1, max_size=4), max_size=30))
def test_names_are_different_and_allowed(columns):
    found = request_names(columns)
    assert len({short.lower() for short in found.values()}) == len(columns)
    assert all(re.fullmatch("[A-Za-z][A-Za-z0-9_]*", short) for short in found.values())


@pytest.mark.slow
def test_a_saved_signature_takes_every_name(tmp_path):
    """All at once and one by one, since a name may fail alone or beside another."""
    import tensorflow as tf

    raw = {name: tf.io.VarLenFeature(tf.float32) for name in AWKWARD}
    for number, columns in enumerate([AWKWARD, *([name] for name in AWKWARD)]):
        names = request_names(columns)

        def predict(features, columns=tuple(columns)):
            return {"sum": tf.add_n([2.0**n * features[name].values for n, name in enumerate(columns)])}

        signature = _from_columns(predict, raw, names)
        folder = str(tmp_path / str(number))
        tf.saved_model.save(tf.Module(), folder, signatures={"serving_raw": signature})
        served = tf.saved_model.load(folder).signatures["serving_raw"]
        assert set(served.structured_input_signature[1]) == set(names.values())
        values = {names[name]: tf.constant([float(n + 1)]) for n, name in enumerate(columns)}
        expected = sum(2.0**n * (n + 1) for n in range(len(columns)))
        np.testing.assert_allclose(served(**values)["sum"], [expected], rtol=1e-6)

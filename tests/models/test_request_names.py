"""What columns are called in a request."""

from hypothesis import given
from hypothesis import strategies as st

from tfx_automl.models.export import request_names


def test_plain_names_stay_and_others_get_underscores():
    assert request_names(["age", "Group Name", "a/b", "x-y", "größe"]) == {
        "age": "age",
        "Group Name": "Group_Name",
        "a/b": "a/b",
        "x-y": "x-y",
        "größe": "gr__e",
    }


def test_a_plain_name_is_never_taken_by_another():
    found = request_names(["a_b", "a b", "a$b"])
    assert found["a_b"] == "a_b"
    assert len(set(found.values())) == 3


@given(st.sets(st.text("ab _$ü", min_size=1, max_size=4), max_size=30))
def test_names_are_different_and_allowed(columns):
    found = request_names(columns)
    assert len(set(found.values())) == len(columns)
    assert all(name.isascii() and " " not in name and "$" not in name for name in found.values())

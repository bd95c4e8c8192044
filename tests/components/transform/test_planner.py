"""The planner on statistics that TFDV computed."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_automl.components.transform.plan import FeatureDecision, FeaturePlan
from tfx_automl.components.transform.planner import plan_features
from tfx_automl.errors import ConfigError, DataError
from tfx_automl.models.task import TaskSpec

TASK = TaskSpec("regression", "y")


def _plan(frame: pd.DataFrame, exclude=()) -> dict[str, FeatureDecision]:
    import tensorflow_data_validation as tfdv

    statistics = tfdv.generate_statistics_from_dataframe(frame, n_jobs=1).datasets[0]
    return {d.name: d for d in plan_features(statistics, TASK, exclude).decisions}


@pytest.fixture(scope="module")
def mixed() -> dict[str, FeatureDecision]:
    n = 3000
    frame = pd.DataFrame(
        {
            "y": range(n),
            "row": range(n),
            "customer_id": [7919 * k % 1_000_003 for k in range(n)],
            "grade": [k % 5 for k in range(n)],
            "zip": [f"z{k % 1500}" for k in range(n)],
            "kind": [f"k{k % 7}" for k in range(n)],
            "name": [f"person {k}" for k in range(n)],
            "same": ["x"] * n,
            "zero": [0.0] * n,
            "gain": [100_000.0 if k % 500 == 0 else 0.0 for k in range(n)],
            "secret": [k % 3 for k in range(n)],
        }
    )
    return _plan(frame, exclude=("secret",))


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("y", "label", "regression"),
        ("row", "dropped", "identifier"),
        ("customer_id", "dropped", "identifier"),
        ("grade", "numeric", "0 to 4"),
        ("zip", "hashed", "1,500 values in 3,000 rows, too many for a vocabulary: 375 hash buckets"),
        ("kind", "categorical", "7 values"),
        ("name", "dropped", "identifier: 3,000 values in 3,000 rows"),
        ("same", "dropped", "constant: always 'x'"),
        ("zero", "dropped", "constant: always 0"),
        ("gain", "log", "mostly tail"),
        ("secret", "dropped", "excluded by the user"),
    ],
)
def test_decisions(mixed, name, kind, reason):
    assert mixed[name].kind == kind
    assert reason in mixed[name].reason


def test_unknown_excluded_column():
    with pytest.raises(DataError, match=r"There is no column nope; the columns are x, y"):
        _plan(pd.DataFrame({"y": [1.0, 2.0], "x": [1.0, 2.0]}), exclude=("nope",))


_VALUES = st.one_of(
    st.lists(st.integers(-(2**40), 2**40), min_size=30, max_size=30),
    st.lists(st.floats(allow_infinity=False, width=32), min_size=30, max_size=30),
    st.lists(st.text(max_size=5), min_size=30, max_size=30),
    st.lists(st.none(), min_size=30, max_size=30),
)


@settings(max_examples=15)
@given(columns=st.dictionaries(st.sampled_from(list("abcdef")), _VALUES, min_size=1, max_size=4))
def test_every_column_is_decided_once_whatever_it_holds(columns):
    decisions = _plan(pd.DataFrame({"y": [float(n) for n in range(30)], **columns}))
    assert set(decisions) == {"y", *columns}
    assert all(decision.reason for decision in decisions.values())


def test_plan_survives_json(mixed):
    plan = FeaturePlan(TASK, 3000, tuple(mixed.values()))
    assert FeaturePlan.from_json(plan.to_json()) == plan


def test_decision_needs_a_reason():
    with pytest.raises(ConfigError, match="needs a reason"):
        FeatureDecision("x", "numeric", "")
    with pytest.raises(ConfigError, match="expected a kind among"):
        FeatureDecision("x", "magic", "because")  # type: ignore[arg-type]

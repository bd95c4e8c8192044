"""Both engines on the census data of 1994, and fairlearn's gaps of the same predictions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from equality_for_tests import assert_equal

from tfx_automl.pipelines.datasets import ADULT_COLUMNS

SENSITIVE = [("sex",), ("race",), ("age",), ("sex", "race")]
OPTIONS = {
    "sensitive": SENSITIVE,
    "cuts": {"age": (25, 45, 65)},
    "min_slice_size": 50,
    "max_gaps": {"equalized_odds_difference": 0.1, "demographic_parity_ratio": 0.8},
    "min_metrics": {"auc": 0.85},
    "min_slice_metrics": {"accuracy": 0.8},
}

pytestmark = pytest.mark.slow


def read(path: Path) -> pd.DataFrame:
    frame = pd.read_csv(path, names=ADULT_COLUMNS.split(","), skipinitialspace=True, na_values="?")
    frame["income"] = frame["income"].str.rstrip(".")
    return frame


@pytest.fixture(scope="module")
def columns(shared_data: Callable[[str], Path]) -> dict[str, list[Any]]:
    """The test rows with the probabilities of a model that was fitted to the others."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    train, test = (read(shared_data(f"adult-{split}.csv")) for split in ("train", "test"))
    numbers = ["age", "education_num", "capital_gain", "capital_loss", "hours_per_week"]
    features = [
        pd.concat([frame[numbers], (frame[["sex", "marital_status"]] == ["Male", "Married-civ-spouse"])], axis=1)
        for frame in (train, test)
    ]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(features[0], train["income"] == ">50K")
    found: dict[str, list[Any]] = {name: test[name].tolist() for name in ("sex", "race", "age")}
    found["score"] = model.predict_proba(features[1])[:, 1].astype("float32").tolist()
    return found | {"target": (test["income"] == ">50K").map({True: "yes", False: "no"}).tolist()}


@pytest.fixture(scope="module")
def both(evaluate: Any, columns: dict[str, list[Any]]) -> dict[str, dict[str, Any]]:
    return {engine: evaluate("binary", columns, engine=engine, **OPTIONS).report for engine in ("tfma", "columnar")}


def test_engines_agree_on_every_metric_interval_and_verdict(both: dict[str, dict[str, Any]]) -> None:
    assert both["tfma"]["rows"] == 16281
    assert len(both["tfma"]["slices"]) == 2 + 5 + 4 + 10
    assert {check["passed"] for check in both["tfma"]["checks"]} == {True, False, None}
    assert_equal(both["tfma"], both["columnar"])


@pytest.mark.parametrize("group", SENSITIVE)
def test_gaps_are_fairlearns(
    group: tuple[str, ...], both: dict[str, dict[str, Any]], columns: dict[str, list[Any]]
) -> None:
    import fairlearn.metrics as fairlearn

    frame = pd.DataFrame(columns)
    frame["age"] = pd.cut(frame["age"], [0, 25, 45, 65, 200], right=False).astype(str)
    key = frame[list(group)].agg(",".join, axis=1)
    rows = key.map(key.value_counts()) >= OPTIONS["min_slice_size"]
    given = {"y_true": frame["target"] == "yes", "y_pred": frame["score"].astype("float32") >= 0.5}
    kept = {name: values[rows] for name, values in given.items()}
    names = ("demographic_parity_difference", "demographic_parity_ratio", "equalized_odds_difference")
    expected = {name: getattr(fairlearn, name)(**kept, sensitive_features=key[rows]) for name in names}
    rates = fairlearn.MetricFrame(metrics=fairlearn.true_positive_rate, **kept, sensitive_features=key[rows])
    expected["equal_opportunity_difference"] = rates.difference()
    for report in both.values():
        gaps = report["gaps"][",".join(group)]
        assert {name: gaps[name] for name in expected} == pytest.approx(expected, abs=1e-6)

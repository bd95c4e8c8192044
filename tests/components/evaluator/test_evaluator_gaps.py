"""Gaps: equal to fairlearn's, and properties that hold for any slices."""

import fairlearn.metrics as fairlearn
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_automl.components.evaluator.gaps import Gap, compute_gaps
from tfx_automl.components.evaluator.slices import SliceMetrics
from tfx_automl.errors import ConfigError
from tfx_automl.models.fairness import GAPS

RATES = ("selection_rate", "tpr", "fpr", "accuracy", "auc")


def rates(label: np.ndarray, predicted: np.ndarray) -> dict[str, float | None]:
    positive = label == 1
    return {
        "selection_rate": predicted.mean(),
        "tpr": predicted[positive].mean(),
        "fpr": predicted[~positive].mean(),
        "accuracy": (label == predicted).mean(),
        "auc": 0.5,
    }


def by_name(gaps: tuple[Gap, ...]) -> dict[str, float | None]:
    return {gap.name: gap.value for gap in gaps}


def part(value: str, count: int = 100, **metrics: float | None) -> SliceMetrics:
    return SliceMetrics(("sex",), (value,), count, {**dict.fromkeys(RATES, 0.5), **metrics})


@st.composite
def slices(draw: st.DrawFn) -> list[SliceMetrics]:
    rate = st.floats(0, 1) | st.none()
    values = draw(st.lists(st.tuples(st.integers(1, 60), *[rate] * len(RATES)), min_size=1, max_size=6))
    return [
        SliceMetrics(("sex",), (str(index),), count, dict(zip(RATES, row, strict=True)))
        for index, (count, *row) in enumerate(values)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_gaps_equal_fairlearn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    group, label = rng.integers(0, 4, 500), rng.integers(0, 2, 500)
    predicted = (rng.random(500) < 0.2 + 0.1 * group + 0.2 * label).astype(int)
    measured = [
        SliceMetrics(("g",), (str(g),), int((group == g).sum()), rates(label[group == g], predicted[group == g]))
        for g in range(4)
    ]
    found = by_name(compute_gaps(measured, "binary", 1))
    for name in (
        "demographic_parity_difference",
        "demographic_parity_ratio",
        "equalized_odds_difference",
    ):
        expected = getattr(fairlearn, name)(label, predicted, sensitive_features=group)
        assert found[name] == pytest.approx(expected, abs=1e-6), name
    frame = fairlearn.MetricFrame(
        metrics={"tpr": fairlearn.true_positive_rate, "accuracy": lambda y, p: np.mean(y == p)},
        y_true=label,
        y_pred=predicted,
        sensitive_features=group,
    )
    assert found["equal_opportunity_difference"] == pytest.approx(frame.difference()["tpr"], abs=1e-6)
    assert found["accuracy_difference"] == pytest.approx(frame.difference()["accuracy"], abs=1e-6)


@given(slices(), st.integers(1, 60))
def test_gaps_are_shares_and_do_not_depend_on_order(found: list[SliceMetrics], minimum: int) -> None:
    gaps = compute_gaps(found, "binary", minimum)
    assert [gap.name for gap in gaps] == [definition.name for definition in GAPS["binary"]]
    assert all(gap.value is None or 0 <= gap.value <= 1 for gap in gaps)
    assert by_name(gaps) == by_name(compute_gaps(found[::-1], "binary", minimum))


@given(slices(), st.integers(1, 60))
def test_every_slice_is_judged_or_left_out_with_a_cause(found: list[SliceMetrics], minimum: int) -> None:
    for gap in compute_gaps(found, "binary", minimum):
        assert sorted((*gap.judged, *gap.too_small, *gap.undefined)) == sorted(entry.value for entry in found)
        assert set(gap.too_small) == {entry.value for entry in found if entry.count < minimum}
        assert gap.value is None or len(gap.judged) >= 2
        assert set(gap.partly) <= set(gap.judged)
        assert not gap.partly or len(gap.definition.metrics) > 1


@given(slices())
def test_equalized_odds_is_at_least_equal_opportunity(found: list[SliceMetrics]) -> None:
    complete = [entry for entry in found if None not in entry.metrics.values()]
    if len(complete) >= 2:
        values = by_name(compute_gaps(complete, "binary", 1))
        assert values["equalized_odds_difference"] >= values["equal_opportunity_difference"]


def test_a_single_slice_has_no_gap() -> None:
    assert set(by_name(compute_gaps([part("F")], "binary", 1)).values()) == {None}


def test_small_slices_are_not_compared() -> None:
    found = [part("F", selection_rate=0.2), part("M", selection_rate=0.5), part("X", count=29, selection_rate=1.0)]
    gap = compute_gaps(found, "binary", 30)[0]
    assert gap.value == pytest.approx(0.3)
    assert gap.too_small == ("X",)


def test_undefined_metric_is_not_taken_for_zero() -> None:
    found = [part("F", tpr=None, fpr=0.1), part("M", tpr=0.9, fpr=0.3), part("X", tpr=0.8, fpr=0.2)]
    gaps = {gap.name: gap for gap in compute_gaps(found, "binary", 30)}
    assert gaps["equal_opportunity_difference"].value == pytest.approx(0.1)
    assert gaps["equal_opportunity_difference"].undefined == ("F",)


@pytest.mark.parametrize(
    ("rates_of_groups", "expected", "judged", "partly", "undefined", "not_compared"),
    [
        # (tpr, fpr) of A, B, C; fairlearn reports 0.8 for the first too: C's fpr counts although C has no positives.
        ([(0.5, 0.1), (0.5, 0.1), (None, 0.9)], 0.8, "ABC", "C", "", ()),
        ([(0.5, None), (0.9, 0.1), (0.6, 0.3)], 0.4, "ABC", "A", "", ()),
        ([(0.5, 0.1), (None, None), (0.6, 0.4)], 0.3, "AC", "", "B", ()),
        # fairlearn would report 0.7: it counts the tpr of B, which has no positives, as 0.
        ([(0.7, 0.1), (None, 0.2), (0.6, 0.2)], 0.1, "ABC", "B", "", ()),
        ([(0.7, 0.1), (None, 0.3)], 0.2, "AB", "B", "", ("tpr",)),
        ([(0.7, None), (None, 0.3)], None, "AB", "AB", "", ("tpr", "fpr")),
        ([(0.7, 0.1)], None, "A", "", "", ("tpr", "fpr")),
    ],
)
def test_equalized_odds_counts_every_defined_rate(
    rates_of_groups: list, expected: float | None, judged: str, partly: str, undefined: str, not_compared: tuple
) -> None:
    found = [part(name, tpr=tpr, fpr=fpr) for name, (tpr, fpr) in zip("ABC", rates_of_groups, strict=False)]
    gap = {gap.name: gap for gap in compute_gaps(found, "binary", 30)}["equalized_odds_difference"]
    assert gap.value == (None if expected is None else pytest.approx(expected))
    assert ["".join(names) for names in (gap.judged, gap.partly, gap.undefined)] == [judged, partly, undefined]
    assert gap.not_compared == not_compared


def test_equalized_odds_equals_fairlearn_where_a_group_has_no_positives() -> None:
    """The rates of the first case above, from rows: C's rows are all negative, and fairlearn's tpr of 0 decides not."""
    rows = {"A": ([1] * 10 + [0] * 10, [1] * 5 + [0] * 5 + [1] + [0] * 9)}
    rows |= {"B": rows["A"], "C": ([0] * 10, [1] * 9 + [0])}
    label, predicted = (np.concatenate([rows[name][side] for name in rows]) for side in (0, 1))
    group = np.concatenate([[name] * len(rows[name][0]) for name in rows])
    found = []
    for name in rows:
        chosen, positive = predicted[group == name], label[group == name] == 1
        found.append(part(name, tpr=chosen[positive].mean() if positive.any() else None, fpr=chosen[~positive].mean()))
    expected = fairlearn.equalized_odds_difference(label, predicted, sensitive_features=group)
    assert expected == pytest.approx(0.8)
    assert by_name(compute_gaps(found, "binary", 1))["equalized_odds_difference"] == pytest.approx(expected, abs=1e-6)


def test_ratio_without_any_positive_prediction_is_undefined() -> None:
    found = [part("F", selection_rate=0.0), part("M", selection_rate=0.0)]
    values = by_name(compute_gaps(found, "binary", 30))
    assert values["demographic_parity_ratio"] is None
    assert values["demographic_parity_difference"] == 0


def test_regression_gaps() -> None:
    found = [
        SliceMetrics(
            ("a",), (value,), 50, {"rmse": rmse, "mae": 1.0, "mean_prediction": mean, "mean_residual": mean / 7}
        )
        for value, rmse, mean in (("1", 2.0, -3.0), ("2", 5.0, 4.0))
    ]
    assert by_name(compute_gaps(found, "regression", 30)) == {
        "rmse_difference": 3.0,
        "mae_difference": 0.0,
        "mean_prediction_difference": 7.0,
        "mean_residual_difference": 1.0,
    }


def test_bad_minimum_is_refused() -> None:
    with pytest.raises(ConfigError, match="minimum size of 1 or more; got 1 slices and 0"):
        compute_gaps([part("F")], "binary", 0)

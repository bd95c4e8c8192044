"""The gate: what blesses, what refuses, and that every reason is a sentence a person can act on."""

import pytest

from tfx_automl.components.evaluator.gaps import Gap, compute_gaps
from tfx_automl.components.evaluator.gate import Gate, Verdict, judge
from tfx_automl.components.evaluator.slices import SliceMetrics
from tfx_automl.errors import ConfigError

OVERALL = SliceMetrics((), (), 200, {"auc": 0.9, "accuracy": 0.8, "loss": 0.4})
BASELINE = {"majority": {"auc": 0.5, "accuracy": 0.7}, "logistic_regression": {"auc": 0.95}}


def gaps(counts: tuple[int, int] = (100, 100)) -> tuple[Gap, ...]:
    slices = [
        SliceMetrics(("sex",), (value,), count, {"selection_rate": rate, "tpr": rate, "fpr": 0.1})
        for value, count, rate in zip(("F", "M"), counts, (0.2, 0.5), strict=True)
    ]
    return compute_gaps(slices, "binary", 30)


def failed(verdict: Verdict) -> list[str]:
    return [check.name for check in verdict.checks if check.passed is False]


def test_good_model_is_blessed_with_reasons() -> None:
    gate = Gate("binary", {"accuracy": 0.75, "loss": 0.5}, {"demographic_parity_difference": 0.35})
    verdict = judge(gate, OVERALL, gaps(), BASELINE)
    assert verdict.blessed
    assert verdict.reasons == (
        "auc 0.9 is better than always predicting the most frequent class (0.5).",
        "accuracy is 0.8, as demanded at least 0.75.",
        "loss is 0.4, as demanded at most 0.5.",
        "demographic_parity_difference for sex is 0.3, as demanded at most 0.35.",
        "5 gaps between groups have no bound in max_gaps: they are reported but not gated.",
    )


@pytest.mark.parametrize(
    ("gate", "baseline", "name", "reason"),
    [
        (Gate("binary", {"auc": 0.95}), None, "metric:auc", "auc is 0.9, but must be at least 0.95."),
        (Gate("binary", {"loss": 0.3}), None, "metric:loss", "loss is 0.4, but must be at most 0.3."),
        (
            Gate("binary", {"precision": 0.3}),
            None,
            "metric:precision",
            "precision must be at least 0.3, but could not be computed.",
        ),
        (
            Gate("binary"),
            {"majority": {"auc": 0.9}},
            "baseline:auc",
            "auc 0.9 is not better than always predicting the most frequent class (0.9).",
        ),
        (
            Gate("binary", max_gaps={"equalized_odds_difference": 0.1}),
            None,
            "gap:sex:equalized_odds_difference",
            "equalized_odds_difference for sex is 0.3, but must be at most 0.1.",
        ),
        (
            Gate("binary", max_gaps={"demographic_parity_ratio": 0.8}),
            None,
            "gap:sex:demographic_parity_ratio",
            "demographic_parity_ratio for sex is 0.4, but must be at least 0.8.",
        ),
    ],
)
def test_each_bound_refuses(gate: Gate, baseline: dict, name: str, reason: str) -> None:
    verdict = judge(gate, OVERALL, gaps(), baseline)
    assert failed(verdict) == [name]
    assert verdict.reasons[0] == reason


def test_too_small_slices_refuse_a_bounded_gap() -> None:
    verdict = judge(Gate("binary", max_gaps={"demographic_parity_difference": 1.0}), OVERALL, gaps((100, 29)))
    assert not verdict.blessed
    assert verdict.reasons[0] == (
        "demographic_parity_difference for sex must be at most 1, but could not be computed: at least two groups with "
        "enough rows and a defined selection_rate are needed. Too few rows to judge: M."
    )


def odds(*rates: tuple[float | None, float | None]) -> tuple[Gap, ...]:
    """Gaps between groups A, B, C of which only (tpr, fpr) are known."""
    named = zip("ABC", rates, strict=False)
    slices = [SliceMetrics(("sex",), (name,), 100, {"tpr": tpr, "fpr": fpr}) for name, (tpr, fpr) in named]
    return compute_gaps(slices, "binary", 30)


def test_false_positives_of_a_group_without_positives_refuse() -> None:
    gate = Gate("binary", max_gaps={"equalized_odds_difference": 0.1})
    verdict = judge(gate, OVERALL, odds((0.5, 0.1), (0.5, 0.1), (None, 0.9)))
    assert failed(verdict) == ["gap:sex:equalized_odds_difference"]
    assert verdict.reasons[0] == (
        "equalized_odds_difference for sex is 0.8, but must be at most 0.1. Not all of tpr, fpr are defined: C."
    )


def test_equalized_odds_of_which_one_half_is_unknown_do_not_pass() -> None:
    gate = Gate("binary", max_gaps={"equalized_odds_difference": 0.1})
    verdict = judge(gate, OVERALL, odds((0.5, 0.1), (None, 0.12)))
    assert failed(verdict) == ["gap:sex:equalized_odds_difference"]
    assert verdict.reasons[0] == (
        "equalized_odds_difference for sex must be at most 0.1, but tpr could not be compared: at least two groups "
        "with enough rows and a defined tpr are needed. Not all of tpr, fpr are defined: B."
    )


def test_without_bounds_and_baseline_nothing_refuses_and_that_is_said() -> None:
    verdict = judge(Gate("binary"), OVERALL, gaps((100, 29)))
    assert verdict.blessed
    assert all(check.passed is None for check in verdict.checks)
    assert verdict.reasons[0] == "Not compared with a trivial baseline: none was given."
    assert "no bound is set, so it is not gated" in verdict.checks[1].reason


@pytest.mark.parametrize("baseline", [{"majority": {"auc": None}}, {"majority": {}}, {}])
def test_baseline_without_the_metric_refuses(baseline: dict) -> None:
    verdict = judge(Gate("binary"), OVERALL, (), baseline)
    assert not verdict.blessed
    assert verdict.checks[0].passed is False
    assert verdict.reasons[0] == (
        "auc must beat that of always predicting the most frequent class, but could not be computed for the baseline. "
        "Evaluate on rows of both classes."
    )


def test_neither_model_nor_baseline_has_the_metric() -> None:
    """A binary split with a single class: there is no AUC at all, and what cannot be judged is not blessed."""
    verdict = judge(Gate("binary"), SliceMetrics((), (), 200, {"auc": None}), (), {"majority": {"auc": None}})
    assert not verdict.blessed
    assert verdict.reasons == (
        "auc must beat that of always predicting the most frequent class, but could not be computed for the model and "
        "the baseline. Evaluate on rows of both classes.",
    )


def test_metric_that_could_not_be_computed_does_not_beat_the_baseline() -> None:
    verdict = judge(Gate("binary"), SliceMetrics((), (), 200, {"auc": None}), (), BASELINE)
    assert failed(verdict) == ["baseline:auc"]
    assert "could not be computed for the model." in verdict.reasons[0]


def test_regression_compares_errors_downwards() -> None:
    baseline = {"mean": {"rmse": 3.0}}
    assert judge(Gate("regression"), SliceMetrics((), (), 200, {"rmse": 2.9}), (), baseline).blessed
    assert not judge(Gate("regression"), SliceMetrics((), (), 200, {"rmse": 3.1}), (), baseline).blessed


def test_all_unknown_names_and_bad_bounds_are_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Gate("binary", {"rmse": 1.0, "auc": float("nan")}, {"parity": 0.1, "auc_difference": -0.1})
    text = str(caught.value)
    assert len(caught.value.problems) == 4
    assert "min_metrics names 'rmse', which is no metric that can be bounded for a binary task; known are auc," in text
    assert "max_gaps names 'parity', which is no gap" in text
    assert "known are demographic_parity_difference, demographic_parity_ratio, equalized_odds_difference" in text
    assert "min_metrics needs a finite number for auc; got nan" in text
    assert "auc_difference is never below 0, so the bound -0.1 cannot be met" in text

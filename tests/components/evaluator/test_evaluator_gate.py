"""The gate: what blesses, what refuses, and that every reason is a sentence a person can act on."""

from datetime import date

import numpy as np
import pytest

from tfx_automl.components.evaluator.gaps import Gap, compute_gaps
from tfx_automl.components.evaluator.gate import Gate, Verdict, judge
from tfx_automl.components.evaluator.measured import Details, Model
from tfx_automl.components.evaluator.plan import Bound
from tfx_automl.components.evaluator.slices import Evaluation, SliceMetrics
from tfx_automl.components.evaluator.waivers import Waiver
from tfx_automl.errors import ConfigError

OVERALL = {"auc": 0.9, "accuracy": 0.8, "loss": 0.4}


def evaluation(metrics: dict, *slices: SliceMetrics) -> Evaluation:
    return Evaluation(SliceMetrics((), (), 200, metrics), {("sex",): slices} if slices else {})


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
    verdict = judge(gate, evaluation(OVERALL), gaps(), BASELINE)
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
    verdict = judge(gate, evaluation(OVERALL), gaps(), baseline)
    assert failed(verdict) == [name]
    assert verdict.reasons[0] == reason


def test_too_small_slices_refuse_a_bounded_gap() -> None:
    gate = Gate("binary", max_gaps={"demographic_parity_difference": 1.0})
    verdict = judge(gate, evaluation(OVERALL), gaps((100, 29)))
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
    verdict = judge(gate, evaluation(OVERALL), odds((0.5, 0.1), (0.5, 0.1), (None, 0.9)))
    assert failed(verdict) == ["gap:sex:equalized_odds_difference"]
    assert verdict.reasons[0] == (
        "equalized_odds_difference for sex is 0.8, but must be at most 0.1. Not all of tpr, fpr are defined: C."
    )


def test_equalized_odds_of_which_one_half_is_unknown_do_not_pass() -> None:
    gate = Gate("binary", max_gaps={"equalized_odds_difference": 0.1})
    verdict = judge(gate, evaluation(OVERALL), odds((0.5, 0.1), (None, 0.12)))
    assert failed(verdict) == ["gap:sex:equalized_odds_difference"]
    assert verdict.reasons[0] == (
        "equalized_odds_difference for sex must be at most 0.1, but tpr could not be compared: at least two groups "
        "with enough rows and a defined tpr are needed. Not all of tpr, fpr are defined: B."
    )


def test_without_bounds_and_baseline_nothing_refuses_and_that_is_said() -> None:
    verdict = judge(Gate("binary"), evaluation(OVERALL), gaps((100, 29)))
    assert verdict.blessed
    assert all(check.passed is None for check in verdict.checks)
    assert verdict.reasons[0] == "Not compared with a trivial baseline: none was given."
    assert "no bound is set, so it is not gated" in verdict.checks[1].reason


@pytest.mark.parametrize("baseline", [{"majority": {"auc": None}}, {"majority": {}}, {}])
def test_baseline_without_the_metric_refuses(baseline: dict) -> None:
    verdict = judge(Gate("binary"), evaluation(OVERALL), (), baseline)
    assert not verdict.blessed
    assert verdict.checks[0].passed is False
    assert verdict.reasons[0] == (
        "auc must beat that of always predicting the most frequent class, but could not be computed for the baseline. "
        "Evaluate on rows of both classes."
    )


def test_neither_model_nor_baseline_has_the_metric() -> None:
    """A binary split with a single class: there is no AUC at all, and what cannot be judged is not blessed."""
    verdict = judge(Gate("binary"), evaluation({"auc": None}), (), {"majority": {"auc": None}})
    assert not verdict.blessed
    assert verdict.reasons == (
        "auc must beat that of always predicting the most frequent class, but could not be computed for the model and "
        "the baseline. Evaluate on rows of both classes.",
    )


def test_metric_that_could_not_be_computed_does_not_beat_the_baseline() -> None:
    verdict = judge(Gate("binary"), evaluation({"auc": None}), (), BASELINE)
    assert failed(verdict) == ["baseline:auc"]
    assert "could not be computed for the model." in verdict.reasons[0]


def test_regression_compares_errors_downwards() -> None:
    baseline = {"mean": {"rmse": 3.0}}
    assert judge(Gate("regression"), evaluation({"rmse": 2.9}), (), baseline).blessed
    assert not judge(Gate("regression"), evaluation({"rmse": 3.1}), (), baseline).blessed


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


def part(value: str, count: int, **metrics: float | None) -> SliceMetrics:
    return SliceMetrics(("sex",), (value,), count, metrics)


def test_every_large_slice_must_satisfy_its_bound() -> None:
    gate = Gate("binary", min_slice_metrics={"accuracy": 0.7})
    slices = (part("F", 100, accuracy=0.6), part("M", 100, accuracy=0.9), part("X", 9, accuracy=0.1))
    verdict = judge(gate, evaluation(OVERALL, *slices), ())
    assert failed(verdict) == ["slice:sex=F:accuracy"]
    assert verdict.reasons[0] == "accuracy of sex=F is 0.6, but must be at least 0.7."
    assert [check.name for check in verdict.checks[1:]] == ["slice:sex=F:accuracy", "slice:sex=M:accuracy"]


def compared(now: float, before: float, spread: float = 0.0, metric: str = "auc") -> SliceMetrics:
    drawn = np.random.default_rng(0).normal(0, spread, (2, 200))
    other = Model({metric: before}, {metric: before + drawn[0]})
    return SliceMetrics((), (), 200, {metric: now}, Details({metric: now + drawn[1]}, other=other))


@pytest.mark.parametrize(
    ("loss", "now", "before", "passes"),
    [
        (0.01, 0.895, 0.9, True),
        (0.01, 0.88, 0.9, False),
        ("1%", 0.892, 0.9, True),
        ("1%", 0.89, 0.9, False),
        (0, 0.9, 0.9, True),
        (0, 0.95, 0.9, True),
    ],
)
def test_loss_against_the_last_blessed_model(loss: float | str, now: float, before: float, passes: bool) -> None:
    verdict = judge(Gate("binary", max_losses={"auc": loss}), Evaluation(compared(now, before), {}), ())
    assert verdict.blessed == passes
    assert verdict.checks[1].name == "loss:auc" and verdict.checks[1].value == pytest.approx(now - before)
    assert "from 0.9 of the last blessed model" in verdict.checks[1].reason


def test_errors_may_not_grow() -> None:
    gate = Gate("regression", max_losses={"rmse": "10%"})
    assert judge(gate, Evaluation(compared(3.2, 3.0, metric="rmse"), {}), ()).blessed
    verdict = judge(gate, Evaluation(compared(3.4, 3.0, metric="rmse"), {}), ())
    assert (
        verdict.reasons[0].startswith("rmse changes by +0.4")
        and "but must change by at most 0.3." in verdict.reasons[0]
    )


def test_without_an_earlier_model_nothing_is_lost() -> None:
    verdict = judge(Gate("binary", max_losses={"auc": 0.01}), evaluation(OVERALL), ())
    assert verdict.blessed
    assert "Not compared with an earlier blessed model: there is none." in verdict.reasons


def test_confident_evidence_does_not_refuse_what_may_be_chance() -> None:
    noisy = Evaluation(compared(0.88, 0.9, spread=0.02), {})
    assert not judge(Gate("binary", max_losses={"auc": 0.01}), noisy, ()).blessed
    verdict = judge(Gate("binary", evidence="confident", max_losses={"auc": 0.01}), noisy, ())
    assert verdict.blessed and "which may by chance miss at least -0.01." in verdict.checks[1].reason
    sure = Evaluation(compared(0.88, 0.9, spread=0.001), {})
    assert not judge(Gate("binary", evidence="confident", max_losses={"auc": 0.01}), sure, ()).blessed


WAIVER = Waiver("gap:sex:*", "Ada Lovelace", "The new form fixes it in March.", "2027-03-31")


def test_waiver_lets_a_model_pass_until_it_expires() -> None:
    gate = Gate("binary", max_gaps={"demographic_parity_difference": 0.1}, waivers=(WAIVER,))
    verdict = judge(gate, evaluation(OVERALL), gaps(), today=date(2027, 3, 31))
    (check,) = (check for check in verdict.checks if check.passed is False)
    assert verdict.blessed and check.waiver == WAIVER
    assert check.reason.endswith("Waived by Ada Lovelace until 2027-03-31: The new form fixes it in March.")
    late = judge(gate, evaluation(OVERALL), gaps(), today=date(2027, 4, 1))
    assert not late.blessed
    assert late.reasons[0].endswith("The waiver by Ada Lovelace expired on 2027-03-31.")


def test_waiver_of_something_else_waives_nothing() -> None:
    other = Waiver("gap:race:*", "Ada Lovelace", "Other.", "2027-03-31")
    gate = Gate("binary", {"auc": 0.99}, {"demographic_parity_difference": 0.1}, waivers=(other,))
    assert not judge(gate, evaluation(OVERALL), gaps(), today=date(2027, 1, 1)).blessed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": " "}, "needs check, name, reason, expires; got name=' '"),
        ({"reason": ""}, "got reason=''"),
        ({"expires": "soon"}, "expires on a day such as 2027-01-31; got 'soon'"),
        ({"until": "2027-01-31"}, "and nothing else; got check, name, reason, expires, until"),
    ],
)
def test_waiver_without_its_parts_is_refused(changes: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Waiver.of(WAIVER.to_dict() | changes)


@pytest.mark.parametrize("loss", [-0.1, "x%", "-1%", float("inf"), None])
def test_loss_that_is_none_is_refused(loss: object) -> None:
    with pytest.raises(ConfigError, match="max_losses needs a number of 0 or more, or a share such as '1%', for auc"):
        Gate("binary", max_losses={"auc": loss})  # type: ignore[dict-item]


def test_tfma_gets_the_bounds_that_it_can_validate() -> None:
    gate = Gate("binary", {"auc": 0.8, "loss": 0.5}, max_losses={"auc": 0.01, "loss": "2%"})
    assert gate.bounds == (
        Bound("auc", 0.8, True),
        Bound("loss", 0.5, False),
        Bound("auc", -0.01, True, "absolute"),
        Bound("loss", 0.02, False, "relative"),
    )
    assert Gate("binary", {"auc": 0.8}, evidence="confident").bounds == ()

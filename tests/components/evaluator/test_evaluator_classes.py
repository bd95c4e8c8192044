"""Several classes: rates of each against the rest, gaps of the worst, replicates, and what many classes leave out."""

from typing import Any

import fairlearn.metrics as fairlearn
import numpy as np
import pytest
import reports_for_tests
from reports_for_tests import make_report, make_rows

from tfx_automl.components.evaluator.columnar.engine import measure
from tfx_automl.components.evaluator.gaps import Gap, compute_gaps
from tfx_automl.components.evaluator.gate import Gate, judge
from tfx_automl.components.evaluator.intervals import gap_interval, spread_samples
from tfx_automl.components.evaluator.options import EvaluatorOptions
from tfx_automl.components.evaluator.plan import EvaluationPlan
from tfx_automl.components.evaluator.predictions import Column, Predictions
from tfx_automl.components.evaluator.slices import Evaluation, SliceMetrics
from tfx_automl.errors import ConfigError
from tfx_automl.models.class_rates import MOST_CLASSES, RATES, of_class
from tfx_automl.models.task import TaskSpec

NAMES = ("red", "green", "blue")
TASK = TaskSpec("multiclass", "colour", NAMES)
BY_CLASS = ("demographic_parity_difference", "demographic_parity_ratio", "equalized_odds_difference")


def many(classes: int) -> TaskSpec:
    return TaskSpec("multiclass", "y", tuple(f"class {number}" for number in range(classes)))


def rates(**values: float | None) -> dict[str, float | None]:
    """Rates of all classes of a slice; those given are of `red`, all others one half."""
    common = {of_class(rate, number): 0.5 for rate in RATES for number in range(3)}
    return {**common, **{of_class(rate, 0): value for rate, value in values.items()}, "accuracy": 0.5}


def part(value: str, count: int = 100, **values: float | None) -> SliceMetrics:
    return SliceMetrics(("sex",), (value,), count, rates(**values))


def gaps(*slices: SliceMetrics) -> dict[str, Gap]:
    return {gap.name: gap for gap in compute_gaps(slices, "multiclass", 30, NAMES)}


def test_gaps_of_each_class_equal_fairlearn() -> None:
    rows = make_rows("multiclass", 2000)
    report = make_report(rows, (("sex",), ("race",)), min_slice_size=1)
    chosen = rows.score.argmax(axis=1)
    for feature, column in rows.features.items():
        group = np.array(column.values)[column.codes]
        assert all((rows.label[group == value] == number).any() for value in column.values for number in range(3))
        for name in BY_CLASS:
            expected = [
                getattr(fairlearn, name)(rows.label == number, chosen == number, sensitive_features=group)
                for number in range(3)
            ]
            found = report["gap_classes"][feature][name]
            assert found["values"] == pytest.approx(expected, abs=1e-6)
            worst = (np.argmin if name.endswith("ratio") else np.argmax)(expected)
            assert found["worst"] == NAMES[worst]
            assert report["gaps"][feature][name] == pytest.approx(expected[worst], abs=1e-6)


def test_rates_of_a_slice_are_those_of_its_rows() -> None:
    rows = make_rows("multiclass", 1000)
    report = make_report(rows, (("sex",),))
    (female,) = (part for part in report["slices"] if part["value"] == "Female")
    kept = np.array(rows.features["sex"].values)[rows.features["sex"].codes] == "Female"
    label, chosen = rows.label[kept], rows.score[kept].argmax(axis=1)
    for number in range(3):
        truth, guess = label == number, chosen == number
        expected = [truth.mean(), guess.mean(), guess[truth].mean(), guess[~truth].mean(), truth[guess].mean()]
        assert [female["classes"][rate][number] for rate in RATES] == pytest.approx(expected, abs=1e-9)
    for rate in RATES:
        for value, (low, high) in zip(female["classes"][rate], female["class_intervals"][rate], strict=True):
            assert 0 <= low < value < high <= 1


def test_replicates_are_metrics_of_rows_that_count_several_times() -> None:
    """The same as if every row stood there as often as it counts."""
    rows = make_rows("multiclass", 300)
    plan = EvaluationPlan(TASK, (("sex",),), replicates=6)
    found = measure(rows, plan)
    from tfx_automl.components.evaluator.columnar.bootstrap import counts, distinct, row_hashes
    from tfx_automl.components.evaluator.columnar.cells import cell_hash

    names = [cell_hash((("sex", value),)) for value in rows.features["sex"].values]
    cell = np.array(names, np.uint64)[rows.features["sex"].codes]
    # Rows that are alike are told apart by their place: in both engines that of their cell.
    order = np.argsort(rows.features["sex"].codes, kind="stable")
    hashes = distinct(row_hashes(cell, rows.label, rows.score)[order])
    drawn = np.concatenate(list(counts(hashes, 6)))
    for replicate in range(6):
        again = np.repeat(order, drawn[replicate])
        features = {"sex": Column(rows.features["sex"].values, rows.features["sex"].codes[again])}
        repeated = Predictions(rows.label[again], rows.score[again], features)
        by_key = {each.key: each for each in measure(repeated, EvaluationPlan(TASK, (("sex",),)))}
        for each in found:
            for name, values in each.model.samples.items():
                expected = by_key[each.key].model.metrics[name]
                assert values[replicate] == pytest.approx(expected, abs=1e-9, nan_ok=True), name


def test_the_worst_class_is_named_and_the_others_are_known() -> None:
    found = gaps(part("F", tpr=0.2, fpr=0.4), part("M", tpr=0.9, fpr=0.5))
    assert found["equal_opportunity_difference"].value == pytest.approx(0.7)
    assert found["equal_opportunity_difference"].worst == "red"
    assert found["equal_opportunity_difference"].by_class == (pytest.approx(0.7), 0.0, 0.0)
    assert found["equalized_odds_difference"].by_class[0] == pytest.approx(0.7)
    assert found["accuracy_difference"].worst is None and found["accuracy_difference"].by_class == ()


def test_class_that_one_group_alone_has_is_left_out_and_named() -> None:
    found = gaps(part("F", tpr=None), part("M", tpr=0.9))["equal_opportunity_difference"]
    assert found.value == 0.0 and found.by_class[0] is None
    assert found.incomplete == ("red",) and found.partly == ("F",) and found.not_compared == ()
    verdict = judge(
        Gate("multiclass", max_gaps={"equal_opportunity_difference": 0.1}), Evaluation(part("F"), {}), [found]
    )
    assert verdict.blessed
    assert verdict.checks[-1].reason.endswith("Classes that fewer than two groups have rows of: red.")


def test_class_that_is_hardly_ever_predicted_has_no_ratio() -> None:
    found = gaps(part("F", selection_rate=0.0), part("M", selection_rate=0.009))["demographic_parity_ratio"]
    assert found.by_class[0] == 0.0
    assert found.value == 1.0 and found.worst != "red" and found.rare == ("red",)
    found = gaps(part("F", selection_rate=0.0), part("M", selection_rate=0.01))["demographic_parity_ratio"]
    assert (found.value, found.worst, found.rare) == (0.0, "red", ())


def test_bound_on_a_gap_names_the_worst_class() -> None:
    gate = Gate("multiclass", max_gaps={"equal_opportunity_difference": 0.1})
    found = gaps(part("F", tpr=0.2), part("M", tpr=0.9)).values()
    verdict = judge(gate, Evaluation(part("F"), {}), found)
    assert not verdict.blessed
    assert verdict.reasons[0] == (
        "equal_opportunity_difference for sex (worst for class red) is 0.7, but must be at most 0.1."
    )


def test_averages_can_be_bounded_for_every_group() -> None:
    bounds: dict[str, Any] = {"min_slice_metrics": {"balanced_accuracy": 0.99}, "min_metrics": {"macro_f1": 0.5}}
    report = make_report(make_rows("multiclass", 1000), (("sex",),), **bounds)
    checks = {check["name"]: check["passed"] for check in report["checks"]}
    assert checks["slice:sex=Female:balanced_accuracy"] is False
    assert checks["metric:macro_f1"] is True


def test_interval_of_a_gap_by_class_holds_for_all_classes_together() -> None:
    narrow = make_report(make_rows("multiclass", 3000), (("sex",),))
    low, high = narrow["gap_intervals"]["sex"]["equal_opportunity_difference"]
    assert 0.0 <= low <= narrow["gaps"]["sex"]["equal_opportunity_difference"] < high < 0.2


def test_rare_classes_do_not_take_the_interval_away() -> None:
    """Of many classes one has no row in nearly every replicate."""
    rng = np.random.default_rng(0)
    label = np.r_[np.repeat(np.arange(40), 2), np.zeros(400, int)]
    guess = np.where(rng.random(len(label)) < 0.5, label, (label + 1) % 40)
    rows = Predictions(label, np.eye(40)[guess] * 0.9 + 0.0025, {"g": Column.of(np.arange(len(label)) % 2)})
    found = measure(rows, EvaluationPlan(many(40), (("g",),), replicates=100))
    names = [of_class("tpr", number) for number in range(40)]
    lacking = np.any([np.isnan(each.model.samples[name]) for each in found[1:] for name in names], axis=0)
    assert lacking.mean() > 0.9
    slices = [
        SliceMetrics(("g",), (str(each.key[0][1]),), each.rows, each.model.metrics, details(each)) for each in found[1:]
    ]
    gap = {gap.name: gap for gap in compute_gaps(slices, "multiclass", 30, many(40).classes)}[
        "equal_opportunity_difference"
    ]
    assert gap.interval is not None and gap.value is not None and gap.interval.upper >= gap.value


def test_rate_that_some_replicates_lack_counts_in_the_interval() -> None:
    rng = np.random.default_rng(0)
    values = [np.array([0.2, 0.7]), np.array([0.5, 0.5])]
    samples = [of_both + rng.normal(0, 0.05, (200, 2)) for of_both in values]
    whole = gap_interval("difference", values, samples)
    samples[0][:20, 0], samples[1][20:180, 1] = np.nan, np.nan
    lacking = gap_interval("difference", values, samples)
    assert whole is not None and lacking is not None
    assert [lacking.lower, lacking.upper] == pytest.approx([whole.lower, whole.upper], abs=0.03)
    samples[1][20:, 1] = np.nan
    samples[1][:10, 1] = np.nan
    assert gap_interval("difference", values, samples) is None  # nothing is known of it


def details(measured: Any) -> Any:
    from tfx_automl.components.evaluator.measured import Details

    return Details(spread_samples(measured.model.samples, measured.model.metrics, measured.rows))


def test_perfect_rate_of_a_class_is_as_uncertain_as_its_rows_are_few() -> None:
    metrics = {of_class("tpr", 0): 1.0, of_class("mean_label", 0): 0.1, "balanced_accuracy": 1.0}
    flat = {name: np.full(200, value) for name, value in metrics.items()}
    spread = spread_samples(flat, metrics, 100)
    ten = spread_samples({"accuracy": np.ones(200)}, {"accuracy": 1.0}, 10)["accuracy"]
    for name in (of_class("tpr", 0), "balanced_accuracy"):
        assert np.sort(spread[name]).mean() == pytest.approx(ten.mean(), abs=1e-6)


def test_too_many_differences_have_no_interval_instead_of_taking_hours() -> None:
    values = np.zeros(10_000)
    assert gap_interval("difference", [values], [np.broadcast_to(values, (200, 10_000))]) is None


def test_many_classes_have_averages_only() -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 1000, 3000)
    score = rng.random((3000, 1000)) + 0.9 * np.eye(1000)[label]
    rows = Predictions(label, score / score.sum(axis=1, keepdims=True), {"g": Column.of(label % 3)})
    found = measure(rows, EvaluationPlan(many(1000), (("g",),), replicates=50))
    assert {name for each in found for name in each.model.metrics} == {
        "accuracy",
        "balanced_accuracy",
        "macro_f1",
        "loss",
    }
    assert all(len(values) == 50 for each in found for values in each.model.samples.values())
    names = [gap.name for gap in compute_gaps([part("F"), part("M")], "multiclass", 30, many(1000).classes)]
    assert names == ["accuracy_difference"]


def test_bound_that_needs_fewer_classes_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"parity_ratio compares each class .* up to 50 classes; there are 51\."):
        EvaluatorOptions(many(MOST_CLASSES + 1), (("sex",),), max_gaps={"demographic_parity_ratio": 0.8})
    EvaluatorOptions(many(MOST_CLASSES), (("sex",),), max_gaps={"demographic_parity_ratio": 0.8})
    EvaluatorOptions(many(MOST_CLASSES + 1), (("sex",),), max_gaps={"accuracy_difference": 0.1})


def test_names_of_classes_of_reports_are_those_of_this_test() -> None:
    assert reports_for_tests.CLASSES["multiclass"] == NAMES

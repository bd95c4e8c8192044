"""Gaps as metrics of an epoch: equal to fairlearn's and to hand-computed ones, and their names."""

import math
from collections.abc import Callable
from typing import Any

import fairlearn.metrics as fairlearn
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tfx_automl.errors import ConfigError, ModelError
from tfx_automl.models.fairness import GAPS
from tfx_automl.models.families import start_model
from tfx_automl.models.gap_meter import GapMeter
from tfx_automl.models.groups import GroupSpec, group_text
from tfx_automl.models.measures import judged_by_decisions, needs_groups, objectives_of
from tfx_automl.models.model import Workplace
from tfx_automl.models.slice_codes import add_codes, open_codes
from tfx_automl.models.slice_rows import SliceRows
from tfx_automl.models.task import TaskSpec
from tfx_automl.models.thresholds import best_threshold

BINARY = TaskSpec("binary", "y", ("no", "yes"))
MULTICLASS = TaskSpec("multiclass", "y", ("a", "b", "c"))
REGRESSION = TaskSpec("regression", "y")
ALL = {kind: [f"val_{gap.name}" for gap in gaps] for kind, gaps in GAPS.items()}
SENSITIVE = (("sex",), ("sex", "race"))


def crossed(*columns: np.ndarray) -> np.ndarray:
    return np.array([",".join(map(str, row)) for row in zip(*columns, strict=True)])


@pytest.fixture
def rows(rng: np.random.Generator) -> dict[tuple[str, ...], np.ndarray]:
    sex, race = rng.integers(0, 2, 900), rng.integers(0, 4, 900)
    return {("sex",): sex, ("sex", "race"): crossed(sex, race)}


@pytest.fixture(params=range(3))
def rng(request: Any) -> np.random.Generator:
    return np.random.default_rng(request.param)


def test_gaps_equal_fairlearn(grouped_data: Callable[..., Any], rows: Any, rng: np.random.Generator) -> None:
    label = rng.integers(0, 2, 900)
    shift = 0.2 * label + 0.1 * rows["sex",]
    score = np.clip(rng.random(900) * 0.8 + shift, 0, 1).round(2).astype(np.float32)  # with ties, and with 0.5
    found = GapMeter(grouped_data(BINARY, label, rows), ALL["binary"]).measure(score)
    predicted = (score >= 0.5).astype(int)
    for group, value in rows.items():
        name = f"[{','.join(group)}]"
        for gap in ("demographic_parity_difference", "demographic_parity_ratio", "equalized_odds_difference"):
            expected = getattr(fairlearn, gap)(label, predicted, sensitive_features=value)
            assert found[f"val_{gap}{name}"] == pytest.approx(expected, abs=1e-6)
        frame = fairlearn.MetricFrame(
            metrics={
                "equal_opportunity": fairlearn.true_positive_rate,
                "accuracy": lambda y, p: np.mean(y == p),
            },
            y_true=label,
            y_pred=predicted,
            sensitive_features=value,
        )
        for gap, expected in frame.difference().items():
            assert found[f"val_{gap}_difference{name}"] == pytest.approx(expected, abs=1e-6)
        aucs = [roc_auc_score(label[value == v], score[value == v]) for v in np.unique(value)]
        assert found[f"val_auc_difference{name}"] == pytest.approx(max(aucs) - min(aucs), abs=1e-9)


@pytest.mark.parametrize("threshold", [0.3, "f1", "balanced_accuracy"])
def test_gaps_at_another_threshold(
    grouped_data: Callable[..., Any], rows: Any, rng: np.random.Generator, threshold: float | str
) -> None:
    label = rng.integers(0, 2, 900)
    score = np.clip(rng.random(900) * 0.5 + 0.2 * label + 0.1 * rows["sex",], 0, 1).astype(np.float32)
    data = grouped_data(BINARY, label, rows)
    number = threshold if isinstance(threshold, float) else best_threshold(threshold, label, score)
    assert number != 0.5
    names = [f"val_{gap}[sex]" for gap in ("demographic_parity_difference", "equalized_odds_difference")]
    place = Workplace(data, names, threshold=threshold)
    found = place.validate(score)
    for name in names:
        gap = getattr(fairlearn, name.removeprefix("val_").removesuffix("[sex]"))
        expected = gap(label, (score >= np.float32(number)).astype(int), sensitive_features=rows["sex",])
        assert found[name] == pytest.approx(expected, abs=1e-6)
    assert found["val_accuracy"] == pytest.approx(np.mean((score >= np.float32(number)) == label))
    # What cannot be told by a rule is measured at the default.
    assert Workplace(data, (), threshold="f1").validate(np.full(900, np.nan, np.float32))["val_accuracy"] >= 0


def test_what_depends_on_the_threshold() -> None:
    assert judged_by_decisions(["val_auc", "val_accuracy"], "binary")
    assert judged_by_decisions(["val_equalized_odds_difference[sex,race]"], "binary")
    assert not judged_by_decisions(["val_auc", "val_loss", "val_auc_difference[sex]", "latency_ms"], "binary")
    assert not judged_by_decisions(["val_accuracy", "val_accuracy_difference"], "multiclass")


def test_worst_group_counts(grouped_data: Callable[..., Any], rows: Any, rng: np.random.Generator) -> None:
    label, score = rng.integers(0, 2, 900), rng.random(900).astype(np.float32)
    found = GapMeter(grouped_data(BINARY, label, rows), ALL["binary"]).measure(score)
    assert len(found) == 3 * len(GAPS["binary"])
    for gap in GAPS["binary"]:
        name = f"val_{gap.name}"
        worst = max if gap.kind == "difference" else min
        assert found[name] == worst(found[f"{name}[sex]"], found[f"{name}[sex,race]"])
        assert found[f"{name}[sex]"] != found[f"{name}[sex,race]"]


def test_multiclass(grouped_data: Callable[..., Any], rows: Any, rng: np.random.Generator) -> None:
    label, score = rng.integers(0, 3, 900), rng.dirichlet(np.ones(3), 900).astype(np.float32)
    right, sex = score.argmax(axis=1) == label, rows["sex",]
    found = GapMeter(grouped_data(MULTICLASS, label, rows), ["val_accuracy_difference[sex]"]).measure(score)
    expected = abs(right[sex == 0].mean() - right[sex == 1].mean())
    assert found == {"val_accuracy_difference[sex]": pytest.approx(expected, abs=1e-12)}


def test_every_class_against_the_rest_equals_fairlearn(
    grouped_data: Callable[..., Any], rows: Any, rng: np.random.Generator
) -> None:
    label = rng.integers(0, 3, 900)
    score = (rng.dirichlet(np.ones(3), 900) + 0.4 * np.eye(3)[label]).astype(np.float32)
    chosen = score.argmax(axis=1)
    found = GapMeter(grouped_data(MULTICLASS, label, rows), ALL["multiclass"]).measure(score)
    for gap, worst in (
        ("demographic_parity_difference", max),
        ("demographic_parity_ratio", min),
        ("equalized_odds_difference", max),
    ):
        for group, value in rows.items():
            of_classes = [
                getattr(fairlearn, gap)(label == number, chosen == number, sensitive_features=value)
                for number in range(3)
            ]
            assert found[f"val_{gap}[{','.join(group)}]"] == pytest.approx(worst(of_classes), abs=1e-6)
    tpr = [
        fairlearn.MetricFrame(
            metrics=fairlearn.true_positive_rate,
            y_true=label == number,
            y_pred=chosen == number,
            sensitive_features=rows["sex",],
        ).difference()
        for number in range(3)
    ]
    assert found["val_equal_opportunity_difference[sex]"] == pytest.approx(max(tpr), abs=1e-6)


def test_class_that_is_hardly_ever_predicted_has_no_ratio(grouped_data: Callable[..., Any]) -> None:
    chosen = np.r_[np.zeros(500), np.ones(499), [2], np.zeros(400), np.ones(600)].astype(int)
    data = grouped_data(MULTICLASS, np.arange(2000) % 3, {("g",): np.repeat([0, 1], 1000)})
    names = ["val_demographic_parity_ratio", "val_demographic_parity_difference"]
    found = GapMeter(data, names).measure(np.eye(3, dtype=np.float32)[chosen])
    assert found[names[0]] == pytest.approx(0.8)  # of class 0; that of class 2 would be 0, for a single row
    assert found[names[1]] == pytest.approx(0.101)  # of class 1


def test_class_that_one_group_alone_has_does_not_stand_in_the_way(grouped_data: Callable[..., Any]) -> None:
    label = np.array([0, 1, 2, 2, 0, 1, 0, 1])
    data = grouped_data(MULTICLASS, label, {("g",): np.repeat([0, 1], 4)})
    meter = GapMeter(data, ["val_equal_opportunity_difference"])
    meter.check()
    guess = np.array([0, 1, 0, 0, 0, 0, 0, 1])  # of class 1 all rows of one group are found, and half of the other
    found = meter.measure(np.eye(3, dtype=np.float32)[guess])
    assert found["val_equal_opportunity_difference"] == 0.5
    apart = grouped_data(MULTICLASS, np.array([0, 0, 1, 1]), {("g",): np.repeat([0, 1], 2)})
    with pytest.raises(ConfigError, match=r"tpr is compared between .* 1 rows, with a class that both have, and the"):
        GapMeter(apart, ["val_equal_opportunity_difference"]).check()


def test_gaps_by_class_are_for_some_classes_only() -> None:
    many = TaskSpec("multiclass", "y", tuple(map(str, range(51))))
    with pytest.raises(ConfigError, match=r"equalized_odds_difference compares each .* up to 50 classes; there are 51"):
        objectives_of(many, None, ["equalized_odds_difference<=0.1"], SENSITIVE)
    assert objectives_of(many, None, ["accuracy_difference<=0.1"], SENSITIVE).constraints
    with pytest.raises(ConfigError, match="parity") as caught:
        objectives_of(many, "parity", (), SENSITIVE)
    assert "val_accuracy_difference" in str(caught.value) and "val_equalized" not in str(caught.value)


def test_regression(grouped_data: Callable[..., Any], rows: Any, rng: np.random.Generator) -> None:
    target = rng.normal(10, 3, 900).astype(np.float32)
    guess = (target + rng.normal(0, 1 + rows["sex",])).astype(np.float32)
    found = GapMeter(grouped_data(REGRESSION, target, rows), ALL["regression"]).measure(guess)
    parts = [(guess - target)[rows["sex",] == value].astype(float) for value in (0, 1)]
    rmse, mae = ([f(part) for part in parts] for f in (lambda e: math.sqrt((e**2).mean()), lambda e: abs(e).mean()))
    means = [guess[rows["sex",] == value].astype(float).mean() for value in (0, 1)]
    residuals = [part.mean() for part in parts]
    for name, values in (("rmse", rmse), ("mae", mae), ("mean_prediction", means), ("mean_residual", residuals)):
        assert found[f"val_{name}_difference[sex]"] == pytest.approx(max(values) - min(values), abs=1e-6)


def test_small_slices_are_left_out(grouped_data: Callable[..., Any]) -> None:
    group = np.repeat(["a", "b", "c"], [30, 40, 29])
    chosen = np.r_[np.zeros(15), np.ones(15), np.zeros(10), np.ones(30), np.zeros(29)].astype(np.float32)
    name = "val_demographic_parity_difference"
    label = np.arange(99) % 2
    assert GapMeter(grouped_data(BINARY, label, {("g",): group}, 30), [name]).measure(chosen)[name] == 0.25
    assert GapMeter(grouped_data(BINARY, label, {("g",): group}, 29), [name]).measure(chosen)[name] == 0.75


def test_undefined_rate_is_left_out_and_not_taken_for_zero() -> None:
    codes, label = np.repeat([0, 1, 2], 4), np.array([1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
    rows = SliceRows(codes, label, 1)
    metrics = rows.of(np.array([0.9, 0.1, 0.1, 0.1, 0.9, 0.1, 0.1, 0.9, 0.9, 0.9, 0.9, 0.1], np.float32))
    np.testing.assert_allclose(metrics("tpr"), [0.5, 1.0, np.nan])
    np.testing.assert_allclose(metrics("fpr"), [0, 1 / 3, 3 / 4])
    np.testing.assert_allclose(metrics("auc"), [(1 + 1 + 0.5 + 0.5) / 4, (1 + 1 + 0.5) / 3, np.nan])
    assert [rows.defined(name) for name in ("tpr", "fpr", "auc", "selection_rate")] == [2, 3, 2, 3]


def test_ratio_without_any_positive_prediction_is_the_worst(grouped_data: Callable[..., Any]) -> None:
    data = grouped_data(BINARY, np.arange(8) % 2, {("g",): np.repeat([0, 1], 4)})
    names = ["val_demographic_parity_ratio", "val_demographic_parity_difference"]
    found = GapMeter(data, names).measure(np.zeros(8, np.float32))
    assert (found[names[0]], found[names[1]]) == (0.0, 0.0)


def test_predictions_that_are_no_numbers_are_never_fair(grouped_data: Callable[..., Any]) -> None:
    data = grouped_data(BINARY, np.arange(8) % 2, {("g",): np.repeat([0, 1], 4)})
    objectives = objectives_of(BINARY, None, ["val_equalized_odds_difference<=0.1"], [("g",)])
    found = GapMeter(data, objectives.metrics).measure(np.full(8, np.nan, np.float32))
    assert set(map(math.isnan, found.values())) == {True}
    assert objectives.constraints[0].violation(found) == math.inf


@pytest.mark.parametrize(
    ("label", "group", "smallest", "message"),
    [
        ([0, 1] * 6, "aaaaaaaaabbb", 4, r"selection_rate .* of g with at least 4 rows, and .* largest first: 9, 3\)"),
        ([0, 1] * 6, "aaaaaaaaaaaa", 1, r"selection_rate .* at least 1 rows"),
        ([1, 0, 0, 0] + [0] * 8, "aaaabbbbcccc", 1, r"tpr .* with at least 1 rows, some of them positive"),
        ([1, 0, 0, 0] + [0] * 8, "aaaabbbbcccc", 1, r"auc .* with at least 1 rows of both classes"),
    ],
)
def test_gaps_that_cannot_be_measured_are_refused_at_once(
    grouped_data: Callable[..., Any], label: Any, group: str, smallest: int, message: str
) -> None:
    data = grouped_data(BINARY, np.array(label), {("g",): list(group)}, smallest)
    with pytest.raises(ConfigError, match=message):
        GapMeter(data, ALL["binary"]).check()
    GapMeter(data, ["val_auc", "parameters"]).check()


def test_only_what_is_asked_for_is_measured(grouped_data: Callable[..., Any], rows: Any) -> None:
    data = grouped_data(BINARY, np.arange(900) % 2, rows)
    score = np.linspace(0, 1, 900, dtype=np.float32)
    assert GapMeter(data, ["val_auc", "val_f1_score", "latency_ms"]).measure(score) == {}
    found = GapMeter(data, ["val_auc_difference[sex,race]"]).measure(score)
    assert list(found) == ["val_auc_difference[sex,race]"]


def test_session_measures_gaps_in_every_epoch(make_data: Callable[..., Any]) -> None:
    data = make_data()
    codes = (np.load(data.folder / "eval" / "categorical.npy")[:, :1] == 1).astype(np.int32)
    data = add_codes(data, GroupSpec((("c",),)), codes)
    values = {"family": "mlp", "layers": 1, "units": 16, "dropout": 0.0, "learning_rate": 0.01, "weight_decay": 0.0}
    session = start_model({**values, "batch_size": 32, "numeric_pieces": 4}, 0, Workplace(data, ALL["binary"]))
    metrics = [session.train_epoch().metrics for _ in range(2)][1]
    label, predicted = data.split("eval").label, session.predict(data.split("eval")) >= 0.5
    expected = fairlearn.equalized_odds_difference(label, predicted, sensitive_features=codes[:, 0])
    assert metrics["val_equalized_odds_difference"] == pytest.approx(expected, abs=1e-6)
    assert metrics["val_equalized_odds_difference[c]"] == metrics["val_equalized_odds_difference"]


def test_groups_change_the_fingerprint(make_data: Callable[..., Any]) -> None:
    data, codes = make_data(), np.arange(200, dtype=np.int32)[:, None] % 2
    one = add_codes(data, GroupSpec((("sex",),)), codes)
    others = [
        add_codes(data, GroupSpec((("sex",),)), 1 - codes),
        add_codes(data, GroupSpec((("sex",),), 5), codes),
        add_codes(data, GroupSpec((("race",),)), codes),
    ]
    assert len({made.fingerprint for made in (data, one, *others)}) == 5
    again = add_codes(data, one.groups, codes)
    assert again == one
    np.testing.assert_array_equal(open_codes(again, ("sex",)), codes[:, 0])
    with pytest.raises(ModelError, match=r"no sensitive group \('race',\)"):
        open_codes(again, ("race",))


def test_names_of_gaps() -> None:
    groups = (("sex",), ("sex", "race"), ("a,b", 'say "x"'))
    written = "auc , equalized_odds_difference, val_demographic_parity_ratio[race, sex], accuracy_difference[sex]:max"
    goals = objectives_of(BINARY, written, ["val_auc_difference[sex,race]<=0.1"], groups)
    assert [(goal.metric, goal.direction) for goal in goals.goals] == [
        ("val_auc", "max"),
        ("val_equalized_odds_difference", "min"),
        ("val_demographic_parity_ratio[sex,race]", "max"),
        ("val_accuracy_difference[sex]", "max"),
    ]
    assert str(goals.constraints[0]) == "val_auc_difference[sex,race]<=0.1"
    assert objectives_of(BINARY, "accuracy_difference[sex]", (), groups).first.direction == "min"
    quoted = group_text(groups[2])
    assert quoted == '"a,b","say ""x"""'
    name = f"val_accuracy_difference[{quoted}]"
    assert objectives_of(BINARY, None, [f"{name}<=0.1"], groups).constraints[0].metric == name


@pytest.mark.parametrize(
    ("objective", "constraint", "groups", "message"),
    [
        (
            "val_auc_difference",
            None,
            (),
            r"^objective: 'val_auc_difference' compares .* --sensitive sex",
        ),
        (None, "val_auc_difference<=1", (), r"^constraint: 'val_auc_difference' compares groups .* give sensitive"),
        (
            "auc_difference[age]",
            None,
            SENSITIVE,
            r"groups of 'age', but the sensitive groups are sex, sex,race; n",
        ),
        (
            None,
            "rmse_difference<=1",
            SENSITIVE,
            r"^constraint: a binary task has no metric 'rmse_difference'",
        ),
        ("val_parity", None, SENSITIVE, r"expected one of .*val_demographic_parity_difference"),
    ],
)
def test_names_that_mean_nothing(objective: Any, constraint: Any, groups: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        objectives_of(BINARY, objective, [constraint] if constraint else [], groups)


def test_groups_are_needed_only_for_gaps() -> None:
    assert not needs_groups(BINARY, "val_auc,parameters", ["val_recall>=0.5"])
    assert not needs_groups(BINARY, None, [])
    assert needs_groups(BINARY, "val_auc,auc_difference[sex]", [])
    assert needs_groups(BINARY, None, ["val_demographic_parity_ratio>=0.8"])

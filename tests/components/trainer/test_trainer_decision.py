"""What Trainer makes of raw columns and predictions: slices, thresholds by group, and what the card says of them."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tfx_automl.components.trainer import group_rows
from tfx_automl.components.trainer.decision import decide
from tfx_automl.components.trainer.group_rows import GroupRows, read_group_rows
from tfx_automl.components.trainer.options import TrainOptions
from tfx_automl.errors import ModelError
from tfx_automl.models.group_thresholds import GroupThresholds, read_parity
from tfx_automl.models.groups import GroupSpec
from tfx_automl.models.task import TaskSpec

TASK = TaskSpec("binary", "y", ("no", "yes"))
ROWS = 400
NAN = float("nan")


def read(
    monkeypatch: pytest.MonkeyPatch, columns: dict[str, dict[str, Any]], cuts: Any = None, smallest: int = 1
) -> GroupRows:
    """Reads columns, by split and name, that stand for those of raw examples."""
    sizes = {split: len(next(iter(of_split.values()))) for split, of_split in columns.items()}

    def raw_values(data: Any, names: Any, inputs: Any, split: str) -> dict[str, Any]:
        return {**columns[split], "y": pa.nulls(sizes[split])}

    monkeypatch.setattr(group_rows, "raw_values", raw_values)
    names = tuple(columns["eval"])
    label = np.arange(sizes["eval"]) % 2
    groups = GroupSpec.of([names], smallest, cuts)
    data: Any = SimpleNamespace(task=TASK, groups=groups, split=lambda name: SimpleNamespace(label=label))
    return read_group_rows(data, read_parity("demographic_parity", "binary", [names]), {})


@pytest.mark.parametrize(
    ("train", "eval_", "kind", "slices"),
    [
        (pa.array(["F", None]), pa.array(["M", "F", ""]), "text", (("F",), ("M",))),
        (pa.nulls(2), pa.array([3, None, 1], pa.int64()), "int", ((3,), (1,))),
        (
            pa.array([0.5, float("nan")], pa.float32()),
            pa.array([0.5, 1.5, None], pa.float32()),
            "float",
            ((0.5,), (1.5,)),
        ),
        (pa.array(["(missing)", "F"]), pa.array(["F", "M", "M"], pa.large_utf8()), "text", (("F",), ("M",))),
    ],
)
def test_values_of_every_type_make_slices(
    monkeypatch: pytest.MonkeyPatch, train: Any, eval_: Any, kind: str, slices: Any
) -> None:
    found = read(monkeypatch, {"train": {"a": train}, "eval": {"a": eval_}})
    assert found.types == (kind,)
    assert set(found.slices) == set(slices)
    values = [*train.to_pylist(), *eval_.to_pylist()]
    codes = found.of(folds=5)
    assert [found.slices[code][0] if code >= 0 else None for code in codes] == [
        value if (value,) in slices else None for value in values
    ]
    assert found.of(folds=1).tolist() == codes[2:].tolist()


def test_crossings_have_the_combinations_that_occur(monkeypatch: pytest.MonkeyPatch) -> None:
    sex, age = pa.array(["F", "M", "F", None]), pa.array([1, 1, 2, 2], pa.int64())
    found = read(monkeypatch, {"train": {"sex": sex, "age": age}, "eval": {"sex": sex, "age": age}})
    assert found.types == ("text", "int")
    assert sorted(found.slices) == [("F", 1), ("F", 2), ("M", 1)]
    assert found.codes["eval"][3] == -1


def test_cut_numbers_are_slices_by_name_and_keep_their_type(monkeypatch: pytest.MonkeyPatch) -> None:
    age = pa.array([20, 30, 70, None], pa.int64())
    found = read(monkeypatch, {"train": {"age": age}, "eval": {"age": age}}, {"age": (25, 65)})
    assert found.types == ("int",)
    assert set(found.slices) == {("under 25",), ("25 to under 65",), ("65 and over",)}


def test_fewer_than_two_slices_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    column = pa.array(["F"] * 30 + ["M"] * 5)
    with pytest.raises(ModelError, match="two groups of a with 10 rows or more in the eval split, which has 1"):
        read(monkeypatch, {"train": {"a": column}, "eval": {"a": column}}, smallest=10)


def course(rule: float | str, probability: Any, label: Any, cuts: Any = None) -> Any:
    options = TrainOptions(threshold=rule, group_thresholds="demographic_parity")
    groups = GroupSpec((("sex",),), 10, cuts or {})
    data = SimpleNamespace(task=TASK, groups=groups)
    return SimpleNamespace(options=options, data=data, judge=lambda trained: (label, probability))


@pytest.fixture
def rows() -> tuple[GroupRows, np.ndarray, np.ndarray]:
    """400 rows of the eval split: two groups that differ, a small one, and rows without a value."""
    rng = np.random.default_rng(0)
    codes = np.r_[np.zeros(220, int), np.ones(160, int), np.full(5, 2), np.full(15, -1)]
    probability = np.clip(rng.random(ROWS) * 0.7 + 0.3 * (codes == 0), 0, 1).astype(np.float32)
    label = (rng.random(ROWS) < probability).astype(int)
    parity = read_parity("demographic_parity", "binary", [("sex",)])
    read = GroupRows(parity, ("text",), (("M",), ("F",), ("X",)), {"train": np.zeros(0, int), "eval": codes})
    return read, label, probability


def test_decision_and_card_agree(rows: Any, capsys: pytest.CaptureFixture[str]) -> None:
    read, label, probability = rows
    trained: Any = SimpleNamespace(judged=SimpleNamespace(folds=1))
    found = decide(course("balanced_accuracy", probability, label), trained, read)
    assert found.by_group is not None
    own, card = found.by_group.thresholds, found.by_group.to_card()
    assert own.slices == (("M",), ("F",)) and own.common == found.threshold
    assert GroupThresholds.from_dict(card) == own
    assert [part["rows"] for part in card["slices"]] == [220, 160]
    selected = probability >= found.of_rows
    rates = [selected[read.codes["eval"] == code].mean() for code in (0, 1)]
    assert card["gap"]["after"] == pytest.approx(abs(rates[0] - rates[1])) and card["gap"]["after"] <= card["tolerance"]
    assert card["gap"]["before"] > 0.2
    assert card["accuracy"]["after"] == pytest.approx((selected == (label == 1)).mean())
    assert card["accuracy"]["before"] == pytest.approx(((probability >= found.threshold) == (label == 1)).mean())
    assert (found.of_rows[380:] == np.float32(found.threshold)).all()  # too few rows, or no value
    shown = capsys.readouterr().out
    assert "thresholds by sex for demographic_parity: M 0." in shown and "the gap goes from" in shown


def test_fixed_threshold_keeps_accuracy_and_nan_is_refused(rows: Any) -> None:
    read, label, probability = rows
    trained: Any = SimpleNamespace(judged=SimpleNamespace(folds=1))
    found = decide(course(0.4, probability, label), trained, read)
    assert found.threshold == 0.4 and found.by_group is not None and found.by_group.about["rule"] == "accuracy"
    assert decide(course(0.4, probability, label), trained, None).of_rows == 0.4
    broken = np.where(np.arange(ROWS) == 7, np.nan, probability)
    with pytest.raises(ModelError, match="predicts NaN"):
        decide(course(0.4, broken, label), trained, read)


def test_equal_groups_are_told_to_keep_the_common_threshold(rows: Any, capsys: pytest.CaptureFixture[str]) -> None:
    read, *_ = rows
    trained: Any = SimpleNamespace(judged=SimpleNamespace(folds=1))
    decide(course(0.5, np.full(ROWS, 0.75, np.float32), np.arange(ROWS) % 2), trained, read)
    assert "keep the common threshold" in capsys.readouterr().out

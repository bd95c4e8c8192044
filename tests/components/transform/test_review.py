"""The second look at the rows: redundant columns go, and features that are too good to be true are named."""

import json
import math

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from tfx_automl.components.transform.leakage import _auc, find_suspects
from tfx_automl.components.transform.plan import FeaturePlan
from tfx_automl.components.transform.sample import Sample, _classes, in_order
from tfx_automl.errors import DataError
from tfx_automl.models.task import TaskSpec

ROWS = 3000
BINARY = TaskSpec("binary", "label", ("n", "y"))


def _train() -> dict[str, list]:
    random = np.random.default_rng(0)
    size, label = random.normal(size=ROWS), random.integers(0, 2, ROWS)
    huge = np.where(np.arange(ROWS) == 0, 1e9, 0.0)
    return {
        "size": size.tolist(),
        "size_in_cm": (100 * size + 3).tolist(),
        "size_sometimes": [None if n % 9 == 0 else value for n, value in enumerate(size)],
        "rough_size": (size + 0.1 * random.normal(size=ROWS)).tolist(),
        "outlier": (huge + random.normal(size=ROWS)).tolist(),
        "outlier_too": (huge + random.normal(size=ROWS)).tolist(),
        "sex": [["f", "m"][n * n % 7 % 2] for n in range(ROWS)],
        "gender": [["woman", "man"][n * n % 7 % 2] for n in range(ROWS)],
        "rare": ["odd" if n == 5 else "usual" for n in range(ROWS)],
        "rare_number": [7.0 if n in (5, 2000) else 1.0 for n in range(ROWS)],
        "outcome": [["lost", "won"][int(value)] for value in label],
        "paid, in full": (label + random.uniform(0, 0.5, ROWS)).tolist(),
        "many": [f"m{v}" for v in random.integers(0, 900, ROWS)],
        "label": [["n", "y"][int(value)] for value in label],
    }


@pytest.fixture(scope="module")
def run(transform_tables):
    return transform_tables({"train": pa.table(_train())}, BINARY)


def _reason(run, name) -> str:
    assert run.plan[name].kind == "dropped", run.plan[name]
    return run.plan[name].reason


def test_as_good_as_constant(run):
    assert _reason(run, "rare") == (
        "nearly constant: the same in 99.97 % of 3,000 sampled rows, and about 1 others are too few to learn from"
    )
    assert "99.93 %" in _reason(run, "rare_number")


def test_as_good_as_another_column(run):
    assert "as good as 'size', which is kept: correlation 1.00000 in 3,000 sampled" in _reason(run, "size_in_cm")
    assert "as good as 'gender', which is kept" in _reason(run, "sex")
    for name in ("size", "size_sometimes", "rough_size", "outlier", "outlier_too", "gender"):
        assert run.plan[name].kept, run.plan[name]


def test_what_predicts_the_label_alone_is_named_with_its_figure(run):
    text = (run.folder / "plan/feature_plan.json").read_text(encoding="utf-8")
    warnings = json.loads(text)["warnings"]
    assert [warning.split("'")[1] for warning in warnings] == ["paid, in full", "outcome"]
    assert "predicts the label almost alone (AUC 1.0000 on 3,000 training rows)" in warnings[1]
    assert warnings[0].endswith("""leave it out with --exclude '"paid, in full"'""")
    assert warnings[1].endswith("leave it out with --exclude outcome")
    assert run.plan["outcome"].kept
    assert FeaturePlan.from_json(text).warnings == tuple(warnings)


@pytest.mark.slow
def test_a_person_reads_it_at_once(transform_tables, capsys):
    train = {name: values for name, values in _train().items() if name in ("size", "outcome", "label")}
    transform_tables({"train": pa.table(train)}, BINARY)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("'")[1] for line in lines if line.startswith("WARNING: the column")] == ["outcome"]


@pytest.mark.slow
def test_nothing_but_redundant_columns(transform_tables):
    table = pa.table({"rare": _train()["rare"], "label": _train()["label"]})
    with pytest.raises(DataError, match=r"no column to learn from \(rare: nearly constant"):
        transform_tables({"train": table}, BINARY)


def _sample(label, **columns) -> Sample:
    numbers = {name: np.asarray(values, float) for name, values in columns.items() if values.dtype.kind in "if"}
    texts = {name: in_order(values) for name, values in columns.items() if values.dtype.kind in "US"}
    return Sample(numbers, texts, np.asarray(label, float))


def test_labels_of_a_sample_are_compared_as_a_whole():
    labels = np.array(["yes", "no", "yes, perhaps", "", "a"], "S").astype(object)
    assert _classes(labels, ("yes", "a", "no")).tolist() == [0, 2, -1, -1, 1]


def test_area_is_that_of_scikit_learn():
    random = np.random.default_rng(1)
    target, guess = random.integers(0, 2, 500).astype(float), random.integers(0, 20, 500).astype(float)
    expected = roc_auc_score(target, guess)
    assert _auc(target, guess) == pytest.approx(max(expected, 1 - expected), abs=1e-12)


def test_no_false_alarms():
    random = np.random.default_rng(2)
    label = random.integers(0, 2, 4000)
    good = label + random.normal(0, 0.4, 4000)
    alone = np.array([f"row {n}" for n in range(4000)])
    assert find_suspects(_sample(label, good=good, alone=alone), BINARY) == []
    assert 0.94 < roc_auc_score(label, good) < 0.98
    few = label[:400]
    assert find_suspects(_sample(few, copy=few), BINARY) == []  # too few rows to tell
    rare = (np.arange(4000) < 20).astype(int)
    assert find_suspects(_sample(rare, copy=rare), BINARY) == []


def test_numbers_that_tell_the_label_without_an_order():
    random = np.random.default_rng(3)
    angle = random.uniform(0, 6, 4000)
    label = (np.floor(angle) % 2).astype(int)
    label[random.random(4000) < 0.001] = 0
    (suspect,) = find_suspects(_sample(label, angle=np.floor(angle)), BINARY)
    assert (suspect.name, suspect.measure) == ("angle", "AUC") and suspect.score > 0.995


def test_one_of_several_classes():
    task = TaskSpec("multiclass", "label", ("a", "b", "c"))
    label = np.arange(3000) % 3
    is_second = np.where(label == 1, "yes", "no")
    (suspect,) = find_suspects(_sample(label, is_second=is_second), task)
    assert suspect.score == 1
    assert "AUC 1.0000 on 3,000 training rows" in str(suspect)


@pytest.mark.parametrize(("noise", "found"), [(0.05, True), (0.2, False)])
def test_regression(noise, found):
    random = np.random.default_rng(4)
    label = random.normal(size=3000)
    twin = np.exp(label) + 0.0
    noisy = label + noise * random.normal(size=3000)
    names = [s.name for s in find_suspects(_sample(label, noisy=noisy), TaskSpec("regression", "label"))]
    assert names == (["noisy"] if found else [])
    (suspect,) = find_suspects(_sample(label, twin=twin), TaskSpec("regression", "label"))
    assert suspect.measure == "R²" and math.isfinite(suspect.score)

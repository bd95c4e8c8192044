"""The Evaluator's gaps and those that the Tuner measures in every epoch are the same on the same predictions."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tfx_automl.components.sensitive import MISSING
from tfx_automl.models.fairness import GAPS
from tfx_automl.models.gap_meter import GapMeter

pytestmark = pytest.mark.slow
SENSITIVE = (("sex",), ("age_group",), ("race",), ("sex", "race"))


def texts(columns: dict[str, list[Any]], group: tuple[str, ...]) -> list[str]:
    rows = zip(*(columns[name] for name in group), strict=True)
    return [",".join(MISSING if value is None else str(value) for value in row) for row in rows]


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_gaps_are_equal(
    kind: str,
    evaluate: Callable[..., Any],
    make_columns: Callable[..., Any],
    make_task: Callable[..., Any],
    grouped_data: Callable[..., Any],
) -> None:
    columns, task = make_columns(kind), make_task(kind)
    done = evaluate(kind, columns, sensitive=SENSITIVE)
    scores = ["score0", "score1", "score2"] if kind == "multiclass" else ["score"]
    score = np.array([columns[name] for name in scores], np.float32).T
    label = [task.classes.index(value) if task.classes else value for value in columns["target"]]
    data = grouped_data(task, np.array(label), {group: texts(columns, group) for group in SENSITIVE}, 30)
    names = [f"val_{gap.name}" for gap in GAPS[task.kind]]
    found = GapMeter(data, names).measure(score if kind == "multiclass" else score[:, 0])
    expected = {
        f"val_{name}[{feature}]": value for feature, gaps in done.report["gaps"].items() for name, value in gaps.items()
    }
    assert len(expected) == len(SENSITIVE) * len(names)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-6)
    too_small = [part for part in done.report["slices"] if part["too_small"]]
    assert too_small, "the test must have slices that are too small"

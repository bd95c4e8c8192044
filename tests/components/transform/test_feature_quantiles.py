"""Numbers that are mapped through their deciles: when, and to what."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from tfx_automl.models.task import TaskSpec

ROWS = 4000


def _train() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        "profit": random.standard_cauchy(ROWS),
        "two": np.where(np.arange(ROWS) % 2, random.normal(0, 1, ROWS), random.normal(5000, 1, ROWS)),
        "plain": random.normal(size=ROWS),
        "label": random.normal(size=ROWS),
    }


@pytest.fixture(scope="module")
def run(transform_tables):
    train = _train()
    train["profit"] = [None if n % 8 == 0 else value for n, value in enumerate(train["profit"])]
    eval_rows = {"profit": [-1e9, None, 0.5, 1e9], "two": [0.0, 2500.0, 5000.0, None], "plain": [0.0] * 4}
    tables = {"train": pa.table(train), "eval": pa.table({**eval_rows, "label": [0.0] * 4})}
    return transform_tables(tables, TaskSpec("regression", "label"))


def test_kinds_and_reasons(run):
    assert [run.plan[name].kind for name in ("profit", "two", "plain")] == ["quantile", "quantile", "numeric"]
    assert "times as far as the middle eight tenths, 12.5 % missing, so the median" in run.plan["profit"].reason
    assert "in parts far apart, with 49" in run.plan["two"].reason


@pytest.mark.parametrize("name", ["profit", "two"])
def test_linear_between_the_deciles(run, name):
    knots, scores = (run.plan[name].parameters[key] for key in ("quantiles", "scores"))
    there = np.arange(ROWS) % 8 != 0 if name == "profit" else np.ones(ROWS, bool)
    values = _train()[name].astype(np.float32)[there]
    np.testing.assert_allclose(run.values["train"][f"{name}_xf"][there], np.interp(values, knots, scores), atol=1e-4)
    np.testing.assert_allclose(scores[1:-1], stats.norm.ppf(np.arange(1, 10) / 10), atol=1e-9)
    shares = np.searchsorted(np.sort(values), knots[1:-1]) / len(values)
    np.testing.assert_allclose(shares, np.arange(1, 10) / 10, atol=0.02)  # TFDV's deciles come from a sketch


def test_out_of_range_and_missing(run):
    made, bound = run.values["eval"]["profit_xf"], stats.norm.ppf(0.995)
    np.testing.assert_allclose(made[[0, 3]], [-bound, bound], atol=1e-6)
    assert abs(made[1]) < 0.1  # the median
    assert run.values["eval"]["profit_missing_xf"].tolist() == [0, 1, 0, 0]


def test_the_scale_is_about_that_of_the_others(run):
    for name in ("profit", "two"):
        made = run.values["train"][f"{name}_xf"]
        assert abs(made.mean()) < 0.1 and 0.7 < made.std() < 1.3

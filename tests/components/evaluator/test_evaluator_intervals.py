"""Confidence intervals: how wide they are, how often they hold, and how often the gate errs by them."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_automl.components.evaluator.columnar.bootstrap import counts, distinct, row_hashes
from tfx_automl.components.evaluator.columnar.engine import measure
from tfx_automl.components.evaluator.gaps import compute_gaps
from tfx_automl.components.evaluator.gate import Gate, judge
from tfx_automl.components.evaluator.intervals import gap_interval, metric_interval, spread_samples
from tfx_automl.components.evaluator.measured import Details, Measured
from tfx_automl.components.evaluator.plan import EvaluationPlan
from tfx_automl.components.evaluator.predictions import Column, Predictions
from tfx_automl.components.evaluator.slices import Evaluation, SliceMetrics
from tfx_automl.models.task import TaskSpec

BINARY = TaskSpec("binary", "y", ("no", "yes"))
ROWS = 5000
BOUND = 0.05


def draws(rows: int, replicates: int = 400) -> np.ndarray:
    cell = np.zeros(rows, np.uint64)
    hashes = distinct(row_hashes(cell, np.zeros(rows), np.zeros(rows)))  # all rows alike
    return np.concatenate(list(counts(hashes, replicates)))


def test_counts_are_independent_poisson_draws_even_of_rows_that_are_alike() -> None:
    found = draws(2000)
    assert found.shape == (400, 2000)
    assert found.mean() == pytest.approx(1, abs=0.01) and found.var() == pytest.approx(1, abs=0.02)
    assert (found == 0).mean() == pytest.approx(np.exp(-1), abs=0.005)
    # The sum over independent rows has the variance of their number; it would be its square if they went together.
    assert found.sum(axis=1).var() == pytest.approx(2000, rel=0.3)
    assert abs(np.corrcoef(found[0::4].ravel(), found[1::4].ravel())[0, 1]) < 0.01  # draws from the same hash


@given(order=st.permutations(range(40)))
def test_counts_do_not_depend_on_the_order_of_the_rows(order: list[int]) -> None:
    rng = np.random.default_rng(0)
    label, score = rng.integers(0, 2, 40), rng.integers(0, 3, 40) / 2  # several rows alike
    cell = np.zeros(40, np.uint64)

    def by_row(chosen: list[int]) -> list:
        drawn = np.concatenate(list(counts(distinct(row_hashes(cell, label[chosen], score[chosen])), 8)))
        rows = zip(label[chosen].tolist(), score[chosen].tolist(), drawn.T.tolist(), strict=True)
        return sorted(rows)

    assert by_row(order) == by_row(list(range(40)))


def groups_of(rates: list[float], rng: np.random.Generator, rows: int = ROWS) -> list[Measured]:
    """Evaluates a model that selects each group at its rate."""
    group = rng.integers(0, len(rates), rows)
    score = np.where(rng.random(rows) < np.array(rates)[group], 0.9, 0.1)
    predictions = Predictions(rng.integers(0, 2, rows), score, {"g": Column.of(group)})
    return measure(predictions, EvaluationPlan(BINARY, (("g",),), replicates=100))


def gaps_of(measured: list[Measured]) -> tuple:
    slices = [
        SliceMetrics(
            ("g",),
            (str(m.key[0][1]),),
            m.rows,
            m.model.metrics,
            Details(spread_samples(m.model.samples, m.model.metrics, m.rows)),
        )
        for m in measured[1:]
    ]
    return compute_gaps(slices, "binary", 30)


def refused(rates: list[float], evidence: str, runs: int, rows: int = ROWS) -> float:
    """The share of models that the gate refuses."""
    rng = np.random.default_rng(7)
    gate = Gate("binary", max_gaps={"demographic_parity_difference": BOUND}, evidence=evidence)
    evaluation = Evaluation(SliceMetrics((), (), rows), {})
    verdicts = [judge(gate, evaluation, gaps_of(groups_of(rates, rng, rows))) for _ in range(runs)]
    return float(np.mean([not verdict.blessed for verdict in verdicts]))


@pytest.mark.slow
@pytest.mark.parametrize(("groups", "rows"), [(2, 5000), (5, 5 * 2500)])
def test_gate_errs_as_seldom_as_it_says(groups: int, rows: int) -> None:
    """Of 200 models: at most 5 % without a gap, at least 95 % with twice the bound, up to two standard errors."""
    noise = 2 * (0.05 * 0.95 / 200) ** 0.5
    assert refused([0.3] * groups, "confident", 200, rows) <= 0.05 + noise
    assert refused([0.3 + 2 * BOUND, *[0.3] * (groups - 1)], "confident", 200, rows) >= 0.95 - noise


@pytest.mark.slow
def test_point_evidence_refuses_fair_models_where_groups_are_many() -> None:
    """What confident evidence is for: of 20 groups the luckiest and the unluckiest differ by more than the bound."""
    assert refused([0.3] * 20, "point", 40) > 0.9
    assert refused([0.3] * 20, "confident", 40) <= 0.05 + 2 * (0.05 * 0.95 / 40) ** 0.5


@pytest.mark.slow
def test_intervals_of_gaps_hold_the_truth() -> None:
    rng = np.random.default_rng(1)
    held = []
    for _ in range(200):
        (gap,) = (g for g in gaps_of(groups_of([0.2, 0.26, 0.3], rng)) if g.name == "demographic_parity_difference")
        held.append(gap.interval is not None and gap.interval.lower <= 0.1 <= gap.interval.upper)
    assert np.mean(held) >= 0.92


def test_interval_is_as_wide_as_theory_has_it() -> None:
    (overall, *_) = groups_of([0.3], np.random.default_rng(3))
    interval = overall.model.interval("selection_rate")
    assert interval is not None
    expected = 2 * 1.96 * (0.3 * 0.7 / ROWS) ** 0.5
    assert interval.upper - interval.lower == pytest.approx(expected, rel=0.2)


def test_rate_of_zero_is_not_known_exactly() -> None:
    metrics = {"selection_rate": 0.0, "mean_label": 0.5, "accuracy": 0.5}
    flat = {name: np.full(200, value) for name, value in metrics.items()}
    spread = spread_samples(flat, metrics, 30)
    interval = metric_interval("selection_rate", 0.0, spread["selection_rate"])
    assert interval is not None and interval.lower == 0.0 and 0.02 < interval.upper < 0.12
    assert spread["accuracy"] is flat["accuracy"]


def test_what_is_not_defined_has_no_interval() -> None:
    assert metric_interval("tpr", None, np.ones(200)) is None
    assert metric_interval("tpr", 0.5, None) is None
    assert metric_interval("tpr", 0.5, np.r_[np.full(195, np.nan), np.ones(5)]) is None
    assert gap_interval("difference", [], []) is None
    assert gap_interval("difference", [np.array([0.1, 0.2])], [np.tile([0.1, 0.2], (200, 1))]) is None  # never varies


@given(
    values=st.lists(st.floats(0.05, 0.95), min_size=2, max_size=6),
    seed=st.integers(0, 99),
    kind=st.sampled_from(["difference", "ratio"]),
)
def test_interval_of_a_gap_holds_the_gap(values: list[float], seed: int, kind: str) -> None:
    rates = np.array(values)
    samples = rates + np.random.default_rng(seed).normal(0, 0.01, (200, len(rates)))
    interval = gap_interval(kind, [rates], [samples])  # type: ignore[arg-type]
    gap = rates.max() - rates.min() if kind == "difference" else rates.min() / rates.max()
    assert interval is not None and interval.lower <= gap + 1e-12 and gap <= interval.upper + 1e-12


def test_metrics_that_are_undefined_in_other_replicates_are_compared_in_the_same_ones() -> None:
    """The rate of true positives of a slice with few of them is not defined in every replicate."""
    rng = np.random.default_rng(0)
    tpr, fpr = rng.normal([0.5, 0.6], 0.05, (200, 2)), rng.normal([0.1, 0.2], 0.02, (200, 2))
    tpr[rng.random(200) < 0.3, 1] = np.nan
    interval = gap_interval("difference", [np.array([0.5, 0.6]), np.array([0.1, 0.2])], [tpr, fpr])
    assert interval is not None and interval.lower < 0.1 < interval.upper
    tpr[:190] = np.nan
    assert gap_interval("difference", [np.array([0.5, 0.6]), np.array([0.1, 0.2])], [tpr, fpr]) is None


def test_thousands_of_slices_take_little_memory() -> None:
    rng = np.random.default_rng(0)
    rates = rng.uniform(0.2, 0.8, 600)
    samples = rates + rng.normal(0, 0.01, (200, 600))
    tracemalloc.start()
    interval = gap_interval("difference", [rates], [samples])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert interval is not None and interval.lower > 0.5
    assert peak < 60e6  # all pairs in all replicates would be 290 MB

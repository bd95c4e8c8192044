"""The benchmark of the Tuner: that it notices a miss, and that both sides search the same."""

from types import SimpleNamespace

import pytest
from benchmarks_for_tests import load_benchmark

GOOD = {
    "ratio": 9.0,
    "utilisation": 0.93,
    "overhead_per_trial_s": 0.1,
    "keras_tuner_test_accuracy": 0.88,
    "ours_test_accuracy": 0.878,
}


@pytest.fixture(scope="module")
def benchmark():
    return load_benchmark("tuner")


def test_nothing_is_missed(benchmark):
    assert benchmark.problems(GOOD) == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ratio": 7.9}, "ratio 7.9 is below 8.0"),
        ({"utilisation": 0.89}, "utilisation 0.89 is below 0.9"),
        ({"overhead_per_trial_s": 0.21}, "overhead per trial 0.21 s is above 0.2"),
        ({"ours_test_accuracy": 0.876}, "test accuracy is more than 0.003 lower"),
    ],
)
def test_a_miss_is_noticed(benchmark, changed, message):
    assert benchmark.problems({**GOOD, **changed}) == [message]


def test_brackets_are_keras_tuners(benchmark):
    """Its trials are counted per promotion, and its epochs without repeating those of the checkpoint."""
    import keras_tuner

    oracle = keras_tuner.oracles.HyperbandOracle(objective="val_accuracy", max_epochs=10, factor=3)
    expected = [
        tuple((oracle._get_size(bracket, rung), oracle._get_epochs(bracket, rung)) for rung in range(bracket + 1))
        for bracket in reversed(range(oracle._get_num_brackets()))
    ]
    assert list(benchmark.BRACKETS) == expected
    assert sum(trials for rungs in benchmark.BRACKETS for trials, _ in rungs) == 30
    epochs = 0
    for rungs in benchmark.BRACKETS:
        before = (0, *(level for _, level in rungs))
        epochs += sum(trials * (level - start) for (trials, level), start in zip(rungs, before, strict=False))
    assert epochs == 120


def test_overhead_leaves_out_the_first_trial_of_each_worker(benchmark):
    def trial(number, worker, seconds, *epochs):
        curve = [SimpleNamespace(seconds=value) for value in epochs]
        return SimpleNamespace(trial_id=number, workers=(worker,), seconds=seconds, epochs=len(epochs), curve=curve)

    trials = [trial(0, "0", 9.0, 1.0, 1.0), trial(1, "1", 9.0, 1.0, 1.0), trial(2, "0", 4.5, 1.3, 1.0, 1.1, 0.9)]
    assert benchmark._overhead(trials, compiling=False) == pytest.approx(4.5 - 4.3)
    assert benchmark._overhead(trials, compiling=True) == pytest.approx(4.5 - 4 * 1.0)

"""The benchmark of boosted trees runs, and both sides predict the same."""

import importlib.util
from pathlib import Path


def test_a_small_run(repository: Path):
    spec = importlib.util.spec_from_file_location("trees_benchmark", repository / "benchmarks" / "boosted_trees.py")
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    data = benchmark.make_data(500)
    assert set(benchmark.measure_growing(data, 2)) >= {"ours_s", "warm_start_s", "one_fit_s"}
    found = benchmark.measure_predicting(data, 20)
    assert found["trees"] == 20
    assert found["largest_difference"] < 1e-6
    assert found["graph_rows_per_s"] > 0

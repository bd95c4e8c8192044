"""The benchmark of boosted trees runs, and both sides predict the same."""

from benchmarks_for_tests import load_benchmark


def test_a_small_run():
    benchmark = load_benchmark("boosted_trees")
    data = benchmark.make_data(500)
    assert set(benchmark.measure_growing(data, 2)) >= {"ours_s", "warm_start_s", "one_fit_s"}
    found = benchmark.measure_predicting(data, 20)
    assert found["trees"] == 20
    assert found["largest_difference"] < 1e-6
    assert found["graph_rows_per_s"] > 0

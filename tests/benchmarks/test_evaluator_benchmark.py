"""The benchmark of the Evaluator runs, and both engines find the same."""

import json
from pathlib import Path
from types import ModuleType

import pytest
from benchmarks_for_tests import load_benchmark

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    return load_benchmark("evaluator")


def test_a_small_run(benchmark: ModuleType, tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    status = benchmark.main(["--rows", "200", "--interval-rows", "60", "--results", str(results)])
    found = json.loads(results.read_text())
    plain, with_intervals = found["runs"]
    assert (plain["rows"], plain["tfma_rows"], plain["intervals"]) == (200, 200, False)
    assert (with_intervals["rows"], with_intervals["tfma_rows"], with_intervals["intervals"]) == (200, 60, True)
    assert found["slicing_specifications"] == 5
    assert status == int(min(run["ratio"] for run in found["runs"]) < benchmark.FLOOR)


def test_other_numbers_and_other_slices_are_seen(benchmark: ModuleType, tmp_path: Path) -> None:
    rows = benchmark.make_rows(300)
    _, found = benchmark.timed(benchmark.run_ours, rows, False)
    _, flipped = benchmark.timed(benchmark.run_ours, rows.assign(prediction=1 - rows["prediction"]), False)
    assert benchmark.largest_difference(found, found) == 0
    assert benchmark.largest_difference(found, flipped) > 0.1
    with pytest.raises(SystemExit, match="other slices"):
        benchmark.largest_difference(found, {})

"""The benchmark of a task's start runs."""

import json
from pathlib import Path
from types import ModuleType

import pytest
from benchmarks_for_tests import load_benchmark

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    return load_benchmark("task_start")


def test_a_small_run(benchmark: ModuleType, tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    status = benchmark.main(["--rounds", "1", "--components", "Pusher", "--results", str(results)])
    found = json.loads(results.read_text())
    [run] = found["runs"]
    assert run["component"] == "Pusher" and run["ours_s"] > 0
    assert run["ratio"] == pytest.approx(run["tfx_s"] / run["ours_s"], abs=0.02)
    assert found["slowest_s"] == run["ours_s"] and found["smallest_ratio"] == run["ratio"]
    assert status == int(run["ours_s"] > benchmark.LIMIT_S or run["ratio"] < benchmark.FLOOR)


def test_a_program_that_fails_is_said(benchmark: ModuleType) -> None:
    with pytest.raises(SystemExit, match="no_such_module"):
        benchmark.seconds("import no_such_module\n")

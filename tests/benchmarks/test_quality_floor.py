"""The quality floor: that the benchmark notices a miss, and that the pipeline keeps the floor on penguins."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks_for_tests import load_benchmark

from tfx_automl.errors import ModelError


@pytest.fixture(scope="module")
def script(repository: Path) -> Path:
    return repository / "benchmarks" / "quality_floor.py"


@pytest.fixture
def benchmark(tmp_path, monkeypatch):
    """A function that runs the benchmark on penguins, with a run that comes to what the test says."""
    module = load_benchmark("quality_floor")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "penguins.csv").write_text("species\n", encoding="utf-8")
    results = tmp_path / "results" / "quality_floor.json"

    def run(summary, **changes):
        def run_job(config):
            assert (config.label, config.max_epochs) == ("species", 27)
            if isinstance(summary, Exception):
                raise summary
            return summary

        monkeypatch.setattr(module, "run_job", run_job)
        monkeypatch.setattr(module, "CASES", {"penguins": dataclasses.replace(module.CASES["penguins"], **changes)})
        options = ["--case", "penguins", "--output", str(tmp_path / "runs"), "--results", str(results)]
        status = module.main([str(tmp_path / "data"), *options])
        return status, json.loads(results.read_text(encoding="utf-8"))["penguins"]

    return run


def summary(accuracy: float | None, seconds: float = 9.0) -> dict:
    return {"test_metrics": {"accuracy": accuracy}, "seconds": {"total": seconds}}


def test_floor_that_is_kept(benchmark, capsys):
    status, result = benchmark(summary(0.95))
    assert (status, result["passed"]) == (0, True)
    assert result["metrics"] == {"accuracy": {"measured": 0.95, "floor": 0.95}}
    assert result["seconds"] == {"measured": 9.0, "most": None}
    assert "penguins       accuracy      0.9500    0.95        9        –  kept" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("found", "changes", "miss"),
    [
        (summary(0.9499), {}, "accuracy"),
        (summary(None), {}, "accuracy"),
        (summary(0.99, 600.5), {"most_seconds": 600}, "seconds"),
        (ModelError("it broke"), {}, "it broke"),
    ],
)
def test_floor_that_is_missed(benchmark, capsys, found, changes, miss):
    status, result = benchmark(found, **changes)
    assert (status, result["passed"]) == (1, False)
    assert "error" not in result  # its text may name places on this machine
    assert f"MISSED: {miss}" in capsys.readouterr().out


def test_results_of_other_cases_are_kept(benchmark, tmp_path):
    path = tmp_path / "results" / "quality_floor.json"
    path.parent.mkdir()
    path.write_text('{"adult": {"passed": true}}', encoding="utf-8")
    benchmark(summary(0.95))
    assert json.loads(path.read_text(encoding="utf-8"))["adult"] == {"passed": True}


def test_foreign_folder_is_not_removed(benchmark, tmp_path, capsys):
    (tmp_path / "runs" / "penguins").mkdir(parents=True)
    (tmp_path / "runs" / "penguins" / "thesis.txt").write_text("precious", encoding="utf-8")
    with pytest.raises(FileNotFoundError):  # no results
        benchmark(summary(0.95))
    assert "no earlier run made" in capsys.readouterr().err
    assert (tmp_path / "runs" / "penguins" / "thesis.txt").exists()


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("penguins", "does not hold penguins.csv"),
        ("adult", "does not hold adult-train.csv"),
        ("fashion-mnist", "lacks"),
    ],
)
def test_absent_data_is_named(script, tmp_path, case, message):
    command = [sys.executable, str(script), str(tmp_path), "--fashion-dir", str(tmp_path), "--case", case]
    done = subprocess.run(
        [*command, "--output", str(tmp_path / "runs")], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_penguins_keep_the_floor(script, shared_data, tmp_path):
    command = [sys.executable, str(script), str(shared_data("penguins.csv").parent), "--case", "penguins"]
    options = ["--trials", "4", "--output", str(tmp_path / "runs"), "--results", str(tmp_path / "results.json")]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["penguins"]
    assert result["metrics"]["accuracy"]["measured"] >= 0.95

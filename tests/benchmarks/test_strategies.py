"""The benchmark of the strategies: its problems are what it says, and it notices a miss."""

import importlib
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def load(repository: Path, monkeypatch):
    """A function that imports a script of the benchmarks."""
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    return importlib.import_module


@pytest.mark.parametrize(
    ("name", "point"),
    [
        ("branin", {"x": math.pi, "y": 2.275}),
        ("branin", {"x": -math.pi, "y": 12.275}),
        ("hartmann6", dict(enumerate([0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573]))),
        ("families", {"family": "net", "rate": 0.01, "layers": 3, "units": 128, "dropout": 0.2}),
    ],
)
def test_functions_have_the_optimum_that_they_are_known_for(load, name, point):
    problem = load("strategy_problems").PROBLEMS[name]
    assert problem.curve(point, {}).losses[-1] == pytest.approx(0.0, abs=1e-5)
    rng = np.random.default_rng(0)
    assert min(problem.value(problem.space.sample(rng)) for _ in range(2000)) > 0.0


def test_curves_of_functions_fall_and_cross(load):
    problems = load("strategy_problems")
    one, other = (problems.function_curve(0.0, {"x": x}) for x in (math.pi / 2, -math.pi / 2))
    assert list(one) == sorted(one, reverse=True)
    assert (one[0], one[-1]) == pytest.approx((other[0], other[-1]))
    assert one[5] < other[5]


@pytest.mark.parametrize("name", ["digits", "cancer", "diabetes"])
def test_trainings_learn_and_diverge_within_bounds(load, name):
    problem = load("strategy_problems").PROBLEMS[name]
    points = list(problem.space.points())
    assert len(points) >= 200
    curve = problem.measure(points[len(points) // 2])
    assert len(curve.losses) == 27 and min(curve.losses) < curve.losses[0] <= problem.worst
    assert all(seconds > 0 for seconds in curve.seconds)


def test_a_training_that_fails_stays_bad(load):
    problems = load("strategy_problems")

    def train(point):
        yield 0.5
        raise ValueError("Solver produced non-finite parameter weights.")

    curve = problems.Problem("bad", problems.PROBLEMS["digits"].space, train=train, worst=5.0).measure({})
    assert curve.losses == (0.5, *[5.0] * 26)


def test_traces_use_just_the_budget_and_never_get_worse(load):
    runs, problems = load("strategy_runs"), load("strategy_problems")
    problem = problems.PROBLEMS["families"]
    for trace in (
        runs.run_ours(problem, {}, "hyperband", 0, 100),
        runs.run_ours(problem, {}, "bohb", 0, 100),
        runs.run_optuna(problem, {}, 0, 100),
    ):
        assert len(trace.losses) == len(trace.seconds) == 100
        assert trace.losses == sorted(trace.losses, reverse=True)
        assert trace.seconds == sorted(trace.seconds)
        assert trace.seconds[-1] > 100 * problems.NOMINAL_SECONDS
        assert trace.reaches(trace.losses[-1])[0] == trace.losses.index(trace.losses[-1]) + 1
        assert trace.reaches(-1.0) == (None, None)


def test_optuna_gets_points_of_every_space(load):
    import optuna

    runs, problems = load("strategy_runs"), load("strategy_problems")
    for problem in problems.PROBLEMS.values():
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        for _ in range(10):
            assert problem.space.contains(runs.ask_optuna(problem, study.ask()))


def _result(random: list[int], hyperband: list[int | None]) -> dict:
    strategies = {
        who: {"epochs_to_random": epochs, "seconds_to_random": epochs, "seconds": [1.0] * len(epochs)}
        for who, epochs in (("random", random), ("hyperband", hyperband))
    }
    return {"problem": {"strategies": strategies}}


def test_what_is_never_reached_counts_as_more_than_any_budget(load):
    strategies = load("strategies")
    problems = _result([729, 300, 400], [73, None, None])
    assert strategies.ratios(problems, "hyperband", "epochs") == [73 / 729, math.inf, math.inf]
    lines = strategies.table_of(problems)
    assert [line.split()[0] for line in lines[1:]] == ["hyperband", "random"]
    assert lines[1].split()[1:] == ["not", "not", "not", "1/3"]


@pytest.mark.parametrize(("reached", "status"), [([73, 73, None], 0), ([400, 400, 10], 1)])
def test_a_missed_floor_is_the_exit_status(load, monkeypatch, tmp_path, reached, status):
    strategies = load("strategies")
    monkeypatch.setattr(load("strategy_plot"), "draw", lambda problems, path: None)
    results = tmp_path / "strategies.json"
    results.write_text(json.dumps({"problems": _result([729, 729, 729], reached)}), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["strategies.py", "--plot-only", "--results", str(results)])
    assert strategies.main() == status


@pytest.mark.slow
def test_the_whole_script_on_one_problem(repository, tmp_path):
    results = tmp_path / "results" / "strategies.json"
    options = ["--seeds", "2", "--problems", "branin", "--results", str(results)]
    done = subprocess.run(
        [sys.executable, str(repository / "benchmarks" / "strategies.py"), *options], capture_output=True, text=True
    )
    assert done.stderr == ""
    assert "floor of Hyperband" in done.stdout
    assert done.returncode in (0, 1)
    assert results.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    curve = json.loads(results.read_text())["problems"]["branin"]["strategies"]["hyperband"]["curve"]
    assert curve["epochs"][0] == 1 and curve["epochs"][-1] == 27 * 27

"""Search strategies side by side: how good the best loss so far is, after so many epochs and so many seconds.

    python benchmarks/strategies.py [--seeds 10] [--problems branin,digits] [--plot-only]

Every strategy gets the epochs of 27 full trainings of 27 epochs. Beside them: random search with twice that, and Optuna
used directly (its TPESampler and HyperbandPruner). Writes results/strategies.json and results/strategies.png beside
this file; exit status 1 if Hyperband misses its floor: in the median over problems and seeds it must come to random
search's final loss with at most half of random search's epochs.

The seconds of an epoch are those measured when the point was tabulated (see strategy_problems; 0.1 s for functions);
the seconds of a strategy's own work are added as they pass. All are seconds of one core, so that a busy machine changes
nothing; only the ledger's waiting for the disk is left out.
"""

import argparse
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from strategy_problems import EPOCHS, PROBLEMS, Table
from strategy_runs import Trace, run_optuna, run_ours

from tfx_automl.machine import usable_cores
from tfx_automl.search.parameters import Point
from tfx_automl.search.samplers.base import point_key

RESULTS = Path(__file__).parent / "results" / "strategies.json"
BUDGET = 27 * EPOCHS
OURS = ("hyperband", "bohb", "asha", "random", "grid", "bayesian", "gp", "evolution", "reinforce")
TWICE, OPTUNA = "random, twice the budget", "Optuna, TPE + Hyperband pruner"
FLOOR = 0.5
_SEED_STRIDE = 1009  # seeds of strategies are apart, so that none sees the points of another


def run_all(name: str, table: Table, number: int) -> dict[str, Trace]:
    """Runs every strategy on a problem with one seed."""
    problem = PROBLEMS[name]
    strategies = [strategy for strategy in OURS if strategy != "grid" or problem.space.size() is not None]
    seeds = {who: number + _SEED_STRIDE * place for place, who in enumerate((*OURS, TWICE, OPTUNA))}
    traces = {who: run_ours(problem, table, who, seeds[who], BUDGET) for who in strategies}
    traces[TWICE] = run_ours(problem, table, "random", seeds["random"], 2 * BUDGET)
    traces[OPTUNA] = run_optuna(problem, table, seeds[OPTUNA], BUDGET)
    return traces


def _tabulate(name: str, points: Sequence[Point]) -> Table:
    return {point_key(point): PROBLEMS[name].measure(point) for point in points}


def run_problem(pool: ProcessPoolExecutor, name: str, seeds: int) -> dict[str, Any]:
    """Tabulates a problem, runs everything on it, and returns what is written."""
    started, table = time.monotonic(), Table()
    if PROBLEMS[name].train:
        points = list(PROBLEMS[name].space.points())
        for part in [pool.submit(_tabulate, name, points[n::16]) for n in range(16)]:
            table.update(part.result())
    tabulated = time.monotonic() - started
    runs = [future.result() for future in [pool.submit(run_all, name, table, seed) for seed in range(seeds)]]
    say(f"{name}: {len(table)} points tabulated in {tabulated:.0f} s, searches {time.monotonic() - started:.0f} s")
    best = PROBLEMS[name].best(table)
    return {"points": len(table) or None, "best": best, "strategies": dict(_summaries(runs, best))}


def _summaries(runs: Sequence[Mapping[str, Trace]], best: float) -> Iterator[tuple[str, dict[str, Any]]]:
    targets = [run["random"].losses[-1] for run in runs]
    for who in runs[0]:
        traces = [run[who] for run in runs]
        reached = [trace.reaches(target) for trace, target in zip(traces, targets, strict=True)]
        yield (
            who,
            {
                "epochs_to_random": [epochs for epochs, _ in reached],
                "seconds_to_random": [seconds and round(seconds, 2) for _, seconds in reached],
                "seconds": [round(trace.seconds[-1], 2) for trace in traces],
                "regret": [round(trace.losses[-1] - best, 6) for trace in traces],
                "curve": _curve(traces, best),
            },
        )


def _curve(traces: Sequence[Trace], best: float) -> dict[str, list[float]]:
    """Returns medians and quartiles of the regret over the seeds, at epochs that are evenly spaced on a log scale."""
    last = min(len(trace.losses) for trace in traces)
    epochs = sorted({round(last ** (n / 39)) for n in range(40)})
    columns = [sorted(trace.losses[epoch - 1] - best for trace in traces) for epoch in epochs]
    seconds = [statistics.median(trace.seconds[epoch - 1] for trace in traces) for epoch in epochs]
    quarter = len(traces) // 4
    return {
        "epochs": [float(epoch) for epoch in epochs],
        "seconds": [round(value, 3) for value in seconds],
        "median": [round(statistics.median(column), 6) for column in columns],
        "lower": [round(column[quarter], 6) for column in columns],
        "upper": [round(column[-1 - quarter], 6) for column in columns],
    }


def ratios(problems: Mapping[str, Any], who: str, unit: str) -> list[float]:
    """Returns for each problem and seed which share of random search's budget a strategy needs; infinite if more."""
    found = []
    for problem in problems.values():
        if who in problem["strategies"]:
            needed = problem["strategies"][who][f"{unit}_to_random"]
            whole = [BUDGET] * len(needed) if unit == "epochs" else problem["strategies"]["random"]["seconds"]
            found += [math.inf if n is None else n / w for n, w in zip(needed, whole, strict=True)]
    return found


def table_of(problems: Mapping[str, Any]) -> list[str]:
    """Returns one line for each strategy: the share of random search's budget that it needs for the same loss."""
    names = list(problems)
    lines = [f"{'median share of epochs':32}" + "".join(f"{n:>11}" for n in (*names, "all", "seconds", "reached"))]
    for who in (*OURS, TWICE, OPTUNA):
        cells = [_percent(ratios({name: problems[name]}, who, "epochs")) for name in names]
        shares = ratios(problems, who, "epochs")
        if shares:
            cells += [_percent(shares), _percent(ratios(problems, who, "seconds"))]
            cells.append(f"{sum(map(math.isfinite, shares))}/{len(shares)}")
            lines.append(f"{who:32}" + "".join(f"{cell:>11}" for cell in cells))
    return lines


def _percent(shares: Sequence[float]) -> str:
    middle = statistics.median(shares) if shares else math.nan
    return "–" if math.isnan(middle) else "not" if math.isinf(middle) else f"{100 * middle:.0f} %"


def say(text: str) -> None:
    """Prints a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="searches of each kind (default: %(default)s)")
    parser.add_argument("--problems", default=",".join(PROBLEMS), help="(default: %(default)s)")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help="(default: beside this script)")
    parser.add_argument("--plot-only", action="store_true", help="draw the results that are there")
    return parser


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    from strategy_plot import draw

    parsed = _parser().parse_args()
    if not parsed.plot_only:
        # One thread each: the trainings are small, and the workers share the cores. Read when a worker imports NumPy.
        os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
        with ProcessPoolExecutor(usable_cores(), get_context("spawn")) as pool:
            problems = {name: run_problem(pool, name, parsed.seeds) for name in parsed.problems.split(",")}
        parsed.results.parent.mkdir(exist_ok=True)
        text = json.dumps({"budget": BUDGET, "seeds": parsed.seeds, "problems": problems}, indent=1)
        parsed.results.write_text(text + "\n", encoding="utf-8")
    problems = json.loads(parsed.results.read_text(encoding="utf-8"))["problems"]
    draw(problems, parsed.results.with_suffix(".png"))
    for line in table_of(problems):
        say(line)
    share = statistics.median(ratios(problems, "hyperband", "epochs"))
    verdict = "kept" if share <= FLOOR else "MISSED"
    say(f"floor of Hyperband, {FLOOR:.0%} of random search's epochs: {share:.0%}, {verdict}")
    return 0 if share <= FLOOR else 1


if __name__ == "__main__":
    sys.exit(main())

"""Shows that the main job keeps its quality floor: what it must reach on three public data sets, with its own defaults.

`.venv/bin/python benchmarks/quality_floor.py ../shared/data` runs everything; `--case penguins` only that. Each case is
an ordinary run from the file on, nothing taken from a cache. Prints a table, writes results/quality_floor.json beside
this file, and exits with status 1 if a floor is missed, 2 if the data is not there.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from tfx_automl import __version__, console
from tfx_automl.errors import ConfigError, TfxAutomlError
from tfx_automl.files import write_in_one_step
from tfx_automl.machine import usable_cores
from tfx_automl.pipelines.config import RunConfig
from tfx_automl.pipelines.datasets import demo_config
from tfx_automl.pipelines.job import StageFailedError, run_job
from tfx_automl.pipelines.output import OutputFolder

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks/results/quality_floor.json"
OUTPUT = ROOT / "build/quality-floor"
FASHION = "/usr/share/datasets/fashion-mnist"  # where Debian's package dataset-fashion-mnist puts the files


@dataclass(frozen=True)
class Case:
    """One data set.

    Attributes:
        configure: Returns the run's configuration, from the parsed arguments and the run's output folder.
        floors: The least value of each test metric.
        most_seconds: The longest time for everything; None is no limit.
    """

    configure: Callable[[argparse.Namespace, str], RunConfig]
    floors: Mapping[str, float]
    most_seconds: float | None = None


def _limit(parsed: argparse.Namespace) -> dict[str, Any]:
    return {} if parsed.trials is None else {"max_trials": parsed.trials}


def _penguins(parsed: argparse.Namespace, output: str) -> RunConfig:
    data = os.path.join(parsed.data, "penguins.csv")
    if not os.path.isfile(data):
        raise ConfigError(f"DATA: {parsed.data} does not hold penguins.csv; name the folder that does.")
    return RunConfig(data=data, label="species", output=output, **_limit(parsed))


def _adult(parsed: argparse.Namespace, output: str) -> RunConfig:
    return demo_config("adult", parsed.data, {"output": output, **_limit(parsed)})


def _fashion_mnist(parsed: argparse.Namespace, output: str) -> RunConfig:
    return demo_config(
        "fashion-mnist", parsed.fashion_dir, {"output": output, "max_epochs": 10, "factor": 3, **_limit(parsed)}
    )


CASES: Mapping[str, Case] = {
    "penguins": Case(_penguins, {"accuracy": 0.95}),
    "adult": Case(_adult, {"auc": 0.905, "accuracy": 0.85}, most_seconds=600),
    "fashion-mnist": Case(_fashion_mnist, {"accuracy": 0.875}),
}


@dataclass(frozen=True)
class Outcome:
    """What a case came to.

    Attributes:
        case: What was asked.
        measured: The test metrics that have a floor; None where the run has no such metric.
        seconds: Wall time of the whole run; None if it failed.
        error: Why it failed, else None.
    """

    case: Case
    measured: Mapping[str, float | None] = field(default_factory=dict)
    seconds: float | None = None
    error: str | None = None

    @property
    def misses(self) -> tuple[str, ...]:
        """What is below its floor, or took too long; empty if all is well."""
        if self.error is not None:
            return (self.error,)
        below = [name for name, floor in self.case.floors.items() if not _reaches(self.measured.get(name), floor)]
        slow = self.case.most_seconds is not None and (self.seconds or 0.0) > self.case.most_seconds
        return (*below, *(("seconds",) if slow else ()))

    def to_json(self) -> dict[str, Any]:
        """Returns what the results file keeps: not the error, which may name places on this machine."""
        return {
            "passed": not self.misses,
            "metrics": {
                name: {"measured": self.measured.get(name), "floor": floor} for name, floor in self.case.floors.items()
            },
            "seconds": {"measured": self.seconds, "most": self.case.most_seconds},
            "version": __version__,
            "cores": usable_cores(),
            "date": date.today().isoformat(),
        }


def _reaches(value: float | None, floor: float) -> bool:
    return value is not None and value >= floor


def run_case(case: Case, config: RunConfig) -> Outcome:
    """Runs one case; a run that fails is an outcome, too, so that the other cases still run."""
    try:
        summary = run_job(config)
    except (TfxAutomlError, StageFailedError) as error:
        return Outcome(case, error=str(error))
    metrics = summary["test_metrics"]
    return Outcome(case, {name: metrics.get(name) for name in case.floors}, summary["seconds"]["total"])


def table(outcomes: Mapping[str, Outcome]) -> list[str]:
    """Returns one line for each floor."""
    lines = [f"{'case':15}{'metric':10}{'measured':>10}{'floor':>8}{'seconds':>9}{'at most':>9}  verdict"]
    for name, outcome in outcomes.items():
        verdict = f"MISSED: {', '.join(outcome.misses)}" if outcome.misses else "kept"
        seconds = "–" if outcome.seconds is None else f"{outcome.seconds:.0f}"
        most = "–" if outcome.case.most_seconds is None else f"{outcome.case.most_seconds:.0f}"
        for metric, floor in outcome.case.floors.items():
            value = outcome.measured.get(metric)
            shown = "–" if value is None else f"{value:.4f}"
            lines.append(f"{name:15}{metric:10}{shown:>10}{floor:>8}{seconds:>9}{most:>9}  {verdict}")
    return lines


def write_results(path: Path, outcomes: Mapping[str, Outcome]) -> None:
    """Writes the outcomes; those of cases that were not run now stay as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known.update({name: outcome.to_json() for name, outcome in outcomes.items()})
    write_in_one_step(path, json.dumps(known, indent=2, sort_keys=True) + "\n")


def _configure(parsed: argparse.Namespace, names: Sequence[str]) -> dict[str, RunConfig]:
    """Returns the configurations, once all data is known to be there, and makes room for the runs."""
    configs = {}
    for name in names:
        folder = OutputFolder.at(os.path.join(parsed.output, name))
        folder.check()  # an earlier run may be removed, anything else not
        shutil.rmtree(folder.root, ignore_errors=True)
        configs[name] = CASES[name].configure(parsed, str(folder.root))
    return configs


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Runs the pipeline on public data and compares with the quality floor."
    )
    parser.add_argument("data", metavar="DATA", help="folder with penguins.csv, adult-train.csv and adult-test.csv")
    parser.add_argument("--case", action="append", choices=CASES, help="only this case; repeatable (default: all)")
    parser.add_argument("--fashion-dir", default=FASHION, metavar="FOLDER", help="(default: %(default)s)")
    parser.add_argument("--trials", type=int, metavar="N", help="at most so many, to try this script (default: all)")
    parser.add_argument(
        "--output", default=str(OUTPUT), metavar="FOLDER", help="the runs (default: build/quality-floor)"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help="(default: beside this script)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the cases; returns the exit status."""
    parsed = _parser().parse_args(arguments)
    try:
        configs = _configure(parsed, list(dict.fromkeys(parsed.case or CASES)))
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(f"quality_floor: {problem}\n")
        return 2
    outcomes = {name: run_case(CASES[name], config) for name, config in configs.items()}
    write_results(parsed.results, outcomes)
    for line in ("", *table(outcomes)):
        console.line(line)
    return 1 if any(outcome.misses for outcome in outcomes.values()) else 0


if __name__ == "__main__":
    sys.exit(main())

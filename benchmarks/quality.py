"""Quality: our whole pipeline beside FLAML, a tuned random forest and a linear model, on public data sets.

    python benchmarks/quality.py DATA [--sets adult,wine] [--seeds 3] [--seconds 120] [--keep]

FLAML and our search get the same time on the same training rows; all are measured on the same test rows. Prints a
table, and writes results/quality.json beside this file. The peers run in an environment of their own, which
`make bench-quality` builds.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from quality_peer import measure
from quality_sets import SETS, DataSet

from tfx_automl import __version__, console
from tfx_automl.files import write_in_one_step
from tfx_automl.machine import usable_cores
from tfx_automl.models.task import transformed_name

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks/results/quality.json"
WORK = ROOT / "build/quality"
PEERS = ("flaml", "random_forest", "linear")
TOLERANCE = {"auc": 0.002, "r2": 0.02}
FOREST_TOLERANCE = 0.003
ADULT_FLOOR = 0.928
OURS = ("--algorithm", "bohb", "--ensemble", "8", "--trainer", "retrain_all")
_BATCH = 4096


@dataclass(frozen=True)
class Measured:
    """One data set with one seed.

    Attributes:
        name: The data set.
        seed: Of the division and of all randomness.
        metric: `auc` or `r2`, on the test rows.
        scores: By what was fitted: `ours`, `flaml`, `random_forest`, `linear`.
        seconds: Wall time of each, ours with everything that a pipeline does.
        best: What each chose.
    """

    name: str
    seed: int
    metric: str
    scores: Mapping[str, float]
    seconds: Mapping[str, float]
    best: Mapping[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the comparison; returns 1 if a floor is missed."""
    parsed = _parse(argv)
    found = kept(RESULTS, parsed.seconds) if parsed.keep else []
    for name in parsed.sets.split(","):
        for seed in range(parsed.seeds):
            if (name, seed) in {(one.name, one.seed) for one in found}:
                continue
            found.append(compare(name, seed, parsed))
            console.line(_line(found[-1]))
            _write(found, parsed)
    table = summarise(found)
    failures = misses(table)
    console.line(_table(table))
    for failure in failures:
        console.line(f"MISSED: {failure}")
    return 1 if failures else 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with adult-train.csv, acs-income.parquet and so on")
    parser.add_argument("--sets", default=",".join(SETS), help="some of the data sets")
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds (default: 3)")
    parser.add_argument("--seconds", type=int, default=120, help="time of each search (default: 120)")
    parser.add_argument("--keep", action="store_true", help="go on with what the results file has, of the same version")
    parser.add_argument("--peer-python", type=Path, default=ROOT / "build/flaml/bin/python", help="has FLAML")
    parsed = parser.parse_args(argv)
    if not parsed.peer_python.exists():
        parser.error(f"--peer-python: {parsed.peer_python} is not there; `make bench-quality` builds it.")
    return parsed


def kept(results: Path, seconds: int) -> list[Measured]:
    """Returns what an earlier run of this benchmark, with the same options, has measured already."""
    if not results.exists():
        return []
    before = json.loads(results.read_text(encoding="utf-8"))
    if {name: before.get(name) for name in _options(seconds)} != _options(seconds):
        return []
    return [Measured(**one) for one in before["runs"]]


def _options(seconds: int) -> dict[str, Any]:
    return {"version": __version__, "cores": usable_cores(), "seconds_of_search": seconds, "ours": " ".join(OURS)}


def compare(name: str, seed: int, parsed: argparse.Namespace) -> Measured:
    """Fits everything on one data set; both sides read the same two files."""
    data = SETS[name]
    work = WORK / f"{name}-{seed}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    files = {}
    for split, rows in zip(("train", "test"), data.load(parsed.data, seed), strict=True):
        files[split] = work / f"{split}.parquet"
        rows.to_parquet(files[split], index=False)
    peers = _peers(data, files, work, seed, parsed)
    score, seconds, best = _ours(data, files, work, seed, parsed)
    scores = {"ours": score, **{peer: peers[peer]["score"] for peer in PEERS}}
    times = {"ours": seconds, **{peer: peers[peer]["seconds"] for peer in PEERS}}
    return Measured(name, seed, data.metric, scores, times, {"ours": best, "flaml": peers["flaml"]["best"]})


def _peers(
    data: DataSet, files: Mapping[str, Path], work: Path, seed: int, parsed: argparse.Namespace
) -> dict[str, dict[str, Any]]:
    result = work / "peers.json"
    script = Path(__file__).with_name("quality_peer.py")
    command: list[object] = [parsed.peer_python, script, "--label", data.label, "--kind", data.kind, "--result", result]
    command += ["--train", files["train"], "--test", files["test"], "--seconds", parsed.seconds, "--seed", seed]
    _run(command, work / "peers.log")
    found: dict[str, dict[str, Any]] = json.loads(result.read_text(encoding="utf-8"))
    return found


def _ours(
    data: DataSet, files: Mapping[str, Path], work: Path, seed: int, parsed: argparse.Namespace
) -> tuple[float, float, Any]:
    """Runs the command line as a user would; returns the test score, seconds, and what was chosen."""
    output = work / "run"
    command: list[object] = [Path(sys.executable).with_name("tfx-automl"), "run", files["train"], "--label", data.label]
    command += ["--test-data", files["test"], "--task", data.kind, "--output", output, "--seed", seed]
    command += ["--time-budget", f"{parsed.seconds}s", *OURS]
    if data.kind == "multiclass":
        command += ["--objective", "val_loss"]  # the rank of probabilities is compared, which accuracy says little of
    _run(command, work / "ours.log")
    summary = json.loads((output / "summary.json").read_text(encoding="utf-8"))
    label, prediction = _predictions(output)
    best = {"values": summary["best_hyperparameters"], "trials": summary["trials"]["count"]}
    return _score(data, label, prediction), summary["seconds"]["total"], best


def _run(command: Sequence[object], log: Path) -> None:
    with open(log, "w", encoding="utf-8") as file:
        done = subprocess.run([str(part) for part in command], stdout=file, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed with exit status {done.returncode}; see {log}.")


def _predictions(output: Path) -> tuple[npt.NDArray[Any], npt.NDArray[np.float32]]:
    """Returns label (class index or target) and prediction of the test rows, by the exported model alone."""
    import tensorflow as tf

    model = tf.saved_model.load(str(max((output / "artifacts/Trainer/model").glob("*")) / "Format-Serving"))
    serve, transform = (model.signatures[name] for name in ("serving_default", "transform_features"))
    examples = max((output / "artifacts/ExampleGen/examples").glob("*")) / "Split-test"
    records = tf.data.TFRecordDataset(sorted(map(str, examples.glob("*"))), "GZIP").batch(_BATCH)
    label = json.loads((output / "summary.json").read_text(encoding="utf-8"))["label"]["name"]
    parts = [
        (transform(examples=batch)[transformed_name(label)].numpy(), _predicted(serve(examples=batch)).numpy())
        for batch in records
    ]
    labels, predictions = zip(*parts, strict=True)
    return np.concatenate(labels).ravel(), np.concatenate(predictions)


def _predicted(outputs: Mapping[str, Any]) -> Any:
    return outputs["probabilities"] if "probabilities" in outputs else outputs["predictions"]


def _score(data: DataSet, label: npt.NDArray[Any], prediction: npt.NDArray[np.float32]) -> float:
    if data.kind == "binary":
        prediction = np.hstack([1 - prediction, prediction])
    elif data.kind == "regression":
        prediction = prediction[:, 0]
    return measure(data.kind, label, prediction)


def summarise(found: Sequence[Measured]) -> list[dict[str, Any]]:
    """Returns one row for each data set: the mean score of everything over the seeds."""
    rows = []
    for name in dict.fromkeys(one.name for one in found):
        runs = [one for one in found if one.name == name]
        means = {who: round(float(np.mean([one.scores[who] for one in runs])), 5) for who in ("ours", *PEERS)}
        rows.append({"set": name, "metric": runs[0].metric, "seeds": len(runs), **means})
    return rows


def misses(table: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns which floors are missed, in words."""
    found = []
    for row in table:
        gap, bound = row["flaml"] - row["ours"], TOLERANCE[row["metric"]]
        if gap > bound:
            found.append(f"{row['set']}: FLAML is better by {gap:.4f} {row['metric']}, at most {bound} is allowed.")
        if row["random_forest"] - row["ours"] > FOREST_TOLERANCE:
            found.append(f"{row['set']}: the random forest is better by {row['random_forest'] - row['ours']:.4f}.")
        if row["set"] == "adult" and row["ours"] < ADULT_FLOOR:
            found.append(f"adult: AUC {row['ours']}, expected {ADULT_FLOOR} or more.")
    wins = sum(row["ours"] >= row["flaml"] for row in table)
    if 2 * wins < len(table):
        found.append(f"better than or equal to FLAML on {wins} of {len(table)} sets, expected half.")
    return found


def _line(one: Measured) -> str:
    scores = "  ".join(f"{who} {score:.4f}" for who, score in one.scores.items())
    return f"{one.name}, seed {one.seed}: {one.metric}  {scores}  ({one.seconds['ours']:.0f} s)"


def _table(table: Sequence[Mapping[str, Any]]) -> str:
    head = f"{'set':16}{'metric':8}" + "".join(f"{who:>15}" for who in ("ours", *PEERS))
    rows = [f"{r['set']:16}{r['metric']:8}" + "".join(f"{r[who]:15.4f}" for who in ("ours", *PEERS)) for r in table]
    return "\n".join([head, *rows])


def _write(found: Sequence[Measured], parsed: argparse.Namespace) -> None:
    table = summarise(found)
    measured = {"table": table, "missed": misses(table), "runs": [asdict(one) for one in found]}
    values = {**_options(parsed.seconds), **measured}
    RESULTS.parent.mkdir(exist_ok=True)
    write_in_one_step(RESULTS, json.dumps(values, indent=1, default=str) + "\n")


if __name__ == "__main__":
    sys.exit(main())

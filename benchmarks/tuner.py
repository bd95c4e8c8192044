"""Compares our Tuner with `keras_tuner.Hyperband` on the Fashion-MNIST lab: same model, space, brackets and epochs.

`make bench-tuner` writes results/tuner.json and exits with status 1 if a floor is missed. Each side searches in a
process of its own, its imports not counted: KerasTuner from arrays in memory, as in its documentation; ours from the
transformed examples, with the start of the workers and their imports counted. Then the best hyperparameters of each are
trained for 10 epochs and scored on the test set.
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

RESULTS = Path(__file__).parent / "results" / "tuner.json"
FASHION = "/usr/share/datasets/fashion-mnist"  # where Debian's package dataset-fashion-mnist puts the files
EPOCHS = 10
FLOORS = {"ratio": 8.0, "utilisation": 0.9}
MOST_OVERHEAD_S = 0.2
MOST_ACCURACY_LOST = 0.003

# KerasTuner's own arithmetic for max_epochs 10 and factor 3, rungs as trials and epochs; it counts each promotion as a
# trial of its own, so that these are 30.
BRACKETS = (((12, 2), (4, 4), (2, 10)), ((6, 4), (2, 10)), ((4, 10),))


def say(*words: str) -> None:
    """Writes a line for people."""
    sys.stdout.write("  ".join(words) + "\n")
    sys.stdout.flush()


def read_idx(folder: Path, name: str) -> npt.NDArray[np.uint8]:
    """Reads one of the four files."""
    raw = gzip.decompress((folder / f"{name}.gz").read_bytes())
    shape = [int.from_bytes(raw[4 + 4 * n : 8 + 4 * n], "big") for n in range(raw[3])]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


def keras_tuner_child(folder: Path, work: Path) -> dict[str, Any]:
    """Searches as KerasTuner's documentation does."""
    import keras
    import keras_tuner

    x, y = read_idx(folder, "train-images-idx3-ubyte") / 255.0, read_idx(folder, "train-labels-idx1-ubyte")
    test = read_idx(folder, "t10k-images-idx3-ubyte") / 255.0, read_idx(folder, "t10k-labels-idx1-ubyte")

    def build(hp: Any) -> Any:
        model = keras.Sequential([keras.layers.Input((28, 28)), keras.layers.Flatten()])
        model.add(keras.layers.Dense(hp.Int("units", min_value=32, max_value=512, step=32), activation="relu"))
        model.add(keras.layers.Dense(10))
        model.compile(
            keras.optimizers.Adam(hp.Choice("learning_rate", [1e-2, 1e-3, 1e-4])),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        return model

    started = time.monotonic()
    tuner = keras_tuner.Hyperband(
        build, objective="val_accuracy", max_epochs=EPOCHS, factor=3, seed=0, directory=str(work), project_name="lab"
    )
    stop_early = keras.callbacks.EarlyStopping(monitor="val_loss", patience=5)
    tuner.search(x, y, epochs=50, validation_split=0.2, callbacks=[stop_early], verbose=0)
    seconds = time.monotonic() - started
    keras.utils.set_random_seed(0)
    model = tuner.hypermodel.build(tuner.get_best_hyperparameters(1)[0])
    model.fit(x, y, epochs=EPOCHS, validation_split=0.2, verbose=0)
    return {"seconds": seconds, "accuracy": model.evaluate(*test, verbose=0)[1], "trials": len(tuner.oracle.trials)}


def ours_child(artifacts: Path, work: Path) -> dict[str, Any]:
    """Searches as the component Tuner does, with KerasTuner's brackets."""
    from tfx_automl.components.data import data_folder, training_data
    from tfx_automl.components.tuner import native, workers
    from tfx_automl.components.tuner.options import SearchOptions
    from tfx_automl.models.families import start_model
    from tfx_automl.models.metrics import metrics_of
    from tfx_automl.models.model import Workplace
    from tfx_automl.models.task import TaskSpec
    from tfx_automl.search.runners.processes import ProcessRunner
    from tfx_automl.search.schedulers.brackets import Bracket, BracketScheduler, Rung

    brackets = [Bracket(len(rungs) - 1, tuple(Rung(*rung) for rung in rungs)) for rungs in BRACKETS]
    task = TaskSpec("multiclass", "label", tuple(map(str, range(10))))
    options = SearchOptions(families=("dense",), max_epochs=EPOCHS)
    inputs = {"training_data": _artifacts(artifacts)}
    started = time.monotonic()
    setup = workers.worker_setup(data_folder(inputs, work / "arrays"), task, options)
    with ProcessRunner(setup, workers.workers_of(options)) as runner:
        data = training_data(inputs, task, work / "arrays")
        plan = native.plan_search(data, options, BracketScheduler(brackets))
        result = native.run_search(plan, runner, work)
    seconds = time.monotonic() - started
    session = start_model(result.best.values, 0, Workplace(data))
    for _ in range(EPOCHS):
        session.train_epoch()
    test = data.split("test")
    return {
        "seconds": seconds,
        "accuracy": metrics_of(task, test.label, session.predict(test))["accuracy"],
        "epochs": result.total_epochs,
        "utilisation": result.utilisation,
        "overhead": _overhead(result.trials, compiling=False),
        "overhead_with_compiling": _overhead(result.trials, compiling=True),
    }


def _overhead(trials: Any, compiling: bool) -> float:
    """Returns the median seconds per trial beyond its epochs, leaving out the first trial of each worker.

    That is: building the model, tracing its graphs, saving checkpoints, talking to the search. What else TensorFlow
    compiles, it does within the first epoch.

    Args:
        trials: All trials.
        compiling: Whether what the first epoch takes longer than the others counts, too.
    """
    first = {trial.workers[0]: trial.trial_id for trial in reversed(trials)}
    beyond = []
    for trial in trials:
        epochs = [record.seconds for record in trial.curve]
        training = len(epochs) * np.median(epochs[1:]) if compiling else sum(epochs)
        if trial.trial_id not in first.values():
            beyond.append(trial.seconds - training)
    return float(np.median(beyond))


def _artifacts(folder: Path) -> list[Any]:
    from tfx_automl.components.types import TrainingArrays

    artifact = TrainingArrays()
    artifact.uri = (folder / "training_data").read_text()
    return [artifact]


def prepare(folder: Path, work: Path) -> None:
    """Makes the training data with the pipeline; not part of what is timed."""
    from tfx_automl.pipelines.datasets import demo_config
    from tfx_automl.pipelines.job import run_job
    from tfx_automl.pipelines.metadata import read_outputs
    from tfx_automl.pipelines.output import OutputFolder

    config = demo_config("fashion-mnist", str(folder), {"output": str(work / "run"), "max_epochs": 1, "max_trials": 1})
    run_job(config)
    uris = read_outputs(OutputFolder.at(str(work / "run")).metadata, "tfx-automl")["Transform"].uris
    (work / "training_data").write_text(str(uris["training_data"]))


def run_child(kind: str, folder: Path, work: Path) -> dict[str, Any]:
    """Runs one side in a process of its own."""
    command = [sys.executable, __file__, "--child", kind, str(folder), str(work / kind)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{kind} failed:\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    say(f"{kind}: {json.dumps(found)}")
    return found


def compare(folder: Path, work: Path) -> dict[str, Any]:
    """Runs both sides; returns what goes into the results."""
    prepare(folder, work)
    ours = run_child("ours", work, work)
    theirs = run_child("keras_tuner", folder, work)
    return {
        "keras_tuner_s": round(theirs["seconds"], 1),
        "ours_s": round(ours["seconds"], 1),
        "ratio": round(theirs["seconds"] / ours["seconds"], 1),
        "keras_tuner_test_accuracy": round(theirs["accuracy"], 4),
        "ours_test_accuracy": round(ours["accuracy"], 4),
        "trials_keras_tuner": theirs["trials"],
        "epochs_ours": ours["epochs"],
        "utilisation": round(ours["utilisation"], 3),
        "overhead_per_trial_s": round(ours["overhead"], 3),
        "overhead_per_trial_with_compiling_s": round(ours["overhead_with_compiling"], 3),
    }


def problems(results: dict[str, Any]) -> list[str]:
    """Returns what misses its floor."""
    found = [f"{name} {results[name]} is below {floor}" for name, floor in FLOORS.items() if results[name] < floor]
    if results["overhead_per_trial_s"] > MOST_OVERHEAD_S:
        found.append(f"overhead per trial {results['overhead_per_trial_s']} s is above {MOST_OVERHEAD_S}")
    if results["ours_test_accuracy"] < results["keras_tuner_test_accuracy"] - MOST_ACCURACY_LOST:
        found.append(f"test accuracy is more than {MOST_ACCURACY_LOST} lower")
    return found


def main() -> int:
    """Runs the benchmark; exit status 1 if a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(FASHION), help="the four idx files (default: %(default)s)")
    parser.add_argument("--child", nargs=3, metavar=("KIND", "DATA", "WORK"), help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if parsed.child:
        kind, data, work = parsed.child
        child = {"ours": ours_child, "keras_tuner": keras_tuner_child}[kind]
        say(json.dumps(child(Path(data), Path(work))))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        results = compare(parsed.data, Path(folder))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    missed = problems(results)
    say(json.dumps(results, indent=2), *missed)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

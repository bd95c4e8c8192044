"""A whole pipeline with the most classes there may be."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tfx_automl.pipelines.output import OutputFolder

pytestmark = pytest.mark.slow

CLASSES, ROWS_PER_CLASS = 1000, 12


def _rows() -> pd.DataFrame:
    """Which of 1,000 shops somebody goes to follows from where he lives, and from what he buys."""
    rng = np.random.default_rng(0)
    shop = np.repeat(np.arange(CLASSES), ROWS_PER_CLASS)
    place, kind = np.divmod(shop, 10)
    centre = np.stack(np.divmod(place, 10), axis=1)
    where = centre + rng.normal(0, 0.15, (len(shop), 2))
    columns = {"east": where[:, 0], "north": where[:, 1], "buys": [f"kind_{number}" for number in kind]}
    rows = pd.DataFrame({**columns, "shop": [f"shop_{number}" for number in shop]})
    return rows.sample(frac=1, random_state=0)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes")
    _rows().to_csv(folder / "shops.csv", index=False)
    command = [sys.executable, "-c", "import sys; from tfx_automl.pipelines.cli import main; sys.exit(main())", "run"]
    command += [str(folder / "shops.csv"), "--label", "shop", "--output", str(folder / "run"), "--algorithm", "random"]
    command += ["--folds", "1", "--families", "mlp,boosted_trees", "--max-trials", "2", "--max-epochs", "6"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return OutputFolder.at(str(folder / "run"))


def test_both_kinds_of_models_learn_a_thousand_classes(run):
    summary = json.loads(run.summary.read_text(encoding="utf-8"))
    assert summary["task"] == "multiclass"
    scores = {trial["values"]["family"]: trial["score"] for trial in summary["trials"]["table"]}
    assert set(scores) == {"mlp", "boosted_trees"}
    assert min(scores.values()) > 30 / CLASSES, "no better than chance"
    assert summary["test_metrics"]["accuracy"] > 100 / CLASSES
    assert summary["test_metrics"]["balanced_accuracy"] > 100 / CLASSES
    assert not any("@" in name for name in summary["test_metrics"])


def test_exported_model_gives_a_probability_for_each(run):
    import tensorflow as tf

    summary = json.loads(run.summary.read_text(encoding="utf-8"))
    serve = tf.saved_model.load(summary["pushed_model"]).signatures["serving_raw"]
    found = serve(east=tf.constant([3.0]), north=tf.constant([4.0]), buys=tf.constant([b"kind_7"]))
    probabilities = found["probabilities"].numpy()
    assert probabilities.shape == (1, CLASSES) and probabilities.sum() == pytest.approx(1, abs=1e-5)

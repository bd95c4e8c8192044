"""`--reweigh` on real data, as a person runs it: UCI Adult, with sex kept from the model."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from tfx_automl.components.model_card import read_card
from tfx_automl.pipelines.datasets import ADULT_COLUMNS
from tfx_automl.pipelines.metadata import read_outputs
from tfx_automl.pipelines.output import OutputFolder

pytestmark = pytest.mark.slow

GAP = "demographic_parity_difference"


@pytest.fixture(scope="module")
def run(shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """What the terminal showed, the model card, and the report of a run on 6,000 rows."""
    folder = tmp_path_factory.mktemp("adult")
    table = pd.read_csv(shared_data("adult-train.csv"), names=ADULT_COLUMNS.split(","), skipinitialspace=True)
    table.sample(6000, random_state=0).to_csv(folder / "adult.csv", index=False)
    options = ["--label", "income", "--sensitive", "sex", "--reweigh", "sex", "--exclude", "sex,relationship"]
    options += ["--families", "boosted_trees", "--algorithm", "random", "--max-trials", "1", "--max-epochs", "3"]
    options += ["--folds", "1", "--replicates", "0", "--workers", "1", "--output", str(folder / "out")]
    code = "import sys; from tfx_automl.pipelines.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, "run", str(folder / "adult.csv"), *options], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    output = OutputFolder.at(str(folder / "out"))
    outputs = read_outputs(output.metadata, "tfx-automl")
    report = outputs["Evaluator"].uris["fairness_report"]
    return SimpleNamespace(
        shown=done.stdout,
        card=read_card(str(outputs["Trainer"].uris["model"])),
        best=json.loads((outputs["Tuner"].uris["best_hyperparameters"] / "best_hyperparameters.txt").read_text()),
        report=json.loads((report / "report.json").read_text()),
        page=(report / "report.html").read_text(),
    )


def test_gap_on_the_eval_split_is_smaller_than_without_weights(run: SimpleNamespace) -> None:
    found = run.card["reweighing"]
    before, after = (found[name]["gaps"]["sex"][GAP] for name in ("without", "with"))
    assert after < before - 0.03
    assert found["with"]["metrics"]["accuracy"] > found["without"]["metrics"]["accuracy"] - 0.03
    assert f"reweighing sex: demographic parity difference {before:.3f} → {after:.3f}, accuracy" in run.shown
    assert run.best["training"]["reweigh"] == "sex"


def test_report_shows_what_the_card_says(run: SimpleNamespace) -> None:
    assert run.report["reweighing"] == run.card["reweighing"]
    assert {(*cell["values"], cell["label"]) for cell in run.report["reweighing"]["cells"]} == {
        (sex, income) for sex in ("Female", "Male") for income in ("<=50K", ">50K")
    }
    assert 'id="reweighing"' in run.page


def test_model_does_not_need_the_group(run: SimpleNamespace) -> None:
    columns = {column for feature in run.card["features"] for column in feature["columns"]}
    assert "age" in columns and "sex" not in columns

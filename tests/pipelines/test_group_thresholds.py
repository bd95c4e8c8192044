"""Thresholds by group from the command line, on real data: chosen on the eval split, they hold on the test split."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tfx_automl.pipelines.output import OutputFolder

pytestmark = pytest.mark.slow

ROWS = 12_000
COLUMNS = (
    "age,workclass,fnlwgt,education,education_num,marital_status,occupation,relationship,race,sex,capital_gain,"
    "capital_loss,hours_per_week,native_country,income"
)
OPTIONS = ["--algorithm", "random", "--folds", "1", "--families", "boosted_trees", "--max-trials", "1"]
GAP = "demographic_parity_difference"


def _tfx_automl(*arguments: str) -> "subprocess.CompletedProcess[str]":
    code = "import sys; from tfx_automl.pipelines.cli import main; sys.exit(main())"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=1800)


@pytest.fixture(scope="module")
def adult(shared_data: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first rows of the census, with a header."""
    path = tmp_path_factory.mktemp("adult") / "adult.csv"
    lines = shared_data("adult-train.csv").read_text(encoding="utf-8").splitlines()[:ROWS]
    path.write_text("\n".join([COLUMNS, *(line.replace(", ", ",") for line in lines)]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(adult: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = OutputFolder.at(str(tmp_path_factory.mktemp("runs") / "adult"))
    given = [str(adult), "--label", "income", "--output", str(folder.root), "--sensitive", "sex", "--exclude", "sex"]
    given += ["--group-thresholds", "demographic_parity", "--threshold", "balanced_accuracy", "--max-epochs", "8"]
    done = _tfx_automl("run", *given, *OPTIONS)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done, json.loads(folder.summary.read_text(encoding="utf-8"))


def _of(run: Any, component: str, key: str, file: str) -> Path:
    folder, _, summary = run
    return Path(folder.root / summary["artifacts"][component][key] / file)


def test_gap_is_closed_on_rows_that_chose_nothing(run: Any) -> None:
    report = json.loads(_of(run, "Evaluator", "fairness_report", "report.json").read_text())
    own = report["group_thresholds"]
    assert own["gap"]["after"] <= 0.01 < 0.15 < own["gap"]["before"]
    before, after = own["at_common"]["gaps"]["sex"][GAP], report["gaps"]["sex"][GAP]
    assert before > 0.15
    assert after < before / 2
    assert report["metrics"]["auc"] == own["at_common"]["metrics"]["auc"] > 0.85
    assert report["metrics"]["accuracy"] > 0.7
    rates = {part["value"]: part["metrics"]["selection_rate"] for part in report["slices"]}
    assert after == pytest.approx(abs(rates["Male"] - rates["Female"]))


def test_terminal_and_report_tell_of_it(run: Any) -> None:
    _, done, summary = run
    own = summary["trainer"]["threshold"]["groups"]
    found = {part["values"][0]: part["threshold"] for part in own["slices"]}
    assert found["Female"] < found["Male"]
    line = f"Thresholds by group of sex for demographic_parity: Female {found['Female']:.4g}, Male {found['Male']:.4g}"
    assert line in done.stdout
    assert "thresholds by sex for demographic_parity:" in done.stdout
    page = _of(run, "Evaluator", "fairness_report", "report.html").read_text(encoding="utf-8")
    assert "Per-group thresholds" in page and "The slider moves one threshold that all rows have in common" in page


def test_request_needs_the_column_that_the_model_does_not_see(run: Any) -> None:
    import tensorflow as tf

    folder, _, summary = run
    assert "sex" in {feature["name"] for feature in summary["features"]["dropped"]}
    assert summary["blessed"] and summary["pushed_model"]
    request = json.loads(folder.request.read_text())
    row = request["instances"][0]
    assert row["sex"] in ("Female", "Male")
    code = "\n".join(summary["how_to_call"])
    called = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder.root)
    assert called.returncode == 0 and "threshold" in called.stdout, called.stderr
    model = tf.saved_model.load(summary["pushed_model"]).signatures["serving_raw"]
    specs = model.structured_input_signature[1]
    found = {}
    for sex in ("Female", "Male", "", "Other"):
        outputs = model(**{name: tf.constant([{**row, "sex": sex}[name]], spec.dtype) for name, spec in specs.items()})
        found[sex] = outputs["threshold"].numpy().item(), outputs["probabilities"].numpy().item()
    own = summary["trainer"]["threshold"]
    expected = {part["values"][0]: part["threshold"] for part in own["groups"]["slices"]}
    expected |= {"": own["value"], "Other": own["value"]}
    assert {sex: threshold for sex, (threshold, _) in found.items()} == pytest.approx(expected)
    assert len({probability for _, probability in found.values()}) == 1  # the model itself does not look at it


def test_task_without_a_threshold_is_refused_before_anything_runs(adult: Path, tmp_path: Path) -> None:
    given = [
        str(adult),
        "--output",
        str(tmp_path / "out"),
        "--sensitive",
        "sex",
        "--group-thresholds",
        "equalized_odds",
    ]
    done = _tfx_automl("run", *given, "--label", "age", "--task", "regression")
    assert done.returncode == 2
    assert "--group-thresholds: a regression task has no threshold; got 'equalized_odds'" in done.stderr + done.stdout
    done = _tfx_automl("run", *given[:3], "--group-thresholds", "equalized_odds", "--label", "income")
    assert done.returncode == 2
    assert "there are no sensitive columns" in done.stderr + done.stdout
    assert not (tmp_path / "out").exists()

"""The main job, as a person runs it: the demo, then again unchanged, then its model and its notebook."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command_for_tests import tfx_automl_command

from tfx_automl.pipelines.finished import FinishedRun
from tfx_automl.pipelines.output import OutputFolder

pytestmark = pytest.mark.slow

STAGES = (
    *("ExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "Transform"),
    *("Baseline", "Tuner", "Trainer", "Evaluator", "Pusher"),
)


@pytest.fixture(scope="module")
def first(demo_run) -> "tuple[OutputFolder, subprocess.CompletedProcess[str]]":
    return demo_run


@pytest.fixture(scope="module")
def summary(first) -> dict:
    return json.loads(first[0].summary.read_text(encoding="utf-8"))


def test_every_stage_and_trial_has_its_line(first):
    shown = first[1].stdout
    for number, stage in enumerate(STAGES, start=1):
        assert f"[{number}/{len(STAGES)}] {stage}" in shown
    assert shown.count("trial ") >= 3


def test_terminal_is_quiet_and_the_log_is_not(first):
    folder, done = first
    assert done.stderr == ""
    for noise in ("WARNING", "INFO:", "I0000", "cpu_feature_guard", "DeprecationWarning"):
        assert noise not in done.stdout
    assert "Component Tuner is running" in folder.log.read_text(encoding="utf-8", errors="replace")


def test_rows_add_up(summary):
    rows = summary["rows"]
    assert rows["read"] == 442
    assert sum(rows["splits"].values()) + rows["dropped_without_label"] == 442
    assert set(rows["splits"]) == {"train", "eval", "test"}


def test_every_column_is_decided(summary):
    kept = {feature["name"] for feature in summary["features"]["kept"]}
    dropped = {feature["name"] for feature in summary["features"]["dropped"]}
    assert kept | dropped == {"age", "sex", "bmi", "bp", "tc", "ldl", "hdl", "tch", "ltg", "glu"}
    assert not kept & dropped
    assert all(feature["reason"] for features in summary["features"].values() for feature in features)


def test_trials_are_counted(summary):
    trials = summary["trials"]
    assert trials["count"] == len(trials["table"]) >= 3
    assert trials["failed"] == 0
    assert trials["epochs"] == sum(trial["epochs"] for trial in trials["table"])


def test_model_beats_chance_and_baseline_is_beside_it(summary):
    assert summary["test_metrics"]["auc"] > 0.7
    assert summary["baseline_metrics"]["logistic_regression"]["auc"] > 0.7
    assert summary["baseline_metrics"]["majority"]["auc"] == 0.5


def test_slices_cover_the_test_split(summary):
    for feature in ("sex", "age"):
        counts = [entry["count"] for entry in summary["slices"] if entry["feature"] == feature]
        assert sum(counts) == summary["rows"]["splits"]["test"]


def test_worst_group_and_artifacts_are_named(first, summary):
    folder, done = first
    worst = summary["worst_slice"]
    values = {entry["value"]: entry["metrics"][worst["metric"]] for entry in summary["slices"]}
    assert abs(values[worst["value"]] - values[worst["best_value"]]) == pytest.approx(worst["difference"])
    assert f"Worst group: {worst['feature']} = {worst['value']}: " in done.stdout
    assert set(summary["artifacts"]) == set(STAGES)
    for outputs in summary["artifacts"].values():
        assert all((folder.root / path).is_dir() for path in outputs.values())


def test_report_of_the_run_is_found(first):
    done = tfx_automl_command("report", str(first[0].root), "--no-open")
    assert done.returncode == 0, done.stderr
    assert "<html" in Path(done.stdout.strip()).read_text(encoding="utf-8")


def test_every_view_shows_the_run(first):
    from tfx.types import standard_artifacts

    from tfx_automl import view

    root = first[0].root
    for name in ("fairness", "leaderboard", "progress", "curves", "statistics"):
        assert len(getattr(view, name)(root).to_frame())
    assert "Hyperparameters of " in view.parameters(root).body  # in few epochs, one family may have one trial
    evaluation = standard_artifacts.ModelEvaluation()
    evaluation.uri = str(root / FinishedRun.at(str(root)).artifact("Evaluator", "evaluation"))
    by_tfma = view.fairness([evaluation]).to_frame().set_index("slice")
    ours = view.fairness(root).to_frame().set_index("value")
    assert by_tfma.loc["sex=sex_1", "accuracy"] == pytest.approx(ours.loc["sex_1", "accuracy"])


def test_blessed_model_is_pushed_and_predicts(first, summary):
    assert summary["blessed"] is True
    assert summary["reasons"]
    code = "\n".join(summary["how_to_call"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=first[0].root)
    assert done.returncode == 0, done.stderr
    assert "above_median" in done.stdout or "up_to_median" in done.stdout


def test_stage_seconds(summary):
    assert set(summary["seconds"]) == {*STAGES, "total"}
    assert summary["seconds"]["total"] >= max(summary["seconds"][stage] for stage in STAGES)


def test_second_run_uses_the_cache_and_says_so(first, summary):
    folder, _ = first
    again = tfx_automl_command("demo", "--output", str(folder.root), "--max-epochs", "3")
    assert again.returncode == 0, again.stdout + again.stderr
    for stage in STAGES:
        assert f"{stage}: unchanged, from the cache" in again.stdout
    repeated = json.loads(folder.summary.read_text(encoding="utf-8"))
    assert set(repeated["cached"]) == set(STAGES)
    for key in ("test_metrics", "slices", "best_hyperparameters", "blessed", "pushed_model", "rows"):
        assert repeated[key] == summary[key]


@pytest.fixture(scope="module")
def other(first) -> "subprocess.CompletedProcess[str]":
    done = tfx_automl_command("demo", "--output", str(first[0].root), "--max-epochs", "3", "--seed", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_changed_option_runs_only_what_depends_on_it(other):
    assert "Transform: unchanged, from the cache" in other.stdout
    assert "Tuner: unchanged" not in other.stdout


def test_second_model_is_compared_with_the_blessed_first(first, other):
    assert "compared with the last blessed model" in other.stdout
    summary = json.loads(first[0].summary.read_text(encoding="utf-8"))
    report = Path(summary["reports"]["fairness"]).with_name("report.json")
    comparison = json.loads(report.read_text(encoding="utf-8"))["comparison"]
    before, difference = comparison["metrics"]["auc"], comparison["differences"]["auc"]
    assert summary["test_metrics"]["auc"] == pytest.approx(before + difference["value"])
    assert difference["interval"][0] <= difference["value"] <= difference["interval"][1]
    assert {part["feature"] for part in comparison["slices"]} == {part["feature"] for part in summary["slices"]}


@pytest.mark.usefixtures("other")
def test_what_is_served_is_what_the_summary_names(first):
    """The first choice again, after another one was pushed; and once more, after somebody removed what was pushed."""
    folder, _ = first
    for removed in (False, True):
        if removed:
            shutil.rmtree(folder.serving)
        again = tfx_automl_command("demo", "--output", str(folder.root), "--max-epochs", "3")
        assert again.returncode == 0, again.stdout + again.stderr
        assert "Trainer: unchanged, from the cache" in again.stdout
        assert "Pusher: unchanged" not in again.stdout
        pushed = json.loads(folder.summary.read_text(encoding="utf-8"))["pushed_model"]
        assert pushed == str(max(folder.serving.iterdir(), key=lambda version: int(version.name)))


def test_killed_search_goes_on(tmp_path):
    """kill -9 of everything during the search; the same command then repeats no trial that had ended."""
    output = tmp_path / "demo"
    options = ["demo", "--output", str(output), "--max-epochs", "4", "--factor", "2", "--workers", "1"]
    code = "import sys; from tfx_automl.pipelines.cli import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *options], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    for line in process.stdout:
        if line.startswith("  trial 3 "):
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    again = tfx_automl_command(*options)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "continues an earlier search" in again.stdout
    assert "  trial 0  bracket 0  epochs 1 " not in again.stdout
    trials = json.loads((output / "summary.json").read_text(encoding="utf-8"))["trials"]
    assert [trial["trial_id"] for trial in trials["table"]] == list(range(trials["count"]))


def test_notebook_reads_the_run(first, repository: Path):
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(repository / "notebooks" / "first_look.ipynb", as_version=4)
    environment = os.environ | {"TFX_AUTOML_RUN": str(first[0].root)}
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute(env=environment)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    views = [page for output in outputs if "tfx-automl" in (page := output.get("data", {}).get("text/html", ""))]
    assert len(views) == 7
    assert sum("data:image/svg+xml" in page for page in views) >= 5  # one family may have one trial
    assert sum("<iframe" in page for page in views) == 1
    text = json.dumps(outputs)
    for expected in ("40 to under 60", "val_auc", "sex_1", "probabilities", "Metrics by slice", "Leaderboard"):
        assert expected in text

"""The very files for the cluster, run by the Kubeflow SDK's SubprocessRunner: each task a process of its own."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from lint_for_tests import problems

from tfx_automl.kubeflow.settings import TaskSettings
from tfx_automl.pipelines.cli import main

pytestmark = pytest.mark.slow


def outputs(root: Path) -> Path:
    """The folder of the only run under a pipeline root."""
    [run] = [path for path in root.iterdir() if path.name not in ("history", "serving")]
    return run


@pytest.fixture(scope="module")
def demo(demo_run: Any, kfp_run: Any, tmp_path_factory: Any) -> Any:
    """The demo, compiled from a configuration by the command line, and run; its pipeline root."""
    folder = tmp_path_factory.mktemp("demo")
    options = {
        "data": str(demo_run[0].data / "diabetes.csv"),
        "label": "progression",
        "positive": "above_median",
        "sensitive": ["sex", "age"],
        "cut": {"age": [40, 60]},
        "split": "50,20,30",
        "min_slice_size": 20,
        "max_epochs": 3,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(options))
    compiled, root = folder / "pipeline.yaml", folder / "root"
    arguments = ["compile", str(folder / "config.yaml"), "--image", "python", "--pipeline-root", str(root)]
    assert main([*arguments, "-o", str(compiled)]) == 0
    assert problems(yaml.safe_load(compiled.read_text())) == []
    done = kfp_run("run", str(compiled), str(root), "{}")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return root


def test_the_demo_has_the_metrics_of_a_local_run(demo, demo_run):
    run = outputs(demo)
    report = json.loads((run / "evaluator" / "fairness_report" / "report.json").read_text())
    summary = json.loads(demo_run[0].summary.read_text(encoding="utf-8"))
    assert report["metrics"] == summary["test_metrics"]
    assert summary["blessed"] == (run / "evaluator" / "blessing" / "BLESSED").exists()


def test_every_task_of_the_demo_reports(demo):
    run = outputs(demo)
    spec_tasks = {path.name for path in run.iterdir()}
    assert spec_tasks == {
        *("example-gen", "statistics-gen", "schema-gen", "example-validator", "transform", "tuner", "trainer"),
        *("baseline", "earlier-blessed-model", "evaluator", "pusher"),
    }
    for task in sorted(spec_tasks):
        report = json.loads((run / task / "executor_output.json").read_text())
        assert report["artifacts"], task
    found = json.loads((run / "earlier-blessed-model" / "executor_output.json").read_text())
    assert found["artifacts"]["model"]["artifacts"][0]["metadata"] == {"tfx_automl": "[]"}  # there is no earlier run
    examples = json.loads((run / "example-gen" / "executor_output.json").read_text())
    metadata = examples["artifacts"]["examples"]["artifacts"][0]["metadata"]
    assert metadata["span"] == 0 and "num_files:1" in metadata["input_fingerprint"]  # the driver ran


def test_the_model_of_the_demo_is_pushed_and_loads(demo):
    import tensorflow as tf

    [version] = list((demo / "serving").iterdir())
    model = tf.saved_model.load(str(version))
    assert {"serving_default", "serving_raw"} <= set(model.signatures)


@pytest.fixture(scope="module")
def everything(compiled: Any, kfp_run: Any, tmp_path_factory: Any) -> Any:
    """The pipeline with everything, run with a parameter: its folder, and that of its outputs."""
    import kubeflow_for_tests

    folder = tmp_path_factory.mktemp("everything")
    (folder / "schema").mkdir()
    (folder / "schema" / "schema.pbtxt").write_text("12345")
    pipeline = kubeflow_for_tests.make(str(folder / "schema"), str(folder / "said"))
    path = folder / "pipeline.yaml"
    path.write_text(compiled(pipeline, pipeline_root=str(folder / "root"), image="python").yaml())
    done = kfp_run("run", str(path), str(folder / "root"), json.dumps({"start": 4}))
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return folder, outputs(folder / "root")


def test_conditions_true_and_false(everything):
    folder, _ = everything
    assert (folder / "said").read_text() == "n"
    assert not (folder / "said.not").exists()
    assert (folder / "said.author").read_text() == "2026-01-01"


def test_values_and_files_reach_the_next_task(everything):
    _, run = everything
    assert (run / "count" / "total").read_text() == "5"
    assert (run / "read" / "length").read_text() == "20"
    assert (run / "size" / "size").read_text() == "5"
    assert (run / "upper" / "note_out" / "text.txt").read_text() == "ONON"
    assert (run / "upper" / "line").read_text() == "5-it's \"$HOME\" $(id) 'n'"


def test_a_failure_is_shown_retried_and_stops_what_needs_it(compiled, kfp_run, tmp_path):
    import kubeflow_for_tests

    settings = {"Fail": TaskSettings(retries=1, backoff=0)}
    path = tmp_path / "pipeline.yaml"
    path.write_text(compiled(kubeflow_for_tests.failing(), settings=settings, image="python").yaml())
    done = kfp_run("run", str(path), str(tmp_path / "root"), "{}")
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert said.count("tfx-automl: Fail failed: ValueError: the number 2 is not welcome") == 2
    assert {path.name for path in outputs(tmp_path / "root").iterdir()} == {"count", "fail"}

"""Pipelines run as a cluster runs them: buckets, empty types, numbers in floating point, reports."""

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def everything(tmp_path: Path) -> Any:
    """A function from the limit of the Cond to the pipeline with everything, and the file that it writes."""
    import kubeflow_for_tests

    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "schema.pbtxt").write_text("12345")
    said = tmp_path / "said"

    def make(limit: int) -> Any:
        return kubeflow_for_tests.make(str(tmp_path / "schema"), str(said), limit), said

    return make


def text_of(launcher: Any, task: str, key: str) -> str:
    """Returns the value that a task made."""
    uri = launcher.outputs[task][key]["uri"].removeprefix("minio://")
    return (launcher.bucket / uri).read_text()


def test_everything_runs(launch, everything):
    pipeline, said = everything(limit=3)
    run = launch(pipeline, start=4)
    assert run.failed == []
    assert text_of(run, "count", "total") == "5"  # the RuntimeParameter came over as an int
    assert text_of(run, "read", "length") == "20"  # "onon", five times
    assert text_of(run, "size", "size") == "5"  # of what the Importer imports
    assert run.skipped == ["say-no"]
    assert said.read_text() == "n"
    assert not Path(f"{said}.not").exists()
    assert Path(f"{said}.author").read_text() == "2026-01-01"


def test_a_condition_that_is_false(launch, everything):
    pipeline, said = everything(limit=9)
    run = launch(pipeline)
    assert run.skipped == ["say-yes"]
    assert not said.exists()
    assert Path(f"{said}.not").read_text() == "1e3"


def test_container_component_gets_values_and_reports_outputs(launch, everything):
    run = launch(everything(limit=3)[0])
    assert text_of(run, "upper", "line") == "4-it's \"$HOME\" $(id) 'n'"
    note = run.outputs["upper"]["note_out"]
    assert (run.bucket / note["uri"].removeprefix("minio://") / "text.txt").read_text() == "ONON"


def test_people_see_the_properties_of_artifacts(launch, everything):
    run = launch(everything(limit=3)[0])
    metadata = run.outputs["write-it-first"]["note"]["metadata"]
    shown = {name: value for name, value in metadata.items() if name != "tfx_automl"}
    assert shown == {"count": 2.0, "share": 0.25, "author": "n", "big": float(2**60), "half": 0.5, "yes": "no"}
    [entry] = json.loads(metadata["tfx_automl"])
    assert entry["class"] == "kubeflow_for_tests.Note"
    assert entry["artifact"]["customProperties"]["big"] == {"intValue": str(2**60)}


def test_a_task_that_fails_says_why_and_stops_what_needs_it(launch, capfd):
    import kubeflow_for_tests

    run = launch(kubeflow_for_tests.failing())
    assert run.failed == ["fail", "after"]
    assert "tfx-automl: Fail failed: ValueError: the number 2 is not welcome" in capfd.readouterr().err


def test_exit_handler_learns_how_it_ended(launch, tmp_path):
    import kubeflow_for_tests
    from tfx.orchestration.kubeflow.decorators import FinalStatusStr

    told = tmp_path / "told"
    handler = kubeflow_for_tests.Say(text=FinalStatusStr(), path=str(told)).with_id("Last")
    run = launch(kubeflow_for_tests.failing(), exit_handler=handler)
    assert run.failed == ["fail", "after"]
    assert json.loads(told.read_text())["state"] == "FAILED"


@pytest.mark.parametrize(("start", "skipped"), [(0, ["train", "judge"]), (9, [])])
def test_what_needs_an_output_of_a_skipped_task_is_skipped_too(launch, start, skipped):
    import kubeflow_for_tests
    from tfx import v1 as tfx

    count = kubeflow_for_tests.Count(start=start)
    with tfx.dsl.Cond(count.outputs["total"].future()[0].value > 3):
        train = kubeflow_for_tests.Train()
    judge = kubeflow_for_tests.Judge(model=train.outputs["model"], blessed=1)
    pipeline = tfx.dsl.Pipeline(pipeline_name="p", pipeline_root="unused", components=[count, train, judge])
    run = launch(pipeline)
    assert (run.skipped, run.failed) == (skipped, [])


def test_a_condition_within_a_condition(launch):
    import kubeflow_for_tests
    from tfx import v1 as tfx

    count = kubeflow_for_tests.Count(start=1)
    total = count.outputs["total"].future()[0].value
    with tfx.dsl.Cond(total > 1), tfx.dsl.Cond(total > 5):
        train = kubeflow_for_tests.Train()
    pipeline = tfx.dsl.Pipeline(pipeline_name="p", pipeline_root="unused", components=[count, train])
    run = launch(pipeline)
    assert run.skipped == ["train"]
    assert sorted(entry["Output"] for entry in run.parameters.values() if entry) == ["false", "true"]

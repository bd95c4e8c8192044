"""What the API tells of a run, read."""

import pytest
import yaml
from kfp_server_for_tests import nodes

from tfx_automl.kubeflow.client.states import Run, Task


@pytest.fixture
def told(pipeline):
    """A function from nodes to what the API tells of a run."""
    spec = yaml.safe_load(pipeline.read_text(encoding="utf-8"))

    def tell(*found, state="RUNNING", **more):
        return {
            "run_id": "r",
            "display_name": "n",
            "state": state,
            "created_at": "2026-01-02T03:04:05.123456Z",
            "pipeline_spec": spec,
            "run_details": {"task_details": [*found]},
            **more,
        }

    return tell


def test_nothing_has_begun(told):
    run = Run.from_api(told(state="PENDING", run_details=None))
    assert run.tasks == (Task("ExampleGen", "PENDING"), Task("Trainer", "PENDING"))
    assert (run.ended, run.seconds, run.created.isoformat()) == (False, None, "2026-01-02T03:04:05+00:00")


def test_driver_that_failed_is_its_task(told):
    driver = {
        "display_name": "train-driver",
        "state": "FAILED",
        "state_history": [{"state": "FAILED", "error": {"message": "no input\nof that name"}}],
        "child_tasks": [{"pod_name": "p-12"}],
    }
    omitted = {"display_name": "train", "state": "RUNTIME_STATE_UNSPECIFIED"}
    run = Run.from_api(told(*nodes("read", "SUCCEEDED"), driver, omitted, state="FAILED"))
    assert run.tasks[1].state == "FAILED"
    assert run.tasks[1].error == "no input of that name"


def test_task_that_a_run_did_not_come_to(told):
    run = Run.from_api(told(*nodes("read", "SUCCEEDED"), state="CANCELED", finished_at="2026-01-02T03:04:08Z"))
    assert [task.state for task in run.tasks] == ["SUCCEEDED", "NOT RUN"]
    assert (run.ended, run.seconds) == (True, 3.0)


def test_condition_that_is_false(told):
    run = Run.from_api(told(*nodes("train", "SKIPPED"), state="SUCCEEDED"))
    assert run.tasks[1].state == "SKIPPED"


def test_times_that_are_not_there(told):
    node = {"display_name": "read", "state": "SUCCEEDED", "start_time": "1970-01-01T00:00:00Z", "end_time": None}
    assert Run.from_api(told(node)).tasks[0] == Task("ExampleGen", "SUCCEEDED")


def test_pods(told):
    run = Run.from_api(told(*nodes("read", "FAILED")))
    number = sum(b"read")
    assert run.failed_tasks[0].pods == (
        f"pipeline-x7k2p-system-container-impl-{number}",
        f"pipeline-x7k2p-retry-system-container-impl-{number}",
        f"pipeline-x7k2p-{number}",
    )


def test_pods_of_a_task_that_was_tried_again(told):
    task = {"display_name": "read", "state": "FAILED", "child_tasks": [{"pod_name": "w-1"}]}
    attempts = [{"pod_name": "w-2"}, {"pod_name": "w-3"}]
    executor = {"display_name": "executor", "state": "FAILED", "child_tasks": attempts}
    other = {"display_name": "executor", "state": "SUCCEEDED", "child_tasks": [{"pod_name": "w-9"}]}
    pods = Run.from_api(told(task, executor, other)).tasks[0].pods
    assert pods.index("w-3") < pods.index("w-2")
    assert "w-retry-system-container-impl-3" in pods
    assert not any("9" in pod for pod in pods)


def test_pods_and_errors_that_newer_servers_tell(told):
    node = {"display_name": "read", "state": "FAILED", "pod_name": "pod-a", "error": {"message": "out of memory"}}
    node["executor_detail"] = {"main_job": "pod-b", "failed_main_jobs": ["pod-c"]}
    task = Run.from_api(told(node)).tasks[0]
    assert (task.error, task.pods) == ("out of memory", ("pod-a", "pod-c", "pod-b"))


def test_unknown_pipeline_has_no_tasks():
    run = Run.from_api({"run_id": "r", "state": "RUNNING"})
    assert (run.tasks, run.created) == ((), None)

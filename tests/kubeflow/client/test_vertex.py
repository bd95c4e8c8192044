"""Vertex, by its real SDK, against a server of our own."""

import sys

import pytest
from vertex_server_for_tests import PAGE, FakeVertex

from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow.client import requests
from tfx_automl.kubeflow.client.server import Server
from tfx_automl.kubeflow.client.session import ServerError, Session

VERTEX = ("--target", "vertex", "--project", "birds", "--region", "europe-west4")


@pytest.fixture(scope="module")
def vertex():
    with FakeVertex() as server:
        yield server


@pytest.fixture(scope="module")
def session(vertex):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", vertex.url)
        patch.setenv("VERTEX_TOKEN", "s3cret")
        vertex.token = "s3cret"
        places = {"project": "birds", "region": "europe-west4", "network": "projects/1/global/networks/n"}
        server = Server(target="vertex", host=vertex.url, token_env="VERTEX_TOKEN", **places)
        with Session(server, sys.executable) as session:
            yield session


@pytest.fixture
def submission(pipeline):
    """A function from options to a submission of the pipeline."""
    from tfx_automl.pipelines.commands import build_parser

    text = pipeline.read_text(encoding="utf-8")
    pipeline.write_text(f'"defaultPipelineRoot": "gs://bucket/root"\n{text}', encoding="utf-8")

    def make(*options):
        parsed = build_parser().parse_args(["submit", str(pipeline), "--param", "epochs=9", *VERTEX, *options])
        return requests.submission(parsed, Server(target="vertex", project="birds", region="europe-west4"))

    return make


@pytest.mark.slow
def test_submit_and_wait(session, vertex, submission, capsys):
    vertex.looks = 0
    vertex.stages = (
        ("RUNNING", {"ExampleGen": ("SKIPPED", ""), "Trainer": ("RUNNING", "")}),
        ("FAILED", {"ExampleGen": ("SKIPPED", ""), "Trainer": ("FAILED", "the replica exited with 1")}),
    )
    wanted = submission("--service-account", "trainer@birds", "--run-name", "today")
    assert requests.submit(session, wanted, wait=True, interval=0.05) == 1
    (run_id,) = vertex.jobs
    job = vertex.jobs[run_id]
    assert job["displayName"] == "today"
    assert job["serviceAccount"] == "trainer@birds"
    assert job["network"] == "projects/1/global/networks/n"
    assert job["runtimeConfig"]["parameterValues"] == {"epochs": 9}
    assert job["runtimeConfig"]["gcsOutputDirectory"] == "gs://bucket/root"
    assert capsys.readouterr().out.splitlines() == [
        f"Run {run_id} of penguins: submitted  {PAGE.format(run_id)}",
        "  ExampleGen: CACHED after 1 min 5 s",
        "  Trainer: RUNNING",
        "  Trainer: FAILED after 1 min 5 s",
        "Trainer FAILED: the replica exited with 1",
        "  Its log cannot be read from here; the page of the run leads to it.",
        f"Run {run_id}: FAILED after 2 min 5 s  {PAGE.format(run_id)}",
    ]
    vertex.stages = (("SUCCEEDED", {"ExampleGen": ("SUCCEEDED", ""), "Trainer": ("NOT_TRIGGERED", "")}),)
    assert requests.wait_for(session, run_id, 0.05) == 0
    assert "  Trainer: SKIPPED" in capsys.readouterr().out
    requests.list_runs(session, "", 5)
    assert capsys.readouterr().out.startswith(f"{run_id}  PENDING")
    requests.cancel(session, run_id, is_schedule=False)
    assert requests.status(session, run_id) == 1
    assert f"Run {run_id}: CANCELED" in capsys.readouterr().out


@pytest.mark.slow
def test_schedule(session, vertex, submission, capsys):
    assert requests.submit(session, submission("--schedule", "0 30 6 * * 1"), wait=False, interval=1) == 0
    assert vertex.schedules["77"]["cron"] == "30 6 * * 1"
    assert "Schedule 77 of penguins: 30 6 * * 1" in capsys.readouterr().out
    requests.cancel(session, "77", is_schedule=True)
    requests.list_schedules(session, "", 5)
    assert "77  PAUSED     30 6 * * 1" in capsys.readouterr().out


@pytest.mark.slow
def test_refusals(session, vertex):
    with pytest.raises(ServerError, match=r"does not have this: .*nothing does not exist.* \(HTTP 404\)") as caught:
        session.call("run", run_id="nothing")
    assert caught.value.kind == "missing"
    vertex.token = "another"
    with pytest.raises(ServerError, match="wants to know who you are: the token is not accepted") as caught:
        session.call("run", run_id="nothing")
    vertex.token = "s3cret"
    assert caught.value.kind == "unauthorized"
    assert "s3cret" not in str(caught.value)


def test_settings_of_kubernetes(submission, pipeline):
    text = pipeline.read_text(encoding="utf-8")
    pipeline.write_text(text + '---\n"platforms": {"kubernetes": {}}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="has settings for Kubernetes; compile it with --target vertex"):
        submission()


def test_schedule_has_no_experiment(submission):
    with pytest.raises(ConfigError, match="--experiment: a schedule on Vertex has none"):
        submission("--schedule", "* * * * *", "--experiment", "e")


def test_schedule_has_no_end(submission):
    with pytest.raises(ConfigError, match="a schedule has no end to wait for"):
        submission("--schedule", "* * * * *", "--wait")

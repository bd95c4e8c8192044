"""Commands against a server, by the real client of Kubeflow Pipelines."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from kfp_server_for_tests import Stage

from tfx_automl.kubeflow.client import requests
from tfx_automl.kubeflow.client.server import Server
from tfx_automl.kubeflow.client.session import ServerError, Session

pytestmark = pytest.mark.slow

DONE = (
    Stage("PENDING"),
    Stage("RUNNING", {"read": "RUNNING"}),
    Stage("RUNNING", {"read": "SUCCEEDED", "train": "RUNNING"}),
    Stage("SUCCEEDED", {"read": "SUCCEEDED", "train": "SUCCEEDED"}),
)
FAILED = (
    Stage("RUNNING", {"read": "RUNNING"}),
    Stage("FAILED", {"read": "FAILED"}, "workflow: child 'read' failed"),
)
POD = "pipeline-x7k2p-system-container-impl-" + str(sum(b"read"))
WAIT = ("--wait", "--interval", "0.05")


@pytest.fixture
def submission(pipeline):
    """A function from options to a submission of the pipeline."""
    from tfx_automl.pipelines.commands import build_parser

    def make(*options):
        arguments = ["submit", str(pipeline), "--host", "http://server", "--param", "epochs=9", *options]
        return requests.submission(build_parser().parse_args(arguments), Server(host="http://server"))

    return make


def test_submit_and_wait(command, kubeflow, pipeline):
    kubeflow.stages = DONE
    options = ("--experiment", "birds", "--run-name", "on", "--service-account", "trainer")
    status, said = command("submit", str(pipeline), "--param", "epochs=9", "--param", "rate=1", *options, *WAIT)
    page = f"{kubeflow.url}/#/runs/details/run-1"
    assert (status, said.splitlines()) == (
        0,
        [
            f"Run run-1 of penguins: submitted  {page}",
            "  ExampleGen: RUNNING",
            "  ExampleGen: SUCCEEDED after 1 min 5 s",
            "  Trainer: RUNNING",
            "  Trainer: SUCCEEDED after 1 min 5 s",
            f"Run run-1: SUCCEEDED after 2 min 5 s  {page}",
        ],
    )
    (sent,) = kubeflow.sent("POST", "/apis/v2beta1/runs")
    assert sent.body["pipeline_spec"] == yaml.safe_load(pipeline.read_text(encoding="utf-8"))
    assert sent.body["runtime_config"]["parameters"] == {"epochs": 9, "rate": 1.0}
    assert sent.body["display_name"] == "on"
    assert sent.body["service_account"] == "trainer"
    assert sent.body["experiment_id"] == kubeflow.experiments["birds"]["experiment_id"]


def test_submit_failed_task(command, kubeflow, pipeline):
    kubeflow.stages = FAILED
    kubeflow.logs[POD] = "\n".join(f"line {n}" for n in range(40))
    status, said = command("submit", str(pipeline), "--param", "epochs=9", *WAIT)
    assert status == 1
    assert "ExampleGen FAILED" in said
    assert f"The end of the log of {POD}:\n  | line 10\n" in said
    assert "  | line 39\n" in said
    assert "workflow: child 'read' failed" in said
    assert "Not run: Trainer" in said
    assert "Run run-1: FAILED after 2 min 5 s" in said


def test_submit_without_waiting(command, kubeflow, pipeline):
    kubeflow.stages = FAILED
    status, said = command("submit", str(pipeline), "--param", "epochs=9")
    assert (status, said.count("\n")) == (0, 1)
    assert kubeflow.looks == {}


def test_submit_what_compile_writes(command, kubeflow, repository):
    file = repository / "tests" / "kubeflow" / "golden" / "everything.yaml"
    spec, *platform = yaml.safe_load_all(file.read_text(encoding="utf-8"))
    status, said = command("submit", str(file))
    assert status == 0, said
    (sent,) = kubeflow.sent("POST", "/apis/v2beta1/runs")
    told = sent.body["pipeline_spec"]
    assert told["pipeline_spec"] == _as_floats(spec)
    assert list(told["platform_spec"]["platforms"]) == list(platform[0]["platforms"])


def _as_floats(value):
    """Returns a document as it comes out of a protocol buffer, whose free values know no whole numbers."""
    if isinstance(value, dict):
        return {key: _as_floats(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_as_floats(each) for each in value]
    return float(value) if type(value) is int else value


def test_mistakes_are_found_before_anything_is_sent(command, kubeflow, pipeline):
    status, said = command("submit", str(pipeline), "--param", "epoch=9", "--param", "fast=2")
    assert (status, kubeflow.requests) == (2, [])
    assert "no parameter 'epoch'. Did you mean 'epochs'?" in said
    assert "--param fast: expected true or false, got '2'" in said
    assert "the pipeline needs epochs" in said


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [(401, "wants to know who you are: this token is not known (HTTP 401)"), (403, "does not let you do this")],
)
def test_token_that_is_refused(command, kubeflow, pipeline, monkeypatch, refusal, sentence):
    kubeflow.token, kubeflow.refusal = "s3cret", refusal
    monkeypatch.setenv("KFP_TOKEN", "other-s3cret")
    status, said = command("submit", str(pipeline), "--param", "epochs=9", "--token-env", "KFP_TOKEN")
    assert status == 2
    assert sentence in said
    assert "s3cret" not in said


def test_token_is_sent_and_never_shown(command, kubeflow, pipeline, monkeypatch, tmp_path):
    kubeflow.token, kubeflow.stages = "s3cret", FAILED
    kubeflow.logs[POD] = "Authorization: Bearer s3cret"
    monkeypatch.setenv("KFP_TOKEN", "s3cret")
    status, said = command("submit", str(pipeline), "--param", "epochs=9", "--token-env", "KFP_TOKEN", *WAIT)
    assert (status, "s3cret" in said) == (1, False)
    assert "| Authorization: Bearer ***" in said
    assert [path for path in tmp_path.rglob("*") if path.is_file() and b"s3cret" in path.read_bytes()] == []


def test_login_page(command, kubeflow, pipeline):
    kubeflow.login_page = True
    status, said = command("submit", str(pipeline), "--param", "epochs=9")
    assert status == 2
    assert "is not from Kubeflow Pipelines: '<!DOCTYPE html>" in said
    assert "--token-env" in said


def test_host_that_does_not_answer(kfp_python):
    session = Session(Server(host="http://127.0.0.1:9"), str(kfp_python))
    with (
        pytest.raises(ServerError, match=r"http://127\.0\.0\.1:9 does not answer: .*refused.*Check") as caught,
        session,
    ):
        pass
    assert caught.value.kind == "unreachable"


def test_kubeflow_of_several_users(kubeflow, kfp_python, submission):
    kubeflow.multi_user = True
    with pytest.raises(ServerError, match="give --namespace"), Session(Server(host=kubeflow.url), str(kfp_python)):
        pass
    with Session(Server(host=kubeflow.url, namespace="team-a"), str(kfp_python)) as session:
        assert requests.submit(session, submission(), wait=False, interval=1) == 0
        kubeflow.stages = FAILED
        assert requests.wait_for(session, "run-1", 0.01) == 1
        requests.list_runs(session, "", 5)
    assert kubeflow.experiments["Default"]["namespace"] == "team-a"
    assert kubeflow.sent("GET", "/k8s/pod/logs")[0].query["podnamespace"] == "team-a"
    assert kubeflow.sent("GET", "/apis/v2beta1/runs")[0].query["namespace"] == "team-a"


def test_python_without_the_sdk(kubeflow):
    session = Session(Server(host=kubeflow.url), sys.executable)
    with pytest.raises(ServerError, match=r"The SDK cannot do this: .* imported: No module named 'kfp'"), session:
        pass


def test_server_that_is_gone_in_between(session, kubeflow, submission, capsys):
    kubeflow.stages = DONE
    assert requests.submit(session, submission(), wait=False, interval=1) == 0
    kubeflow.drop = 5  # the SDK itself tries four times
    assert requests.wait_for(session, "run-1", 0.01) == 0
    said = capsys.readouterr().out
    assert "No answer (1 of 10); next try in" in said
    assert "No answer (3 of 10)" not in said
    assert "Run run-1: SUCCEEDED" in said


@pytest.mark.parametrize("status", [503, 429])
def test_server_that_is_gone_for_long(session, kubeflow, submission, capsys, status, monkeypatch):
    assert requests.submit(session, submission(), wait=False, interval=1) == 0
    kubeflow.drop, kubeflow.status = 1000, status
    assert requests.wait_for(session, "run-1", 0.001) == 1
    said = capsys.readouterr().out
    assert said.count("No answer") == 9
    assert f"does not answer: upstream is gone (HTTP {status})" in said
    assert f"The run goes on; `tfx-automl status run-1 --host {kubeflow.url}` shows it" in said


def test_token_that_runs_out(session, kubeflow, submission, capsys):
    assert requests.submit(session, submission(), wait=False, interval=1) == 0
    kubeflow.token = "another"
    assert requests.wait_for(session, "run-1", 0.01) == 1
    said = capsys.readouterr().out
    assert "No answer" not in said
    assert "wants to know who you are" in said
    assert "The run goes on" in said


def test_refused_pipeline(session, submission):
    sentence = r"refuses this: Invalid input: the pipeline is refused \(HTTP 400\)\."
    with pytest.raises(ServerError, match=sentence) as caught:
        requests.submit(session, submission("--run-name", "refused"), wait=False, interval=1)
    assert caught.value.kind == "refused"


def test_status(session, kubeflow, submission, capsys):
    kubeflow.stages = DONE[1:3]
    requests.submit(session, submission("--run-name", "today"), wait=False, interval=1)
    capsys.readouterr()
    assert requests.status(session, "run-1") == 0
    assert capsys.readouterr().out.splitlines() == [
        "today, since 2026-01-02 03:04:00 UTC",
        "  ExampleGen: RUNNING",
        "  Trainer: PENDING",
        f"Run run-1: RUNNING  {kubeflow.url}/#/runs/details/run-1",
    ]
    with pytest.raises(ServerError, match=r"does not have this: Run run-9 not found .*`tfx-automl runs` lists"):
        requests.status(session, "run-9")


def test_cancel(session, kubeflow, submission, capsys):
    kubeflow.stages = DONE[:1]
    requests.submit(session, submission(), wait=False, interval=1)
    assert requests.cancel(session, "run-1", is_schedule=False) == 0
    assert len(kubeflow.sent("POST", "/apis/v2beta1/runs/run-1:terminate")) == 1
    assert requests.wait_for(session, "run-1", 0.01) == 1
    assert requests.status(session, "run-1") == 1
    assert "Run run-1: CANCELED" in capsys.readouterr().out


def test_runs(session, submission, capsys):
    for name in ("first", "second"):
        requests.submit(session, submission("--run-name", name, "--experiment", name), wait=False, interval=1)
    capsys.readouterr()
    requests.list_runs(session, "", 5)
    lines = ["run-2  PENDING    2026-01-02 03:04  second", "run-1  PENDING    2026-01-02 03:04  first"]
    assert capsys.readouterr().out.splitlines() == lines
    requests.list_runs(session, "", 1)
    assert capsys.readouterr().out.splitlines() == lines[:1]
    requests.list_runs(session, "first", 5)
    assert capsys.readouterr().out.splitlines() == lines[1:]
    with pytest.raises(ServerError, match="No experiment is found with name third"):
        requests.list_runs(session, "third", 5)


def test_schedule(session, kubeflow, submission, capsys):
    assert requests.submit(session, submission("--schedule", "30 6 * * MON"), wait=False, interval=1) == 0
    (sent,) = kubeflow.sent("POST", "/apis/v2beta1/recurringruns")
    assert sent.body["trigger"] == {"cron_schedule": {"cron": "0 30 6 * * MON"}}
    assert sent.body["runtime_config"]["parameters"] == {"epochs": 9}
    assert sent.body["mode"] == "ENABLE"
    assert "Schedule schedule-1 of penguins: 0 30 6 * * MON" in capsys.readouterr().out
    requests.list_schedules(session, "", 5)
    assert capsys.readouterr().out.startswith("schedule-1  ENABLED    0 30 6 * * MON")
    assert requests.cancel(session, "schedule-1", is_schedule=True) == 0
    requests.list_schedules(session, "", 5)
    assert "schedule-1  DISABLED" in capsys.readouterr().out


def test_log_that_cannot_be_read(session, kubeflow, submission, capsys):
    kubeflow.stages = FAILED
    requests.submit(session, submission(), wait=False, interval=1)
    assert requests.wait_for(session, "run-1", 0.01) == 1
    said = capsys.readouterr().out
    assert f"Its log cannot be read from here; the page of the run leads to it. Its pod may be {POD}." in said


def test_ctrl_c_leaves_the_run_going(kubeflow, kfp_python, pipeline, tmp_path):
    kubeflow.stages = DONE[:2]
    # Where the tests run in the background, their children would not listen to it.
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from tfx_automl.pipelines.cli import main; sys.exit(main())"
    )
    arguments = ["submit", str(pipeline), "--host", kubeflow.url, "--param", "epochs=9", *WAIT]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments, "--kfp-python", str(kfp_python)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        cwd=tmp_path,
    )
    assert process.stdout
    lines = [process.stdout.readline() for _ in range(2)]
    assert lines[1] == "  ExampleGen: RUNNING\n", lines
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    rest = process.communicate(timeout=60)[0]
    assert process.returncode == 130
    assert rest.startswith(f"Interrupted. The run goes on; `tfx-automl status run-1 --host {kubeflow.url}` shows it")
    assert "Traceback" not in rest
    assert kubeflow.sent("POST", "/apis/v2beta1/runs/run-1:terminate") == []
    looks = len(kubeflow.requests)
    time.sleep(0.3)
    assert len(kubeflow.requests) == looks  # nobody is left who asks


def test_answer_that_does_not_come(kubeflow, tmp_path):
    sdk = Path(tmp_path / "python")
    sdk.write_text("#!/bin/sh\nread line; echo '{\"result\": null}'; exec sleep 60\n", encoding="utf-8")
    sdk.chmod(0o755)
    session = Session(Server(host=kubeflow.url), str(sdk), longest=0.2)
    with pytest.raises(ServerError, match="does not answer: no answer within 0 seconds"), session:
        pass


def test_process_that_ends(kubeflow, tmp_path):
    sdk = Path(tmp_path / "python")
    sdk.write_text("#!/bin/sh\necho 'Illegal instruction' >&2\n", encoding="utf-8")
    sdk.chmod(0o755)
    session = Session(Server(host=kubeflow.url), str(sdk))
    with pytest.raises(ServerError, match="its process ended: Illegal instruction"), session:
        pass


def test_file_that_is_no_program(kubeflow, tmp_path):
    sdk = Path(tmp_path / "python")
    sdk.write_bytes(b"\x00")
    sdk.chmod(0o755)
    session = Session(Server(host=kubeflow.url), str(sdk))
    with pytest.raises(ServerError, match=r"python cannot be run: Exec format error\. Check --kfp-python"), session:
        pass

"""Jobs that are left in Flink, with a stand-in for its REST interface; make test-flink has the real one."""

import http.server
import json
import os
import threading
from collections.abc import Iterator

import pytest

from tfx_automl.errors import ConfigError
from tfx_automl.pipelines import flink_jobs
from tfx_automl.pipelines.flink_jobs import cancel_jobs, job_name, jobs_that_run, no_job_left


class _Flink(http.server.ThreadingHTTPServer):
    """Has jobs; one that is cancelled is over when it is looked at for the second time."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.jobs: list[dict[str, str]] = []
        self.asked: list[str] = []
        self.stubborn = False

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def add(self, jid: str, name: str, state: str) -> None:
        self.jobs.append({"jid": jid, "name": name, "state": state})

    def states(self) -> dict[str, str]:
        return {job["jid"]: job["state"] for job in self.jobs}


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Flink

    def do_GET(self) -> None:
        assert self.path == "/jobs/overview"
        self._answer({"jobs": self.server.jobs})
        for job in self.server.jobs:
            if job["state"] == "CANCELLING" and not self.server.stubborn:
                job["state"] = "CANCELED"

    def do_PATCH(self) -> None:
        self.server.asked.append(self.path)
        jid = self.path.split("/")[2].removesuffix("?mode=cancel")
        job = next((job for job in self.server.jobs if job["jid"] == jid), None)
        if job is None:
            self.send_error(404)
            return
        job["state"] = "CANCELLING"
        self._answer({})

    def _answer(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def flink() -> Iterator[_Flink]:
    with _Flink() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_name_is_of_the_output_folder_alone():
    assert job_name("runs/a") == job_name(os.path.abspath("runs/a")) != job_name("runs/b")
    assert job_name("gs://bucket/a") != job_name("gs://bucket/b")
    # What Beam, Flink and Spark all take.
    assert job_name("/runs/ä b").replace("-", "").isalnum()


def test_only_own_jobs_that_run_are_cancelled(flink):
    for jid, name, state in (("1", "mine", "RUNNING"), ("2", "mine", "FAILED"), ("3", "other", "RUNNING")):
        flink.add(jid, name, state)
    flink.add("4", "mine", "RESTARTING")
    assert jobs_that_run(flink.place, "mine") == ["1", "4"]
    assert cancel_jobs(flink.place, "mine") == 2
    assert flink.states() == {"1": "CANCELED", "2": "FAILED", "3": "RUNNING", "4": "CANCELED"}
    assert flink.asked == ["/jobs/1?mode=cancel", "/jobs/4?mode=cancel"]
    assert cancel_jobs(flink.place, "mine") == 0


def test_what_an_earlier_run_left_is_cancelled_first(flink, capsys):
    flink.add("1", "mine", "RUNNING")
    with no_job_left(flink.place, "mine"):
        assert flink.states() == {"1": "CANCELED"}
        flink.add("2", "mine", "FINISHED")
    assert capsys.readouterr().out == "Cancelled 1 job(s) mine in Flink that an earlier run had left.\n"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_run_that_ends_early_leaves_no_job(flink, capsys, error):
    with pytest.raises(error), no_job_left(flink.place, "mine"):
        flink.add("1", "mine", "RUNNING")
        raise error
    assert flink.states() == {"1": "CANCELED"}
    assert capsys.readouterr().out == "Cancelled 1 job(s) mine of this run in Flink.\n"


def test_the_first_error_is_the_one_that_is_told(flink, capsys):
    with pytest.raises(ValueError, match="the stage broke"), no_job_left(flink.place, "mine"):
        flink.shutdown()
        flink.server_close()
        raise ValueError("the stage broke")
    assert capsys.readouterr().out.startswith("WARNING: a job may still run in Flink: --flink-rest: Flink does not an")


def test_without_an_address_nothing_is_asked():
    with pytest.raises(KeyboardInterrupt), no_job_left(None, "mine"):
        raise KeyboardInterrupt


def test_job_that_does_not_end_is_told(flink, monkeypatch):
    monkeypatch.setattr(flink_jobs, "_SECONDS_TO_END", 0.5)
    flink.stubborn = True
    flink.add("77", "mine", "RUNNING")
    with pytest.raises(ConfigError, match="was asked to cancel 77, but goes on"):
        cancel_jobs(flink.place, "mine")


def test_job_that_is_over_meanwhile_is_no_error(flink, monkeypatch):
    found = iter([["gone"], []])
    monkeypatch.setattr(flink_jobs, "jobs_that_run", lambda *_: next(found))
    assert cancel_jobs(flink.place, "mine") == 1


def test_nothing_at_the_address_is_told():
    with pytest.raises(ConfigError, match=r"^--flink-rest: Flink does not answer at 127.0.0.1:1 \(.*refused.*\)"):
        jobs_that_run("127.0.0.1:1", "mine")

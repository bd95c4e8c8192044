"""Whether the runner can be reached, and how a failure there is told."""

import socket

import pytest

from tfx_automl.errors import ConfigError
from tfx_automl.pipelines.beam_reach import cause_of, check_reach
from tfx_automl.pipelines.config import RunConfig
from tfx_automl.pipelines.job import run_job

MINIMAL = {"data": "people.csv", "label": "income", "output": "runs/people"}
DATAFLOW = {"dataflow_project": "a", "dataflow_region": "b", "dataflow_temp": "gs://c", "dataflow_image": "d"}


def _flink(port: int, **options):
    place = f"127.0.0.1:{port}"
    runner = {"beam_runner": "flink", "beam_endpoint": place, "beam_environment": "loopback"}
    return RunConfig.from_mapping(MINIMAL | runner | options)


def test_what_answers_is_good():
    check_reach(RunConfig.from_mapping(MINIMAL))
    with socket.create_server(("127.0.0.1", 0)) as server:
        check_reach(_flink(server.getsockname()[1]))


def test_job_server_that_does_not_answer_is_told():
    with pytest.raises(
        ConfigError, match=r"nothing answers at 127.0.0.1:1 \(Connection refused\); start Beam's job serv"
    ):
        check_reach(_flink(1))


def test_rest_interface_that_does_not_answer_is_told():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(ConfigError, match=r"--flink-rest: Flink does not answer at 127\.0\.0\.1:1"),
    ):
        check_reach(_flink(server.getsockname()[1], flink_rest="127.0.0.1:1"))


def test_dataflow_cannot_use_a_local_folder():
    config = RunConfig.from_mapping(MINIMAL | DATAFLOW | {"beam_runner": "dataflow"})
    with pytest.raises(ConfigError, match="Dataflow's workers see no folder of this machine, and --output is one"):
        check_reach(config)


def test_nothing_is_written_before(tmp_path):
    (tmp_path / "people.csv").write_text(
        "age,income\n" + "".join(f"{n},{n % 2}\n" for n in range(99)), encoding="utf-8"
    )
    config = _flink(1, data=str(tmp_path / "people.csv"), output=str(tmp_path / "out"))
    with pytest.raises(ConfigError, match="--beam-endpoint: nothing answers"):
        run_job(config)
    assert not (tmp_path / "out").exists()


PIPELINE = "Pipeline tfx-automl-1_2 failed in state FAILED: "
WORKER = """java.lang.RuntimeException: Error received from SDK harness: Traceback (most recent call last):
  File "x.py", line 1
KeyError: 1

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "x.py", line 3, in f
    raise
tfx_automl.errors.DataError: there is no such file

	at java.base/java.lang.Thread.run(Thread.java:840)
"""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError(""), "ValueError: no message"),
        (ValueError("one\ntwo"), "ValueError: one"),
        (RuntimeError("Pipeline is broken"), "RuntimeError: Pipeline is broken"),
        (
            RuntimeError(PIPELINE + "org.apache.flink.runtime.jobmaster.JobMasterException: TaskManager 1 is lost."),
            "Beam's job failed: JobMasterException: TaskManager 1 is lost.",
        ),
        (
            RuntimeError(PIPELINE + "java.lang.Exception: java.io.IOException: Insufficient buffers\n\tat a.b.C"),
            "Beam's job failed: IOException: Insufficient buffers",
        ),
        (
            RuntimeError(PIPELINE + WORKER),
            "Beam's job failed: a Beam worker raised tfx_automl.errors.DataError: there is no such file",
        ),
    ],
)
def test_cause_in_one_line(error, told):
    assert cause_of(error) == told

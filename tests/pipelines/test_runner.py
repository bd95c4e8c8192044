"""The lines about stages; whole runs are in the tests of the end."""

import re
from types import SimpleNamespace

import pytest
from absl import logging
from tfx.orchestration.local.local_dag_runner import LocalDagRunner

from tfx_automl.pipelines.runner import run_locally


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        (["Component A is running."], r"[1/2] A ...\n[1/2] A: FAILED after 0.0 s\n"),
        (
            ["Component A is running.", "Component A is finished.", "Component B is running."],
            r"[1/2] A ...\n[1/2] A: 0.0 s\n[2/2] B ...\n[2/2] B: FAILED after 0.0 s\n",
        ),
        (["Component A is running.", "Component A is finished."], r"[1/2] A ...\n[1/2] A: 0.0 s\n"),
        ([], ""),
    ],
)
def test_stage_that_failed_is_named(messages, told, monkeypatch, capsys):
    def run(self, pipeline):
        for message in messages:
            logging.info(message)
        raise ValueError("broken")

    monkeypatch.setattr(LocalDagRunner, "run", run)
    pipeline = SimpleNamespace(components=[SimpleNamespace(id="A"), SimpleNamespace(id="B")])
    with pytest.raises(ValueError, match="broken"):
        run_locally(pipeline)
    said = re.sub(r"\d+\.\d s", "0.0 s", capsys.readouterr().out)
    assert said.replace("\n", r"\n") == told

"""The commands: what they refuse, before any SDK is loaded."""

import pytest

from tfx_automl.kubeflow.client.follow import duration
from tfx_automl.pipelines.commands import execute

HOST = ("--host", "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("status", "r", *HOST, "--interval", "soon"), "--interval: expected a number from 0.05 on, got 'soon'"),
        (("status", "r", *HOST, "--interval", "nan"), "--interval: expected a number"),
        (("runs", *HOST, "--limit", "0"), "--limit: expected a number from 1 on, got '0'"),
        (("runs", *HOST, "--limit", "1.5"), "--limit: expected a number"),
        (("runs", *HOST, "--kfp-python", "/nowhere/python"), "--kfp-python: /nowhere/python is not a Python"),
        (("cancel", "r"), "--host: give the URL of Kubeflow Pipelines"),
        (("submit", "nothing.yaml", *HOST), "cannot read nothing.yaml"),
        (
            ("runs", "--target", "vertex", "--project", "p", "--region", "r", "--experiment", "e"),
            "--experiment: Vertex cannot list the runs of one",
        ),
    ],
)
def test_mistakes(capsys, arguments, complaint):
    assert execute(arguments) == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.2 s"), (3, "3 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s"), (3600, "1 h 0 min"), (9000, "2 h 30 min")],
)
def test_duration(seconds, text):
    assert duration(seconds) == text

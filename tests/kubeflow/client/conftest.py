"""Fixtures for what talks to servers."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kfp_server_for_tests import FakeKubeflow

from tfx_automl.kubeflow.client.server import Server
from tfx_automl.kubeflow.client.session import Session

PIPELINE = """
"pipelineInfo": {"name": "penguins"}
"schemaVersion": "2.1.0"
"sdkVersion": "test"
"components":
  "comp-read": {"executorLabel": "exec-read"}
  "comp-train":
    "executorLabel": "exec-train"
    "inputDefinitions": {"parameters": {"epochs": {"parameterType": "NUMBER_INTEGER"}}}
"deploymentSpec":
  "executors":
    "exec-read": {"container": {"image": "image", "command": ["read"]}}
    "exec-train": {"container": {"image": "image", "command": ["train"]}}
"root":
  "inputDefinitions":
    "parameters":
      "epochs": {"parameterType": "NUMBER_INTEGER"}
      "rate": {"parameterType": "NUMBER_DOUBLE", "defaultValue": 0.5}
      "label": {"parameterType": "STRING", "defaultValue": "species"}
      "fast": {"parameterType": "BOOLEAN", "defaultValue": false}
      "columns": {"parameterType": "LIST", "isOptional": true}
      "options": {"parameterType": "STRUCT", "isOptional": true}
  "dag":
    "tasks":
      "read": {"componentRef": {"name": "comp-read"}, "taskInfo": {"name": "ExampleGen"}}
      "train":
        "componentRef": {"name": "comp-train"}
        "taskInfo": {"name": "Trainer"}
        "dependentTasks": ["read"]
        "inputs": {"parameters": {"epochs": {"componentInputParameter": "epochs"}}}
"""


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    """A compiled pipeline of two tasks, which needs to be told `epochs`."""
    path = tmp_path / "penguins.yaml"
    path.write_text(PIPELINE, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: Any, tmp_path: Path) -> None:
    """Keeps the person's own settings of the SDKs away."""
    for name in os.environ:
        if name.startswith(("KF_PIPELINES_", "KUBERNETES_", "TFX_AUTOML_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture(scope="module")
def running_server() -> Iterator[FakeKubeflow]:
    with FakeKubeflow() as server:
        yield server


@pytest.fixture
def kubeflow(running_server: FakeKubeflow) -> FakeKubeflow:
    """A server of Kubeflow Pipelines, as good as new."""
    running_server.reset()
    return running_server


@pytest.fixture(scope="module")
def open_session(running_server: FakeKubeflow, kfp_python: Path) -> Iterator[Session]:
    running_server.reset()
    with Session(Server(host=running_server.url), str(kfp_python), longest=120) as session:
        yield session


@pytest.fixture
def session(open_session: Session, kubeflow: FakeKubeflow) -> Session:
    """A session with that server, by the real SDK."""
    del kubeflow
    return open_session


@pytest.fixture
def command(kubeflow: FakeKubeflow, kfp_python: Path, monkeypatch: Any, capsys: Any) -> Callable[..., Any]:
    """A function that runs a command of `tfx-automl` on that server: its exit status and what it said."""
    from tfx_automl.pipelines.commands import execute

    monkeypatch.setenv("TFX_AUTOML_KFP_PYTHON", str(kfp_python))

    def run(*arguments: str) -> tuple[int, str]:
        status = execute([*arguments, "--host", kubeflow.url])
        captured = capsys.readouterr()
        return status, captured.out + captured.err

    return run

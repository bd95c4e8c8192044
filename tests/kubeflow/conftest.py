"""Fixtures for compiled pipelines."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from launcher_for_tests import Launcher

from tfx_automl.kubeflow.settings import KubeflowConfig

ROOT = "minio://run"


@pytest.fixture(scope="session")
def compiled() -> Callable[..., Any]:
    """A function from a pipeline to what it becomes."""

    def compile_(pipeline: Any, exit_handler: Any = None, **options: Any) -> Any:
        from tfx_automl.kubeflow.compiler import compile_pipeline

        config = KubeflowConfig(**{"image": "image", "pipeline_root": ROOT, **options})
        return compile_pipeline(pipeline, config, exit_handler)

    return compile_


@pytest.fixture
def launch(compiled: Any, tmp_path: Path, monkeypatch: Any) -> Callable[..., Launcher]:
    """A function that compiles a pipeline and runs it as a cluster does; later runs find what earlier ones noted."""

    def run(pipeline: Any, run: str = "run-1", exit_handler: Any = None, **parameters: Any) -> Launcher:
        history = str(tmp_path / "history")
        result = compiled(pipeline, exit_handler, history=history)
        return Launcher(result.spec, tmp_path, run).execute(monkeypatch, **parameters)

    return run


@pytest.fixture(scope="session")
def kfp_python(repository: Path) -> Path:
    """The Python with the Kubeflow SDK."""
    python = repository / "build" / "kfp" / "bin" / "python"
    if not python.exists():
        pytest.skip("the Kubeflow SDK is not there: run `make kfp`")
    return python


@pytest.fixture(scope="session")
def kfp_run(kfp_python: Path, repository: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """A function that runs `tests/kfp_run.py`; tasks find our Python first on the path."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        path = f"{repository / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "PYTHONPATH": str(repository / "tests")}
        command = [str(kfp_python), str(repository / "tests" / "kfp_run.py"), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run

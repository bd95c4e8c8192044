"""Notebooks, executed once for all tests."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def executed(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """A function from the name of a notebook, and variables of the environment as pairs, to the executed notebook."""

    @functools.cache
    def execute(name: str, *variables: tuple[str, str]) -> Any:
        import nbformat
        from nbclient import NotebookClient

        notebook = nbformat.read(repository / "notebooks" / f"{name}.ipynb", as_version=4)
        run = tmp_path_factory.mktemp(name) / "run"
        environment = os.environ | {"TFX_AUTOML_RUN": str(run)} | dict(variables)
        NotebookClient(notebook, timeout=600, kernel_name="python3").execute(env=environment)
        return notebook

    return execute


@pytest.fixture(scope="session")
def adult(shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The variable that names a folder with few rows of UCI Adult."""
    folder = tmp_path_factory.mktemp("adult")
    for source, target, rows in (("adult-train.csv", "adult.data", 3000), ("adult-test.csv", "adult.test", 1500)):
        lines = shared_data(source).read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / target).write_text("".join(lines[:rows]), encoding="utf-8")
    return "TFX_AUTOML_ADULT", str(folder)

"""The notebooks run from beginning to end, and show what they promise; first_look in tests/pipelines, on the demo."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


def shown(notebook: Any, kind: str = "text/html") -> list[str]:
    """What the cells show, in the order of the cells."""
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return [output["data"][kind] for output in outputs if kind in output.get("data", {})]


def printed(notebook: Any, stream: str) -> str:
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "".join(output["text"] for output in outputs if output.get("name") == stream)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert [cell for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")] == []
    assert notebook.cells[0].cell_type == "markdown" and notebook.cells[0].source.startswith("# ")


def test_every_notebook_is_executed_somewhere():
    assert {path.stem for path in NOTEBOOKS} == {"first_look", "hyperparameter_lab", "fairness"}


@pytest.mark.slow
def test_hyperparameter_lab(executed):
    notebook = executed("hyperparameter_lab")
    pages = shown(notebook)
    views = [page for page in pages if 'class="tfx-automl"' in page]
    assert len(views) == 4
    assert "Leaderboard: " in views[0] and "best by val_accuracy" in views[0]
    assert sum(page.count("data:image/svg+xml") for page in views) == 4
    assert "Hyperparameters of dense" in views[2] and "learning_rate" in views[2]
    (table,) = [text for text in shown(notebook, "text/plain") if "test accuracy" in text]
    numbers = {line[:20].strip(): [float(text) for text in line[20:].split()] for line in table.splitlines()[1:]}
    assert all(accuracy > 0.9 for accuracy in numbers["test accuracy"])
    assert all(len(pair) == 2 for pair in numbers.values())
    assert "trial 0  bracket 0" in printed(notebook, "stdout")
    assert printed(notebook, "stderr") == ""


@pytest.mark.slow
def test_fairness(executed, adult):
    notebook = executed("fairness", adult)
    reports = [page for page in shown(notebook) if "<iframe" in page]
    assert len(reports) == 2  # of the pipeline, and of the predictions in a DataFrame
    for page in reports:
        for words in ("Fairness report: income", "Amer-Indian-Eskimo", "Equalized odds difference"):
            assert words in page
    stock = [page for page in shown(notebook) if "Metrics by slice" in page]
    assert len(stock) == 2 and all("recall" in page for page in stock)  # the second where TFMA's widget draws nothing
    (front,) = [page for page in shown(notebook) if "data:image/svg+xml" in page and "Pareto front" in page]
    assert "val_auc against val_demographic_parity_difference" in front
    tables = shown(notebook, "text/plain")
    (by_threshold,) = [text for text in tables if text.lstrip().startswith("count") and "threshold" in text]
    rates = {match[1]: float(match[2]) for match in re.finditer(r"^(0\.\d) +\d+ +\S+ +(\S+)", by_threshold, re.M)}
    assert list(rates) == ["0.3", "0.5", "0.7"]
    assert rates["0.3"] > rates["0.5"] > rates["0.7"]

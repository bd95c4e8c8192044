"""What the README says is what the program does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def readme(repository: Path) -> str:
    return (repository / "README.md").read_text(encoding="utf-8")


def test_table_of_options_is_up_to_date(repository: Path):
    done = subprocess.run([sys.executable, str(repository / "tools" / "readme.py"), "check"])
    assert done.returncode == 0, "run `.venv/bin/python tools/readme.py options`"


def test_linked_files_exist(readme: str, repository: Path):
    links = re.findall(r"\]\(([^)#]+)\)", readme)
    assert "docs/demo.svg" in links
    for link in links:
        assert (repository / link).exists(), link


def test_picture_needs_no_network(repository: Path):
    drawn = (repository / "docs" / "demo.svg").read_text(encoding="utf-8")
    assert re.findall(r"https?://[^\"')\s]+", drawn) == ["http://www.w3.org/2000/svg"]
    assert "BLESSED" in drawn.replace("&#160;", " ")


def test_make_targets_exist(readme: str, repository: Path):
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"\bmake ([a-z-]+)", readme)) - {"s"}:
        assert re.search(rf"^{target}:|^\.PHONY:.*\b{target}\b", makefile, re.MULTILINE), target


def test_commands_are_understood(readme: str):
    from tfx_automl.pipelines.commands import build_parser

    commands = re.findall(r"^tfx-automl (run .+)$", readme, re.MULTILINE)
    assert commands
    for command in commands:
        assert build_parser().parse_args(command.split()).label == "income"


def test_report_command_is_understood(readme: str):
    from tfx_automl.pipelines.commands import build_parser

    (command,) = re.findall(r"^tfx-automl (report .+)$", readme, re.MULTILINE)
    assert build_parser().parse_args(command.split()).run == "runs/people"


def snippet_on(readme: str, what: str) -> str:
    found = re.search(rf"<!-- executed in the tests on {what} -->\n```python\n(.+?)```", readme, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.slow
def test_views_of_a_run(readme: str, tmp_path: Path):
    """On a run of the very command that the README begins with, and then its report."""
    rows = [
        f"{20 + n % 40},{n % 7},{'fm'[n % 2]},{'ab'[n % 3 // 2]},{'yes' if n % 40 > 17 else 'no'}" for n in range(200)
    ]
    (tmp_path / "people.csv").write_text("age,children,sex,race,income\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (command,) = re.findall(r"^tfx-automl (run people.csv --label income --sensitive .+runs/people)$", readme, re.M)
    quick = ["--max-epochs", "1", "--max-trials", "2", "--families", "linear,boosted_trees"]
    program = [sys.executable, "-c", "import sys; from tfx_automl.pipelines.cli import main; sys.exit(main())"]
    for arguments in (
        [*program, *command.split(), *quick],
        [sys.executable, "-c", snippet_on(readme, "a run")],
        [*program, "report", "runs/people", "--no-open"],
    ):
        done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
    assert Path(done.stdout.strip()).is_file()
    assert "Fairness report: income" in (tmp_path / "fairness.html").read_text(encoding="utf-8")


def test_view_of_predictions(readme: str):
    import pandas as pd

    from tfx_automl import view

    columns = {"income": ["no", "yes"] * 50, "probability": [0.2, 0.8, 0.6, 0.4] * 25}
    columns |= {"sex": ["f", "m"] * 50, "race": ["a", "a", "b", "b"] * 25}
    names = {"view": view, "predictions": pd.DataFrame(columns)}
    assert "iframe" in eval(snippet_on(readme, "predictions"), names)._repr_html_()


@pytest.mark.slow
def test_executed_snippet_runs(readme: str, tmp_path: Path):
    snippet = re.search(r"<!-- executed in the tests -->\n```python\n(.+?)```", readme, re.DOTALL)
    assert snippet is not None
    rows = [f"{20 + n},{'f' if n % 2 else 'm'},{'yes' if n % 3 else 'no'}" for n in range(60)]
    (tmp_path / "people.csv").write_text("age,sex,income\n" + "\n".join(rows) + "\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", snippet[1]], cwd=tmp_path, capture_output=True, text=True, env=os.environ, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "artifacts" / "StatisticsGen").rglob("FeatureStats.pb"))

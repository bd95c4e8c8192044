"""What a finished run left is found, and `tfx-automl report` opens its report."""

import json
import shutil
import webbrowser
from pathlib import Path

import pytest

from tfx_automl.errors import ConfigError
from tfx_automl.pipelines.cli import main
from tfx_automl.pipelines.finished import FinishedRun, relative_folders
from tfx_automl.pipelines.output import OutputFolder

REPORT = "artifacts/Evaluator/fairness_report/9"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The output folder of a run, as far as these read it."""
    output = OutputFolder.at(str(tmp_path / "a run"))
    output.create()
    (output.root / REPORT).mkdir(parents=True)
    (output.root / REPORT / "report.html").write_text("<p>a report</p>", encoding="utf-8")
    summary = {"artifacts": {"Evaluator": {"fairness_report": REPORT}}}
    output.summary.write_text(json.dumps(summary), encoding="utf-8")
    return output.root


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    addresses: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: bool(addresses.append(address)) or True)
    return addresses


def test_report_is_opened_and_its_path_printed(run, opened, capsys):
    assert main(["report", str(run)]) == 0
    path = run / REPORT / "report.html"
    assert capsys.readouterr().out == f"{path}\n"
    assert opened == [path.as_uri()]
    assert "a%20run" in opened[0]


def test_report_may_stay_closed(run, opened, capsys):
    assert main(["report", str(run), "--no-open"]) == 0
    assert capsys.readouterr().out == f"{run / REPORT / 'report.html'}\n"
    assert opened == []


def test_no_browser_is_no_mistake(run, monkeypatch, capsys):
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    assert main(["report", str(run)]) == 0
    assert "No browser could be started here" in capsys.readouterr().out


def test_run_can_be_moved(run, tmp_path, opened, capsys):
    moved = shutil.move(run, tmp_path / "elsewhere")
    assert main(["report", str(moved)]) == 0
    assert str(tmp_path / "elsewhere") in capsys.readouterr().out


def test_mistakes_are_one_clear_line(run, tmp_path, capsys):
    unfinished = OutputFolder.at(str(tmp_path / "unfinished"))
    unfinished.create()
    gone = OutputFolder.at(str(run))
    cases = [
        (tmp_path, "is no output folder of a run"),
        (unfinished.root, "the run did not end; the same command again"),
    ]
    for folder, message in cases:
        assert main(["report", str(folder)]) == 2
        shown = capsys.readouterr().err
        assert message in shown and str(folder) in shown
        assert shown.count("\n") == 1
    (gone.root / REPORT / "report.html").unlink()
    assert main(["report", str(run)]) == 2
    assert "report.html was removed" in capsys.readouterr().err
    shutil.rmtree(gone.root / REPORT)
    assert main(["report", str(run)]) == 2
    assert "was removed" in capsys.readouterr().err


def test_outputs_that_a_run_does_not_have(run):
    with pytest.raises(ConfigError, match="tuner_results of Tuner is not named in summary"):
        FinishedRun.at(str(run)).artifact("Tuner", "tuner_results")


def test_folders_are_told_as_seen_from_the_output_folder():
    uris = {"Tuner": {"a": Path("/r/artifacts/Tuner/a/1")}, "Pusher": {"b": Path("/other/b")}}
    assert relative_folders(uris, Path("/r")) == {"Tuner": {"a": "artifacts/Tuner/a/1"}, "Pusher": {"b": "/other/b"}}

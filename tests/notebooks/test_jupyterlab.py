"""An executed notebook in JupyterLab 4, in headless Chromium: the plots and the slices are on the page."""

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from browser_for_tests import Browser, find_browser, open_browser

pytestmark = pytest.mark.slow

NAMES = {"trusted": "trusted.ipynb", "unknown": "unknown.ipynb"}
_PATIENCE = 180.0
_TRACKER = "@jupyterlab/notebook-extension/tracker.jupyterlab-settings"
_PLOTS = "[...document.querySelectorAll('.jp-OutputArea img')].filter(i => i.complete && i.naturalWidth > 100).length"
_FRAMES = "document.querySelectorAll('.jp-OutputArea iframe').length"
_TEXT = "[...document.querySelectorAll('.jp-OutputArea')].map(e => e.innerText).join('\\n')"


@pytest.fixture(scope="module")
def jupyter(repository: Path) -> Path:
    """The folder of the commands of JupyterLab."""
    folder = repository / "build" / "jupyter" / "bin"
    if not (folder / "jupyter-lab").exists():
        pytest.skip("JupyterLab is not there: run `make jupyter`")
    if find_browser() is None:
        pytest.skip("there is no Chromium (Debian, Ubuntu: apt-get install chromium)")
    return folder


@pytest.fixture(scope="module")
def address(jupyter: Path, executed: Any, adult: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A JupyterLab with an executed notebook twice, once trusted; with `{name}` in the place of its name."""
    folder = tmp_path_factory.mktemp("jupyter")
    for name in NAMES.values():
        notebook = executed("fairness", adult).copy()
        notebook.metadata = {**notebook.metadata, "title": name}  # what is trusted is a content
        nbformat.write(notebook, folder / name)
    places = {f"JUPYTER_{what}_DIR": str(folder / what.lower()) for what in ("DATA", "RUNTIME", "CONFIG")}
    places |= {f"JUPYTERLAB_{what}_DIR": str(folder / what.lower()) for what in ("SETTINGS", "WORKSPACES")}
    # Else JupyterLab draws only the cells that are to be seen.
    settings = folder / "settings" / _TRACKER
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"windowingMode": "none"}), encoding="utf-8")
    environment = {**os.environ, **places, "HOME": str(folder)}
    subprocess.run([jupyter / "jupyter-trust", folder / NAMES["trusted"]], env=environment, check=True, timeout=120)
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0", f"--ServerApp.root_dir={folder}"]
    with open(folder / "log.txt", "w", encoding="utf-8") as log:
        command = [str(jupyter / "jupyter-lab"), *options]
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            found = _started(server, folder / "runtime")
            yield f"{found['url']}doc/tree/{{name}}?token={found['token']}"
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(timeout=5)
            server.kill()


def _started(server: "subprocess.Popen[bytes]", folder: Path) -> dict[str, Any]:
    """Waits until the server has said where it listens."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        for path in folder.glob("jpserver-*.json"):
            with contextlib.suppress(ValueError):  # it may be half written
                return json.loads(path.read_text(encoding="utf-8"))
        time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not start: {(folder.parent / 'log.txt').read_text(encoding='utf-8')}")


def _wait_for(browser: Browser, expression: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not browser.evaluate(expression):
        assert time.monotonic() < deadline, f"still not true: {expression}\n{browser.evaluate(_TEXT)}"
        time.sleep(0.3)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with open_browser(tmp_path) as opened:
        opened.resize(1300, 1000)
        yield opened


def test_report_and_plots_of_a_trusted_notebook(address: str, browser: Browser):
    browser.open_address(address.format(name=NAMES["trusted"]))
    _wait_for(browser, f"{_FRAMES} === 2 && {_PLOTS} >= 2")
    reports = browser.in_frames("document.body.innerText")
    assert len(reports) == 2
    for text in reports:
        for words in ("Fairness report: income", "By sex", "By race", "Female", "Amer-Indian-Eskimo"):
            assert words in text
    clicked = browser.in_frames("[...document.querySelectorAll('nav a')].at(-1).click()")
    assert clicked == [None, None]
    assert all(height > 1000 for height in browser.in_frames("document.scrollingElement.scrollTop"))
    shown = browser.evaluate(_TEXT)
    for words in ("Metrics by slice", "recall", "Female", "Largest difference"):
        assert words in shown


def test_exported_page(jupyter: Path, executed: Any, adult: Any, browser: Browser, tmp_path: Path):
    nbformat.write(executed("fairness", adult), tmp_path / "fairness.ipynb")
    command = [jupyter / "jupyter-nbconvert", "--to", "html", tmp_path / "fairness.ipynb"]
    subprocess.run(command, check=True, capture_output=True, timeout=300, env={**os.environ, "HOME": str(tmp_path)})
    browser.open(tmp_path / "fairness.html")
    reports = browser.in_frames("document.body.innerText")
    assert len(reports) == 2 and all("Fairness report: income" in text for text in reports)
    assert browser.evaluate(_PLOTS.replace(".jp-OutputArea img", ".tfx-automl img")) >= 2


def test_plots_of_a_notebook_that_nobody_trusts_yet(address: str, browser: Browser):
    """JupyterLab takes frames, styles and scripts out; tables and plots stay, and words tell what is missing."""
    browser.open_address(address.format(name=NAMES["unknown"]))
    _wait_for(browser, f"{_PLOTS} >= 2")
    assert browser.evaluate(_FRAMES) == 0
    shown = browser.evaluate(_TEXT)
    assert shown.count("The report is drawn here once this notebook is trusted, or run again.") == 2
    assert "Metrics by slice" in shown and "Female" in shown

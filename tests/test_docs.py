"""Every Python example in docs/ runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"
# An example that cannot run here says so, with the reason, in a comment in the line above it: <!-- not run: ... -->
EXAMPLE = re.compile(r"(?P<note><!-- not run: .+ -->\n)?^```python\n(?P<code>.+?)^```$", re.MULTILINE | re.DOTALL)


def examples(text: str) -> list[tuple[int, str]]:
    """Returns the line of each example that can run, and the example."""
    found = [match for match in EXAMPLE.finditer(text) if not match["note"]]
    return [(text.count("\n", 0, match.start("code")) + 1, match["code"]) for match in found]


def all_examples() -> list:
    return [
        pytest.param(code, id=f"{path.relative_to(DOCS)}:{line}")
        for path in sorted(DOCS.rglob("*.md"))
        for line, code in examples(path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize("code", all_examples())
def test_example_runs(code: str, tmp_path: Path):
    """In a process and a folder of its own; what it claims, it asserts."""
    (tmp_path / "example.py").write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.name)
def test_named_files_exist(path: Path):
    text = re.sub(r"^```.+?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    named = re.findall(r"`((?:search|models|components|pipelines|tests|benchmarks|docs)/[\w./]*)`", text)
    assert [name for name in named if not (DOCS.parent / name).exists()] == []


def test_examples_are_found_and_excuses_heard():
    text = "a\n```python\nx = 1\n```\nb\n<!-- not run: needs a cluster -->\n```python\ny\n```\n```sh\nz\n```\n"
    assert examples(text) == [(3, "x = 1\n")]

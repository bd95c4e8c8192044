"""A stand-in for Docker's command, for tests without an engine: it notes what it is told, and answers as set up."""

import json
import os
import sys
from pathlib import Path
from typing import Any

_PROGRAM = """#!{python}
import json, os, pathlib, subprocess, sys
words = sys.argv[1:]
folder = pathlib.Path({folder!r})
answers = json.loads((folder / "answers.json").read_text())
with (folder / "calls").open("a") as file:
    file.write(json.dumps(words) + "\\n")
if words[0] == "build":
    context = pathlib.Path(words[-1])
    found = sorted(str(path.relative_to(context)) for path in context.rglob("*") if path.is_file())
    secrets = [word.partition("src=")[2] for word in words if word.startswith("id=")]
    seen = {{"files": found, "buildkit": os.environ.get("DOCKER_BUILDKIT"), "context": str(context)}}
    seen["secrets"] = {{name: pathlib.Path(name).read_text() for name in secrets}}
    (folder / "build.json").write_text(json.dumps(seen))
if words[0] == "run" and answers.get("run") is None:
    sys.exit(subprocess.run([sys.executable, *words[words.index("-"):]]).returncode)
answer = answers.get(words[0], "")
if isinstance(answer, list):
    sys.stderr.write(answer[1])
    sys.exit(answer[0])
print(answer)
"""


class FakeDocker:
    """The stand-in, first on PATH.

    `run` without an answer runs the program that it is given with this Python, in place of a container.
    """

    def __init__(self, folder: Path, monkeypatch: Any) -> None:
        self.folder = folder
        program = folder / "docker"
        program.write_text(_PROGRAM.format(python=sys.executable, folder=str(folder)), encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        self.answer(info="28.0.0", buildx="v0.20")

    def answer(self, **answers: Any) -> None:
        """Says what the subcommands print, or `[exit status, words on standard error]`."""
        file = self.folder / "answers.json"
        known = json.loads(file.read_text()) if file.exists() else {}
        file.write_text(json.dumps({**known, **answers}))

    def calls(self, name: str) -> list[list[str]]:
        """Returns with which words a subcommand was called."""
        calls = [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]
        return [words for words in calls if words[0] == name]

    def seen(self) -> dict[str, Any]:
        """Returns what `docker build` saw: the files it was to build from, and the secrets."""
        found: dict[str, Any] = json.loads((self.folder / "build.json").read_text())
        return found

"""Renews what the README shows of the program: the table of options, and the picture of the terminal.

`.venv/bin/python tools/readme.py options` writes the table, `picture` draws docs/demo.svg from a finished `make demo`,
and `check` exits with status 1 if the table is out of date.
"""

import io
import json
import re
import sys
from pathlib import Path

from rich.console import Console

from tfx_automl.pipelines.config import flag_name, option_fields
from tfx_automl.pipelines.printing import render

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BEGIN, END = "<!-- options: begin -->\n", "<!-- options: end -->"


def options_table() -> str:
    """Returns the options as a Markdown table."""
    lines = ["| option | meaning |", "|---|---|"]
    for entry in option_fields():
        metavar = "" if entry.name == "data" else f" {entry.metadata['metavar']}"
        shown = entry.default if type(entry.default) in (int, str) else None
        default = "" if shown is None else f" (default: `{shown}`)"
        meaning = entry.metadata["help"].replace("|", "\\|")  # would end the cell of the table
        lines.append(f"| `{flag_name(entry.name)}{metavar}` | {meaning}{default} |")
    return "\n".join(lines) + "\n"


def with_table(text: str) -> str:
    """Returns the README with the present table."""
    head, _, rest = text.partition(BEGIN)
    return head + BEGIN + options_table() + END + rest.partition(END)[2]


def draw_picture() -> None:
    """Writes docs/demo.svg; paths are shown relative to the repository, fonts are those of the reader."""
    text = (ROOT / "runs" / "demo" / "summary.json").read_text(encoding="utf-8")
    summary = json.loads(text.replace(f"{ROOT}/", ""))
    console = Console(record=True, file=io.StringIO(), width=112, highlight=False, force_terminal=True)
    console.print(render(summary))
    drawn = console.export_svg(title="make demo")
    drawn = re.sub(r"@font-face \{.*?\}\n", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r"<!--.*?-->\s*", "", drawn).replace("Fira Code, monospace", "monospace")
    (ROOT / "docs" / "demo.svg").write_text(drawn, encoding="utf-8")


def main(what: str) -> int:
    """Does one of `options`, `picture` and `check`; returns the exit status."""
    text = README.read_text(encoding="utf-8")
    if what == "picture":
        draw_picture()
    elif what == "options":
        README.write_text(with_table(text), encoding="utf-8")
    elif what == "check":
        return int(with_table(text) != text)
    else:
        sys.stderr.write(f"readme.py: expected options, picture or check, got {what!r}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))

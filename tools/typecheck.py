"""Checks the types of the package, of these tools and of the benchmarks with mypy.

`setup.py` maps the top-level folders to sub-packages of `tfx_automl`, which mypy cannot see; so a tree of links that
has the installed shape is made under `build/` and checked, and paths in what mypy prints are turned back.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FARM = ROOT / "build/typecheck"


def make_links() -> None:
    """Builds the tree of links anew: the root package's files, and every top-level folder that is a package."""
    shutil.rmtree(FARM, ignore_errors=True)
    package = FARM / "tfx_automl"
    package.mkdir(parents=True)
    folders = [path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name not in ("tests", "tfx_automl")]
    for target in [*(ROOT / "tfx_automl").glob("*.py*"), *folders]:
        (package / target.name).symlink_to(target)


def main() -> int:
    """Returns mypy's exit status."""
    make_links()
    status = 0
    scripts = [str(path) for folder in ("tools", "benchmarks") for path in sorted((ROOT / folder).glob("*.py"))]
    for arguments in (["--package", "tfx_automl"], scripts):
        done = subprocess.run(
            [sys.executable, "-m", "mypy", *arguments],
            cwd=ROOT,
            env={**os.environ, "MYPYPATH": f"{FARM}:{ROOT / 'tools'}:{ROOT / 'benchmarks'}"},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        sys.stdout.write(re.sub(r"build/typecheck/tfx_automl/(?=\w+/)", "", done.stdout))
        status = status or done.returncode
    return status


if __name__ == "__main__":
    sys.exit(main())

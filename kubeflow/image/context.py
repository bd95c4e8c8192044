"""The folder that Docker builds from: the project's own files, the user's modules, and a Python if one is asked for."""

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from tfx_automl.errors import ConfigError

DOCKERFILE = "kubeflow/Dockerfile"
IGNORE = f"{DOCKERFILE}.dockerignore"
_PARTS = (
    *("README.md", "components", "kubeflow", "models", "pipelines", "pyproject.toml", "search", "setup.py"),
    *("tfx_automl", "view"),
)
# Of an installation of Python: what nobody needs at run time.
_NOT_OF_PYTHON = ("__pycache__", "*.a", "test", "tests", "idlelib", "ensurepip-*", "site-packages", "config-3*")


def stage(folder: Path, source: Path, locks: Iterable[str], modules: Iterable[Path], python: Path | None) -> None:
    """Fills the folder that Docker builds from.

    Args:
        folder: Empty.
        source: The project's sources.
        locks: Files in `requirements` that the image needs.
        modules: Folders and files of the user; see `add_modules`.
        python: An installation of Python to be copied into the image, if there is one.

    Raises:
        ConfigError: Something is not there.
    """
    missing = [name for name in (*_PARTS, DOCKERFILE) if not (source / name).exists()]
    if missing:
        raise ConfigError(
            f"--source: {source} is not the source code of tfx-automl: there is no {missing[0]}. Give the folder "
            "of a clone."
        )
    for name in _PARTS:
        _copy(source / name, folder / name)
    (folder / "requirements").mkdir()
    for name in locks:
        shutil.copy(source / "requirements" / name, folder / "requirements" / name)
    add_modules(folder / "modules", modules)
    if python is not None:
        _add_python(folder / "python", python)


def find_source() -> Path:
    """Returns the folder of the clone that this package runs from.

    Raises:
        ConfigError: It was installed without one.
    """
    folder = Path(__file__).resolve().parents[2]
    if not (folder / DOCKERFILE).is_file() or not (folder / "setup.py").is_file():
        raise ConfigError(
            "tfx-automl is installed here without its source code, from which the image is built. Say where a "
            "clone is: --source FOLDER."
        )
    return folder


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".*"))
    else:
        shutil.copy(source, target)


def add_modules(folder: Path, modules: Iterable[Path]) -> None:
    """Copies the user's code to where the image can import it.

    Args:
        folder: Is made, even if it stays empty.
        modules: A Python file; a package, which is a folder with `__init__.py`; or a folder as on PYTHONPATH, whose
            content is taken. Hidden files and byte code are left out.

    Raises:
        ConfigError: One does not exist, has a name that is taken, or holds no Python.
    """
    folder.mkdir()
    problems = []
    for path in modules:
        entries = _importable(path)
        if not entries:
            problems.append(
                f"--include: {path} holds nothing that Python can import; give a file .py, a package, or a "
                "folder with such in it."
            )
        for entry in entries:
            if (folder / entry.name).exists() or entry.stem in sys.stdlib_module_names or entry.stem == "tfx_automl":
                problems.append(f"--include: the name of {entry} is taken; rename it.")
            else:
                _copy(entry, folder / entry.name)
    if problems:
        raise ConfigError(problems)


def _importable(path: Path) -> list[Path]:
    """Returns the files and folders that a path stands for."""
    path = path.expanduser().resolve()
    if path.is_file():
        return [path] if path.suffix == ".py" else []
    if not path.is_dir():
        return []
    if (path / "__init__.py").is_file():
        return [path]
    found = [entry for entry in sorted(path.iterdir()) if not entry.name.startswith((".", "__pycache__"))]
    return found if any(entry.suffix == ".py" or any(entry.rglob("*.py")) for entry in found) else []


def _add_python(folder: Path, python: Path) -> None:
    """Copies an installation of Python, without the packages that are installed in it."""
    if not (python / "bin/python3").exists() or not any((python / "lib").glob("python3.*/os.py")):
        raise ConfigError(
            f"--python: {python} is no installation of Python: it has no bin/python3 and no library. Give what "
            "`sys.base_prefix` says, unless that is /usr."
        )
    for name in ("bin", "include", "lib"):
        if (python / name).is_dir():
            shutil.copytree(python / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns(*_NOT_OF_PYTHON))

"""Rules of the whole repository: the direction of imports, declared dependencies, sizes, locks, nothing private."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
# Imports point only to the left.
LAYERS = ("search", "models", "components", "pipelines", "view", "kubeflow")
HEAVY = {"tensorflow", "tfx", "tfx_bsl", "keras", "tf_keras", "keras_tuner", "apache_beam", "ml_metadata"}
# Modules whose distribution has another name; others are named alike, with dashes.
DISTRIBUTIONS = {
    "absl": "absl-py",
    "google.protobuf": "protobuf",
    "pkg_resources": "setuptools",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
LONGEST_FUNCTION = 80
LONGEST_DO = 40


def package_files() -> list[Path]:
    return sorted(path for folder in ("tfx_automl", *LAYERS) for path in (ROOT / folder).rglob("*.py"))


def benchmark_files() -> list[Path]:
    return sorted((ROOT / "benchmarks").rglob("*.py"))


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(path: Path) -> Iterator[str]:
    """Yields the full name of everything that a file imports, inside functions too."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "tfx_automl" and len(parts) > 1 and parts[1] in LAYERS else None


def requirements_of_setup() -> list[Requirement]:
    for node in tree(ROOT / "setup.py").body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "REQUIREMENTS":
            return [Requirement(text) for text in ast.literal_eval(node.value)]
    raise AssertionError("setup.py has no list REQUIREMENTS")


def dev_requirements() -> list[Requirement]:
    lines = (ROOT / "requirements/dev.in").read_text(encoding="utf-8").splitlines()
    return [Requirement(text) for line in lines if (text := line.split("#")[0].strip())]


def tracked_files() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout, so nobody can say which files are tracked")
    listing = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=True).stdout
    return [path for name in listing.decode().split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("path", package_files(), ids=names(package_files()))
def test_imports_point_upwards(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0]
    allowed = LAYERS[: LAYERS.index(own) + 1] if own in LAYERS else ()
    wrong = [module for module in imports(path) if (layer := layer_of(module)) and layer not in allowed]
    assert wrong == []


@pytest.mark.parametrize("path", sorted((ROOT / "search").rglob("*.py")), ids=lambda path: path.name)
def test_search_imports_no_framework(path: Path) -> None:
    tops = {module.split(".")[0] for module in imports(path)}
    assert {top for top in tops if top in HEAVY or top.startswith("tensorflow")} == set()


def test_search_and_the_command_line_load_no_framework() -> None:
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / "search").rglob("*.py")]
    wanted = [f"tfx_automl.{name.removesuffix('.__init__')}" for name in modules] + ["tfx_automl.pipelines.cli"]
    code = f"import importlib, sys\nfor m in {wanted!r}: importlib.import_module(m)\n"
    code += f"print(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[]\n"


def test_what_looks_at_options_and_data_loads_no_tensorflow() -> None:
    """What TensorFlow has to say as it is imported would go to the terminal: messages go to the log only later."""
    code = "import sys, tfx_automl.pipelines.job, tfx_automl.components.evaluator.gate\n"
    code += "print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("path", package_files(), ids=names(package_files()))
def test_every_import_is_declared(path: Path) -> None:
    declared = {canonicalize_name(requirement.name) for requirement in requirements_of_setup()}
    undeclared = set()
    for module in imports(path):
        top = module.split(".")[0]
        if top in sys.stdlib_module_names or top == "tfx_automl":
            continue
        known = next((DISTRIBUTIONS[name] for name in DISTRIBUTIONS if f"{module}.".startswith(f"{name}.")), top)
        if canonicalize_name(known) not in declared:
            undeclared.add(module)
    assert undeclared == set()


@pytest.mark.parametrize("path", benchmark_files(), ids=names(benchmark_files()))
def test_every_import_of_a_benchmark_is_locked(path: Path) -> None:
    """Benchmarks are no part of the package: they may also use what only development needs, each other, and peers."""
    known = [*requirements_of_setup(), *dev_requirements()]
    locked = {canonicalize_name(requirement.name) for requirement in known} | set(parse_lock("flaml.txt", "3.10"))
    tops = {module.split(".")[0] for module in imports(path)} - set(sys.stdlib_module_names)
    tops -= {"tfx_automl", *(other.stem for other in benchmark_files())}
    assert {top for top in tops if canonicalize_name(DISTRIBUTIONS.get(top, top)) not in locked} == set()


def test_benchmarks_are_no_part_of_the_package() -> None:
    assert not (ROOT / "benchmarks" / "__init__.py").exists()
    assert {
        path for path in package_files() for module in imports(path) if module.split(".")[0] == "benchmarks"
    } == set()


def test_every_folder_of_code_is_a_package() -> None:
    folders = {path.parent for path in package_files()}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []
    undocumented = [path for folder in folders if not ast.get_docstring(tree(path := folder / "__init__.py"))]
    assert names(undocumented) == []


def test_files_beside_the_code_are_installed() -> None:
    call = next(node for node in ast.walk(tree(ROOT / "setup.py")) if isinstance(node, ast.Call) and node.keywords)
    data = next(ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg == "package_data")
    patterns = {pattern: name.removeprefix("tfx_automl.").replace(".", "/") for name in data for pattern in data[name]}
    for path in tracked_files():
        folder = path.parent.relative_to(ROOT)
        if folder.parts[:1] and folder.parts[0] in LAYERS and path.suffix != ".py":
            assert any(folder == Path(where) and path.match(glob) for glob, where in patterns.items()), path


@pytest.mark.parametrize("path", package_files() + benchmark_files(), ids=names(package_files() + benchmark_files()))
def test_functions_stay_short_and_quiet(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= (LONGEST_DO if node.name == "Do" else LONGEST_FUNCTION), f"{node.name} has {lines} lines"
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) != "print", f"line {node.lineno}: people read tfx_automl.console"


def test_no_machine_and_no_host_is_named() -> None:
    # Written in pieces, so that this file passes, too.
    machine_paths = r"(?<![\w.}])/(?:" + "work|root|home" + r")/\w|/tmp/" + r"\w/"
    registries = "python" + r"hosted|pypi" + r"\.org"
    private = re.compile(f"{machine_paths}|{registries}")
    found = []
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in private.finditer(text)]
    assert found == []


def test_every_test_file_is_collected() -> None:
    files = sorted((ROOT / "tests").rglob("*.py"))
    with_tests = {path for path in files if re.search(r"^\s*def test_", path.read_text(encoding="utf-8"), re.MULTILINE)}
    named = {path for path in files if path.name.startswith("test_")}
    assert names(sorted(with_tests ^ named)) == []


def parse_lock(name: str, python: str) -> dict[str, str]:
    """Returns what a lock pins on one version of Python, after checking that every pin has hashes."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8").replace("\\\n", "")
    pins: dict[str, str] = {}
    environment = {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": "linux"}
    for line in text.splitlines():
        assert re.search(r" --hash=sha256:[0-9a-f]{64}", line), f"{name} has a line without a hash: {line}"
        requirement = Requirement(line.split(" --hash")[0])
        if requirement.marker is None or requirement.marker.evaluate(environment):
            specifier = re.fullmatch(r"==([^*]+)", str(requirement.specifier))
            assert specifier, f"{name} does not pin {requirement}"
            assert requirement.name not in pins, f"{name} pins {requirement.name} twice on Python {python}"
            pins[canonicalize_name(requirement.name)] = specifier[1]
    return pins


LOCKS = [("stack-a.txt", "3.10", "1.16.0")] + [("stack-b.txt", f"3.{minor}", "1.21.0") for minor in range(10, 14)]


@pytest.mark.parametrize(("name", "python", "tfx"), LOCKS)
def test_locks_meet_the_declared_ranges(name: str, python: str, tfx: str) -> None:
    pins = parse_lock(name, python)
    assert pins["tfx"] == tfx
    for requirement in [*requirements_of_setup(), *dev_requirements()]:
        version = pins.get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name} is not in {name} for Python {python}: run make lock"
        assert requirement.specifier.contains(version, prereleases=True), f"{requirement} but {version} in {name}"


def test_the_installer_is_locked_too() -> None:
    assert Version(parse_lock("uv.txt", "3.11")["uv"]) >= Version("0.8")


def test_a_pin_without_a_hash_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements/bad.txt").write_text("six==1.17.0\n", encoding="utf-8")
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    with pytest.raises(AssertionError, match="without a hash"):
        parse_lock("bad.txt", "3.10")

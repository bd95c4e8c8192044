"""The checks of `doctor`: plain functions from `Surroundings` to `Check`, so that a test can set up every trap."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tfx_automl.errors import ConfigError
from tfx_automl.pipelines.surroundings import DISTRIBUTION, Surroundings

NEEDED_DISK = 2 * 1024**3  # bytes; a run writes a few times the size of its data
STACK_B_GLIBC = (2, 39)
_STACK_PYTHONS = {"A": ((3, 10),), "B": ((3, 10), (3, 11), (3, 12), (3, 13))}


@dataclass(frozen=True)
class Check:
    """The outcome of one check.

    Attributes:
        name: What was checked, in a few words.
        ok: Whether all is well.
        detail: What was found.
        fix: The command or step that mends it; given exactly when `ok` is false.

    Raises:
        ConfigError: A failed check without a fix, or the other way round.
    """

    name: str
    ok: bool
    detail: str
    fix: str = ""

    def __post_init__(self) -> None:
        if self.ok == bool(self.fix):
            raise ConfigError(
                f"A check has a fix exactly when it failed; {self.name!r} has ok={self.ok}, fix={self.fix!r}."
            )


def stack_of(around: Surroundings) -> str | None:
    """Returns `A` or `B` after the installed TFX, or None where it is neither."""
    release = around.versions.get("tfx", "").split(".")[:2]
    return {("1", "16"): "A", ("1", "21"): "B"}.get((release[0], release[-1]))


def _check_tfx(around: Surroundings) -> Check:
    version = around.versions.get("tfx")
    if stack_of(around):
        return Check("TFX version", True, f"{version}")
    # 1.17 needs packages that were never built for older glibc, and nobody tests it here; there is no 1.18 to 1.20.
    wanted = "1.21.0" if around.glibc >= STACK_B_GLIBC else "1.16.0"
    return Check("TFX version", False, f"{version or 'not installed'}; 1.16 or 1.21 is needed", _pip(f"tfx=={wanted}"))


def _check_glibc(around: Surroundings) -> Check:
    needed = STACK_B_GLIBC if stack_of(around) == "B" else (2, 17)
    detail = f"{dotted(around.glibc)}, needs {dotted(needed)}"
    fix = "make env STACK=a" if around.glibc >= (2, 17) else "use a machine or container with Debian or Ubuntu"
    return (
        Check("glibc fits the stack", True, detail)
        if around.glibc >= needed
        else Check("glibc fits the stack", False, detail, fix)
    )


def _check_python(around: Surroundings) -> Check:
    allowed = _STACK_PYTHONS[stack_of(around) or "B"]
    detail = f"{dotted(around.python)}, needs {' or '.join(dotted(version) for version in allowed)}"
    fix = "" if around.python in allowed else "make env"
    return Check("Python fits the stack", not fix, detail, fix)


def _importable(module: str, why: str, fix: str) -> Callable[[Surroundings], Check]:
    """Returns a check that a module can be imported."""

    def check(around: Surroundings) -> Check:
        if module in around.modules:
            return Check(f"{module} is importable", True, why)
        return Check(f"{module} is importable", False, f"it is not, and {why}", fix)

    return check


def _check_tfma(around: Surroundings) -> Check:
    version = around.versions.get("tensorflow-model-analysis", "not installed")
    broken = version in ("0.47.0", "not installed")
    detail = f"{version}; 0.47.0 skips half of its own imports" if broken else version
    fix = _pip("tensorflow-model-analysis>=0.47.1,<0.53") if broken else ""
    return Check("TFMA is whole", not broken, detail, fix)


def _check_fairness_indicators(around: Surroundings) -> Check:
    version = around.versions.get("fairness-indicators")
    if version is None:
        return Check("fairness-indicators is absent", True, "it conflicts with TFX over tensorflow-hub")
    return Check(
        "fairness-indicators is absent",
        False,
        f"{version} is installed and conflicts with TFX over tensorflow-hub; nothing here needs it",
        f"python -m pip uninstall -y fairness-indicators && {_pip('tfx==' + around.versions.get('tfx', '1.16.0'))}",
    )


def _check_byte_code(around: Surroundings) -> Check:
    if not around.uncompiled:
        return Check("byte-compiled packages", True, "imports take about 10 s, not 25 s")
    fix = f"python -m compileall -q {around.site_packages}"
    return Check("byte-compiled packages", False, f"no byte code for {', '.join(around.uncompiled)}: slow imports", fix)


def _check_keras(around: Surroundings) -> Check:
    version = around.versions.get("keras", "0")
    ok = Version(version).major == 3
    return Check("Keras 3", ok, version if version != "0" else "not installed", "" if ok else _pip("keras>=3"))


def _check_legacy_keras(around: Surroundings) -> Check:
    value = around.variables.get("TF_USE_LEGACY_KERAS", "")
    legacy = value.lower() in ("1", "true")
    detail = f"TF_USE_LEGACY_KERAS={value} turns tf.keras into Keras 2" if legacy else "TF_USE_LEGACY_KERAS is not set"
    return Check("tf.keras is Keras 3", not legacy, detail, "unset TF_USE_LEGACY_KERAS" if legacy else "")


def _check_backend(around: Surroundings) -> Check:
    ok = around.keras_backend == "tensorflow"
    return Check("Keras backend", ok, around.keras_backend, "" if ok else "export KERAS_BACKEND=tensorflow")


def _check_requirements(around: Surroundings) -> Check:
    """Compares what is installed with what this package requires, as `pip check` does."""
    if DISTRIBUTION not in around.versions:
        return Check("requirements", False, f"{DISTRIBUTION} itself is not installed", "make env")
    wanted = _applicable(around.requirements)
    conflicts = [(each, found) for each in wanted if (found := _conflict(each, around)) is not None]
    if not conflicts:
        return Check("requirements", True, f"all {len(wanted)} are met")
    detail = "; ".join(f"{each} is needed, {found} is installed" for each, found in conflicts)
    return Check("requirements", False, detail, _pip(*(str(each) for each, _ in conflicts)))


def _applicable(requirements: Iterable[str]) -> list[Requirement]:
    """Parses requirements; leaves out those of extras and of other platforms, and the markers of the others."""
    parsed = []
    for requirement in map(Requirement, requirements):
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            requirement.marker = None
            parsed.append(requirement)
    return parsed


def _conflict(requirement: Requirement, around: Surroundings) -> str | None:
    """Returns what is installed instead of what is required, or None if the requirement is met."""
    version = around.versions.get(canonicalize_name(requirement.name))
    if version is None:
        return "nothing"
    return None if requirement.specifier.contains(version, prereleases=True) else version


def _check_disk(around: Surroundings) -> Check:
    bad = [
        f"{folder} is not writable" if free is None else f"{folder} has {free / 1024**3:.1f} GiB free"
        for folder, free in around.free.items()
        if free is None or free < NEEDED_DISK
    ]
    needed = f"{NEEDED_DISK / 1024**3:.0f} GiB"
    if not bad:
        return Check("disk", True, f"{needed} or more, writable, in {' and '.join(around.free)}")
    fix = "make room, or export TMPDIR=... and --output ... to a folder on another disk"
    return Check("disk", False, f"{'; '.join(bad)}; {needed} are needed", fix)


def _pip(*requirements: str) -> str:
    return "python -m pip install " + " ".join(f"'{requirement}'" for requirement in requirements)


def dotted(version: tuple[int, int]) -> str:
    """Writes (3, 10) as `3.10`."""
    return f"{version[0]}.{version[1]}"


CHECKS: tuple[Callable[[Surroundings], Check], ...] = (
    _check_tfx,
    _check_glibc,
    _check_python,
    _importable("dill", "TFX imports it, but Apache Beam no longer brings it", _pip("dill>=0.3")),
    _importable("pip", "TFX packages user modules with it", "python -m ensurepip --upgrade"),
    _importable("tensorboard", "TFX 1.21 imports it", _pip("tensorboard")),
    _importable("tf_keras", "TFMA and TensorFlow Transform load it", _pip("tf-keras")),
    _importable("pkg_resources", "TFX imports it; setuptools 81 dropped it", _pip("setuptools<81")),
    _check_tfma,
    _check_fairness_indicators,
    _check_byte_code,
    _check_keras,
    _check_legacy_keras,
    _check_backend,
    _check_requirements,
    _check_disk,
)

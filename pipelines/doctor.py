"""`tfx-automl doctor`: what is installed on what machine, and whether one of the known traps is set.

Nothing slow is imported: the answer comes within a second.
"""

from collections.abc import Iterator

from tfx_automl import console
from tfx_automl.pipelines.checks import CHECKS, STACK_B_GLIBC, Check, dotted, stack_of
from tfx_automl.pipelines.surroundings import DISTRIBUTION, Surroundings, look_around

SHOWN = (
    DISTRIBUTION,
    "tfx",
    "tensorflow",
    "keras",
    "keras-tuner",
    "tensorflow-model-analysis",
    "apache-beam",
    "pyarrow",
)


def doctor() -> int:
    """Prints the surroundings and all checks; returns the exit status: 1 if something is wrong, else 0."""
    around = look_around()
    checks = run_doctor(around)
    for name, value in describe(around):
        console.line(f"{name:<28}{value}")
    console.line()
    for check in checks:
        console.line(f"{'ok' if check.ok else 'WRONG':<7}{check.name}: {check.detail}")
        if not check.ok:
            console.line(f"       mend it with: {check.fix}")
    wrong = sum(not check.ok for check in checks)
    console.line()
    console.line(f"{wrong} of {len(checks)} checks are wrong" if wrong else f"all {len(checks)} checks are ok")
    return 1 if wrong else 0


def run_doctor(around: Surroundings | None = None) -> tuple[Check, ...]:
    """Runs every check.

    Args:
        around: What to check; this process's own surroundings when None.
    """
    found = around if around is not None else look_around()
    return tuple(check(found) for check in CHECKS)


def describe(around: Surroundings) -> Iterator[tuple[str, str]]:
    """Yields what `doctor` shows before the checks: names and values."""
    yield "stack", _explain_stack(around)
    yield "Python", dotted(around.python)
    yield "glibc", dotted(around.glibc)
    for name in SHOWN:
        yield name, around.versions.get(name, "not installed")
    yield "cores", str(around.cores)
    yield "memory", f"{around.memory / 1024**3:.1f} GiB"
    for folder, free in around.free.items():
        yield f"free in {folder}", "not writable" if free is None else f"{free / 1024**3:.1f} GiB"


def _explain_stack(around: Surroundings) -> str:
    stack = stack_of(around)
    if stack is None:
        return "neither A (TFX 1.16) nor B (TFX 1.21)"
    if stack == "B":
        return "B, because glibc is 2.39 or newer"
    if around.glibc < STACK_B_GLIBC:
        return "A, because stack B needs glibc 2.39"
    return "A; stack B would run here as well (make env)"

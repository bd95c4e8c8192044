"""Judges what the probe found in an image."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from tfx_automl import __version__
from tfx_automl.errors import ImageError
from tfx_automl.kubeflow.image import engine
from tfx_automl.kubeflow.image.pipeline_file import Needs, read_needs

_PACKAGES = ("tfx-automl", "tfx", "tensorflow", "apache-beam")
# What every task imports, before its executor.
_ENTRY_POINT = "tfx_automl.kubeflow.task.component"
# How tasks start: one that trains, and the one that needs most.
_STARTS = {
    name: f"import tfx_automl.kubeflow.task.main as task; task.load_component('{executor}')"
    for name, executor in (
        ("Trainer", "tfx_automl.components.trainer.executor.Executor"),
        ("Transform", "tfx_automl.components.transform.executor.Executor"),
    )
}
# Where the platform's launcher puts inputs and outputs, as the user of the image.
_FOLDERS = ("/gcs", "/minio", "/s3", "~", "/tmp")


@dataclass(frozen=True)
class Verdict:
    """What is known of an image.

    Attributes:
        lines: What was found.
        problems: What must change before it can run tasks.
    """

    lines: tuple[str, ...]
    problems: tuple[str, ...]


def check_image(image: str, pipeline: Path | None, seconds: float) -> Verdict:
    """Looks at an image from within.

    Args:
        image: Its name.
        pipeline: A compiled pipeline whose classes must all be in it.
        seconds: How much of the processor's time the imports of a task may take.

    Raises:
        ImageError: Docker is missing or does not run, or the image cannot be run.
        ConfigError: The pipeline cannot be read.
    """
    needs = read_needs(pipeline) if pipeline else Needs({}, (), "")
    docker = engine.find_docker()
    imports = [_ENTRY_POINT, *sorted(needs.classes)]
    request = {"packages": _PACKAGES, "timed": _STARTS, "imports": imports, "folders": _FOLDERS}
    found = _probe(docker, image, request)
    lines = (*_lines(image, found), *_other_images(image, needs))
    return Verdict(lines, tuple(_problems(found, needs, seconds)))


def _probe(docker: str, image: str, request: Mapping[str, Any]) -> dict[str, Any]:
    from tfx_automl.kubeflow.image import probe

    code = resources.files("tfx_automl.kubeflow.image").joinpath("probe.py").read_text(encoding="utf-8")
    said = engine.run_python(docker, image, code, json.dumps(request))
    marked = [line for line in said.splitlines() if line.startswith(probe.MARK)]
    if not marked:
        raise ImageError(f"{image} cannot be checked: its Python ran, but said nothing of itself.")
    found: dict[str, Any] = json.loads(marked[-1].removeprefix(probe.MARK))
    return found


def _lines(image: str, found: Mapping[str, Any]) -> Iterator[str]:
    versions = ", ".join(f"{name} {version or 'missing'}" for name, version in found["packages"].items())
    yield f"{image}: Python {found['python']}, {versions}; runs as user {found['user']}"
    for name, (wall, processor) in found["seconds"].items():
        yield f"A task of {name} has imported what it needs after {wall:.1f} s ({processor:.1f} s of the processor)."
    code = found["byte_code"]
    yield f"Byte code: {code['modules'] - len(code['missing'])} of {code['modules']} modules that tasks import have it."
    works = [name for name, error in found["file_systems"].items() if not error]
    yield f"File systems: {', '.join(works) or 'none'}."


def _other_images(image: str, needs: Needs) -> Iterator[str]:
    if needs.images and image not in needs.images:
        yield (
            f"The pipeline was compiled for {', '.join(needs.images)}: compile it with --image {image} to use this one."
        )


def _problems(found: Mapping[str, Any], needs: Needs, seconds: float) -> Iterator[str]:
    own = found["packages"]["tfx-automl"]
    if not found["packages"]["tfx"] or not own:
        yield "TFX and tfx-automl must be installed in the image: build it with `tfx-automl image build`."
    elif own != __version__:
        yield f"The image has tfx-automl {own}, but pipelines are compiled here with {__version__}: build it anew."
    if found["user"] == 0:
        yield "The image runs as root: give it a USER."
    for path, error in found["imports"].items():
        task = f"needed by {needs.classes[path]}" if path in needs.classes else "the entry point"
        yield (
            f"{path} ({task}) cannot be imported: {error}. Build the image with --include FOLDER if it is your "
            "own code."
        )
    missing = found["byte_code"]["missing"]
    if missing:
        yield f"{len(missing)} modules have no byte code, such as {missing[0]}: compile them (python -m compileall)."
    for name, (_, processor) in found["seconds"].items():
        if processor > seconds:
            yield f"What a task of {name} imports takes {processor:.1f} s of the processor, more than {seconds:g} s."
    for name, error in found["file_systems"].items():
        if error:
            yield f"{name} does not work: {error}."
    for folder in found["folders"]:
        yield f"The user of the image cannot write into {folder}, which is where the platform puts files."

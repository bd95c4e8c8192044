"""The command `tfx-automl image`. Imports nothing heavy."""

import argparse
import sys
from pathlib import Path
from typing import Any

from tfx_automl import console
from tfx_automl.errors import ConfigError

_SECONDS = 10.0


def add_commands(commands: Any) -> None:
    """Adds the command.

    Args:
        commands: Of the parser of `tfx-automl`.
    """
    image = commands.add_parser(
        "image",
        allow_abbrev=False,
        help="build or check the container image of the tasks",
        description="Builds the container image in which the tasks of a compiled pipeline run, or checks one.",
    )
    actions = image.add_subparsers(title="actions", required=True, metavar="ACTION")
    _add_build(actions)
    _add_check(actions)


def _add_build(actions: Any) -> None:
    build = actions.add_parser(
        "build",
        allow_abbrev=False,
        help="build the image with Docker",
        description="Builds the image with Docker. A private package index is read from PIP_INDEX_URL or "
        "UV_DEFAULT_INDEX, "
        "its certificates from SSL_CERT_FILE; neither gets into the image.",
    )
    build.add_argument(
        "--tag", default="tfx-automl", help="name of the image, as registry/name:version (default: tfx-automl)"
    )
    build.add_argument("--stack", metavar="a|b", help="a: TFX 1.16, Python 3.10; b: TFX 1.21 (default: as it is here)")
    build.add_argument(
        "--base", default="", metavar="IMAGE", help="what it is built on (default: Docker's own image of Python)"
    )
    build.add_argument(
        "--include",
        action="append",
        default=[],
        type=Path,
        metavar="PATH",
        help="code of yours: a file .py, a package, or a folder with such in it; may be given several times",
    )
    build.add_argument(
        "--python", type=Path, metavar="FOLDER", help="an installation of Python, for a base that has none"
    )
    build.add_argument(
        "--source", type=Path, metavar="FOLDER", help="a clone of tfx-automl (default: the one that runs)"
    )
    build.add_argument(
        "--network", default="default", metavar="default|host", help="of the installation (default: default)"
    )
    build.add_argument("--push", action="store_true", help="push it to its registry afterwards")
    build.set_defaults(command=_build)


def _add_check(actions: Any) -> None:
    check = actions.add_parser(
        "check",
        allow_abbrev=False,
        help="check whether an image can run tasks",
        description="Runs a container of the image, without a network, and looks at it from within.",
    )
    check.add_argument("image", metavar="IMAGE", help="the image")
    check.add_argument(
        "--pipeline", type=Path, metavar="FILE.yaml", help="a compiled pipeline, whose classes must be in it"
    )
    check.add_argument(
        "--import-seconds",
        type=float,
        default=_SECONDS,
        metavar="S",
        help=f"time of the processor that the imports of a task may take (default: {_SECONDS:g})",
    )
    check.set_defaults(command=_check)


def _build(parsed: argparse.Namespace) -> int:
    from tfx_automl.kubeflow.image.build import ImageBuild, build_image, installed_stack

    build_image(
        ImageBuild(
            tag=parsed.tag,
            stack=installed_stack() if parsed.stack is None else parsed.stack,
            base=parsed.base,
            modules=tuple(parsed.include),
            python=parsed.python,
            source=parsed.source,
            network=parsed.network,
            push=parsed.push,
        )
    )
    console.line(
        f"{parsed.tag} is built{' and pushed' if parsed.push else ''}. Check it: tfx-automl image check {parsed.tag}"
    )
    return 0


def _check(parsed: argparse.Namespace) -> int:
    from tfx_automl.kubeflow.image.build import is_image
    from tfx_automl.kubeflow.image.check import check_image

    if not is_image(parsed.image):
        raise ConfigError(f"IMAGE: expected a name as registry/name:version, got {parsed.image!r}.")
    verdict = check_image(parsed.image, parsed.pipeline, parsed.import_seconds)
    for line in verdict.lines:
        console.line(line)
    for problem in verdict.problems:
        sys.stderr.write(f"tfx-automl: {problem}\n")
    if not verdict.problems:
        console.line("The image is fit for its tasks.")
    return 1 if verdict.problems else 0

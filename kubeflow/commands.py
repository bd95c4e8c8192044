"""The commands of `tfx-automl` for Kubeflow and Vertex. Imports nothing heavy."""

import argparse
import os
from pathlib import Path
from typing import Any

from tfx_automl import console
from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow.settings import TARGETS, KubeflowConfig, settings_from_mapping

_SETTINGS_HELP = "a YAML file with memory, accelerators, secrets and more by component: see docs/kubeflow.md"


def add_commands(commands: Any) -> None:
    """Adds the commands.

    Args:
        commands: Of the parser of `tfx-automl`.
    """
    compile_ = commands.add_parser(
        "compile",
        allow_abbrev=False,
        help="write a pipeline for Kubeflow Pipelines or Vertex",
        description="Compiles any TFX pipeline for Kubeflow Pipelines (version 2) or Vertex. Nothing runs.",
    )
    compile_.add_argument(
        "pipeline",
        metavar="PIPELINE_OR_CONFIG",
        help="a Python file or module, as pipeline.py or package.module:name; or a YAML file with options of run",
    )
    compile_.add_argument("--target", default="kubeflow", metavar="|".join(TARGETS), help="(default: kubeflow)")
    compile_.add_argument("--image", required=True, help="the container image that the tasks run in")
    compile_.add_argument(
        "--pipeline-root", required=True, metavar="URI", help="where artifacts go: gs://, s3://, minio://"
    )
    compile_.add_argument(
        "--history", default="", metavar="URI", help="where tasks note models for later runs (default: in the root)"
    )
    compile_.add_argument("--settings", metavar="FILE.yaml", help=_SETTINGS_HELP)
    compile_.add_argument("--exit-handler", metavar="NAME", help="a component in the same code that runs at the end")
    compile_.add_argument("-o", "--output", required=True, metavar="FILE.yaml", help="the file to write")
    compile_.set_defaults(command=_compile)


def _compile(parsed: argparse.Namespace) -> int:
    from tfx_automl.pipelines.commands import read_options

    # Mistakes in the options first: TFX takes seconds to load.
    raw = read_options(parsed.settings, "--settings", keep=True) if parsed.settings else {}
    defaults, settings = settings_from_mapping(raw)
    config = KubeflowConfig(
        image=parsed.image,
        pipeline_root=parsed.pipeline_root,
        target=parsed.target,
        settings=settings,
        defaults=defaults,
        history=parsed.history,
    )
    with console.quiet_libraries(Path(os.devnull)):
        compiled = _compiled(parsed, config)
    components = [name.removeprefix("comp-") for name in compiled.spec["components"]]
    console.line(f"{parsed.output}: {compiled.name} for {config.target}, {len(components)} tasks")
    console.line(f"The image {config.image} needs the modules {', '.join(compiled.modules)}.")
    return 0


def _compiled(parsed: argparse.Namespace, config: KubeflowConfig) -> Any:
    """Compiles what is named, and writes it."""
    from tfx_automl.kubeflow import source
    from tfx_automl.kubeflow.runner import KubeflowRunner
    from tfx_automl.pipelines.commands import read_options

    runner = KubeflowRunner(config, parsed.output)
    if source.is_code(parsed.pipeline):
        pipeline = source.load_pipeline(parsed.pipeline)
        if parsed.exit_handler:
            runner.set_exit_handler(source.load_pipeline(parsed.pipeline, parsed.exit_handler))
    elif parsed.exit_handler:
        raise ConfigError("--exit-handler needs Python code; the pipeline of a configuration has none.")
    else:
        values = read_options(parsed.pipeline, "PIPELINE_OR_CONFIG")
        pipeline = source.pipeline_of_run(values, config.pipeline_root)
    return runner.run(pipeline)

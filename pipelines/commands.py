"""The commands of `tfx-automl` and their flags. Imports nothing heavy, so that `--help` answers at once."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Any

from tfx_automl import __version__
from tfx_automl.errors import ConfigError, TfxAutomlError
from tfx_automl.pipelines.config import RunConfig, flag_name, option_fields
from tfx_automl.pipelines.job import StageFailedError, run_job

DEMO_DATASETS = ("diabetes", "fashion-mnist", "adult")
# Layers above this one have commands, too; they are found by name, since imports point only downwards.
_MORE_COMMANDS = tuple(f"tfx_automl.kubeflow.{name}" for name in ("commands", "image.commands", "client.commands"))
# The options of `run` that `demo` has too, each with its default where that is not the same as for `run`.
_DEMO_OPTIONS = {
    "output": "runs/demo",
    "max_epochs": "the data set's own",
    "factor": "",
    "max_trials": "",
    "time_budget": "",
    "seed": "",
    "workers": "",
}


def execute(arguments: Sequence[str] | None) -> int:
    """Does what the command line says; arguments and exit status are those of `cli.main`."""
    parsed = build_parser().parse_args(arguments)
    try:
        status: int = parsed.command(parsed)
        return status
    except TfxAutomlError as error:
        problems = error.problems if isinstance(error, ConfigError) else (str(error),)
        for problem in problems:
            _complain(problem)
        return 2
    except StageFailedError as error:
        _complain(str(error))
        return 1


def _complain(problem: str) -> None:
    """Prints a problem in one line, even if it quotes a name or a value with a line break."""
    sys.stderr.write(f"tfx-automl: {' '.join(problem.splitlines())}\n")


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="tfx-automl",
        description="From a file to a tuned, fairness-checked, deployable model.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"tfx-automl {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_run(commands)
    _add_demo(commands)
    _add_report(commands)
    doctor = commands.add_parser("doctor", help="check this machine and environment for known traps")
    doctor.set_defaults(command=_doctor)
    for name in _MORE_COMMANDS:
        importlib.import_module(name).add_commands(commands)
    return parser


def _add_run(commands: Any) -> None:
    run = commands.add_parser(
        "run",
        allow_abbrev=False,
        help="run the whole pipeline on a file",
        description="Runs the whole pipeline: from a file to a pushed and fairness-checked model.",
        epilog="Every option can also stand in the YAML file (max_epochs: 9); flags win.",
    )
    for entry in option_fields():
        if entry.name == "data":
            run.add_argument("data", nargs="?", metavar="DATA", help=entry.metadata["help"].replace("%", "%%"))
        else:
            _add_flag(run, entry)
    run.add_argument("--config", metavar="FILE.yaml", help="a YAML file with any of these options")
    _add_verbose(run)
    run.set_defaults(command=_run)


def _add_flag(parser: Any, entry: Any, default: str = "") -> None:
    """Adds a flag that only stores the text: converting, with every mistake at once, is the configuration's job.

    Args:
        parser: Of the command.
        entry: The field of the configuration.
        default: What the help says of the default, if that is not the field's own.
    """
    action = "append" if entry.metadata["repeat"] else "store"
    help_text = entry.metadata["help"].replace("%", "%%")  # argparse would read it as a format
    if type(entry.default) in (int, str):
        default = default or str(entry.default)
    if default:
        help_text += f" (default: {default})"
    parser.add_argument(
        flag_name(entry.name), dest=entry.name, action=action, metavar=entry.metadata["metavar"], help=help_text
    )


def _add_verbose(parser: Any) -> None:
    parser.add_argument("--verbose", action="store_true", help="show the libraries' messages too, besides log.txt")


def _add_demo(commands: Any) -> None:
    demo = commands.add_parser("demo", allow_abbrev=False, help="run the same on a data set that is at hand")
    demo.add_argument("--dataset", choices=DEMO_DATASETS, default="diabetes", help="(default: diabetes)")
    demo.add_argument("--data-dir", metavar="FOLDER", help="where the data set's files are (adult, fashion-mnist)")
    for entry in option_fields():
        if entry.name in _DEMO_OPTIONS:
            _add_flag(demo, entry, _DEMO_OPTIONS[entry.name])
    _add_verbose(demo)
    demo.set_defaults(command=_demo)


def _add_report(commands: Any) -> None:
    report = commands.add_parser(
        "report",
        allow_abbrev=False,
        help="open the fairness report of a run in the browser",
        description="Prints where the fairness report of a run is, and opens it in the browser.",
    )
    report.add_argument("run", metavar="RUN", help="the output folder of the run")
    report.add_argument("--no-open", action="store_true", help="only print the path")
    report.set_defaults(command=_report)


def _run(parsed: argparse.Namespace) -> int:
    values: dict[str, object] = read_options(parsed.config) if parsed.config else {}
    values.update({e.name: getattr(parsed, e.name) for e in option_fields() if getattr(parsed, e.name) is not None})
    run_job(RunConfig.from_mapping(values), verbose=parsed.verbose)
    return 0


def _demo(parsed: argparse.Namespace) -> int:
    from tfx_automl.pipelines.datasets import demo_config

    overrides = {name: getattr(parsed, name) for name in _DEMO_OPTIONS if getattr(parsed, name) is not None}
    run_job(demo_config(parsed.dataset, parsed.data_dir, overrides), verbose=parsed.verbose)
    return 0


def _report(parsed: argparse.Namespace) -> int:
    from tfx_automl.pipelines.reporting import show_report

    return show_report(parsed.run, open_it=not parsed.no_open)


def _doctor(parsed: argparse.Namespace) -> int:
    from tfx_automl.pipelines.doctor import doctor

    del parsed
    return doctor()


def read_options(path: str, flag: str = "--config", keep: bool = False) -> dict[str, object]:
    """Reads the options of a YAML file.

    Args:
        path: Of the file.
        flag: The option that named it, for messages.
        keep: Leave names as they are, which otherwise may have dashes for underscores.

    Raises:
        ConfigError: The file is missing, is not YAML, or holds something else than `option: value` lines.
    """
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            values = yaml.safe_load(file)
    except OSError as error:
        raise ConfigError(f"{flag}: cannot read {path}: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{flag}: {path} is not YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{flag}: {path} must hold lines such as `label: income`; got {type(values).__name__}.")
    return {str(key) if keep else str(key).replace("-", "_"): value for key, value in values.items()}

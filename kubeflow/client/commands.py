"""The commands that talk to a server, and the one that writes manifests. Imports nothing heavy."""

import argparse
from typing import Any

from tfx_automl import console
from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow.client import manifest, requests
from tfx_automl.kubeflow.client.python import python_for
from tfx_automl.kubeflow.client.server import Server
from tfx_automl.kubeflow.client.session import Session

_SERVER_FIELDS = ("target", "host", "namespace", "token_env", "project", "region", "network")


def add_commands(commands: Any) -> None:
    """Adds the commands.

    Args:
        commands: Of the parser of `tfx-automl`.
    """
    _add_submit(commands)
    _add_status(commands)
    _add_runs(commands)
    _add_cancel(commands)
    manifest.add_command(commands)


def _add_submit(commands: Any) -> None:
    parser = _command(commands, "submit", _submit, "run a compiled pipeline on Kubeflow Pipelines or Vertex")
    parser.add_argument("pipeline", metavar="PIPELINE.yaml", help="what `tfx-automl compile` wrote")
    parser.add_argument("--param", action="append", metavar="NAME=VALUE", help="a parameter of the pipeline; repeat it")
    parser.add_argument("--run-name", metavar="NAME", help="(default: the pipeline's and the time)")
    parser.add_argument("--experiment", metavar="NAME", help="to which the run belongs; made if it is not there")
    parser.add_argument("--service-account", metavar="NAME", help="under which the tasks run")
    parser.add_argument("--schedule", metavar="CRON", help="run it again and again: five fields, or six with seconds")
    parser.add_argument("--network", default="", metavar="NAME", help="full name of a network to peer with (Vertex)")
    _add_wait(parser)


def _add_status(commands: Any) -> None:
    parser = _command(commands, "status", _status, "show how a run and its tasks stand")
    parser.add_argument("run", metavar="RUN_ID", help="as submit and runs print it")
    _add_wait(parser)


def _add_runs(commands: Any) -> None:
    parser = _command(commands, "runs", _runs, "list the newest runs, or schedules")
    parser.add_argument("--experiment", default="", metavar="NAME", help="only of this experiment")
    parser.add_argument("--limit", default="20", metavar="N", help="how many (default: 20)")
    parser.add_argument("--schedules", action="store_true", help="schedules instead of runs")


def _add_cancel(commands: Any) -> None:
    parser = _command(commands, "cancel", _cancel, "end a run, or stop a schedule")
    parser.add_argument("run", metavar="ID", help="of the run, or of the schedule")
    parser.add_argument("--schedule", action="store_true", help="it is the id of a schedule")


def _command(commands: Any, name: str, run: Any, help_: str) -> Any:
    """Adds a command with the options that say which server is meant."""
    parser = commands.add_parser(name, allow_abbrev=False, help=help_)
    parser.add_argument("--target", default="kubeflow", metavar="kubeflow|vertex", help="(default: kubeflow)")
    parser.add_argument("--host", default="", metavar="URL", help="of Kubeflow Pipelines")
    parser.add_argument("--namespace", default="", metavar="NAME", help="yours, where several share a Kubeflow")
    parser.add_argument("--token-env", default="", metavar="NAME", help="variable of the environment with a token")
    parser.add_argument("--project", default="", metavar="NAME", help="of Google Cloud (Vertex)")
    parser.add_argument("--region", default="", metavar="NAME", help="of Google Cloud (Vertex)")
    parser.add_argument("--kfp-python", metavar="PATH", help="a Python with the SDK of Kubeflow Pipelines")
    parser.set_defaults(command=_guarded(run), network="")
    return parser


def _add_wait(parser: Any) -> None:
    parser.add_argument("--wait", action="store_true", help="follow the run; exit status 0 only if it succeeds")
    parser.add_argument("--interval", default="5", metavar="SECONDS", help="between two looks (default: 5)")


def _guarded(run: Any) -> Any:
    """Returns a command that says what Ctrl-C means here: a server does not stop."""

    def command(parsed: argparse.Namespace) -> int:
        try:
            status: int = run(parsed)
            return status
        except KeyboardInterrupt:
            console.line("Interrupted; `tfx-automl runs` shows what the server does.")
            return 130

    return command


def _server(parsed: argparse.Namespace) -> Server:
    return Server(**{name: getattr(parsed, name) for name in _SERVER_FIELDS})


def _session(parsed: argparse.Namespace, server: Server) -> Session:
    return Session(server, python_for(server.target, parsed.kfp_python))


def _number(text: str, flag: str, kind: Any, low: float) -> Any:
    """Returns a number that is not below a bound."""
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not low <= value < 1e6:
        raise ConfigError(f"{flag}: expected a number from {low} on, got {text!r}.")
    return value


def _submit(parsed: argparse.Namespace) -> int:
    server = _server(parsed)
    interval = _number(parsed.interval, "--interval", float, 0.05)
    wanted = requests.submission(parsed, server)
    with _session(parsed, server) as session:
        return requests.submit(session, wanted, parsed.wait, interval)


def _status(parsed: argparse.Namespace) -> int:
    server = _server(parsed)
    interval = _number(parsed.interval, "--interval", float, 0.05)
    with _session(parsed, server) as session:
        if parsed.wait:
            return requests.wait_for(session, parsed.run, interval)
        return requests.status(session, parsed.run)


def _runs(parsed: argparse.Namespace) -> int:
    server = _server(parsed)
    limit = _number(parsed.limit, "--limit", int, 1)
    if server.target == "vertex" and parsed.experiment:
        raise ConfigError("--experiment: Vertex cannot list the runs of one.")
    with _session(parsed, server) as session:
        listed = requests.list_schedules if parsed.schedules else requests.list_runs
        return listed(session, parsed.experiment, limit)


def _cancel(parsed: argparse.Namespace) -> int:
    with _session(parsed, _server(parsed)) as session:
        return requests.cancel(session, parsed.run, parsed.schedule)

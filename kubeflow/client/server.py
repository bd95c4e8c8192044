"""Which server is meant, and how one gets in: nothing of it is a secret."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from tfx_automl.errors import require
from tfx_automl.kubeflow.settings import TARGETS

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
# By which the SDK finds a server itself: its own variable, and one that Kubernetes sets in every pod.
_FOUND_BY = ("KF_PIPELINES_ENDPOINT", "KUBERNETES_SERVICE_HOST")


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server of Kubeflow Pipelines, or Vertex in a project and a region.

    Attributes:
        target: `kubeflow` or `vertex`.
        host: The URL of Kubeflow Pipelines; empty within its cluster. For Vertex another endpoint of its API, if any.
        namespace: The user's, where several share a Kubeflow.
        token_env: The name of the variable of the environment that holds a token.
        project: Of Google Cloud; Vertex only, as all that follows.
        region: Of Google Cloud.
        network: The full name of the network that runs are peered with.

    Raises:
        ConfigError: With one line for every mistake. No message repeats a password.
    """

    target: str = "kubeflow"
    host: str = ""
    namespace: str = ""
    token_env: str = ""
    project: str = ""
    region: str = ""
    network: str = ""

    def __post_init__(self) -> None:
        require((self.target in TARGETS, f"--target: expected {' or '.join(TARGETS)}, got {self.target!r}."))
        of_target = _of_vertex if self.target == "vertex" else _of_kubeflow
        require(*_of_host(self.host), *_of_token(self.token_env), *of_target(self))

    def arguments(self) -> dict[str, str]:
        """Returns what the SDK's side needs to know."""
        names = ("project", "region", "network") if self.target == "vertex" else ("namespace",)
        return {name: getattr(self, name) for name in ("target", "host", "token_env", *names)}

    def flags(self) -> str:
        """Returns the flags that name this server in another command."""
        names = ("host", "namespace", "token_env", "project", "region")
        given = [f"--{name.replace('_', '-')} {getattr(self, name)}" for name in names if getattr(self, name)]
        return " ".join([*(["--target vertex"] if self.target == "vertex" else []), *given])

    def without_secrets(self, text: str) -> str:
        """Returns a text in which the token, should it appear, is not readable."""
        token = os.environ.get(self.token_env, "") if self.token_env else ""
        return text.replace(token, "***") if token else text


def _of_host(host: str) -> Iterator[tuple[bool, str]]:
    if not host:
        return
    try:
        parts = urlsplit(host)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        yield False, "--host: this is no URL; expected one such as https://kubeflow.example.com/pipeline."
        return
    has_password = "@" in host or bool(parts.query or parts.fragment)
    yield (
        not has_password,
        "--host: a URL with a user, a password or a query would be shown in logs; put a token into a variable of the "
        "environment and give its name as --token-env.",
    )
    yield (
        has_password or whole,
        f"--host: expected a URL such as https://kubeflow.example.com/pipeline, got {host!r}.",
    )


def _of_token(name: str) -> Iterator[tuple[bool, str]]:
    if not name:
        return
    # What is no name may be the token itself, so it is not repeated.
    is_name = bool(_VARIABLE.fullmatch(name))
    yield is_name, "--token-env: expected the name of a variable of the environment, such as KFP_TOKEN."
    yield not is_name or bool(os.environ.get(name)), f"--token-env: the environment has no variable {name}."


def _of_kubeflow(server: Server) -> Iterator[tuple[bool, str]]:
    found = bool(server.host) or any(os.environ.get(name) for name in _FOUND_BY)
    yield found, "--host: give the URL of Kubeflow Pipelines, such as https://kubeflow.example.com/pipeline."
    valid = not server.namespace or bool(_NAMESPACE.fullmatch(server.namespace))
    yield valid, f"--namespace: expected a Kubernetes name such as team-a, got {server.namespace!r}."
    for name in ("project", "region", "network"):
        yield not getattr(server, name), f"--{name} is for --target vertex."


def _of_vertex(server: Server) -> Iterator[tuple[bool, str]]:
    for name in ("project", "region"):
        yield bool(getattr(server, name)), f"--{name}: --target vertex needs it."
    yield not server.namespace, "--namespace is for --target kubeflow."

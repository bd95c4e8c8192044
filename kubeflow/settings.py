"""What a task gets from the cluster, and how a pipeline is compiled."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from tfx_automl.errors import ConfigError, require

TARGETS = ("kubeflow", "vertex")
_CPU = re.compile(r"\d+(\.\d+)?|\d+m")
_MEMORY = re.compile(r"\d+(\.\d+)?([EPTGMK]i?)?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SCHEMES = ("gs://", "s3://", "minio://", "/")
# What there is on Kubernetes only.
_OF_KUBERNETES = ("node_selector", "secret_env", "secret_volumes", "volumes")


@dataclass(frozen=True, kw_only=True)
class TaskSettings:
    """What one component gets; what is not given stays as the cluster has it.

    Attributes:
        cpu: Cores, as `4`, `0.5` or `500m`: request and limit.
        memory: Bytes, as `16Gi` or `16G`: request and limit.
        accelerator: Kind of accelerator: the name of a Kubernetes resource (`nvidia.com/gpu`), or Vertex's name of a
            type (`NVIDIA_TESLA_T4`).
        accelerators: How many of them.
        node_selector: Labels that the node must have. Kubernetes only, as all that follows but `retries`, `env` and
            `cache`.
        retries: How often a failed task is tried again.
        backoff: Seconds before the first retry; twice as many before each that follows.
        env: Variables of the environment.
        secret_env: By variable of the environment, the secret and the key in it: `{"TOKEN": ("hub", "token")}`.
        secret_volumes: By folder, the secret whose keys are the files in it.
        volumes: By folder, the persistent volume claim that is mounted there.
        cache: Whether an earlier result may be used; None leaves it to the pipeline. For components whose driver looks
            at files (ExampleGen) the pipeline's own choice is off: the cluster would not see that files changed.

    Raises:
        ConfigError: With one line for every mistake.
    """

    cpu: str | None = None
    memory: str | None = None
    accelerator: str | None = None
    accelerators: int = 1
    node_selector: Mapping[str, str] = field(default_factory=dict)
    retries: int = 0
    backoff: int = 10
    env: Mapping[str, str] = field(default_factory=dict)
    secret_env: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    secret_volumes: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    cache: bool | None = None

    def __post_init__(self) -> None:
        require(*_kinds(self))
        for name in ("node_selector", "env", "secret_env", "secret_volumes", "volumes"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        pairs = {variable: tuple(pair) for variable, pair in self.secret_env.items()}
        object.__setattr__(self, "secret_env", MappingProxyType(pairs))
        require(*_ranges(self))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "TaskSettings":
        """Builds settings from what a person wrote in YAML.

        Raises:
            ConfigError: With one line for every unknown name, or for every wrong value.
        """
        known = [entry.name for entry in fields(cls)]
        require(*((name in known, _unknown("setting", name, known)) for name in values))
        written = {name: str(value) for name, value in values.items() if name in ("cpu", "memory")}
        return cls(**{**values, **written})


def _kinds(settings: TaskSettings) -> Iterable[tuple[bool, str]]:
    """Yields what must hold for the values to be of their kinds."""
    for name in ("node_selector", "env", "secret_volumes", "volumes"):
        value = getattr(settings, name)
        texts = isinstance(value, Mapping) and all(isinstance(part, str) for item in value.items() for part in item)
        yield texts, f"{name}: expected texts by text (numbers and yes in quotes), got {value!r}."
    value = settings.secret_env
    pairs = isinstance(value, Mapping) and all(
        isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair)
        for pair in value.values()
    )
    yield pairs, f"secret_env: expected a secret and a key by variable, as TOKEN: [hub, token]; got {value!r}."
    for name in ("accelerators", "retries", "backoff"):
        number = getattr(settings, name)
        yield type(number) is int, f"{name}: expected a whole number, got {number!r}."
    yield settings.cache in (None, True, False), f"cache: expected true or false, got {settings.cache!r}."
    for name in ("cpu", "memory", "accelerator"):
        text = getattr(settings, name)
        yield text is None or isinstance(text, str), f"{name}: expected a text, got {text!r}."


def _ranges(settings: TaskSettings) -> Iterable[tuple[bool, str]]:
    cpu, memory = settings.cpu, settings.memory
    yield cpu is None or bool(_CPU.fullmatch(cpu)), f"cpu: expected cores as 4, 0.5 or 500m, got {cpu!r}."
    yield (
        memory is None or bool(_MEMORY.fullmatch(memory)),
        f"memory: expected bytes as 16Gi, 16G or 17179869184, got {memory!r}.",
    )
    yield settings.accelerators >= 1, f"accelerators: expected 1 or more, got {settings.accelerators}."
    yield settings.retries >= 0, f"retries: expected 0 or more, got {settings.retries}."
    yield settings.backoff >= 0, f"backoff: expected seconds, 0 or more, got {settings.backoff}."
    for variable in (*settings.env, *settings.secret_env):
        yield bool(_VARIABLE.fullmatch(variable)), f"{variable!r} cannot be the name of a variable of the environment."
    both = sorted(set(settings.env) & set(settings.secret_env))
    yield not both, f"env and secret_env both set {', '.join(both)}."
    for folder in (*settings.secret_volumes, *settings.volumes):
        yield folder.startswith("/"), f"{folder!r}: a volume is mounted at an absolute path."
    twice = sorted(set(settings.secret_volumes) & set(settings.volumes))
    yield not twice, f"secret_volumes and volumes both mount something at {', '.join(twice)}."


@dataclass(frozen=True, kw_only=True)
class KubeflowConfig:
    """How a pipeline is compiled.

    Attributes:
        image: The container image with this package and everything that the components import.
        pipeline_root: Where artifacts go: gs://, s3:// or minio://; or a path, for runs on one machine.
        target: `kubeflow` (open source, version 2) or `vertex`.
        settings: By component id, what it gets.
        defaults: What every component gets that has no settings of its own.
        history: Where tasks note what they made, for the Resolvers of later runs; by default a folder in the pipeline
            root. Only pipelines with a Resolver use it.
        python: The command that runs Python in the image.

    Raises:
        ConfigError: With one line for every mistake.
    """

    image: str
    pipeline_root: str
    target: str = "kubeflow"
    settings: Mapping[str, TaskSettings] = field(default_factory=dict)
    defaults: TaskSettings = field(default_factory=TaskSettings)
    history: str = ""
    python: str = "python"

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", MappingProxyType(dict(self.settings)))
        object.__setattr__(self, "pipeline_root", self.pipeline_root.rstrip("/"))
        object.__setattr__(self, "history", (self.history or f"{self.pipeline_root}/history").rstrip("/"))
        require(
            (self.target in TARGETS, f"--target: expected {' or '.join(TARGETS)}, got {self.target!r}."),
            (bool(self.image.strip()), "--image: name the container image that the tasks run in."),
            (
                self.pipeline_root.startswith(_SCHEMES),
                f"--pipeline-root: expected gs://, s3://, minio:// or an absolute path, got {self.pipeline_root!r}.",
            ),
            (
                self.target != "vertex" or self.pipeline_root.startswith("gs://"),
                f"--pipeline-root: Vertex keeps artifacts in gs:// only, got {self.pipeline_root!r}.",
            ),
            *self._of_vertex(),
        )

    def of(self, component: str) -> TaskSettings:
        """Returns the settings of a component."""
        return self.settings.get(component, self.defaults)

    def check_ids(self, known: Iterable[str]) -> None:
        """Refuses settings for components that the pipeline does not have.

        Raises:
            ConfigError: With one line for each.
        """
        ids = sorted(known)
        require(*((name in ids, _unknown("component", name, ids)) for name in self.settings))

    def _of_vertex(self) -> Iterable[tuple[bool, str]]:
        if self.target != "vertex":
            return
        for name, settings in {**self.settings, "every component": self.defaults}.items():
            for setting in _OF_KUBERNETES:
                yield (
                    not getattr(settings, setting),
                    f"{name}: {setting} is for Kubernetes; Vertex has no such thing. Leave it out, or compile with "
                    "--target kubeflow.",
                )


def settings_from_mapping(values: Mapping[str, Any]) -> tuple[TaskSettings, dict[str, TaskSettings]]:
    """Reads the settings of all components.

    Args:
        values: By component id, the settings; those of `default` go to all others.

    Returns:
        The defaults, and the settings by component, each completed with the defaults.

    Raises:
        ConfigError: With one line for every mistake, which names the component.
    """
    problems: list[str] = []
    found: dict[str, TaskSettings] = {}
    default = values.get("default") or {}
    for name in ("default", *(name for name in values if name != "default")):
        own = values.get(name) or {}
        try:
            require((isinstance(own, Mapping), f"expected lines such as `memory: 16Gi`, got {own!r}."))
            found[name] = TaskSettings.from_mapping({**(default if isinstance(default, Mapping) else {}), **own})
        except ConfigError as error:
            problems += [f"{name}: {problem}" for problem in error.problems]
    if problems:
        raise ConfigError(problems)
    return found.pop("default"), found


def _unknown(what: str, name: object, known: list[str]) -> str:
    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Known are: {', '.join(known)}."
    return f"There is no {what} {name!r}. {hint}"

"""A manifest with which Kubernetes serves a pushed model, by KServe or by TensorFlow Serving alone."""

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfx_automl import console
from tfx_automl.errors import require
from tfx_automl.files import write_in_one_step
from tfx_automl.kubeflow.yaml_text import to_yaml

KINDS = ("kserve", "tf-serving")
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_CPU = re.compile(r"\d+(\.\d+)?|\d+m")
_MEMORY = re.compile(r"\d+(\.\d+)?([EPTGMK]i?)?")
# TensorFlow Serving itself cannot read S3 since its version 2.7; KServe copies the model before it starts.
_SCHEMES = {"kserve": ("gs://", "s3://", "pvc://", "hdfs://"), "tf-serving": ("gs://", "pvc://")}
_VOLUME = re.compile(r"pvc://([^/]+)/(.+)")
_VERSION = re.compile(r"/\d+$")
_REST, _GRPC = 8501, 8500
_IMAGE = "tensorflow/serving:2.19.1"
_MOUNT = "/models"


@dataclass(frozen=True, kw_only=True)
class Serving:
    """A model that is to be served.

    Attributes:
        model_uri: The folder that Pusher pushes to, with one folder per version in it. `pvc://CLAIM/PATH` is a path in
            a persistent volume claim.
        name: Of the model and its service.
        kind: `kserve` or `tf-serving`.
        namespace: Of Kubernetes; empty for that of whoever applies the manifest.
        service_account: That may read the bucket; empty for the namespace's default.
        cpu: Cores: request and limit.
        memory: Bytes, as `2Gi`: request and limit.
        replicas: How many servers there are; with KServe, at least.
        image: Of TensorFlow Serving; `tf-serving` only.

    Raises:
        ConfigError: With one line for every mistake.
    """

    model_uri: str
    name: str
    kind: str = "kserve"
    namespace: str = ""
    service_account: str = ""
    cpu: str = "1"
    memory: str = "2Gi"
    replicas: int = 1
    image: str = _IMAGE

    def __post_init__(self) -> None:
        require(
            (self.kind in KINDS, f"--kind: expected {' or '.join(KINDS)}, got {self.kind!r}."),
            ("@" not in self.model_uri, "--model-uri: a URI with a user or a password in it would be readable."),
        )
        schemes = _SCHEMES[self.kind]
        require(
            (
                self.model_uri.startswith(schemes) and len(self.model_uri.strip("/").split("/")) > 3,
                f"--model-uri: {self.kind} reads a folder at {', '.join(schemes)}; got {self.model_uri!r}.",
            ),
            _is_name("--name", self.name),
            *(_is_name(flag, getattr(self, field)) for flag, field in _OPTIONAL_NAMES if getattr(self, field)),
            (bool(_CPU.fullmatch(self.cpu)), f"--cpu: expected cores such as 1, 0.5 or 500m, got {self.cpu!r}."),
            (bool(_MEMORY.fullmatch(self.memory)), f"--memory: expected bytes such as 2Gi, got {self.memory!r}."),
            (1 <= self.replicas <= 1000, f"--replicas: expected 1 to 1000, got {self.replicas}."),
        )

    @property
    def base(self) -> str:
        """The folder with the versions; KServe and TensorFlow Serving want that, not a version."""
        return _VERSION.sub("", self.model_uri.rstrip("/"))

    def yaml(self) -> str:
        """Returns the manifest."""
        return to_yaml(*(_kserve(self) if self.kind == "kserve" else _tf_serving(self)))


_OPTIONAL_NAMES = (("--namespace", "namespace"), ("--service-account", "service_account"))


def _is_name(flag: str, name: str) -> tuple[bool, str]:
    wanted = "a Kubernetes name: small letters, digits and dashes, a letter first"
    return bool(_NAME.fullmatch(name)), f"{flag}: expected {wanted}, got {name!r}."


def _kserve(serving: Serving) -> tuple[Mapping[str, Any], ...]:
    predictor: dict[str, Any] = {
        "minReplicas": serving.replicas,
        "model": {
            "modelFormat": {"name": "tensorflow"},
            "storageUri": serving.base,
            "resources": _resources(serving),
        },
    }
    predictor |= _account(serving)
    return (
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": _metadata(serving),
            "spec": {"predictor": predictor},
        },
    )


def _tf_serving(serving: Serving) -> tuple[Mapping[str, Any], ...]:
    labels = {"app": serving.name}
    pod: dict[str, Any] = {"containers": [_container(serving)], **_account(serving)}
    if volume := _VOLUME.fullmatch(serving.base):
        claim = {"claimName": volume[1], "readOnly": True}
        pod["volumes"] = [{"name": "models", "persistentVolumeClaim": claim}]
    deployment = {
        "replicas": serving.replicas,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    ports = [{"name": name, "port": port, "targetPort": port} for name, port in (("grpc", _GRPC), ("rest", _REST))]
    return (
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _metadata(serving), "spec": deployment},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _metadata(serving),
            "spec": {"selector": labels, "ports": ports},
        },
    )


def _container(serving: Serving) -> dict[str, Any]:
    volume = _VOLUME.fullmatch(serving.base)
    base = f"{_MOUNT}/{volume[2]}" if volume else serving.base
    flags = {"port": _GRPC, "rest_api_port": _REST, "model_name": serving.name, "model_base_path": base}
    ready = {"httpGet": {"path": f"/v1/models/{serving.name}", "port": _REST}, "periodSeconds": 10}
    container: dict[str, Any] = {
        "name": "serving",
        "image": serving.image,
        # Not the image's own entry point, which sets these flags, too.
        "command": ["/usr/bin/tensorflow_model_server"],
        "args": [f"--{name}={value}" for name, value in flags.items()],
        "ports": [{"name": "grpc", "containerPort": _GRPC}, {"name": "rest", "containerPort": _REST}],
        "readinessProbe": ready,
        "resources": _resources(serving),
    }
    if volume:
        container["volumeMounts"] = [{"name": "models", "mountPath": _MOUNT, "readOnly": True}]
    return container


def _metadata(serving: Serving) -> dict[str, Any]:
    place = {"namespace": serving.namespace} if serving.namespace else {}
    return {"name": serving.name, "labels": {"app": serving.name}, **place}


def _account(serving: Serving) -> dict[str, Any]:
    return {"serviceAccountName": serving.service_account} if serving.service_account else {}


def _resources(serving: Serving) -> dict[str, Any]:
    amount = {"cpu": serving.cpu, "memory": serving.memory}
    return {"requests": amount, "limits": amount}


def add_command(commands: Any) -> None:
    """Adds the command.

    Args:
        commands: Of the parser of `tfx-automl`.
    """
    parser = commands.add_parser(
        "serve-manifest",
        allow_abbrev=False,
        help="write a manifest for KServe or TensorFlow Serving",
        description="Writes what `kubectl apply -f` needs to serve a pushed model.",
    )
    parser.add_argument("--model-uri", required=True, metavar="URI", help="the folder that Pusher pushes to")
    parser.add_argument("--name", required=True, metavar="NAME", help="of the model and its service")
    parser.add_argument("--kind", default="kserve", metavar="|".join(KINDS), help="(default: kserve)")
    parser.add_argument("--namespace", default="", metavar="NAME", help="of Kubernetes")
    parser.add_argument("--service-account", default="", metavar="NAME", help="that may read the bucket")
    parser.add_argument("--cpu", default="1", metavar="CORES", help="(default: 1)")
    parser.add_argument("--memory", default="2Gi", metavar="BYTES", help="(default: 2Gi)")
    parser.add_argument("--replicas", default="1", metavar="N", help="how many servers (default: 1)")
    parser.add_argument("--image", default=_IMAGE, metavar="IMAGE", help=f"for tf-serving (default: {_IMAGE})")
    parser.add_argument("-o", "--output", required=True, metavar="FILE.yaml", help="the file to write")
    parser.set_defaults(command=_write)


def _write(parsed: argparse.Namespace) -> int:
    require((parsed.replicas.isdecimal(), f"--replicas: expected a whole number, got {parsed.replicas!r}."))
    texts = ("model_uri", "name", "kind", "namespace", "service_account", "cpu", "memory", "image")
    serving = Serving(**{name: getattr(parsed, name) for name in texts}, replicas=int(parsed.replicas))
    target = Path(parsed.output)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_in_one_step(target, serving.yaml())
    console.line(f"{parsed.output}: {serving.name} from {serving.base}, by {serving.kind}")
    console.line(f"kubectl apply -f {parsed.output}")
    return 0

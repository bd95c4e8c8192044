"""What a task gets from the cluster, as the platform wants it said."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tfx_automl.kubeflow.settings import TaskSettings

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}
_UNITS |= {f"{name}i": 1024**power for power, name in enumerate("KMGTPE", start=1)}


def with_settings(executor: Mapping[str, Any], settings: TaskSettings, target: str) -> dict[str, Any]:
    """Returns an executor with resources and environment.

    Args:
        executor: A container; anything else stays as it is.
        settings: Of its task.
        target: `kubeflow` or `vertex`.
    """
    if "container" not in executor:
        return dict(executor)
    container = dict(executor["container"])
    if resources := _resources(settings, target):
        container["resources"] = resources
    if settings.env:
        container["env"] = [{"name": name, "value": value} for name, value in sorted(settings.env.items())]
    return {"container": container}


def retry_policy(settings: TaskSettings) -> dict[str, Any]:
    """Returns how often and when a task is tried again; empty if it is not."""
    if not settings.retries:
        return {}
    return {
        "maxRetryCount": settings.retries,
        "backoffDuration": f"{settings.backoff}s",
        "backoffFactor": 2.0,
        "backoffMaxDuration": "3600s",
    }


def kubernetes(executors: Iterable[tuple[str, TaskSettings]]) -> dict[str, Any] | None:
    """Returns what only Kubernetes has, as the second document of a pipeline; None if nothing is asked for.

    Args:
        executors: Labels of the executors, with the settings of each.
    """
    found = {label: entry for label, settings in executors if (entry := _of_kubernetes(settings))}
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": found}}}} if found else None


def _resources(settings: TaskSettings, target: str) -> dict[str, Any]:
    # Open-source Kubeflow reads the texts since 2.4, and the numbers before; Vertex the numbers.
    result: dict[str, Any] = {}
    texts = target == "kubeflow"
    if settings.cpu is not None:
        cores = float(settings.cpu[:-1]) / 1000 if settings.cpu.endswith("m") else float(settings.cpu)
        result |= {"cpuLimit": cores, "cpuRequest": cores}
        result |= {"resourceCpuLimit": settings.cpu, "resourceCpuRequest": settings.cpu} if texts else {}
    if settings.memory is not None:
        gigabytes = _bytes(settings.memory) / 1e9
        result |= {"memoryLimit": gigabytes, "memoryRequest": gigabytes}
        result |= {"resourceMemoryLimit": settings.memory, "resourceMemoryRequest": settings.memory} if texts else {}
    if settings.accelerator is not None:
        count = str(settings.accelerators)  # a 64-bit number, which JSON of a proto has as text
        result["accelerator"] = {"type": settings.accelerator, "count": count}
        result["accelerator"] |= {"resourceType": settings.accelerator, "resourceCount": count} if texts else {}
    return result


def _bytes(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(\w*)", text).groups()  # type: ignore[union-attr]  # settings are checked
    return float(number) * _UNITS[unit]


def _constant(value: str) -> dict[str, Any]:
    return {"runtimeValue": {"constant": value}}


def _of_kubernetes(settings: TaskSettings) -> dict[str, Any]:
    result: dict[str, Any] = {}
    if settings.node_selector:
        result["nodeSelector"] = {"labels": dict(settings.node_selector)}
    if settings.secret_env:
        result["secretAsEnv"] = [
            _secret(secret) | {"keyToEnv": [{"envVar": variable, "secretKey": key}]}
            for variable, (secret, key) in sorted(settings.secret_env.items())
        ]
    if settings.secret_volumes:
        result["secretAsVolume"] = [
            _secret(secret) | {"mountPath": folder} for folder, secret in sorted(settings.secret_volumes.items())
        ]
    if settings.volumes:
        result["pvcMount"] = [
            {"constant": claim, "mountPath": folder, "pvcNameParameter": _constant(claim)}
            for folder, claim in sorted(settings.volumes.items())
        ]
    return result


def _secret(name: str) -> dict[str, Any]:
    # Older backends read the plain name, newer ones the parameter.
    return {"secretName": name, "secretNameParameter": _constant(name), "optional": False}

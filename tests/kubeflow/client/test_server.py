"""Which server is meant; secrets are neither taken on the command line nor shown."""

import sys

import pytest

from tfx_automl.errors import ConfigError
from tfx_automl.kubeflow.client.python import python_for
from tfx_automl.kubeflow.client.server import Server

HOST = "https://kubeflow.example.com/pipeline"
VERTEX = {"target": "vertex", "project": "birds", "region": "europe-west4"}


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"host": "https://me:s3cret@example.com"}, "--host: a URL with a user, a password or a query"),
        ({"host": "https://example.com/?token=s3cret"}, "--host: a URL with a user, a password or a query"),
        ({"host": "https://example.com/#s3cret"}, "--host: a URL with a user, a password or a query"),
        ({"host": "me:s3cret@example.com"}, "--host: "),
        ({"host": "example.com"}, "--host: expected a URL such as https://.*, got 'example.com'"),
        ({"host": "https://example.com:s3cret"}, "--host: this is no URL"),
        ({"host": "ftp://example.com"}, "--host: expected a URL"),
        ({}, "--host: give the URL of Kubeflow Pipelines"),
        ({"host": HOST, "token_env": "eyJhbGci.s3cret"}, "--token-env: expected the name of a variable"),
        ({"host": HOST, "token_env": "NO_SUCH_TOKEN"}, "--token-env: the environment has no variable NO_SUCH_TOKEN"),
        ({"host": HOST, "namespace": "Team A"}, "--namespace: expected a Kubernetes name such as team-a, got 'Team A'"),
        ({"host": HOST, "project": "birds"}, "--project is for --target vertex"),
        ({"host": HOST, "target": "vertx"}, "--target: expected kubeflow or vertex, got 'vertx'"),
        ({"target": "vertex", "region": "europe-west4"}, "--project: --target vertex needs it"),
        ({**VERTEX, "namespace": "a"}, "--namespace is for --target kubeflow"),
    ],
)
def test_mistakes(options, complaint):
    with pytest.raises(ConfigError, match=complaint) as caught:
        Server(**options)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("variable", ["KF_PIPELINES_ENDPOINT", "KUBERNETES_SERVICE_HOST"])
def test_server_that_the_sdk_finds(monkeypatch, variable):
    monkeypatch.setenv(variable, "somewhere")
    assert Server().flags() == ""


def test_flags_name_the_server_again(monkeypatch):
    monkeypatch.setenv("TOKEN", "s3cret")
    server = Server(host=HOST, namespace="a", token_env="TOKEN")
    assert server.flags() == f"--host {HOST} --namespace a --token-env TOKEN"
    assert Server(**VERTEX).flags() == "--target vertex --project birds --region europe-west4"


def test_no_argument_holds_the_token(monkeypatch):
    monkeypatch.setenv("TOKEN", "s3cret")
    server = Server(host=HOST, token_env="TOKEN")
    assert server.arguments() == {"target": "kubeflow", "host": HOST, "token_env": "TOKEN", "namespace": ""}
    assert server.without_secrets("a s3cret, s3cret") == "a ***, ***"
    assert Server(host=HOST).without_secrets("a s3cret") == "a s3cret"


def test_python_that_is_given(monkeypatch, tmp_path):
    monkeypatch.setenv("TFX_AUTOML_KFP_PYTHON", sys.executable)
    assert python_for("kubeflow", None, tmp_path / "none") == sys.executable
    with pytest.raises(ConfigError, match=r"--kfp-python: .*none is not a Python that can be run\. Run `make kfp`"):
        python_for("kubeflow", str(tmp_path / "none"))
    monkeypatch.setenv("TFX_AUTOML_KFP_PYTHON", str(tmp_path))
    with pytest.raises(ConfigError, match=r"TFX_AUTOML_KFP_PYTHON: .* is not a Python that can be run"):
        python_for("kubeflow", None)


@pytest.mark.parametrize(("version", "is_taken"), [("2.17.0", True), ("1.8.22", False), (None, False)])
def test_python_that_has_the_sdk(monkeypatch, tmp_path, version, is_taken):
    import importlib.metadata

    def found(name):
        if name == "kfp" and version:
            return version
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", found)
    built = tmp_path / "python"
    built.touch()
    assert python_for("kubeflow", None, built) == (sys.executable if is_taken else str(built))
    built.unlink()
    if not is_taken:
        with pytest.raises(ConfigError, match=r"is not installed for this Python\. Run `make kfp` .*pip install kfp=="):
            python_for("kubeflow", None, built)


def test_vertex_needs_no_other_python(tmp_path):
    assert python_for("vertex", str(tmp_path), tmp_path / "none") == sys.executable

"""What runs under another Python."""

import ast
import json
import subprocess
import sys

import pytest

from tfx_automl.kubeflow.client.sdk.failures import message_of, of_status

SDK = "tfx_automl.kubeflow.client.sdk"


def test_it_imports_only_the_standard_library_and_itself(repository):
    for path in (repository / "kubeflow" / "client" / "sdk").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            wrong = [name for name in names if name.split(".")[0] not in sys.stdlib_module_names and SDK not in name]
            assert wrong == [], path.name


def test_requests_and_answers(repository):
    program = repository / "kubeflow" / "client" / "sdk" / "__main__.py"
    requests = [
        {"call": "load", "arguments": {"target": "nowhere"}},
        {"call": "steal", "arguments": {}},
        {"call": "run", "arguments": {"run_id": "1"}},
    ]
    sent = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run([sys.executable, "-I", str(program)], input=sent, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["failure"] for answer in answers] == ["sdk", "sdk", "sdk"]
    assert "No module named" in answers[0]["message"]
    assert answers[1]["message"] == "there is no call 'steal'"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "refused"),
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "missing"),
        (409, "refused"),
        (429, "unreachable"),
        (500, "unreachable"),
        (503, "unreachable"),
    ],
)
def test_kinds(status, kind):
    assert of_status(status, "why").kind == kind


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": "a", "message": "b"}', "b"),
        ('{"error": "a"}', "a"),
        ("plain words\n", "plain words"),
        ("<html>", ""),
        (None, ""),
        ("[1]", "[1]"),
    ],
)
def test_messages(body, message):
    assert message_of(body) == message
